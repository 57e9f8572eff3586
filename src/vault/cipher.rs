//! The keys that come of a password, and what is done with them.

use aes::Aes256;
use ctr::cipher::{KeyIvInit, StreamCipher};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const ROUNDS: u32 = 10_000;
const KEY_BYTES: usize = 32;
const BLOCK_BYTES: usize = 16;

/// What PBKDF2 makes of a password and a salt.
pub struct Keys {
    cipher: [u8; KEY_BYTES],
    mac: [u8; KEY_BYTES],
    counter: [u8; BLOCK_BYTES],
}

impl Keys {
    /// Derives the keys; takes some milliseconds.
    pub fn derive(password: &[u8], salt: &[u8]) -> Self {
        let mut bytes = [0; 2 * KEY_BYTES + BLOCK_BYTES];
        pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut bytes);
        let mut keys =
            Self { cipher: [0; KEY_BYTES], mac: [0; KEY_BYTES], counter: [0; BLOCK_BYTES] };
        keys.cipher.copy_from_slice(&bytes[..KEY_BYTES]);
        keys.mac.copy_from_slice(&bytes[KEY_BYTES..2 * KEY_BYTES]);
        keys.counter.copy_from_slice(&bytes[2 * KEY_BYTES..]);
        keys
    }

    /// Encrypts or decrypts in place: counter mode is its own inverse.
    pub fn apply(&self, bytes: &mut [u8]) {
        ctr::Ctr128BE::<Aes256>::new(&self.cipher.into(), &self.counter.into())
            .apply_keystream(bytes);
    }

    /// The HMAC over a ciphertext.
    pub fn sign(&self, ciphertext: &[u8]) -> Vec<u8> {
        self.hmac(ciphertext).finalize().into_bytes().to_vec()
    }

    /// Compares the HMAC in constant time.
    pub fn verify(&self, ciphertext: &[u8], mac: &[u8]) -> bool {
        self.hmac(ciphertext).verify_slice(mac).is_ok()
    }

    fn hmac(&self, ciphertext: &[u8]) -> Hmac<Sha256> {
        let mut hmac = <Hmac<Sha256> as KeyInit>::new(&padded_key(&self.mac));
        hmac.update(ciphertext);
        hmac
    }
}

/// HMAC pads a key to the block of its hash with zeros, which makes this the same key.
fn padded_key(key: &[u8; KEY_BYTES]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut padded = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (to, from) in padded.iter_mut().zip(key) {
        *to = *from;
    }
    padded
}

/// Pads to full blocks as in PKCS #7.
pub fn pad(bytes: &mut Vec<u8>) {
    let count = BLOCK_BYTES - bytes.len() % BLOCK_BYTES;
    bytes.resize(bytes.len() + count, count as u8);
}

/// Takes the padding away; `None` where there is none that fits.
pub fn unpad(bytes: &mut Vec<u8>) -> Option<()> {
    let count = *bytes.last()?;
    let start = bytes.len().checked_sub(usize::from(count))?;
    let fits = (1..=BLOCK_BYTES).contains(&usize::from(count))
        && bytes.get(start..)?.iter().all(|byte| *byte == count);
    fits.then(|| bytes.truncate(start))
}
