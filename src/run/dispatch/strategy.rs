//! Who waits for whom: `linear`, `free` and `host_pinned`.

/// Which hosts may go on while others still work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Linear,
    Free,
    HostPinned,
}

/// The strategy that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    pub strategy: Strategy,
    /// Whether the operator is asked about what fails, as by `debug`.
    pub debugs: bool,
    /// Whether it is one of Mitogen's, which do the same over a connection of their own.
    pub is_of_mitogen: bool,
}

/// The names that there are, for messages.
pub const STRATEGIES: [&str; 4] = ["debug", "free", "host_pinned", "linear"];

/// Said of `run_once` where hosts go each at its own pace.
pub(super) const FREE_RUNS_ALL: &str = "Using run_once with the free strategy is not currently \
    supported. This task will still be executed for every host in the inventory list.";

/// Said of `any_errors_fatal` where hosts go each at its own pace.
pub(super) const FREE_GOES_ON: &str = "Using any_errors_fatal with the free strategy is not \
    supported, as tasks are executed independently on each host";

/// What is said where hosts that go each at its own pace are to be counted.
pub const FREE_COUNTS_NOBODY: &str = "Using max_fail_percentage with the free strategy is not \
                                      supported, as tasks are executed independently on each host";

/// What names of Mitogen's strategies start with.
const MITOGEN: &str = "mitogen_";

impl Strategy {
    /// The strategy of a name, alone or with Ansible's own collection.
    pub fn parse(name: &str) -> Option<Named> {
        let (collection, short) = name.rsplit_once('.').unwrap_or(("", name));
        if !["", "ansible.builtin", "ansible.legacy"].contains(&collection) {
            return None;
        }
        let bare = short.strip_prefix(MITOGEN);
        let strategy = match bare.unwrap_or(short) {
            "linear" => Strategy::Linear,
            "debug" if bare.is_none() => Strategy::Linear,
            "free" => Strategy::Free,
            "host_pinned" => Strategy::HostPinned,
            // Mitogen's first name for its linear one.
            _ if short == "mitogen" => {
                return Some(Named {
                    strategy: Strategy::Linear,
                    debugs: false,
                    is_of_mitogen: true,
                });
            }
            _ => return None,
        };
        Some(Named { strategy, debugs: short == "debug", is_of_mitogen: bare.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_strategies_and_others_for_none() {
        use Strategy::{Free, HostPinned, Linear};
        for (name, expected) in [
            ("linear", Some((Linear, false, false))),
            ("ansible.builtin.free", Some((Free, false, false))),
            ("ansible.legacy.host_pinned", Some((HostPinned, false, false))),
            ("debug", Some((Linear, true, false))),
            ("ansible.builtin.debug", Some((Linear, true, false))),
            ("mitogen_linear", Some((Linear, false, true))),
            ("mitogen_free", Some((Free, false, true))),
            ("mitogen_host_pinned", Some((HostPinned, false, true))),
            ("mitogen", Some((Linear, false, true))),
            ("mitogen_debug", None),
            ("mitogen_", None),
            ("my.own.linear", None),
            ("serial", None),
            ("", None),
        ] {
            let found = Strategy::parse(name);
            let found = found.map(|named| (named.strategy, named.debugs, named.is_of_mitogen));
            assert_eq!(found, expected, "{name}");
        }
    }
}
