//! `-e`: variables of the command line.

use std::{path::Path, sync::Arc};

use indexmap::IndexMap;
use playbook::Files;
use source::{Diagnostics, SourceFile, yaml};
use template::{Engine, Tree};

use crate::Failed;

/// Reads all `-e` options, the later ones over the earlier ones.
/// `words` is told what stands in one without being of a pair: it becomes `_raw_params`.
///
/// # Errors
/// What is wrong, with the exit code that Ansible gives it.
pub fn read(
    options: &[String],
    engine: &Engine,
    files: &Files,
    words: &dyn Fn(&str),
) -> Result<plan::Layer, Failed> {
    let mut vars: IndexMap<Arc<str>, Tree> = IndexMap::new();
    for option in options {
        let text = option.trim();
        if let Some(path) = text.strip_prefix('@') {
            let file = files.read(Path::new(path)).map_err(|why| {
                Failed::general(format!("cannot read the extra vars file {path}: {why}"))
            })?;
            from_yaml(&file, engine, &mut vars)?;
        } else if text.starts_with(['/', '.']) {
            return Err(Failed::option(format!(
                "Please prepend extra_vars filename '{text}' with '@'"
            )));
        } else if text.starts_with(['{', '[']) {
            let file = SourceFile::new("<command line>", text);
            from_yaml(&file, engine, &mut vars)?;
        } else {
            let split = playbook::key_value::split(text, false)
                .map_err(|error| Failed::option(error.to_string()))?;
            // Words without `=` are what Ansible has them for, which nobody means.
            if let Some(rest) = &split.free_form {
                words(rest);
            }
            let rest = split.free_form.map(|rest| ("_raw_params".to_owned(), rest));
            for (name, value) in split.pairs.into_iter().chain(rest) {
                let tree = Tree::from_text(&value, engine)
                    .or_else(|error| Tree::awaiting(&value, error))
                    .map_err(|error| Failed::parser(error.to_string()))?;
                vars.insert(name.as_str().into(), tree);
            }
        }
    }
    Ok(Arc::new(vars))
}

fn from_yaml(
    file: &Arc<SourceFile>,
    engine: &Engine,
    vars: &mut IndexMap<Arc<str>, Tree>,
) -> Result<(), Failed> {
    let mut diagnostics = Diagnostics::default();
    let node = yaml::parse(file, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(Failed::parser(crate::rendered(&diagnostics)));
    }
    let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(()) };
    let Some(mapping) = node.as_mapping() else {
        return Err(Failed::option(format!(
            "Invalid extra vars data supplied. '{}' could not be made into a dictionary",
            file.path.display()
        )));
    };
    for entry in &mapping.entries {
        let name = entry.key.as_str().unwrap_or_else(|| entry.key.span.text());
        let tree = Tree::from_node(&entry.value, engine)
            .map_err(|all| Failed::parser(crate::rendered(&Diagnostics { all })))?;
        vars.insert(name.into(), tree);
    }
    Ok(())
}
