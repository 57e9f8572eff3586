//! The `openssl_publickey` and `openssl_publickey_info` modules of the collection
//! `community.crypto`.

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use module::{
    Arguments, Choices, Delta, Documented, Example, Fact, Failure, FileArguments, Host, Module,
    Returned, file_arguments::FILE_MODE,
};
use protocol::{JsonMap, Response, spec::Support};

use super::{
    Made, Product,
    der::Node,
    from_pem, given,
    key::{Kind, PrivateKey, fingerprints},
    statement::{kind_name, public_data},
    to_pem,
};
use crate::presence::Presence;

const LABEL: &str = "PUBLIC KEY";

/// Keeps the public half of a private key in a file.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("state", "present", ["privatekey_path", "privatekey_content"], any)),
    mutually_exclusive(["privatekey_path", "privatekey_content"])
)]
pub struct OpensslPublickey {
    /// The file.
    path: PathBuf,
    /// Whether there should be a key.
    #[argument(default = "present")]
    state: Presence,
    /// How it is written.
    #[argument(default = "PEM")]
    format: Format,
    /// File of the private key.
    privatekey_path: Option<PathBuf>,
    /// The private key itself.
    #[argument(no_log)]
    privatekey_content: Option<String>,
    /// Its passphrase.
    #[argument(no_log)]
    privatekey_passphrase: Option<String>,
    /// Whether it is written anew in any case.
    #[argument(default = false)]
    force: bool,
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
enum Format {
    #[choice("OpenSSH")]
    OpenSsh,
    #[choice("PEM")]
    Pem,
}

impl Documented for OpensslPublickey {
    const NAME: &'static str = "community.crypto.openssl_publickey";
    const ALIASES: &'static [&'static str] = &["openssl_publickey"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The public half",
            args: r#"{"path": "/etc/ssl/web.pub", "privatekey_content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}"#,
        },
        Example { title: "No key", args: r#"{"path": "/etc/ssl/web.pub", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("filename", "The file.", "always", r#""/etc/ssl/web.pub""#),
        Returned::new("privatekey", "The private key's file.", "present", r#""/etc/ssl/web.pem""#),
        Returned::new("format", "How it is written.", "always", r#""PEM""#),
        Returned::new("fingerprint", "Its digests.", "present", r#"{"md5": "84:75"}"#),
        Returned::new("publickey", "The key.", "with return_content", r#""-----BEGIN""#),
        Returned::new("backup_file", "The old file.", "with backup", r#""/etc/web.pub.1~""#),
    ];
    const DIFF_MODE: Support = Support::Partial;
}

/// A text or number with its length before it, as SSH has it (RFC 4251).
fn field(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or_default();
    [&length.to_be_bytes(), bytes].concat()
}

/// A public key as OpenSSH writes it; `None` for kinds that it does not have.
fn ssh_line(public: &[u8]) -> Option<String> {
    let whole = Node::only(public)?;
    let key = whole.part(1)?.bits()?;
    let numbers = |node: Node<'_>| -> Option<Vec<Vec<u8>>> {
        Some(node.parts()?.into_iter().map(|part| field(part.body)).collect())
    };
    let (name, fields) = match Kind::of(public)? {
        Kind::Rsa { .. } => {
            let mut both = numbers(Node::only(key)?)?;
            both.reverse();
            ("ssh-rsa", both)
        }
        Kind::Dsa { .. } => {
            let mut all = numbers(whole.part(0)?.part(1)?)?;
            all.push(field(Node::only(key)?.body));
            ("ssh-dss", all)
        }
        Kind::Ec { curve } => {
            let (name, curve) = match curve.as_str() {
                "secp256r1" => ("ecdsa-sha2-nistp256", "nistp256"),
                "secp384r1" => ("ecdsa-sha2-nistp384", "nistp384"),
                "secp521r1" => ("ecdsa-sha2-nistp521", "nistp521"),
                _ => return None,
            };
            (name, vec![field(curve.as_bytes()), field(key)])
        }
        Kind::Plain("Ed25519") => ("ssh-ed25519", vec![field(key)]),
        Kind::Plain(_) => return None,
    };
    let blob = [field(name.as_bytes()), fields.concat()].concat();
    Some(format!("{name} {}", STANDARD.encode(blob)))
}

impl OpensslPublickey {
    fn product(&self) -> Product<'_> {
        Product { path: &self.path, file: &self.file, mode: FILE_MODE, backup: self.backup }
    }

    fn public(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let path = self.privatekey_path.as_ref();
        let pem = given(host, path, self.privatekey_content.as_ref(), "private key")?;
        let passphrase = self.privatekey_passphrase.clone();
        PrivateKey { pem: pem.unwrap_or_default(), passphrase }.must_be_public(host)
    }

    /// The key as it is written.
    fn text(&self, public: &[u8]) -> Result<Vec<u8>, Failure> {
        match self.format {
            Format::Pem => Ok(to_pem(public, LABEL)),
            Format::OpenSsh => match ssh_line(public) {
                Some(line) => Ok(line.into_bytes()),
                None => Err(Failure::new("keys of this kind are not known to OpenSSH")),
            },
        }
    }

    /// Whether a file has this key, in this form.
    fn has(&self, text: &[u8], public: &[u8]) -> bool {
        match self.format {
            Format::Pem => from_pem(text, &[LABEL]).is_some_and(|found| found == public),
            Format::OpenSsh => {
                let text = String::from_utf8_lossy(text);
                // A comment may stand behind it.
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                ssh_line(public).is_some_and(|line| line == words.join(" "))
            }
        }
    }
}

impl Module for OpensslPublickey {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if !self.state.is_present() {
            return self.product().compare(host, false, None);
        }
        let public = self.public(host)?;
        self.text(&public)?;
        let is_dir = host.metadata(&self.path)?.is_some_and(|found| found.is_dir());
        let existing = if is_dir { None } else { host.read(&self.path)? };
        let fits = existing.as_ref().map(|text| self.has(text, &public));
        let mut delta = self.product().compare(host, true, fits)?;
        if self.force && existing.is_some() {
            delta.steps.push("the key is written anew".into());
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Made>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.product().apply(host, delta, |host| self.text(&self.public(host)?))
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        map.insert("format".into(), self.format.as_str().into());
        let path = self.privatekey_path.as_ref().map(|path| path.display().to_string());
        map.insert("privatekey".into(), path.into());
        if self.state.is_present() {
            let public = self.public(host)?;
            map.insert("fingerprint".into(), fingerprints(&public).into());
            if self.return_content {
                let text = host.read(&self.path)?;
                let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
                map.insert("publickey".into(), text.into());
            }
        }
        Ok(map)
    }
}

/// Reads what a public key is.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["path", "content"]), mutually_exclusive(["path", "content"]))]
pub struct OpensslPublickeyInfo {
    /// Its file.
    path: Option<PathBuf>,
    /// The key itself.
    content: Option<String>,
    /// Taken and not used.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "it is read here")]
    select_crypto_backend: String,
}

impl Documented for OpensslPublickeyInfo {
    const NAME: &'static str = "community.crypto.openssl_publickey_info";
    const ALIASES: &'static [&'static str] = &["openssl_publickey_info"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Its kind and digests",
        args: r#"{"content": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAuRzleM9nKU+ZKFPZI+zGnMbuufwvXFn92jVQRYQvOSo=\n-----END PUBLIC KEY-----\n"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("type", "Kind of key.", "success", r#""RSA""#),
        Returned::new("fingerprints", "Its digests.", "success", r#"{"sha256": "d4:b3"}"#),
        Returned::new("public_data", "Its numbers.", "success", r#"{"size": 4096}"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for OpensslPublickeyInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let pem = given(host, self.path.as_ref(), self.content.as_ref(), "public key")?;
        let public = pem.as_deref().and_then(|pem| from_pem(pem, &[LABEL]));
        let public = public.filter(|public| Kind::of(public).is_some());
        let public = public.ok_or_else(|| Failure::new("the public key cannot be read"))?;
        let returned = JsonMap::from_iter([
            ("type".to_owned(), kind_name(&public).into()),
            ("fingerprints".to_owned(), fingerprints(&public).into()),
            ("public_data".to_owned(), public_data(&public).into()),
        ]);
        Ok(Response { returned, ..Response::default() })
    }
}
