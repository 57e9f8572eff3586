//! Files of the controller that a request refers to by their digest.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Cursor, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use protocol::Digest;
use transport::Files;

/// Content that travels inside a request, up to this many bytes.
pub const INLINE_BYTES_MAX: u64 = 64 * 1024;

/// What one request may ask for.
#[derive(Debug, Default)]
pub struct Offered {
    content: Mutex<HashMap<Digest, Content>>,
}

#[derive(Clone, Debug)]
enum Content {
    Bytes(Arc<[u8]>),
    File(PathBuf),
}

impl Offered {
    /// Offers bytes; returns their digest.
    pub fn bytes(&self, bytes: Vec<u8>) -> Digest {
        let digest = Digest::of(&bytes);
        self.put(digest.clone(), Content::Bytes(bytes.into()));
        digest
    }

    /// Offers bytes whose digest is known.
    pub fn shared(&self, digest: &Digest, bytes: &Arc<[u8]>) {
        self.put(digest.clone(), Content::Bytes(Arc::clone(bytes)));
    }

    /// Offers a file as it is; returns its digest and size. Reads it once.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file(&self, path: &Path) -> io::Result<(Digest, u64)> {
        let (digest, size) = Digest::of_stream(&mut File::open(path)?)?;
        self.put(digest.clone(), Content::File(path.to_owned()));
        Ok((digest, size))
    }

    fn put(&self, digest: Digest, content: Content) {
        if let Ok(mut offered) = self.content.lock() {
            offered.insert(digest, content);
        }
    }
}

impl Files for Offered {
    fn open(&self, digest: &Digest) -> io::Result<Box<dyn Read + Send>> {
        let content = self.content.lock().ok().and_then(|offered| offered.get(digest).cloned());
        match content {
            Some(Content::Bytes(bytes)) => Ok(Box::new(Cursor::new(bytes))),
            Some(Content::File(path)) => Ok(Box::new(File::open(path)?)),
            None => Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("no file with digest {} was offered", digest.0),
            )),
        }
    }
}
