//! What the modules of the collection `community.docker` share: the engine, spoken to over its
//! socket in HTTP and JSON (Docker Engine API, v1.25 and later).

pub mod build;
pub mod command_line;
pub mod compose;
pub mod container;
pub mod exec;
pub mod facts;
pub mod image;
pub mod image_archive;
pub mod image_build;
pub mod image_export;
pub mod image_load;
pub mod image_push;
pub mod image_remove;
pub mod image_tag;
pub mod login;
pub mod network;
pub mod options;
pub mod prune;
pub mod pull;
pub mod reference;
pub mod registry;
pub mod volume;
pub mod words;

use std::{io::Read, path::PathBuf, time::Duration};

use module::{Arguments, Failure, Host, Program};
use protocol::{Json, JsonMap};

use crate::http::{self, Client, Follow, HttpArguments, Outgoing, Request};

/// The bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How the engine is reached.
#[derive(Debug, Arguments)]
pub struct Engine {
    /// Where the engine listens: `unix:///var/run/docker.sock`, `tcp://127.0.0.1:2375`.
    #[argument(default = "unix:///var/run/docker.sock", aliases("docker_url"))]
    docker_host: String,
    /// Version of the engine's language: `auto` is the engine's own.
    #[argument(default = "auto", aliases("docker_api_version"))]
    api_version: String,
    /// Seconds that an answer is waited for.
    #[argument(default = 60)]
    timeout: u64,
    #[argument(flatten)]
    tls: EngineTls,
    /// Whether `ssh` is used for engines elsewhere; not supported.
    #[argument(default = false)]
    use_ssh_client: bool,
    /// Whether what is done is returned as `actions` in any case.
    #[argument(default = false)]
    pub debug: bool,
}

/// How the engine is spoken to in TLS: by Docker's command line alone.
#[derive(Debug, Arguments)]
pub struct EngineTls {
    /// Whether the engine is spoken to in TLS, as modules that go through Docker's program can.
    #[argument(default = false)]
    tls: bool,
    /// Whether the engine must prove who it is.
    #[argument(default = false, aliases("tls_verify"))]
    validate_certs: bool,
    /// The name that it must prove to have; not supported.
    tls_hostname: Option<String>,
    /// File of the authorities that it is trusted by.
    #[argument(aliases("ca_cert", "tls_ca_cert", "cacert_path"))]
    ca_path: Option<PathBuf>,
    /// File of the client's certificate.
    #[argument(aliases("tls_client_cert", "cert_path"))]
    client_cert: Option<PathBuf>,
    /// File of the key to it.
    #[argument(aliases("tls_client_key", "key_path"))]
    client_key: Option<PathBuf>,
}

/// What the engine answered.
pub struct Answer {
    pub status: u16,
    pub body: Json,
}

/// A part of a path or a value of a query, with what URLs keep for themselves written otherwise.
pub fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b':' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

