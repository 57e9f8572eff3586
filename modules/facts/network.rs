//! Interfaces, addresses and the way out.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use module::kernel::{Address, Network, Route};
use protocol::{Json, JsonMap};
use serde_json::json;

use super::{Reader, Request};

/// `IFF_PROMISC` of an interface's flags.
const PROMISCUOUS: u32 = 0x100;

/// `interfaces`, a fact for each of them, `default_ipv4`, `default_ipv6`, `all_ipv4_addresses`,
/// `all_ipv6_addresses` and `locally_reachable_ips`.
pub fn read(request: &mut Request<'_>) -> JsonMap {
    let reader = request.reader;
    let network = match reader.host.network() {
        Ok(network) => network,
        Err(error) => {
            request.warnings.push(module::failure::chain(&error));
            Network::default()
        }
    };
    let mut interfaces: Vec<(String, JsonMap)> = Vec::new();
    let mut numbers: BTreeMap<u32, String> = BTreeMap::new();
    for name in reader.names("/sys/class/net") {
        // `bonding_masters` is a file.
        let Some(device) = device(reader, &name) else { continue };
        let number = reader.trimmed(format!("/sys/class/net/{name}/ifindex"));
        if let Some(number) = number.and_then(|text| text.parse().ok()) {
            numbers.insert(number, name.clone());
        }
        interfaces.push((name, device));
    }
    // Where /sys is another machine's, the kernel's own names count.
    if !network.links.is_empty() {
        numbers = network.links.iter().cloned().collect();
    }
    let (mut all_ipv4, mut all_ipv6) = (Vec::new(), Vec::new());
    for address in &network.addresses {
        let Some(name) = numbers.get(&address.interface) else { continue };
        match address.address {
            IpAddr::V4(ip) => {
                add_ipv4(&mut interfaces, name, address, ip);
                if !ip.is_loopback() {
                    all_ipv4.push(ip.to_string());
                }
            }
            IpAddr::V6(ip) => {
                let entry = json!({
                    "address": ip.to_string(),
                    "prefix": address.prefix_bits.to_string(),
                    "scope": address.scope.name(),
                });
                change(&mut interfaces, name, |facts| push(facts, "ipv6", entry));
                if !ip.is_loopback() {
                    all_ipv6.push(ip.to_string());
                }
            }
        }
    }
    let default_ipv4 = default_of(&interfaces, &numbers, &network, network.ipv4_route.as_ref());
    let default_ipv6 = default_of(&interfaces, &numbers, &network, network.ipv6_route.as_ref());
    let mut facts = JsonMap::new();
    let names: Vec<&str> = interfaces.iter().map(|(name, _)| name.as_str()).collect();
    facts.insert("interfaces".into(), names.into());
    for (name, interface) in interfaces {
        facts.insert(name, interface.into());
    }
    facts.insert("default_ipv4".into(), default_ipv4.into());
    facts.insert("default_ipv6".into(), default_ipv6.into());
    facts.insert("all_ipv4_addresses".into(), all_ipv4.into());
    facts.insert("all_ipv6_addresses".into(), all_ipv6.into());
    facts.insert("locally_reachable_ips".into(), reachable(&network));
    facts
}

