//! Modules that users have written, as a run has to know them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

/// A module that a user has written: a program of the controller that runs on hosts.
#[derive(Clone, Debug)]
pub struct CustomModule {
    /// The name by which it is known: `ansible.legacy.NAME`, or a collection's.
    pub name: String,
    pub path: PathBuf,
    pub speech: Speech,
}

/// How a module is told its arguments.
#[derive(Clone, Debug)]
pub enum Speech {
    /// A binary: a file of JSON.
    Binary,
    /// A script with `WANT_JSON` in it: a file of JSON.
    WantJson,
    /// A script with a mark in it that JSON is put in place of.
    JsonInside,
    /// Any other script: a file of `name=value` pairs.
    KeyValue,
    /// A module of Python that uses Ansible's `module_utils`.
    Python(Arc<PythonBundle>),
}

/// A module of Python and all that it imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PythonBundle {
    /// Texts by path.
    pub files: BTreeMap<String, String>,
    /// The file that calls the module.
    pub entry: String,
}

/// The mark that [`Speech::JsonInside`] is known by.
pub const JSON_MARK: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";
