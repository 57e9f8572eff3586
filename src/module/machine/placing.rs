//! Putting files in their places at once.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io::{self, Read},
    os::fd::AsRawFd,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid, XattrFlags},
    io::Errno,
};

use super::unique;
use crate::{FileMode, HostError, Output, Placement, Program, host::Temporary, selinux};

/// How many new names are tried.
const NAMES_MAX: usize = 100;

/// Bytes that the name of a file may have.
const NAME_BYTES_MAX: usize = 255;

/// Extended attributes that belong to the old content, or that the kernel sets itself.
const ATTRIBUTES_LEFT: [&str; 3] = ["security.capability", "security.ima", "security.evm"];

/// Writes a file beside its place and moves it there: file without a name in the same folder,
/// content, attributes, fsync, a name, validation, rename. Until its content is whole it has no
/// name, so that nothing is left of it whatever ends this process; file systems that know no such
/// files get one with a name from the start.
///
/// # Errors
/// What could not be written; the validation that failed.
pub fn write(
    path: &Path,
    content: &mut dyn Read,
    placement: &Placement,
    umask: FileMode,
    run: &dyn Fn(&Program) -> Result<Output, HostError>,
) -> Result<(), HostError> {
    let fault = |why| HostError::file("write", path, why);
    let old = match fs::symlink_metadata(path) {
        Ok(old) if old.is_dir() => return Err(fault(io::ErrorKind::IsADirectory.into())),
        // A link is replaced, so that nothing of what it leads to is kept.
        Ok(old) if old.is_file() => Some(old),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(fault(error)),
    };
    let (mut temporary, mut file) = match create_beside(path) {
        Ok(made) => made,
        // Without a word from the user a file is never written in place.
        Err(_) if placement.unsafe_writes => return write_in_place(path, content, placement),
        Err(error) => return Err(fault(error)),
    };
    let written = io::copy(content, &mut file)
        .and_then(|_| dress(&file, path, old.as_ref(), placement, umask))
        .and_then(|()| file.sync_all())
        .map_err(fault);
    let named = written.and_then(|()| match temporary.take() {
        Some(named) => Ok(named),
        None => name_beside(path, &file).map_err(fault),
    });
    let temporary = match named {
        Ok(named) => named,
        Err(error) => {
            // The first error is the one that matters.
            let _ = temporary.map(fs::remove_file);
            return Err(error);
        }
    };
    if let Err(error) = validate(&temporary, placement, run) {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    match fs::rename(&temporary, path) {
        Ok(()) => Ok(()),
        Err(_) if placement.unsafe_writes => {
            let copied = File::open(&temporary)
                .map_err(fault)
                .and_then(|mut file| write_in_place(path, &mut file, placement));
            let _ = fs::remove_file(&temporary);
            copied
        }
        Err(error) => {
            let _ = fs::remove_file(&temporary);
            let busy = error.kind() == io::ErrorKind::ResourceBusy;
            let hint = "it is a mount point; with unsafe_writes it is written in place";
            Err(fault(if busy { io::Error::new(error.kind(), hint) } else { error }))
        }
    }
}

fn write_in_place(
    path: &Path,
    content: &mut dyn Read,
    placement: &Placement,
) -> Result<(), HostError> {
    let fault = |why| HostError::file("write in place", path, why);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).open(path).map_err(fault)?;
    io::copy(content, &mut file).map_err(fault)?;
    let own = |uid: Option<u32>| uid.map(Uid::from_raw);
    if placement.uid.is_some() || placement.gid.is_some() {
        rustix::fs::fchown(&file, own(placement.uid), placement.gid.map(Gid::from_raw))
            .map_err(|why| fault(why.into()))?;
    }
    if let Some(mode) = placement.mode {
        file.set_permissions(fs::Permissions::from_mode(mode.bits())).map_err(fault)?;
    }
    file.sync_all().map_err(fault)
}

fn validate(
    temporary: &Path,
    placement: &Placement,
    run: &dyn Fn(&Program) -> Result<Output, HostError>,
) -> Result<(), HostError> {
    let Some(words) = &placement.validate else { return Ok(()) };
    let path = temporary.display().to_string();
    let mut words = words.iter().map(|word| word.replace("%s", &path));
    let output = run(&Program::new(words.next().unwrap_or_default()).args(words))?;
    if output.is_success() { Ok(()) } else { Err(HostError::Invalid { output: Box::new(output) }) }
}

