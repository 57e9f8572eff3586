//! The `selinux` module of the collection `ansible.posix`.

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Placement,
    Program, Returned,
};
use protocol::{JsonMap, Response, spec::Support};

use crate::{tool, whole_text::WholeText};

/// Where the kernel tells its state.
const FOLDER: &str = "/sys/fs/selinux";

/// Keeps the state and the policy of SELinux, now and at boot.
#[derive(Debug, Arguments)]
pub struct Selinux {
    /// Name of the policy; needed unless it is disabled.
    policy: Option<String>,
    /// The state.
    state: State,
    /// The file that is read at boot.
    #[argument(default = "/etc/selinux/config", aliases("conf", "file"))]
    configfile: PathBuf,
    /// Whether the kernel is told at boot too, by `grubby`.
    #[argument(default = false)]
    update_kernel_param: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Disabled,
    Enforcing,
    Permissive,
}

impl Documented for Selinux {
    const NAME: &'static str = "ansible.posix.selinux";
    const ALIASES: &'static [&'static str] = &["selinux"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "On", args: r#"{"policy": "targeted", "state": "enforcing"}"# },
        Example { title: "Off", args: r#"{"state": "disabled"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("configfile", "The file.", "always", r#""/etc/selinux/config""#),
        Returned::new("policy", "The policy.", "always", r#""targeted""#),
        Returned::new("state", "The state.", "always", r#""enforcing""#),
        Returned::new("reboot_required", "Whether it holds after a boot alone.", "always", "true"),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What is to be done.
#[derive(Debug, Default)]
struct Work {
    /// What the file will hold.
    text: Option<String>,
    /// The mode that the kernel is put into now.
    now: Option<State>,
    kernel: Option<bool>,
    policy: String,
    reboot: bool,
    changed: bool,
    said: Vec<String>,
    warnings: Vec<String>,
}

/// The value of a line `NAME=value`.
fn setting<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('=')).map(str::trim)
}

/// The text with such a line.
fn with_setting(text: &str, name: &str, value: &str) -> String {
    let mut found = false;
    let mut out = String::new();
    for line in text.lines() {
        match line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with('=')) {
            true => {
                found = true;
                out.push_str(&format!("{name}={value}\n"));
            }
            false => out.push_str(&format!("{line}\n")),
        }
    }
    if !found {
        out.push_str(&format!("{name}={value}\n"));
    }
    out
}

impl Selinux {
    /// The state that holds now.
    fn running(host: &dyn Host) -> Result<State, Failure> {
        let path = Path::new(FOLDER).join("enforce");
        Ok(match host.read(&path)?.as_deref() {
            None => State::Disabled,
            Some(b"1" | b"1\n") => State::Enforcing,
            Some(_) => State::Permissive,
        })
    }

    /// Whether all kernels boot with SELinux; `None` where some do and some do not.
    fn kernels(host: &dyn Host) -> Result<Option<bool>, Failure> {
        let text = tool::ask(host, &Program::new("grubby").arg("--info=ALL"))?;
        let lines: Vec<bool> = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("args="))
            .map(|line| !line.trim_matches('"').split_whitespace().any(|word| word == "selinux=0"))
            .collect();
        match (lines.contains(&true), lines.contains(&false)) {
            (true, true) => Ok(None),
            (on, _) => Ok(Some(on)),
        }
    }

    fn work(&self, host: &dyn Host) -> Result<Work, Failure> {
        let file = self.configfile.display();
        let text = WholeText::read(host, &self.configfile)?.text.ok_or_else(|| {
            Failure::new(format!("Unable to find file {file}")).with(
                "details",
                "Please install SELinux-policy package, if this package is not installed previously.",
            )
        })?;
        let kept_policy = setting(&text, "SELINUXTYPE").unwrap_or_default().to_owned();
        let kept_state = setting(&text, "SELINUX").unwrap_or_default().to_owned();
        let policy = match &self.policy {
            Some(policy) => policy.clone(),
            None if self.state == State::Disabled => kept_policy.clone(),
            None => return Err(Failure::new("Policy is required if state is not 'disabled'")),
        };
        let mut work = Work { policy: policy.clone(), ..Work::default() };
        let mut new = text.clone();
        if policy != kept_policy {
            new = with_setting(&new, "SELINUXTYPE", &policy);
            work.said.push(format!(
                "SELinux policy configuration in '{file}' changed from '{kept_policy}' to '{policy}'"
            ));
            work.reboot = true;
        }
        let running = Self::running(host)?;
        match (running, self.state) {
            (State::Disabled, State::Disabled) => {}
            (State::Disabled, wanted) => {
                work.reboot = true;
                work.warnings
                    .push(format!("Reboot is required to set SELinux state to '{wanted}'"));
            }
            (now, State::Disabled) => {
                work.reboot = true;
                if now == State::Permissive {
                    work.warnings.push("SELinux state change will take effect next reboot".into());
                } else {
                    work.now = Some(State::Permissive);
                    work.warnings.push(format!(
                        "SELinux state temporarily changed from '{now}' to 'permissive'. State \
                         change will take effect next reboot."
                    ));
                }
            }
            (now, wanted) if now != wanted => {
                work.now = Some(wanted);
                work.said.push(format!("SELinux state changed from '{now}' to '{wanted}'"));
            }
            _ => {}
        }
        if kept_state != self.state.as_str() {
            new = with_setting(&new, "SELINUX", self.state.as_str());
            work.said.push(format!(
                "Config SELinux state changed from '{kept_state}' to '{}'",
                self.state
            ));
        }
        if self.update_kernel_param {
            let wanted = self.state != State::Disabled;
            let now = Self::kernels(host)?;
            if now != Some(wanted) {
                let word = |on: bool| if on { "enabled" } else { "disabled" };
                work.said.push(format!(
                    "Kernel SELinux state changed from '{}' to '{}'",
                    now.map_or("<inconsistent>", word),
                    word(wanted)
                ));
                work.kernel = Some(wanted);
            }
        }
        work.text = (new != text).then_some(new);
        work.changed = work.text.is_some() || work.now.is_some() || work.kernel.is_some();
        Ok(work)
    }

    fn answer(&self, work: Work) -> Response {
        let returned = JsonMap::from_iter([
            ("configfile".to_owned(), self.configfile.display().to_string().into()),
            ("policy".to_owned(), work.policy.into()),
            ("state".to_owned(), self.state.as_str().into()),
            ("reboot_required".to_owned(), work.reboot.into()),
        ]);
        Response {
            changed: work.changed,
            msg: Some(work.said.join(", ")),
            warnings: work.warnings,
            returned,
            ..Response::default()
        }
    }
}

