//! The `apt_key` module.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use module::{
    Arguments, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement, Returned,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::{
    http::{Client, Follow, HttpArguments, Request},
    openpgp::{self, Certificate, key_id},
    presence::Presence,
};

/// Where apt keeps keys that count for all sources.
const TRUSTED: &str = "/etc/apt/trusted.gpg";
const TRUSTED_FOLDER: &str = "/etc/apt/trusted.gpg.d";

/// How long a server is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The bytes of a key that are fetched at most.
const KEY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The port at which servers of keys are asked.
const HKP_PORT: u16 = 11371;

/// Keeps a key that apt trusts for all sources, or away.
///
/// Keyrings are read and written here, without the program `apt-key`, which newer systems do not
/// have. Keys that count for one source alone are better kept with `deb822_repository`.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["data", "file", "keyserver", "url"]))]
pub struct AptKey {
    /// ID or fingerprint of the key; found in the key itself where it is left out.
    id: Option<String>,
    /// The key itself.
    data: Option<String>,
    /// A file on the host that holds it.
    file: Option<PathBuf>,
    /// The keyring; `/etc/apt/trusted.gpg` where it is left out.
    keyring: Option<PathBuf>,
    /// Where it is fetched from.
    url: Option<String>,
    /// A server of keys that it is fetched from, by its `id`.
    keyserver: Option<String>,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether the server must prove who it is.
    #[argument(default = true)]
    validate_certs: bool,
}

impl Documented for AptKey {
    const NAME: &'static str = "ansible.builtin.apt_key";
    const EXAMPLES: &'static [Example] = &[Example {
        title: "No such key",
        args: r#"{"id": "9FED2BCBDCD29CDF762678CBAED4B06F473041FA", "state": "absent"}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("id", "The key as the task names it.", "always", r#""473041FA""#),
        Returned::new("key_id", "The same in capitals.", "always", r#""473041FA""#),
        Returned::new("fp", "Its last 16 digits.", "always", r#""AED4B06F473041FA""#),
        Returned::new("short_id", "Its last 8 digits.", "always", r#""473041FA""#),
        Returned::new("before", "Keys that were there.", "always", r#"["AED4B06F473041FA"]"#),
        Returned::new("after", "Keys that are there now.", "changed", "[]"),
    ];
}

/// Whether the key is there, and what else is.
#[derive(Clone, Debug, Serialize)]
pub struct Keys {
    is_there: bool,
    #[serde(skip)]
    all: Vec<String>,
    #[serde(skip)]
    wanted: Wanted,
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.is_there == other.is_there
    }
}

/// Which key is meant.
#[derive(Clone, Debug, Default)]
struct Wanted {
    given: String,
    digits: String,
}

impl Wanted {
    fn parse(given: &str) -> Option<Self> {
        let digits = given.to_uppercase().replace(' ', "");
        let digits = digits.strip_prefix("0X").unwrap_or(&digits).to_owned();
        let fits =
            matches!(digits.len(), 8 | 16..) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self { given: given.to_owned(), digits })
    }

    fn last(&self, count: usize) -> &str {
        self.digits.get(self.digits.len().saturating_sub(count)..).unwrap_or_default()
    }

    fn is_of(&self, certificate: &Certificate) -> bool {
        certificate.has(self.last(16))
    }
}

impl AptKey {
    /// The files that hold keys and what is in them.
    fn read(&self, host: &dyn Host) -> Result<BTreeMap<PathBuf, Vec<Certificate>>, Failure> {
        let paths = match &self.keyring {
            Some(path) => vec![path.clone()],
            None => {
                let mut paths = vec![PathBuf::from(TRUSTED)];
                for end in ["gpg", "asc"] {
                    paths.extend(module::glob::find(host, &format!("{TRUSTED_FOLDER}/*.{end}"))?);
                }
                paths
            }
        };
        let mut all = BTreeMap::new();
        for path in paths {
            let Some(bytes) = host.read(&path)? else { continue };
            let found = openpgp::parse(&bytes).map_err(|why| {
                Failure::new(format!("cannot read the keyring {}: {why}", path.display()))
            })?;
            all.insert(path, found);
        }
        Ok(all)
    }

