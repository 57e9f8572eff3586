//! `group_vars` and `host_vars`: files of variables beside an inventory or a playbook.

use std::{
    fs,
    path::{Path, PathBuf},
};

use source::{Diagnostic, Diagnostics, yaml};
use template::{Engine, Tree};

use crate::{
    Vars,
    load::{ReadText, codes},
};

/// Which of the two kinds of folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VarsFolder {
    Group,
    Host,
}

impl VarsFolder {
    /// The folder's name.
    pub fn name(self) -> &'static str {
        match self {
            VarsFolder::Group => "group_vars",
            VarsFolder::Host => "host_vars",
        }
    }
}

/// Reads the variables of one group or host beside a folder; empty where there are none.
pub fn read(
    folder: &Path,
    kind: VarsFolder,
    name: &str,
    engine: &Engine,
    read: ReadText<'_>,
    diagnostics: &mut Diagnostics,
) -> Vars {
    let mut vars = Vars::new();
    // A name is no path.
    if name.contains('/') || name.starts_with('.') {
        return vars;
    }
    for path in files(&folder.join(kind.name()), name) {
        let file = match read(&path) {
            Ok(file) => file,
            Err(why) => {
                let message = format!("cannot read {}: {why}", path.display());
                diagnostics.push(Diagnostic::placeless(codes::UNREADABLE, message));
                continue;
            }
        };
        let Some(node) = yaml::parse(&file, diagnostics) else { continue };
        let Some(mapping) = node.as_mapping() else {
            if !node.is_null() {
                let message = format!(
                    "{} must be a dictionary of variables, this is {}",
                    path.display(),
                    node.describe()
                );
                diagnostics.push(Diagnostic::error(codes::LINE, &node.span, message));
            }
            continue;
        };
        for entry in &mapping.entries {
            let name = entry.key.as_str().unwrap_or_else(|| entry.key.span.text().trim());
            let (tree, broken) = Tree::deferring(&entry.value, engine);
            broken.into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
            vars.insert(name.into(), tree);
        }
    }
    vars
}

/// The files of a name: the name itself or with an extension, and all in a folder of that name.
fn files(folder: &Path, name: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for extension in ["", ".yml", ".yaml", ".json"] {
        let path = folder.join(format!("{name}{extension}"));
        if path.is_dir() {
            if extension.is_empty() {
                in_folder(&path, &mut found);
            }
        } else if path.is_file() {
            found.push(path);
            break;
        }
    }
    found
}

fn in_folder(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') || name.ends_with('~') {
            continue;
        }
        if path.is_dir() {
            in_folder(&path, found);
        } else if matches!(
            path.extension().and_then(|extension| extension.to_str()),
            None | Some("yml" | "yaml" | "json")
        ) {
            found.push(path);
        }
    }
}