/// What /sys says of a device.
fn device(reader: &Reader<'_>, name: &str) -> Option<JsonMap> {
    let folder = format!("/sys/class/net/{name}");
    if !reader.is_dir(&folder) {
        return None;
    }
    let value = |file: &str| reader.trimmed(format!("{folder}/{file}"));
    let number = |file: &str| value(file).and_then(|text| text.parse::<i64>().ok());
    let mut facts = JsonMap::from_iter([("device".to_owned(), Json::from(name))]);
    let mut insert = |key: &str, found: Option<Json>| {
        if let Some(found) = found {
            facts.insert(key.into(), found);
        }
    };
    let mac = value("address").filter(|mac| mac != "00:00:00:00:00:00");
    insert("macaddress", mac.map(Json::from));
    insert("mtu", number("mtu").map(Json::from));
    insert("active", Some((value("operstate").as_deref() != Some("down")).into()));
    insert("module", reader.link_name(format!("{folder}/device/driver/module")).map(Json::from));
    insert("pciid", reader.link_name(format!("{folder}/device")).map(Json::from));
    insert("speed", number("speed").map(Json::from));
    insert("type", kind(reader, &folder, number("type")).map(Json::from));
    if reader.is_dir(format!("{folder}/bridge")) {
        let stp = value("bridge/stp_state").map(|state| Json::from(state == "1"));
        insert("interfaces", Some(reader.names(format!("{folder}/brif")).into()));
        insert("id", value("bridge/bridge_id").map(Json::from));
        insert("stp", stp);
    }
    if reader.is_dir(format!("{folder}/bonding")) {
        let words = |file: &str| -> Vec<String> {
            value(file).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        };
        insert("slaves", Some(words("bonding/slaves").into()));
        insert("mode", words("bonding/mode").first().map(|mode| mode.as_str().into()));
        insert("miimon", words("bonding/miimon").first().map(|value| value.as_str().into()));
        insert("lacp_rate", words("bonding/lacp_rate").first().map(|rate| rate.as_str().into()));
        insert("primary", value("bonding/primary").map(Json::from));
        let all = value("bonding/all_slaves_active");
        insert("all_slaves_active", all.map(|state| Json::from(state == "1")));
    }
    let flags = value("flags").unwrap_or_default();
    let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).unwrap_or_default();
    insert("promisc", Some((flags & PROMISCUOUS != 0).into()));
    Some(facts)
}

fn kind(reader: &Reader<'_>, folder: &str, number: Option<i64>) -> Option<&'static str> {
    if reader.is_dir(format!("{folder}/bridge")) {
        return Some("bridge");
    }
    if reader.is_dir(format!("{folder}/bonding")) {
        return Some("bonding");
    }
    // `ARPHRD_*` of if_arp.h.
    match number? {
        1 => Some("ether"),
        32 => Some("infiniband"),
        512 => Some("ppp"),
        772 => Some("loopback"),
        65534 => Some("tunnel"),
        _ => None,
    }
}

/// Changes the facts of an interface; an address's label is one that only addresses know.
fn change(interfaces: &mut Vec<(String, JsonMap)>, name: &str, change: impl FnOnce(&mut JsonMap)) {
    match interfaces.iter_mut().find(|(known, _)| known == name) {
        Some((_, facts)) => change(facts),
        None => {
            let mut facts = JsonMap::new();
            change(&mut facts);
            interfaces.push((name.to_owned(), facts));
        }
    }
}

fn push(facts: &mut JsonMap, key: &str, entry: Json) {
    if let Json::Array(list) = facts.entry(key).or_insert_with(|| Json::Array(Vec::new())) {
        list.push(entry);
    }
}

fn mask(prefix_bits: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::MAX.checked_shl(32 - u32::from(prefix_bits.min(32))).unwrap_or_default())
}

fn ipv4_entry(address: &Address, ip: Ipv4Addr) -> Json {
    let mask = mask(address.prefix_bits);
    json!({
        "address": ip.to_string(),
        "broadcast": address.broadcast.map(|ip| ip.to_string()).unwrap_or_default(),
        "netmask": mask.to_string(),
        "network": Ipv4Addr::from(u32::from(ip) & u32::from(mask)).to_string(),
        "prefix": address.prefix_bits.to_string(),
    })
}

/// The first address of a name is `ipv4`, further ones are `ipv4_secondaries`; secondary addresses
/// with a label of their own stand under both names.
fn add_ipv4(interfaces: &mut Vec<(String, JsonMap)>, name: &str, address: &Address, ip: Ipv4Addr) {
    let entry = ipv4_entry(address, ip);
    // A colon cannot stand in the name of a variable.
    let label = address.label.as_deref().unwrap_or(name).replace(':', "_");
    let mut is_further = true;
    change(interfaces, &label, |facts| {
        is_further = address.is_secondary || facts.contains_key("ipv4");
        if is_further {
            push(facts, "ipv4_secondaries", entry.clone());
        } else {
            facts.insert("ipv4".into(), entry.clone());
        }
    });
    if is_further && address.is_secondary && label != name {
        change(interfaces, name, |facts| push(facts, "ipv4_secondaries", entry));
    }
}

