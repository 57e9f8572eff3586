//! The `docker_login` module of the collection `community.docker`.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use module::{
    Action, Arguments, Documented, Example, Failure, FileMode, Guard, Host, Mode, Placement,
    Program, Returned,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use serde_json::json;

use super::Engine;
use crate::{presence::Presence, text_file::make_folders, tool};

/// What only the user may read.
const MODE: FileMode = FileMode::new(0o600);

/// Logs in to a registry of images, and keeps who did for Docker's client; or forgets that.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["username", "password"])))]
pub struct DockerLogin {
    /// The registry.
    #[argument(default = "https://index.docker.io/v1/", aliases("registry", "url"))]
    registry_url: String,
    /// Who logs in.
    username: Option<String>,
    /// With which password or token.
    #[argument(no_log)]
    password: Option<String>,
    /// Whether one logs in where that is kept already.
    #[argument(default = false, aliases("reauth"))]
    reauthorize: bool,
    /// The configuration of Docker's client.
    #[argument(default = "~/.docker/config.json", kind = "path", aliases("dockercfg_path"))]
    config_path: PathBuf,
    /// Whether one is logged in.
    #[argument(default = "present")]
    state: Presence,
    #[argument(flatten)]
    engine: Engine,
}

impl Documented for DockerLogin {
    const NAME: &'static str = "community.docker.docker_login";
    const ALIASES: &'static [&'static str] = &["docker_login"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A registry of one's own",
            args: r#"{"registry_url": "registry.example", "username": "me", "password": "secret", "config_path": "/etc/docker.json"}"#,
        },
        Example {
            title: "No more",
            args: r#"{"registry_url": "registry.example", "state": "absent", "config_path": "/etc/docker.json"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "login_result",
        "What the registry says.",
        "with state=present",
        r#"{"Status": "Login Succeeded"}"#,
    )];
    const DIFF_MODE: Support = Support::None;
}

/// Where logins are kept.
enum Store {
    /// In the configuration itself.
    File,
    /// By `docker-credential-…`.
    Helper(String),
}

impl DockerLogin {
    fn read(&self, host: &dyn Host) -> Result<JsonMap, Failure> {
        let Some(bytes) = host.read(&self.config_path)? else { return Ok(JsonMap::new()) };
        // A configuration that is none is replaced, as Docker's client does.
        match serde_json::from_slice(&bytes) {
            Ok(Json::Object(map)) => Ok(map),
            _ if bytes.iter().all(u8::is_ascii_whitespace) => Ok(JsonMap::new()),
            _ => Err(Failure::new(format!(
                "{} is no configuration of Docker's client",
                self.config_path.display()
            ))),
        }
    }

    fn store(&self, config: &JsonMap) -> Store {
        let helpers = config.get("credHelpers").and_then(|all| all.get(&self.registry_url));
        let name = helpers.or(config.get("credsStore")).and_then(Json::as_str);
        match name.filter(|name| !name.is_empty()) {
            Some(name) => Store::Helper(format!("docker-credential-{name}")),
            None => Store::File,
        }
    }

    /// Who is logged in, and how.
    fn kept(&self, host: &dyn Host, config: &JsonMap) -> Result<Option<(String, String)>, Failure> {
        match self.store(config) {
            Store::Helper(name) => {
                let program =
                    Program::new(name).arg("get").stdin(format!("{}\n", self.registry_url));
                let output = host.query(&program)?;
                let found: Json = serde_json::from_slice(&output.stdout).unwrap_or_default();
                let text = |name: &str| found.get(name).and_then(Json::as_str).map(str::to_owned);
                Ok(text("Username").zip(text("Secret")).filter(|_| output.is_success()))
            }
            Store::File => {
                let entry = config.get("auths").and_then(|all| all.get(&self.registry_url));
                let packed = entry.and_then(|entry| entry.get("auth")).and_then(Json::as_str);
                let plain = packed.and_then(|packed| STANDARD.decode(packed).ok());
                let plain = plain.map(|plain| String::from_utf8_lossy(&plain).into_owned());
                Ok(plain.and_then(|plain| {
                    plain.split_once(':').map(|(user, password)| (user.into(), password.into()))
                }))
            }
        }
    }

    fn wanted(&self) -> Option<(String, String)> {
        self.username.clone().zip(self.password.clone()).filter(|_| self.state.is_present())
    }

    fn log_in(&self, host: &dyn Host, user: &str, password: &str) -> Result<Json, Failure> {
        let body = json!({
            "username": user, "password": password, "serveraddress": self.registry_url,
        });
        self.engine.post(host, "/auth", &body).map_err(|failure| {
            let msg = format!(
                "Logging into {} for user {user} failed - {}",
                self.registry_url, failure.msg
            );
            Failure { msg, ..failure }
        })
    }

    fn answer(result: Option<Json>, changed: bool) -> Response {
        let mut response = Response { changed, ..Response::default() };
        if let Some(result) = result {
            response.returned.insert("login_result".into(), result);
        }
        response
    }

