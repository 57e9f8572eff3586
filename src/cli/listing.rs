//! `--list-hosts`, `--list-tasks`, `--list-tags`, `--syntax-check`.

use std::{fmt::Write, path::PathBuf, sync::Arc};

use inventory::pattern;
use plan::{Play, Task};
use run::{
    RunSettings, Store,
    tags::{is_chosen, render_tags},
};
use template::{Scope, Value};

use crate::{Failed, args::RunArgs};

/// Writes what would run.
///
/// # Errors
/// A host pattern that is broken.
pub fn show(
    args: &RunArgs,
    playbooks: &[(PathBuf, Vec<Arc<Play>>)],
    store: &Arc<Store>,
    settings: &RunSettings,
) -> Result<String, Failed> {
    let mut text = String::new();
    for (path, plays) in playbooks {
        let _ = write!(text, "\nplaybook: {}\n", path.display());
        if args.syntax_check && !args.list_hosts && !args.list_tasks && !args.list_tags {
            continue;
        }
        for (number, play) in plays.iter().enumerate() {
            let scope = Scope::new(Arc::clone(&store.engine), Arc::clone(&store.surroundings))
                .push(play.frame.keywords.vars.clone())
                .push(store.extra.clone());
            show_play(args, number + 1, play, store, settings, &scope, &mut text)?;
        }
    }
    Ok(text)
}

fn show_play(
    args: &RunArgs,
    number: usize,
    play: &Arc<Play>,
    store: &Arc<Store>,
    settings: &RunSettings,
    scope: &Scope,
    text: &mut String,
) -> Result<(), Failed> {
    let hosts = play
        .hosts
        .tree
        .evaluate(scope)
        .map_err(|error| Failed::general(format!("{}: {error}", play.hosts.span)))?;
    let patterns: Vec<String> = match hosts.as_list() {
        Some(list) => list.iter().map(|part| part.to_string()).collect(),
        None => vec![hosts.to_string()],
    };
    let shown = patterns.join(",");
    let name = match &play.frame.keywords.name {
        Some(tree) => tree.evaluate(scope).map_or_else(|_| plan::written(tree), |v| v.to_string()),
        None => shown.clone(),
    };
    let mut play_tags: Vec<String> = play
        .frame
        .keywords
        .tags
        .iter()
        .filter_map(|setting| setting.tree.evaluate(scope).ok())
        .flat_map(|value| match value.as_list() {
            Some(list) => list.iter().map(|tag| tag.to_string()).collect(),
            None => value.to_string().split(',').map(|t| t.trim().to_owned()).collect::<Vec<_>>(),
        })
        .collect();
    play_tags.sort();
    play_tags.dedup();
    let _ = writeln!(text, "\n  play #{number} ({shown}): {name}\tTAGS: [{}]", play_tags.join(","));
    let inventory = store.inventory();
    let failed = |error: pattern::PatternError| Failed::general(error.to_string());
    let matched = pattern::resolve(&inventory, &patterns).map_err(failed)?;
    for part in &matched.unmatched {
        eprintln!("[WARNING]: Could not match supplied host pattern, ignoring: {part}");
    }
    if args.list_hosts {
        let mut hosts = matched.hosts;
        if let Some(limit) = &settings.limit {
            let allowed = pattern::resolve(&inventory, limit).map_err(failed)?;
            hosts.retain(|host| allowed.hosts.contains(host));
        }
        let quoted: Vec<String> = patterns.iter().map(|p| Value::from(p.as_str()).repr()).collect();
        let _ = writeln!(text, "    pattern: [{}]", quoted.join(", "));
        let _ = writeln!(text, "    hosts ({}):", hosts.len());
        for host in hosts {
            let _ = writeln!(text, "      {host}");
        }
    }
    if !args.list_tasks && !args.list_tags {
        return Ok(());
    }
    if args.list_tasks {
        text.push_str("    tasks:\n");
    }
    let mut all_tags: Vec<String> = Vec::new();
    let mut visit = |task: &Arc<Task>| {
        if task.is_implicit {
            return;
        }
        let mut tags = render_tags(task, || scope.clone());
        if !is_chosen(&tags, &settings.tags, &settings.skip_tags) {
            return;
        }
        tags.sort();
        tags.dedup();
        if args.list_tasks {
            // Only what has a name is shown with its role.
            let has_name = task.keywords.name.is_some() && !task.does(&["include_role"]);
            let role = task.role().filter(|_| has_name);
            let role = role.map(|role| format!("{} : ", role.full_name())).unwrap_or_default();
            let name = task.raw_name();
            let _ = writeln!(text, "      {role}{name}\tTAGS: [{}]", tags.join(", "));
        }
        all_tags.extend(tags);
    };
    // Ansible lists what runs where no task fails.
    match settings.points_as_ansible {
        true => play.each_straight_task(&mut visit),
        false => play.each_task(&mut visit),
    }
    if args.list_tags {
        all_tags.sort();
        all_tags.dedup();
        let _ = writeln!(text, "      TASK TAGS: [{}]", all_tags.join(", "));
    }
    Ok(())
}
