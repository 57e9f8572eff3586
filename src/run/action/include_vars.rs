//! `include_vars`: variables from files, during a run.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use indexmap::IndexMap;
use inventory::layers::{HashBehaviour, put_over};
use protocol::Json;
use template::{Tree, Value};

use super::ActionContext;
use crate::{
    TaskResult,
    outcome::{IncludedVar, RunOrder},
};

const ARGUMENTS: &[&str] = &[
    "_raw_params",
    "depth",
    "dir",
    "extensions",
    "file",
    "files_matching",
    "hash_behaviour",
    "ignore_files",
    "ignore_unknown_extensions",
    "name",
];

pub(crate) fn run(context: &ActionContext<'_>, args: IndexMap<String, Value>) -> TaskResult {
    if let Some(unknown) = args.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) {
        return failed(format!("{unknown} is not a valid option in include_vars"));
    }
    let merges = match args.get("hash_behaviour").map(ToString::to_string).as_deref() {
        None | Some("" | "replace") => false,
        Some("merge") => true,
        Some(other) => {
            return failed(format!(
                "value of hash_behaviour must be one of: replace, merge, got: {other}"
            ));
        }
    };
    let text = |name: &str| args.get(name).map(ToString::to_string).filter(|text| !text.is_empty());
    let files = match (text("file").or_else(|| text("_raw_params")), text("dir")) {
        (Some(_), Some(_)) => {
            return failed(
                "You are mixing file only and dir only arguments, these are incompatible",
            );
        }
        (Some(file), None) => find_file(context, &file).map(|path| vec![path]),
        (None, Some(dir)) => find_dir(context, &dir).and_then(|dir| files_in(&dir, &args)),
        (None, None) if args.contains_key("file") || args.contains_key("_raw_params") => {
            Err("Could not find file on the Ansible Controller.".into())
        }
        (None, None) => Err("include_vars needs a file or a dir".into()),
    };
    let files = match files {
        Ok(files) => files,
        Err(why) => return failed(why),
    };
    let mut vars = Vec::new();
    let mut shown = protocol::JsonMap::new();
    for path in &files {
        match context.executor.context.includes.vars(path) {
            Ok(read) => {
                for (name, tree) in read {
                    let tree = if merges { over(context, &name, tree) } else { tree };
                    shown.insert(name.clone(), as_written(&tree));
                    vars.push((name, IncludedVar(tree)));
                }
            }
            Err(why) => return failed(why),
        }
    }
    let name = text("name");
    // What a vault keeps is not shown.
    let no_log = files.iter().any(|path| is_vault_file(path));
    let mut result = TaskResult { no_log, ..TaskResult::default() };
    let paths = files.iter().map(|path| Json::String(path.display().to_string())).collect();
    result.fields.insert("ansible_included_var_files".into(), Json::Array(paths));
    let facts = match &name {
        Some(name) => serde_json::json!({name.as_str(): shown}),
        None => Json::Object(shown),
    };
    result.fields.insert("ansible_facts".into(), facts);
    result.orders.push(RunOrder::IncludeVars { name, vars });
    result
}

/// A variable as its file has it: templates as they are written, wherever they stand.
fn as_written(tree: &Tree) -> Json {
    match tree {
        Tree::List(items) => items.iter().map(as_written).collect(),
        Tree::Dict(entries) => {
            let entries = entries.iter().map(|(key, tree)| (key.to_string(), as_written(tree)));
            Json::Object(entries.collect())
        }
        tree => {
            let json = tree.literal().and_then(|value| value.to_json().ok());
            json.unwrap_or_else(|| plan::written(tree).into())
        }
    }
}

/// A variable merged into the one of its name that the task sees.
fn over(context: &ActionContext<'_>, name: &str, tree: Tree) -> Tree {
    let Some(known) = context.scope.tree(name) else { return tree };
    let one = |tree: &Tree| IndexMap::from([(Arc::from(name), tree.clone())]);
    let mut merged = one(&known);
    put_over(&mut merged, &one(&tree), HashBehaviour::Merge);
    merged.swap_remove(name).unwrap_or(tree)
}

