//! An address with its network, as numbers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::value::Value;

/// An address with the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Net {
    pub(super) number: u128,
    pub(super) v4: bool,
    pub(super) prefix: u32,
    /// The text had a prefix or netmask.
    pub(super) has_prefix: bool,
}

/// Reads `address`, `address/prefix` or `address/netmask`.
pub(crate) fn parse(text: &str) -> Option<Net> {
    let text = text.trim();
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let (number, v4) = number_of(address);
    let width = if v4 { 32 } else { 128 };
    let prefix = match prefix {
        None => return Some(Net { number, v4, prefix: width, has_prefix: false }),
        Some(prefix) => match prefix.parse::<u32>() {
            Ok(prefix) => prefix,
            Err(_) => {
                let (mask, mask_v4) = number_of(prefix.parse().ok()?);
                if mask_v4 != v4 {
                    return None;
                }
                let mask = if v4 { mask << 96 } else { mask };
                let ones = mask.leading_ones();
                // A hostmask counts, too.
                let whole = if v4 { u128::MAX << 96 } else { u128::MAX };
                if mask.count_ones() == ones {
                    ones
                } else if (whole & !mask).count_ones() == (whole & !mask).leading_ones() {
                    (whole & !mask).leading_ones()
                } else {
                    return None;
                }
            }
        },
    };
    (prefix <= width).then_some(Net { number, v4, prefix, has_prefix: true })
}

pub(super) fn number_of(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), true),
        IpAddr::V6(address) => (u128::from(address), false),
    }
}

/// The address of a value: a text, or a number.
pub(super) fn net_of(value: &Value) -> Option<Net> {
    match value {
        Value::Str(text) => parse(text),
        other => {
            let number = crate::value::big::of(other)?;
            let number = u128::try_from(&number).ok()?;
            let v4 = number <= u128::from(u32::MAX);
            Some(Net { number, v4, prefix: if v4 { 32 } else { 128 }, has_prefix: false })
        }
    }
}

impl Net {
    pub(super) fn width(&self) -> u32 {
        if self.v4 { 32 } else { 128 }
    }

    pub(crate) fn is_v4(&self) -> bool {
        self.v4
    }

    pub(super) fn all(&self) -> u128 {
        if self.v4 { u128::from(u32::MAX) } else { u128::MAX }
    }

    pub(super) fn hostmask(&self) -> u128 {
        let bits = self.width() - self.prefix;
        if bits >= 128 { u128::MAX } else { (1u128 << bits) - 1 }
    }

    pub(super) fn netmask(&self) -> u128 {
        self.all() & !self.hostmask()
    }

    pub(super) fn network(&self) -> u128 {
        self.number & self.netmask()
    }

    pub(super) fn last(&self) -> u128 {
        self.network() | self.hostmask()
    }

    pub(super) fn text(&self, number: u128) -> String {
        if self.v4 {
            Ipv4Addr::from(number as u32).to_string()
        } else {
            Ipv6Addr::from(number).to_string()
        }
    }

    pub(super) fn address(&self) -> String {
        self.text(self.number)
    }

    pub(super) fn with_prefix(&self, number: u128) -> String {
        format!("{}/{}", self.text(number), self.prefix)
    }

    pub(super) fn is_single(&self) -> bool {
        self.prefix == self.width()
    }

    /// How many addresses; saturates for `::/0`.
    pub(super) fn size(&self) -> u128 {
        self.hostmask().saturating_add(1)
    }

    pub(super) fn first_usable(&self) -> Option<u128> {
        match self.width() - self.prefix {
            0 => None,
            1 => Some(self.network()),
            _ => Some(self.network() + 1),
        }
    }

    pub(super) fn last_usable(&self) -> Option<u128> {
        match self.width() - self.prefix {
            0 => None,
            1 => Some(self.last()),
            _ => Some(self.last() - 1),
        }
    }

    pub(crate) fn contains(&self, other: &Net) -> bool {
        self.v4 == other.v4 && self.network() <= other.network() && other.last() <= self.last()
    }

    pub(super) fn within(&self, ranges: &[&str]) -> bool {
        ranges.iter().filter_map(|range| parse(range)).any(|range| range.contains(self))
    }

    pub(crate) fn is_private(&self) -> bool {
        self.within(&[
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "fc00::/7",
            "fec0::/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "::1/128",
            "fe80::/10",
            "2001:db8::/32",
            "192.0.2.0/24",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "100.64.0.0/10",
            "198.18.0.0/15",
            "239.0.0.0/8",
        ])
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.within(&["127.0.0.0/8", "::1/128"])
    }

    pub(crate) fn is_multicast(&self) -> bool {
        self.within(&["224.0.0.0/4", "ff00::/8"])
    }

    pub(super) fn is_link_local(&self) -> bool {
        self.within(&["169.254.0.0/16", "fe80::/10"])
    }

    pub(super) fn is_reserved(&self) -> bool {
        self.within(&["240.0.0.0/4", "0.0.0.0/8"])
    }

    pub(crate) fn is_public(&self) -> bool {
        !(self.is_private()
            || self.is_loopback()
            || self.is_multicast()
            || self.is_link_local()
            || self.is_reserved())
    }
}

/// The host that a text names: an address that is not merely a network's own.
pub(super) fn is_host(net: &Net) -> bool {
    net.is_single() || net.number != net.network()
}
