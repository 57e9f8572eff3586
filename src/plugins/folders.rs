//! Folders of plugins: beside playbooks, in roles, of the settings; and what their files say.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

/// The largest file that is looked into, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A file that may hold plugins.
#[derive(Debug)]
pub struct PluginFile {
    pub path: PathBuf,
    quoted: OnceLock<HashSet<String>>,
    /// The names that it has, once the interpreter has listed them; or why it cannot.
    pub listed: OnceLock<Result<Vec<String>, String>>,
}

impl PluginFile {
    fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self { path, quoted: OnceLock::new(), listed: OnceLock::new() })
    }

    /// The name without its ending.
    pub fn stem(&self) -> &str {
        self.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
    }

    /// Whether the text has a word in quotes: how files of filters name what they have.
    pub fn quotes(&self, word: &str) -> bool {
        self.quoted
            .get_or_init(|| {
                let is_small =
                    self.path.metadata().is_ok_and(|metadata| metadata.len() <= FILE_BYTES_MAX);
                match std::fs::read(&self.path) {
                    Ok(bytes) if is_small => quoted_words(&String::from_utf8_lossy(&bytes)),
                    _ => HashSet::new(),
                }
            })
            .contains(word)
    }
}

/// All words of a text that stand in quotes, alone.
fn quoted_words(text: &str) -> HashSet<String> {
    let mut words = HashSet::new();
    let mut parts = text.split(['\'', '"']);
    parts.next();
    for part in parts {
        let is_word = part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        if is_word {
            words.insert(part.to_owned());
        }
    }
    words
}

/// The folders of one run.
#[derive(Debug, Default)]
pub struct Folders {
    /// Folders that may hold `filter_plugins` and its like, in the order in which they were met.
    around: RwLock<Vec<PathBuf>>,
    /// These folders under all names that they were told of by, and their real ones.
    met: RwLock<HashSet<PathBuf>>,
    /// The files of each kind that was asked for since the last folder was met.
    found: RwLock<HashMap<&'static str, Files>>,
    /// Those of the settings, by kind.
    configured: HashMap<&'static str, Vec<PathBuf>>,
    /// Files by folder, read once.
    read: RwLock<HashMap<PathBuf, Files>>,
}

/// Files, those that count first before others.
pub type Files = Arc<Vec<Arc<PluginFile>>>;

impl Folders {
    /// Folders of the settings, by kind of plugin.
    pub fn new(configured: HashMap<&'static str, Vec<PathBuf>>) -> Self {
        Self { configured, ..Self::default() }
    }

    /// Notes the folder of a playbook or role.
    pub fn add(&self, folder: &Path) {
        {
            let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
            if !met.insert(folder.to_owned()) {
                return;
            }
            // It may have been told of by another name; its plugins count once.
            let real = std::fs::canonicalize(folder).ok().filter(|real| real != folder);
            if real.is_some_and(|real| !met.insert(real)) {
                return;
            }
        }
        self.around.write().unwrap_or_else(PoisonError::into_inner).push(folder.to_owned());
        // After the folder is there: who looks meanwhile looks again.
        self.found.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many folders of playbooks and roles were met.
    pub fn count(&self) -> usize {
        self.around.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// The files of a kind.
    pub fn files(&self, kind: &'static str) -> Files {
        let known = self.found.read().unwrap_or_else(PoisonError::into_inner).get(kind).cloned();
        if let Some(known) = known {
            return known;
        }
        let mut found = self.found.write().unwrap_or_else(PoisonError::into_inner);
        let around = self.around.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut files = Vec::new();
        for folder in around {
            files.extend(self.of_folder(&folder.join(format!("{kind}_plugins"))).iter().cloned());
        }
        for folder in self.configured.get(kind).into_iter().flatten() {
            files.extend(self.of_tree(folder).iter().cloned());
        }
        Arc::clone(found.entry(kind).or_insert_with(|| Arc::new(files)))
    }

    /// The files of a folder of the settings: those of the folders in it come before its own.
    fn of_tree(&self, folder: &Path) -> Files {
        let mark = folder.join("*");
        if let Some(known) = self.known(&mark) {
            return known;
        }
        let mut inner: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        inner.retain(|path| path.is_dir() && !path.ends_with("__pycache__"));
        inner.sort();
        let mut files = Vec::new();
        for folder in inner.iter().map(PathBuf::as_path).chain([folder]) {
            files.extend(self.of_folder(folder).iter().cloned());
        }
        self.keep(mark, files)
    }

    /// The files of one folder, sorted by name.
    pub fn of_folder(&self, folder: &Path) -> Files {
        if let Some(known) = self.known(folder) {
            return known;
        }
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        paths.retain(|path| {
            path.extension().is_some_and(|ending| ending == "py")
                && path.file_stem().is_some_and(|stem| stem != "__init__")
        });
        paths.sort();
        self.keep(folder.to_owned(), paths.into_iter().map(PluginFile::new).collect())
    }

    fn known(&self, folder: &Path) -> Option<Files> {
        self.read.read().unwrap_or_else(PoisonError::into_inner).get(folder).cloned()
    }

    fn keep(&self, folder: PathBuf, files: Vec<Arc<PluginFile>>) -> Files {
        let mut read = self.read.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(read.entry(folder).or_insert_with(|| Arc::new(files)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_quotes_are_found() {
        let words =
            quoted_words("return {'bool': x, \"to_it\": y, 'two words': z}\nint(a)\n# don't");
        assert!(words.contains("bool") && words.contains("to_it"));
        assert!(!words.contains("int") && !words.contains("two words") && !words.contains("x"));
    }

    #[test]
    fn folders_count_in_order() {
        let root = std::env::temp_dir().join(format!("trueup-folders-{}", std::process::id()));
        for path in
            ["a/filter_plugins/z.py", "a/filter_plugins/b.py", "c/sub/d.py", "c/e.py", "c/no.txt"]
        {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let folders = Folders::new(HashMap::from([("filter", vec![root.join("c")])]));
        folders.add(&root.join("a"));
        folders.add(&root.join("nowhere"));
        folders.add(&root.join("c/../a"));
        let stems: Vec<String> =
            folders.files("filter").iter().map(|file| file.stem().to_owned()).collect();
        assert_eq!(stems, ["b", "z", "d", "e"]);
        assert!(folders.files("test").is_empty());
        // Folders that are met later count too.
        std::fs::create_dir_all(root.join("late/test_plugins")).unwrap();
        std::fs::write(root.join("late/test_plugins/t.py"), "").unwrap();
        folders.add(&root.join("late"));
        assert_eq!(folders.files("test").len(), 1);
        std::fs::remove_dir_all(root).unwrap();
    }
}
