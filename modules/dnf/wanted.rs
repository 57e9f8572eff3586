//! What a task asks for, as dnf reads it.

use std::cmp::Ordering;

use module::{Failure, Host};

use crate::rpm;

/// One of the names.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// As it is given to dnf.
    pub text: String,
}

/// The names, taken out of lists with commas.
pub fn names(given: &[String]) -> Vec<Wanted> {
    let parts = given.iter().flat_map(|name| name.split(','));
    parts
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| Wanted { text: name.to_owned() })
        .collect()
}

/// What is known of a name that packages are wanted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is installed.
    There,
    /// What is installed is newer.
    Newer,
    Missing,
}

/// Which packages dnf is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Available,
    Installed,
}

/// Asks dnf for packages: a name and `epoch:version-release` each.
type Ask<'a> = &'a dyn Fn(&str, Kind) -> Result<Vec<(String, String)>, Failure>;

impl Wanted {
    /// Whether it is a group, an environment or a module.
    pub fn is_group(&self) -> bool {
        self.text.starts_with('@')
    }

    /// The file or address of a package that it is.
    pub fn file(&self) -> Option<&str> {
        let is_file = self.text.contains("://") || self.text.ends_with(".rpm");
        let path = self.text.strip_prefix("file://").unwrap_or(&self.text);
        (is_file && !self.is_group()).then_some(path)
    }

    fn is_pattern(&self) -> bool {
        self.text.contains(['*', '?', '['])
    }

    /// Whether it may be one that names a version, so that a newer one may be there.
    fn may_name_a_version(&self) -> bool {
        let has_digits = |rest: &str| rest.starts_with(|letter: char| letter.is_ascii_digit());
        self.text.contains(['<', '=', '>']) || self.text.split('-').skip(1).any(has_digits)
    }

    /// Whether it may be installed: for a pattern only dnf knows.
    ///
    /// # Errors
    /// What cannot be asked.
    pub fn is_there(&self, host: &dyn Host, root: &str) -> Result<bool, Failure> {
        match self.is_pattern() {
            true => rpm::is_any_installed(host, root, &self.text),
            false => rpm::is_installed(host, root, &self.text),
        }
    }

    /// What is known of it. rpm is asked where it can tell, since that costs little.
    ///
    /// # Errors
    /// What cannot be asked.
    pub fn standing(&self, host: &dyn Host, root: &str, ask: Ask) -> Result<Standing, Failure> {
        if !self.is_pattern() {
            if rpm::is_installed(host, root, &self.text)? {
                return Ok(Standing::There);
            }
            if !self.may_name_a_version() {
                return Ok(Standing::Missing);
            }
        }
        let available = ask(&self.text, Kind::Available)?;
        let Some((first, _)) = available.first() else {
            // A pattern that fits nothing asks for nothing.
            return Ok(if self.is_pattern() { Standing::There } else { Standing::Missing });
        };
        let newest = |all: &mut dyn Iterator<Item = String>| all.max_by(|a, b| rpm::compare(a, b));
        let mut offered = available.iter().filter(|(name, _)| name == first);
        let offered = newest(&mut offered.by_ref().map(|(_, version)| version.clone()));
        let installed = newest(&mut rpm::versions(host, root, first)?.into_iter());
        if let (Some(offered), Some(installed)) = (offered, installed)
            && rpm::compare(&installed, &offered) == Ordering::Greater
        {
            return Ok(Standing::Newer);
        }
        if !self.is_pattern() {
            return Ok(Standing::Missing);
        }
        let there = ask(&self.text, Kind::Installed)?;
        let is_there = |name: &String| there.iter().any(|(known, _)| known == name);
        let all = available.iter().all(|(name, _)| is_there(name));
        Ok(if all { Standing::There } else { Standing::Missing })
    }
}

/// Whether what is installed is newer than a package file; no address is looked into.
///
/// # Errors
/// A host without rpm.
pub fn is_file_older(host: &dyn Host, root: &str, path: &str) -> Result<bool, Failure> {
    if path.contains("://") {
        return Ok(false);
    }
    let Some((name, version)) = rpm::of_file(host, path)? else { return Ok(false) };
    let installed = rpm::versions(host, root, &name)?;
    Ok(installed.iter().any(|one| rpm::compare(one, &version) == Ordering::Greater))
}
