//! The `capabilities` module of the collection `community.general`.

use std::path::Path;

use module::{Arguments, Delta, Documented, Example, Failure, Host, Module, Program, Returned};
use protocol::JsonMap;
use serde::Serialize;

use crate::{presence::Presence, tool};

/// Keeps a capability of a program's file.
#[derive(Debug, Arguments)]
pub struct Capabilities {
    /// The file.
    #[argument(aliases("key"))]
    path: String,
    /// The capability with its flags: `cap_net_bind_service+ep`; flags may be left out where it
    /// should not be there.
    #[argument(aliases("cap"))]
    capability: String,
    /// Whether the file should have it.
    #[argument(default = "present")]
    state: Presence,
}

/// A capability as `setcap` takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Capability {
    name: String,
    /// `+`, `-` or `=`, and letters.
    flags: String,
}

/// The capability that the task is about, as the file has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Held {
    capability: Option<String>,
}

impl Documented for Capabilities {
    const NAME: &'static str = "community.general.capabilities";
    const ALIASES: &'static [&'static str] = &["capabilities"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Low ports for a server",
            args: r#"{"path": "/etc/hosts", "capability": "cap_net_bind_service+ep"}"#,
        },
        Example {
            title: "No chroot",
            args: r#"{"path": "/etc/hosts", "capability": "cap_sys_chroot", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("state", "Whether the file has it.", "always", r#""present""#)];
}

impl Capability {
    fn parse(text: &str) -> Self {
        let text = text.trim().to_lowercase();
        let at = text.find(['=', '-', '+']).unwrap_or(text.len());
        let (name, flags) = text.split_at(at);
        Self { name: name.to_owned(), flags: flags.to_owned() }
    }

    fn word(&self) -> String {
        format!("{}{}", self.name, self.flags)
    }

    /// Whether the flags are the same: in a fresh set, `+` says what `=` says.
    fn is_same(&self, other: &Self) -> bool {
        let flags = |one: &Self| {
            let mut letters: Vec<char> = one.flags.chars().skip(1).collect();
            letters.sort_unstable();
            (one.flags.starts_with('-'), letters)
        };
        self.name == other.name && flags(self) == flags(other)
    }
}

/// What `getcap` says of a file: `PATH cap_a,cap_b=ep cap_c=p`, with ` = ` in older releases.
fn parse(path: &str, text: &str) -> Vec<Capability> {
    let rest = text.trim().strip_prefix(path).unwrap_or_default();
    let mut all = Vec::new();
    for group in rest.split_whitespace().filter(|word| *word != "=") {
        let last = Capability::parse(group);
        for name in last.name.split(',') {
            all.push(Capability { name: name.to_owned(), flags: last.flags.clone() });
        }
    }
    all
}

impl Capabilities {
    fn path(&self) -> &str {
        self.path.trim()
    }

    fn read(&self, host: &dyn Host) -> Result<Vec<Capability>, Failure> {
        let path = self.path();
        let failure = |why: &str| {
            Failure::new(format!("Unable to get capabilities of {path}")).with("stderr", why)
        };
        if host.metadata(Path::new(path))?.is_none() {
            return Err(failure("No such file or directory"));
        }
        let output = host.query(&Program::new("getcap").args(["-v", path]))?;
        if !output.is_success() || !output.stderr.is_empty() {
            return Err(failure(&output.stderr_text()));
        }
        Ok(parse(path, &output.stdout_text()))
    }
}

impl Module for Capabilities {
    type State = Held;

    fn check(&self, host: &dyn Host) -> Result<Delta<Held>, Failure> {
        let wanted = Capability::parse(&self.capability);
        if self.state.is_present() && wanted.flags.is_empty() {
            return Err(Failure::new("Couldn't find operator (one of: ['=', '-', '+'])"));
        }
        let found = self.read(host)?.into_iter().find(|one| one.name == wanted.name);
        let actual = Held { capability: found.as_ref().map(Capability::word) };
        let desired = match (self.state.is_present(), &found) {
            (false, _) => Held { capability: None },
            (true, Some(found)) if found.is_same(&wanted) => actual.clone(),
            (true, _) => Held { capability: Some(wanted.word()) },
        };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, _: &Delta<Held>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let wanted = Capability::parse(&self.capability);
        let mut all = self.read(host)?;
        all.retain(|one| one.name != wanted.name);
        if self.state.is_present() {
            all.push(wanted);
        }
        let words = all.iter().map(Capability::word).collect::<Vec<_>>().join(" ");
        // Nothing at all is set by the flag that takes all away.
        let program = match words.as_str() {
            "" => Program::new("setcap").args(["-r", self.path()]),
            words => Program::new("setcap").args([words, self.path()]),
        };
        let output = tool::run(host, &program)?;
        Ok(JsonMap::from_iter([("stdout".to_owned(), output.stdout_text().into())]))
    }

    fn returned(&self, delta: &Delta<Held>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let mut map = JsonMap::from_iter([("state".to_owned(), self.state.as_str().into())]);
        if delta.is_change() {
            map.insert("msg".into(), "capabilities changed".into());
        }
        Ok(map)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::{cases::run, fake_rare::put_capabilities};

    #[test]
    fn what_getcap_says_is_read() {
        for (text, expected) in [
            ("/x", ""),
            ("/x =", ""),
            ("/x cap_net_raw=ep", "cap_net_raw=ep"),
            ("/x = cap_net_raw+ep", "cap_net_raw+ep"),
            ("/x cap_a,cap_b=ep cap_c=p\n", "cap_a=ep cap_b=ep cap_c=p"),
        ] {
            let found: Vec<String> = parse("/x", text).iter().map(Capability::word).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn capabilities_are_kept_beside_others() {
        let mut host = FakeHost::default();
        put_capabilities(&mut host);
        host.put("/x", "");
        for (cap, state, changed, after) in [
            ("cap_net_raw+ep", "present", true, "cap_net_raw=ep"),
            ("CAP_NET_RAW=ep", "present", false, "cap_net_raw=ep"),
            ("cap_net_raw=p", "present", true, "cap_net_raw=p"),
            ("cap_chown+ep", "present", true, "cap_chown=ep cap_net_raw=p"),
            ("cap_kill", "absent", false, "cap_chown=ep cap_net_raw=p"),
            ("cap_net_raw+ep", "present", true, "cap_chown,cap_net_raw=ep"),
            ("cap_net_raw=ep", "present", false, "cap_chown,cap_net_raw=ep"),
            ("cap_net_raw", "absent", true, "cap_chown=ep"),
            ("cap_chown", "absent", true, ""),
        ] {
            let args = json!({"path": "/x", "capability": cap});
            let response = run("capabilities", &args, "state", state, Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{cap}: {response:?}"
            );
            assert_eq!(host.files.text("/run/caps/x").unwrap_or_default(), after, "{cap}");
        }
        for (path, cap, words) in [
            ("/x", "cap_kill", "Couldn't find operator"),
            ("/nowhere", "cap_kill+ep", "Unable to get capabilities of /nowhere"),
        ] {
            let args = json!({"path": path, "capability": cap});
            let response = run("capabilities", &args, "", "", Mode::default(), &mut host);
            assert!(response.msg.unwrap_or_default().contains(words), "{path} {cap}");
        }
    }
}
