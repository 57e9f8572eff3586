//! Archives of roles and collections: tar packed with gzip.

use std::{
    fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;

const BLOCK_BYTES: usize = 512;
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
                let mode = if *is_executable { 0o755 } else { 0o644 };
                fs::set_permissions(&path, fs::Permissions::from_mode(mode))
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

/// Reads a packed archive.
///
/// # Errors
/// It is no such archive, or an entry of it would lie outside of the folder that it is unpacked
/// in, or there is too much of it.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let mut tar = GzDecoder::new(fs::File::open(path)?);
    let mut entries = Vec::new();
    // What a header before an entry says of it.
    let (mut long_name, mut long_target): (Option<String>, Option<String>) = (None, None);
    while let Some(header) = block(&mut tar)? {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        if !checks(&header) {
            return Err(io::Error::other("it is no tar archive"));
        }
        let size = octal(field(&header, 124, 12))?;
        if size > FILE_BYTES_MAX {
            return Err(io::Error::other(format!("a file in it has {size} bytes")));
        }
        let mut content = Vec::new();
        (&mut tar).take(size).read_to_end(&mut content)?;
        let padding = size.next_multiple_of(BLOCK_BYTES as u64) - size;
        io::copy(&mut (&mut tar).take(padding), &mut io::sink())?;
        let kind = header.get(156).copied().unwrap_or(0);
        match kind {
            b'x' => {
                let records = pax(&content);
                long_name = records.iter().find(|(key, _)| key == "path").map(|r| r.1.clone());
                long_target =
                    records.iter().find(|(key, _)| key == "linkpath").map(|r| r.1.clone());
                continue;
            }
            b'L' => {
                long_name = Some(text(&content));
                continue;
            }
            b'K' => {
                long_target = Some(text(&content));
                continue;
            }
            b'g' => continue,
            _ => {}
        }
        let name = long_name.take().unwrap_or_else(|| name_of(&header));
        let target = long_target.take().unwrap_or_else(|| text(field(&header, 157, 100)));
        let path = inside(Path::new(&name))
            .ok_or_else(|| io::Error::other(format!("{name} lies outside of the archive")))?;
        let is_executable = octal(field(&header, 100, 8))? & 0o100 != 0;
        entries.push(match kind {
            0 | b'0' | b'7' => Entry::File { path, content, is_executable },
            b'5' => Entry::Folder { path },
            b'2' => Entry::Link { path, target: PathBuf::from(target) },
            other => {
                let why =
                    format!("{name} is of the kind {:?}, which is not unpacked", other as char);
                return Err(io::Error::other(why));
            }
        });
        if entries.len() > ENTRIES_MAX {
            return Err(io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
        }
    }
    Ok(entries)
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

/// The next block, if there is one.
fn block(tar: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut header = Vec::new();
    tar.take(BLOCK_BYTES as u64).read_to_end(&mut header)?;
    match header.len() {
        0 => Ok(None),
        BLOCK_BYTES => Ok(Some(header)),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn field(header: &[u8], start: usize, length: usize) -> &[u8] {
    header.get(start..start + length).unwrap_or_default()
}

/// Whether a header has the sum that it says.
fn checks(header: &[u8]) -> bool {
    let is_sum = |at: usize| (148..156).contains(&at);
    let sum = header.iter().enumerate();
    let sum: u64 = sum.map(|(at, byte)| u64::from(if is_sum(at) { b' ' } else { *byte })).sum();
    octal(field(header, 148, 8)).is_ok_and(|said| said == sum)
}

fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

fn octal(bytes: &[u8]) -> io::Result<u64> {
    let text = text(bytes);
    let text = text.trim();
    if text.is_empty() {
        return Ok(0);
    }
    u64::from_str_radix(text, 8).map_err(|_| io::Error::other("it is no tar archive"))
}

fn name_of(header: &[u8]) -> String {
    let name = text(field(header, 0, 100));
    let has_prefix = field(header, 257, 5) == b"ustar";
    let prefix = text(field(header, 345, 155));
    // GNU's headers have times where others have the prefix.
    let is_gnu = field(header, 257, 8) == b"ustar  \0";
    if has_prefix && !is_gnu && !prefix.is_empty() { format!("{prefix}/{name}") } else { name }
}

/// `LENGTH KEY=VALUE` lines.
fn pax(content: &[u8]) -> Vec<(String, String)> {
    let mut records = Vec::new();
    let mut rest = content;
    while let Some(space) = rest.iter().position(|byte| *byte == b' ') {
        let length = text(rest.get(..space).unwrap_or_default()).parse::<usize>();
        let Some(record) = length.ok().and_then(|length| rest.get(space + 1..length)) else {
            break;
        };
        let line = String::from_utf8_lossy(record);
        if let Some((key, value)) = line.trim_end_matches('\n').split_once('=') {
            records.push((key.to_owned(), value.to_owned()));
        }
        rest = rest.get(space + 1 + record.len()..).unwrap_or_default();
    }
    records
}
