//! The `deb822_repository` module.

mod key;
mod stanza;

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement,
    Returned, file_arguments::path_info, mode::WantedMode,
};
use protocol::{Diff, Json, JsonMap, diff::Side};
use serde::Serialize;

use key::Key;
use stanza::Stanza;

const FOLDER: &str = "/etc/apt/sources.list.d";

/// Keeps a source of packages in a file of its own, in apt's form of fields (`man 5 sources.list`,
/// "deb822"), or away.
///
/// A key that is given by its address is fetched once, by apt's own helper, and kept as it is then;
/// a check run fetches nothing.
#[derive(Debug, Arguments)]
pub struct Deb822Repository {
    /// Whether a package that came signed may be updated from here without a signature.
    allow_downgrade_to_insecure: Option<bool>,
    /// Whether the source may be unsigned.
    allow_insecure: Option<bool>,
    /// Whether it may be signed with a weak digest.
    allow_weak: Option<bool>,
    /// Architectures that are looked for.
    architectures: Option<Vec<String>>,
    /// Whether indexes are fetched by their digests.
    by_hash: Option<bool>,
    /// Whether the host's clock is trusted to judge dates.
    check_date: Option<bool>,
    /// Whether an index must not be too old.
    check_valid_until: Option<bool>,
    /// Components of the suites; none where a suite is a path.
    components: Option<Vec<String>>,
    /// Seconds by which an index may be from the future.
    date_max_future: Option<i64>,
    /// Whether apt uses the source.
    enabled: Option<bool>,
    /// Path of the `InRelease` file, from where it usually is.
    inrelease_path: Option<String>,
    /// Languages of descriptions that are fetched.
    languages: Option<Vec<String>>,
    /// Name of the source, of which that of its file is made.
    name: String,
    /// Whether indexes are brought up to date by differences.
    pdiffs: Option<bool>,
    /// What the source is signed by: the path of a keyring, fingerprints, a key in armor, or the
    /// address of a key.
    signed_by: Option<String>,
    /// Suites, or paths that end with a slash.
    suites: Option<Vec<String>>,
    /// What is fetched from the source.
    targets: Option<Vec<String>>,
    /// Whether it is trusted without a signature.
    trusted: Option<bool>,
    /// Packages, their sources, or both.
    #[argument(default = ["deb"], choices("deb", "deb-src"))]
    types: Vec<String>,
    /// Addresses.
    uris: Option<Vec<String>>,
    /// Permissions of the file.
    #[argument(default = "0644")]
    mode: Json,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: State,
}

/// Whether it should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
}

/// The file, and the key that goes with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Repository {
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<FileMode>,
    /// Whether there is a keyring of the source's own, where the task is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    has_keyring: Option<bool>,
}

impl Documented for Deb822Repository {
    const NAME: &'static str = "ansible.builtin.deb822_repository";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A source",
            args: r#"{"name": "example", "uris": "https://dl.example.org/deb", "suites": "stable", "components": "main", "signed_by": "/etc/apt/keyrings/example.asc"}"#,
        },
        Example { title: "No such source", args: r#"{"name": "example", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("repo", "What the file holds.", "always", r#""Types: deb\n""#),
        Returned::new("dest", "The file.", "always", r#""/etc/apt/sources.list.d/x.sources""#),
        Returned::new(
            "key_filename",
            "The source's own keyring.",
            "always",
            r#""/etc/apt/keyrings/x.asc""#,
        ),
    ];
}

impl Deb822Repository {
    /// The name as files have it.
    fn slug(&self) -> String {
        let mut slug = String::new();
        let mut is_gap = false;
        for letter in self.name.chars().flat_map(char::to_lowercase) {
            let was_gap = is_gap;
            is_gap = letter == '_' || letter.is_whitespace();
            match letter {
                'a'..='z' | '0'..='9' | '-' => slug.push(letter),
                // A run of blanks is one dash.
                _ if is_gap && !was_gap => slug.push('-'),
                _ => {}
            }
        }
        slug
    }

    fn path(&self) -> PathBuf {
        Path::new(FOLDER).join(format!("{}.sources", self.slug()))
    }

