//! Where the content of a file comes from.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use module::{
    Failure, Host, Placement, Source,
    content::{Algorithm, bytes_digest, file_digest},
};

/// Where content comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// The task itself.
    Text(Vec<u8>),
    /// The controller.
    Controller(Source),
    /// Another file of the host.
    Here(PathBuf),
}

impl Origin {
    /// What names the content.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn name(&self, host: &dyn Host) -> Result<String, Failure> {
        self.digest(host, Algorithm::Blake3)
    }

    /// SHA-1 of the content.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn sha1(&self, host: &dyn Host) -> Result<String, Failure> {
        self.digest(host, Algorithm::Sha1)
    }

    fn digest(&self, host: &dyn Host, algorithm: Algorithm) -> Result<String, Failure> {
        match self {
            Self::Text(bytes) => Ok(bytes_digest(algorithm, bytes)),
            Self::Controller(source) => match (algorithm, &source.sha1) {
                (Algorithm::Blake3, _) => Ok(source.digest.0.clone()),
                (Algorithm::Sha1, Some(sha1)) => Ok(sha1.clone()),
                _ => Ok(module::content::digest(algorithm, &mut *host.blob(&source.digest)?)?),
            },
            Self::Here(path) => file_digest(host, algorithm, path)?.ok_or_else(|| gone(path)),
        }
    }

    /// The content.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open(&self, host: &dyn Host) -> Result<Box<dyn Read>, Failure> {
        match self {
            Self::Text(bytes) => Ok(Box::new(std::io::Cursor::new(bytes.clone()))),
            Self::Controller(source) => Ok(host.blob(&source.digest)?),
            Self::Here(path) => host.open(path)?.ok_or_else(|| gone(path)),
        }
    }
}

fn gone(path: &Path) -> Failure {
    Failure::new(format!("Source {} not found", path.display()))
}

/// Copies a file from one place on the host to another.
///
/// # Errors
/// What cannot be read or written.
pub fn copy_here(
    host: &mut dyn Host,
    from: &Path,
    to: &Path,
    placement: &Placement,
) -> Result<(), Failure> {
    let mut content = host.open(from)?.ok_or_else(|| gone(from))?;
    Ok(host.write(to, &mut *content, placement)?)
}
