//! Lookups of files.

use std::path::{Path, PathBuf};

use pyregex::{Flags, Pattern};

use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    value::{Dict, Value},
};

pub(super) const LOOKUPS: &[Lookup] = &[
    Lookup { name: "file", home: "", run: file },
    Lookup { name: "unvault", home: "", run: unvault },
    Lookup { name: "fileglob", home: "", run: fileglob },
    Lookup { name: "first_found", home: "", run: first_found },
    Lookup { name: "filetree", home: "community.general", run: filetree },
];

pub(super) fn not_found(term: &str) -> TemplateError {
    TemplateError::new(ErrorKind::File, format!("could not locate file in lookup: {term}"))
}

fn read(call: &LookupCall<'_>, term: &str) -> Result<String> {
    let surroundings = call.scope.surroundings();
    let path = surroundings.find("files", term).ok_or_else(|| not_found(term))?;
    surroundings.read_text(&path)
}

fn file(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let strips_left = call.bool_option("lstrip", false)?;
    let strips_right = call.bool_option("rstrip", true)?;
    call.text_terms()?
        .iter()
        .map(|term| {
            let text = read(call, term)?;
            let text = if strips_left { text.trim_start() } else { &text };
            Ok(Value::from(if strips_right { text.trim_end() } else { text }))
        })
        .collect()
}

fn unvault(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    call.text_terms()?.iter().map(|term| read(call, term).map(Value::from)).collect()
}

/// Paths that a shell pattern matches, sorted. A pattern without wildcards gives what exists.
pub(crate) fn glob(pattern: &str) -> Vec<String> {
    let mut found = vec![PathBuf::from(if pattern.starts_with('/') { "/" } else { "" })];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let has_wildcard = part.contains(['*', '?', '[']);
        let mut next = Vec::new();
        for folder in found {
            if !has_wildcard {
                let path = folder.join(part);
                if path.symlink_metadata().is_ok() {
                    next.push(path);
                }
                continue;
            }
            let looked_in = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            let Ok(entries) = std::fs::read_dir(looked_in) else { continue };
            let mut names: Vec<String> = entries
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .filter(|name| part.starts_with('.') || !name.starts_with('.'))
                .filter(|name| is_match(part, name))
                .collect();
            names.sort_unstable();
            next.extend(names.into_iter().map(|name| folder.join(name)));
        }
        found = next;
    }
    found.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

/// Whether a name fits a shell pattern: `*`, `?`, `[a-z]`, `[!a-z]`.
fn is_match(pattern: &str, name: &str) -> bool {
    let mut regex = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '[' => {
                let rest: String = chars.clone().collect();
                match rest.get(1..).and_then(|tail| tail.find(']')) {
                    Some(end) => {
                        let class: String = chars.by_ref().take(end + 1).collect();
                        chars.next();
                        let class = class.replace('\\', "\\\\");
                        match class.strip_prefix('!') {
                            Some(class) => regex.push_str(&format!("[^{class}]")),
                            None => regex.push_str(&format!("[{class}]")),
                        }
                    }
                    None => regex.push_str("\\["),
                }
            }
            c => regex.push_str(&pyregex::escape(&c.to_string())),
        }
    }
    Pattern::new(&regex, Flags { dot_all: true, ..Flags::default() })
        .and_then(|pattern| pattern.fullmatch(name).map(|found| found.is_some()))
        .unwrap_or(false)
}

fn fileglob(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let terms = call.text_terms()?;
    let surroundings = call.scope.surroundings();
    let mut values = Vec::new();
    for term in terms {
        // The folder is looked for as a file's would be, then the pattern is matched in it.
        let (folder, name) = term.rsplit_once('/').unwrap_or(("", &term));
        let folders = if folder.is_empty() {
            surroundings.candidates("files", ".")
        } else {
            surroundings.candidates("files", folder)
        };
        for folder in folders {
            let pattern = crate::filters::paths::normpath(&folder.join(name).to_string_lossy());
            let found: Vec<String> =
                glob(&pattern).into_iter().filter(|path| Path::new(path).is_file()).collect();
            if !found.is_empty() {
                values.extend(found.into_iter().map(Value::from));
                break;
            }
        }
    }
    Ok(values)
}

