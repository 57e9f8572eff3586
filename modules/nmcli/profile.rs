//! What a profile's settings are as a task says them, and as `nmcli` shows and takes them.

use module::Failure;
use protocol::{Json, JsonMap, python};

use super::arguments::{Nmcli, Route4, Route6, State};

/// Kinds of connections that have addresses.
const WITH_ADDRESSES: &[&str] = &[
    "bond",
    "bridge",
    "dummy",
    "ethernet",
    "generic",
    "gre",
    "infiniband",
    "ipip",
    "sit",
    "team",
    "vlan",
    "wifi",
    "gsm",
    "macvlan",
    "wireguard",
    "vpn",
    "loopback",
    "ovs-interface",
    "vrf",
];
/// Those that can be a part of another.
const PARTS: &[&str] = &[
    "ethernet",
    "bridge",
    "bond",
    "vlan",
    "team",
    "wifi",
    "bond-slave",
    "bridge-slave",
    "team-slave",
    "infiniband",
    "ovs-port",
    "ovs-interface",
];
/// Those whose largest packet is kept.
const WITH_MTU: &[&str] =
    &["bond", "bond-slave", "dummy", "ethernet", "infiniband", "team-slave", "vlan"];
/// Those that have no address where the task names none.
const WITHOUT_ADDRESS: &[&str] = &["dummy", "macvlan", "wireguard"];
pub const TUNNELS: &[&str] = &["gre", "ipip", "sit"];

/// Settings that are lists to NetworkManager.
const LISTS: &[&str] = &[
    "ipv4.addresses",
    "ipv6.addresses",
    "ipv4.dns",
    "ipv4.dns-search",
    "ipv4.dns-options",
    "ipv4.routes",
    "ipv4.routing-rules",
    "ipv6.dns",
    "ipv6.dns-search",
    "ipv6.dns-options",
    "ipv6.routes",
    "802-11-wireless-security.group",
    "802-11-wireless-security.leap-password-flags",
    "802-11-wireless-security.pairwise",
    "802-11-wireless-security.proto",
    "802-11-wireless-security.psk-flags",
    "802-11-wireless-security.wep-key-flags",
    "802-11-wireless.mac-address-blacklist",
];
/// Those of them whose order does not count.
const IN_ORDER: &[&str] = &["addresses", "dns", "dns-search"];

/// Settings that no argument of a program may hold.
const SECRETS: &[&str] = &[
    "802-11-wireless-security.leap-password",
    "802-11-wireless-security.psk",
    "802-11-wireless-security.wep-key0",
    "802-11-wireless-security.wep-key1",
    "802-11-wireless-security.wep-key2",
    "802-11-wireless-security.wep-key3",
    "gsm.password",
    "gsm.pin",
    "wireguard.private-key",
    "vpn.data",
];

/// Names that newer releases show in place of older ones.
const RENAMED: &[(&str, &str)] = &[
    ("connection.master", "connection.controller"),
    ("connection.slave-type", "connection.port-type"),
];

/// What a setting should be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    List(Vec<String>),
}

impl Value {
    /// As `nmcli` takes it.
    pub fn word(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::List(items) => items.join(","),
        }
    }

    pub fn json(&self) -> Json {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::List(items) => items.clone().into(),
        }
    }
}

/// Settings by their names, in the order in which they are given to `nmcli`.
#[derive(Debug, Default)]
pub struct Settings(pub Vec<(String, Value)>);

impl Settings {
    fn text(&mut self, name: &str, value: Option<impl Into<String>>) {
        self.0.extend(value.map(|value| (name.to_owned(), Value::Text(value.into()))));
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        self.text(name, value.map(|value| value.to_string()));
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.text(name, Some(yes_or_no(value)));
    }

    fn list(&mut self, name: &str, value: Option<Vec<String>>) {
        self.0.extend(value.map(|value| (name.to_owned(), Value::List(value))));
    }

