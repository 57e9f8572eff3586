//! TLS, spoken by the remote's companion; see [`protocol::tunnel`].

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use protocol::tunnel::{READY, Tunnel};
use rustix::process::Pid;

use super::{Cancellable, Cancellation, guard::Guarded};
use crate::{HostError, host::Connection};

/// How much a companion may say of what went wrong.
const COMPLAINT_BYTES_MAX: u64 = 16 * 1024;

/// Starts the companion at `program` on a connection and waits until the server is trusted.
///
/// # Errors
/// A companion that cannot be started, and what it says of the server.
pub fn open(
    program: &Path,
    connection: Box<dyn Connection>,
    tunnel: &Tunnel,
    timeout: Duration,
    cancellation: &Arc<Cancellation>,
) -> Result<Box<dyn Connection>, HostError> {
    let fault = |source| HostError::Companion { source };
    let bug = || fault(io::Error::other("bug in trueup: TLS over what is no socket"));
    let server = connection.into_socket().ok_or_else(bug)?;
    let order = serde_json::to_string(tunnel).map_err(|why| fault(why.into()))?;
    let (own, other) = UnixStream::pair().map_err(fault)?;
    own.set_read_timeout(Some(timeout)).map_err(fault)?;
    own.set_write_timeout(Some(timeout)).map_err(fault)?;
    let mut child = Command::new(program)
        .arg(order)
        .env_clear()
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(other)))
        .stdout(Stdio::from(server))
        .stderr(Stdio::piped())
        .spawn()
        .map_err(fault)?;
    let guarded = Guarded::new(Pid::from_child(&child));
    let said = child.stderr.take();
    let stream = Cancellable { inner: own, cancellation: Arc::clone(cancellation) };
    let secured = Secured { stream, child, _guarded: guarded };
    // The companion gives up when the connection's own time limit has passed.
    let mut line = String::new();
    let said = said.ok_or_else(bug)?;
    BufReader::new(said.take(COMPLAINT_BYTES_MAX)).read_line(&mut line).map_err(fault)?;
    match line.trim_end() {
        READY => Ok(Box::new(secured)),
        "" => Err(fault(io::Error::other("the companion ended without a word"))),
        why => Err(HostError::Tunnel { why: why.to_owned() }),
    }
}

/// The near end of a tunnel. Dropped, it ends the companion.
struct Secured {
    stream: Cancellable<UnixStream>,
    child: Child,
    _guarded: Guarded,
}

impl Read for Secured {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }
}

impl Write for Secured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Connection for Secured {
    fn into_socket(self: Box<Self>) -> Option<OwnedFd> {
        None
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        // All that was to be heard has been; it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