/// Names and folders of `first_found`, from its terms and options.
fn found_terms(term: &Value, files: &Value, paths: &Value) -> Result<Vec<String>> {
    let words = |value: &Value| -> Result<Vec<String>> {
        match value {
            Value::None => Ok(Vec::new()),
            Value::Str(text) => Ok(text
                .replace([';', ':'], ",")
                .split(',')
                .map(|word| word.trim().to_owned())
                .filter(|word| !word.is_empty())
                .collect()),
            // What is made of a variable that nobody set is the name of no file.
            other => Ok(other
                .elements()?
                .into_iter()
                .filter(|item| !item.is_undefined())
                .map(|item| item.to_string())
                .collect()),
        }
    };
    let (files, paths) = match term.entries() {
        Some(_) => (
            term.get("files").unwrap_or_default().defined()?,
            term.get("paths").unwrap_or_default().defined()?,
        ),
        None => (files.clone(), paths.clone()),
    };
    let mut names = words(&files)?;
    if let Value::Str(text) = term {
        names.push(text.to_string());
    }
    let paths = words(&paths)?;
    Ok(if paths.is_empty() {
        names
    } else if names.is_empty() {
        paths
    } else {
        paths
            .iter()
            .flat_map(|path| {
                names.iter().map(move |name| format!("{}/{name}", path.trim_end_matches('/')))
            })
            .collect()
    })
}

fn first_found(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let files = call.option("files")?.unwrap_or_default();
    let paths = call.option("paths")?.unwrap_or_default();
    let mut skips = call.bool_option("skip", false)?;
    let mut terms = Vec::new();
    for term in std::mem::take(&mut call.terms) {
        if term.is_sequence() { terms.extend(term.elements()?) } else { terms.push(term) }
    }
    if terms.is_empty() {
        terms.push(Value::None);
    }
    let mut names = Vec::new();
    for term in terms.iter().filter(|term| !term.is_undefined()) {
        if let Some(skip) = term.get("skip") {
            skips |= crate::filters::truth::boolean(&skip).unwrap_or(false);
        }
        names.extend(found_terms(term, &files, &paths)?);
    }
    let surroundings = call.scope.surroundings();
    for name in &names {
        let found = surroundings.find(surroundings.first_found_kind, name);
        if let Some(path) = found.filter(|path| path.is_file()) {
            let path = crate::filters::paths::normpath(&path.to_string_lossy());
            return Ok(vec![Value::from(path)]);
        }
    }
    if skips {
        return Ok(Vec::new());
    }
    Err(TemplateError::new(
        ErrorKind::Lookup,
        format!("No file was found when using first_found: {}", names.join(", ")),
    ))
}

/// The most entries of one tree.
const TREE_MAX: usize = 100_000;

fn filetree(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let excluded = call.text_option("exclude")?;
    let excluded = match &excluded {
        Some(regex) => Some(crate::filters::regex::pattern(regex, false, false)?),
        None => None,
    };
    let terms = call.text_terms()?;
    let surroundings = call.scope.surroundings();
    let mut values: Vec<Value> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for term in terms {
        let folders = surroundings.candidates("files", &term);
        for root in folders.into_iter().filter(|path| path.is_dir()) {
            let mut open = vec![PathBuf::new()];
            while let Some(below) = open.pop() {
                let Ok(entries) = std::fs::read_dir(root.join(&below)) else { continue };
                let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
                names.sort_unstable();
                for name in names {
                    let path = below.join(&name);
                    let shown = path.to_string_lossy().into_owned();
                    let is_excluded = excluded.as_ref().is_some_and(|pattern| {
                        pattern.is_match(&name.to_string_lossy()).unwrap_or(false)
                    });
                    if is_excluded || !seen.insert(shown.clone()) {
                        continue;
                    }
                    if values.len() >= TREE_MAX {
                        return Err(TemplateError::new(ErrorKind::Limit, "the tree is too large"));
                    }
                    if let Some(entry) = tree_entry(&root, &path) {
                        if entry.get("state").and_then(|s| s.as_str().map(|s| s == "directory"))
                            == Some(true)
                        {
                            open.push(path);
                        }
                        values.push(entry);
                    }
                }
            }
        }
    }
    Ok(values)
}

fn tree_entry(root: &Path, path: &Path) -> Option<Value> {
    use std::os::unix::fs::MetadataExt;
    let full = root.join(path);
    let data = full.symlink_metadata().ok()?;
    let text = |path: &Path| Value::from(path.to_string_lossy().into_owned());
    let entry = Dict::default();
    entry.insert("root", Value::from(format!("{}/", root.to_string_lossy().trim_end_matches('/'))));
    entry.insert("path", text(path));
    if data.is_symlink() {
        entry.insert("state", Value::from("link"));
        entry.insert("src", text(&std::fs::read_link(&full).ok()?));
    } else if data.is_dir() {
        entry.insert("state", Value::from("directory"));
    } else if data.is_file() {
        entry.insert("state", Value::from("file"));
        entry.insert("src", text(&full));
    } else {
        return None;
    }
    entry.insert("uid", Value::from(data.uid()));
    entry.insert("gid", Value::from(data.gid()));
    entry.insert("mode", Value::from(format!("0{:o}", data.mode() & 0o7777)));
    entry.insert("size", Value::from(data.size()));
    entry.insert("mtime", Value::Float(data.mtime() as f64));
    entry.insert("ctime", Value::Float(data.ctime() as f64));
    Some(Value::Dict(entry))
}
