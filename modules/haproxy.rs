//! The `haproxy` module of the collection `community.general`.

use std::{
    io::{Read, Write},
    path::PathBuf,
    time::Duration,
};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Returned, host::Address,
};
use protocol::{Json, JsonMap, Response, spec::Support};

/// The bytes of an answer at most.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(30);

/// Enables, disables or drains a server behind HAProxy, over its socket.
#[derive(Debug, Arguments)]
pub struct HaProxy {
    /// The backend that the server is in; all that have it where it is left out.
    backend: Option<String>,
    /// Whether its sessions come to their end before it is disabled.
    #[argument(default = false)]
    drain: bool,
    /// The server.
    host: String,
    /// Whether its sessions are ended.
    #[argument(default = false)]
    shutdown_sessions: bool,
    /// HAProxy's socket, at the level of an administrator.
    #[argument(default = "/var/run/haproxy.sock")]
    socket: PathBuf,
    /// What it should be.
    state: State,
    /// Whether its agent is meant too.
    #[argument(default = false)]
    agent: bool,
    /// Whether its health checks are meant too.
    #[argument(default = false)]
    health: bool,
    /// Whether a server that is not there is a failure.
    #[argument(default = false)]
    fail_on_not_found: bool,
    /// Whether it is waited for until it is what it should be.
    #[argument(default = false)]
    wait: bool,
    /// Seconds between two looks.
    #[argument(default = 5)]
    wait_interval: u32,
    /// How often it is looked at.
    #[argument(default = 25)]
    wait_retries: u32,
    /// Its weight: a number, or a share with `%`.
    weight: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Disabled,
    Drain,
    Enabled,
}

