//! What the modules of the collection `community.crypto` share.
//!
//! Keys are read and made, and texts signed, by the host's `openssl`; requests and certificates are
//! written and compared here, as DER (ITU-T X.690), so that what is compared is what was signed.

pub mod certificate;
pub mod certificate_facts;
pub mod certificate_pipe;
pub mod der;
pub mod dh_parameters;
pub mod distribution;
pub mod extension;
pub mod key;
pub mod key_pair;
pub mod key_terms;
pub mod naming;
#[cfg(test)]
mod pipe_tests;
pub mod private_key;
pub mod private_key_facts;
pub mod private_key_pipe;
pub mod public_key;
pub mod request;
pub mod request_facts;
pub mod request_pipe;
pub mod served;
pub mod signing;
pub mod statement;
pub mod store;
#[cfg(test)]
mod tests;
pub mod wording;

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use module::{Delta, Failure, FileArguments, FileAttributes, FileMode, Host, host::Links};
use protocol::JsonMap;
use serde::Serialize;

use crate::copy::back_up;

/// Letters of a line of PEM.
const PEM_LINE: usize = 64;

/// The content of the first block of PEM with one of these labels.
pub fn from_pem(text: &[u8], labels: &[&str]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(text);
    labels.iter().find_map(|label| {
        let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
        let (body, _) = rest.split_once("-----END ")?;
        let letters: String = body.chars().filter(|letter| !letter.is_whitespace()).collect();
        STANDARD.decode(letters).ok()
    })
}

/// A block of PEM.
pub fn to_pem(bytes: &[u8], label: &str) -> Vec<u8> {
    let letters = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in letters.as_bytes().chunks(PEM_LINE) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text.into_bytes()
}

/// A file that is made where it is not as the task says.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Made {
    is_there: bool,
    /// Whether its content is what the task says.
    #[serde(skip_serializing_if = "Option::is_none")]
    fits: Option<bool>,
    #[serde(flatten)]
    attributes: FileAttributes,
}

/// Such a file, as a task names it.
pub struct Product<'a> {
    pub path: &'a Path,
    pub file: &'a FileArguments,
    /// Permissions of a new file.
    pub mode: FileMode,
    pub backup: bool,
}

impl Product<'_> {
    /// What is and what should be; `fits` says of the content that is there whether it is right,
    /// `None` where there is none.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn compare(
        &self,
        host: &dyn Host,
        is_present: bool,
        fits: Option<bool>,
    ) -> Result<Delta<Made>, Failure> {
        let there = host.metadata(self.path)?;
        if there.as_ref().is_some_and(module::Metadata::is_dir) {
            let path = self.path.display();
            return Err(Failure::new(format!(
                "{path} is a directory. Please specify a path to a file."
            )));
        }
        if !is_present {
            let actual = Made { is_there: there.is_some(), ..Made::default() };
            return Ok(Delta::new(actual, Made::default()));
        }
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent
            && !host.metadata(parent)?.is_some_and(|found| found.is_dir())
        {
            let parent = parent.display().to_string();
            return Err(Failure::new(format!(
                "The directory {parent} does not exist or the file is not a directory"
            ))
            .with("name", parent));
        }
        let (old, new) = self.file.compare(host, self.path, there.as_ref(), self.mode)?;
        Ok(Delta::new(
            Made { is_there: there.is_some(), fits, attributes: old },
            Made { is_there: true, fits: Some(true), attributes: new },
        ))
    }

    /// Writes what `make` gives, unless what is there is right; sets the attributes; removes the
    /// file where it should not be there. Returns where the old file is kept.
    ///
    /// # Errors
    /// Those of `make`, and what cannot be written.
    pub fn apply(
        &self,
        host: &mut dyn Host,
        delta: &Delta<Made>,
        make: impl FnOnce(&mut dyn Host) -> Result<Vec<u8>, Failure>,
    ) -> Result<JsonMap, Failure> {
        let mut returned = JsonMap::new();
        let (actual, desired) = (&delta.actual, &delta.desired);
        let is_new_content = actual.fits != Some(true) || !delta.steps.is_empty();
        if self.backup && actual.is_there && (is_new_content || !desired.is_there) {
            returned.insert("backup_file".into(), back_up(host, self.path)?.into());
        }
        if !desired.is_there {
            host.remove_file(self.path)?;
            return Ok(returned);
        }
        if is_new_content {
            let content = make(host)?;
            let mut placement = self.file.placement(&desired.attributes)?;
            if !actual.is_there && placement.mode.is_none() {
                let umask = host.umask().bits();
                placement.mode = Some(FileMode::new(self.mode.bits() & !umask));
            }
            host.write(self.path, &mut content.as_slice(), &placement)?;
        }
        let there = host.metadata(self.path)?;
        let (now, _) = self.file.compare(host, self.path, there.as_ref(), self.mode)?;
        desired.attributes.apply(&now, host, self.path, Links::Follow)?;
        Ok(returned)
    }
}

/// A text that a task gives by its path or as it is; `None` where it gives neither.
///
/// # Errors
/// A file that is not there or cannot be read.
pub fn given(
    host: &dyn Host,
    path: Option<&PathBuf>,
    content: Option<&String>,
    what: &str,
) -> Result<Option<Vec<u8>>, Failure> {
    match (content, path) {
        (Some(content), _) => Ok(Some(content.clone().into_bytes())),
        (None, None) => Ok(None),
        (None, Some(path)) => match host.read(path)? {
            Some(bytes) => Ok(Some(bytes)),
            None => Err(Failure::new(format!("The {what} file {} does not exist", path.display()))),
        },
    }
}