    fn write(&self, host: &mut dyn Host, config: &JsonMap) -> Result<(), Failure> {
        make_folders(host, &self.config_path)?;
        let text = serde_json::to_string_pretty(config)
            .map_err(|why| Failure::new(format!("the configuration cannot be written: {why}")))?;
        let placement = Placement { mode: Some(MODE), ..Placement::default() };
        Ok(host.write(Path::new(&self.config_path), &mut text.as_bytes(), &placement)?)
    }
}

impl Action for DockerLogin {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let config = self.read(host)?;
        let is_same = self.kept(host, &config)? == self.wanted();
        let repeats = self.reauthorize && self.state.is_present();
        if !is_same || repeats {
            return Ok(Guard::Go);
        }
        let result = self.username.as_ref().filter(|_| self.state.is_present());
        let result =
            result.map(|user| json!({"username": user, "serveraddress": self.registry_url}));
        Ok(Guard::Stay(Box::new(Self::answer(result, false))))
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let result = match self.wanted() {
            Some((user, password)) => Some(self.log_in(host, &user, &password)?),
            None => None,
        };
        Ok(Self::answer(result, true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut config = self.read(host)?;
        let store = self.store(&config);
        let result = match self.wanted() {
            Some((user, password)) => {
                let result = self.log_in(host, &user, &password)?;
                match store {
                    Store::Helper(name) => {
                        let told = json!({"ServerURL": self.registry_url, "Username": user, "Secret": password});
                        tool::run(host, &Program::new(name).arg("store").stdin(told.to_string()))?;
                    }
                    Store::File => {
                        let auth = STANDARD.encode(format!("{user}:{password}"));
                        let auths = config.entry("auths").or_insert_with(|| json!({}));
                        if !auths.is_object() {
                            *auths = json!({});
                        }
                        if let Some(auths) = auths.as_object_mut() {
                            auths.insert(self.registry_url.clone(), json!({"auth": auth}));
                        }
                        self.write(host, &config)?;
                    }
                }
                Some(result)
            }
            None => {
                match store {
                    Store::Helper(name) => {
                        let program = Program::new(name).arg("erase");
                        tool::run(host, &program.stdin(self.registry_url.as_str()))?;
                    }
                    Store::File => {
                        if let Some(Json::Object(auths)) = config.get_mut("auths") {
                            auths.remove(&self.registry_url);
                        }
                        self.write(host, &config)?;
                    }
                }
                None
            }
        };
        Ok(Self::answer(result, true))
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;
    use crate::cases::run;

    /// An engine whose registries take one password.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.set_variable("HOME", "/root");
        host.serve("/var/run/docker.sock", |request| {
            let text = String::from_utf8_lossy(request);
            let (status, body) = match text.contains("POST /auth") && text.contains("\"secret\"") {
                true => (200, r#"{"Status":"Login Succeeded"}"#),
                false => (401, r#"{"message":"unauthorized"}"#),
            };
            format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len())
                .into_bytes()
        });
        host
    }

    #[test]
    fn logins_are_kept() {
        let mut host = host();
        let me = json!({"username": "me", "password": "secret"});
        let again = json!({"username": "me", "password": "secret", "reauth": true});
        for (args, changed) in [
            (&me, true),
            (&me, false),
            (&again, true),
            (&json!({"state": "absent"}), true),
            (&json!({"state": "absent"}), false),
            (&me, true),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("docker_login", args, "registry", "r.example", check, &mut host);
            let done =
                run("docker_login", args, "registry", "r.example", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
        let kept: Json =
            serde_json::from_str(&host.files.text("/root/.docker/config.json").unwrap()).unwrap();
        assert_eq!(kept["auths"]["r.example"]["auth"], STANDARD.encode("me:secret"));
        // A helper keeps them from now on.
        host.put("/root/.docker/config.json", r#"{"credsStore": "own"}"#);
        host.program("docker-credential-own", |files, program| {
            let stdin = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            match program.args[0].as_str() {
                "store" => files.put("/helper", stdin),
                "erase" => files.remove("/helper".as_ref()),
                _ => {
                    return files
                        .text("/helper")
                        .map_or(Output::failure(1, "none"), Output::success);
                }
            }
            Output::success("")
        });
        for (args, changed) in [(&me, true), (&me, false), (&json!({"state": "absent"}), true)] {
            let done =
                run("docker_login", args, "registry", "r.example", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
        }
        assert_eq!(host.files.text("/helper"), None);
    }

    #[test]
    fn wrong_passwords_are_refused() {
        for (args, words) in [
            (
                json!({"username": "me", "password": "wrong"}),
                "Logging into https://index.docker.io/v1/ for user me failed",
            ),
            (json!({"username": "me"}), "password"),
            (
                json!({"state": "absent", "config_path": "/broken"}),
                "is no configuration of Docker's client",
            ),
        ] {
            let mut host = host();
            host.put("/broken", "{");
            let done = run("docker_login", &args, "", "", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
