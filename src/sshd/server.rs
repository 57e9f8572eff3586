//! One host.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream},
    os::fd::AsFd,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use russh::{keys::PublicKey, server};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

use crate::{
    Account, Faults,
    faults::FaultyStream,
    keys,
    session::{Session, Shared},
};

/// Connections that are served at once; more wait.
const CONNECTIONS_MAX: usize = 256;

/// Bytes that a client may send on a channel before it must wait.
const WINDOW_BYTES: u32 = 2 * 1024 * 1024;

/// What a server is.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Loopback address to listen on.
    pub address: IpAddr,
    /// TCP port; 0 for any that is free.
    pub port: u16,
    /// HOME and working folder of commands.
    pub folder: PathBuf,
    /// File that the host key is kept in, made where it is not there; `None` for a new key.
    pub host_key_file: Option<PathBuf>,
    /// Who may log in.
    pub accounts: Vec<Account>,
    /// Variables set for commands, over those of this process.
    pub environment: Vec<(String, String)>,
    /// Whether clients may connect to other hosts through this one.
    pub is_jump_host: bool,
    /// What it does wrong.
    pub faults: Faults,
}

impl ServerSettings {
    /// A server on any free port of 127.0.0.1 that nobody can log in to yet.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            folder: folder.into(),
            host_key_file: None,
            accounts: Vec::new(),
            environment: Vec::new(),
            is_jump_host: false,
            faults: Faults::default(),
        }
    }
}

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It would be open to others.
    #[error("{0} is no loopback address")]
    NotLoopback(IpAddr),
    /// The host key cannot be read or made.
    #[error("the host key cannot be had")]
    HostKey(#[source] io::Error),
    /// The address cannot be listened on.
    #[error("{0} cannot be listened on")]
    Listen(SocketAddr, #[source] io::Error),
}

/// A running server. Ends, and cuts its connections, when it is dropped.
pub struct Server {
    address: SocketAddr,
    key: PublicKey,
    accepting: JoinHandle<()>,
    open: Arc<Open>,
}

/// The connections that are open, so that they can be cut from outside.
#[derive(Default)]
struct Open(Mutex<HashMap<u64, TcpStream>>);

impl Open {
    fn add(&self, number: u64, stream: &tokio::net::TcpStream) -> io::Result<()> {
        let twin = TcpStream::from(stream.as_fd().try_clone_to_owned()?);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number, twin);
        Ok(())
    }

    fn remove(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    fn cut(&self) {
        for (_, stream) in self.0.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            // One that is closed already needs no cut.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Server {
    /// Starts a server. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Where the address is no loopback address or cannot be listened on, or there is no host key.
    pub async fn start(settings: ServerSettings) -> Result<Self, ServerError> {
        if !settings.address.is_loopback() {
            return Err(ServerError::NotLoopback(settings.address));
        }
        let key = match &settings.host_key_file {
            Some(path) => keys::read_or_write(path),
            None => keys::generate(),
        };
        let key = key.map_err(ServerError::HostKey)?;
        let public = key.public_key().clone();
        let wanted = SocketAddr::new(settings.address, settings.port);
        let failed = |error| ServerError::Listen(wanted, error);
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let config = Arc::new(server::Config {
            keys: vec![key],
            window_size: WINDOW_BYTES,
            // Nobody guesses passwords on loopback, and tests should not wait.
            auth_rejection_time: Duration::ZERO,
            auth_rejection_time_initial: Some(Duration::ZERO),
            inactivity_timeout: None,
            nodelay: true,
            ..server::Config::default()
        });
        let open = Arc::new(Open::default());
        let shared = Arc::new(Shared::new(settings));
        let accepting = tokio::spawn(accept(listener, config, shared, open.clone()));
        Ok(Self { address, key: public, accepting, open })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The line that belongs into a file of known hosts.
    ///
    /// # Errors
    /// Does not fail for keys of servers.
    pub fn known_hosts_line(&self) -> io::Result<String> {
        let key = self.key.to_openssh().map_err(io::Error::other)?;
        Ok(format!("[{}]:{} {key}", self.address.ip(), self.address.port()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
        self.open.cut();
    }
}

async fn accept(
    listener: TcpListener,
    config: Arc<server::Config>,
    shared: Arc<Shared>,
    open: Arc<Open>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut hang_ups = shared.settings.faults.hang_ups;
    let mut number = 0;
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        if hang_ups > 0 {
            hang_ups -= 1;
            continue;
        }
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY cannot be set");
        }
        number += 1;
        if let Err(error) = open.add(number, &stream) {
            tracing::debug!(%error, "a connection could not be kept track of");
            continue;
        }
        let stream = FaultyStream::new(stream, &shared.settings.faults);
        let (config, session) = (config.clone(), Session::new(shared.clone()));
        let open = open.clone();
        tokio::spawn(async move {
            let _place = place;
            match server::run_stream(config, stream, session).await {
                Ok(running) => {
                    if let Err(error) = running.await {
                        tracing::debug!(%error, "a connection ended");
                    }
                }
                Err(error) => tracing::debug!(%error, "a handshake failed"),
            }
            open.remove(number);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn addresses_that_others_can_reach_are_refused() {
        for address in ["0.0.0.0", "198.18.0.1", "::"] {
            let settings = ServerSettings {
                address: address.parse().unwrap(),
                ..ServerSettings::new("/nowhere")
            };
            let error = Server::start(settings).await.err().unwrap();
            assert_eq!(error.to_string(), format!("{address} is no loopback address"));
        }
    }

    #[tokio::test]
    async fn a_host_key_is_kept() {
        let file = std::env::temp_dir().join(format!("trueup-sshd-key-{}", std::process::id()));
        let settings = || ServerSettings {
            host_key_file: Some(file.clone()),
            ..ServerSettings::new("/nowhere")
        };
        let key = |server: &Server| {
            let line = server.known_hosts_line().unwrap();
            line.split_once(' ').unwrap().1.to_owned()
        };
        let first = key(&Server::start(settings()).await.unwrap());
        assert_eq!(key(&Server::start(settings()).await.unwrap()), first);
        std::fs::write(&file, "no key").unwrap();
        let error = Server::start(settings()).await.err().unwrap();
        assert!(matches!(error, ServerError::HostKey(_)), "{error}");
        std::fs::remove_file(&file).unwrap();
        let _ = std::fs::remove_file(file.with_extension("pub"));
    }
}
