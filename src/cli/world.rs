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

/// Fetches a file from a server with the module `get_url`, on the controller.
///
/// # Errors
/// What the module says.
pub fn download(
    environment: &BTreeMap<String, String>,
    url: &str,
    into: &Path,
) -> Result<(), String> {
    let given = JsonMap::from_iter([
        ("url".to_owned(), Json::from(url)),
        ("dest".to_owned(), Json::from(into.display().to_string())),
        ("force".to_owned(), Json::Bool(true)),
    ]);
    let response = on_controller(environment, "get_url", &given)?;
    match response.failed {
        true => Err(response.msg.unwrap_or_else(|| format!("{url} could not be fetched"))),
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
