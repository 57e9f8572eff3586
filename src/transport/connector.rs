//! How connections are opened.

use std::{path::PathBuf, sync::Arc};

use crate::{ConnectError, Connection, RemoteBinaries, Target};

/// What all connections of one run share.
#[derive(Clone, Debug)]
pub struct ConnectorSettings {
    /// Home folder of the user who runs this program; `~` in paths of the controller.
    pub home: PathBuf,
    /// Name of that user; logs in where nobody says otherwise.
    pub user: String,
    /// Socket of the SSH agent.
    pub agent_socket: Option<PathBuf>,
    /// The remote, by architecture.
    pub remotes: Arc<RemoteBinaries>,
    /// How many connections may be opened at once.
    pub opening_max: usize,
}

/// Opens connections.
#[derive(Clone, Debug)]
pub struct Connector {
    settings: Arc<ConnectorSettings>,
}

impl Connector {
    /// Makes a connector; nothing is opened or read yet.
    pub fn new(settings: ConnectorSettings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// Opens a connection. Dropping the future ends the attempt.
    ///
    /// # Errors
    /// Where the host cannot be reached, is not the host it should be, or lets nobody in.
    pub async fn connect(&self, target: &Target) -> Result<Connection, ConnectError> {
        let _ = (&self.settings, target);
        Err(ConnectError::Other("connections are being laid".into()))
    }
}
