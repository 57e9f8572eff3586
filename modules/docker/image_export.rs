//! The `docker_image_export` module of the collection `community.docker`.

use std::path::PathBuf;

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, spec::Support};

use super::{
    Engine,
    image_archive::{self, Archived},
    reference::{ImageReference, id},
};

/// Writes images into an archive, unless it has them already.
#[derive(Debug, Arguments)]
pub struct DockerImageExport {
    /// The images, or their IDs; they may have tags.
    #[argument(aliases("name"))]
    names: Vec<String>,
    /// The tag of those that have none.
    #[argument(default = "latest")]
    tag: String,
    /// The archive.
    path: PathBuf,
    /// Whether it is written in any case.
    #[argument(default = false)]
    force: bool,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerImageExport {
    const NAME: &'static str = "community.docker.docker_image_export";
    const ALIASES: &'static [&'static str] = &["docker_image_export"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Two images",
        args: r#"{"names": ["app:v1", "db:v2"], "path": "/srv/images.tar"}"#,
    }];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "images",
        "What the engine knows of them.",
        "success",
        r#"[{"Id": "sha256:0"}]"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// What is to be written.
struct Wanted {
    names: Vec<String>,
    images: Vec<Json>,
    /// Why; `None` where the archive has it.
    reason: Option<String>,
}

impl DockerImageExport {
    fn look(&self, host: &dyn Host) -> Result<Wanted, Failure> {
        if self.names.is_empty() {
            return Err(Failure::new("At least one image name must be specified"));
        }
        let (mut names, mut images) = (Vec::new(), Vec::new());
        for name in &self.names {
            let own = ImageReference::parse(name, &self.tag)?;
            let image = own.find(&self.engine, host)?;
            let image =
                image.ok_or_else(|| Failure::new(format!("Image {} not found", own.full())))?;
            names.push(own.full());
            images.push(image);
        }
        let reason = self.reason(host, &names, &images)?;
        Ok(Wanted { names, images, reason })
    }

    fn reason(
        &self,
        host: &dyn Host,
        names: &[String],
        images: &[Json],
    ) -> Result<Option<String>, Failure> {
        if self.force {
            return Ok(Some("Exporting since force=true".into()));
        }
        match host.metadata(&self.path)? {
            None => return Ok(Some("Overwriting since no image is present in archive".into())),
            Some(found) if found.is_dir() => {
                return Err(Failure::new(format!("{} is a directory", self.path.display())));
            }
            Some(_) => {}
        }
        let Some(archived) = Archived::read(host, &self.path)? else {
            return Ok(Some("Overwriting an unreadable archive file".into()));
        };
        let mut left: Vec<(&str, &String)> =
            images.iter().map(|image| id(image).trim_start_matches("sha256:")).zip(names).collect();
        for one in &archived {
            let place =
                left.iter().position(|(id, name)| *id == one.id && one.names == [(*name).clone()]);
            match place {
                Some(place) => drop(left.remove(place)),
                None => {
                    return Ok(Some(format!(
                        "Overwriting archive since it contains unexpected image {} named {}",
                        one.id,
                        one.names.join(", ")
                    )));
                }
            }
        }
        let missing: Vec<&str> = left.iter().map(|(_, name)| name.as_str()).collect();
        Ok((!missing.is_empty()).then(|| {
            format!("Overwriting archive since it is missing image(s) {}", missing.join(", "))
        }))
    }
}

fn answer(wanted: Wanted) -> Response {
    Response {
        changed: wanted.reason.is_some(),
        msg: wanted.reason,
        returned: JsonMap::from_iter([("images".to_owned(), wanted.images.into())]),
        ..Response::default()
    }
}

impl Action for DockerImageExport {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let wanted = self.look(host)?;
        Ok(match wanted.reason {
            Some(_) => Guard::Go,
            None => Guard::Stay(Box::new(answer(wanted))),
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(answer(self.look(host)?))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let wanted = self.look(host)?;
        image_archive::archive(&self.engine, host, &wanted.names, &self.path)?;
        Ok(answer(wanted))
    }
}
