//! What dpkg has installed, read from its own file, which costs no program.

use std::path::Path;

use module::{Failure, Host};

use super::wanted::Wanted;

const STATUS: &str = "/var/lib/dpkg/status";

/// A package that dpkg knows of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub architecture: String,
    /// Whether it is installed; else some of its files (configuration) are left.
    pub is_installed: bool,
    /// Names that it stands in for.
    pub provides: Vec<String>,
}

/// All packages that dpkg knows of.
#[derive(Clone, Debug, Default)]
pub struct Installed {
    packages: Vec<Package>,
    /// What packages are for that name no architecture.
    native: String,
}

impl Installed {
    /// Reads dpkg's status.
    ///
    /// # Errors
    /// A file that cannot be read, and a host without dpkg.
    pub fn read(host: &dyn Host) -> Result<Self, Failure> {
        let bytes = host.read(Path::new(STATUS))?.ok_or_else(|| {
            Failure::new(format!(
                "this host does not install packages with dpkg: there is no {STATUS}"
            ))
        })?;
        Ok(Self::parse(&bytes))
    }

    fn parse(text: &[u8]) -> Self {
        let mut packages = Vec::new();
        let mut reading = Reading::default();
        let mut rest = text;
        // Half a megabyte on an ordinary host, read for each task: nearly all lines are none of ours.
        while !rest.is_empty() {
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let (line, behind) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
            match line.first() {
                None => packages.extend(std::mem::take(&mut reading).end()),
                Some(b'A' | b'P' | b'S' | b'V') => reading.take(line),
                Some(_) => {}
            }
            rest = behind;
        }
        packages.extend(reading.end());
        // dpkg itself is of the host's own architecture.
        let own = packages.iter().find(|package| package.name == "dpkg");
        let native = own.map(|package| package.architecture.clone()).unwrap_or_default();
        Self { packages, native }
    }

    /// All that fit a name: of the host's own architecture where it names none.
    pub fn find(&self, wanted: &Wanted) -> Vec<&Package> {
        self.packages.iter().filter(|package| self.is_wanted(package, wanted)).collect()
    }

    fn is_wanted(&self, package: &Package, wanted: &Wanted) -> bool {
        let is_named = if wanted.is_pattern() {
            module::glob::is_match(&wanted.name, &package.name)
        } else {
            package.name == wanted.name
        };
        is_named && self.is_architecture(package, wanted.architecture.as_deref())
    }

    fn is_architecture(&self, package: &Package, wanted: Option<&str>) -> bool {
        let own = package.architecture.as_str();
        match wanted {
            Some("any") => true,
            None | Some("native") => own == "all" || self.native.is_empty() || own == self.native,
            Some(other) => own == other || (own == "all" && other == self.native),
        }
    }

    /// The installed package of that name.
    pub fn get(&self, wanted: &Wanted) -> Option<&Package> {
        let mut packages = self.packages.iter();
        packages.find(|package| package.is_installed && self.is_wanted(package, wanted))
    }

    /// Whether an installed package stands in for that name.
    pub fn is_provided(&self, name: &str) -> bool {
        let mut installed = self.packages.iter().filter(|package| package.is_installed);
        installed.any(|package| package.provides.iter().any(|provided| provided == name))
    }
}

/// A paragraph of which some lines are read.
#[derive(Default)]
struct Reading {
    package: Package,
    /// Whether nothing of it is there, not even files that it left.
    is_gone: bool,
}

impl Reading {
    fn take(&mut self, line: &[u8]) {
        let text = |value: &[u8]| String::from_utf8_lossy(value.trim_ascii()).into_owned();
        if let Some(value) = line.strip_prefix(b"Package: ") {
            self.package.name = text(value);
        } else if let Some(value) = line.strip_prefix(b"Version: ") {
            self.package.version = text(value);
        } else if let Some(value) = line.strip_prefix(b"Architecture: ") {
            self.package.architecture = text(value);
        } else if let Some(value) = line.strip_prefix(b"Status: ") {
            // Wanted, error, state. What waits for triggers is installed all the same.
            let state = value.trim_ascii().rsplit(|byte| *byte == b' ').next();
            self.package.is_installed =
                matches!(state, Some(b"installed" | b"triggers-pending" | b"triggers-awaited"));
            self.is_gone = state == Some(b"not-installed");
        } else if let Some(value) = line.strip_prefix(b"Provides: ") {
            let value = text(value);
            let names = value.split(',').filter_map(|one| one.split_whitespace().next());
            self.package.provides = names.map(str::to_owned).collect();
        }
    }

    fn end(self) -> Option<Package> {
        (!self.is_gone && !self.package.name.is_empty()).then_some(self.package)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21\n\n\
        Package: mawk\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.3\n\
        Provides: awk, other (= 1)\nDescription: x\n Package: fake\n\n\
        Package: old\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n\n\
        Package: gone\nStatus: unknown ok not-installed\nArchitecture: all\n\n\
        Package: libc6\nStatus: hold ok installed\nArchitecture: i386\nVersion: 2\n\nbroken\n";

    fn find(name: &str) -> Option<String> {
        let installed = Installed::parse(TEXT.as_bytes());
        installed.get(&Wanted::parse(name).unwrap()).map(|package| package.version.clone())
    }

    #[test]
    fn packages_are_found() {
        for (name, expected) in [
            ("mawk", Some("1.3")),
            ("mawk:amd64", Some("1.3")),
            ("mawk:i386", None),
            ("libc6", None),
            ("libc6:i386", Some("2")),
            ("old", None),
            ("gone", None),
            ("fake", None),
            ("nosuch", None),
            ("maw?", Some("1.3")),
        ] {
            assert_eq!(find(name).as_deref(), expected, "{name}");
        }
        let installed = Installed::parse(TEXT.as_bytes());
        assert!(installed.is_provided("awk") && installed.is_provided("other"));
        assert!(!installed.is_provided("mail"));
        let old = Wanted::parse("old").unwrap();
        assert_eq!(installed.find(&old).len(), 1);
        assert_eq!(installed.find(&Wanted::parse("gone").unwrap()).len(), 0);
    }
}
