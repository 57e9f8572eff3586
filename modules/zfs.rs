//! The `zfs` module of the collection `community.general`.

use std::collections::BTreeMap;

use module::{Arguments, Documented, Example, Failure, Host, Program};
use protocol::{Diff, Json, JsonMap, diff::Side, python};
use serde_json::json;

use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps a file system, volume or snapshot of ZFS.
#[derive(Debug, Arguments)]
pub struct Zfs {
    /// The data set: `rpool/home`, `rpool/home@monday`.
    name: String,
    /// Whether it is there; what is below it goes with it.
    state: Presence,
    /// The snapshot that it is a clone of.
    origin: Option<String>,
    /// Its properties; true and false stand for `on` and `off`.
    extra_zfs_properties: Option<JsonMap>,
}

impl Documented for Zfs {
    const NAME: &'static str = "community.general.zfs";
    const ALIASES: &'static [&'static str] = &["zfs"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A file system with two properties",
            args: r#"{"name": "rpool/home", "state": "present", "extra_zfs_properties": {"compression": true, "quota": "10737418240"}}"#,
        },
        Example { title: "None", args: r#"{"name": "rpool/old", "state": "absent"}"# },
    ];
}

impl Zfs {
    fn wanted(&self) -> BTreeMap<String, String> {
        let text = |value: &Json| match value {
            Json::Bool(true) => "on".to_owned(),
            Json::Bool(false) => "off".to_owned(),
            other => python::text(other),
        };
        let all = self.extra_zfs_properties.iter().flatten();
        all.map(|(name, value)| (name.clone(), text(value))).collect()
    }

    fn is_there(&self, host: &dyn Host) -> Result<bool, Failure> {
        let program = Program::new("zfs").args(["list", "-H", "-t", "all", &self.name]);
        let output = host.query(&program)?;
        if output.is_success() || output.stderr_text().contains("does not exist") {
            return Ok(output.is_success());
        }
        Ok(module::host::succeeded(&program, output)?.is_success())
    }

    /// Properties that are set here, or were when it was made.
    fn now(&self, host: &dyn Host) -> Result<BTreeMap<String, String>, Failure> {
        let words = ["get", "-H", "-p", "-o", "property,value,source", "all", &self.name];
        let said = tool::ask(host, &Program::new("zfs").args(words))?;
        let line = |line: &str| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, value, source] = fields.as_slice() else { return None };
            let is_own = ["local", "received", "-"].contains(source);
            is_own.then(|| ((*name).to_owned(), (*value).to_owned()))
        };
        Ok(said.lines().filter_map(line).collect())
    }

    fn creation(&self, wanted: &BTreeMap<String, String>) -> Program {
        let action = match (self.name.contains('@'), &self.origin) {
            (true, _) => "snapshot",
            (false, Some(_)) => "clone",
            (false, None) => "create",
        };
        let mut program = Program::new("zfs").arg(action);
        if action != "snapshot" {
            program = program.arg("-p");
        }
        for (name, value) in wanted {
            program = match name.as_str() {
                "volsize" => program.args(["-V", value]),
                "volblocksize" => program.args(["-b", value]),
                _ => program.args(["-o", &format!("{name}={value}")]),
            };
        }
        program.args(self.origin.clone()).arg(&self.name)
    }

    fn difference(&self, before: Json, after: Json) -> Option<Diff> {
        Some(Diff {
            before_header: self.name.clone(),
            after_header: self.name.clone(),
            before: Side::State(before),
            after: Side::State(after),
            prepared: None,
        })
    }
}