impl Engine {
    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let EngineTls { tls, validate_certs, tls_hostname, ca_path, client_cert, client_key } =
            &self.tls;
        let is_tls = *tls
            || *validate_certs
            || tls_hostname.is_some()
            || [ca_path, client_cert, client_key].into_iter().any(Option::is_some);
        if is_tls {
            return Err(Failure::new("engines that are spoken to in TLS are not supported"));
        }
        if self.use_ssh_client || self.docker_host.starts_with("ssh:") {
            return Err(Failure::new("engines that are reached over SSH are not supported"));
        }
        Ok(())
    }

    /// Asks the engine. The body of its answer is JSON, or a list of all that it streamed.
    ///
    /// # Errors
    /// An engine that cannot be reached, and an answer that cannot be read.
    pub fn ask(
        &self,
        host: &dyn Host,
        method: &str,
        path: &str,
        body: Option<&Json>,
        headers: &[(String, String)],
    ) -> Result<Answer, Failure> {
        let (status, bytes) = self.exchange(host, method, path, body, headers)?;
        Ok(read(status, &bytes))
    }

    /// Docker's program, for the same engine.
    fn command_line(&self) -> Program {
        let program = Program::new("docker").args(["--host", &self.docker_host]);
        match self.api_version.as_str() {
            "auto" => program,
            version => program.variable("DOCKER_API_VERSION", version),
        }
    }

    /// Sends a request; its answer is not read yet.
    fn send(
        &self,
        host: &dyn Host,
        method: &str,
        path: &str,
        body: Option<Outgoing>,
        headers: Vec<(String, String)>,
    ) -> Result<http::Answer, Failure> {
        self.refuse_what_cannot_be()?;
        let (socket, base) = match self.docker_host.split_once("://") {
            Some(("unix" | "http+unix", path)) => {
                (Some(PathBuf::from(path)), "http://docker".to_owned())
            }
            Some(("tcp" | "http", address)) => (None, format!("http://{address}")),
            _ => {
                return Err(Failure::new(format!(
                    "docker_host {:?} is no address of an engine",
                    self.docker_host
                )));
            }
        };
        let version = match self.api_version.as_str() {
            "auto" => String::new(),
            version => format!("/v{version}"),
        };
        let url = format!("{}{version}{path}", base.trim_end_matches('/'));
        let mut arguments = HttpArguments::plain(&url, true);
        arguments.use_proxy = false;
        let client = Client {
            host,
            arguments: &arguments,
            timeout: Duration::from_secs(self.timeout),
            follow: Follow::None,
            unix_socket: socket,
            ca_path: None,
        };
        let request = Request { method: method.to_owned(), url, headers, body };
        client.send(&request).map_err(|failure| {
            Failure::new(format!(
                "Error connecting: Error while fetching server API version: {}",
                failure.msg
            ))
        })
    }

    fn exchange(
        &self,
        host: &dyn Host,
        method: &str,
        path: &str,
        body: Option<&Json>,
        headers: &[(String, String)],
    ) -> Result<(u16, Vec<u8>), Failure> {
        let mut headers = headers.to_vec();
        let body = match body {
            Some(body) => {
                headers.push(("Content-Type".into(), "application/json".into()));
                let bytes =
                    serde_json::to_vec(body).map_err(|why| Failure::new(why.to_string()))?;
                Some(Outgoing::Bytes(bytes))
            }
            None => None,
        };
        let answer = self.send(host, method, path, body, headers)?;
        let status = answer.status;
        let mut bytes = Vec::new();
        answer.content.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok((status, bytes))
    }

    /// Sends a file of the host, as it is.
    ///
    /// # Errors
    /// What the engine says.
    pub fn send_file(&self, host: &dyn Host, path: &str, file: PathBuf) -> Result<Json, Failure> {
        let kind = vec![("Content-Type".into(), "application/x-tar".into())];
        let answer = self.send(host, "POST", path, Some(Outgoing::File(file)), kind)?;
        let status = answer.status;
        let mut bytes = Vec::new();
        answer.content.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
        read(status, &bytes).must_succeed()
    }

    /// Asks for something of any length.
    ///
    /// # Errors
    /// What the engine says.
    pub fn open(&self, host: &dyn Host, path: &str) -> Result<Box<dyn Read>, Failure> {
        let answer = self.send(host, "GET", path, None, Vec::new())?;
        if answer.status < 400 {
            return Ok(answer.content);
        }
        let mut bytes = Vec::new();
        answer.content.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
        Err(read(answer.status, &bytes)
            .must_succeed()
            .err()
            .unwrap_or_else(|| Failure::new("the engine answers with a failure that says nothing")))
    }

    /// Reads what a container has said: plain text of a terminal, or frames of two streams.
    ///
    /// # Errors
    /// What the engine says.
    pub fn text(&self, host: &dyn Host, path: &str) -> Result<String, Failure> {
        let (status, bytes) = self.exchange(host, "GET", path, None, &[])?;
        let answer = read(status, &bytes);
        if status >= 400 {
            answer.must_succeed()?;
        }
        Ok(String::from_utf8_lossy(&unframed(&bytes, |_| true)).into_owned())
    }

    /// Orders something that writes to two streams, or to the one of its terminal.
    ///
    /// # Errors
    /// What the engine says.
    pub fn streams(
        &self,
        host: &dyn Host,
        path: &str,
        body: &Json,
        has_terminal: bool,
    ) -> Result<(String, String), Failure> {
        let (status, bytes) = self.exchange(host, "POST", path, Some(body), &[])?;
        if status >= 400 {
            read(status, &bytes).must_succeed()?;
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if has_terminal {
            return Ok((text(&bytes), String::new()));
        }
        let stdout = unframed(&bytes, |stream| stream != 2);
        let stderr = match stdout == bytes {
            true => Vec::new(),
            false => unframed(&bytes, |stream| stream == 2),
        };
        Ok((text(&stdout), text(&stderr)))
    }

    /// Asks for something that is there or not.
    ///
    /// # Errors
    /// What else the engine says.
    pub fn find(&self, host: &dyn Host, path: &str) -> Result<Option<Json>, Failure> {
        let answer = self.ask(host, "GET", path, None, &[])?;
        match answer.status {
            404 => Ok(None),
            _ => Ok(Some(answer.must_succeed()?)),
        }
    }

    /// Asks for something that must be there.
    ///
    /// # Errors
    /// What the engine says.
    pub fn get(&self, host: &dyn Host, path: &str) -> Result<Json, Failure> {
        self.ask(host, "GET", path, None, &[])?.must_succeed()
    }

    /// Orders something.
    ///
    /// # Errors
    /// What the engine says.
    pub fn post(&self, host: &dyn Host, path: &str, body: &Json) -> Result<Json, Failure> {
        self.ask(host, "POST", path, Some(body), &[])?.must_succeed()
    }

    /// Orders that something goes.
    ///
    /// # Errors
    /// What the engine says.
    pub fn delete(&self, host: &dyn Host, path: &str) -> Result<(), Failure> {
        let answer = self.ask(host, "DELETE", path, None, &[])?;
        if answer.status == 404 {
            return Ok(());
        }
        answer.must_succeed().map(|_| ())
    }
}

