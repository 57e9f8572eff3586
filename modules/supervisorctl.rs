//! The `supervisorctl` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program,
};
use protocol::{JsonMap, Response, spec::Support};

use crate::tool;

/// Starts, stops and keeps programs of supervisord's.
///
/// The password reaches `supervisorctl` in its arguments: it takes it in no other way but its
/// configuration.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "signalled", ["signal"])))]
pub struct SupervisorCtl {
    /// The program; a group with `:` behind it; `all`.
    name: String,
    /// The configuration of supervisord.
    config: Option<PathBuf>,
    /// Where supervisord listens.
    server_url: Option<String>,
    /// Who logs in.
    username: Option<String>,
    /// With which password.
    #[argument(no_log)]
    password: Option<String>,
    /// What it should be.
    state: State,
    /// Whether it is stopped before it is removed.
    #[argument(default = false)]
    stop_before_removing: bool,
    /// The signal that it is sent.
    signal: Option<String>,
    /// The program that speaks to supervisord.
    supervisorctl_path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Started,
    Stopped,
    Restarted,
    Absent,
    Signalled,
}

impl Documented for SupervisorCtl {
    const NAME: &'static str = "community.general.supervisorctl";
    const ALIASES: &'static [&'static str] = &["supervisorctl"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A program that runs", args: r#"{"name": "app", "state": "started"}"# },
        Example { title: "A group anew", args: r#"{"name": "workers:", "state": "restarted"}"# },
    ];
    const DIFF_MODE: Support = Support::None;
}

impl SupervisorCtl {
    fn program(&self, words: &[&str]) -> Program {
        let path = self.supervisorctl_path.as_ref().map(|path| path.display().to_string());
        let mut program = Program::new(path.unwrap_or_else(|| "supervisorctl".into()));
        let config = self.config.as_ref().map(|path| path.display().to_string());
        for (flag, value) in [
            ("-c", &config),
            ("-s", &self.server_url),
            ("-u", &self.username),
            ("-p", &self.password),
        ] {
            if let Some(value) = value {
                program = program.args([flag, value]);
            }
        }
        program.args(words.to_vec())
    }

    fn bare_name(&self) -> &str {
        self.name.trim_end_matches(':')
    }

    /// The processes that are meant, and what they are: `RUNNING`, `STOPPED`.
    fn processes(&self, host: &dyn Host) -> Result<Vec<(String, String)>, Failure> {
        // Its status says whether all of them run.
        let output = host.query(&self.program(&["status"]))?;
        let said = output.stdout_text();
        let is_down =
            ["refused connection", "no such file"].iter().any(|words| said.contains(words));
        if output.status != 0 && is_down {
            return Err(Failure::new(said.trim()).with("rc", output.status));
        }
        let name = self.bare_name();
        let is_group = self.name.ends_with(':');
        let is_meant = |process: &str| match process.split_once(':') {
            Some((group, _)) if is_group => group == name,
            _ if is_group => false,
            _ => process == name || name == "all",
        };
        Ok(said
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?.to_owned(), words.next()?.to_owned()))
            })
            .filter(|(process, _)| is_meant(process))
            .collect())
    }

    /// The processes that something is done to, and what.
    fn affected(&self, found: &[(String, String)]) -> Vec<String> {
        let runs = |status: &str| ["RUNNING", "STARTING"].contains(&status);
        let is_affected = |status: &str| match self.state {
            State::Started => !runs(status),
            State::Stopped => runs(status),
            State::Signalled => status == "RUNNING",
            _ => true,
        };
        found
            .iter()
            .filter(|(_, status)| is_affected(status))
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn answer(&self, affected: Vec<String>, changed: bool) -> Response {
        let mut returned = JsonMap::from_iter([
            ("name".to_owned(), self.bare_name().into()),
            ("state".to_owned(), self.state.as_str().into()),
        ]);
        if !affected.is_empty() {
            returned.insert("affected".into(), affected.into());
        }
        Response { changed, returned, ..Response::default() }
    }

    /// Gives an order that must be answered with those words.
    fn order(&self, host: &mut dyn Host, words: &[&str], answer: &str) -> Result<(), Failure> {
        let output = host.execute(&self.program(words))?;
        let said = output.stdout_text();
        match said.contains(answer) {
            true => Ok(()),
            false => Err(Failure::new(said.trim())
                .with("rc", output.status)
                .with("name", self.bare_name())),
        }
    }
}

