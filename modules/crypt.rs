//! Hashes of passwords as `crypt(3)` and Apache keep them, made and verified on the host.

use module::{Failure, Host};
use sha2::Digest as _;

/// The alphabet of these hashes, in its order.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Rounds of SHA-crypt where a hash does not say them.
const SHA_ROUNDS_DEFAULT: usize = 5000;
/// The least and the most rounds that SHA-crypt takes.
const SHA_ROUNDS: std::ops::RangeInclusive<usize> = 1000..=999_999_999;
/// More rounds than these are not waited for.
const SHA_ROUNDS_MAX: usize = 5_000_000;
/// Rounds of new hashes, as passlib has them.
const NEW_ROUNDS_256: usize = 535_000;
const NEW_ROUNDS_512: usize = 656_000;
/// The cost of new bcrypt hashes, as a power of two.
const BCRYPT_COST: u32 = 12;

/// A way to keep a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `$apr1$`, Apache's own.
    Apr1,
    /// `$1$`.
    Md5,
    /// `$5$`.
    Sha256,
    /// `$6$`.
    Sha512,
    /// `$2b$`.
    Bcrypt,
    /// `{SHA}`: SHA-1 without salt.
    Sha1,
    /// As it is.
    Plain,
}

impl Scheme {
    /// A scheme by the name that Python's passlib gives it.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "apr_md5_crypt" => Self::Apr1,
            "md5_crypt" => Self::Md5,
            "sha256_crypt" => Self::Sha256,
            "sha512_crypt" => Self::Sha512,
            "bcrypt" => Self::Bcrypt,
            "ldap_sha1" => Self::Sha1,
            "plaintext" => Self::Plain,
            _ => return None,
        })
    }

    /// The hash of a password, with a salt of the host's making.
    ///
    /// # Errors
    /// A host without a source of chance.
    pub fn hash(self, host: &dyn Host, password: &str) -> Result<String, Failure> {
        let secret = password.as_bytes();
        Ok(match self {
            Self::Apr1 => md5_crypt(secret, &salt(host, 8)?, "$apr1$"),
            Self::Md5 => md5_crypt(secret, &salt(host, 8)?, "$1$"),
            Self::Sha256 => sha_crypt(secret, &salt(host, 16)?, Sha::S256, Some(NEW_ROUNDS_256)),
            Self::Sha512 => sha_crypt(secret, &salt(host, 16)?, Sha::S512, Some(NEW_ROUNDS_512)),
            Self::Bcrypt => {
                let bytes = chance(host, 16)?.try_into().unwrap_or([0; 16]);
                let parts = bcrypt::hash_with_salt(secret, BCRYPT_COST, bytes)
                    .map_err(|why| Failure::new(format!("bcrypt: {why}")))?;
                parts.format_for_version(bcrypt::Version::TwoB)
            }
            Self::Sha1 => sha1(secret),
            Self::Plain => password.to_owned(),
        })
    }
}

/// Whether a hash is one of the password; a hash of no known kind is taken as the password itself.
pub fn verify(hash: &str, password: &str) -> bool {
    let secret = password.as_bytes();
    for prefix in ["$apr1$", "$1$"] {
        if let Some(rest) = hash.strip_prefix(prefix) {
            let salt = rest.split('$').next().unwrap_or_default();
            return md5_crypt(secret, salt, prefix) == hash;
        }
    }
    for (prefix, sha) in [("$5$", Sha::S256), ("$6$", Sha::S512)] {
        let Some(rest) = hash.strip_prefix(prefix) else { continue };
        let (rounds, rest) = match rest.strip_prefix("rounds=").and_then(|it| it.split_once('$')) {
            Some((rounds, rest)) => match rounds.parse::<usize>() {
                Ok(rounds) if rounds <= SHA_ROUNDS_MAX => (Some(rounds), rest),
                _ => return false,
            },
            None => (None, rest),
        };
        let salt = rest.split('$').next().unwrap_or_default();
        return sha_crypt(secret, salt, sha, rounds) == hash;
    }
    if hash.starts_with("$2") {
        return bcrypt::verify(secret, hash).unwrap_or(false);
    }
    if hash.starts_with("{SHA}") {
        return sha1(secret) == hash;
    }
    hash == password
}

fn sha1(secret: &[u8]) -> String {
    use base64::Engine as _;
    let digest = raw(Digest::Sha1, secret);
    format!("{{SHA}}{}", base64::engine::general_purpose::STANDARD.encode(digest))
}

