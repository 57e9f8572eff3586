//! Packages as tasks name them: `name`, `name:arch`, `name=1.2*`, `name>=1.2`.

use module::{Failure, glob::is_match};

use super::version::compare;

/// A package and the versions of it that will do.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// As the task names it.
    pub text: String,
    /// The name, which may be a pattern.
    pub name: String,
    /// Another architecture than that of the host.
    pub architecture: Option<String>,
    pub version: WantedVersion,
}

/// Which versions will do.
#[derive(Clone, Debug, PartialEq)]
pub enum WantedVersion {
    Any,
    /// A pattern of versions.
    Fits(String),
    /// The oldest that will do.
    AtLeast(String),
}

impl Wanted {
    /// Reads a package as a task names it.
    ///
    /// # Errors
    /// More than one version.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let bad = || Failure::new(format!("invalid package spec: {text}"));
        let text = text.trim();
        let (name, version) = if let Some((name, version)) = text.split_once(">=") {
            (name, WantedVersion::AtLeast(version.trim().to_owned()))
        } else if let Some((name, version)) = text.split_once('=') {
            (name, WantedVersion::Fits(version.trim().to_owned()))
        } else {
            (text, WantedVersion::Any)
        };
        let given = match &version {
            WantedVersion::Any => "1",
            WantedVersion::Fits(version) | WantedVersion::AtLeast(version) => version,
        };
        let name = name.trim();
        if name.is_empty() || given.is_empty() || given.contains(['=', ' ']) || name.starts_with('-') {
            return Err(bad());
        }
        let (name, architecture) = match name.split_once(':') {
            Some((name, architecture)) => (name, Some(architecture.to_owned())),
            None => (name, None),
        };
        Ok(Self {
            text: text.to_owned(),
            name: name.to_owned(),
            architecture,
            version,
        })
    }

    /// Whether the name is a pattern.
    pub fn is_pattern(&self) -> bool {
        self.name.contains(['*', '?', '['])
    }

    /// The name as apt takes it.
    pub fn full_name(&self) -> String {
        match &self.architecture {
            Some(architecture) => format!("{}:{architecture}", self.name),
            None => self.name.clone(),
        }
    }

    /// Whether a version will do.
    pub fn accepts(&self, version: &str) -> bool {
        match &self.version {
            WantedVersion::Any => true,
            WantedVersion::Fits(pattern) => is_match(pattern, version),
            WantedVersion::AtLeast(oldest) => compare(version, oldest).is_ge(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read() {
        for (text, name, version) in [
            ("vim", "vim", WantedVersion::Any),
            (" vim ", "vim", WantedVersion::Any),
            ("vim=2:9*", "vim", WantedVersion::Fits("2:9*".into())),
            ("vim>=2:9", "vim", WantedVersion::AtLeast("2:9".into())),
            ("vim:arm64=1", "vim:arm64", WantedVersion::Fits("1".into())),
        ] {
            let wanted = Wanted::parse(text).unwrap();
            assert_eq!((wanted.full_name().as_str(), &wanted.version), (name, &version), "{text}");
        }
        for text in ["", "=1", "vim=", "vim=1=2", "vim>=", "-y", "vim=1 2"] {
            assert!(Wanted::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_compared() {
        for (text, version, expected) in [
            ("a", "1", true),
            ("a=1.2*", "1.2.3-1", true),
            ("a=1.2", "1.2-1", false),
            ("a>=1.10", "1.9", false),
            ("a>=1.9", "1:0", true),
        ] {
            assert_eq!(Wanted::parse(text).unwrap().accepts(version), expected, "{text} {version}");
        }
    }
}
