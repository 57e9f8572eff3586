//! Which distribution the host runs.

mod families;
mod guess;
#[cfg(test)]
mod recorded;
mod variety;

use protocol::JsonMap;

use self::{
    families::family,
    guess::guess,
    variety::{FILES, Said},
};
use super::Reader;

/// What a distribution is called, and the file that says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Distribution {
    pub name: String,
    pub version: String,
    pub release: String,
    pub major_version: String,
    pub minor_version: Option<String>,
    pub family: String,
    file: Option<File>,
    /// Words that were found in the file.
    file_search: Option<&'static str>,
}

/// The file that told a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
struct File {
    path: &'static str,
    variety: &'static str,
    /// Whether the file had anything to say, or only had to be there.
    is_parsed: bool,
}

/// What is not known.
const UNKNOWN: &str = "NA";

/// Reads what the release files say: first what all distributions have in common, then the first
/// file of one's own that has something to say, in the order in which Ansible asks them.
pub fn read(reader: &Reader<'_>) -> Distribution {
    let guessed = guess(reader);
    let mut found = Distribution {
        name: guessed.name,
        major_version: match guessed.version.split('.').next() {
            None | Some("") => UNKNOWN.into(),
            Some(major) => major.to_owned(),
        },
        version: guessed.version,
        release: guessed.release,
        ..Distribution::default()
    };
    for (path, variety, may_be_empty) in FILES {
        let Some(text) = reader.text(path) else { continue };
        if *may_be_empty {
            found.name = variety.name().into();
            found.file = Some(File { path, variety: variety.name(), is_parsed: false });
            break;
        }
        if text.is_empty() {
            continue;
        }
        let Some(said) = variety.read(path, &text, &found, reader) else { continue };
        found.file = Some(File { path, variety: variety.name(), is_parsed: true });
        found.take(said.or_named(variety.name()));
        break;
    }
    found.family = family(&found.name);
    found
}

impl Distribution {
    /// Takes what a file of the distribution's own says.
    fn take(&mut self, said: Said) {
        let Said { name, version, release, major_version, minor_version, search } = said;
        let put = |known: &mut String, said: Option<String>| {
            *known = said.unwrap_or_else(|| known.clone())
        };
        put(&mut self.name, name);
        put(&mut self.version, version);
        put(&mut self.release, release);
        put(&mut self.major_version, major_version);
        self.minor_version = minor_version;
        self.file_search = search;
    }

    /// `distribution*` and `os_family`.
    pub fn facts(self) -> JsonMap {
        let mut facts = JsonMap::new();
        let mut insert = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                facts.insert(name.into(), value.into());
            }
        };
        insert("distribution", Some(&self.name));
        insert("distribution_version", Some(&self.version));
        insert("distribution_release", Some(&self.release));
        insert("distribution_major_version", Some(&self.major_version));
        insert("distribution_minor_version", self.minor_version.as_deref());
        insert("distribution_file_path", self.file.map(|file| file.path));
        insert("distribution_file_variety", self.file.map(|file| file.variety));
        insert("distribution_file_search_string", self.file_search);
        insert("os_family", Some(&self.family));
        if self.file.is_some_and(|file| file.is_parsed) {
            facts.insert("distribution_file_parsed".into(), true.into());
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;
    use protocol::Json;

    use super::{recorded::CASES, *};

    fn facts(files: &[(&str, &str)]) -> JsonMap {
        let mut host = FakeHost::default();
        for (name, content) in files {
            host.put(&format!("/etc/{name}"), *content);
        }
        read(&Reader::new(&host)).facts()
    }

    #[test]
    fn distributions_are_called_as_ansible_calls_them() {
        for (files, expected, is_parsed) in CASES {
            let facts = facts(files);
            let names = [
                "distribution",
                "distribution_version",
                "distribution_major_version",
                "distribution_release",
                "os_family",
                "distribution_file_path",
                "distribution_file_variety",
            ];
            let text = |name: &&str| facts.get(*name).and_then(Json::as_str).unwrap_or_default();
            let found: Vec<&str> = names.iter().map(text).collect();
            assert_eq!(found, expected, "{files:?}");
            assert_eq!(facts.contains_key("distribution_file_parsed"), *is_parsed, "{files:?}");
        }
    }

    #[test]
    fn a_point_release_of_debian_is_known() {
        let release = "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\n\
                       VERSION_CODENAME=bookworm\nID=debian\n";
        let facts = facts(&[("os-release", release), ("debian_version", "12.11\n")]);
        assert_eq!(facts["distribution_version"], "12.11");
        assert_eq!(facts["distribution_minor_version"], "11");
        assert_eq!(facts["distribution_release"], "bookworm");
    }

    #[test]
    fn what_nobody_knows_is_its_own_family() {
        let facts = facts(&[("os-release", "ID=frobnix\nNAME=Frobnix\nVERSION_ID=1.2\n")]);
        assert_eq!(
            (&facts["distribution"], &facts["os_family"]),
            (&"Frobnix".into(), &"Frobnix".into())
        );
        let facts = self::facts(&[]);
        assert_eq!(facts["distribution"], "OtherLinux");
        assert_eq!(facts["distribution_version"], "NA");
        assert_eq!(facts.get("distribution_file_path"), None);
    }
}