/// Gives a new file the attributes that were asked for, and else those of the old one.
fn dress(
    file: &File,
    path: &Path,
    old: Option<&fs::Metadata>,
    placement: &Placement,
    umask: FileMode,
) -> io::Result<()> {
    if old.is_some() {
        keep_attributes(file, path);
    }
    if let Some(context) = &placement.context {
        rustix::fs::fsetxattr(file, selinux::ATTRIBUTE, context.as_bytes(), XattrFlags::empty())?;
    }
    let new = file.metadata()?;
    let uid = placement.uid.or(old.map(MetadataExt::uid)).filter(|uid| *uid != new.uid());
    let gid = placement.gid.or(old.map(MetadataExt::gid)).filter(|gid| *gid != new.gid());
    for (uid, gid, asked) in
        [(None, gid, placement.gid.is_some()), (uid, None, placement.uid.is_some())]
    {
        if uid.is_none() && gid.is_none() {
            continue;
        }
        let result = rustix::fs::fchown(file, uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        match result {
            // Who may not give a file away keeps it, unless the task asked for just that.
            Err(Errno::PERM) if !asked => {}
            other => other?,
        }
    }
    let mode = placement.mode.map(FileMode::bits).or(old.map(|old| old.mode() & FileMode::ALL));
    let mode = mode.unwrap_or(0o666 & !umask.bits());
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Takes over access lists, labels and users' attributes, as far as the file system lets us.
fn keep_attributes(file: &File, path: &Path) {
    let Ok(names) = list_attributes(path) else { return };
    for name in names {
        if ATTRIBUTES_LEFT.iter().any(|left| name.as_bytes() == left.as_bytes()) {
            continue;
        }
        if let Ok(Some(value)) = read_attribute(path, &name) {
            // A file system that refuses an attribute is no reason not to write the file.
            let _ = rustix::fs::fsetxattr(file, &*name, &value, XattrFlags::empty());
        }
    }
}

fn list_attributes(path: &Path) -> io::Result<Vec<OsString>> {
    let bytes = read_sized(|buffer| rustix::fs::llistxattr(path, buffer))?.unwrap_or_default();
    Ok(bytes
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| OsStr::from_bytes(name).to_owned())
        .collect())
}

/// An extended attribute of what stands at a path; `None` where there is none, or where the file
/// system knows none.
///
/// # Errors
/// What cannot be read.
pub fn read_attribute(path: &Path, name: impl AsRef<OsStr>) -> io::Result<Option<Vec<u8>>> {
    read_sized(|buffer| rustix::fs::lgetxattr(path, name.as_ref(), buffer))
}

fn read_sized(
    read: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = vec![0; 64 * 1024];
    match read(&mut buffer) {
        Ok(count) => {
            buffer.truncate(count);
            Ok(Some(buffer))
        }
        Err(Errno::NODATA | Errno::NOTSUP | Errno::NOENT | Errno::NOSYS) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Where the kernel shows a process its open files.
const OWN_FILES: &str = "/proc/self/fd";

/// A new file in the folder of another: without a name where the file system can do that and
/// /proc, by which it gets one later, is there (it is not in a bare root); else named after the
/// other and hidden.
fn create_beside(path: &Path) -> io::Result<(Option<PathBuf>, File)> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    // What else is wrong is wrong with names as well, and is told then.
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    if Path::new(OWN_FILES).exists()
        && let Ok(file) = rustix::fs::open(folder_of(path), flags, Mode::RUSR | Mode::WUSR)
    {
        return Ok((None, file.into()));
    }
    for _ in 0..NAMES_MAX {
        let temporary = path.with_file_name(new_name(name));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary) {
            Ok(file) => return Ok((Some(temporary), file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Gives a file without a name a hidden one beside another.
fn name_beside(path: &Path, file: &File) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let own = format!("{OWN_FILES}/{}", file.as_raw_fd());
    for _ in 0..NAMES_MAX {
        let named = path.with_file_name(new_name(name));
        match rustix::fs::linkat(CWD, &own, CWD, &named, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => return Ok(named),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The folder that a path lies in; the current one where it says nothing of that.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn new_name(name: &OsStr) -> OsString {
    let tail = format!(".trueup-{}", unique());
    let room = NAME_BYTES_MAX.saturating_sub(tail.len() + 1);
    let bytes = name.as_bytes();
    let mut new = OsString::from(".");
    new.push(OsStr::from_bytes(bytes.get(..room.min(bytes.len())).unwrap_or_default()));
    new.push(tail);
    new
}

/// Makes a link under a new name and moves it to its place, over whatever file stands there.
///
/// # Errors
/// What could not be made or moved; a folder that stands there.
pub fn link_over(path: &Path, make: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    match make(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let temporary = path.with_file_name(new_name(name));
    make(&temporary)?;
    let moved = fs::rename(&temporary, path);
    // A rename between two hard links of one file does nothing and leaves both.
    let _ = fs::remove_file(&temporary);
    moved
}

/// Makes a file or folder with a name that was not there.
///
/// # Errors
/// What could not be made.
pub fn make_temporary(wanted: &Temporary) -> io::Result<PathBuf> {
    for _ in 0..NAMES_MAX {
        let name = format!("{}{}{}", wanted.prefix, unique().replace('-', ""), wanted.suffix);
        let path = wanted.folder.join(name);
        let made = if wanted.is_dir {
            fs::DirBuilder::new().mode(0o700).create(&path)
        } else {
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map(drop)
        };
        match made {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
