//! The `sysctl` module of the collection `ansible.posix`.

use std::path::{Path, PathBuf};

use module::{
    Arguments, Delta, Documented, Example, Failure, Host, Module, Placement, Program, Returned,
    host::succeeded,
};
use protocol::{Diff, Json, JsonMap, diff::Side};
use serde::Serialize;

use crate::{lineinfile::State, whole_text::WholeText};

/// Keeps a setting of the kernel in the file that is read at boot and, if wanted, in the kernel.
///
/// Where the file changes it is loaded with `sysctl -p`, unless `reload` is false. With
/// `sysctl_set`, the kernel's own value is compared as well and set.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "present", ["value"])))]
pub struct Sysctl {
    /// Name of the setting, such as `net.ipv4.ip_forward`.
    #[argument(aliases("key"))]
    name: String,
    /// Its value.
    #[argument(aliases("val"))]
    value: Option<String>,
    /// Whether the setting should be in the file.
    #[argument(default = "present")]
    state: State,
    /// Whether settings that the kernel does not know are passed over.
    #[argument(default = false)]
    ignoreerrors: bool,
    /// Whether a file that has changed is loaded.
    #[argument(default = true)]
    reload: bool,
    /// The file.
    #[argument(default = "/etc/sysctl.conf")]
    sysctl_file: PathBuf,
    /// Whether the kernel's value is set too.
    #[argument(default = false)]
    sysctl_set: bool,
}

/// What a task manages of a setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// The text of the file; `None` where it is not there.
    #[serde(skip)]
    file: Option<String>,
    /// The value in the file.
    in_file: Option<String>,
    /// The value in the kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_kernel: Option<String>,
}

impl Documented for Sysctl {
    const NAME: &'static str = "ansible.posix.sysctl";
    const ALIASES: &'static [&'static str] = &["sysctl"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Forwarding, now and after each boot",
            args: r#"{"name": "net.ipv4.ip_forward", "value": "1", "sysctl_set": true}"#,
        },
        Example {
            title: "In a file of its own",
            args: r#"{"name": "vm.swappiness", "value": "10", "sysctl_file": "/etc/sysctl.d/90-local.conf", "reload": false}"#,
        },
        Example {
            title: "No such setting",
            args: r#"{"name": "kernel.panic", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[];
}

/// A value as it is compared: blanks between its parts are one space, and words are numbers.
fn normal(value: &str) -> String {
    let words: Vec<&str> = value.split_whitespace().collect();
    match words.join(" ") {
        word if matches!(word.to_lowercase().as_str(), "yes" | "true" | "on") => "1".into(),
        word if matches!(word.to_lowercase().as_str(), "no" | "false" | "off") => "0".into(),
        other => other,
    }
}

/// The setting of a line; `None` for remarks and blank lines.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), value.trim()))
}

impl Module for Sysctl {
    type State = Setting;

    fn check(&self, host: &dyn Host) -> Result<Delta<Setting>, Failure> {
        let name = self.name.trim();
        if name.is_empty() || name.contains(['=', '\n', '#']) {
            return Err(Failure::new(format!(
                "name cannot be blank, or hold =, # or line ends: {name:?}"
            )));
        }
        let value = self.value.as_deref().map(normal);
        if self.state == State::Present && value.as_deref().is_none_or(str::is_empty) {
            return Err(Failure::new("value cannot be blank"));
        }
        let file = WholeText::read(host, &self.sysctl_file)?.text;
        let text = file.clone().unwrap_or_default();
        let found = text.lines().filter_map(setting).filter(|(one, _)| self.is_named(one));
        let in_file = found.map(|(_, value)| normal(value)).next_back();
        let mut actual = Setting { file, in_file, in_kernel: None };
        let mut desired = actual.clone();
        let wanted = value.filter(|_| self.state == State::Present);
        if actual.in_file != wanted {
            desired.file = Some(self.edited(&text, wanted.as_deref()));
            desired.in_file.clone_from(&wanted);
        }
        if let (true, Some(wanted)) = (self.sysctl_set, wanted) {
            let path = format!("/proc/sys/{}", slashed(name));
            match host.read(Path::new(&path))? {
                Some(bytes) => {
                    actual.in_kernel = Some(normal(&String::from_utf8_lossy(&bytes)));
                    desired.in_kernel = Some(wanted);
                }
                None if self.ignoreerrors => {}
                None => {
                    return Err(Failure::new(format!(
                        "the kernel knows no setting {name}: there is no {path}"
                    )));
                }
            }
        }
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Setting>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let run = |program: Program, host: &mut dyn Host| -> Result<(), Failure> {
            let program = if self.ignoreerrors { program.arg("-e") } else { program };
            let output = host.execute(&program)?;
            if !self.ignoreerrors {
                succeeded(&program, output)?;
            }
            Ok(())
        };
        if let (Some(wanted), true) =
            (&delta.desired.in_kernel, delta.actual.in_kernel != delta.desired.in_kernel)
        {
            run(
                Program::new("sysctl").arg("-w").arg(format!("{}={wanted}", self.name.trim())),
                host,
            )?;
        }
        if let (Some(text), true) = (&delta.desired.file, delta.actual.file != delta.desired.file) {
            host.write(&self.sysctl_file, &mut text.as_bytes(), &Placement::default())?;
            if self.reload {
                run(
                    Program::new("sysctl").arg("-p").arg(self.sysctl_file.display().to_string()),
                    host,
                )?;
            }
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Setting>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::new())
    }

