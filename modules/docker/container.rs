//! The `docker_container` module of the collection `community.docker`.

use std::time::Duration;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Returned,
};
use protocol::{Diff, Json, JsonMap, Response, diff::Side, python, spec::Support};
use serde_json::json;

use super::{
    Engine, at, escape, is_image_id, joined,
    options::{Compared, Options, Wish},
    registry, repository_and_tag,
};

/// How long a container that goes, or gets well, is looked at in vain.
const LOOK: Duration = Duration::from_millis(500);

/// Seconds that a container may take to go where the task does not say.
const REMOVAL_SECS: f64 = 300.0;

/// Keeps a container, made as the task says.
///
/// A container that differs from what the task says is made anew, or changed where the engine can;
/// what the task does not say does not count. `comparisons` says otherwise by argument.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["image"])))]
pub struct DockerContainer {
    /// The container.
    name: String,
    /// `present` is there, `started` runs, `healthy` is well too.
    #[argument(default = "started")]
    state: State,
    /// Its image.
    image: Option<String>,
    /// How arguments are compared: `strict`, `ignore` or `allow_more_present`; `*` means all.
    comparisons: Option<JsonMap>,
    /// How the command and the entry point are read.
    #[argument(default = "correct", choices("compatibility", "correct"))]
    command_handling: String,
    /// What holds for arguments that are left out; `compatibility` is not supported.
    #[argument(default = "no_defaults", choices("compatibility", "no_defaults"))]
    container_default_behavior: String,
    /// Whether it is not waited for.
    detach: Option<bool>,
    /// Whether one that has ended goes, without `detach`.
    #[argument(default = false)]
    cleanup: bool,
    /// Whether what it says is returned too; it is without `detach`.
    #[argument(default = false)]
    output_logs: bool,
    /// Whether it is killed rather than stopped.
    #[argument(default = false, aliases("forcekill"))]
    force_kill: bool,
    /// The signal for that.
    kill_signal: Option<String>,
    /// Seconds that it has to get well; 0 for no end.
    #[argument(default = 300.0)]
    healthy_wait_timeout: f64,
    /// Which image it is compared with.
    #[argument(default = "desired-image", choices("desired-image", "current-image"))]
    image_comparison: String,
    /// What is done where the image has labels that the task does not name.
    #[argument(default = "ignore", choices("ignore", "fail"))]
    image_label_mismatch: String,
    /// What is done with one whose image is the same under another name.
    #[argument(default = "recreate")]
    image_name_mismatch: NameMismatch,
    /// Whether its volumes without names stay when it goes.
    #[argument(default = true)]
    keep_volumes: bool,
    /// Networks that it is on.
    networks: Option<Vec<Network>>,
    /// Whether networks are as Docker's client makes them; false is not supported.
    #[argument(default = true)]
    networks_cli_compatible: bool,
    /// Whether it is paused.
    paused: Option<bool>,
    /// Whether its image is pulled.
    #[argument(default = "missing", choices("never", "missing", "always", true, false))]
    pull: Json,
    /// Whether a check run says that an image that is there would be pulled.
    #[argument(default = "image_not_present", choices("image_not_present", "always"))]
    pull_check_mode_behavior: String,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    recreate: bool,
    /// Whether it is started anew in any case.
    #[argument(default = false)]
    restart: bool,
    /// Seconds that it has to go.
    removal_wait_timeout: Option<f64>,
    #[argument(flatten)]
    options: Options,
    #[argument(flatten)]
    engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Healthy,
    Stopped,
    Started,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum NameMismatch {
    Recreate,
    Ignore,
}

/// A network that a container is on.
#[derive(Debug, Arguments)]
struct Network {
    /// The network.
    name: String,
    /// Its address there.
    ipv4_address: Option<String>,
    /// Its address of IPv6 there.
    ipv6_address: Option<String>,
    /// More names that it has there.
    aliases: Option<Vec<String>>,
    /// Other containers there.
    links: Option<Vec<String>>,
    /// Its hardware address there.
    mac_address: Option<String>,
}

impl Network {
    /// What the engine is told of the container there.
    fn body(&self) -> Json {
        let mut body = json!({});
        if self.ipv4_address.is_some() || self.ipv6_address.is_some() {
            body["IPAMConfig"] = json!({
                "IPv4Address": self.ipv4_address.clone().unwrap_or_default(),
                "IPv6Address": self.ipv6_address.clone().unwrap_or_default(),
            });
        }
        for (name, list) in [("Aliases", &self.aliases), ("Links", &self.links)] {
            if let Some(list) = list {
                body[name] = list.clone().into();
            }
        }
        if let Some(address) = &self.mac_address {
            body["MacAddress"] = address.clone().into();
        }
        body
    }

