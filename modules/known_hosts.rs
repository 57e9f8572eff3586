//! The `known_hosts` module.

mod line;

use std::path::PathBuf;

use module::{Arguments, Delta, Documented, Example, Failure, Returned};
use protocol::{Diff, JsonMap, diff::Side};

use crate::{
    editing::{Edited, Editing},
    presence::Presence,
    text_file::{Text, TextFile, TextState, lines},
};
use line::{Line, hashed};

/// Keeps the key of a host in a file that SSH knows hosts by, or away.
///
/// A host has one key of each kind: another one of the same kind takes its place. Names that are
/// hashed are found; `ssh-keygen` is not needed.
#[derive(Debug, Arguments)]
pub struct KnownHosts {
    /// The host, as it stands in the key; `[name]:port` for another port than 22.
    #[argument(aliases("host"))]
    name: String,
    /// The line of the key, as `ssh-keyscan` prints it. Left out with `absent`, all keys of the
    /// host go.
    key: Option<String>,
    /// The file.
    #[argument(default = "~/.ssh/known_hosts", kind = "path")]
    path: PathBuf,
    /// Whether the name is kept as a hash.
    #[argument(default = false)]
    hash_host: bool,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
}

impl Documented for KnownHosts {
    const NAME: &'static str = "ansible.builtin.known_hosts";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A key",
            args: r#"{"name": "git.example.org", "key": "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKnown", "path": "/etc/ssh/ssh_known_hosts"}"#,
        },
        Example {
            title: "No key of that host",
            args: r#"{"name": "old.example.org", "state": "absent", "path": "/etc/ssh/ssh_known_hosts"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The host.", "always", r#""git.example.org""#),
        Returned::new("path", "The file.", "always", r#""/root/.ssh/known_hosts""#),
    ];
}

impl KnownHosts {
    /// The line as it is to stand in the file, with its end.
    fn wanted(&self) -> Result<Option<String>, Failure> {
        let host = self.name.to_lowercase();
        let Some(key) = self.key.as_deref().filter(|key| !key.trim().is_empty()) else {
            return match self.state {
                Presence::Present => Err(Failure::new("No key specified when adding a host")),
                Presence::Absent => Ok(None),
            };
        };
        let key = if self.hash_host { hashed(&host, key) } else { key.to_owned() };
        if host.contains(',') {
            return Err(Failure::new(
                "Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.",
            ));
        }
        let mut found = key.lines().filter_map(Line::parse);
        if !found.next().is_some_and(|line| line.is_of(&host)) {
            return Err(Failure::new(
                "Host parameter does not match hashed host field in supplied key",
            ));
        }
        Ok(Some(if key.ends_with('\n') { key } else { key + "\n" }))
    }
}

impl Editing for KnownHosts {
    const RETURNS_DIFF: bool = true;
    const RETURNS_FILE: bool = true;

