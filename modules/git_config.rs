//! The `git_config` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program, Returned};
use protocol::{Diff, JsonMap, diff::Side};

use crate::{
    presence::Presence,
    stepwise::{Steps, Stepwise},
};

/// Keeps a setting of git's, or reads it.
#[derive(Debug, Arguments)]
#[arguments(
    mutually_exclusive(["list_all", "name"], ["list_all", "value"]),
    required_if(("scope", "local", ["repo"]), ("scope", "file", ["file"])),
    required_one_of(["list_all", "name"])
)]
pub struct GitConfig {
    /// Whether all settings are read.
    #[argument(default = false)]
    list_all: bool,
    /// The setting: `user.email`.
    name: Option<String>,
    /// The repository, for settings of its own.
    repo: Option<PathBuf>,
    /// The file, for the scope `file`.
    file: Option<PathBuf>,
    /// Whose setting it is; that of the system where it is left out.
    scope: Option<Scope>,
    /// Whether it is set.
    #[argument(default = "present")]
    state: Presence,
    /// Its value; where it is left out, the setting is read.
    value: Option<String>,
    /// Whether other values of the setting stay.
    #[argument(default = "replace-all", choices("add", "replace-all"))]
    add_mode: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Scope {
    File,
    Local,
    Global,
    System,
}

impl Documented for GitConfig {
    const NAME: &'static str = "community.general.git_config";
    const ALIASES: &'static [&'static str] = &["git_config"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An editor for a user",
            args: r#"{"name": "core.editor", "scope": "global", "value": "vim"}"#,
        },
        Example {
            title: "None",
            args: r#"{"name": "core.editor", "scope": "global", "state": "absent"}"#,
        },
        Example { title: "All of them", args: r#"{"list_all": true, "scope": "system"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("config_value", "The value.", "without value", r#""vim""#),
        Returned::new(
            "config_values",
            "All settings.",
            "with list_all",
            r#"{"core.editor": "vim"}"#,
        ),
    ];
}

impl GitConfig {
    /// The scope; that of a setting is the system's where the task says nothing.
    fn scope(&self) -> Option<Scope> {
        self.scope.or((!self.list_all).then_some(Scope::System))
    }

    fn program(&self, words: &[&str]) -> Program {
        let mut program = Program::new("git").args(["config", "--includes"]);
        program = match (self.scope(), &self.file) {
            (Some(Scope::File), Some(file)) => program.args(["-f", &file.display().to_string()]),
            (Some(scope), _) => program.arg(format!("--{}", scope.as_str())),
            (None, _) => program,
        };
        program = program.args(words.to_vec());
        // Elsewhere, the settings of a repository would be among them by chance.
        let is_local = self.scope() == Some(Scope::Local) || self.list_all;
        program.folder = Some(match &self.repo {
            Some(repo) if is_local => repo.clone(),
            _ => "/".into(),
        });
        program
    }

    fn read(&self, host: &dyn Host, words: &[&str]) -> Result<Vec<String>, Failure> {
        let program = self.program(words);
        let output = host.query(&program)?;
        let said = output.stderr_text();
        let is_unset = output.status <= 1
            || output.status == 128 && said.contains("unable to read config file");
        match is_unset {
            true => Ok(output.stdout_text().lines().map(str::to_owned).collect()),
            false => {
                Err(Failure::new(said.trim()).with("rc", output.status).with("cmd", program.line()))
            }
        }
    }
}

