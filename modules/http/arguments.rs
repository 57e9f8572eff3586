//! The arguments that all modules share that ask web servers.

use std::path::PathBuf;

use module::{Arguments, Failure};
use protocol::{JsonMap, python};

/// How a web server is asked.
#[derive(Debug, Arguments)]
pub struct HttpArguments {
    /// Where it is: `http` or `https`.
    pub url: String,
    /// Whether caches on the way are passed over, and an old file is no reason not to ask for it.
    #[argument(default = false)]
    pub force: bool,
    /// What the client calls itself.
    #[argument(default = "ansible-httpget")]
    pub http_agent: String,
    /// Whether `http_proxy`, `https_proxy` and `no_proxy` of the host's environment count.
    #[argument(default = true)]
    pub use_proxy: bool,
    /// Whether the server must prove who it is. Without it, anyone on the way can answer.
    #[argument(default = true)]
    pub validate_certs: bool,
    /// User for basic authentication.
    #[argument(aliases("username", "user"))]
    pub url_username: Option<String>,
    /// Password for basic authentication.
    #[argument(aliases("password"), no_log)]
    pub url_password: Option<String>,
    /// Whether user and password are sent at once, not only when they are asked for.
    #[argument(default = false)]
    pub force_basic_auth: bool,
    /// File with the certificate that the host shows to the server, and maybe its key.
    pub client_cert: Option<PathBuf>,
    /// File with the key to that certificate.
    pub client_key: Option<PathBuf>,
    /// Whether Kerberos is used. It is not spoken here.
    #[argument(default = false)]
    pub use_gssapi: bool,
    /// Whether `~/.netrc` of the host may give user and password.
    #[argument(default = true)]
    pub use_netrc: bool,
    /// Headers that are not sent on to where the server redirects to.
    pub unredirected_headers: Option<Vec<String>>,
    /// Whether what comes packed with gzip is unpacked.
    #[argument(default = true)]
    pub decompress: bool,
    /// OpenSSL's names of ciphers. There is no OpenSSL here, and no cipher that is not sound.
    pub ciphers: Option<Vec<String>>,
    /// Headers of the request.
    pub headers: Option<JsonMap>,
}

impl HttpArguments {
    /// The arguments of a request that nothing more is said of.
    pub fn plain(url: &str, validate_certs: bool) -> Self {
        Self {
            url: url.into(),
            force: false,
            http_agent: "ansible-httpget".into(),
            use_proxy: true,
            validate_certs,
            url_username: None,
            url_password: None,
            force_basic_auth: false,
            client_cert: None,
            client_key: None,
            use_gssapi: false,
            use_netrc: true,
            unredirected_headers: None,
            decompress: true,
            ciphers: None,
            headers: None,
        }
    }

    /// Refuses what is not spoken here.
    ///
    /// # Errors
    /// Kerberos, and a choice of ciphers.
    pub fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        if self.use_gssapi {
            return Err(Failure::new("use_gssapi is not supported: Kerberos is not spoken here"));
        }
        if self.ciphers.is_some() {
            return Err(Failure::new(
                "ciphers is not supported: only the sound ciphers of TLS 1.2 and 1.3 are spoken, in one order",
            ));
        }
        Ok(())
    }

    /// The headers that the task gives.
    pub fn given_headers(&self) -> Vec<(String, String)> {
        let headers = self.headers.iter().flatten();
        headers.map(|(name, value)| (name.clone(), python::text(value))).collect()
    }
}