/// An answer's body as JSON; several values are a list, and what is no JSON is a text.
fn read(status: u16, bytes: &[u8]) -> Answer {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_slice(bytes).into_iter::<Json>() {
        match value {
            Ok(value) => values.push(value),
            Err(_) => {
                values = vec![Json::String(String::from_utf8_lossy(bytes).into_owned())];
                break;
            }
        }
    }
    let body = match values.len() {
        0 => Json::Null,
        1 => values.swap_remove(0),
        _ => Json::Array(values),
    };
    Answer { status, body }
}

/// What frames of the streams that are meant hold: a byte of the stream, three of nothing, and the
/// length. What is not in frames stays as it is.
fn unframed(bytes: &[u8], is_meant: impl Fn(u8) -> bool) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), bytes);
    while let Some((head, body)) = rest.split_first_chunk::<8>() {
        let [stream, 0, 0, 0, length @ ..] = head else { return bytes.to_vec() };
        let length = u32::from_be_bytes(*length) as usize;
        let Some(part) = body.get(..length).filter(|_| *stream <= 2) else { return bytes.to_vec() };
        if is_meant(*stream) {
            out.extend(part);
        }
        rest = body.get(length..).unwrap_or_default();
    }
    if rest.is_empty() { out } else { bytes.to_vec() }
}

impl Answer {
    /// The body, unless it says why something could not be done.
    ///
    /// # Errors
    /// That.
    pub fn must_succeed(self) -> Result<Json, Failure> {
        if self.status < 400 {
            return Ok(self.body);
        }
        let said = match self.body.get("message").and_then(Json::as_str) {
            Some(message) => message.to_owned(),
            None => self.body.as_str().unwrap_or_default().trim().to_owned(),
        };
        Err(Failure::new(format!("An unexpected Docker error occurred: {} ({said})", self.status)))
    }
}

/// What is inside a value, by one name after the other.
pub fn at<'a>(value: &'a Json, path: &[&str]) -> &'a Json {
    path.iter().fold(value, |value, name| value.get(name).unwrap_or(&Json::Null))
}

/// A dict whose values are texts; what Python would write for booleans and numbers.
///
/// # Errors
/// Labels whose values are neither text nor number: what YAML made of them is not what was meant.
pub fn labels(map: &JsonMap, what: &str) -> Result<JsonMap, Failure> {
    map.iter()
        .map(|(name, value)| match value {
            Json::String(_) => Ok((name.clone(), value.clone())),
            _ => Err(Failure::new(format!(
                "Non-string value found for {what}. Must be a string, got: {name}={value}. Quote it"
            ))),
        })
        .collect()
}

/// The values of a dict as texts, booleans in small letters.
pub fn texts(map: &JsonMap) -> JsonMap {
    map.iter()
        .map(|(name, value)| {
            let text = match value {
                Json::Bool(flag) => flag.to_string(),
                other => protocol::python::text(other),
            };
            (name.clone(), text.into())
        })
        .collect()
}

/// The names by which an image is asked for: repository and tag, of which the latter may be a digest.
pub fn repository_and_tag(name: &str) -> (String, Option<String>) {
    if let Some((repository, digest)) = name.split_once('@') {
        return (repository.to_owned(), Some(digest.to_owned()));
    }
    match name.rsplit_once(':') {
        // A colon before a slash is one of a port.
        Some((repository, tag)) if !tag.contains('/') => {
            (repository.to_owned(), Some(tag.to_owned()))
        }
        _ => (name.to_owned(), None),
    }
}

/// A name of an image as the engine takes it.
pub fn joined(repository: &str, tag: &str) -> String {
    let between = if tag.starts_with("sha256:") { '@' } else { ':' };
    format!("{repository}{between}{tag}")
}

/// Whether it is the ID of an image rather than its name.
pub fn is_image_id(name: &str) -> bool {
    name.strip_prefix("sha256:")
        .is_some_and(|digits| digits.len() == 64 && digits.chars().all(|it| it.is_ascii_hexdigit()))
}

#[cfg(test)]
pub mod fake_compose;
#[cfg(test)]
pub mod fake_engine;
#[cfg(test)]
mod tests;
