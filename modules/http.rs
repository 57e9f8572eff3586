//! An HTTP client for the modules that need one: HTTP/1.1, one request a connection.
//!
//! Start with [`Client`]. It connects through the [`Host`] alone, looks names up with `getent` (a
//! static binary cannot ask libc), and trusts what the host trusts.

mod address;
mod arguments;
mod body;
mod exchange;
mod names;
mod netrc;
mod proxy;
mod tls;

use std::{io::Read, path::PathBuf, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use module::{Failure, Host};

pub use address::{Url, encode_form};
pub use arguments::HttpArguments;
pub use body::Outgoing;
use body::incoming;

/// How many times one request may be sent on.
const REDIRECTS_MAX: u32 = 10;

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    None,
    /// Those of GET and HEAD.
    Safe,
    All,
}

/// How requests are made.
pub struct Client<'a> {
    pub host: &'a dyn Host,
    pub arguments: &'a HttpArguments,
    /// For connecting, and for each read and write.
    pub timeout: Duration,
    pub follow: Follow,
    /// A socket of the file system to connect to instead of the URL's host.
    pub unix_socket: Option<PathBuf>,
    /// Certificates to trust instead of the host's.
    pub ca_path: Option<PathBuf>,
}

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: String,
    pub url: String,
    /// Over the headers that the client makes itself.
    pub headers: Vec<(String, String)>,
    pub body: Option<Outgoing>,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    /// What the server calls that status.
    pub reason: String,
    pub headers: Vec<(String, String)>,
    /// Where it was found in the end.
    pub url: String,
    /// Whether that is elsewhere than it was looked for.
    pub is_redirected: bool,
    /// Names and values that the servers on the way wanted to be kept.
    pub cookies: Vec<(String, String)>,
    /// What it holds, decompressed.
    pub content: Box<dyn Read>,
}

impl Answer {
    /// The values of a header, joined.
    pub fn header(&self, name: &str) -> Option<String> {
        find_header(&self.headers, name)
    }

    /// `OK (6 bytes)`, or what the server said of a failure.
    pub fn message(&self) -> String {
        if self.status < 300 {
            let size = self.header("content-length").unwrap_or_else(|| "unknown".into());
            format!("OK ({size} bytes)")
        } else {
            format!("HTTP Error {}: {}", self.status, self.reason)
        }
    }
}

/// The values of a header among others, joined with commas.
fn find_header(headers: &[(String, String)], name: &str) -> Option<String> {
    let values: Vec<&str> = headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
        .collect();
    (!values.is_empty()).then(|| values.join(", "))
}

/// Replaces a header, or adds it.
fn set_header(headers: &mut Vec<(String, String)>, name: &str, value: impl Into<String>) {
    headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    headers.push((name.into(), value.into()));
}

impl Client<'_> {
    /// Makes a request and follows it to where it ends. An answer of any status is an answer.
    ///
    /// # Errors
    /// A URL that cannot be read, a server that cannot be reached or trusted, an answer that is no
    /// HTTP.
    pub fn send(&self, request: &Request) -> Result<Answer, Failure> {
        let mut url = Url::parse(&request.url)?;
        let mut method = request.method.clone();
        let mut body = request.body.clone();
        let mut headers = self.headers(request)?;
        let mut credentials = self.credentials(&url)?;
        let mut authorizes = self.arguments.force_basic_auth;
        let mut cookies: Vec<(String, String)> = Vec::new();
        let mut redirects = 0;
        loop {
            let mut sent = headers.clone();
            if let (true, Some((user, password))) = (authorizes, &credentials) {
                let word = STANDARD.encode(format!("{user}:{password}"));
                set_header(&mut sent, "Authorization", format!("Basic {word}"));
            }
            if !cookies.is_empty() {
                let pairs: Vec<String> =
                    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
                set_header(&mut sent, "Cookie", pairs.join("; "));
            }
            let (head, stream) = exchange::exchange(self, &url, &method, &sent, body.as_ref())?;
            for (name, value) in &head.headers {
                if name.eq_ignore_ascii_case("set-cookie")
                    && let Some((name, value)) =
                        value.split(';').next().and_then(|one| one.split_once('='))
                {
                    cookies.retain(|(known, _)| known != name.trim());
                    cookies.push((name.trim().into(), value.trim().into()));
                }
            }
            if head.status == 401 && !authorizes && credentials.is_some() {
                let asks = find_header(&head.headers, "www-authenticate").unwrap_or_default();
                if asks.to_ascii_lowercase().contains("basic") {
                    authorizes = true;
                    continue;
                }
            }
            let location = find_header(&head.headers, "location");
            let location = location.filter(|_| matches!(head.status, 301 | 302 | 303 | 307 | 308));
            let is_safe = matches!(method.as_str(), "GET" | "HEAD");
            let follows = self.follow == Follow::All || (self.follow == Follow::Safe && is_safe);
            let (Some(location), true) = (&location, follows) else {
                let mut headers = head.headers.clone();
                if let Some(location) = location {
                    set_header(&mut headers, "location", url.join(&location)?.text());
                }
                let content = incoming(stream, &head, &method, self.arguments.decompress)?;
                return Ok(Answer {
                    status: head.status,
                    reason: head.reason,
                    headers,
                    url: if redirects > 0 { url.text() } else { request.url.clone() },
                    is_redirected: redirects > 0,
                    cookies,
                    content,
                });
            };
            redirects += 1;
            if redirects > REDIRECTS_MAX {
                return Err(Failure::new(format!(
                    "Request failed: {} was redirected more than {REDIRECTS_MAX} times",
                    request.url
                )));
            }
            let next = url.join(location)?;
            if next.host != url.host || next.port != url.port {
                // Who is trusted with a password is not asked to name others.
                credentials = None;
                cookies.clear();
                headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
            }
            if !matches!(head.status, 307 | 308) && !is_safe {
                method = "GET".into();
                body = None;
                headers.retain(|(name, _)| !name.to_ascii_lowercase().starts_with("content-"));
            }
            let unredirected = self.arguments.unredirected_headers.as_deref().unwrap_or_default();
            headers
                .retain(|(name, _)| !unredirected.iter().any(|one| one.eq_ignore_ascii_case(name)));
            url = next;
        }
    }

    fn headers(&self, request: &Request) -> Result<Vec<(String, String)>, Failure> {
        let mut headers: Vec<(String, String)> = vec![
            ("Accept-Encoding".into(), "identity".into()),
            ("User-Agent".into(), self.arguments.http_agent.clone()),
        ];
        if self.arguments.force {
            set_header(&mut headers, "Cache-Control", "no-cache");
        }
        let given = self.arguments.given_headers();
        for (name, value) in request.headers.iter().chain(&given) {
            let is_plain =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_plain) || value.contains(['\r', '\n', '\0'])
            {
                return Err(Failure::new(format!(
                    "{name:?} with that value cannot be a header of HTTP"
                )));
            }
            set_header(&mut headers, name, value.clone());
        }
        Ok(headers)
    }

    /// User and password: of the task, of the URL, of the user's `.netrc`.
    fn credentials(&self, url: &Url) -> Result<Option<(String, String)>, Failure> {
        if let Some(user) = &self.arguments.url_username {
            let password = self.arguments.url_password.clone().unwrap_or_default();
            return Ok(Some((user.clone(), password)));
        }
        if let Some(found) = &url.user {
            return Ok(Some(found.clone()));
        }
        if self.arguments.use_netrc { netrc::find(self.host, &url.host) } else { Ok(None) }
    }
}
