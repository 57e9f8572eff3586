//! A module of Python and what it imports of Ansible's `module_utils`, put together for a host.
//!
//! Nothing of Ansible's is part of Trueup: the files are those that are installed on the
//! controller. What is imported and is not there is left out, as it may be imported on trial; the
//! module itself then says what it misses.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
};

use playbook::collections::Collections;
use run::custom_module::PythonBundle;

/// Files that one module may bring at most.
const FILES_MAX: usize = 2000;

/// Calls a module with the arguments in the file that it is given.
const ENTRY: &str = r#"import os
import runpy
import sys

sys.dont_write_bytecode = True
folder = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [folder] + [path for path in sys.path if os.path.abspath(path) != folder]
with open(sys.argv[1], "rb") as stream:
    arguments = stream.read()
sys.argv = [sys.argv[0]]
from ansible.module_utils import basic

basic._ANSIBLE_ARGS = arguments
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module(
    "MODULE",
    init_globals={"_module_fqn": "MODULE", "_modlib_path": folder},
    run_name="__main__",
    alter_sys=True,
)
"#;

/// Where imports are looked for.
pub struct Sources<'a> {
    /// Folders of `module_utils` of the user's own, the first of which counts.
    pub own: Vec<PathBuf>,
    /// The folder of the package `ansible` on the controller.
    pub ansible: PathBuf,
    pub collections: &'a Collections,
}

/// Puts together a module of that dotted name, such as `ansible.modules.x`.
///
/// # Errors
/// A file that cannot be read, or too many of them.
pub fn build(dotted: &str, text: String, sources: &Sources) -> Result<PythonBundle, String> {
    let mut files = BTreeMap::new();
    let mut waiting: VecDeque<(Vec<String>, bool, String)> = VecDeque::new();
    let module: Vec<String> = dotted.split('.').map(str::to_owned).collect();
    add_parents(&module, &mut files);
    files.insert(format!("{}.py", module.join("/")), text.clone());
    waiting.push_back((module, false, text));
    let basic: Vec<String> =
        ["ansible", "module_utils", "basic"].iter().map(|part| (*part).to_owned()).collect();
    take(&basic, sources, &mut files, &mut waiting)?;
    while let Some((name, is_package, text)) = waiting.pop_front() {
        for import in imports(&text, &name, is_package) {
            take(&import, sources, &mut files, &mut waiting)?;
        }
        if files.len() > FILES_MAX {
            return Err(format!("{dotted} imports more than {FILES_MAX} files"));
        }
    }
    let entry = "call_module.py".to_owned();
    files.insert(entry.clone(), ENTRY.replace("MODULE", dotted));
    Ok(PythonBundle { files, entry })
}

/// Packages around a module, which are empty here but for those that have a file.
fn add_parents(name: &[String], files: &mut BTreeMap<String, String>) {
    for depth in 1..name.len() {
        let parts = name.get(..depth).unwrap_or_default();
        files.entry(format!("{}/__init__.py", parts.join("/"))).or_default();
    }
}

/// Takes in the file that an import means: the longest part of its name that is one.
fn take(
    import: &[String],
    sources: &Sources,
    files: &mut BTreeMap<String, String>,
    waiting: &mut VecDeque<(Vec<String>, bool, String)>,
) -> Result<(), String> {
    for depth in (1..=import.len()).rev() {
        let name = import.get(..depth).unwrap_or_default();
        let Some((path, is_package)) = locate(name, sources) else { continue };
        let stem = name.join("/");
        let key = if is_package { format!("{stem}/__init__.py") } else { format!("{stem}.py") };
        if files.get(&key).is_some_and(|text| !text.is_empty()) {
            return Ok(());
        }
        let text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let is_known = files.insert(key, text.clone()).is_some_and(|known| known == text);
        if is_known {
            return Ok(());
        }
        // A package is run before what is in it.
        for parent in 1..depth {
            take(name.get(..parent).unwrap_or_default(), sources, files, waiting)?;
        }
        add_parents(name, files);
        waiting.push_back((name.to_vec(), is_package, text));
        return Ok(());
    }
    Ok(())
}

