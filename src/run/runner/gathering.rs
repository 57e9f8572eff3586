//! The task that gathers the facts of a play's hosts.

use std::sync::Arc;

use indexmap::IndexMap;
use plan::{Key, Play, Setting, Task};
use template::{Tree, Value};

use super::meta_task;
use crate::RunSettings;

/// What a play does first where it gathers facts.
pub(super) fn task(play: &Arc<Play>, settings: &RunSettings) -> Task {
    let mut task = meta_task(play, "");
    task.action.written = "gather_facts".into();
    task.action.name = "ansible.builtin.gather_facts".into();
    task.action.free_form = None;
    task.keywords.name = Some(Tree::Value("Gathering Facts".into()));
    // Each host has facts of its own, in a play that runs once too.
    let never = Setting { tree: Tree::Value(false.into()), span: play.span.clone() };
    task.keywords.set(Key::RunOnce, never);
    // A play that has tags is left out whole where they are not chosen.
    if play.frame.keywords.tags.is_empty() {
        let tag = Setting { tree: Tree::Value("always".into()), span: play.span.clone() };
        task.keywords.tags = vec![tag];
    }
    let mut args: IndexMap<Arc<str>, Tree> = IndexMap::new();
    match &play.gather_subset {
        Some(setting) => {
            args.insert("gather_subset".into(), setting.tree.clone());
        }
        None if !settings.gather_subset.is_empty() => {
            let subset = settings.gather_subset.iter().map(|s| Value::from(s.as_str()));
            args.insert("gather_subset".into(), Tree::Value(Value::list(subset)));
        }
        None => {}
    }
    if let Some(setting) = &play.gather_timeout {
        args.insert("gather_timeout".into(), setting.tree.clone());
    }
    if let Some(setting) = &play.fact_path {
        args.insert("fact_path".into(), setting.tree.clone());
    }
    task.action.args = args;
    task
}
