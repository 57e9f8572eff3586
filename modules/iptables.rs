//! The `iptables` module.

mod rule;

use std::collections::BTreeMap;

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
    host::succeeded,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::lineinfile::State;

/// Keeps one rule, chain or policy of iptables as it should be.
///
/// Whether a rule is there is asked of `iptables -C`, so that a rule is found however it was
/// written. Rules are in the kernel alone and are gone after a boot.
///
/// `flush` changes something only where there are rules: a run that finds none says so, other than
/// Ansible's.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["set_dscp_mark", "set_dscp_mark_class"], ["flush", "policy"]),
    required_by(
        ("set_dscp_mark", ["jump"]),
        ("set_dscp_mark_class", ["jump"]),
        ("match_set", ["match_set_flags"]),
        ("match_set_flags", ["match_set"])
    ),
    required_if(
        ("jump", "TEE", ["gateway"]),
        ("jump", "tee", ["gateway"]),
        ("flush", false, ["chain"])
    )
)]
pub struct IpTables {
    /// The table.
    #[argument(default = "filter")]
    table: Table,
    /// Whether the rule should be there.
    #[argument(default = "present")]
    state: State,
    /// Whether a new rule is put behind the others or before them.
    #[argument(default = "append")]
    action: Placing,
    /// Number of the rule that a new one is put before, with `insert`.
    rule_num: Option<String>,
    /// Which protocol the rule is for; `both` keeps it in both.
    #[argument(default = "ipv4")]
    ip_version: IpVersion,
    /// The chain: `INPUT`, `FORWARD`, `OUTPUT`, `PREROUTING`, `POSTROUTING` or one of your own.
    chain: Option<String>,
    /// Whether the chain itself is made where it is missing or, with `absent` and no rule, removed.
    #[argument(default = false)]
    chain_management: bool,
    /// Whether all rules of the chain, or of all chains of the table, are removed.
    #[argument(default = false)]
    flush: bool,
    /// What becomes of packets that reach the end of a chain of the kernel's.
    policy: Option<Policy>,
    /// Whether addresses are not looked up by name when chains are listed.
    #[argument(default = false)]
    numeric: bool,
    #[argument(flatten)]
    rule: rule::Rule,
}

/// The tables there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Table {
    Filter,
    Nat,
    Mangle,
    Raw,
    Security,
}

/// Where a new rule goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Placing {
    Append,
    Insert,
}

/// Which protocols a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum IpVersion {
    #[choice("ipv4")]
    V4,
    #[choice("ipv6")]
    V6,
    Both,
}

/// What becomes of packets at the end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Policy {
    #[choice("ACCEPT")]
    Accept,
    #[choice("DROP")]
    Drop,
    #[choice("QUEUE")]
    Queue,
    #[choice("RETURN")]
    Return,
}

/// What a task manages, by program.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rules(BTreeMap<&'static str, Aspects>);

/// What a task manages of one protocol.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Aspects {
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<State>,
    /// How many rules there are to be flushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<usize>,
}

