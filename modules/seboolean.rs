//! The `seboolean` module of the collection `ansible.posix`.

use std::path::Path;

use module::{
    Arguments, Delta, Documented, Example, Failure, Host, Module, Program, Returned, selinux,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::tool;

/// Where the kernel keeps the values that hold.
const VALUES: &str = "/sys/fs/selinux/booleans";

/// Keeps a switch of the SELinux policy on or off.
#[derive(Debug, Arguments)]
pub struct SeBoolean {
    /// The switch.
    name: String,
    /// Whether it is on.
    state: bool,
    /// Whether it is so after a boot too.
    #[argument(default = false)]
    persistent: bool,
    /// Whether the task goes on where SELinux is off.
    #[argument(default = false)]
    ignore_selinux_state: bool,
}

/// The switch, as it is and as it will be after a boot.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Switch {
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<bool>,
}

impl Documented for SeBoolean {
    const NAME: &'static str = "ansible.posix.seboolean";
    const ALIASES: &'static [&'static str] = &["seboolean"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A web server may connect to others",
        args: r#"{"name": "httpd_can_network_connect", "state": true, "ignore_selinux_state": true}"#,
    }];
    const RETURNS: &'static [Returned] =
        &[Returned::new("name", "The switch.", "always", r#""httpd_can_network_connect""#)];
}

impl Module for SeBoolean {
    type State = Switch;

    fn check(&self, host: &dyn Host) -> Result<Delta<Switch>, Failure> {
        let mut delta = Delta::new(Switch::default(), Switch::default());
        let is_on = selinux::is_enabled(host)?;
        if !is_on && !self.ignore_selinux_state {
            return Err(Failure::new("SELinux is disabled on this host."));
        }
        if is_on {
            let found = host.read(&Path::new(VALUES).join(&self.name))?;
            let Some(found) = found.filter(|_| !self.name.contains('/')) else {
                return Err(Failure::new(format!("SELinux boolean {} does not exist.", self.name)));
            };
            // What holds, and what would hold after a commit.
            delta.actual.running = Some(found.first() == Some(&b'1'));
            delta.desired.running = Some(self.state);
        }
        if self.persistent {
            let text = tool::ask(host, &Program::new("semanage").args(["boolean", "-l"]))?;
            delta.actual.kept = kept(&text, &self.name);
            if delta.actual.kept.is_none() {
                return Err(Failure::new(format!("SELinux boolean {} does not exist.", self.name)));
            }
            delta.desired.kept = Some(self.state);
        }
        Ok(delta)
    }

    fn apply(&self, _: &Delta<Switch>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let word = if self.state { "on" } else { "off" };
        let mut program = Program::new("setsebool");
        if self.persistent {
            program = program.arg("-P");
        }
        tool::run(host, &program.args([self.name.as_str(), word]))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Switch>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::from_iter([
            ("name".to_owned(), self.name.clone().into()),
            ("persistent".to_owned(), self.persistent.into()),
            ("state".to_owned(), self.state.into()),
        ]))
    }
}

/// What a line `name (on , off) words` says of the time after a boot.
fn kept(text: &str, name: &str) -> Option<bool> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    let values = line.split_once('(')?.1.split_once(')')?.0;
    Some(values.split(',').nth(1)?.trim() == "on")
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::{cases::run, fake_programs::put_selinux};

    #[test]
    fn switches_are_kept() {
        for (args, changed, words) in [
            (json!({"name": "web", "state": true}), true, ""),
            (json!({"name": "web", "state": false}), false, ""),
            (json!({"name": "web", "state": true, "persistent": true}), true, ""),
            (json!({"name": "web", "state": false, "persistent": true}), false, ""),
            (json!({"name": "nosuch", "state": true}), false, "does not exist"),
            (json!({"name": "../web", "state": true}), false, "does not exist"),
        ] {
            let mut host = FakeHost::default();
            put_selinux(&mut host);
            let response = run("seboolean", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (!words.is_empty(), changed),
                "{args}: {response:?}"
            );
            assert!(response.msg.unwrap_or_default().contains(words));
        }
        let args = json!({"name": "web", "state": true});
        let response = run("seboolean", &args, "", "", Mode::default(), &mut FakeHost::default());
        assert_eq!(response.msg.as_deref(), Some("SELinux is disabled on this host."));
    }
}
