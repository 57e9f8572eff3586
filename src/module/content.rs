//! Digests of files.

use std::{
    fmt::Write,
    io::{self, Read},
    path::Path,
};

use md5::Md5;
use protocol::{Digest, Digester};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::{Host, HostError};

const BUFFER_BYTES: usize = 64 * 1024;

/// How a digest is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// What names content here: [`protocol::Digest`].
    Blake3,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

/// One digest in the making.
trait Hasher {
    fn update(&mut self, bytes: &[u8]);
    fn finish(self: Box<Self>) -> String;
}

struct Standard<D>(D);

impl<D: sha2::Digest> Hasher for Standard<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(self: Box<Self>) -> String {
        let mut text = String::new();
        for byte in self.0.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

impl Hasher for Digester {
    fn update(&mut self, bytes: &[u8]) {
        Self::update(self, bytes);
    }

    fn finish(self: Box<Self>) -> String {
        Self::finish(&self).0
    }
}

impl Algorithm {
    fn hasher(self) -> Box<dyn Hasher> {
        fn standard<D: sha2::Digest + 'static>() -> Box<dyn Hasher> {
            Box::new(Standard(D::new()))
        }
        match self {
            Self::Blake3 => Box::<Digester>::default(),
            Self::Md5 => standard::<Md5>(),
            Self::Sha1 => standard::<Sha1>(),
            Self::Sha224 => standard::<Sha224>(),
            Self::Sha256 => standard::<Sha256>(),
            Self::Sha384 => standard::<Sha384>(),
            Self::Sha512 => standard::<Sha512>(),
        }
    }
}

/// A stream whose digests are made while somebody reads it.
pub struct Digesting<R, const N: usize> {
    content: R,
    hashers: [Box<dyn Hasher>; N],
}

impl<R: Read, const N: usize> Digesting<R, N> {
    /// Makes the digests of what will be read of a stream.
    pub fn new(content: R, algorithms: [Algorithm; N]) -> Self {
        Self { content, hashers: algorithms.map(Algorithm::hasher) }
    }

    /// The digests of what was read, in lower-case hexadecimal digits.
    pub fn finish(self) -> [String; N] {
        self.hashers.map(|hasher| hasher.finish())
    }
}

impl<R: Read, const N: usize> Read for Digesting<R, N> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        let bytes = buffer.get(..count).unwrap_or_default();
        self.hashers.iter_mut().for_each(|hasher| hasher.update(bytes));
        Ok(count)
    }
}

/// The digests of everything that a stream holds, in lower-case hexadecimal digits. It is read
/// once.
///
/// # Errors
/// Those of the stream.
pub fn digests<const N: usize>(
    algorithms: [Algorithm; N],
    content: &mut dyn Read,
) -> io::Result<[String; N]> {
    let mut digesting = Digesting::new(content, algorithms);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match digesting.read(&mut buffer) {
            Ok(0) => return Ok(digesting.finish()),
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
}

/// The digest of everything that a stream holds, in lower-case hexadecimal digits.
///
/// # Errors
/// Those of the stream.
pub fn digest(algorithm: Algorithm, content: &mut dyn Read) -> io::Result<String> {
    digests([algorithm], content).map(|[digest]| digest)
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
    Ok(file_digests(host, [algorithm], path)?.map(|[digest]| digest))
}

/// The digests of a file, which is read once; `None` where there is none.
///
/// # Errors
/// A file that cannot be read.
pub fn file_digests<const N: usize>(
    host: &dyn Host,
    algorithms: [Algorithm; N],
    path: &Path,
) -> Result<Option<[String; N]>, HostError> {
    let Some(mut file) = host.open(path)? else { return Ok(None) };
    digests(algorithms, &mut *file).map(Some).map_err(|why| HostError::file("read", path, why))
}

/// The name by which the controller knows a file of that content.
///
/// # Errors
/// A file that cannot be read.
pub fn blob_digest(host: &dyn Host, path: &Path) -> Result<Option<Digest>, HostError> {
    Ok(file_digest(host, Algorithm::Blake3, path)?.map(Digest))
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
            (Algorithm::Blake3, "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(bytes_digest(algorithm, b"abc"), expected);
        }
    }
}