    /// What a dict of the task says, under the name of its setting.
    fn dict(&mut self, setting: &str, dict: Option<&JsonMap>) {
        for (name, value) in dict.into_iter().flatten() {
            let key = format!("{setting}.{name}");
            match value {
                Json::Null => {}
                Json::Array(items) => self.list(&key, Some(items.iter().map(word).collect())),
                other if is_list(&key) => {
                    let items = word(other).split(',').map(|item| item.trim().to_owned()).collect();
                    self.list(&key, Some(items));
                }
                other => self.text(&key, Some(word(other))),
            }
        }
    }
}

fn yes_or_no(flag: bool) -> &'static str {
    if flag { "yes" } else { "no" }
}

fn word(value: &Json) -> String {
    match value {
        Json::Bool(flag) => yes_or_no(*flag).to_owned(),
        other => python::text(other),
    }
}

fn is_list(key: &str) -> bool {
    LISTS.contains(&key)
}

/// Whether a setting is given by another way than as an argument.
pub fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key)
}

/// Addresses with the lengths of their networks.
fn with_length(addresses: Option<&Vec<String>>, length: u8) -> Option<Vec<String>> {
    let long = |address: &String| match address.contains('/') {
        true => address.clone(),
        false => format!("{address}/{length}"),
    };
    addresses.map(|all| all.iter().map(long).collect())
}

/// Where addresses come from.
fn method(kind: &str, given: Option<&String>, addresses: Option<&Vec<String>>) -> Option<String> {
    let has_addresses = addresses.is_some_and(|all| !all.is_empty());
    match given {
        Some(method) => Some(method.clone()),
        None if has_addresses => Some("manual".into()),
        None if WITHOUT_ADDRESS.contains(&kind) => Some("disabled".into()),
        None => None,
    }
}

impl Nmcli {
    fn put_addresses(&self, kind: &str, all: &mut Settings) {
        let method4 = method(kind, self.method4.as_ref(), self.ip4.as_ref());
        let is_without = method4.as_deref() == Some("disabled");
        all.list("ipv4.addresses", with_length(self.ip4.as_ref(), 32));
        all.text("ipv4.dhcp-client-id", self.dhcp_client_id.clone());
        all.list("ipv4.dns", self.dns4.clone());
        all.list("ipv4.dns-search", self.dns4_search.clone());
        all.list("ipv4.dns-options", self.dns4_options.clone());
        all.flag("ipv4.ignore-auto-dns", self.dns4_ignore_auto);
        all.text("ipv4.gateway", self.gw4.clone());
        all.flag("ipv4.ignore-auto-routes", self.gw4_ignore_auto);
        let routes = self.routes4_extended.as_ref();
        let routes = routes.map(|routes| routes.iter().map(Route4::line).collect());
        all.list("ipv4.routes", self.routes4.clone().or(routes));
        all.number("ipv4.route-metric", self.route_metric4);
        all.list("ipv4.routing-rules", self.routing_rules4.clone());
        all.flag("ipv4.never-default", self.never_default4);
        all.text("ipv4.method", method4);
        // Without addresses there is nothing that could fail, and NetworkManager keeps its own.
        if !is_without {
            all.flag("ipv4.may-fail", self.may_fail4);
        }
        all.list("ipv6.addresses", with_length(self.ip6.as_ref(), 128));
        all.list("ipv6.dns", self.dns6.clone());
        all.list("ipv6.dns-search", self.dns6_search.clone());
        all.list("ipv6.dns-options", self.dns6_options.clone());
        all.flag("ipv6.ignore-auto-dns", self.dns6_ignore_auto);
        all.text("ipv6.gateway", self.gw6.clone());
        all.flag("ipv6.ignore-auto-routes", self.gw6_ignore_auto);
        let routes = self.routes6_extended.as_ref();
        let routes = routes.map(|routes| routes.iter().map(Route6::line).collect());
        all.list("ipv6.routes", self.routes6.clone().or(routes));
        all.number("ipv6.route-metric", self.route_metric6);
        all.text("ipv6.method", method(kind, self.method6.as_ref(), self.ip6.as_ref()));
        let privacy = self.ip_privacy6.as_deref().map(|privacy| match privacy {
            "disabled" => "0",
            "prefer-public-addr" => "1",
            "prefer-temp-addr" => "2",
            _ => "-1",
        });
        all.text("ipv6.ip6-privacy", privacy);
        all.text("ipv6.addr-gen-mode", self.addr_gen_mode6.clone());
    }

