//! The `docker_image` module of the collection `community.docker`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Returned,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use super::{Engine, escape, is_image_id, joined, registry, repository_and_tag};
use crate::presence::Presence;

/// Keeps an image among those of the engine: pulled, and tagged and pushed under another name.
///
/// Building, loading and archiving are not done here; `docker_image_build` and the like are modules
/// of their own in the collection.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["source"])))]
pub struct DockerImage {
    /// The image; it may have a tag or a digest.
    name: String,
    /// Its tag.
    #[argument(default = "latest")]
    tag: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Where it comes from: `pull`, or `local` for one that is there. `build` and `load` are not
    /// supported.
    source: Option<Origin>,
    /// How it is built; not supported.
    build: Option<JsonMap>,
    /// How it is pulled.
    pull: Option<PullOptions>,
    /// An archive that it is put into; not supported.
    archive_path: Option<PathBuf>,
    /// An archive that it comes from; not supported.
    load_path: Option<PathBuf>,
    /// Whether it is pulled again where it is there.
    #[argument(default = false)]
    force_source: bool,
    /// Whether it goes even where other names or containers stand for it.
    #[argument(default = false)]
    force_absent: bool,
    /// Whether it is tagged again where that tag is there.
    #[argument(default = false)]
    force_tag: bool,
    /// Another name for it.
    repository: Option<String>,
    /// Whether it is pushed.
    #[argument(default = false)]
    push: bool,
    #[argument(flatten)]
    engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Origin {
    Build,
    Load,
    Pull,
    Local,
}

/// How an image is pulled.
#[derive(Debug, Arguments)]
struct PullOptions {
    /// System and machine: `linux/arm64`.
    platform: Option<String>,
}

impl Documented for DockerImage {
    const NAME: &'static str = "community.docker.docker_image";
    const ALIASES: &'static [&'static str] = &["docker_image"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "An image", args: r#"{"name": "debian:12", "source": "pull"}"# },
        Example { title: "No image", args: r#"{"name": "debian:12", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "image",
        "What the engine knows of it.",
        "success",
        r#"{"Id": "sha256:0"}"#,
    )];
    const CHECK_MODE: Support = Support::Partial;
    const DIFF_MODE: Support = Support::None;
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Pull,
    Tag,
    Push,
    Remove,
}

