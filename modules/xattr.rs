//! The `xattr` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program, Returned};
use protocol::{JsonMap, spec::Support};

use crate::stepwise::{Steps, Stepwise};

/// Keeps an extended attribute of a file, or reads them, by the programs `getfattr` and `setfattr`.
#[derive(Debug, Arguments)]
pub struct Xattr {
    /// The file.
    #[argument(aliases("name"))]
    path: PathBuf,
    /// The part of the name before its dot.
    #[argument(default = "user")]
    namespace: String,
    /// The rest of the name.
    key: Option<String>,
    /// The value; with one, the attribute is set whatever `state` says.
    value: Option<String>,
    /// Whether the attribute is there; `read` reads one, `keys` the names of all, `all` all.
    #[argument(default = "read")]
    state: State,
    /// Whether links are followed.
    #[argument(default = true)]
    follow: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    All,
    Keys,
    Present,
    Read,
}

impl Documented for Xattr {
    const NAME: &'static str = "community.general.xattr";
    const ALIASES: &'static [&'static str] = &["xattr"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An attribute",
            args: r#"{"path": "/etc/hosts", "key": "origin", "value": "us", "state": "present"}"#,
        },
        Example {
            title: "None",
            args: r#"{"path": "/etc/hosts", "key": "origin", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "xattr",
        "Attributes as they were found.",
        "success",
        r#"{"user.origin": "us"}"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// What `getfattr` prints: `# file: PATH`, then `NAME="VALUE"` or `NAME` each on a line.
fn parse(text: &str) -> JsonMap {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            (name.to_owned(), value.trim_matches('"').into())
        })
        .collect()
}

impl Xattr {
    fn program(&self, name: &str, words: &[&str]) -> Program {
        let mut program = Program::new(name);
        if name == "getfattr" {
            program = program.arg("--absolute-names");
        }
        if !self.follow {
            program = program.arg("-h");
        }
        program.args(words.to_vec()).arg(self.path.display().to_string())
    }

    fn read(&self, host: &dyn Host, words: &[&str]) -> Result<JsonMap, Failure> {
        // An attribute that is not there is an error to it.
        Ok(parse(&host.query(&self.program("getfattr", words))?.stdout_text()))
    }

    /// The whole name of the attribute.
    fn key(&self) -> Result<String, Failure> {
        let Some(key) = &self.key else {
            let state = self.state.as_str();
            return Err(Failure::new(format!("{state} needs a key parameter")));
        };
        let is_whole =
            self.namespace.is_empty() || self.namespace == "user" && key.starts_with("user.");
        Ok(if is_whole { key.clone() } else { format!("{}.{key}", self.namespace) })
    }
}

impl Stepwise for Xattr {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        if host.metadata(&self.path)?.is_none() {
            return Err(Failure::new("path not found or not accessible!"));
        }
        let (programs, msg, found) = match (self.state, &self.value) {
            (State::Present, _) | (_, Some(_)) => {
                let key = self.key()?;
                let found = self.read(host, &["-n", &key])?;
                let value = self.value.as_deref().unwrap_or_default();
                let is_set = found.get(&key).is_some_and(|now| now == value);
                let set = (!is_set).then(|| self.program("setfattr", &["-n", &key, "-v", value]));
                (set, format!("{key} set to {value}"), found)
            }
            (State::Absent, None) => {
                let key = self.key()?;
                let found = self.read(host, &["-n", &key])?;
                let is_there = found.contains_key(&key);
                let gone = is_there.then(|| self.program("setfattr", &["-x", &key]));
                (gone, format!("{key} removed"), found)
            }
            (State::Keys, None) => (None, "returning all keys".into(), self.read(host, &[])?),
            (State::All, None) => (None, "dumping all".into(), self.read(host, &["-d"])?),
            // The default state: without a name, all are read.
            (State::Read, None) if self.key.is_none() => {
                (None, "returning None".into(), self.read(host, &["-d"])?)
            }
            (State::Read, None) => {
                let key = self.key()?;
                (None, format!("returning {key}"), self.read(host, &["-n", &key])?)
            }
        };
        Ok(Steps::new(programs).with("msg", msg).with("xattr", found))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// The two programs, with attributes as lines of a file.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/f", "");
        host.put("/attributes", "user.a=\"1\"\n");
        host.program("getfattr", |files, program| {
            let text = files.text("/attributes").unwrap_or_default();
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["--absolute-names", "-d", "/f"] => Output::success(format!("# file: f\n{text}")),
                ["--absolute-names", "/f"] => Output::success(
                    text.lines()
                        .map(|line| format!("{}\n", line.split('=').next().unwrap()))
                        .collect::<String>(),
                ),
                ["--absolute-names", .., "-n", key, "/f"] => {
                    match text.lines().find(|line| line.starts_with(&format!("{key}="))) {
                        Some(line) => Output::success(format!("# file: f\n{line}\n")),
                        None => Output::failure(1, "No such attribute"),
                    }
                }
                other => Output::failure(2, format!("{other:?}")),
            }
        });
        host.program("setfattr", |files, program| {
            let text = files.text("/attributes").unwrap_or_default();
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let rest = |key: &str| -> String {
                text.lines()
                    .filter(|line| !line.starts_with(&format!("{key}=")))
                    .map(|line| format!("{line}\n"))
                    .collect()
            };
            match words.as_slice() {
                [.., "-n", key, "-v", value, "/f"] => {
                    files.put("/attributes", format!("{}{key}=\"{value}\"\n", rest(key)));
                }
                [.., "-x", key, "/f"] => files.put("/attributes", rest(key)),
                other => return Output::failure(2, format!("{other:?}")),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn attributes_are_kept() {
        let mut host = host();
        for (args, changed, msg) in [
            (json!({"key": "b", "value": "x", "state": "present"}), true, "user.b set to x"),
            (json!({"key": "user.b", "value": "x", "follow": false}), false, "user.b set to x"),
            (json!({"key": "b", "value": "y"}), true, "user.b set to y"),
            (json!({"key": "a", "state": "absent"}), true, "user.a removed"),
            (json!({"key": "a", "state": "absent"}), false, "user.a removed"),
            (json!({"key": "c", "value": "1", "namespace": "trusted"}), true, "trusted.c set to 1"),
            (json!({"state": "keys"}), false, "returning all keys"),
            (json!({"state": "all"}), false, "dumping all"),
            (json!({"key": "b"}), false, "returning user.b"),
            (json!({}), false, "returning None"),
        ] {
            let done = run("xattr", &args, "path", "/f", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, done.changed, done.msg.as_deref()),
                (false, changed, Some(msg)),
                "{args}: {done:?}"
            );
        }
        let all = run("xattr", &json!({"state": "all"}), "path", "/f", Mode::default(), &mut host);
        assert_eq!(all.returned["xattr"], json!({"user.b": "y", "trusted.c": "1"}));
    }

    #[test]
    fn what_is_no_attribute_is_refused() {
        for (args, words) in [
            (json!({"path": "/none", "state": "all"}), "path not found"),
            (json!({"path": "/f", "state": "present"}), "present needs a key"),
            (json!({"path": "/f", "state": "absent"}), "absent needs a key"),
            (json!({"path": "/f", "state": "gone"}), "must be one of: absent"),
        ] {
            let done = run("xattr", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
