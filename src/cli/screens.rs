//! What shows a run: the callbacks that options and settings ask for.

use std::{io::IsTerminal, path::PathBuf, sync::Arc};

use report::{
    AdhocScreen, JsonReport, Junit, JunitSettings, Live, LogFile, Masks, Nothing, Profile,
    ProfileBy, ProfileOrder, ResultFolder, ResultFormat, Screen, ScreenSettings, Several, Show,
    Timer,
};
use run::{RunSettings, Store};

use plugins::Callbacks;

use crate::{Failed, Program, callbacks, running::paint, session::Session, settings::Settings};

/// Callbacks that show a run on the screen.
const ON_SCREEN: &str = "default, json, minimal, oneline, skippy, yaml, null";

/// Callbacks of known collections that only look different: where they are not installed, the
/// default stands in for them.
const ELSEWHERE: &[&str] = &[
    "actionable",
    "beautiful_output",
    "counter_enabled",
    "debug",
    "default_without_diff",
    "dense",
    "diy",
    "full_skip",
    "print_task",
    "selective",
    "stderr",
    "tasks_only",
    "timestamp",
    "unixy",
];

/// Callbacks that stand beside it.
const BESIDE: &str = "timer, profile_tasks, profile_roles, junit, tree";

/// Names of all callbacks.
pub fn names() -> impl Iterator<Item = &'static str> {
    ON_SCREEN.split(", ").chain(BESIDE.split(", "))
}

/// Makes what shows a run.
pub struct Screens<'a> {
    pub session: &'a Session,
    pub settings: &'a Settings,
    pub run: &'a RunSettings,
    pub program: Program,
    pub masks: &'a Arc<Masks>,
    pub store: &'a Arc<Store>,
    /// Those in Python.
    pub callbacks: &'a Callbacks,
    /// The playbooks as they were given.
    pub playbooks: &'a [String],
}

/// The callbacks in Python that take part in a run: those in the folders of plugins, and those that
/// settings name and that are not native. Nothing is started.
pub fn callbacks_of(session: &Session) -> Callbacks {
    let enabled = enabled(&session.settings);
    let plugins = &session.plugins;
    let mut beside = plugins.callbacks(&enabled);
    for name in &enabled {
        let is_there = beside.iter().any(|known| known.name == *name);
        if !is_there && !is_native(name, &names().collect::<Vec<_>>()) {
            beside.extend(plugins.callback(name));
        }
    }
    let screen = session.settings.get("DEFAULT_STDOUT_CALLBACK").and_then(|name| {
        let found = plugins.callback(&name)?;
        // What is beside the playbook comes before what is native, collections after it.
        let is_beside = !name.contains('.') && !found.is_of_collection();
        let natives: Vec<&str> = ON_SCREEN.split(", ").collect();
        (is_beside || !is_native(&name, &natives)).then_some(found)
    });
    Callbacks { screen, beside, enabled }
}

/// The names that settings enable.
fn enabled(settings: &Settings) -> Vec<String> {
    let mut names = settings.list("CALLBACK_WHITELIST").unwrap_or_default();
    names.extend(settings.list("CALLBACKS_ENABLED").unwrap_or_default());
    names
}

/// Whether a name is that of something native: without a collection, or with the one it is from.
fn is_native(name: &str, natives: &[&str]) -> bool {
    const HOMES: &[&str] =
        &["ansible.builtin", "ansible.legacy", "ansible.posix", "community.general"];
    match name.rsplit_once('.') {
        None => natives.contains(&name),
        Some((home, short)) => HOMES.contains(&home) && natives.contains(&short),
    }
}

