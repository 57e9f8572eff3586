//! Archives of roles and collections: tar packed with gzip.

use std::{
    fs,
    io::{self, Read, Write},
    path::{Component, Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use tar::{Archive, Builder, EntryType, Header};

/// Entries that an archive may have at most.
const ENTRIES_MAX: usize = 100_000;
/// Bytes of one file in an archive at most.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Something in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    File { path: PathBuf, content: Vec<u8>, is_executable: bool },
    Folder { path: PathBuf },
    Link { path: PathBuf, target: PathBuf },
}

impl Entry {
    /// The path inside the archive, without `.` and never with `..`.
    pub fn path(&self) -> &Path {
        match self {
            Self::File { path, .. } | Self::Folder { path } | Self::Link { path, .. } => path,
        }
    }

    /// The same with another path.
    #[must_use]
    pub fn at(self, path: PathBuf) -> Self {
        match self {
            Self::File { content, is_executable, .. } => {
                Self::File { path, content, is_executable }
            }
            Self::Folder { .. } => Self::Folder { path },
            Self::Link { target, .. } => Self::Link { path, target },
        }
    }

    /// Writes it below a folder.
    ///
    /// # Errors
    /// The system's; a link that leads out of the folder.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.join(self.path());
        let parent = if matches!(self, Self::Folder { .. }) { Some(&*path) } else { path.parent() };
        if let Some(parent) = parent {
            fs::create_dir_all(parent)?;
        }
        match self {
            Self::Folder { .. } => Ok(()),
            Self::File { content, is_executable, .. } => {
                fs::write(&path, content)?;
                fs::set_permissions(&path, fs::Permissions::from_mode(mode(*is_executable)))
            }
            Self::Link { target, .. } => {
                let beside = self.path().parent().unwrap_or(Path::new(""));
                if inside(&beside.join(target)).is_none() {
                    let why =
                        format!("the link {} leads out of the archive", self.path().display());
                    return Err(io::Error::other(why));
                }
                std::os::unix::fs::symlink(target, &path)
            }
        }
    }
}

/// What files are installed with.
fn mode(is_executable: bool) -> u32 {
    if is_executable { 0o755 } else { 0o644 }
}

/// Reads a packed archive.
///
/// # Errors
/// It is no such archive, or an entry of it would lie outside of the folder that it is unpacked
/// in, or there is too much of it.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let mut archive = Archive::new(GzDecoder::new(fs::File::open(path)?));
    let mut entries = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let size = entry.size();
        if size > FILE_BYTES_MAX {
            return Err(io::Error::other(format!("a file in it has {size} bytes")));
        }
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let name = entry.path()?.into_owned();
        let path = inside(&name).ok_or_else(|| {
            io::Error::other(format!("{} lies outside of the archive", name.display()))
        })?;
        entries.push(match kind {
            EntryType::Regular | EntryType::Continuous => {
                let is_executable = entry.header().mode()? & 0o100 != 0;
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                Entry::File { path, content, is_executable }
            }
            EntryType::Directory => Entry::Folder { path },
            EntryType::Symlink => {
                let target = entry.link_name()?.unwrap_or_default().into_owned();
                Entry::Link { path, target }
            }
            other => {
                return Err(io::Error::other(format!(
                    "{} is of the kind {other:?}, which is not unpacked",
                    name.display()
                )));
            }
        });
        if entries.len() > ENTRIES_MAX {
            return Err(io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
        }
    }
    Ok(entries)
}

/// Writes a packed archive, the same bytes for the same entries.
///
/// # Errors
/// The system's.
pub fn write(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let mut builder = Builder::new(GzEncoder::new(fs::File::create(path)?, Compression::best()));
    for entry in entries {
        let mut header = Header::new_gnu();
        header.set_mtime(0);
        match entry {
            Entry::File { path, content, is_executable } => {
                header.set_entry_type(EntryType::Regular);
                header.set_mode(mode(*is_executable));
                header.set_size(content.len() as u64);
                builder.append_data(&mut header, path, content.as_slice())?;
            }
            Entry::Folder { path } => {
                header.set_entry_type(EntryType::Directory);
                header.set_mode(0o755);
                header.set_size(0);
                builder.append_data(&mut header, path, io::empty())?;
            }
            Entry::Link { path, target } => {
                header.set_entry_type(EntryType::Symlink);
                header.set_mode(0o777);
                header.set_size(0);
                builder.append_link(&mut header, path, target)?;
            }
        }
    }
    builder.into_inner()?.finish()?.flush()
}

/// A path with `.` and `..` worked out; `None` where it leads outside.
pub fn inside(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => plain.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                if !plain.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}