    fn diff(&self, delta: &Delta<Setting>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let mut diffs = Vec::new();
        let header = self.sysctl_file.display().to_string();
        if delta.actual.file != delta.desired.file {
            let side = |text: &Option<String>| Side::Text(text.clone().unwrap_or_default());
            diffs.push(Diff {
                before_header: header.clone(),
                after_header: header,
                before: side(&delta.actual.file),
                after: side(&delta.desired.file),
                prepared: None,
            });
        }
        if delta.actual.in_kernel != delta.desired.in_kernel {
            let side = |value: &Option<String>| Side::State(Json::from(value.clone()));
            diffs.push(Diff {
                before_header: self.name.clone(),
                after_header: self.name.clone(),
                before: side(&delta.actual.in_kernel),
                after: side(&delta.desired.in_kernel),
                prepared: None,
            });
        }
        Ok(diffs)
    }
}

/// A name as a path: dots are slashes, but where slashes are there already, dots are dots.
fn slashed(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { name.replace('.', "/") }
}

impl Sysctl {
    fn is_named(&self, name: &str) -> bool {
        // A line may say with `-` that it is no matter whether the kernel knows it.
        slashed(name.trim_start_matches('-')) == slashed(self.name.trim())
    }

    /// The file with the setting once, where it first was, or without it.
    fn edited(&self, text: &str, value: Option<&str>) -> String {
        let mut out = String::new();
        let mut value = value;
        for line in text.split_inclusive('\n') {
            match setting(line) {
                Some((name, _)) if self.is_named(name) => {
                    if let Some(value) = value.take() {
                        out.push_str(&format!("{name}={value}\n"));
                    }
                }
                _ => out.push_str(line),
            }
        }
        if let Some(value) = value {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.push_str(&format!("{}={value}\n", self.name.trim()));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_sysctl};

    fn host(text: &str) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/sysctl.conf", text);
        put_sysctl(&mut host);
        host
    }

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("ansible.posix.sysctl", args, "", "", Mode::default(), host)
    }

    #[test]
    fn settings_are_in_the_file_once() {
        for (args, before, after, writes) in [
            (json!({"name": "a.b", "value": "1"}), "", "a.b=1\n", 2),
            (json!({"name": "a.b", "value": "1"}), "# x\nc=2", "# x\nc=2\na.b=1\n", 2),
            (json!({"name": "a.b", "value": "1"}), "a.b = 2\nc=3\na.b=4\n", "a.b=1\nc=3\n", 2),
            (json!({"name": "a.b", "value": "yes"}), "a.b = 1\n", "a.b = 1\n", 0),
            (json!({"name": "a.b", "value": "1  2\t3"}), "a/b = 1 2 3\n", "a/b = 1 2 3\n", 0),
            (json!({"name": "a.b", "value": 5, "reload": false}), "#a.b=5\n", "#a.b=5\na.b=5\n", 1),
            (json!({"name": "a.b", "state": "absent"}), "c=1\na.b=2\n", "c=1\n", 2),
            (json!({"name": "a.b", "state": "absent"}), "c=1\n", "c=1\n", 0),
            (
                json!({"name": "net.ipv4.ip_forward", "value": "1", "sysctl_set": true}),
                "",
                "net.ipv4.ip_forward=1\n",
                3,
            ),
            (
                json!({"name": "net.ipv4.ip_forward", "value": "1", "sysctl_set": true}),
                "net.ipv4.ip_forward=1\n",
                "net.ipv4.ip_forward=1\n",
                1,
            ),
        ] {
            let mut host = host(before);
            let response = apply(&args, &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, writes > 0),
                "{args}: {response:?}"
            );
            assert_eq!(host.files.text("/etc/sysctl.conf").unwrap(), after, "{args}");
            assert_eq!(host.writes, writes, "{args}");
        }
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for (args, expected) in [
            (json!({"name": "a"}), "all of the following are missing: value"),
            (json!({"name": "a", "value": " "}), "value cannot be blank"),
            (json!({"name": "a=b", "value": "1"}), "name cannot be blank"),
            (
                json!({"name": "no.such", "value": "1", "sysctl_set": true}),
                "the kernel knows no setting no.such",
            ),
        ] {
            let msg = apply(&args, &mut host("")).msg.unwrap_or_default();
            assert!(msg.contains(expected), "{args}: {msg}");
        }
    }
}
