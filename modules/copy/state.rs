//! What `copy` compares.

use std::collections::BTreeMap;

use module::FileAttributes;
use serde::Serialize;

/// What differs, by path.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Files(pub BTreeMap<String, Node>);

/// What stands, or should stand, at a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum Node {
    Absent,
    File {
        /// SHA-256.
        digest: String,
        #[serde(flatten)]
        attributes: FileAttributes,
    },
    Directory {
        #[serde(flatten)]
        attributes: FileAttributes,
    },
    Link {
        target: String,
        #[serde(flatten)]
        attributes: FileAttributes,
    },
}

impl Node {
    /// What is not set by attributes alone.
    pub fn kind_and_content(&self) -> (&'static str, &str) {
        match self {
            Self::Absent => ("absent", ""),
            Self::File { digest, .. } => ("file", digest),
            Self::Directory { .. } => ("directory", ""),
            Self::Link { target, .. } => ("link", target),
        }
    }

    /// Its attributes, where it has some of its own.
    pub fn attributes(&self) -> Option<&FileAttributes> {
        match self {
            Self::File { attributes, .. }
            | Self::Directory { attributes }
            | Self::Link { attributes, .. } => Some(attributes),
            Self::Absent => None,
        }
    }
}
