//! The `runit` module of the collection `community.general`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use crate::tool;

/// How often a service that has just been linked is looked for: `runsvdir` looks every five seconds.
const LOOKS_MAX: u32 = 35;
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Keeps services of runit.
#[derive(Debug, Arguments)]
pub struct Runit {
    /// The service.
    name: String,
    /// What it should do. All but `started` and `stopped` are done each time.
    state: Option<State>,
    /// Whether runit looks after it; one that it does not look after is stopped.
    enabled: Option<bool>,
    /// The folder that runit looks into.
    #[argument(default = "/var/service")]
    service_dir: String,
    /// The folder that services are kept in.
    #[argument(default = "/etc/sv")]
    service_src: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Killed,
    Once,
    Reloaded,
    Restarted,
    Started,
    Stopped,
}

impl State {
    fn verb(self) -> &'static str {
        match self {
            Self::Killed => "force-stop",
            Self::Once => "once",
            Self::Reloaded => "reload",
            Self::Restarted => "restart",
            Self::Started => "start",
            Self::Stopped => "stop",
        }
    }
}

impl Documented for Runit {
    const NAME: &'static str = "community.general.runit";
    const ALIASES: &'static [&'static str] = &["runit"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A service",
            args: r#"{"name": "dnscache", "enabled": true, "state": "started"}"#,
        },
        Example {
            title: "Anew",
            args: r#"{"name": "dnscache", "state": "restarted", "service_dir": "/run/service"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "sv",
        "What runit says of it.",
        "success",
        r#"{"state": "started", "enabled": true, "pid": "12"}"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// What `sv status` says of a service; its log's own line is left out.
#[derive(Debug, Default, PartialEq)]
struct Status {
    state: String,
    pid: Option<String>,
    secs: Option<String>,
    line: Option<String>,
}

impl Status {
    fn parse(stdout: &str, stderr: &str) -> Self {
        if !stderr.is_empty() {
            return Self { state: stderr.into(), line: Some(stderr.into()), ..Self::default() };
        }
        // `run: /service/x: (pid 364) 26s; run: log: (pid 363) 26s`
        let own = stdout.split("; ").next().unwrap_or_default();
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
        let pid = own.split_once("(pid ").map(|(_, rest)| digits(rest));
        let secs = own.split(' ').find_map(|word| {
            let number = digits(word);
            (!number.is_empty() && word[number.len()..].starts_with('s')).then_some(number)
        });
        let state = match own {
            own if own.starts_with("run:") => "started",
            own if own.starts_with("down:") => "stopped",
            _ => "unknown",
        };
        Self { state: state.into(), pid, secs, line: Some(stdout.into()) }
    }
}

impl Runit {
    fn link(&self) -> PathBuf {
        Path::new(&self.service_dir).join(&self.name)
    }

    fn source(&self) -> PathBuf {
        Path::new(&self.service_src).join(&self.name)
    }

    fn is_enabled(&self, host: &dyn Host) -> Result<bool, Failure> {
        Ok(host.link_metadata(&self.link())?.is_some())
    }

    fn sv(&self, verb: &str) -> Program {
        Program::new("sv").arg(verb).arg(self.link().display().to_string())
    }

    fn status(&self, host: &dyn Host) -> Result<Status, Failure> {
        if !self.is_enabled(host)? {
            return Ok(Status { state: "stopped".into(), ..Status::default() });
        }
        let output = host.query(&self.sv("status"))?;
        Ok(Status::parse(&output.stdout_text(), &output.stderr_text()))
    }

    /// Whether a link is made or taken away, and which verb is for `sv`.
    fn steps(&self, host: &dyn Host) -> Result<(Option<bool>, Option<State>), Failure> {
        let is_enabled = self.is_enabled(host)?;
        let link = self.enabled.filter(|wanted| *wanted != is_enabled);
        if link == Some(true) && host.metadata(&self.source())?.is_none() {
            return Err(Failure::new(format!(
                "Could not find source for service to enable ({}).",
                self.source().display()
            )));
        }
        let now = self.status(host)?.state;
        let state = self.state.filter(|wanted| wanted.as_str() != now);
        Ok((link, state))
    }

    fn answer(&self, host: &dyn Host, changed: bool) -> Result<Response, Failure> {
        let status = self.status(host)?;
        let sv = json!({
            "state": status.state,
            "enabled": self.is_enabled(host)?,
            "svc_full": self.link().display().to_string(),
            "src_full": self.source().display().to_string(),
            "pid": status.pid,
            "duration": status.secs,
            "full_state": status.line,
        });
        let returned = JsonMap::from_iter([("sv".to_owned(), sv)]);
        Ok(Response { changed, returned, ..Response::default() })
    }

    /// Waits until runit looks after a service that has just been linked.
    fn wait(&self, host: &dyn Host) -> Result<(), Failure> {
        for _ in 0..LOOKS_MAX {
            if ["started", "stopped"].contains(&self.status(host)?.state.as_str()) {
                return Ok(());
            }
            host.pause(LOOK_PAUSE)?;
        }
        Err(Failure::new(format!(
            "{} was linked, but runit does not look after it: {}",
            self.link().display(),
            self.status(host)?.state.trim()
        )))
    }
}

impl Action for Runit {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        if host.which("sv").is_none() {
            return Err(Failure::new(
                "Failed to find required executable \"sv\" in paths".to_owned(),
            ));
        }
        Ok(match self.steps(host)? {
            (None, None) => Guard::Stay(Box::new(self.answer(host, false)?)),
            _ => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.answer(host, true)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let (link, mut state) = self.steps(host)?;
        match link {
            Some(true) => {
                host.symlink(&self.source(), &self.link())?;
                if state.is_some() {
                    self.wait(host)?;
                    // runit starts what it finds, unless it is told not to.
                    let now = self.status(host)?.state;
                    state = state.filter(|wanted| wanted.as_str() != now);
                }
            }
            Some(false) => {
                // One that runit has never looked at cannot be stopped, and need not be.
                host.execute(&self.sv("force-stop"))?;
                host.remove_file(&self.link())?;
                state = state.filter(|wanted| *wanted != State::Stopped);
            }
            None => {}
        }
        if let Some(state) = state {
            tool::run(host, &self.sv(state.verb()))?;
        }
        let response = self.answer(host, true)?;
        if let Some(wanted @ (State::Started | State::Stopped)) = self.state {
            let now = response.returned.get("sv").and_then(|sv| sv.get("state"));
            if now.and_then(Json::as_str) != Some(wanted.as_str()) {
                return Err(Failure::new(format!(
                    "sv {} succeeded, but {} is not {wanted}",
                    wanted.verb(),
                    self.name
                )));
            }
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use super::Status;
    use crate::cases::run;

    /// `sv`, whose services are files that say whether they run.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/var/service");
        host.put_dirs("/etc/sv/web");
        host.program("sv", |files, program| {
            let (verb, path) = (program.args[0].as_str(), &program.args[1]);
            let place = format!("/run{path}");
            let now = files.text(&place).unwrap_or_else(|| "run".into());
            match verb {
                "status" if now == "run" => {
                    return Output::success(format!(
                        "run: {path}: (pid 42) 7s; run: log: (pid 9) 8s\n"
                    ));
                }
                "status" => return Output::success(format!("down: {path}: 1s, normally up\n")),
                "start" | "restart" | "reload" | "once" => files.put(&place, "run"),
                "stop" | "force-stop" => files.put(&place, "down"),
                _ => return Output::failure(100, "usage"),
            }
            Output::success("ok\n")
        });
        host
    }

    #[test]
    fn services_are_kept() {
        let mut host = host();
        for (args, changed, state) in [
            (json!({"state": "stopped"}), false, "stopped"),
            (json!({"enabled": true, "state": "started"}), true, "started"),
            (json!({"enabled": true, "state": "started"}), false, "started"),
            (json!({"state": "restarted"}), true, "started"),
            (json!({"state": "stopped"}), true, "stopped"),
            (json!({"state": "stopped"}), false, "stopped"),
            (json!({"state": "once"}), true, "started"),
            (json!({"state": "killed"}), true, "stopped"),
            (json!({"enabled": false}), true, "stopped"),
            (json!({"enabled": false}), false, "stopped"),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("runit", &args, "name", "web", check, &mut host);
            let done = run("runit", &args, "name", "web", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
            assert_eq!(done.returned["sv"]["state"], state, "{args}");
        }
    }

    #[test]
    fn what_runit_does_not_have_is_refused() {
        for (args, words) in [
            (
                json!({"name": "none", "enabled": true}),
                "Could not find source for service to enable (/etc/sv/none).",
            ),
            (json!({"name": "web", "state": "paused"}), "value of state must be one of"),
            (json!({}), "missing required arguments: name"),
        ] {
            let msg = run("runit", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
        let args = json!({"name": "web", "state": "started"});
        let bare = run("runit", &args, "", "", Mode::default(), &mut FakeHost::default());
        assert!(bare.msg.unwrap().contains("executable \"sv\""));
    }

    #[test]
    fn lines_of_sv_are_read() {
        for (out, err, state, pid, secs) in [
            (
                "run: /s/x: (pid 364) 26s; run: log: (pid 363) 27s\n",
                "",
                "started",
                Some("364"),
                Some("26"),
            ),
            (
                "down: /s/x: 127s, normally up; run: log: (pid 3) 9s\n",
                "",
                "stopped",
                None,
                Some("127"),
            ),
            ("fail: /s/x: odd\n", "", "unknown", None, None),
            ("", "unable to open\n", "unable to open\n", None, None),
        ] {
            let found = Status::parse(out, err);
            assert_eq!(found.state, state);
            assert_eq!((found.pid.as_deref(), found.secs.as_deref()), (pid, secs), "{out}");
        }
    }
}
