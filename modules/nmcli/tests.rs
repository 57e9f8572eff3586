use module::{Mode, fake::FakeHost};
use protocol::{Json, Response};
use serde_json::json;

use super::{
    fake,
    profile::{Shown, Value, is_same},
};
use crate::cases;

fn run(args: &Json, host: &mut FakeHost) -> Response {
    cases::run("nmcli", args, "", "", Mode { check: false, diff: true }, host)
}

fn host() -> FakeHost {
    let mut host = FakeHost::default();
    fake::put_nmcli(&mut host);
    host
}

#[test]
fn profiles_are_made_and_kept() {
    for (args, changes) in [
        (
            json!({"type": "ethernet", "ip4": ["192.0.2.5"], "gw4": "192.0.2.1", "dns4_search": ["a", "b"]}),
            json!({"dns4_search": ["b", "a"]}),
        ),
        (json!({"type": "ethernet", "method4": "auto", "mtu": 1400}), json!({"mtu": 1500})),
        (
            json!({"type": "ethernet", "mac": "52:54:00:ab:cd:ef"}),
            json!({"mac": "52:54:00:ab:cd:00"}),
        ),
        (
            json!({"type": "bond", "mode": "802.3ad", "miimon": 100, "xmit_hash_policy": "layer3+4"}),
            json!({"miimon": 200}),
        ),
        (json!({"type": "bridge", "stp": false, "priority": 5}), json!({"stp": true})),
        (json!({"type": "vlan", "vlanid": 5, "vlandev": "eth0"}), json!({"vlanid": 6})),
        (
            json!({"type": "ethernet", "ip4": "10.0.0.1/8", "routes4_extended": [{"ip": "192.0.2.0/24", "next_hop": "10.0.0.2", "metric": 5, "onlink": true}]}),
            json!({"routes4_extended": [{"ip": "192.0.2.0/24", "next_hop": "10.0.0.3"}]}),
        ),
        (
            json!({"type": "ethernet", "ip_privacy6": "prefer-temp-addr"}),
            json!({"ip_privacy6": "disabled"}),
        ),
        (
            json!({"type": "gre", "ip_tunnel_dev": "eth0", "ip_tunnel_input_key": "7"}),
            json!({"zone": "dmz"}),
        ),
        (
            json!({"type": "macvlan", "macvlan": {"mode": 2, "parent": "eth0", "tap": true}}),
            json!({"macvlan": {"mode": 1, "parent": "eth0", "tap": true}}),
        ),
        (
            json!({"type": "vpn", "vpn": {"permissions": "user", "service-type": "l2tp", "gateway": "gw", "user": "me"}}),
            json!({"vpn": {"permissions": "user", "service-type": "l2tp", "gateway": "other", "user": "me"}}),
        ),
        (json!({"type": "bridge-slave", "master": "br0"}), json!({"path_cost": 4})),
    ] {
        let mut host = host();
        let mut args = args;
        args["conn_name"] = "lan".into();
        args["state"] = "present".into();
        let made = run(&args, &mut host);
        assert!(made.changed && made.returned.contains_key("Connection"), "{args}: {made:?}");
        let again = run(&args, &mut host);
        assert!(!again.changed && !again.failed, "{args}: {again:?}");
        for (name, value) in changes.as_object().unwrap() {
            args[name] = value.clone();
        }
        assert!(run(&args, &mut host).changed, "{args}");
        let again = run(&args, &mut host);
        assert!(!again.changed && !again.failed, "{args}: {again:?}");
    }
}

#[test]
fn secrets_are_in_no_argument() {
    let mut host = host();
    let args = json!({
        "conn_name": "wlan", "type": "wifi", "ssid": "home", "state": "present",
        "wifi_sec": {"key-mgmt": "wpa-psk", "psk": "very secret"},
    });
    assert!(run(&args, &mut host).changed);
    assert!(host.files.text("/run/nm/wlan").unwrap().contains("psk: very secret"));
    assert!(!run(&args, &mut host).changed);
    let told = host.files.text("/run/nm/arguments").unwrap();
    assert!(told.contains("802-11-wireless.ssid home") && !told.contains("very secret"), "{told}");
    let mut other = args.clone();
    other["wifi_sec"]["psk"] = "another".into();
    let diff = run(&other, &mut host).diff;
    assert!(!diff.is_empty() && !format!("{diff:?}").contains("another"));
}

#[test]
fn profiles_are_made_active() {
    let mut host = host();
    let with = |state: &str| json!({"conn_name": "lan", "state": state, "type": "ethernet"});
    for (state, changed) in [
        ("up", false),
        ("down", false),
        ("absent", false),
        ("present", true),
        ("down", false),
        ("up", true),
        // What was changed in a profile comes to life by this.
        ("up", true),
        ("down", true),
        ("up", true),
        ("absent", true),
        ("absent", false),
    ] {
        assert_eq!(run(&with(state), &mut host).changed, changed, "{state}");
    }
    let named = json!({"conn_name": "a:b", "type": "dummy", "state": "present"});
    assert!(run(&named, &mut host).changed && !run(&named, &mut host).changed);
}

