//! `trueup run`, and `ansible-playbook`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use plan::Play;
use playbook::codes::BAD_ARGUMENT;
use run::Ended;
use source::Diagnostics;

use crate::{
    Failed, Program,
    args::RunArgs,
    foresight::{self, Sight},
    listing, python_plugins, running,
    screens::{self, Screens},
    session::{Places, Session},
    settings::Settings,
};

/// Runs playbooks.
///
/// # Errors
/// What keeps the run from being started, with the exit code that Ansible gives it.
pub fn run(mut args: RunArgs, settings: Settings, program: Program) -> Result<u8, Failed> {
    find_in_collections(&mut args.playbooks, &settings);
    let folders: Vec<PathBuf> = args
        .playbooks
        .iter()
        .filter_map(|path| std::path::absolute(path).ok()?.parent().map(PathBuf::from))
        .collect();
    let places = Places { modules: &args.connection.module_path, playbooks: &folders };
    let session = Session::open(&args.inventory, settings, program, &places)?;
    running::tell_settings_file(&session, args.inventory.verbose)?;
    let warns = !program.is_ansible();
    if warns {
        for setting in session.settings.without_meaning() {
            eprintln!("warning: {setting} in ansible.cfg has no meaning here");
        }
    }
    for playbook in &args.playbooks {
        if !playbook.exists() {
            return Err(Failed::general(format!(
                "the playbook: {} could not be found",
                playbook.display()
            )));
        }
        if playbook.is_dir() {
            return Err(Failed::general(format!(
                "the playbook: {} does not appear to be a file",
                playbook.display()
            )));
        }
    }
    let inventory = session.inventory(&args.inventory)?;
    session.warn_of_no_hosts(&inventory, "all")?;
    let (tags, skip_tags) = chosen_tags(&args, &session);
    let (only, skipped, starts_behind) =
        (tags.clone(), skip_tags.clone(), args.start_at_task.is_some());
    let compiler = session.compiler_leaving_out(Some(Arc::new(move |tags: &[String]| {
        starts_behind || !run::tags::is_chosen(tags, &only, &skipped)
    })));
    let mut diagnostics = Diagnostics::default();
    let mut plays: Vec<(PathBuf, Vec<Arc<Play>>)> = Vec::new();
    for playbook in &args.playbooks {
        let path = std::path::absolute(playbook).unwrap_or_else(|_| playbook.clone());
        let compiled = compiler.playbook(&path, &mut diagnostics);
        plays.push((playbook.clone(), compiled.into_iter().map(Arc::new).collect()));
    }
    judge_duplicate_keys(&session.settings, &mut diagnostics)?;
    // A list needs no arguments; what a run would refuse is told beside it.
    if args.list_hosts || args.list_tasks || args.list_tags {
        let of_arguments = |found: &&mut source::Diagnostic| found.code == BAD_ARGUMENT;
        let wrong = diagnostics.all.iter_mut().filter(of_arguments);
        wrong.for_each(|found| found.severity = source::Severity::Warning);
    }
    crate::show_as(program, &diagnostics);
    refuse(&diagnostics, args.detailed_exitcode)?;
    let mut run_settings = session.run_settings(&args.inventory, &args.connection)?;
    run_settings.tags = tags;
    run_settings.skip_tags = skip_tags;
    run_settings.start_at_task = args.start_at_task.clone();
    run_settings.step = args.step;
    run_settings.force_handlers |= args.force_handlers;
    check_limit(&run_settings, &inventory)?;
    let store = session.store(inventory, folders)?;
    let (source, options) = (session.clone(), args.inventory.clone());
    store.set_reload(Arc::new(move || {
        // What was read is not what is there now.
        source.files.forget();
        source.inventory(&options).map_err(|failed| failed.message)
    }));
    if args.inventory.flush_cache {
        store.flush_fact_cache();
    }
    // Under Ansible's name nothing is said that Ansible would not say.
    let only_lists = args.list_hosts || args.list_tasks || args.list_tags;
    if !program.is_ansible() && !only_lists {
        let all: Vec<Arc<Play>> = plays.iter().flat_map(|(_, plays)| plays.clone()).collect();
        let sight = Sight {
            compiler: &compiler,
            modules: &session.modules,
            store: &store,
            is_complete: !args.syntax_check,
        };
        let found = foresight::look(&sight, &all);
        crate::show_as(program, &found);
        refuse(&found, args.detailed_exitcode)?;
    }
    if args.syntax_check || args.list_hosts || args.list_tasks || args.list_tags {
        let text = listing::show(&args, &plays, &store, &run_settings)?;
        print!("{text}");
        return Ok(0);
    }
    let callbacks = screens::callbacks_of(&session);
    run_settings.tells_arguments = !callbacks.is_empty();
    let named: Vec<String> = args.playbooks.iter().map(|path| path.display().to_string()).collect();
    let screens = Screens {
        session: &session,
        settings: &session.settings,
        run: &run_settings,
        program,
        masks: &session.masks,
        store: &store,
        callbacks: &callbacks,
        playbooks: &named,
    };
    let screen = screens.of_playbooks()?;
    let all = plays.into_iter().map(|(path, plays)| (path.display().to_string(), plays)).collect();
    let ended = running::run(&session, Arc::clone(&store), run_settings, compiler, all, screen)?;
    let code = exit_code(&ended, args.detailed_exitcode);
    if session.settings.flag("RETRY_FILES_ENABLED")?.unwrap_or(false) && !ended.lost.is_empty() {
        for playbook in &args.playbooks {
            write_retry_file(&session.settings, playbook, &ended);
        }
    }
    if ended.is_interrupted {
        return Err(Failed { code: 99, message: "User interrupted execution".into() });
    }
    match &ended.error {
        Some(error) if store.has_broken_vars() => Err(Failed::parser(error.clone())),
        Some(error) => Err(Failed::general(error.clone())),
        None => Ok(code),
    }
}

