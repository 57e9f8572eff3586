//! A module of Python and what it imports of `module_utils`, put together for a host.
//!
//! Files of the user's come first: those of roles, of playbooks, of settings and of collections.
//! Then comes Trueup's own library ([`crate::python_library`]), which is on the host already. What
//! neither has is taken from the controller's Ansible, where there is one.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
};

use playbook::collections::Collections;
use run::custom_module::{Packed, PythonBundle};

use crate::{
    python_imports::{Import, imports},
    python_library,
};

/// Files that one module may bring at most.
const FILES_MAX: usize = 2000;

/// Calls a module with the arguments in the file that it is given.
const ENTRY: &str = r#"import json
import os
import runpy
import sys

folder, library = os.path.dirname(os.path.abspath(__file__)), sys.argv[2]
sys.path[:] = [folder, library] + [path for path in sys.path if os.path.abspath(path) != folder]
with open(sys.argv[1], "rb") as stream:
    call = json.loads(stream.read().decode("utf-8"))
sys.argv = sys.argv[:1]
arguments = call["ANSIBLE_MODULE_ARGS"]
if arguments.get("_ansible_tmpdir") is None:
    arguments["_ansible_tmpdir"] = os.path.join(folder, "tmp")
    os.mkdir(arguments["_ansible_tmpdir"], 0o700)
from ansible.module_utils import basic

basic._ANSIBLE_ARGS = json.dumps(call).encode("utf-8")
basic._ANSIBLE_PROFILE = "legacy"
runpy.run_module(
    "DOTTED_NAME",
    init_globals={"_module_fqn": "DOTTED_NAME", "_modlib_path": folder},
    run_name="__main__",
    alter_sys=True,
)
"#;

/// Has a package go on in the next folder where modules are looked for.
const GOES_ON: &str = "
from pkgutil import extend_path as _extend_path

__path__ = _extend_path(__path__, __name__)
";

/// Where imports are looked for.
pub struct Sources<'a> {
    /// Folders of `module_utils` of the user's own, the first of which counts.
    pub own: Vec<PathBuf>,
    /// Finds the folder of the package `ansible` on the controller, if there is one.
    pub ansible: &'a dyn Fn() -> Option<PathBuf>,
    pub collections: &'a Collections,
}

/// Puts together a module of that dotted name, such as `ansible.modules.x`.
///
/// # Errors
/// An import that it cannot do without is nowhere; a file that cannot be read; too many of them.
pub fn build(dotted: &str, text: String, sources: &Sources) -> Result<PythonBundle, String> {
    let module: Vec<String> = dotted.split('.').map(str::to_owned).collect();
    let mut bundle =
        Bundle { module: dotted, sources, files: BTreeMap::new(), waiting: VecDeque::new() };
    bundle.add_parents(&module);
    bundle.files.insert(format!("{}.py", module.join("/")), text.clone());
    bundle.waiting.push_back((module, false, text));
    while let Some((name, is_package, text)) = bundle.waiting.pop_front() {
        for import in imports(&text, &name, is_package) {
            bundle.take(&import)?;
        }
        if bundle.files.len() > FILES_MAX {
            return Err(format!("{dotted} imports more than {FILES_MAX} files"));
        }
    }
    let entry = "call_module.py".to_owned();
    let mut files = bundle.files;
    files.insert(entry.clone(), ENTRY.replace("DOTTED_NAME", dotted));
    Ok(PythonBundle { own: Packed::new(&files), entry, library: python_library::packed() })
}

/// A module while it is put together.
struct Bundle<'a> {
    module: &'a str,
    sources: &'a Sources<'a>,
    /// Texts by path.
    files: BTreeMap<String, String>,
    /// Files whose imports have not been looked at: name, whether it is a package, text.
    waiting: VecDeque<(Vec<String>, bool, String)>,
}

/// What a dotted name stands for.
enum Place {
    File {
        path: PathBuf,
        is_package: bool,
    },
    /// A folder without a file that says what it is.
    Folder,
    /// A part of Trueup's own library.
    Library,
}