fn default_of(
    interfaces: &[(String, JsonMap)],
    numbers: &BTreeMap<u32, String>,
    network: &Network,
    route: Option<&Route>,
) -> JsonMap {
    let mut facts = JsonMap::new();
    let Some(route) = route else { return facts };
    let (Some(name), Some(source)) = (numbers.get(&route.interface), route.source) else {
        return facts;
    };
    facts.insert("interface".into(), name.as_str().into());
    facts.insert("address".into(), source.to_string().into());
    if let Some(gateway) = route.gateway {
        facts.insert("gateway".into(), gateway.to_string().into());
    }
    let device = interfaces.iter().find(|(known, _)| known == name).map(|(_, facts)| facts);
    for key in ["macaddress", "mtu", "type"] {
        if let Some(value) = device.and_then(|device| device.get(key)) {
            facts.insert(key.into(), value.clone());
        }
    }
    let Some(address) = network.addresses.iter().find(|one| one.address == source) else {
        return facts;
    };
    match source {
        IpAddr::V4(ip) => {
            let label = address.label.as_deref().unwrap_or(name);
            facts.insert("alias".into(), label.into());
            if let Json::Object(entry) = ipv4_entry(address, ip) {
                facts.extend(entry);
            }
        }
        IpAddr::V6(_) => {
            facts.insert("prefix".into(), address.prefix_bits.to_string().into());
            facts.insert("scope".into(), address.scope.name().into());
        }
    }
    facts
}

fn reachable(network: &Network) -> Json {
    let (mut ipv4, mut ipv6) = (Vec::new(), Vec::new());
    for (address, bits) in &network.local {
        let (list, whole) = match address {
            IpAddr::V4(_) => (&mut ipv4, 32),
            IpAddr::V6(_) => (&mut ipv6, 128),
        };
        let text = if *bits == whole { address.to_string() } else { format!("{address}/{bits}") };
        if !list.contains(&text) {
            list.push(text);
        }
    }
    json!({"ipv4": ipv4, "ipv6": ipv6})
}

#[cfg(test)]
mod tests {
    use module::{fake::FakeHost, kernel::Scope};

    use super::*;

    fn address(number: u32, label: Option<&str>, ip: &str, prefix_bits: u8) -> Address {
        Address {
            interface: number,
            label: label.map(str::to_owned),
            address: ip.parse().unwrap(),
            prefix_bits,
            broadcast: None,
            scope: Scope::Global,
            is_secondary: false,
        }
    }

