//! The `listen_ports_facts` module of the collection `community.general`.

use std::collections::BTreeMap;

use module::{Arguments, Choices, Documented, Example, Fact, Failure, Host, Program, Returned};
use protocol::{Json, JsonMap, Response};
use serde_json::json;

use crate::tool;

/// Reads which processes wait for connections at which ports.
#[derive(Debug, Arguments)]
pub struct ListenPortsFacts {
    /// The program that is asked; the first that is there where it is left out.
    command: Option<Asked>,
    /// Whether connections that are made are told too.
    #[argument(default = false)]
    include_non_listening: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Asked {
    Netstat,
    Ss,
}

impl Documented for ListenPortsFacts {
    const NAME: &'static str = "community.general.listen_ports_facts";
    const ALIASES: &'static [&'static str] = &["listen_ports_facts"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "All", args: "{}" },
        Example {
            title: "Connections too",
            args: r#"{"command": "ss", "include_non_listening": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "ansible_facts",
        "`tcp_listen` and `udp_listen`: lists of ports.",
        "always",
        r#"{"tcp_listen": [{"address": "0.0.0.0", "name": "sshd", "pid": 7, "port": 22, "protocol": "tcp", "stime": "Thu Feb  2 13:29:45 2017", "user": "root"}], "udp_listen": []}"#,
    )];
}

/// A port and who has it.
#[derive(Clone, Debug, PartialEq)]
struct Port {
    protocol: String,
    state: String,
    address: String,
    peer: String,
    port: u16,
    name: String,
    pid: u32,
}

/// An address and its port.
fn place(text: &str) -> Option<(String, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    Some((address.to_owned(), port.parse().ok()?))
}

/// Names and IDs in `users:(("sshd",pid=7,fd=3),("sshd",pid=8,fd=3))`.
fn holders(text: &str) -> Vec<(String, u32)> {
    let mut all = Vec::new();
    for part in text.split("(\"").skip(1) {
        let Some((name, rest)) = part.split_once("\",pid=") else { continue };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        all.extend(digits.parse().ok().map(|pid| (name.to_owned(), pid)));
    }
    all
}

/// What `ss` prints: a line of titles, then a line a socket.
fn parse_ss(text: &str) -> Result<Vec<Port>, Failure> {
    let mut lines = text.lines();
    if !lines.next().is_some_and(|titles| titles.starts_with("Netid ")) {
        return Err(Failure::new(format!("Unknown stdout format of `ss`: {text}")));
    }
    let mut all = Vec::new();
    for line in lines {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let [protocol, state, _, _, local, peer, rest @ ..] = cells.as_slice() else {
            return Err(Failure::new(format!("`ss` gave a line that cannot be read: {line}")));
        };
        let Some((address, port)) = place(local) else { continue };
        let address = address.trim_matches(['[', ']']).to_owned();
        for (name, pid) in holders(&rest.join(" ")) {
            all.push(Port {
                protocol: (*protocol).to_owned(),
                state: (*state).to_owned(),
                address: address.clone(),
                peer: (*peer).to_owned(),
                port,
                name,
                pid,
            });
        }
    }
    Ok(all)
}

