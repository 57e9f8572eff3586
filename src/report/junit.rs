//! A run as a report of tests: the callback `junit`.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use protocol::Json;
use run::{Event, TaskResult};

use crate::{Masks, Show, json, result};

/// What the report holds, as the environment says it.
#[derive(Clone, Debug)]
pub struct JunitSettings {
    /// Folder that the report is written into.
    pub folder: PathBuf,
    /// Whether `classname` is the file alone, without the line.
    pub class_is_file: bool,
    pub fail_on_change: bool,
    pub fail_on_ignore: bool,
    pub includes_setup: bool,
    /// Only tasks whose name starts so are tests.
    pub prefix: String,
    /// Places are written relative to this folder.
    pub relative_to: Option<PathBuf>,
    pub verbosity: u8,
    pub masks: Arc<Masks>,
}

/// Writes a file with one test a task and host.
pub struct Junit {
    settings: JunitSettings,
    playbook: String,
    play: String,
    cases: Vec<Case>,
    starts: HashMap<(plan::TaskId, inventory::HostName), Instant>,
    names: HashMap<plan::TaskId, String>,
}

struct Case {
    name: String,
    class: String,
    took: Duration,
    outcome: Outcome,
}

enum Outcome {
    Passed { output: String },
    Failed { message: String, output: String },
    Skipped { message: String },
}

impl Junit {
    /// Makes the folder.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(settings: JunitSettings) -> std::io::Result<Self> {
        std::fs::create_dir_all(&settings.folder)?;
        Ok(Self {
            settings,
            playbook: String::new(),
            play: String::new(),
            cases: Vec::new(),
            starts: HashMap::new(),
            names: HashMap::new(),
        })
    }

    fn ended(
        &mut self,
        host: &inventory::HostName,
        task: &Arc<plan::Task>,
        result: &TaskResult,
        ignored: bool,
    ) {
        if !self.settings.includes_setup && task.does(&["setup", "gather_facts"]) {
            return;
        }
        let name = self.names.get(&task.id).cloned().unwrap_or_default();
        if !name.starts_with(&self.settings.prefix) {
            return;
        }
        let took = self
            .starts
            .remove(&(task.id, host.clone()))
            .map_or(Duration::ZERO, |start| start.elapsed());
        let place = result::place(task);
        let place = match &self.settings.relative_to {
            Some(folder) => std::path::Path::new(&place)
                .strip_prefix(folder)
                .map_or(place.clone(), |path| path.display().to_string()),
            None => place,
        };
        let class = if self.settings.class_is_file {
            place.rsplit_once(':').map_or(place.clone(), |(file, _)| file.to_owned())
        } else {
            place
        };
        let dump =
            || json::pretty(&Json::Object(result::visible(result, self.settings.verbosity)), 0);
        let message = || {
            let text = |name: &str| result.fields.get(name).and_then(Json::as_str);
            match (text("msg"), result.fields.get("rc")) {
                (Some(msg), _) => msg.to_owned(),
                (None, Some(rc)) => format!("rc={rc}"),
                (None, None) => "failed".to_owned(),
            }
        };
        let has_failed =
            (result.failed || result.unreachable) && (!ignored || self.settings.fail_on_ignore);
        let outcome = if has_failed {
            Outcome::Failed { message: message(), output: dump() }
        } else if result.skipped {
            let reason = result.fields.get("skip_reason").and_then(Json::as_str);
            Outcome::Skipped { message: reason.unwrap_or("skipped").to_owned() }
        } else if result.changed && self.settings.fail_on_change {
            Outcome::Failed { message: "the task has changed something".into(), output: dump() }
        } else {
            Outcome::Passed { output: dump() }
        };
        let name = format!("[{host}] {}: {name}", self.play);
        self.cases.push(Case { name, class, took, outcome });
    }

    fn document(&self) -> String {
        let count =
            |is: fn(&Outcome) -> bool| self.cases.iter().filter(|case| is(&case.outcome)).count();
        let failures = count(|outcome| matches!(outcome, Outcome::Failed { .. }));
        let skipped = count(|outcome| matches!(outcome, Outcome::Skipped { .. }));
        let tests = self.cases.len();
        let time: f64 = self.cases.iter().map(|case| case.took.as_secs_f64()).sum();
        let mut xml = String::from("<?xml version=\"1.0\" ?>\n");
        xml.push_str(&format!(
            "<testsuites disabled=\"0\" errors=\"0\" failures=\"{failures}\" tests=\"{tests}\" time=\"{time}\">\n"
        ));
        xml.push_str(&format!(
            "\t<testsuite disabled=\"0\" errors=\"0\" failures=\"{failures}\" name=\"{}\" skipped=\"{skipped}\" tests=\"{tests}\" time=\"{time}\">\n",
            escaped(&self.playbook)
        ));
        for case in &self.cases {
            let head = format!(
                "\t\t<testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
                escaped(&case.class),
                escaped(&case.name),
                case.took.as_secs_f64()
            );
            let inside = match &case.outcome {
                Outcome::Passed { output } => {
                    format!("<system-out>{}</system-out>", escaped(output))
                }
                Outcome::Failed { message, output } => format!(
                    "<failure message=\"{}\" type=\"failure\">{}</failure>",
                    escaped(message),
                    escaped(output)
                ),
                Outcome::Skipped { message } => {
                    format!("<skipped message=\"{}\"/>", escaped(message))
                }
            };
            xml.push_str(&format!("{head}>\n\t\t\t{inside}\n\t\t</testcase>\n"));
        }
        xml.push_str("\t</testsuite>\n</testsuites>\n");
        xml
    }
}

impl Show for Junit {
    fn show(&mut self, event: &Event) {
        match event {
            Event::RunStarted { playbooks, .. } => {
                if let Some((path, _)) = playbooks.first() {
                    let name = std::path::Path::new(path).file_stem();
                    self.playbook = name.unwrap_or_default().to_string_lossy().into_owned();
                }
            }
            Event::PlayStarted { name, .. } => name.trim().clone_into(&mut self.play),
            Event::TaskStarted { task, name, .. } | Event::HandlerStarted { task, name } => {
                let role = task.role().map(|role| format!("{} : ", role.full_name()));
                let name = format!("{}{}", role.unwrap_or_default(), name.trim());
                self.names.insert(task.id, name);
            }
            Event::HostStarted { task, host } => {
                self.starts.insert((task.id, host.clone()), Instant::now());
            }
            Event::HostEnded { host, task, result, ignored } => {
                self.ended(host, task, result, *ignored);
            }
            Event::RunEnded { .. } => {
                let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
                let stamp = now.unwrap_or_default().as_secs_f64();
                let path = self.settings.folder.join(format!("{}-{stamp}.xml", self.playbook));
                if let Err(error) =
                    std::fs::write(&path, self.settings.masks.apply(&self.document()))
                {
                    eprintln!("[WARNING]: cannot write {}: {error}", path.display());
                }
            }
            _ => {}
        }
    }
}

/// A text inside XML; what XML cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}
