//! Bad behaviour on demand.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep, sleep_until},
};

/// What a server does wrong.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// The connection is cut once that many bytes were sent to the client.
    pub cut_after_bytes: Option<u64>,
    /// Every write to the client waits that long before.
    pub write_delay: Option<Duration>,
    /// Printed by every command before its own output.
    pub noise: Vec<u8>,
    /// That many connections are accepted and closed before any is served, as a server does that
    /// is asked for too many at once.
    pub hang_ups: usize,
    /// Every command ends before it is run, with this status, after what it prints and complains.
    pub refusal: Option<Refusal>,
}

/// How a command is refused.
#[derive(Clone, Debug, Default)]
pub struct Refusal {
    /// Exit status.
    pub status: u32,
    /// What is printed.
    pub stdout: Vec<u8>,
    /// What is complained of.
    pub stderr: Vec<u8>,
}

/// A stream to a client that is cut or slow.
pub(crate) struct FaultyStream {
    stream: TcpStream,
    left_bytes: Option<u64>,
    delay: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl FaultyStream {
    pub(crate) fn new(stream: TcpStream, faults: &Faults) -> Self {
        Self {
            stream,
            left_bytes: faults.cut_after_bytes,
            delay: faults.write_delay,
            waiting: None,
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left_bytes == Some(0) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(delay) = self.delay {
            let waiting =
                self.waiting.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + delay)));
            std::task::ready!(waiting.as_mut().poll(context));
        }
        let mut bytes = bytes;
        match self.left_bytes {
            Some(0) => return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            Some(left) if left < bytes.len() as u64 => {
                bytes = bytes.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(bytes);
            }
            _ => {}
        }
        let written = std::task::ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        self.waiting = None;
        if let Some(left) = &mut self.left_bytes {
            *left = left.saturating_sub(written as u64);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
