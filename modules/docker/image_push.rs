//! The `docker_image_push` module of the collection `community.docker`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use super::{Engine, image_load, is_image_id, reference::ImageReference, registry};

/// Pushes an image to its registry.
#[derive(Debug, Arguments)]
pub struct DockerImagePush {
    /// The image; it may have a tag.
    name: String,
    /// Its tag.
    #[argument(default = "latest")]
    tag: String,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerImagePush {
    const NAME: &'static str = "community.docker.docker_image_push";
    const ALIASES: &'static [&'static str] = &["docker_image_push"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "An image", args: r#"{"name": "registry.example/app", "tag": "v1"}"# }];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "image",
        "What the engine knows of it.",
        "success",
        r#"{"Id": "sha256:0"}"#,
    )];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

impl DockerImagePush {
    fn names(&self) -> Result<(String, String), Failure> {
        match ImageReference::parse(&self.name, &self.tag)? {
            ImageReference::Id(_) => Err(Failure::new("Cannot push an image by ID")),
            ImageReference::Named { tag, .. } if is_image_id(&tag) => {
                Err(Failure::new("Cannot push an image by digest"))
            }
            ImageReference::Named { repository, tag } => Ok((repository, tag)),
        }
    }
}

impl Action for DockerImagePush {
    fn guard(&self, _: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        self.names()?;
        Ok(image_load::unless_checking("docker_image_push", mode))
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response { skipped: true, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let (repository, tag) = self.names()?;
        let own = ImageReference::Named { repository: repository.clone(), tag: tag.clone() };
        let image = own
            .find(&self.engine, host)?
            .ok_or_else(|| Failure::new(format!("Cannot find image {repository}:{tag}")))?;
        let said = registry::push(&self.engine, host, &repository, &tag)?;
        let steps = match &said {
            Json::Array(steps) => steps.as_slice(),
            one => std::slice::from_ref(one),
        };
        let changed = steps.iter().any(|step| {
            matches!(step.get("status").and_then(Json::as_str), Some("Pushing" | "Pushed"))
        });
        let returned = JsonMap::from_iter([
            ("image".to_owned(), image),
            ("actions".to_owned(), json!([format!("Pushed image {repository}:{tag}")])),
        ]);
        Ok(Response { changed, returned, ..Response::default() })
    }
}
