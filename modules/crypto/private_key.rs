//! The `openssl_privatekey` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, FileMode, Host, Module, Returned,
};
use protocol::{JsonMap, spec::Support};

use super::{
    Made, Product,
    key_terms::{KeyTerms, Regenerate, Verdict},
};
use crate::presence::Presence;

/// Keeps a private key in a file.
///
/// The host's `openssl` makes and reads it. A key of another kind or size than the task says is
/// made anew, unless `regenerate` says otherwise.
#[derive(Debug, Arguments)]
pub struct OpensslPrivatekey {
    /// The file.
    path: PathBuf,
    /// Whether there should be a key.
    #[argument(default = "present")]
    state: Presence,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the key is returned.
    #[argument(default = false)]
    return_content: bool,
    #[argument(flatten)]
    terms: KeyTerms,
    #[argument(flatten)]
    file: FileArguments,
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

impl OpensslPrivatekey {
    fn regenerate(&self) -> Regenerate {
        if self.force { Regenerate::Always } else { self.terms.regenerate }
    }

    fn product(&self) -> Product<'_> {
        Product {
            path: &self.path,
            file: &self.file,
            mode: FileMode::new(0o600),
            backup: self.backup,
        }
    }
}

impl Module for OpensslPrivatekey {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        self.terms.refuse_what_cannot_be()?;
        let existing = match self.state.is_present() {
            true if !host.metadata(&self.path)?.is_some_and(|found| found.is_dir()) => {
                host.read(&self.path)?
            }
            _ => None,
        };
        let verdict = existing
            .as_ref()
            .map(|pem| self.terms.judge(host, pem, self.regenerate()))
            .transpose()?;
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
            let verdict = existing
                .as_ref()
                .map(|pem| self.terms.judge(host, pem, self.regenerate()))
                .transpose()?;
            self.terms.make(host, existing.filter(|_| verdict == Some(Verdict::Convert)))
        })
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        let pem = host.read(&self.path)?.filter(|_| self.state.is_present());
        map.extend(self.terms.told(host, pem.as_deref())?);
        if self.return_content && self.state.is_present() {
            let text = pem.map(|pem| String::from_utf8_lossy(&pem).into_owned());
            map.insert("privatekey".into(), text.into());
        }
        Ok(map)
    }
}
