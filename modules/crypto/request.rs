//! The `openssl_csr` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, Host, Module, Returned,
    file_arguments::FILE_MODE,
};
use protocol::{JsonMap, spec::Support};

use super::{
    Made, Product,
    der::{self, Node},
    extension::{self, Extension},
    from_pem, naming,
    wording::Wording,
};
use crate::presence::Presence;

const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
pub const LABELS: [&str; 2] = ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"];

/// Keeps a request for a certificate in a file.
///
/// It is made anew where it is for another key or says something else than the task.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("state", "present", ["privatekey_path", "privatekey_content"], any))
)]
pub struct OpensslCsr {
    /// The file.
    path: PathBuf,
    /// Whether there should be a request.
    #[argument(default = "present")]
    state: Presence,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the request is returned.
    #[argument(default = false)]
    return_content: bool,
    #[argument(flatten)]
    wording: Wording,
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
    pub fn text(&self) -> Vec<u8> {
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
}

impl Module for OpensslCsr {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if !self.state.is_present() {
            return self.product().compare(host, false, None);
        }
        let wanted = self.wording.wanted(host)?;
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
        self.product().apply(host, delta, |host| self.wording.make(host))
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        if !self.state.is_present() {
            return Ok(map);
        }
        map.extend(self.wording.told()?);
        if self.return_content {
            let text = host.read(&self.path)?;
            let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
            map.insert("csr".into(), text.into());
        }
        Ok(map)
    }
}
