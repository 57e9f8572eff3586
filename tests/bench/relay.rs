//! Latency on a wire: a relay on a loopback address that holds each piece of a stream back for a
//! while, in both directions, without narrowing it.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// Listens on a port of this machine and relays each connection to a host. Threads end with their
/// connections; the listener's ends with the process.
///
/// # Errors
/// Where there is no port.
pub fn start(host: SocketAddr, one_way: Duration) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(host) else { continue };
            let _ = near.set_nodelay(true);
            let _ = far.set_nodelay(true);
            if let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) {
                carry(near, far_too, one_way);
                carry(far, near_too, one_way);
            }
        }
    });
    Ok(address)
}

/// Carries one direction: one thread reads and stamps, another writes when the time has come.
fn carry(mut from: TcpStream, mut to: TcpStream, one_way: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; PIECE_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let piece = buffer.get(..count).unwrap_or_default().to_vec();
            if sender.send((Instant::now() + one_way, piece)).is_err() {
                return;
            }
        }
        let _ = sender.send((Instant::now() + one_way, Vec::new()));
    });
    thread::spawn(move || {
        while let Ok((when, piece)) = receiver.recv() {
            thread::sleep(when.saturating_duration_since(Instant::now()));
            if piece.is_empty() || to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
