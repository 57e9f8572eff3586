//! What `file` compares.

use std::{collections::BTreeMap, path::Path};

use module::{Failure, FileAttributes, Host, Metadata};
use serde::Serialize;

/// What stands, or should stand, at a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    pub path: String,
    /// `absent`, `directory`, `file`, `hard` or `link`.
    pub state: &'static str,
    /// What a link leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub src: Option<String>,
    #[serde(flatten)]
    pub attributes: FileAttributes,
    /// Seconds since 1970, where the task says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub atime: Option<f64>,
    /// Seconds since 1970, where the task says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime: Option<f64>,
    /// What is lost with a folder.
    #[serde(rename = "path_content", skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// What differs below a folder, by path.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub below: BTreeMap<String, FileAttributes>,
}

/// All that stands below a folder, by path.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Content {
    pub directories: Vec<String>,
    pub files: Vec<String>,
}

impl Content {
    /// Lists what stands below a folder. Links to folders are among the folders, and are not
    /// followed.
    ///
    /// # Errors
    /// Folders that cannot be read.
    pub fn read(host: &dyn Host, folder: &Path) -> Result<Self, Failure> {
        let mut content = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for name in host.list(&folder)? {
                if content.directories.len() + content.files.len() >= LISTED_MAX {
                    return Ok(content);
                }
                let path = folder.join(name);
                let shown = path.display().to_string();
                match host.link_metadata(&path)? {
                    Some(found) if found.is_dir() => {
                        content.directories.push(shown);
                        folders.push(path);
                    }
                    Some(found) if found.is_link() && is_folder(host, &path) => {
                        content.directories.push(shown);
                    }
                    Some(_) => content.files.push(shown),
                    None => {}
                }
            }
        }
        Ok(content)
    }
}

fn is_folder(host: &dyn Host, path: &Path) -> bool {
    host.metadata(path).ok().flatten().is_some_and(|found| found.is_dir())
}

/// Files that are listed of a folder that goes; the list is for people's eyes.
const LISTED_MAX: usize = 10_000;

impl Entry {
    /// What is there, without what only some tasks ask for.
    pub fn plain(path: &Path, there: Option<&Metadata>) -> Self {
        Self {
            path: path.display().to_string(),
            state: match there {
                None => "absent",
                Some(found) if found.is_dir() => "directory",
                Some(found) if found.is_link() => "link",
                Some(_) => "file",
            },
            src: None,
            attributes: FileAttributes::default(),
            atime: None,
            mtime: None,
            content: None,
            below: BTreeMap::new(),
        }
    }

    /// Nothing.
    pub fn absent(path: &Path) -> Self {
        Self::plain(path, None)
    }

    /// A link of which nothing else is known.
    pub fn link(path: &Path) -> Self {
        Self { state: "link", ..Self::plain(path, None) }
    }
}

/// Whether the link itself has to be made anew.
pub fn is_other_link(actual: &Entry, desired: &Entry) -> bool {
    (actual.state, &actual.src) != (desired.state, &desired.src)
}
