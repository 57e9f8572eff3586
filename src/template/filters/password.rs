//! Hashes of passwords, in the forms of crypt(3).

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use super::{filter, random::Source};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    value::{Arguments, Value, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[filter("password_hash", password_hash)];

/// The alphabet of crypt(3).
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The rounds that Ansible's library takes by itself.
const SHA512_ROUNDS: i64 = 656_000;
const SHA256_ROUNDS: i64 = 535_000;

fn password_hash(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [algorithm, salt, salt_size, rounds, ident] =
        arguments.bind("password_hash", ["hashtype", "salt", "salt_size", "rounds", "ident"], 0)?;
    let algorithm = algorithm.map_or("sha512".to_owned(), |name| name.to_string());
    let text = |value: Option<Value>| {
        value.filter(|value| !value.is_none()).map(|value| value.to_string())
    };
    let rounds = match rounds {
        None | Some(Value::None) => None,
        Some(rounds) => Some(int_argument("password_hash", "rounds", &rounds)?),
    };
    let salt = match (text(salt), salt_size.filter(|size| !size.is_none())) {
        (Some(salt), _) => Some(salt),
        (None, Some(size)) => {
            let size = int_argument("password_hash", "salt_size", &size)?;
            Some(salt_of(usize::try_from(size).unwrap_or(0).min(64))?)
        }
        (None, None) => None,
    };
    let text_ident = text(ident);
    hashed(&value.to_string(), &algorithm, salt.as_deref(), rounds, text_ident.as_deref())
        .map(Value::from)
}

/// A random salt of the usual length for an algorithm.
///
/// # Errors
/// The operating system gives no random numbers.
pub(crate) fn random_salt(algorithm: &str) -> Result<String> {
    salt_of(match algorithm {
        "bcrypt" | "blowfish" => 22,
        "md5" | "md5_crypt" => 8,
        _ => 16,
    })
}

fn salt_of(length: usize) -> Result<String> {
    let mut source = Source::System;
    (0..length)
        .map(|_| {
            let at = source.below(64)? as usize;
            Ok(char::from(ALPHABET.get(at).copied().unwrap_or(b'.')))
        })
        .collect()
}

/// What passlib knows besides, and Ansible cannot use because it takes no salt.
const WITHOUT_SALT: &[&str] = &[
    "hex_md4",
    "hex_md5",
    "hex_sha1",
    "hex_sha256",
    "hex_sha512",
    "ldap_hex_md5",
    "ldap_hex_sha1",
    "ldap_md5",
    "ldap_plaintext",
    "ldap_sha1",
    "lmhash",
    "msdcc",
    "msdcc2",
    "mssql2000",
    "mysql323",
    "mysql41",
    "nthash",
    "oracle10",
    "plaintext",
    "postgres_md5",
    "unix_disabled",
];

/// The hash of a password.
///
/// # Errors
/// The algorithm is not known, or the salt does not fit it.
pub(crate) fn hashed(
    password: &str,
    algorithm: &str,
    salt: Option<&str>,
    rounds: Option<i64>,
    ident: Option<&str>,
) -> Result<String> {
    let salt = match salt {
        Some(salt) => salt.to_owned(),
        None => random_salt(algorithm)?,
    };
    let is_bcrypt = matches!(algorithm, "blowfish" | "bcrypt");
    if let Some(bad) = salt.chars().find(|c| !ALPHABET.contains(&(*c as u8)) || !c.is_ascii()) {
        return Err(TemplateError::of_value(format!("invalid characters in salt: {bad:?}")));
    }
    match algorithm {
        "sha512" | "sha512_crypt" => {
            let rounds = rounds.unwrap_or(SHA512_ROUNDS);
            Ok(sha_crypt::<Sha512>("6", password.as_bytes(), &limited(&salt, 16), rounds))
        }
        "sha256" | "sha256_crypt" => {
            let rounds = rounds.unwrap_or(SHA256_ROUNDS);
            Ok(sha_crypt::<Sha256>("5", password.as_bytes(), &limited(&salt, 16), rounds))
        }
        "md5" | "md5_crypt" => Ok(md5_crypt(password.as_bytes(), &limited(&salt, 8))),
        _ if is_bcrypt => bcrypt_hash(password, &salt, rounds, ident.unwrap_or("2b")),
        other if WITHOUT_SALT.contains(&other) => Err(TemplateError::new(
            ErrorKind::Unsupported,
            format!(
                "{other} is not in the list of supported passlib algorithms: md5, blowfish, \
                 sha256, sha512"
            ),
        )),
        other => Err(TemplateError::new(
            ErrorKind::Unsupported,
            format!(
                "password_hash does not support the algorithm '{other}': sha512, sha256, md5 and \
                 bcrypt are supported"
            ),
        )),
    }
}

fn limited(salt: &str, most: usize) -> String {
    salt.chars().take(most).collect()
}

fn bcrypt_hash(password: &str, salt: &str, rounds: Option<i64>, ident: &str) -> Result<String> {
    let wrong = |why: &str| TemplateError::of_value(format!("bcrypt: {why}"));
    if salt.len() != 22 {
        return Err(wrong("the salt must have 22 characters"));
    }
    let cost = u32::try_from(rounds.unwrap_or(12)).unwrap_or(0);
    if !(4..=20).contains(&cost) {
        return Err(wrong("the rounds must be from 4 to 20"));
    }
    // bcrypt has the same letters in another order.
    let order = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = [0u8; 16];
    let (mut buffer, mut bits, mut at) = (0u32, 0, 0);
    for letter in salt.bytes() {
        let value = order.iter().position(|known| *known == letter).unwrap_or(0) as u32;
        buffer = (buffer << 6) | value;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = (buffer >> bits) as u8;
            }
            at += 1;
        }
    }
    let version = match ident {
        "2a" => bcrypt::Version::TwoA,
        "2y" => bcrypt::Version::TwoY,
        "2b" => bcrypt::Version::TwoB,
        other => return Err(wrong(&format!("the ident '{other}' is not supported"))),
    };
    bcrypt::hash_with_salt(password, cost, bytes)
        .map(|parts| parts.format_for_version(version))
        .map_err(|error| wrong(&error.to_string()))
}

