//! The `rpm_key` module.

use std::{
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Program, Returned};
use protocol::JsonMap;

use crate::{
    download::{Downloaded, temporary_folder},
    http::{Client, Follow, HttpArguments, Request},
    openpgp::{self, Certificate},
    presence::Presence,
    tool,
};

/// How long a server is waited for.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The bytes of a key that are fetched at most.
const KEY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// From this version on, rpm names keys by their fingerprints.
const RPM_OF_FINGERPRINTS: u32 = 6;

/// Keeps a key that rpm trusts packages by, or away.
#[derive(Debug, Arguments)]
pub struct RpmKey {
    /// Where the key is: a file on the host or an address. For a key that should not be there, its
    /// ID or fingerprint will do.
    key: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether the server must prove who it is.
    #[argument(default = true)]
    validate_certs: bool,
    /// Fingerprints that must all be among those of the key.
    fingerprint: Option<Vec<String>>,
}

impl Documented for RpmKey {
    const NAME: &'static str = "ansible.builtin.rpm_key";
    const EXAMPLES: &'static [Example] =
        &[Example { title: "No such key", args: r#"{"key": "DEADB33F", "state": "absent"}"# }];
    const RETURNS: &'static [Returned] = &[];
}

/// A key as the task names it.
struct Named {
    /// ID or fingerprint in capitals.
    digits: String,
    /// What it holds, and the file where it is one on the host.
    content: Option<(Vec<u8>, Option<PathBuf>)>,
}

impl RpmKey {
    fn named(&self, host: &dyn Host) -> Result<Named, Failure> {
        let bare = self.key.replace(' ', "").to_uppercase();
        let bare = bare.strip_prefix("0X").unwrap_or(&bare);
        let digits = bare.bytes().take_while(u8::is_ascii_hexdigit).count();
        let content = if self.key.contains("://") {
            (self.fetch(host)?, None)
        } else if digits >= 8 {
            return Ok(Named { digits: bare.to_owned(), content: None });
        } else {
            let path = Path::new(&self.key);
            match host.metadata(path)? {
                Some(found) if found.is_file() => {
                    (host.read(path)?.unwrap_or_default(), Some(path.to_owned()))
                }
                _ => return Err(Failure::new(format!("Not a valid key {}", self.key))),
            }
        };
        let all = openpgp::parse(&content.0)
            .map_err(|why| Failure::new(format!("Not a public key: {}: {why}", self.key)))?;
        let first = all.first().and_then(|one| one.fingerprints.first());
        let digits =
            first.ok_or_else(|| Failure::new(format!("Not a public key: {}", self.key)))?;
        if let Some(wanted) = &self.fingerprint {
            let known = |wanted: &String| {
                let wanted = wanted.replace(' ', "").to_uppercase();
                all.iter().any(|one| one.fingerprints.contains(&wanted))
            };
            if self.state.is_present() && !wanted.iter().all(known) {
                let found: Vec<&String> = all.iter().flat_map(|one| &one.fingerprints).collect();
                return Err(Failure::new(format!(
                    "The specified fingerprint, '{wanted:?}', does not match any key fingerprints in '{found:?}'"
                )));
            }
        }
        Ok(Named { digits: openpgp::key_id(digits).to_owned(), content: Some(content) })
    }

    fn fetch(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let client = Client {
            host,
            arguments: &HttpArguments::plain(&self.key, self.validate_certs),
            timeout: TIMEOUT,
            follow: Follow::All,
            unix_socket: None,
            ca_path: None,
        };
        let request = Request { method: "GET".into(), url: self.key.clone(), ..Request::default() };
        let answer = client.send(&request)?;
        if answer.status != 200 {
            let why = answer.message();
            return Err(Failure::new(format!(
                "failed to fetch key at {} , error was: {why}",
                self.key
            )));
        }
        let mut bytes = Vec::new();
        answer.content.take(KEY_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The keys that rpm knows.
    fn known(host: &dyn Host) -> Result<Vec<Certificate>, Failure> {
        let query = Program::new("rpm").args(["-q", "gpg-pubkey", "--qf", "%{description}\n"]);
        // It ends badly where there is no key.
        let output = host.query(&query)?;
        if !output.is_success() {
            return Ok(Vec::new());
        }
        openpgp::parse(&output.stdout)
            .map_err(|why| Failure::new(format!("cannot read the keys of rpm: {why}")))
    }
}

impl Module for RpmKey {
    type State = bool;

    fn check(&self, host: &dyn Host) -> Result<Delta<bool>, Failure> {
        let named = self.named(host)?;
        let is_there = Self::known(host)?.iter().any(|one| one.has(&named.digits));
        if self.state.is_present() && !is_there && named.content.is_none() {
            return Err(Failure::new("When importing a key, a valid file must be given"));
        }
        Ok(Delta::new(is_there, self.state.is_present()))
    }

    fn apply(&self, delta: &Delta<bool>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let named = self.named(host)?;
        if delta.desired {
            let Some((bytes, path)) = named.content else { return Ok(JsonMap::new()) };
            let import = |host: &mut dyn Host, path: &Path| {
                tool::run(
                    host,
                    &Program::new("rpm").arg("--import").arg(path.display().to_string()),
                )
            };
            match path {
                Some(path) => {
                    import(host, &path)?;
                }
                None => {
                    let folder = temporary_folder(host, None)?;
                    let fetched = Downloaded::receive(host, &folder, &mut bytes.as_slice())?;
                    let result = import(host, &fetched.path);
                    fetched.discard(host);
                    result?;
                }
            }
            return Ok(JsonMap::new());
        }
        let text = tool::ask(host, &Program::new("rpm").arg("--version"))?;
        let number = text.split_whitespace().last().and_then(|version| version.split('.').next());
        let by_fingerprint =
            number.and_then(|number| number.parse().ok()).unwrap_or(0) >= RPM_OF_FINGERPRINTS;
        for one in Self::known(host)?.iter().filter(|one| one.has(&named.digits)) {
            let Some(fingerprint) = one.fingerprints.first() else { continue };
            if by_fingerprint {
                tool::run(host, &Program::new("rpmkeys").args(["--delete", fingerprint]))?;
            } else {
                let id = openpgp::key_id(fingerprint).to_lowercase();
                let name = format!("gpg-pubkey-{}", id.get(8..).unwrap_or_default());
                tool::run(host, &Program::new("rpm").args(["--erase", "--allmatches", &name]))?;
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<bool>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{
        cases::run,
        fake_programs::put_rpm,
        openpgp::tests::{ARMORED, FINGERPRINT},
    };

    #[test]
    fn keys_are_kept() {
        let id = FINGERPRINT.trim();
        for version in ["4.18.0", "6.0.1"] {
            let mut host = FakeHost::default();
            put_rpm(&mut host, version);
            host.put("/key", ARMORED);
            for (args, changed) in [
                (json!({"key": &id[32..], "state": "absent"}), false),
                (json!({"key": "/key", "fingerprint": [id]}), true),
                (json!({"key": "/key"}), false),
                (json!({"key": format!("0x{}", &id[24..])}), false),
                (json!({"key": "/key", "state": "absent"}), true),
                (json!({"key": "/key"}), true),
                (json!({"key": id.to_lowercase(), "state": "absent"}), true),
            ] {
                let response = run("rpm_key", &args, "", "", Mode::default(), &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, changed),
                    "{args}: {response:?}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (args, words) in [
            (json!({"key": "/nowhere"}), "Not a valid key /nowhere"),
            (json!({"key": "DEADBEEF"}), "When importing a key, a valid file must be given"),
            (json!({"key": "/text"}), "Not a public key: /text"),
            (
                json!({"key": "/key", "fingerprint": ["AB CD"]}),
                "does not match any key fingerprints",
            ),
        ] {
            let mut host = FakeHost::default();
            put_rpm(&mut host, "4.18.0");
            host.put("/key", ARMORED);
            host.put("/text", "hello");
            let response = run("rpm_key", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
