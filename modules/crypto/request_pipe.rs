//! The `openssl_csr_pipe` module of the collection `community.crypto`.

use module::{Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Returned};
use protocol::{JsonMap, Response, spec::Support};

use super::{request::Request, wording::Wording};

/// Makes a request for a certificate and returns it, without a file.
///
/// One that the task has already is returned as it is, unless it is for another key or says
/// something else.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["privatekey_path", "privatekey_content"]))]
pub struct OpensslCsrPipe {
    /// The request that there is.
    content: Option<String>,
    #[argument(flatten)]
    wording: Wording,
}

impl Documented for OpensslCsrPipe {
    const NAME: &'static str = "community.crypto.openssl_csr_pipe";
    const ALIASES: &'static [&'static str] = &["openssl_csr_pipe"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A request for a web server",
        args: r#"{"privatekey_content": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "common_name": "example.com"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("csr", "The request.", "success", r#""-----BEGIN""#),
        Returned::new("privatekey", "The key's file.", "success", r#""/etc/ssl/web.pem""#),
        Returned::new("subject", "The subject.", "success", r#"[["CN", "example.com"]]"#),
        Returned::new("subjectAltName", "Further names.", "success", r#"["DNS:example.com"]"#),
        Returned::new("keyUsage", "Uses of the key.", "success", r#"["digitalSignature"]"#),
        Returned::new("extendedKeyUsage", "Further uses.", "success", r#"["clientAuth"]"#),
        Returned::new("basicConstraints", "Whether it is an authority's.", "success", "null"),
        Returned::new("ocsp_must_staple", "Whether answers must come along.", "success", "false"),
        Returned::new("name_constraints_permitted", "Names allowed.", "success", "[]"),
        Returned::new("name_constraints_excluded", "Names forbidden.", "success", "[]"),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl OpensslCsrPipe {
    fn answer(&self, changed: bool, csr: Option<String>) -> Result<Response, Failure> {
        let mut returned: JsonMap = self.wording.told()?;
        returned.insert("csr".into(), csr.into());
        Ok(Response { changed, returned, ..Response::default() })
    }
}

impl Action for OpensslCsrPipe {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let wanted = self.wording.wanted(host)?;
        let found = self.content.as_ref().and_then(|pem| Request::parse(pem.as_bytes()));
        Ok(match found.is_some_and(|found| found.is_same(&wanted)) {
            true => Guard::Stay(Box::new(self.answer(false, self.content.clone())?)),
            false => Guard::Go,
        })
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        self.answer(true, self.content.clone())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let pem = self.wording.make(host)?;
        self.answer(true, Some(String::from_utf8_lossy(&pem).into_owned()))
    }
}