/// Three bytes as letters of crypt(3), the lowest bits first.
fn push_letters(out: &mut String, bytes: [u8; 3], count: usize) {
    let mut word = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
    for _ in 0..count {
        out.push(char::from(ALPHABET.get((word & 0x3f) as usize).copied().unwrap_or(b'.')));
        word >>= 6;
    }
}

/// SHA-crypt by Ulrich Drepper's specification.
fn sha_crypt<D: Digest>(id: &str, password: &[u8], salt: &str, rounds: i64) -> String {
    /// The rounds that a hash without a number of rounds has.
    const ROUNDS_UNSAID: i64 = 5000;
    let count = rounds.clamp(1000, 999_999_999);
    let size = <D as Digest>::output_size();
    let salt_bytes = salt.as_bytes();
    let repeated = |digest: &[u8], length: usize| -> Vec<u8> {
        digest.iter().copied().cycle().take(length).collect()
    };

    let mut other = D::new();
    other.update(password);
    other.update(salt_bytes);
    other.update(password);
    let other = other.finalize();

    let mut first = D::new();
    first.update(password);
    first.update(salt_bytes);
    first.update(repeated(&other, password.len()));
    let mut length = password.len();
    while length > 0 {
        if length & 1 == 1 {
            first.update(&other);
        } else {
            first.update(password);
        }
        length >>= 1;
    }
    let mut digest = first.finalize();

    let mut of_password = D::new();
    for _ in 0..password.len() {
        of_password.update(password);
    }
    let p = repeated(&of_password.finalize(), password.len());
    let mut of_salt = D::new();
    for _ in 0..16 + usize::from(digest.first().copied().unwrap_or(0)) {
        of_salt.update(salt_bytes);
    }
    let s = repeated(&of_salt.finalize(), salt_bytes.len());

    for round in 0..count {
        let mut next = D::new();
        if round & 1 == 1 {
            next.update(&p);
        } else {
            next.update(&digest);
        }
        if round % 3 != 0 {
            next.update(&s);
        }
        if round % 7 != 0 {
            next.update(&p);
        }
        if round & 1 == 1 {
            next.update(&digest);
        } else {
            next.update(&p);
        }
        digest = next.finalize();
    }

    let byte = |at: usize| digest.get(at).copied().unwrap_or(0);
    let mut text = String::new();
    if size == 64 {
        // The bytes are taken in threes, 21 apart, turning by one each time.
        let (mut a, mut b, mut c) = (0, 21, 42);
        for _ in 0..21 {
            push_letters(&mut text, [byte(a), byte(b), byte(c)], 4);
            (a, b, c) = (b + 1, c + 1, a + 1);
        }
        push_letters(&mut text, [0, 0, byte(63)], 2);
    } else {
        let (mut a, mut b, mut c) = (0, 10, 20);
        for _ in 0..10 {
            push_letters(&mut text, [byte(a), byte(b), byte(c)], 4);
            (a, b, c) = (c + 1, a + 1, b + 1);
        }
        push_letters(&mut text, [0, byte(31), byte(30)], 3);
    }
    if count == ROUNDS_UNSAID {
        format!("${id}${salt}${text}")
    } else {
        format!("${id}$rounds={count}${salt}${text}")
    }
}