#[test]
fn what_cannot_be_is_refused() {
    for (args, words) in [
        (json!({}), "type is required"),
        (json!({"type": "wifi"}), "ssid"),
        (json!({"type": "ethernet", "slave_type": "bond"}), "'master' option is required"),
        (json!({"type": "bond-slave", "master": "b", "slave_type": "team"}), "cannot be combined"),
        (json!({"type": "team", "runner_fast_rate": true}), "only allowed for runner lacp"),
        (json!({"type": "team", "runner_hwaddr_policy": "same_all"}), "only allowed for runner"),
        (json!({"type": "team-slave", "ifname": "eth0"}), "a name for the master"),
        (json!({"type": "team-slave", "master": "t"}), "an interface name"),
        (json!({"type": "macvlan"}), "missing: macvlan"),
        (json!({"type": "macvlan", "macvlan": {"mode": 9, "parent": "x"}}), "mode"),
        (json!({"type": "ethernet", "never_default4": true, "gw4": "x"}), "mutually exclusive"),
        (json!({"type": "floppy"}), "type"),
        (json!({"type": "wifi", "ssid": "x", "wifi": {"nonsense": 1}}), "\"wifi.nonsense\""),
        (
            json!({"type": "wifi", "ssid": "x", "wifi_sec": {"psk": "two\nlines"}}),
            "more than one line",
        ),
    ] {
        let mut args = args;
        args["conn_name"] = "lan".into();
        args["state"] = "present".into();
        let done = run(&args, &mut host());
        assert!(done.failed && done.msg.unwrap_or_default().contains(words), "{args}");
    }
    let lenient = json!({
        "conn_name": "wlan", "state": "present", "type": "wifi", "ssid": "x",
        "wifi": {"nonsense": 1, "hidden": true, "ssid": "y"}, "ignore_unsupported_suboptions": true,
    });
    let done = run(&lenient, &mut host());
    assert!(done.changed && done.warnings.len() == 2, "{done:?}");
}

#[test]
fn profiles_are_read_as_they_are_shown() {
    let shown = Shown::parse(
        "connection.id:                          lan\n\
         connection.zone:                        --\n\
         connection.controller:                  br0\n\
         802-11-wireless.wake-on-wlan:           0x1 (default)\n\
         802-11-wireless.ssid:                   1 (my network)\n\
         802-3-ethernet.mtu:                     auto\n\
         gsm.apn:                                \"internet\"\n\
         ipv4.dns:                               192.0.2.1, 192.0.2.2\n\
         ipv4.dns-search:                        --\n\
         ipv4.routes:                            { ip = 198.51.100.0/24, nh = 192.0.2.9, mt = 5, table=7 }; { ip = 10.0.0.0/8 }\n\
         ipv6.routes:                            2001:db8::/32 fe80::1  5,  2001:db9::/32\n\
         ipv6.ip6-privacy:                       2 (enabled, prefer temporary IP)\n\
         bond.options:                           mode=802.3ad,arp_interval=100\n",
    );
    let text = |text: &str| Some(Value::Text(text.into()));
    let list =
        |items: &[&str]| Some(Value::List(items.iter().map(|item| (*item).to_owned()).collect()));
    for (key, value) in [
        ("connection.id", text("lan")),
        ("connection.zone", None),
        ("connection.master", text("br0")),
        ("802-11-wireless.wake-on-wlan", text("1")),
        ("802-11-wireless.ssid", text("1 (my network)")),
        ("gsm.apn", text("internet")),
        ("ipv4.dns", list(&["192.0.2.1", "192.0.2.2"])),
        ("ipv4.dns-search", list(&[])),
        ("ipv4.addresses", list(&[])),
        ("ipv4.routes", list(&["198.51.100.0/24 192.0.2.9 5 table=7", "10.0.0.0/8"])),
        ("ipv6.routes", list(&["2001:db8::/32 fe80::1 5", "2001:db9::/32"])),
        ("ipv6.ip6-privacy", text("2")),
        ("mode", text("802.3ad")),
        ("arp-interval", text("100")),
    ] {
        assert_eq!(shown.value(key), value, "{key}");
    }
    let items = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
    for (key, found, wanted, same) in [
        ("ipv4.dns", items(&["a", "b"]), items(&["b", "a"]), false),
        ("ipv4.dns-options", items(&["a", "b"]), items(&["b", "a"]), true),
        ("802-3-ethernet.mtu", Value::Text("auto".into()), Value::Text("0".into()), true),
        ("802-3-ethernet.mtu", Value::Text("1400".into()), Value::Text("0".into()), false),
        ("vpn.data", Value::Text("a = 1, b = 2".into()), Value::Text("b=2, a=1".into()), true),
        ("connection.zone", Value::Text("dmz".into()), Value::Text(String::new()), true),
    ] {
        assert_eq!(is_same(key, Some(&found), &wanted), same, "{key}");
    }
}
