//! The `group` module.

use module::{
    Arguments, Delta, Documented, Example, Failure, Host, Module, Program, Returned, accounts,
    host::succeeded,
};
use protocol::{JsonMap, spec::Support};
use serde::Serialize;

use crate::lineinfile::State as Presence;

/// Keeps a group present with a given ID, or absent.
///
/// Who belongs to it is a matter of each user: see `user`.
#[derive(Debug, Arguments)]
#[arguments(required_by(("non_unique", ["gid"])))]
pub struct Group {
    /// Name of the group.
    name: String,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Numeric ID. Left out, a group that is there keeps its own and a new one gets the next.
    gid: Option<u32>,
    /// Whether a new group gets its ID from those of the system.
    #[argument(default = false)]
    system: bool,
    /// Whether the programs for local accounts (`lgroupadd` …) are used.
    #[argument(default = false)]
    local: bool,
    /// Whether another group may have the same ID.
    non_unique: Option<bool>,
    /// Whether a group goes even if it is the first group of a user.
    #[argument(default = false)]
    force: bool,
    /// Least ID for a new group.
    gid_min: Option<u32>,
    /// Greatest ID for a new group.
    gid_max: Option<u32>,
}

impl Documented for Group {
    const NAME: &'static str = "ansible.builtin.group";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A group with the next free ID", args: r#"{"name": "deploy"}"# },
        Example { title: "A group with a set ID", args: r#"{"name": "deploy", "gid": 2000}"# },
        Example { title: "A group of the system", args: r#"{"name": "daemon1", "system": true}"# },
        Example { title: "No such group", args: r#"{"name": "games", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "Name of the group.", "always", r#""deploy""#),
        Returned::new("state", "What the task wants.", "always", r#""present""#),
        Returned::new("gid", "Numeric ID.", "present", "2000"),
        Returned::new("system", "Whether it is one of the system.", "present", "false"),
    ];
    const DIFF_MODE: Support = Support::Full;
}

/// A line of /etc/group, less the parts that this module does not manage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// `None`: whichever ID the host chooses.
    #[serde(skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
}

impl Module for Group {
    /// `None`: there is no such group.
    type State = Option<Line>;

    fn check(&self, host: &dyn Host) -> Result<Delta<Self::State>, Failure> {
        if self.local && (self.gid_min.is_some() || self.gid_max.is_some()) {
            return Err(Failure::new("gid_min and gid_max cannot be used with local"));
        }
        // Only what the files hold can be changed by the tools.
        let all = accounts::local_groups(host)?;
        let there = all.into_iter().find(|group| group.name == self.name);
        let there = match there {
            Some(group) => Some(group),
            None if self.local => None,
            None => accounts::group_by_name(host, &self.name)?,
        };
        let actual = there.map(|group| Line { gid: self.gid.map(|_| group.gid) });
        let desired = match self.state {
            Presence::Absent => None,
            Presence::Present => Some(Line { gid: self.gid }),
        };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Self::State>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let tool = match (&delta.actual, &delta.desired) {
            (None, Some(_)) => "groupadd",
            (Some(_), Some(_)) => "groupmod",
            (_, None) => "groupdel",
        };
        let name = if self.local { format!("l{tool}") } else { tool.to_owned() };
        let mut program = Program::new(name);
        if let Some(gid) = self.gid.filter(|_| delta.desired.is_some()) {
            program = program.args(["-g".to_owned(), gid.to_string()]);
            if self.non_unique == Some(true) {
                program = program.arg("-o");
            }
        }
        if tool == "groupadd" {
            if self.system {
                program = program.arg("-r");
            }
            for (key, value) in [("GID_MIN", self.gid_min), ("GID_MAX", self.gid_max)] {
                if let Some(value) = value {
                    program = program.args(["-K".to_owned(), format!("{key}={value}")]);
                }
            }
        }
        if tool == "groupdel" && self.force {
            program = program.arg("-f");
        }
        let program = program.arg(&self.name);
        let output = host.execute(&program)?;
        succeeded(&program, output)
            .map_err(|error| Failure::from(error).with("name", self.name.clone()))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Self::State>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("name".into(), self.name.clone().into());
        map.insert("state".into(), self.state.as_str().into());
        if self.state == Presence::Present
            && let Some(group) = accounts::group_by_name(host, &self.name)?
        {
            map.insert("gid".into(), group.gid.into());
            map.insert("system".into(), self.system.into());
        }
        Ok(map)
    }
}
