//! Addresses of a machine that has a name.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use module::{Failure, Host, HostError, Program, host::Address};

/// How long the name service may take.
const LOOKUP_WAIT: Duration = Duration::from_secs(10);

/// A machine's addresses, in the order in which they are tried.
#[derive(Debug, Default, PartialEq)]
pub struct Target {
    pub addresses: Vec<IpAddr>,
}

impl Target {
    /// Looks a name up, by `getent` and never by libc; none for a name that nobody knows.
    ///
    /// # Errors
    /// A host without `getent`, and a cancelled request.
    pub fn resolve(host: &dyn Host, name: &str) -> Result<Self, Failure> {
        let plain = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = plain.parse() {
            return Ok(Self { addresses: vec![address] });
        }
        let program = Program::new("getent").args(["ahosts", "--", name]).timeout(LOOKUP_WAIT);
        let output = match host.query(&program) {
            Ok(output) => output,
            Err(HostError::Timeout { .. }) => return Ok(Self::default()),
            Err(error) => return Err(error.into()),
        };
        let mut addresses = Vec::new();
        for line in output.stdout_text().lines() {
            let address = line.split_whitespace().next().and_then(|word| word.parse().ok());
            addresses.extend(address.filter(|address| !addresses.contains(address)));
        }
        Ok(Self { addresses })
    }

    /// Where to connect to.
    pub fn sockets(self, port: u16) -> impl Iterator<Item = Address> {
        self.addresses.into_iter().map(move |address| Address::Tcp(SocketAddr::new(address, port)))
    }
}
