//! The `hostname` module.

use std::path::Path;

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Placement, Program,
    Returned, host::succeeded,
};
use protocol::{Diff, Json, JsonMap, diff::Side};
use serde::Serialize;

use crate::facts::{Reader, names};

/// The bytes of a name at most, as the kernel has it.
const NAME_BYTES_MAX: usize = 64;
const RUNNING: &str = "/proc/sys/kernel/hostname";

/// Keeps the name of the host, now and after each boot.
///
/// With systemd, `hostnamectl` sets both; else the file is written and `hostname` is run. The
/// names in `/etc/hosts` are left alone.
#[derive(Debug, Arguments)]
pub struct HostName {
    /// The name.
    name: String,
    /// How it is set, where it should not be found out.
    r#use: Option<Strategy>,
}

/// How a name is set. Those of systems that are no Linux are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Strategy {
    Alpine,
    Debian,
    Freebsd,
    Generic,
    Macos,
    Macosx,
    Darwin,
    Openbsd,
    Openrc,
    Redhat,
    Sles,
    Solaris,
    Systemd,
}

/// Where a name is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeper {
    Hostnamectl,
    /// A file that holds the name alone.
    Plain(&'static str),
    /// A file that sets a variable to it.
    Variable(&'static str, &'static str),
}

/// The name of the host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Names {
    /// As the kernel has it.
    running: String,
    /// After a boot.
    kept: String,
}

impl Documented for HostName {
    const NAME: &'static str = "ansible.builtin.hostname";
    const EXAMPLES: &'static [Example] =
        &[Example { title: "A name", args: r#"{"name": "web1.example.com"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("name", "The name.", "always", r#""web1.example.com""#),
        Returned::new(
            "ansible_facts",
            "The facts that follow from the name.",
            "always",
            r#"{"ansible_hostname": "web1"}"#,
        ),
    ];
}

impl Module for HostName {
    type State = Names;

    fn check(&self, host: &dyn Host) -> Result<Delta<Names>, Failure> {
        let name = &self.name;
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
        let has_edges = name
            .split('.')
            .all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'));
        if name.len() > NAME_BYTES_MAX || !name.chars().all(is_plain) || !has_edges {
            return Err(Failure::new(format!(
                "a name of a host has at most {NAME_BYTES_MAX} letters, digits, dots and dashes, and no dash at an end, got: {name:?}"
            )));
        }
        let keeper = self.keeper(host)?;
        let running = read(host, RUNNING)?.trim().to_owned();
        let kept = match keeper {
            Keeper::Hostnamectl => first_line(&read(host, "/etc/hostname")?),
            Keeper::Plain(path) => first_line(&read(host, path)?),
            Keeper::Variable(path, key) => {
                let text = read(host, path)?;
                let value = text
                    .lines()
                    .filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))
                    .next_back();
                value.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
            }
        };
        Ok(Delta::new(Names { running, kept }, Names { running: name.clone(), kept: name.clone() }))
    }

    fn apply(&self, delta: &Delta<Names>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let execute = |host: &mut dyn Host, program: Program| -> Result<(), Failure> {
            let output = host.execute(&program)?;
            succeeded(&program, output)?;
            Ok(())
        };
        let keeper = self.keeper(host)?;
        if keeper == Keeper::Hostnamectl {
            let set = |words: &[&str]| {
                Program::new("hostnamectl")
                    .args(words.iter().copied())
                    .args(["set-hostname", &self.name])
            };
            if delta.actual.running != delta.desired.running {
                execute(host, set(&["--transient"]))?;
            }
            // The name for people is set with the one after a boot.
            if delta.actual.kept != delta.desired.kept {
                execute(host, set(&["--pretty", "--static"]))?;
            }
            return Ok(JsonMap::new());
        }
        if delta.actual.kept != delta.desired.kept {
            let (path, text) = match keeper {
                Keeper::Variable(path, key) => {
                    let old = read(host, path)?;
                    let lines =
                        old.lines().filter(|line| !line.trim().starts_with(&format!("{key}=")));
                    let mut text: String = lines.map(|line| format!("{line}\n")).collect();
                    text.push_str(&format!("{key}=\"{}\"\n", self.name));
                    (path, text)
                }
                Keeper::Plain(path) => (path, format!("{}\n", self.name)),
                Keeper::Hostnamectl => return Ok(JsonMap::new()),
            };
            host.write(Path::new(path), &mut text.as_bytes(), &Placement::default())?;
        }
        if delta.actual.running != delta.desired.running {
            execute(host, Program::new("hostname").arg(&self.name))?;
        }
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Names>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::new();
        map.insert("name".into(), self.name.clone().into());
        let (short, domain, full) = names(&Reader::new(host), &self.name);
        let facts = [
            ("ansible_hostname", short),
            ("ansible_nodename", self.name.clone()),
            ("ansible_fqdn", full),
            ("ansible_domain", domain),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), Json::from(value)));
        map.insert("ansible_facts".into(), JsonMap::from_iter(facts).into());
        Ok(map)
    }

    fn diff(&self, delta: &Delta<Names>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let side = |names: &Names| Side::Text(format!("hostname = {}\n", names.kept));
        Ok(vec![Diff {
            before: side(&delta.actual),
            after: side(&delta.desired),
            before_header: String::new(),
            after_header: String::new(),
            prepared: None,
        }])
    }
}

