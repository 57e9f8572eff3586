//! Keyed digests (RFC 2104).

use module::content::{Algorithm, bytes_digest};

/// The bytes that SHA-1 and SHA-256 work on at once.
const BLOCK_BYTES: usize = 64;

/// A digest as bytes.
pub fn digest(algorithm: Algorithm, bytes: &[u8]) -> Vec<u8> {
    let digits = bytes_digest(algorithm, bytes);
    let pairs = digits.as_bytes().chunks(2);
    pairs.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The digest of a text that only who has the key can make. For SHA-1 and SHA-256.
pub fn hmac(algorithm: Algorithm, key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > BLOCK_BYTES { digest(algorithm, key) } else { key.to_vec() };
    block.resize(BLOCK_BYTES, 0);
    let padded = |pad: u8, text: &[u8]| -> Vec<u8> {
        let bytes: Vec<u8> =
            block.iter().map(|byte| byte ^ pad).chain(text.iter().copied()).collect();
        digest(algorithm, &bytes)
    };
    padded(0x5c, &padded(0x36, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_rfcs() {
        let hex =
            |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        for (algorithm, expected) in [
            (Algorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Algorithm::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        ] {
            let made = hmac(algorithm, b"Jefe", b"what do ya want for nothing?");
            assert_eq!(hex(made), expected);
        }
    }
}