impl Action for Selinux {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        let work = self.work(host)?;
        match work.changed {
            true => Ok(Guard::Go),
            false => Ok(Guard::Stay(Box::new(self.answer(work)))),
        }
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(self.answer(self.work(host)?))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let work = self.work(host)?;
        if let Some(text) = &work.text {
            host.write(&self.configfile, &mut text.as_bytes(), &Placement::default())?;
        }
        if let Some(state) = work.now {
            let word = if state == State::Enforcing { "1" } else { "0" };
            tool::run(host, &Program::new("setenforce").arg(word))?;
        }
        if let Some(on) = work.kernel {
            let flag = if on { "--remove-args=selinux=0" } else { "--args=selinux=0" };
            tool::run(host, &Program::new("grubby").args(["--update-kernel=ALL", flag]))?;
        }
        Ok(self.answer(work))
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    fn host(enforce: Option<&str>) -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/selinux/config", "# SELINUX=x\nSELINUX=permissive\nSELINUXTYPE=targeted\n");
        if let Some(enforce) = enforce {
            host.put("/sys/fs/selinux/enforce", enforce);
        }
        host.program("setenforce", |files, program| {
            files.put("/sys/fs/selinux/enforce", program.args.join(""));
            Output::success("")
        });
        host
    }

    #[test]
    fn states_are_kept_now_and_at_boot() {
        for (enforce, args, changed, reboot, kept) in [
            (
                Some("0"),
                json!({"policy": "targeted", "state": "permissive"}),
                false,
                false,
                "permissive",
            ),
            (
                Some("0"),
                json!({"policy": "targeted", "state": "enforcing"}),
                true,
                false,
                "enforcing",
            ),
            (Some("1"), json!({"state": "disabled"}), true, true, "disabled"),
            (None, json!({"policy": "mls", "state": "permissive"}), true, true, "permissive"),
        ] {
            let mut host = host(enforce);
            let check = run("selinux", &args, "", "", Mode { check: true, diff: false }, &mut host);
            let did = run("selinux", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (did.failed, check.changed, did.changed),
                (false, changed, changed),
                "{args}: {did:?}"
            );
            assert_eq!(did.returned["reboot_required"], reboot, "{args}");
            let text = host.files.text("/etc/selinux/config").unwrap();
            assert_eq!(setting(&text, "SELINUX"), Some(kept), "{text}");
            assert!(text.starts_with("# SELINUX=x\n"));
            assert!(!run("selinux", &args, "", "", Mode::default(), &mut host).changed, "{args}");
        }
    }

    #[test]
    fn what_cannot_be_set_is_refused() {
        for (args, words) in [
            (json!({"state": "enforcing"}), "Policy is required if state is not 'disabled'"),
            (json!({"state": "on"}), "must be one of"),
            (json!({"state": "disabled", "configfile": "/none"}), "Unable to find file /none"),
        ] {
            let response = run("selinux", &args, "", "", Mode::default(), &mut host(None));
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
