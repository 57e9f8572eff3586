//! What a source is signed by.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use module::{Failure, FileMode, Host, Placement, Program, host::Temporary};

const FOLDER: &str = "/etc/apt/keyrings";

/// apt's own program that fetches a file.
const HELPER: &str = "/usr/lib/apt/apt-helper";

/// How a key in text form begins, by which apt wants its file to end with `asc`.
const ARMOR: &[u8] = b"-----BEGIN PGP";

/// A key as a task gives it.
pub enum Key<'a> {
    None,
    /// It stands in the source's own file: a path, fingerprints, or the key itself.
    Written(&'a str),
    /// It has to be fetched.
    Address(&'a str),
}

impl<'a> Key<'a> {
    /// Tells what a task gives.
    pub fn new(given: Option<&'a str>) -> Self {
        match given {
            None => Self::None,
            Some(text) if text.contains("://") && !text.trim().contains(char::is_whitespace) => {
                Self::Address(text.trim())
            }
            Some(text) => Self::Written(text),
        }
    }
}

fn paths(slug: &str) -> [PathBuf; 2] {
    ["asc", "gpg"].map(|end| Path::new(FOLDER).join(format!("{slug}.{end}")))
}

/// What a keyring is called of which nothing is known.
pub fn default_path(slug: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{slug}.gpg"))
}

/// The keyring of a source, where it has one of its own.
///
/// # Errors
/// What cannot be looked at.
pub fn find(host: &dyn Host, slug: &str) -> Result<Option<PathBuf>, Failure> {
    for path in paths(slug) {
        if host.metadata(&path)?.is_some() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The keyring that is there, or the one that the address lets expect.
///
/// # Errors
/// What cannot be looked at.
pub fn path(host: &dyn Host, slug: &str, address: &str) -> Result<PathBuf, Failure> {
    let expected = if address.ends_with(".gpg") { "gpg" } else { "asc" };
    let expected = Path::new(FOLDER).join(format!("{slug}.{expected}"));
    Ok(find(host, slug)?.unwrap_or(expected))
}

/// Fetches a key and puts it in its place.
///
/// # Errors
/// What apt's helper complains about.
pub fn fetch(host: &mut dyn Host, slug: &str, address: &str) -> Result<(), Failure> {
    let wanted = Temporary {
        folder: "/tmp".into(),
        prefix: "trueup-".into(),
        suffix: String::new(),
        is_dir: true,
    };
    let folder = host.make_temporary(&wanted)?;
    let result = fetch_to(host, &folder.join("key"), slug, address);
    let removed = host.remove_dir_all(&folder);
    result?;
    Ok(removed?)
}

fn fetch_to(host: &mut dyn Host, fetched: &Path, slug: &str, address: &str) -> Result<(), Failure> {
    let target = fetched.display().to_string();
    let program = Program::new(HELPER).args(["download-file", address, &target]);
    let output = host.execute(&program)?;
    let content = host.read(fetched)?.filter(|_| output.is_success()).ok_or_else(|| {
        Failure::new(format!("failed to fetch the key {address}: {}", output.stderr_text().trim()))
    })?;
    if content.is_empty() {
        return Err(Failure::new(format!("the key {address} is empty")));
    }
    if host.metadata(Path::new(FOLDER))?.is_none() {
        host.make_dir(Path::new(FOLDER), FileMode::new(0o755))?;
    }
    let [armored, binary] = paths(slug);
    let path = if content.starts_with(ARMOR) { armored } else { binary };
    let placement = Placement { mode: Some(FileMode::new(0o644)), ..Placement::default() };
    let mut content: &mut dyn Read = &mut content.as_slice();
    host.write(&path, &mut content, &placement)?;
    Ok(())
}
