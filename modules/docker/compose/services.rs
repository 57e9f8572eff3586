//! The `docker_compose_v2` module of the collection `community.docker`.

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Output, Program, Returned,
};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use super::{Project, Session, Told};
use crate::docker::command_line::Version;

/// Keeps the services of a project of Compose.
///
/// What would be done is told by Compose itself, which is asked to try.
#[derive(Debug, Arguments)]
pub struct DockerComposeV2 {
    /// Whether they run, are stopped, are started anew, or are not there.
    #[argument(default = "present")]
    state: State,
    /// Whether images are pulled; `policy` as the project says.
    #[argument(default = "policy", choices("always", "missing", "never", "policy"))]
    pull: String,
    /// Whether images are built; `policy` as the project says.
    #[argument(default = "policy", choices("always", "never", "policy"))]
    build: String,
    /// Whether services that others need come with them.
    #[argument(default = true)]
    dependencies: bool,
    /// Whether a build is no change.
    #[argument(default = true)]
    ignore_build_events: bool,
    /// Whether containers are made anew: `auto` where their settings differ.
    #[argument(default = "auto", choices("always", "never", "auto"))]
    recreate: String,
    /// Whether volumes without names are made anew.
    #[argument(default = false)]
    renew_anon_volumes: bool,
    /// Which images go with the services.
    #[argument(choices("all", "local"))]
    remove_images: Option<String>,
    /// Whether volumes go with the services.
    #[argument(default = false)]
    remove_volumes: bool,
    /// Whether containers of services that the project does not name any more go.
    #[argument(default = false)]
    remove_orphans: bool,
    /// Seconds that containers have to stop.
    timeout: Option<i64>,
    /// The services; all where it is left out.
    services: Option<Vec<String>>,
    /// How many containers services have.
    scale: Option<JsonMap>,
    /// Whether they are waited for until they run or are healthy.
    #[argument(default = false)]
    wait: bool,
    /// Seconds that they are waited for.
    wait_timeout: Option<i64>,
    /// Whether questions are answered with yes.
    #[argument(default = false)]
    assume_yes: bool,
    #[argument(flatten)]
    project: Project,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Stopped,
    Restarted,
    Present,
}

