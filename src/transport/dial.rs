//! Streams to SSH servers: TCP, a proxy command.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    process::Stdio,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream, lookup_host},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{error::ConnectError, hop::Hop, ssh_config::resolve::AddressFamily};

/// Reads after which the kernel is left to acknowledge as it likes. A handshake has fewer; until
/// then each is acknowledged at once, or a server that waits for that (Nagle's algorithm) stalls
/// for 40 ms at a time.
const QUICK_READS: u32 = 64;

/// A TCP stream that acknowledges quickly while a connection is set up.
pub(crate) struct QuickStream {
    stream: TcpStream,
    reads: u32,
}

/// Opens a TCP connection to the first address that takes one.
pub(crate) async fn tcp(hop: &Hop) -> Result<QuickStream, ConnectError> {
    let secs = hop.connect_timeout_secs;
    let limit = Duration::from_secs(secs);
    let resolve = |source| ConnectError::Resolve { name: hop.address.clone(), source };
    let bare = hop.address.trim_start_matches('[').trim_end_matches(']');
    let addresses = timeout(limit, lookup_host((bare, hop.port)))
        .await
        .map_err(|_| ConnectError::Timeout { step: "looking up the host's name", secs })?
        .map_err(resolve)?;
    let wanted = |address: &SocketAddr| match hop.address_family {
        AddressFamily::Any => true,
        AddressFamily::Inet => address.is_ipv4(),
        AddressFamily::Inet6 => address.is_ipv6(),
    };
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "it has no such address");
    for address in addresses.filter(wanted) {
        match timeout(limit, connect(hop, address)).await {
            Ok(Ok(stream)) => {
                // Without it each small frame would wait for the one before it.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY cannot be set");
                }
                return Ok(QuickStream { stream, reads: 0 });
            }
            Ok(Err(error)) => last = error,
            Err(_) => {
                last = io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {secs} s"))
            }
        }
    }
    Err(ConnectError::Unreachable { address: hop.address.clone(), port: hop.port, source: last })
}

async fn connect(hop: &Hop, address: SocketAddr) -> io::Result<TcpStream> {
    let Some(bind) = &hop.bind_address else { return TcpStream::connect(address).await };
    let mut own = lookup_host((bind.as_str(), 0)).await?;
    let own = own
        .find(|own| own.is_ipv4() == address.is_ipv4())
        .ok_or_else(|| io::Error::other(format!("BindAddress {bind} is of another family")))?;
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.bind(own)?;
    socket.connect(address).await
}

impl AsyncRead for QuickStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(context, buffer);
        if poll.is_ready() && self.reads < QUICK_READS {
            self.reads += 1;
            #[cfg(target_os = "linux")]
            if let Err(error) = self.stream.set_quickack(true) {
                tracing::debug!(%error, "TCP_QUICKACK cannot be set");
            }
        }
        poll
    }
}

impl AsyncWrite for QuickStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The standard streams of a proxy command, which ends when this is dropped.
pub(crate) struct CommandStream {
    _child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

/// Starts a proxy command by a shell, as OpenSSH does.
pub(crate) fn command(command: &str) -> Result<CommandStream, ConnectError> {
    let failed = |source| ConnectError::ProxyCommand { command: command.to_owned(), source };
    let mut child = Command::new("/bin/sh")
        .args(["-c", &format!("exec {command}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(failed(io::ErrorKind::BrokenPipe.into()));
    };
    Ok(CommandStream { _child: child, stdin, stdout })
}

impl AsyncRead for CommandStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(context, buffer)
    }
}

impl AsyncWrite for CommandStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(context)
    }
}
