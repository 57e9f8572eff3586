//! The `cron` module.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement,
    Program, Returned, host::Temporary, host::succeeded,
};
use protocol::{Diff, JsonMap};

use crate::{
    lineinfile::State,
    whole_text::{WholeText, diff},
};

/// What stands before a job, so that it is found by its name.
const MARKER: &str = "#Ansible: ";

/// Keeps a job, or a variable, of a crontab.
///
/// A job is found by its name, which stands in a remark above it. Other lines are left alone.
#[derive(Debug, Arguments)]
pub struct Cron {
    /// Name of the job or, with `env`, of the variable.
    name: String,
    /// The command or, with `env`, the value. Needed where it should be there.
    #[argument(aliases("value"))]
    job: Option<String>,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: State,
    /// Whose crontab it is; in a `cron_file`, as whom the job runs.
    user: Option<String>,
    /// A file in place of a user's crontab; a name without folders is one in `/etc/cron.d`.
    cron_file: Option<PathBuf>,
    /// Whether the old crontab is kept in a file.
    #[argument(default = false)]
    backup: bool,
    /// Minute: `0-59`, `*`, `*/5`.
    #[argument(default = "*")]
    minute: String,
    /// Hour: `0-23`, `*`, `*/2`.
    #[argument(default = "*")]
    hour: String,
    /// Day of the month: `1-31`, `*`.
    #[argument(aliases("dom"), default = "*")]
    day: String,
    /// Month: `1-12`, names, `*`.
    #[argument(default = "*")]
    month: String,
    /// Day of the week: `0-6`, names, `*`.
    #[argument(aliases("dow"), default = "*")]
    weekday: String,
    /// A time by its nickname, instead of all those.
    special_time: Option<SpecialTime>,
    /// Whether the job stays in the crontab, but is not run.
    #[argument(default = false)]
    disabled: bool,
    /// Whether this is about a variable.
    #[argument(default = false)]
    env: bool,
    /// A variable that a new one is put behind.
    insertafter: Option<String>,
    /// A variable that a new one is put before.
    insertbefore: Option<String>,
}

/// Nicknames of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum SpecialTime {
    Annually,
    Daily,
    Hourly,
    Monthly,
    Reboot,
    Weekly,
    Yearly,
}