/// Bytes that nobody knows beforehand.
///
/// # Errors
/// A host without a source of them.
pub fn chance(host: &dyn Host, count: u64) -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let path = std::path::Path::new("/dev/urandom");
    let source = host.open(path)?;
    let source = source.ok_or_else(|| Failure::new("this host has no /dev/urandom"))?;
    let mut bytes = Vec::new();
    source.take(count).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == count {
        true => Ok(bytes),
        false => Err(Failure::new("/dev/urandom has ended")),
    }
}

fn salt(host: &dyn Host, count: u64) -> Result<String, Failure> {
    Ok(chance(host, count)?.iter().map(|byte| letter(u32::from(*byte))).collect())
}

fn letter(bits: u32) -> char {
    ALPHABET.get((bits & 0x3f) as usize).map_or('.', |byte| char::from(*byte))
}

/// How bytes are digested.
#[derive(Clone, Copy, Debug)]
enum Digest {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

fn raw(digest: Digest, bytes: &[u8]) -> Vec<u8> {
    match digest {
        Digest::Md5 => md5::Md5::digest(bytes).to_vec(),
        Digest::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
        Digest::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
        Digest::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
    }
}

/// Writes bytes by threes, lowest bits first; each group names the places of its bytes, the
/// highest first.
fn encode(digest: &[u8], groups: &[&[usize]]) -> String {
    let mut text = String::new();
    for group in groups {
        let at = |place: &usize| u32::from(digest.get(*place).copied().unwrap_or_default());
        let mut bits = group.iter().fold(0, |sum, place| sum << 8 | at(place));
        for _ in 0..=group.len() {
            text.push(letter(bits));
            bits >>= 6;
        }
    }
    text
}

/// The MD5 scheme of Poul-Henning Kamp, which Apache's differs from by its prefix alone.
fn md5_crypt(secret: &[u8], salt: &str, prefix: &str) -> String {
    let salt: String = salt.chars().take(8).collect();
    let md5 = |bytes: &[u8]| raw(Digest::Md5, bytes);
    let inner = md5(&[secret, salt.as_bytes(), secret].concat());
    let mut text = [secret, prefix.as_bytes(), salt.as_bytes()].concat();
    text.extend(inner.iter().cycle().take(secret.len()));
    let mut bits = secret.len();
    while bits > 0 {
        text.push(if bits & 1 == 1 { 0 } else { secret.first().copied().unwrap_or_default() });
        bits >>= 1;
    }
    let mut digest = md5(&text);
    for round in 0..1000 {
        let mut text = Vec::new();
        text.extend(if round % 2 == 1 { secret } else { &digest });
        if round % 3 != 0 {
            text.extend(salt.as_bytes());
        }
        if round % 7 != 0 {
            text.extend(secret);
        }
        text.extend(if round % 2 == 1 { &digest } else { secret });
        digest = md5(&text);
    }
    const GROUPS: [&[usize]; 6] =
        [&[0, 6, 12], &[1, 7, 13], &[2, 8, 14], &[3, 9, 15], &[4, 10, 5], &[11]];
    format!("{prefix}{salt}${}", encode(&digest, &GROUPS))
}

#[derive(Clone, Copy, Debug)]
enum Sha {
    S256,
    S512,
}

/// Ulrich Drepper's scheme (<https://www.akkadia.org/drepper/SHA-crypt.txt>).
fn sha_crypt(secret: &[u8], salt: &str, sha: Sha, rounds: Option<usize>) -> String {
    let salt: String = salt.chars().take(16).collect();
    let prefix = match sha {
        Sha::S256 => "$5$",
        Sha::S512 => "$6$",
    };
    let count = rounds.unwrap_or(SHA_ROUNDS_DEFAULT).clamp(*SHA_ROUNDS.start(), *SHA_ROUNDS.end());
    let encoded = sha_digest(secret, &salt, sha, count);
    let rounds = rounds.map(|_| format!("rounds={count}$")).unwrap_or_default();
    format!("{prefix}{rounds}{salt}${encoded}")
}

/// The hash that MySQL's `caching_sha2_password` and `sha256_password` keep: SHA-crypt in a form of
/// its own, with a salt of 20 bytes.
pub fn mysql_sha256(secret: &[u8], salt: &str) -> String {
    format!("$A$005${salt}{}", sha_digest(secret, salt, Sha::S256, SHA_ROUNDS_DEFAULT))
}

/// What stands behind the salt.
fn sha_digest(secret: &[u8], salt: &str, sha: Sha, count: usize) -> String {
    let algorithm = match sha {
        Sha::S256 => Digest::Sha256,
        Sha::S512 => Digest::Sha512,
    };
    let hash = |bytes: &[u8]| raw(algorithm, bytes);
    let stretched = |digest: &[u8], length: usize| -> Vec<u8> {
        digest.iter().copied().cycle().take(length).collect()
    };
    let inner = hash(&[secret, salt.as_bytes(), secret].concat());
    let mut text = [secret, salt.as_bytes(), &stretched(&inner, secret.len())].concat();
    let mut bits = secret.len();
    while bits > 0 {
        text.extend(if bits & 1 == 1 { inner.as_slice() } else { secret });
        bits >>= 1;
    }
    let mut digest = hash(&text);
    let all_secret = stretched(&hash(&secret.repeat(secret.len())), secret.len());
    let repeats = 16 + usize::from(digest.first().copied().unwrap_or_default());
    let all_salt = stretched(&hash(&salt.repeat(repeats).into_bytes()), salt.len());
    for round in 0..count {
        let mut text = Vec::with_capacity(4 * digest.len());
        text.extend(if round % 2 == 1 { &all_secret } else { &digest });
        if round % 3 != 0 {
            text.extend(&all_salt);
        }
        if round % 7 != 0 {
            text.extend(&all_secret);
        }
        text.extend(if round % 2 == 1 { &digest } else { &all_secret });
        digest = hash(&text);
    }
    match sha {
        Sha::S256 => {
            let mut groups: Vec<Vec<usize>> = (0..10)
                .map(|n: usize| {
                    let first = [0, 21, 12, 3, 24, 15, 6, 27, 18, 9];
                    let place = first.get(n).copied().unwrap_or_default();
                    vec![place, (place + 10) % 30, (place + 20) % 30]
                })
                .collect();
            groups.push(vec![31, 30]);
            let groups: Vec<&[usize]> = groups.iter().map(Vec::as_slice).collect();
            encode(&digest, &groups)
        }
        Sha::S512 => {
            let mut groups: Vec<Vec<usize>> = Vec::new();
            let mut group = vec![0_usize, 21, 42];
            for _ in 0..21 {
                groups.push(group.clone());
                // Each group turns round by one, and goes one further.
                group = group.iter().cycle().skip(1).take(3).map(|place| place + 1).collect();
            }
            groups.push(vec![63]);
            let groups: Vec<&[usize]> = groups.iter().map(Vec::as_slice).collect();
            encode(&digest, &groups)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `openssl passwd` and Drepper's paper give.
    #[test]
    fn known_hashes_are_verified() {
        for (hash, password) in [
            ("$apr1$rYVjkwmt$87VHKAFGFt8vZeuRxrqNn0", "secret"),
            ("$1$rYVjkwmt$omNQhwaTBxlXXjqUdjkk..", "secret"),
            ("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"),
            (
                "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
                "Hello world!",
            ),
            (
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
                "Hello world!",
            ),
            ("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"),
            ("secret", "secret"),
        ] {
            assert!(verify(hash, password), "{hash}");
            assert!(!verify(hash, "Secret"), "{hash}");
        }
        for broken in ["$6$rounds=99999999999$x$y", "$5$", "$2b$x", "$apr1$"] {
            assert!(!verify(broken, "secret"), "{broken}");
        }
    }

    /// Made by another implementation, which makes of hashcat's example of mode 7401 what that says.
    const MYSQL_HASH: &str =
        "$A$005$012345678901234567895fkz3MBocEd.OaaR71/j.w9RXSrKttgCSpI2fGX1100";

    #[test]
    fn mysql_hashes_have_longer_salts() {
        // Mirrors what OpenSSL and glibc make of a salt that both take.
        let plain = sha_crypt(b"secret", "0123456789abcdef", Sha::S256, None);
        let digest = sha_digest(b"secret", "0123456789abcdef", Sha::S256, 5000);
        assert!(plain.ends_with(&format!("${digest}")));
        assert_eq!(mysql_sha256(b"secret", "01234567890123456789"), MYSQL_HASH);
    }

    #[test]
    fn what_is_made_is_verified() {
        let mut host = module::fake::FakeHost::default();
        host.put("/dev/urandom", (0..64).collect::<Vec<u8>>());
        for name in
            ["apr_md5_crypt", "md5_crypt", "sha256_crypt", "sha512_crypt", "ldap_sha1", "plaintext"]
        {
            let hash = Scheme::named(name).unwrap().hash(&host, "pass").unwrap();
            assert!(verify(&hash, "pass") && !verify(&hash, "other"), "{name}: {hash}");
        }
        assert!(Scheme::named("des_crypt").is_none());
        assert!(Scheme::Apr1.hash(&module::fake::FakeHost::default(), "x").is_err());
    }
}
