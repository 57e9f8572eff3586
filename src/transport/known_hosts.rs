//! Which host keys are trusted: files of known hosts, as sshd(8) describes them.
//!
//! Looking a key up is pure; reading the files and recording a new key are the two functions that
//! touch the disk.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, ssh_key::certificate::CertType};
use sha1::Sha1;

/// The most bytes that a file of known hosts may have.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of the salt of a hashed host name, which are those of SHA-1.
const SALT_BYTES: usize = 20;

/// One line of a file of known hosts.
#[derive(Clone, Debug)]
pub struct KnownHost {
    /// The file.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    marker: Marker,
    names: Names,
    key: PublicKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Key,
    Authority,
    Revoked,
}

#[derive(Clone, Debug)]
enum Names {
    /// Patterns with `*`, `?` and a leading `!`.
    Patterns(Vec<String>),
    /// HMAC-SHA1 of one name.
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

/// What files of known hosts say of one host, by the name that it is known under.
#[derive(Clone, Debug, Default)]
pub struct HostKeys {
    name: String,
    entries: Vec<KnownHost>,
}

/// What is to be made of a key that a host has proved to have.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is known.
    Known,
    /// Nothing is known of the host.
    Unknown,
    /// It is not to be trusted.
    Refused(Reason),
}

/// Why a host key was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nothing is known of the host.
    Unknown,
    /// Another key is known, in this file and line.
    Changed { path: PathBuf, line: usize },
    /// The key was revoked, in this file and line.
    Revoked { path: PathBuf, line: usize },
    /// The host showed a certificate that is not to be trusted, and why.
    Certificate(String),
}

/// A host key that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct HostKeyRefusal {
    /// The name that the host is known under.
    pub host: String,
    /// Where the host was reached.
    pub address: String,
    /// TCP port.
    pub port: u16,
    /// Algorithm of the key, such as `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// The file that a new key would be written to.
    pub file: Option<PathBuf>,
    /// Why it was refused.
    pub reason: Reason,
}

impl fmt::Display for HostKeyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, algorithm, fingerprint, .. } = self;
        let key = format!("the host key of {host} ({algorithm} {fingerprint})");
        match &self.reason {
            Reason::Unknown => write!(f, "{key} is not known"),
            Reason::Changed { path, line } => write!(
                f,
                "{key} is not the one in {} line {line}: the host was installed anew, or somebody \
                 stands between",
                path.display()
            ),
            Reason::Revoked { path, line } => {
                write!(f, "{key} was revoked in {} line {line}", path.display())
            }
            Reason::Certificate(why) => {
                write!(f, "the host certificate of {host} is refused: {why}")
            }
        }
    }
}

impl HostKeyRefusal {
    /// What the user can do about it.
    pub fn hint(&self) -> String {
        let file = self.file.as_deref().unwrap_or(Path::new("~/.ssh/known_hosts")).display();
        let kind = self.algorithm.strip_prefix("ssh-").unwrap_or(&self.algorithm);
        let kind = if kind.starts_with("ecdsa") { "ecdsa" } else { kind };
        match &self.reason {
            Reason::Unknown => format!(
                "compare the fingerprint with the host's own, then: ssh-keyscan -p {} -t {kind} {} \
                 >> {file}",
                self.port, self.address
            ),
            Reason::Changed { path, .. } => format!(
                "if the host was installed anew: ssh-keygen -f {} -R '{}'",
                path.display(),
                self.host
            ),
            Reason::Revoked { .. } => "the host needs a new key".to_owned(),
            Reason::Certificate(_) => "the host needs a new certificate".to_owned(),
        }
    }
}

/// The name that a host is looked up under: the bare one on port 22, else `[name]:port`.
pub fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

/// Reads the lines of a file of known hosts. Lines that cannot be read are passed over, as
/// OpenSSH does.
pub fn parse(text: &str, path: &Path) -> Vec<KnownHost> {
    let entries = text.lines().enumerate().filter_map(|(at, line)| {
        let mut words = line.split_ascii_whitespace().peekable();
        let marker = match *words.peek()? {
            "@cert-authority" => Marker::Authority,
            "@revoked" => Marker::Revoked,
            word if word.starts_with(['@', '#']) => return None,
            _ => Marker::Key,
        };
        if marker != Marker::Key {
            words.next();
        }
        let names = parse_names(words.next()?)?;
        let (algorithm, base64) = (words.next()?, words.next()?);
        let key = PublicKey::from_openssh(&format!("{algorithm} {base64}")).ok()?;
        Some(KnownHost { path: path.to_owned(), line: at + 1, marker, names, key })
    });
    entries.collect()
}

fn parse_names(word: &str) -> Option<Names> {
    let Some(hashed) = word.strip_prefix("|1|") else {
        return Some(Names::Patterns(word.split(',').map(str::to_ascii_lowercase).collect()));
    };
    let (salt, hash) = hashed.split_once('|')?;
    Some(Names::Hashed { salt: BASE64.decode(salt).ok()?, hash: BASE64.decode(hash).ok()? })
}

