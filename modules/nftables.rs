//! The `nftables` module: one table of the packet filter, owned whole by a task.
//!
//! What a table is, is `nft`'s own listing of it without counters. What it should be is the same
//! listing of the wanted table, made by the same `nft` in a network namespace that nobody is in:
//! so both sides are in normal form, and nothing is written to the host to learn it. The listing
//! as JSON is not used: nft 1.0 leaves comments of chains out of it.

mod kernel;
mod listing;
mod persistence;
#[cfg(test)]
mod tests;
mod text;

use std::path::PathBuf;

use module::{Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Returned};
use protocol::{Diff, Json, JsonMap, diff::Side};
use serde::Serialize;

use persistence::{Files, Persistence};

/// Keeps one table of the packet filter as the task says, and leaves all other tables alone.
///
/// The table belongs to the task: chains, sets, maps and rules that the task does not name are
/// taken out of it. A change replaces the table in one transaction, so that at no time a packet
/// meets half of the rules. Counters start again at a change; elements are kept of sets for which
/// the task leaves `elements` out.
///
/// Needs `nft`, and `unshare` of util-linux or busybox.
#[derive(Debug, Arguments)]
pub struct NfTables {
    /// Name of the table.
    #[argument(aliases("name"))]
    table: String,
    /// Which packets the table sees.
    #[argument(default = "inet")]
    family: Family,
    /// Whether the table should be there.
    #[argument(default = "present")]
    state: State,
    /// A comment on the table.
    comment: Option<String>,
    /// Its chains, in order; chains that are jumped to need no order of their own.
    chains: Option<Vec<Chain>>,
    /// Its sets.
    sets: Option<Vec<Set>>,
    /// Its maps. `type` and `typeof` name both sides: `ipv4_addr : verdict`.
    maps: Option<Vec<Set>>,
    /// Whether `nft` has to accept the change on this host, without making it, before anything is
    /// done; in a check run too.
    #[argument(default = true)]
    validate: bool,
    /// Whether the table is written to a file as well, from which it is loaded at boot. That the
    /// host loads its file at all is for the `service` module: `nftables`, enabled.
    #[argument(default = false)]
    persist: bool,
    /// That file; `/etc/nftables.d/trueup-FAMILY-TABLE.nft` where this is left out.
    path: Option<PathBuf>,
    /// The file that the host loads at boot, which is made to include the other one. Left out, it
    /// is the first that is there of `/etc/nftables.conf`, `/etc/sysconfig/nftables.conf` and
    /// `/etc/nftables.nft`.
    config: Option<PathBuf>,
}

/// Which packets a table sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Family {
    Inet,
    Ip,
    Ip6,
    Arp,
    Bridge,
    Netdev,
}

/// Whether the table should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Absent,
}

/// What the kernel uses a base chain for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum ChainType {
    Filter,
    Nat,
    Route,
}

/// Where packets enter a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Hook {
    Ingress,
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
    Egress,
}

/// What becomes of packets that reach the end of a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Policy {
    Accept,
    Drop,
}

/// What a set is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum SetPolicy {
    Performance,
    Memory,
}

/// How a set is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum SetFlag {
    Constant,
    Dynamic,
    Interval,
    Timeout,
}

/// A chain.
#[derive(Debug, Arguments)]
#[arguments(
    required_together(["type", "hook", "priority"]),
    required_by(("policy", ["hook"]), ("devices", ["hook"])),
)]
struct Chain {
    /// Its name.
    name: String,
    /// What the kernel uses it for. Without it, the chain is one that others jump to.
    r#type: Option<ChainType>,
    /// Where packets enter it.
    hook: Option<Hook>,
    /// A number, or a name with or without an offset: `filter`, `mangle - 5`.
    priority: Option<Json>,
    /// What becomes of packets that reach its end; `accept` where this is left out.
    policy: Option<Policy>,
    /// Network devices, for the hooks `ingress` and `egress`.
    #[argument(aliases("device"))]
    devices: Option<Vec<String>>,
    /// A comment.
    comment: Option<String>,
    /// The rules in order: each a text as `nft` takes it, or `rule` with a `comment` of its own.
    #[argument(default = [], elements = "raw")]
    rules: Vec<Json>,
}

/// A set or map.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["type", "typeof"]), required_one_of(["type", "typeof"]))]
struct Set {
    /// Its name.
    name: String,
    /// What its elements are, such as `ipv4_addr` or `ipv4_addr . inet_service`.
    r#type: Option<String>,
    /// The same by an expression, such as `ip saddr`.
    r#typeof: Option<String>,
    /// How it is used.
    flags: Option<Vec<SetFlag>>,
    /// How long an element stays, such as `1h`.
    timeout: Option<String>,
    /// How often elements that are too old are looked for, such as `10m`.
    gc_interval: Option<String>,
    /// How many elements it may have.
    size: Option<u64>,
    /// What it is made for.
    policy: Option<SetPolicy>,
    /// Whether neighbouring and overlapping intervals become one.
    #[argument(default = false)]
    auto_merge: bool,
    /// Whether each element counts its packets.
    #[argument(default = false)]
    counter: bool,
    /// A comment.
    comment: Option<String>,
    /// A list of its elements, as `nft` takes them; in maps, texts `key : value`, or a dict. Left out,
    /// the elements are not the task's: what is in the set stays there.
    elements: Option<Json>,
}

/// What a task manages of a packet filter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Filter {
    /// The table as `nft` lists it; `None` where it is not there.
    table: Option<String>,
    #[serde(flatten)]
    files: Files,
}