/// Puts paths in the place of playbooks that are named as those of collections; what is no file and
/// in no collection stays as it is.
fn find_in_collections(playbooks: &mut [PathBuf], settings: &Settings) {
    if playbooks.iter().all(|playbook| playbook.exists()) {
        return;
    }
    let collections = python_plugins::collections(settings, &[]);
    for playbook in playbooks.iter_mut().filter(|playbook| !playbook.exists()) {
        let found = playbook.to_str().and_then(|name| collections.playbook(name));
        *playbook = found.unwrap_or_else(|| playbook.clone());
    }
}

/// The tags that are chosen and those that are left out: by the command line, else by settings.
fn chosen_tags(args: &RunArgs, session: &Session) -> (Vec<String>, Vec<String>) {
    let split = |tags: &[String]| -> Vec<String> {
        tags.iter()
            .flat_map(|tags| tags.split(','))
            .map(|tag| tag.trim().to_owned())
            .filter(|tag| !tag.is_empty())
            .collect()
    };
    let said = |tags: &[String], setting: &str| match split(tags) {
        tags if tags.is_empty() => session.settings.list(setting).unwrap_or_default(),
        tags => tags,
    };
    // Whoever asks which tags there are wants to see those too that run only when named.
    let mut tags = match args.list_tags && args.tags.is_empty() && args.skip_tags.is_empty() {
        true => vec!["never".into(), "all".into()],
        false => said(&args.tags, "TAGS_RUN"),
    };
    if tags.is_empty() {
        tags.push("all".into());
    }
    (tags, said(&args.skip_tags, "TAGS_SKIP"))
}

/// Ends a command for whose playbooks there are errors.
fn refuse(diagnostics: &Diagnostics, is_detailed: bool) -> Result<(), Failed> {
    if !diagnostics.has_errors() {
        return Ok(());
    }
    let count = diagnostics.all.iter().filter(|d| d.severity == source::Severity::Error).count();
    let errors = if count == 1 { "1 error".to_owned() } else { format!("{count} errors") };
    let code = refusal_code(diagnostics, is_detailed);
    Err(Failed { code, message: format!("{errors}; nothing was run") })
}

