//! Files of the controller that tasks name and that are not there.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use plan::{Play, Task};
use source::{Diagnostic, Diagnostics, Span};
use template::Value;

use super::{
    MISSING_FILE, folder_of,
    seen::{Seen, SeenTask},
};

/// Says of each file that tasks take from the controller by a plain name and that is nowhere. A
/// file whose name stands in a task before it may be made by that one.
pub fn look(seen: &[Seen], found: &mut Diagnostics) {
    let mut mentioned: HashSet<String> = HashSet::new();
    for seen in seen {
        missing_vars_files(&seen.play, &mentioned, found);
        for task in seen.all() {
            if let Some((name, kind, span)) = wanted(&task.task)
                && !task.is_forgiven
                && !mentioned.iter().any(|text| text.contains(last_part(&name)))
                && !is_there(&name, kind, &task.task, &seen.play)
            {
                let message = format!("there is no file '{name}' to take");
                let looked = places(&name, kind, &task.task, &seen.play);
                let looked: Vec<String> = looked
                    .iter()
                    .filter_map(|path| Some(path.parent()?.display().to_string()))
                    .collect();
                let mut unique = looked;
                unique.dedup();
                let near = beside(&name, kind, &task.task, &seen.play);
                let mut diagnostic = Diagnostic::warning(MISSING_FILE, span, message)
                    .hint(format!("looked in {}", unique.join(", ")));
                let near = source::nearest::nearest(&name, near.iter().map(String::as_str));
                if !near.is_empty() {
                    diagnostic = diagnostic.hint(format!("did you mean {}?", near.join(" or ")));
                }
                found.push(diagnostic);
            }
            mention(task, &mut mentioned);
        }
    }
}

/// Says of each file of variables that is named plainly and that is nowhere. Of a list one is
/// enough.
fn missing_vars_files(play: &Play, mentioned: &HashSet<String>, found: &mut Diagnostics) {
    for setting in &play.vars_files {
        let Some(names) = setting.tree.literal() else { continue };
        let names: Vec<String> = match names.as_list() {
            Some(list) => list.iter().map(|name| name.to_string()).collect(),
            None => vec![names.to_string()],
        };
        let folder = folder_of(play);
        let is_there =
            |name: &String| folder.join(name).exists() || folder.join("vars").join(name).exists();
        let is_made = |name: &String| mentioned.iter().any(|text| text.contains(last_part(name)));
        if !names.iter().any(|name| is_there(name) || is_made(name)) {
            let message = format!("there is no file of variables '{}'", names.join("', '"));
            let hint = format!("looked in {} and its folder vars", folder.display());
            let missing = Diagnostic::warning(MISSING_FILE, &setting.span, message);
            found.push(missing.hint(hint));
        }
    }
}

fn last_part(name: &str) -> &str {
    name.trim_end_matches('/').rsplit('/').next().unwrap_or(name)
}

/// Notes the texts of a task's arguments.
fn mention(task: &SeenTask, mentioned: &mut HashSet<String>) {
    let action = &task.task.action;
    let trees = action.args.values().chain(&action.free_form).chain(&action.whole);
    mentioned.extend(trees.map(plan::written));
}

/// The file that a task takes from the controller, the folder for its kind, and where it says so.
fn wanted(task: &Task) -> Option<(String, &'static str, &Span)> {
    let action = &task.action;
    let kind = match action.name.strip_prefix("ansible.builtin.")? {
        "template" => "templates",
        "copy" | "unarchive" | "script" => "files",
        "include_vars" => "vars",
        _ => return None,
    };
    let is_said = |name: &str| {
        action
            .args
            .get(name)
            .is_some_and(|tree| tree.literal().is_none_or(|value| says_yes(&value)))
    };
    if is_said("remote_src") || !task.keywords.module_defaults.is_empty() {
        return None;
    }
    let short = action.name.rsplit('.').next().unwrap_or_default();
    let (tree, span) = match short {
        "script" => {
            let command = action.free_form.as_ref().or_else(|| action.args.get("cmd"))?;
            (command, &action.span)
        }
        "include_vars" => match action.args.get("file") {
            Some(file) => (file, action.arg_spans.get("file")?),
            None if action.args.contains_key("dir") => return None,
            None => (action.free_form.as_ref()?, &action.span),
        },
        _ => (action.args.get("src")?, action.arg_spans.get("src")?),
    };
    let mut name = tree.as_str()?.to_owned();
    if short == "script" {
        name = inventory::ini::shell_words(&name).ok()?.first()?.clone();
    }
    let is_elsewhere = name.contains("://") || name.starts_with('~') || name.trim().is_empty();
    (!is_elsewhere).then_some((name, kind, span))
}

fn says_yes(value: &Value) -> bool {
    !matches!(value, Value::Bool(false) | Value::None)
        && !matches!(value.to_string().to_lowercase().as_str(), "no" | "false" | "off" | "0")
}

/// Where Ansible looks for a file: in the roles around, beside the task, beside the playbook.
fn places(name: &str, kind: &str, task: &Task, play: &Play) -> Vec<PathBuf> {
    if Path::new(name).is_absolute() {
        return vec![PathBuf::from(name)];
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    for role in task.parent.roles() {
        let also = [role.path.join("tasks").join(kind), role.path.join("tasks")];
        folders.extend([role.path.join(kind), role.path.clone()].into_iter().chain(also));
    }
    let beside = task.span.file.path.parent().map(Path::to_owned);
    for folder in beside.into_iter().chain([folder_of(play).to_owned()]) {
        folders.extend([folder.join(kind), folder]);
    }
    let mut unique: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let path = folder.join(name);
        if !unique.contains(&path) {
            unique.push(path);
        }
    }
    unique
}

fn is_there(name: &str, kind: &str, task: &Task, play: &Play) -> bool {
    places(name, kind, task, play).iter().any(|path| path.exists())
}

/// Names of what is in the folders that are looked in.
fn beside(name: &str, kind: &str, task: &Task, play: &Play) -> Vec<String> {
    const NAMES_MAX: usize = 1000;
    let folders = places(name, kind, task, play);
    let folders = folders.iter().filter_map(|path| path.parent());
    folders
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.filter_map(Result::ok).take(NAMES_MAX))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// The file that a task renders, if it can be found now.
pub fn template_of(task: &Task, play: &Play) -> Option<PathBuf> {
    let (name, kind, _) = wanted(task)?;
    if kind != "templates" {
        return None;
    }
    places(&name, kind, task, play).into_iter().find(|path| path.is_file())
}
