//! Addresses and routes by rtnetlink (RFC 3549, `man 7 rtnetlink`), so that `ip` need not be there.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink::SocketAddrNetlink, recv,
    sendto, socket_with, sockopt,
};

use crate::kernel::{Address, Network, Route, Scope};

const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_LABEL: u16 = 3;
const IFA_BROADCAST: u16 = 4;
const IFA_F_SECONDARY: u8 = 1;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PREFSRC: u16 = 7;
const RTA_TABLE: u16 = 15;
const RT_TABLE_LOCAL: u32 = 255;
const RTN_LOCAL: u8 = 2;

/// Far addresses to which the way is asked; nothing is sent there.
const FAR_IPV4: Ipv4Addr = Ipv4Addr::new(8, 8, 8, 8);
const FAR_IPV6: Ipv6Addr = Ipv6Addr::new(0x2404, 0x6800, 0x400a, 0x800, 0, 0, 0, 0x1012);

/// The kernel's messages are at most this long.
const BUFFER_BYTES: usize = 64 * 1024;

/// How many messages an answer may have: a router may know a million routes, and only those to the
/// host itself are wanted.
const MESSAGES_MAX: usize = 4_000_000;

/// Reads the tables.
///
/// # Errors
/// A kernel that does not answer.
pub fn read() -> io::Result<Network> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(Duration::from_secs(2)))?;
    let mut network = Network::default();
    // Of any family: `struct ifinfomsg`, empty.
    let _ = ask(&socket, RTM_GETLINK, NLM_F_DUMP, &[0; 16], |kind, body| {
        if kind == RTM_NEWLINK {
            network.links.extend(parse_link(body));
        }
    });
    for family in [AF_INET, AF_INET6] {
        // A kernel without IPv6 refuses; then there is nothing of it.
        let _ =
            ask(&socket, RTM_GETADDR, NLM_F_DUMP, &[family, 0, 0, 0, 0, 0, 0, 0], |kind, body| {
                if kind == RTM_NEWADDR {
                    network.addresses.extend(parse_address(body));
                }
            });
        let mut header = [0; 12];
        header[0] = family;
        let _ = ask(&socket, RTM_GETROUTE, NLM_F_DUMP, &header, |kind, body| {
            if kind == RTM_NEWROUTE {
                network.local.extend(parse_local(body));
            }
        });
    }
    network.ipv4_route = route_to(&socket, IpAddr::V4(FAR_IPV4));
    network.ipv6_route = route_to(&socket, IpAddr::V6(FAR_IPV6));
    Ok(network)
}

fn route_to(socket: &OwnedFd, far: IpAddr) -> Option<Route> {
    let (family, bytes) = match far {
        IpAddr::V4(far) => (AF_INET, far.octets().to_vec()),
        IpAddr::V6(far) => (AF_INET6, far.octets().to_vec()),
    };
    let mut message = vec![family, u8::try_from(bytes.len() * 8).ok()?];
    message.extend([0; 10]);
    message.extend(u16::try_from(bytes.len() + 4).ok()?.to_ne_bytes());
    message.extend(RTA_DST.to_ne_bytes());
    message.extend(bytes);
    let mut found = None;
    // An unreachable network is an error of the kernel's answer.
    ask(socket, RTM_GETROUTE, 0, &message, |kind, body| {
        if kind == RTM_NEWROUTE {
            found = parse_route(body);
        }
    })
    .ok()?;
    found
}

/// Sends a request and gives every message of the answer to `take`.
fn ask(
    socket: &OwnedFd,
    kind: u16,
    flags: u16,
    body: &[u8],
    mut take: impl FnMut(u16, &[u8]),
) -> io::Result<()> {
    let length = u32::try_from(16 + body.len()).map_err(io::Error::other)?;
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend((NLM_F_REQUEST | flags).to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    sendto(socket.as_fd(), &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut buffer = vec![0_u8; BUFFER_BYTES];
    for _ in 0..MESSAGES_MAX {
        let (count, _) = recv(socket.as_fd(), buffer.as_mut_slice(), RecvFlags::empty())?;
        let mut rest = buffer.get(..count).unwrap_or_default();
        while let Some((kind, body, next)) = split_message(rest) {
            match kind {
                NLMSG_DONE => return Ok(()),
                NLMSG_ERROR => {
                    let code = body.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
                    return match code {
                        0 => Ok(()),
                        code => Err(io::Error::from_raw_os_error(-code)),
                    };
                }
                kind => take(kind, body),
            }
            rest = next;
        }
        // What is no dump is one message.
        if flags & NLM_F_DUMP == 0 {
            return Ok(());
        }
    }
    Err(io::Error::other("the kernel's answer does not end"))
}

/// Kind and body of the first message, and what comes after it.
fn split_message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::try_from(u32::from_ne_bytes(*bytes.first_chunk()?)).ok()?;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let body = bytes.get(16..length)?;
    Some((kind, body, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

/// The attributes behind a message's header.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16::from_ne_bytes(*bytes.first_chunk()?));
        let kind = u16::from_ne_bytes(*bytes.get(2..)?.first_chunk()?);
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    })
}

fn parse_ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(octets));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

