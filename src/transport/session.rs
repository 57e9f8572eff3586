//! An SSH connection, from the handshake on.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use russh::{
    Channel, ChannelOpenFailure, ChannelStream, Disconnect, Pty,
    client::{self, ChannelOpenHandle, Handle, Msg},
    keys::{HashAlg, PublicKey, PublicKeyBase64, PublicKeyOrCertificate},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::UnixStream,
    time::timeout,
};

use crate::{
    algorithms,
    authentication::Login,
    connection::HostKey,
    error::ConnectError,
    hop::Hop,
    known_hosts::{self, HostKeyRefusal, HostKeys, Reason, Verdict},
    pipe::Pipe,
    target::HostKeyPolicy,
};

/// Bytes that the server may send on a channel before it must wait: with a round trip of 50 ms
/// this bounds a file from the host to 160 MB/s.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// What the server is told of this program.
const CLIENT_ID: &str = concat!("SSH-2.0-trueup_", env!("CARGO_PKG_VERSION"));

/// Lines of the server's banner that are kept for messages.
const BANNER_LINES_MAX: usize = 20;

/// Control characters are as in a raw terminal: bytes pass as they are.
const RAW_TERMINAL: &[(Pty, u32)] = &[
    (Pty::ECHO, 0),
    (Pty::ECHOE, 0),
    (Pty::ECHOK, 0),
    (Pty::ECHONL, 0),
    (Pty::ICANON, 0),
    (Pty::ISIG, 0),
    (Pty::IEXTEN, 0),
    (Pty::ICRNL, 0),
    (Pty::INLCR, 0),
    (Pty::IGNCR, 0),
    (Pty::ISTRIP, 0),
    (Pty::IXON, 0),
    (Pty::IXOFF, 0),
    (Pty::IXANY, 0),
    (Pty::OPOST, 0),
    (Pty::ONLCR, 0),
    (Pty::OCRNL, 0),
    (Pty::CS8, 1),
];

/// Whether a command is given a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terminal {
    None,
    Raw,
}

/// An SSH connection to which somebody is logged in.
pub(crate) struct Session {
    handle: Handle<Events>,
    pub(crate) host_key: Option<HostKey>,
    limit: Duration,
    forwards_agent: bool,
    end: Arc<Mutex<Option<String>>>,
    /// The connections that this one goes through.
    _through: Option<Arc<Session>>,
}

/// What the server says outside of channels.
pub(crate) struct Events {
    hop: Hop,
    known: HostKeys,
    key: Arc<Mutex<Option<PublicKey>>>,
    banner: Arc<Mutex<VecDeque<String>>>,
    end: Arc<Mutex<Option<String>>>,
    /// Whether the key is not the known one, and was accepted all the same.
    is_doubtful: Arc<AtomicBool>,
}

/// Why a handshake ended.
#[derive(Debug)]
pub(crate) enum HandshakeError {
    Ssh(russh::Error),
    HostKey(Box<HostKeyRefusal>),
    Record(std::path::PathBuf, std::io::Error),
}

impl From<russh::Error> for HandshakeError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl Session {
    /// Shakes hands over a stream and logs in.
    pub(crate) async fn open<S>(
        hop: &Hop,
        stream: S,
        through: Option<Arc<Session>>,
    ) -> Result<Self, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let secs = hop.connect_timeout_secs;
        let limit = Duration::from_secs(secs);
        let entries = known_hosts::read_files(&hop.known_hosts_files)
            .map_err(|(path, source)| ConnectError::KnownHosts { path, source })?;
        let known = HostKeys::of(&hop.known_name(), entries);
        let config = client::Config {
            client_id: russh::SshId::Standard(CLIENT_ID.into()),
            window_size: WINDOW_BYTES,
            preferred: algorithms::preferred(&hop.algorithms, &known)?,
            keepalive_interval: (hop.keepalive_secs > 0)
                .then(|| Duration::from_secs(hop.keepalive_secs)),
            keepalive_max: hop.keepalives_max,
            nodelay: true,
            ..client::Config::default()
        };
        let events = Events {
            hop: hop.clone(),
            known,
            key: Arc::default(),
            banner: Arc::default(),
            end: Arc::default(),
            is_doubtful: Arc::default(),
        };
        let is_doubtful = events.is_doubtful.clone();
        let (key, banner, end) = (events.key.clone(), events.banner.clone(), events.end.clone());
        let handshake = client::connect_stream(Arc::new(config), stream, events);
        let mut handle = timeout(limit, handshake)
            .await
            .map_err(|_| ConnectError::Timeout { step: "the SSH handshake", secs })?
            .map_err(|error| handshake_error(hop, error))?;
        let is_doubtful = is_doubtful.load(Ordering::Relaxed);
        Login::new(hop, &mut handle, is_doubtful).run().await.map_err(|error| match error {
            ConnectError::Authentication { user, address, mut tried, allowed } => {
                let banner = lock(&banner);
                if !banner.is_empty() {
                    let lines: Vec<&str> = banner.iter().map(String::as_str).collect();
                    tried.push(format!("the server's banner: {}", lines.join(" / ")));
                }
                ConnectError::Authentication { user, address, tried, allowed }
            }
            error => error,
        })?;
        let host_key = lock(&key).as_ref().map(|key| HostKey {
            algorithm: key.algorithm().to_string(),
            base64: key.public_key_base64(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        });
        let forwards_agent = hop.forwarded_agent.is_some() && !is_doubtful;
        Ok(Self { handle, host_key, limit, forwards_agent, end, _through: through })
    }

