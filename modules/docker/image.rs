//! The `docker_image` module of the collection `community.docker`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Returned,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use super::{
    Engine, escape, image_archive,
    image_build::{self, BuildOptions},
    is_image_id, joined, registry, repository_and_tag,
};
use crate::presence::Presence;

/// Keeps an image among those of the engine: built, pulled or loaded, put into an archive, and tagged
/// and pushed under another name.
#[derive(Debug, Arguments)]
#[arguments(required_if(
    ("state", "present", ["source"]),
    ("source", "build", ["build"]),
    ("source", "load", ["load_path"])
))]
pub struct DockerImage {
    /// The image; it may have a tag or a digest.
    name: String,
    /// Its tag.
    #[argument(default = "latest")]
    tag: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Where it comes from; `local` is for one that is there.
    source: Option<Origin>,
    /// How it is built, by Docker's program on the host.
    build: Option<BuildOptions>,
    /// How it is pulled.
    pull: Option<PullOptions>,
    /// An archive that it is put into.
    archive_path: Option<PathBuf>,
    /// An archive that it comes from.
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
    const RETURNS: &'static [Returned] = &[
        Returned::new("image", "What the engine knows of it.", "success", r#"{"Id": "sha256:0"}"#),
        Returned::new("stdout", "What was said while it was built or loaded.", "success", r#""""#),
    ];
    const CHECK_MODE: Support = Support::Partial;
    const DIFF_MODE: Support = Support::None;
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Build,
    Load,
    Pull,
    /// With what is said of it.
    Archive(String),
    Tag,
    Push,
    Remove,
}

impl DockerImage {
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

    /// Whether the image is the one that was there before.
    fn is_still(&self, host: &dyn Host, before: Option<&Json>) -> Result<bool, Failure> {
        let now = self.find(host, &self.full())?;
        let id = |image: Option<&Json>| image.and_then(|one| one.get("Id").cloned());
        Ok(before.is_some() && id(now.as_ref()) == id(before))
    }

    fn steps(&self, host: &dyn Host) -> Result<(Option<Json>, Vec<Step>), Failure> {
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
                Some(origin @ (Origin::Pull | Origin::Build)) if is_image_id(&self.name) => {
                    return Err(Failure::new(format!(
                        "Image name must not be an image ID for source={}",
                        origin.as_str()
                    )));
                }
                Some(Origin::Pull) => steps.push(Step::Pull),
                Some(Origin::Build) => {
                    if let Some(build) = &self.build {
                        build.refuse_what_cannot_be(host)?;
                    }
                    steps.push(Step::Build);
                }
                Some(Origin::Load) => steps.push(Step::Load),
                _ if found.is_none() => {
                    return Err(Failure::new(format!(
                        "Cannot find the image {} locally.",
                        self.full()
                    )));
                }
                _ => {}
            }
        }
        if let Some(path) = &self.archive_path {
            // Which image there will be is not known before.
            let known = found.as_ref().filter(|_| steps.is_empty());
            let why = image_archive::needs_archive(host, path, &self.full(), known)?;
            steps.extend(why.map(Step::Archive));
        }
        if let Some((repository, tag)) = self.other() {
            let other = self.find(host, &joined(&repository, &tag))?;
            let id = |image: &Option<Json>| image.as_ref().and_then(|one| one.get("Id").cloned());
            let is_same = id(&other).is_some() && id(&other) == id(&found);
            let is_new = steps.iter().any(|step| !matches!(step, Step::Archive(_)));
            if other.is_none() || self.force_tag && !is_same || is_new {
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
            Step::Build => {
                let path = self.build.as_ref().map(|build| build.path.display().to_string());
                format!("Built image {full} from {}", path.unwrap_or_default())
            }
            Step::Load => {
                let path = self.load_path.as_ref().map(|path| path.display().to_string());
                format!("Loaded image {full} from {}", path.unwrap_or_default())
            }
            Step::Archive(words) => words.clone(),
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
        let mut said = None;
        for step in &steps {
            match step {
                Step::Build => {
                    if let Some(options) = &self.build {
                        said = Some(image_build::build(options, &self.engine, host, &full)?);
                    }
                    changed |= !self.is_still(host, before.as_ref())?;
                }
                Step::Load => {
                    if let Some(path) = &self.load_path {
                        said = Some(image_archive::load(&self.engine, host, &full, path)?);
                    }
                    changed |= !self.is_still(host, before.as_ref())?;
                }
                Step::Archive(_) => {
                    if let Some(path) = &self.archive_path {
                        // Only now it is known which image there is.
                        let now = self.find(host, &full)?;
                        if image_archive::needs_archive(host, path, &full, now.as_ref())?.is_some()
                        {
                            let names = std::slice::from_ref(&full);
                            image_archive::archive(&self.engine, host, names, path)?;
                            changed = true;
                        }
                    }
                }
                Step::Remove => {
                    let force = u8::from(self.force_absent);
                    let path = format!("/images/{}?force={force}", escape(&full));
                    self.engine.delete(host, &path)?;
                    changed = true;
                }
                Step::Pull => {
                    let platform = self.pull.as_ref().and_then(|pull| pull.platform.as_deref());
                    registry::pull(&self.engine, host, &repository, &tag, platform)?;
                    changed |= !self.is_still(host, before.as_ref())?;
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
        let mut response = Response { changed, ..self.answer(&steps, now) };
        if let Some(said) = said {
            response.returned.insert("stdout".into(), said.into());
        }
        Ok(response)
    }
}
