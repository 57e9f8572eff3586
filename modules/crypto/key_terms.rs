//! What a task says of a private key.

use module::{Arguments, Choices, Failure, Host, Program};
use protocol::JsonMap;

use super::key::{CURVES, Kind, PrivateKey, fingerprints};
use crate::tool;

/// The arguments that modules of private keys share.
#[derive(Debug, Arguments)]
#[arguments(required_if(("type", "ECC", ["curve"])))]
pub struct KeyTerms {
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
    /// How the key is written: `auto` is `pkcs1` for RSA, DSA and ECC and `pkcs8` for others;
    /// `auto_ignore` takes what is there as it is.
    #[argument(default = "auto_ignore")]
    format: Format,
    /// What is done with a key that is written otherwise.
    #[argument(default = "regenerate")]
    format_mismatch: FormatMismatch,
    /// When a key that is there is made anew.
    #[argument(default = "full_idempotence")]
    pub regenerate: Regenerate,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
}

/// Kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum KeyType {
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

/// How a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Format {
    Pkcs1,
    Pkcs8,
    Raw,
    Auto,
    AutoIgnore,
}

/// What is done with a key that is written otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum FormatMismatch {
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

/// What is to become of a key that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Convert,
    Anew,
}

impl KeyTerms {
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

    /// What is to become of a key that is there.
    ///
    /// # Errors
    /// A key that cannot be read or is another one, where `regenerate` does not replace it.
    pub fn judge(
        &self,
        host: &dyn Host,
        pem: &[u8],
        regenerate: Regenerate,
    ) -> Result<Verdict, Failure> {
        let key = self.key(pem.to_vec());
        let has_passphrase = self.passphrase.is_some();
        let public = key.public(host)?.filter(|_| key.is_in_the_clear() != has_passphrase);
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

    /// Refuses formats and ciphers that keys of the kind do not have.
    ///
    /// # Errors
    /// Which of them it is.
    pub fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
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

    /// A key as the task wants it: another one, or one that is there, written otherwise.
    ///
    /// # Errors
    /// What `openssl` complains of.
    pub fn make(&self, host: &mut dyn Host, kept: Option<Vec<u8>>) -> Result<Vec<u8>, Failure> {
        let key = match kept {
            Some(pem) => self.key(pem),
            None => self.key(self.generate(host)?),
        };
        self.write(host, &key)
    }

    /// What modules return of it; `pem` is the key, where there is one.
    ///
    /// # Errors
    /// An `openssl` that cannot be started.
    pub fn told(&self, host: &dyn Host, pem: Option<&[u8]>) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("type".into(), self.type_.as_str().into());
        map.insert("size".into(), self.size.into());
        if let Some(curve) = self.curve.as_ref().filter(|_| self.type_ == KeyType::Ecc) {
            map.insert("curve".into(), curve.clone().into());
        }
        if let Some(pem) = pem
            && let Some(public) = self.key(pem.to_vec()).public(host)?
        {
            map.insert("fingerprint".into(), fingerprints(&public).into());
        }
        Ok(map)
    }
}
