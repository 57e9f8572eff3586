//! The `wait_for` module.

mod connections;
mod target;

use std::{
    io::{self, Read},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, HostError, Returned,
    file_arguments::path_info,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use pyregex::{Flags, Pattern};

use target::Target;

/// What a server may say before its answer is given up.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The shortest pause between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// Waits until a port is open, closed or without connections, until a file is there or gone, or
/// until a text appears in a file or in what a server says.
///
/// With neither a port nor a file it waits for the whole `timeout`. Names are looked up by `getent`
/// at each try.
#[derive(Debug, Arguments)]
pub struct WaitFor {
    /// Name or address of the machine whose port it is.
    #[argument(default = "127.0.0.1")]
    host: String,
    /// Seconds after which the task fails.
    #[argument(default = 300)]
    timeout: u32,
    /// Seconds that one connection may take to be made.
    #[argument(default = 5)]
    connect_timeout: u32,
    /// Seconds before the first look.
    #[argument(default = 0)]
    delay: u32,
    /// A TCP port.
    port: Option<u16>,
    /// States of connections that count for `drained`.
    #[argument(default = ["ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"])]
    active_connection_states: Vec<String>,
    /// What is waited for: `started` and `present` for an open port, a file or a text; `stopped`
    /// and `absent` for a closed port, `absent` for a file that is gone; `drained` for a port
    /// without connections.
    #[argument(default = "started")]
    state: State,
    /// A file.
    path: Option<PathBuf>,
    /// A regular expression, as Python has them, for a text in the file or in what the server says;
    /// `^` and `$` match at lines.
    search_regex: Option<String>,
    /// Machines whose connections do not count for `drained`.
    exclude_hosts: Option<Vec<String>>,
    /// Seconds between two looks.
    #[argument(default = 1)]
    sleep: u32,
    /// What is said where the time is up.
    msg: Option<String>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Drained,
    Present,
    Started,
    Stopped,
}

/// What a text was found with: all groups, and those that have names.
#[derive(Default)]
struct Groups {
    all: Vec<Json>,
    named: JsonMap,
}

impl Documented for WaitFor {
    const NAME: &'static str = "ansible.builtin.wait_for";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A server that is up",
            args: r#"{"port": 22, "search_regex": "OpenSSH"}"#,
        },
        Example { title: "A file", args: r#"{"path": "/etc/hosts", "timeout": 10}"# },
        Example { title: "No connections", args: r#"{"port": 8080, "state": "drained"}"# },
        Example { title: "Some time", args: r#"{"timeout": 5}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("elapsed", "Seconds that it took.", "always", "23"),
        Returned::new("match_groups", "Groups of `search_regex`.", "on success", r#"["42"]"#),
        Returned::new("match_groupdict", "Its groups with names.", "on success", r#"{"n": "42"}"#),
    ];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

impl Action for WaitFor {
    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response {
            skipped: true,
            msg: Some("remote module (wait_for) does not support check mode".into()),
            ..Response::default()
        })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        self.refuse_wrong()?;
        let host: &dyn Host = host;
        let pattern = self.pattern()?;
        let wait = Wait::begin(host, self.timeout);
        host.pause(seconds(self.delay))?;
        let mut groups = Groups::default();
        if self.port.is_none() && self.path.is_none() {
            // The delay comes on top where nothing else is waited for.
            host.pause(seconds(self.timeout))?;
        } else {
            loop {
                if wait.left().is_zero() {
                    return Err(self.too_late(&wait));
                }
                if let Some(found) = self.look(&wait, pattern.as_ref())? {
                    groups = found;
                    break;
                }
                host.pause(seconds(self.sleep).max(PAUSE_MIN))?;
            }
        }
        let mut returned = JsonMap::from_iter([
            ("state".to_owned(), Json::from(self.state.as_str())),
            ("port".to_owned(), self.port.into()),
            ("search_regex".to_owned(), self.search_regex.clone().into()),
            ("match_groups".to_owned(), groups.all.into()),
            ("match_groupdict".to_owned(), groups.named.into()),
            ("path".to_owned(), self.path.as_ref().map(|path| path.display().to_string()).into()),
            ("elapsed".to_owned(), wait.elapsed_secs().into()),
        ]);
        if let Some(path) = &self.path {
            returned.extend(path_info(host, path)?);
        }
        Ok(Response { returned, ..Response::default() })
    }
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

/// The time that a task has.
struct Wait<'a> {
    host: &'a dyn Host,
    begin: SystemTime,
    timeout: Duration,
}

impl<'a> Wait<'a> {
    fn begin(host: &'a dyn Host, timeout_secs: u32) -> Self {
        Self { host, begin: host.now(), timeout: seconds(timeout_secs) }
    }

    fn elapsed(&self) -> Duration {
        self.host.now().duration_since(self.begin).unwrap_or_default()
    }

    fn elapsed_secs(&self) -> u64 {
        self.elapsed().as_secs()
    }

    fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.elapsed())
    }
}

impl WaitFor {
    fn refuse_wrong(&self) -> Result<(), Failure> {
        let wrong = |msg: String| Err(Failure::new(msg).with("elapsed", 0));
        if self.port.is_some() && self.path.is_some() {
            return wrong("port and path parameter can not both be passed to wait_for".into());
        }
        if self.path.is_some() && matches!(self.state, State::Stopped | State::Drained) {
            return wrong(format!(
                "state={} should only be used for checking a port in the wait_for module",
                self.state
            ));
        }
        if self.exclude_hosts.is_some() && self.state != State::Drained {
            return wrong("exclude_hosts should only be with state=drained".into());
        }
        for name in &self.active_connection_states {
            if connections::state_number(name).is_none() {
                return wrong(format!("unknown active_connection_state ({name}) defined"));
            }
        }
        Ok(())
    }

    fn pattern(&self) -> Result<Option<Pattern>, Failure> {
        let text = self.search_regex.as_deref().filter(|text| !text.is_empty());
        text.map(|text| Pattern::new(text, Flags::MULTI_LINE))
            .transpose()
            .map_err(|why| Failure::new(format!("Invalid regular expression: {why}")))
    }

    /// What there is to say once the time is up.
    fn too_late(&self, wait: &Wait<'_>) -> Failure {
        let what = match (&self.path, self.port) {
            (Some(path), _) => path.display().to_string(),
            (None, port) => format!("{}:{}", self.host, port.unwrap_or_default()),
        };
        let default = match (self.state, &self.search_regex, &self.path) {
            (State::Absent | State::Stopped, _, Some(_)) => {
                format!("Timeout when waiting for {what} to be absent.")
            }
            (State::Absent | State::Stopped, _, None) => {
                format!("Timeout when waiting for {what} to stop.")
            }
            (State::Drained, ..) => format!("Timeout when waiting for {what} to drain"),
            (_, Some(pattern), _) => {
                format!("Timeout when waiting for search string {pattern} in {what}")
            }
            (_, None, Some(_)) => format!("Timeout when waiting for file {what}"),
            (_, None, None) => format!("Timeout when waiting for {what}"),
        };
        let msg = self.msg.clone().unwrap_or(default);
        Failure::new(msg).with("elapsed", wait.elapsed_secs())
    }

    /// Looks once; `None` where there is more to wait for.
    fn look(&self, wait: &Wait<'_>, pattern: Option<&Pattern>) -> Result<Option<Groups>, Failure> {
        let host = wait.host;
        let is_done = |is_done: bool| Ok(is_done.then(Groups::default));
        match (self.state, &self.path, self.port) {
            (State::Absent | State::Stopped, Some(path), _) => {
                is_done(host.metadata(path)?.is_none())
            }
            (_, Some(path), _) => {
                if host.metadata(path)?.is_none() {
                    return Ok(None);
                }
                let Some(pattern) = pattern else { return Ok(Some(Groups::default())) };
                // One that cannot be read yet may be so later.
                let content = host.read(path).ok().flatten().unwrap_or_default();
                search(pattern, &content)
            }
            (State::Drained, None, Some(port)) => {
                let own = Target::resolve(host, &self.host)?;
                let mut excluded = Vec::new();
                for name in self.exclude_hosts.iter().flatten() {
                    excluded.extend(Target::resolve(host, name)?.addresses);
                }
                let states = &self.active_connection_states;
                is_done(connections::count(host, &own.addresses, port, &excluded, states)? == 0)
            }
            (State::Absent | State::Stopped, None, Some(port)) => {
                is_done(self.dial(wait, port)?.is_none())
            }
            (State::Present | State::Started, None, Some(port)) => {
                let Some(connection) = self.dial(wait, port)? else { return Ok(None) };
                match pattern {
                    Some(pattern) => listen(wait, connection, pattern),
                    None => Ok(Some(Groups::default())),
                }
            }
            (_, None, None) => Ok(None),
        }
    }

    /// A connection to the port; `None` where nobody answers.
    fn dial(&self, wait: &Wait<'_>, port: u16) -> Result<Option<Box<dyn Read>>, Failure> {
        for address in Target::resolve(wait.host, &self.host)?.sockets(port) {
            let timeout = seconds(self.connect_timeout).min(wait.left()).max(PAUSE_MIN);
            match wait.host.dial(&address, timeout) {
                Ok(connection) => return Ok(Some(Box::new(connection))),
                Err(HostError::Cancelled) => return Err(HostError::Cancelled.into()),
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// Reads what a server says until the text is found; `None` where the server ends before that.
fn listen(
    wait: &Wait<'_>,
    mut connection: Box<dyn Read>,
    pattern: &Pattern,
) -> Result<Option<Groups>, Failure> {
    let mut said = Vec::new();
    let mut buffer = [0; 1024];
    while !wait.left().is_zero() && said.len() < ANSWER_BYTES_MAX {
        match connection.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                said.extend_from_slice(buffer.get(..count).unwrap_or_default());
                if let Some(groups) = search(pattern, &said)? {
                    return Ok(Some(groups));
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::Interrupted => wait.host.pause(PAUSE_MIN)?,
                _ => break,
            },
        }
    }
    Ok(None)
}

fn search(pattern: &Pattern, content: &[u8]) -> Result<Option<Groups>, Failure> {
    let text = String::from_utf8_lossy(content);
    let found = pattern.search(&text).map_err(|why| Failure::new(why.to_string()))?;
    Ok(found.map(|found| {
        let value = |number: usize| found.group(number).map_or(Json::Null, Json::from);
        Groups {
            all: (1..=pattern.groups()).map(value).collect(),
            named: pattern
                .group_names()
                .map(|(number, name)| (name.to_owned(), value(number)))
                .collect(),
        }
    }))
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use protocol::arguments::check;
    use serde_json::json;

    use super::*;
    use crate::CATALOGUE;

    fn run_in(host: &mut FakeHost, args: &str, is_check: bool) -> Response {
        let entry = CATALOGUE.find("wait_for").unwrap();
        let Json::Object(given) = serde_json::from_str(args).unwrap() else { panic!() };
        match check(&(entry.spec)().arguments, "wait_for", &given) {
            Ok(args) => (entry.run)(&args, Mode { check: is_check, diff: false }, host),
            Err(errors) => Response::failure(format!("{errors:?}")),
        }
    }

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/srv/log", "hello world\nsecond 42 line\n");
        host.serve("127.0.0.1:25", |_| b"220 mail ready\r\n".to_vec());
        host.serve("[::1]:26", |_| Vec::new());
        host.program("getent", |_, program| match program.args.last().map(String::as_str) {
            Some("six") => Output::success("10.0.0.9 STREAM six\n10.0.0.9 DGRAM\n::1 STREAM\n"),
            _ => Output::failure(2, ""),
        });
        host.put(
            "/proc/net/tcp",
            "  sl  local_address rem_address   st tx_queue\n\
             \x20  0: 00000000:1F90 00000000:0000 0A 0\n\
             \x20  1: 0100007F:1F90 0200000A:C350 01 0\n\
             \x20  2: 0100007F:1F91 0200000A:C350 08 0\n",
        );
        host
    }

    #[test]
    fn what_is_there_is_found_at_once() {
        for (args, groups) in [
            (r#"{"path": "/srv/log"}"#, json!([])),
            (
                r#"{"path": "/srv/log", "search_regex": "^second (?P<n>\\d+) (x)?"}"#,
                json!(["42", null]),
            ),
            (r#"{"path": "/srv/none", "state": "absent"}"#, json!([])),
            (r#"{"port": 25}"#, json!([])),
            (r#"{"port": 25, "search_regex": "^220 (\\w+)"}"#, json!(["mail"])),
            (r#"{"port": 26, "host": "six", "state": "present"}"#, json!([])),
            (r#"{"port": 1, "state": "stopped"}"#, json!([])),
            (r#"{"port": 1, "state": "absent", "host": "nosuch"}"#, json!([])),
            (r#"{"port": 9999, "state": "drained"}"#, json!([])),
            // In this state (CLOSE_WAIT) a connection does not count.
            (r#"{"port": 8081, "state": "drained"}"#, json!([])),
            (r#"{"port": 8080, "state": "drained", "exclude_hosts": ["10.0.0.2"]}"#, json!([])),
            (
                r#"{"port": 8080, "state": "drained", "active_connection_states": ["TIME_WAIT"]}"#,
                json!([]),
            ),
        ] {
            let response = run_in(&mut host(), args, false);
            assert!(!response.failed && !response.changed, "{args}: {response:?}");
            assert_eq!(response.returned["match_groups"], groups, "{args}");
            assert_eq!(response.returned["elapsed"], 0, "{args}");
        }
    }

    #[test]
    fn time_runs_out() {
        for (args, msg, elapsed) in [
            (
                r#"{"path": "/srv/none", "timeout": 3}"#,
                "Timeout when waiting for file /srv/none",
                3,
            ),
            (
                r#"{"path": "/srv/log", "search_regex": "zzz", "timeout": 1}"#,
                "Timeout when waiting for search string zzz in /srv/log",
                1,
            ),
            (
                r#"{"path": "/srv/log", "state": "absent", "timeout": 1}"#,
                "Timeout when waiting for /srv/log to be absent.",
                1,
            ),
            (r#"{"port": 1, "timeout": 5, "sleep": 2}"#, "Timeout when waiting for 127.0.0.1:1", 6),
            (
                r#"{"port": 1, "host": "nosuch", "timeout": 1}"#,
                "Timeout when waiting for nosuch:1",
                1,
            ),
            (
                r#"{"port": 25, "search_regex": "x", "timeout": 1}"#,
                "Timeout when waiting for search string x in 127.0.0.1:25",
                1,
            ),
            (
                r#"{"port": 25, "state": "stopped", "timeout": 1}"#,
                "Timeout when waiting for 127.0.0.1:25 to stop.",
                1,
            ),
            (
                r#"{"port": 8080, "state": "drained", "timeout": 1}"#,
                "Timeout when waiting for 127.0.0.1:8080 to drain",
                1,
            ),
            (r#"{"port": 1, "timeout": 1, "msg": "oops"}"#, "oops", 1),
            (
                r#"{"port": 25, "timeout": 1, "delay": 4}"#,
                "Timeout when waiting for 127.0.0.1:25",
                4,
            ),
        ] {
            let response = run_in(&mut host(), args, false);
            assert_eq!(response.msg.as_deref(), Some(msg), "{args}");
            assert_eq!(response.returned["elapsed"], elapsed, "{args}");
        }
    }

    #[test]
    fn time_alone_is_waited_for() {
        let mut host = host();
        let response = run_in(&mut host, r#"{"timeout": 7, "delay": 2}"#, false);
        assert!(!response.failed);
        assert_eq!((host.paused.get().as_secs(), &response.returned["elapsed"]), (9, &json!(9)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (args, words) in [
            (r#"{"port": 1, "path": "/x"}"#, "port and path parameter can not both"),
            (r#"{"path": "/x", "state": "drained"}"#, "state=drained should only be used"),
            (r#"{"path": "/x", "state": "stopped"}"#, "state=stopped should only be used"),
            (
                r#"{"port": 1, "exclude_hosts": ["a"]}"#,
                "exclude_hosts should only be with state=drained",
            ),
            (
                r#"{"port": 1, "active_connection_states": ["FOO"]}"#,
                "unknown active_connection_state (FOO)",
            ),
            (r#"{"path": "/x", "search_regex": "("}"#, "Invalid regular expression"),
            (r#"{"port": 70000}"#, "port"),
            (r#"{"state": "open"}"#, "state"),
        ] {
            let response = run_in(&mut host(), args, false);
            assert!(response.failed, "{args}");
            let msg = response.msg.unwrap();
            assert!(msg.contains(words), "{args}: {msg}");
        }
        assert!(run_in(&mut host(), r#"{"port": 1}"#, true).skipped);
    }
}
