//! What all distributions tell in the same way: by /etc/os-release, `lsb_release`, and the first line
//! of a file such as /etc/redhat-release. The order in which they are asked is that of Python's
//! `distro`, which Ansible asks.

use std::cell::OnceCell;

use module::Program;
use pyregex::{Flags, Pattern};

use super::UNKNOWN;
use crate::facts::Reader;

/// What is known of a distribution before its own files are looked at.
#[derive(Debug)]
pub struct Guess {
    pub name: String,
    pub version: String,
    pub release: String,
}

/// Files of /etc that look as if they told a distribution, and tell something else.
const IGNORED: &[&str] = &[
    "debian_version",
    "lsb-release",
    "oem-release",
    "os-release",
    "system-release",
    "plesk-release",
    "iredmail-release",
    "board-release",
    "ec2_version",
];

/// `CentOS release 6.7 (Final)`, from behind: in parentheses the codename, before it a version that
/// ends in a digit, and the name. The form is that of Python's `distro`.
const LINE_BACKWARDS: &str = r"(?:[^)]*\)(.*)\()? *(?:STL )?([\d.+\-a-z]*\d) *(?:esaeler *)?(.+)";

/// The name of a release behind its version, in parentheses or behind a comma.
const CODENAME: &str = r"\((\D+)\)|,\s*(\D+)";

/// Guesses the distribution.
pub fn guess(reader: &Reader<'_>) -> Guess {
    let sources = Sources::new(reader);
    let id = sources.id();
    let name = match id.as_str() {
        "amzn" => "Amazon".into(),
        "rhel" => "Redhat".into(),
        "" => "OtherLinux".into(),
        id => capitalized(id),
    };
    let version = match sources.version(&id) {
        version if version.is_empty() => UNKNOWN.into(),
        version => version,
    };
    let release = sources.codename(&id).unwrap_or_else(|| UNKNOWN.into());
    Guess { name, version, release }
}

/// The distribution that a file of /etc is about, by its name: `redhat-release`, `slackware-version`.
fn told_by_name(name: &str) -> Option<&str> {
    let bare = ["release", "version"].iter().find_map(|end| name.strip_suffix(end))?;
    let id = bare.strip_suffix(['-', '_'])?;
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    (!id.is_empty() && id.chars().all(is_word)).then_some(id)
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

/// What there is to ask.
struct Sources<'a> {
    reader: &'a Reader<'a>,
    /// The assignments of /etc/os-release.
    os_release: Vec<(String, String)>,
    /// What `lsb_release` said; it is run when nothing else is known.
    lsb: OnceCell<Vec<(String, String)>>,
    /// A file such as /etc/redhat-release.
    release_file: OnceCell<Line>,
}

/// The first line of a release file.
#[derive(Debug, Default, PartialEq)]
struct Line {
    /// By the name of the file.
    id: String,
    name: String,
    version: String,
    codename: String,
}

impl<'a> Sources<'a> {
    fn new(reader: &'a Reader<'a>) -> Self {
        let files = ["/etc/os-release", "/usr/lib/os-release"];
        let os_release = files.iter().find_map(|path| reader.assignments(path)).unwrap_or_default();
        Self { reader, os_release, lsb: OnceCell::new(), release_file: OnceCell::new() }
    }

    fn os_release(&self, key: &str) -> Option<&str> {
        let found = self.os_release.iter().rfind(|(known, _)| known.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str())
    }

    /// What `lsb_release` says of a key; empty where it is not there.
    fn lsb(&self, key: &str) -> &str {
        let said = self.lsb.get_or_init(|| {
            if !self.reader.has_program("lsb_release") {
                return Vec::new();
            }
            let output = self.reader.output(&Program::new("lsb_release").arg("-a"));
            let output = output.filter(module::Output::is_success);
            let text = output.map(|output| output.stdout_text()).unwrap_or_default();
            let pairs = text.lines().filter_map(|line| line.split_once(':'));
            pairs.map(|(key, value)| (key.to_owned(), value.trim().to_owned())).collect()
        });
        said.iter().find(|(known, _)| known == key).map_or("", |(_, value)| value)
    }

    fn release_file(&self) -> &Line {
        self.release_file.get_or_init(|| {
            let names = self.reader.names("/etc");
            let names = names.iter().filter(|name| !IGNORED.contains(&name.as_str()));
            let found = names.filter_map(|name| {
                let id = told_by_name(name)?.to_owned();
                let text = self.reader.text(format!("/etc/{name}"))?;
                let line = read_line(text.lines().next().unwrap_or_default());
                (!line.name.is_empty()).then_some(Line { id, ..line })
            });
            let mut line = { found }.next().unwrap_or_default();
            if line.name.to_lowercase().contains("cloudlinux") {
                line.id = "cloudlinux".into();
            }
            line
        })
    }

