//! A folder of the controller as a list of what is in it.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Folders inside each other that are walked at most.
const DEPTH_MAX: usize = 256;

/// What stands in a folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path below the folder.
    pub below: PathBuf,
    /// Where it is read, links and all.
    pub path: PathBuf,
    pub kind: Kind,
}

/// What an entry comes to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    File,
    /// A link, and what it says.
    Link(PathBuf),
}

/// Lists all that is below a folder by name: of each folder what is none, then the folders in it,
/// each before what is in it.
///
/// Links are followed where `follows` says so, but for those that lead nowhere and for those that
/// lead to a folder they stand in: these stay links. What is neither file, folder nor link is left
/// out.
///
/// # Errors
/// What cannot be read, and folders deeper than [`DEPTH_MAX`].
pub(crate) fn walk(folder: &Path, follows: bool) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut above = vec![identity(&fs::metadata(folder)?)];
    list(folder, Path::new(""), follows, &mut above, &mut entries)?;
    Ok(entries)
}

fn identity(meta: &fs::Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

fn list(
    folder: &Path,
    below: &Path,
    follows: bool,
    above: &mut Vec<(u64, u64)>,
    entries: &mut Vec<Entry>,
) -> io::Result<()> {
    if above.len() > DEPTH_MAX {
        let why = format!("folders are more than {DEPTH_MAX} deep in {}", folder.display());
        return Err(io::Error::other(why));
    }
    let mut names = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    let mut folders: Vec<(PathBuf, PathBuf, (u64, u64))> = Vec::new();
    for name in names {
        let (path, below) = (folder.join(&name), below.join(&name));
        let own = fs::symlink_metadata(&path)?;
        let through = if own.is_symlink() { fs::metadata(&path).ok() } else { Some(own.clone()) };
        let through = through.filter(|_| follows || !own.is_symlink());
        let is_circle = |meta: &fs::Metadata| own.is_symlink() && above.contains(&identity(meta));
        let kind = match through {
            Some(meta) if meta.is_dir() && !is_circle(&meta) => {
                folders.push((path, below, identity(&meta)));
                continue;
            }
            Some(meta) if meta.is_file() => Kind::File,
            _ if own.is_symlink() => Kind::Link(fs::read_link(&path)?),
            _ => continue,
        };
        entries.push(Entry { below, path, kind });
    }
    for (path, below, identity) in folders {
        entries.push(Entry { below: below.clone(), path: path.clone(), kind: Kind::Folder });
        above.push(identity);
        list(&path, &below, follows, above, entries)?;
        above.pop();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn shown(folder: &Path, follows: bool) -> Vec<String> {
        let entries = walk(folder, follows).unwrap();
        let line = |entry: &Entry| match &entry.kind {
            Kind::Folder => format!("{}/", entry.below.display()),
            Kind::File => entry.below.display().to_string(),
            Kind::Link(target) => format!("{} -> {}", entry.below.display(), target.display()),
        };
        entries.iter().map(line).collect()
    }

    #[test]
    fn links_are_followed_unless_they_lead_in_a_circle() {
        let scratch = std::env::temp_dir().join(format!("trueup-tree-{}", std::process::id()));
        let top = scratch.join("top");
        fs::create_dir_all(top.join("a/b")).unwrap();
        fs::create_dir(scratch.join("beside")).unwrap();
        fs::write(scratch.join("beside/f"), "x").unwrap();
        fs::write(top.join("a/g"), "x").unwrap();
        for (target, link) in [
            ("../a", "a/circle"),
            ("..", "a/b/up"),
            ("nowhere", "a/lost"),
            ("a/g", "file"),
            ("../beside", "other"),
            ("../top", "../beside/back"),
        ] {
            symlink(target, top.join(link)).unwrap();
        }
        let expected = [
            "file",
            "a/",
            "a/circle -> ../a",
            "a/g",
            "a/lost -> nowhere",
            "a/b/",
            "a/b/up -> ..",
            "other/",
            "other/back -> ../top",
            "other/f",
        ];
        assert_eq!(shown(&top, true), expected);
        let expected = [
            "file -> a/g",
            "other -> ../beside",
            "a/",
            "a/circle -> ../a",
            "a/g",
            "a/lost -> nowhere",
            "a/b/",
            "a/b/up -> ..",
        ];
        assert_eq!(shown(&top, false), expected);
        assert!(walk(&top.join("none"), true).is_err());
        assert!(walk(&top.join("a/g"), true).is_err());
        fs::remove_dir_all(scratch).unwrap();
    }
}
