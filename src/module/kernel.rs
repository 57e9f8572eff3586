//! What a host's kernel says of itself, of file systems and of the network.

use std::net::{IpAddr, Ipv4Addr};

/// What `uname` tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kernel {
    /// `Linux`.
    pub system: String,
    /// Name of the host.
    pub node: String,
    /// `6.1.0-37-amd64`.
    pub release: String,
    /// `#1 SMP …`.
    pub version: String,
    /// `x86_64`.
    pub machine: String,
}

/// Size and use of a file system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Preferred size of reads and writes.
    pub block_bytes: u64,
    /// The unit of `blocks` and `blocks_available`.
    pub fragment_bytes: u64,
    /// All of it.
    pub blocks: u64,
    /// What users other than root may still take.
    pub blocks_available: u64,
    /// Files that there can be.
    pub inodes: u64,
    /// Files that users other than root may still make.
    pub inodes_available: u64,
}

/// Addresses and routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Numbers and names of the interfaces, in the kernel's order. A container's /sys may know
    /// others: those of the machine that it runs on.
    pub links: Vec<(u32, String)>,
    /// In the kernel's order.
    pub addresses: Vec<Address>,
    /// Destinations that are this host itself, with their prefix lengths, in the kernel's order.
    pub local: Vec<(IpAddr, u8)>,
    /// The way to a far IPv4 address.
    pub ipv4_route: Option<Route>,
    /// The way to a far IPv6 address.
    pub ipv6_route: Option<Route>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Number of the interface, as in /sys/class/net/NAME/ifindex.
    pub interface: u32,
    /// The name that the address goes by, such as `eth0:1`; IPv4 alone has one.
    pub label: Option<String>,
    pub address: IpAddr,
    pub prefix_bits: u8,
    pub broadcast: Option<Ipv4Addr>,
    pub scope: Scope,
    /// Whether another address of the same network came first.
    pub is_secondary: bool,
}

/// How far an address can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Global,
    Site,
    Link,
    Host,
    Other(u8),
}

impl Scope {
    /// As `ip address` writes it.
    pub fn name(self) -> String {
        match self {
            Self::Global => "global".into(),
            Self::Site => "site".into(),
            Self::Link => "link".into(),
            Self::Host => "host".into(),
            Self::Other(number) => number.to_string(),
        }
    }
}

/// The way to some address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Number of the interface.
    pub interface: u32,
    /// Which of its addresses the host uses.
    pub source: Option<IpAddr>,
    /// The next host on the way.
    pub gateway: Option<IpAddr>,
}
