//! ansible-vault's files and strings.
//!
//! Start with [`Envelope`] (what an encrypted text looks like) and [`Keyring`] (the passwords that
//! are at hand, by vault ID). Format: `$ANSIBLE_VAULT;1.1;AES256` or `;1.2;AES256;ID`, then the
//! hexadecimal digits of `hex(salt) \n hex(HMAC) \n hex(ciphertext)`. The key is PBKDF2 with
//! HMAC-SHA-256 over 10,000 rounds: 32 bytes for AES-256 in counter mode, 32 for the HMAC, 16 for
//! the first counter block. The plaintext is padded as in PKCS #7.
//!
//! This room asks nobody for a password and reads no file.

mod cipher;

use std::fmt::Write;

use protocol::Secret;

/// What every encrypted text starts with.
pub const HEADER: &str = "$ANSIBLE_VAULT";

/// The vault ID that is meant where none is named.
pub const DEFAULT_ID: &str = "default";

/// Why a text could not be decrypted.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum VaultError {
    /// It does not start with a header that is known here.
    #[error("input is not vault encrypted data: {0}")]
    Header(String),
    /// The digits are broken.
    #[error("Vault format unhexlify error: {0}")]
    Body(&'static str),
    /// There is no password at all.
    #[error("Attempting to decrypt but no vault secrets found")]
    NoPasswords,
    /// No password at hand fits.
    #[error("Decryption failed (no vault secrets were found that could decrypt)")]
    WrongPassword,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
}

/// An encrypted text taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// The ID that the header names.
    pub id: Option<String>,
    salt: Vec<u8>,
    mac: Vec<u8>,
    ciphertext: Vec<u8>,
}

/// Whether a text is one that ansible-vault has encrypted.
pub fn is_encrypted(text: &[u8]) -> bool {
    text.starts_with(HEADER.as_bytes())
}

impl Envelope {
    /// Takes an encrypted text apart.
    ///
    /// # Errors
    /// [`VaultError::Header`] or [`VaultError::Body`], where it is none.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let mut lines = text.trim().lines();
        let header = lines.next().unwrap_or("").trim_end();
        let fields: Vec<&str> = header.split(';').collect();
        let id = match fields.as_slice() {
            [HEADER, "1.1", "AES256"] => None,
            [HEADER, "1.2", "AES256", id] => Some((*id).to_owned()),
            [HEADER, "1.0" | "1.1" | "1.2", cipher, ..] if *cipher != "AES256" => {
                return Err(VaultError::Header(format!("cipher {cipher} is not supported")));
            }
            [HEADER, version, ..] => {
                return Err(VaultError::Header(format!("format version {version} is not known")));
            }
            _ => return Err(VaultError::Header("there is no $ANSIBLE_VAULT header".into())),
        };
        let digits: String = lines.map(str::trim).collect();
        let body = from_hex(digits.as_bytes()).ok_or(VaultError::Body(
            if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                "Odd-length string"
            } else {
                "Non-hexadecimal digit found"
            },
        ))?;
        let mut parts = body.splitn(3, |byte| *byte == b'\n');
        let mut part = || {
            parts
                .next()
                .and_then(from_hex)
                .ok_or(VaultError::Body("salt, HMAC or ciphertext is missing"))
        };
        Ok(Self { id, salt: part()?, mac: part()?, ciphertext: part()? })
    }

    /// Decrypts with one password.
    ///
    /// # Errors
    /// [`VaultError::WrongPassword`] where the HMAC does not fit.
    pub fn decrypt(&self, password: &[u8]) -> Result<Vec<u8>, VaultError> {
        let keys = cipher::Keys::derive(password, &self.salt);
        if !keys.verify(&self.ciphertext, &self.mac) {
            return Err(VaultError::WrongPassword);
        }
        let mut plaintext = self.ciphertext.clone();
        keys.apply(&mut plaintext);
        cipher::unpad(&mut plaintext).ok_or(VaultError::Body("the padding is broken"))?;
        Ok(plaintext)
    }
}

/// Encrypts a text; the result is lines of 80 characters, the last one ended too.
///
/// An ID other than [`DEFAULT_ID`] is named in the header, which makes it format 1.2.
///
/// # Errors
/// [`VaultError::Random`] where there is no salt to be had.
pub fn encrypt(plaintext: &[u8], password: &[u8], id: Option<&str>) -> Result<String, VaultError> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(|error| VaultError::Random(error.to_string()))?;
    Ok(encrypt_with_salt(plaintext, password, id, &salt))
}

/// Encrypts with a salt that is given, for results that can be compared.
pub fn encrypt_with_salt(
    plaintext: &[u8],
    password: &[u8],
    id: Option<&str>,
    salt: &[u8],
) -> String {
    const LINE_CHARS: usize = 80;
    let keys = cipher::Keys::derive(password, salt);
    let mut ciphertext = plaintext.to_vec();
    cipher::pad(&mut ciphertext);
    keys.apply(&mut ciphertext);
    let mac = keys.sign(&ciphertext);
    let body = format!("{}\n{}\n{}", to_hex(salt), to_hex(&mac), to_hex(&ciphertext));
    let mut text = match id.filter(|id| *id != DEFAULT_ID) {
        Some(id) => format!("{HEADER};1.2;AES256;{id}\n"),
        None => format!("{HEADER};1.1;AES256\n"),
    };
    for (position, digit) in to_hex(body.as_bytes()).chars().enumerate() {
        if position > 0 && position % LINE_CHARS == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push('\n');
    text
}

/// A plaintext, the ID that it is encrypted under, and the password.
pub type Opened = (Vec<u8>, String, Secret<Vec<u8>>);

/// The passwords that are at hand, in the order in which they were given.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    passwords: Vec<(String, Secret<Vec<u8>>)>,
    /// Whether a text is only tried with the passwords of the ID that it names.
    pub match_ids: bool,
}

