//! The `x509_certificate_pipe` module of the collection `community.crypto`.

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Returned,
};
use protocol::{Response, spec::Support};

use super::signing::{self, Signing, Terms};

/// Makes a certificate and returns it, without a file.
///
/// One that the task has already is returned as it is, unless it fits the key or the request no
/// more. `entrust` is refused.
#[derive(Debug, Arguments)]
pub struct X509CertificatePipe {
    /// The certificate that there is.
    content: Option<String>,
    /// Who signs it.
    provider: Provider,
    /// Whether it is made anew in any case.
    #[argument(default = false)]
    force: bool,
    #[argument(flatten)]
    terms: Terms,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Provider {
    Entrust,
    Ownca,
    Selfsigned,
}

impl Documented for X509CertificatePipe {
    const NAME: &'static str = "community.crypto.x509_certificate_pipe";
    const ALIASES: &'static [&'static str] = &["x509_certificate_pipe"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A certificate of its own",
        args: r#"{"provider": "selfsigned", "privatekey_content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("certificate", "It.", "success", r#""-----BEGIN""#),
        Returned::new("privatekey", "The key's file.", "success", r#""/etc/ssl/web.pem""#),
        Returned::new("csr", "The request's file.", "success", r#""/etc/ssl/web.csr""#),
        Returned::new("notBefore", "From when it holds.", "made", r#""20260101000000Z""#),
        Returned::new("notAfter", "Until when it holds.", "made", r#""20360101000000Z""#),
        Returned::new("serial_number", "Its number.", "made", r#""5a""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl X509CertificatePipe {
    fn signing(&self) -> Signing<'_> {
        let provider = match self.provider {
            Provider::Entrust => signing::Provider::Entrust,
            Provider::Ownca => signing::Provider::Ownca,
            Provider::Selfsigned => signing::Provider::Selfsigned,
        };
        Signing { provider: Some(provider), terms: &self.terms }
    }

    fn answer(&self, changed: bool, pem: Option<String>) -> Response {
        let mut returned = self.terms.files();
        returned.extend(self.signing().told(pem.as_ref().map(String::as_bytes)));
        returned.insert("certificate".into(), pem.into());
        Response { changed, returned, ..Response::default() }
    }
}

impl Action for X509CertificatePipe {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let signing = self.signing();
        signing.refuse_what_cannot_be()?;
        signing.times(host.now())?;
        let fits = match &self.content {
            Some(pem) => signing.fits(host, pem.as_bytes())?,
            None => {
                signing.wanted(host)?;
                false
            }
        };
        Ok(match fits && !self.force {
            true => Guard::Stay(Box::new(self.answer(false, self.content.clone()))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(self.answer(true, self.content.clone()))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let pem = self.signing().make(host)?;
        Ok(self.answer(true, Some(String::from_utf8_lossy(&pem).into_owned())))
    }
}
