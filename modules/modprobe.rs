//! The `modprobe` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileMode, Host, Module, Placement,
    Program, Returned, host::succeeded, path::split_words,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::lineinfile::State;

const LOAD_FOLDER: &str = "/etc/modules-load.d";
const PARAMETERS_FOLDER: &str = "/etc/modprobe.d";

/// Loads a module of the kernel, or takes it out.
///
/// A module that is built into the kernel counts as loaded. With `persistent`, files say as well
/// whether it is loaded at boot.
#[derive(Debug, Arguments)]
pub struct Modprobe {
    /// Name of the module.
    name: String,
    /// Parameters of the module, where it is loaded.
    #[argument(default = "")]
    params: String,
    /// Whether it should be loaded.
    #[argument(default = "present")]
    state: State,
    /// Whether it should be loaded at boot; `disabled` leaves the files alone.
    #[argument(default = "disabled")]
    persistent: Persistent,
}

/// Whether files say that a module is loaded at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Persistent {
    Disabled,
    Absent,
    Present,
}

/// What a task manages of a module.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loaded {
    state: State,
    /// Files, and what they hold, as far as they are the task's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<(PathBuf, Option<String>)>,
}

impl Documented for Modprobe {
    const NAME: &'static str = "community.general.modprobe";
    const ALIASES: &'static [&'static str] = &["modprobe"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Now", args: r#"{"name": "8021q"}"# },
        Example {
            title: "Now and after each boot",
            args: r#"{"name": "dummy", "params": "numdummies=2", "persistent": "present"}"#,
        },
        Example {
            title: "Not loaded",
            args: r#"{"name": "floppy", "state": "absent", "persistent": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The module.", "always", r#""8021q""#),
        Returned::new("params", "Its parameters.", "always", r#""""#),
        Returned::new("state", "Whether it is loaded.", "always", r#""present""#),
    ];
}

impl Module for Modprobe {
    type State = Loaded;

    fn check(&self, host: &dyn Host) -> Result<Delta<Loaded>, Failure> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            return Err(Failure::new(format!(
                "{:?} is no name of a module of the kernel",
                self.name
            )));
        }
        let is_loaded = self.is_loaded(host)?;
        let actual = if is_loaded { State::Present } else { State::Absent };
        let mut delta = Delta::new(
            Loaded { state: actual, files: Vec::new() },
            Loaded { state: self.state, files: Vec::new() },
        );
        self.compare_files(host, &mut delta)?;
        Ok(delta)
    }

    fn apply(&self, delta: &Delta<Loaded>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        if delta.actual.state != delta.desired.state {
            let mut program = Program::new("modprobe");
            if self.state == State::Absent {
                program = program.args(["-r", &self.name]);
            } else {
                let params = split_words(&self.params)
                    .map_err(|why| Failure::new(format!("params cannot be split: {why}")))?;
                program = program.arg(&self.name).args(params);
            }
            let output = host.execute(&program)?;
            succeeded(&program, output)?;
        }
        for ((path, before), (_, after)) in delta.actual.files.iter().zip(&delta.desired.files) {
            let Some(text) = after.as_ref().filter(|_| before != after) else { continue };
            if let Some(folder) = path.parent()
                && host.metadata(folder)?.is_none()
            {
                host.make_dir(folder, FileMode::new(0o755))?;
            }
            host.write(path, &mut text.as_bytes(), &Placement::default())?;
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Loaded>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("name".into(), self.name.clone().into());
        map.insert("params".into(), self.params.clone().into());
        map.insert("state".into(), self.state.as_str().into());
        Ok(map)
    }
}

impl Modprobe {
    fn is_named(&self, name: &str) -> bool {
        name.replace('-', "_") == self.name.replace('-', "_")
    }

    fn is_loaded(&self, host: &dyn Host) -> Result<bool, Failure> {
        let text = |path: &str| -> Result<String, Failure> {
            let bytes = host.read(Path::new(path))?.unwrap_or_default();
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let loaded = text("/proc/modules")?;
        if loaded.lines().filter_map(|line| line.split(' ').next()).any(|name| self.is_named(name))
        {
            return Ok(true);
        }
        let release = text("/proc/sys/kernel/osrelease")?;
        let builtin = text(&format!("/lib/modules/{}/modules.builtin", release.trim()))?;
        let names = builtin.lines().filter_map(|line| line.rsplit('/').next()?.split(".ko").next());
        Ok({ names }.any(|name| self.is_named(name)))
    }

    fn compare_files(&self, host: &dyn Host, delta: &mut Delta<Loaded>) -> Result<(), Failure> {
        if self.persistent == Persistent::Disabled {
            return Ok(());
        }
        let names_module = |line: &str| self.is_named(line.trim());
        let sets_options = |line: &str| {
            let mut words = line.split_whitespace();
            words.next() == Some("options") && words.next().is_some_and(|name| self.is_named(name))
        };
        let options = format!("options {} {}", self.name, self.params);
        let wanted_options = (!self.params.is_empty()).then_some(options);
        for (folder, is_ours, wanted) in [
            (LOAD_FOLDER, &names_module as &dyn Fn(&str) -> bool, Some(self.name.clone())),
            (PARAMETERS_FOLDER, &sets_options, wanted_options),
        ] {
            let wanted = wanted.filter(|_| self.persistent == Persistent::Present);
            let own = Path::new(folder).join(format!("{}.conf", self.name));
            let mut is_met = wanted.is_none();
            let mut paths = Vec::new();
            if host.metadata(Path::new(folder))?.is_some() {
                let names = host.list(Path::new(folder))?;
                paths.extend(
                    names
                        .iter()
                        .filter(|name| name.to_string_lossy().ends_with(".conf"))
                        .map(|name| Path::new(folder).join(name)),
                );
            }
            for path in paths {
                let Some(bytes) = host.read(&path)? else { continue };
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let mut edited = String::new();
                for line in text.lines() {
                    if !is_ours(line) {
                        edited.push_str(line);
                    } else if !is_met
                        && wanted.as_deref().is_none_or(|wanted| words_equal(wanted, line))
                    {
                        edited.push_str(line);
                        is_met = true;
                    } else if wanted.is_none() && self.persistent == Persistent::Present {
                        // Options that the task does not speak of are not its own.
                        edited.push_str(line);
                    } else {
                        edited.push('#');
                        edited.push_str(line);
                    }
                    edited.push('\n');
                }
                if text.lines().any(is_ours) && edited.lines().ne(text.lines()) {
                    delta.actual.files.push((path.clone(), Some(text)));
                    delta.desired.files.push((path, Some(edited)));
                }
            }
            if let (false, Some(wanted)) = (is_met, wanted) {
                let at = delta.desired.files.iter().position(|(path, _)| *path == own);
                match at.and_then(|at| delta.desired.files.get_mut(at)) {
                    Some((_, Some(text))) => text.push_str(&format!("{wanted}\n")),
                    _ => {
                        let old = host
                            .read(&own)?
                            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                        let mut text = old.clone().unwrap_or_default();
                        if !text.is_empty() && !text.ends_with('\n') {
                            text.push('\n');
                        }
                        text.push_str(&format!("{wanted}\n"));
                        delta.actual.files.push((own.clone(), old));
                        delta.desired.files.push((own, Some(text)));
                    }
                }
            }
        }
        Ok(())
    }
}

fn words_equal(one: &str, other: &str) -> bool {
    let words =
        |line: &str| line.split_whitespace().map(|word| word.replace('-', "_")).collect::<Vec<_>>();
    words(one) == words(other)
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_modprobe};

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/etc");
        put_modprobe(&mut host);
        host
    }

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("modprobe", args, "", "", Mode::default(), host)
    }

    #[test]
    fn modules_are_loaded_and_taken_out() {
        let mut host = host();
        for (args, changed) in [
            (json!({"name": "8021q"}), true),
            (json!({"name": "8021q"}), false),
            (json!({"name": "br-netfilter"}), true),
            (json!({"name": "br_netfilter"}), false),
            (json!({"name": "ext4"}), false),
            (json!({"name": "8021q", "state": "absent"}), true),
            (json!({"name": "8021q", "state": "absent"}), false),
        ] {
            let response = apply(&args, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
    }

    #[test]
    fn files_say_what_is_loaded_at_boot() {
        let mut host = host();
        host.put("/etc/modules-load.d/net.conf", "# mine\nloop\ndummy\n");
        for (args, file, expected) in [
            (
                json!({"name": "loop", "persistent": "present"}),
                "/etc/modules-load.d/net.conf",
                "# mine\nloop\ndummy\n",
            ),
            (
                json!({"name": "dummy", "persistent": "absent"}),
                "/etc/modules-load.d/net.conf",
                "# mine\nloop\n#dummy\n",
            ),
            (
                json!({"name": "dummy", "persistent": "present", "params": "numdummies=2"}),
                "/etc/modules-load.d/dummy.conf",
                "dummy\n",
            ),
            (
                json!({"name": "dummy", "persistent": "present", "params": "numdummies=2"}),
                "/etc/modprobe.d/dummy.conf",
                "options dummy numdummies=2\n",
            ),
            (
                json!({"name": "dummy", "persistent": "present", "params": "numdummies=3"}),
                "/etc/modprobe.d/dummy.conf",
                "#options dummy numdummies=2\noptions dummy numdummies=3\n",
            ),
            (
                json!({"name": "dummy", "persistent": "present"}),
                "/etc/modprobe.d/dummy.conf",
                "#options dummy numdummies=2\noptions dummy numdummies=3\n",
            ),
        ] {
            let response = apply(&args, &mut host);
            assert!(!response.failed, "{args}: {response:?}");
            assert_eq!(host.files.text(file).as_deref(), Some(expected), "{args}");
            assert!(!apply(&args, &mut host).changed, "{args}");
        }
    }

    #[test]
    fn what_is_no_module_is_refused() {
        for (args, expected) in [
            (json!({"name": "../x"}), "is no name of a module"),
            (json!({"name": ""}), "is no name of a module"),
            (json!({"name": "nosuch"}), "Module nosuch not found"),
            (json!({"name": "x", "params": "'a"}), "params cannot be split"),
            (
                json!({"name": "x", "persistent": "yes"}),
                "must be one of: disabled, absent, present",
            ),
        ] {
            let msg = apply(&args, &mut host()).msg.unwrap_or_default();
            assert!(msg.contains(expected), "{args}: {msg}");
        }
    }
}
