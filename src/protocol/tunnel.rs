//! What the remote tells its companion for TLS.
//!
//! TLS is a third of what a remote would be, and few hosts need it there. So it is a program of its
//! own, `trueup-tls`, that the remote asks the controller for when a request first needs it, keeps
//! beside itself under its digest, and starts for one connection: stdin is a socket with what is
//! to be said, stdout the connection to the server, and the one argument a [`Tunnel`] as JSON. It
//! writes [`READY`] to stderr once the server is trusted, or one line that says why it is not.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The line that says that the server is trusted and the tunnel open.
pub const READY: &str = "ready";

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// Host name or address that the server must prove to be.
    pub name: String,
    /// Who vouches for it.
    pub trust: Trust,
    /// A file in PEM with the certificate, and maybe its key, that is shown to the server.
    pub client_cert: Option<PathBuf>,
    /// A file in PEM with the key to that certificate.
    pub client_key: Option<PathBuf>,
}

/// Whose word is taken for who a server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trust {
    /// Nobody's: any server will do.
    Anyone,
    /// The certificates of this file, which a task named.
    File(PathBuf),
    /// The certificates of the first of these files that is there.
    System(Vec<PathBuf>),
}
