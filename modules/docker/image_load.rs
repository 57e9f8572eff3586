//! The `docker_image_load` module of the collection `community.docker`.

use std::path::PathBuf;

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{JsonMap, Response, spec::Support};

use super::{Engine, escape, image_archive};

/// Has the engine take in the images of an archive.
#[derive(Debug, Arguments)]
pub struct DockerImageLoad {
    /// The archive, on the host.
    path: PathBuf,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerImageLoad {
    const NAME: &'static str = "community.docker.docker_image_load";
    const ALIASES: &'static [&'static str] = &["docker_image_load"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "An archive", args: r#"{"path": "/srv/app.tar"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("image_names", "Names and IDs of the images.", "success", r#"["app:v1"]"#),
        Returned::new(
            "images",
            "What the engine knows of them.",
            "success",
            r#"[{"Id": "sha256:0"}]"#,
        ),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

/// A check run is nothing to modules that cannot tell what they would do.
pub fn unless_checking(module: &str, mode: Mode) -> Guard {
    match mode.check {
        true => Guard::Stay(Box::new(Response {
            skipped: true,
            msg: Some(format!("remote module ({module}) does not support check mode")),
            ..Response::default()
        })),
        false => Guard::Go,
    }
}

impl Action for DockerImageLoad {
    fn guard(&self, _: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        Ok(unless_checking("docker_image_load", mode))
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response { skipped: true, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let shown = self.path.display();
        let what = format!("archive {shown}");
        let loaded = image_archive::take_in(&self.engine, host, &self.path, &what)?;
        if loaded.names.is_empty() {
            return Err(Failure::new(
                "Detected no loaded images. Archive potentially corrupt?".to_owned(),
            )
            .with("stdout", loaded.said));
        }
        let mut images = Vec::new();
        for name in &loaded.names {
            images.extend(self.engine.find(host, &format!("/images/{}/json", escape(name)))?);
        }
        let returned = JsonMap::from_iter([
            ("image_names".to_owned(), loaded.names.into()),
            ("images".to_owned(), images.into()),
            ("stdout".to_owned(), loaded.said.into()),
        ]);
        Ok(Response { changed: true, returned, ..Response::default() })
    }
}
