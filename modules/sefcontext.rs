//! The `sefcontext` module of the collection `community.general`.

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, Host, Module, Program, Returned,
};
use protocol::JsonMap;
use serde::Serialize;

use crate::{presence::Presence, seport::must_be_on, tool};

/// Keeps which context SELinux gives to files by their paths.
///
/// Files that are there keep theirs, until `restorecon` is run.
#[derive(Debug, Arguments)]
#[arguments(
    required_if(("state", "present", ["setype", "substitute"], any)),
    mutually_exclusive(["setype", "substitute"], ["substitute", "ftype"])
)]
pub struct SeFContext {
    /// A regular expression of paths: `/srv/git(/.*)?`; a path with `substitute`.
    #[argument(aliases("path"))]
    target: String,
    /// Kind of file.
    ftype: Option<FileKind>,
    /// The type.
    setype: Option<String>,
    /// A path whose contexts hold below the target too.
    #[argument(aliases("equal"))]
    substitute: Option<String>,
    /// The user.
    seuser: Option<String>,
    /// The level.
    #[argument(aliases("serange"))]
    selevel: Option<String>,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether the policy is loaded anew.
    #[argument(default = true)]
    reload: bool,
    /// Whether it is done where SELinux is off too.
    #[argument(default = false)]
    ignore_selinux_state: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum FileKind {
    #[choice("a")]
    All,
    #[choice("b")]
    BlockDevice,
    #[choice("c")]
    CharacterDevice,
    #[choice("d")]
    Directory,
    #[choice("f")]
    Regular,
    #[choice("l")]
    Link,
    #[choice("p")]
    Pipe,
    #[choice("s")]
    Socket,
}

impl FileKind {
    /// What `semanage` calls it in its list.
    fn listed(self) -> &'static str {
        match self {
            Self::All => "all files",
            Self::BlockDevice => "block device",
            Self::CharacterDevice => "character device",
            Self::Directory => "directory",
            Self::Regular => "regular file",
            Self::Link => "symbolic link",
            Self::Pipe => "named pipe",
            Self::Socket => "socket",
        }
    }
}

/// What is said of the target, as far as the task manages it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mapping {
    #[serde(skip_serializing_if = "Option::is_none")]
    setype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seuser: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selevel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    substitute: Option<String>,
}

