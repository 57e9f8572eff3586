//! The `docker_image_pull` module of the collection `community.docker`.

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Returned,
};
use protocol::{Diff, Json, JsonMap, Response, diff::Side, spec::Support};
use serde_json::json;

use super::{Engine, escape, is_image_id, joined, registry, repository_and_tag};

/// Pulls an image from its registry.
#[derive(Debug, Arguments)]
pub struct DockerImagePull {
    /// The image; it may have a tag or a digest.
    name: String,
    /// Its tag, or its digest.
    #[argument(default = "latest")]
    tag: String,
    /// System and machine: `linux/arm64`.
    platform: Option<String>,
    /// Whether an image that is there is asked for again.
    #[argument(default = "always")]
    pull: Pull,
    #[argument(flatten)]
    engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Pull {
    Always,
    NotPresent,
}

impl Documented for DockerImagePull {
    const NAME: &'static str = "community.docker.docker_image_pull";
    const ALIASES: &'static [&'static str] = &["docker_image_pull"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "An image, unless it is there",
        args: r#"{"name": "registry.example/app", "tag": "v1", "pull": "not_present"}"#,
    }];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "image",
        "What the engine knows of it.",
        "success",
        r#"{"Id": "sha256:0"}"#,
    )];
    const CHECK_MODE: Support = Support::Partial;
}

/// The image's side of a difference.
fn side(image: Option<&Json>) -> Side {
    Side::State(match image {
        Some(image) => json!({"id": image.get("Id"), "exists": true}),
        None => json!({"exists": false}),
    })
}

fn answer(before: Option<&Json>, after: Option<&Json>, after_side: Side) -> Response {
    let changed = match (before, after) {
        (Some(before), Some(after)) => before.get("Id") != after.get("Id"),
        _ => true,
    };
    let image = after.or(before).cloned().unwrap_or_else(|| json!({}));
    let mut response = Response {
        changed,
        returned: JsonMap::from_iter([("image".to_owned(), image)]),
        ..Response::default()
    };
    if changed {
        response.diff = vec![Diff { before: side(before), after: after_side, ..Diff::default() }];
    }
    response
}

impl DockerImagePull {
    fn names(&self) -> Result<(String, String), Failure> {
        if is_image_id(&self.name) {
            return Err(Failure::new("Cannot pull an image by ID"));
        }
        let (repository, tag) = repository_and_tag(&self.name);
        Ok((repository, tag.unwrap_or_else(|| self.tag.clone())))
    }

    fn find(&self, host: &dyn Host) -> Result<Option<Json>, Failure> {
        let (repository, tag) = self.names()?;
        self.engine.find(host, &format!("/images/{}/json", escape(&joined(&repository, &tag))))
    }
}

impl Action for DockerImagePull {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let found = self.find(host)?;
        match found {
            Some(found) if self.pull == Pull::NotPresent => {
                let stays = answer(Some(&found), Some(&found), side(Some(&found)));
                Ok(Guard::Stay(Box::new(stays)))
            }
            _ => Ok(Guard::Go),
        }
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.find(host)?;
        let unknown = Side::State(json!({"id": "unknown", "exists": true}));
        Ok(Response { changed: true, ..answer(found.as_ref(), None, unknown) })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let before = self.find(host)?;
        let (repository, tag) = self.names()?;
        registry::pull(&self.engine, host, &repository, &tag, self.platform.as_deref())?;
        let after = self.find(host)?.ok_or_else(|| {
            Failure::new(format!("{} was pulled, but is not there", joined(&repository, &tag)))
        })?;
        Ok(answer(before.as_ref(), Some(&after), side(Some(&after))))
    }
}
