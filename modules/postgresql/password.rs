//! Passwords as PostgreSQL keeps them.

use base64::{Engine, engine::general_purpose::STANDARD};
use module::content::{Algorithm, bytes_digest};

use crate::hmac::{digest, hmac};

/// Whether a text is a hash already.
pub fn is_hash(text: &str) -> bool {
    text.starts_with("SCRAM-SHA-256$")
        || text
            .strip_prefix("md5")
            .is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a password is the one that the server keeps a hash of.
pub fn fits(password: &str, role: &str, kept: &str) -> bool {
    if is_hash(password) {
        return password == kept;
    }
    if password.is_empty() || kept.is_empty() {
        return password == kept;
    }
    if kept.starts_with("md5") {
        let hash = bytes_digest(Algorithm::Md5, format!("{password}{role}").as_bytes());
        return kept == format!("md5{hash}");
    }
    scram_fits(password, kept).unwrap_or(false)
}

/// `SCRAM-SHA-256$ITERATIONS:SALT$STORED:SERVER` (RFC 5802); passwords that SASLprep would change
/// are compared as they are.
fn scram_fits(password: &str, kept: &str) -> Option<bool> {
    let (iterations, rest) = kept.strip_prefix("SCRAM-SHA-256$")?.split_once(':')?;
    let (salt, keys) = rest.split_once('$')?;
    let (stored, server) = keys.split_once(':')?;
    let iterations: u32 =
        iterations.parse().ok().filter(|count| (1..=1_000_000).contains(count))?;
    let mut salted = STANDARD.decode(salt).ok()?;
    salted.extend(1_u32.to_be_bytes());
    let mut one = hmac(Algorithm::Sha256, password.as_bytes(), &salted);
    let mut sum = one.clone();
    for _ in 1..iterations {
        one = hmac(Algorithm::Sha256, password.as_bytes(), &one);
        sum.iter_mut().zip(&one).for_each(|(all, byte)| *all ^= byte);
    }
    let client = hmac(Algorithm::Sha256, &sum, b"Client Key");
    let made_stored = STANDARD.encode(digest(Algorithm::Sha256, &client));
    let made_server = STANDARD.encode(hmac(Algorithm::Sha256, &sum, b"Server Key"));
    Some(made_stored == stored && made_server == server)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_compared_with_their_hashes() {
        // That of RFC 7677 for `pencil`, in PostgreSQL's form.
        let scram = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        for (password, kept, expected) in [
            ("pencil", scram, true),
            ("pen", scram, false),
            (scram, scram, true),
            ("secret", "md5fdb2a76f6dd5f40fb4e7e4ba4d9fcc16", false),
            ("md5fdb2a76f6dd5f40fb4e7e4ba4d9fcc16", "md5fdb2a76f6dd5f40fb4e7e4ba4d9fcc16", true),
            ("", "", true),
            ("x", "", false),
            ("x", "SCRAM-SHA-256$nonsense", false),
        ] {
            assert_eq!(fits(password, "user", kept), expected, "{password} {kept}");
        }
        let md5 = format!("md5{}", bytes_digest(Algorithm::Md5, b"secretuser"));
        assert!(fits("secret", "user", &md5) && !fits("secret", "other", &md5));
    }
}
