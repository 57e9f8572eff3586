//! The recap: how tasks ended, by host.

use indexmap::IndexMap;
use inventory::HostName;
use protocol::JsonMap;

/// Counts of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub ok: u64,
    pub changed: u64,
    pub unreachable: u64,
    pub failed: u64,
    pub skipped: u64,
    pub rescued: u64,
    pub ignored: u64,
}

/// Counts of all hosts, in the order in which they were met, and what `set_stats` has set.
#[derive(Clone, Debug, Default)]
pub struct Statistics {
    pub hosts: IndexMap<HostName, Counts>,
    pub custom: JsonMap,
}

impl Statistics {
    /// The counts of a host.
    pub fn of(&mut self, host: &HostName) -> &mut Counts {
        self.hosts.entry(host.clone()).or_default()
    }

    /// Whether a task failed on any host, rescued ones not counted.
    pub fn has_failures(&self) -> bool {
        self.hosts.values().any(|counts| counts.failed > 0)
    }

    /// Whether any host could not be reached.
    pub fn has_unreachable(&self) -> bool {
        self.hosts.values().any(|counts| counts.unreachable > 0)
    }

    /// Whether anything was or would be changed.
    pub fn has_changes(&self) -> bool {
        self.hosts.values().any(|counts| counts.changed > 0)
    }
}
