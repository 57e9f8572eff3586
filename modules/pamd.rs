//! The `pamd` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Placement, Returned,
};
use protocol::{Diff, JsonMap};

use crate::{
    copy::back_up,
    pam_service::{Rule, Service, arguments_of},
    whole_text::{WholeText, diff},
};

/// Keeps the rules of a service of PAM that are already there, and what stands beside them.
#[derive(Debug, Arguments)]
#[arguments(required_if(
    ("state", "args_present", ["module_arguments"]),
    ("state", "args_absent", ["module_arguments"]),
    ("state", "before", ["new_control", "new_type", "new_module_path"]),
    ("state", "after", ["new_control", "new_type", "new_module_path"]),
))]
pub struct PamD {
    /// Name of the service, which is that of its file: `sshd`, `common-auth`.
    name: String,
    /// What the rule is for.
    r#type: Kind,
    /// What its outcome means: a word, or outcomes and what follows from them in brackets.
    control: String,
    /// The module that the rule calls.
    module_path: String,
    /// What a new or updated rule is for.
    new_type: Option<Kind>,
    /// What the outcome of a new or updated rule means.
    new_control: Option<String>,
    /// The module that a new or updated rule calls.
    new_module_path: Option<String>,
    /// What that module is told.
    module_arguments: Option<Vec<String>>,
    /// What becomes of the rule, or stands before or after it.
    #[argument(default = "updated")]
    state: State,
    /// The folder of the services.
    #[argument(default = "/etc/pam.d")]
    path: PathBuf,
    /// Whether the old file is kept beside the new one.
    #[argument(default = false)]
    backup: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    After,
    #[choice("args_absent")]
    ArgsAbsent,
    #[choice("args_present")]
    ArgsPresent,
    Before,
    Updated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Account,
    #[choice("-account")]
    QuietAccount,
    Auth,
    #[choice("-auth")]
    QuietAuth,
    Password,
    #[choice("-password")]
    QuietPassword,
    Session,
    #[choice("-session")]
    QuietSession,
}

impl Documented for PamD {
    const NAME: &'static str = "community.general.pamd";
    const ALIASES: &'static [&'static str] = &["pamd"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Accounts are locked before passwords are looked at",
            args: r#"{"name": "login", "type": "auth", "control": "required", "module_path": "pam_unix.so", "state": "before", "new_type": "auth", "new_control": "required", "new_module_path": "pam_faillock.so", "module_arguments": ["preauth", "deny=3"]}"#,
        },
        Example {
            title: "A rule is told more",
            args: r#"{"name": "login", "type": "auth", "control": "required", "module_path": "pam_unix.so", "state": "args_present", "module_arguments": "nullok"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "change_count",
            "How many rules are changed, made or taken away.",
            "always",
            "1",
        ),
        Returned::new("backupdest", "Where the old file is kept, if it is.", "success", r#""""#),
    ];
}

impl PamD {
    fn file(&self) -> PathBuf {
        self.path.join(&self.name)
    }

