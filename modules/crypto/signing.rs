//! How a certificate is signed: by its own key, or by an authority of one's own.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use module::{Arguments, Choices, Failure, Host, Program};
use protocol::{Json, JsonMap};

use super::{
    certificate_facts::{Certificate, Moment},
    der,
    extension::{self, AUTHORITY_KEY, Extension, SUBJECT_KEY},
    given,
    key::{Kind, PrivateKey},
    naming,
    request::Request,
    to_pem,
};
use crate::crypt::chance;

/// Bytes of a certificate's number.
const SERIAL_BYTES: u64 = 19;

/// The arguments that modules of certificates share.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(
        ["csr_path", "csr_content"],
        ["privatekey_path", "privatekey_content"],
        ["ownca_path", "ownca_content"],
        ["ownca_privatekey_path", "ownca_privatekey_content"]
    )
)]
pub struct Terms {
    /// File of the request.
    csr_path: Option<PathBuf>,
    /// The request itself.
    csr_content: Option<String>,
    /// File of the key.
    privatekey_path: Option<PathBuf>,
    /// The key itself.
    #[argument(no_log)]
    privatekey_content: Option<String>,
    /// Its passphrase.
    #[argument(no_log)]
    privatekey_passphrase: Option<String>,
    /// Whether its times do not count.
    #[argument(default = true)]
    pub ignore_timestamps: bool,
    /// The digest that is signed.
    #[argument(default = "sha256")]
    selfsigned_digest: String,
    /// Version of the certificate; 3 alone is made.
    #[argument(default = 3)]
    selfsigned_version: i64,
    /// From when it holds: `+0s`, `20300101000000Z`.
    #[argument(default = "+0s", aliases("selfsigned_notBefore"))]
    selfsigned_not_before: String,
    /// Until when it holds.
    #[argument(default = "+3650d", aliases("selfsigned_notAfter"))]
    selfsigned_not_after: String,
    /// Whether the identifier of its key is worked out.
    #[argument(default = "create_if_not_provided")]
    selfsigned_create_subject_key_identifier: Creation,
    /// File of the authority's certificate.
    ownca_path: Option<PathBuf>,
    /// That certificate itself.
    ownca_content: Option<String>,
    /// File of the authority's key.
    ownca_privatekey_path: Option<PathBuf>,
    /// That key itself.
    #[argument(no_log)]
    ownca_privatekey_content: Option<String>,
    /// Its passphrase.
    #[argument(no_log)]
    ownca_privatekey_passphrase: Option<String>,
    /// The digest that the authority signs.
    #[argument(default = "sha256")]
    ownca_digest: String,
    /// Version of the certificate; 3 alone is made.
    #[argument(default = 3)]
    ownca_version: i64,
    /// From when it holds.
    #[argument(default = "+0s")]
    ownca_not_before: String,
    /// Until when it holds.
    #[argument(default = "+3650d")]
    ownca_not_after: String,
    /// Whether the identifier of its key is worked out.
    #[argument(default = "create_if_not_provided")]
    ownca_create_subject_key_identifier: Creation,
    /// Whether it says which key has signed it.
    #[argument(default = true)]
    ownca_create_authority_key_identifier: bool,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
}

/// Who signs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Provider {
    Acme,
    Entrust,
    Ownca,
    Selfsigned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Creation {
    CreateIfNotProvided,
    AlwaysCreate,
    NeverCreate,
}

/// What the task says about a certificate.
pub struct Wanted {
    subject: Vec<u8>,
    public: Vec<u8>,
    extensions: Vec<Extension>,
    issuer: Vec<u8>,
}

/// The terms of a task, and who signs by them.
#[derive(Clone, Copy)]
pub struct Signing<'a> {
    pub provider: Option<Provider>,
    pub terms: &'a Terms,
}

fn path_text(path: &Option<PathBuf>) -> Json {
    path.as_ref().map(|path| path.display().to_string()).into()
}

impl Terms {
    /// The files that are named, as they are returned.
    pub fn files(&self) -> JsonMap {
        JsonMap::from_iter([
            ("privatekey".to_owned(), path_text(&self.privatekey_path)),
            ("csr".to_owned(), path_text(&self.csr_path)),
        ])
    }
}