    /// Whether a container is on it as this says.
    fn fits(&self, found: &Json) -> bool {
        let text = |path: &[&str], wanted: &Option<String>| {
            wanted.as_ref().is_none_or(|wanted| at(found, path).as_str() == Some(wanted))
        };
        let has = |name: &str, wanted: &Option<Vec<String>>| {
            let there = at(found, &[name]).as_array().cloned().unwrap_or_default();
            wanted.iter().flatten().all(|one| there.contains(&Json::from(one.as_str())))
        };
        text(&["IPAMConfig", "IPv4Address"], &self.ipv4_address)
            && text(&["IPAMConfig", "IPv6Address"], &self.ipv6_address)
            && text(&["MacAddress"], &self.mac_address)
            && has("Aliases", &self.aliases)
            && has("Links", &self.links)
    }
}

impl Documented for DockerContainer {
    const NAME: &'static str = "community.docker.docker_container";
    const ALIASES: &'static [&'static str] = &["docker_container"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A web server",
            args: r#"{"name": "web", "image": "nginx:1.27", "published_ports": ["8080:80"], "restart_policy": "unless-stopped", "volumes": ["/srv/www:/usr/share/nginx/html:ro"]}"#,
        },
        Example { title: "No container", args: r#"{"name": "web", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("container", "What the engine knows of it.", "present", r#"{"Id": "0a"}"#),
        Returned::new("status", "How it ended.", "without detach", "0"),
        Returned::new("actions", "What was done.", "check mode or debug", r#"[{"started": "0a"}]"#),
    ];
    const CHECK_MODE: Support = Support::Partial;
}

/// How an argument is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Strict,
    Ignore,
    AllowMorePresent,
}

/// What is to be done with a container.
#[derive(Clone, Debug, Default, PartialEq)]
struct Work {
    pulls: bool,
    /// It is stopped, or killed, on the way.
    stops: bool,
    removes: bool,
    creates: bool,
    /// What is changed in place, by the engine's names.
    updates: JsonMap,
    /// Networks that it is put on, and taken off.
    connects: Vec<usize>,
    disconnects: Vec<String>,
    starts: bool,
    restarts: bool,
    pauses: Option<bool>,
    /// What differs, by arguments.
    differences: Vec<(String, Json, Json)>,
}

/// What is there.
struct Found {
    container: Option<Json>,
    image: Option<Json>,
}

/// A value as it is compared: without what engines write in two ways.
fn normal(option: &str, value: &Json) -> Json {
    match (option, value) {
        ("capabilities" | "cap_drop", Json::String(text)) => {
            let upper = text.to_uppercase();
            upper.strip_prefix("CAP_").unwrap_or(&upper).into()
        }
        ("network_mode", Json::String(text)) if text == "default" => "bridge".into(),
        ("mounts", Json::Object(map)) => {
            // What the engine adds where nothing is said.
            let mut map = map.clone();
            map.retain(|_, value| !value.is_null() && *value != json!({}));
            map.into()
        }
        _ => value.clone(),
    }
}

