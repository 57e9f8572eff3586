//! The `seport` module of the collection `community.general`.

use std::{collections::BTreeMap, path::Path};

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Program, Returned};
use protocol::JsonMap;
use serde::Serialize;

use crate::{presence::Presence, tool};

/// Keeps which type SELinux gives to ports.
#[derive(Debug, Arguments)]
pub struct SePort {
    /// The ports, or ranges of them: `8080`, `10000-10100`.
    ports: Vec<String>,
    /// Their protocol.
    #[argument(choices("tcp", "udp"))]
    proto: String,
    /// The type.
    setype: String,
    /// Whether they should have it.
    #[argument(default = "present")]
    state: Presence,
    /// Whether the policy is loaded anew.
    #[argument(default = true)]
    reload: bool,
    /// Whether it is done where SELinux is off too.
    #[argument(default = false)]
    ignore_selinux_state: bool,
    /// Whether what the policy itself says does not count.
    #[argument(default = false)]
    local: bool,
}

/// Whether each of the ports has the type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Given {
    ports: BTreeMap<String, bool>,
}

impl Documented for SePort {
    const NAME: &'static str = "community.general.seport";
    const ALIASES: &'static [&'static str] = &["seport"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A web server's port",
            args: r#"{"ports": "8888", "proto": "tcp", "setype": "http_port_t", "ignore_selinux_state": true}"#,
        },
        Example {
            title: "No more",
            args: r#"{"ports": "8888", "proto": "tcp", "setype": "http_port_t", "state": "absent", "ignore_selinux_state": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("ports", "The ports.", "always", r#"["8888"]"#),
        Returned::new("proto", "Their protocol.", "always", r#""tcp""#),
        Returned::new("setype", "The type.", "always", r#""http_port_t""#),
        Returned::new("state", "Whether they have it.", "always", r#""present""#),
    ];
}

/// Whether SELinux is on, unless the task does not ask.
///
/// # Errors
/// It is not.
pub fn must_be_on(host: &dyn Host, is_ignored: bool) -> Result<(), Failure> {
    match is_ignored || host.metadata(Path::new("/sys/fs/selinux/enforce"))?.is_some() {
        true => Ok(()),
        false => Err(Failure::new("SELinux is disabled on this host.")),
    }
}

/// Ports by type and protocol, of lines `http_port_t  tcp  80, 81, 443`.
fn parse(text: &str) -> Vec<(String, String, Vec<String>)> {
    let mut all = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(kind), Some(proto @ ("tcp" | "udp" | "dccp" | "sctp"))) =
            (words.next(), words.next())
        else {
            continue;
        };
        let ports = words.map(|word| word.trim_end_matches(',').to_owned()).collect();
        all.push((kind.to_owned(), proto.to_owned(), ports));
    }
    all
}

impl SePort {
    fn read(
        &self,
        host: &dyn Host,
        local: bool,
    ) -> Result<Vec<(String, String, Vec<String>)>, Failure> {
        let mut program = Program::new("semanage").args(["port", "-l", "-n"]);
        if local {
            program = program.arg("-C");
        }
        Ok(parse(&tool::ask(host, &program)?))
    }

    fn has(&self, all: &[(String, String, Vec<String>)], port: &str, of_type: bool) -> bool {
        all.iter().any(|(kind, proto, ports)| {
            *proto == self.proto
                && (!of_type || *kind == self.setype)
                && ports.iter().any(|one| one == port)
        })
    }
}

impl Module for SePort {
    type State = Given;

    fn check(&self, host: &dyn Host) -> Result<Delta<Given>, Failure> {
        must_be_on(host, self.ignore_selinux_state)?;
        let is_port = |text: &str| text.parse::<u16>().is_ok();
        for port in &self.ports {
            let is_range =
                port.split_once('-').is_some_and(|(from, to)| is_port(from) && is_port(to));
            if !is_range && !is_port(port) {
                return Err(Failure::new(format!("{port:?} is no port, and no range of them")));
            }
        }
        let all = self.read(host, self.local)?;
        let of = |state: &dyn Fn(&String) -> bool| Given {
            ports: self.ports.iter().map(|port| (port.clone(), state(port))).collect(),
        };
        Ok(Delta::new(of(&|port| self.has(&all, port, true)), of(&|_| self.state.is_present())))
    }

    fn apply(&self, delta: &Delta<Given>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let known = self.read(host, false)?;
        for (port, is_given) in &delta.actual.ports {
            if *is_given == self.state.is_present() {
                continue;
            }
            let verb = match self.state {
                Presence::Absent => "-d",
                Presence::Present if self.has(&known, port, false) => "-m",
                Presence::Present => "-a",
            };
            let mut program = Program::new("semanage").arg("port");
            if !self.reload {
                program = program.arg("-N");
            }
            program = program.arg(verb);
            if self.state.is_present() {
                program = program.args(["-t", &self.setype]);
            }
            tool::run(host, &program.args(["-p", &self.proto, port]))?;
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Given>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::from_iter([
            ("ports".to_owned(), self.ports.clone().into()),
            ("proto".to_owned(), self.proto.clone().into()),
            ("setype".to_owned(), self.setype.clone().into()),
            ("state".to_owned(), self.state.as_str().into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_rare::put_semanage};

    #[test]
    fn ports_are_kept() {
        let mut host = FakeHost::default();
        put_semanage(&mut host);
        host.put("/sys/fs/selinux/enforce", "1");
        for (ports, kind, state, changed) in [
            (json!(["80"]), "http_port_t", "present", false),
            (json!(["8888", "80"]), "http_port_t", "present", true),
            (json!(["8888"]), "http_port_t", "present", false),
            (json!(["8888"]), "other_port_t", "present", true),
            (json!(["8888"]), "http_port_t", "absent", false),
            (json!(["10000-10100"]), "http_port_t", "present", true),
            (json!(["8888"]), "other_port_t", "absent", true),
        ] {
            let args = json!({"ports": ports, "proto": "tcp", "setype": kind});
            let response = run("seport", &args, "state", state, Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args} {state}: {response:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"ports": "x", "proto": "tcp", "setype": "a"}), "no port"),
            (json!({"ports": "1-", "proto": "tcp", "setype": "a"}), "no port"),
            (json!({"ports": "1", "proto": "icmp", "setype": "a"}), "must be one of"),
        ] {
            let mut host = FakeHost::default();
            put_semanage(&mut host);
            host.put("/sys/fs/selinux/enforce", "1");
            let response = run("seport", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
        let args = json!({"ports": "1", "proto": "tcp", "setype": "a"});
        let response = run("seport", &args, "", "", Mode::default(), &mut FakeHost::default());
        assert_eq!(response.msg.as_deref(), Some("SELinux is disabled on this host."));
    }
}
