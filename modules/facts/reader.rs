//! Reading what a kernel and small files tell.

use std::{path::Path, time::Duration};

use module::{Host, Output, Program};

/// Reads a host for facts: what cannot be read is as good as not there.
pub struct Reader<'a> {
    /// The host itself.
    pub host: &'a dyn Host,
    /// How long a program may take that has no shorter limit.
    pub patience: Duration,
}

/// What Ansible's `gather_timeout` is where a task does not say.
pub const PATIENCE: Duration = Duration::from_secs(10);

impl<'a> Reader<'a> {
    /// A reader with the usual patience.
    pub fn new(host: &'a dyn Host) -> Self {
        Self { host, patience: PATIENCE }
    }

    /// All of a file.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = self.host.read(path.as_ref()).ok().flatten()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file without the blanks around its content; `None` where nothing is left.
    pub fn trimmed(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = self.text(path)?;
        let text = text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\0');
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    /// Whether the path leads to anything.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.host.metadata(path.as_ref()).is_ok_and(|found| found.is_some())
    }

    /// Whether the path leads to a folder.
    pub fn is_dir(&self, path: impl AsRef<Path>) -> bool {
        let found = self.host.metadata(path.as_ref()).ok().flatten();
        found.is_some_and(|found| found.is_dir())
    }

    /// The names in a folder, sorted.
    pub fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        let names = self.host.list(path.as_ref()).unwrap_or_default();
        names.into_iter().filter_map(|name| name.into_string().ok()).collect()
    }

    /// The last part of what a link says.
    pub fn link_name(&self, path: impl AsRef<Path>) -> Option<String> {
        let target = self.host.read_link(path.as_ref()).ok()?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    /// Whether there is a program of that name.
    pub fn has_program(&self, name: &str) -> bool {
        self.host.which(name).is_some()
    }

    /// Runs a program, and returns how it ended; `None` where it could not be run.
    pub fn output(&self, program: &Program) -> Option<Output> {
        let mut program = program.clone();
        program.timeout = Some(program.timeout.map_or(self.patience, |own| own.min(self.patience)));
        self.host.query(&program).ok()
    }

    /// `KEY=value` lines as shells read them, such as those of /etc/os-release.
    pub fn assignments(&self, path: impl AsRef<Path>) -> Option<Vec<(String, String)>> {
        Some(parse_assignments(&self.text(path)?))
    }
}

fn parse_assignments(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let words = module::path::split_words(value.trim()).ok()?;
            Some((key.trim().to_owned(), words.join(" ")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_are_read_as_shells_do() {
        let text = "# no\nID=debian\nNAME=\"Debian GNU/Linux\"\nX='a b'\n\nbroken\nY=\"open\nZ=\n";
        let pairs = parse_assignments(text);
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [("ID", "debian"), ("NAME", "Debian GNU/Linux"), ("X", "a b"), ("Z", "")]
        );
    }
}
