//! What a request has been sent since it began.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use protocol::{
    Chunk,
    frame::{CHUNK_BYTES_MAX, CREDIT_BYTES},
};

/// Chunks, refusals and credit of one request; filled by the thread that reads frames, emptied by
/// the one that works.
#[derive(Debug, Default)]
pub struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    parts: VecDeque<Part>,
    bytes: usize,
    credit: usize,
    closed: bool,
    /// Whether nothing more will come.
    ended: bool,
}

/// Something about the file that was asked for.
#[derive(Debug)]
pub enum Part {
    Chunk(Chunk),
    Refused(String),
}

impl Inbox {
    /// Takes a chunk in.
    ///
    /// # Errors
    /// The controller sent more than it has credit for.
    pub fn put(&self, part: Part) -> Result<(), String> {
        let mut state = self.lock();
        if let Part::Chunk(chunk) = &part {
            state.bytes += chunk.bytes.len();
            if state.bytes > CREDIT_BYTES + CHUNK_BYTES_MAX {
                return Err(format!(
                    "bug in trueup: {} bytes are under way, and {CREDIT_BYTES} are allowed",
                    state.bytes
                ));
            }
        }
        state.parts.push_back(part);
        self.changed.notify_all();
        Ok(())
    }

    /// Takes credit in.
    pub fn put_credit(&self, bytes: u32) {
        let mut state = self.lock();
        state.credit = state.credit.saturating_add(bytes as usize);
        self.changed.notify_all();
    }

    /// Lets everyone who waits go, for good.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Says that nothing more will come: who waits for more is told so, and what is sent from here
    /// waits for nobody.
    pub fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits for the next part.
    ///
    /// # Errors
    /// The request was cancelled, or nothing more comes.
    pub fn take(&self) -> io::Result<Part> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(io::Error::other("cancelled"));
            }
            if let Some(part) = state.parts.pop_front() {
                if let Part::Chunk(chunk) = &part {
                    state.bytes = state.bytes.saturating_sub(chunk.bytes.len());
                }
                return Ok(part);
            }
            if state.ended {
                return Err(io::ErrorKind::NotConnected.into());
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until there is credit, and takes up to that much of it.
    ///
    /// # Errors
    /// The request was cancelled.
    pub fn take_credit(&self, wanted: usize) -> io::Result<usize> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(io::Error::other("cancelled"));
            }
            if state.ended {
                return Ok(wanted);
            }
            if state.credit > 0 {
                let taken = state.credit.min(wanted);
                state.credit -= taken;
                return Ok(taken);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(bytes: usize) -> Part {
        Part::Chunk(Chunk { bytes: vec![0; bytes], last: false, deflated: false })
    }

    #[test]
    fn a_controller_that_sends_too_much_is_refused() {
        let inbox = Inbox::default();
        for _ in 0..CREDIT_BYTES / CHUNK_BYTES_MAX + 1 {
            inbox.put(chunk(CHUNK_BYTES_MAX)).unwrap();
        }
        assert!(inbox.put(chunk(1)).unwrap_err().starts_with("bug in trueup: "));
    }

    #[test]
    fn who_waits_is_let_go() {
        let inbox = Inbox::default();
        std::thread::scope(|scope| {
            let waits = [
                scope.spawn(|| inbox.take().map(|_| ())),
                scope.spawn(|| inbox.take_credit(1).map(|_| ())),
            ];
            inbox.close();
            for wait in waits {
                assert!(wait.join().unwrap().is_err());
            }
        });
    }

    #[test]
    fn where_nothing_more_comes_nobody_waits() {
        let inbox = Inbox::default();
        inbox.put(chunk(1)).unwrap();
        inbox.end();
        assert!(matches!(inbox.take(), Ok(Part::Chunk(_))));
        assert_eq!(inbox.take().unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert_eq!(inbox.take_credit(7).unwrap(), 7);
    }

    #[test]
    fn credit_is_taken_as_far_as_it_goes() {
        let inbox = Inbox::default();
        inbox.put_credit(10);
        assert_eq!(inbox.take_credit(4).unwrap(), 4);
        assert_eq!(inbox.take_credit(10).unwrap(), 6);
    }
}
