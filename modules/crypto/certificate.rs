//! The `x509_certificate` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, Host, Module, Returned,
    file_arguments::FILE_MODE,
};
use protocol::{JsonMap, spec::Support};

use super::{
    Made, Product,
    signing::{Provider, Signing, Terms},
};
use crate::presence::Presence;

/// Keeps a certificate in a file, signed by its own key or by an authority of one's own.
///
/// It is made anew where it fits the key or the request no more; not because time has passed,
/// unless `ignore_timestamps` is off. `acme` and `entrust` are refused.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["provider"])))]
pub struct X509Certificate {
    /// The file.
    path: PathBuf,
    /// Whether there should be a certificate.
    #[argument(default = "present")]
    state: Presence,
    /// Who signs it.
    provider: Option<Provider>,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the certificate is returned.
    #[argument(default = false)]
    return_content: bool,
    #[argument(flatten)]
    terms: Terms,
    #[argument(flatten)]
    file: FileArguments,
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

impl X509Certificate {
    fn product(&self) -> Product<'_> {
        Product { path: &self.path, file: &self.file, mode: FILE_MODE, backup: self.backup }
    }

    fn signing(&self) -> Signing<'_> {
        Signing { provider: self.provider, terms: &self.terms }
    }
}

impl Module for X509Certificate {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if !self.state.is_present() {
            return self.product().compare(host, false, None);
        }
        self.signing().refuse_what_cannot_be()?;
        self.signing().times(host.now())?;
        let is_dir = host.metadata(&self.path)?.is_some_and(|found| found.is_dir());
        let existing = if is_dir { None } else { host.read(&self.path)? };
        let fits = match &existing {
            Some(pem) => Some(self.signing().fits(host, pem)?),
            None => {
                self.signing().wanted(host)?;
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
        self.product().apply(host, delta, |host| self.signing().make(host))
    }

    fn look_again(&self, done: &Delta<Made>, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if self.terms.ignore_timestamps || !self.state.is_present() {
            return self.check(host);
        }
        // Times that are relative have moved on.
        let mut now = self.product().compare(host, true, Some(true))?;
        now.actual.attributes.read_context(&done.desired.attributes, host, &self.path)?;
        Ok(Delta::new(now.actual, done.desired.clone()))
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        map.extend(self.terms.files());
        if !self.state.is_present() {
            return Ok(map);
        }
        let pem = host.read(&self.path)?;
        map.extend(self.signing().told(pem.as_deref()));
        if self.return_content {
            let text = pem.map(|pem| String::from_utf8_lossy(&pem).into_owned());
            map.insert("certificate".into(), text.into());
        }
        Ok(map)
    }
}
