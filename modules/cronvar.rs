//! The `cronvar` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement, Program,
    Returned, host::Temporary,
};
use protocol::{Diff, JsonMap};

use crate::{
    presence::Presence,
    tool,
    whole_text::{WholeText, diff},
};

/// Keeps a variable of a crontab.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["insertbefore", "insertafter"]))]
pub struct CronVar {
    /// Name of the variable.
    name: String,
    /// Its value; needed where it should be there.
    value: Option<String>,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whose crontab it is.
    user: Option<String>,
    /// A file in place of a user's crontab; a name without folders is one in `/etc/cron.d`.
    cron_file: Option<PathBuf>,
    /// A variable that a new one is put behind.
    insertafter: Option<String>,
    /// A variable that a new one is put before.
    insertbefore: Option<String>,
    /// Whether the old crontab is kept in a file.
    #[argument(default = false)]
    backup: bool,
}

impl Documented for CronVar {
    const NAME: &'static str = "community.general.cronvar";
    const ALIASES: &'static [&'static str] = &["cronvar"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Who gets mail",
            args: r#"{"name": "MAILTO", "value": "ops@example.com"}"#,
        },
        Example {
            title: "In a file of its own",
            args: r#"{"name": "LOG", "value": "/var/log/x", "cron_file": "report"}"#,
        },
        Example { title: "No such variable", args: r#"{"name": "OLD", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("vars", "Names of the variables.", "always", r#"["MAILTO"]"#),
        Returned::new("cron_file", "The file.", "with cron_file", r#""report""#),
        Returned::new(
            "backup_file",
            "Where the old crontab is.",
            "with backup",
            r#""/tmp/cronvar1f""#,
        ),
    ];
}

/// Name and value of a line that sets a variable.
fn variable(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if name.is_empty() || !name.chars().all(is_plain) {
        return None;
    }
    let value = value.trim();
    let is_quoted = |mark| value.len() > 1 && value.starts_with(mark) && value.ends_with(mark);
    let bare = match is_quoted('"') || is_quoted('\'') {
        true => value.get(1..value.len() - 1).unwrap_or(value),
        false => value,
    };
    Some((name, bare))
}

impl CronVar {
    fn path(&self) -> Option<PathBuf> {
        // An absolute path replaces the folder.
        self.cron_file.as_ref().map(|file| Path::new("/etc/cron.d").join(file))
    }

    fn crontab(&self) -> Program {
        let user = self.user.iter().flat_map(|user| ["-u".to_owned(), user.clone()]);
        Program::new("crontab").args(user)
    }

    fn read(&self, host: &dyn Host) -> Result<WholeText, Failure> {
        if let Some(path) = self.path() {
            return WholeText::read(host, &path);
        }
        let output = host.query(&self.crontab().arg("-l"))?;
        // 1 says that the user has none.
        match output.status {
            0 | 1 => {
                Ok(WholeText { text: Some(output.stdout_text()).filter(|text| !text.is_empty()) })
            }
            _ => Err(Failure::new(format!(
                "Unable to read crontab: {}",
                output.stderr_text().trim()
            ))),
        }
    }

    fn edit(&self, text: &str) -> Result<String, Failure> {
        let named =
            |line: &&String, name: &str| variable(line).is_some_and(|(found, _)| found == name);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if !self.state.is_present() {
            lines.retain(|line| !named(&line, &self.name));
            return Ok(joined(&lines));
        }
        let Some(value) = &self.value else {
            return Err(Failure::new("You must specify 'value' to insert a new cron variable"));
        };
        let shown = if value.is_empty() { "\"\"" } else { value };
        let line = format!("{}={shown}", self.name);
        if variable(&line).is_none_or(|(name, _)| name != self.name) || line.contains(['\n', '\r'])
        {
            return Err(Failure::new(format!("{line:?} is no line of a crontab's variable")));
        }
        let mut is_there = false;
        for old in &mut lines {
            let Some((name, old_value)) = variable(old) else { continue };
            if name != self.name {
                continue;
            }
            is_there = true;
            if old_value != value {
                old.clone_from(&line);
            }
        }
        if !is_there {
            let at = |name: &Option<String>, step: usize| match name {
                None => Ok(None),
                Some(name) => match lines.iter().position(|line| named(&line, name)) {
                    Some(at) => Ok(Some(at + step)),
                    None => Err(Failure::new(format!("Variable named '{name}' not found."))),
                },
            };
            let at = at(&self.insertafter, 1)?.or(at(&self.insertbefore, 0)?).unwrap_or(0);
            lines.insert(at.min(lines.len()), line);
        }
        Ok(joined(&lines))
    }
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

impl Module for CronVar {
    type State = WholeText;

