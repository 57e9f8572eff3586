//! The `uri` module.

mod form;

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, FileArguments, Guard, Host, Mode,
    Returned, Source,
    content::{Algorithm, file_digest},
    file_arguments::path_info,
    glob,
};
use protocol::{Json, JsonMap, Response, coerce::python_json, python, spec::Support};

use crate::{
    download::{Downloaded, dress, http_date, place, temporary_folder},
    http::{Answer, Client, Follow, HttpArguments, Outgoing, Request, Url},
};

/// The status where no answer came.
const NO_ANSWER: i32 = -1;

/// The bytes of an answer that are returned at most.
const CONTENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Asks a web service.
///
/// It fails where the status is none of `status_code`. A request may change anything on the other
/// side, which this module knows nothing of: `changed` is about `dest` alone. A check run asks
/// nothing.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["body", "src"]))]
pub struct Uri {
    #[argument(flatten)]
    http: HttpArguments,
    /// What is asked for.
    #[argument(default = "GET")]
    method: String,
    /// What is sent: a text, or data that `body_format` makes a text of.
    body: Option<Json>,
    /// How data becomes a text. It gives the header `Content-Type` as well.
    #[argument(default = "raw")]
    body_format: BodyFormat,
    /// A file that is sent: of the controller, or of the host with `remote_src`.
    src: Option<PathBuf>,
    /// Whether `src`, and files of a form, are on the host.
    #[argument(default = false)]
    remote_src: bool,
    /// Where the answer is put, if not only returned; in a folder, under the name in the URL.
    dest: Option<PathBuf>,
    /// Whether what the answer holds is returned as `content`.
    #[argument(default = false)]
    return_content: bool,
    /// Which redirects are followed: `safe` are those of GET and HEAD.
    #[argument(default = "safe")]
    follow_redirects: FollowRedirects,
    /// Nothing is asked where a file fits this path or pattern.
    creates: Option<PathBuf>,
    /// Nothing is asked where no file fits this path or pattern.
    removes: Option<PathBuf>,
    /// What counts as success; -1 is no answer at all.
    #[argument(default = [200])]
    status_code: Vec<i32>,
    /// Seconds to wait for the server.
    #[argument(default = 30)]
    timeout: u64,
    /// Socket of the host that is connected to, whatever host the URL names.
    unix_socket: Option<PathBuf>,
    /// File with certificates that are trusted instead of the host's.
    ca_path: Option<PathBuf>,
    #[argument(flatten)]
    file: FileArguments,
    #[argument(internal)]
    source: Option<Source>,
    /// The controller's files of a form, by field.
    #[argument(internal)]
    files: Option<BTreeMap<String, Source>>,
}

/// How data becomes a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum BodyFormat {
    #[choice("form-urlencoded")]
    FormUrlencoded,
    #[choice("json")]
    Json,
    #[choice("raw")]
    Raw,
    #[choice("form-multipart")]
    FormMultipart,
}

/// Which redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum FollowRedirects {
    #[choice("all", "yes", "urllib2")]
    All,
    #[choice("none", "no")]
    None,
    #[choice("safe")]
    Safe,
}

