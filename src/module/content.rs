//! Digests of files.

use std::{
    fmt::Write,
    io::{self, Read},
    path::Path,
};

use md5::Md5;
use protocol::Digest;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::{Host, HostError};

const BUFFER_BYTES: usize = 64 * 1024;

/// How a digest is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// The digest of everything that a stream holds, in lower-case hexadecimal digits.
///
/// # Errors
/// Those of the stream.
pub fn digest(algorithm: Algorithm, content: &mut dyn Read) -> io::Result<String> {
    match algorithm {
        Algorithm::Md5 => hash::<Md5>(content),
        Algorithm::Sha1 => hash::<Sha1>(content),
        Algorithm::Sha224 => hash::<Sha224>(content),
        Algorithm::Sha256 => hash::<Sha256>(content),
        Algorithm::Sha384 => hash::<Sha384>(content),
        Algorithm::Sha512 => hash::<Sha512>(content),
    }
}

fn hash<D: sha2::Digest>(content: &mut dyn Read) -> io::Result<String> {
    let mut hasher = D::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut text = String::new();
    for byte in hasher.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// The digest of a file; `None` where there is none.
///
/// # Errors
/// A file that cannot be read.
pub fn file_digest(
    host: &dyn Host,
    algorithm: Algorithm,
    path: &Path,
) -> Result<Option<String>, HostError> {
    let Some(mut file) = host.open(path)? else { return Ok(None) };
    let text = digest(algorithm, &mut *file).map_err(|why| HostError::file("read", path, why))?;
    Ok(Some(text))
}

/// The name by which the controller knows a file of that content.
///
/// # Errors
/// A file that cannot be read.
pub fn blob_digest(host: &dyn Host, path: &Path) -> Result<Option<Digest>, HostError> {
    Ok(file_digest(host, Algorithm::Sha256, path)?.map(Digest))
}

/// The digest of bytes.
pub fn bytes_digest(algorithm: Algorithm, mut bytes: &[u8]) -> String {
    // A slice can always be read.
    digest(algorithm, &mut bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_tools() {
        for (algorithm, expected) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(bytes_digest(algorithm, b"abc"), expected);
        }
    }
}
