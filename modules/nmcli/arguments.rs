//! What a profile of NetworkManager is asked to be: the arguments of `nmcli`.

use module::{Arguments, Choices};
use protocol::JsonMap;

/// Keeps a profile of NetworkManager: which settings a connection has, and whether it is active.
///
/// Profiles are changed and not the network: `up` makes a profile active, also one that is so
/// already, so that its changes come to life. Over SSH such tasks are guarded.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("type", "wifi", ["ssid"])),
    mutually_exclusive(
        ["never_default4", "gw4"],
        ["routes4_extended", "routes4"],
        ["routes6_extended", "routes6"]
    )
)]
pub struct Nmcli {
    /// Its name.
    pub conn_name: String,
    /// Whether there is such a profile (`present`, `absent`), or it is active (`up`, `down`).
    pub state: State,
    /// Kind of connection; a profile that is there has one.
    #[argument(choices(
        "bond",
        "bond-slave",
        "bridge",
        "bridge-slave",
        "dummy",
        "ethernet",
        "generic",
        "gre",
        "infiniband",
        "ipip",
        "macvlan",
        "sit",
        "team",
        "team-slave",
        "vlan",
        "vxlan",
        "wifi",
        "gsm",
        "wireguard",
        "ovs-bridge",
        "ovs-port",
        "ovs-interface",
        "vpn",
        "vrf",
        "loopback"
    ))]
    pub type_: Option<String>,
    /// Whether it is made active by itself.
    #[argument(default = true)]
    pub autoconnect: bool,
    /// Whether profiles are read from their files again after a change.
    #[argument(default = false)]
    pub conn_reload: bool,
    /// Whether settings of `wifi` and `wifi_sec` that this NetworkManager does not know are left out.
    #[argument(default = false)]
    pub ignore_unsupported_suboptions: bool,
    /// The interface; its name where a new profile leaves it out. `*` is any.
    pub ifname: Option<String>,
    /// The interface or profile that it is a part of.
    pub master: Option<String>,
    /// What kind that is.
    #[argument(choices("bond", "bridge", "team", "ovs-port", "vrf"))]
    pub slave_type: Option<String>,
    /// The firewall's zone.
    pub zone: Option<String>,
    /// Address of the interface.
    pub mac: Option<String>,
    /// Largest packet in bytes; what the interface takes by itself where it is left out.
    pub mtu: Option<i64>,
    /// Addresses; those without a length are of one host.
    pub ip4: Option<Vec<String>>,
    /// The gateway.
    pub gw4: Option<String>,
    /// Whether routes of DHCP are left out.
    #[argument(default = false)]
    pub gw4_ignore_auto: bool,
    /// Routes: network, next hop, metric, and further words `name=value`.
    pub routes4: Option<Vec<String>>,
    /// Routes, each a dict.
    pub routes4_extended: Option<Vec<Route4>>,
    /// Metric of routes.
    pub route_metric4: Option<i64>,
    /// Rules for routing: `priority 5 from 192.0.2.0/24 table 5000`.
    pub routing_rules4: Option<Vec<String>>,
    /// Whether it is never the way to everywhere.
    #[argument(default = false)]
    pub never_default4: bool,
    /// Servers of names.
    pub dns4: Option<Vec<String>>,
    /// Domains that short names are looked for in.
    pub dns4_search: Option<Vec<String>>,
    /// Options of resolv.conf.
    pub dns4_options: Option<Vec<String>>,
    /// Whether DHCP's servers of names are left out.
    #[argument(default = false)]
    pub dns4_ignore_auto: bool,
    /// Where addresses come from; `manual` where there are some.
    #[argument(choices("auto", "link-local", "manual", "shared", "disabled"))]
    pub method4: Option<String>,
    /// Whether it may be active without IPv4.
    #[argument(default = true)]
    pub may_fail4: bool,
    /// What it tells DHCP that it is.
    pub dhcp_client_id: Option<String>,
    /// As `ip4`.
    pub ip6: Option<Vec<String>>,
    /// As `gw4`.
    pub gw6: Option<String>,
    /// As `gw4_ignore_auto`.
    #[argument(default = false)]
    pub gw6_ignore_auto: bool,
    /// As `routes4`.
    pub routes6: Option<Vec<String>>,
    /// As `routes4_extended`.
    pub routes6_extended: Option<Vec<Route6>>,
    /// As `route_metric4`.
    pub route_metric6: Option<i64>,
    /// As `dns4`.
    pub dns6: Option<Vec<String>>,
    /// As `dns4_search`.
    pub dns6_search: Option<Vec<String>>,
    /// As `dns4_options`.
    pub dns6_options: Option<Vec<String>>,
    /// As `dns4_ignore_auto`.
    #[argument(default = false)]
    pub dns6_ignore_auto: bool,
    /// As `method4`.
    #[argument(choices("ignore", "auto", "dhcp", "link-local", "manual", "shared", "disabled"))]
    pub method6: Option<String>,
    /// Whether addresses change from time to time.
    #[argument(choices("disabled", "prefer-public-addr", "prefer-temp-addr", "unknown"))]
    pub ip_privacy6: Option<String>,
    /// How addresses are made up.
    #[argument(choices("default", "default-or-eui64", "eui64", "stable-privacy"))]
    pub addr_gen_mode6: Option<String>,
    /// How a bond shares its load.
    #[argument(
        default = "balance-rr",
        choices(
            "802.3ad",
            "active-backup",
            "balance-alb",
            "balance-rr",
            "balance-tlb",
            "balance-xor",
            "broadcast"
        )
    )]
    pub mode: String,
    /// Milliseconds between looks at a bond's links.
    pub miimon: Option<i64>,
    /// Milliseconds until a bond's link counts as gone.
    pub downdelay: Option<i64>,
    /// Milliseconds until it counts as there.
    pub updelay: Option<i64>,
    /// By what a bond chooses its links.
    pub xmit_hash_policy: Option<String>,
    /// Which address a bond takes when its link changes.
    #[argument(choices("none", "active", "follow"))]
    pub fail_over_mac: Option<String>,
    /// Milliseconds between a bond's questions by ARP.
    pub arp_interval: Option<i64>,
    /// Addresses that it asks for.
    pub arp_ip_target: Option<String>,
    /// A bond's first link.
    pub primary: Option<String>,
    /// Whether a bridge speaks the spanning tree protocol.
    #[argument(default = true)]
    pub stp: bool,
    /// A bridge's priority there.
    #[argument(default = 128)]
    pub priority: i64,
    /// A bridge's part's.
    #[argument(default = 32)]
    pub slavepriority: i64,
    /// Seconds until a bridge forwards.
    #[argument(default = 15)]
    pub forwarddelay: i64,
    /// Seconds between a bridge's greetings.
    #[argument(default = 2)]
    pub hellotime: i64,
    /// Seconds that greetings of others count.
    #[argument(default = 20)]
    pub maxage: i64,
    /// Seconds that a bridge remembers addresses.
    #[argument(default = 300)]
    pub ageingtime: i64,
    /// Whether a bridge's part sends back what came from it.
    #[argument(default = false)]
    pub hairpin: bool,
    /// What the way over a bridge's part costs.
    #[argument(default = 100)]
    pub path_cost: i64,
    /// How a team shares its load.
    #[argument(
        default = "roundrobin",
        choices("broadcast", "roundrobin", "activebackup", "loadbalance", "lacp")
    )]
    pub runner: String,
    /// Which addresses a team's links have.
    #[argument(choices("same_all", "by_active", "only_active"))]
    pub runner_hwaddr_policy: Option<String>,
    /// Whether a team asks for a packet each second.
    pub runner_fast_rate: Option<bool>,
    /// Number of a VLAN.
    pub vlanid: Option<i64>,
    /// The interface below it.
    pub vlandev: Option<String>,
    /// Its flags.
    pub flags: Option<String>,
    /// Priorities of what comes in.
    pub ingress: Option<String>,
    /// Priorities of what goes out.
    pub egress: Option<String>,
    /// Number of a VXLAN.
    pub vxlan_id: Option<i64>,
    /// Its own address.
    pub vxlan_local: Option<String>,
    /// That of the other end.
    pub vxlan_remote: Option<String>,
    /// The interface below a tunnel.
    pub ip_tunnel_dev: Option<String>,
    /// A tunnel's own address.
    pub ip_tunnel_local: Option<String>,
    /// That of the other end.
    pub ip_tunnel_remote: Option<String>,
    /// Key of what comes out of a tunnel.
    #[argument(no_log)]
    pub ip_tunnel_input_key: Option<String>,
    /// Key of what goes into it.
    #[argument(no_log)]
    pub ip_tunnel_output_key: Option<String>,
    /// Name of a wireless network.
    pub ssid: Option<String>,
    /// Settings of `802-11-wireless`, by NetworkManager's names.
    pub wifi: Option<JsonMap>,
    /// Settings of `802-11-wireless-security`.
    #[argument(no_log)]
    pub wifi_sec: Option<JsonMap>,
    /// Settings of `gsm`.
    pub gsm: Option<JsonMap>,
    /// What a MACVLAN is.
    pub macvlan: Option<MacVlan>,
    /// Settings of `wireguard`.
    pub wireguard: Option<JsonMap>,
    /// Settings of a VPN: `service-type`, `permissions`, and what its plugin wants.
    pub vpn: Option<JsonMap>,
    /// Settings of `sriov`.
    pub sriov: Option<JsonMap>,
    /// The routing table of a VRF.
    pub table: Option<i64>,
    /// How InfiniBand carries packets.
    #[argument(choices("datagram", "connected"))]
    pub transport_mode: Option<String>,
    /// Address of its interface.
    pub infiniband_mac: Option<String>,
}

