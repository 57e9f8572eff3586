//! Keys: read, made and used through the host's `openssl`.

use module::{
    Failure, FileMode, Host, Placement, Program,
    content::{Algorithm, bytes_digest},
    host::Temporary,
    program::HANDED,
};
use protocol::JsonMap;

use super::der::{self, Node};
use crate::tool;

const RSA: &str = "1.2.840.113549.1.1.1";
const EC: &str = "1.2.840.10045.2.1";
const DSA: &str = "1.2.840.10040.4.1";

/// Kinds of keys that say all by their OID.
const PLAIN_KINDS: [(&str, &str); 4] = [
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
];

/// Curves: Ansible's name, OpenSSL's, and the OID.
pub const CURVES: &[(&str, &str, &str)] = &[
    ("secp224r1", "secp224r1", "1.3.132.0.33"),
    ("secp256k1", "secp256k1", "1.3.132.0.10"),
    ("secp256r1", "prime256v1", "1.2.840.10045.3.1.7"),
    ("secp384r1", "secp384r1", "1.3.132.0.34"),
    ("secp521r1", "secp521r1", "1.3.132.0.35"),
    ("secp192r1", "prime192v1", "1.2.840.10045.3.1.1"),
    ("brainpoolP256r1", "brainpoolP256r1", "1.3.36.3.3.2.8.1.1.7"),
    ("brainpoolP384r1", "brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11"),
    ("brainpoolP512r1", "brainpoolP512r1", "1.3.36.3.3.2.8.1.1.13"),
    ("sect163k1", "sect163k1", "1.3.132.0.1"),
    ("sect163r2", "sect163r2", "1.3.132.0.15"),
    ("sect233k1", "sect233k1", "1.3.132.0.26"),
    ("sect233r1", "sect233r1", "1.3.132.0.27"),
    ("sect283k1", "sect283k1", "1.3.132.0.16"),
    ("sect283r1", "sect283r1", "1.3.132.0.17"),
    ("sect409k1", "sect409k1", "1.3.132.0.36"),
    ("sect409r1", "sect409r1", "1.3.132.0.37"),
    ("sect571k1", "sect571k1", "1.3.132.0.38"),
    ("sect571r1", "sect571r1", "1.3.132.0.39"),
];

/// What a public key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsa {
        bits: usize,
    },
    Dsa {
        bits: usize,
    },
    /// On a curve, by Ansible's name for it or its OID.
    Ec {
        curve: String,
    },
    /// `Ed25519` and its kin.
    Plain(&'static str),
}

impl Kind {
    /// What a SubjectPublicKeyInfo holds.
    pub fn of(public: &[u8]) -> Option<Self> {
        let whole = Node::only(public)?;
        let (algorithm, key) = (whole.part(0)?, whole.part(1)?);
        let oid = algorithm.part(0)?.oid()?;
        match oid.as_str() {
            RSA => {
                let modulus = Node::only(key.bits()?)?.part(0)?;
                Some(Self::Rsa { bits: modulus.bit_length() })
            }
            DSA => Some(Self::Dsa { bits: algorithm.part(1)?.part(0)?.bit_length() }),
            EC => {
                let oid = algorithm.part(1)?.oid()?;
                let known = CURVES.iter().find(|(_, _, one)| *one == oid);
                Some(Self::Ec { curve: known.map_or(oid, |(name, ..)| (*name).to_owned()) })
            }
            other => {
                let known = PLAIN_KINDS.iter().find(|(one, _)| *one == other);
                known.map(|(_, name)| Self::Plain(name))
            }
        }
    }

    /// The name of it.
    pub fn name(&self) -> &str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Dsa { .. } => "DSA",
            Self::Ec { .. } => "ECC",
            Self::Plain(name) => name,
        }
    }

    /// The AlgorithmIdentifier of its signatures with a digest.
    ///
    /// # Errors
    /// A digest that it does not go with.
    pub fn signature_algorithm(&self, digest: &str) -> Result<Vec<u8>, Failure> {
        let at = ["sha1", "sha224", "sha256", "sha384", "sha512"];
        let place = at.iter().position(|one| *one == digest.to_lowercase().replace('-', ""));
        let unknown = || {
            Failure::new(format!(
                "the digest {digest} is not supported with keys of {}",
                self.name()
            ))
        };
        let pick = |oids: [&str; 5]| -> Result<Vec<u8>, Failure> {
            let oid = oids.get(place.ok_or_else(unknown)?).copied().unwrap_or_default();
            der::oid(oid).ok_or_else(unknown)
        };
        let rsa = |last: [u8; 5]| last.map(|n| format!("1.2.840.113549.1.1.{n}"));
        match self {
            Self::Rsa { .. } => {
                let oids = rsa([5, 14, 11, 12, 13]);
                let oid = oids.get(place.ok_or_else(unknown)?).and_then(|oid| der::oid(oid));
                Ok(der::sequence(&[oid.ok_or_else(unknown)?, der::value(der::NULL, &[])]))
            }
            Self::Ec { .. } => Ok(der::sequence(&[pick([
                "1.2.840.10045.4.1",
                "1.2.840.10045.4.3.1",
                "1.2.840.10045.4.3.2",
                "1.2.840.10045.4.3.3",
                "1.2.840.10045.4.3.4",
            ])?])),
            Self::Dsa { .. } => Ok(der::sequence(&[pick([
                "1.2.840.10040.4.3",
                "2.16.840.1.101.3.4.3.1",
                "2.16.840.1.101.3.4.3.2",
                "2.16.840.1.101.3.4.3.3",
                "2.16.840.1.101.3.4.3.4",
            ])?])),
            Self::Plain(name @ ("Ed25519" | "Ed448")) => {
                let oid = PLAIN_KINDS.iter().find(|(_, known)| known == name);
                let oid = oid.and_then(|(oid, _)| der::oid(oid)).ok_or_else(unknown)?;
                Ok(der::sequence(&[oid]))
            }
            Self::Plain(name) => Err(Failure::new(format!("keys of {name} do not sign"))),
        }
    }
}

