//! The modules that there are, as this room is told of them.

use std::{path::Path, sync::Arc};

use protocol::spec::ModuleSpec;

/// What a module name stands for.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Fully qualified canonical name.
    pub name: Arc<str>,
    /// What it takes.
    pub spec: Arc<ModuleSpec>,
}

/// How much is known of a name that stands for no module here.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// Nothing.
    No,
    /// A module of that name exists in the field, but is not native yet.
    NotNative { name: String },
    /// A module of that name is there, and cannot be run.
    Refused { why: String },
    /// A module of that name was there once; Ansible does not find it either.
    Gone { why: String },
}

impl Known {
    /// Whether Ansible finds a module of that name where its collection is installed.
    pub fn is_for_ansible(&self) -> bool {
        matches!(self, Self::NotNative { .. } | Self::Refused { .. })
    }
}

/// Looks module names up.
pub trait Catalogue: Send + Sync {
    /// Resolves a short or fully qualified name, redirects included; short names are looked up
    /// in the given collections first.
    fn resolve(&self, name: &str, collections: &[String]) -> Option<Resolved>;

    /// Says that a folder may hold modules that users have written.
    fn add_library(&self, folder: &Path);

    /// How many of the folders that were told of have modules or plugins in or beside them.
    fn libraries(&self) -> usize;

    /// What is known of a name that does not resolve.
    fn known(&self, name: &str) -> Known;

    /// All names, short ones where they resolve, for finding near ones.
    fn names(&self) -> Vec<String>;
}
