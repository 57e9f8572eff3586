//! The binaries that are put on hosts.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

use crate::error::RemoteError;

/// The most bytes that a remote may have once it is decompressed.
const BINARY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How files of remotes and their companions are called: `trueup-remote-TRIPLE.gz`,
/// `trueup-tls-TRIPLE.gz` and the like.
const FILE_PREFIX: &str = "trueup-remote-";
const COMPANION_PREFIXES: [&str; 3] = ["trueup-tls-", "trueup-rare-", "trueup-engines-"];
const FILE_SUFFIX: &str = ".gz";

/// Kernel and machine as `uname -sm` prints them, by the architecture that a target triple starts
/// with. A machine of 64 bits runs its own binary alone, so that a host never depends on which of
/// two is at hand.
const MACHINES: &[(&str, &[&str])] = &[
    ("x86_64", &["Linux x86_64", "Linux amd64"]),
    ("aarch64", &["Linux aarch64", "Linux arm64"]),
    ("armv7", &["Linux armv7l", "Linux armv8l"]),
    ("arm", &["Linux armv6l"]),
    ("i686", &["Linux i686", "Linux i586"]),
    ("riscv64gc", &["Linux riscv64"]),
    ("powerpc64le", &["Linux ppc64le"]),
    ("s390x", &["Linux s390x"]),
    ("loongarch64", &["Linux loongarch64"]),
];

/// The remote for one architecture.
#[derive(Clone, Debug)]
pub struct RemoteBinary {
    /// Target triple, such as `x86_64-unknown-linux-gnu`.
    pub triple: String,
    /// The binary, compressed with gzip; what is sent to many hosts at once is there once.
    pub gzip: Bytes,
    /// SHA-256 of the binary before compression, in lower-case hexadecimal digits.
    pub digest: String,
    /// Bytes of the binary before compression.
    pub bytes: usize,
}

impl RemoteBinary {
    /// Takes a compressed binary; works out its digest.
    ///
    /// # Errors
    /// Says in words why the bytes cannot be a remote of the triple.
    pub fn new(triple: &str, gzip: impl Into<Bytes>) -> Result<Self, String> {
        let gzip = gzip.into();
        if machines(triple).is_empty() {
            return Err(format!("no machine is known that runs {triple}"));
        }
        let mut binary = Vec::new();
        GzDecoder::new(&*gzip)
            .take(BINARY_BYTES_MAX + 1)
            .read_to_end(&mut binary)
            .map_err(|error| format!("it is not compressed with gzip: {error}"))?;
        if binary.len() as u64 > BINARY_BYTES_MAX {
            return Err(format!("it has over {BINARY_BYTES_MAX} bytes"));
        }
        if !binary.starts_with(b"\x7fELF") && !binary.starts_with(b"#!") {
            return Err("it is no program".to_owned());
        }
        Ok(Self { triple: triple.to_owned(), gzip, digest: hex(&binary), bytes: binary.len() })
    }

    /// The binary itself.
    ///
    /// # Errors
    /// Does not fail for what [`new`](Self::new) has taken.
    pub(crate) fn plain(&self) -> std::io::Result<Vec<u8>> {
        let mut binary = Vec::with_capacity(self.bytes);
        GzDecoder::new(&*self.gzip).take(BINARY_BYTES_MAX).read_to_end(&mut binary)?;
        Ok(binary)
    }
}

/// The remote for every architecture there is.
#[derive(Clone, Debug, Default)]
pub struct RemoteBinaries {
    by_machine: BTreeMap<&'static str, std::sync::Arc<RemoteBinary>>,
    companions: BTreeMap<String, Bytes>,
}

impl RemoteBinaries {
    /// Adds a binary, instead of one that was there for the same machines.
    pub fn add(&mut self, binary: RemoteBinary) {
        let binary = std::sync::Arc::new(binary);
        for machine in machines(&binary.triple) {
            self.by_machine.insert(machine, binary.clone());
        }
    }

    /// Adds a program that remotes ask for by its digest when they need it, compressed with gzip.
    /// Remotes know the digest of their companions, so those of other builds do no harm.
    pub fn add_companion(&mut self, gzip: impl Into<Bytes>) {
        let gzip = gzip.into();
        self.companions.insert(protocol::Digest::of(&gzip).0, gzip);
    }

    /// Adds a companion whose digest is known.
    pub fn add_known_companion(&mut self, digest: &str, gzip: impl Into<Bytes>) {
        self.companions.insert(digest.to_owned(), gzip.into());
    }