    /// Starts a command by the login shell.
    pub(crate) async fn exec(
        &self,
        command: &str,
        terminal: Terminal,
    ) -> Result<Pipe, ConnectError> {
        let secs = self.limit.as_secs();
        let open = async {
            let channel = self.handle.channel_open_session().await?;
            if self.forwards_agent {
                channel.agent_forward(false).await?;
            }
            if terminal == Terminal::Raw {
                channel.request_pty(false, "dumb", 80, 24, 0, 0, RAW_TERMINAL).await?;
            }
            channel.exec(true, command).await?;
            Ok::<_, russh::Error>(channel)
        };
        let channel = timeout(self.limit, open)
            .await
            .map_err(|_| ConnectError::Timeout { step: "opening a channel", secs })?
            .map_err(|error| match (self.handle.is_closed(), lock(&self.end).clone()) {
                (true, Some(why)) => ConnectError::Lost { why },
                _ => ConnectError::Channel { source: Box::new(error) },
            })?;
        Ok(Pipe::of_channel(channel))
    }

    /// Opens a stream to another host through this one.
    pub(crate) async fn forward(
        &self,
        address: &str,
        port: u16,
    ) -> Result<ChannelStream<Msg>, ConnectError> {
        let secs = self.limit.as_secs();
        let open = self.handle.channel_open_direct_tcpip(address, u32::from(port), "127.0.0.1", 0);
        let channel = timeout(self.limit, open)
            .await
            .map_err(|_| ConnectError::Timeout { step: "opening a way through a jump host", secs })?
            .map_err(|error| ConnectError::Unreachable {
                address: address.to_owned(),
                port,
                source: std::io::Error::other(error),
            })?;
        Ok(channel.into_stream())
    }

    /// Why the connection ended, where it has.
    pub(crate) fn end(&self) -> Option<String> {
        lock(&self.end).clone()
    }

    /// Whether the connection has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.handle.is_closed()
    }

    /// Says goodbye.
    pub(crate) async fn close(&self) {
        let goodbye = self.handle.disconnect(Disconnect::ByApplication, "", "en");
        // A server that is gone hears no goodbye.
        let _ = timeout(self.limit, goodbye).await;
    }
}

fn handshake_error(hop: &Hop, error: HandshakeError) -> ConnectError {
    let (address, port) = (hop.address.clone(), hop.port);
    match error {
        HandshakeError::HostKey(refusal) => ConnectError::HostKey(refusal),
        HandshakeError::Record(path, source) => ConnectError::KnownHosts { path, source },
        HandshakeError::Ssh(russh::Error::IO(error)) if is_hang_up(error.kind()) => {
            ConnectError::ClosedEarly { address, port }
        }
        HandshakeError::Ssh(russh::Error::Disconnect | russh::Error::HUP) => {
            ConnectError::ClosedEarly { address, port }
        }
        HandshakeError::Ssh(error) => ConnectError::Handshake { address, source: Box::new(error) },
    }
}

