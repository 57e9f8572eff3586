//! What a task asks for, as pip reads it.

use super::version::satisfies;

const OPERATORS: [&str; 7] = [">=", "<=", "==", "!=", "~=", ">", "<"];

/// One package, or something else that pip can install: a path, an address.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// As it is given to pip.
    pub text: String,
    /// Name and specifier, where it is a package of an index.
    package: Option<(String, String)>,
}

impl Requirement {
    /// Reads one.
    pub fn parse(text: &str) -> Self {
        let text = text.trim().to_owned();
        let (bare, _marker) = text.split_once(';').unwrap_or((&text, ""));
        let end = bare
            .find(|letter: char| !letter.is_ascii_alphanumeric() && !"-_.".contains(letter))
            .unwrap_or(bare.len());
        let (name, rest) = bare.split_at(end);
        let rest = rest.trim();
        let specifier = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((_, specifier)) => specifier.trim(),
            None => rest,
        };
        let specifier =
            specifier.strip_prefix('(').and_then(|one| one.strip_suffix(')')).unwrap_or(specifier);
        let is_name = name.starts_with(|letter: char| letter.is_ascii_alphanumeric())
            && name.ends_with(|letter: char| letter.is_ascii_alphanumeric());
        let is_specifier =
            specifier.is_empty() || OPERATORS.iter().any(|one| specifier.starts_with(one));
        let package = (is_name && is_specifier)
            .then(|| (canonical(name), specifier.replace(char::is_whitespace, "")));
        Self { text, package }
    }

    /// The same, of a version.
    pub fn of_version(&self, version: &str) -> Self {
        let version = version.trim();
        let separator =
            if version.starts_with(|letter: char| letter.is_ascii_digit()) { "==" } else { " " };
        Self::parse(&format!("{}{separator}{version}", self.text))
    }

    /// Whether it says something of versions.
    pub fn has_specifier(&self) -> bool {
        self.package.as_ref().is_some_and(|(_, specifier)| !specifier.is_empty())
    }

    /// Whether it comes out of a repository of sources.
    pub fn is_of_sources(&self) -> bool {
        ["svn+", "git+", "hg+", "bzr+"].iter().any(|head| self.text.starts_with(head))
    }

    /// Whether it is among what pip lists.
    pub fn is_in(&self, listed: &str) -> bool {
        let Some((name, specifier)) = &self.package else { return false };
        listed.lines().filter_map(|line| line.split_once("==")).any(|(found, version)| {
            canonical(found) == *name && satisfies(version.trim(), specifier)
        })
    }
}

/// A name as all its spellings are compared.
fn canonical(name: &str) -> String {
    let parts = name.trim().split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Packages out of lists that commas went through: `["a>1,<2", "b"]` and `["a>1", "<2,b"]` alike.
pub fn recover(names: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut in_brackets = false;
    for part in names.iter().flat_map(|name| name.split(',')) {
        let continues =
            in_brackets || OPERATORS.iter().any(|operator| part.trim_start().starts_with(operator));
        match all.last_mut() {
            Some(last) if continues => {
                last.push(',');
                last.push_str(part);
            }
            _ => all.push(part.to_owned()),
        }
        in_brackets = (in_brackets || part.contains('[')) && !part.contains(']');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_recovered() {
        for (given, expected) in [
            (vec!["django>1.11.1", "<1.11.3", "b"], vec!["django>1.11.1,<1.11.3", "b"]),
            (vec!["django>1.1,<1.3,b", "c>1,<2"], vec!["django>1.1,<1.3", "b", "c>1,<2"]),
            (vec!["a[x,y]", "b"], vec!["a[x,y]", "b"]),
            (vec!["a[x", "y]==1"], vec!["a[x,y]==1"]),
        ] {
            let given: Vec<String> = given.into_iter().map(str::to_owned).collect();
            assert_eq!(recover(&given), expected);
        }
    }

    #[test]
    fn what_is_listed_is_found() {
        let listed = "Some_Package==1.2\nother==2.0\n";
        for (text, expected) in [
            ("some-package", true),
            ("some.package>=1", true),
            ("some-package[x]>2", false),
            ("other ; python_version > '3'", true),
            ("nosuch", false),
            ("git+https://x/other", false),
            ("./other", false),
        ] {
            assert_eq!(Requirement::parse(text).is_in(listed), expected, "{text}");
        }
        assert!(Requirement::parse("a>1").has_specifier());
        assert!(!Requirement::parse("a[x]").has_specifier());
        assert_eq!(Requirement::parse("a").of_version("1.0").text, "a==1.0");
        assert_eq!(Requirement::parse("a").of_version(">1,<2").text, "a >1,<2");
    }
}