impl Bundle<'_> {
    /// Packages around a module that have no file of the user's.
    fn add_parents(&mut self, name: &[String]) {
        for depth in 1..name.len() {
            let package = name.get(..depth).unwrap_or_default().join("/");
            let package = format!("{package}/__init__.py");
            let of_library = python_library::text(&package);
            let text = of_library.map(|text| format!("{GOES_ON}{text}")).unwrap_or_default();
            self.files.entry(package).or_insert(text);
        }
    }

    /// Takes in the file that an import means: the longest part of its name that is one.
    fn take(&mut self, import: &Import) -> Result<(), String> {
        let Some(shortest) = shortest_part(&import.name) else { return Ok(()) };
        for depth in (shortest..=import.name.len()).rev() {
            let name = import.name.get(..depth).unwrap_or_default();
            match self.locate(name) {
                Some(Place::Library) => return self.take_of_library(import, depth),
                Some(place) => return self.bring(name, place),
                None => {}
            }
        }
        if !import.is_required {
            return Ok(());
        }
        let looked_for: Vec<String> = [import.name.len(), import.name.len() - 1]
            .iter()
            .filter(|depth| **depth >= shortest)
            .map(|depth| format!("'{}'", import.name.get(..*depth).unwrap_or_default().join(".")))
            .collect();
        Err(format!(
            "Could not find imported module support code for {}.  Looked for ([{}])",
            self.module,
            looked_for.join(", ")
        ))
    }

    /// Of a module of the library one name: where the library does not have it, the controller's
    /// Ansible may.
    fn take_of_library(&mut self, import: &Import, depth: usize) -> Result<(), String> {
        let module = import.name.get(..depth).unwrap_or_default();
        let Some(wanted) = import.name.get(depth).filter(|wanted| *wanted != "*") else {
            return Ok(());
        };
        let stem = module.join("/");
        let text = [format!("{stem}/__init__.py"), format!("{stem}.py")]
            .iter()
            .find_map(|path| python_library::text(path));
        if text.is_none_or(|text| mentions(text, wanted)) {
            return Ok(());
        }
        let parts: Vec<&str> = module.iter().skip(2).map(String::as_str).collect();
        let of_ansible = (self.sources.ansible)()
            .and_then(|folder| file_in(&folder.join("module_utils"), &parts));
        match of_ansible {
            Some(place @ Place::File { .. }) => self.bring(module, place),
            _ if !import.is_required => Ok(()),
            _ => Err(format!(
                "{} imports '{wanted}' of {}, which is not there without Ansible: install \
                 ansible-core on the controller, or do without it",
                self.module,
                module.join(".")
            )),
        }
    }

    fn bring(&mut self, name: &[String], place: Place) -> Result<(), String> {
        let (path, is_package) = match place {
            Place::Library => return Ok(()),
            Place::Folder => {
                let inside: Vec<String> = name.iter().cloned().chain(["_".to_owned()]).collect();
                self.add_parents(&inside);
                return Ok(());
            }
            Place::File { path, is_package } => (path, is_package),
        };
        let stem = name.join("/");
        let key = if is_package { format!("{stem}/__init__.py") } else { format!("{stem}.py") };
        let mut text = std::fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if is_package && python_library::text(&key).is_some() {
            text.push_str(GOES_ON);
        }
        if self.files.get(&key) == Some(&text) {
            return Ok(());
        }
        self.files.insert(key, text.clone());
        // A package is run before what is in it.
        for depth in shortest_part(name).unwrap_or(name.len())..name.len() {
            let parent = name.get(..depth).unwrap_or_default();
            if let Some(place @ Place::File { .. }) = self.locate(parent) {
                self.bring(parent, place)?;
            }
        }
        self.add_parents(name);
        self.waiting.push_back((name.to_vec(), is_package, text));
        Ok(())
    }

    /// Where a dotted name is.
    fn locate(&self, name: &[String]) -> Option<Place> {
        let parts: Vec<&str> = name.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["ansible", "module_utils", rest @ ..] if !rest.is_empty() => {
                let stem = name.join("/");
                let is_in_library = [format!("{stem}.py"), format!("{stem}/__init__.py")]
                    .iter()
                    .any(|path| python_library::text(path).is_some());
                let own = self.sources.own.iter().find_map(|folder| file_in(folder, rest));
                own.or_else(|| is_in_library.then_some(Place::Library))
                    .or_else(|| file_in(&(self.sources.ansible)()?.join("module_utils"), rest))
            }
            ["ansible_collections", namespace, collection, "plugins", rest @ ..]
                if rest.first() == Some(&"module_utils") =>
            {
                let collection = format!("{namespace}.{collection}");
                file_in(&self.sources.collections.folder(&collection)?.join("plugins"), rest)
            }
            _ => None,
        }
    }
}

/// Whether a text of Python has a name anywhere in it, or may have any.
fn mentions(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.contains("import *") || text.split(|c| !is_word(c)).any(|word| word == name)
}

/// How many parts of a name must be there for it to be brought; `None` where it is no affair of
/// ours, as of Python's own modules.
fn shortest_part(name: &[String]) -> Option<usize> {
    let parts: Vec<&str> = name.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["ansible", "module_utils", first, ..] if *first != "*" => Some(3),
        ["ansible_collections", _, _, "plugins", "module_utils", ..] => Some(5),
        _ => None,
    }
}