/// A failure, under the name too by which this module has always told it.
fn failed(why: impl Into<String>) -> TaskResult {
    let why = why.into();
    let mut result = TaskResult::failure(why.clone());
    result.fields.insert("message".into(), Json::String(why));
    result
}

fn is_vault_file(path: &Path) -> bool {
    use std::io::Read;
    const MARK: &[u8] = b"$ANSIBLE_VAULT;";
    let mut start = [0; MARK.len()];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == MARK
}

fn find_file(context: &ActionContext<'_>, name: &str) -> Result<PathBuf, String> {
    let surroundings = context.scope.surroundings();
    surroundings.find("vars", name).filter(|path| path.is_file()).ok_or_else(|| {
        let tried: Vec<String> = surroundings
            .candidates("vars", name)
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        format!("Could not find or access '{name}'\nSearched in:\n\t{}", tried.join("\n\t"))
    })
}

fn find_dir(context: &ActionContext<'_>, name: &str) -> Result<PathBuf, String> {
    let folders = &context.scope.surroundings().search_folders;
    let path = Path::new(name);
    if path.is_absolute() {
        return if path.is_dir() {
            Ok(path.to_owned())
        } else {
            Err(format!("{name} directory does not exist"))
        };
    }
    let in_role = context.task.role().map(|role| role.path.join("vars").join(name));
    let candidates = in_role.into_iter().chain(folders.iter().map(|folder| folder.join(name)));
    candidates
        .into_iter()
        .find(|path| path.is_dir())
        .ok_or_else(|| format!("{name} directory does not exist"))
}

fn files_in(dir: &Path, args: &IndexMap<String, Value>) -> Result<Vec<PathBuf>, String> {
    let list = |name: &str| match args.get(name) {
        Some(Value::List(list)) => Some(list.iter().map(|v| v.to_string()).collect::<Vec<_>>()),
        Some(Value::None) | None => None,
        Some(value) => Some(vec![value.to_string()]),
    };
    let extensions = list("extensions")
        .unwrap_or_else(|| ["yaml", "yml", "json"].iter().map(|e| (*e).to_owned()).collect());
    let ignored = list("ignore_files").unwrap_or_default();
    let skips_unknown =
        args.get("ignore_unknown_extensions").and_then(crate::truth).unwrap_or(false);
    let depth = args.get("depth").and_then(Value::as_int).unwrap_or(0);
    let matching = match args.get("files_matching") {
        Some(pattern) => Some(
            pyregex::Pattern::new(&pattern.to_string(), pyregex::Flags::default())
                .map_err(|error| format!("Invalid regular expression: {pattern}: {error}"))?,
        ),
        None => None,
    };
    let mut walk = walkdir::WalkDir::new(dir).sort_by_file_name().follow_links(true);
    if depth > 0 {
        walk = walk.max_depth(usize::try_from(depth).unwrap_or(usize::MAX));
    }
    let mut files = Vec::new();
    for entry in walk.into_iter().filter_map(Result::ok).filter(|e| e.file_type().is_file()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let skip = ignored.iter().any(|pattern| {
            pyregex::Pattern::new(&format!("{pattern}$"), pyregex::Flags::default())
                .is_ok_and(|regex| matches!(regex.search(&name), Ok(Some(_))))
        });
        let matches =
            matching.as_ref().is_none_or(|regex| matches!(regex.search(&name), Ok(Some(_))));
        if skip || !matches {
            continue;
        }
        let extension = entry.path().extension().and_then(|e| e.to_str()).unwrap_or("");
        if !extensions.iter().any(|known| known == extension) {
            if skips_unknown {
                continue;
            }
            return Err(format!(
                "{} does not have a valid extension: {}",
                entry.path().display(),
                extensions.join(", ")
            ));
        }
        files.push(entry.into_path());
    }
    Ok(files)
}