impl Screens<'_> {
    /// The screen of playbooks, and what stands beside it.
    ///
    /// # Errors
    /// A setting that is wrong, or a callback that is not there.
    pub fn of_playbooks(&self) -> Result<Box<dyn Show>, Failed> {
        let is_terminal = std::io::stdout().is_terminal();
        let moves = is_terminal && !self.program.is_ansible() && !self.run.step;
        let live = self.live(moves)?;
        let name = self.settings.get("DEFAULT_STDOUT_CALLBACK");
        let mut all = match self.callbacks.screen {
            Some(_) => Vec::new(),
            None => vec![self.on_screen(name.as_deref().unwrap_or("default"), &live)?],
        };
        all.extend(self.in_python(self.callbacks, &live)?);
        all.extend(self.beside(&live)?);
        Ok(Box::new(Several(all)))
    }

    /// The screen of one module on hosts.
    ///
    /// # Errors
    /// A setting that is wrong, or a callback that is not there.
    pub fn of_module(
        &self,
        one_line: bool,
        folder: Option<PathBuf>,
    ) -> Result<Box<dyn Show>, Failed> {
        let live = self.live(false)?;
        let loads = self.settings.flag("DEFAULT_LOAD_CALLBACK_PLUGINS")?.unwrap_or(false);
        let chosen = self.settings.get("DEFAULT_STDOUT_CALLBACK").filter(|_| loads);
        let name = match chosen.as_deref() {
            _ if one_line => "oneline",
            Some(name) if name != "default" => name,
            _ => "minimal",
        };
        let is_brought = loads && !one_line && self.callbacks.screen.is_some();
        let mut all = match is_brought {
            true => Vec::new(),
            false => vec![self.on_screen(name, &live)?],
        };
        if let Some(folder) = folder {
            all.push(self.results_in(folder)?);
        }
        if loads {
            let screen = self.callbacks.screen.clone().filter(|_| is_brought);
            let callbacks = Callbacks { screen, ..self.callbacks.clone() };
            all.extend(self.in_python(&callbacks, &live)?);
            all.extend(self.beside(&live)?);
        }
        Ok(Box::new(Several(all)))
    }

    /// What tells callbacks in Python, if there are any.
    fn in_python(
        &self,
        callbacks: &Callbacks,
        live: &Arc<Live>,
    ) -> Result<Option<Box<dyn Show>>, Failed> {
        if callbacks.is_empty() {
            return Ok(None);
        }
        let around = callbacks::Surrounding {
            session: self.session,
            store: self.store,
            run: self.run,
            live,
            is_painted: paint(self.settings)? == report::Paint::Colour,
            playbooks: self.playbooks,
        };
        Ok(Some(Box::new(callbacks::load(callbacks, &around)?)))
    }

    fn live(&self, moves: bool) -> Result<Arc<Live>, Failed> {
        let log = match self.settings.path("DEFAULT_LOG_PATH") {
            None => None,
            Some(path) => {
                let verbosity = match self.settings.number("LOG_VERBOSITY")? {
                    None => self.run.verbosity,
                    Some(number) => u8::try_from(number).unwrap_or(u8::MAX),
                };
                let log = LogFile::open(&path, &self.settings.user(), verbosity);
                if let Err(error) = &log {
                    eprintln!(
                        "[WARNING]: log file at {} is not writeable and we cannot create it, aborting: {error}",
                        path.display()
                    );
                }
                log.ok()
            }
        };
        Ok(Arc::new(Live::new(moves, Arc::clone(self.masks)).with_log(log)))
    }

    fn on_screen(&self, name: &str, live: &Arc<Live>) -> Result<Box<dyn Show>, Failed> {
        let live = Arc::clone(live);
        Ok(match short(name) {
            "default" => Box::new(Screen::new(self.screen_settings()?, live)),
            "yaml" => {
                let settings = ScreenSettings {
                    result_format: ResultFormat::YamlWithHead,
                    ..self.screen_settings()?
                };
                Box::new(Screen::new(settings, live))
            }
            "json" => Box::new(JsonReport::new(live)),
            "null" => Box::new(Nothing),
            "minimal" | "oneline" => Box::new(AdhocScreen {
                live,
                paint: paint(self.settings)?,
                verbosity: self.run.verbosity,
                one_line: short(name) == "oneline",
                shows_diff: self.run.diff,
                diff_context_lines: diff_context_lines(self.settings)?,
            }),
            "skippy" => {
                let settings = ScreenSettings { shows_skipped: false, ..self.screen_settings()? };
                Box::new(Screen::new(settings, live))
            }
            known if ELSEWHERE.contains(&known) => {
                eprintln!(
                    "[WARNING]: the callback {name} is not installed here: the default one shows \
                     the run ({ON_SCREEN} are built in)"
                );
                Box::new(Screen::new(self.screen_settings()?, live))
            }
            _ => {
                return Err(Failed::general(format!(
                    "Invalid callback for stdout specified: {name}; there are {ON_SCREEN}"
                )));
            }
        })
    }

    fn screen_settings(&self) -> Result<ScreenSettings, Failed> {
        const COLUMNS_MIN: usize = 79;
        let settings = self.settings;
        let flag = |name: &str, default: bool| -> Result<bool, Failed> {
            Ok(settings.flag(name)?.unwrap_or(default))
        };
        let columns = settings
            .environment
            .get("COLUMNS")
            .filter(|_| std::io::stdout().is_terminal())
            .and_then(|columns| columns.parse::<usize>().ok())
            .map_or(COLUMNS_MIN, |columns| columns.saturating_sub(1).max(COLUMNS_MIN));
        let result_format = match settings.get("CALLBACK_RESULT_FORMAT").as_deref() {
            None | Some("json") => ResultFormat::Json,
            Some("yaml") => ResultFormat::Yaml,
            Some(other) => {
                return Err(Failed::option(format!(
                    "callback_result_format is '{other}': it is json or yaml"
                )));
            }
        };
        Ok(ScreenSettings {
            paint: paint(settings)?,
            verbosity: self.run.verbosity,
            columns,
            shows_skipped: flag("DISPLAY_SKIPPED_HOSTS", true)?,
            shows_ok: flag("DISPLAY_OK_HOSTS", true)?,
            failures_to_stderr: flag("DISPLAY_FAILED_STDERR", false)?,
            explains: !self.program.is_ansible(),
            marks_check: flag("CHECK_MODE_MARKERS", false)?,
            is_check: self.run.check,
            shows_host_start: flag("SHOW_PER_HOST_START", false)?,
            shows_path_on_failure: flag("SHOW_TASK_PATH_ON_FAILURE", false)?,
            shows_custom_stats: flag("SHOW_CUSTOM_STATS", false)?,
            diff_context_lines: diff_context_lines(settings)?,
            shows_arguments: flag("DISPLAY_ARGS_TO_STDOUT", false)?,
            result_format,
            is_pretty: settings.flag("CALLBACK_FORMAT_PRETTY")?,
        })
    }

    fn results_in(&self, folder: PathBuf) -> Result<Box<dyn Show>, Failed> {
        ResultFolder::open(folder.clone(), self.run.verbosity, Arc::clone(self.masks))
            .map(|folder| Box::new(folder) as Box<dyn Show>)
            .map_err(|error| {
                Failed::general(format!("cannot make the folder {}: {error}", folder.display()))
            })
    }

    /// The callbacks that `callbacks_enabled` names. One that is not there is told and left out, as
    /// Ansible does.
    fn beside(&self, live: &Arc<Live>) -> Result<Vec<Box<dyn Show>>, Failed> {
        let settings = self.settings;
        let mut all: Vec<Box<dyn Show>> = Vec::new();
        for name in enabled(settings) {
            if self.callbacks.beside.iter().any(|brought| brought.name == name) {
                continue;
            }
            match short(&name) {
                "timer" => all.push(Box::new(Timer::new(Arc::clone(live)))),
                "profile_tasks" => {
                    let limit = match settings.get("PROFILE_TASKS_OUTPUT").as_deref() {
                        Some("all") => usize::MAX,
                        _ => settings
                            .number("PROFILE_TASKS_OUTPUT")?
                            .and_then(|limit| usize::try_from(limit).ok())
                            .unwrap_or(20),
                    };
                    let order = match settings.get("PROFILE_TASKS_SORT").as_deref() {
                        Some("ascending") => ProfileOrder::Ascending,
                        Some("none") => ProfileOrder::None,
                        _ => ProfileOrder::Descending,
                    };
                    let live = Arc::clone(live);
                    all.push(Box::new(Profile::new(live, ProfileBy::Task, order, limit)));
                }
                "profile_roles" => all.push(Box::new(Profile::new(
                    Arc::clone(live),
                    ProfileBy::Role,
                    ProfileOrder::Descending,
                    usize::MAX,
                ))),
                "junit" => all.push(self.junit()?),
                "tree" => {
                    let folder = settings.path("CALLBACK_TREE_DIR");
                    let home = || PathBuf::from(settings.home_of_ansible()).join("tree");
                    all.push(self.results_in(folder.unwrap_or_else(home))?);
                }
                "default" | "minimal" | "oneline" => {}
                _ => eprintln!(
                    "[WARNING]: Skipping callback plugin '{name}', unable to load: there are {BESIDE}"
                ),
            }
        }
        Ok(all)
    }

    fn junit(&self) -> Result<Box<dyn Show>, Failed> {
        let settings = self.settings;
        let flag = |name: &str, default: bool| -> Result<bool, Failed> {
            Ok(settings.flag(name)?.unwrap_or(default))
        };
        let folder = settings
            .get("JUNIT_OUTPUT_DIR")
            .map_or_else(|| settings.home.join(".ansible.log"), |path| settings.expand(&path));
        let junit = JunitSettings {
            folder: folder.clone(),
            class_is_file: flag("JUNIT_TASK_CLASS", false)?,
            fail_on_change: flag("JUNIT_FAIL_ON_CHANGE", false)?,
            fail_on_ignore: flag("JUNIT_FAIL_ON_IGNORE", false)?,
            includes_setup: flag("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT", true)?,
            prefix: settings.get("JUNIT_TEST_CASE_PREFIX").unwrap_or_default(),
            relative_to: settings.get("JUNIT_TASK_RELATIVE_PATH").map(PathBuf::from),
            verbosity: self.run.verbosity,
            masks: Arc::clone(self.masks),
        };
        Junit::open(junit).map(|junit| Box::new(junit) as Box<dyn Show>).map_err(|error| {
            Failed::general(format!("cannot make the folder {}: {error}", folder.display()))
        })
    }
}

/// The name without its collection.
fn short(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// How many lines are shown around what differs.
fn diff_context_lines(settings: &Settings) -> Result<usize, Failed> {
    let lines = settings.number("DIFF_CONTEXT")?;
    Ok(lines
        .map_or(report::diff::CONTEXT_LINES, |lines| usize::try_from(lines).unwrap_or(usize::MAX)))
}