impl Stepwise for Zfs {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        if self.origin.is_some() && self.name.contains('@') {
            return Err(Failure::new("cannot specify origin when operating on a snapshot"));
        }
        let wanted = self.wanted();
        let mut steps = Steps::default();
        match (self.is_there(host)?, self.state) {
            (false, Presence::Absent) => {}
            (true, Presence::Absent) => {
                steps.programs.push(Program::new("zfs").args(["destroy", "-R", &self.name]));
                steps.diff =
                    self.difference(json!({"state": "present"}), json!({"state": "absent"}));
            }
            (false, Presence::Present) => {
                steps.programs.push(self.creation(&wanted));
                steps.diff =
                    self.difference(json!({"state": "absent"}), json!({"state": "present"}));
            }
            (true, Presence::Present) => {
                let now = self.now(host)?;
                let (mut before, mut after) = (JsonMap::new(), JsonMap::new());
                for (name, value) in &wanted {
                    if now.get(name) != Some(value) {
                        let words = ["set", &format!("{name}={value}"), &self.name];
                        steps.programs.push(Program::new("zfs").args(words));
                        before.insert(name.clone(), now.get(name).cloned().into());
                        after.insert(name.clone(), value.clone().into());
                    }
                }
                if !after.is_empty() {
                    steps.diff = self.difference(
                        json!({"extra_zfs_properties": before}),
                        json!({"extra_zfs_properties": after}),
                    );
                }
            }
        }
        for (name, value) in wanted {
            steps = steps.with(&name, value);
        }
        Ok(steps.with("name", self.name.clone()).with("state", self.state.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};

    use super::*;
    use crate::cases::run;

    /// `zfs`, with one file for each data set, whose lines are properties.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/zfs/rpool", "");
        host.program("zfs", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let place = format!("/zfs/{}", words.last().unwrap().replace('/', "+"));
            let Some(text) = files
                .text(&place)
                .or((words[0] == "create" || words[0] == "clone" || words[0] == "snapshot")
                    .then(String::new))
            else {
                return Output::failure(1, "cannot open: dataset does not exist");
            };
            match words[0] {
                "list" if words.last() == Some(&"bad") => return Output::failure(1, "no pools"),
                "list" => {}
                "get" => {
                    let own: String = text
                        .lines()
                        .map(|line| format!("{}\tlocal\n", line.replace('=', "\t")))
                        .collect();
                    return Output::success(format!(
                        "type\tfilesystem\t-\natime\ton\tdefault\n{own}"
                    ));
                }
                "destroy" => files.remove(place.as_ref()),
                "set" => {
                    let name = words[1].split('=').next().unwrap();
                    let kept: String = text
                        .lines()
                        .filter(|line| !line.starts_with(name))
                        .map(|line| format!("{line}\n"))
                        .collect();
                    files.put(&place, format!("{kept}{}\n", words[1]));
                }
                _ => {
                    let own: String = words
                        .iter()
                        .filter(|word| word.contains('='))
                        .map(|word| format!("{word}\n"))
                        .collect();
                    files.put(&place, own);
                }
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn data_sets_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (
                json!({"name": "rpool/a", "state": "present", "extra_zfs_properties": {"compression": true, "quota": 5}}),
                true,
            ),
            (
                json!({"name": "rpool/a", "state": "present", "extra_zfs_properties": {"compression": "on"}}),
                false,
            ),
            (
                json!({"name": "rpool/a", "state": "present", "extra_zfs_properties": {"compression": "lz4", "atime": "on"}}),
                true,
            ),
            (
                json!({"name": "rpool/a", "state": "present", "extra_zfs_properties": {"compression": "lz4", "atime": "on"}}),
                false,
            ),
            (json!({"name": "rpool/a@x", "state": "present"}), true),
            (json!({"name": "rpool/b", "state": "present", "origin": "rpool/a@x"}), true),
            (json!({"name": "rpool/a", "state": "absent"}), true),
            (json!({"name": "rpool/a", "state": "absent"}), false),
        ] {
            let check = Mode { check: true, diff: true };
            let foretold = run("zfs", &args, "", "", check, &mut host);
            let done = run("zfs", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
            assert_eq!(foretold.diff.len(), usize::from(changed), "{args}");
        }
    }

    #[test]
    fn what_is_no_data_set_is_refused() {
        for (args, words) in [
            (json!({"name": "a@b", "state": "present", "origin": "x@y"}), "cannot specify origin"),
            (json!({"name": "a"}), "missing required arguments: state"),
            (json!({"name": "a", "state": "mounted"}), "value of state must be one of"),
        ] {
            let done = run("zfs", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
        let done = run(
            "zfs",
            &json!({"name": "a", "state": "present"}),
            "",
            "",
            Mode::default(),
            &mut FakeHost::default(),
        );
        assert!(done.msg.unwrap_or_default().contains("no program zfs"));
    }
}
