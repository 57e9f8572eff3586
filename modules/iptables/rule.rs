//! One rule as a task writes it, and as words of a command line.

use module::{Arguments, Choices, Failure};

/// What a rule matches, and what it does.
#[derive(Debug, Arguments)]
pub struct Rule {
    /// Protocol, such as `tcp`, by name or number; `!` before it turns it round, here and in all
    /// that is matched.
    protocol: Option<String>,
    /// Address or network that packets come from.
    source: Option<String>,
    /// Address or network that packets go to.
    destination: Option<String>,
    /// Extensions to match with.
    #[argument(default = [])]
    r#match: Vec<String>,
    /// Flags of TCP: those that are looked at, and those of them that must be set.
    tcp_flags: Option<TcpFlags>,
    /// What is done with packets: a target or a chain.
    jump: Option<String>,
    /// Chain that packets go on in, without coming back.
    goto: Option<String>,
    /// Address that a copy is sent to, with `TEE`.
    gateway: Option<String>,
    /// What lines of the log start with.
    log_prefix: Option<String>,
    /// Level of lines of the log.
    #[argument(choices(
        "0", "1", "2", "3", "4", "5", "6", "7", "emerg", "alert", "crit", "error", "warning",
        "notice", "info", "debug"
    ))]
    log_level: Option<String>,
    /// Device that packets come in by.
    in_interface: Option<String>,
    /// Device that packets go out by.
    out_interface: Option<String>,
    /// Whether the rule is for later fragments alone.
    fragment: Option<String>,
    /// Packets and bytes that a new rule has counted.
    set_counters: Option<String>,
    /// Port, name of a service, or range `first:last`, that packets come from.
    source_port: Option<String>,
    /// The same for where they go to.
    destination_port: Option<String>,
    /// Several ports that packets go to.
    #[argument(default = [])]
    destination_ports: Vec<String>,
    /// Ports that packets are sent on to.
    to_ports: Option<String>,
    /// Address that packets are sent on to, with `DNAT`.
    to_destination: Option<String>,
    /// Address that packets then come from, with `SNAT`.
    to_source: Option<String>,
    /// Whether packets that begin a connection match: those with SYN set, and ACK and RST not.
    #[argument(default = "ignore")]
    syn: Syn,
    /// Mark for quality of service that packets get, with `DSCP`.
    set_dscp_mark: Option<String>,
    /// The same by class.
    set_dscp_mark_class: Option<String>,
    /// Comment on the rule.
    comment: Option<String>,
    /// States of connections.
    #[argument(default = [])]
    ctstate: Vec<String>,
    /// Range of addresses that packets come from.
    src_range: Option<String>,
    /// Range of addresses that packets go to.
    dst_range: Option<String>,
    /// Set of addresses, by the name that ipset has for it.
    match_set: Option<String>,
    /// Which addresses of packets are looked for in the set.
    #[argument(choices("src", "dst", "src,dst", "dst,src", "dst,dst", "src,src"))]
    match_set_flags: Option<String>,
    /// How many packets may match, such as `10/minute`.
    limit: Option<String>,
    /// How many may match before the limit counts.
    limit_burst: Option<String>,
    /// User whose processes packets come from.
    uid_owner: Option<String>,
    /// Group whose processes packets come from.
    gid_owner: Option<String>,
    /// What packets are refused with.
    reject_with: Option<String>,
    /// Kind of ICMP message.
    icmp_type: Option<String>,
    /// Seconds to wait for other programs that change rules.
    wait: Option<String>,
}

/// Flags of TCP.
#[derive(Debug, Arguments)]
struct TcpFlags {
    /// Those that are looked at.
    flags: Option<Vec<String>>,
    /// Those that must be set.
    flags_set: Option<Vec<String>>,
}

/// Whether packets that begin a connection match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Syn {
    Ignore,
    Match,
    Negate,
}

/// Words of a command line under way.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn put(&mut self, words: &[&str]) {
        self.0.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// A flag with its value, turned round where the value starts with `!`.
    fn flag(&mut self, flag: &str, value: Option<&String>) {
        match value.map(|value| (value, value.strip_prefix('!'))) {
            Some((_, Some(turned))) => self.put(&["!", flag, turned.trim_start()]),
            Some((value, None)) => self.put(&[flag, value]),
            None => {}
        }
    }

    fn list(&mut self, flag: &str, values: &[String]) {
        if !values.is_empty() {
            self.put(&[flag, &values.join(",")]);
        }
    }
}

fn is_word(value: &Option<String>, word: &str) -> bool {
    value.as_ref().is_some_and(|value| value.eq_ignore_ascii_case(word))
}

impl Rule {
    /// Whether iptables complains of the chain that the rule leads to, and of nothing else.
    pub fn leads_nowhere(&self, said: &str) -> bool {
        [&self.jump, &self.goto].into_iter().flatten().any(|chain| {
            said.contains(&format!("Chain '{chain}' does not exist"))
                || said.contains(&format!("Couldn't load target `{chain}'"))
        })
    }

