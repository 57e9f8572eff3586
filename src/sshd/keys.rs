//! Making and keeping keys.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use russh::keys::{Algorithm, PrivateKey, key::safe_rng, ssh_key::LineEnding};

/// Makes an Ed25519 key.
///
/// # Errors
/// Where the machine has no source of randomness.
pub fn generate() -> io::Result<PrivateKey> {
    PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).map_err(io::Error::other)
}

/// The public half of a key as one line: algorithm and base64.
///
/// # Errors
/// Does not fail for keys that were made or read here.
pub fn public_line(key: &PrivateKey) -> io::Result<String> {
    key.public_key().to_openssh().map_err(io::Error::other)
}

/// Writes a key in OpenSSH's format, mode 0600, and its public half beside it with `.pub`.
///
/// # Errors
/// Where the files cannot be written.
pub fn write(key: &PrivateKey, path: &Path) -> io::Result<()> {
    let text = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    let mut public = path.as_os_str().to_owned();
    public.push(".pub");
    fs::write(public, format!("{}\n", public_line(key)?))
}

/// Reads a key that was written before, or makes one and writes it.
///
/// # Errors
/// Where the file is there and holds no key, or cannot be written.
pub fn read_or_write(path: &Path) -> io::Result<PrivateKey> {
    match fs::read_to_string(path) {
        Ok(text) => PrivateKey::from_openssh(&text).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = generate()?;
            write(&key, path)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}
