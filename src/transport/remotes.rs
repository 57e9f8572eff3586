//! The binaries that are put on hosts.

use std::{borrow::Cow, collections::BTreeMap, path::PathBuf};

/// The remote for one architecture.
#[derive(Clone, Debug)]
pub struct RemoteBinary {
    /// Target triple, such as `x86_64-unknown-linux-gnu`.
    pub triple: String,
    /// The binary, compressed with gzip.
    pub gzip: Cow<'static, [u8]>,
}

/// The remote for every architecture there is.
#[derive(Clone, Debug, Default)]
pub struct RemoteBinaries {
    by_machine: BTreeMap<String, RemoteBinary>,
    folder: Option<PathBuf>,
}

impl RemoteBinaries {
    /// Adds a binary.
    pub fn add(&mut self, binary: RemoteBinary) {
        self.by_machine.insert(binary.triple.clone(), binary);
    }

    /// Names a folder of more binaries.
    pub fn set_folder(&mut self, folder: PathBuf) {
        self.folder = Some(folder);
    }
}
