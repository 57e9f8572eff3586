//! A role as one play, role or task uses it.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use crate::Layer;

/// A role: its variables and folder. Its tasks stand in blocks under its frame.
#[derive(Debug)]
pub struct Role {
    /// The name by which it was asked for, without a collection's.
    pub name: String,
    /// The collection it comes from, such as `community.web`.
    pub collection: Option<String>,
    /// Its folder.
    pub path: PathBuf,
    /// `defaults/main.yml`.
    pub defaults: Layer,
    /// `vars/main.yml`.
    pub vars: Layer,
    /// Variables given where the role is used, as keys of the entry that are no keywords. What
    /// its `vars:` say is of its frame.
    pub params: Layer,
    /// Whether its defaults and vars are seen by the rest of the play.
    pub public: bool,
    /// Whether the same use may run twice in a play.
    pub allow_duplicates: bool,
    /// What makes two uses the same one: name, parameters, and what was taken from it.
    pub identity: String,
    /// Roles that it depends on, in order; set once they are read.
    pub dependencies: OnceLock<Vec<Arc<Role>>>,
}

impl Role {
    /// All roles that it depends on, directly or not, the deepest first.
    pub fn all_dependencies(&self) -> Vec<Arc<Role>> {
        let mut all = Vec::new();
        for role in self.dependencies.get().into_iter().flatten() {
            all.extend(role.all_dependencies());
            all.push(Arc::clone(role));
        }
        all
    }

    /// `collection.name`, or the bare name.
    pub fn full_name(&self) -> String {
        match &self.collection {
            Some(collection) => format!("{collection}.{}", self.name),
            None => self.name.clone(),
        }
    }
}