/// Whether what is fits a wish.
fn fits(wish: &Wish, found: &Json, comparison: Comparison) -> bool {
    let list = |value: &Json| -> Vec<Json> {
        let all = value.as_array().cloned().unwrap_or_default();
        all.iter().map(|one| normal(wish.option, one)).collect()
    };
    let holds = |wanted: &Json, found: &Json| match (wanted, found) {
        // Of things with several aspects, those that are named count.
        (Json::Object(wanted), Json::Object(found)) => {
            wanted.iter().all(|(name, value)| found.get(name) == Some(value))
        }
        (wanted, found) => wanted == found,
    };
    let is_strict = comparison == Comparison::Strict;
    match wish.compared {
        Compared::Value => {
            let (wanted, found) = (normal(wish.option, &wish.value), normal(wish.option, found));
            let is_nothing = |value: &Json| {
                value.is_null()
                    || *value == json!("")
                    || *value == json!(false)
                    || *value == json!(0)
            };
            wanted == found || is_nothing(&wanted) && is_nothing(&found)
        }
        Compared::List => list(&wish.value) == list(found),
        Compared::Set => {
            let (wanted, found) = (list(&wish.value), list(found));
            let has_all = wanted.iter().all(|one| found.iter().any(|other| holds(one, other)));
            has_all
                && (!is_strict || found.iter().all(|one| wanted.iter().any(|it| holds(it, one))))
        }
        Compared::Dict => {
            let empty = JsonMap::new();
            let wanted = wish.value.as_object().unwrap_or(&empty);
            let found = found.as_object().unwrap_or(&empty);
            let has_all = wanted.iter().all(|(name, value)| found.get(name) == Some(value));
            has_all && (!is_strict || found.keys().all(|name| wanted.contains_key(name)))
        }
    }
}

/// Adds what a container has from its image, so that it is no more than what is wanted.
fn add_from_image(wish: &mut Wish, image: &Json) {
    if !matches!(wish.option, "env" | "labels" | "exposed_ports" | "volumes") {
        return;
    }
    match (&mut wish.value, at(at(image, &["Config"]), wish.place)) {
        (Json::Array(wanted), Json::Array(own)) => {
            let name = |line: &Json| -> Option<String> {
                line.as_str()?.split('=').next().map(str::to_owned)
            };
            let added: Vec<Json> = own
                .iter()
                .filter(|line| !wanted.iter().any(|other| name(other) == name(line)))
                .cloned()
                .collect();
            wanted.extend(added);
        }
        (Json::Object(wanted), Json::Object(own)) => {
            for (name, value) in own {
                wanted.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        _ => {}
    }
}

/// Where the engine tells what it is told at a place.
fn told_at<'a>(container: &'a Json, place: &[&str]) -> &'a Json {
    match place.first() {
        Some(&"HostConfig") => at(container, place),
        _ => at(at(container, &["Config"]), place),
    }
}

fn put(body: &mut Json, place: &[&str], value: Json) {
    match place {
        [] => *body = value,
        [first, rest @ ..] => put(&mut body[*first], rest, value),
    }
}