impl Documented for NfTables {
    const NAME: &'static str = "trueup.net.nftables";
    const ALIASES: &'static [&'static str] = &["nftables"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A firewall that lets SSH and web servers be reached, kept over boots",
            args: r#"{"table": "host", "persist": true, "sets": [{"name": "admins", "type": "ipv4_addr", "flags": ["interval"], "elements": ["192.0.2.0/24"]}], "chains": [{"name": "input", "type": "filter", "hook": "input", "priority": "filter", "policy": "drop", "rules": ["ct state established,related accept", "iif lo accept", {"rule": "ip saddr @admins tcp dport 22 accept", "comment": "ssh"}, "tcp dport { 80, 443 } accept"]}]}"#,
        },
        Example {
            title: "Masquerading",
            args: r#"{"table": "gateway", "family": "ip", "chains": [{"name": "postrouting", "type": "nat", "hook": "postrouting", "priority": 100, "rules": ["oifname \"wan0\" masquerade"]}]}"#,
        },
        Example {
            title: "A map of ports to verdicts",
            args: r#"{"table": "ports", "maps": [{"name": "verdicts", "type": "inet_service : verdict", "elements": {"22": "accept", "23": "drop"}}], "chains": [{"name": "sort", "rules": ["tcp dport vmap @verdicts"]}]}"#,
        },
        Example {
            title: "No such table, and no file of it",
            args: r#"{"table": "old", "state": "absent", "persist": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("table", "Name of the table.", "always", r#""host""#),
        Returned::new("family", "Its family.", "always", r#""inet""#),
        Returned::new(
            "ruleset",
            "The table as nft lists it, without counters.",
            "present",
            r#""table inet host {\n}\n""#,
        ),
        Returned::new(
            "path",
            "The file that it is kept in.",
            "with persist",
            r#""/etc/nftables.d/trueup-inet-host.nft""#,
        ),
    ];
}

impl Module for NfTables {
    type State = Filter;

    fn check(&self, host: &dyn Host) -> Result<Delta<Filter>, Failure> {
        self.refuse_what_cannot_be()?;
        let persistence = Persistence::find(self, host)?;
        let now = kernel::list(host, self.family, &self.table)?;
        let (actual, desired) = match self.state {
            State::Absent => (now, None),
            State::Present => {
                let wanted = kernel::normalize(host, self, &text::table(self)?)?;
                let foreign = self.foreign_sets();
                let now = now.map(|now| listing::without_elements(&now, &foreign));
                (now, Some(listing::without_elements(&wanted, &foreign)))
            }
        };
        if self.validate && actual != desired {
            kernel::validate(host, &self.transaction(host)?)?;
        }
        let (files, wanted_files) = match &persistence {
            Some(persistence) => persistence.compare(self, host)?,
            None => (Files::default(), Files::default()),
        };
        Ok(Delta::new(
            Filter { table: actual, files },
            Filter { table: desired, files: wanted_files },
        ))
    }

    fn apply(&self, delta: &Delta<Filter>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        if delta.actual.table != delta.desired.table {
            let transaction = self.transaction(host)?;
            kernel::load(host, &transaction)?;
        }
        // What the kernel refuses never gets into a file.
        if let Some(persistence) = Persistence::find(self, host)? {
            persistence.apply(&delta.actual.files, &delta.desired.files, host)?;
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, delta: &Delta<Filter>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("table".into(), self.table.clone().into());
        map.insert("family".into(), self.family.as_str().into());
        if let Some(table) = &delta.desired.table {
            map.insert("ruleset".into(), table.clone().into());
        }
        if let Some(persistence) = Persistence::find(self, host)? {
            map.insert("path".into(), persistence.path.display().to_string().into());
        }
        Ok(map)
    }

    fn diff(&self, delta: &Delta<Filter>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let header = format!("table {} {}", self.family, self.table);
        let side = |text: &Option<String>| Side::Text(text.clone().unwrap_or_default());
        let mut diffs = Vec::new();
        if delta.actual.table != delta.desired.table {
            diffs.push(Diff {
                before_header: header.clone(),
                after_header: header,
                before: side(&delta.actual.table),
                after: side(&delta.desired.table),
                prepared: None,
            });
        }
        for ((path, before), (_, after)) in delta.actual.files.both(&delta.desired.files) {
            diffs.push(Diff {
                before_header: path.clone(),
                after_header: path.clone(),
                before: side(before),
                after: side(after),
                prepared: None,
            });
        }
        Ok(diffs)
    }
}

impl NfTables {
    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let given = [
            ("chains", self.chains.is_some()),
            ("sets", self.sets.is_some()),
            ("maps", self.maps.is_some()),
            ("comment", self.comment.is_some()),
        ];
        for (name, is_given) in given {
            if is_given && self.state == State::Absent {
                return Err(Failure::new(format!(
                    "{name} says what a table holds, and state is absent"
                )));
            }
        }
        for (name, given) in [("path", &self.path), ("config", &self.config)] {
            if given.is_some() && !self.persist {
                return Err(Failure::new(format!(
                    "{name} is for tables that persist, and persist is false"
                )));
            }
        }
        text::check_name("table", &self.table)
    }

    /// Sets whose elements are not the task's.
    fn foreign_sets(&self) -> Vec<&str> {
        let sets = self.sets.iter().flatten().chain(self.maps.iter().flatten());
        sets.filter(|set| set.elements.is_none()).map(|set| set.name.as_str()).collect()
    }

    /// What takes the kernel from any state to the wanted one, elements of others' included.
    fn transaction(&self, host: &dyn Host) -> Result<String, Failure> {
        if self.state == State::Absent {
            return Ok(format!("delete table {} {}\n", self.family, self.table));
        }
        let mut elements = Vec::new();
        for name in self.foreign_sets() {
            if let Some(found) = kernel::elements(host, self, name)? {
                elements.push((name, found));
            }
        }
        text::replacement(self, &elements)
    }
}