    /// The companion whose compressed bytes have this digest.
    pub fn companion(&self, digest: &str) -> Option<&Bytes> {
        self.companions.get(digest)
    }

    /// Adds all remotes and companions of a folder, remotes instead of those that were there.
    ///
    /// # Errors
    /// [`RemoteError::Unreadable`] where the folder or one of these files cannot be read, or a
    /// file is no compressed program for a machine that is known.
    pub fn add_folder(&mut self, folder: &Path) -> Result<(), RemoteError> {
        let unreadable =
            |path: &Path, why: String| RemoteError::Unreadable { path: path.to_owned(), why };
        let entries =
            fs::read_dir(folder).map_err(|error| unreadable(folder, error.to_string()))?;
        let mut files: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        for path in files {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(name) = name.strip_suffix(FILE_SUFFIX) else { continue };
            let remote = name.strip_prefix(FILE_PREFIX);
            let is_companion = COMPANION_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
            if remote.is_none() && !is_companion {
                continue;
            }
            let gzip = fs::read(&path).map_err(|error| unreadable(&path, error.to_string()))?;
            match remote {
                Some(triple) => {
                    self.add(RemoteBinary::new(triple, gzip).map_err(|why| unreadable(&path, why))?)
                }
                None => self.add_companion(gzip),
            }
        }
        Ok(())
    }

    /// Every machine with its binary, as `uname -sm` names it, in order.
    pub fn by_machine(&self) -> impl Iterator<Item = (&str, &RemoteBinary)> {
        self.by_machine.iter().map(|(machine, binary)| (*machine, &**binary))
    }

    /// The binary for a machine as `uname -sm` names it.
    pub fn find(&self, machine: &str) -> Option<&RemoteBinary> {
        self.by_machine.get(machine).map(|binary| &**binary)
    }
}

/// The machines that run binaries of a triple; empty where none is known.
fn machines(triple: &str) -> &'static [&'static str] {
    let architecture = triple.split('-').next().unwrap_or_default();
    if !triple.contains("-linux-") {
        return &[];
    }
    MACHINES
        .iter()
        .find(|(name, _)| *name == architecture)
        .map(|(_, machines)| *machines)
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_binary_is_found_by_machine() {
        let mut remotes = RemoteBinaries::default();
        remotes.add(RemoteBinary::new("aarch64-unknown-linux-musl", gzip(b"#!/bin/sh\n")).unwrap());
        let found = remotes.find("Linux arm64").unwrap();
        assert_eq!(found.triple, "aarch64-unknown-linux-musl");
        assert_eq!(found.plain().unwrap(), b"#!/bin/sh\n");
        assert_eq!(found.digest, hex(b"#!/bin/sh\n"));
        assert!(remotes.find("Linux x86_64").is_none());
    }

    #[test]
    fn a_folder_has_remotes_and_companions() {
        let folder = std::env::temp_dir().join(format!("trueup-remotes-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let companion = gzip(b"#!/bin/sh\nexit 1\n");
        for (name, content) in [
            ("trueup-remote-x86_64-unknown-linux-gnu.gz", gzip(b"#!/bin/sh\n")),
            ("trueup-tls-x86_64-unknown-linux-gnu.gz", companion.clone()),
            ("notes.txt", b"?".to_vec()),
        ] {
            fs::write(folder.join(name), content).unwrap();
        }
        let mut remotes = RemoteBinaries::default();
        let read = remotes.add_folder(&folder);
        fs::remove_dir_all(&folder).unwrap();
        read.unwrap();
        assert!(remotes.find("Linux x86_64").is_some());
        assert_eq!(
            remotes.companion(&protocol::Digest::of(&companion).0).map(|gzip| &**gzip),
            Some(&*companion)
        );
        assert_eq!(remotes.companion(&hex(b"")), None);
    }

    #[test]
    fn what_cannot_be_a_remote_is_refused() {
        for (triple, bytes, why) in [
            ("x86_64-apple-darwin", gzip(b"#!/bin/sh\n"), "no machine is known"),
            ("m68k-unknown-linux-gnu", gzip(b"#!/bin/sh\n"), "no machine is known"),
            ("x86_64-unknown-linux-gnu", b"#!/bin/sh\n".to_vec(), "not compressed with gzip"),
            ("x86_64-unknown-linux-gnu", gzip(b"hello"), "no program"),
            ("x86_64-unknown-linux-gnu", gzip(b""), "no program"),
        ] {
            let error = RemoteBinary::new(triple, bytes).unwrap_err();
            assert!(error.contains(why), "{triple}: {error}");
        }
    }
}
