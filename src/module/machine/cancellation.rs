//! Ending a request from another thread.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::event::{EventfdFlags, eventfd};

/// Tells the thread that works on a request to end. It is seen between two steps, and at once
/// where the thread waits for a program, which is killed.
#[derive(Debug)]
pub struct Cancellation {
    cancelled: AtomicBool,
    event: OwnedFd,
}

impl Cancellation {
    /// Nothing is cancelled yet.
    ///
    /// # Errors
    /// No file descriptor is left.
    pub fn new() -> std::io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { cancelled: AtomicBool::new(false), event })
    }

    /// Cancels, for good.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        // The counter can only be full where it has been written to before.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }

    /// Whether it was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Readable once it is cancelled.
    pub fn event(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
