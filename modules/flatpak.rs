//! The modules `flatpak` and `flatpak_remote` of the collection `community.general`.

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program, Returned};
use protocol::spec::Support;

use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps flatpaks.
///
/// Whether a newer one is there is asked of the remotes, also in check mode.
#[derive(Debug, Arguments)]
pub struct Flatpak {
    /// The program.
    #[argument(default = "flatpak", kind = "path")]
    executable: String,
    /// Whether they are for all, or for the user.
    #[argument(default = "system")]
    method: Method,
    /// The flatpaks: their IDs, or addresses of files that describe them.
    name: Vec<String>,
    /// Whether what they need is left out.
    #[argument(default = false)]
    no_dependencies: bool,
    /// The remote that they come from.
    #[argument(default = "flathub")]
    remote: String,
    /// Whether they are there, and the newest.
    #[argument(default = "present")]
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Method {
    System,
    User,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Present,
    Latest,
}

impl Documented for Flatpak {
    const NAME: &'static str = "community.general.flatpak";
    const ALIASES: &'static [&'static str] = &["flatpak"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A program", args: r#"{"name": ["org.gnome.gedit"]}"# },
        Example {
            title: "Not for this user any more",
            args: r#"{"name": ["org.gnome.gedit"], "method": "user", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "command",
        "The last that was run.",
        "where any was",
        r#""flatpak install --system --noninteractive flathub org.gnome.gedit""#,
    )];
    const DIFF_MODE: Support = Support::None;
}

fn is_address(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// Whether it is an ID by its form: `org.gnome.gedit`.
fn is_id(part: &str) -> bool {
    let mut sections = part.split('.');
    let is_domain = sections.next().is_some_and(|first| {
        !first.is_empty() && first.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
    });
    let is_section = |one: &str| {
        !one.is_empty() && one.chars().all(|it| it.is_alphanumeric() || "_-".contains(it))
    };
    is_domain && part.contains('.') && sections.all(is_section)
}

/// The ID in a name: that of the file in an address, and the part of a reference.
fn id(name: &str) -> &str {
    if is_address(name) {
        let file = name.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
        let file = file.unwrap_or_default();
        return file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    }
    name.split('/').find(|part| is_id(part)).unwrap_or(name)
}

fn program(executable: &str, verb: &str, method: Method) -> Program {
    Program::new(executable).args([verb.to_owned(), format!("--{}", method.as_str())])
}

impl Flatpak {
    /// IDs that `flatpak list` or `flatpak remote-ls --updates` names.
    fn ids(&self, host: &dyn Host, words: &[&str]) -> Result<Vec<String>, Failure> {
        let (verb, more) = words.split_first().unwrap_or((&"list", &[]));
        let ask = program(&self.executable, verb, self.method).args(more.to_vec());
        let said = tool::ask(host, &ask.arg("--columns=application"))?;
        Ok(said.lines().map(|line| line.trim().to_owned()).collect())
    }

    fn work(&self, verb: &str) -> Program {
        let program = program(&self.executable, verb, self.method).arg("--noninteractive");
        match self.no_dependencies && verb != "uninstall" {
            true => program.arg("--no-deps"),
            false => program,
        }
    }
}

impl Stepwise for Flatpak {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let now = self.ids(host, &["list"])?;
        let found = |name: &String| now.iter().find(|one| one.eq_ignore_ascii_case(id(name)));
        let there: Vec<String> = self.name.iter().filter_map(found).cloned().collect();
        let mut programs = Vec::new();
        if self.state == State::Absent {
            if !there.is_empty() {
                programs.push(self.work("uninstall").args(there));
            }
        } else {
            if self.state == State::Latest && !there.is_empty() {
                let newer = self.ids(host, &["remote-ls", "--updates"])?;
                let old: Vec<String> =
                    there.into_iter().filter(|one| newer.contains(one)).collect();
                if !old.is_empty() {
                    programs.push(self.work("update").args(old));
                }
            }
            let missing = self.name.iter().filter(|name| found(name).is_none()).cloned();
            let (addresses, ids): (Vec<String>, Vec<String>) =
                missing.partition(|name| is_address(name));
            if !addresses.is_empty() {
                programs.push(self.work("install").args(addresses));
            }
            if !ids.is_empty() {
                programs.push(self.work("install").arg(&self.remote).args(ids));
            }
        }
        let command = programs.last().map(Program::line);
        let steps = Steps::new(programs).with("rc", 0);
        Ok(match command {
            Some(command) => steps.with("command", command),
            None => steps,
        })
    }
}

/// Keeps a remote that flatpaks come from.
#[derive(Debug, Arguments)]
pub struct FlatpakRemote {
    /// The program.
    #[argument(default = "flatpak")]
    executable: String,
    /// Address of the file that describes it.
    flatpakrepo_url: Option<String>,
    /// Whether it is for all, or for the user.
    #[argument(default = "system")]
    method: Method,
    /// The remote.
    name: String,
    /// Whether it is there.
    #[argument(default = "present")]
    state: Presence,
    /// Whether it is asked.
    #[argument(default = true)]
    enabled: bool,
}

impl Documented for FlatpakRemote {
    const NAME: &'static str = "community.general.flatpak_remote";
    const ALIASES: &'static [&'static str] = &["flatpak_remote"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Flathub",
        args: r#"{"name": "flathub", "flatpakrepo_url": "https://dl.flathub.org/repo/flathub.flatpakrepo"}"#,
    }];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "command",
        "The last that was run.",
        "where any was",
        r#""flatpak remote-delete --system --force flathub""#,
    )];
    const DIFF_MODE: Support = Support::None;
}

