//! Collections that are installed on the controller.

use std::path::PathBuf;

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

    /// Whether a collection ships a module of this name, in whatever language.
    pub fn has_module(&self, collection: &str, module: &str) -> bool {
        self.folder(collection).is_some_and(|folder| {
            ["modules", "action"].iter().any(|kind| {
                folder.join("plugins").join(kind).join(format!("{module}.py")).is_file()
            })
        })
    }
}
