//! The `docker_network` module of the collection `community.docker`.

use std::net::IpAddr;

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Diff, Json, JsonMap, Response, diff::Side};
use serde_json::json;

use super::{Engine, at, escape, labels, texts};
use crate::presence::Presence;

/// Keeps a network of the engine's, and which containers are on it.
#[derive(Debug, Arguments)]
pub struct DockerNetwork {
    /// The network.
    #[argument(aliases("network_name"))]
    name: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Containers that are on it.
    #[argument(aliases("containers"))]
    connected: Option<Vec<String>>,
    /// Whether others stay on it.
    #[argument(default = false, aliases("incremental"))]
    appends: bool,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// Who keeps it.
    #[argument(default = "bridge")]
    driver: String,
    /// What that is told.
    driver_options: Option<JsonMap>,
    /// Who gives addresses.
    ipam_driver: Option<String>,
    /// What that is told.
    ipam_driver_options: Option<JsonMap>,
    /// Which addresses.
    ipam_config: Option<Vec<Pool>>,
    /// Whether it has addresses of IPv4.
    enable_ipv4: Option<bool>,
    /// Whether it has addresses of IPv6.
    enable_ipv6: Option<bool>,
    /// Whether it leads nowhere else.
    internal: Option<bool>,
    /// How far it reaches.
    #[argument(choices("local", "global", "swarm"))]
    scope: Option<String>,
    /// Whether containers outside of services may be on it.
    attachable: Option<bool>,
    /// Whether it is the one for what comes into a swarm.
    ingress: Option<bool>,
    /// Whether it is a configuration for others alone.
    config_only: Option<bool>,
    /// The network whose configuration it has.
    config_from: Option<String>,
    /// What is said of it.
    labels: Option<JsonMap>,
    #[argument(flatten)]
    engine: Engine,
}

/// Addresses that are given.
#[derive(Debug, Arguments)]
struct Pool {
    /// All of them, as a network: `172.3.27.0/24`.
    subnet: Option<String>,
    /// Those that are given.
    iprange: Option<String>,
    /// The way out.
    gateway: Option<String>,
    /// Addresses of others, by their names.
    aux_addresses: Option<JsonMap>,
}

impl Documented for DockerNetwork {
    const NAME: &'static str = "community.docker.docker_network";
    const ALIASES: &'static [&'static str] = &["docker_network"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A network with its own addresses",
            args: r#"{"name": "web", "ipam_config": [{"subnet": "172.23.27.0/24"}]}"#,
        },
        Example { title: "No network", args: r#"{"name": "web", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "network",
        "What the engine knows of it.",
        "present",
        r#"{"Name": "web"}"#,
    )];
}

/// An address or a network, written as the engine writes it.
fn normal(text: &str) -> String {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, bits.parse::<u32>().ok()),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return text.to_lowercase() };
    match (address, bits) {
        (address, None) => address.to_string(),
        (IpAddr::V4(address), Some(bits)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            format!("{}/{bits}", IpAddr::from((u32::from(address) & mask).to_be_bytes()))
        }
        (IpAddr::V6(address), Some(bits)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            format!("{}/{bits}", IpAddr::from((u128::from(address) & mask).to_be_bytes()))
        }
        _ => text.to_owned(),
    }
}

impl Pool {
    fn check(&self) -> Result<(), Failure> {
        let Some(subnet) = &self.subnet else { return Ok(()) };
        let is_network = subnet.split_once('/').is_some_and(|(address, bits)| {
            address.parse::<IpAddr>().is_ok() && bits.parse::<u8>().is_ok_and(|bits| bits <= 128)
        });
        match is_network {
            true => Ok(()),
            false => Err(Failure::new(format!("\"{subnet}\" is not a valid CIDR"))),
        }
    }

    fn body(&self) -> Json {
        json!({
            "Subnet": self.subnet, "IPRange": self.iprange, "Gateway": self.gateway,
            "AuxiliaryAddresses": self.aux_addresses,
        })
    }

