//! The `docker_compose_v2_pull` module of the collection `community.docker`.

use module::{Action, Arguments, Documented, Example, Failure, Host, Output, Program, Returned};
use protocol::{Response, spec::Support};

use super::{Project, Session, Told};
use crate::docker::command_line::Version;

/// Pulls the images of a project of Compose.
#[derive(Debug, Arguments)]
pub struct DockerComposeV2Pull {
    /// Whether images that are there are asked for again.
    #[argument(default = "always", choices("always", "missing"))]
    policy: String,
    /// Whether images that can be built are left out.
    #[argument(default = false)]
    ignore_buildable: bool,
    /// Whether images of services that others need are pulled too.
    #[argument(default = false)]
    include_deps: bool,
    /// The services; all where it is left out.
    services: Option<Vec<String>>,
    #[argument(flatten)]
    project: Project,
}

impl Documented for DockerComposeV2Pull {
    const NAME: &'static str = "community.docker.docker_compose_v2_pull";
    const ALIASES: &'static [&'static str] = &["docker_compose_v2_pull"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "All images", args: r#"{"project_src": "/srv"}"# }];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "actions",
        "What was done.",
        "success",
        r#"[{"what": "image", "id": "web", "status": "Pulling"}]"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

impl DockerComposeV2Pull {
    fn work(
        &self,
        session: &Session<'_>,
        is_trial: bool,
        run: &mut dyn FnMut(&Program) -> Result<Output, Failure>,
    ) -> Result<Response, Failure> {
        let mut words = vec!["pull".to_owned()];
        if self.policy != "always" {
            if session.version < Version(2, 22, 0) {
                return Err(Failure::new(
                    "A pull policy other than always is only supported since Docker Compose 2.22.0",
                ));
            }
            words.extend(["--policy".to_owned(), self.policy.clone()]);
        }
        for (is_set, flag) in [
            (self.ignore_buildable, "--ignore-buildable"),
            (self.include_deps, "--include-deps"),
            (is_trial, "--dry-run"),
        ] {
            if is_set {
                words.push(flag.into());
            }
        }
        words.push("--".into());
        words.extend(self.services.iter().flatten().cloned());
        let mut told = Told::default();
        session.order(&mut told, &words, run)?;
        // An image that is asked for again need not be another one; its layers tell.
        let ignores = self.policy != "missing" && !is_trial;
        Ok(told.answer(|event| ignores && event.is_pull()))
    }
}

impl Action for DockerComposeV2Pull {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let session = self.project.open(host)?;
        self.work(&session, true, &mut |program| Ok(host.query(program)?))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let session = self.project.open(host)?;
        self.work(&session, false, &mut |program| Ok(host.execute(program)?))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, docker::fake_compose};

    #[test]
    fn images_are_pulled() {
        let mut host = FakeHost::default();
        fake_compose::put(&mut host, "2.30.0");
        host.put("/srv/compose.yaml", "services: {}\n");
        for (args, changed) in [
            (json!({"policy": "missing"}), true),
            (json!({"policy": "missing"}), false),
            (json!({"include_deps": true}), false),
        ] {
            let done = run(
                "docker_compose_v2_pull",
                &args,
                "project_src",
                "/srv",
                Mode::default(),
                &mut host,
            );
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
        }
        for (args, version, words) in [
            (json!({"policy": "missing"}), "2.20.0", "only supported since Docker Compose 2.22.0"),
            (json!({"services": ["ghost"]}), "2.30.0", "no such service"),
            (json!({"policy": "never"}), "2.30.0", "value of policy must be one of"),
        ] {
            fake_compose::put(&mut host, version);
            let done = run(
                "docker_compose_v2_pull",
                &args,
                "project_src",
                "/srv",
                Mode::default(),
                &mut host,
            );
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
