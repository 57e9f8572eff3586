//! The `docker_image_remove` module of the collection `community.docker`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Diff, Json, JsonMap, Response, diff::Side};
use serde_json::json;

use super::{
    Engine, escape, is_image_id,
    reference::{ImageReference, id},
};

/// Takes a name from an image, and the image away where it was the last.
#[derive(Debug, Arguments)]
pub struct DockerImageRemove {
    /// The image, or its ID; it may have a tag.
    name: String,
    /// Its tag.
    #[argument(default = "latest")]
    tag: String,
    /// Whether it goes with all its names, and where containers stand for it.
    #[argument(default = false)]
    force: bool,
    /// Whether images below it that have no name go too.
    #[argument(default = true)]
    prune: bool,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerImageRemove {
    const NAME: &'static str = "community.docker.docker_image_remove";
    const ALIASES: &'static [&'static str] = &["docker_image_remove"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "An image", args: r#"{"name": "registry.example/app", "tag": "v1"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("image", "What the engine knew of it.", "success", r#"{"Id": "sha256:0"}"#),
        Returned::new("deleted", "Images that went.", "success", r#"["sha256:0"]"#),
        Returned::new("untagged", "Names that went.", "success", r#"["app:v1"]"#),
    ];
}

fn texts(image: &Json, name: &str) -> Vec<String> {
    let all = image.get(name).and_then(Json::as_array).into_iter().flatten();
    let mut texts: Vec<String> = all.filter_map(Json::as_str).map(str::to_owned).collect();
    texts.sort();
    texts
}

/// An image's side of a difference.
fn side(image: Option<&Json>) -> Json {
    match image {
        None => json!({"exists": false}),
        Some(image) => json!({
            "exists": true,
            "id": id(image),
            "tags": texts(image, "RepoTags"),
            "digests": texts(image, "RepoDigests"),
        }),
    }
}

impl DockerImageRemove {
    fn answer(&self, full: &str, image: &Json) -> Response {
        let returned = JsonMap::from_iter([
            ("image".to_owned(), image.clone()),
            ("actions".to_owned(), json!([format!("Removed image {full}")])),
        ]);
        Response { changed: true, returned, ..Response::default() }
    }

    /// What the engine would say: the names and images that would go, and what would stay.
    fn expected(&self, own: &ImageReference, image: &Json) -> Result<Foretold, Failure> {
        let (tags, digests) = (texts(image, "RepoTags"), texts(image, "RepoDigests"));
        let whole = || vec![id(image).to_owned()];
        let full = own.full();
        let tag = match own {
            ImageReference::Id(_) => {
                let mut untagged = [tags, digests].concat();
                untagged.sort();
                if !self.force && !untagged.is_empty() {
                    return Err(Failure::new(
                        "Cannot delete image by ID that is still in use - use force=true",
                    ));
                }
                return Ok(Foretold { untagged, deleted: whole(), after: side(None) });
            }
            ImageReference::Named { tag, .. } => tag,
        };
        let is_digest = is_image_id(tag);
        let is_last = match is_digest {
            true => tags.is_empty() && digests.len() < 2,
            false => tags.len() < 2 && digests.is_empty(),
        };
        let mut after = side(Some(image));
        let list = if is_digest { "digests" } else { "tags" };
        if let Some(names) = after.get_mut(list).and_then(Json::as_array_mut) {
            names.retain(|name| name.as_str() != Some(&full));
        }
        let deleted = if is_last { whole() } else { Vec::new() };
        Ok(Foretold { untagged: vec![full], deleted, after })
    }
}

/// What would go, and what would be there after.
struct Foretold {
    untagged: Vec<String>,
    deleted: Vec<String>,
    after: Json,
}

fn with(mut response: Response, image: &Json, foretold: Foretold) -> Response {
    response.returned.insert("untagged".into(), foretold.untagged.into());
    response.returned.insert("deleted".into(), foretold.deleted.into());
    response.diff = vec![Diff {
        before: Side::State(side(Some(image))),
        after: Side::State(foretold.after),
        ..Diff::default()
    }];
    response
}

impl Action for DockerImageRemove {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let own = ImageReference::parse(&self.name, &self.tag)?;
        if own.find(&self.engine, host)?.is_some() {
            return Ok(Guard::Go);
        }
        let empty = ["actions", "deleted", "untagged"].map(|name| (name.to_owned(), json!([])));
        let mut returned = JsonMap::from_iter(empty);
        returned.insert("image".into(), json!({}));
        Ok(Guard::Stay(Box::new(Response { returned, ..Response::default() })))
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let own = ImageReference::parse(&self.name, &self.tag)?;
        let Some(image) = own.find(&self.engine, host)? else { return Ok(Response::default()) };
        let foretold = self.expected(&own, &image)?;
        Ok(with(self.answer(&own.full(), &image), &image, foretold))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let own = ImageReference::parse(&self.name, &self.tag)?;
        let full = own.full();
        let Some(image) = own.find(&self.engine, host)? else { return Ok(Response::default()) };
        let path =
            format!("/images/{}?force={}&noprune={}", escape(&full), self.force, !self.prune);
        let answer = self.engine.ask(host, "DELETE", &path, None, &[])?;
        // One that has gone meanwhile is gone as well.
        let said = match answer.status {
            404 => json!([]),
            _ => answer.must_succeed().map_err(|failure| {
                let msg = format!("Error removing image {full} - {}", failure.msg);
                Failure { msg, ..failure }
            })?,
        };
        // One entry alone is no list once it is read.
        let entries = match said {
            Json::Array(entries) => entries,
            one => vec![one],
        };
        let of = |name: &str| {
            let found = entries.iter().filter_map(|entry| entry.get(name)?.as_str());
            let mut found: Vec<String> = found.map(str::to_owned).collect();
            found.sort();
            found
        };
        let (untagged, deleted) = (of("Untagged"), of("Deleted"));
        let left = ImageReference::Id(id(&image).to_owned()).find(&self.engine, host)?;
        let foretold = Foretold { untagged, deleted, after: side(left.as_ref()) };
        Ok(with(self.answer(&full, &image), &image, foretold))
    }
}
