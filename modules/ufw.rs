//! The `ufw` module of the collection `community.general`.

use std::path::Path;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Program, Returned,
    host::succeeded,
};
use protocol::Response;

use crate::tool;

/// Where ufw keeps the rules of users.
const RULES: [&str; 6] = [
    "/lib/ufw/user.rules",
    "/lib/ufw/user6.rules",
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/var/lib/ufw/user.rules",
    "/var/lib/ufw/user6.rules",
];

/// The files in which it keeps its policies and how much it logs.
const SETTINGS: [&str; 2] = ["/etc/default/ufw", "/etc/ufw/ufw.conf"];

/// Keeps the firewall of Ubuntu: whether it is on, its defaults, and rules one at a time.
///
/// Whether something changed is read from ufw's own files and status before and after; a check run
/// tries rules without keeping them.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["name", "proto", "logging"], ["direction", "interface_in"], ["direction", "interface_out"]),
    required_one_of(["state", "default", "rule", "logging"]),
    required_by(("interface", ["direction"]))
)]
pub struct Ufw {
    /// Whether it is on; `reloaded` and `reset` are done each time.
    state: Option<State>,
    /// What becomes of packets that no rule speaks of.
    #[argument(aliases("policy"))]
    default: Option<Policy>,
    /// How much is logged.
    #[argument(choices("on", "off", "low", "medium", "high", "full"))]
    logging: Option<String>,
    /// Which packets: `in` and `out` for rules, the longer words for defaults.
    direction: Option<Direction>,
    /// What becomes of packets that fit.
    rule: Option<Rule>,
    /// Whether new connections that fit are logged.
    #[argument(default = false)]
    log: bool,
    /// Address that packets come from.
    #[argument(default = "any", aliases("from", "src"))]
    from_ip: String,
    /// Port that they come from.
    from_port: Option<String>,
    /// Address that they go to.
    #[argument(default = "any", aliases("dest", "to"))]
    to_ip: String,
    /// Port that they go to.
    #[argument(aliases("port"))]
    to_port: Option<String>,
    /// Their protocol.
    #[argument(
        aliases("protocol"),
        choices("any", "tcp", "udp", "ipv6", "esp", "ah", "gre", "igmp", "vrrp")
    )]
    proto: Option<String>,
    /// An application that ufw has a profile of.
    #[argument(aliases("app"))]
    name: Option<String>,
    /// Whether the rule is taken away.
    #[argument(default = false)]
    delete: bool,
    /// Interface that packets pass, as `direction` says.
    #[argument(aliases("if"))]
    interface: Option<String>,
    /// Interface that they come in by.
    #[argument(aliases("if_in"))]
    interface_in: Option<String>,
    /// Interface that they go out by.
    #[argument(aliases("if_out"))]
    interface_out: Option<String>,
    /// Whether it is about packets that are passed on.
    #[argument(default = false)]
    route: bool,
    /// Number before which the rule is put.
    insert: Option<i64>,
    /// What that number is counted from.
    #[argument(default = "zero")]
    insert_relative_to: InsertRelative,
    /// What people are told of the rule.
    comment: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Disabled,
    Enabled,
    Reloaded,
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Policy {
    Allow,
    Deny,
    Reject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Rule {
    Allow,
    Deny,
    Limit,
    Reject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Direction {
    In,
    Incoming,
    Out,
    Outgoing,
    Routed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum InsertRelative {
    #[choice("first-ipv4")]
    FirstIpv4,
    #[choice("first-ipv6")]
    FirstIpv6,
    #[choice("last-ipv4")]
    LastIpv4,
    #[choice("last-ipv6")]
    LastIpv6,
    Zero,
}

impl Documented for Ufw {
    const NAME: &'static str = "community.general.ufw";
    const ALIASES: &'static [&'static str] = &["ufw"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "SSH is let in",
            args: r#"{"rule": "limit", "port": "ssh", "proto": "tcp"}"#,
        },
        Example {
            title: "On, and nothing else is let in",
            args: r#"{"state": "enabled", "policy": "deny"}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("commands", "What was run.", "always", r#"["/usr/sbin/ufw enable"]"#)];
}

/// What ufw says of itself and keeps.
#[derive(PartialEq)]
struct Seen {
    status: String,
    rules: Vec<String>,
    /// What it keeps of policies and of logging, which it does not tell while it is off.
    settings: Vec<(String, String)>,
}

impl Seen {
    fn setting(&self, name: &str) -> Option<&str> {
        self.settings.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Ufw {
    fn look(host: &dyn Host) -> Result<Seen, Failure> {
        let status = tool::ask(host, &Program::new("ufw").args(["status", "verbose"]))?;
        let mut rules = Vec::new();
        for path in RULES {
            let Some(bytes) = host.read(Path::new(path))? else { continue };
            let text = String::from_utf8_lossy(&bytes);
            rules.extend(tuples(&text));
        }
        let mut settings = Vec::new();
        for path in SETTINGS {
            let Some(bytes) = host.read(Path::new(path))? else { continue };
            let text = String::from_utf8_lossy(&bytes);
            let pairs = text.lines().filter_map(|line| line.trim().split_once('='));
            settings.extend(
                pairs
                    .filter(|(name, _)| name.starts_with("DEFAULT_") || *name == "LOGLEVEL")
                    .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_lowercase())),
            );
        }
        Ok(Seen { status, rules, settings })
    }

    /// The runs of ufw, in their order.
    fn runs(&self, host: &dyn Host) -> Result<Vec<Vec<String>>, Failure> {
        let mut runs: Vec<Vec<String>> = Vec::new();
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        if let Some(state) = self.state {
            let verb = match state {
                State::Enabled => "enable",
                State::Disabled => "disable",
                State::Reloaded => "reload",
                State::Reset => "reset",
            };
            runs.push(owned(&["-f", verb]));
        }
        if let Some(policy) = self.default {
            let mut words: Vec<String> = owned(&["default", policy.as_str()]);
            match self.direction {
                None => {}
                Some(
                    direction @ (Direction::Incoming | Direction::Outgoing | Direction::Routed),
                ) => {
                    words.push(direction.as_str().into());
                }
                Some(_) => {
                    return Err(Failure::new(
                        "For default, direction must be one of \"outgoing\", \"incoming\" and \"routed\", or direction must not be specified.",
                    ));
                }
            }
            runs.push(words);
        }
        if let Some(rule) = self.rule {
            runs.push(self.rule_words(host, rule)?);
        }
        if let Some(level) = &self.logging {
            runs.push(owned(&["logging", level]));
        }
        Ok(runs)
    }

    /// A rule in ufw's long form.
    fn rule_words(&self, host: &dyn Host, rule: Rule) -> Result<Vec<String>, Failure> {
        if !matches!(self.direction, None | Some(Direction::In | Direction::Out)) {
            return Err(Failure::new(
                "For rules, direction must be one of \"in\" and \"out\", or direction must not be specified.",
            ));
        }
        if !self.route && self.interface_in.is_some() && self.interface_out.is_some() {
            return Err(Failure::new(
                "Only route rules can combine interface_in and interface_out",
            ));
        }
        let mut words: Vec<String> = Vec::new();
        let mut add = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
        if self.route {
            add(&["route"]);
        }
        if self.delete {
            add(&["delete"]);
        } else if let Some(number) = self.place(host)? {
            add(&["insert", &number.to_string()]);
        }
        add(&[rule.as_str()]);
        if let Some(direction) = self.direction {
            add(&[direction.as_str()]);
        }
        for (head, value) in [
            (&["on"][..], &self.interface),
            (&["in", "on"], &self.interface_in),
            (&["out", "on"], &self.interface_out),
        ] {
            if let Some(value) = value {
                add(head);
                add(&[value]);
            }
        }
        if self.log {
            add(&["log"]);
        }
        for (head, value) in [
            ("from", Some(&self.from_ip)),
            ("port", self.from_port.as_ref()),
            ("to", Some(&self.to_ip)),
            ("port", self.to_port.as_ref()),
            ("proto", self.proto.as_ref()),
            ("app", self.name.as_ref()),
            ("comment", self.comment.as_ref()),
        ] {
            if let Some(value) = value {
                add(&[head, value]);
            }
        }
        Ok(words)
    }

    /// The number before which the rule is put; none for the end.
    fn place(&self, host: &dyn Host) -> Result<Option<i64>, Failure> {
        let Some(insert) = self.insert else { return Ok(None) };
        if self.insert_relative_to == InsertRelative::Zero {
            return Ok(Some(insert));
        }
        let text = tool::ask(host, &Program::new("ufw").args(["status", "numbered"]))?;
        let lines: Vec<(i64, bool)> = text
            .lines()
            .filter_map(|line| {
                let number = line.strip_prefix('[')?.split_once(']')?.0.trim().parse().ok()?;
                Some((number, line.contains("(v6)")))
            })
            .collect();
        let last = lines.iter().map(|(number, _)| *number).max().unwrap_or(0);
        let last_ipv4 = lines.iter().filter(|(_, is_6)| !is_6).map(|(number, _)| *number).max();
        let has_ipv6 = lines.iter().any(|(_, is_6)| *is_6);
        let base = match self.insert_relative_to {
            InsertRelative::Zero => 0,
            InsertRelative::FirstIpv4 => 1,
            InsertRelative::LastIpv4 => last_ipv4.unwrap_or(1),
            InsertRelative::FirstIpv6 => last_ipv4.map_or(1, |number| number + 1),
            InsertRelative::LastIpv6 => {
                if has_ipv6 {
                    last
                } else {
                    last + 1
                }
            }
        };
        // ufw takes no number behind the last one.
        Ok(Some(insert + base).filter(|number| *number <= last))
    }

    /// Whether a run, which is only tried, would change anything.
    fn would_change(
        &self,
        host: &dyn Host,
        words: &[String],
        seen: &Seen,
    ) -> Result<bool, Failure> {
        let status = &seen.status;
        let is_on = status.contains("Status: active");
        let line = |head: &str| {
            status.lines().find_map(|line| line.strip_prefix(head)).unwrap_or_default()
        };
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["-f", "enable"] => Ok(!is_on),
            ["-f", "disable"] => Ok(is_on),
            ["-f", ..] => Ok(true),
            ["default", policy, rest @ ..] => {
                let direction = rest.first().copied().unwrap_or("incoming");
                let chain = match direction {
                    "outgoing" => "OUTPUT",
                    "routed" => "FORWARD",
                    _ => "INPUT",
                };
                let target = match *policy {
                    "allow" => "accept",
                    "deny" => "drop",
                    other => other,
                };
                if let Some(kept) = seen.setting(&format!("DEFAULT_{chain}_POLICY")) {
                    return Ok(kept != target);
                }
                let direction = format!("({direction})");
                let found = line("Default: ")
                    .split(", ")
                    .find_map(|one| one.strip_suffix(direction.as_str()));
                Ok(found.is_none_or(|found| found.trim() != *policy && found.trim() != "disabled"))
            }
            ["logging", level] => {
                if let Some(kept) = seen.setting("LOGLEVEL") {
                    return Ok(match *level {
                        "on" => kept == "off",
                        level => kept != level,
                    });
                }
                let now = line("Logging: ");
                let (switch, now) = now.split_once(' ').unwrap_or((now, ""));
                Ok(match *level {
                    "off" => switch != "off",
                    "on" => switch == "off",
                    level => switch == "off" || now.trim_matches(['(', ')']) != level,
                })
            }
            _ => {
                let program = Program::new("ufw").arg("--dry-run").args(words.iter().cloned());
                let output = host.query(&program)?;
                let text = succeeded(&program, output)?.stdout_text();
                if text.lines().count() > 0 && text.lines().all(|line| line.contains("Skipping")) {
                    return Ok(false);
                }
                let tried: Vec<String> = tuples(&text).collect();
                // A rule for one family shows the rules of that family alone.
                let families: Vec<bool> = tried.iter().map(|rule| is_ipv6(rule)).collect();
                let known =
                    |rule: &&String| match (families.contains(&false), families.contains(&true)) {
                        (true, false) => !is_ipv6(rule),
                        (false, true) => is_ipv6(rule),
                        (true, true) => true,
                        (false, false) => match (self.is_ipv6(), self.is_ipv4()) {
                            (true, _) => is_ipv6(rule),
                            (_, true) => !is_ipv6(rule),
                            _ => true,
                        },
                    };
                let kept: Vec<&String> = seen.rules.iter().filter(known).collect();
                Ok(kept != tried.iter().collect::<Vec<_>>())
            }
        }
    }

    fn is_ipv6(&self) -> bool {
        self.from_ip.contains(':') || self.to_ip.contains(':')
    }

    fn is_ipv4(&self) -> bool {
        let is = |text: &str| text.contains('.');
        is(&self.from_ip) || is(&self.to_ip)
    }
}

/// The lines in which ufw notes a rule.
fn tuples(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with("### tuple")).map(str::to_owned)
}

fn is_ipv6(rule: &str) -> bool {
    rule.split_whitespace().any(|word| word.contains("::"))
}

impl Action for Ufw {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let seen = Self::look(host)?;
        let mut response = Response::default();
        let mut commands = Vec::new();
        for words in self.runs(host)? {
            response.changed |= self.would_change(host, &words, &seen)?;
            commands.push(format!("ufw --dry-run {}", words.join(" ")));
        }
        response.returned.insert("commands".into(), commands.into());
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let before = Self::look(host)?;
        let mut commands = Vec::new();
        for words in self.runs(host)? {
            let program = Program::new("ufw").args(words);
            commands.push(program.line());
            let output = host.execute(&program)?;
            if !output.is_success() {
                let (stderr, stdout) = (output.stderr_text(), output.stdout_text());
                let said = if stderr.trim().is_empty() { stdout } else { stderr };
                return Err(Failure::new(said.trim())
                    .with("rc", output.status)
                    .with("commands", commands));
            }
        }
        let after = Self::look(host)?;
        let is_done_each_time = matches!(self.state, Some(State::Reloaded | State::Reset));
        let mut response =
            Response { changed: is_done_each_time || before != after, ..Response::default() };
        response.msg = Some(after.status.trim_end().to_owned());
        response.returned.insert("commands".into(), commands.into());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    const RULE: &str = "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in";
    const RULE6: &str = "### tuple ### allow tcp 22 ::/0 any ::/0 in";

    /// A firewall that is off and has one rule; of more rules it knows port 80 alone.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/ufw/user.rules", format!("*filter\n{RULE}\n"));
        host.put("/etc/ufw/user6.rules", format!("{RULE6}\n"));
        host.put("/run/ufw", "inactive");
        host.program("ufw", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let four = files.text("/etc/ufw/user.rules").unwrap();
            let six = files.text("/etc/ufw/user6.rules").unwrap();
            let added = |text: &str, rule: &str| format!("{text}{}\n", rule.replace(" 22 ", " 80 "));
            match words.as_slice() {
                ["status", "verbose"] => {
                    let state = files.text("/run/ufw").unwrap();
                    Output::success(format!(
                        "Status: {state}\nLogging: on (low)\nDefault: deny (incoming), allow (outgoing), disabled (routed)\n"
                    ))
                }
                ["status", "numbered"] => Output::success("[ 1] 22/tcp ALLOW\n[ 2] 22/tcp (v6) ALLOW\n"),
                ["-f", "enable"] => {
                    files.put("/run/ufw", "active");
                    Output::success("")
                }
                ["-f" | "default" | "logging", ..] => Output::success(""),
                [.., "port", "99999", "proto", "tcp"] => Output::failure(1, "ERROR: Bad port"),
                ["--dry-run", .., "port", "80", "proto", "tcp"] if !four.contains(" 80 ") => {
                    Output::success(added(&four, RULE) + &added(&six, RULE6))
                }
                ["--dry-run", ..] if four.contains(" 80 ") => {
                    Output::success("Skipping adding existing rule\nSkipping adding existing rule (v6)\n")
                }
                ["--dry-run", ..] => Output::success(four + &six),
                [.., "port", "80", "proto", "tcp"] if !four.contains(" 80 ") => {
                    files.put("/etc/ufw/user.rules", added(&four, RULE));
                    files.put("/etc/ufw/user6.rules", added(&six, RULE6));
                    Output::success("Rules updated\n")
                }
                _ => Output::success("Skipping adding existing rule\n"),
            }
        });
        host
    }

    #[test]
    fn the_firewall_is_kept() {
        for (args, changed) in [
            (json!({"state": "enabled"}), true),
            (json!({"state": "disabled"}), false),
            (json!({"rule": "allow", "port": "22", "proto": "tcp"}), false),
            (json!({"rule": "allow", "port": "80", "proto": "tcp"}), true),
            (json!({"default": "deny"}), false),
            (json!({"default": "deny", "direction": "incoming"}), false),
            (json!({"logging": "low"}), false),
            (json!({"state": "reloaded"}), true),
        ] {
            let mut host = host();
            for check in [true, false] {
                let response = run("ufw", &args, "", "", Mode { check, diff: false }, &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, changed),
                    "{args}: {response:?}"
                );
            }
            if args["state"] != "reloaded" {
                assert!(!run("ufw", &args, "", "", Mode::default(), &mut host).changed, "{args}");
            }
        }
    }

    #[test]
    fn what_it_keeps_is_known_while_it_is_off() {
        let mut host = host();
        host.put("/etc/default/ufw", "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\n");
        host.put("/etc/ufw/ufw.conf", "ENABLED=no\nLOGLEVEL=off\n");
        for (args, changed) in [
            (json!({"default": "deny"}), false),
            (json!({"default": "reject"}), true),
            (json!({"logging": "off"}), false),
            (json!({"logging": "on"}), true),
        ] {
            let mode = Mode { check: true, diff: false };
            let response = run("ufw", &args, "", "", mode, &mut host);
            assert_eq!(response.changed, changed, "{args}: {response:?}");
        }
    }

    #[test]
    fn rules_are_put_where_they_belong() {
        for (relative, insert, expected) in [
            ("zero", 3, "insert 3 "),
            ("first-ipv4", 0, "insert 1 "),
            ("last-ipv4", 0, "insert 1 "),
            ("first-ipv6", 0, "insert 2 "),
            ("last-ipv6", 1, ""),
        ] {
            let args = json!({"rule": "deny", "from_ip": "10.0.0.1", "insert": insert, "insert_relative_to": relative});
            let response = run("ufw", &args, "", "", Mode::default(), &mut host());
            let line = response.returned["commands"][0].as_str().unwrap().to_owned();
            assert_eq!(line, format!("ufw {expected}deny from 10.0.0.1 to any"), "{relative}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"rule": "allow", "port": "99999", "proto": "tcp"}), "ERROR: Bad port"),
            (
                json!({"default": "deny", "direction": "in"}),
                "For default, direction must be one of",
            ),
            (json!({"rule": "deny", "direction": "routed"}), "For rules, direction must be one of"),
            (
                json!({"rule": "deny", "interface": "eth0"}),
                "missing parameter(s) required by 'interface'",
            ),
            (
                json!({"rule": "deny", "interface_in": "a", "interface_out": "b"}),
                "Only route rules",
            ),
            (
                json!({"port": "80"}),
                "one of the following is required: state, default, rule, logging",
            ),
        ] {
            let response = run("ufw", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
