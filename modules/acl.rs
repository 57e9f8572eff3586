//! The `acl` module of the collection `ansible.posix`.

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{JsonMap, Response, spec::Support};

use crate::tool;

/// Keeps an entry of a file's access control list, or reads the list.
#[derive(Debug, Arguments)]
pub struct Acl {
    /// The file or folder.
    #[argument(aliases("name"))]
    path: PathBuf,
    /// `query` reads the list.
    #[argument(default = "query")]
    state: State,
    /// The entry as `setfacl` writes it, in place of the three that follow.
    entry: Option<String>,
    /// The user or group; empty for the file's own.
    #[argument(default = "")]
    entity: String,
    /// What the entry is for.
    etype: Option<Kind>,
    /// The permissions: `rwx`, `rX`, or four octal digits' kin that `setfacl` takes.
    permissions: Option<String>,
    /// Whether links are followed.
    #[argument(default = true)]
    follow: bool,
    /// Whether the entry is one that new files in the folder will have.
    #[argument(default = false)]
    default: bool,
    /// Whether all that is in the folder is meant too.
    #[argument(default = false, aliases("recurse"))]
    recursive: bool,
    /// Whether the mask is worked out anew.
    #[argument(default = "default")]
    recalculate_mask: Recalculation,
    /// Whether the list is one of NFS version 4, which is not done here.
    #[argument(default = false)]
    use_nfsv4_acls: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Query,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Group,
    Mask,
    Other,
    User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Recalculation {
    Default,
    #[choice("mask")]
    Always,
    #[choice("no_mask")]
    Never,
}

/// An entry in its parts.
struct Entry {
    is_default: bool,
    /// As `setfacl` takes it.
    text: String,
}

impl Documented for Acl {
    const NAME: &'static str = "ansible.posix.acl";
    const ALIASES: &'static [&'static str] = &["acl"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A user may read",
            args: r#"{"path": "/etc/hosts", "entity": "ada", "etype": "user", "permissions": "r", "state": "present"}"#,
        },
        Example {
            title: "The same in one word",
            args: r#"{"path": "/etc/hosts", "entry": "user:ada:r", "state": "present"}"#,
        },
        Example { title: "The list", args: r#"{"path": "/etc/hosts"}"# },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("acl", "The list.", "always", r#"["user::rwx", "group::rwx"]"#)];
    const DIFF_MODE: Support = Support::None;
}

impl Acl {
    fn refuse_what_cannot_be(&self) -> Result<(), Failure> {
        let refuse = |words: &str| Err(Failure::new(words.to_owned()));
        let has_parts =
            self.etype.is_some() || !self.entity.is_empty() || self.permissions.is_some();
        let colons = self.entry.as_ref().map(|entry| entry.matches(':').count());
        if self.use_nfsv4_acls {
            return refuse("use_nfsv4_acls is not supported: lists of NFS version 4 are not done");
        }
        match (self.state, colons) {
            (State::Query, Some(_)) => refuse("'entry' MUST NOT be set when 'state=query'."),
            (State::Query, None) if self.recursive => {
                refuse("'recursive' MUST NOT be set when 'state=query'.")
            }
            (State::Query, None) if self.recalculate_mask != Recalculation::Default => refuse(
                "'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.",
            ),
            (State::Query, None) => Ok(()),
            (_, Some(_)) if has_parts => {
                refuse("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.")
            }
            (State::Present, Some(colons)) if colons != 2 && colons != 3 => {
                refuse("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.")
            }
            (State::Absent, Some(colons)) if colons != 1 && colons != 2 => {
                refuse("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.")
            }
            (State::Absent, None) if self.permissions.is_some() => {
                refuse("'permissions' MUST NOT be set when 'state=absent'.")
            }
            (State::Absent, None) if self.entity.is_empty() => {
                refuse("'entity' MUST be set when 'state=absent'.")
            }
            (state, None) if self.etype.is_none() => {
                Err(Failure::new(format!("'etype' MUST be set when 'state={state}'.")))
            }
            _ => Ok(()),
        }
    }

    fn wanted(&self) -> Result<Entry, Failure> {
        let has_permissions = self.state == State::Present;
        let Some(entry) = &self.entry else {
            let kind = self.etype.map(Kind::as_str).unwrap_or_default();
            let mut text = format!("{kind}:{}", self.entity);
            if let Some(permissions) = self.permissions.as_ref().filter(|_| has_permissions) {
                text = format!("{text}:{permissions}");
            }
            return Ok(Entry { is_default: self.default, text });
        };
        let mut parts: Vec<&str> = entry.split(':').collect();
        let is_default = entry.to_lowercase().starts_with('d');
        if is_default {
            parts.remove(0);
        }
        let kind = parts.first().copied().unwrap_or_default().to_lowercase();
        let kind = [("u", "user"), ("g", "group"), ("m", "mask"), ("o", "other")]
            .into_iter()
            .find(|(letter, _)| kind.starts_with(letter))
            .map(|(_, kind)| kind)
            .ok_or_else(|| Failure::new(format!("{entry:?} is an entry for nobody")))?;
        let entity = parts.get(1).copied().unwrap_or_default();
        let mut text = format!("{kind}:{entity}");
        if let Some(permissions) = parts.get(2).filter(|_| has_permissions) {
            text = format!("{text}:{permissions}");
        }
        Ok(Entry { is_default: is_default || self.default, text })
    }

    fn path(&self) -> String {
        self.path.display().to_string()
    }

