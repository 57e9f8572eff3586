//! `trueup exec`, and `ansible`: one module on hosts.

use std::sync::Arc;

use inventory::pattern;
use source::{Diagnostics, SourceFile};

use crate::{
    Failed, Program,
    args::ExecArgs,
    run_command::check_limit,
    running,
    screens::{self, Screens},
    session::{Places, Session},
    settings::Settings,
};

/// Runs one module.
///
/// # Errors
/// What keeps it from being started.
pub fn run(args: ExecArgs, settings: Settings, program: Program) -> Result<u8, Failed> {
    let folder = args
        .playbook_dir
        .clone()
        .or_else(|| settings.path("PLAYBOOK_DIR"))
        .unwrap_or_else(|| settings.current_folder.clone());
    let folders = [folder];
    let places = Places { modules: &args.connection.module_path, playbooks: &folders };
    let session = Session::open(&args.inventory, settings, program, &places)?;
    running::tell_settings_file(&session, args.inventory.verbose)?;
    let [folder] = folders;
    let inventory = session.inventory(&args.inventory)?;
    session.warn_of_no_hosts(&inventory, &args.pattern)?;
    let mut run_settings = session.run_settings(&args.inventory, &args.connection)?;
    check_limit(&run_settings, &inventory)?;
    let mut matched = pattern::resolve(&inventory, std::slice::from_ref(&args.pattern))
        .map_err(|error| Failed::general(error.to_string()))?;
    if let Some(limit) = &run_settings.limit {
        let allowed = pattern::resolve(&inventory, limit)
            .map_err(|error| Failed::general(error.to_string()))?;
        matched.hosts.retain(|host| allowed.hosts.contains(host));
    }
    for part in &matched.unmatched {
        eprintln!("[WARNING]: Could not match supplied host pattern, ignoring: {part}");
    }
    if matched.hosts.is_empty() {
        eprintln!("[WARNING]: No hosts matched, nothing to do");
        if args.list_hosts {
            println!("  hosts (0):");
        }
        return Ok(0);
    }
    if args.list_hosts {
        println!("  hosts ({}):", matched.hosts.len());
        for host in &matched.hosts {
            println!("    {host}");
        }
        return Ok(0);
    }
    let module = args.module.as_str();
    let short = module.rsplit('.').next().unwrap_or(module);
    if matches!(short, "command" | "shell" | "raw" | "script") && args.args.trim().is_empty() {
        return Err(Failed::option(format!("No argument passed to {module} module")));
    }
    if short == "import_playbook" {
        return Err(Failed::option(format!(
            "'{module}' is not a valid action for ad-hoc commands"
        )));
    }
    let text = playbook_text(&args);
    let file = SourceFile::new(folder.join("<command line>"), text);
    let compiler = session.compiler();
    let mut diagnostics = Diagnostics::default();
    let plays = compiler.playbook_text(&file, &folder, &mut diagnostics);
    if diagnostics.has_errors() {
        let messages: Vec<String> = diagnostics
            .all
            .iter()
            .map(|d| match &d.hint {
                Some(hint) => format!("{} ({hint})", d.message),
                None => d.message.clone(),
            })
            .collect();
        // As for a task that fails on every host.
        return Err(Failed { code: 2, message: messages.join("\n") });
    }
    let store = session.store(inventory, vec![folder])?;
    let folder = args.tree.as_ref().map(|path| session.settings.expand(&path.to_string_lossy()));
    // Callbacks take part in single modules only where settings say so.
    let loads = session.settings.flag("DEFAULT_LOAD_CALLBACK_PLUGINS")?.unwrap_or(false);
    let callbacks =
        if loads { screens::callbacks_of(&session) } else { plugins::Callbacks::default() };
    run_settings.tells_arguments = !callbacks.is_empty();
    let screens = Screens {
        session: &session,
        settings: &session.settings,
        run: &run_settings,
        program,
        masks: &session.masks,
        store: &store,
        callbacks: &callbacks,
        playbooks: &[],
    };
    let screen = screens.of_module(args.one_line, folder)?;
    let plays = vec![(String::new(), plays.into_iter().map(Arc::new).collect())];
    let ended = running::run(&session, Arc::clone(&store), run_settings, compiler, plays, screen)?;
    if let Some(error) = ended.error {
        return Err(match store.has_broken_vars() {
            true => Failed::parser(error),
            false => Failed::general(error),
        });
    }
    Ok(if ended.has_unreachable {
        4
    } else if ended.has_failed {
        2
    } else {
        0
    })
}

/// The play that stands for the command, in YAML's JSON form so that nothing needs quoting.
fn playbook_text(args: &ExecArgs) -> String {
    let arguments = args.args.trim();
    let arguments: serde_json::Value = if arguments.starts_with('{') {
        serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into())
    } else if arguments.is_empty() {
        serde_json::Value::Null
    } else {
        arguments.into()
    };
    let mut task = serde_json::Map::new();
    task.insert(args.module.clone(), arguments);
    if let Some(limit_secs) = args.background.filter(|secs| *secs > 0) {
        task.insert("async".into(), limit_secs.into());
        if let Some(poll_secs) = args.poll {
            task.insert("poll".into(), poll_secs.into());
        }
    }
    if let Some(timeout) = args.task_timeout {
        task.insert("timeout".into(), timeout.into());
    }
    let play = serde_json::json!([{
        "name": "Ansible Ad-Hoc",
        "hosts": args.pattern,
        "gather_facts": false,
        "tasks": [task],
    }]);
    play.to_string()
}