impl Action for SupervisorCtl {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let found = self.processes(host)?;
        let stays = match self.state {
            State::Present => !found.is_empty(),
            State::Absent => found.is_empty(),
            // One that is new may come with the configuration that is read.
            State::Restarted => false,
            _ if found.is_empty() => {
                return Err(Failure::new("ERROR (no such process)").with("name", self.bare_name()));
            }
            _ => self.affected(&found).is_empty(),
        };
        Ok(if stays { Guard::Stay(Box::new(self.answer(Vec::new(), false))) } else { Guard::Go })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let affected = self.affected(&self.processes(host)?);
        Ok(self.answer(affected, true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let name = self.bare_name();
        if self.state == State::Restarted {
            tool::run(host, &self.program(&["update"]))?;
        }
        let found = self.processes(host)?;
        match self.state {
            State::Present => {
                tool::run(host, &self.program(&["reread"]))?;
                self.order(host, &["add", name], &format!("{name}: added process group"))?;
                return Ok(self.answer(Vec::new(), true));
            }
            State::Absent => {
                if self.stop_before_removing {
                    for (process, status) in &found {
                        if ["RUNNING", "STARTING"].contains(&status.as_str()) {
                            self.order(host, &["stop", process], &format!("{process}: stopped"))?;
                        }
                    }
                }
                tool::run(host, &self.program(&["reread"]))?;
                self.order(host, &["remove", name], &format!("{name}: removed process group"))?;
                return Ok(self.answer(Vec::new(), true));
            }
            _ if found.is_empty() => {
                return Err(Failure::new("ERROR (no such process)").with("name", name));
            }
            _ => {}
        }
        let affected = self.affected(&found);
        for process in &affected {
            let signal = self.signal.as_deref().unwrap_or_default();
            let (words, answer): (Vec<&str>, &str) = match self.state {
                State::Started => (vec!["start", process], "started"),
                State::Stopped => (vec!["stop", process], "stopped"),
                State::Restarted => (vec!["restart", process], "started"),
                _ => (vec!["signal", signal, process], "signalled"),
            };
            self.order(host, &words, &format!("{process}: {answer}"))?;
        }
        Ok(self.answer(affected, true))
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    /// supervisord with two workers and a program of its own.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put(
            "/processes",
            "workers:a RUNNING pid 1\nworkers:b STOPPED\napp STOPPED Not started\n",
        );
        host.program("supervisorctl", |files, program| {
            let text = files.text("/processes").unwrap();
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            if words[0] == "-s" {
                return Output {
                    status: 4,
                    ..Output::success(format!("{} no such file\n", words[1]))
                };
            }
            let set = |status: &str| -> String {
                text.lines()
                    .map(|line| match line.split(' ').next() == words.last().copied() {
                        true => format!("{} {status}\n", words.last().unwrap()),
                        false => format!("{line}\n"),
                    })
                    .collect()
            };
            let last = *words.last().unwrap();
            match words[0] {
                "status" => return Output { status: 3, ..Output::success(text) },
                "update" | "reread" => return Output::success(""),
                "start" | "restart" => files.put("/processes", set("RUNNING pid 2")),
                "stop" => files.put("/processes", set("STOPPED")),
                "add" if last == "none" => {
                    return Output::success("ERROR: no such process/group: none\n");
                }
                "add" => {
                    files.put("/processes", format!("{text}{last} RUNNING\n"));
                    return Output::success(format!("{last}: added process group\n"));
                }
                "remove" => {
                    let kept: String = text
                        .lines()
                        .filter(|line| !line.starts_with(last))
                        .map(|line| format!("{line}\n"))
                        .collect();
                    files.put("/processes", kept);
                    return Output::success(format!("{last}: removed process group\n"));
                }
                "signal" => {}
                other => return Output::failure(2, other),
            }
            let verb = match words[0] {
                "stop" => "stopped",
                "signal" => "signalled",
                _ => "started",
            };
            Output::success(format!("{last}: {verb}\n"))
        });
        host
    }

    #[test]
    fn programs_are_kept() {
        let mut host = host();
        for (name, args, changed) in [
            ("app", json!({"state": "started"}), true),
            ("app", json!({"state": "started"}), false),
            ("app", json!({"state": "signalled", "signal": "HUP"}), true),
            ("workers:", json!({"state": "started"}), true),
            ("workers:", json!({"state": "restarted"}), true),
            ("workers:", json!({"state": "stopped"}), true),
            ("workers:", json!({"state": "stopped"}), false),
            ("app", json!({"state": "absent", "stop_before_removing": true}), true),
            ("app", json!({"state": "absent"}), false),
            ("app", json!({"state": "present"}), true),
            ("app", json!({"state": "present"}), false),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("supervisorctl", &args, "name", name, check, &mut host);
            let done = run("supervisorctl", &args, "name", name, Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{name} {args}: {done:?}"
            );
        }
    }

    #[test]
    fn what_is_no_program_is_refused() {
        for (args, words) in [
            (json!({"name": "none", "state": "started"}), "ERROR (no such process)"),
            (json!({"name": "none", "state": "restarted"}), "ERROR (no such process)"),
            (json!({"name": "none", "state": "present"}), "ERROR: no such process/group: none"),
            (json!({"name": "app", "state": "signalled"}), "signal"),
            (json!({"name": "app"}), "missing required arguments: state"),
            (
                json!({"name": "app", "state": "started", "supervisorctl_path": "/none"}),
                "no program /none",
            ),
            (
                json!({"name": "app", "state": "started", "server_url": "unix:///none"}),
                "unix:///none no such file",
            ),
        ] {
            let done = run("supervisorctl", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