    fn facts(host: &FakeHost) -> JsonMap {
        let reader = Reader::new(host);
        let mut request =
            Request { reader: &reader, fact_path: None, python: None, warnings: Vec::new() };
        let facts = read(&mut request);
        assert!(request.warnings.is_empty());
        facts
    }

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        for (name, number, kind, mac, state) in [
            ("lo", "1", "772", "00:00:00:00:00:00", "unknown"),
            ("eth0", "2", "1", "02:fc:00:00:00:01", "up"),
            ("br-x", "3", "1", "02:fc:00:00:00:02", "down"),
        ] {
            let file = |file: &str| format!("/sys/class/net/{name}/{file}");
            host.put(&file("ifindex"), number);
            host.put(&file("type"), kind);
            host.put(&file("address"), mac);
            host.put(&file("operstate"), state);
            host.put(&file("mtu"), "1500\n");
            host.put(&file("flags"), "0x1103\n");
        }
        host.put("/sys/class/net/br-x/bridge/stp_state", "0\n");
        host.put("/sys/class/net/br-x/bridge/bridge_id", "8000.02fc\n");
        host.put("/sys/class/net/br-x/brif/eth1/x", "");
        host.put("/sys/class/net/bonding_masters", "");
        let mut second = address(2, Some("eth0:1"), "10.9.0.9", 24);
        second.is_secondary = true;
        let mut first = address(2, Some("eth0"), "10.9.0.2", 24);
        first.broadcast = Some(Ipv4Addr::new(10, 9, 0, 255));
        host.network = Network {
            links: Vec::new(),
            addresses: vec![
                address(1, Some("lo"), "127.0.0.1", 8),
                first,
                address(2, Some("eth0"), "10.8.1.4", 16),
                address(2, Some("eth0:2"), "10.77.0.9", 24),
                second,
                address(2, None, "fd01::5", 64),
            ],
            local: vec![("127.0.0.0".parse().unwrap(), 8), ("10.9.0.2".parse().unwrap(), 32)],
            ipv4_route: Some(Route {
                interface: 2,
                source: Some("10.9.0.2".parse().unwrap()),
                gateway: Some("10.9.0.1".parse().unwrap()),
            }),
            ipv6_route: None,
        };
        host
    }

    #[test]
    fn names_are_the_kernels_where_sys_has_others() {
        let mut host = host();
        host.network.links = vec![(1, "lo".into()), (2, "host0".into())];
        for label in host.network.addresses.iter_mut().filter_map(|one| one.label.as_mut()) {
            *label = label.replace("eth0", "host0");
        }
        let facts = facts(&host);
        assert_eq!(facts["default_ipv4"]["interface"], "host0");
        assert_eq!(facts["host0"]["ipv4"]["address"], "10.9.0.2");
        assert!(facts["eth0"].get("ipv4").is_none());
    }

    #[test]
    fn interfaces_have_their_addresses() {
        let facts = facts(&host());
        assert_eq!(facts["interfaces"], json!(["br-x", "eth0", "lo", "eth0_2", "eth0_1"]));
        let eth0 = &facts["eth0"];
        assert_eq!(
            eth0["ipv4"],
            json!({
                "address": "10.9.0.2", "broadcast": "10.9.0.255", "netmask": "255.255.255.0",
                "network": "10.9.0.0", "prefix": "24",
            })
        );
        let addresses = |list: &Json| -> Vec<String> {
            let list = list.as_array().unwrap();
            list.iter().map(|one| one["address"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(addresses(&eth0["ipv4_secondaries"]), ["10.8.1.4", "10.9.0.9"]);
        assert_eq!(
            eth0["ipv6"],
            json!([{"address": "fd01::5", "prefix": "64", "scope": "global"}])
        );
        assert_eq!(facts["eth0_2"]["ipv4"]["address"], "10.77.0.9");
        assert_eq!(addresses(&facts["eth0_1"]["ipv4_secondaries"]), ["10.9.0.9"]);
        assert_eq!(
            facts["all_ipv4_addresses"],
            json!(["10.9.0.2", "10.8.1.4", "10.77.0.9", "10.9.0.9"])
        );
    }

    #[test]
    fn devices_are_described() {
        let facts = facts(&host());
        let bridge = &facts["br-x"];
        assert_eq!((&bridge["type"], &bridge["active"]), (&json!("bridge"), &json!(false)));
        assert_eq!((&bridge["interfaces"], &bridge["stp"]), (&json!(["eth1"]), &json!(false)));
        assert_eq!(bridge["promisc"], true);
        assert!(facts["lo"].get("macaddress").is_none());
        assert_eq!(facts["lo"]["type"], "loopback");
    }

    #[test]
    fn the_way_out_is_known() {
        let facts = facts(&host());
        assert_eq!(
            facts["default_ipv4"],
            json!({
                "interface": "eth0", "address": "10.9.0.2", "gateway": "10.9.0.1",
                "macaddress": "02:fc:00:00:00:01", "mtu": 1500, "type": "ether", "alias": "eth0",
                "broadcast": "10.9.0.255", "netmask": "255.255.255.0", "network": "10.9.0.0",
                "prefix": "24",
            })
        );
        assert_eq!(facts["default_ipv6"], json!({}));
        assert_eq!(
            facts["locally_reachable_ips"],
            json!({"ipv4": ["127.0.0.0/8", "10.9.0.2"], "ipv6": []})
        );
    }

    #[test]
    fn a_host_without_a_network_has_empty_facts() {
        let facts = facts(&FakeHost::default());
        assert_eq!((&facts["interfaces"], &facts["default_ipv4"]), (&json!([]), &json!({})));
    }

    #[test]
    fn masks_are_made_of_prefixes() {
        for (bits, expected) in [
            (0, "0.0.0.0"),
            (1, "128.0.0.0"),
            (24, "255.255.255.0"),
            (32, "255.255.255.255"),
            (99, "255.255.255.255"),
        ] {
            assert_eq!(mask(bits).to_string(), expected);
        }
    }
}
