//! The `openssl_privatekey` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, FileMode, Host, Module,
    Program, Returned,
};
use protocol::{JsonMap, spec::Support};

use super::{
    Made, Product,
    key::{CURVES, Kind, PrivateKey, fingerprints},
};
use crate::{presence::Presence, tool};

/// Keeps a private key in a file.
///
/// The host's `openssl` makes and reads it. A key of another kind or size than the task says is
/// made anew, unless `regenerate` says otherwise.
#[derive(Debug, Arguments)]
#[arguments(required_if(("type", "ECC", ["curve"])))]
pub struct OpensslPrivatekey {
    /// The file.
    path: PathBuf,
    /// Whether there should be a key.
    #[argument(default = "present")]
    state: Presence,
    /// Kind of key.
    #[argument(default = "RSA")]
    type_: KeyType,
    /// Bits of a key of RSA or DSA.
    #[argument(default = 4096)]
    size: u64,
    /// The curve of a key of ECC.
    #[argument(choices(
        "secp224r1",
        "secp256k1",
        "secp256r1",
        "secp384r1",
        "secp521r1",
        "secp192r1",
        "brainpoolP256r1",
        "brainpoolP384r1",
        "brainpoolP512r1",
        "sect163k1",
        "sect163r2",
        "sect233k1",
        "sect233r1",
        "sect283k1",
        "sect283r1",
        "sect409k1",
        "sect409r1",
        "sect571k1",
        "sect571r1"
    ))]
    curve: Option<String>,
    /// What the key is encrypted with.
    #[argument(no_log)]
    passphrase: Option<String>,
    /// The cipher of that: `auto` is AES with 256 bits.
    #[argument(default = "auto")]
    cipher: String,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// How the key is written: `auto` is `pkcs1` for RSA, DSA and ECC and `pkcs8` for others;
    /// `auto_ignore` takes what is there as it is.
    #[argument(default = "auto_ignore")]
    format: Format,
    /// What is done with a key that is written otherwise.
    #[argument(default = "regenerate")]
    format_mismatch: FormatMismatch,
    /// When a key that is there is made anew.
    #[argument(default = "full_idempotence")]
    regenerate: Regenerate,
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the key is returned.
    #[argument(default = false)]
    return_content: bool,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
    #[argument(flatten)]
    file: FileArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum KeyType {
    #[choice("DSA")]
    Dsa,
    #[choice("ECC")]
    Ecc,
    #[choice("Ed25519")]
    Ed25519,
    #[choice("Ed448")]
    Ed448,
    #[choice("RSA")]
    Rsa,
    #[choice("X25519")]
    X25519,
    #[choice("X448")]
    X448,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Format {
    Pkcs1,
    Pkcs8,
    Raw,
    Auto,
    AutoIgnore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum FormatMismatch {
    Regenerate,
    Convert,
}

/// When a key that is there is made anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Regenerate {
    Never,
    Fail,
    PartialIdempotence,
    FullIdempotence,
    Always,
}

impl Documented for OpensslPrivatekey {
    const NAME: &'static str = "community.crypto.openssl_privatekey";
    const ALIASES: &'static [&'static str] = &["openssl_privatekey"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A key",
            args: r#"{"path": "/etc/ssl/private/web.pem", "type": "Ed25519"}"#,
        },
        Example {
            title: "No key",
            args: r#"{"path": "/etc/ssl/private/web.pem", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("filename", "The file.", "always", r#""/etc/ssl/private/web.pem""#),
        Returned::new("type", "Kind of key.", "always", r#""RSA""#),
        Returned::new("size", "Its bits.", "always", "4096"),
        Returned::new("curve", "Its curve.", "with ECC", r#""secp256r1""#),
        Returned::new(
            "fingerprint",
            "Digests of the public key.",
            "present",
            r#"{"md5": "84:75"}"#,
        ),
        Returned::new("privatekey", "The key.", "with return_content", r#""-----BEGIN""#),
        Returned::new("backup_file", "The old file.", "with backup", r#""/etc/web.pem.1~""#),
    ];
    const DIFF_MODE: Support = Support::Partial;
}

/// What is to become of a key that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Right,
    Convert,
    Anew,
}

impl OpensslPrivatekey {
    fn regenerate(&self) -> Regenerate {
        if self.force { Regenerate::Always } else { self.regenerate }
    }

    fn product(&self) -> Product<'_> {
        Product {
            path: &self.path,
            file: &self.file,
            mode: FileMode::new(0o600),
            backup: self.backup,
        }
    }

    fn is_wanted(&self, kind: &Kind) -> bool {
        match (self.type_, kind) {
            (KeyType::Rsa, Kind::Rsa { bits }) | (KeyType::Dsa, Kind::Dsa { bits }) => {
                u64::try_from(*bits) == Ok(self.size)
            }
            (KeyType::Ecc, Kind::Ec { curve }) => Some(curve) == self.curve.as_ref(),
            (wanted, Kind::Plain(name)) => wanted.as_str() == *name,
            _ => false,
        }
    }

    /// Whether a new key is written in the form that each kind had before PKCS#8.
    fn is_traditional(&self) -> bool {
        let has_one = matches!(self.type_, KeyType::Rsa | KeyType::Dsa | KeyType::Ecc);
        match self.format {
            Format::Pkcs1 => true,
            Format::Auto | Format::AutoIgnore => has_one,
            Format::Pkcs8 | Format::Raw => false,
        }
    }

    fn has_wanted_format(&self, pem: &[u8]) -> bool {
        let text = String::from_utf8_lossy(pem);
        let is_pkcs8 = ["-----BEGIN PRIVATE KEY-", "-----BEGIN ENCRYPTED PRIVATE KEY-"]
            .iter()
            .any(|head| text.contains(head));
        self.format == Format::AutoIgnore || is_pkcs8 != self.is_traditional()
    }

    fn key(&self, pem: Vec<u8>) -> PrivateKey {
        PrivateKey { pem, passphrase: self.passphrase.clone() }
    }

    fn judge(&self, host: &dyn Host, pem: &[u8]) -> Result<Verdict, Failure> {
        let key = self.key(pem.to_vec());
        let has_passphrase = self.passphrase.is_some();
        let public = key.public(host)?.filter(|_| key.is_in_the_clear() != has_passphrase);
        let regenerate = self.regenerate();
        let is_free = matches!(regenerate, Regenerate::FullIdempotence | Regenerate::Always);
        let Some(public) = public else {
            return match is_free {
                true => Ok(Verdict::Anew),
                false => Err(Failure::new(
                    "Unable to read the key. The key is protected with a another passphrase / no \
                     passphrase or broken. Will not proceed. To force regeneration, call the \
                     module with `generate` set to `full_idempotence` or `always`, or with \
                     `force=true`.",
                )),
            };
        };
        let is_wanted = Kind::of(&public).is_some_and(|kind| self.is_wanted(&kind));
        let is_formatted = self.has_wanted_format(pem);
        Ok(match regenerate {
            _ if is_wanted && is_formatted => Verdict::Right,
            Regenerate::Never if is_formatted => Verdict::Right,
            Regenerate::Never if self.format_mismatch == FormatMismatch::Regenerate => {
                Verdict::Right
            }
            Regenerate::Fail if !is_wanted => {
                return Err(Failure::new(
                    "Key has wrong type and/or size. Will not proceed. To force regeneration, call \
                     the module with `generate` set to `partial_idempotence`, `full_idempotence` or \
                     `always`, or with `force=true`.",
                ));
            }
            _ if !is_wanted && regenerate != Regenerate::Never => Verdict::Anew,
            _ if self.format_mismatch == FormatMismatch::Convert => Verdict::Convert,
            Regenerate::Fail => {
                return Err(Failure::new(
                    "Key has wrong format. Will not proceed. To force regeneration, call the \
                     module with `generate` set to `partial_idempotence`, `full_idempotence` or \
                     `always`, or with `force=true`. To convert the key, set `format_mismatch` to \
                     `convert`.",
                ));
            }
            _ => Verdict::Anew,
        })
    }

    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        if self.format == Format::Raw {
            return Err(Failure::new("the format raw is not supported"));
        }
        if self.format == Format::Pkcs1 && !self.is_classic() {
            return Err(Failure::new(format!("keys of {} have no format pkcs1", self.type_)));
        }
        if self.passphrase.is_some() && self.cipher != "auto" {
            return Err(Failure::new(
                "Cryptography backend can only use \"auto\" for cipher option.",
            ));
        }
        Ok(())
    }

    fn is_classic(&self) -> bool {
        matches!(self.type_, KeyType::Rsa | KeyType::Dsa | KeyType::Ecc)
    }

    /// A new key, in the clear.
    fn generate(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let bits = self.size.to_string();
        let genpkey = |words: &[&str]| Program::new("openssl").arg("genpkey").args(words.to_vec());
        let program = match self.type_ {
            KeyType::Rsa => {
                let bits = format!("rsa_keygen_bits:{bits}");
                genpkey(&["-algorithm", "RSA", "-pkeyopt", &bits])
            }
            KeyType::Ecc => {
                let wanted = self.curve.as_deref().unwrap_or_default();
                let known = CURVES.iter().find(|(name, ..)| *name == wanted);
                let name = known.map_or(wanted, |(_, name, _)| name);
                let curve = format!("ec_paramgen_curve:{name}");
                genpkey(&[
                    "-algorithm",
                    "EC",
                    "-pkeyopt",
                    &curve,
                    "-pkeyopt",
                    "ec_param_enc:named_curve",
                ])
            }
            KeyType::Dsa => {
                let bits = format!("dsa_paramgen_bits:{bits}");
                let words = ["-genparam", "-algorithm", "DSA", "-pkeyopt", &bits];
                let parameters = tool::ask(host, &genpkey(&words))?;
                genpkey(&["-paramfile", "/dev/stdin"]).stdin(parameters)
            }
            other => genpkey(&["-algorithm", &other.as_str().to_uppercase()]),
        };
        Ok(tool::ask(host, &program)?.into_bytes())
    }

    /// The key as the task wants it written.
    fn write(&self, host: &dyn Host, key: &PrivateKey) -> Result<Vec<u8>, Failure> {
        let mut program = key.openssl(&["pkey", "-in"])?;
        if self.is_traditional() {
            program = program.arg("-traditional");
        }
        if self.passphrase.is_some() {
            program = program.args(["-aes-256-cbc", "-passout", "stdin"]);
        }
        Ok(tool::ask(host, &program)?.into_bytes())
    }
}

impl Module for OpensslPrivatekey {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        self.refuse_what_cannot_be()?;
        let existing = match self.state.is_present() {
            true if !host.metadata(&self.path)?.is_some_and(|found| found.is_dir()) => {
                host.read(&self.path)?
            }
            _ => None,
        };
        let verdict = existing.as_ref().map(|pem| self.judge(host, pem)).transpose()?;
        let fits = verdict.map(|verdict| verdict == Verdict::Right);
        let mut delta = self.product().compare(host, self.state.is_present(), fits)?;
        if existing.is_some() && self.regenerate() == Regenerate::Always {
            delta.steps.push("a new key is made".into());
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Made>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.product().apply(host, delta, |host| {
            let existing = host.read(&self.path)?;
            let verdict = existing.as_ref().map(|pem| self.judge(host, pem)).transpose()?;
            let key = match (existing, verdict) {
                (Some(pem), Some(Verdict::Convert)) => self.key(pem),
                _ => self.key(self.generate(host)?),
            };
            self.write(host, &key)
        })
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        map.insert("type".into(), self.type_.as_str().into());
        map.insert("size".into(), self.size.into());
        if let Some(curve) = self.curve.as_ref().filter(|_| self.type_ == KeyType::Ecc) {
            map.insert("curve".into(), curve.clone().into());
        }
        let pem = host.read(&self.path)?.filter(|_| self.state.is_present());
        if let Some(pem) = &pem
            && let Some(public) = self.key(pem.clone()).public(host)?
        {
            map.insert("fingerprint".into(), fingerprints(&public).into());
        }
        if self.return_content && self.state.is_present() {
            let text = pem.map(|pem| String::from_utf8_lossy(&pem).into_owned());
            map.insert("privatekey".into(), text.into());
        }
        Ok(map)
    }
}