    fn key(&self) -> Key<'_> {
        Key::new(self.signed_by.as_deref())
    }

    fn stanza(&self, signed_by: Option<&str>) -> String {
        let mut stanza = Stanza::default();
        stanza.flag("Allow-Downgrade-To-Insecure", self.allow_downgrade_to_insecure);
        stanza.flag("Allow-Insecure", self.allow_insecure);
        stanza.flag("Allow-Weak", self.allow_weak);
        stanza.list("Architectures", self.architectures.as_deref());
        stanza.flag("By-Hash", self.by_hash);
        stanza.flag("Check-Date", self.check_date);
        stanza.flag("Check-Valid-Until", self.check_valid_until);
        stanza.list("Components", self.components.as_deref());
        stanza
            .text("Date-Max-Future", self.date_max_future.map(|secs| secs.to_string()).as_deref());
        stanza.flag("Enabled", self.enabled);
        stanza.text("Inrelease-Path", self.inrelease_path.as_deref());
        stanza.list("Languages", self.languages.as_deref());
        stanza.text("X-Repolib-Name", Some(&self.name));
        stanza.flag("Pdiffs", self.pdiffs);
        stanza.text("Signed-By", signed_by);
        stanza.list("Suites", self.suites.as_deref());
        stanza.list("Targets", self.targets.as_deref());
        stanza.flag("Trusted", self.trusted);
        stanza.list("Types", Some(&self.types));
        stanza.list("URIs", self.uris.as_deref());
        stanza.into_text()
    }

    /// What should be, with the keyring that is there or will be.
    fn wanted(&self, host: &dyn Host) -> Result<String, Failure> {
        let keyring;
        let signed_by = match self.key() {
            Key::None => None,
            Key::Written(text) => Some(text),
            Key::Address(address) => {
                keyring = key::path(host, &self.slug(), address)?.display().to_string();
                Some(keyring.as_str())
            }
        };
        Ok(self.stanza(signed_by))
    }
}

impl Module for Deb822Repository {
    type State = Repository;

    fn check(&self, host: &dyn Host) -> Result<Delta<Repository>, Failure> {
        if self.slug().is_empty() {
            return Err(Failure::new(format!(
                "no file can be named after the source '{}'",
                self.name
            )));
        }
        let path = self.path();
        let there = host.metadata(&path)?;
        let text = host.read(&path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let keyring = key::find(host, &self.slug())?;
        let is_present = self.state == State::Present;
        let is_about_keyring = !is_present || matches!(self.key(), Key::Address(_));
        let mode = match is_present {
            true => {
                let current = there.as_ref().map_or(FileMode::new(0o644), |found| found.mode);
                let umask = host.umask().bits();
                Some(WantedMode::parse(&self.mode)?.resolve(current, false, umask)?)
            }
            false => None,
        };
        let actual = Repository {
            text,
            mode: there.as_ref().map(|found| found.mode).filter(|_| is_present),
            has_keyring: is_about_keyring.then_some(keyring.is_some()),
        };
        let desired = Repository {
            text: if is_present { Some(self.wanted(host)?) } else { None },
            mode,
            has_keyring: is_about_keyring.then_some(is_present),
        };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Repository>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let path = self.path();
        if self.state == State::Absent {
            if delta.actual.text.is_some() {
                host.remove_file(&path)?;
            }
            if let Some(keyring) = key::find(host, &self.slug())? {
                host.remove_file(&keyring)?;
            }
            return Ok(JsonMap::new());
        }
        if let Key::Address(address) = self.key()
            && delta.actual.has_keyring == Some(false)
        {
            key::fetch(host, &self.slug(), address)?;
        }
        if host.metadata(Path::new(FOLDER))?.is_none() {
            host.make_dir(Path::new(FOLDER), FileMode::new(0o755))?;
        }
        // Only now is it known in which form the key came.
        let text = self.wanted(host)?;
        let placement = Placement { mode: delta.desired.mode, ..Placement::default() };
        host.write(&path, &mut text.as_bytes(), &placement)?;
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Repository>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let path = self.path();
        let mut map = JsonMap::new();
        let keyring = match (self.state, self.key()) {
            (State::Present, Key::Address(address)) => {
                Some(key::path(host, &self.slug(), address)?)
            }
            (State::Present, _) => None,
            (State::Absent, _) => Some(key::default_path(&self.slug())),
        };
        map.insert("repo".into(), delta.desired.text.clone().into());
        map.insert("dest".into(), path.display().to_string().into());
        map.insert("key_filename".into(), keyring.map(|path| path.display().to_string()).into());
        if self.state == State::Present {
            map.extend(path_info(host, &path)?);
        }
        Ok(map)
    }

    fn diff(&self, delta: &Delta<Repository>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        if delta.actual.text == delta.desired.text {
            return Ok(vec![delta.state_diff()?]);
        }
        let path = self.path().display().to_string();
        let side = |text: &Option<String>| Side::Text(text.clone().unwrap_or_default());
        Ok(vec![Diff {
            before_header: path.clone(),
            after_header: path,
            before: side(&delta.actual.text),
            after: side(&delta.desired.text),
            prepared: None,
        }])
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use protocol::{Response, arguments::check};

    use crate::CATALOGUE;

    use super::*;

    fn run(host: &mut FakeHost, args: &str, is_check: bool) -> Response {
        let entry = CATALOGUE.find("deb822_repository").unwrap();
        let Json::Object(given) = serde_json::from_str(args).unwrap() else { panic!() };
        match check(&(entry.spec)().arguments, "deb822_repository", &given) {
            Ok(args) => (entry.run)(&args, Mode { check: is_check, diff: true }, host),
            Err(errors) => Response::failure(format!("{errors:?}")),
        }
    }

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/etc/apt/sources.list.d");
        host.put_dirs("/tmp");
        host
    }

    #[test]
    fn files_are_those_of_ansible() {
        for (args, path, expected) in [
            (
                r#"{"name": "My Repo_1 x!", "types": ["deb", "deb-src"], "uris": ["https://a/b", "https://c"],
                    "suites": ["bookworm", "x"], "components": ["main", "contrib"], "architectures": "amd64",
                    "signed_by": "/etc/x.asc", "enabled": false, "trusted": true, "by_hash": true,
                    "allow_insecure": false, "allow_weak": true, "allow_downgrade_to_insecure": true,
                    "check_date": true, "check_valid_until": false, "date_max_future": 10,
                    "inrelease_path": "foo/bar", "languages": ["en", "de"], "pdiffs": true,
                    "targets": ["a", "b"]}"#,
                "/etc/apt/sources.list.d/my-repo-1-x.sources",
                "Allow-Downgrade-To-Insecure: yes\nAllow-Insecure: no\nAllow-Weak: yes\n\
                 Architectures: amd64\nBy-Hash: yes\nCheck-Date: yes\nCheck-Valid-Until: no\n\
                 Components: main contrib\nDate-Max-Future: 10\nEnabled: no\nInrelease-Path: foo/bar\n\
                 Languages: en de\nX-Repolib-Name: My Repo_1 x!\nPdiffs: yes\nSigned-By: /etc/x.asc\n\
                 Suites: bookworm x\nTargets: a b\nTrusted: yes\nTypes: deb deb-src\n\
                 URIs: https://a/b https://c\n",
            ),
            (
                r#"{"name": "second", "uris": "https://a", "suites": "stable", "components": "main",
                    "signed_by": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n=xx\n-----END PGP PUBLIC KEY BLOCK-----\n"}"#,
                "/etc/apt/sources.list.d/second.sources",
                "Components: main\nX-Repolib-Name: second\nSigned-By:\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n    .\n    abc\n    =xx\n    -----END PGP PUBLIC KEY BLOCK-----\nSuites: stable\nTypes: deb\nURIs: https://a\n",
            ),
            (
                r#"{"name": "third", "uris": "https://a", "suites": "./"}"#,
                "/etc/apt/sources.list.d/third.sources",
                "X-Repolib-Name: third\nSuites: ./\nTypes: deb\nURIs: https://a\n",
            ),
        ] {
            let mut host = host();
            assert!(run(&mut host, args, true).changed && host.files.text(path).is_none());
            let response = run(&mut host, args, false);
            assert!(response.changed && !response.failed, "{response:?}");
            assert_eq!(host.files.text(path).as_deref(), Some(expected));
            assert_eq!(response.returned["repo"], expected);
            assert!(!run(&mut host, args, false).changed);
        }
    }

