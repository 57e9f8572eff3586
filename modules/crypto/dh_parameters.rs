//! The `openssl_dhparam` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Delta, Documented, Example, Failure, FileArguments, Host, Module, Program, Returned,
    file_arguments::FILE_MODE,
};
use protocol::{JsonMap, spec::Support};

use super::{Made, Product, der::Node, from_pem};
use crate::{presence::Presence, tool};

/// Keeps parameters of Diffie and Hellman's in a file. To make them takes minutes.
#[derive(Debug, Arguments)]
pub struct OpensslDhparam {
    /// The file.
    path: PathBuf,
    /// Whether there should be any.
    #[argument(default = "present")]
    state: Presence,
    /// Bits of the prime number.
    #[argument(default = 4096)]
    size: u64,
    /// Whether they are made anew in any case.
    #[argument(default = false)]
    force: bool,
    /// Whether the old file is kept.
    #[argument(default = false)]
    backup: bool,
    /// Whether the parameters are returned.
    #[argument(default = false)]
    return_content: bool,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography", "openssl"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for OpensslDhparam {
    const NAME: &'static str = "community.crypto.openssl_dhparam";
    const ALIASES: &'static [&'static str] = &["openssl_dhparam"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "For a web server", args: r#"{"path": "/etc/ssl/dh.pem", "size": 2048}"# },
        Example { title: "None", args: r#"{"path": "/etc/ssl/dh.pem", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("filename", "The file.", "always", r#""/etc/ssl/dh.pem""#),
        Returned::new("size", "Bits of the prime number.", "always", "2048"),
        Returned::new("dhparams", "The parameters.", "with return_content", r#""-----BEGIN""#),
        Returned::new("backup_file", "The old file.", "with backup", r#""/etc/dh.pem.1~""#),
    ];
    const DIFF_MODE: Support = Support::Partial;
}

/// Bits of the prime number in a file.
fn bits(pem: &[u8]) -> Option<u64> {
    let bytes = from_pem(pem, &["DH PARAMETERS", "X9.42 DH PARAMETERS"])?;
    u64::try_from(Node::only(&bytes)?.part(0)?.bit_length()).ok()
}

impl OpensslDhparam {
    fn product(&self) -> Product<'_> {
        Product { path: &self.path, file: &self.file, mode: FILE_MODE, backup: self.backup }
    }
}

impl Module for OpensslDhparam {
    type State = Made;

    fn check(&self, host: &dyn Host) -> Result<Delta<Made>, Failure> {
        if !self.state.is_present() {
            return self.product().compare(host, false, None);
        }
        let is_dir = host.metadata(&self.path)?.is_some_and(|found| found.is_dir());
        let existing = if is_dir { None } else { host.read(&self.path)? };
        let fits = existing.as_ref().map(|pem| bits(pem) == Some(self.size));
        let mut delta = self.product().compare(host, true, fits)?;
        if self.force && existing.is_some() {
            delta.steps.push("the parameters are made anew".into());
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Made>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        self.product().apply(host, delta, |host| {
            let program = Program::new("openssl").args(["dhparam", &self.size.to_string()]);
            Ok(tool::ask(host, &program)?.into_bytes())
        })
    }

    fn returned(&self, _: &Delta<Made>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("filename".into(), self.path.display().to_string().into());
        map.insert("size".into(), self.size.into());
        if self.return_content && self.state.is_present() {
            let text = host.read(&self.path)?;
            let text = text.map(|text| String::from_utf8_lossy(&text).into_owned());
            map.insert("dhparams".into(), text.into());
        }
        Ok(map)
    }
}