/// What `duplicate_dict_key` makes of a key that is given twice: a warning, an error or nothing.
fn judge_duplicate_keys(settings: &Settings, diagnostics: &mut Diagnostics) -> Result<(), Failed> {
    let is_one = |found: &source::Diagnostic| found.code == source::yaml::DUPLICATE_KEY;
    match settings.get("DUPLICATE_YAML_DICT_KEY").as_deref() {
        None | Some("warn") => {}
        Some("ignore") => diagnostics.all.retain(|found| !is_one(found)),
        Some("error") => {
            for found in diagnostics.all.iter_mut().filter(|found| is_one(found)) {
                found.severity = source::Severity::Error;
            }
        }
        Some(other) => {
            return Err(Failed::option(format!(
                "duplicate_dict_key is '{other}': it is warn, error or ignore"
            )));
        }
    }
    Ok(())
}

/// The exit code that Ansible would end with, which meets some mistakes only while it runs: 4 for
/// what cannot be parsed, else 1 for files and roles that are not there, else 2, as for any task
/// that fails. In detail all are failures.
fn refusal_code(diagnostics: &Diagnostics, is_detailed: bool) -> u8 {
    use playbook::codes::{STATIC_NAME, TEMPLATE, UNKNOWN_ROLE, UNREADABLE};
    const PARSER: u8 = 4;
    /// What codes of the template room start with.
    const TEMPLATES: &str = "E03";
    let code_of = |diagnostic: &source::Diagnostic| match diagnostic.code {
        BAD_ARGUMENT | TEMPLATE => 2,
        code if code.starts_with(TEMPLATES) => 2,
        STATIC_NAME | UNKNOWN_ROLE | UNREADABLE => 1,
        _ => PARSER,
    };
    let is_error =
        |diagnostic: &&source::Diagnostic| diagnostic.severity == source::Severity::Error;
    let codes: Vec<u8> = diagnostics.all.iter().filter(is_error).map(code_of).collect();
    if is_detailed {
        return PARSER;
    }
    [PARSER, 1, 2].into_iter().find(|code| codes.contains(code)).unwrap_or(PARSER)
}

/// Leaves the names of the hosts that were lost for the next run's `--limit`.
fn write_retry_file(settings: &Settings, playbook: &Path, ended: &Ended) {
    let Some(name) = playbook.file_stem() else { return };
    let folder = settings
        .path("RETRY_FILES_SAVE_PATH")
        .or_else(|| std::path::absolute(playbook).ok()?.parent().map(PathBuf::from));
    let path = folder.unwrap_or_default().join(name).with_extension("retry");
    let hosts: String = ended.lost.iter().map(|host| format!("{host}\n")).collect();
    match std::fs::write(&path, hosts) {
        Ok(()) => println!("\tto retry, use: --limit @{}\n", path.display()),
        Err(error) => {
            eprintln!("[WARNING]: Could not create retry file '{}'. {error}", path.display());
        }
    }
}

/// Warns of parts of the limit that match nothing.
///
/// # Errors
/// A limit that is broken, or that leaves no host.
pub fn check_limit(
    settings: &run::RunSettings,
    inventory: &inventory::Inventory,
) -> Result<(), Failed> {
    let Some(limit) = &settings.limit else { return Ok(()) };
    let matched = inventory::pattern::resolve(inventory, limit)
        .map_err(|error| Failed::general(error.to_string()))?;
    for part in &matched.unmatched {
        eprintln!("[WARNING]: Could not match supplied host pattern, ignoring: {part}");
    }
    let is_known = |host: &inventory::HostName| inventory.hosts.contains_key(host);
    if !matched.hosts.iter().any(is_known) && !inventory.hosts.is_empty() {
        return Err(Failed::general(
            "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.",
        ));
    }
    Ok(())
}

/// Ansible's exit code: 4 where a host could not be reached, otherwise 2 where a task failed. In
/// detail: 2 for differences, 4 for failures, 8 for hosts that could not be reached, added up.
fn exit_code(ended: &Ended, is_detailed: bool) -> u8 {
    let statistics = &ended.statistics;
    if is_detailed {
        return u8::from(statistics.has_changes()) * 2
            + u8::from(statistics.has_failures()) * 4
            + u8::from(statistics.has_unreachable()) * 8;
    }
    if ended.has_unreachable {
        4
    } else if ended.has_failed {
        2
    } else {
        0
    }
}