    #[test]
    fn keys_are_fetched_once_and_go_with_the_source() {
        for (content, end) in
            [("-----BEGIN PGP PUBLIC KEY BLOCK-----\n", "asc"), ("\u{1}binary", "gpg")]
        {
            let mut host = host();
            host.program("/usr/lib/apt/apt-helper", move |files, program| {
                files.put(program.args.last().unwrap(), content);
                Output::success("")
            });
            let args = r#"{"name": "x", "uris": "https://a", "suites": "s", "components": "m", "signed_by": "https://a/key"}"#;
            let response = run(&mut host, args, true);
            assert!(response.changed && !response.failed, "{response:?}");
            let response = run(&mut host, args, false);
            assert!(response.changed && !response.failed, "{response:?}");
            let keyring = format!("/etc/apt/keyrings/x.{end}");
            assert_eq!(host.files.text(&keyring).as_deref(), Some(content));
            let text = host.files.text("/etc/apt/sources.list.d/x.sources").unwrap();
            assert!(text.contains(&format!("Signed-By: {keyring}\n")), "{text}");
            assert_eq!(response.returned["key_filename"], keyring);
            host.program("/usr/lib/apt/apt-helper", |_, _| Output::failure(100, "fetched again"));
            assert!(!run(&mut host, args, false).changed);
            assert!(run(&mut host, r#"{"name": "x", "state": "absent"}"#, false).changed);
            assert!(host.files.text(&keyring).is_none());
            assert!(!run(&mut host, r#"{"name": "x", "state": "absent"}"#, false).changed);
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let mut host = host();
        host.program("/usr/lib/apt/apt-helper", |_, _| Output::failure(100, "E: 404\n"));
        for (args, words) in [
            (r#"{"name": "x", "signed_by": "https://a/key"}"#, "https://a/key"),
            (r#"{"name": "!"}"#, "no file can be named"),
            (r#"{"name": "x", "types": "rpm"}"#, "types"),
            (r#"{"name": "x", "mode": "rubbish"}"#, "mode must be in octal"),
            (r#"{}"#, "name"),
        ] {
            let response = run(&mut host, args, false);
            assert!(response.failed, "{args}");
            let msg = response.msg.unwrap();
            assert!(msg.contains(words), "{args}: {msg}");
        }
    }
}
