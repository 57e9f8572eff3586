//! The `x509_certificate` module of the collection `community.crypto`.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, Host, Module, Program,
    Returned, file_arguments::FILE_MODE,
};
use protocol::{JsonMap, spec::Support};

use super::{
    Made, Product,
    certificate_facts::{Certificate, Moment},
    der,
    extension::{self, AUTHORITY_KEY, Extension, SUBJECT_KEY},
    given,
    key::{Kind, PrivateKey},
    naming,
    request::Request,
    to_pem,
};
use crate::{crypt::chance, presence::Presence};

/// Bytes of a certificate's number.
const SERIAL_BYTES: u64 = 19;

/// Keeps a certificate in a file, signed by its own key or by an authority of one's own.
///
/// It is made anew where it fits the key or the request no more; not because time has passed,
/// unless `ignore_timestamps` is off. `acme` and `entrust` are refused.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("state", "present", ["provider"])),
    mutually_exclusive(
        ["csr_path", "csr_content"],
        ["privatekey_path", "privatekey_content"],
        ["ownca_path", "ownca_content"],
        ["ownca_privatekey_path", "ownca_privatekey_content"]
    )
)]
pub struct X509Certificate {
    /// The file.
    path: PathBuf,
    /// Whether there should be a certificate.
    #[argument(default = "present")]
    state: Presence,
    /// Who signs it.
    provider: Option<Provider>,
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
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// Whether its times do not count.
    #[argument(default = true)]
    ignore_timestamps: bool,
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
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the certificate is returned.
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
enum Provider {
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

impl Documented for X509Certificate {
    const NAME: &'static str = "community.crypto.x509_certificate";
    const ALIASES: &'static [&'static str] = &["x509_certificate"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A certificate of its own",
            args: r#"{"path": "/etc/ssl/web.crt", "provider": "selfsigned", "privatekey_content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}"#,
        },
        Example {
            title: "No certificate",
            args: r#"{"path": "/etc/ssl/web.crt", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("filename", "The file.", "always", r#""/etc/ssl/web.crt""#),
        Returned::new("privatekey", "The key's file.", "always", r#""/etc/ssl/web.pem""#),
        Returned::new("csr", "The request's file.", "always", r#""/etc/ssl/web.csr""#),
        Returned::new("notBefore", "From when it holds.", "present", r#""20260101000000Z""#),
        Returned::new("notAfter", "Until when it holds.", "present", r#""20360101000000Z""#),
        Returned::new("serial_number", "Its number.", "present", r#""5a""#),
        Returned::new("certificate", "It.", "with return_content", r#""-----BEGIN""#),
        Returned::new("backup_file", "The old file.", "with backup", r#""/etc/web.crt.1~""#),
    ];
    const DIFF_MODE: Support = Support::Partial;
}

/// What the task says about a certificate.
struct Wanted {
    subject: Vec<u8>,
    public: Vec<u8>,
    extensions: Vec<Extension>,
    issuer: Vec<u8>,
}

impl X509Certificate {
    fn product(&self) -> Product<'_> {
        Product { path: &self.path, file: &self.file, mode: FILE_MODE, backup: self.backup }
    }

    fn is_own(&self) -> bool {
        self.provider == Some(Provider::Ownca)
    }

    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let version = if self.is_own() { self.ownca_version } else { self.selfsigned_version };
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
            self.csr_path.as_ref(),
            self.csr_content.as_ref(),
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
                &self.ownca_privatekey_path,
                &self.ownca_privatekey_content,
                &self.ownca_privatekey_passphrase,
                "ownca_privatekey",
            ),
            false => (
                &self.privatekey_path,
                &self.privatekey_content,
                &self.privatekey_passphrase,
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
        let pem =
            given(host, self.ownca_path.as_ref(), self.ownca_content.as_ref(), "CA certificate")?;
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
            true => self.ownca_create_subject_key_identifier,
            false => self.selfsigned_create_subject_key_identifier,
        }
    }

    /// What the task says, and the public half of the key that signs.
    fn wanted(&self, host: &dyn Host) -> Result<(Wanted, Vec<u8>), Failure> {
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
            if self.ownca_create_authority_key_identifier {
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

    fn times(&self, now: SystemTime) -> Result<(Moment, Moment), Failure> {
        let (from, until) = match self.is_own() {
            true => (&self.ownca_not_before, &self.ownca_not_after),
            false => (&self.selfsigned_not_before, &self.selfsigned_not_after),
        };
        let secs = now.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default();
        let now = i64::try_from(secs).unwrap_or_default();
        Ok((Moment::given(from, now)?, Moment::given(until, now)?))
    }

    fn fits(&self, host: &dyn Host, pem: &[u8]) -> Result<bool, Failure> {
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
        if !self.ignore_timestamps {
            let (from, until) = self.times(host.now())?;
            is_right &= (found.not_before, found.not_after) == (from, until);
        }
        Ok(is_right)
    }

    fn make(&self, host: &mut dyn Host) -> Result<Vec<u8>, Failure> {
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
        let digest = if self.is_own() { &self.ownca_digest } else { &self.selfsigned_digest };
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
}

impl Module for X509Certificate {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if !self.state.is_present() {
            return self.product().compare(host, false, None);
        }
        self.refuse_what_cannot_be()?;
        self.times(host.now())?;
        let is_dir = host.metadata(&self.path)?.is_some_and(|found| found.is_dir());
        let existing = if is_dir { None } else { host.read(&self.path)? };
        let fits = match &existing {
            Some(pem) => Some(self.fits(host, pem)?),
            None => {
                self.wanted(host)?;
                None
            }
        };
        let mut delta = self.product().compare(host, true, fits)?;
        if self.force && existing.is_some() {
            delta.steps.push("the certificate is made anew".into());
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Made>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.product().apply(host, delta, |host| self.make(host))
    }

    fn look_again(&self, done: &Delta<Made>, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if self.ignore_timestamps || !self.state.is_present() {
            return self.check(host);
        }
        // Times that are relative have moved on.
        let now = self.product().compare(host, true, Some(true))?;
        Ok(Delta::new(now.actual, done.desired.clone()))
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        map.insert("filename".into(), self.path.display().to_string().into());
        map.insert("privatekey".into(), text(&self.privatekey_path).into());
        map.insert("csr".into(), text(&self.csr_path).into());
        if !self.state.is_present() {
            return Ok(map);
        }
        let pem = host.read(&self.path)?;
        if let Some(found) = pem.as_deref().and_then(Certificate::parse) {
            map.insert("notBefore".into(), found.not_before.text().into());
            map.insert("notAfter".into(), found.not_after.text().into());
            map.insert("serial_number".into(), found.serial_number());
        }
        if self.is_own() {
            map.insert("ca_cert".into(), text(&self.ownca_path).into());
            map.insert("ca_privatekey".into(), text(&self.ownca_privatekey_path).into());
        }
        if self.return_content {
            let text = pem.map(|pem| String::from_utf8_lossy(&pem).into_owned());
            map.insert("certificate".into(), text.into());
        }
        Ok(map)
    }
}