    /// The setting of the largest packet.
    pub fn mtu_setting(kind: &str) -> &'static str {
        if kind == "infiniband" { "infiniband.mtu" } else { "802-3-ethernet.mtu" }
    }

    /// What the profile should have, for a kind of connection.
    ///
    /// # Errors
    /// What the kind has to have and the task does not say.
    pub fn settings(&self, kind: &str) -> Result<Settings, Failure> {
        let mut all = Settings::default();
        all.flag("connection.autoconnect", self.autoconnect);
        all.text("connection.zone", self.zone.clone());
        let is_free = self.master.is_none() || self.slave_type.as_deref() == Some("vrf");
        if WITH_ADDRESSES.contains(&kind) && is_free || kind == "ovs-interface" {
            self.put_addresses(kind, &mut all);
        }
        if let Some(mac) = self.mac.as_ref().filter(|mac| !mac.is_empty()) {
            let bridge = kind == "bridge";
            let name =
                if bridge { "bridge.mac-address" } else { "802-3-ethernet.cloned-mac-address" };
            all.text(name, Some(mac.to_uppercase()));
        }
        // What is left out of a kind that the task names is what the interface takes by itself.
        if WITH_MTU.contains(&kind) && (self.type_.is_some() || self.mtu.is_some()) {
            all.number(Self::mtu_setting(kind), Some(self.mtu.unwrap_or_default()));
        }
        if PARTS.contains(&kind) {
            all.text("connection.master", self.master.clone());
            let implied = kind.strip_suffix("-slave").map(str::to_owned);
            let wireless = (kind == "wifi" && self.master.is_some()).then(|| "bond".to_owned());
            all.text("connection.slave-type", self.slave_type.clone().or(implied).or(wireless));
        }
        self.put_own(kind, &mut all)?;
        Ok(all)
    }

    /// What one kind alone has.
    fn put_own(&self, kind: &str, all: &mut Settings) -> Result<(), Failure> {
        match kind {
            "bond" => {
                all.text("mode", Some(self.mode.clone()));
                all.number("arp-interval", self.arp_interval);
                all.text("arp-ip-target", self.arp_ip_target.clone());
                all.number("downdelay", self.downdelay);
                all.number("miimon", self.miimon);
                all.text("primary", self.primary.clone());
                all.number("updelay", self.updelay);
                all.text("xmit_hash_policy", self.xmit_hash_policy.clone());
                all.text("fail_over_mac", self.fail_over_mac.clone());
            }
            "bridge" => {
                all.number("bridge.ageing-time", Some(self.ageingtime));
                all.number("bridge.forward-delay", Some(self.forwarddelay));
                all.number("bridge.hello-time", Some(self.hellotime));
                all.number("bridge.max-age", Some(self.maxage));
                // Without the protocol, NetworkManager keeps a priority of its own.
                all.number("bridge.priority", self.stp.then_some(self.priority));
                all.flag("bridge.stp", self.stp);
            }
            "bridge-slave" => {
                all.number("bridge-port.path-cost", Some(self.path_cost));
                all.flag("bridge-port.hairpin-mode", self.hairpin);
                all.number("bridge-port.priority", Some(self.slavepriority));
            }
            "team" => {
                all.text("team.runner", Some(self.runner.clone()));
                all.text("team.runner-hwaddr-policy", self.runner_hwaddr_policy.clone());
                all.text("team.runner-fast-rate", self.runner_fast_rate.map(yes_or_no));
            }
            "gre" | "ipip" | "sit" => {
                all.text("ip-tunnel.mode", Some(kind));
                all.text("ip-tunnel.local", self.ip_tunnel_local.clone());
                all.text("ip-tunnel.parent", self.ip_tunnel_dev.clone());
                all.text("ip-tunnel.remote", self.ip_tunnel_remote.clone());
                if kind == "gre" {
                    all.text("ip-tunnel.input-key", self.ip_tunnel_input_key.clone());
                    all.text("ip-tunnel.output-key", self.ip_tunnel_output_key.clone());
                }
            }
            "vlan" => {
                all.number("vlan.id", self.vlanid);
                all.text("vlan.parent", self.vlandev.clone());
                all.text("vlan.flags", self.flags.clone());
                all.text("vlan.ingress", self.ingress.clone());
                all.text("vlan.egress", self.egress.clone());
            }
            "vxlan" => {
                all.number("vxlan.id", self.vxlan_id);
                all.text("vxlan.local", self.vxlan_local.clone());
                all.text("vxlan.remote", self.vxlan_remote.clone());
            }
            "wifi" => {
                all.text("802-11-wireless.ssid", self.ssid.clone());
                all.dict("802-11-wireless", self.wifi.as_ref());
                all.dict("802-11-wireless-security", self.wifi_sec.as_ref());
            }
            "gsm" => all.dict("gsm", self.gsm.as_ref()),
            "macvlan" => match &self.macvlan {
                Some(own) => {
                    all.number("macvlan.mode", Some(own.mode));
                    all.text("macvlan.parent", Some(own.parent.clone()));
                    all.text("macvlan.promiscuous", own.promiscuous.map(yes_or_no));
                    all.text("macvlan.tap", own.tap.map(yes_or_no));
                }
                None if self.state == State::Present => {
                    return Err(Failure::new(
                        "type is macvlan but all of the following are missing: macvlan",
                    ));
                }
                None => {}
            },
            "wireguard" => all.dict("wireguard", self.wireguard.as_ref()),
            "vpn" => self.put_vpn(all),
            "infiniband" => {
                all.text("infiniband.transport-mode", self.transport_mode.clone());
                all.text("infiniband.mac-address", self.infiniband_mac.clone());
            }
            "vrf" => all.number("vrf.table", self.table),
            "ethernet" => all.dict("sriov", self.sriov.as_ref()),
            _ => {}
        }
        Ok(())
    }

    fn put_vpn(&self, all: &mut Settings) {
        let mut data = Vec::new();
        for (name, value) in self.vpn.iter().flatten().filter(|(_, value)| !value.is_null()) {
            match name.as_str() {
                "service-type" => all.text("vpn.service-type", Some(word(value))),
                "permissions" => all.text("connection.permissions", Some(word(value))),
                _ => data.push(format!("{name}={}", word(value))),
            }
        }
        if !data.is_empty() {
            all.text("vpn.data", Some(data.join(", ")));
        }
    }
}

