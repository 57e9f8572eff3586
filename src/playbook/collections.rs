//! Collections that are installed on the controller.

use std::path::{Path, PathBuf};

/// Where collections are looked for.
#[derive(Clone, Debug, Default)]
pub struct Collections {
    /// Folders that hold `ansible_collections`.
    pub paths: Vec<PathBuf>,
}

impl Collections {
    /// The folder of a collection such as `community.web`, if it is installed.
    pub fn folder(&self, collection: &str) -> Option<PathBuf> {
        let (namespace, name) = collection.split_once('.')?;
        self.paths.iter().find_map(|path| {
            // A path may end in the folder of that name, or hold it.
            let root = match path.ends_with("ansible_collections") {
                true => path.clone(),
                false => path.join("ansible_collections"),
            };
            let folder = root.join(namespace).join(name);
            folder.is_dir().then_some(folder)
        })
    }

    /// The file of a playbook that is named `namespace.collection.name`; folders below `playbooks/`
    /// stand before the name, an extension may stand behind it.
    pub fn playbook(&self, name: &str) -> Option<PathBuf> {
        let extension = ["yml", "yaml"]
            .into_iter()
            .find(|extension| Path::new(name).extension().is_some_and(|own| own == *extension));
        let bare = match extension {
            Some(extension) => name.strip_suffix(extension)?.strip_suffix('.')?,
            None => name,
        };
        let is_word = |part: &&str| {
            !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        let parts: Vec<&str> = bare.split('.').collect();
        let [namespace, collection, folders @ .., book] = parts.as_slice() else { return None };
        if !parts.iter().all(is_word) {
            return None;
        }
        let mut folder = self.folder(&format!("{namespace}.{collection}"))?.join("playbooks");
        folder.extend(folders);
        let endings = extension.map_or(["yml", "yaml"].as_slice(), |_| &[]);
        let found = endings.iter().copied().chain(extension);
        found
            .map(|extension| folder.join(format!("{book}.{extension}")))
            .find(|path| path.is_file())
    }

    /// The collection that a folder is in, by its path.
    pub fn around(folder: &Path) -> Option<String> {
        let mut parts = folder.components().map(|part| part.as_os_str());
        parts.by_ref().find(|part| *part == "ansible_collections")?;
        let (namespace, name) = (parts.next()?.to_str()?, parts.next()?.to_str()?);
        Some(format!("{namespace}.{name}"))
    }

    /// Whether a collection ships a module of this name, in whatever language.
    pub fn has_module(&self, collection: &str, module: &str) -> bool {
        self.folder(collection).is_some_and(|folder| {
            ["modules", "action"].iter().any(|kind| {
                folder.join("plugins").join(kind).join(format!("{module}.py")).is_file()
            })
        })
    }
}
