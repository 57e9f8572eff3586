//! The `openssl_csr_info` module of the collection `community.crypto`.

use std::path::PathBuf;

use module::{
    Arguments, Documented, Example, Fact, Failure, Host, Program, Returned, program::HANDED,
};
use protocol::{JsonMap, Response, spec::Support};

use super::{given, request::Request, statement};

/// Reads what a request for a certificate says.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["path", "content"]), mutually_exclusive(["path", "content"]))]
pub struct OpensslCsrInfo {
    /// Its file.
    path: Option<PathBuf>,
    /// The request itself.
    content: Option<String>,
    /// How names of many scripts are told; `unicode` is refused where there are such.
    #[argument(default = "ignore", choices("ignore", "idna", "unicode"))]
    name_encoding: String,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
}

impl Documented for OpensslCsrInfo {
    const NAME: &'static str = "community.crypto.openssl_csr_info";
    const ALIASES: &'static [&'static str] = &["openssl_csr_info"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What is asked for",
        args: r#"{"content": "-----BEGIN CERTIFICATE REQUEST-----\nMIGLMD8CAQAwDDEKMAgGA1UEAwwBYTAqMAUGAytlcAMhAPxvAggJR2oAvXaRiSZrFQJVmIfR6Sau2lL8sHtoVpCQoAAwBQYDK2VwA0EAaiCObFTWEEHbi+3+mi0QYbrtBPmRyr0ApPfTCNkfhAH+cnkvCZN7G+IAAHau/TcyWjxphptvDzGpB0qyltmnAw==\n-----END CERTIFICATE REQUEST-----\n"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("signature_valid", "Whether its key signed it.", "always", "true"),
        Returned::new("subject", "Its subject.", "success", r#"{"commonName": "a"}"#),
        Returned::new("subject_ordered", "The same.", "success", r#"[["commonName", "a"]]"#),
        Returned::new("subject_alt_name", "Further names.", "success", r#"["DNS:a"]"#),
        Returned::new("key_usage", "Uses of the key.", "success", r#"["Digital Signature"]"#),
        Returned::new("extended_key_usage", "Further uses.", "success", r#"["Time Stamping"]"#),
        Returned::new("basic_constraints", "Whether it is an authority's.", "success", "null"),
        Returned::new("name_constraints_permitted", "Names allowed.", "success", "null"),
        Returned::new("name_constraints_excluded", "Names forbidden.", "success", "null"),
        Returned::new("ocsp_must_staple", "Whether answers must come.", "success", "null"),
        Returned::new("extensions_by_oid", "All extensions.", "success", "{}"),
        Returned::new("public_key", "Its key.", "success", r#""-----BEGIN PUBLIC KEY""#),
        Returned::new("public_key_type", "Kind of key.", "success", r#""RSA""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for OpensslCsrInfo {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let path = self.path.as_ref();
        let pem = given(host, path, self.content.as_ref(), "certificate signing request")?;
        let pem = pem.unwrap_or_default();
        let found = Request::parse(&pem);
        let found = found.ok_or_else(|| Failure::new("the request cannot be read"))?;
        let mut map = JsonMap::new();
        statement::put_name(&mut map, "subject", &found.subject);
        statement::put_extensions(&mut map, &found.extensions);
        statement::put_name_constraints(&mut map, &found.extensions);
        statement::put_public_key(&mut map, &found.public);
        statement::refuse_decoding(&self.name_encoding, &map)?;
        let verify = ["req", "-verify", "-noout", "-in", HANDED];
        let output = host.query(&Program::new("openssl").args(verify).handed(pem))?;
        // Its status tells only that the request could be read.
        let is_valid = output.is_success()
            && (output.stderr_text() + &output.stdout_text()).contains("verify OK");
        map.insert("signature_valid".into(), is_valid.into());
        if !is_valid {
            let failure = Failure::new("CSR signature is invalid!");
            return Err(map.into_iter().fold(failure, |all, (name, value)| all.with(&name, value)));
        }
        Ok(Response { returned: map, ..Response::default() })
    }
}