/// A profile as `nmcli connection show` shows it.
#[derive(Debug, Default)]
pub struct Shown(Vec<(String, String)>);

impl Shown {
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let mut all: Vec<(String, String)> =
            lines.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect();
        let options = all.iter().find(|(key, _)| key == "bond.options");
        let options = options.map(|(_, value)| value.clone()).unwrap_or_default();
        for option in options.split(',') {
            if let Some((name, value)) = option.split_once('=') {
                let name = name.trim();
                // Most of them have names of one kind as arguments, and another here.
                for alias in [name.to_owned(), name.replace('_', "-")] {
                    all.push((alias, value.trim().to_owned()));
                }
            }
        }
        Self(all)
    }

    /// What stands there; `None` where there is nothing.
    pub fn get(&self, key: &str) -> Option<&str> {
        let find = |key: &str| self.0.iter().find(|(one, _)| one == key);
        let renamed = || RENAMED.iter().find(|(old, _)| *old == key).and_then(|(_, new)| find(new));
        let value = find(key).or_else(renamed).map(|(_, value)| value.as_str())?;
        (value != "--" && !value.is_empty()).then_some(value)
    }

    /// What stands there, in the form in which a task says it.
    pub fn value(&self, key: &str) -> Option<Value> {
        let raw = match self.get(key) {
            Some(raw) => raw,
            None => return is_list(key).then(|| Value::List(Vec::new())),
        };
        if key.ends_with(".routes") {
            return Some(Value::List(routes(raw)));
        }
        if is_list(key) {
            return Some(Value::List(raw.split(',').map(|item| item.trim().to_owned()).collect()));
        }
        let raw = raw.trim_matches('"');
        if key.ends_with(".ssid") {
            return Some(Value::Text(raw.to_owned()));
        }
        // `1 (default)` and `0x1 (default)` are numbers with their meaning behind them.
        let number = raw.split_once(" (").map_or(raw, |(number, _)| number);
        let number = match number.strip_prefix("0x").map(|digits| u64::from_str_radix(digits, 16)) {
            Some(Ok(number)) => number.to_string(),
            _ => number.to_owned(),
        };
        let is_number = number.parse::<i64>().is_ok();
        Some(Value::Text(if is_number { number } else { raw.to_owned() }))
    }
}

