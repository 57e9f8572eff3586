//! The modules of the collection `community.docker` that only read.

use module::{Arguments, Documented, Example, Fact, Failure, Host, Returned};
use protocol::{Json, JsonMap, Response, python, spec::Support};

use super::{Engine, escape, is_image_id, joined, repository_and_tag};

fn response(values: impl IntoIterator<Item = (&'static str, Json)>) -> Response {
    let returned = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Response { returned, ..Response::default() }
}

/// Reads what the engine knows of a container.
#[derive(Debug, Arguments)]
pub struct DockerContainerInfo {
    /// The container, or its ID.
    name: String,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerContainerInfo {
    const NAME: &'static str = "community.docker.docker_container_info";
    const ALIASES: &'static [&'static str] = &["docker_container_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Whether it runs", args: r#"{"name": "web"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("exists", "Whether it is there.", "always", "true"),
        Returned::new("container", "What the engine knows of it.", "always", r#"{"Id": "0a"}"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for DockerContainerInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.engine.find(host, &format!("/containers/{}/json", escape(&self.name)))?;
        Ok(response([("exists", found.is_some().into()), ("container", found.into())]))
    }
}

/// Reads what the engine knows of a network.
#[derive(Debug, Arguments)]
pub struct DockerNetworkInfo {
    /// The network, or its ID.
    name: String,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerNetworkInfo {
    const NAME: &'static str = "community.docker.docker_network_info";
    const ALIASES: &'static [&'static str] = &["docker_network_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Its addresses", args: r#"{"name": "web"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("exists", "Whether it is there.", "always", "true"),
        Returned::new("network", "What the engine knows of it.", "always", r#"{"Id": "0a"}"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for DockerNetworkInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.engine.find(host, &format!("/networks/{}", escape(&self.name)))?;
        Ok(response([("exists", found.is_some().into()), ("network", found.into())]))
    }
}

/// Reads what the engine knows of a volume.
#[derive(Debug, Arguments)]
pub struct DockerVolumeInfo {
    /// The volume.
    #[argument(aliases("volume_name"))]
    name: String,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerVolumeInfo {
    const NAME: &'static str = "community.docker.docker_volume_info";
    const ALIASES: &'static [&'static str] = &["docker_volume_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Where it is", args: r#"{"name": "db"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("exists", "Whether it is there.", "always", "true"),
        Returned::new("volume", "What the engine knows of it.", "always", r#"{"Name": "db"}"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for DockerVolumeInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.engine.find(host, &format!("/volumes/{}", escape(&self.name)))?;
        Ok(response([("exists", found.is_some().into()), ("volume", found.into())]))
    }
}

/// Reads what the engine knows of images.
#[derive(Debug, Arguments)]
pub struct DockerImageInfo {
    /// The images; all there are where it is left out.
    name: Option<Vec<String>>,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerImageInfo {
    const NAME: &'static str = "community.docker.docker_image_info";
    const ALIASES: &'static [&'static str] = &["docker_image_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "Two images", args: r#"{"name": ["debian:12", "app"]}"# }];
    const RETURNS: &'static [Returned] =
        &[Returned::new("images", "Those that are there.", "always", r#"[{"Id": "sha256:0"}]"#)];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for DockerImageInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let names = match &self.name {
            Some(names) => names.clone(),
            None => {
                let all = self.engine.get(host, "/images/json")?;
                let all = all.as_array().into_iter().flatten();
                all.filter_map(|one| Some(one.get("Id")?.as_str()?.to_owned())).collect()
            }
        };
        let mut images = Vec::new();
        for name in names {
            let full = match is_image_id(&name) {
                true => name,
                false => {
                    let (repository, tag) = repository_and_tag(&name);
                    joined(&repository, &tag.unwrap_or_else(|| "latest".into()))
                }
            };
            images.extend(self.engine.find(host, &format!("/images/{}/json", escape(&full)))?);
        }
        Ok(response([("images", images.into())]))
    }
}

/// Reads what the engine knows of itself and of all that it keeps.
#[derive(Debug, Arguments)]
pub struct DockerHostInfo {
    /// Whether running containers are listed.
    #[argument(default = false)]
    containers: bool,
    /// Whether those that do not run are listed too.
    #[argument(default = false)]
    containers_all: bool,
    /// Which of them.
    containers_filters: Option<JsonMap>,
    /// Whether images are listed.
    #[argument(default = false)]
    images: bool,
    /// Which of them.
    images_filters: Option<JsonMap>,
    /// Whether networks are listed.
    #[argument(default = false)]
    networks: bool,
    /// Which of them.
    networks_filters: Option<JsonMap>,
    /// Whether volumes are listed.
    #[argument(default = false)]
    volumes: bool,
    /// Which of them.
    volumes_filters: Option<JsonMap>,
    /// Whether the use of the disk is told.
    #[argument(default = false)]
    disk_usage: bool,
    /// Whether all that is known of each is told.
    #[argument(default = false)]
    verbose_output: bool,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerHostInfo {
    const NAME: &'static str = "community.docker.docker_host_info";
    const ALIASES: &'static [&'static str] = &["docker_host_info"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "The engine and its containers", args: r#"{"containers": true}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("can_talk_to_docker", "Whether it answers.", "always", "true"),
        Returned::new("host_info", "What it knows of itself.", "always", r#"{"Containers": 3}"#),
        Returned::new("containers", "Containers.", "with containers", r#"[{"Id": "0a"}]"#),
        Returned::new("images", "Images.", "with images", r#"[{"Id": "sha256:0"}]"#),
        Returned::new("networks", "Networks.", "with networks", r#"[{"Name": "web"}]"#),
        Returned::new("volumes", "Volumes.", "with volumes", r#"[{"Name": "db"}]"#),
        Returned::new("disk_usage", "Use of the disk.", "with disk_usage", r#"{"LayersSize": 0}"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What is told of each thing where not all is wanted.
const CONTAINER: &[&str] = &["Id", "Image", "Command", "Created", "Status", "Ports", "Names"];
const IMAGE: &[&str] = &["Id", "RepoTags", "Created", "Size"];
const NETWORK: &[&str] = &["Id", "Driver", "Name", "Scope"];
const VOLUME: &[&str] = &["Driver", "Name"];

/// Filters as the engine takes them.
pub fn filters(map: Option<&JsonMap>) -> String {
    let lists: JsonMap = map
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = |value: &Json| match value {
                Json::Bool(flag) => Json::from(flag.to_string()),
                other => Json::from(python::text(other)),
            };
            let list: Vec<Json> = match value {
                Json::Array(all) => all.iter().map(text).collect(),
                other => vec![text(other)],
            };
            (name.clone(), list.into())
        })
        .collect();
    escape(&Json::from(lists).to_string())
}

impl DockerHostInfo {
    fn list(
        &self,
        host: &dyn Host,
        path: &str,
        wanted: Option<&JsonMap>,
        fields: &[&str],
    ) -> Result<Json, Failure> {
        let between = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{between}filters={}", filters(wanted));
        let mut all = self.engine.get(host, &path)?;
        if let Some(volumes) = all.get_mut("Volumes") {
            all = volumes.take();
        }
        let all = all.as_array().cloned().unwrap_or_default();
        if self.verbose_output {
            return Ok(all.into());
        }
        let short = all.into_iter().map(|one| -> Json {
            let kept =
                fields.iter().filter_map(|name| Some(((*name).to_owned(), one.get(name)?.clone())));
            kept.collect::<JsonMap>().into()
        });
        Ok(short.collect::<Vec<_>>().into())
    }
}

impl Fact for DockerHostInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let host_info = self.engine.get(host, "/info").map_err(|failure| {
            Failure { msg: failure.msg, ..failure }.with("can_talk_to_docker", false)
        })?;
        let mut told = vec![("can_talk_to_docker", Json::Bool(true)), ("host_info", host_info)];
        if self.containers {
            let path = format!("/containers/json?all={}", u8::from(self.containers_all));
            let wanted = self.containers_filters.as_ref();
            told.push(("containers", self.list(host, &path, wanted, CONTAINER)?));
        }
        if self.images {
            told.push((
                "images",
                self.list(host, "/images/json", self.images_filters.as_ref(), IMAGE)?,
            ));
        }
        if self.networks {
            let wanted = self.networks_filters.as_ref();
            told.push(("networks", self.list(host, "/networks", wanted, NETWORK)?));
        }
        if self.volumes {
            let wanted = self.volumes_filters.as_ref();
            told.push(("volumes", self.list(host, "/volumes", wanted, VOLUME)?));
        }
        if self.disk_usage {
            let mut usage = self.engine.get(host, "/system/df")?;
            if !self.verbose_output {
                let size = usage.get("LayersSize").cloned().unwrap_or_default();
                usage = serde_json::json!({"LayersSize": size});
            }
            told.push(("disk_usage", usage));
        }
        Ok(response(told))
    }
}
