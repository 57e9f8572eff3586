//! The `openssl_privatekey_pipe` module of the collection `community.crypto`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{Response, spec::Support};

use super::key_terms::{KeyTerms, Regenerate, Verdict};

/// Makes a private key and returns it, without a file.
///
/// The host's `openssl` makes it. A key that the task has already stays where it is of the kind and
/// size that are wanted, and is returned with `return_current_key` alone.
#[derive(Debug, Arguments)]
pub struct OpensslPrivatekeyPipe {
    /// The key that there is.
    #[argument(no_log)]
    content: Option<String>,
    /// Whether it is given in Base64.
    #[argument(default = false)]
    content_base64: bool,
    /// Whether a key that stays is returned too.
    #[argument(default = false)]
    return_current_key: bool,
    #[argument(flatten)]
    terms: KeyTerms,
}

impl Documented for OpensslPrivatekeyPipe {
    const NAME: &'static str = "community.crypto.openssl_privatekey_pipe";
    const ALIASES: &'static [&'static str] = &["openssl_privatekey_pipe"];
    const EXAMPLES: &'static [Example] =
        &[Example { title: "A key", args: r#"{"type": "Ed25519"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("privatekey", "The key.", "changed", r#""-----BEGIN PRIVATE KEY""#),
        Returned::new("type", "Kind of key.", "success", r#""RSA""#),
        Returned::new("size", "Its bits.", "success", "4096"),
        Returned::new("curve", "Its curve.", "with ECC", r#""secp256r1""#),
        Returned::new("fingerprint", "Digests of the public key.", "with a key", r#"{"md5": "8"}"#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl OpensslPrivatekeyPipe {
    fn existing(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(content) = &self.content else { return Ok(None) };
        if !self.content_base64 {
            return Ok(Some(content.clone().into_bytes()));
        }
        let letters: String = content.split_whitespace().collect();
        let decoded = STANDARD.decode(letters);
        decoded
            .map(Some)
            .map_err(|error| Failure::new(format!("Cannot decode Base64 encoded data: {error}")))
    }

    fn verdict(&self, host: &dyn Host) -> Result<Option<Verdict>, Failure> {
        let Some(pem) = self.existing()? else { return Ok(None) };
        self.terms.judge(host, &pem, self.terms.regenerate).map(Some)
    }

    fn answer(
        &self,
        host: &dyn Host,
        changed: bool,
        pem: Option<&[u8]>,
    ) -> Result<Response, Failure> {
        let mut returned = self.terms.told(host, pem)?;
        if let Some(pem) = pem.filter(|_| changed || self.return_current_key) {
            returned.insert("privatekey".into(), String::from_utf8_lossy(pem).into());
        }
        Ok(Response { changed, returned, ..Response::default() })
    }
}

impl Action for OpensslPrivatekeyPipe {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        self.terms.refuse_what_cannot_be()?;
        let is_kept = self.verdict(host)? == Some(Verdict::Right)
            && self.terms.regenerate != Regenerate::Always;
        Ok(match is_kept {
            true => {
                let existing = self.existing()?;
                Guard::Stay(Box::new(self.answer(host, false, existing.as_deref())?))
            }
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.answer(host, true, None)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let is_converted = self.verdict(host)? == Some(Verdict::Convert);
        let kept = self.existing()?.filter(|_| is_converted);
        let pem = self.terms.make(host, kept)?;
        self.answer(host, true, Some(&pem))
    }
}