impl DockerContainer {
    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        if self.container_default_behavior == "compatibility" {
            return Err(Failure::new("container_default_behavior=compatibility is not supported"));
        }
        if self.command_handling == "compatibility" {
            return Err(Failure::new("command_handling=compatibility is not supported"));
        }
        if self.output_logs && self.detach != Some(false) {
            return Err(Failure::new("output_logs is not supported but with detach=false"));
        }
        if !self.networks_cli_compatible {
            return Err(Failure::new("networks_cli_compatible=false is not supported"));
        }
        if self.image_label_mismatch == "fail" {
            return Err(Failure::new("image_label_mismatch=fail is not supported"));
        }
        for (name, value) in self.comparisons.iter().flatten() {
            let value = python::text(value);
            let is_known = matches!(value.as_str(), "strict" | "ignore")
                || value == "allow_more_present" && name != "*";
            if !is_known {
                return Err(Failure::new(match name.as_str() {
                    "*" => {
                        "The wildcard can only be used with comparison modes 'strict' and 'ignore'!"
                            .into()
                    }
                    _ => format!("Unknown comparison mode '{value}'!"),
                }));
            }
        }
        Ok(())
    }

    fn comparison(&self, option: &str, compared: Compared) -> Comparison {
        let given = self.comparisons.as_ref();
        let alias = match option {
            "published_ports" => "ports",
            "log_options" => "log_opt",
            "exposed_ports" => "exposed",
            other => other,
        };
        let told = given.and_then(|all| all.get(option).or(all.get(alias)).or(all.get("*")));
        match told.map(python::text).as_deref() {
            Some("ignore") => Comparison::Ignore,
            Some("strict") => Comparison::Strict,
            Some("allow_more_present") => Comparison::AllowMorePresent,
            _ if matches!(compared, Compared::Set | Compared::Dict) => Comparison::AllowMorePresent,
            _ => Comparison::Strict,
        }
    }

    fn path(&self) -> String {
        format!("/containers/{}", escape(&self.name))
    }

    fn image_names(&self) -> Option<(String, String)> {
        let (repository, tag) = repository_and_tag(self.image.as_ref()?);
        Some((repository, tag.unwrap_or_else(|| "latest".into())))
    }

    fn find_image(&self, host: &dyn Host) -> Result<Option<Json>, Failure> {
        let Some(image) = &self.image else { return Ok(None) };
        let full = match (is_image_id(image), self.image_names()) {
            (false, Some((repository, tag))) => joined(&repository, &tag),
            _ => image.clone(),
        };
        self.engine.find(host, &format!("/images/{}/json", escape(&full)))
    }

    fn find(&self, host: &dyn Host) -> Result<Found, Failure> {
        let container = self.engine.find(host, &format!("{}/json", self.path()))?;
        // A name may be the beginning of another's ID.
        let container = container.filter(|found| {
            let name = at(found, &["Name"]).as_str().unwrap_or_default();
            name.trim_start_matches('/') == self.name
                || at(found, &["Id"]).as_str().is_some_and(|id| id.starts_with(&self.name))
        });
        Ok(Found { container, image: self.find_image(host)? })
    }

    fn pulls_always(&self) -> bool {
        self.pull == json!("always") || self.pull == json!(true)
    }

    fn wishes(&self, host: &dyn Host) -> Result<Vec<Wish>, Failure> {
        let mut wishes = self.options.wishes(host)?;
        // As Docker's client has it: the first network is the container's own.
        if let Some(first) = self.networks.as_ref().and_then(|all| all.first())
            && self.options.network_mode.is_none()
        {
            wishes.push(Wish {
                option: "network_mode",
                place: &["HostConfig", "NetworkMode"],
                value: first.name.clone().into(),
                compared: Compared::Value,
                is_update: false,
            });
        }
        Ok(wishes)
    }

    /// What is to be done with what was found.
    fn work(&self, host: &dyn Host, found: &Found) -> Result<Work, Failure> {
        self.refuse_what_cannot_be()?;
        let mut work = Work::default();
        let container = found.container.as_ref();
        let is = |name: &str| {
            container.is_some_and(|one| at(one, &["State", name]).as_bool() == Some(true))
        };
        if self.state == State::Absent {
            work.removes = container.is_some();
            work.stops = is("Running");
            return Ok(work);
        }
        if let Some(image) = &self.image {
            let is_missing = found.image.is_none();
            if is_missing && is_image_id(image) {
                return Err(Failure::new(format!("Cannot find image with ID {image}")));
            }
            if is_missing && self.pull == json!("never") {
                let (repository, tag) = self.image_names().unwrap_or_default();
                return Err(Failure::new(format!(
                    "Cannot find image with name {repository}:{tag}, and pull=never"
                )));
            }
            work.pulls = is_missing || self.pulls_always() && !is_image_id(image);
        }
        let wishes = self.wishes(host)?;
        match container {
            None if self.image.is_none() => {
                return Err(Failure::new("Cannot create container when image is not specified!"));
            }
            None => work.creates = true,
            Some(container) => {
                let image = self.compared_image(host, container, found)?;
                self.compare(container, found, &image, &wishes, &mut work);
            }
        }
        if work.creates && container.is_some() {
            work.removes = true;
            work.stops = is("Running");
        }
        let is_new = work.creates;
        for (place, network) in self.networks.iter().flatten().enumerate() {
            let now = container.filter(|_| !is_new);
            let now = now.map(|one| at(one, &["NetworkSettings", "Networks", &network.name]));
            match now.filter(|now| !now.is_null()) {
                Some(now) if network.fits(now) => {}
                Some(_) => {
                    work.disconnects.push(network.name.clone());
                    work.connects.push(place);
                }
                // The first is there when it is made.
                None if is_new && place == 0 && self.options.network_mode.is_none() => {}
                None => work.connects.push(place),
            }
        }
        if let (Some(container), false) = (container, is_new)
            && let Some(networks) = &self.networks
            && self.comparison("networks", Compared::Set) == Comparison::Strict
        {
            let there = at(container, &["NetworkSettings", "Networks"]).as_object();
            let others = there.into_iter().flatten().map(|(name, _)| name);
            let others = others.filter(|name| !networks.iter().any(|one| one.name == **name));
            work.disconnects.extend(others.cloned());
        }
        let runs = is("Running") && !is_new;
        match self.state {
            State::Started | State::Healthy => {
                work.starts = !runs;
                work.restarts = runs && self.restart;
                let is_paused = is("Paused") && !is_new;
                work.pauses = self.paused.filter(|paused| *paused != is_paused);
            }
            State::Stopped => work.stops |= runs,
            _ => {}
        }
        Ok(work)
    }

    /// The image whose own settings a container has besides those of the task.
    fn compared_image(
        &self,
        host: &dyn Host,
        container: &Json,
        found: &Found,
    ) -> Result<Json, Failure> {
        if let Some(image) =
            found.image.as_ref().filter(|_| self.image_comparison != "current-image")
        {
            return Ok(image.clone());
        }
        let id = at(container, &["Image"]).as_str().unwrap_or_default();
        Ok(self.engine.find(host, &format!("/images/{}/json", escape(id)))?.unwrap_or_default())
    }

    fn compare(
        &self,
        container: &Json,
        found: &Found,
        image: &Json,
        wishes: &[Wish],
        work: &mut Work,
    ) {
        for wish in wishes {
            let comparison = self.comparison(wish.option, wish.compared);
            let mut wish = wish.clone();
            if comparison == Comparison::Strict {
                add_from_image(&mut wish, image);
            }
            let now = told_at(container, wish.place);
            if comparison == Comparison::Ignore || fits(&wish, now, comparison) {
                continue;
            }
            work.differences.push((wish.option.into(), wish.value.clone(), now.clone()));
            match (wish.is_update, wish.place.last()) {
                (true, Some(name)) => {
                    work.updates.insert((*name).to_owned(), wish.value.clone());
                }
                _ => work.creates = true,
            }
        }
        if self.comparison("image", Compared::Value) == Comparison::Strict {
            let id = found.image.as_ref().and_then(|image| image.get("Id"));
            let used = container.get("Image");
            if id.is_some() && id != used {
                work.differences.push(("image".into(), id.cloned().into(), used.cloned().into()));
                work.creates = true;
            }
            let name = at(container, &["Config", "Image"]).as_str();
            if self.image_name_mismatch == NameMismatch::Recreate
                && let Some(image) = self.image.as_deref()
                && Some(image) != name
            {
                work.differences.push(("image_name".into(), image.into(), name.into()));
                work.creates = true;
            }
        }
        work.creates |= self.recreate;
        if work.creates {
            work.updates.clear();
        }
    }

    fn changes(work: &Work) -> bool {
        Work { pulls: false, differences: Vec::new(), ..work.clone() } != Work::default()
    }

    fn actions(&self, work: &Work, id: &str) -> Json {
        let mut actions = Vec::new();
        if work.pulls {
            let (repository, tag) = self.image_names().unwrap_or_default();
            actions.push(json!({"pulled_image": format!("{repository}:{tag}")}));
        }
        if work.stops {
            let verb = if self.force_kill { "killed" } else { "stopped" };
            actions.push(json!({verb: id, "timeout": self.options.stop_timeout}));
        }
        if work.removes {
            actions.push(json!({"removed": id, "volume_state": !self.keep_volumes}));
        }
        if work.creates {
            actions.push(
                json!({"created": "Created container", "create_parameters": {"name": self.name}}),
            );
        }
        if !work.updates.is_empty() {
            actions.push(json!({"updated": id, "update_parameters": work.updates}));
        }
        for name in &work.disconnects {
            actions.push(json!({"removed_from_network": name}));
        }
        for name in self.connected(work) {
            actions.push(json!({"added_to_network": name}));
        }
        if work.starts {
            actions.push(json!({"started": id}));
        }
        if work.restarts {
            actions.push(json!({"restarted": id, "timeout": self.options.stop_timeout}));
        }
        if let Some(paused) = work.pauses {
            actions.push(json!({"set_paused": paused}));
        }
        actions.into()
    }

    fn connected(&self, work: &Work) -> Vec<String> {
        let networks = self.networks.as_deref().unwrap_or_default();
        work.connects.iter().filter_map(|at| Some(networks.get(*at)?.name.clone())).collect()
    }

    fn answer(&self, work: &Work, found: &Found, now: Option<Json>, tells: bool) -> Response {
        let id = found.container.as_ref().map(|one| python::text(at(one, &["Id"])));
        let mut returned = JsonMap::new();
        if let Some(now) = now.filter(|_| self.state != State::Absent) {
            returned.insert("container".into(), now);
        }
        if tells || self.engine.debug {
            returned.insert("actions".into(), self.actions(work, &id.clone().unwrap_or_default()));
        }
        let mut before = JsonMap::from_iter([("exists".to_owned(), id.is_some().into())]);
        let mut after =
            JsonMap::from_iter([("exists".to_owned(), (self.state != State::Absent).into())]);
        for (option, wanted, had) in &work.differences {
            before.insert(option.clone(), had.clone());
            after.insert(option.clone(), wanted.clone());
        }
        if work.starts || work.stops {
            before.insert("running".into(), work.stops.into());
            after.insert("running".into(), work.starts.into());
        }
        let changed = Self::changes(work);
        let diff = Diff {
            before: Side::State(before.into()),
            after: Side::State(after.into()),
            ..Diff::default()
        };
        let diff = if changed { vec![diff] } else { Vec::new() };
        Response { changed, returned, diff, ..Response::default() }
    }

    fn create(&self, host: &dyn Host, wishes: &[Wish], image: &str) -> Result<(), Failure> {
        let mut body = json!({"Image": image, "HostConfig": {}});
        for wish in wishes {
            put(&mut body, wish.place, wish.value.clone());
        }
        if let Some(first) = self.networks.as_ref().and_then(|all| all.first())
            && self.options.network_mode.is_none()
        {
            body["NetworkingConfig"] = json!({"EndpointsConfig": {&first.name: first.body()}});
        }
        let mut path = format!("/containers/create?name={}", escape(&self.name));
        if let Some(platform) = &self.options.platform {
            path.push_str(&format!("&platform={}", escape(platform)));
        }
        self.engine.post(host, &path, &body)?;
        Ok(())
    }

    fn order(&self, host: &dyn Host, what: &str) -> Result<Json, Failure> {
        let path = format!("{}/{what}", self.path());
        self.engine.ask(host, "POST", &path, None, &[])?.must_succeed()
    }

    fn stop(&self, host: &dyn Host) -> Result<(), Failure> {
        let what = match (self.force_kill, &self.kill_signal, self.options.stop_timeout) {
            (true, Some(signal), _) => format!("kill?signal={}", escape(signal)),
            (true, None, _) => "kill".into(),
            (false, _, Some(secs)) => format!("stop?t={secs}"),
            (false, _, None) => "stop".into(),
        };
        // A container that is paused does not hear it.
        let state = self.engine.find(host, &format!("{}/json", self.path()))?.unwrap_or_default();
        if at(&state, &["State", "Paused"]).as_bool() == Some(true) {
            self.order(host, "unpause")?;
        }
        self.order(host, &what).map(|_| ())
    }

    fn remove(&self, host: &dyn Host) -> Result<(), Failure> {
        let volumes = u8::from(!self.keep_volumes);
        self.engine.delete(host, &format!("{}?v={volumes}", self.path()))?;
        let limit = Duration::from_secs_f64(
            self.removal_wait_timeout.unwrap_or(REMOVAL_SECS).clamp(0.0, 86_400.0),
        );
        let mut waited = Duration::ZERO;
        while self.find(host)?.container.is_some() {
            if waited >= limit {
                return Err(Failure::new(format!("the container {} does not go", self.name)));
            }
            host.pause(LOOK)?;
            waited += LOOK;
        }
        Ok(())
    }

    /// Waits until the container is well.
    fn wait_until_healthy(&self, host: &dyn Host) -> Result<(), Failure> {
        let limit = (self.healthy_wait_timeout > 0.0)
            .then(|| Duration::from_secs_f64(self.healthy_wait_timeout.min(1e9)));
        let mut waited = Duration::ZERO;
        loop {
            let now = self.find(host)?.container.unwrap_or_default();
            match at(&now, &["State", "Health", "Status"]).as_str() {
                // One that nobody looks at is well.
                None | Some("healthy" | "none" | "") => return Ok(()),
                _ if limit.is_some_and(|limit| waited >= limit) => {
                    return Err(Failure::new(format!(
                        "Timeout of {} seconds exceeded while waiting for container \"{}\"",
                        self.healthy_wait_timeout, self.name
                    ))
                    .with("container", now));
                }
                _ => {}
            }
            host.pause(LOOK)?;
            waited += LOOK;
        }
    }

    /// Waits until a container that is not left alone has ended.
    fn wait_for_end(&self, host: &dyn Host, response: &mut Response) -> Result<(), Failure> {
        let said = self.order(host, "wait")?;
        let status = at(&said, &["StatusCode"]).as_i64().unwrap_or_default();
        let path = format!("{}/logs?stdout=1&stderr=1", self.path());
        let output = self.engine.text(host, &path)?;
        response.returned.insert("status".into(), status.into());
        if let Some(Json::Object(container)) = response.returned.get_mut("container") {
            container.insert("Output".into(), output.clone().into());
        }
        if self.cleanup {
            self.remove(host)?;
        }
        if status != 0 {
            response.failed = true;
            response.msg = Some(output);
        }
        Ok(())
    }
}

