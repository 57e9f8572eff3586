//! What a host knows of a file besides its content.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::FileMode;

/// What kind of thing stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    File,
    Directory,
    Link,
    Fifo,
    Socket,
    CharacterDevice,
    BlockDevice,
}

/// What `stat` tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Permissions.
    pub mode: FileMode,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// In bytes.
    pub size: u64,
    /// Last access, since 1970.
    pub accessed: Duration,
    /// Last change of the content, since 1970.
    pub modified: Duration,
    /// Last change of anything, since 1970.
    pub changed: Duration,
    /// Hard links.
    pub links: u64,
    /// Number within its file system.
    pub inode: u64,
    /// Number of the file system's device.
    pub device: u64,
    /// Which device a device file stands for.
    pub special: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Preferred size of reads and writes, in bytes.
    pub block_bytes: u64,
}

impl Metadata {
    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind == FileKind::Link
    }

    /// Whether both describe the same file on the same host.
    pub fn is_same_file(&self, other: &Self) -> bool {
        self.inode == other.inode && self.device == other.device
    }

    /// What Ansible's `state` calls it: `file`, `directory`, `link` or `hard`.
    pub fn state(&self) -> &'static str {
        match self.kind {
            FileKind::Directory => "directory",
            FileKind::Link => "link",
            FileKind::File if self.links > 1 => "hard",
            _ => "file",
        }
    }
}

/// A moment as the time since 1970; earlier ones are 1970.
pub fn since_epoch(moment: SystemTime) -> Duration {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default()
}
