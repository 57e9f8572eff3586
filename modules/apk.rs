//! The `apk` module of the collection `community.general`.

use std::path::Path;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Output, Program, Returned,
};
use protocol::Response;

use crate::tool;

/// Installs, updates and removes packages of Alpine Linux.
#[derive(Debug, Arguments)]
#[arguments(
    required_one_of(["name", "update_cache", "upgrade"]),
    mutually_exclusive(["name", "upgrade"])
)]
pub struct Apk {
    /// Packages: `name`, `name=1.2`, `name@repository`.
    name: Option<Vec<String>>,
    /// What should be.
    #[argument(default = "present")]
    state: State,
    /// Whether all packages become what the repositories have, be it older, with `upgrade`.
    #[argument(default = false)]
    available: bool,
    /// Whether indexes are fetched without being kept.
    #[argument(default = false)]
    no_cache: bool,
    /// Repositories that are used instead of the host's own.
    repository: Option<Vec<String>>,
    /// Whether indexes are fetched anew first.
    #[argument(default = false)]
    update_cache: bool,
    /// Whether all packages are upgraded.
    #[argument(default = false)]
    upgrade: bool,
    /// The file of packages that are wanted for themselves.
    #[argument(default = "/etc/apk/world")]
    world: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Absent,
    Latest,
    Installed,
    Removed,
}

impl Documented for Apk {
    const NAME: &'static str = "community.general.apk";
    const ALIASES: &'static [&'static str] = &["apk"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A package", args: r#"{"name": "foo", "update_cache": true}"# },
        Example { title: "None", args: r#"{"name": "foo,bar", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("packages", "What changed.", "when run", r#"["foo"]"#)];
}

/// What is to be done.
struct Work {
    program: Program,
    done: String,
    failed: String,
}

impl Apk {
    fn apk(&self) -> Program {
        let mut program = Program::new("apk");
        if self.no_cache {
            program = program.arg("--no-cache");
        }
        for repository in self.repository.iter().flatten() {
            program =
                program.args(["--repository", repository, "--repositories-file", "/dev/null"]);
        }
        program
    }

    fn names(&self) -> Result<Vec<&str>, Failure> {
        let names = self.name.iter().flatten().flat_map(|name| name.split(','));
        let names: Vec<&str> = names.map(str::trim).collect();
        if names.iter().any(|name| name.is_empty() || name.starts_with('-')) {
            return Err(Failure::new("Package name(s) cannot be empty or whitespace-only"));
        }
        Ok(names)
    }

    /// Whether a package is wanted for itself: a version that is named must be the same.
    fn is_wanted(&self, host: &dyn Host, name: &str) -> Result<bool, Failure> {
        let world = host.read(Path::new(&self.world))?.unwrap_or_default();
        let world = String::from_utf8_lossy(&world).into_owned();
        Ok(world
            .split_whitespace()
            .any(|one| one == name || one.split(['@', '=', '<', '>', '~']).next() == Some(name)))
    }

    fn is_installed(&self, host: &dyn Host, name: &str) -> Result<bool, Failure> {
        let program = self.apk().args(["info", "--installed", name]);
        Ok(tool::ask_whether(host, &program)?.is_some())
    }

    fn is_latest(&self, host: &dyn Host, name: &str) -> Result<bool, Failure> {
        let text = tool::ask(host, &self.apk().args(["version", name]))?;
        Ok(!text.lines().any(|line| {
            let mut words = line.split_whitespace();
            let found = words.next().and_then(|full| full.strip_prefix(name));
            found.is_some_and(|rest| rest.starts_with('-')) && words.next() == Some("<")
        }))
    }

    /// Packages behind a name that `apk add --virtual` made, if it is one.
    fn behind(&self, host: &dyn Host, name: &str) -> Result<Option<Vec<String>>, Failure> {
        let described = self.apk().args(["-v", "info", "--description", name]);
        let text = tool::ask_whether(host, &described)?.unwrap_or_default();
        if !text.starts_with(&format!("{name}: virtual meta package")) {
            return Ok(None);
        }
        let depends = self.apk().args(["-v", "info", "--depends", name]);
        let text = tool::ask_whether(host, &depends)?.unwrap_or_default();
        Ok(Some(text.split_whitespace().skip(1).map(str::to_owned).collect()))
    }

    /// What is to be done; the message where it is nothing.
    fn work(&self, host: &dyn Host) -> Result<Result<Work, &'static str>, Failure> {
        if self.upgrade {
            let mut program = self.apk().arg("upgrade");
            if self.available {
                program = program.arg("--available");
            }
            let (done, failed) = ("upgraded packages".into(), "failed to upgrade packages".into());
            return Ok(Ok(Work { program, done, failed }));
        }
        let names = self.names()?;
        if names.is_empty() {
            return Ok(Err("updated repository indexes"));
        }
        if matches!(self.state, State::Absent | State::Removed) {
            let mut there = Vec::new();
            for name in names {
                if self.is_installed(host, name)? {
                    there.push(name);
                }
            }
            if there.is_empty() {
                return Ok(Err("package(s) already removed"));
            }
            let joined = there.join(" ");
            return Ok(Ok(Work {
                program: self.apk().args(["del", "--purge"]).args(there),
                done: format!("removed {joined} package(s)"),
                failed: format!("failed to remove {joined} package(s)"),
            }));
        }
        let is_latest_wanted = self.state == State::Latest;
        let (mut missing, mut old) = (Vec::new(), Vec::new());
        for name in names {
            if let Some(behind) = self.behind(host, name)? {
                for one in behind {
                    if is_latest_wanted && !self.is_latest(host, &one)? {
                        old.push(one);
                    }
                }
            } else if !self.is_wanted(host, name)? {
                missing.push(name.to_owned());
            } else if is_latest_wanted && !self.is_latest(host, name)? {
                old.push(name.to_owned());
            }
        }
        if missing.is_empty() && old.is_empty() {
            return Ok(Err("package(s) already installed"));
        }
        let mut program = self.apk().arg("add");
        if !old.is_empty() {
            program = program.arg("--upgrade");
        }
        missing.append(&mut old);
        let joined = missing.join(" ");
        Ok(Ok(Work {
            program: program.args(missing),
            done: format!("installed {joined} package(s)"),
            failed: format!("failed to install {joined}"),
        }))
    }

    fn answer(&self, work: &Work, output: &Output) -> Result<Response, Failure> {
        let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
        let touched = packages(&stdout);
        if !output.is_success() {
            return Err(Failure::new(&work.failed)
                .with("stdout", stdout)
                .with("stderr", stderr)
                .with("packages", touched));
        }
        let changed = !self.upgrade || !stdout.starts_with("OK");
        let msg = if changed { work.done.clone() } else { "packages already upgraded".into() };
        let mut response = Response { changed, msg: Some(msg), ..Response::default() };
        response.returned.insert("packages".into(), touched.into());
        response.returned.insert("stdout".into(), stdout.into());
        response.returned.insert("stderr".into(), stderr.into());
        Ok(response)
    }
}