impl Documented for Cron {
    const NAME: &'static str = "ansible.builtin.cron";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A job of root's",
            args: r#"{"name": "clean up", "minute": "0", "hour": "4", "job": "/usr/local/bin/clean", "user": "root"}"#,
        },
        Example {
            title: "A job in a file of its own",
            args: r#"{"name": "report", "special_time": "daily", "job": "report", "user": "www-data", "cron_file": "report"}"#,
        },
        Example {
            title: "A variable",
            args: r#"{"name": "MAILTO", "env": true, "job": "ops@example.com"}"#,
        },
        Example { title: "No such job", args: r#"{"name": "clean up", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("jobs", "Names of the jobs.", "always", r#"["clean up"]"#),
        Returned::new("envs", "Names of the variables.", "always", r#"["MAILTO"]"#),
        Returned::new("cron_file", "The file.", "with cron_file", r#""report""#),
        Returned::new(
            "backup_file",
            "Where the old crontab is.",
            "changed, with backup",
            r#""/tmp/crontab1f""#,
        ),
    ];
}

impl Module for Cron {
    type State = WholeText;

    fn check(&self, host: &dyn Host) -> Result<Delta<WholeText>, Failure> {
        self.refuse_what_cannot_be()?;
        let actual = self.read(host)?;
        let mut lines: Vec<String> = actual.as_str().lines().map(str::to_owned).collect();
        if self.env {
            self.edit_variable(&mut lines)?
        } else {
            self.edit_job(&mut lines)
        }
        let mut text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        if lines.iter().map(String::as_str).eq(actual.as_str().lines()) {
            actual.as_str().clone_into(&mut text);
            // cron does not take a last line without an end.
            if !text.is_empty() && !text.ends_with(['\r', '\n']) {
                text.push('\n');
            }
        }
        // A file that was there for its job alone goes with it.
        let is_there = !(self.cron_file.is_some() && text.trim().is_empty()
            || actual.text.is_none() && text.is_empty());
        let desired = WholeText { text: is_there.then_some(text) };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<WholeText>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let mut returned = JsonMap::new();
        if self.backup {
            let wanted = Temporary {
                folder: "/tmp".into(),
                prefix: "crontab".into(),
                suffix: String::new(),
                is_dir: false,
            };
            let path = host.make_temporary(&wanted)?;
            host.write(&path, &mut delta.actual.as_str().as_bytes(), &Placement::default())?;
            returned.insert("backup_file".into(), path.display().to_string().into());
        }
        match (self.path(), &delta.desired.text) {
            (Some(path), Some(text)) => {
                let mode = delta.actual.text.is_none().then_some(FileMode::new(0o644));
                host.write(
                    &path,
                    &mut text.as_bytes(),
                    &Placement { mode, ..Placement::default() },
                )?;
            }
            (Some(path), None) => host.remove_file(&path)?,
            (None, text) => {
                let program = self.crontab().arg("-").stdin(text.clone().unwrap_or_default());
                let output = host.execute(&program)?;
                succeeded(&program, output)?;
            }
        }
        Ok(returned)
    }

    fn returned(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let lines = delta.desired.as_str().lines();
        let jobs: Vec<&str> = lines.clone().filter_map(|line| line.strip_prefix(MARKER)).collect();
        let envs: Vec<&str> = lines.filter_map(variable_name).collect();
        let mut map = JsonMap::new();
        map.insert("jobs".into(), jobs.into());
        map.insert("envs".into(), envs.into());
        if let Some(file) = &self.cron_file {
            map.insert("cron_file".into(), file.display().to_string().into());
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let is_taken = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
            if !name.chars().all(is_taken) {
                let warning = format!(
                    "Filename portion of cron_file (\"{name}\") should consist solely of upper- and lower-case letters, digits, underscores, and hyphens"
                );
                map.insert("warnings".into(), vec![warning].into());
            }
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

/// The name of a line that sets a variable.
fn variable_name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once('=')?;
    let name = name.trim();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    (name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(is_plain))
    .then_some(name)
}

impl Cron {
    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let is_present = self.state == State::Present;
        // The system's own table has a column for users, and belongs to packages.
        if self.cron_file.as_deref() == Some(Path::new("/etc/crontab")) {
            return Err(Failure::new(
                "Will not manage /etc/crontab via cron_file, see documentation.",
            ));
        }
        let is_said = self.job.as_deref().is_some_and(|job| self.env || !job.trim().is_empty());
        if is_present && !is_said {
            return Err(Failure::new(
                "You must specify 'job' to install a new cron job or variable",
            ));
        }
        let times = [&self.minute, &self.hour, &self.day, &self.month, &self.weekday];
        if self.special_time.is_some() && times.iter().any(|time| *time != "*") {
            return Err(Failure::new("You must specify time and date fields or special time."));
        }
        if self.cron_file.is_some() && is_present && !self.env && self.user.is_none() {
            return Err(Failure::new(
                "To use cron_file=... parameter you must specify user=... as well",
            ));
        }
        if (self.insertafter.is_some() || self.insertbefore.is_some()) && !(self.env && is_present)
        {
            return Err(Failure::new(
                "Insertafter and insertbefore parameters are valid only with env=yes",
            ));
        }
        if self.insertafter.is_some() && self.insertbefore.is_some() {
            return Err(Failure::new(
                "parameters are mutually exclusive: insertafter|insertbefore",
            ));
        }
        if self.env && variable_name(&format!("{}=", self.name)).is_none() {
            return Err(Failure::new(format!(
                "Invalid name for environment variable: {}",
                self.name
            )));
        }
        let job = self.job();
        let texts = [&self.name, job].into_iter().chain(times.iter().map(|time| time.as_str()));
        if let Some(broken) = texts.into_iter().find(|text| text.contains(['\n', '\r'])) {
            return Err(Failure::new(format!(
                "a line of a crontab cannot hold line ends: {broken:?}"
            )));
        }
        Ok(())
    }

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
        let program = self.crontab().arg("-l");
        let output = host.query(&program)?;
        // 1 says that the user has none; so does 0, with nothing.
        match output.status {
            0 => Ok(WholeText { text: Some(output.stdout_text()).filter(|text| !text.is_empty()) }),
            1 if output.stderr_text().to_lowercase().contains("no crontab")
                || output.stderr.is_empty() =>
            {
                Ok(WholeText { text: None })
            }
            _ => {
                let why = output.stderr_text();
                Err(Failure::new(format!("Unable to read crontab: {}", why.trim()))
                    .with("rc", output.status))
            }
        }
    }

    /// The command, without the line end that YAML's blocks leave.
    fn job(&self) -> &str {
        let job = self.job.as_deref().unwrap_or_default();
        if self.env { job } else { job.trim_matches(['\r', '\n']) }
    }

    fn job_line(&self) -> String {
        let time = match self.special_time {
            Some(special) => format!("@{special}"),
            None => [&self.minute, &self.hour, &self.day, &self.month, &self.weekday]
                .map(String::as_str)
                .join(" "),
        };
        let off = if self.disabled { "#" } else { "" };
        let job = self.job();
        match (&self.cron_file, &self.user) {
            (Some(_), Some(user)) => format!("{off}{time} {user} {job}"),
            _ => format!("{off}{time} {job}"),
        }
    }

    fn edit_job(&self, lines: &mut Vec<String>) {
        let marker = format!("{MARKER}{}", self.name);
        let wanted = (self.state == State::Present).then(|| self.job_line());
        match (lines.iter().position(|line| *line == marker), wanted) {
            (Some(at), Some(job)) => match lines.get_mut(at + 1) {
                Some(line) if !line.starts_with(MARKER) => *line = job,
                _ => lines.insert(at + 1, job),
            },
            (Some(at), None) => {
                let has_job = lines.get(at + 1).is_some_and(|line| !line.starts_with(MARKER));
                lines.drain(at..at + 1 + usize::from(has_job));
            }
            (None, Some(job)) => match find_nameless(lines, &job) {
                Some(at) => {
                    let above = at.checked_sub(1);
                    match above.and_then(|above| lines.get_mut(above)) {
                        Some(line) if line.trim_end() == MARKER.trim_end() => *line = marker,
                        _ => lines.insert(at, marker),
                    }
                }
                None => lines.extend([marker, job]),
            },
            (None, None) => {}
        }
    }

    fn edit_variable(&self, lines: &mut Vec<String>) -> Result<(), Failure> {
        let position = |lines: &[String], name: &str| {
            lines.iter().position(|line| variable_name(line) == Some(name))
        };
        let found = position(lines, &self.name);
        if self.state == State::Absent {
            found.map(|at| lines.remove(at));
            return Ok(());
        }
        let value = self.job.as_deref().unwrap_or_default();
        let line = format!("{}=\"{value}\"", self.name);
        if let Some(old) = found.and_then(|at| lines.get_mut(at)) {
            *old = line;
            return Ok(());
        }
        let at = match (&self.insertafter, &self.insertbefore) {
            (Some(other), _) | (None, Some(other)) => {
                let missing = || Failure::new(format!("Variable named '{other}' not found."));
                position(lines, other).ok_or_else(missing)?
                    + usize::from(self.insertafter.is_some())
            }
            (None, None) => 0,
        };
        lines.insert(at, line);
        Ok(())
    }
}

/// Where a job stands word for word under no name: it is given one, and not written twice.
fn find_nameless(lines: &[String], job: &str) -> Option<usize> {
    let has_name = |at: usize| {
        let above = at.checked_sub(1).and_then(|above| lines.get(above));
        above.is_some_and(|line| line.starts_with(MARKER) && line.trim_end() != MARKER.trim_end())
    };
    lines.iter().enumerate().position(|(at, line)| line == job && !has_name(at))
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_crontab};

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/etc/cron.d");
        host.put_dirs("/tmp");
        put_crontab(&mut host);
        host
    }

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("cron", args, "", "", Mode::default(), host)
    }

    /// One after the other, as ansible-core 2.18 was seen to do it.
    #[test]
    fn jobs_and_variables_come_and_go() {
        let mut host = host();
        for (args, expected, jobs, envs) in [
            (
                json!({"name": "a", "job": "/bin/true", "minute": "5"}),
                "#Ansible: a\n5 * * * * /bin/true\n",
                json!(["a"]),
                json!([]),
            ),
            (
                json!({"name": "a", "job": "/bin/true", "minute": "6", "disabled": true}),
                "#Ansible: a\n#6 * * * * /bin/true\n",
                json!(["a"]),
                json!([]),
            ),
            (
                json!({"name": "b", "job": "ls", "special_time": "daily"}),
                "#Ansible: a\n#6 * * * * /bin/true\n#Ansible: b\n@daily ls\n",
                json!(["a", "b"]),
                json!([]),
            ),
            (
                json!({"name": "PATH", "value": "/bin:/x y", "env": true}),
                "PATH=\"/bin:/x y\"\n#Ansible: a\n#6 * * * * /bin/true\n#Ansible: b\n@daily ls\n",
                json!(["a", "b"]),
                json!(["PATH"]),
            ),
            (
                json!({"name": "A", "value": "1", "env": true, "insertafter": "PATH"}),
                "PATH=\"/bin:/x y\"\nA=\"1\"\n#Ansible: a\n#6 * * * * /bin/true\n#Ansible: b\n@daily ls\n",
                json!(["a", "b"]),
                json!(["PATH", "A"]),
            ),
            (
                json!({"name": "a", "state": "absent"}),
                "PATH=\"/bin:/x y\"\nA=\"1\"\n#Ansible: b\n@daily ls\n",
                json!(["b"]),
                json!(["PATH", "A"]),
            ),
            (
                json!({"name": "PATH", "state": "absent", "env": true}),
                "A=\"1\"\n#Ansible: b\n@daily ls\n",
                json!(["b"]),
                json!(["A"]),
            ),
            (
                json!({"name": "A", "value": "", "env": true}),
                "A=\"\"\n#Ansible: b\n@daily ls\n",
                json!(["b"]),
                json!(["A"]),
            ),
            (
                json!({"name": "b", "job": "ls -l\n", "special_time": "daily"}),
                "A=\"\"\n#Ansible: b\n@daily ls -l\n",
                json!(["b"]),
                json!(["A"]),
            ),
        ] {
            let response = apply(&args, &mut host);
            assert!(response.changed && !response.failed, "{args}: {response:?}");
            assert_eq!(host.files.text("/var/spool/cron/root").unwrap(), expected, "{args}");
            assert_eq!((&response.returned["jobs"], &response.returned["envs"]), (&jobs, &envs));
            assert!(!apply(&args, &mut host).changed, "{args}");
        }
    }

    #[test]
    fn files_of_jobs_come_and_go() {
        let mut host = host();
        let args = json!({"name": "c", "job": "ls", "cron_file": "x", "user": "bob", "hour": "1"});
        assert!(apply(&args, &mut host).changed);
        assert_eq!(host.files.text("/etc/cron.d/x").unwrap(), "#Ansible: c\n* 1 * * * bob ls\n");
        let backup = apply(
            &json!({"name": "d", "job": "ls", "cron_file": "/etc/cron.d/x", "user": "bob", "backup": true}),
            &mut host,
        );
        let kept = backup.returned["backup_file"].as_str().unwrap();
        assert_eq!(host.files.text(kept).unwrap(), "#Ansible: c\n* 1 * * * bob ls\n");
        for name in ["c", "d"] {
            assert!(
                apply(&json!({"name": name, "cron_file": "x", "state": "absent"}), &mut host)
                    .changed
            );
        }
        assert_eq!(host.files.text("/etc/cron.d/x"), None);
        assert!(
            !apply(&json!({"name": "c", "cron_file": "x", "state": "absent"}), &mut host).changed
        );
    }

    #[test]
    fn a_job_without_a_name_is_given_one() {
        for (before, after, changed) in [
            ("x\n* * * * * ls\n", "x\n#Ansible: n\n* * * * * ls\n", true),
            ("#Ansible: \n* * * * * ls\n", "#Ansible: n\n* * * * * ls\n", true),
            (
                "#Ansible: m\n* * * * * ls\n",
                "#Ansible: m\n* * * * * ls\n#Ansible: n\n* * * * * ls\n",
                true,
            ),
            ("#Ansible: n\n* * * * * ls", "#Ansible: n\n* * * * * ls\n", true),
            ("#Ansible: n\n* * * * * ls\n", "#Ansible: n\n* * * * * ls\n", false),
        ] {
            let mut host = host();
            host.put("/var/spool/cron/root", before);
            let response = apply(&json!({"name": "n", "job": "ls"}), &mut host);
            assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
            assert_eq!(host.files.text("/var/spool/cron/root").as_deref(), Some(after));
        }
    }

    #[test]
    fn what_makes_no_line_is_refused() {
        for (args, expected) in [
            (json!({"name": "c"}), "You must specify 'job'"),
            (
                json!({"name": "c", "job": "a", "special_time": "daily", "minute": "5"}),
                "time and date fields or special time",
            ),
            (
                json!({"name": "c", "job": "a", "cron_file": "x"}),
                "you must specify user=... as well",
            ),
            (json!({"name": "c", "job": " "}), "You must specify 'job'"),
            (json!({"name": "c", "env": true}), "You must specify 'job'"),
            (
                json!({"name": "c", "job": "a", "user": "root", "cron_file": "/etc/crontab"}),
                "Will not manage /etc/crontab via cron_file",
            ),
            (json!({"name": "c", "job": "a\nb"}), "cannot hold line ends"),
            (json!({"name": "c", "job": "a", "insertafter": "x"}), "valid only with env=yes"),
            (
                json!({"name": "c", "job": "a", "env": true, "insertafter": "x"}),
                "Variable named 'x' not found.",
            ),
            (
                json!({"name": "c d", "job": "a", "env": true}),
                "Invalid name for environment variable: c d",
            ),
            (
                json!({"name": "c", "job": "a", "user": "nosuch"}),
                "Unable to read crontab: user unknown",
            ),
            (json!({"name": "c", "job": "a", "special_time": "never"}), "must be one of: annually"),
        ] {
            let msg = apply(&args, &mut host()).msg.unwrap_or_default();
            assert!(msg.contains(expected), "{args}: {msg}");
        }
    }
}