    /// Whether one of the pools that are there is as this says.
    fn is_in(&self, pools: &[Json]) -> bool {
        let same = |wanted: &Option<String>, found: &Json| match wanted {
            None => true,
            Some(wanted) => found.as_str().is_some_and(|found| normal(found) == normal(wanted)),
        };
        pools.iter().any(|pool| {
            same(&self.subnet, at(pool, &["Subnet"]))
                && same(&self.iprange, at(pool, &["IPRange"]))
                && same(&self.gateway, at(pool, &["Gateway"]))
                && self.aux_addresses.iter().flatten().all(|(name, address)| {
                    let address = address.as_str().map(str::to_owned);
                    same(&address, at(pool, &["AuxiliaryAddresses", name]))
                })
        })
    }
}

/// Names of the containers on a network.
fn members(network: &Json) -> Vec<String> {
    let all = at(network, &["Containers"]).as_object();
    let names = all.into_iter().flatten();
    names.filter_map(|(_, one)| Some(at(one, &["Name"]).as_str()?.to_owned())).collect()
}

/// What is to be done.
#[derive(Debug, Default)]
struct Work {
    removes: bool,
    creates: bool,
    connects: Vec<String>,
    disconnects: Vec<String>,
}

impl Work {
    fn is_none(&self) -> bool {
        !self.removes && !self.creates && self.connects.is_empty() && self.disconnects.is_empty()
    }
}

impl DockerNetwork {
    fn path(&self) -> String {
        format!("/networks/{}", escape(&self.name))
    }

    fn find(&self, host: &dyn Host) -> Result<Option<Json>, Failure> {
        // The engine finds networks by the beginnings of their IDs too.
        let found = self.engine.find(host, &self.path())?;
        Ok(found.filter(|found| at(found, &["Name"]) == &Json::from(self.name.as_str())))
    }

    fn differs(&self, found: &Json) -> Result<bool, Failure> {
        let flag = |wanted: Option<bool>, place: &str, default: bool| {
            wanted.is_some_and(|wanted| at(found, &[place]).as_bool().unwrap_or(default) != wanted)
        };
        let lacks = |wanted: Option<JsonMap>, place: &str| {
            wanted.into_iter().flatten().any(|(name, value)| at(found, &[place, &name]) != &value)
        };
        let text = |path: &[&str]| at(found, path).as_str().unwrap_or_default().to_owned();
        let wanted = self.labels.as_ref().map(|all| labels(all, "labels")).transpose()?;
        let pools = at(found, &["IPAM", "Config"]).as_array().cloned().unwrap_or_default();
        let ipam_options = at(found, &["IPAM", "Options"]).as_object().cloned();
        Ok(self.driver != text(&["Driver"])
            || lacks(self.driver_options.as_ref().map(texts), "Options")
            || lacks(wanted, "Labels")
            || self.ipam_driver.as_ref().is_some_and(|one| *one != text(&["IPAM", "Driver"]))
            || self
                .ipam_driver_options
                .as_ref()
                .is_some_and(|all| texts(all) != ipam_options.unwrap_or_default())
            || self.ipam_config.iter().flatten().any(|pool| !pool.is_in(&pools))
            || flag(self.enable_ipv4, "EnableIPv4", true)
            || flag(self.enable_ipv6, "EnableIPv6", false)
            || flag(self.internal, "Internal", false)
            || flag(self.attachable, "Attachable", false)
            || flag(self.ingress, "Ingress", false)
            || flag(self.config_only, "ConfigOnly", false)
            || self.scope.as_ref().is_some_and(|scope| *scope != text(&["Scope"]))
            || self
                .config_from
                .as_ref()
                .is_some_and(|other| *other != text(&["ConfigFrom", "Network"])))
    }

    fn work(&self, host: &dyn Host, found: Option<&Json>) -> Result<Work, Failure> {
        for pool in self.ipam_config.iter().flatten() {
            pool.check()?;
        }
        let on_it = found.map(members).unwrap_or_default();
        if !self.state.is_present() {
            let is_there = found.is_some();
            return Ok(Work { removes: is_there, disconnects: on_it, ..Work::default() });
        }
        let is_anew = match found {
            Some(found) => self.force || self.differs(found)?,
            None => false,
        };
        // Those that are on it stay, where the task names none.
        let named = self.connected.as_ref().filter(|all| !all.is_empty());
        let wanted = named.cloned().unwrap_or_else(|| on_it.clone());
        let mut connects = Vec::new();
        for name in wanted.iter().filter(|name| is_anew || !on_it.contains(name)) {
            let path = format!("/containers/{}/json", escape(name));
            if self.engine.find(host, &path)?.is_some() {
                connects.push(name.clone());
            }
        }
        let leaves = |name: &&String| is_anew || (!self.appends && !wanted.contains(name));
        Ok(Work {
            removes: is_anew,
            creates: is_anew || found.is_none(),
            connects,
            disconnects: on_it.iter().filter(leaves).cloned().collect(),
        })
    }

