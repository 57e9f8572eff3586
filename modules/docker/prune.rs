//! The `docker_prune` module of the collection `community.docker`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Json, JsonMap, Response, spec::Support};

use super::{Engine, at, facts::filters};

/// Has the engine forget what nobody uses.
#[derive(Debug, Arguments)]
pub struct DockerPrune {
    /// Whether containers that do not run go.
    #[argument(default = false)]
    containers: bool,
    /// Which of them.
    containers_filters: Option<JsonMap>,
    /// Whether images go.
    #[argument(default = false)]
    images: bool,
    /// Which of them; `dangling: false` means those with names too.
    images_filters: Option<JsonMap>,
    /// Whether networks go.
    #[argument(default = false)]
    networks: bool,
    /// Which of them.
    networks_filters: Option<JsonMap>,
    /// Whether volumes go.
    #[argument(default = false)]
    volumes: bool,
    /// Which of them.
    volumes_filters: Option<JsonMap>,
    /// Whether what builds have kept goes.
    #[argument(default = false)]
    builder_cache: bool,
    /// Whether all of it does.
    #[argument(default = false)]
    builder_cache_all: bool,
    /// Which of it.
    builder_cache_filters: Option<JsonMap>,
    /// How much of it stays; not supported.
    builder_cache_keep_storage: Option<String>,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerPrune {
    const NAME: &'static str = "community.docker.docker_prune";
    const ALIASES: &'static [&'static str] = &["docker_prune"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Containers and images",
        args: r#"{"containers": true, "images": true}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("containers", "Those that went.", "with containers", r#"["0a"]"#),
        Returned::new("images", "Those that went.", "with images", r#"[{"Deleted": "sha256:0"}]"#),
        Returned::new("networks", "Those that went.", "with networks", r#"["web"]"#),
        Returned::new("volumes", "Those that went.", "with volumes", r#"["db"]"#),
        Returned::new("builder_cache_space_reclaimed", "Bytes.", "with builder_cache", "0"),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

impl Action for DockerPrune {
    fn guard(&self, _: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        if self.builder_cache_keep_storage.is_some() {
            return Err(Failure::new("builder_cache_keep_storage is not supported"));
        }
        match mode.check {
            true => Ok(Guard::Stay(Box::new(Response {
                skipped: true,
                msg: Some("remote module (docker_prune) does not support check mode".into()),
                ..Response::default()
            }))),
            false => Ok(Guard::Go),
        }
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response { skipped: true, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut response = Response::default();
        let kinds = [
            (self.containers, "containers", "ContainersDeleted", &self.containers_filters),
            (self.images, "images", "ImagesDeleted", &self.images_filters),
            (self.networks, "networks", "NetworksDeleted", &self.networks_filters),
            (self.volumes, "volumes", "VolumesDeleted", &self.volumes_filters),
        ];
        for (is_wanted, name, key, wanted) in kinds {
            if !is_wanted {
                continue;
            }
            let path = format!("/{name}/prune?filters={}", filters(wanted.as_ref()));
            let said = self.engine.ask(host, "POST", &path, None, &[])?.must_succeed()?;
            let gone = at(&said, &[key]).as_array().cloned().unwrap_or_default();
            response.changed |= !gone.is_empty();
            response.returned.insert(name.into(), gone.into());
            if name != "networks" {
                let bytes = at(&said, &["SpaceReclaimed"]).as_u64().unwrap_or_default();
                response.changed |= bytes > 0;
                response.returned.insert(format!("{name}_space_reclaimed"), bytes.into());
            }
        }
        if self.builder_cache {
            let path = format!(
                "/build/prune?all={}&filters={}",
                self.builder_cache_all,
                filters(self.builder_cache_filters.as_ref())
            );
            let said = self.engine.ask(host, "POST", &path, None, &[])?.must_succeed()?;
            let bytes = at(&said, &["SpaceReclaimed"]).as_u64().unwrap_or_default();
            let gone = at(&said, &["CachesDeleted"]).as_array().cloned().unwrap_or_default();
            response.changed |= bytes > 0 || !gone.is_empty();
            response.returned.insert("builder_cache_space_reclaimed".into(), bytes.into());
            response.returned.insert("builder_cache_caches_deleted".into(), Json::from(gone));
        }
        Ok(response)
    }
}