impl Signing<'_> {
    fn is_own(&self) -> bool {
        self.provider == Some(Provider::Ownca)
    }

    /// Refuses who does not sign here, and versions that are not made.
    ///
    /// # Errors
    /// Which of them it is.
    pub fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let version =
            if self.is_own() { self.terms.ownca_version } else { self.terms.selfsigned_version };
        match self.provider {
            Some(provider @ (Provider::Acme | Provider::Entrust)) => {
                Err(Failure::new(format!("the provider {provider} is not supported")))
            }
            _ if version != 3 => Err(Failure::new("certificates of version 3 alone are made")),
            _ => Ok(()),
        }
    }

    fn request(&self, host: &dyn Host) -> Result<Option<(Vec<u8>, Request)>, Failure> {
        let pem = given(
            host,
            self.terms.csr_path.as_ref(),
            self.terms.csr_content.as_ref(),
            "certificate signing request",
        )?;
        let Some(pem) = pem else { return Ok(None) };
        match Request::parse(&pem) {
            Some(request) => Ok(Some((pem, request))),
            None => Err(Failure::new("the certificate signing request cannot be read")),
        }
    }

    /// The key that signs.
    fn signing_key(&self, host: &dyn Host) -> Result<PrivateKey, Failure> {
        let (path, content, passphrase, name) = match self.is_own() {
            true => (
                &self.terms.ownca_privatekey_path,
                &self.terms.ownca_privatekey_content,
                &self.terms.ownca_privatekey_passphrase,
                "ownca_privatekey",
            ),
            false => (
                &self.terms.privatekey_path,
                &self.terms.privatekey_content,
                &self.terms.privatekey_passphrase,
                "privatekey",
            ),
        };
        let pem = given(host, path.as_ref(), content.as_ref(), "private key")?;
        let pem = pem.ok_or_else(|| {
            let provider = self.provider.map(Provider::as_str).unwrap_or_default();
            Failure::new(format!(
                "One of {name}_path and {name}_content must be specified for the {provider} provider."
            ))
        })?;
        Ok(PrivateKey { pem, passphrase: passphrase.clone() })
    }

    fn authority(&self, host: &dyn Host) -> Result<Certificate, Failure> {
        let pem = given(
            host,
            self.terms.ownca_path.as_ref(),
            self.terms.ownca_content.as_ref(),
            "CA certificate",
        )?;
        let pem = pem.ok_or_else(|| {
            Failure::new(
                "One of ownca_path and ownca_content must be specified for the ownca provider.",
            )
        })?;
        Certificate::parse(&pem)
            .ok_or_else(|| Failure::new("the authority's certificate cannot be read"))
    }

    fn creation(&self) -> Creation {
        match self.is_own() {
            true => self.terms.ownca_create_subject_key_identifier,
            false => self.terms.selfsigned_create_subject_key_identifier,
        }
    }

    /// What the task says, and the public half of the key that signs.
    ///
    /// # Errors
    /// Keys, requests and certificates that cannot be read or do not belong together.
    pub fn wanted(&self, host: &dyn Host) -> Result<(Wanted, Vec<u8>), Failure> {
        let key = self.signing_key(host)?.must_be_public(host)?;
        let request = self.request(host)?.map(|(_, request)| request);
        let request = match request {
            Some(request) => request,
            None if self.is_own() => {
                return Err(Failure::new("csr_path or csr_content is required for ownca provider"));
            }
            None => Request {
                subject: naming::distinguished(&[])?,
                public: key.clone(),
                extensions: Vec::new(),
            },
        };
        if !self.is_own() && request.public != key {
            return Err(Failure::new(
                "the private key is not the one of the certificate signing request",
            ));
        }
        let mut extensions = request.extensions.clone();
        let has_own = extensions.iter().any(|one| one.oid == SUBJECT_KEY);
        let creates = match self.creation() {
            Creation::NeverCreate => false,
            Creation::AlwaysCreate => true,
            Creation::CreateIfNotProvided => !has_own,
        };
        if creates {
            extensions.retain(|one| one.oid != SUBJECT_KEY);
            let identifier = extension::key_identifier(&request.public);
            let identifier = identifier.ok_or_else(|| Failure::new("the key has no identifier"))?;
            extensions.push(extension::subject_key(&identifier));
        }
        let mut issuer = request.subject.clone();
        if self.is_own() {
            let authority = self.authority(host)?;
            if authority.public != key {
                return Err(Failure::new(
                    "The CA private key does not belong to the CA certificate",
                ));
            }
            if self.terms.ownca_create_authority_key_identifier {
                extensions.retain(|one| one.oid != AUTHORITY_KEY);
                let identifier = authority.subject_key_identifier();
                let identifier =
                    identifier.or_else(|| extension::key_identifier(&authority.public));
                extensions.push(extension::authority_key(identifier.as_deref(), &[], None)?);
            }
            issuer = authority.subject;
        }
        let wanted =
            Wanted { subject: request.subject, public: request.public, extensions, issuer };
        Ok((wanted, key))
    }

    /// From when and until when it holds.
    ///
    /// # Errors
    /// A text that is no time.
    pub fn times(&self, now: SystemTime) -> Result<(Moment, Moment), Failure> {
        let (from, until) = match self.is_own() {
            true => (&self.terms.ownca_not_before, &self.terms.ownca_not_after),
            false => (&self.terms.selfsigned_not_before, &self.terms.selfsigned_not_after),
        };
        let secs = now.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        let now = i64::try_from(secs).unwrap_or_default();
        Ok((Moment::given(from, now)?, Moment::given(until, now)?))
    }

    /// Whether a certificate is what the task says.
    ///
    /// # Errors
    /// As [`wanted`](Self::wanted).
    pub fn fits(&self, host: &dyn Host, pem: &[u8]) -> Result<bool, Failure> {
        let (wanted, _) = self.wanted(host)?;
        let Some(found) = Certificate::parse(pem) else { return Ok(false) };
        let sorted = |all: &[Extension]| {
            let mut all = all.to_vec();
            all.sort();
            all
        };
        let mut is_right = found.public == wanted.public
            && naming::same_distinguished(&found.subject, &wanted.subject)
            && naming::same_distinguished(&found.issuer, &wanted.issuer)
            && sorted(&found.extensions) == sorted(&wanted.extensions);
        if !self.terms.ignore_timestamps {
            let (from, until) = self.times(host.now())?;
            is_right &= (found.not_before, found.not_after) == (from, until);
        }
        Ok(is_right)
    }

    /// A new certificate, in PEM.
    ///
    /// # Errors
    /// As [`wanted`](Self::wanted), and a request that its own key has not signed.
    pub fn make(&self, host: &mut dyn Host) -> Result<Vec<u8>, Failure> {
        if let Some((pem, _)) = self.request(host)? {
            let program = Program::new("openssl").args(["req", "-verify", "-noout"]).stdin(pem);
            let output = host.query(&program)?;
            let said = output.stderr_text() + &output.stdout_text();
            if !output.is_success() || !said.contains("verify OK") {
                return Err(Failure::new(
                    "the certificate signing request is not signed by its own key",
                ));
            }
        }
        let (wanted, key) = self.wanted(host)?;
        let kind = Kind::of(&key).ok_or_else(|| Failure::new("keys of this kind are not known"))?;
        let digest =
            if self.is_own() { &self.terms.ownca_digest } else { &self.terms.selfsigned_digest };
        let algorithm = kind.signature_algorithm(digest)?;
        let (from, until) = self.times(host.now())?;
        let mut parts = vec![
            der::list(der::inside(0), &[der::integer(&[2])]),
            der::integer(&chance(host, SERIAL_BYTES)?),
            algorithm.clone(),
            wanted.issuer,
            der::sequence(&[from.encode(), until.encode()]),
            wanted.subject,
            wanted.public,
        ];
        if !wanted.extensions.is_empty() {
            parts.push(der::list(der::inside(3), &[extension::encode(&wanted.extensions)]));
        }
        let text = der::sequence(&parts);
        let signature = self.signing_key(host)?.sign(host, &kind, digest, &text)?;
        let whole = der::sequence(&[text, algorithm, der::bit_string(&signature)]);
        Ok(to_pem(&whole, "CERTIFICATE"))
    }

    /// What is returned of a certificate.
    pub fn told(&self, pem: Option<&[u8]>) -> JsonMap {
        let mut map = JsonMap::new();
        if let Some(found) = pem.and_then(Certificate::parse) {
            map.insert("notBefore".into(), found.not_before.text().into());
            map.insert("notAfter".into(), found.not_after.text().into());
            map.insert("serial_number".into(), found.serial_number());
        }
        if self.is_own() {
            map.insert("ca_cert".into(), path_text(&self.terms.ownca_path));
            map.insert("ca_privatekey".into(), path_text(&self.terms.ownca_privatekey_path));
        }
        map
    }
}