    /// The key that the task gives, or says where to get.
    fn key(&self, host: &dyn Host) -> Result<Option<Vec<Certificate>>, Failure> {
        let (bytes, origin) = if let Some(data) = &self.data {
            (data.clone().into_bytes(), "inline data".into())
        } else if let Some(path) = &self.file {
            let bytes = host.read(path)?;
            let missing = || {
                Failure::new(format!(
                    "Unable to extract key from '{}': there is no such file",
                    path.display()
                ))
            };
            (bytes.ok_or_else(missing)?, path.display().to_string())
        } else if let Some(url) = &self.url {
            (self.fetch(host, url)?, url.clone())
        } else if let (Some(server), Some(id)) = (&self.keyserver, &self.id) {
            let url = server_address(server, id);
            (self.fetch(host, &url)?, url)
        } else {
            return Ok(None);
        };
        let found = openpgp::parse(&bytes)
            .map_err(|why| Failure::new(format!("Unable to extract key from '{origin}': {why}")))?;
        if found.is_empty() {
            return Err(Failure::new(format!(
                "Unable to extract key from '{origin}': there is none"
            )));
        }
        Ok(Some(found))
    }

    fn fetch(&self, host: &dyn Host, url: &str) -> Result<Vec<u8>, Failure> {
        let client = Client {
            host,
            arguments: &HttpArguments::plain(url, self.validate_certs),
            timeout: TIMEOUT,
            follow: Follow::All,
            unix_socket: None,
            ca_path: None,
        };
        let request = Request { method: "GET".into(), url: url.into(), ..Request::default() };
        let answer = client.send(&request)?;
        if answer.status != 200 {
            let why = answer.message();
            return Err(Failure::new(format!("Failed to download key at {url}: {why}")));
        }
        let mut bytes = Vec::new();
        answer.content.take(KEY_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn wanted(&self, host: &dyn Host) -> Result<Wanted, Failure> {
        let given = match &self.id {
            Some(id) => id.clone(),
            None if self.keyserver.is_some() => {
                return Err(Failure::new("Missing key_id, required with keyserver."));
            }
            None => {
                let found = self.key(host)?.unwrap_or_default();
                let first = found.first().and_then(|one| one.fingerprints.first());
                first.map(|fingerprint| key_id(fingerprint).to_owned()).unwrap_or_default()
            }
        };
        Wanted::parse(&given).ok_or_else(|| Failure::new("Invalid key_id").with("id", given))
    }

    /// What a server gives of the wanted key, for the keyring.
    fn added(&self, host: &dyn Host, wanted: &Wanted) -> Result<Vec<u8>, Failure> {
        let found = self.key(host)?.ok_or_else(|| {
            Failure::new("one of data, file, keyserver and url is needed to add a key")
        })?;
        if !found.iter().any(|one| wanted.is_of(one)) {
            return Err(Failure::new(format!(
                "the key {} is not among those that were given (check that the id is correct)",
                wanted.given
            )));
        }
        Ok(found.into_iter().flat_map(|one| one.bytes).collect())
    }

    fn write(host: &mut dyn Host, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        let is_new = host.link_metadata(path)?.is_none();
        let mode = is_new.then_some(FileMode::new(0o644));
        crate::text_file::make_folders(host, path)?;
        Ok(host.write(path, &mut &*bytes, &Placement { mode, ..Placement::default() })?)
    }
}

/// How a server of keys is asked for one.
fn server_address(server: &str, id: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap_or(("hkp", server));
    let (scheme, port) = match scheme {
        "hkp" => ("http", Some(HKP_PORT)),
        "hkps" => ("https", None),
        other => (other, None),
    };
    let rest = rest.trim_end_matches('/');
    let rest = match port {
        Some(port) if !rest.contains(':') => format!("{rest}:{port}"),
        _ => rest.to_owned(),
    };
    let id = id.trim_start_matches("0x").replace(' ', "");
    format!("{scheme}://{rest}/pks/lookup?op=get&options=mr&search=0x{id}")
}

impl Module for AptKey {
    type State = Keys;

    fn check(&self, host: &dyn Host) -> Result<Delta<Keys>, Failure> {
        let wanted = self.wanted(host)?;
        let certificates: Vec<Certificate> = self.read(host)?.into_values().flatten().collect();
        let all = certificates.iter().flat_map(|one| &one.fingerprints);
        let all: Vec<String> = all.map(|fingerprint| key_id(fingerprint).to_owned()).collect();
        let is_there = certificates.iter().any(|one| wanted.is_of(one));
        let actual = Keys { is_there, all, wanted };
        let desired = Keys { is_there: self.state.is_present(), ..actual.clone() };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Keys>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let wanted = &delta.actual.wanted;
        let mut all = self.read(host)?;
        match self.state {
            Presence::Present => {
                let bytes = self.added(host, wanted)?;
                let path = self.keyring.clone().unwrap_or_else(|| TRUSTED.into());
                let old = all.remove(&path).unwrap_or_default();
                let mut ring: Vec<u8> = old.into_iter().flat_map(|one| one.bytes).collect();
                ring.extend(bytes);
                Self::write(host, &path, &ring)?;
            }
            Presence::Absent => {
                for (path, certificates) in all {
                    if !certificates.iter().any(|one| wanted.is_of(one)) {
                        continue;
                    }
                    let kept = certificates.into_iter().filter(|one| !wanted.is_of(one));
                    let ring: Vec<u8> = kept.flat_map(|one| one.bytes).collect();
                    if ring.is_empty() {
                        host.remove_file(&path)?;
                    } else {
                        Self::write(host, &path, &ring)?;
                    }
                }
            }
        }
        let after = self.check(host)?.actual.all;
        Ok(JsonMap::from_iter([("after".to_owned(), after.into())]))
    }

    fn returned(&self, delta: &Delta<Keys>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let wanted = &delta.actual.wanted;
        Ok(JsonMap::from_iter([
            ("id".to_owned(), wanted.given.clone().into()),
            ("key_id".to_owned(), wanted.digits.clone().into()),
            ("fp".to_owned(), wanted.last(16).into()),
            ("short_id".to_owned(), wanted.last(8).into()),
            ("before".to_owned(), delta.actual.all.clone().into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use super::*;
    use crate::{
        cases::run,
        openpgp::tests::{ARMORED, FINGERPRINT},
    };

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("apt_key", args, "", "", Mode::default(), host)
    }

    #[test]
    fn keys_are_kept() {
        let id = FINGERPRINT.trim();
        let mut host = FakeHost::default();
        host.put("/key", ARMORED);
        for (args, changed) in [
            (json!({"data": ARMORED}), true),
            (json!({"data": ARMORED}), false),
            (json!({"file": "/key", "id": id}), false),
            (json!({"file": "/key", "keyring": "/etc/apt/own.gpg"}), true),
            (json!({"id": format!("0x{}", &id[32..]), "state": "absent"}), true),
            (json!({"id": id, "state": "absent"}), false),
            (
                json!({"id": id.to_lowercase(), "keyring": "/etc/apt/own.gpg", "state": "absent"}),
                true,
            ),
        ] {
            let response = apply(&args, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
        for path in ["/etc/apt/own.gpg", super::TRUSTED] {
            assert_eq!(host.files.text(path), None, "{path}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (args, words) in [
            (json!({"id": "xyz", "state": "absent"}), "Invalid key_id"),
            (json!({"id": "0123456", "state": "absent"}), "Invalid key_id"),
            (json!({"data": "none"}), "Unable to extract key from 'inline data'"),
            (json!({"file": "/nowhere"}), "Unable to extract key from '/nowhere'"),
            (json!({"keyserver": "keys.example.org"}), "Missing key_id"),
            (json!({"id": "0123456789ABCDEF"}), "one of data, file, keyserver and url is needed"),
            (
                json!({"id": "0123456789ABCDEF", "data": ARMORED}),
                "is not among those that were given",
            ),
            (json!({"data": "x", "file": "/x"}), "mutually exclusive"),
        ] {
            let response = apply(&args, &mut FakeHost::default());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }

    #[test]
    fn servers_are_asked_by_hkp() {
        for (server, expected) in [
            (
                "keys.example.org",
                "http://keys.example.org:11371/pks/lookup?op=get&options=mr&search=0xAB",
            ),
            ("hkp://k:80", "http://k:80/pks/lookup?op=get&options=mr&search=0xAB"),
            ("hkps://k", "https://k/pks/lookup?op=get&options=mr&search=0xAB"),
        ] {
            assert_eq!(server_address(server, "0xAB"), expected);
        }
    }
}