/// The packages in lines such as `(1/2) Installing foo (1.0-r0)`.
fn packages(stdout: &str) -> Vec<String> {
    let package = |line: &str| {
        let rest = line.strip_prefix('(')?.split_once(") ")?.1;
        let mut words = rest.split_whitespace().skip(1);
        words.next().map(str::to_owned)
    };
    stdout.lines().filter_map(package).collect()
}

impl Action for Apk {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        match self.work(host)? {
            Err(msg) => Ok(Response { msg: Some(msg.into()), ..Response::default() }),
            Ok(work) => {
                let output = host.query(&work.program.clone().arg("--simulate"))?;
                self.answer(&work, &output)
            }
        }
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut updated = false;
        if self.update_cache {
            tool::run(host, &self.apk().arg("update")).map_err(|failure| Failure {
                msg: "could not update package db".into(),
                ..failure
            })?;
            updated = self.name.is_none() && !self.upgrade;
        }
        match self.work(host)? {
            Err(msg) => {
                Ok(Response { changed: updated, msg: Some(msg.into()), ..Response::default() })
            }
            Ok(work) => {
                let output = host.execute(&work.program)?;
                self.answer(&work, &output)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// What Alpine's own program wrote, in a host with `foo` of an old version.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/apk/world", "foo\nbar@edge\n");
        host.program("apk", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let world = files.text("/etc/apk/world").unwrap();
            let is_trial = words.last() == Some(&"--simulate");
            match words.as_slice() {
                ["info", "--installed", name] => match world.contains(name) {
                    true => Output::success(format!("{name}\n")),
                    false => Output::failure(1, ""),
                },
                ["-v", "info", ..] => Output::failure(1, ""),
                ["version", "foo"] => {
                    Output::success("Installed:   Available:\nfoo-1.0-r0   < 1.1-r0 \n")
                }
                ["version", ..] => Output::success("Installed:   Available:\n"),
                ["add", "nosuch", ..] | ["add", "--upgrade", "nosuch", ..] => {
                    Output::failure(1, "ERROR: unable to select packages")
                }
                ["add", rest @ ..] => {
                    let name = rest.iter().find(|word| !word.starts_with('-')).unwrap();
                    if !is_trial {
                        files.put("/etc/apk/world", format!("{world}{name}\n"));
                    }
                    Output::success(format!("(1/1) Installing {name} (1.1-r0)\nOK: 9 MiB\n"))
                }
                ["del", "--purge", name, ..] => {
                    if !is_trial {
                        files.put("/etc/apk/world", world.replace(name, ""));
                    }
                    Output::success(format!("(1/1) Purging {name} (1.0-r0)\nOK: 9 MiB\n"))
                }
                ["upgrade", ..] => Output::success("OK: 9 MiB in 14 packages\n"),
                ["update"] => Output::success("OK: 1 distinct packages available\n"),
                _ => Output::failure(2, "bad words"),
            }
        });
        host
    }

    #[test]
    fn packages_are_what_the_task_says() {
        for (args, changed, msg) in [
            (json!({"name": "foo"}), false, "package(s) already installed"),
            (json!({"name": "bar"}), false, "package(s) already installed"),
            (json!({"name": "foo", "state": "latest"}), true, "installed foo package(s)"),
            (json!({"name": "new"}), true, "installed new package(s)"),
            (json!({"name": "foo", "state": "absent"}), true, "removed foo package(s)"),
            (json!({"name": "new", "state": "absent"}), false, "package(s) already removed"),
            (json!({"upgrade": true}), false, "packages already upgraded"),
        ] {
            let mut host = host();
            for check in [true, false] {
                let mode = Mode { check, diff: false };
                let response = run("apk", &args, "", "", mode, &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, changed),
                    "{args}: {response:?}"
                );
                assert_eq!(response.msg.as_deref(), Some(msg), "{args}");
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"name": "nosuch"}), "failed to install nosuch"),
            (json!({"name": " "}), "Package name(s) cannot be empty"),
            (json!({"name": "a", "upgrade": true}), "mutually exclusive: name|upgrade"),
        ] {
            let response = run("apk", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
