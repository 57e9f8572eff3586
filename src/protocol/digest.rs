//! The name of a file's content.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

const BUFFER_BYTES: usize = 64 * 1024;

/// BLAKE3 of a file's content, 32 bytes in lower-case hexadecimal digits. It is by far the fastest
/// of the digests that nobody can forge: files are read through on both sides, and most processors
/// have no instructions for SHA-2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(pub String);

/// Makes the digest of content that comes in parts.
#[derive(Clone, Debug, Default)]
pub struct Digester(blake3::Hasher);

impl Digest {
    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    /// The digest of all that is left of a stream, and its length in bytes.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn of_stream(content: &mut dyn Read) -> io::Result<(Self, u64)> {
        let mut digester = Digester::default();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut length = 0;
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => return Ok((digester.finish(), length)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                count => count?,
            };
            digester.update(buffer.get(..count).unwrap_or_default());
            length += count as u64;
        }
    }
}

impl Digester {
    /// Takes the next part.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all parts so far.
    pub fn finish(&self) -> Digest {
        Digest(self.0.finalize().to_hex().to_string())
    }
}

impl Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_blake3() {
        // From the test vectors of BLAKE3: no input, and the byte 0.
        for (bytes, expected) in [
            (&b""[..], "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
            (&[0], "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
        ] {
            assert_eq!(Digest::of(bytes).0, expected);
        }
        let long: Vec<u8> = (0..=250).cycle().take(3 * BUFFER_BYTES + 1).collect();
        let (digest, length) = Digest::of_stream(&mut &long[..]).unwrap();
        assert_eq!((digest, length), (Digest::of(&long), long.len() as u64));
    }
}
