//! The `lvg` module of the collection `community.general`.

use std::{collections::BTreeSet, path::Path};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
    path::split_words,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::tool;

/// Keeps a group of volumes of LVM, and what it is made of.
///
/// A group that still has volumes is removed only with `force`.
#[derive(Debug, Arguments)]
#[arguments(required_if(("reset_pv_uuid", true, ["pvs"])))]
pub struct Lvg {
    /// The group.
    vg: String,
    /// The devices that it is made of; needed for a new group.
    pvs: Option<Vec<String>>,
    /// How large its parts are, in megabytes or with a unit.
    #[argument(default = "4")]
    pesize: String,
    /// Arguments for `pvcreate`.
    #[argument(default = "")]
    pv_options: String,
    /// Whether devices that have grown are used whole.
    #[argument(default = false)]
    pvresize: bool,
    /// Arguments for `vgcreate`.
    #[argument(default = "")]
    vg_options: String,
    /// Whether it is there, and whether its volumes can be used.
    #[argument(default = "present")]
    state: State,
    /// Whether a group with volumes may be removed.
    #[argument(default = false)]
    force: bool,
    /// Whether the group gets a new UUID.
    #[argument(default = false)]
    reset_vg_uuid: bool,
    /// Whether its devices get new UUIDs.
    #[argument(default = false)]
    reset_pv_uuid: bool,
    /// Whether devices that are not named are taken out of the group.
    #[argument(default = true)]
    remove_extra_pvs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Active,
    Inactive,
}

/// The group, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Group {
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_active: Option<bool>,
}

impl Documented for Lvg {
    const NAME: &'static str = "community.general.lvg";
    const ALIASES: &'static [&'static str] = &["lvg"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A group",
            args: r#"{"vg": "data", "pvs": ["/dev/sda1", "/dev/sdb1"], "pesize": "32"}"#,
        },
        Example { title: "None", args: r#"{"vg": "old", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[];
}

impl Lvg {
    /// Devices of all groups, by the name of the group.
    fn devices(host: &dyn Host) -> Result<Vec<(String, String)>, Failure> {
        let words = ["--noheadings", "-o", "pv_name,vg_name", "--separator", ";"];
        let text = tool::ask(host, &Program::new("pvs").args(words))?;
        Ok(text
            .lines()
            .filter_map(|line| line.trim().split_once(';'))
            .map(|(device, group)| (device.to_owned(), group.to_owned()))
            .collect())
    }

    /// How many volumes the group has; `None` where there is no such group.
    fn volumes(&self, host: &dyn Host) -> Result<Option<u32>, Failure> {
        let words = ["--noheadings", "-o", "vg_name,lv_count", "--separator", ";"];
        let text = tool::ask(host, &Program::new("vgs").args(words))?;
        let mut lines = text.lines().filter_map(|line| line.trim().split_once(';'));
        let found = lines.find(|(name, _)| *name == self.vg);
        Ok(found.map(|(_, count)| count.trim().parse().unwrap_or_default()))
    }

    /// The devices that are wanted, by the names that LVM knows them by.
    fn wanted(&self, host: &dyn Host) -> Result<Option<BTreeSet<String>>, Failure> {
        let Some(named) = self.pvs.as_ref().filter(|all| !all.is_empty()) else { return Ok(None) };
        let mut all = BTreeSet::new();
        for name in named {
            let path = Path::new(name);
            if host.metadata(path)?.is_none() {
                return Err(Failure::new(format!("Device {name} not found.")));
            }
            all.insert(host.real_path(path)?.display().to_string());
        }
        Ok(Some(all))
    }

    fn is_active(&self, host: &dyn Host) -> Result<bool, Failure> {
        let words = ["--noheadings", "-o", "lv_active", &self.vg];
        let text = tool::ask(host, &Program::new("lvs").args(words))?;
        Ok(text.lines().all(|line| line.trim() == "active"))
    }

    fn words(text: &str) -> Result<Vec<String>, Failure> {
        split_words(text).map_err(Failure::new)
    }
}

impl Module for Lvg {
    type State = Group;