/// A private key, as it stands in a file, with its passphrase.
#[derive(Clone, Debug)]
pub struct PrivateKey {
    pub pem: Vec<u8>,
    pub passphrase: Option<String>,
}

impl PrivateKey {
    /// Its public half as SubjectPublicKeyInfo; `None` where the key cannot be read with the
    /// passphrase.
    ///
    /// # Errors
    /// No `openssl`.
    pub fn public(&self, host: &dyn Host) -> Result<Option<Vec<u8>>, Failure> {
        let output = host.query(&self.openssl(&["pkey", "-pubout", "-outform", "DER", "-in"])?)?;
        Ok(output.is_success().then_some(output.stdout).filter(|bytes| !bytes.is_empty()))
    }

    /// Like [`PrivateKey::public`], where the key must be readable.
    ///
    /// # Errors
    /// It is not.
    pub fn must_be_public(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        self.public(host)?.ok_or_else(|| {
            Failure::new("the private key cannot be read: it is broken, or its passphrase another")
        })
    }

    /// `openssl` with those words, of which the last asks for the key's file. It reads the
    /// passphrase from its input, as does what is asked to write (`-passout stdin`).
    ///
    /// # Errors
    /// A passphrase that it cannot be given.
    pub fn openssl(&self, words: &[&str]) -> Result<Program, Failure> {
        // One that is never right stands for none, or it would be asked for.
        let passphrase = self.passphrase.as_deref().unwrap_or_default();
        Program::new("openssl")
            .args(words.iter().copied())
            .args([HANDED, "-passin", "stdin"])
            .handed(self.pem.clone())
            .lines(&[passphrase, passphrase])
    }

    /// Whether it stands in its file in the clear.
    pub fn is_in_the_clear(&self) -> bool {
        let text = String::from_utf8_lossy(&self.pem);
        !text.contains("ENCRYPTED")
    }

    /// Its signature of a text.
    ///
    /// # Errors
    /// What `openssl` says.
    pub fn sign(
        &self,
        host: &mut dyn Host,
        kind: &Kind,
        digest: &str,
        text: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let folder = host.make_temporary(&Temporary {
            folder: "/tmp".into(),
            prefix: "trueup-sign".into(),
            suffix: String::new(),
            is_dir: true,
        })?;
        let signed = self.sign_in(host, kind, digest, text, &folder);
        let removed = host.remove_dir_all(&folder);
        let signature = signed?;
        removed?;
        Ok(signature)
    }

    fn sign_in(
        &self,
        host: &mut dyn Host,
        kind: &Kind,
        digest: &str,
        text: &[u8],
        folder: &std::path::Path,
    ) -> Result<Vec<u8>, Failure> {
        let tbs = folder.join("text");
        let placement = Placement { mode: Some(FileMode::new(0o600)), ..Placement::default() };
        host.write(&tbs, &mut &*text, &placement)?;
        let tbs = tbs.display().to_string();
        let program = match kind {
            // These take the text itself.
            Kind::Plain(_) => {
                self.openssl(&["pkeyutl", "-sign", "-rawin", "-in", &tbs, "-inkey"])?
            }
            _ => {
                let digest = format!("-{}", digest.to_lowercase().replace('-', ""));
                self.openssl(&["dgst", &digest, "-sign"])?.arg(tbs)
            }
        };
        Ok(tool::run(host, &program)?.stdout)
    }
}

/// The digests of a public key, as people compare them.
pub fn fingerprints(public: &[u8]) -> JsonMap {
    let all = [
        ("md5", Algorithm::Md5),
        ("sha1", Algorithm::Sha1),
        ("sha224", Algorithm::Sha224),
        ("sha256", Algorithm::Sha256),
        ("sha384", Algorithm::Sha384),
        ("sha512", Algorithm::Sha512),
    ];
    all.into_iter()
        .map(|(name, algorithm)| (name.to_owned(), colons(&bytes_digest(algorithm, public)).into()))
        .collect()
}

/// Hexadecimal digits by twos.
pub fn colons(hex: &str) -> String {
    let pairs: Vec<String> =
        hex.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).into_owned()).collect();
    pairs.join(":")
}