    /// Refuses options of targets that the rule does not have.
    ///
    /// # Errors
    /// Such options.
    pub fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let logs = self.log_prefix.is_some() || self.log_level.is_some();
        if logs && self.jump.is_some() && !is_word(&self.jump, "LOG") {
            return Err(Failure::new("Logging options can only be used with the LOG jump target."));
        }
        if let Some(flags) = &self.tcp_flags
            && (flags.flags.is_none() || flags.flags_set.is_none())
        {
            return Err(Failure::new("tcp_flags needs both flags and flags_set"));
        }
        if let (Some(jump), Some(goto)) = (&self.jump, &self.goto) {
            return Err(Failure::new(format!("a rule cannot jump to {jump} and go to {goto}")));
        }
        Ok(())
    }

    /// The rule as iptables takes it, in the order that Ansible gives it; empty for none.
    pub fn words(&self, icmp_flag: &str) -> Vec<String> {
        let mut words = Words::default();
        let uses = |extension: &str| self.r#match.iter().any(|one| one == extension);
        if let Some(secs) = &self.wait {
            words.put(&["-w", secs]);
        }
        words.flag("-p", self.protocol.as_ref());
        words.flag("-s", self.source.as_ref());
        words.flag("-d", self.destination.as_ref());
        for extension in &self.r#match {
            words.flag("-m", Some(extension));
        }
        if let Some(TcpFlags { flags: Some(flags), flags_set: Some(set) }) = &self.tcp_flags {
            words.put(&["--tcp-flags", &flags.join(","), &set.join(",")]);
        }
        let logs = self.log_prefix.is_some() || self.log_level.is_some();
        let log = "LOG".to_owned();
        words.flag("-j", self.jump.as_ref().or_else(|| logs.then_some(&log)));
        if is_word(&self.jump, "TEE") {
            words.flag("--gateway", self.gateway.as_ref());
        }
        words.flag("--log-prefix", self.log_prefix.as_ref());
        words.flag("--log-level", self.log_level.as_ref());
        words.flag("--to-destination", self.to_destination.as_ref());
        if !self.destination_ports.is_empty() {
            words.put(&["-m", "multiport"]);
            words.list("--dports", &self.destination_ports);
        }
        words.flag("--to-source", self.to_source.as_ref());
        words.flag("-g", self.goto.as_ref());
        words.flag("-i", self.in_interface.as_ref());
        words.flag("-o", self.out_interface.as_ref());
        words.flag("-f", self.fragment.as_ref());
        words.flag("-c", self.set_counters.as_ref());
        words.flag("--source-port", self.source_port.as_ref());
        words.flag("--destination-port", self.destination_port.as_ref());
        words.flag("--to-ports", self.to_ports.as_ref());
        for (flag, mark) in
            [("--set-dscp", &self.set_dscp_mark), ("--set-dscp-class", &self.set_dscp_mark_class)]
        {
            words.flag(flag, mark.as_ref());
            if mark.is_some() && !is_word(&self.jump, "DSCP") {
                words.put(&["-j", "DSCP"]);
            }
        }
        match self.syn {
            Syn::Ignore => {}
            Syn::Match => words.put(&["--syn"]),
            Syn::Negate => words.put(&["!", "--syn"]),
        }
        if uses("state") && !uses("conntrack") {
            words.list("--state", &self.ctstate);
        } else {
            if !self.ctstate.is_empty() && !uses("conntrack") {
                words.put(&["-m", "conntrack"]);
            }
            words.list("--ctstate", &self.ctstate);
        }
        if (self.src_range.is_some() || self.dst_range.is_some()) && !uses("iprange") {
            words.put(&["-m", "iprange"]);
        }
        words.flag("--src-range", self.src_range.as_ref());
        words.flag("--dst-range", self.dst_range.as_ref());
        if let (Some(_), Some(flags)) = (&self.match_set, &self.match_set_flags) {
            if !uses("set") {
                words.put(&["-m", "set"]);
            }
            words.flag("--match-set", self.match_set.as_ref());
            words.put(&[flags]);
        }
        if self.limit.is_some() || self.limit_burst.is_some() {
            words.put(&["-m", "limit"]);
        }
        words.flag("--limit", self.limit.as_ref());
        words.flag("--limit-burst", self.limit_burst.as_ref());
        for (flag, owner) in [("--uid-owner", &self.uid_owner), ("--gid-owner", &self.gid_owner)] {
            if owner.is_some() {
                words.put(&["-m", "owner"]);
            }
            words.flag(flag, owner.as_ref());
        }
        if self.jump.is_none() && self.reject_with.is_some() {
            words.put(&["-j", "REJECT"]);
        }
        words.flag("--reject-with", self.reject_with.as_ref());
        words.flag(icmp_flag, self.icmp_type.as_ref());
        if self.comment.is_some() {
            words.put(&["-m", "comment"]);
        }
        words.flag("--comment", self.comment.as_ref());
        words.0
    }
}
