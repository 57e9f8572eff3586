//! Which parts of a file are worth compressing on their way.
//!
//! A wire that is slower than the compressor gains by it, a faster one loses: so a part is
//! compressed where the parts before it have waited for the wire for longer than compressing takes,
//! and where the file has been found to become smaller by it.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use flate2::{Compression, write::DeflateEncoder};
use protocol::Chunk;

/// What compressing a part takes before it has been measured.
const COST_AT_FIRST: Duration = Duration::from_millis(2);

/// Parts that go by untried after one that has not become smaller; doubled each time.
const REST_PARTS: u32 = 4;
const REST_PARTS_MAX: u32 = 256;

/// The measurements of one file.
#[derive(Debug)]
pub struct Packing {
    /// Moving mean over parts.
    wait: Duration,
    cost: Duration,
    rest: u32,
    resting: u32,
}

impl Default for Packing {
    fn default() -> Self {
        Self { wait: Duration::ZERO, cost: COST_AT_FIRST, rest: REST_PARTS, resting: 0 }
    }
}

impl Packing {
    /// Makes a part of a file. `waited` is how long it has waited for the wire.
    pub fn pack(&mut self, bytes: Vec<u8>, last: bool, waited: Duration) -> Chunk {
        self.wait = mean(self.wait, waited);
        self.resting = self.resting.saturating_sub(1);
        let plain = |bytes| Chunk { bytes, last, deflated: false };
        if self.resting > 0 || self.wait < self.cost || bytes.is_empty() {
            return plain(bytes);
        }
        let begun = Instant::now();
        let packed = deflate(&bytes);
        self.cost = mean(self.cost, begun.elapsed());
        match packed {
            Ok(packed) if packed.len() < bytes.len() / 10 * 9 => {
                self.rest = REST_PARTS;
                Chunk { bytes: packed, last, deflated: true }
            }
            _ => {
                self.resting = self.rest;
                self.rest = (self.rest * 2).min(REST_PARTS_MAX);
                plain(bytes)
            }
        }
    }
}

fn mean(so_far: Duration, now: Duration) -> Duration {
    (so_far * 7 + now) / 8
}

fn deflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::with_capacity(bytes.len()), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Duration = Duration::from_secs(1);

    fn text() -> Vec<u8> {
        b"the same words over and over\n".repeat(2_000)
    }

    fn noise() -> Vec<u8> {
        let mut state = 0x9e37_79b9_u32;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()
        };
        (0..16_384).flat_map(next).collect()
    }

    fn packed(packing: &mut Packing, bytes: &[u8], waited: Duration, parts: usize) -> usize {
        let all = (0..parts).map(|_| packing.pack(bytes.to_vec(), false, waited));
        all.filter(|chunk| chunk.deflated).count()
    }

    #[test]
    fn what_does_not_wait_is_not_compressed() {
        let mut packing = Packing::default();
        assert_eq!(packed(&mut packing, &text(), Duration::ZERO, 100), 0);
    }

    #[test]
    fn what_waits_is_compressed_until_it_waits_no_more() {
        let mut packing = Packing::default();
        assert_eq!(packed(&mut packing, &text(), SLOW, 100), 100);
        let after = packed(&mut packing, &text(), Duration::ZERO, 1_000);
        assert!(after < 200, "{after} parts");
    }

    #[test]
    fn what_does_not_become_smaller_is_seldom_tried() {
        let mut packing = Packing::default();
        assert_eq!(packed(&mut packing, &noise(), SLOW, 1_000), 0);
        assert_eq!(packing.rest, REST_PARTS_MAX);
        // A file may begin with what is compressed and go on with what is not.
        assert!(packed(&mut packing, &text(), SLOW, 600) > 300);
    }

    #[test]
    fn an_end_without_bytes_is_an_end() {
        let chunk = Packing::default().pack(Vec::new(), true, SLOW);
        assert_eq!(chunk, Chunk { bytes: Vec::new(), last: true, deflated: false });
    }
}