impl Action for DockerContainer {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        let found = self.find(host)?;
        let work = self.work(host, &found)?;
        if Self::changes(&work) || work.pulls && !mode.check || self.state == State::Healthy {
            return Ok(Guard::Go);
        }
        let now = found.container.clone();
        let mut answer = self.answer(&work, &found, now, mode.check);
        answer.changed |= work.pulls && self.pull_check_mode_behavior == "always";
        Ok(Guard::Stay(Box::new(answer)))
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.find(host)?;
        let work = self.work(host, &found)?;
        let now = found.container.clone();
        Ok(self.answer(&work, &found, now, true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut found = self.find(host)?;
        let mut work = self.work(host, &found)?;
        if work.pulls {
            let before = found.image.as_ref().and_then(|image| image.get("Id").cloned());
            let (repository, tag) = self.image_names().unwrap_or_default();
            let platform = self.options.platform.as_deref();
            registry::pull(&self.engine, host, &repository, &tag, platform)?;
            found.image = self.find_image(host)?;
            let after = found.image.as_ref().and_then(|image| image.get("Id").cloned());
            // Another image under the name makes the container another too.
            work = self.work(host, &found)?;
            work.pulls = before != after;
        }
        let image = match (&self.image, &found.container) {
            (Some(image), _) => image.clone(),
            (None, Some(container)) => python::text(at(container, &["Image"])),
            (None, None) => String::new(),
        };
        if work.stops {
            self.stop(host)?;
        }
        if work.removes {
            self.remove(host)?;
        }
        if work.creates {
            self.create(host, &self.wishes(host)?, &image)?;
        }
        if !work.updates.is_empty() {
            let body = Json::from(work.updates.clone());
            self.engine.post(host, &format!("{}/update", self.path()), &body)?;
        }
        for name in &work.disconnects {
            let path = format!("/networks/{}/disconnect", escape(name));
            self.engine.post(host, &path, &json!({"Container": self.name}))?;
        }
        for at in &work.connects {
            let Some(network) = self.networks.as_ref().and_then(|all| all.get(*at)) else {
                continue;
            };
            let path = format!("/networks/{}/connect", escape(&network.name));
            let body = json!({"Container": self.name, "EndpointConfig": network.body()});
            self.engine.post(host, &path, &body)?;
        }
        if work.starts {
            self.order(host, "start")?;
        }
        if work.restarts {
            let secs = self.options.stop_timeout.map(|secs| format!("?t={secs}"));
            self.order(host, &format!("restart{}", secs.unwrap_or_default()))?;
        }
        if let Some(paused) = work.pauses {
            self.order(host, if paused { "pause" } else { "unpause" })?;
        }
        if self.state == State::Healthy {
            self.wait_until_healthy(host)?;
        }
        let now = self.find(host)?.container;
        let mut response = self.answer(&work, &found, now, false);
        response.changed |= work.pulls;
        if work.starts && self.detach == Some(false) {
            self.wait_for_end(host, &mut response)?;
        }
        Ok(response)
    }
}
