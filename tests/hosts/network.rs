//! The network of a fleet: a bridge, a /24 of addresses that are for tests (RFC 2544), and a way
//! out to package mirrors.

use std::{fs, net::Ipv4Addr, path::Path};

use crate::shell::{HostsError, at, feed, run};

/// The addresses of all fleets.
const ALL_FLEETS: &str = "198.18.0.0/16";

/// Names and addresses of one fleet's network.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Number of the fleet.
    pub fleet: u8,
}

impl Network {
    /// Name of the bridge.
    pub fn bridge(self) -> String {
        format!("tu{}", self.fleet)
    }

    /// Address of this machine on the bridge.
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.fleet, 1)
    }

    /// Address of a host, counted from 1.
    pub fn address(self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(198, 18, self.fleet, host.saturating_add(9))
    }

    /// One of the thousand addresses that a host of a fleet may be given besides its own, counted
    /// from 1.
    pub fn more_address(self, number: u16) -> Ipv4Addr {
        let [high, low] = number.to_be_bytes();
        Ipv4Addr::new(198, 19, self.fleet.wrapping_mul(4).wrapping_add(high), low)
    }

    /// All of them.
    pub fn more_subnet(self) -> String {
        format!("{}/22", self.more_address(0))
    }

    /// All addresses.
    pub fn subnet(self) -> String {
        format!("198.18.{}.0/24", self.fleet)
    }

    /// Name of a host's network namespace.
    pub fn namespace(self, host: u8) -> String {
        format!("tu{}-{host}", self.fleet)
    }

    /// Brings the bridge up. The addresses lead nowhere before there is a bridge, and after: the
    /// route that says so stays, so that nothing that is meant for a host that is gone leaves this
    /// machine.
    pub(crate) fn up(self) -> Result<(), HostsError> {
        let (bridge, subnet) = (self.bridge(), self.subnet());
        run("ip", &["route", "replace", "unreachable", ALL_FLEETS, "metric", "65535"])?;
        run("ip", &["link", "add", &bridge, "type", "bridge"])?;
        run("ip", &["addr", "add", &format!("{}/24", self.gateway()), "dev", &bridge])?;
        run("ip", &["link", "set", &bridge, "up"])?;
        let forward = Path::new("/proc/sys/net/ipv4/ip_forward");
        fs::write(forward, "1\n").map_err(at(forward))?;
        let rules = format!(
            "table ip trueup_{fleet} {{\n\
               chain out {{\n\
                 type nat hook postrouting priority srcnat;\n\
                 ip saddr {subnet} oifname != \"{bridge}\" masquerade\n\
               }}\n\
             }}\n",
            fleet = self.fleet
        );
        feed("nft", &["-f", "-"], rules.as_bytes()).map(drop)
    }

    /// Hardware address of a machine's link, which is a local one.
    pub fn mac(self, host: u8) -> String {
        format!("02:54:55:00:{:02x}:{host:02x}", self.fleet)
    }

    /// Makes the link that a machine hangs on, and says its name.
    pub(crate) fn add_tap(self, host: u8) -> Result<String, HostsError> {
        let bridge = self.bridge();
        let link = format!("{bridge}v{host}");
        run("ip", &["tuntap", "add", "dev", &link, "mode", "tap"])?;
        run("ip", &["link", "set", &link, "master", &bridge, "up"])?;
        Ok(link)
    }

    /// Makes the namespace of a host with its interface, up and addressed.
    pub(crate) fn add_host(self, host: u8) -> Result<(), HostsError> {
        let (bridge, space) = (self.bridge(), self.namespace(host));
        let outside = format!("{bridge}v{host}");
        let address = format!("{}/24", self.address(host));
        let gateway = self.gateway().to_string();
        run("ip", &["netns", "add", &space])?;
        let pair =
            ["link", "add", &outside, "type", "veth", "peer", "name", "host0", "netns", &space];
        run("ip", &pair)?;
        run("ip", &["link", "set", &outside, "master", &bridge, "up"])?;
        let inside = |words: &[&str]| run("ip", &[&["-n", &space], words].concat());
        inside(&["link", "set", "lo", "up"])?;
        inside(&["addr", "add", &address, "dev", "host0"])?;
        inside(&["link", "set", "host0", "up"])?;
        inside(&["route", "add", "default", "via", &gateway]).map(drop)
    }
}
