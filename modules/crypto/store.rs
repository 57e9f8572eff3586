//! The `openssl_pkcs12` module of the collection `community.crypto`: a key and its certificates in
//! one file (RFC 7292).

use std::path::PathBuf;

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, FileMode, Host, Module,
    Program, Returned, program::HANDED,
};
use protocol::{JsonMap, spec::Support};

use super::{Made, Product, from_pem, given, key::PrivateKey};
use crate::{presence::Presence, tool};

const CERTIFICATE: &[&str] = &["CERTIFICATE"];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
const NAME: &str = "friendlyName: ";

/// Keeps a store of PKCS#12, or takes one apart.
///
/// The host's `openssl` makes and reads it. A store is made anew where it holds another key, other
/// certificates or another name than the task says, or is closed with another passphrase.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("action", "parse", ["src"])),
    mutually_exclusive(
        ["privatekey_path", "privatekey_content"],
        ["certificate_path", "certificate_content"],
        ["other_certificates", "other_certificates_content"]
    )
)]
pub struct OpensslPkcs12 {
    /// The file.
    path: PathBuf,
    /// Whether there should be a file.
    #[argument(default = "present")]
    state: Presence,
    /// `export` makes a store, `parse` takes one apart into PEM.
    #[argument(default = "export")]
    action: Work,
    /// The store that is taken apart.
    src: Option<PathBuf>,
    /// The name that it has for people.
    #[argument(aliases("name"))]
    friendly_name: Option<String>,
    /// File of the key.
    privatekey_path: Option<PathBuf>,
    /// The key itself.
    #[argument(no_log)]
    privatekey_content: Option<String>,
    /// Its passphrase.
    #[argument(no_log)]
    privatekey_passphrase: Option<String>,
    /// File of the certificate.
    certificate_path: Option<PathBuf>,
    /// The certificate itself.
    certificate_content: Option<String>,
    /// Files of further certificates.
    #[argument(aliases("ca_certificates"))]
    other_certificates: Option<Vec<PathBuf>>,
    /// Further certificates themselves.
    other_certificates_content: Option<Vec<String>>,
    /// Whether all certificates of a further file are taken, and not its first alone.
    #[argument(default = false)]
    other_certificates_parse_all: bool,
    /// The passphrase of the store.
    #[argument(no_log)]
    passphrase: Option<String>,
    /// How often the passphrase is stirred; as often as `openssl` does where it is left out.
    iter_size: Option<u32>,
    /// How often it is stirred for the checksum.
    maciter_size: Option<u32>,
    /// `compatibility2022` is what old programs read.
    #[argument(default = "auto")]
    encryption_level: Encryption,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the store is returned, in base64.
    #[argument(default = false)]
    return_content: bool,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography", "pyopenssl"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
    #[argument(flatten)]
    file: FileArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Work {
    Export,
    Parse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Encryption {
    Auto,
    Compatibility2022,
}

impl Documented for OpensslPkcs12 {
    const NAME: &'static str = "community.crypto.openssl_pkcs12";
    const ALIASES: &'static [&'static str] = &["openssl_pkcs12"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A key and its certificate",
            args: r#"{"path": "/etc/ssl/web.p12", "friendly_name": "web", "passphrase": "secret", "privatekey_content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "certificate_content": "-----BEGIN CERTIFICATE-----\nMIHAMHQCAQEwBQYDK2VwMAwxCjAIBgNVBAMMAWEwIBcNMjYxMTIxMTEyODU1WhgPMjEyNjEwMjgxMTI4NTVaMAwxCjAIBgNVBAMMAWEwKjAFBgMrZXADIQC5HOV4z2cpT5koU9kj7Macxu65/C9cWf3aNVBFhC85KjAFBgMrZXADQQCU6CVu8pm9/EEKSA+lpgpro+nrGG8WoE7nCJmhVZnHw494XCBVhenEzkHVOiX28/ph9RgL6AG/rx9cM3QVaH8A\n-----END CERTIFICATE-----\n"}"#,
        },
        Example { title: "No store", args: r#"{"path": "/etc/ssl/web.p12", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("filename", "The file.", "always", r#""/etc/ssl/web.p12""#),
        Returned::new("privatekey", "The key's file.", "always", r#""/etc/ssl/web.pem""#),
        Returned::new("pkcs12", "The store in base64.", "with return_content", r#""MIIK""#),
        Returned::new("backup_file", "The old file.", "with backup", r#""/etc/web.p12.1~""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What a store holds.
#[derive(Debug, Default, PartialEq)]
struct Content {
    /// SubjectPublicKeyInfo of its key.
    public: Option<Vec<u8>>,
    /// The certificates as DER; that of the key is the first.
    certificates: Vec<Vec<u8>>,
    name: Option<String>,
}

/// The certificates of a text of PEM, each as DER.
fn certificates(pem: &str) -> Vec<Vec<u8>> {
    let blocks = pem.split(BEGIN).skip(1);
    blocks.filter_map(|rest| from_pem(format!("{BEGIN}{rest}").as_bytes(), CERTIFICATE)).collect()
}

/// The first block of a private key in a text.
fn private_key(pem: &str) -> Option<String> {
    let start = pem
        .match_indices("-----BEGIN ")
        .find(|(at, _)| {
            let line = pem.get(*at..).and_then(|rest| rest.lines().next()).unwrap_or_default();
            line.ends_with("PRIVATE KEY-----")
        })
        .map(|(at, _)| at)?;
    let rest = pem.get(start..)?;
    let end = rest.find("-----END ")?;
    let line = rest.get(end..)?.lines().next()?;
    Some(format!("{}{line}\n", rest.get(..end)?))
}

impl OpensslPkcs12 {
    /// What the task says of the file: where it says nothing of permissions, those of the user to read
    /// it.
    fn file(&self) -> FileArguments {
        let mode = self.file.mode.clone().or_else(|| Some("0400".into()));
        FileArguments { mode, ..self.file.clone() }
    }

    fn product<'a>(&'a self, file: &'a FileArguments) -> Product<'a> {
        Product { path: &self.path, file, mode: FileMode::new(0o400), backup: self.backup }
    }

    fn passphrase(&self) -> &str {
        self.passphrase.as_deref().unwrap_or_default()
    }

    fn key(&self, host: &dyn Host) -> Result<Option<PrivateKey>, Failure> {
        let path = self.privatekey_path.as_ref();
        let pem = given(host, path, self.privatekey_content.as_ref(), "private key")?;
        let passphrase = self.privatekey_passphrase.clone();
        Ok(pem.map(|pem| PrivateKey { pem, passphrase }))
    }

    /// The certificates that the task names, in PEM; that of the key first.
    fn wanted_certificates(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let path = self.certificate_path.as_ref();
        let own = given(host, path, self.certificate_content.as_ref(), "certificate")?;
        let mut all: Vec<String> = own.iter().flat_map(|pem| Self::blocks(pem, false)).collect();
        if own.is_some() && all.is_empty() {
            return Err(Failure::new("the certificate cannot be read"));
        }
        let mut others = Vec::new();
        for path in self.other_certificates.iter().flatten() {
            others.extend(given(host, Some(path), None, "certificate")?);
        }
        let contents = self.other_certificates_content.iter().flatten();
        others.extend(contents.map(|content| content.clone().into_bytes()));
        for other in others {
            let blocks = Self::blocks(&other, self.other_certificates_parse_all);
            if blocks.is_empty() {
                return Err(Failure::new("one of other_certificates cannot be read"));
            }
            all.extend(blocks);
        }
        Ok(all)
    }

    fn blocks(pem: &[u8], all: bool) -> Vec<String> {
        let text = String::from_utf8_lossy(pem);
        let blocks = text.split(BEGIN).skip(1).filter_map(|rest| {
            let (body, _) = rest.split_once(END)?;
            Some(format!("{BEGIN}{body}{END}\n"))
        });
        blocks.take(if all { usize::MAX } else { 1 }).collect()
    }

    /// What the task says should be in the store.
    fn wanted(&self, host: &dyn Host) -> Result<Content, Failure> {
        let key = self.key(host)?;
        let pem = self.wanted_certificates(host)?.concat();
        Ok(Content {
            public: key.map(|key| key.must_be_public(host)).transpose()?,
            certificates: certificates(&pem),
            name: self.friendly_name.clone(),
        })
    }

    /// The store's content in PEM; `None` where it cannot be opened.
    fn opened(&self, host: &dyn Host, store: &[u8]) -> Result<Option<String>, Failure> {
        let words = ["pkcs12", "-nodes", "-passin", "stdin", "-in", HANDED];
        let program = Program::new("openssl").args(words).handed(store);
        let output = host.query(&program.lines(&[self.passphrase()])?)?;
        Ok(output.is_success().then(|| output.stdout_text()))
    }

    /// What is in a store.
    fn found(&self, host: &dyn Host, store: &[u8]) -> Result<Option<Content>, Failure> {
        let Some(text) = self.opened(host, store)? else { return Ok(None) };
        let public = match private_key(&text) {
            Some(pem) => PrivateKey { pem: pem.into_bytes(), passphrase: None }.public(host)?,
            None => None,
        };
        let name = text.lines().find_map(|line| line.trim().strip_prefix(NAME));
        let name = name.map(str::to_owned);
        Ok(Some(Content { public, certificates: certificates(&text), name }))
    }

    /// The key and the certificates of a store, in PEM, without what `openssl` writes between them.
    fn apart(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let store = given(host, self.src.as_ref(), None, "PKCS#12")?.unwrap_or_default();
        let text = self.opened(host, &store)?.ok_or_else(|| {
            Failure::new(
                "the PKCS#12 file cannot be opened: it is broken, or its passphrase another",
            )
        })?;
        let mut out = String::new();
        if let Some(pem) = private_key(&text) {
            let key = PrivateKey { pem: pem.into_bytes(), passphrase: None };
            // Kinds of keys that had a form before PKCS#8 are written in it.
            out = tool::ask(host, &key.openssl(&["pkey", "-traditional", "-in"])?)?;
        }
        out.push_str(&Self::blocks(text.as_bytes(), true).concat());
        Ok(out.into_bytes())
    }

    fn export(&self, host: &mut dyn Host) -> Result<Vec<u8>, Failure> {
        let key = self.key(host)?;
        let mut words: Vec<String> = ["pkcs12", "-export", "-passin", "stdin", "-passout", "stdin"]
            .map(str::to_owned)
            .into();
        let mut put = |name: &str, value: Option<String>| {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        };
        put("-name", self.friendly_name.clone());
        put("-iter", self.iter_size.map(|count| count.to_string()));
        let mut content = self.wanted_certificates(host)?.concat().into_bytes();
        match self.encryption_level {
            Encryption::Auto => {}
            Encryption::Compatibility2022 => {
                for (name, value) in [
                    ("-keypbe", "PBE-SHA1-3DES"),
                    ("-certpbe", "PBE-SHA1-3DES"),
                    ("-macalg", "sha1"),
                ] {
                    put(name, Some(value.to_owned()));
                }
            }
        }
        if self.maciter_size == Some(1) {
            words.push("-nomaciter".into());
        }
        match &key {
            Some(key) => content = [key.pem.as_slice(), b"\n", &content].concat(),
            None => words.push("-nokeys".into()),
        }
        words.extend(["-in".to_owned(), HANDED.to_owned()]);
        let passphrase = key.and_then(|key| key.passphrase).unwrap_or_default();
        let program = Program::new("openssl").args(words).handed(content);
        // The first is read also where the key is in the clear.
        let program = program.lines(&[&passphrase, self.passphrase()])?;
        Ok(tool::run(host, &program)?.stdout)
    }

    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        if self.maciter_size.is_some_and(|count| count != 1) && self.iter_size != self.maciter_size
        {
            return Err(Failure::new(
                "maciter_size is supported where it is 1 or the same as iter_size",
            ));
        }
        let is_export = self.action == Work::Export && self.state.is_present();
        let has_certificate = self.certificate_path.is_some()
            || self.certificate_content.is_some()
            || self.other_certificates.is_some()
            || self.other_certificates_content.is_some();
        let has_key = self.privatekey_path.is_some() || self.privatekey_content.is_some();
        if is_export && self.friendly_name.is_none() {
            return Err(Failure::new("Friendly_name is required"));
        }
        if is_export && !has_certificate && !has_key {
            return Err(Failure::new("there is neither a key nor a certificate to put into it"));
        }
        Ok(())
    }
}

impl Module for OpensslPkcs12 {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        self.refuse_what_cannot_be()?;
        if !self.state.is_present() {
            return self.product(&self.file()).compare(host, false, None);
        }
        let is_dir = host.metadata(&self.path)?.is_some_and(|found| found.is_dir());
        let existing = if is_dir { None } else { host.read(&self.path)? };
        let fits = match (self.action, existing.as_ref()) {
            (Work::Export, _) => {
                let wanted = self.wanted(host)?;
                let found = existing.as_ref().map(|store| self.found(host, store)).transpose()?;
                found.map(|found| found.is_some_and(|found| found == wanted))
            }
            (Work::Parse, existing) => {
                let wanted = self.apart(host)?;
                existing.map(|text| *text == wanted)
            }
        };
        let mut delta = self.product(&self.file()).compare(host, true, fits)?;
        if self.force && existing.is_some() {
            delta.steps.push("it is made anew".into());
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Made>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.product(&self.file()).apply(host, delta, |host| match self.action {
            Work::Export => self.export(host),
            Work::Parse => self.apart(host),
        })
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        if let Some(path) = &self.privatekey_path {
            map.insert("privatekey_path".into(), path.display().to_string().into());
        }
        if let (true, Some(mode)) = (self.state.is_present(), &self.file().mode) {
            map.insert("mode".into(), mode.clone());
        }
        if self.return_content && self.state.is_present() {
            let store = host.read(&self.path)?;
            map.insert("pkcs12".into(), store.map(|store| STANDARD.encode(store)).into());
        }
        Ok(map)
    }
}