    /// The short name, in small letters; empty where nothing tells it.
    fn id(&self) -> String {
        let normal = |id: &str| id.to_lowercase().replace(' ', "_");
        let own = normal(self.os_release("ID").unwrap_or_default());
        if !own.is_empty() {
            return match own.as_str() {
                "ol" => "oracle".into(),
                "opensuse-leap" => "opensuse".into(),
                _ => own,
            };
        }
        let own = normal(self.lsb("Distributor ID"));
        if !own.is_empty() {
            return match own.as_str() {
                "enterpriseenterpriseas" | "enterpriseenterpriseserver" => "oracle".into(),
                "redhatenterpriseworkstation"
                | "redhatenterpriseserver"
                | "redhatenterprisecomputenode" => "rhel".into(),
                _ => own,
            };
        }
        match normal(&self.release_file().id) {
            own if own == "redhat" => "rhel".into(),
            own => own,
        }
    }

    /// The version as the first says it that knows one; of distributions whose common file leaves
    /// the minor one out, as the one says it that knows most.
    fn version(&self, id: &str) -> String {
        let own = self.os_release("VERSION_ID").unwrap_or_default();
        let is_kin_of_debian = id == "debian"
            || self
                .os_release("ID_LIKE")
                .unwrap_or_default()
                .split(' ')
                .any(|like| like == "debian");
        let wants_most = matches!(id, "centos" | "debian");
        if !own.is_empty() && !wants_most {
            return own.to_owned();
        }
        // What lsb_release knows of these stands in their files as well.
        let lsb = |key: &str| if wants_most { "" } else { self.lsb(key) };
        let debian_version = match is_kin_of_debian {
            true => self.reader.text("/etc/debian_version").unwrap_or_default(),
            false => String::new(),
        };
        let all = [
            own.to_owned(),
            lsb("Release").to_owned(),
            self.release_file().version.clone(),
            read_line(self.os_release("PRETTY_NAME").unwrap_or_default()).version,
            read_line(lsb("Description")).version,
            debian_version.lines().next().unwrap_or_default().trim_end().to_owned(),
        ];
        if !wants_most {
            return { all }.into_iter().find(|version| !version.is_empty()).unwrap_or_default();
        }
        let points = |version: &str| version.matches('.').count();
        let mut most = String::new();
        for version in all {
            if most.is_empty() || points(&version) > points(&most) {
                most = version;
            }
        }
        match id {
            "centos" => most.split('.').take(2).collect::<Vec<_>>().join("."),
            _ => most,
        }
    }

    /// The name of the release; `None` where nothing tells one, empty where it is said to have none.
    fn codename(&self, id: &str) -> Option<String> {
        let own =
            self.os_release("VERSION_CODENAME").or_else(|| self.os_release("UBUNTU_CODENAME"));
        if let Some(own) = own {
            return Some(own.to_owned());
        }
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        if id == "ubuntu"
            && let Some(codename) = some(self.lsb("Codename"))
        {
            return Some(codename);
        }
        let version = self.os_release("VERSION").unwrap_or_default();
        if let Some([in_parentheses, behind_a_comma]) = groups(CODENAME, version, false) {
            return in_parentheses.or(behind_a_comma);
        }
        some(self.lsb("Codename")).or_else(|| some(&self.release_file().codename))
    }
}

/// Reads a line such as `CentOS Linux release 7.9.2009 (Core)`.
fn read_line(line: &str) -> Line {
    let backwards = |text: &str| text.chars().rev().collect::<String>();
    let line = line.trim();
    match groups(LINE_BACKWARDS, &backwards(line), true) {
        Some([codename, version, name]) => Line {
            id: String::new(),
            name: backwards(&name.unwrap_or_default()),
            version: backwards(&version.unwrap_or_default()),
            codename: backwards(&codename.unwrap_or_default()),
        },
        None => Line { name: line.to_owned(), ..Line::default() },
    }
}

/// The groups of the first match of a pattern of this crate; `None` where there is no match.
pub fn groups<const N: usize>(
    pattern: &str,
    text: &str,
    at_start: bool,
) -> Option<[Option<String>; N]> {
    let pattern = Pattern::new(pattern, Flags::default()).ok()?;
    let found = if at_start { pattern.match_(text) } else { pattern.search(text) };
    let found = found.ok()??;
    Some(std::array::from_fn(|number| found.group(number + 1).map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_by_their_names_whom_they_are_about() {
        for (name, id) in [
            ("redhat-release", Some("redhat")),
            ("slackware-version", Some("slackware")),
            ("own_linux_release", Some("own_linux")),
            ("-release", None),
            ("x-y-release", None),
            ("release", None),
            ("redhat-release.d", None),
        ] {
            assert_eq!(told_by_name(name), id, "{name}");
        }
    }

    #[test]
    fn lines_of_release_files_are_read_from_behind() {
        let cases = [
            ("CentOS release 6.7 (Final)", ["CentOS", "6.7", "Final"]),
            (
                "Red Hat Enterprise Linux Server release 6.7 (Santiago)",
                ["Red Hat Enterprise Linux Server", "6.7", "Santiago"],
            ),
            ("Slackware 14.1", ["Slackware", "14.1", ""]),
            ("Ubuntu 22.04.4 LTS", ["Ubuntu", "22.04.4", ""]),
            ("Source Mage GNU/Linux", ["Source Mage GNU/Linux", "", ""]),
        ];
        for (line, [name, version, codename]) in cases {
            let read = read_line(line);
            assert_eq!(
                (read.name.as_str(), read.version.as_str(), read.codename.as_str()),
                (name, version, codename),
                "{line}"
            );
        }
    }
}