/// What is wanted of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum State {
    Absent,
    Present,
    Up,
    Down,
}

/// A route.
#[derive(Debug, Arguments)]
pub struct Route4 {
    /// The network.
    pub ip: String,
    /// Where packets to it go.
    pub next_hop: Option<String>,
    /// What the way costs.
    pub metric: Option<i64>,
    /// The table that it is in.
    pub table: Option<i64>,
    /// Type of service that it is for.
    pub tos: Option<i64>,
    /// Packets that may be under way.
    pub cwnd: Option<i64>,
    /// Largest packet in bytes.
    pub mtu: Option<i64>,
    /// Whether the next hop is taken to be on the link.
    pub onlink: Option<bool>,
}

/// A route of IPv6.
#[derive(Debug, Arguments)]
pub struct Route6 {
    /// The network.
    pub ip: String,
    /// Where packets to it go.
    pub next_hop: Option<String>,
    /// What the way costs.
    pub metric: Option<i64>,
    /// The table that it is in.
    pub table: Option<i64>,
    /// Packets that may be under way.
    pub cwnd: Option<i64>,
    /// Largest packet in bytes.
    pub mtu: Option<i64>,
    /// Whether the next hop is taken to be on the link.
    pub onlink: Option<bool>,
}

/// What a MACVLAN is.
#[derive(Debug, Arguments)]
pub struct MacVlan {
    /// 1 is VEPA, 2 bridge, 3 private, 4 passthru, 5 source.
    #[argument(choices(1, 2, 3, 4, 5))]
    pub mode: i64,
    /// The interface below it.
    pub parent: String,
    /// Whether the interface below takes all packets.
    pub promiscuous: Option<bool>,
    /// Whether it is a MACVTAP.
    pub tap: Option<bool>,
}

fn route(
    ip: &str,
    next_hop: Option<&String>,
    metric: Option<i64>,
    attributes: &[(&str, Option<String>)],
) -> String {
    let mut words = vec![ip.to_owned()];
    words.extend(next_hop.cloned());
    words.extend(metric.map(|metric| metric.to_string()));
    let given = attributes.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    words.extend(given.map(|(name, value)| format!("{name}={value}")));
    words.join(" ")
}

fn text<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

impl Route4 {
    /// As `nmcli` takes it.
    pub fn line(&self) -> String {
        let attributes = [
            ("cwnd", text(self.cwnd)),
            ("mtu", text(self.mtu)),
            ("onlink", text(self.onlink)),
            ("table", text(self.table)),
            ("tos", text(self.tos)),
        ];
        route(&self.ip, self.next_hop.as_ref(), self.metric, &attributes)
    }
}

impl Route6 {
    /// As `nmcli` takes it.
    pub fn line(&self) -> String {
        let attributes = [
            ("cwnd", text(self.cwnd)),
            ("mtu", text(self.mtu)),
            ("onlink", text(self.onlink)),
            ("table", text(self.table)),
        ];
        route(&self.ip, self.next_hop.as_ref(), self.metric, &attributes)
    }
}
