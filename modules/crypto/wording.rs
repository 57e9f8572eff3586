//! What a task says of a request for a certificate.

use std::path::PathBuf;

use module::{Arguments, Failure, Host};
use protocol::{Json, JsonMap};

use super::{
    der,
    distribution::{self, DistributionPoint},
    extension, given,
    key::{Kind, PrivateKey},
    naming,
    request::Request,
    to_pem,
};

/// The arguments that modules of requests share.
#[derive(Debug, Arguments)]
#[arguments(
    required_together(["authority_cert_issuer", "authority_cert_serial_number"]),
    mutually_exclusive(
        ["privatekey_path", "privatekey_content"],
        ["subject", "subject_ordered"]
    )
)]
pub struct Wording {
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
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
}

impl Wording {
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

    /// What the task says, for its key.
    ///
    /// # Errors
    /// A key that cannot be read, and names that are none.
    pub fn wanted(&self, host: &dyn Host) -> Result<Request, Failure> {
        self.wanted_for(self.key(host)?.must_be_public(host)?)
    }

    fn wanted_for(&self, public: Vec<u8>) -> Result<Request, Failure> {
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

    /// A new request, in PEM.
    ///
    /// # Errors
    /// Those of [`wanted`](Self::wanted), and a digest that does not go with the key.
    pub fn make(&self, host: &mut dyn Host) -> Result<Vec<u8>, Failure> {
        let wanted = self.wanted(host)?;
        let kind = Kind::of(&wanted.public)
            .ok_or_else(|| Failure::new("keys of this kind are not known"))?;
        let text = wanted.text();
        let algorithm = kind.signature_algorithm(&self.digest)?;
        let signature = self.key(host)?.sign(host, &kind, &self.digest, &text)?;
        let whole = der::sequence(&[text, algorithm, der::bit_string(&signature)]);
        Ok(to_pem(&whole, "CERTIFICATE REQUEST"))
    }

    /// What modules return of it.
    ///
    /// # Errors
    /// Fields of the subject that are no texts.
    pub fn told(&self) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
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
        Ok(map)
    }
}