/// What stands in a folder for the rest of a dotted name.
fn file_in(folder: &Path, rest: &[&str]) -> Option<Place> {
    let stem = rest.iter().fold(folder.to_owned(), |path, part| path.join(part));
    let package = stem.join("__init__.py");
    if package.is_file() {
        return Some(Place::File { path: package, is_package: true });
    }
    let module = stem.with_file_name(format!("{}.py", rest.last()?));
    if module.is_file() {
        return Some(Place::File { path: module, is_package: false });
    }
    stem.is_dir().then_some(Place::Folder)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// What is brought for a module, with files of the user's and of the controller's Ansible.
    fn check(module: &str, files: &[&str], expected: Result<&[&str], &str>) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("trueup-bundle-{}-{count}", std::process::id()));
        for line in files {
            let (path, text) = line.split_once(": ").unwrap_or((line, ""));
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let ansible = || Some(root.join("ansible")).filter(|folder| folder.is_dir());
        let sources = Sources {
            own: vec![root.join("first"), root.join("second")],
            ansible: &ansible,
            collections: &Collections::default(),
        };
        let built = build("ansible.modules.m", module.to_owned(), &sources).map(|bundle| {
            let files: BTreeMap<String, String> =
                serde_json::from_slice(&bundle.own.content).unwrap();
            let always = [
                "ansible/__init__.py",
                "ansible/modules/__init__.py",
                "ansible/modules/m.py",
                "call_module.py",
            ];
            files.into_keys().filter(|path| !always.contains(&path.as_str())).collect::<Vec<_>>()
        });
        if root.is_dir() {
            std::fs::remove_dir_all(root).unwrap();
        }
        let built = built.as_ref().map(|files| files.iter().map(String::as_str).collect());
        let expected = expected.map(<[&str]>::to_vec);
        assert_eq!(built.map_err(String::as_str), expected, "{module}");
    }

    #[test]
    fn what_is_imported_is_brought() {
        let utils = "ansible/module_utils/__init__.py";
        check("from ansible.module_utils.basic import AnsibleModule", &[], Ok(&[]));
        check("import os\nfrom ansible.module_utils import basic, six", &[], Ok(&[]));
        let foo = [utils, "ansible/module_utils/foo.py"];
        check("from ansible.module_utils.foo import bar", &["first/foo.py"], Ok(&foo));
        let nested = [
            utils,
            "ansible/module_utils/a/__init__.py",
            "ansible/module_utils/a/b.py",
            "ansible/module_utils/c.py",
        ];
        check(
            "import ansible.module_utils.a.b",
            &["second/a/b.py: from ansible.module_utils import c", "first/c.py"],
            Ok(&nested),
        );
        // The user's own wins over the library, the library over the controller's.
        let urls = [utils, "ansible/module_utils/urls.py"];
        check("from ansible.module_utils import basic, urls", &["first/urls.py"], Ok(&urls));
        let yumdnf = [utils, "ansible/module_utils/yumdnf.py"];
        check(
            "from ansible.module_utils import basic, yumdnf",
            &["ansible/module_utils/basic.py", "ansible/module_utils/yumdnf.py"],
            Ok(&yumdnf),
        );
        // What is missing may not be needed.
        check("try:\n  import ansible.module_utils.none\nexcept Exception: pass", &[], Ok(&[]));
        check("'''\nfrom ansible.module_utils.none import x\n'''", &[], Ok(&[]));
    }

    #[test]
    fn what_the_library_lacks_of_a_module_is_taken_from_ansible_or_named() {
        let facts = "from ansible.module_utils.facts import ansible_facts";
        check(
            facts,
            &["ansible/module_utils/basic.py", "ansible/module_utils/facts/__init__.py"],
            Ok(&["ansible/module_utils/__init__.py", "ansible/module_utils/facts/__init__.py"]),
        );
        check(
            facts,
            &[],
            Err("ansible.modules.m imports 'ansible_facts' of ansible.module_utils.facts, which \
                 is not there without Ansible: install ansible-core on the controller, or do \
                 without it"),
        );
        check(&format!("try:\n    {facts}\nexcept ImportError: pass"), &[], Ok(&[]));
        check("from ansible.module_utils.facts.utils import get_file_content", &[], Ok(&[]));
        check("from ansible.module_utils.six.moves import urllib", &[], Ok(&[]));
    }

    #[test]
    fn what_is_missing_is_named() {
        let one = "'ansible.module_utils.none'";
        let two = "'ansible.module_utils.none.x', 'ansible.module_utils.none'";
        let cases: [(&str, &[&str], &str); 5] = [
            ("from ansible.module_utils.none import x", &[], two),
            ("from ansible.module_utils import none", &[], one),
            (
                "from ansible.module_utils.none import *",
                &[],
                "'ansible.module_utils.none.*', 'ansible.module_utils.none'",
            ),
            (
                "from ansible.module_utils import a",
                &["first/a.py: import ansible.module_utils.none.x"],
                two,
            ),
            (
                "from ansible_collections.a.b.plugins.module_utils.c import d",
                &[],
                "'ansible_collections.a.b.plugins.module_utils.c.d', \
                 'ansible_collections.a.b.plugins.module_utils.c'",
            ),
        ];
        for (text, files, looked_for) in cases {
            let why = format!(
                "Could not find imported module support code for ansible.modules.m.  Looked for \
                 ([{looked_for}])"
            );
            check(text, files, Err(&why));
        }
    }
}