impl Documented for IpTables {
    const NAME: &'static str = "ansible.builtin.iptables";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A rule",
            args: r#"{"chain": "INPUT", "protocol": "tcp", "destination_port": "22", "ctstate": ["NEW"], "jump": "ACCEPT", "comment": "ssh"}"#,
        },
        Example {
            title: "A rule before all others, in both protocols",
            args: r#"{"chain": "INPUT", "in_interface": "lo", "jump": "ACCEPT", "action": "insert", "rule_num": "1", "ip_version": "both"}"#,
        },
        Example { title: "A policy", args: r#"{"chain": "FORWARD", "policy": "DROP"}"# },
        Example { title: "A chain", args: r#"{"chain": "WEB", "chain_management": true}"# },
        Example {
            title: "No rules in a chain",
            args: r#"{"chain": "INPUT", "flush": true, "ip_version": "ipv6"}"#,
        },
        Example {
            title: "No such rule",
            args: r#"{"chain": "INPUT", "source": "!192.0.2.0/24", "jump": "DROP", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("rule", "The rule as iptables takes it.", "always", r#""-p tcp -j ACCEPT""#),
        Returned::new("chain", "The chain.", "always", r#""INPUT""#),
        Returned::new("table", "The table.", "always", r#""filter""#),
        Returned::new("ip_version", "The protocol.", "always", r#""ipv4""#),
        Returned::new("flush", "Whether rules were to be removed.", "always", "false"),
        Returned::new("state", "Whether the rule should be there.", "always", r#""present""#),
        Returned::new("chain_management", "Whether the chain is managed.", "always", "false"),
    ];
}

impl Module for IpTables {
    type State = Rules;

    fn check(&self, host: &dyn Host) -> Result<Delta<Rules>, Failure> {
        self.rule.refuse_what_cannot_be()?;
        let mut delta = Delta::new(Rules::default(), Rules::default());
        for program in self.programs() {
            let (actual, desired) = self.compare(program, host)?;
            delta.actual.0.insert(program, actual);
            delta.desired.0.insert(program, desired);
        }
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Rules>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        for program in self.programs() {
            let (Some(actual), Some(desired)) =
                (delta.actual.0.get(program), delta.desired.0.get(program))
            else {
                continue;
            };
            for command in self.commands(program, actual, desired) {
                let output = host.execute(&command)?;
                succeeded(&command, output)?;
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Rules>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let rule = self.rule.words(self.icmp_flag(self.programs().first().copied()));
        let mut map = JsonMap::new();
        map.insert("rule".into(), rule.join(" ").into());
        map.insert("chain".into(), self.chain.clone().into());
        map.insert("table".into(), self.table.as_str().into());
        map.insert("ip_version".into(), self.ip_version.as_str().into());
        map.insert("flush".into(), self.flush.into());
        map.insert("state".into(), self.state.as_str().into());
        map.insert("chain_management".into(), self.chain_management.into());
        Ok(map)
    }
}

impl IpTables {
    fn programs(&self) -> &'static [&'static str] {
        match self.ip_version {
            IpVersion::V4 => &["iptables"],
            IpVersion::V6 => &["ip6tables"],
            IpVersion::Both => &["iptables", "ip6tables"],
        }
    }

    fn icmp_flag(&self, program: Option<&str>) -> &'static str {
        if program == Some("ip6tables") { "--icmpv6-type" } else { "--icmp-type" }
    }

    fn chain(&self) -> &str {
        self.chain.as_deref().unwrap_or_default()
    }

    fn rule_words(&self, program: &str) -> Vec<String> {
        self.rule.words(self.icmp_flag(Some(program)))
    }

    fn command(&self, program: &str, operation: &str) -> Program {
        let command = Program::new(program).args(["-t", self.table.as_str(), operation]);
        command.args(self.chain.clone())
    }

    fn compare(&self, program: &str, host: &dyn Host) -> Result<(Aspects, Aspects), Failure> {
        let (mut actual, mut desired) = (Aspects::default(), Aspects::default());
        if self.flush {
            // A chain that is not there may be made by a task before this one; iptables itself says
            // best that it cannot be flushed.
            let is_there = self.chain.is_none() || self.has_chain(program, host)?;
            actual.rules = match is_there {
                true => Some(self.count_rules(program, host)?),
                false => None,
            };
            desired.rules = Some(0);
        } else if let Some(policy) = self.policy {
            actual.policy = Some(self.read_policy(program, host)?);
            desired.policy = Some(policy.as_str().into());
        } else if self.rule_words(program).is_empty() {
            let is_there = self.has_chain(program, host)?;
            actual.chain = Some(if is_there { State::Present } else { State::Absent });
            desired.chain = Some(self.state);
            if actual.chain != desired.chain && !self.chain_management {
                return Err(Failure::new(format!(
                    "the task names the chain {} and no rule in it; chain_management would make or remove the chain itself",
                    self.chain()
                )));
            }
        } else {
            let is_there = self.has_rule(program, host)?;
            actual.rule = Some(if is_there { State::Present } else { State::Absent });
            desired.rule = Some(self.state);
            if self.chain_management && self.state == State::Present && !is_there {
                let has_chain = self.has_chain(program, host)?;
                actual.chain = Some(if has_chain { State::Present } else { State::Absent });
                desired.chain = Some(State::Present);
            }
        }
        Ok((actual, desired))
    }

    /// What is to be run, in order.
    fn commands(&self, program: &str, actual: &Aspects, desired: &Aspects) -> Vec<Program> {
        let mut commands = Vec::new();
        if actual.rules != desired.rules {
            commands.push(self.command(program, "-F"));
        }
        if actual.policy != desired.policy {
            commands.push(self.command(program, "-P").args(desired.policy.clone()));
        }
        if actual.chain != desired.chain {
            let operation = if desired.chain == Some(State::Present) { "-N" } else { "-X" };
            commands.push(self.command(program, operation));
        }
        if actual.rule != desired.rule {
            let operation = match (self.state, self.action) {
                (State::Absent, _) => "-D",
                (State::Present, Placing::Append) => "-A",
                (State::Present, Placing::Insert) => "-I",
            };
            let number = self.rule_num.clone().filter(|_| operation == "-I");
            let command = self.command(program, operation).args(number);
            commands.push(command.args(self.rule_words(program)));
        }
        commands
    }

    fn has_rule(&self, program: &str, host: &dyn Host) -> Result<bool, Failure> {
        let words = self.rule_words(program);
        let check = self.command(program, "-C").args(words);
        let output = host.query(&check)?;
        // 1 says that there is none; a rule that cannot be read is 2. A chain that it leads to may be
        // made by a task before this one.
        match output.status {
            0 => Ok(true),
            1 => Ok(false),
            _ if self.rule.leads_nowhere(&output.stderr_text()) => Ok(false),
            _ => Err(succeeded(&check, output)
                .err()
                .map_or_else(|| Failure::new("iptables gave no answer"), Failure::from)),
        }
    }

    fn has_chain(&self, program: &str, host: &dyn Host) -> Result<bool, Failure> {
        Ok(host.query(&self.listing(program))?.is_success())
    }

    fn listing(&self, program: &str) -> Program {
        let numeric = self.numeric.then_some("--numeric");
        self.command(program, "-L").args(numeric)
    }

    fn read_policy(&self, program: &str, host: &dyn Host) -> Result<String, Failure> {
        let listing = self.listing(program);
        let output = succeeded(&listing, host.query(&listing)?)?.stdout_text();
        let found = output.lines().next().and_then(|head| head.split_once("(policy "));
        let word = found.and_then(|(_, rest)| rest.split([' ', ')']).next());
        word.map(str::to_owned).ok_or_else(|| Failure::new("Can't detect current policy"))
    }

    fn count_rules(&self, program: &str, host: &dyn Host) -> Result<usize, Failure> {
        let listing = self.command(program, "-S");
        let output = succeeded(&listing, host.query(&listing)?)?.stdout_text();
        Ok(output.lines().filter(|line| line.starts_with("-A ")).count())
    }
}

#[cfg(test)]
mod tests;
