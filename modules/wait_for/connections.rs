//! TCP connections of the host, as /proc/net/tcp has them (`man 5 proc_pid_net`).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use module::{Failure, Host};

const FILES: [&str; 2] = ["/proc/net/tcp", "/proc/net/tcp6"];

/// States that can be counted, and their numbers in the table.
const STATES: [(&str, u8); 6] = [
    ("ESTABLISHED", 1),
    ("SYN_SENT", 2),
    ("SYN_RECV", 3),
    ("FIN_WAIT1", 4),
    ("FIN_WAIT2", 5),
    ("TIME_WAIT", 6),
];

/// The number of a state; `None` for one that cannot be counted.
pub fn state_number(name: &str) -> Option<u8> {
    STATES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// How many connections a port has. The port of an unspecified address (`0.0.0.0`, `::`) is that of
/// every address.
///
/// # Errors
/// A table that cannot be read.
pub fn count(
    host: &dyn Host,
    own: &[IpAddr],
    port: u16,
    excluded: &[IpAddr],
    states: &[String],
) -> Result<usize, Failure> {
    let states: Vec<u8> = states.iter().filter_map(|name| state_number(name)).collect();
    let is_any = own.iter().any(IpAddr::is_unspecified);
    let mut count = 0;
    for file in FILES {
        let bytes = host.read(Path::new(file))?.unwrap_or_default();
        for line in String::from_utf8_lossy(&bytes).lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, local, far, state, ..] = words.as_slice() else { continue };
            let (Some((local, local_port)), Some((far, _))) = (parse(local), parse(far)) else {
                continue;
            };
            let is_own = is_any || local.is_unspecified() || own.contains(&local);
            let is_state = u8::from_str_radix(state, 16).is_ok_and(|state| states.contains(&state));
            if local_port == port && is_own && is_state && !excluded.contains(&far) {
                count += 1;
            }
        }
    }
    Ok(count)
}

/// `0100007F:1F90`: words of the host's own byte order, and a port in plain digits. IPv4 addresses
/// in IPv6's clothes are IPv4 addresses.
fn parse(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::new();
    for at in (0..address.len()).step_by(8) {
        let word = u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    if let Ok(octets) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some((Ipv4Addr::from(octets).into(), port));
    }
    let octets = <[u8; 16]>::try_from(bytes.as_slice()).ok()?;
    let address = Ipv6Addr::from(octets);
    Some((address.to_ipv4_mapped().map_or(address.into(), IpAddr::from), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (text, expected) in [
            ("0100007F:1F90", Some(("127.0.0.1", 8080))),
            ("00000000000000000000000001000000:0016", Some(("::1", 22))),
            ("0000000000000000FFFF00000100007F:0016", Some(("127.0.0.1", 22))),
            ("0100007F", None),
            ("0100007:0016", None),
            ("zz00007F:0016", None),
            (":0016", None),
        ] {
            let expected = expected.map(|(address, port)| (address.parse().unwrap(), port));
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