    fn text_file(&self) -> TextFile<'_> {
        TextFile::plain(&self.path)
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        let host = self.name.to_lowercase();
        let wanted = self.wanted()?;
        let text = before.unwrap_or_default();
        let mut all = lines(text);
        let wanted_line = wanted.as_deref().and_then(Line::parse);
        let is_there = |line: &str| {
            let line = Line::parse(line).filter(|line| line.is_of(&host));
            line.is_some_and(|line| wanted_line.as_ref().is_none_or(|wanted| line.is_same(wanted)))
        };
        match self.state {
            // Whether the name is hashed is of no matter to what should not be there.
            Presence::Absent => all.retain(|line| {
                let line = Line::parse(line).filter(|line| line.is_of(&host));
                !line.is_some_and(|line| {
                    wanted_line.as_ref().is_none_or(|wanted| {
                        (line.marker, line.kind, line.key)
                            == (wanted.marker, wanted.kind, wanted.key)
                    })
                })
            }),
            Presence::Present if all.iter().any(|line| is_there(line)) => {}
            Presence::Present => {
                // Another key of that kind; those of authorities and revoked ones stand for more.
                let other = all.iter().position(|line| {
                    Line::parse(line).is_some_and(|line| {
                        line.is_of(&host)
                            && line.marker.is_none()
                            && wanted_line.as_ref().is_some_and(|wanted| wanted.kind == line.kind)
                    })
                });
                if let Some(at) = other {
                    all.remove(at);
                }
                if let Some(last) = all.last_mut().filter(|line| !line.ends_with('\n')) {
                    last.push('\n');
                }
                all.extend(wanted.clone());
            }
        }
        let after = all.concat();
        Ok(if after == text { Edited::default() } else { Edited::to(after, "") })
    }

    fn returned(&self, _: &Delta<TextState>, _: &Edited) -> JsonMap {
        JsonMap::from_iter([
            ("name".to_owned(), self.name.clone().into()),
            ("key".to_owned(), self.key.clone().into()),
            ("path".to_owned(), self.path.display().to_string().into()),
            ("hash_host".to_owned(), self.hash_host.into()),
            ("state".to_owned(), self.state.as_str().into()),
        ])
    }

    // Playbooks look at it, so that it is there also where nothing differs.
    fn diff(
        &self,
        _: &Delta<TextState>,
        before: Option<&Text>,
        after: Option<&[u8]>,
    ) -> Result<Vec<Diff>, Failure> {
        let old = before.map(|text| text.text.clone()).unwrap_or_default();
        let new = after.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let path = self.path.display().to_string();
        Ok(vec![Diff {
            before_header: if before.is_some() { path.clone() } else { "/dev/null".into() },
            after_header: path,
            after: Side::Text(new.unwrap_or_else(|| old.clone())),
            before: Side::Text(old),
            prepared: None,
        }])
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use super::line::hashed;
    use crate::cases::run;

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("known_hosts", args, "path", "/k", Mode::default(), host)
    }

    #[test]
    fn keys_are_kept() {
        let before = "# mine\nA ssh-rsa AA x\nb,a ssh-ed25519 BB\nc ssh-rsa CC";
        for (args, expected) in [
            (json!({"name": "a", "key": "a ssh-rsa AA"}), None),
            (
                json!({"name": "a", "key": "a ssh-rsa DD"}),
                Some("# mine\nb,a ssh-ed25519 BB\nc ssh-rsa CC\na ssh-rsa DD\n"),
            ),
            (
                json!({"name": "d", "key": "d ssh-rsa DD"}),
                Some("# mine\nA ssh-rsa AA x\nb,a ssh-ed25519 BB\nc ssh-rsa CC\nd ssh-rsa DD\n"),
            ),
            (json!({"name": "a", "state": "absent"}), Some("# mine\nc ssh-rsa CC")),
            (
                json!({"name": "c", "key": "c ssh-rsa CC", "state": "absent"}),
                Some("# mine\nA ssh-rsa AA x\nb,a ssh-ed25519 BB\n"),
            ),
            (json!({"name": "c", "key": "c ssh-rsa XX", "state": "absent"}), None),
            (json!({"name": "nosuch", "state": "absent"}), None),
        ] {
            let mut host = FakeHost::default();
            host.put("/k", before.replace("A ssh-rsa", "a ssh-rsa"));
            let response = apply(&args, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, expected.is_some()),
                "{args}: {response:?}"
            );
            let expected = expected.unwrap_or(before).replace("A ssh-rsa", "a ssh-rsa");
            assert_eq!(host.files.text("/k").unwrap(), expected, "{args}");
            let again = apply(&args, &mut host);
            assert!(!again.changed && again.returned["state"] == "file", "{args}: {again:?}");
        }
    }

    #[test]
    fn hashed_names_are_kept_hashed() {
        let mut host = FakeHost::default();
        let args = json!({"name": "h", "key": "h ssh-rsa AA", "hash_host": true});
        assert!(apply(&args, &mut host).changed);
        assert_eq!(host.files.text("/k").unwrap(), hashed("h", "h ssh-rsa AA") + "\n");
        assert!(!apply(&args, &mut host).changed);
        assert!(apply(&json!({"name": "h", "state": "absent"}), &mut host).changed);
        assert_eq!(host.files.text("/k").unwrap(), "");
    }

    #[test]
    fn what_is_no_key_of_the_host_is_refused() {
        for (args, words) in [
            (json!({"name": "a"}), "No key specified when adding a host"),
            (json!({"name": "a", "key": "b ssh-rsa AA"}), "does not match hashed host field"),
            (json!({"name": "a", "key": "a"}), "does not match hashed host field"),
            (json!({"name": "a,b", "key": "a,b ssh-rsa AA"}), "Comma separated list of names"),
            (json!({"name": "a", "key": "|1|x|y ssh-rsa AA"}), "does not match"),
        ] {
            let mut host = FakeHost::default();
            let msg = apply(&args, &mut host).msg.unwrap_or_default();
            assert!(msg.contains(words), "{args}: {msg}");
            assert_eq!(host.writes, 0);
        }
    }
}