impl Documented for Uri {
    const NAME: &'static str = "ansible.builtin.uri";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Whether a service answers",
            args: r#"{"url": "http://192.0.2.1/health", "return_content": true}"#,
        },
        Example {
            title: "An order as JSON",
            args: r#"{"url": "https://192.0.2.1/api/things", "method": "POST", "body": {"name": "x"}, "body_format": "json", "status_code": [200, 201], "headers": {"Authorization": "Bearer x"}}"#,
        },
        Example {
            title: "A daemon that listens on a socket",
            args: r#"{"url": "http://docker/version", "unix_socket": "/run/docker.sock"}"#,
        },
        Example {
            title: "Only as long as there is no result",
            args: r#"{"url": "http://192.0.2.1/setup", "method": "PUT", "creates": "/etc/hosts"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("status", "Status of the answer; -1 where there was none.", "always", "200"),
        Returned::new(
            "url",
            "Where the answer came from.",
            "always",
            r#""http://192.0.2.1/health""#,
        ),
        Returned::new(
            "redirected",
            "Whether that is elsewhere than it was asked for.",
            "always",
            "false",
        ),
        Returned::new("elapsed", "Seconds that it took.", "always", "0"),
        Returned::new("content", "What the answer holds.", "with return_content", r#""ok""#),
        Returned::new("json", "The same as data.", "where it is JSON", r#"{"up": true}"#),
        Returned::new("cookies", "What the server wants to be kept.", "success", "{}"),
        Returned::new("cookies_string", "The same as a header.", "success", r#""""#),
        Returned::new("path", "Where the answer was put.", "with dest", r#""/tmp/health""#),
        Returned::new(
            "content_type",
            "Each header, with small letters and underscores.",
            "where the server sends it",
            r#""text/plain""#,
        ),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

impl Action for Uri {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let method = &self.method;
        if method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(Failure::new(
                "Parameter 'method' needs to be a single word in uppercase, like GET or POST.",
            ));
        }
        self.http.refuse_what_cannot_be()?;
        for (pattern, stays_if_there, what) in
            [(&self.creates, true, "exists"), (&self.removes, false, "does not exist")]
        {
            let Some(pattern) = pattern else { continue };
            let pattern = pattern.display().to_string();
            if glob::find(host, &pattern)?.is_empty() != stays_if_there {
                let mut returned = JsonMap::new();
                let stdout = format!("skipped, since '{pattern}' {what}");
                returned.insert("stdout".into(), stdout.into());
                return Ok(Guard::Stay(Box::new(Response { returned, ..Response::default() })));
            }
        }
        Ok(Guard::Go)
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response {
            skipped: true,
            msg: Some(format!("remote module ({}) does not support check mode", Self::NAME)),
            ..Response::default()
        })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let request = self.request(host)?;
        let start = host.now();
        let client = Client {
            host,
            arguments: &self.http,
            timeout: Duration::from_secs(self.timeout.max(1)),
            follow: match self.follow_redirects {
                FollowRedirects::All => Follow::All,
                FollowRedirects::None => Follow::None,
                FollowRedirects::Safe => Follow::Safe,
            },
            unix_socket: self.unix_socket.clone(),
            ca_path: self.ca_path.clone(),
        };
        let answer = client.send(&request);
        let elapsed = host.now().duration_since(start).unwrap_or_default().as_secs();
        if let (Err(why), true) = (&answer, self.status_code.contains(&NO_ANSWER)) {
            let mut returned = JsonMap::new();
            returned.insert("status".into(), NO_ANSWER.into());
            returned.insert("url".into(), self.http.url.clone().into());
            returned.insert("elapsed".into(), elapsed.into());
            returned.insert("redirected".into(), false.into());
            if self.return_content {
                returned.insert("content".into(), "".into());
            }
            let msg = Some(why.msg.clone());
            return Ok(Response { msg, returned, ..Response::default() });
        }
        let answer = answer.map_err(|why| {
            let allowed = python::text(&Json::from(self.status_code.clone()));
            Failure::new(format!("Status code was -1 and not {allowed}: {}", why.msg))
                .with("status", NO_ANSWER)
                .with("url", self.http.url.clone())
                .with("elapsed", elapsed)
                .with("redirected", false)
        });
        let mut answer = answer.map_err(|failure| match self.return_content {
            true => failure.with("content", ""),
            false => failure,
        })?;
        let mut returned = returned_of(&answer);
        returned.insert("elapsed".into(), elapsed.into());
        let is_wanted = self.status_code.contains(&answer.status.into());
        let path = self.path(host, &answer)?;
        let mut changed = false;
        let mut bytes = Vec::new();
        if let (Some(path), true) = (&path, is_wanted && answer.status != 304) {
            changed = self.keep(host, &mut *answer.content, path)?;
            if self.return_content || is_json(&answer) {
                bytes = host.read(path)?.unwrap_or_default();
            }
        } else {
            (&mut *answer.content).take(CONTENT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(
                |why| {
                    Failure::new(format!(
                        "Request failed: the answer could not be read to its end: {why}"
                    ))
                },
            )?;
        }
        if let Some(path) = &path {
            if host.metadata(path)?.is_some() {
                changed |= dress(host, &self.file, path)?;
                returned.extend(path_info(host, path)?);
            }
            returned.insert("path".into(), path.display().to_string().into());
        }
        let mut warnings = Vec::new();
        if bytes.len() as u64 > CONTENT_BYTES_MAX {
            bytes.truncate(usize::try_from(CONTENT_BYTES_MAX).unwrap_or(usize::MAX));
            warnings.push(format!(
                "the answer is longer than {CONTENT_BYTES_MAX} bytes, the rest is dropped; use dest"
            ));
        }
        if is_json(&answer)
            && let Ok(data) = serde_json::from_slice::<Json>(&bytes)
        {
            returned.insert("json".into(), data);
        }
        if self.return_content {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            returned.insert("content".into(), text.into());
        }
        let mut msg = answer.message();
        if !is_wanted {
            let allowed = python::text(&Json::from(self.status_code.clone()));
            msg = format!("Status code was {} and not {allowed}: {msg}", answer.status);
        }
        Ok(Response {
            changed,
            failed: !is_wanted,
            msg: Some(msg),
            returned,
            warnings,
            ..Response::default()
        })
    }
}

/// What is returned of every answer.
fn returned_of(answer: &Answer) -> JsonMap {
    let mut map = JsonMap::new();
    for (name, _) in &answer.headers {
        let key = name.to_lowercase().replace('-', "_");
        if let Some(values) = answer.header(name) {
            map.insert(key, values.into());
        }
    }
    if answer.status < 300 {
        let cookies: JsonMap = answer
            .cookies
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect();
        let pairs: Vec<String> =
            answer.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        map.insert("cookies".into(), cookies.into());
        map.insert("cookies_string".into(), pairs.join("; ").into());
    }
    map.insert("status".into(), answer.status.into());
    map.insert("url".into(), answer.url.clone().into());
    map.insert("redirected".into(), answer.is_redirected.into());
    map
}

fn is_json(answer: &Answer) -> bool {
    let header = answer.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = header.split(';').next().unwrap_or_default().trim();
    match kind.split_once('/') {
        Some(("application" | "text", kind)) => {
            matches!(kind, "json" | "javascript" | "x-json") || kind.ends_with("+json")
        }
        _ => false,
    }
}

impl Uri {
    fn request(&self, host: &dyn Host) -> Result<Request, Failure> {
        let mut headers = Vec::new();
        let mut put = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if let Some(dest) = &self.dest
            && !self.http.force
            && let Some(there) = host.metadata(dest)?.filter(module::Metadata::is_file)
        {
            put("If-Modified-Since", &http_date(UNIX_EPOCH + there.modified));
        }
        let body = self.outgoing(host, &mut put)?;
        Ok(Request {
            method: self.method.to_uppercase(),
            url: self.http.url.clone(),
            headers,
            body,
        })
    }

    fn outgoing(
        &self,
        host: &dyn Host,
        put: &mut dyn FnMut(&str, &str),
    ) -> Result<Option<Outgoing>, Failure> {
        const FORM: &str = "application/x-www-form-urlencoded";
        if let Some(src) = &self.src {
            put("Content-Type", FORM);
            return match (&self.source, self.remote_src) {
                (_, true) => Ok(Some(Outgoing::File(src.clone()))),
                (Some(source), false) => Ok(Some(Outgoing::Controller(source.clone()))),
                (None, false) => Err(Failure::new(format!(
                    "the controller did not send {}; with remote_src, the file is that of the host",
                    src.display()
                ))),
            };
        }
        let Some(body) = self.body.as_ref().filter(|body| !body.is_null()) else { return Ok(None) };
        let bytes = match self.body_format {
            BodyFormat::Json => {
                put("Content-Type", "application/json");
                match body {
                    Json::String(text) => text.clone(),
                    data => python_json(data),
                }
                .into_bytes()
            }
            BodyFormat::FormUrlencoded => {
                put("Content-Type", FORM);
                form::encode(body)?.into_bytes()
            }
            BodyFormat::FormMultipart => {
                let sent = (!self.remote_src).then(|| self.files.clone().unwrap_or_default());
                let (kind, bytes) = form::multipart(body, host, sent.as_ref())?;
                put("Content-Type", &kind);
                bytes
            }
            BodyFormat::Raw => {
                put("Content-Type", FORM);
                python::text(body).into_bytes()
            }
        };
        Ok(Some(Outgoing::Bytes(bytes)))
    }

    /// Where the answer goes.
    fn path(&self, host: &dyn Host, answer: &Answer) -> Result<Option<PathBuf>, Failure> {
        let Some(dest) = &self.dest else { return Ok(None) };
        if host.metadata(dest)?.is_some_and(|found| found.is_dir()) {
            let name = Url::parse(&answer.url)?.file_name();
            let name = if name.is_empty() { "index.html".to_owned() } else { name };
            return Ok(Some(dest.join(name)));
        }
        Ok(Some(dest.clone()))
    }

    fn keep(
        &self,
        host: &mut dyn Host,
        content: &mut dyn Read,
        path: &Path,
    ) -> Result<bool, Failure> {
        let folder = temporary_folder(host, None)?;
        let downloaded = Downloaded::receive(host, &folder, content)?;
        let kept = (|| {
            let new = file_digest(host, Algorithm::Sha1, &downloaded.path)?;
            if new == file_digest(host, Algorithm::Sha1, path)? {
                return Ok(false);
            }
            if let Some(mut content) = host.open(&downloaded.path)? {
                place(host, &self.file, path, &mut *content)?;
            }
            Ok(true)
        })();
        downloaded.discard(host);
        kept
    }
}

#[cfg(test)]
mod tests;