    /// The text that should be, and how many rules differ in it.
    fn edit(&self, text: &str) -> Result<(String, usize), Failure> {
        let told = self.module_arguments.as_deref().map(arguments_of).transpose()?;
        let mut service = Service::parse(text)?;
        let wanted = Rule::new(self.r#type.as_str(), &self.control, &self.module_path, &[])?;
        let new = || {
            Rule::new(
                self.new_type.map_or("", Kind::as_str),
                self.new_control.as_deref().unwrap_or_default(),
                self.new_module_path.as_deref().unwrap_or_default(),
                told.as_deref().unwrap_or_default(),
            )
        };
        let count = match self.state {
            State::Absent => service.remove(&wanted),
            State::Before => service.insert_before(&wanted, &new()?),
            State::After => service.insert_after(&wanted, &new()?),
            State::ArgsPresent => {
                let told = told.as_deref().unwrap_or_default();
                if told.iter().any(|one| one.starts_with('[')) {
                    return Err(Failure::new(
                        "Unable to process bracketed '[' complex arguments with 'args_present'. Please use 'updated'.",
                    ));
                }
                service.change(&wanted, |rule| rule.add_arguments(told))
            }
            State::ArgsAbsent => {
                let told = told.as_deref().unwrap_or_default();
                service.change(&wanted, |rule| rule.arguments.retain(|one| !told.contains(one)))
            }
            State::Updated => {
                let kind = self.new_type.unwrap_or(self.r#type).as_str();
                let control = self.new_control.as_deref().unwrap_or(&self.control);
                let path = self.new_module_path.as_deref().unwrap_or(&self.module_path);
                let head = Rule::new(kind, control, path, &[])?;
                service.change(&wanted, |rule| {
                    let arguments = told.clone().unwrap_or_else(|| rule.arguments.clone());
                    *rule = head.told(arguments);
                })
            }
        };
        Ok((if count == 0 { text.to_owned() } else { service.to_string() }, count))
    }
}

impl Module for PamD {
    type State = WholeText;

    fn check(&self, host: &dyn Host) -> Result<Delta<WholeText>, Failure> {
        let path = self.file();
        if self.name.is_empty() || self.name.contains('/') {
            return Err(Failure::new(format!("{:?} is no name of a service", self.name)));
        }
        let actual = WholeText::read(host, &path)?;
        if actual.text.is_none() {
            return Err(Failure::new(format!(
                "Unable to open/read PAM module file {}: there is no such file",
                path.display()
            )));
        }
        let (text, _) = self.edit(actual.as_str())?;
        Ok(Delta::new(actual, WholeText { text: Some(text) }))
    }

    fn apply(&self, delta: &Delta<WholeText>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let path = host.real_path(&self.file())?;
        let mut returned = JsonMap::new();
        if self.backup {
            returned.insert("backupdest".into(), back_up(host, &path)?.into());
        }
        let mut text = delta.desired.as_str().as_bytes();
        host.write(&path, &mut text, &Placement::default())?;
        Ok(returned)
    }

    fn returned(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<JsonMap, Failure> {
        let (_, count) = self.edit(delta.actual.as_str())?;
        Ok(JsonMap::from_iter([
            ("change_count".to_owned(), count.into()),
            ("backupdest".to_owned(), "".into()),
        ]))
    }

    fn diff(&self, delta: &Delta<WholeText>, _: &dyn Host) -> Result<Vec<Diff>, Failure> {
        Ok(diff(delta, &self.file().display().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::cases::run;

    const BEFORE: &str = "# own\nauth required pam_unix.so  nullok deny=3\n@include x\n\nsession [success=1 default=ignore] pam_a.so # why\n";

    fn apply(more: &Json) -> (protocol::Response, String) {
        let mut args = json!({"name": "own", "type": "auth", "control": "required", "module_path": "pam_unix.so"});
        for (name, value) in more.as_object().unwrap() {
            args[name] = value.clone();
        }
        let mut host = FakeHost::default();
        host.put("/etc/pam.d/own", BEFORE);
        let response = run("pamd", &args, "", "", Mode::default(), &mut host);
        (response, host.files.text("/etc/pam.d/own").unwrap())
    }

    #[test]
    fn rules_are_kept() {
        let new = |state: &str| json!({"state": state, "new_type": "auth", "new_control": "sufficient", "new_module_path": "pam_b.so", "module_arguments": ["a=1", "[b = c]"]});
        const OLD: &str = "auth required pam_unix.so  nullok deny=3\n";
        for (more, old, after) in [
            (json!({}), "", ""),
            (
                json!({"new_control": "sufficient"}),
                OLD,
                "auth       sufficient pam_unix.so nullok deny=3\n",
            ),
            (
                json!({"new_type": "-auth", "module_arguments": ""}),
                OLD,
                "-auth      required pam_unix.so\n",
            ),
            (
                json!({"state": "args_present", "module_arguments": "deny=5 new"}),
                OLD,
                "auth       required pam_unix.so nullok deny=5 new\n",
            ),
            (json!({"state": "args_present", "module_arguments": "deny=3"}), "", ""),
            (
                json!({"state": "args_absent", "module_arguments": ["deny=3", "x"]}),
                OLD,
                "auth       required pam_unix.so nullok\n",
            ),
            (json!({"state": "absent"}), OLD, ""),
            (json!({"state": "absent", "type": "session"}), "", ""),
            (
                new("before"),
                OLD,
                "auth       sufficient pam_b.so a=1 [b = c]\nauth required pam_unix.so  nullok deny=3\n",
            ),
            (
                new("after"),
                OLD,
                "auth required pam_unix.so  nullok deny=3\nauth       sufficient pam_b.so a=1 [b = c]\n",
            ),
            (
                json!({"type": "session", "control": "[success=1 default = ignore]", "module_path": "pam_a.so", "new_control": "required"}),
                "session [success=1 default=ignore] pam_a.so # why\n",
                "session    required pam_a.so # why\n",
            ),
        ] {
            let (response, text) = apply(&more);
            assert!(!response.failed, "{more}: {response:?}");
            let changes = usize::from(old != after);
            assert_eq!(response.returned["change_count"], changes, "{more}");
            assert_eq!(response.changed, changes > 0, "{more}");
            assert_eq!(text, BEFORE.replacen(old, after, 1), "{more}");
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for (more, words) in [
            (json!({"name": "other"}), "there is no such file"),
            (json!({"name": "../passwd"}), "is no name of a service"),
            (json!({"type": "nonsense"}), "must be one of"),
            (json!({"new_control": "maybe"}), "Rule control, maybe, is not valid"),
            (json!({"new_control": "[success=maybe]"}), "Rule control action, maybe, is not valid"),
            (json!({"new_control": "[nosuch=1]"}), "Rule control value, nosuch, is not valid"),
            (json!({"new_module_path": "a b"}), "is no path of a module"),
            (json!({"state": "before"}), "missing"),
            (json!({"state": "args_present"}), "missing"),
            (json!({"state": "args_present", "module_arguments": "[a b]"}), "bracketed"),
            (json!({"module_arguments": ["a\nauth sufficient pam_permit.so"]}), "one line"),
        ] {
            let (response, text) = apply(&more);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{more}: {msg}");
            assert_eq!(text, BEFORE, "{more}");
        }
    }
}
