//! The `openssh_keypair` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, FileAttributes,
    FileMode, Host, Module, Placement, Program, Returned,
    host::{Links, Temporary},
    program::HANDED,
};
use protocol::{Json, JsonMap};
use serde::Serialize;

use super::key_terms::Regenerate;
use crate::{presence::Presence, tool};

/// Permissions of new keys.
const PRIVATE_MODE: FileMode = FileMode::new(0o600);
const PUBLIC_MODE: FileMode = FileMode::new(0o644);

/// Keeps a pair of keys for SSH in two files.
#[derive(Debug, Arguments)]
pub struct OpensshKeypair {
    /// File of the private key; the public one's ends in `.pub`.
    path: PathBuf,
    /// Whether there should be keys.
    #[argument(default = "present")]
    state: Presence,
    /// Kind of key.
    #[argument(default = "rsa")]
    type_: KeyType,
    /// Bits: 4096 for RSA and 256 for ECDSA where it is left out.
    size: Option<u32>,
    /// What people are told of the key.
    comment: Option<String>,
    /// What the private key is encrypted with.
    #[argument(no_log)]
    passphrase: Option<String>,
    /// How the private key is written.
    #[argument(default = "auto", choices("auto", "pkcs1", "pkcs8", "ssh"))]
    private_key_format: String,
    /// Whether keys are made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// When keys that are there are made anew.
    #[argument(default = "partial_idempotence")]
    regenerate: Regenerate,
    /// Taken and not used: `ssh-keygen` does the work.
    #[argument(default = "auto", choices("auto", "cryptography", "opensshbin"))]
    #[expect(dead_code, reason = "ssh-keygen does the work")]
    backend: String,
    #[argument(flatten)]
    file: FileArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum KeyType {
    Rsa,
    Dsa,
    Rsa1,
    Ecdsa,
    Ed25519,
}

impl Documented for OpensshKeypair {
    const NAME: &'static str = "community.crypto.openssh_keypair";
    const ALIASES: &'static [&'static str] = &["openssh_keypair"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Keys of a program",
            args: r#"{"path": "/srv/id_ed25519", "type": "ed25519", "comment": "backup"}"#,
        },
        Example { title: "No keys", args: r#"{"path": "/srv/id_ed25519", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("filename", "File of the private key.", "present", r#""/srv/id_ed25519""#),
        Returned::new("type", "Kind of key.", "present", r#""ed25519""#),
        Returned::new("size", "Its bits.", "present", "256"),
        Returned::new("fingerprint", "Digest of the public key.", "present", r#""SHA256:r4Y""#),
        Returned::new("public_key", "The public key.", "present", r#""ssh-ed25519 AAAA""#),
        Returned::new("comment", "What people are told.", "present", r#""backup""#),
    ];
}

/// A key, as `ssh-keygen` describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Described {
    #[serde(rename = "type")]
    kind: String,
    size: u32,
}

/// The two files, as far as the task manages them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Pair {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Described>,
    /// Whether there is a file of the private key at all.
    is_there: bool,
    /// Kind and key of the public file, where it is the private key's.
    public_fits: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    private: FileAttributes,
    public: FileAttributes,
}

impl OpensshKeypair {
    fn size(&self) -> Result<u32, Failure> {
        let refuse = |words: &str| Err(Failure::new(words.to_owned()));
        match (self.type_, self.size) {
            (KeyType::Rsa1, _) => refuse("RSA1 keys are not supported"),
            (KeyType::Rsa, Some(size)) if size < 1024 => refuse(
                "For RSA keys, the minimum size is 1024 bits and the default is 4096 bits. \
                 Attempting to use bit lengths under 1024 will cause the module to fail.",
            ),
            (KeyType::Dsa, Some(size)) if size != 1024 => {
                refuse("DSA keys must be exactly 1024 bits as specified by FIPS 186-2.")
            }
            (KeyType::Ecdsa, Some(size)) if ![256, 384, 521].contains(&size) => refuse(
                "For ECDSA keys, size determines the key length by selecting from one of three \
                 elliptic curve sizes: 256, 384 or 521 bits. Attempting to use bit lengths other \
                 than these three values for ECDSA keys will cause this module to fail.",
            ),
            (KeyType::Ed25519, _) => Ok(256),
            (_, Some(size)) => Ok(size),
            (KeyType::Rsa, None) => Ok(4096),
            (KeyType::Dsa, None) => Ok(1024),
            (KeyType::Ecdsa, None) => Ok(256),
        }
    }

    fn private(&self) -> String {
        self.path.display().to_string()
    }

    fn public_path(&self) -> PathBuf {
        PathBuf::from(format!("{}.pub", self.private()))
    }

    fn regenerate(&self) -> Regenerate {
        if self.force { Regenerate::Always } else { self.regenerate }
    }

    /// The public half, in one line; `None` where the key cannot be read with the passphrase.
    fn derive(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        // Handed over, since a file that others can read is refused.
        let key = host.read(&self.path)?.unwrap_or_default();
        let program = Program::new("ssh-keygen").args(["-y", "-f", HANDED]).handed(key);
        let program = program.asked(&[self.passphrase.as_deref().unwrap_or_default()])?;
        Ok(tool::ask_whether(host, &program)?.map(|line| line.trim().to_owned()))
    }

    /// Kind, size and fingerprint of a public key.
    fn describe(host: &dyn Host, line: &str) -> Result<Option<(Described, String)>, Failure> {
        let program = Program::new("ssh-keygen").args(["-l", "-f", "/dev/stdin"]).stdin(line);
        let Some(text) = tool::ask_whether(host, &program)? else { return Ok(None) };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (Some(size), Some(fingerprint), Some(kind)) =
            (words.first(), words.get(1), words.last())
        else {
            return Ok(None);
        };
        let Ok(size) = size.parse() else { return Ok(None) };
        let kind = kind.trim_matches(['(', ')']).to_lowercase();
        Ok(Some((Described { kind, size }, (*fingerprint).to_owned())))
    }

    fn public_line(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        let bytes = host.read(&self.public_path())?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    }

    fn has_wanted_format(&self, host: &dyn Host) -> Result<bool, Failure> {
        let bytes = host.read(&self.path)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let head = text.lines().next().unwrap_or_default();
        let found = match head {
            "-----BEGIN OPENSSH PRIVATE KEY-----" => "ssh",
            "-----BEGIN PRIVATE KEY-----" | "-----BEGIN ENCRYPTED PRIVATE KEY-----" => "pkcs8",
            _ => "pkcs1",
        };
        Ok(self.private_key_format == "auto" || self.private_key_format == found)
    }

    fn generate(&self, host: &mut dyn Host) -> Result<(), Failure> {
        let folder = host.make_temporary(&Temporary {
            folder: "/tmp".into(),
            prefix: "trueup-keys".into(),
            suffix: String::new(),
            is_dir: true,
        })?;
        let made = self.generate_in(host, &folder);
        let removed = host.remove_dir_all(&folder);
        made?;
        Ok(removed?)
    }

    fn generate_in(&self, host: &mut dyn Host, folder: &std::path::Path) -> Result<(), Failure> {
        let new = folder.join("key");
        let mut program = Program::new("ssh-keygen").args([
            "-q",
            "-b",
            &self.size()?.to_string(),
            "-t",
            self.type_.as_str(),
            "-f",
            &new.display().to_string(),
            "-C",
            self.comment.as_deref().unwrap_or_default(),
        ]);
        program = match self.passphrase.as_deref().filter(|passphrase| !passphrase.is_empty()) {
            Some(passphrase) => program.asked(&[passphrase, passphrase])?,
            None => program.args(["-N", ""]),
        };
        program = match self.private_key_format.as_str() {
            "pkcs1" => program.args(["-m", "PEM"]),
            "pkcs8" => program.args(["-m", "PKCS8"]),
            _ => program,
        };
        tool::run(host, &program)?;
        let public = PathBuf::from(format!("{}.pub", new.display()));
        for (from, to, mode) in
            [(new, self.path.clone(), PRIVATE_MODE), (public, self.public_path(), PUBLIC_MODE)]
        {
            let Some(content) = host.read(&from)? else {
                return Err(Failure::new("ssh-keygen has made no keys"));
            };
            let mode = host.metadata(&to)?.is_none().then_some(mode);
            let placement = Placement { mode, ..Placement::default() };
            host.write(&to, &mut content.as_slice(), &placement)?;
        }
        Ok(())
    }
}

/// Kind and key of a line, without its comment.
fn bare(line: &str) -> String {
    line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn comment(line: &str) -> String {
    line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned()
}

impl Module for OpensshKeypair {
    type State = Pair;

    fn check(&self, host: &dyn Host) -> Result<Delta<Pair>, Failure> {
        let there = host.metadata(&self.path)?;
        let public_there = host.metadata(&self.public_path())?;
        if there.as_ref().is_some_and(module::Metadata::is_dir) {
            let path = self.private();
            return Err(Failure::new(format!(
                "{path} is a directory. Please specify a path to a file."
            )));
        }
        if !self.state.is_present() {
            let actual = Pair {
                is_there: there.is_some(),
                public_fits: public_there.is_some(),
                ..Pair::default()
            };
            return Ok(Delta::new(actual, Pair::default()));
        }
        let size = self.size()?;
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent
            && !host.metadata(parent)?.is_some_and(|found| found.is_dir())
        {
            return Err(Failure::new(format!(
                "The directory {} does not exist or the file is not a directory",
                parent.display()
            )));
        }
        let wanted = Described { kind: self.type_.as_str().into(), size };
        let derived = if there.is_some() { self.derive(host)? } else { None };
        let described = match &derived {
            Some(line) => Self::describe(host, line)?.map(|(described, _)| described),
            None => None,
        };
        let regenerate = self.regenerate();
        let is_free = matches!(regenerate, Regenerate::FullIdempotence | Regenerate::Always);
        if there.is_some() && described.is_none() && !is_free {
            return Err(Failure::new(
                "Unable to read the key. The key is protected with a passphrase or broken. Will \
                 not proceed. To force regeneration, call the module with `generate` set to \
                 `full_idempotence` or `always`, or with `force=true`.",
            ));
        }
        let is_formatted = there.is_none() || self.has_wanted_format(host)?;
        let is_right = described.as_ref() == Some(&wanted) && is_formatted;
        let keeps = match regenerate {
            Regenerate::Never => described.is_some(),
            Regenerate::Fail if described.is_some() && !is_right => {
                return Err(Failure::new(
                    "Key has wrong type and/or size. Will not proceed. To force regeneration, \
                     call the module with `generate` set to `partial_idempotence`, \
                     `full_idempotence` or `always`, or with `force=true`.",
                ));
            }
            _ => is_right,
        };
        let file = |path: &std::path::Path, there: Option<&module::Metadata>, mode| {
            self.file.compare(host, path, there, mode)
        };
        let (private, wanted_private) = file(&self.path, there.as_ref(), PRIVATE_MODE)?;
        let public_path = self.public_path();
        let (public, wanted_public) = file(&public_path, public_there.as_ref(), PUBLIC_MODE)?;
        let line = self.public_line(host)?;
        let public_fits = match (&line, &derived) {
            (Some(line), Some(derived)) => bare(line) == bare(derived),
            _ => false,
        };
        let actual = Pair {
            key: described.clone().filter(|_| is_formatted || keeps),
            is_there: there.is_some(),
            public_fits,
            comment: self.comment.as_ref().map(|_| comment(line.as_deref().unwrap_or_default())),
            private,
            public,
        };
        let desired = Pair {
            key: if keeps { actual.key.clone() } else { Some(wanted) },
            is_there: true,
            public_fits: true,
            comment: self.comment.clone(),
            private: wanted_private,
            public: wanted_public,
        };
        let mut delta = Delta::new(actual, desired);
        if there.is_some() && regenerate == Regenerate::Always {
            delta.steps.push("new keys are made".into());
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Pair>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let (actual, desired) = (&delta.actual, &delta.desired);
        let public_path = self.public_path();
        if !desired.is_there {
            for path in [&self.path, &public_path] {
                if host.link_metadata(path)?.is_some() {
                    host.remove_file(path)?;
                }
            }
            return Ok(JsonMap::new());
        }
        if actual.key != desired.key || !delta.steps.is_empty() {
            self.generate(host)?;
        } else if !actual.public_fits || actual.comment != desired.comment {
            let derived = self.derive(host)?.unwrap_or_default();
            let comment = self.comment.clone().unwrap_or_else(|| comment(&derived));
            let line = format!("{} {comment}", bare(&derived));
            let mode = host.metadata(&public_path)?.is_none().then_some(PUBLIC_MODE);
            let placement = Placement { mode, ..Placement::default() };
            let text = format!("{}\n", line.trim());
            host.write(&public_path, &mut text.as_bytes(), &placement)?;
        }
        for (path, wanted, mode) in [
            (&self.path, &desired.private, PRIVATE_MODE),
            (&public_path, &desired.public, PUBLIC_MODE),
        ] {
            let there = host.metadata(path)?;
            let (now, _) = self.file.compare(host, path, there.as_ref(), mode)?;
            wanted.apply(&now, host, path, Links::Follow)?;
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Pair>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        if !self.state.is_present() {
            return Ok(map);
        }
        let line = self.public_line(host)?.unwrap_or_default();
        let described = match line.is_empty() {
            true => None,
            false => Self::describe(host, &line)?,
        };
        map.insert("filename".into(), self.private().into());
        map.insert("size".into(), self.size()?.into());
        map.insert("type".into(), self.type_.as_str().into());
        let fingerprint = described.map(|(_, fingerprint)| fingerprint).unwrap_or_default();
        map.insert("fingerprint".into(), fingerprint.into());
        map.insert("comment".into(), Json::String(comment(&line)));
        map.insert("public_key".into(), bare(&line).into());
        Ok(map)
    }
}
