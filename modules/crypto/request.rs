//! The `openssl_csr` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, Host, Module, Returned,
    file_arguments::FILE_MODE,
};
use protocol::{Json, JsonMap, spec::Support};

use super::{
    Made, Product,
    der::{self, Node},
    distribution::{self, DistributionPoint},
    extension::{self, Extension},
    from_pem, given,
    key::{Kind, PrivateKey},
    naming, to_pem,
};
use crate::presence::Presence;

const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
pub const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// Keeps a request for a certificate in a file.
///
/// It is made anew where it is for another key or says something else than the task.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("state", "present", ["privatekey_path", "privatekey_content"], any)),
    required_together(["authority_cert_issuer", "authority_cert_serial_number"]),
    mutually_exclusive(
        ["privatekey_path", "privatekey_content"],
        ["subject", "subject_ordered"]
    )
)]
pub struct OpensslCsr {
    /// The file.
    path: PathBuf,
    /// Whether there should be a request.
    #[argument(default = "present")]
    state: Presence,
    /// File of the key.
    privatekey_path: Option<PathBuf>,
    /// The key itself.
    #[argument(no_log)]
    privatekey_content: Option<String>,
    /// Its passphrase.
    #[argument(no_log)]
    privatekey_passphrase: Option<String>,
    /// The digest that is signed.
    #[argument(default = "sha256")]
    digest: String,
    /// Version of the request.
    #[argument(default = 1, choices(1))]
    #[expect(dead_code, reason = "there is one alone")]
    version: i64,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// More fields of the subject, by their names.
    subject: Option<JsonMap>,
    /// The fields of the subject in their order, each a dict of one.
    subject_ordered: Option<Vec<JsonMap>>,
    /// Field of the subject.
    #[argument(aliases("C", "countryName"))]
    country_name: Option<String>,
    /// Field of the subject.
    #[argument(aliases("ST", "stateOrProvinceName"))]
    state_or_province_name: Option<String>,
    /// Field of the subject.
    #[argument(aliases("L", "localityName"))]
    locality_name: Option<String>,
    /// Field of the subject.
    #[argument(aliases("O", "organizationName"))]
    organization_name: Option<String>,
    /// Field of the subject.
    #[argument(aliases("OU", "organizationalUnitName"))]
    organizational_unit_name: Option<String>,
    /// Field of the subject.
    #[argument(aliases("CN", "commonName"))]
    common_name: Option<String>,
    /// Field of the subject.
    #[argument(aliases("E", "emailAddress"))]
    email_address: Option<String>,
    /// Further names: `DNS:example.com`, `IP:10.0.0.1`.
    #[argument(aliases("subjectAltName"))]
    subject_alt_name: Option<Vec<String>>,
    /// Whether these must be understood.
    #[argument(default = false, aliases("subjectAltName_critical"))]
    subject_alt_name_critical: bool,
    /// Whether the common name is one of them where there are no others.
    #[argument(default = true, aliases("useCommonNameForSAN"))]
    use_common_name_for_san: bool,
    /// What the key may be used for.
    #[argument(aliases("keyUsage"))]
    key_usage: Option<Vec<String>>,
    /// Whether this must be understood.
    #[argument(default = false, aliases("keyUsage_critical"))]
    key_usage_critical: bool,
    /// What else it may be used for.
    #[argument(aliases("extKeyUsage", "extendedKeyUsage"))]
    extended_key_usage: Option<Vec<String>>,
    /// Whether this must be understood.
    #[argument(default = false, aliases("extKeyUsage_critical", "extendedKeyUsage_critical"))]
    extended_key_usage_critical: bool,
    /// Whether it is an authority's: `CA:TRUE`, `pathlen:0`.
    #[argument(aliases("basicConstraints"))]
    basic_constraints: Option<Vec<String>>,
    /// Whether this must be understood.
    #[argument(default = false, aliases("basicConstraints_critical"))]
    basic_constraints_critical: bool,
    /// Whether answers about its validity must come along.
    #[argument(default = false, aliases("ocspMustStaple"))]
    ocsp_must_staple: bool,
    /// Whether this must be understood.
    #[argument(default = false, aliases("ocspMustStaple_critical"))]
    ocsp_must_staple_critical: bool,
    /// Names that an authority may sign for.
    name_constraints_permitted: Option<Vec<String>>,
    /// Names that it may not sign for.
    name_constraints_excluded: Option<Vec<String>>,
    /// Whether this must be understood.
    #[argument(default = false)]
    name_constraints_critical: bool,
    /// Whether the identifier of the key is worked out.
    #[argument(default = false)]
    create_subject_key_identifier: bool,
    /// The identifier of the key, in hexadecimal digits.
    subject_key_identifier: Option<String>,
    /// The identifier of the authority's key.
    authority_key_identifier: Option<String>,
    /// Names of the authority.
    authority_cert_issuer: Option<Vec<String>>,
    /// The number of the authority's certificate.
    authority_cert_serial_number: Option<u64>,
    /// Where lists of withdrawn certificates are.
    crl_distribution_points: Option<Vec<DistributionPoint>>,
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the request is returned.
    #[argument(default = false)]
    return_content: bool,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for OpensslCsr {
    const NAME: &'static str = "community.crypto.openssl_csr";
    const ALIASES: &'static [&'static str] = &["openssl_csr"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A request for a web server",
            args: r#"{"path": "/etc/ssl/web.csr", "privatekey_content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "common_name": "example.com", "subject_alt_name": ["DNS:example.com", "DNS:www.example.com"]}"#,
        },
        Example { title: "No request", args: r#"{"path": "/etc/ssl/web.csr", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("filename", "The file.", "always", r#""/etc/ssl/web.csr""#),
        Returned::new("privatekey", "The key's file.", "always", r#""/etc/ssl/web.pem""#),
        Returned::new("subject", "The subject.", "always", r#"[["CN", "example.com"]]"#),
        Returned::new("subjectAltName", "Further names.", "always", r#"["DNS:example.com"]"#),
        Returned::new("keyUsage", "Uses of the key.", "always", r#"["digitalSignature"]"#),
        Returned::new("extendedKeyUsage", "Further uses.", "always", r#"["clientAuth"]"#),
        Returned::new(
            "basicConstraints",
            "Whether it is an authority's.",
            "always",
            r#"["CA:TRUE"]"#,
        ),
        Returned::new("ocsp_must_staple", "Whether answers must come along.", "always", "false"),
        Returned::new(
            "name_constraints_permitted",
            "Names that may be signed for.",
            "always",
            r#"[]"#,
        ),
        Returned::new("name_constraints_excluded", "Names that may not.", "always", r#"[]"#),
        Returned::new("csr", "The request.", "with return_content", r#""-----BEGIN""#),
        Returned::new("backup_file", "The old file.", "with backup", r#""/etc/web.csr.1~""#),
    ];
    const DIFF_MODE: Support = Support::Partial;
}

/// What a request says, without its signature.
#[derive(Clone, Debug)]
pub struct Request {
    pub subject: Vec<u8>,
    pub public: Vec<u8>,
    pub extensions: Vec<Extension>,
}

impl Request {
    /// Reads a request in PEM.
    pub fn parse(pem: &[u8]) -> Option<Self> {
        let bytes = from_pem(pem, &LABELS)?;
        let whole = Node::only(&bytes)?;
        let parts = whole.part(0)?.parts()?;
        let mut extensions = Vec::new();
        for attribute in parts.get(3).and_then(Node::parts).unwrap_or_default() {
            if attribute.part(0)?.oid()? == EXTENSION_REQUEST {
                extensions = extension::parse(attribute.part(1)?.part(0)?)?;
            }
        }
        Some(Self {
            subject: parts.get(1)?.whole.to_vec(),
            public: parts.get(2)?.whole.to_vec(),
            extensions,
        })
    }

    /// Whether both say the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let sorted = |request: &Self| {
            let mut all = request.extensions.clone();
            all.sort();
            all
        };
        self.public == other.public
            && naming::same_distinguished(&self.subject, &other.subject)
            && sorted(self) == sorted(other)
    }

    /// What is signed.
    fn text(&self) -> Vec<u8> {
        let attributes = match self.extensions.is_empty() {
            true => Vec::new(),
            false => der::sequence(&[
                der::oid(EXTENSION_REQUEST).unwrap_or_default(),
                der::list(der::SET, &[extension::encode(&self.extensions)]),
            ]),
        };
        der::sequence(&[
            der::integer(&[0]),
            self.subject.clone(),
            self.public.clone(),
            der::value(der::inside(0), &attributes),
        ])
    }
}

impl OpensslCsr {
    fn product(&self) -> Product<'_> {
        Product { path: &self.path, file: &self.file, mode: FILE_MODE, backup: self.backup }
    }

    fn key(&self, host: &dyn Host) -> Result<PrivateKey, Failure> {
        let pem = given(
            host,
            self.privatekey_path.as_ref(),
            self.privatekey_content.as_ref(),
            "private key",
        )?;
        let pem = pem.ok_or_else(|| {
            Failure::new(
                "state is present but any of the following are missing: privatekey_path, \
                 privatekey_content",
            )
        })?;
        Ok(PrivateKey { pem, passphrase: self.privatekey_passphrase.clone() })
    }

    fn subject(&self) -> Result<Vec<(String, String)>, Failure> {
        let given = [
            ("C", &self.country_name),
            ("ST", &self.state_or_province_name),
            ("L", &self.locality_name),
            ("O", &self.organization_name),
            ("OU", &self.organizational_unit_name),
            ("CN", &self.common_name),
            ("emailAddress", &self.email_address),
        ];
        let mut fields: Vec<(String, String)> = given
            .into_iter()
            .filter_map(|(name, text)| Some((name.to_owned(), text.clone()?)))
            .filter(|(_, text)| !text.is_empty())
            .collect();
        if let Some(subject) = &self.subject {
            fields.extend(naming::subject_of(subject, "subject")?);
        }
        if let Some(ordered) = self.subject_ordered.as_ref().filter(|all| !all.is_empty()) {
            if !fields.is_empty() {
                return Err(Failure::new(
                    "subject_ordered cannot be combined with any other subject field",
                ));
            }
            for one in ordered {
                fields.extend(naming::subject_of(one, "subject_ordered")?);
            }
        }
        Ok(fields)
    }

    fn alt_names(&self, subject: &[(String, String)]) -> Vec<String> {
        if let Some(names) = self.subject_alt_name.as_ref().filter(|names| !names.is_empty()) {
            return names.clone();
        }
        let common = subject.iter().find(|(name, _)| name == "CN" || name == "commonName");
        let common = common.filter(|_| self.use_common_name_for_san);
        common.map(|(_, name)| format!("DNS:{name}")).into_iter().collect()
    }

    /// What the task says, for a key.
    fn wanted(&self, public: Vec<u8>) -> Result<Request, Failure> {
        let subject = self.subject()?;
        let mut all = Vec::new();
        let names = self.alt_names(&subject);
        if !names.is_empty() {
            all.push(extension::alt_names(&names, self.subject_alt_name_critical)?);
        }
        if let Some(uses) = self.key_usage.as_ref().filter(|uses| !uses.is_empty()) {
            all.push(extension::key_usage(uses, self.key_usage_critical)?);
        }
        if let Some(uses) = self.extended_key_usage.as_ref().filter(|uses| !uses.is_empty()) {
            all.push(extension::extended_usage(uses, self.extended_key_usage_critical)?);
        }
        if let Some(words) = self.basic_constraints.as_ref().filter(|words| !words.is_empty()) {
            all.push(extension::basic(words, self.basic_constraints_critical)?);
        }
        if self.ocsp_must_staple {
            all.push(extension::must_staple(self.ocsp_must_staple_critical));
        }
        let permitted = self.name_constraints_permitted.as_deref().unwrap_or_default();
        let excluded = self.name_constraints_excluded.as_deref().unwrap_or_default();
        if !permitted.is_empty() || !excluded.is_empty() {
            let is_critical = self.name_constraints_critical;
            all.push(extension::name_constraints(permitted, excluded, is_critical)?);
        }
        let identifier = |text: &String, what: &str| {
            extension::bytes_of(text)
                .ok_or_else(|| Failure::new(format!("Cannot parse {what}: {text:?}")))
        };
        match &self.subject_key_identifier {
            Some(_) if self.create_subject_key_identifier => {
                return Err(Failure::new(
                    "subject_key_identifier cannot be specified if create_subject_key_identifier is true",
                ));
            }
            Some(text) => {
                all.push(extension::subject_key(&identifier(text, "subject_key_identifier")?));
            }
            None if self.create_subject_key_identifier => {
                let own = extension::key_identifier(&public);
                let own = own.ok_or_else(|| Failure::new("the key has no identifier"))?;
                all.push(extension::subject_key(&own));
            }
            None => {}
        }
        let issuers = self.authority_cert_issuer.as_deref().unwrap_or_default();
        let authority = self.authority_key_identifier.as_ref();
        let authority =
            authority.map(|text| identifier(text, "authority_key_identifier")).transpose()?;
        if authority.is_some() || !issuers.is_empty() {
            let serial = self.authority_cert_serial_number;
            all.push(extension::authority_key(authority.as_deref(), issuers, serial)?);
        }
        if let Some(points) = self.crl_distribution_points.as_ref().filter(|all| !all.is_empty()) {
            all.push(distribution::points(points)?);
        }
        Ok(Request { subject: naming::distinguished(&subject)?, public, extensions: all })
    }
}

impl Module for OpensslCsr {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if !self.state.is_present() {
            return self.product().compare(host, false, None);
        }
        let key = self.key(host)?;
        let wanted = self.wanted(key.must_be_public(host)?)?;
        let is_dir = host.metadata(&self.path)?.is_some_and(|found| found.is_dir());
        let existing = if is_dir { None } else { host.read(&self.path)? };
        let fits = existing
            .as_ref()
            .map(|pem| Request::parse(pem).is_some_and(|found| found.is_same(&wanted)));
        let mut delta = self.product().compare(host, true, fits)?;
        if self.force && existing.is_some() {
            delta.steps.push("the request is made anew".into());
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Made>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.product().apply(host, delta, |host| {
            let key = self.key(host)?;
            let wanted = self.wanted(key.must_be_public(host)?)?;
            let kind = Kind::of(&wanted.public)
                .ok_or_else(|| Failure::new("keys of this kind are not known"))?;
            let text = wanted.text();
            let algorithm = kind.signature_algorithm(&self.digest)?;
            let signature = key.sign(host, &kind, &self.digest, &text)?;
            let whole = der::sequence(&[text, algorithm, der::bit_string(&signature)]);
            Ok(to_pem(&whole, "CERTIFICATE REQUEST"))
        })
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        if !self.state.is_present() {
            return Ok(map);
        }
        let subject = self.subject()?;
        let pairs: Vec<Json> =
            subject.iter().map(|(name, text)| vec![name.clone(), text.clone()].into()).collect();
        let key = self.privatekey_path.as_ref().map(|path| path.display().to_string());
        map.insert("privatekey".into(), key.into());
        map.insert("subject".into(), pairs.into());
        let names = Some(self.alt_names(&subject)).filter(|names| !names.is_empty());
        map.insert("subjectAltName".into(), names.into());
        map.insert("keyUsage".into(), self.key_usage.clone().into());
        map.insert("extendedKeyUsage".into(), self.extended_key_usage.clone().into());
        map.insert("basicConstraints".into(), self.basic_constraints.clone().into());
        map.insert("ocspMustStaple".into(), self.ocsp_must_staple.into());
        map.insert("ocsp_must_staple".into(), self.ocsp_must_staple.into());
        for (name, value) in [
            ("name_constraints_permitted", &self.name_constraints_permitted),
            ("name_constraints_excluded", &self.name_constraints_excluded),
        ] {
            map.insert(name.into(), value.clone().unwrap_or_default().into());
        }
        if self.return_content {
            let text = host.read(&self.path)?;
            let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
            map.insert("csr".into(), text.into());
        }
        Ok(map)
    }
}
