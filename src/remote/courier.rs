//! The way of files between the host and the controller.

use std::{
    collections::HashMap,
    io::{self, Cursor, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use flate2::read::DeflateDecoder;
use module::machine::Courier;
use protocol::{
    Answer, Chunk, Digest, Digester,
    frame::{CHUNK_BYTES_MAX, CREDIT_BYTES},
    request::InlineFile,
};

use crate::{
    companion,
    inbox::{Inbox, Part},
    session::Outlet,
};

/// How many bytes are read before credit for them is given back.
const CREDIT_STEP_BYTES: usize = CREDIT_BYTES / 4;

/// Streams files of one request.
pub struct StreamCourier {
    id: u64,
    outlet: Outlet,
    inbox: Arc<Inbox>,
    inline: HashMap<Digest, Arc<[u8]>>,
    /// Whether a file is streaming down; there is one at a time.
    busy: Arc<AtomicBool>,
}

impl StreamCourier {
    /// The courier of a request, with the files that travelled inside of it.
    pub fn new(id: u64, outlet: Outlet, inbox: Arc<Inbox>, files: Vec<InlineFile>) -> Self {
        let inline = files.into_iter().map(|file| (file.digest, file.bytes.into())).collect();
        inbox.put_credit(u32::try_from(CREDIT_BYTES).unwrap_or(u32::MAX));
        Self { id, outlet, inbox, inline, busy: Arc::default() }
    }
}

impl Courier for StreamCourier {
    fn fetch(&self, digest: &Digest) -> io::Result<Box<dyn Read>> {
        if let Some(bytes) = self.inline.get(digest) {
            let found = Digest::of(bytes);
            if found != *digest {
                return Err(other_content(&found));
            }
            return Ok(Box::new(Cursor::new(Arc::clone(bytes))));
        }
        if self.busy.swap(true, Ordering::SeqCst) {
            return Err(io::Error::other("bug in trueup: two files were asked for at once"));
        }
        self.outlet.send(self.id, Answer::Want(digest.clone()))?;
        Ok(Box::new(Download {
            id: self.id,
            outlet: self.outlet.clone(),
            inbox: Arc::clone(&self.inbox),
            busy: Arc::clone(&self.busy),
            expected: digest.clone(),
            digester: Digester::default(),
            chunk: Cursor::new(Vec::new()),
            owed: 0,
            ended: false,
        }))
    }

    fn send(&self, content: &mut dyn Read) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK_BYTES_MAX];
        loop {
            let room = self.inbox.take_credit(CHUNK_BYTES_MAX)?;
            let mut filled = 0;
            while let Some(rest) = buffer.get_mut(filled..room).filter(|rest| !rest.is_empty()) {
                match content.read(rest) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            let last = filled < room;
            let bytes = buffer.get(..filled).unwrap_or_default().to_vec();
            self.outlet.send(self.id, Answer::Chunk(Chunk { bytes, last, deflated: false }))?;
            if last {
                return Ok(());
            }
        }
    }

    fn companion(&self, name: &str) -> io::Result<PathBuf> {
        companion::put_in_place(name, self)
    }
}

/// A part of a file as it was before it was compressed.
fn inflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::with_capacity(CHUNK_BYTES_MAX);
    DeflateDecoder::new(bytes).take(CHUNK_BYTES_MAX as u64 + 1).read_to_end(&mut plain)?;
    if plain.len() > CHUNK_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a part of a file is too long"));
    }
    Ok(plain)
}

fn other_content(found: &Digest) -> io::Error {
    let why = format!("what the controller sent has the digest {}: it changed on the way", found.0);
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// A file on its way down. Its digest is checked at its end.
struct Download {
    id: u64,
    outlet: Outlet,
    inbox: Arc<Inbox>,
    busy: Arc<AtomicBool>,
    expected: Digest,
    digester: Digester,
    chunk: Cursor<Vec<u8>>,
    owed: usize,
    ended: bool,
}

impl Download {
    fn next(&mut self) -> io::Result<()> {
        match self.inbox.take()? {
            Part::Refused(why) => {
                self.ended = true;
                Err(io::Error::new(io::ErrorKind::NotFound, why))
            }
            Part::Chunk(chunk) => {
                self.ended = chunk.last;
                self.owed += chunk.bytes.len();
                if self.owed >= CREDIT_STEP_BYTES && !self.ended {
                    let credit = u32::try_from(self.owed).unwrap_or(u32::MAX);
                    self.outlet.send(self.id, Answer::Credit(credit))?;
                    self.owed = 0;
                }
                let bytes = if chunk.deflated { inflate(&chunk.bytes)? } else { chunk.bytes };
                self.digester.update(&bytes);
                self.chunk = Cursor::new(bytes);
                if self.ended {
                    let found = self.digester.finish();
                    if found != self.expected {
                        return Err(other_content(&found));
                    }
                }
                Ok(())
            }
        }
    }
}

impl Read for Download {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() || self.ended {
                return Ok(count);
            }
            self.next()?;
        }
    }
}

/// What is left of a file that nobody reads on is taken off the stream.
impl Drop for Download {
    fn drop(&mut self) {
        while !self.ended && self.next().is_ok() {}
        self.busy.store(false, Ordering::SeqCst);
    }
}
