//! What goes out behind a request, and what comes in behind an answer.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
};

use flate2::read::MultiGzDecoder;
use module::{Failure, Host, Source};

use super::{exchange::Head, find_header};

/// The bytes of one line of a chunked body at most.
const CHUNK_LINE_BYTES_MAX: u64 = 16 * 1024;

/// What goes out. It can be read again, for a request may have to be repeated.
#[derive(Clone, Debug)]
pub enum Outgoing {
    Bytes(Vec<u8>),
    /// A file of the host.
    File(PathBuf),
    /// A file of the controller.
    Controller(Source),
}

impl Outgoing {
    /// The bytes, and how many there are.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open(&self, host: &dyn Host) -> Result<(u64, Box<dyn Read>), Failure> {
        match self {
            Self::Bytes(bytes) => {
                Ok((bytes.len() as u64, Box::new(io::Cursor::new(bytes.clone()))))
            }
            Self::Controller(source) => Ok((source.size, host.blob(&source.digest)?)),
            Self::File(path) => {
                let gone =
                    || Failure::new(format!("Unable to open source file {}", path.display()));
                let size = host.metadata(path)?.ok_or_else(gone)?.size;
                let file = host.open(path)?.ok_or_else(gone)?;
                // A file that grows meanwhile is cut where it ended.
                Ok((size, Box::new(file.take(size))))
            }
        }
    }
}

/// What comes in behind a head, unpacked.
///
/// # Errors
/// A length that is none.
pub fn incoming(
    stream: BufReader<Box<dyn Read>>,
    head: &Head,
    method: &str,
    decompresses: bool,
) -> Result<Box<dyn Read>, Failure> {
    let header = |name| find_header(&head.headers, name);
    let has_none = method == "HEAD" || matches!(head.status, 100..=199 | 204 | 304);
    let is_chunked = header("transfer-encoding")
        .is_some_and(|coding| coding.to_ascii_lowercase().trim_end().ends_with("chunked"));
    let plain: Box<dyn Read> = if has_none {
        Box::new(io::empty())
    } else if is_chunked {
        Box::new(Chunked { stream, left: 0, state: ChunkState::First })
    } else if let Some(length) = header("content-length") {
        let length = length.trim().parse().map_err(|_| {
            Failure::new(format!(
                "Request failed: the server says that its answer has {length} bytes"
            ))
        })?;
        Box::new(Sized { stream, left: length })
    } else {
        Box::new(stream)
    };
    let coding = header("content-encoding").unwrap_or_default().to_ascii_lowercase();
    if decompresses && !has_none && matches!(coding.trim(), "gzip" | "x-gzip") {
        return Ok(Box::new(MultiGzDecoder::new(plain)));
    }
    Ok(plain)
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server ended its answer too early")
}

/// A body that says how long it is.
struct Sized {
    stream: BufReader<Box<dyn Read>>,
    left: u64,
}

impl Read for Sized {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&mut self.stream).take(self.left).read(buffer)?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(cut());
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// A body that comes in pieces.
struct Chunked {
    stream: BufReader<Box<dyn Read>>,
    left: u64,
    state: ChunkState,
}

#[derive(PartialEq, Eq)]
enum ChunkState {
    /// Before the first piece.
    First,
    /// In or behind a piece.
    Next,
    Ended,
}

impl Chunked {
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        (&mut self.stream).take(CHUNK_LINE_BYTES_MAX).read_line(&mut line)?;
        if line.ends_with('\n') { Ok(line.trim_end().to_owned()) } else { Err(cut()) }
    }
}

impl Read for Chunked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 && self.state != ChunkState::Ended {
            if self.state == ChunkState::Next {
                self.line()?;
            }
            self.state = ChunkState::Next;
            let line = self.line()?;
            let digits = line.split(';').next().unwrap_or_default().trim();
            self.left = u64::from_str_radix(digits, 16).map_err(|_| {
                io::Error::new(io::ErrorKind::InvalidData, "the server sent a broken piece")
            })?;
            if self.left == 0 {
                // What follows are headers that came late, and an empty line.
                while !self.line()?.is_empty() {}
                self.state = ChunkState::Ended;
            }
        }
        if self.state == ChunkState::Ended {
            return Ok(0);
        }
        let count = (&mut self.stream).take(self.left).read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            return Err(cut());
        }
        self.left -= count as u64;
        Ok(count)
    }
}
