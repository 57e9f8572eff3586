//! The `at` module of the collection `ansible.posix`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{JsonMap, Response, spec::Support};

use crate::{presence::Presence, tool};

/// Has a command run once, some time from now.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["command", "script_file"]),
    required_one_of(["command", "script_file"])
)]
pub struct At {
    /// The command.
    command: Option<String>,
    /// A file of the host's that holds the commands.
    #[argument(kind = "str")]
    script_file: Option<PathBuf>,
    /// How many units from now.
    count: Option<u32>,
    /// The units.
    units: Option<Units>,
    /// Whether there should be such a job; where not, all with this text go.
    #[argument(default = "present")]
    state: Presence,
    /// Whether a job with this text that waits is enough.
    #[argument(default = false)]
    unique: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Units {
    Minutes,
    Hours,
    Days,
    Weeks,
}

impl Documented for At {
    const NAME: &'static str = "ansible.posix.at";
    const ALIASES: &'static [&'static str] = &["at"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "In twenty minutes, once",
            args: r#"{"command": "ls -d / >/dev/null", "count": 20, "units": "minutes", "unique": true}"#,
        },
        Example {
            title: "Not at all",
            args: r#"{"command": "ls -d / >/dev/null", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("state", "What was asked for.", "always", r#""present""#)];
    const DIFF_MODE: Support = Support::None;
}

impl At {
    /// The text of the job.
    fn script(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        if let Some(command) = &self.command {
            return Ok(format!("{command}\n").into_bytes());
        }
        let path = self.script_file.clone().unwrap_or_default();
        host.read(&path)?
            .ok_or_else(|| Failure::new(format!("there is no file {}", path.display())))
    }

    /// Numbers of the jobs that hold the text.
    fn matching(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let script = String::from_utf8_lossy(&self.script(host)?).trim().to_owned();
        let queue = tool::ask(host, &Program::new("atq"))?;
        let mut found = Vec::new();
        for number in queue.lines().filter_map(|line| line.split_whitespace().next()) {
            // A job may have run since.
            let text = tool::ask_whether(host, &Program::new("at").args(["-c", number]))?;
            if text.is_some_and(|text| text.contains(&script)) {
                found.push(number.to_owned());
            }
        }
        Ok(found)
    }

    fn answer(&self, changed: bool) -> Response {
        let mut returned = JsonMap::from_iter([("state".to_owned(), self.state.as_str().into())]);
        if self.state.is_present() {
            returned.insert("count".into(), self.count.into());
            returned.insert("units".into(), self.units.map(Units::as_str).into());
            let path = self.script_file.as_ref().map(|path| path.display().to_string());
            returned.insert("script_file".into(), path.into());
        }
        Response { changed, returned, ..Response::default() }
    }
}

impl Action for At {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let is_timed = self.count.is_some_and(|count| count > 0) && self.units.is_some();
        if self.state.is_present() && !is_timed {
            return Err(Failure::new("present state requires count and units"));
        }
        let stays = match self.state {
            Presence::Absent => self.matching(host)?.is_empty(),
            Presence::Present => self.unique && !self.matching(host)?.is_empty(),
        };
        Ok(if stays { Guard::Stay(Box::new(self.answer(false))) } else { Guard::Go })
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(self.answer(true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        if !self.state.is_present() {
            let jobs = self.matching(host)?;
            tool::run(host, &Program::new("at").arg("-r").args(jobs))?;
            return Ok(self.answer(true));
        }
        let script = self.script(host)?;
        let count = self.count.unwrap_or_default().to_string();
        let units = self.units.map(Units::as_str).unwrap_or_default();
        let program = Program::new("at").args(["now", "+", &count, units]).stdin(script);
        tool::run(host, &program)?;
        Ok(self.answer(true))
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    /// `at`, with a file a job.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/spool/1", "#!/bin/sh\nother\n");
        host.put("/script", "x -y\n");
        let numbers = |files: &module::fake::Files| {
            (1..9)
                .filter(|number| files.text(&format!("/spool/{number}")).is_some())
                .collect::<Vec<u32>>()
        };
        host.program("atq", move |files, _| {
            let lines = numbers(files)
                .iter()
                .map(|number| format!("{number}\tSat Nov 21 a root\n"))
                .collect::<String>();
            Output::success(lines)
        });
        host.program("at", move |files, program| match program.args[0].as_str() {
            "-c" => Output::success(files.text(&format!("/spool/{}", program.args[1])).unwrap()),
            "-r" => {
                for number in &program.args[1..] {
                    files.remove(format!("/spool/{number}").as_ref());
                }
                Output::success("")
            }
            "now" => {
                let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
                let next = numbers(files).last().unwrap_or(&0) + 1;
                files.put(
                    &format!("/spool/{next}"),
                    format!("#!/bin/sh\n# {}\n{text}", program.args.join(" ")),
                );
                Output::success("")
            }
            other => Output::failure(1, other),
        });
        host
    }

    #[test]
    fn jobs_are_kept() {
        let mut host = host();
        let check = Mode { check: true, diff: false };
        for (args, changed) in [
            (json!({"command": "x -y", "count": 2, "units": "hours", "unique": true}), true),
            (json!({"script_file": "/script", "count": 1, "units": "days", "unique": true}), false),
            (json!({"script_file": "/script", "count": 1, "units": "days"}), true),
            (json!({"command": "x -y", "state": "absent"}), true),
            (json!({"command": "x -y", "state": "absent"}), false),
        ] {
            let foretold = run("at", &args, "", "", check, &mut host);
            let done = run("at", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}"
            );
        }
        assert_eq!(host.files.text("/spool/1").as_deref(), Some("#!/bin/sh\nother\n"));
        assert_eq!(host.files.text("/spool/2"), None);
    }

    #[test]
    fn jobs_without_a_time_are_refused() {
        for (args, words) in [
            (json!({"command": "x"}), "present state requires count and units"),
            (json!({"command": "x", "count": 0, "units": "days"}), "requires count and units"),
            (json!({"count": 1, "units": "days"}), "one of the following is required"),
            (json!({"command": "x", "script_file": "/y"}), "mutually exclusive"),
            (
                json!({"script_file": "/none", "count": 1, "units": "days"}),
                "there is no file /none",
            ),
            (
                json!({"command": "x", "count": 1, "units": "years"}),
                "value of units must be one of",
            ),
        ] {
            let msg =
                run("at", &args, "", "", Mode::default(), &mut host()).msg.unwrap_or_default();
            assert!(msg.contains(words), "{args}: {msg}");
        }
    }
}
