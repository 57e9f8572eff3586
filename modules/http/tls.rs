//! TLS, and whom it trusts. It is spoken by the remote's companion; see [`protocol::tunnel`].

use std::path::PathBuf;

use module::{Failure, host::Connection};
use protocol::tunnel::{Trust, Tunnel};

use super::Client;

/// Where systems keep the certificates that they trust.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes a connection a safe one.
///
/// # Errors
/// Certificates that cannot be read, a server that is not trusted, and a companion that cannot be
/// had.
pub fn secure(
    client: &Client<'_>,
    name: &str,
    stream: Box<dyn Connection>,
) -> Result<Box<dyn Connection>, Failure> {
    let arguments = client.arguments;
    let trust = match &client.ca_path {
        _ if !arguments.validate_certs => Trust::Anyone,
        Some(path) => Trust::File(path.clone()),
        None => {
            let own = client.host.variable("SSL_CERT_FILE").map(PathBuf::from);
            Trust::System(own.into_iter().chain(BUNDLES.iter().map(PathBuf::from)).collect())
        }
    };
    let tunnel = Tunnel {
        name: name.to_owned(),
        trust,
        client_cert: arguments.client_cert.clone(),
        client_key: arguments.client_key.clone(),
    };
    Ok(client.host.secure(stream, &tunnel, client.timeout)?)
}
