//! Modules that users have written: in `library/` beside playbooks and in roles, in the folders of
//! the settings, and in collections.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use playbook::collections::Collections;
use run::custom_module::{CustomModule, JSON_MARK, PythonBundle, PythonModule, Speech};

use crate::{
    python_bundle::{self, Sources},
    settings::Settings,
};

/// Endings of files that stand among modules and are none.
const IGNORED_ENDINGS: &[&str] = &[
    "pyc", "pyo", "swp", "bak", "~", "rpm", "md", "txt", "rst", "yaml", "yml", "ini", "json",
    "toml", "orig", "cfg",
];

/// Bytes of a file by which it is told what it is.
const SAMPLE_BYTES: usize = 64 * 1024;

/// A module, or why one that is there cannot be run.
pub type Found = Result<Arc<CustomModule>, String>;

/// Folders in which users have what they have written.
#[derive(Debug, Default)]
pub struct ModuleFolders {
    /// Of modules, named on the command line: they come before all others.
    pub named: Vec<PathBuf>,
    /// Of modules, of the settings: they come after those beside playbooks and in roles.
    pub modules: Vec<PathBuf>,
    /// Of what modules import.
    pub module_utils: Vec<PathBuf>,
}

/// Folders of modules that the command line names.
pub fn named_folders(settings: &Settings, named: &[PathBuf]) -> Vec<PathBuf> {
    named
        .iter()
        .flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>())
        .map(|path| settings.expand(&path.to_string_lossy()))
        .collect()
}

/// Finds modules that users have written, and says how they are run.
pub struct CustomModules {
    /// Folders of modules of the command line, of playbooks and of roles, the first of which counts.
    folders: RwLock<Vec<PathBuf>>,
    /// Those of the settings, which come behind.
    configured: Vec<PathBuf>,
    support: Arc<Support>,
    /// By the name that they are known by.
    found: RwLock<HashMap<String, Found>>,
    /// Names that are in none of the folders.
    missing: RwLock<HashSet<String>>,
}

/// Where modules of Python have what they import.
struct Support {
    collections: Collections,
    /// Folders of `module_utils` beside playbooks and in roles, as they are met.
    beside: RwLock<Vec<PathBuf>>,
    /// Those of the settings.
    configured: Vec<PathBuf>,
    /// The folder of the package `ansible` of the controller's Python.
    ansible: OnceLock<Option<PathBuf>>,
    /// What is put before names to find programs of the controller.
    search_path: String,
}

impl CustomModules {
    /// Knows the folders of the settings; those of playbooks and roles are added as they are met.
    pub fn new(collections: Collections, folders: ModuleFolders, search_path: String) -> Self {
        Self {
            folders: RwLock::new(folders.named),
            configured: folders.modules,
            support: Arc::new(Support {
                collections,
                beside: RwLock::default(),
                configured: folders.module_utils,
                ansible: OnceLock::new(),
                search_path,
            }),
            found: RwLock::default(),
            missing: RwLock::default(),
        }
    }

    /// Adds a folder of modules, behind those that are known, and the `module_utils` beside it.
    pub fn add_folder(&self, folder: &Path) {
        self.support.add_folder(&folder.with_file_name("module_utils"));
        let mut folders = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        if !folders.iter().any(|known| known == folder) && folder.is_dir() {
            folders.push(folder.to_owned());
            self.missing.write().unwrap_or_else(PoisonError::into_inner).clear();
            // What the settings' folders have may stand behind what this one has.
            let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
            found.retain(|_, found| {
                let Ok(module) = found else { return true };
                let is_configured = self.configured.iter().any(|own| module.path.starts_with(own));
                !is_configured
                    || module
                        .path
                        .file_stem()
                        .and_then(|stem| stem.to_str())
                        .is_none_or(|stem| module_file(folder, stem).is_none())
            });
        }
    }

    /// A module of no collection.
    pub fn legacy(&self, name: &str) -> Option<Found> {
        let key = format!("ansible.legacy.{name}");
        if let Some(found) = self.known(&key) {
            return Some(found);
        }
        if self.missing.read().unwrap_or_else(PoisonError::into_inner).contains(name) {
            return None;
        }
        let mut folders = self.folders.read().unwrap_or_else(PoisonError::into_inner).clone();
        folders.extend_from_slice(&self.configured);
        let Some(path) = folders.iter().find_map(|folder| module_file(folder, name)) else {
            let mut missing = self.missing.write().unwrap_or_else(PoisonError::into_inner);
            missing.insert(name.to_owned());
            return None;
        };
        let found = self.read(&key, &format!("ansible.modules.{name}"), path);
        Some(self.keep(key, found))
    }

    /// A module of a collection that is installed.
    pub fn of_collection(&self, collection: &str, name: &str) -> Option<Found> {
        let key = format!("{collection}.{name}");
        if let Some(found) = self.known(&key) {
            return Some(found);
        }
        let plugins = self.support.collections.folder(collection)?.join("plugins");
        let stem = name.replace('.', "/");
        let (folder, last) = match stem.rsplit_once('/') {
            Some((folder, last)) => (plugins.join("modules").join(folder), last),
            None => (plugins.join("modules"), stem.as_str()),
        };
        let path = module_file(&folder, last)?;
        let dotted = format!("ansible_collections.{collection}.plugins.modules.{name}");
        let found = self.read(&key, &dotted, path);
        Some(self.keep(key, found))
    }

    /// A module by the name that it was found by.
    pub fn known(&self, key: &str) -> Option<Found> {
        self.found.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: String, found: Found) -> Found {
        let mut all = self.found.write().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert(found).clone()
    }

