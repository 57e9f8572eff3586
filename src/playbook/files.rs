//! Reading the files of a playbook: decrypted where they are vault files, kept once read.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use protocol::Json;
use source::{Diagnostic, Diagnostics, Node, SourceFile, Span, yaml};
use vault::Keyring;

use crate::codes;

/// Reads and remembers files. Files that were read stay as they were for the life of this value.
#[derive(Debug, Default)]
pub struct Files {
    keyring: Keyring,
    read: Mutex<HashMap<PathBuf, Arc<SourceFile>>>,
}

impl Files {
    /// Reads with the passwords of a keyring.
    pub fn new(keyring: Keyring) -> Self {
        Self { keyring, read: Mutex::default() }
    }

    /// The keyring that vault files are decrypted with.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Reads a text file.
    ///
    /// # Errors
    /// In words: the system's, the vault's, or that it is not UTF-8.
    pub fn read(&self, path: &Path) -> Result<Arc<SourceFile>, String> {
        if let Ok(read) = self.read.lock()
            && let Some(file) = read.get(path)
        {
            return Ok(Arc::clone(file));
        }
        let mut bytes = fs::read(path).map_err(|error| error.to_string())?;
        if vault::is_encrypted(&bytes) {
            let text = String::from_utf8(bytes).map_err(|error| error.to_string())?;
            bytes = self.keyring.decrypt(&text).map_err(|error| error.to_string())?;
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to())
        })?;
        let text = text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned);
        let file = SourceFile::new(path, text);
        if let Ok(mut read) = self.read.lock() {
            read.insert(path.to_owned(), Arc::clone(&file));
        }
        Ok(file)
    }

    /// Reads the one YAML document of a file; `None` where it is empty, or is wrong, which the
    /// diagnostics then say.
    pub fn read_yaml(
        &self,
        path: &Path,
        asked_by: Option<&Span>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Node> {
        match self.read(path) {
            Ok(file) => parse(&file, diagnostics),
            Err(why) => {
                let message = format!("cannot read {}: {why}", path.display());
                diagnostics.push(match asked_by {
                    Some(span) => Diagnostic::error(codes::UNREADABLE, span, message),
                    None => Diagnostic::placeless(codes::UNREADABLE, message),
                });
                None
            }
        }
    }

    /// Forgets what was read, so that files that a run has changed are read again.
    pub fn forget(&self) {
        if let Ok(mut read) = self.read.lock() {
            read.clear();
        }
    }
}

/// Parses the one document of a file, which may be JSON as well. A file that is named as JSON and is
/// neither is told what a reader of JSON says of it.
pub fn parse(file: &Arc<SourceFile>, diagnostics: &mut Diagnostics) -> Option<Node> {
    let known = diagnostics.all.len();
    let node = yaml::parse(file, diagnostics);
    if node.is_none()
        && file.path.extension().is_some_and(|extension| extension == "json")
        && let Some(found) = diagnostics.all.get_mut(known)
        && let Err(error) = file.text.parse::<Json>()
    {
        found.message = format!(
            "we were unable to read either as JSON nor YAML, these are the errors we got from each:\nJSON: {error}\nYAML: {}",
            found.message
        );
    }
    node
}
