//! The `docker_container_exec` module of the collection `community.docker`.

use module::{Action, Arguments, Documented, Example, Failure, Host, Returned, path::split_words};
use protocol::{Json, JsonMap, Response, python, spec::Support};
use serde_json::json;

use super::{Engine, escape, texts};

/// Runs a program in a container.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["argv", "command"]), required_one_of(["argv", "command"]))]
pub struct DockerContainerExec {
    /// The container.
    container: String,
    /// The program and its arguments.
    argv: Option<Vec<String>>,
    /// Both in one text.
    command: Option<String>,
    /// Where it runs.
    chdir: Option<String>,
    /// Whether it is not waited for.
    #[argument(default = false)]
    detach: bool,
    /// As whom it runs.
    user: Option<String>,
    /// What it reads; not supported.
    stdin: Option<String>,
    /// Whether a new line is put behind that.
    #[argument(default = true)]
    #[expect(dead_code, reason = "stdin is refused")]
    stdin_add_newline: bool,
    /// Whether new lines at the ends of its output are taken away.
    #[argument(default = true)]
    strip_empty_ends: bool,
    /// Whether it has a terminal.
    #[argument(default = false)]
    tty: bool,
    /// Variables of its environment.
    env: Option<JsonMap>,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerContainerExec {
    const NAME: &'static str = "community.docker.docker_container_exec";
    const ALIASES: &'static [&'static str] = &["docker_container_exec"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What is in a folder",
        args: r#"{"container": "web", "argv": ["ls", "-l"], "chdir": "/srv"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("stdout", "What it wrote.", "without detach", r#""x""#),
        Returned::new("stderr", "What it complained of.", "without detach", r#""""#),
        Returned::new("rc", "How it ended.", "without detach", "0"),
        Returned::new("exec_id", "By which the engine knows it.", "with detach", r#""0a""#),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

impl DockerContainerExec {
    fn words(&self) -> Result<Vec<String>, Failure> {
        match (&self.argv, &self.command) {
            (Some(argv), _) => Ok(argv.clone()),
            (None, command) => split_words(command.as_deref().unwrap_or_default())
                .map_err(|why| Failure::new(format!("command cannot be split: {why}"))),
        }
    }
}

impl Action for DockerContainerExec {
    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        self.words().map(|_| Response::default())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        if self.stdin.is_some() {
            return Err(Failure::new("stdin of docker_container_exec is not supported"));
        }
        let env: Vec<String> = self
            .env
            .as_ref()
            .map(texts)
            .unwrap_or_default()
            .iter()
            .map(|(name, value)| format!("{name}={}", python::text(value)))
            .collect();
        let listens = !self.detach;
        let wanted = json!({
            "Cmd": self.words()?, "Container": self.container, "User": self.user, "Tty": self.tty,
            "WorkingDir": self.chdir, "Env": env, "AttachStdin": false, "AttachStdout": listens,
            "AttachStderr": listens,
        });
        let path = format!("/containers/{}/exec", escape(&self.container));
        let answer = self.engine.ask(host, "POST", &path, Some(&wanted), &[])?;
        if answer.status == 404 {
            return Err(Failure::new(format!("Could not find container \"{}\"", self.container)));
        }
        let made = answer.must_succeed()?;
        let id = made.get("Id").and_then(Json::as_str).unwrap_or_default().to_owned();
        let start = json!({"Detach": self.detach, "Tty": self.tty});
        let (stdout, stderr) =
            self.engine.streams(host, &format!("/exec/{}/start", escape(&id)), &start, self.tty)?;
        let mut response = Response { changed: true, ..Response::default() };
        if self.detach {
            response.returned.insert("exec_id".into(), id.into());
            return Ok(response);
        }
        let ended = self.engine.get(host, &format!("/exec/{}/json", escape(&id)))?;
        let stripped = |text: String| match self.strip_empty_ends {
            true => text.trim_end_matches(['\r', '\n']).to_owned(),
            false => text,
        };
        let rc = ended.get("ExitCode").cloned().unwrap_or_default();
        for (name, value) in [
            ("stdout", Json::from(stripped(stdout))),
            ("stderr", stripped(stderr).into()),
            ("rc", rc.clone()),
        ] {
            response.returned.insert(name.into(), value);
        }
        if rc != json!(0) {
            response.failed = true;
            response.msg = Some("non-zero return code".into());
        }
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};

    use super::*;
    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.serve("/var/run/docker.sock", |request| {
            let text = String::from_utf8_lossy(request);
            let (status, body): (u16, Vec<u8>) = match text.split(' ').nth(1).unwrap_or_default() {
                path if path.contains("ghost") => (404, b"{}".to_vec()),
                path if path.ends_with("/containers/web/exec") => {
                    assert!(
                        text.contains(r#""Cmd":["ls","a b"]"#)
                            && text.contains(r#""Env":["X=true"]"#),
                        "{text}"
                    );
                    (201, br#"{"Id":"e1"}"#.to_vec())
                }
                path if path.ends_with("/exec/e1/start") => (
                    200,
                    b"\x01\0\0\0\0\0\0\x04out\n\x02\0\0\0\0\0\0\x04err\n\x01\0\0\0\0\0\0\x05more\n"
                        .to_vec(),
                ),
                path if path.ends_with("/exec/e1/json") => (200, br#"{"ExitCode":3}"#.to_vec()),
                _ => (500, b"{}".to_vec()),
            };
            let mut all = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len())
                .into_bytes();
            all.extend(body);
            all
        });
        host
    }

    #[test]
    fn programs_are_run() {
        let args = json!({"command": "ls 'a b'", "env": {"X": true}});
        let done =
            run("docker_container_exec", &args, "container", "web", Mode::default(), &mut host());
        assert!(done.failed && done.changed, "{done:?}");
        assert_eq!(done.returned["stdout"], "out\nmore");
        assert_eq!(done.returned["stderr"], "err");
        assert_eq!(done.returned["rc"], 3);
        let args = json!({"argv": ["ls", "a b"], "env": {"X": true}, "detach": true});
        let done =
            run("docker_container_exec", &args, "container", "web", Mode::default(), &mut host());
        assert_eq!((done.failed, &done.returned["exec_id"]), (false, &json!("e1")));
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        for (args, words) in [
            (json!({"argv": ["x"], "container": "ghost"}), "Could not find container \"ghost\""),
            (
                json!({"argv": ["x"], "stdin": "y", "container": "web"}),
                "stdin of docker_container_exec is not supported",
            ),
            (json!({"command": "'x", "container": "web"}), "command cannot be split"),
            (json!({"container": "web"}), "one of the following is required"),
        ] {
            let done = run("docker_container_exec", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