impl Documented for HaProxy {
    const NAME: &'static str = "community.general.haproxy";
    const ALIASES: &'static [&'static str] = &["haproxy"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Out of one backend",
            args: r#"{"state": "disabled", "host": "web1", "backend": "www"}"#,
        },
        Example {
            title: "Back, with a weight, once it is up",
            args: r#"{"state": "enabled", "host": "web1", "weight": "20", "wait": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "command",
            "What HAProxy was told.",
            "where it was told anything",
            r#"["disable server www/web1"]"#,
        ),
        Returned::new("output", "What it answered.", "where it was told anything", r#"[""]"#),
        Returned::new(
            "state_before",
            "The server before.",
            "always",
            r#"[{"status": "UP", "weight": "1", "scur": "0"}]"#,
        ),
        Returned::new(
            "state_after",
            "The server after.",
            "always",
            r#"[{"status": "MAINT", "weight": "1", "scur": "0"}]"#,
        ),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

/// What HAProxy knows of a server.
#[derive(Clone, Debug, PartialEq)]
struct Server {
    backend: String,
    status: String,
    weight: String,
    sessions: String,
}

/// The fields of a line with commas between them.
fn fields(line: &str) -> Vec<String> {
    let (mut all, mut field, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => all.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    all.push(field);
    all
}

/// Servers of that name, in what `show stat` says.
fn servers(text: &str, name: &str) -> Vec<Server> {
    let mut lines = text.lines();
    let head = fields(lines.next().unwrap_or_default().trim_start_matches("# "));
    let mut found = Vec::new();
    for line in lines {
        let line = fields(line);
        let of = |column: &str| {
            let at = head.iter().position(|one| one == column);
            at.and_then(|at| line.get(at)).cloned().unwrap_or_default()
        };
        if of("svname") == name {
            found.push(Server {
                backend: of("pxname"),
                status: of("status"),
                weight: of("weight"),
                sessions: of("scur"),
            });
        }
    }
    found
}

/// What was told and answered.
#[derive(Default)]
struct Talk {
    commands: Vec<String>,
    answers: Vec<String>,
}

impl HaProxy {
    fn ask(&self, host: &dyn Host, words: &str) -> Result<String, Failure> {
        let mut connection = host.dial(&Address::Unix(self.socket.clone()), TIMEOUT)?;
        connection.write_all(format!("{words}\n").as_bytes())?;
        let mut bytes = Vec::new();
        connection.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn servers(&self, host: &dyn Host, backend: Option<&str>) -> Result<Vec<Server>, Failure> {
        let all = servers(&self.ask(host, "show stat")?, &self.host);
        let is_meant = |one: &Server| backend.is_none_or(|backend| backend == one.backend);
        Ok(all.into_iter().filter(is_meant).collect())
    }

    /// Whether HAProxy knows servers that are drained: since 1.5.
    fn can_drain(&self, host: &dyn Host) -> Result<bool, Failure> {
        let told = self.ask(host, "show info")?;
        let version = told.lines().find_map(|line| line.strip_prefix("Version:"));
        let mut parts = version.unwrap_or_default().trim().split('.').map(str::parse::<u32>);
        Ok(match (parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (1, 5),
            _ => false,
        })
    }

    /// Tells HAProxy something about the server in each of its backends.
    fn tell(
        &self,
        host: &dyn Host,
        talk: &mut Talk,
        words: &[&str],
        status: &str,
    ) -> Result<(), Failure> {
        let backends = match &self.backend {
            Some(backend) => vec![backend.clone()],
            None => {
                let all = servers(&self.ask(host, "show stat")?, "BACKEND");
                all.into_iter().map(|one| one.backend).collect()
            }
        };
        for backend in backends {
            let Some(server) = self.servers(host, Some(&backend))?.into_iter().next() else {
                if self.fail_on_not_found {
                    return Err(Failure::new(format!(
                        "The specified backend '{backend}/{}' was not found!",
                        self.host
                    )));
                }
                continue;
            };
            let target = format!("{backend}/{}", self.host);
            let all: Vec<String> = words.iter().map(|word| word.replace("{}", &target)).collect();
            let command = all.join("; ");
            let answer = self.ask(host, &command)?;
            talk.commands.push(command);
            talk.answers.push(answer.trim().to_owned());
            // One that is down has no sessions to wait for.
            if self.wait && !(status == "DRAIN" && server.status == "DOWN") {
                self.wait_for(host, &backend, status)?;
            }
        }
        Ok(())
    }

    fn wait_for(&self, host: &dyn Host, backend: &str, status: &str) -> Result<(), Failure> {
        for _ in 1..self.wait_retries {
            let found = self.servers(host, Some(backend))?;
            let is_so = found.first().is_some_and(|one| {
                one.status.contains(status) && (!self.drain || one.sessions == "0")
            });
            if is_so {
                return Ok(());
            }
            host.pause(Duration::from_secs(self.wait_interval.into()))?;
        }
        Err(Failure::new(format!(
            "server {backend}/{} not status '{status}' after {} retries. Aborting.",
            self.host, self.wait_retries
        )))
    }

    fn disable(&self, host: &dyn Host, talk: &mut Talk) -> Result<(), Failure> {
        let mut words = vec!["get weight {}"];
        words.extend(self.agent.then_some("disable agent {}"));
        words.extend(self.health.then_some("disable health {}"));
        words.push("disable server {}");
        words.extend(self.shutdown_sessions.then_some("shutdown sessions server {}"));
        self.tell(host, talk, &words, "MAINT")
    }

    fn enable(&self, host: &dyn Host, talk: &mut Talk) -> Result<(), Failure> {
        let weight = self.weight.as_ref().map(|weight| format!("set weight {{}} {weight}"));
        let mut words = vec!["get weight {}", "enable server {}"];
        words.extend(self.agent.then_some("enable agent {}"));
        words.extend(self.health.then_some("enable health {}"));
        words.extend(weight.as_deref());
        self.tell(host, talk, &words, "UP")
    }
}

fn shown(servers: &[Server]) -> Json {
    if servers.is_empty() {
        return Json::Null;
    }
    let one = |server: &Server| {
        serde_json::json!({
            "status": server.status, "weight": server.weight, "scur": server.sessions,
        })
    };
    servers.iter().map(one).collect::<Vec<_>>().into()
}

impl Action for HaProxy {
    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response::default())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let words = [Some(&self.host), self.backend.as_ref(), self.weight.as_ref()];
        if words.into_iter().flatten().any(|word| word.contains(['\n', ';', ' '])) {
            return Err(Failure::new("names and weights of servers are single words"));
        }
        let backend = self.backend.as_deref();
        let before = self.servers(host, backend)?;
        let mut talk = Talk::default();
        let drains = self.state == State::Drain || self.state == State::Disabled && self.drain;
        if drains && self.can_drain(host)? {
            self.tell(host, &mut talk, &["set server {} state drain"], "DRAIN")?;
        }
        match self.state {
            State::Enabled => self.enable(host, &mut talk)?,
            State::Disabled => self.disable(host, &mut talk)?,
            State::Drain => {}
        }
        let after = self.servers(host, backend)?;
        let mut returned = JsonMap::from_iter([
            ("state_before".to_owned(), shown(&before)),
            ("state_after".to_owned(), shown(&after)),
        ]);
        if !talk.commands.is_empty() {
            returned.insert("command".into(), talk.commands.into());
            returned.insert("output".into(), talk.answers.into());
        }
        Ok(Response { changed: before != after, returned, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    /// HAProxy 2.6 with the server `web1` in `www`, which knows what it was told.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        let status = RefCell::new(("UP".to_owned(), "1".to_owned()));
        host.serve("/var/run/haproxy.sock", move |request| {
            let text = String::from_utf8_lossy(request).into_owned();
            let mut now = status.borrow_mut();
            for order in text.trim().split("; ") {
                match order.split(' ').collect::<Vec<_>>().as_slice() {
                    ["show", "stat"] => {
                        return format!(
                            "# pxname,svname,scur,status,weight\nwww,web1,0,{},{}\nwww,BACKEND,0,UP,1\nother,BACKEND,0,UP,1\n",
                            now.0, now.1
                        ).into_bytes();
                    }
                    ["show", "info"] => return b"Name: HAProxy\nVersion: 2.6.12\n".to_vec(),
                    ["disable", "server", "www/web1"] => now.0 = "MAINT".into(),
                    ["enable", "server", "www/web1"] => now.0 = "UP".into(),
                    ["set", "server", "www/web1", "state", "drain"] => now.0 = "DRAIN".into(),
                    ["set", "weight", "www/web1", weight] => now.1 = (*weight).into(),
                    _ => {}
                }
            }
            b"\n".to_vec()
        });
        host
    }

    #[test]
    fn servers_are_told() {
        let mut host = host();
        for (args, changed, status) in [
            (
                json!({"state": "disabled", "backend": "www", "shutdown_sessions": true}),
                true,
                "MAINT",
            ),
            (json!({"state": "disabled"}), false, "MAINT"),
            (json!({"state": "enabled", "weight": "20", "health": true, "wait": true}), true, "UP"),
            (json!({"state": "drain", "wait": true}), true, "DRAIN"),
            (json!({"state": "disabled", "drain": true, "agent": true}), true, "MAINT"),
        ] {
            let done = run("haproxy", &args, "host", "web1", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
            assert_eq!(done.returned["state_after"][0]["status"], status, "{args}");
        }
        let done = run(
            "haproxy",
            &json!({"state": "disabled"}),
            "host",
            "web9",
            Mode::default(),
            &mut host,
        );
        assert_eq!((done.changed, &done.returned["state_after"]), (false, &Json::Null));
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for (args, words) in [
            (
                json!({"host": "web9", "state": "enabled", "fail_on_not_found": true}),
                "'www/web9' was not found",
            ),
            (json!({"host": "web1; x", "state": "enabled"}), "single words"),
            (
                json!({"host": "web1", "state": "enabled", "socket": "/none"}),
                "could not connect to /none",
            ),
            (json!({"host": "web1", "state": "up"}), "value of state must be one of"),
            (json!({"state": "enabled"}), "missing required arguments: host"),
        ] {
            let msg = run("haproxy", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