/// What `netstat` prints: the state is left out for UDP, the process where it is not ours to know.
fn parse_netstat(text: &str) -> Vec<Port> {
    let mut all: Vec<Port> = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let [protocol, _, _, local, peer, rest @ ..] = cells.as_slice() else { continue };
        let protocol = match protocol.get(..3) {
            Some(kind @ ("tcp" | "udp")) => kind,
            _ => continue,
        };
        let (state, rest) = match rest {
            [state, rest @ ..] if protocol == "tcp" => (*state, rest),
            rest => ("", rest),
        };
        let Some((address, port)) = place(local) else { continue };
        let holder = rest.first().and_then(|holder| holder.split_once('/'));
        let holder = holder.and_then(|(pid, name)| Some((pid.parse().ok()?, name)));
        let (pid, name) = holder.unwrap_or((0, ""));
        let one = Port {
            protocol: protocol.to_owned(),
            state: state.to_owned(),
            address,
            peer: (*peer).to_owned(),
            port,
            name: name.trim_end_matches(':').to_owned(),
            pid,
        };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

impl ListenPortsFacts {
    fn command(&self, host: &dyn Host) -> Result<Asked, Failure> {
        let there =
            [Asked::Netstat, Asked::Ss].into_iter().find(|one| host.which(one.as_str()).is_some());
        self.command.or(there).ok_or_else(|| {
            Failure::new("Unable to find any of the supported commands in PATH: netstat, ss")
        })
    }

    /// When a process began, and whose it is.
    fn process(host: &dyn Host, pid: u32) -> Result<(String, String), Failure> {
        let ask = |field: &str| -> Result<String, Failure> {
            let program =
                Program::new("ps").args(["-o", &format!("{field}="), "-p", &pid.to_string()]);
            let said = tool::ask_whether(host, &program)?;
            Ok(said.unwrap_or_default().trim().to_owned())
        };
        Ok((ask("lstart")?, ask("user")?))
    }
}

impl Fact for ListenPortsFacts {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let command = self.command(host)?;
        let words: &[&str] = match self.include_non_listening {
            true => &["-p", "-u", "-n", "-t", "-a"],
            false => &["-p", "-l", "-u", "-n", "-t"],
        };
        let program = Program::new(command.as_str()).args(words.to_vec());
        let said = tool::ask(host, &program)?;
        let ports = match command {
            Asked::Ss => parse_ss(&said)?,
            Asked::Netstat => parse_netstat(&said),
        };
        let mut processes: BTreeMap<u32, (String, String)> = BTreeMap::new();
        let (mut tcp, mut udp) = (Vec::new(), Vec::new());
        for port in ports {
            if let std::collections::btree_map::Entry::Vacant(place) = processes.entry(port.pid) {
                place.insert(Self::process(host, port.pid)?);
            }
            let (began, user) = processes.get(&port.pid).cloned().unwrap_or_default();
            let mut one = json!({
                "protocol": port.protocol, "address": port.address, "port": port.port,
                "name": port.name, "pid": port.pid, "stime": began, "user": user,
            });
            if self.include_non_listening {
                one["state"] = port.state.into();
                one["foreign_address"] = port.peer.into();
            }
            if port.protocol.starts_with("tcp") { tcp.push(one) } else { udp.push(one) }
        }
        let facts = JsonMap::from_iter([
            ("tcp_listen".to_owned(), Json::Array(tcp)),
            ("udp_listen".to_owned(), Json::Array(udp)),
        ]);
        Ok(Response { facts, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    const SS: &str = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process\nudp   UNCONN 0 0 0.0.0.0:68 0.0.0.0:* users:((\"dhclient\",pid=5,fd=6))\ntcp   LISTEN 0 128 [::]:22 [::]:* users:((\"sshd\",pid=7,fd=4),(\"a b\",pid=8,fd=3))\ntcp   LISTEN 0 1 127.0.0.1:25 0.0.0.0:*\n";

    fn host(name: &'static str, text: &'static str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put(&format!("/usr/bin/{name}"), "");
        host.set_variable("PATH", "/usr/bin");
        host.program(name, move |_, _| Output::success(text));
        host.program("ps", |_, program| {
            match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                ["-o", "user=", "-p", "7"] => Output::success("root\n"),
                ["-o", "lstart=", "-p", "7"] => Output::success("Thu Feb  2 13:29:45 2017\n"),
                _ => Output::failure(1, ""),
            }
        });
        host
    }

    #[test]
    fn ports_are_told() {
        let args = json!({"command": "ss"});
        let done = run("listen_ports_facts", &args, "", "", Mode::default(), &mut host("ss", SS));
        assert_eq!(
            done.facts["tcp_listen"],
            json!([
                {"protocol": "tcp", "address": "::", "port": 22, "name": "sshd", "pid": 7,
                 "stime": "Thu Feb  2 13:29:45 2017", "user": "root"},
                {"protocol": "tcp", "address": "::", "port": 22, "name": "a b", "pid": 8,
                 "stime": "", "user": ""},
            ])
        );
        assert_eq!(done.facts["udp_listen"][0]["name"], "dhclient");
        let text = "Proto Recv-Q Send-Q Local Address Foreign Address State PID/Program name\ntcp6 0 0 :::22 :::* LISTEN 7/sshd: /usr/sbin\nudp 0 0 0.0.0.0:68 0.0.0.0:* -\n";
        let args = json!({"command": "netstat", "include_non_listening": true});
        let done =
            run("listen_ports_facts", &args, "", "", Mode::default(), &mut host("netstat", text));
        assert_eq!(
            done.facts["tcp_listen"],
            json!([{"protocol": "tcp", "address": "::", "port": 22, "name": "sshd", "pid": 7,
                    "stime": "Thu Feb  2 13:29:45 2017", "user": "root", "state": "LISTEN",
                    "foreign_address": ":::*"}])
        );
        assert_eq!(done.facts["udp_listen"][0]["pid"], 0);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (args, text, words) in [
            (json!({"command": "ss"}), "what?\n", "Unknown stdout format"),
            (json!({"command": "ss"}), "Netid State\ntcp x\n", "cannot be read"),
            (json!({"command": "lsof"}), "", "must be one of: netstat, ss"),
        ] {
            let mut host = host("ss", text);
            let done = run("listen_ports_facts", &args, "", "", Mode::default(), &mut host);
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
        let mut bare = FakeHost::default();
        let done = run("listen_ports_facts", &json!({}), "", "", Mode::default(), &mut bare);
        assert!(done.msg.unwrap_or_default().contains("Unable to find any"));
    }
}