impl Keyring {
    /// Adds a password under an ID.
    pub fn add(&mut self, id: impl Into<String>, password: Secret<Vec<u8>>) {
        self.passwords.push((id.into(), password));
    }

    /// The IDs, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.passwords.iter().map(|(id, _)| id.as_str())
    }

    /// The first password, or the first of an ID.
    pub fn password(&self, id: Option<&str>) -> Option<(&str, &Secret<Vec<u8>>)> {
        let fits = |candidate: &&(String, _)| id.is_none_or(|id| candidate.0 == id);
        self.passwords.iter().find(fits).map(|(id, password)| (id.as_str(), password))
    }

    /// Decrypts a text with the passwords of its ID, then, unless IDs must match, with all others.
    ///
    /// # Errors
    /// Any [`VaultError`] but [`VaultError::Random`].
    pub fn decrypt(&self, text: &str) -> Result<Vec<u8>, VaultError> {
        self.open(text).map(|(plain, _, _)| plain)
    }

    /// Decrypts a text as [`decrypt`](Self::decrypt) does, and says which password fitted: under
    /// the ID that the text names, or its own where it names none.
    ///
    /// # Errors
    /// Any [`VaultError`] but [`VaultError::Random`].
    pub fn open(&self, text: &str) -> Result<Opened, VaultError> {
        let envelope = Envelope::parse(text)?;
        if self.passwords.is_empty() {
            return Err(VaultError::NoPasswords);
        }
        let id = envelope.id.as_deref().unwrap_or(DEFAULT_ID);
        let (own, others): (Vec<_>, Vec<_>) =
            self.passwords.iter().partition(|(candidate, _)| candidate == id);
        let others = others.into_iter().filter(|_| !self.match_ids);
        for (_, password) in own.into_iter().chain(others) {
            match envelope.decrypt(password.reveal()) {
                Err(VaultError::WrongPassword) => {}
                decided => return decided.map(|plain| (plain, id.to_owned(), password.clone())),
            }
        }
        Err(VaultError::WrongPassword)
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| (digit as char).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Written by ansible-vault 2.18 with the password `made-up`.
    const BY_ANSIBLE: &str = include_str!("testdata/by_ansible.vault");

    fn keyring(passwords: &[(&str, &str)]) -> Keyring {
        let mut keyring = Keyring::default();
        for (id, password) in passwords {
            keyring.add(*id, Secret::new(password.as_bytes().to_vec()));
        }
        keyring
    }

    #[test]
    fn what_ansible_has_encrypted_can_be_read() {
        let keyring = keyring(&[("other", "wrong"), ("default", "made-up")]);
        assert_eq!(keyring.decrypt(BY_ANSIBLE).unwrap(), b"plain and simple\n");
    }

    #[test]
    fn what_is_encrypted_can_be_decrypted() {
        for plaintext in [&b""[..], b"x", b"exactly sixteen!", &[0xff; 1000]] {
            for id in [None, Some("prod")] {
                let text = encrypt(plaintext, b"made-up", id).unwrap();
                assert!(text.lines().skip(1).all(|line| line.len() <= 80));
                let envelope = Envelope::parse(&text).unwrap();
                assert_eq!(envelope.id.as_deref(), id);
                assert_eq!(envelope.decrypt(b"made-up").unwrap(), plaintext);
            }
        }
    }

    #[test]
    fn what_cannot_be_decrypted_says_why() {
        let text = encrypt(b"x", b"made-up", Some("prod")).unwrap();
        let mut strict = keyring(&[("dev", "made-up")]);
        strict.match_ids = true;
        let cases = [
            (keyring(&[("prod", "wrong")]).decrypt(&text), VaultError::WrongPassword),
            (strict.decrypt(&text), VaultError::WrongPassword),
            (keyring(&[]).decrypt(&text), VaultError::NoPasswords),
            (
                keyring(&[]).decrypt("text"),
                VaultError::Header("there is no $ANSIBLE_VAULT header".into()),
            ),
            (
                keyring(&[]).decrypt("$ANSIBLE_VAULT;9;AES256\n00"),
                VaultError::Header("format version 9 is not known".into()),
            ),
            (
                keyring(&[]).decrypt("$ANSIBLE_VAULT;1.1;AES256\n0"),
                VaultError::Body("Odd-length string"),
            ),
            (
                keyring(&[]).decrypt("$ANSIBLE_VAULT;1.1;AES256\n0x"),
                VaultError::Body("Non-hexadecimal digit found"),
            ),
            (
                keyring(&[]).decrypt("$ANSIBLE_VAULT;1.1;AES256\n6161"),
                VaultError::Body("salt, HMAC or ciphertext is missing"),
            ),
        ];
        for (result, expected) in cases {
            assert_eq!(result.unwrap_err(), expected);
        }
    }
}
