//! Names of machines.

use std::{net::IpAddr, path::Path};

use module::{Failure, Host, HostError, Program};

/// The addresses of a name, in the order that the host prefers.
///
/// # Errors
/// A name that has none.
pub fn look_up(host: &dyn Host, name: &str) -> Result<Vec<IpAddr>, Failure> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let mut found = match host.query(&Program::new("getent").args(["ahosts", "--", name])) {
        Ok(output) if output.is_success() => first_words(&output.stdout_text()),
        Ok(_) => Vec::new(),
        Err(HostError::NoProgram { .. }) => in_hosts_file(host, name)?,
        Err(why) => return Err(why.into()),
    };
    let mut seen = Vec::new();
    found.retain(|address| {
        let is_new = !seen.contains(address);
        seen.push(*address);
        is_new
    });
    if found.is_empty() {
        return Err(Failure::new(format!("Request failed: the host knows no address of {name}")));
    }
    Ok(found)
}

fn first_words(text: &str) -> Vec<IpAddr> {
    text.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
}

/// For hosts without `getent`.
fn in_hosts_file(host: &dyn Host, name: &str) -> Result<Vec<IpAddr>, Failure> {
    let bytes = host.read(Path::new("/etc/hosts"))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let named = lines
        .filter(|line| line.split_whitespace().skip(1).any(|one| one.eq_ignore_ascii_case(name)));
    Ok(first_words(&named.collect::<Vec<_>>().join("\n")))
}