    fn check(&self, host: &dyn Host) -> Result<Delta<WholeText>, Failure> {
        let actual = self.read(host)?;
        let text = self.edit(actual.as_str())?;
        let is_same = text.lines().eq(actual.as_str().lines());
        let desired = if is_same { actual.clone() } else { WholeText { text: Some(text) } };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<WholeText>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let mut returned = JsonMap::new();
        if self.backup {
            let wanted = Temporary {
                folder: "/tmp".into(),
                prefix: "cronvar".into(),
                suffix: String::new(),
                is_dir: false,
            };
            let path = host.make_temporary(&wanted)?;
            host.write(&path, &mut delta.actual.as_str().as_bytes(), &Placement::default())?;
            returned.insert("backup_file".into(), path.display().to_string().into());
        }
        match self.path() {
            Some(path) => {
                let mode = delta.actual.text.is_none().then_some(FileMode::new(0o644));
                let placement = Placement { mode, ..Placement::default() };
                host.write(&path, &mut delta.desired.as_str().as_bytes(), &placement)?;
            }
            None => {
                let program = self.crontab().arg("-").stdin(delta.desired.as_str());
                tool::run(host, &program)?;
            }
        }
        Ok(returned)
    }

    fn returned(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let lines = delta.desired.as_str().lines();
        let vars: Vec<&str> = lines.filter_map(|line| Some(variable(line)?.0)).collect();
        let mut map = JsonMap::from_iter([("vars".to_owned(), vars.into())]);
        if let Some(file) = &self.cron_file {
            map.insert("cron_file".into(), file.display().to_string().into());
        }
        Ok(map)
    }

    fn diff(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let header = match (self.path(), &self.user) {
            (Some(path), _) => path.display().to_string(),
            (None, Some(user)) => format!("crontab for user \"{user}\""),
            (None, None) => "crontab".into(),
        };
        Ok(diff(delta, &header))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::cases::run;

    fn apply(args: &Json, before: &str) -> (protocol::Response, String) {
        let mut host = FakeHost::default();
        host.put("/etc/cron.d/x", before);
        let response = run("cronvar", args, "cron_file", "x", Mode::default(), &mut host);
        (response, host.files.text("/etc/cron.d/x").unwrap_or_default())
    }

    #[test]
    fn variables_are_kept() {
        for (args, before, after) in [
            (json!({"name": "A", "value": "1"}), "0 * * * * x\n", "A=1\n0 * * * * x\n"),
            (json!({"name": "A", "value": "1"}), "A=1\n", "A=1\n"),
            (json!({"name": "A", "value": "1"}), "A=\"1\"\n", "A=\"1\"\n"),
            (json!({"name": "A", "value": "2"}), "A=1\nB=1\n", "A=2\nB=1\n"),
            (json!({"name": "A", "value": ""}), "", "A=\"\"\n"),
            (
                json!({"name": "A", "value": "1", "insertafter": "B"}),
                "B=1\nC=1\n",
                "B=1\nA=1\nC=1\n",
            ),
            (
                json!({"name": "A", "value": "1", "insertbefore": "C"}),
                "B=1\nC=1\n",
                "B=1\nA=1\nC=1\n",
            ),
            (json!({"name": "A", "state": "absent"}), "A=1\nx\n", "x\n"),
            (json!({"name": "A", "state": "absent"}), "x\n", "x\n"),
        ] {
            let (response, text) = apply(&args, before);
            assert_eq!((response.failed, response.changed), (false, before != after), "{args}");
            assert_eq!(text, after, "{args}");
        }
    }

    #[test]
    fn what_is_no_variable_is_refused() {
        for (args, words) in [
            (json!({"name": "A"}), "You must specify 'value'"),
            (json!({"name": "A B", "value": "1"}), "no line of a crontab's variable"),
            (json!({"name": "A", "value": "1\n2"}), "no line of a crontab's variable"),
            (json!({"name": "A", "value": "1", "insertafter": "Z"}), "named 'Z' not found"),
            (
                json!({"name": "A", "value": "1", "insertafter": "B", "insertbefore": "C"}),
                "mutually exclusive",
            ),
        ] {
            let (response, _) = apply(&args, "B=1\n");
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