fn read(host: &dyn Host, path: &str) -> Result<String, Failure> {
    let bytes = host.read(Path::new(path))?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default().to_owned()
}

impl HostName {
    fn keeper(&self, host: &dyn Host) -> Result<Keeper, Failure> {
        Ok(match self.r#use {
            Some(Strategy::Systemd) => Keeper::Hostnamectl,
            Some(Strategy::Debian | Strategy::Alpine | Strategy::Generic) => {
                Keeper::Plain("/etc/hostname")
            }
            Some(Strategy::Sles) => Keeper::Plain("/etc/HOSTNAME"),
            Some(Strategy::Openrc) => Keeper::Variable("/etc/conf.d/hostname", "hostname"),
            Some(Strategy::Redhat) => Keeper::Variable("/etc/sysconfig/network", "HOSTNAME"),
            Some(other) => {
                return Err(Failure::new(format!(
                    "use: {other} is not supported: it is for systems that are no Linux"
                )));
            }
            None if host.which("hostnamectl").is_some()
                && host.metadata(Path::new("/run/systemd/system"))?.is_some() =>
            {
                Keeper::Hostnamectl
            }
            None if host.metadata(Path::new("/etc/conf.d/hostname"))?.is_some() => {
                Keeper::Variable("/etc/conf.d/hostname", "hostname")
            }
            None => Keeper::Plain("/etc/hostname"),
        })
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_hostname};

    fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
        run("hostname", args, "", "", Mode::default(), host)
    }

    #[test]
    fn names_are_kept_where_the_host_keeps_them() {
        for (args, there, file, expected) in [
            (json!({"name": "b"}), "/run/systemd/system/x", "/etc/hostname", "b\n"),
            (json!({"name": "b.c"}), "/etc/x", "/etc/hostname", "b.c\n"),
            (
                json!({"name": "b"}),
                "/etc/conf.d/hostname",
                "/etc/conf.d/hostname",
                "# x\nhostname=\"b\"\n",
            ),
            (
                json!({"name": "b", "use": "redhat"}),
                "/etc/sysconfig/network",
                "/etc/sysconfig/network",
                "# x\nHOSTNAME=\"b\"\n",
            ),
        ] {
            let mut host = FakeHost::default();
            host.put_dirs("/etc");
            put_hostname(&mut host);
            host.put(there, "# x\nhostname=\"a\"\n");
            if file == "/etc/sysconfig/network" {
                host.put(there, "# x\nHOSTNAME=a\n");
            }
            let response = apply(&args, &mut host);
            assert!(response.changed && !response.failed, "{args}: {response:?}");
            assert_eq!(response.facts["ansible_nodename"], args["name"], "{args}");
            assert_eq!(response.facts["ansible_hostname"], "b", "{args}");
            assert_eq!(host.files.text(file).as_deref(), Some(expected), "{args}");
            assert!(!apply(&args, &mut host).changed);
            host.put(super::RUNNING, "other\n");
            assert!(apply(&args, &mut host).changed);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for (args, expected) in [
            (json!({"name": "a b"}), "a name of a host has"),
            (json!({"name": "-a"}), "a name of a host has"),
            (json!({"name": "a..b"}), "a name of a host has"),
            (json!({"name": "x".repeat(65)}), "a name of a host has"),
            (json!({"name": ""}), "a name of a host has"),
            (json!({"name": "a", "use": "freebsd"}), "use: freebsd is not supported"),
            (json!({"name": "a", "use": "none"}), "must be one of: alpine"),
        ] {
            let mut host = FakeHost::default();
            put_hostname(&mut host);
            let writes = host.writes;
            let msg = apply(&args, &mut host).msg.unwrap_or_default();
            assert!(msg.contains(expected), "{args}: {msg}");
            assert_eq!(host.writes, writes);
        }
    }
}