/// Routes as `nmcli` shows them: old releases in braces, newer ones as it takes them.
fn routes(raw: &str) -> Vec<String> {
    let tidy = |route: &str| route.split_whitespace().collect::<Vec<_>>().join(" ");
    if !raw.contains('{') {
        return raw.split(',').map(tidy).collect();
    }
    let one = |text: &str| -> String {
        let text = text.trim().trim_matches(['{', '}']);
        let (mut head, mut attributes) = ([None, None, None], Vec::new());
        for (name, value) in text.split(',').filter_map(|pair| pair.split_once('=')) {
            let value = value.trim().to_owned();
            match name.trim() {
                "ip" => head[0] = Some(value),
                "nh" => head[1] = Some(value),
                "mt" => head[2] = Some(value),
                name => attributes.push(format!("{name}={value}")),
            }
        }
        attributes.sort();
        head.into_iter().flatten().chain(attributes).collect::<Vec<_>>().join(" ")
    };
    raw.split(';').map(one).collect()
}

/// Whether what is shown is what is wanted.
pub fn is_same(key: &str, shown: Option<&Value>, wanted: &Value) -> bool {
    let sorted = |items: &[String]| {
        let mut items = items.to_vec();
        items.sort();
        items
    };
    match (shown, wanted) {
        // An empty text says nothing.
        (_, Value::Text(text)) if text.is_empty() => true,
        (Some(Value::List(shown)), Value::List(wanted)) => {
            let name = key.rsplit('.').next().unwrap_or(key);
            match IN_ORDER.contains(&name) {
                true => shown == wanted,
                false => sorted(shown) == sorted(wanted),
            }
        }
        (None, Value::List(wanted)) => wanted.is_empty(),
        (shown, Value::Text(wanted)) => {
            let shown = match shown {
                Some(Value::Text(text)) => text.as_str(),
                _ => "",
            };
            if key == "vpn.data" {
                let parts = |text: &str| {
                    let parts = text.split(',').map(|part| match part.split_once('=') {
                        Some((name, value)) => format!("{}={}", name.trim(), value.trim()),
                        None => part.trim().to_owned(),
                    });
                    sorted(&parts.collect::<Vec<_>>())
                };
                return parts(shown) == parts(wanted);
            }
            // Nothing and 0 are what the interface takes by itself.
            let is_mtu = key.ends_with(".mtu");
            shown == wanted
                || is_mtu && wanted == "0" && matches!(shown, "" | "auto")
                || key.ends_with("mac-address") && shown.eq_ignore_ascii_case(wanted)
        }
        (Some(Value::Text(shown)), Value::List(wanted)) => *shown == wanted.join(","),
    }
}
