//! An open connection to a host.

use std::{sync::Arc, time::Duration};

use crate::{Become, ConnectError, Remote};

/// An open connection to a host. Ends when dropped.
pub struct Connection {
    host_key: Option<HostKey>,
}

/// The key that a host proved to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Algorithm, such as `ssh-ed25519`.
    pub algorithm: String,
    /// Base64 of the public key, as files of known hosts have it.
    pub base64: String,
    /// `SHA256:…`
    pub fingerprint: String,
}

/// What a command left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOutput {
    /// Exit status; 128 and the signal's number where a signal ended it.
    pub rc: i32,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
}

impl Connection {
    /// The remote of a user, started at first use and kept for later ones; `None` is the user who
    /// logged in.
    pub async fn remote(&self, become_: Option<&Become>) -> Result<Arc<Remote>, ConnectError> {
        let _ = become_;
        Err(ConnectError::Other("connections are being laid".into()))
    }

    /// Runs a command line by the login shell of the user, without the remote.
    pub async fn raw(
        &self,
        command: &str,
        become_: Option<&Become>,
        stdin: &[u8],
        timeout: Option<Duration>,
    ) -> Result<RawOutput, ConnectError> {
        let _ = (command, become_, stdin, timeout);
        Err(ConnectError::Other("connections are being laid".into()))
    }

    /// Ends the remotes and the connection, in good order.
    pub async fn close(&self) {}

    /// The key that the host proved to have; `None` where there is no SSH.
    pub fn host_key(&self) -> Option<&HostKey> {
        self.host_key.as_ref()
    }
}
