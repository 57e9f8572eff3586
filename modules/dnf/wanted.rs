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

impl Wanted {
    /// Whether it is a package by name, that rpm can be asked for.
    fn is_plain(&self) -> bool {
        let text = &self.text;
        !text.starts_with('@')
            && !text.contains("://")
            && !text.ends_with(".rpm")
            && !text.contains(['*', '?', '['])
    }

    /// Whether it is installed; `None` where only dnf can know.
    ///
    /// # Errors
    /// What cannot be asked.
    pub fn is_there(&self, host: &dyn Host, root: &str) -> Result<Option<bool>, Failure> {
        if !self.is_plain() {
            return Ok(None);
        }
        rpm::is_installed(host, root, &self.text).map(Some)
    }

    /// Name and version of `name-1.2`, where it is one: a part of it is the name of an installed
    /// package, and what is behind begins with a digit.
    ///
    /// # Errors
    /// What cannot be asked.
    pub fn is_older(&self, host: &dyn Host, root: &str) -> Result<bool, Failure> {
        if !self.is_plain() || self.text.contains([' ', '/']) {
            return Ok(false);
        }
        for (at, _) in self.text.match_indices('-') {
            let (name, version) = self.text.split_at(at);
            let version = version.trim_start_matches('-');
            if !version.starts_with(|letter: char| letter.is_ascii_digit()) {
                continue;
            }
            let found = rpm::versions(host, root, name)?;
            if !found.is_empty() {
                return Ok(found.iter().all(|one| rpm::compare(one, version) == Ordering::Greater));
            }
        }
        Ok(false)
    }
}