/// The file of a dotted name, and whether it is a package's.
fn locate(name: &[String], sources: &Sources) -> Option<(PathBuf, bool)> {
    let parts: Vec<&str> = name.iter().map(String::as_str).collect();
    let file = |folder: &Path, rest: &[&str]| {
        let stem = rest.iter().fold(folder.to_owned(), |path, part| path.join(part));
        let package = stem.join("__init__.py");
        let module = stem.with_file_name(format!(
            "{}.py",
            stem.file_name().and_then(|name| name.to_str()).unwrap_or_default()
        ));
        if package.is_file() {
            Some((package, true))
        } else {
            (!rest.is_empty() && module.is_file()).then_some((module, false))
        }
    };
    match parts.as_slice() {
        ["ansible", "module_utils", rest @ ..] if !rest.is_empty() => {
            let own = sources.own.iter().find_map(|folder| file(folder, rest));
            own.or_else(|| file(&sources.ansible.join("module_utils"), rest))
        }
        ["ansible_collections", namespace, collection, "plugins", rest @ ..]
            if rest.first() == Some(&"module_utils") =>
        {
            let folder = sources.collections.folder(&format!("{namespace}.{collection}"))?;
            file(&folder.join("plugins"), rest)
        }
        _ => None,
    }
}

/// The dotted names that a text may import, each also with the names taken from it.
fn imports(text: &str, module: &[String], is_package: bool) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for line in statements(text) {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("import ") {
            for name in rest.split(',') {
                let name = name.split(" as ").next().unwrap_or_default().trim();
                found.push(dotted(name));
            }
        } else if let Some((base, names)) =
            line.strip_prefix("from ").and_then(|rest| rest.split_once(" import "))
        {
            let base = base.trim();
            let level = base.chars().take_while(|c| *c == '.').count();
            let mut full: Vec<String> = match level {
                0 => Vec::new(),
                _ => {
                    let package = module.len().saturating_sub(usize::from(!is_package));
                    let kept = package.saturating_sub(level - 1);
                    module.get(..kept).unwrap_or_default().to_vec()
                }
            };
            full.extend(dotted(base.get(level..).unwrap_or_default()));
            for name in names.trim_matches(['(', ')', ' ']).split(',') {
                let name = name.split(" as ").next().unwrap_or_default().trim();
                let mut one = full.clone();
                one.extend(dotted(name));
                found.push(one);
            }
            found.push(full);
        }
    }
    found
}

fn dotted(name: &str) -> Vec<String> {
    let is_name =
        |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    name.split('.').map(str::trim).filter(is_name).map(str::to_owned).collect()
}

/// Lines that may be imports, put together over parentheses and backslashes, comments taken out.
fn statements(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        if !start.starts_with("import ") && !start.starts_with("from ") {
            continue;
        }
        let bare = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
        let mut whole = bare(line);
        loop {
            let is_open = whole.matches('(').count() > whole.matches(')').count();
            let goes_on = whole.ends_with('\\');
            if !is_open && !goes_on {
                break;
            }
            let Some(next) = lines.next() else { break };
            whole = format!("{} {}", whole.trim_end_matches('\\'), bare(next));
        }
        statements.push(whole);
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::imports;

    fn check(text: &str, module: &str, is_package: bool, expected: &[&str]) {
        let module: Vec<String> = module.split('.').map(str::to_owned).collect();
        let found: Vec<String> =
            imports(text, &module, is_package).iter().map(|name| name.join(".")).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn imports_of_all_forms_are_found() {
        check("import a.b as c, d\n", "m", false, &["a.b", "d"]);
        check("    from a.b import c as d  # why\n", "m", false, &["a.b.c", "a.b"]);
        check("from a import (\n    b,\n    c,\n)\n", "m", false, &["a.b", "a.c", "a", "a"]);
        check("from a import b, \\\n  c\n", "m", false, &["a.b", "a.c", "a"]);
        check("from . import x\n", "p.q.m", false, &["p.q.x", "p.q"]);
        check("from .x import y\n", "p.q", true, &["p.q.x.y", "p.q.x"]);
        check("from ..u.x import y\n", "p.q.m", false, &["p.u.x.y", "p.u.x"]);
    }

    #[test]
    fn what_is_no_import_is_passed_over() {
        check("x = 'import a'\nimported = 1\n# from a import b\n", "m", false, &[]);
    }
}
