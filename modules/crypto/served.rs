//! The `get_certificate` module of the collection `community.crypto`.

use std::{net::IpAddr, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use module::{Arguments, Documented, Example, Fact, Failure, Host, Program, Returned};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use super::{
    certificate_facts::{Certificate, Moment},
    naming, to_pem,
};

/// Names of extensions, as OpenSSL has them.
const EXTENSIONS: &[(&str, &str)] = &[
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.18", "issuerAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.31", "crlDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.36", "policyConstraints"),
    ("2.5.29.37", "extendedKeyUsage"),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
    ("1.3.6.1.5.5.7.1.24", "tlsfeature"),
    ("1.3.6.1.4.1.11129.2.4.2", "ct_precert_scts"),
];

/// Reads the certificate that a server shows, by the host's `openssl`.
#[derive(Debug, Arguments)]
pub struct GetCertificate {
    /// The server's name or address.
    host: String,
    /// Its port.
    port: u16,
    /// The name that it is asked for; `host` where it is left out.
    server_name: Option<String>,
    /// File of the authorities that it must be trusted by; any is taken where it is left out.
    ca_cert: Option<PathBuf>,
    /// A proxy on the way.
    proxy_host: Option<String>,
    /// The proxy's port.
    #[argument(default = 8080)]
    proxy_port: u16,
    /// The language that is spoken before TLS begins.
    #[argument(choices("mysql"))]
    starttls: Option<String>,
    /// Seconds that it is waited for.
    #[argument(default = 10)]
    timeout: u64,
    /// Ciphers that are taken, in OpenSSL's words.
    ciphers: Option<Vec<String>>,
    /// Whether extensions are told in base64; they cannot be told otherwise.
    #[argument(default = true)]
    asn1_base64: bool,
    /// Whether all certificates that the server shows are returned.
    #[argument(default = false)]
    get_certificate_chain: bool,
    /// Options of Python's TLS; not supported.
    tls_ctx_options: Option<Vec<Json>>,
    /// Taken and not used: `openssl` does the work.
    #[argument(default = "auto", choices("auto", "cryptography"))]
    #[expect(dead_code, reason = "openssl does the work")]
    select_crypto_backend: String,
}

impl Documented for GetCertificate {
    const NAME: &'static str = "community.crypto.get_certificate";
    const ALIASES: &'static [&'static str] = &["get_certificate"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Until when a server's holds",
        args: r#"{"host": "www.example.com", "port": 443}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("cert", "The certificate.", "success", r#""-----BEGIN CERTIFICATE""#),
        Returned::new("subject", "Its subject.", "success", r#"{"CN": "example.com"}"#),
        Returned::new("issuer", "Who signed it.", "success", r#"{"CN": "An authority"}"#),
        Returned::new("not_before", "From when it holds.", "success", r#""20260101000000Z""#),
        Returned::new("not_after", "Until when it holds.", "success", r#""20360101000000Z""#),
        Returned::new("expired", "Whether that is past.", "success", "false"),
        Returned::new("serial_number", "Its number.", "success", "1"),
        Returned::new(
            "signature_algorithm",
            "How it is signed.",
            "success",
            r#""sha256WithRSAEncryption""#,
        ),
        Returned::new("version", "Its version, from 0 on.", "success", "2"),
        Returned::new(
            "extensions",
            "Its extensions.",
            "success",
            r#"[{"name": "keyUsage", "critical": true, "asn1_data": "AwIFoA=="}]"#,
        ),
        Returned::new("unverified_chain", "All that it shows.", "when asked for", "[]"),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl GetCertificate {
    fn refuse_what_cannot_be(&self, host: &dyn Host) -> Result<(), Failure> {
        if self.tls_ctx_options.as_ref().is_some_and(|all| !all.is_empty()) {
            return Err(Failure::new("tls_ctx_options is not supported: it is of Python's TLS"));
        }
        if !self.asn1_base64 {
            return Err(Failure::new("asn1_base64=false is not supported: bytes are no text"));
        }
        match &self.ca_cert {
            Some(path) if !host.metadata(path)?.is_some_and(|found| found.is_file()) => {
                Err(Failure::new("ca_cert file does not exist"))
            }
            _ => Ok(()),
        }
    }

    fn server(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    fn program(&self) -> Program {
        let mut words =
            vec!["s_client".to_owned(), "-showcerts".into(), "-connect".into(), self.server()];
        let name = self.server_name.as_ref().unwrap_or(&self.host);
        match name.parse::<IpAddr>() {
            Ok(_) => words.push("-noservername".into()),
            Err(_) => words.extend(["-servername".to_owned(), name.clone()]),
        }
        if let Some(path) = &self.ca_cert {
            words.extend(["-CAfile".to_owned(), path.display().to_string()]);
            words.push("-verify_return_error".into());
        }
        if let Some(proxy) = &self.proxy_host {
            words.extend(["-proxy".to_owned(), format!("{proxy}:{}", self.proxy_port)]);
        }
        if let Some(language) = &self.starttls {
            words.extend(["-starttls".to_owned(), language.clone()]);
        }
        if let Some(ciphers) = self.ciphers.as_ref().filter(|all| !all.is_empty()) {
            words.extend(["-cipher".to_owned(), ciphers.join(":")]);
        }
        // It ends with its input.
        let timeout = Duration::from_secs(self.timeout);
        Program::new("openssl").args(words).stdin("").timeout(timeout)
    }

    /// The certificates that the server shows, in PEM.
    fn shown(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let output = host.query(&self.program())?;
        let text = output.stdout_text();
        let blocks: Vec<String> = text
            .split("-----BEGIN CERTIFICATE-----")
            .skip(1)
            .filter_map(|rest| {
                super::from_pem(
                    format!("-----BEGIN CERTIFICATE-----{rest}").as_bytes(),
                    &["CERTIFICATE"],
                )
            })
            .map(|der| String::from_utf8_lossy(&to_pem(&der, "CERTIFICATE")).into_owned())
            .collect();
        let is_refused = self.ca_cert.is_some() && !output.is_success();
        if !blocks.is_empty() && !is_refused {
            return Ok(blocks);
        }
        let said = output.stderr_text();
        let line = |start: &str| said.lines().find(|line| line.contains(start)).map(str::to_owned);
        let why = line("verify error")
            .or_else(|| line("error"))
            .or_else(|| said.lines().find(|line| !line.trim().is_empty()).map(str::to_owned));
        let why = why.unwrap_or_else(|| "it shows no certificate".into());
        let (server, port) = (&self.host, self.port);
        Err(Failure::new(format!("Failed to get cert from {server}:{port}, error: {why}")))
    }
}

impl Fact for GetCertificate {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.refuse_what_cannot_be(host)?;
        let chain = self.shown(host)?;
        let first = chain.first().cloned().unwrap_or_default();
        let found = Certificate::parse(first.as_bytes())
            .ok_or_else(|| Failure::new("the certificate cannot be read"))?;
        let name = |bytes: &[u8]| -> Json {
            let fields = naming::short_fields(bytes).unwrap_or_default();
            Json::Object(fields.into_iter().map(|(name, text)| (name, text.into())).collect())
        };
        let extensions = found.extensions.iter().map(|one| {
            let known = EXTENSIONS.iter().find(|(oid, _)| *oid == one.oid);
            let name = known.map_or(one.oid.as_str(), |(_, name)| name);
            json!({"name": name, "critical": one.is_critical, "asn1_data": STANDARD.encode(&one.value)})
        });
        let mut map = JsonMap::from_iter([
            ("cert".to_owned(), first.into()),
            ("subject".to_owned(), name(&found.subject)),
            ("issuer".to_owned(), name(&found.issuer)),
            ("not_before".to_owned(), found.not_before.text().into()),
            ("not_after".to_owned(), found.not_after.text().into()),
            ("expired".to_owned(), (found.not_after < Moment::of_time(host.now())).into()),
            ("serial_number".to_owned(), found.serial_number()),
            ("signature_algorithm".to_owned(), found.signature_algorithm().into()),
            ("version".to_owned(), found.version().saturating_sub(1).into()),
            ("extensions".to_owned(), extensions.collect::<Vec<Json>>().into()),
        ]);
        if self.get_certificate_chain {
            map.insert("unverified_chain".into(), chain.into());
        }
        Ok(Response { returned: map, ..Response::default() })
    }
}