    fn body(&self) -> Result<Json, Failure> {
        let mut body = json!({"Name": self.name, "Driver": self.driver, "CheckDuplicate": true});
        let mut put = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        put("Options", self.driver_options.as_ref().map(|all| texts(all).into()));
        put("ConfigOnly", self.config_only.map(Json::from));
        put("ConfigFrom", self.config_from.as_ref().map(|name| json!({"Network": name})));
        put("EnableIPv4", self.enable_ipv4.map(Json::from));
        put("EnableIPv6", self.enable_ipv6.map(Json::from));
        put("Internal", self.internal.map(Json::from));
        put("Scope", self.scope.clone().map(Json::from));
        put("Attachable", self.attachable.map(Json::from));
        put("Ingress", self.ingress.map(Json::from));
        if let Some(all) = &self.labels {
            put("Labels", Some(labels(all, "labels")?.into()));
        }
        let pools: Vec<Json> = self.ipam_config.iter().flatten().map(Pool::body).collect();
        let has_ipam =
            self.ipam_driver.is_some() || self.ipam_driver_options.is_some() || !pools.is_empty();
        if has_ipam {
            put(
                "IPAM",
                Some(json!({
                    "Driver": self.ipam_driver, "Config": pools,
                    "Options": self.ipam_driver_options.as_ref().map(texts),
                })),
            );
        }
        Ok(body)
    }

    fn answer(&self, work: &Work, had: bool, network: Option<&Json>, tells: bool) -> Response {
        let mut actions = Vec::new();
        let all = |verb: &str, names: &[String]| -> Vec<String> {
            names.iter().map(|name| format!("{verb} container {name}")).collect()
        };
        actions.extend(all("Disconnected", &work.disconnects));
        if work.removes {
            actions.push(format!("Removed network {}", self.name));
        }
        if work.creates {
            actions.push(format!("Created network {} with driver {}", self.name, self.driver));
        }
        actions.extend(all("Connected", &work.connects));
        let mut returned = JsonMap::new();
        if self.state.is_present() {
            returned.insert("network".into(), network.cloned().into());
        }
        if tells || self.engine.debug {
            returned.insert("actions".into(), actions.into());
        }
        let mut response = Response { changed: !work.is_none(), returned, ..Response::default() };
        if response.changed {
            let side = |exists: bool, names: &[String]| {
                Side::State(json!({"exists": exists, "connected": names}))
            };
            response.diff = vec![Diff {
                before: side(had, &work.disconnects),
                after: side(self.state.is_present(), &work.connects),
                ..Diff::default()
            }];
        }
        response
    }
}

impl Action for DockerNetwork {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        let found = self.find(host)?;
        let work = self.work(host, found.as_ref())?;
        if !work.is_none() {
            return Ok(Guard::Go);
        }
        let answer = self.answer(&work, found.is_some(), found.as_ref(), mode.check);
        Ok(Guard::Stay(Box::new(answer)))
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let found = self.find(host)?;
        let work = self.work(host, found.as_ref())?;
        Ok(self.answer(&work, found.is_some(), found.as_ref(), true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let found = self.find(host)?;
        let work = self.work(host, found.as_ref())?;
        let path = self.path();
        for name in &work.disconnects {
            let body = json!({"Container": name, "Force": true});
            self.engine.post(host, &format!("{path}/disconnect"), &body)?;
        }
        if work.removes {
            self.engine.delete(host, &path)?;
        }
        if work.creates {
            self.engine.post(host, "/networks/create", &self.body()?)?;
        }
        for name in &work.connects {
            self.engine.post(host, &format!("{path}/connect"), &json!({"Container": name}))?;
        }
        let now = self.find(host)?;
        Ok(self.answer(&work, found.is_some(), now.as_ref(), false))
    }
}
