//! What `file` compares.

use std::{collections::BTreeMap, path::Path};

use module::{FileAttributes, Metadata};
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
    /// What differs below a folder, by path.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub below: BTreeMap<String, FileAttributes>,
}

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