impl DockerImage {
    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let refused = [
            (self.source == Some(Origin::Build) || self.build.is_some(), "source=build"),
            (self.source == Some(Origin::Load) || self.load_path.is_some(), "source=load"),
            (self.archive_path.is_some(), "archive_path"),
        ];
        match refused.iter().find(|(is_given, _)| *is_given) {
            Some((_, name)) => {
                Err(Failure::new(format!("{name} of docker_image is not supported")))
            }
            None => Ok(()),
        }
    }

    fn names(&self) -> (String, String) {
        let (repository, tag) = repository_and_tag(&self.name);
        (repository, tag.unwrap_or_else(|| self.tag.clone()))
    }

    fn full(&self) -> String {
        match is_image_id(&self.name) {
            true => self.name.clone(),
            false => {
                let (repository, tag) = self.names();
                joined(&repository, &tag)
            }
        }
    }

    /// The other name and its tag.
    fn other(&self) -> Option<(String, String)> {
        let (repository, tag) = repository_and_tag(self.repository.as_ref()?);
        Some((repository, tag.unwrap_or_else(|| self.names().1)))
    }

    fn find(&self, host: &dyn Host, full: &str) -> Result<Option<Json>, Failure> {
        self.engine.find(host, &format!("/images/{}/json", escape(full)))
    }

    fn steps(&self, host: &dyn Host) -> Result<(Option<Json>, Vec<Step>), Failure> {
        self.refuse_what_cannot_be()?;
        let found = self.find(host, &self.full())?;
        let mut steps = Vec::new();
        if !self.state.is_present() {
            if found.is_some() {
                steps.push(Step::Remove);
            }
            return Ok((found, steps));
        }
        if found.is_none() || self.force_source {
            match self.source {
                Some(Origin::Pull) if is_image_id(&self.name) => {
                    return Err(Failure::new("Image name must not be an image ID for source=pull"));
                }
                Some(Origin::Pull) => steps.push(Step::Pull),
                _ if found.is_none() => {
                    return Err(Failure::new(format!(
                        "Cannot find the image {} locally.",
                        self.full()
                    )));
                }
                _ => {}
            }
        }
        if let Some((repository, tag)) = self.other() {
            let other = self.find(host, &joined(&repository, &tag))?;
            let id = |image: &Option<Json>| image.as_ref().and_then(|one| one.get("Id").cloned());
            let is_same = id(&other).is_some() && id(&other) == id(&found);
            if other.is_none() || self.force_tag && !is_same || !steps.is_empty() {
                steps.push(Step::Tag);
            }
        }
        if self.push {
            steps.push(Step::Push);
        }
        Ok((found, steps))
    }

    fn answer(&self, steps: &[Step], image: Option<Json>) -> Response {
        let full = self.full();
        let words = steps.iter().map(|step| match step {
            Step::Pull => format!("Pulled image {full}"),
            Step::Tag => {
                let (repository, tag) = self.other().unwrap_or_default();
                format!("Tagged image {full} to {repository}:{tag}")
            }
            Step::Push => {
                let (repository, tag) = self.other().unwrap_or_else(|| self.names());
                format!("Pushed image {full} to {repository}:{tag}")
            }
            Step::Remove => format!("Removed image {full}"),
        });
        let actions: Vec<String> = words.collect();
        let returned = JsonMap::from_iter([
            ("image".to_owned(), image.unwrap_or_else(|| json!({}))),
            ("actions".to_owned(), actions.into()),
        ]);
        Response { changed: !steps.is_empty(), returned, ..Response::default() }
    }
}

impl Action for DockerImage {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let (found, steps) = self.steps(host)?;
        match steps.is_empty() {
            true => Ok(Guard::Stay(Box::new(self.answer(&steps, found)))),
            false => Ok(Guard::Go),
        }
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let (found, steps) = self.steps(host)?;
        Ok(self.answer(&steps, found))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let (before, steps) = self.steps(host)?;
        let full = self.full();
        let (repository, tag) = self.names();
        let mut changed = false;
        for step in &steps {
            match step {
                Step::Remove => {
                    let force = u8::from(self.force_absent);
                    let path = format!("/images/{}?force={force}", escape(&full));
                    self.engine.delete(host, &path)?;
                    changed = true;
                }
                Step::Pull => {
                    let platform = self.pull.as_ref().and_then(|pull| pull.platform.as_deref());
                    registry::pull(&self.engine, host, &repository, &tag, platform)?;
                    let now = self.find(host, &full)?;
                    let id =
                        |image: &Option<Json>| image.as_ref().and_then(|it| it.get("Id").cloned());
                    changed |= id(&now) != id(&before);
                }
                Step::Tag => {
                    let (other, other_tag) = self.other().unwrap_or_default();
                    let path = format!(
                        "/images/{}/tag?repo={}&tag={}",
                        escape(&full),
                        escape(&other),
                        escape(&other_tag)
                    );
                    self.engine.ask(host, "POST", &path, None, &[])?.must_succeed()?;
                    changed = true;
                }
                Step::Push => {
                    let (other, other_tag) =
                        self.other().unwrap_or_else(|| (repository.clone(), tag.clone()));
                    let said = registry::push(&self.engine, host, &other, &other_tag)?;
                    changed |= said.to_string().contains("\"Pushed\"");
                }
            }
        }
        let now = self.find(host, &full)?;
        Ok(Response { changed, ..self.answer(&steps, now) })
    }
}
