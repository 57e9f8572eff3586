//! The `sudoers` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement,
    Program,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::presence::Presence;

/// What sudo asks of its files.
const MODE: FileMode = FileMode::new(0o440);

/// Keeps a rule of sudo's in a file of its own.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["user", "group"]),
    required_if(("state", "present", ["commands"]))
)]
pub struct Sudoers {
    /// Name of the file.
    name: String,
    /// Whether the rule should be there.
    #[argument(default = "present")]
    state: Presence,
    /// The user whom it is for.
    user: Option<String>,
    /// The group that it is for.
    group: Option<String>,
    /// What may be run.
    commands: Option<Vec<String>>,
    /// On which hosts.
    #[argument(default = "ALL")]
    host: String,
    /// As whom.
    runas: Option<String>,
    /// Whether these programs may run no others.
    #[argument(default = false)]
    noexec: bool,
    /// Whether no password is asked for.
    #[argument(default = true)]
    nopassword: bool,
    /// Whether variables may be set on the command line.
    #[argument(default = false)]
    setenv: bool,
    /// The folder of such files.
    #[argument(default = "/etc/sudoers.d")]
    sudoers_path: PathBuf,
    /// Whether `visudo` must accept the rule: `detect` where there is one.
    #[argument(default = "detect")]
    validation: Validation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Validation {
    Absent,
    Detect,
    Required,
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rule {
    text: Option<String>,
    mode: Option<FileMode>,
}

impl Documented for Sudoers {
    const NAME: &'static str = "community.general.sudoers";
    const ALIASES: &'static [&'static str] = &["sudoers"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "One command of a user's",
            args: r#"{"name": "backup", "user": "backup", "commands": ["/usr/local/bin/backup"]}"#,
        },
        Example {
            title: "A group, as another user, with a password",
            args: r#"{"name": "ops", "group": "ops", "runas": "www-data", "nopassword": false, "commands": ["/bin/kill", "/bin/ls"]}"#,
        },
        Example { title: "No such rule", args: r#"{"name": "ops", "state": "absent"}"# },
    ];
}

impl Sudoers {
    fn path(&self) -> Result<PathBuf, Failure> {
        let is_plain = !self.name.is_empty() && !self.name.contains('/') && self.name != "..";
        if !is_plain {
            return Err(Failure::new(format!("{:?} is no name of a file", self.name)));
        }
        Ok(self.sudoers_path.join(&self.name))
    }

    fn line(&self) -> Result<String, Failure> {
        let owner = match (&self.user, &self.group) {
            (Some(user), _) => user.clone(),
            (None, Some(group)) => format!("%{group}"),
            (None, None) => {
                return Err(Failure::new("one of the following is required: user, group"));
            }
        };
        let runas = self.runas.as_ref().map(|user| format!("({user})")).unwrap_or_default();
        let tags =
            [(self.noexec, "NOEXEC:"), (self.nopassword, "NOPASSWD:"), (self.setenv, "SETENV:")];
        let tags: String = tags.iter().filter(|(is_set, _)| *is_set).map(|(_, tag)| *tag).collect();
        let commands = self.commands.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
        let line = format!("{owner} {}={runas}{tags} {commands}\n", self.host);
        match line.trim_end_matches('\n').contains(['\n', '\r']) {
            true => Err(Failure::new("a rule of sudo's is one line")),
            false => Ok(line),
        }
    }

    fn validate(&self, host: &dyn Host, line: &str) -> Result<(), Failure> {
        let is_there = host.which("visudo").is_some();
        match self.validation {
            Validation::Absent => return Ok(()),
            Validation::Detect if !is_there => return Ok(()),
            _ => {}
        }
        let program = Program::new("visudo").args(["-c", "-f", "-"]).stdin(line);
        let output = host.query(&program)?;
        if output.is_success() {
            return Ok(());
        }
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        let said = if stdout.is_empty() { &stderr } else { &stdout };
        Err(Failure::new(format!("Failed to validate sudoers rule:\n{said}"))
            .with("stdout", stdout.clone())
            .with("stderr", stderr.clone()))
    }

    fn read(host: &dyn Host, path: &Path) -> Result<Rule, Failure> {
        let Some(found) = host.metadata(path)? else { return Ok(Rule::default()) };
        let bytes = host.read(path)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Rule { text: Some(text), mode: Some(FileMode::new(found.mode.bits() & 0o777)) })
    }
}

impl Module for Sudoers {
    type State = Rule;

    fn check(&self, host: &dyn Host) -> Result<Delta<Rule>, Failure> {
        let actual = Self::read(host, &self.path()?)?;
        if !self.state.is_present() {
            return Ok(Delta::new(actual, Rule::default()));
        }
        let line = self.line()?;
        self.validate(host, &line)?;
        Ok(Delta::new(actual, Rule { text: Some(line), mode: Some(MODE) }))
    }

    fn apply(&self, delta: &Delta<Rule>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let path = self.path()?;
        match &delta.desired.text {
            None => host.remove_file(&path)?,
            Some(text) => {
                let placement = Placement { mode: Some(MODE), ..Placement::default() };
                host.write(&path, &mut text.as_bytes(), &placement)?;
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Rule>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn rules_are_written_as_sudo_reads_them() {
        for (args, expected) in [
            (json!({"user": "a", "commands": ["/x"]}), "a ALL=NOPASSWD: /x\n"),
            (
                json!({"group": "g", "commands": ["/x", "/y z"], "nopassword": false}),
                "%g ALL= /x, /y z\n",
            ),
            (
                json!({"user": "a", "commands": ["ALL"], "runas": "b", "noexec": true, "setenv": true, "host": "h"}),
                "a h=(b)NOEXEC:NOPASSWD:SETENV: ALL\n",
            ),
        ] {
            let mut host = FakeHost::default();
            host.put_dirs("/etc/sudoers.d");
            for changed in [true, false] {
                let response = run("sudoers", &args, "name", "r", Mode::default(), &mut host);
                assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
            }
            assert_eq!(host.files.text("/etc/sudoers.d/r").as_deref(), Some(expected));
            host.put_mode("/etc/sudoers.d/r", 0o644);
            assert!(run("sudoers", &args, "name", "r", Mode::default(), &mut host).changed);
        }
    }

    #[test]
    fn what_sudo_would_not_read_is_refused() {
        for (args, words) in [
            (json!({"name": "r", "commands": ["/x"]}), "one of the following is required"),
            (json!({"name": "r", "user": "a"}), "missing"),
            (json!({"name": "../r", "user": "a", "commands": ["/x"]}), "no name of a file"),
            (json!({"name": "r", "user": "a", "group": "b", "commands": ["x"]}), "exclusive"),
            (json!({"name": "r", "user": "a\nb", "commands": ["x"]}), "one line"),
            (json!({"name": "r", "user": "bad", "commands": ["x"]}), "Failed to validate"),
        ] {
            let mut host = FakeHost::default();
            host.put_dirs("/etc/sudoers.d");
            host.program("visudo", |_, _| Output::failure(1, "syntax error"));
            let response = run("sudoers", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
        let args = json!({"name": "r", "user": "a", "commands": ["x"], "validation": "required"});
        let response = run("sudoers", &args, "", "", Mode::default(), &mut FakeHost::default());
        assert!(response.msg.unwrap_or_default().contains("no program visudo"));
    }
}