fn is_hang_up(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl client::Handler for Events {
    type Error = HandshakeError;

    async fn check_server_key(
        &mut self,
        shown: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        let key = shown.public_key();
        *lock(&self.key) = Some(key.clone());
        let verdict = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.known.judge(key),
            PublicKeyOrCertificate::Certificate(certificate) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let now = now.map(|now| now.as_secs()).unwrap_or_default();
                self.known.judge_certificate(certificate, self.hop.principal(), now)
            }
        };
        let reason = match verdict {
            Verdict::Known => return Ok(true),
            Verdict::Unknown if self.hop.host_key_policy == HostKeyPolicy::AcceptNew => {
                return self.record(key).await;
            }
            Verdict::Unknown if self.hop.host_key_policy == HostKeyPolicy::Off => return Ok(true),
            Verdict::Refused(_) if self.hop.host_key_policy == HostKeyPolicy::Off => {
                self.is_doubtful.store(true, Ordering::Relaxed);
                return Ok(true);
            }
            Verdict::Unknown => Reason::Unknown,
            Verdict::Refused(reason) => reason,
        };
        Err(HandshakeError::HostKey(Box::new(HostKeyRefusal {
            host: self.known.name().to_owned(),
            address: self.hop.address.clone(),
            port: self.hop.port,
            algorithm: key.algorithm().to_string(),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
            file: self.hop.known_hosts_files.first().cloned(),
            reason,
        })))
    }

    async fn auth_banner(
        &mut self,
        banner: &str,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        let mut kept = lock(&self.banner);
        for line in banner.lines().filter(|line| !line.trim().is_empty()) {
            if kept.len() < BANNER_LINES_MAX {
                kept.push_back(line.trim().to_owned());
            }
        }
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut client::Session,
    ) -> Result<(), Self::Error> {
        // A server that was not given the agent gets none.
        let is_trusted = !self.is_doubtful.load(Ordering::Relaxed);
        let Some(socket) = self.hop.forwarded_agent.as_ref().filter(|_| is_trusted) else {
            reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
            return Ok(());
        };
        match UnixStream::connect(socket).await {
            Ok(mut agent) => {
                reply.accept().await;
                tokio::spawn(async move {
                    let mut channel = channel.into_stream();
                    // Either side may hang up at any time.
                    let _ = tokio::io::copy_bidirectional(&mut channel, &mut agent).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, socket = %socket.display(), "the agent cannot be forwarded");
                reply.reject(ChannelOpenFailure::ConnectFailed).await;
            }
        }
        Ok(())
    }

    async fn disconnected(
        &mut self,
        reason: client::DisconnectReason<Self::Error>,
    ) -> Result<(), Self::Error> {
        let why = match &reason {
            client::DisconnectReason::ReceivedDisconnect(info) if info.message.is_empty() => {
                format!("the server hung up ({:?})", info.reason_code)
            }
            client::DisconnectReason::ReceivedDisconnect(info) => {
                format!("the server hung up: {}", info.message)
            }
            client::DisconnectReason::Error(HandshakeError::Ssh(error)) => match error {
                russh::Error::KeepaliveTimeout => "the server gives no sign of life".to_owned(),
                russh::Error::Disconnect | russh::Error::HUP => "the server hung up".to_owned(),
                error => error.to_string(),
            },
            client::DisconnectReason::Error(_) => "the host key changed".to_owned(),
        };
        *lock(&self.end) = Some(why);
        match reason {
            client::DisconnectReason::ReceivedDisconnect(_) => Ok(()),
            client::DisconnectReason::Error(error) => Err(error),
        }
    }
}

impl Events {
    async fn record(&self, key: PublicKey) -> Result<bool, HandshakeError> {
        // Without a file there is nowhere to keep the key, as with `UserKnownHostsFile /dev/null`.
        let Some(path) = self.hop.known_hosts_files.first().cloned() else { return Ok(true) };
        if path == std::path::Path::new("/dev/null") {
            return Ok(true);
        }
        let (name, hashed) = (self.known.name().to_owned(), self.hop.hash_known_hosts);
        let target = path.clone();
        let write = tokio::task::spawn_blocking(move || {
            known_hosts::write_entry(&target, &name, &key, hashed)
        });
        match write.await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) => Err(HandshakeError::Record(path, error)),
            Err(error) => Err(HandshakeError::Record(path, std::io::Error::other(error))),
        }
    }
}