fn parse_link(body: &[u8]) -> Option<(u32, String)> {
    let interface = number(body.get(4..)?)?;
    let name = attributes(body.get(16..)?).find(|(kind, _)| *kind == IFLA_IFNAME);
    let name = String::from_utf8_lossy(name?.1).trim_end_matches('\0').to_owned();
    Some((interface, name))
}

fn parse_address(body: &[u8]) -> Option<Address> {
    let [_, prefix_bits, flags, scope, ..] = *body else { return None };
    let interface = number(body.get(4..)?)?;
    let (mut address, mut local, mut label, mut broadcast) = (None, None, None, None);
    for (kind, value) in attributes(body.get(8..)?) {
        match kind {
            IFA_ADDRESS => address = parse_ip(value),
            IFA_LOCAL => local = parse_ip(value),
            IFA_BROADCAST => broadcast = <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from),
            IFA_LABEL => {
                let text = String::from_utf8_lossy(value);
                label = Some(text.trim_end_matches('\0').to_owned());
            }
            _ => {}
        }
    }
    Some(Address {
        interface,
        label,
        // On a line between two hosts, `address` is the other one.
        address: local.or(address)?,
        prefix_bits,
        broadcast,
        scope: match scope {
            0 => Scope::Global,
            200 => Scope::Site,
            253 => Scope::Link,
            254 => Scope::Host,
            other => Scope::Other(other),
        },
        is_secondary: flags & IFA_F_SECONDARY != 0,
    })
}

fn parse_local(body: &[u8]) -> Option<(IpAddr, u8)> {
    let [_, prefix_bits, _, _, table, _, _, kind, ..] = *body else { return None };
    let (mut table, mut address) = (u32::from(table), None);
    for (kind, value) in attributes(body.get(12..)?) {
        match kind {
            RTA_DST => address = parse_ip(value),
            RTA_TABLE => table = number(value)?,
            _ => {}
        }
    }
    let is_local = kind == RTN_LOCAL && table == RT_TABLE_LOCAL;
    address.filter(|_| is_local).map(|address| (address, prefix_bits))
}

fn parse_route(body: &[u8]) -> Option<Route> {
    let (mut interface, mut source, mut gateway) = (None, None, None);
    for (kind, value) in attributes(body.get(12..)?) {
        match kind {
            RTA_OIF => interface = number(value),
            RTA_PREFSRC => source = parse_ip(value),
            RTA_GATEWAY => gateway = parse_ip(value),
            _ => {}
        }
    }
    Some(Route { interface: interface?, source, gateway })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_found() {
        let network = read().unwrap();
        let found =
            network.addresses.iter().find(|one| one.address == IpAddr::V4(Ipv4Addr::LOCALHOST));
        let found = found.unwrap();
        assert_eq!((found.prefix_bits, found.scope), (8, Scope::Host));
        assert_eq!(found.label.as_deref(), Some("lo"));
        assert!(network.links.contains(&(found.interface, "lo".into())));
        assert!(network.local.contains(&(IpAddr::V4(Ipv4Addr::LOCALHOST), 32)));
    }

    #[test]
    fn broken_messages_are_nothing() {
        assert_eq!(parse_address(&[2, 8, 0]), None);
        assert_eq!(parse_address(&[2, 8, 0, 0, 1, 0, 0, 0]), None);
        // The length of the attribute is beyond the end.
        assert_eq!(parse_address(&[2, 8, 0, 0, 1, 0, 0, 0, 99, 0, 1, 0, 127, 0, 0, 1]), None);
        // The length of the attribute is shorter than its head.
        assert_eq!(parse_address(&[2, 8, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0, 127, 0, 0, 1]), None);
        assert_eq!(parse_link(&[0; 16]), None);
        assert_eq!(parse_route(&[]), None);
        assert!(split_message(&[255, 0, 0, 0, 0, 0]).is_none());
        assert!(split_message(&[4, 0, 0, 0, 0, 0]).is_none());
    }
}