    fn check(&self, host: &dyn Host) -> Result<Delta<Group>, Failure> {
        let volumes = self.volumes(host)?;
        let mut actual = Group { is_there: volumes.is_some(), ..Group::default() };
        let mut desired = Group { is_there: self.state != State::Absent, ..Group::default() };
        if self.state == State::Absent {
            if volumes.is_some_and(|count| count > 0) && !self.force {
                return Err(Failure::new(format!(
                    "Refuse to remove non-empty volume group {} without force=true",
                    self.vg
                )));
            }
            return Ok(Delta::new(actual, desired));
        }
        let wanted = self.wanted(host)?;
        if wanted.is_none() && volumes.is_none() {
            return Err(Failure::new("No physical volumes given."));
        }
        let known = Self::devices(host)?;
        if let Some(wanted) = wanted {
            let taken = known.iter().find(|(device, group)| {
                wanted.contains(device) && !group.is_empty() && *group != self.vg
            });
            if let Some((device, group)) = taken {
                return Err(Failure::new(format!(
                    "Device {device} is already in {group} volume group."
                )));
            }
            let own = known.iter().filter(|(_, group)| *group == self.vg);
            let own: BTreeSet<String> = own.map(|(device, _)| device.clone()).collect();
            desired.devices = Some(match self.remove_extra_pvs {
                true => wanted,
                false => wanted.union(&own).cloned().collect(),
            });
            actual.devices = Some(own);
        }
        let mut steps = Vec::new();
        if volumes.is_some() {
            if matches!(self.state, State::Active | State::Inactive) && volumes != Some(0) {
                actual.is_active = Some(self.is_active(host)?);
                desired.is_active = Some(self.state == State::Active);
            }
            if self.pvresize {
                for device in actual.devices.iter().flatten() {
                    if self.has_grown(host, device)? {
                        steps.push(format!("pvresize {device}"));
                    }
                }
            }
            if self.reset_vg_uuid {
                steps.push("vgchange --uuid".into());
            }
            if self.reset_pv_uuid {
                steps.push("pvchange --uuid".into());
            }
        }
        let mut delta = Delta::new(actual, desired);
        delta.steps = steps;
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Group>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let vg = self.vg.as_str();
        let run = |host: &mut dyn Host, name: &str, words: Vec<String>| {
            tool::run(host, &Program::new(name).args(words)).map(drop)
        };
        let text = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        if self.state == State::Absent {
            run(host, "vgremove", text(&["--force", vg]))?;
            return Ok(JsonMap::new());
        }
        let none = BTreeSet::new();
        let old = delta.actual.devices.as_ref().unwrap_or(&none);
        let new = delta.desired.devices.as_ref().unwrap_or(old);
        let added: Vec<String> = new.difference(old).cloned().collect();
        let gone: Vec<String> = old.difference(new).cloned().collect();
        let known = Self::devices(host)?;
        for device in &added {
            // One that a cut run has prepared already is not prepared again.
            if !known.iter().any(|(name, group)| name == device && group.is_empty()) {
                let mut words = Self::words(&self.pv_options)?;
                words.extend(["-f".into(), device.clone()]);
                run(host, "pvcreate", words)?;
            }
        }
        if !delta.actual.is_there {
            let mut words = Self::words(&self.vg_options)?;
            if matches!(self.state, State::Active | State::Inactive) {
                let word = if self.state == State::Active { "y" } else { "n" };
                words.extend(["--setautoactivation".into(), word.into()]);
            }
            words.extend(text(&["-s", &self.pesize, vg]));
            words.extend(added);
            run(host, "vgcreate", words)?;
            return Ok(JsonMap::new());
        }
        if !added.is_empty() {
            let mut words = vec![vg.to_owned()];
            words.extend(added);
            run(host, "vgextend", words)?;
        }
        if !gone.is_empty() {
            let mut words = text(&["--force", vg]);
            words.extend(gone);
            run(host, "vgreduce", words)?;
        }
        if delta.actual.is_active != delta.desired.is_active {
            let word = if delta.desired.is_active == Some(true) { "y" } else { "n" };
            run(host, "vgchange", text(&["--activate", word, vg]))?;
        }
        for step in &delta.steps {
            match step.split_once(' ') {
                Some(("pvresize", device)) => run(host, "pvresize", text(&[device]))?,
                Some(("vgchange", _)) => run(host, "vgchange", text(&["--uuid", vg]))?,
                _ => {
                    let mut words = text(&["--uuid"]);
                    words.extend(new.iter().cloned());
                    run(host, "pvchange", words)?;
                }
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Group>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }
}

impl Lvg {
    /// Whether a device is larger than what LVM uses of it, by more than a part.
    fn has_grown(&self, host: &dyn Host, device: &str) -> Result<bool, Failure> {
        let words = ["--noheadings", "--nosuffix", "--units", "b", "--separator", ";"];
        let words =
            words.into_iter().chain(["-o", "dev_size,pv_size,pe_start,vg_extent_size", device]);
        let text = tool::ask(host, &Program::new("pvs").args(words))?;
        let numbers: Vec<u64> =
            text.trim().split(';').filter_map(|number| number.trim().parse().ok()).collect();
        let [device_bytes, used_bytes, start_bytes, part_bytes] = numbers[..] else {
            return Ok(false);
        };
        Ok(device_bytes.saturating_sub(used_bytes + start_bytes) >= part_bytes.max(1))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_lvm};

    #[test]
    fn groups_are_kept() {
        let mut host = FakeHost::default();
        put_lvm(&mut host);
        for (args, changed) in [
            (json!({"vg": "data", "pvs": ["/dev/sda1"]}), true),
            (json!({"vg": "data", "pvs": ["/dev/sda1"]}), false),
            (json!({"vg": "data"}), false),
            (json!({"vg": "data", "pvs": ["/dev/sda1", "/dev/sdb1"]}), true),
            (json!({"vg": "data", "pvs": ["/dev/sda1"], "remove_extra_pvs": false}), false),
            (json!({"vg": "data", "pvs": ["/dev/sdb1"]}), true),
            (json!({"vg": "data", "state": "absent"}), true),
            (json!({"vg": "data", "state": "absent"}), false),
        ] {
            let response = run("lvg", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
    }

    #[test]
    fn what_would_lose_data_is_refused() {
        for (args, words) in [
            (json!({"vg": "new"}), "No physical volumes given."),
            (json!({"vg": "new", "pvs": ["/dev/nosuch"]}), "Device /dev/nosuch not found."),
            (
                json!({"vg": "new", "pvs": ["/dev/used"]}),
                "Device /dev/used is already in full volume group.",
            ),
            (
                json!({"vg": "full", "state": "absent"}),
                "Refuse to remove non-empty volume group full",
            ),
            (
                json!({"vg": "full", "reset_pv_uuid": true}),
                "reset_pv_uuid is True but all of the following are missing: pvs",
            ),
        ] {
            let mut host = FakeHost::default();
            put_lvm(&mut host);
            let response = run("lvg", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
            assert_eq!(host.writes, 0);
        }
    }
}
