//! A file on its way to the remote.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use protocol::{
    Order,
    frame::{CHUNK_BYTES_MAX, CREDIT_BYTES},
};

use crate::packing::Packing;

/// A file on its way to the remote.
pub struct Outgoing {
    content: Option<Box<dyn Read + Send>>,
    /// Bytes that may travel, as they travel.
    pub credit: i64,
    /// Since when there has been none.
    waits_since: Option<Instant>,
    /// How long the next part has waited.
    waited: Duration,
    packing: Packing,
    /// Whether its last part was taken, or it was refused.
    pub is_over: bool,
}

impl Outgoing {
    /// A file from its start.
    pub fn new(content: Box<dyn Read + Send>) -> Self {
        Self {
            content: Some(content),
            credit: i64::try_from(CREDIT_BYTES).unwrap_or(i64::MAX),
            waits_since: None,
            waited: Duration::ZERO,
            packing: Packing::default(),
            is_over: false,
        }
    }

    /// Takes credit in.
    pub fn credit(&mut self, bytes: u32) {
        self.credit += i64::from(bytes);
        if self.credit > 0
            && let Some(since) = self.waits_since.take()
        {
            self.waited += since.elapsed();
        }
    }

    /// The next part, or a refusal where it cannot be read.
    pub async fn next_order(&mut self) -> Order {
        let Some(mut content) = self.content.take() else {
            self.is_over = true;
            return Order::Refuse("the file was read before".to_owned());
        };
        let mut packing = std::mem::take(&mut self.packing);
        let waited = std::mem::take(&mut self.waited);
        let read = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::with_capacity(CHUNK_BYTES_MAX);
            content.by_ref().take(CHUNK_BYTES_MAX as u64).read_to_end(&mut bytes)?;
            let last = bytes.len() < CHUNK_BYTES_MAX;
            let chunk = packing.pack(bytes, last, waited);
            Ok::<_, io::Error>((content, packing, chunk))
        });
        match read.await {
            Ok(Ok((content, packing, chunk))) => {
                self.credit -= i64::try_from(chunk.bytes.len()).unwrap_or(i64::MAX);
                if self.credit <= 0 {
                    self.waits_since = Some(Instant::now());
                }
                self.is_over = chunk.last;
                self.content = Some(content);
                self.packing = packing;
                Order::Chunk(chunk)
            }
            Ok(Err(error)) => {
                self.is_over = true;
                Order::Refuse(error.to_string())
            }
            Err(error) => {
                self.is_over = true;
                Order::Refuse(format!("reading was given up: {error}"))
            }
        }
    }
}