impl Names {
    fn match_name(&self, name: &str) -> bool {
        match self {
            Self::Hashed { salt, hash } => hash_name(name, salt).is_some_and(|own| own == *hash),
            Self::Patterns(patterns) => {
                let is_excluded = patterns
                    .iter()
                    .filter_map(|pattern| pattern.strip_prefix('!'))
                    .any(|pattern| crate::pattern::matches(pattern, name));
                !is_excluded
                    && patterns.iter().any(|pattern| crate::pattern::matches(pattern, name))
            }
        }
    }
}

fn hash_name(name: &str, salt: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(salt).ok()?;
    mac.update(name.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

impl HostKeys {
    /// Picks the entries of one host, by the name of [`lookup_name`].
    pub fn of(name: &str, entries: Vec<KnownHost>) -> Self {
        let entries = entries.into_iter().filter(|entry| entry.names.match_name(name)).collect();
        Self { name: name.to_owned(), entries }
    }

    /// The name that the host is looked up under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Algorithms of the keys that are known, so that the server is asked for these first.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        let keys = self.entries.iter().filter(|entry| entry.marker == Marker::Key);
        keys.map(|entry| entry.key.algorithm()).collect()
    }

    /// Whether the host may show a certificate.
    pub fn has_authority(&self) -> bool {
        self.entries.iter().any(|entry| entry.marker == Marker::Authority)
    }

    /// Judges a bare key.
    pub fn judge(&self, key: &PublicKey) -> Verdict {
        if let Some(entry) = self.revoked(key.key_data()) {
            let (path, line) = (entry.path.clone(), entry.line);
            return Verdict::Refused(Reason::Revoked { path, line });
        }
        let mut keys = self.entries.iter().filter(|entry| entry.marker == Marker::Key).peekable();
        let Some(first) = keys.peek().copied() else { return Verdict::Unknown };
        let mut differing = first;
        for entry in keys {
            if entry.key.key_data() == key.key_data() {
                return Verdict::Known;
            }
            // The line to be named is the one with a key of the same kind.
            if differing.key.algorithm() != key.algorithm() {
                differing = entry;
            }
        }
        // A host that has keys of other kinds alone is asked for those first, so it has lost them.
        let (path, line) = (differing.path.clone(), differing.line);
        Verdict::Refused(Reason::Changed { path, line })
    }

    /// Judges a certificate for the host at a time (seconds since 1970). `host` is the name that
    /// must be among its principals.
    pub fn judge_certificate(&self, certificate: &Certificate, host: &str, now: u64) -> Verdict {
        let refuse = |why: &str| Verdict::Refused(Reason::Certificate(why.to_owned()));
        for key in [certificate.public_key(), certificate.signature_key()] {
            if let Some(entry) = self.revoked(key) {
                let (path, line) = (entry.path.clone(), entry.line);
                return Verdict::Refused(Reason::Revoked { path, line });
            }
        }
        if certificate.cert_type() != CertType::Host {
            return refuse("it is a certificate for users");
        }
        let mut authorities = self.entries.iter().filter(|entry| entry.marker == Marker::Authority);
        let Some(authority) =
            authorities.find(|entry| entry.key.key_data() == certificate.signature_key())
        else {
            // A bare key of the same host may still be known.
            return self.judge(&PublicKey::new(certificate.public_key().clone(), ""));
        };
        let fingerprint = authority.key.fingerprint(HashAlg::Sha256);
        if let Err(error) = certificate.validate_at(now, [&fingerprint]) {
            return refuse(&format!(
                "it is not valid now ({error}); it holds from {} to {} (seconds since 1970)",
                certificate.valid_after(),
                certificate.valid_before()
            ));
        }
        let principals = certificate.valid_principals();
        let is_named = principals.iter().any(|principal| {
            crate::pattern::matches(&principal.to_ascii_lowercase(), &host.to_ascii_lowercase())
        });
        if !principals.is_empty() && !is_named {
            return refuse(&format!("it is for {}", principals.join(", ")));
        }
        Verdict::Known
    }

    fn revoked(&self, key: &russh::keys::ssh_key::public::KeyData) -> Option<&KnownHost> {
        self.entries
            .iter()
            .find(|entry| entry.marker == Marker::Revoked && entry.key.key_data() == key)
    }
}

/// Reads files of known hosts; those that are not there are empty.
///
/// # Errors
/// Where a file is there and cannot be read, with its path.
pub fn read_files(paths: &[PathBuf]) -> Result<Vec<KnownHost>, (PathBuf, io::Error)> {
    let mut entries = Vec::new();
    for path in paths {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| {
            let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
            if read as u64 > FILE_BYTES_MAX {
                return Err(io::Error::other(format!("it has over {FILE_BYTES_MAX} bytes")));
            }
            Ok(())
        });
        match read {
            Ok(()) => entries.extend(parse(&String::from_utf8_lossy(&bytes), path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err((path.clone(), error)),
        }
    }
    Ok(entries)
}

/// Records the key of a host in a file, which is made (mode 0600, its folder 0700) where it is not
/// there. The file is locked meanwhile, and a key that somebody else has recorded is not recorded
/// again.
///
/// # Errors
/// Where the file cannot be written.
pub fn write_entry(path: &Path, name: &str, key: &PublicKey, hashed: bool) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file =
        OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    file.lock()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let entries = parse(&String::from_utf8_lossy(&text), path);
    if HostKeys::of(name, entries).judge(key) == Verdict::Known {
        return Ok(());
    }
    let name = if hashed { hashed_name(name)? } else { name.to_owned() };
    let key = key.to_openssh().map_err(io::Error::other)?;
    let mut words = key.split_ascii_whitespace();
    let (algorithm, base64) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let newline = if text.is_empty() || text.ends_with(b"\n") { "" } else { "\n" };
    file.seek(SeekFrom::End(0))?;
    file.write_all(format!("{newline}{name} {algorithm} {base64}\n").as_bytes())
}

fn hashed_name(name: &str) -> io::Result<String> {
    let mut salt = [0; SALT_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut salt)?;
    let hash = hash_name(name, &salt).ok_or_else(|| io::Error::other("HMAC takes any salt"))?;
    Ok(format!("|1|{}|{}", BASE64.encode(salt), BASE64.encode(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const TWO: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    fn judge(file: &str, host: &str, port: u16) -> Verdict {
        let entries = parse(file, Path::new("kh"));
        HostKeys::of(&lookup_name(host, port), entries).judge(&key(ONE))
    }

    #[test]
    fn keys_are_judged() {
        let changed = |line| Verdict::Refused(Reason::Changed { path: "kh".into(), line });
        let revoked = |line| Verdict::Refused(Reason::Revoked { path: "kh".into(), line });
        for (file, host, port, expect) in [
            (format!("web {ONE}"), "web", 22, Verdict::Known),
            (format!("web {ONE} a comment"), "WEB", 22, Verdict::Known),
            (format!("# web {ONE}"), "web", 22, Verdict::Unknown),
            (format!("web {ONE}"), "db", 22, Verdict::Unknown),
            (format!("web {ONE}"), "web", 2222, Verdict::Unknown),
            (format!("[web]:2222 {ONE}"), "web", 2222, Verdict::Known),
            (format!("[web]:2222 {ONE}"), "web", 22, Verdict::Unknown),
            (format!("db,web {ONE}"), "web", 22, Verdict::Known),
            (format!("*.example.org {ONE}"), "a.example.org", 22, Verdict::Known),
            (format!("*.example.org,!b.* {ONE}"), "b.example.org", 22, Verdict::Unknown),
            (format!("web {TWO}"), "web", 22, changed(1)),
            (format!("\n\nweb {TWO}\nweb {ONE}"), "web", 22, Verdict::Known),
            (format!("\n\nweb {TWO}"), "web", 22, changed(3)),
            (format!("web {ONE}\n@revoked * {ONE}"), "web", 22, revoked(2)),
            (format!("@revoked web {TWO}\nweb {ONE}"), "web", 22, Verdict::Known),
            (format!("@cert-authority web {ONE}"), "web", 22, Verdict::Unknown),
            ("web ssh-ed25519 notbase64".to_owned(), "web", 22, Verdict::Unknown),
            ("web".to_owned(), "web", 22, Verdict::Unknown),
            (format!("|1|bad|worse {ONE}"), "web", 22, Verdict::Unknown),
            (
                format!("|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= {ONE}"),
                "192.168.1.61",
                22,
                Verdict::Known,
            ),
        ] {
            assert_eq!(judge(&file, host, port), expect, "{file:?} {host}:{port}");
        }
    }

    #[test]
    fn a_recorded_key_is_known_and_recorded_once() {
        let folder = crate::scratch::Folder::new("known-hosts");
        for hashed in [false, true] {
            let path = folder.path().join(format!("sub/known_hosts-{hashed}"));
            for _ in 0..2 {
                write_entry(&path, "[web]:2222", &key(ONE), hashed).unwrap();
            }
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert_eq!(text.contains("web"), !hashed, "{text}");
            let entries = read_files(std::slice::from_ref(&path)).unwrap();
            assert_eq!(HostKeys::of("[web]:2222", entries).judge(&key(ONE)), Verdict::Known);
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_line_without_an_end_is_ended_first() {
        let folder = crate::scratch::Folder::new("known-hosts-end");
        let path = folder.path().join("known_hosts");
        fs::write(&path, format!("db {TWO}")).unwrap();
        write_entry(&path, "web", &key(ONE), false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("db {TWO}\nweb {ONE}\n"));
    }
}
