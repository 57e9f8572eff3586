//! Attributes of everything in a folder.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use module::{
    Delta, Failure, FileArguments, Host, Metadata, file_arguments::FILE_MODE, host::Links,
};

use super::entry::Entry;

/// Files that one task looks at.
const FILES_MAX: usize = 2_000_000;

/// Notes in the delta what differs below a folder.
///
/// # Errors
/// What cannot be read.
pub fn compare(
    arguments: &FileArguments,
    host: &dyn Host,
    folder: &Path,
    follow: bool,
    delta: &mut Delta<Entry>,
) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for name in host.list(&folder)? {
            let path = folder.join(name);
            // What was removed since is nobody's concern.
            let Some(found) = host.link_metadata(&path)? else { continue };
            if seen.len() > FILES_MAX {
                return Err(Failure::new(format!("there are more than {FILES_MAX} files below")));
            }
            compare_one(arguments, host, &path, &found, delta)?;
            if found.is_link() && follow {
                if let Some(target) = host.metadata(&path)? {
                    let real = host.real_path(&path)?;
                    if seen.insert((target.device, target.inode)) {
                        compare_one(arguments, host, &real, &target, delta)?;
                        descend(&target, real, &mut folders);
                    }
                }
            } else if !found.is_dir() || seen.insert((found.device, found.inode)) {
                descend(&found, path, &mut folders);
            }
        }
    }
    Ok(())
}

fn descend(found: &Metadata, path: PathBuf, folders: &mut Vec<PathBuf>) {
    if found.is_dir() {
        folders.push(path);
    }
}

fn compare_one(
    arguments: &FileArguments,
    host: &dyn Host,
    path: &Path,
    found: &Metadata,
    delta: &mut Delta<Entry>,
) -> Result<(), Failure> {
    let (actual, desired) = arguments.compare(host, path, Some(found), FILE_MODE)?;
    if actual != desired {
        let key = path.display().to_string();
        delta.actual.below.insert(key.clone(), actual);
        delta.desired.below.insert(key, desired);
    }
    Ok(())
}

/// Sets what differs below a folder.
///
/// # Errors
/// What could not be set.
pub fn apply(delta: &Delta<Entry>, host: &mut dyn Host) -> Result<(), Failure> {
    for (path, desired) in &delta.desired.below {
        if let Some(actual) = delta.actual.below.get(path) {
            desired.apply(actual, host, Path::new(path), Links::Keep)?;
        }
    }
    Ok(())
}
