//! The `docker_image_tag` module of the collection `community.docker`.

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Returned,
};
use protocol::{Diff, Json, JsonMap, Response, diff::Side};
use serde_json::json;

use super::{
    Engine, escape, is_image_id,
    reference::{ImageReference, id, is_tag},
    repository_and_tag,
};

/// Gives an image other names beside its own.
#[derive(Debug, Arguments)]
pub struct DockerImageTag {
    /// The image, or its ID; it may have a tag.
    name: String,
    /// Its tag, and that of new names which have none.
    #[argument(default = "latest")]
    tag: String,
    /// The new names.
    repository: Vec<String>,
    /// What becomes of another image that has such a name.
    #[argument(default = "overwrite")]
    existing_images: Existing,
    #[argument(flatten)]
    engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Existing {
    Keep,
    Overwrite,
}

impl Documented for DockerImageTag {
    const NAME: &'static str = "community.docker.docker_image_tag";
    const ALIASES: &'static [&'static str] = &["docker_image_tag"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Two more names",
        args: r#"{"name": "app:v1", "repository": ["app:stable", "registry.example/app:v1"]}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("image", "What the engine knows of it.", "success", r#"{"Id": "sha256:0"}"#),
        Returned::new("tagged_images", "The names it was given.", "success", r#"["app:stable"]"#),
    ];
}

/// A new name, and the image that has it.
struct Name {
    repository: String,
    tag: String,
    now: Option<Json>,
}

/// What is to be done.
struct Names {
    image: Json,
    names: Vec<Name>,
}

impl DockerImageTag {
    fn look(&self, host: &dyn Host) -> Result<Names, Failure> {
        let own = ImageReference::parse(&self.name, &self.tag)?;
        let mut names = Vec::new();
        for (number, name) in self.repository.iter().enumerate() {
            let refuse = |why: &str| {
                Err(Failure::new(format!("repository[{}] must not {why}; got: {name}", number + 1)))
            };
            if is_image_id(name) {
                return refuse("be an image ID");
            }
            let (repository, tag) = repository_and_tag(name);
            if tag.as_ref().is_some_and(|tag| !is_tag(tag)) {
                return refuse("have a digest");
            }
            let tag = tag.unwrap_or_else(|| self.tag.clone());
            names.push((repository, tag));
        }
        let image = own
            .find(&self.engine, host)?
            .ok_or_else(|| Failure::new(format!("Cannot find image {}", own.full())))?;
        let with_now = |(repository, tag): (String, String)| {
            let other = ImageReference::Named { repository, tag };
            let now = other.find(&self.engine, host)?;
            let ImageReference::Named { repository, tag } = other else {
                return Err(Failure::new("a new name of an image is no ID"));
            };
            Ok(Name { repository, tag, now })
        };
        let names = names.into_iter().map(with_now).collect::<Result<_, Failure>>()?;
        Ok(Names { image, names })
    }

    /// Whether it gets that name.
    fn is_tagged(&self, image: &Json, name: &Name) -> bool {
        match &name.now {
            None => true,
            Some(now) => id(now) != id(image) && self.existing_images == Existing::Overwrite,
        }
    }

    fn answer(&self, found: &Names) -> Response {
        let (mut actions, mut tagged_images) = (Vec::new(), Vec::new());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for name in &found.names {
            let is_tagged = self.is_tagged(&found.image, name);
            let new = format!("{}:{}", name.repository, name.tag);
            let why = match &name.now {
                None => "target image did not exist".to_owned(),
                Some(now) if id(now) == id(&found.image) => {
                    format!("target image already exists ({}) and is as expected", id(now))
                }
                Some(now) if is_tagged => {
                    format!("target image existed ({}) and was not as expected", id(now))
                }
                Some(now) => format!(
                    "target image already exists ({}) and is not as expected, but kept",
                    id(now)
                ),
            };
            let verb = if is_tagged { "Tagged" } else { "Not tagged" };
            actions.push(format!("{verb} image {} as {new}: {why}", id(&found.image)));
            let side = |image: Option<&Json>| match image {
                Some(image) => json!({"name": name.repository, "tag": name.tag, "id": id(image)}),
                None => json!({"name": name.repository, "tag": name.tag, "exists": false}),
            };
            before.push(side(name.now.as_ref()));
            after.push(side(if is_tagged { Some(&found.image) } else { name.now.as_ref() }));
            if is_tagged {
                tagged_images.push(new);
            }
        }
        let diff = Diff {
            before: Side::State(json!({"images": before})),
            after: Side::State(json!({"images": after})),
            ..Diff::default()
        };
        Response {
            changed: !tagged_images.is_empty(),
            diff: vec![diff],
            returned: JsonMap::from_iter([
                ("image".to_owned(), found.image.clone()),
                ("actions".to_owned(), actions.into()),
                ("tagged_images".to_owned(), tagged_images.into()),
            ]),
            ..Response::default()
        }
    }
}

impl Action for DockerImageTag {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let answer = self.answer(&self.look(host)?);
        Ok(if answer.changed { Guard::Go } else { Guard::Stay(Box::new(answer)) })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(self.answer(&self.look(host)?))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let found = self.look(host)?;
        for name in found.names.iter().filter(|name| self.is_tagged(&found.image, name)) {
            let path = format!(
                "/images/{}/tag?repo={}&tag={}&force=true",
                escape(id(&found.image)),
                escape(&name.repository),
                escape(&name.tag)
            );
            self.engine.ask(host, "POST", &path, None, &[])?.must_succeed().map_err(|failure| {
                let msg = format!(
                    "Error: failed to tag image as {}:{} - {}",
                    name.repository, name.tag, failure.msg
                );
                Failure { msg, ..failure }
            })?;
        }
        Ok(self.answer(&found))
    }
}