    fn setfacl(&self, entry: &Entry, is_test: bool) -> Program {
        let mut program = Program::new("setfacl");
        if is_test {
            program = program.arg("--test");
        }
        if entry.is_default {
            program = program.arg("-d");
        }
        program =
            program.args([if self.state == State::Present { "-m" } else { "-x" }, &entry.text]);
        if self.recursive {
            program = program.arg("--recursive");
        }
        program = match self.recalculate_mask {
            Recalculation::Default => program,
            Recalculation::Always => program.arg("--mask"),
            Recalculation::Never => program.arg("--no-mask"),
        };
        if !self.follow {
            program = program.arg("--physical");
        }
        program.args(["--", &self.path()])
    }

    /// Whether an entry would change anything: `setfacl --test` writes `*,*` for each file whose
    /// list stays.
    fn would_change(&self, host: &dyn Host, entry: &Entry) -> Result<bool, Failure> {
        let text = tool::ask(host, &self.setfacl(entry, true))?;
        Ok(text.lines().any(|line| !line.trim().is_empty() && !line.trim_end().ends_with(": *,*")))
    }

    fn list(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let mut program = Program::new("getfacl");
        if self.default {
            program = program.arg("-d");
        }
        program = program.args(["--absolute-names", "--omit-header"]);
        if self.recursive {
            program = program.arg("--recursive");
        }
        if !self.follow {
            program = program.arg("--physical");
        }
        let text = tool::ask(host, &program.args(["--", &self.path()]))?;
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.trim().into())
            .collect();
        if lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        Ok(lines)
    }

    fn answer(&self, host: &dyn Host, changed: bool, msg: String) -> Result<Response, Failure> {
        let returned = JsonMap::from_iter([("acl".to_owned(), self.list(host)?.into())]);
        Ok(Response { changed, msg: Some(msg), returned, ..Response::default() })
    }

    fn message(&self, entry: &Entry) -> String {
        format!("{} is {}", entry.text, self.state)
    }
}

impl Action for Acl {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        self.refuse_what_cannot_be()?;
        if host.metadata(Path::new(&self.path))?.is_none() {
            return Err(Failure::new("Path not found or not accessible."));
        }
        if self.state == State::Query {
            return Ok(Guard::Stay(Box::new(self.answer(host, false, "current acl".into())?)));
        }
        let entry = self.wanted()?;
        match self.would_change(host, &entry)? {
            true => Ok(Guard::Go),
            false => Ok(Guard::Stay(Box::new(self.answer(host, false, self.message(&entry))?))),
        }
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        self.answer(host, true, self.message(&self.wanted()?))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let entry = self.wanted()?;
        tool::run(host, &self.setfacl(&entry, false))?;
        if self.would_change(host, &entry)? {
            return Err(Failure::new(format!("{} was set, but does not stay", entry.text)));
        }
        self.answer(host, true, self.message(&entry))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/f", "");
        host.program("setfacl", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let old = files.text("/run/acl").unwrap_or_default();
            let (is_test, words) = match words.as_slice() {
                ["--test", rest @ ..] => (true, rest),
                rest => (false, rest),
            };
            let new = match words {
                ["-m", entry, ..] => (*entry).to_owned(),
                ["-x", ..] => String::new(),
                other => return Output::failure(2, format!("{other:?}")),
            };
            match (is_test, new == old) {
                (true, true) => return Output::success("/f: *,*\n"),
                (true, false) => return Output::success(format!("/f: u::rw-,{new},*\n")),
                _ => files.put("/run/acl", new),
            }
            Output::success("")
        });
        host.program("getfacl", |files, _| {
            Output::success(format!("user::rw-\n{}\n", files.text("/run/acl").unwrap_or_default()))
        });
        host
    }

    #[test]
    fn entries_are_kept() {
        let mut host = host();
        for (args, changed, msg) in [
            (json!({}), false, "current acl"),
            (
                json!({"state": "present", "etype": "user", "entity": "ada", "permissions": "rX"}),
                true,
                "user:ada:rX is present",
            ),
            (json!({"state": "present", "entry": "u:ada:rX"}), false, "user:ada:rX is present"),
            (json!({"state": "absent", "entry": "u:ada"}), true, "user:ada is absent"),
            (
                json!({"state": "absent", "etype": "user", "entity": "ada"}),
                false,
                "user:ada is absent",
            ),
        ] {
            let response = run("acl", &args, "path", "/f", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
            assert_eq!(response.msg.as_deref(), Some(msg));
            assert_eq!(response.returned["acl"][0], "user::rw-");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (args, words) in [
            (json!({"state": "present"}), "'etype' MUST be set when 'state=present'"),
            (json!({"state": "absent", "etype": "user"}), "'entity' MUST be set"),
            (json!({"entry": "u:a:r"}), "'entry' MUST NOT be set when 'state=query'"),
            (json!({"state": "present", "entry": "u:a"}), "MUST have 3 or 4 sections"),
            (json!({"state": "absent", "entry": "u:a:r:x"}), "MUST have 2 or 3 sections"),
            (json!({"state": "present", "entry": "u:a:r", "etype": "user"}), "'entry' MUST NOT"),
            (json!({"recursive": true}), "'recursive' MUST NOT"),
            (json!({"recalculate_mask": "mask"}), "'recalculate_mask' MUST NOT"),
            (json!({"use_nfsv4_acls": true}), "not supported"),
            (json!({"state": "present", "entry": "x:a:r"}), "for nobody"),
        ] {
            let response = run("acl", &args, "path", "/f", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
        let response = run("acl", &json!({}), "path", "/none", Mode::default(), &mut host());
        assert_eq!(response.msg.as_deref(), Some("Path not found or not accessible."));
    }
}
