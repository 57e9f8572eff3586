//! Requests to a remote.

use std::io::{self, Read, Write};

use protocol::{Digest, Hello, Request, Response};

use crate::CallError;

/// Where the content of a file that a remote asks for comes from.
pub trait Files: Send + Sync {
    /// Opens the file that has this digest.
    ///
    /// # Errors
    /// Where there is none or it cannot be read; the message reaches the user by the remote.
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>>;
}

/// No files at all.
pub struct NoFiles;

impl Files for NoFiles {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        Err(io::Error::new(io::ErrorKind::NotFound, format!("no file has digest {}", digest.0)))
    }
}

/// Where the content of a file that a remote sends goes.
pub type Sink = Box<dyn Write + Send>;

/// What went over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames to the remote.
    pub frames_sent: u64,
    /// Bytes of these frames.
    pub bytes_sent: u64,
    /// Frames from the remote.
    pub frames_received: u64,
    /// Bytes of these frames.
    pub bytes_received: u64,
}

/// A running remote of one user on one host.
pub struct Remote {
    hello: Hello,
}

impl Remote {
    /// Sends a request and waits for its response. Files that the remote asks for come from
    /// `files`; a file that it sends goes into `sink`. Dropping the future cancels the request.
    pub async fn call(
        &self,
        request: Request,
        files: &dyn Files,
        sink: Option<Sink>,
    ) -> Result<Response, CallError> {
        let _ = (request, files, sink);
        Err(CallError::Lost { why: "connections are being laid".into() })
    }

    /// What the remote said of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// What went over the wire so far.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