impl Stepwise for FlatpakRemote {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        let make = |verb: &str| program(&self.executable, verb, self.method);
        let said = tool::ask(host, &make("remote-list").arg("--show-disabled"))?;
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(&self.name));
        let is_enabled = line.map(|line| {
            let options = line.split_whitespace().nth(1).unwrap_or_default();
            !options.split(',').any(|option| option == "disabled")
        });
        let modify = |flag: &str| make("remote-modify").args([flag, &self.name]);
        let mut programs = Vec::new();
        match (self.state, is_enabled) {
            (Presence::Absent, None) => {}
            (Presence::Absent, Some(_)) => {
                programs.push(make("remote-delete").args(["--force", &self.name]));
            }
            (Presence::Present, None) => {
                let url = self.flatpakrepo_url.as_deref().filter(|url| !url.is_empty());
                let url = url.ok_or_else(|| {
                    Failure::new("flatpakrepo_url is needed for a remote that is not there")
                })?;
                programs.push(make("remote-add").args([&self.name, url]));
                if !self.enabled {
                    programs.push(modify("--disable"));
                }
            }
            (Presence::Present, Some(true)) if !self.enabled => programs.push(modify("--disable")),
            (Presence::Present, Some(false)) if self.enabled => programs.push(modify("--enable")),
            (Presence::Present, Some(_)) => {}
        }
        let command = programs.last().map(Program::line);
        let steps = Steps::new(programs).with("rc", 0);
        Ok(match command {
            Some(command) => steps.with("command", command),
            None => steps,
        })
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    /// `flatpak`, which keeps IDs and remotes in files.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/apps", "org.old.App\n");
        host.put("/remotes", "fedora\tsystem,oci\n");
        host.program("flatpak", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let (apps, remotes) = (files.text("/apps").unwrap(), files.text("/remotes").unwrap());
            let last = words[words.len() - 1];
            let without = |text: &str| -> String {
                text.lines()
                    .filter(|line| !line.starts_with(last))
                    .map(|line| format!("{line}\n"))
                    .collect()
            };
            match words[0] {
                "list" => return Output::success(apps),
                "remote-ls" => return Output::success(files.text("/newer").unwrap_or_default()),
                "remote-list" => return Output::success(remotes),
                "update" => files.put("/newer", ""),
                "install" => files.put("/apps", format!("{apps}{}\n", id(last))),
                "uninstall" => files.put("/apps", without(&apps)),
                "remote-add" => files.put("/remotes", format!("{remotes}{}\tsystem\n", words[2])),
                "remote-delete" => files.put("/remotes", without(&remotes)),
                "remote-modify" if words[2] == "--disable" => {
                    files.put("/remotes", remotes.replace("hub\tsystem", "hub\tsystem,disabled"))
                }
                "remote-modify" => files.put("/remotes", remotes.replace(",disabled", "")),
                other => return Output::failure(1, other),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn ids_are_found_in_names() {
        for (name, expected) in [
            ("org.gnome.gedit", "org.gnome.gedit"),
            ("app/org.gnome.gedit/x86_64/stable", "org.gnome.gedit"),
            ("https://dl.example/repo/org.a.B.flatpakref?x", "org.a.B"),
            ("gedit", "gedit"),
        ] {
            assert_eq!(id(name), expected);
        }
    }

    #[test]
    fn flatpaks_and_remotes_are_kept() {
        let mut host = host();
        host.put("/newer", "org.new.App\n");
        for (module, args, changed) in [
            ("flatpak", json!({"name": ["org.new.App"]}), true),
            ("flatpak", json!({"name": ["app/org.new.App/x86_64/stable", "org.old.app"]}), false),
            ("flatpak", json!({"name": ["org.new.App"], "state": "latest"}), true),
            ("flatpak", json!({"name": ["org.new.App"], "state": "latest"}), false),
            (
                "flatpak",
                json!({"name": ["https://x.example/org.web.App.flatpakref"], "no_dependencies": true}),
                true,
            ),
            ("flatpak", json!({"name": ["org.new.App", "org.none.App"], "state": "absent"}), true),
            ("flatpak", json!({"name": ["org.new.App"], "state": "absent"}), false),
            ("flatpak_remote", json!({"name": "hub", "flatpakrepo_url": "https://x"}), true),
            ("flatpak_remote", json!({"name": "hub"}), false),
            ("flatpak_remote", json!({"name": "hub", "enabled": false}), true),
            ("flatpak_remote", json!({"name": "hub", "enabled": false}), false),
            ("flatpak_remote", json!({"name": "hub"}), true),
            ("flatpak_remote", json!({"name": "hub", "state": "absent"}), true),
            ("flatpak_remote", json!({"name": "hub", "state": "absent"}), false),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run(module, &args, "", "", check, &mut host);
            let done = run(module, &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        for (module, args, words) in [
            ("flatpak_remote", json!({"name": "new"}), "flatpakrepo_url is needed"),
            ("flatpak_remote", json!({}), "missing required arguments: name"),
            ("flatpak", json!({"name": ["a"], "executable": "/none"}), "no program /none"),
            ("flatpak", json!({"name": ["a"], "method": "all"}), "value of method must be one of"),
        ] {
            let msg = run(module, &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