/// MD5-crypt by Poul-Henning Kamp.
fn md5_crypt(password: &[u8], salt: &str) -> String {
    let salt_bytes = salt.as_bytes();
    let mut other = Md5::new();
    other.update(password);
    other.update(salt_bytes);
    other.update(password);
    let other = other.finalize();

    let mut first = Md5::new();
    first.update(password);
    first.update(b"$1$");
    first.update(salt_bytes);
    first.update(other.iter().copied().cycle().take(password.len()).collect::<Vec<_>>());
    let mut length = password.len();
    while length > 0 {
        let head = password.first().copied().unwrap_or(0);
        first.update([if length & 1 == 1 { 0 } else { head }]);
        length >>= 1;
    }
    let mut digest = first.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        if round & 1 == 1 {
            next.update(password);
        } else {
            next.update(digest);
        }
        if round % 3 != 0 {
            next.update(salt_bytes);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        if round & 1 == 1 {
            next.update(digest);
        } else {
            next.update(password);
        }
        digest = next.finalize();
    }
    let byte = |at: usize| digest.get(at).copied().unwrap_or(0);
    let mut text = String::new();
    for [a, b, c] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        push_letters(&mut text, [byte(a), byte(b), byte(c)], 4);
    }
    push_letters(&mut text, [0, 0, byte(11)], 2);
    format!("$1${salt}${text}")
}

#[cfg(test)]
mod tests {
    use super::hashed;

    #[test]
    fn hashes_are_those_of_crypt() {
        let cases = [
            // From the specification of SHA-crypt.
            (
                "Hello world!",
                "sha512",
                "saltstring",
                Some(5000),
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ),
            (
                "Hello world!",
                "sha256",
                "saltstring",
                Some(5000),
                "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5",
            ),
            (
                "Hello world!",
                "sha512",
                "saltstringsaltst",
                Some(10000),
                "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
            ),
            ("password", "md5", "xxxxxxxx", None, "$1$xxxxxxxx$UYCIxa628.9qXjpQCjM4a."),
        ];
        for (password, algorithm, salt, rounds, expect) in cases {
            let made = hashed(password, algorithm, Some(salt), rounds, None).unwrap();
            assert_eq!(made, expect);
        }
    }

    #[test]
    fn what_is_no_algorithm_or_salt_is_refused() {
        assert!(hashed("x", "des_crypt", Some("ab"), None, None).is_err());
        assert!(hashed("x", "sha512", Some("a b"), None, None).is_err());
        assert!(hashed("x", "bcrypt", Some("short"), None, None).is_err());
    }
}