impl Documented for SeFContext {
    const NAME: &'static str = "community.general.sefcontext";
    const ALIASES: &'static [&'static str] = &["sefcontext"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Repositories of Git",
            args: r#"{"target": "/srv/git(/.*)?", "setype": "httpd_sys_rw_content_t", "ignore_selinux_state": true}"#,
        },
        Example {
            title: "Homes elsewhere",
            args: r#"{"target": "/data/home", "substitute": "/home", "ignore_selinux_state": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("target", "The paths.", "always", r#""/srv/git(/.*)?""#),
        Returned::new("setype", "The type.", "always", r#""httpd_sys_rw_content_t""#),
        Returned::new("state", "Whether it is there.", "always", r#""present""#),
    ];
}

/// Context and substitute of a target in the list.
fn find(text: &str, target: &str, kind: FileKind) -> (Option<[String; 3]>, Option<String>) {
    let (mut context, mut substitute) = (None, None);
    for line in text.lines() {
        if let Some((path, other)) = line.split_once(" = ") {
            if path.trim() == target {
                substitute = Some(other.trim().to_owned());
            }
            continue;
        }
        let Some(rest) = line.strip_prefix(target).filter(|rest| rest.starts_with(' ')) else {
            continue;
        };
        let Some(rest) = rest.trim().strip_prefix(kind.listed()) else { continue };
        let parts: Vec<&str> = rest.trim().splitn(4, ':').collect();
        if let [user, _, kind, rest @ ..] = parts.as_slice() {
            let level = rest.first().copied().unwrap_or_default();
            // What stands behind it is not of it.
            let level = level.split_whitespace().next().unwrap_or_default();
            context = Some([(*user).to_owned(), (*kind).to_owned(), level.to_owned()]);
        }
    }
    (context, substitute)
}

impl SeFContext {
    fn kind(&self) -> FileKind {
        self.ftype.unwrap_or(FileKind::All)
    }

    fn read(&self, host: &dyn Host) -> Result<(Option<[String; 3]>, Option<String>), Failure> {
        let text = tool::ask(host, &Program::new("semanage").args(["fcontext", "-l", "-n"]))?;
        Ok(find(&text, &self.target, self.kind()))
    }

    fn program(&self, words: &[&str]) -> Program {
        let mut program = Program::new("semanage").arg("fcontext");
        if !self.reload {
            program = program.arg("-N");
        }
        program.args(words.to_vec())
    }
}

impl Module for SeFContext {
    type State = Mapping;

    fn check(&self, host: &dyn Host) -> Result<Delta<Mapping>, Failure> {
        must_be_on(host, self.ignore_selinux_state)?;
        let (context, substitute) = self.read(host)?;
        let is_substitute = self.substitute.is_some();
        if !self.state.is_present() {
            let actual = Mapping {
                setype: context.filter(|_| !is_substitute).map(|[_, kind, _]| kind),
                substitute: substitute.filter(|found| {
                    self.setype.is_none()
                        && self.substitute.as_ref().is_none_or(|wanted| wanted == found)
                }),
                ..Mapping::default()
            };
            return Ok(Delta::new(actual, Mapping::default()));
        }
        if is_substitute {
            let of = |substitute| Mapping { substitute, ..Mapping::default() };
            return Ok(Delta::new(of(substitute), of(self.substitute.clone())));
        }
        let [user, kind, level] = match context {
            Some(parts) => parts.map(Some),
            None => [None, None, None],
        };
        let actual = Mapping {
            setype: kind,
            seuser: user.filter(|_| self.seuser.is_some()),
            selevel: level.filter(|_| self.selevel.is_some()),
            substitute: None,
        };
        let desired = Mapping {
            setype: self.setype.clone(),
            seuser: self.seuser.clone(),
            selevel: self.selevel.clone(),
            substitute: None,
        };
        Ok(Delta::new(actual, desired))
    }

    fn apply(&self, delta: &Delta<Mapping>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let (actual, desired) = (&delta.actual, &delta.desired);
        let kind = self.kind().as_str();
        if !self.state.is_present() {
            if actual.setype.is_some() {
                tool::run(host, &self.program(&["-d", "-f", kind, &self.target]))?;
            }
            if let Some(other) = &actual.substitute {
                tool::run(host, &self.program(&["-d", "-e", other, &self.target]))?;
            }
            return Ok(JsonMap::new());
        }
        if let Some(other) = &desired.substitute {
            let verb = if actual.substitute.is_some() { "-m" } else { "-a" };
            tool::run(host, &self.program(&[verb, "-e", other, &self.target]))?;
            return Ok(JsonMap::new());
        }
        let verb = if actual.setype.is_some() { "-m" } else { "-a" };
        let mut program = self.program(&[verb]);
        for (flag, value) in [("-t", &self.setype), ("-s", &self.seuser), ("-r", &self.selevel)] {
            if let Some(value) = value {
                program = program.args([flag, value]);
            }
        }
        tool::run(host, &program.args(["-f", kind, &self.target]))?;
        Ok(JsonMap::new())
    }

    fn returned(&self, _: &Delta<Mapping>, _: &dyn Host) -> Result<JsonMap, Failure> {
        Ok(JsonMap::from_iter([
            ("target".to_owned(), self.target.clone().into()),
            ("ftype".to_owned(), self.kind().as_str().into()),
            ("setype".to_owned(), self.setype.clone().into()),
            ("substitute".to_owned(), self.substitute.clone().into()),
            ("state".to_owned(), self.state.as_str().into()),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::{cases::run, fake_rare::put_semanage};

    #[test]
    fn the_list_is_read() {
        let text = "/srv/git(/.*)?    all files   system_u:object_r:git_t:s0 \n/srv/gits  directory  u:r:t:s0-s1:c0\n/data/home = /home\n";
        let parts = |user: &str, kind: &str, level: &str| {
            Some([user.to_owned(), kind.to_owned(), level.to_owned()])
        };
        for (target, kind, expected) in [
            ("/srv/git(/.*)?", FileKind::All, (parts("system_u", "git_t", "s0"), None)),
            ("/srv/git(/.*)?", FileKind::Directory, (None, None)),
            ("/srv/gits", FileKind::Directory, (parts("u", "t", "s0-s1:c0"), None)),
            ("/data/home", FileKind::All, (None, Some("/home".to_owned()))),
        ] {
            assert_eq!(find(text, target, kind), expected, "{target}");
        }
    }

    #[test]
    fn contexts_are_kept() {
        let mut host = FakeHost::default();
        put_semanage(&mut host);
        host.put("/sys/fs/selinux/enforce", "1");
        for (args, changed) in [
            (json!({"target": "/a(/.*)?", "setype": "x_t"}), true),
            (json!({"target": "/a(/.*)?", "setype": "x_t"}), false),
            (json!({"target": "/a(/.*)?", "setype": "y_t"}), true),
            (json!({"target": "/a(/.*)?", "setype": "y_t", "seuser": "staff_u"}), true),
            (json!({"target": "/a(/.*)?", "setype": "y_t", "ftype": "d"}), true),
            (json!({"target": "/b", "substitute": "/c"}), true),
            (json!({"target": "/b", "substitute": "/c"}), false),
            (json!({"target": "/b", "substitute": "/d"}), true),
            (json!({"target": "/b", "state": "absent"}), true),
            (json!({"target": "/a(/.*)?", "setype": "y_t", "state": "absent"}), true),
            (json!({"target": "/a(/.*)?", "setype": "y_t", "state": "absent"}), false),
        ] {
            let response = run("sefcontext", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, response.changed),
                (false, changed),
                "{args}: {response:?}"
            );
        }
        for (args, words) in [
            (json!({"target": "/a"}), "missing"),
            (json!({"target": "/a", "setype": "x", "substitute": "/b"}), "mutually exclusive"),
            (json!({"target": "/a", "setype": "x", "ftype": "z"}), "must be one of"),
        ] {
            let response = run("sefcontext", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