impl Stepwise for GitConfig {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        if self.list_all {
            let all = self.read(host, &["-l"])?;
            let pairs = all.iter().filter_map(|line| line.split_once('='));
            let values: JsonMap =
                pairs.map(|(name, value)| (name.to_owned(), value.into())).collect();
            return Ok(Steps::default().with("msg", "").with("config_values", values));
        }
        let name = self.name.as_deref().unwrap_or_default();
        let value = self.value.as_deref().filter(|value| !value.is_empty());
        let now = self.read(host, &["--get-all", name])?;
        let (words, after) = match (self.state, value) {
            (Presence::Absent, _) if now.is_empty() => {
                return Ok(Steps::default().with("msg", "no setting to unset"));
            }
            (Presence::Absent, _) => (vec!["--unset-all", name], Vec::new()),
            (Presence::Present, None) => {
                let value = now.first().cloned().unwrap_or_default();
                return Ok(Steps::default().with("msg", "").with("config_value", value));
            }
            (Presence::Present, Some(value)) => {
                let adds = self.add_mode == "add";
                if now.iter().any(|one| one == value) && (adds || now.len() == 1) {
                    return Ok(Steps::default().with("msg", ""));
                }
                let kept = now.iter().filter(|_| adds).cloned();
                let after: Vec<String> = kept.chain([value.to_owned()]).collect();
                (vec![if adds { "--add" } else { "--replace-all" }, name, value], after)
            }
        };
        let program = self.program(&words);
        let side = |values: &[String]| {
            Side::Text(values.iter().map(|value| format!("{value}\n")).collect())
        };
        let header = program.line();
        let diff = Diff {
            before_header: header.clone(),
            after_header: header,
            before: side(&now),
            after: side(&after),
            prepared: None,
        };
        let steps = Steps { diff: Some(diff), ..Steps::new([program]) };
        Ok(steps.with("msg", "setting changed"))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// `git`, which keeps the values of one setting in a file for each scope.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/etc");
        host.program("git", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let (scope, rest) = match words.as_slice() {
                ["config", "--includes", "-f", file, rest @ ..] => ((*file).to_owned(), rest),
                ["config", "--includes", scope, rest @ ..] => (format!("/etc/{scope}"), rest),
                _ => return Output::failure(129, "usage"),
            };
            let text = files.text(&scope).unwrap_or_default();
            match rest {
                [_, name, ..] if !name.contains('.') => {
                    Output::failure(2, "error: key does not contain a section")
                }
                ["--get-all", ..] if text.is_empty() => Output::failure(1, ""),
                ["--get-all", ..] => Output::success(text),
                ["--unset-all", ..] => {
                    files.put(&scope, "");
                    Output::success("")
                }
                ["--add", _, value] => {
                    files.put(&scope, format!("{text}{value}\n"));
                    Output::success("")
                }
                ["--replace-all", _, value] => {
                    files.put(&scope, format!("{value}\n"));
                    Output::success("")
                }
                ["-l"] => Output::success("a.b=c=d\nuser.name=Me\n"),
                _ => Output::failure(129, "usage"),
            }
        });
        host
    }

    #[test]
    fn settings_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (json!({"value": "1", "scope": "global"}), true),
            (json!({"value": "1", "scope": "global"}), false),
            (json!({"value": "2", "scope": "global", "add_mode": "add"}), true),
            (json!({"value": "1", "scope": "global", "add_mode": "add"}), false),
            (json!({"value": "1", "scope": "global"}), true),
            (json!({"value": "1"}), true),
            (json!({"value": "1", "scope": "file", "file": "/own"}), true),
            (json!({"state": "absent", "scope": "global"}), true),
            (json!({"state": "absent", "scope": "global"}), false),
        ] {
            let check = Mode { check: true, diff: true };
            let foretold = run("git_config", &args, "name", "user.email", check, &mut host);
            let done = run("git_config", &args, "name", "user.email", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
            assert_eq!(foretold.diff.len(), usize::from(changed), "{args}");
        }
        let read = run(
            "git_config",
            &json!({"scope": "file", "file": "/own"}),
            "name",
            "user.email",
            Mode::default(),
            &mut host,
        );
        assert_eq!(read.returned["config_value"], "1");
        let all = run(
            "git_config",
            &json!({"list_all": true, "scope": "global"}),
            "",
            "",
            Mode::default(),
            &mut host,
        );
        assert_eq!(all.returned["config_values"], json!({"a.b": "c=d", "user.name": "Me"}));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for (args, words) in [
            (json!({"name": "bare", "value": "x"}), "key does not contain a section"),
            (json!({"name": "a.b", "scope": "local"}), "repo"),
            (json!({"name": "a.b", "scope": "file"}), "file"),
            (json!({"name": "a.b", "list_all": true}), "mutually exclusive"),
        ] {
            let msg = run("git_config", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
