//! One connection: plain bytes on stdin's socket, TLS on stdout's.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
};

use protocol::tunnel::{READY, Tunnel};
use rustix::event::{PollFd, PollFlags, poll};
use rustls::{ClientConnection, pki_types::ServerName};

use crate::trust;

/// How much of one direction is held while its reader is busy.
const HELD_BYTES_MAX: usize = 256 * 1024;

const BUFFER_BYTES: usize = 16 * 1024;

/// Shakes hands, says so, and passes bytes until either side ends.
///
/// # Errors
/// A server that is not trusted, files that cannot be read, a connection that breaks: one sentence.
pub fn serve(order: &Tunnel) -> Result<(), String> {
    let own = |fd: io::Result<OwnedFd>| fd.map_err(|why| format!("no socket: {why}"));
    let mut plain = UnixStream::from(own(io::stdin().as_fd().try_clone_to_owned())?);
    let mut server = TcpStream::from(own(io::stdout().as_fd().try_clone_to_owned())?);
    let failed = |why: &dyn std::fmt::Display| format!("TLS with {}: {why}", order.name);
    let config = trust::config(order)?;
    let name = ServerName::try_from(order.name.clone()).map_err(|why| failed(&why))?;
    let mut tls = ClientConnection::new(Arc::new(config), name).map_err(|why| failed(&why))?;
    // The socket has the time limits that the remote has set on it.
    while tls.is_handshaking() {
        match tls.complete_io(&mut server) {
            Ok(_) => {}
            Err(why) if why.kind() == ErrorKind::WouldBlock => {
                return Err(failed(&"the server does not answer in time"));
            }
            Err(why) => return Err(failed(&why)),
        }
    }
    tls.set_buffer_limit(Some(HELD_BYTES_MAX));
    writeln!(io::stderr(), "{READY}").map_err(|why| failed(&why))?;
    plain.set_nonblocking(true).map_err(|why| failed(&why))?;
    server.set_nonblocking(true).map_err(|why| failed(&why))?;
    pass(&mut tls, &mut plain, &mut server).map_err(|why| failed(&why))
}

/// Both directions, in one thread.
fn pass(
    tls: &mut ClientConnection,
    plain: &mut UnixStream,
    server: &mut TcpStream,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    // What the server said and nobody has taken yet.
    let mut heard: Vec<u8> = Vec::new();
    // What is to be said and TLS had no room for.
    let mut unsaid: Vec<u8> = Vec::new();
    let (mut plain_ended, mut server_ended) = (false, false);
    // Whether the connection itself has ended; what it brought may still be in TLS's buffers.
    let mut server_closed = false;
    loop {
        // Everything that can be done without waiting.
        if !unsaid.is_empty() {
            let count = tls.writer().write(&unsaid)?;
            unsaid.drain(..count);
        }
        while tls.wants_write() {
            match tls.write_tls(server) {
                Ok(_) => {}
                Err(why) if is_later(&why) => break,
                // The server has all it wants, and may still have something to say.
                Err(why) if why.kind() == ErrorKind::BrokenPipe => break,
                Err(why) => return Err(why),
            }
        }
        while heard.len() < HELD_BYTES_MAX {
            match tls.reader().read(&mut buffer) {
                Ok(0) => {
                    server_ended = true;
                    break;
                }
                Ok(count) => heard.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(why) if why.kind() == ErrorKind::WouldBlock => break,
                // Without a goodbye; how much was to come, HTTP itself knows.
                Err(why) if why.kind() == ErrorKind::UnexpectedEof => {
                    server_ended = true;
                    break;
                }
                Err(why) => return Err(why),
            }
        }
        while !heard.is_empty() {
            match plain.write(&heard) {
                Ok(count) => {
                    heard.drain(..count);
                }
                Err(why) if is_later(&why) => break,
                // The remote has heard enough.
                Err(_) => return Ok(()),
            }
        }
        if server_ended && heard.is_empty() {
            return plain.shutdown(Shutdown::Write);
        }
        if plain_ended && unsaid.is_empty() && !tls.wants_write() {
            return Ok(());
        }

        let mut from_plain = PollFlags::empty();
        if !plain_ended && unsaid.is_empty() {
            from_plain |= PollFlags::IN;
        }
        if !heard.is_empty() {
            from_plain |= PollFlags::OUT;
        }
        let mut from_server = PollFlags::empty();
        if !server_ended && heard.len() < HELD_BYTES_MAX {
            from_server |= PollFlags::IN;
        }
        if tls.wants_write() {
            from_server |= PollFlags::OUT;
        }
        let mut waiting = vec![PollFd::new(plain, from_plain)];
        if !server_closed {
            waiting.push(PollFd::new(server, from_server));
        }
        match poll(&mut waiting, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(why) => return Err(why.into()),
        }
        let mut events = waiting.iter().map(PollFd::revents);
        let plain_is = events.next().unwrap_or(PollFlags::empty());
        let server_is = events.next().unwrap_or(PollFlags::empty());
        drop(events);
        drop(waiting);
        // The remote has closed its end: nobody listens any more.
        if plain_is.intersects(PollFlags::HUP | PollFlags::ERR) {
            return Ok(());
        }
        if plain_is.contains(PollFlags::IN) {
            match plain.read(&mut buffer) {
                Ok(0) => {
                    plain_ended = true;
                    tls.send_close_notify();
                }
                Ok(count) => unsaid.extend_from_slice(buffer.get(..count).unwrap_or_default()),
                Err(why) if is_later(&why) => {}
                Err(why) => return Err(why),
            }
        }
        if server_is.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR) {
            match tls.read_tls(server) {
                Ok(count) => {
                    server_closed = count == 0;
                    if let Err(why) = tls.process_new_packets() {
                        // The server is told what was wrong, as far as it listens.
                        let _ = tls.write_tls(server);
                        return Err(io::Error::new(ErrorKind::InvalidData, why));
                    }
                }
                Err(why) if is_later(&why) => {}
                Err(why) => return Err(why),
            }
        }
    }
}

fn is_later(why: &io::Error) -> bool {
    matches!(why.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