    fn read(&self, name: &str, dotted: &str, path: PathBuf) -> Found {
        let content = std::fs::read(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let speech = self.speech(name, dotted, &content)?;
        Ok(Arc::new(CustomModule { name: name.to_owned(), path, speech }))
    }

    fn speech(&self, name: &str, dotted: &str, content: &[u8]) -> Result<Speech, String> {
        if is_binary(content) {
            return Ok(Speech::Binary);
        }
        let text = String::from_utf8_lossy(content);
        if text.contains(JSON_MARK) {
            return Ok(Speech::JsonInside);
        }
        if uses_module_utils(&text) {
            let (support, dotted) = (Arc::clone(&self.support), dotted.to_owned());
            let text = text.into_owned();
            let python = PythonModule::new(move || support.assemble(&dotted, &text));
            return Ok(Speech::Python(Arc::new(python)));
        }
        if ["#Requires -", "#AnsibleRequires -", "#!powershell"]
            .iter()
            .any(|mark| text.lines().any(|line| line.starts_with(mark)))
        {
            return Err(format!("{name} is a module for Windows, which Trueup does not reach"));
        }
        if text.contains("WANT_JSON") {
            return Ok(Speech::WantJson);
        }
        Ok(Speech::KeyValue)
    }
}

impl Support {
    fn add_folder(&self, folder: &Path) {
        let mut folders = self.beside.write().unwrap_or_else(PoisonError::into_inner);
        if !folders.iter().any(|known| known == folder) && folder.is_dir() {
            folders.push(folder.to_owned());
        }
    }

    fn assemble(&self, dotted: &str, text: &str) -> Result<PythonBundle, String> {
        let mut own = self.beside.read().unwrap_or_else(PoisonError::into_inner).clone();
        own.extend_from_slice(&self.configured);
        let ansible = || self.ansible();
        let sources = Sources { own, ansible: &ansible, collections: &self.collections };
        python_bundle::build(dotted, text.to_owned(), &sources)
    }

    /// Asks the controller's Python for Ansible, once.
    fn ansible(&self) -> Option<PathBuf> {
        let ask = || {
            let output = std::process::Command::new("python3")
                .args(["-c", "import ansible; print(ansible.__path__[0])"])
                .env("PATH", &self.search_path)
                .stdin(std::process::Stdio::null())
                .output()
                .ok()?;
            let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
            path.join("module_utils/basic.py").is_file().then_some(path)
        };
        self.ansible.get_or_init(ask).clone()
    }
}

/// The file of a module in a folder: of that name, with any ending but some.
fn module_file(folder: &Path, name: &str) -> Option<PathBuf> {
    let python = folder.join(format!("{name}.py"));
    if python.is_file() {
        return Some(python);
    }
    // A module that is about to go has a mark before its name.
    let parting = folder.join(format!("_{name}.py"));
    if parting.is_file() {
        return Some(parting);
    }
    let exact = folder.join(name);
    if exact.is_file() {
        return Some(exact);
    }
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.file_stem().is_some_and(|stem| stem == name))
        .filter(|path| {
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            !IGNORED_ENDINGS.contains(&ending) && !ending.ends_with('~') && path.is_file()
        })
        .collect();
    files.sort();
    files.into_iter().next()
}

/// Whether content is a program and no text.
fn is_binary(content: &[u8]) -> bool {
    content.get(..content.len().min(SAMPLE_BYTES)).unwrap_or_default().contains(&0)
}

/// Whether a text imports Ansible's `module_utils`, or a collection's.
fn uses_module_utils(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        let Some(rest) = line.strip_prefix("from ").or_else(|| line.strip_prefix("import ")) else {
            return false;
        };
        let rest = rest.trim_start();
        rest.starts_with("ansible.module_utils")
            || rest.starts_with("ansible_collections.") && rest.contains(".plugins.module_utils")
            || rest.starts_with("..") && rest.trim_start_matches('.').starts_with("module_utils")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(files: &[(&str, &[u8])]) -> (PathBuf, CustomModules) {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root =
            std::env::temp_dir().join(format!("trueup-custom-{}-{count}", std::process::id()));
        for (name, content) in files {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let folders =
            ModuleFolders { modules: vec![root.join("library")], ..ModuleFolders::default() };
        let modules = CustomModules::new(Collections::default(), folders, String::new());
        (root, modules)
    }

    #[test]
    fn modules_are_told_apart_by_what_they_say() {
        let (root, modules) = modules(&[
            ("library/shell.sh", b"#!/bin/sh\n. $1\n"),
            ("library/json", b"#!/usr/bin/perl\n# WANT_JSON\n"),
            (
                "library/inside.py",
                b"#!/usr/bin/python\nx = '''<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>'''\n",
            ),
            ("library/program", b"\x7fELF\0\0"),
            ("library/new.py", b"from ansible.module_utils.basic import AnsibleModule\n"),
            ("library/shell.md", b"# about it"),
        ]);
        let speech = |name: &str| format!("{:?}", modules.legacy(name).unwrap().unwrap().speech);
        assert_eq!(speech("shell"), "KeyValue");
        assert_eq!(speech("json"), "WantJson");
        assert_eq!(speech("inside"), "JsonInside");
        assert_eq!(speech("program"), "Binary");
        assert_eq!(speech("new"), "Python(PythonModule { .. })");
        assert!(modules.known("ansible.legacy.shell").is_some());
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let (root, modules) =
            modules(&[("library/win.ps1", b"#!powershell\n"), ("library/notes.txt", b"")]);
        let why = modules.legacy("win").unwrap().unwrap_err();
        assert!(why.contains("for Windows"), "{why}");
        assert!(modules.legacy("notes").is_none());
        assert!(modules.legacy("missing").is_none());
        std::fs::remove_dir_all(root).unwrap();
    }
}
