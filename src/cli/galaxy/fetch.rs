//! Getting what is to be installed: repositories by git, archives from servers and folders.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{archive, archive::Entry};
use crate::{Failed, settings::Settings};

/// A folder that is removed when nobody needs it any more.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new folder below the one for what lasts only a while.
    ///
    /// # Errors
    /// The system's.
    pub fn make() -> Result<Self, Failed> {
        use std::{
            os::unix::fs::DirBuilderExt,
            sync::atomic::{AtomicU32, Ordering},
        };
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trueup-galaxy-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| at(&path, &error))?;
        Ok(Self(path))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left behind harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// An error with the path that it is about.
pub fn at(path: &Path, error: &io::Error) -> Failed {
    Failed::general(format!("{}: {error}", path.display()))
}

/// Clones a repository and checks a version of it out.
///
/// # Errors
/// What git says.
pub fn clone(url: &str, version: Option<&str>, into: &Path) -> Result<(), Failed> {
    let into = into.display().to_string();
    git(&["clone", "--quiet", "--", url, &into], None)?;
    match version.filter(|version| !matches!(*version, "HEAD" | "*")) {
        Some(version) if version.starts_with('-') => {
            Err(Failed::general(format!("'{version}' is no version of a repository")))
        }
        Some(version) => git(&["checkout", "--quiet", version, "--"], Some(&into)),
        None => Ok(()),
    }
}

fn git(words: &[&str], folder: Option<&str>) -> Result<(), Failed> {
    let mut command = Command::new("git");
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let output = command.args(words).stdin(Stdio::null()).output();
    let output =
        output.map_err(|error| Failed::general(format!("git cannot be started: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failed::general(format!("git {} failed: {}", words.join(" "), said.trim())))
}

/// Fetches an archive from a server.
///
/// # Errors
/// What the server or the way to it says.
pub fn download(url: &str, into: &Path, settings: &Settings) -> Result<PathBuf, Failed> {
    let path = into.join("archive.tar.gz");
    let question = crate::world::Question::plain(url);
    crate::world::download(&settings.environment, &question, None, &path)
        .map_err(Failed::general)?;
    Ok(path)
}

/// The content of an archive.
///
/// # Errors
/// It is none.
pub fn unpack(path: &Path) -> Result<Vec<Entry>, Failed> {
    archive::read(path).map_err(|error| at(path, &error))
}

/// The content of a folder, in the order of its names, without what git keeps for itself.
///
/// # Errors
/// The system's.
pub fn walk(folder: &Path, keeps_git: bool) -> Result<Vec<Entry>, Failed> {
    use std::os::unix::fs::PermissionsExt;
    let mut entries = Vec::new();
    let is_wanted = |entry: &walkdir::DirEntry| keeps_git || entry.file_name() != ".git";
    let found = walkdir::WalkDir::new(folder).sort_by_file_name().min_depth(1).into_iter();
    for entry in found.filter_entry(is_wanted) {
        let entry = entry.map_err(|error| Failed::general(error.to_string()))?;
        let Ok(path) = entry.path().strip_prefix(folder).map(Path::to_owned) else { continue };
        let kind = entry.file_type();
        entries.push(if kind.is_dir() {
            Entry::Folder { path }
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path()).map_err(|error| at(entry.path(), &error))?;
            Entry::Link { path, target }
        } else {
            let content = fs::read(entry.path()).map_err(|error| at(entry.path(), &error))?;
            let mode = entry.metadata().map(|metadata| metadata.permissions().mode());
            Entry::File { path, content, is_executable: mode.is_ok_and(|mode| mode & 0o100 != 0) }
        });
    }
    Ok(entries)
}
