//! What templates may ask of the controller that other rooms know: ciphers and servers.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use module::{
    FileMode, Mode,
    machine::{Cancellation, Courier, Machine},
};
use protocol::{Digest, Json, JsonMap, arguments};
use template::surroundings::{Fetch, VaultCipher};

/// ansible-vault's cipher for the filters `vault` and `unvault`.
pub struct Ciphers;

impl VaultCipher for Ciphers {
    fn encrypt(
        &self,
        plain: &[u8],
        password: &[u8],
        id: Option<&str>,
        salt: Option<&[u8]>,
    ) -> Result<String, String> {
        match salt {
            Some(salt) => Ok(vault::encrypt_with_salt(plain, password, id, salt)),
            None => vault::encrypt(plain, password, id).map_err(|error| error.to_string()),
        }
    }

    fn decrypt(&self, text: &str, password: &[u8]) -> Result<Vec<u8>, String> {
        let envelope = vault::Envelope::parse(text).map_err(|error| error.to_string())?;
        envelope.decrypt(password).map_err(|error| error.to_string())
    }
}

/// The controller sends itself no files, and has its companion in a folder.
struct OwnCompanion(PathBuf);

impl Courier for OwnCompanion {
    fn companion(&self, _: &str) -> io::Result<PathBuf> {
        crate::embedded::place_companion(&self.0)
    }

    fn fetch(&self, _: &Digest) -> io::Result<Box<dyn Read>> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn send(&self, _: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }
}

/// Where this program keeps what it can make again.
fn cache_folder(environment: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| environment.get(name).filter(|value| value.starts_with('/'));
    let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| set("HOME").map(|home| Path::new(home).join(".cache")));
    cache.unwrap_or_else(std::env::temp_dir).join("trueup")
}

/// What a server is asked.
pub struct Question<'a> {
    pub url: &'a str,
    /// Sent to this server alone, not to where it leads.
    pub headers: Vec<(&'static str, String)>,
    pub validate_certs: bool,
    pub timeout_secs: u64,
    /// A form that is sent; without one, the server is asked by GET.
    pub form: Option<Vec<(String, String)>>,
}

impl<'a> Question<'a> {
    /// A question that nothing more is said of.
    pub fn plain(url: &'a str) -> Self {
        const TIMEOUT_SECS: u64 = 60;
        let headers = Vec::new();
        Self { url, headers, validate_certs: true, timeout_secs: TIMEOUT_SECS, form: None }
    }

    /// The arguments that modules take of it.
    fn arguments(&self) -> JsonMap {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        let headers = self.headers.iter().map(|(k, v)| ((*k).to_owned(), Json::from(v.as_str())));
        JsonMap::from_iter([
            ("url".to_owned(), Json::from(self.url)),
            ("http_agent".to_owned(), concat!("trueup/", env!("CARGO_PKG_VERSION")).into()),
            ("headers".to_owned(), Json::Object(headers.collect())),
            ("unredirected_headers".to_owned(), names.into()),
            ("validate_certs".to_owned(), self.validate_certs.into()),
            ("timeout".to_owned(), self.timeout_secs.into()),
        ])
    }
}

/// What a server answered.
pub struct Answer {
    pub status: u16,
    pub content: String,
}

/// Asks a server with the module `uri`, on the controller. Any status is an answer.
///
/// # Errors
/// There is no answer.
pub fn ask(
    environment: &BTreeMap<String, String>,
    question: &Question<'_>,
) -> Result<Answer, String> {
    let mut given = question.arguments();
    given.insert("return_content".into(), Json::Bool(true));
    if let Some(form) = &question.form {
        let pairs = form.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str())));
        given.insert("method".into(), "POST".into());
        given.insert("body_format".into(), "form-urlencoded".into());
        given.insert("body".into(), Json::Object(pairs.collect()));
    }
    let response = on_controller(environment, "uri", &given)?;
    let status = response.returned.get("status").and_then(Json::as_i64);
    match status.and_then(|status| u16::try_from(status).ok()) {
        Some(status) => {
            let content = response.returned.get("content").and_then(Json::as_str);
            Ok(Answer { status, content: content.unwrap_or_default().to_owned() })
        }
        None => Err(response.msg.unwrap_or_else(|| format!("{} does not answer", question.url))),
    }
}

/// Fetches a file from a server with the module `get_url`, on the controller.
///
/// # Errors
/// What the module says; a file whose SHA-256 is not the one that is given.
pub fn download(
    environment: &BTreeMap<String, String>,
    question: &Question<'_>,
    sha256: Option<&str>,
    into: &Path,
) -> Result<(), String> {
    let mut given = question.arguments();
    given.insert("dest".into(), into.display().to_string().into());
    given.insert("force".into(), Json::Bool(true));
    if let Some(sum) = sha256 {
        given.insert("checksum".into(), format!("sha256:{sum}").into());
    }
    let response = on_controller(environment, "get_url", &given)?;
    match response.failed {
        true => {
            Err(response.msg.unwrap_or_else(|| format!("{} could not be fetched", question.url)))
        }
        false => Ok(()),
    }
}

/// Runs a module on the controller.
fn on_controller(
    environment: &BTreeMap<String, String>,
    module: &str,
    given: &JsonMap,
) -> Result<protocol::Response, String> {
    const UMASK: u32 = 0o022;
    let entry =
        modules::CATALOGUE.find(module).ok_or_else(|| format!("there is no module {module}"))?;
    let checked = arguments::check(&(entry.spec)().arguments, module, given);
    let args = checked.map_err(|errors| {
        errors.into_iter().map(|error| error.message).collect::<Vec<_>>().join("; ")
    })?;
    let variables = environment.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    let cancellation = Arc::new(Cancellation::new().map_err(|error| error.to_string())?);
    let courier = OwnCompanion(cache_folder(environment));
    let mut host = Machine::new(variables, FileMode::new(UMASK), cancellation, &courier);
    Ok((entry.run)(&args, Mode { check: false, diff: false }, &mut host))
}

/// Fetches with the module `uri`, on the controller.
pub fn fetch(environment: BTreeMap<String, String>) -> Fetch {
    Arc::new(move |options: &JsonMap| {
        let mut given = options.clone();
        given.insert("return_content".into(), Json::Bool(true));
        // The lookup takes fractions of a second, the module whole ones.
        if let Some(secs) = given.get("timeout").and_then(Json::as_f64) {
            given.insert("timeout".into(), Json::from(secs.ceil() as i64));
        }
        let response = on_controller(&environment, "uri", &given)?;
        if response.failed {
            let url = options.get("url").and_then(Json::as_str).unwrap_or("");
            return Err(format!(
                "Received HTTP error for {url} : {}",
                response.msg.unwrap_or_default()
            ));
        }
        let content = response.returned.get("content").and_then(Json::as_str);
        Ok(content.unwrap_or("").to_owned())
    })
}
