//! Modules that users have written, as a run has to know them.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use protocol::{Digest, Json};

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
    Python(Arc<PythonModule>),
}

/// A module of Python, put together with what it imports when it is first run: by then all roles
/// are known, and with them their folders of `module_utils`.
pub struct PythonModule {
    assemble: Box<dyn Fn() -> Result<PythonBundle, String> + Send + Sync>,
    assembled: OnceLock<Result<PythonBundle, String>>,
}

impl PythonModule {
    /// A module that this puts together, once.
    pub fn new(
        assemble: impl Fn() -> Result<PythonBundle, String> + Send + Sync + 'static,
    ) -> Self {
        Self { assemble: Box::new(assemble), assembled: OnceLock::new() }
    }

    /// The module with what it imports.
    ///
    /// # Errors
    /// What it imports is not there, or cannot be read.
    pub fn bundle(&self) -> Result<&PythonBundle, &str> {
        self.assembled.get_or_init(|| (self.assemble)()).as_ref().map_err(String::as_str)
    }
}

impl fmt::Debug for PythonModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PythonModule").finish_non_exhaustive()
    }
}

/// A module of Python and all that it imports.
#[derive(Clone, Debug)]
pub struct PythonBundle {
    /// The module and files of the user's, which travel with every task.
    pub own: Packed,
    /// The file that calls the module.
    pub entry: String,
    /// Trueup's own `module_utils`, which stay on a host.
    pub library: Packed,
}

/// Texts by path as they travel: a JSON object, with its digest.
#[derive(Clone, Debug)]
pub struct Packed {
    pub digest: Digest,
    pub content: Arc<[u8]>,
}

impl Packed {
    /// Packs texts by path.
    pub fn new(files: &BTreeMap<String, String>) -> Self {
        let files = files.iter().map(|(path, text)| (path.clone(), Json::from(text.as_str())));
        let content = Json::Object(files.collect()).to_string().into_bytes();
        Self { digest: Digest::of(&content), content: content.into() }
    }
}

/// The mark that [`Speech::JsonInside`] is known by.
pub const JSON_MARK: &str = "<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>";
