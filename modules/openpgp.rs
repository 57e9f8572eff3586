//! Certificates of OpenPGP (RFC 9580), as far as packages are signed with them: which keys are in
//! a file, without a keyring or a program.

use base64::{Engine, engine::general_purpose::STANDARD};
use module::content::{Algorithm, bytes_digest};

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// Kinds of packets.
const PUBLIC_KEY: u8 = 6;
const PUBLIC_SUBKEY: u8 = 14;

/// A key and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its packets.
    pub bytes: Vec<u8>,
    /// Fingerprints in capital hexadecimal digits: that of the key itself, then of its subkeys.
    pub fingerprints: Vec<String>,
}

/// The ID of a key, 16 digits, of its fingerprint.
pub fn key_id(fingerprint: &str) -> &str {
    // Those of version 6 are longer, and their ID stands in front.
    match fingerprint.len() {
        64 => fingerprint.get(..16).unwrap_or_default(),
        length => fingerprint.get(length.saturating_sub(16)..).unwrap_or_default(),
    }
}

impl Certificate {
    /// Whether it has a key of that ID or fingerprint, or of one that ends with these digits.
    pub fn has(&self, digits: &str) -> bool {
        self.fingerprints.iter().any(|one| one == digits || key_id(one).ends_with(digits))
    }
}

/// All certificates in a file, be it text or binary.
///
/// # Errors
/// What is no OpenPGP.
pub fn parse(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    let text = String::from_utf8_lossy(bytes);
    if !text.contains(BEGIN) {
        return parse_packets(bytes);
    }
    let mut all = Vec::new();
    for block in text.split(BEGIN).skip(1) {
        let block = block.split(END).next().unwrap_or_default();
        all.extend(parse_packets(&dearmor(block)?)?);
    }
    Ok(all)
}

/// The bytes of an armored block: behind its headers, up to its checksum.
fn dearmor(block: &str) -> Result<Vec<u8>, String> {
    let lines: Vec<&str> = block.lines().map(str::trim).collect();
    let blank = lines.iter().skip(1).position(|line| line.is_empty()).map_or(0, |at| at + 2);
    let body = lines.get(blank..).unwrap_or_default();
    let digits: String = body.iter().take_while(|line| !line.starts_with('=')).copied().collect();
    STANDARD.decode(digits).map_err(|why| format!("a key block cannot be decoded: {why}"))
}

fn parse_packets(bytes: &[u8]) -> Result<Vec<Certificate>, String> {
    let mut all: Vec<Certificate> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (kind, head, length) = header(rest).ok_or("no OpenPGP key")?;
        let end = head + length;
        let packet = rest.get(..end).ok_or("an OpenPGP packet is cut off")?;
        let body = packet.get(head..).unwrap_or_default();
        if kind == PUBLIC_KEY {
            all.push(Certificate { bytes: Vec::new(), fingerprints: Vec::new() });
        }
        if let Some(last) = all.last_mut() {
            last.bytes.extend_from_slice(packet);
            if matches!(kind, PUBLIC_KEY | PUBLIC_SUBKEY) {
                last.fingerprints.extend(fingerprint(body));
            }
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    Ok(all)
}

/// Kind, length of the header and length of the body; packets of parts hold no keys.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let first = *bytes.first()?;
    let number = |from: usize, count: usize| -> Option<usize> {
        let digits = bytes.get(from..from + count)?;
        Some(digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    };
    match first {
        0xc0.. => {
            let kind = first & 0x3f;
            match *bytes.get(1)? {
                length @ 0..=191 => Some((kind, 2, length.into())),
                high @ 192..=223 => {
                    let low = usize::from(*bytes.get(2)?);
                    Some((kind, 3, ((usize::from(high) - 192) << 8) + low + 192))
                }
                255 => Some((kind, 6, number(2, 4)?)),
                _ => None,
            }
        }
        0x80..0xc0 => {
            let kind = first >> 2 & 0xf;
            match first & 3 {
                0 => Some((kind, 2, number(1, 1)?)),
                1 => Some((kind, 3, number(1, 2)?)),
                2 => Some((kind, 5, number(1, 4)?)),
                _ => None,
            }
        }
        _ => None,
    }
}

fn fingerprint(body: &[u8]) -> Option<String> {
    let length = body.len();
    match body.first()? {
        4 => {
            let mut bytes = vec![0x99];
            bytes.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
            bytes.extend_from_slice(body);
            Some(bytes_digest(Algorithm::Sha1, &bytes).to_uppercase())
        }
        6 => {
            let mut bytes = vec![0x9b];
            bytes.extend_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
            bytes.extend_from_slice(body);
            Some(bytes_digest(Algorithm::Sha256, &bytes).to_uppercase())
        }
        // Version 3 is long broken.
        _ => None,
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An Ed25519 key with a subkey, made for these tests.
    pub const ARMORED: &str = include_str!("openpgp/sample.asc");
    pub const FINGERPRINT: &str = include_str!("openpgp/sample.fingerprint");

    #[test]
    fn keys_are_found() {
        let all = parse(ARMORED.as_bytes()).unwrap();
        let [one] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(one.fingerprints.len(), 2);
        let wanted = FINGERPRINT.trim();
        assert_eq!(one.fingerprints[0], wanted);
        assert!(one.has(wanted) && one.has(key_id(wanted)) && one.has(&wanted[32..]));
        assert!(!one.has("0123456789ABCDEF"));
        assert_eq!(parse(&one.bytes).unwrap(), all);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bytes in [
            &b"hello"[..],
            b"\xc6\xff",
            b"\x98\x80\x04",
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n!!!!\n-----END PGP PUBLIC KEY BLOCK-----",
        ] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(parse(b"").unwrap(), []);
    }
}