impl Documented for DockerComposeV2 {
    const NAME: &'static str = "community.docker.docker_compose_v2";
    const ALIASES: &'static [&'static str] = &["docker_compose_v2"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A project that runs", args: r#"{"project_src": "/srv"}"# },
        Example {
            title: "Nothing of it, its volumes neither",
            args: r#"{"project_src": "/srv", "state": "absent", "remove_volumes": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "containers",
            "The project's containers.",
            "success",
            r#"[{"Name": "web-1"}]"#,
        ),
        Returned::new("images", "Their images.", "success", r#"[{"Repository": "nginx"}]"#),
        Returned::new(
            "actions",
            "What was done.",
            "success",
            r#"[{"what": "container", "id": "web-1", "status": "Creating"}]"#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// How an order is given: for good, or to see what it would do.
type Run<'a> = &'a mut dyn FnMut(&Program) -> Result<Output, Failure>;

impl DockerComposeV2 {
    fn scale(&self) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        for (name, value) in self.scale.iter().flatten() {
            let count = match value {
                Json::String(text) => text.trim().parse().ok(),
                other => other.as_i64(),
            };
            let shown = python::repr(value);
            match count {
                Some(count) if count < 0 => {
                    return Err(Failure::new(format!(
                        "The value {shown} for `scale[{name}]` is negative"
                    )));
                }
                Some(count) => all.push(format!("{name}={count}")),
                None => {
                    return Err(Failure::new(format!(
                        "The value {shown} for `scale[{name}]` is not an integer"
                    )));
                }
            }
        }
        all.sort();
        Ok(all)
    }

    /// An order's end: whether it is tried only, and for which services.
    fn finished(&self, mut words: Vec<String>, is_trial: bool) -> Vec<String> {
        if is_trial {
            words.push("--dry-run".into());
        }
        words.push("--".into());
        words.extend(self.services.iter().flatten().cloned());
        words
    }

    fn words(&self, verb: &str) -> Vec<String> {
        let mut words = vec![verb.to_owned()];
        if let Some(timeout) = self.timeout {
            words.extend(["--timeout".to_owned(), timeout.to_string()]);
        }
        words
    }

    fn up(
        &self,
        session: &Session<'_>,
        is_trial: bool,
        starts: bool,
    ) -> Result<Vec<String>, Failure> {
        let mut words = self.words("up");
        words.extend(["--detach", "--no-color", "--quiet-pull"].map(str::to_owned));
        if self.pull != "policy" {
            words.extend(["--pull".to_owned(), self.pull.clone()]);
        }
        for (is_set, flag) in [
            (self.remove_orphans, "--remove-orphans"),
            (self.recreate == "always", "--force-recreate"),
            (self.recreate == "never", "--no-recreate"),
            (self.renew_anon_volumes, "--renew-anon-volumes"),
            (!self.dependencies, "--no-deps"),
            (self.build == "always", "--build"),
            (self.build == "never", "--no-build"),
            (self.wait && starts, "--wait"),
            (!starts, "--no-start"),
        ] {
            if is_set {
                words.push(flag.into());
            }
        }
        for one in self.scale()? {
            words.extend(["--scale".to_owned(), one]);
        }
        if let Some(secs) = self.wait_timeout.filter(|_| self.wait && starts) {
            words.extend(["--wait-timeout".to_owned(), secs.to_string()]);
        }
        if self.assume_yes {
            if session.version < Version(2, 32, 0) {
                return Err(Failure::new("assume_yes=true needs Docker Compose 2.32.0 or newer"));
            }
            words.push(if session.version < Version(2, 34, 0) { "-y" } else { "--yes" }.into());
        }
        Ok(self.finished(words, is_trial))
    }

    fn down(&self, is_trial: bool) -> Vec<String> {
        let mut words = self.words("down");
        if self.remove_orphans {
            words.push("--remove-orphans".into());
        }
        if let Some(which) = &self.remove_images {
            words.extend(["--rmi".to_owned(), which.clone()]);
        }
        if self.remove_volumes {
            words.push("--volumes".into());
        }
        self.finished(words, is_trial)
    }

    fn work(&self, session: &Session<'_>, is_trial: bool, run: Run<'_>) -> Result<Told, Failure> {
        let mut told = Told::default();
        let words = match self.state {
            State::Present => self.up(session, is_trial, true)?,
            State::Stopped => self.up(session, is_trial, false)?,
            State::Absent => self.down(is_trial),
            State::Restarted => {
                let mut words = self.words("restart");
                if !self.dependencies {
                    words.push("--no-deps".into());
                }
                self.finished(words, is_trial)
            }
        };
        session.order(&mut told, &words, run)?;
        Ok(told)
    }

    /// Whether a container of the project's runs: Compose says that it stops those that do not, too.
    fn is_running(session: &Session<'_>, host: &dyn Host) -> Result<bool, Failure> {
        let is_running = |one: &Json| {
            let state = one.get("State").and_then(Json::as_str).unwrap_or_default();
            !["created", "exited", "stopped", "killed"].contains(&state)
        };
        Ok(session.containers(host)?.iter().any(is_running))
    }

    fn answer(
        &self,
        host: &dyn Host,
        session: &Session<'_>,
        told: Told,
    ) -> Result<Response, Failure> {
        let is_up = matches!(self.state, State::Present | State::Stopped);
        let mut response = told.answer(|event| {
            is_up && (event.is_pull() || self.ignore_build_events && event.is_build())
        });
        response.returned.insert("containers".into(), session.containers(host)?.into());
        response.returned.insert("images".into(), session.images(host)?.into());
        Ok(response)
    }
}

impl Action for DockerComposeV2 {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let session = self.project.open(host)?;
        let mut run = |program: &Program| Ok(host.query(program)?);
        let mut told = self.work(&session, true, &mut run)?;
        if self.state == State::Stopped && Self::is_running(&session, host)? {
            let words = self.finished(self.words("stop"), true);
            session.order(&mut told, &words, run)?;
        }
        self.answer(host, &session, told)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let session = self.project.open(host)?;
        let mut told = self.work(&session, false, &mut |program| Ok(host.execute(program)?))?;
        if self.state == State::Stopped && Self::is_running(&session, host)? {
            let words = self.finished(self.words("stop"), false);
            session.order(&mut told, &words, |program| Ok(host.execute(program)?))?;
        }
        self.answer(host, &session, told)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, docker::fake_compose};

    #[test]
    fn projects_are_kept() {
        for version in ["2.20.0", "2.39.1"] {
            let mut host = FakeHost::default();
            fake_compose::put(&mut host, version);
            host.put("/srv/compose.yaml", "services: {}\n");
            for (args, changed) in [
                (json!({}), true),
                (json!({"pull": "missing", "scale": {"web": 1}}), false),
                (json!({"state": "restarted", "dependencies": false}), true),
                (json!({"recreate": "always", "wait": true, "wait_timeout": 9}), true),
                (json!({"state": "stopped", "timeout": 3}), true),
                (json!({"state": "stopped"}), false),
                (json!({}), true),
                (json!({"state": "absent", "remove_images": "local"}), true),
                (json!({"state": "absent"}), false),
            ] {
                let check = Mode { check: true, diff: false };
                let foretold =
                    run("docker_compose_v2", &args, "project_src", "/srv", check, &mut host);
                let done = run(
                    "docker_compose_v2",
                    &args,
                    "project_src",
                    "/srv",
                    Mode::default(),
                    &mut host,
                );
                assert_eq!(
                    (done.failed, foretold.changed, done.changed),
                    (false, changed, changed),
                    "{version} {args}: {done:?} {foretold:?}"
                );
            }
            let args = json!({"definition": {"services": {}}, "project_name": "own"});
            let done = run("docker_compose_v2", &args, "", "", Mode::default(), &mut host);
            assert!(done.changed && !done.failed, "{done:?}");
            assert_eq!(done.returned["containers"][0]["Names"], json!(["web-1"]));
            assert_eq!(done.returned["containers"][0]["Labels"], json!({"a": "b", "c": ""}));
        }
    }

    #[test]
    fn what_is_no_project_is_refused() {
        for (args, version, words) in [
            (json!({"project_src": "/none"}), "2.30.0", "\"/none\" is not a directory"),
            (json!({"project_src": "/empty"}), "2.30.0", "does not contain compose.yaml"),
            (
                json!({"project_src": "/srv", "files": ["x.yml"]}),
                "2.30.0",
                "Cannot find Compose file \"x.yml\"",
            ),
            (json!({"project_src": "/srv"}), "2.10.0", "need version 2.18.0 or later"),
            (
                json!({"project_src": "/srv", "assume_yes": true}),
                "2.30.0",
                "needs Docker Compose 2.32.0",
            ),
            (json!({"project_src": "/srv", "scale": {"a": -1}}), "2.30.0", "is negative"),
            (json!({"project_src": "/srv", "scale": {"a": "x"}}), "2.30.0", "is not an integer"),
            (json!({"project_src": "/srv", "services": ["ghost"]}), "2.30.0", "no such service"),
            (json!({"definition": {}}), "2.30.0", "project_name"),
            (
                json!({"project_src": "/srv", "definition": {}, "project_name": "x"}),
                "2.30.0",
                "mutually exclusive",
            ),
            (json!({}), "2.30.0", "one of the following is required"),
        ] {
            let mut host = FakeHost::default();
            fake_compose::put(&mut host, version);
            host.put("/srv/compose.yaml", "services: {}\n");
            host.put_dirs("/empty");
            let msg = run("docker_compose_v2", &args, "", "", Mode::default(), &mut host).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
        let mut bare = FakeHost::default();
        bare.put("/srv/compose.yaml", "");
        let msg =
            run("docker_compose_v2", &json!({}), "project_src", "/srv", Mode::default(), &mut bare)
                .msg;
        assert!(msg.unwrap_or_default().contains("no program docker"));
    }
}
