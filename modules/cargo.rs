//! The `cargo` module of the collection `community.general`.

use std::{collections::BTreeMap, path::PathBuf};

use module::{Arguments, Choices, Documented, Example, Failure, Host, Program, Returned};
use protocol::{Json, spec::Support};

use crate::{
    stepwise::{Steps, Stepwise},
    tool,
};

/// Keeps programs that Cargo builds.
#[derive(Debug, Arguments)]
pub struct Cargo {
    /// The program; `cargo` where it is left out.
    executable: Option<String>,
    /// The packages.
    name: Vec<String>,
    /// The folder above the `bin` that programs go to.
    path: Option<PathBuf>,
    /// The version of all of them.
    version: Option<String>,
    /// Whether what they need is taken in the versions of their lock files.
    #[argument(default = false)]
    locked: bool,
    /// What should be.
    #[argument(default = "present")]
    state: State,
    /// A folder with the source, in place of a registry.
    directory: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Absent,
    Latest,
}

impl Documented for Cargo {
    const NAME: &'static str = "community.general.cargo";
    const ALIASES: &'static [&'static str] = &["cargo"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A program for all",
            args: r#"{"name": ["ripgrep"], "path": "/srv", "locked": true}"#,
        },
        Example { title: "None", args: r#"{"name": ["ludusavi"], "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[];
    const DIFF_MODE: Support = Support::None;
}

impl Cargo {
    fn program(&self, words: &[&str]) -> Program {
        Program::new(self.executable.as_deref().unwrap_or("cargo")).args(words.iter().copied())
    }

    fn rooted(&self, program: Program) -> Program {
        match &self.path {
            Some(path) => program.arg("--root").arg(path.display().to_string()),
            None => program,
        }
    }

    /// The packages that are there, with their versions.
    fn installed(&self, host: &dyn Host) -> Result<BTreeMap<String, String>, Failure> {
        let text = tool::ask(host, &self.rooted(self.program(&["install", "--list"])))?;
        let found = text.lines().filter_map(|line| {
            // Lines of programs begin with spaces.
            let (name, rest) = line.strip_suffix(':')?.split_once(" v")?;
            let version = rest.split_whitespace().next()?;
            Some((name.to_owned(), version.to_owned()))
        });
        Ok(found.collect())
    }

    /// The version that would be installed.
    fn newest(&self, host: &dyn Host, name: &str) -> Result<String, Failure> {
        let Some(directory) = &self.directory else {
            let text = tool::ask(host, &self.program(&["search", name, "--limit", "1"]))?;
            let version = text.split('"').nth(1).filter(|version| !version.is_empty());
            return version.map(str::to_owned).ok_or_else(|| {
                Failure::new(format!("No published version for package {name} found"))
            });
        };
        let manifest = directory.join("Cargo.toml").display().to_string();
        let words =
            ["metadata", "--format-version", "1", "--no-deps", "--manifest-path", &manifest];
        let text = tool::ask(host, &self.program(&words))?;
        let told: Json = serde_json::from_str(&text)
            .map_err(|why| Failure::new(format!("cargo metadata cannot be read: {why}")))?;
        let packages = told.get("packages").and_then(Json::as_array).cloned().unwrap_or_default();
        let name_of =
            |package: &Json| package.get("name").and_then(Json::as_str).map(str::to_owned);
        let own = packages.iter().find(|package| name_of(package).as_deref() == Some(name));
        own.and_then(|package| package.get("version")?.as_str()).map(str::to_owned).ok_or_else(
            || {
                let names: Vec<String> = packages.iter().filter_map(name_of).collect();
                Failure::new(format!("Package {name} not defined in source, found: {names:?}"))
            },
        )
    }
}

impl Stepwise for Cargo {
    fn steps(&self, host: &dyn Host) -> Result<Steps, Failure> {
        if self.name.is_empty() {
            return Err(Failure::new("Package name must be specified"));
        }
        let is_folder = |path: &PathBuf| -> Result<bool, Failure> {
            Ok(host.metadata(path)?.is_some_and(|found| found.is_dir()))
        };
        if let Some(path) = &self.path
            && !is_folder(path)?
        {
            return Err(Failure::new(format!("Path {} is not a directory", path.display())));
        }
        if let Some(directory) = &self.directory
            && !is_folder(directory)?
        {
            return Err(Failure::new("Source directory does not exist"));
        }
        let installed = self.installed(host)?;
        let mut names: Vec<&str> = Vec::new();
        for name in &self.name {
            let now = installed.get(name);
            let is_meant = match self.state {
                State::Absent => now.is_some(),
                State::Present => match (now, &self.version) {
                    (None, _) => true,
                    (Some(now), Some(version)) => now != version,
                    (Some(_), None) => false,
                },
                State::Latest => match now {
                    None => true,
                    Some(now) => *now != self.newest(host, name)?,
                },
            };
            if is_meant {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Ok(Steps::default());
        }
        if self.state == State::Absent {
            return Ok(Steps::new([self.rooted(self.program(&["uninstall"])).args(names)]));
        }
        let mut program = self.program(&["install"]).args(names);
        if self.locked {
            program = program.arg("--locked");
        }
        program = self.rooted(program);
        if let Some(version) = &self.version {
            program = program.args(["--version", version]);
        }
        if let Some(directory) = &self.directory {
            program = program.arg("--path").arg(directory.display().to_string());
        }
        Ok(Steps::new([program]))
    }

    /// The programs of a package may have gone by another way; what counts is the list.
    fn settled(&self, host: &dyn Host) -> Result<(), Failure> {
        let installed = self.installed(host)?;
        let is_wrong =
            |name: &&String| installed.contains_key(*name) == (self.state == State::Absent);
        match self.name.iter().find(is_wrong) {
            None => Ok(()),
            Some(name) => Err(Failure::new(format!(
                "cargo succeeded, but {name} is {}",
                if self.state == State::Absent { "still there" } else { "not there" }
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// Cargo, which keeps what is installed in a file; its registry has version 2.0.0 of all.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/opt");
        host.put_dirs("/src");
        host.program("cargo", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let place = match words.windows(2).find(|pair| pair[0] == "--root") {
                Some(pair) => format!("{}/list", pair[1]),
                None => "/list".to_owned(),
            };
            let now = files.text(&place).unwrap_or_default();
            let without = |name: &str| -> String {
                let kept = now.lines().filter(|line| !line.starts_with(&format!("{name} v")));
                kept.map(|line| format!("{line}\n")).collect()
            };
            match words.as_slice() {
                ["install", "--list", ..] => {
                    let shown = now.lines().map(|line| format!("{line}:\n    program\n"));
                    return Output::success(shown.collect::<String>());
                }
                ["search", "gone", ..] => return Output::success(""),
                ["search", name, ..] => {
                    return Output::success(format!("{name} = \"2.0.0\"    # own\n"));
                }
                ["metadata", ..] => {
                    return Output::success(
                        json!({"packages": [{"name": "own", "version": "3.0.0"}]}).to_string(),
                    );
                }
                ["install", name, rest @ ..] => {
                    let given = rest.windows(2).find(|pair| pair[0] == "--version");
                    let version = match given {
                        Some(pair) => pair[1],
                        None if rest.contains(&"--path") => "3.0.0",
                        None => "2.0.0",
                    };
                    files.put(&place, format!("{}{name} v{version}\n", without(name)));
                }
                ["uninstall", .., name] => files.put(&place, without(name)),
                _ => return Output::failure(101, "error: no such command"),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn programs_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (json!({"name": ["own"], "version": "1.0.0"}), true),
            (json!({"name": ["own"], "version": "1.0.0"}), false),
            (json!({"name": ["own"]}), false),
            (json!({"name": ["own"], "state": "latest"}), true),
            (json!({"name": ["own"], "state": "latest"}), false),
            (json!({"name": ["own"], "state": "latest", "directory": "/src"}), true),
            (json!({"name": ["own"], "state": "latest", "directory": "/src"}), false),
            (json!({"name": ["own"], "path": "/opt", "locked": true}), true),
            (json!({"name": ["own"], "path": "/opt"}), false),
            (json!({"name": ["own", "other"], "state": "absent"}), true),
            (json!({"name": ["own", "other"], "state": "absent"}), false),
            (json!({"name": ["own"], "path": "/opt", "state": "absent"}), true),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("cargo", &args, "", "", check, &mut host);
            let done = run("cargo", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_built_is_refused() {
        let mut host = host();
        let own = json!({"name": ["gone"]});
        assert!(!run("cargo", &own, "", "", Mode::default(), &mut host).failed);
        for (args, words) in [
            (json!({"name": []}), "Package name must be specified"),
            (json!({"name": ["a"], "path": "/none"}), "Path /none is not a directory"),
            (json!({"name": ["a"], "directory": "/none"}), "Source directory does not exist"),
            (json!({"name": ["gone"], "state": "latest"}), "No published version for package gone"),
            (
                json!({"name": ["gone"], "state": "latest", "directory": "/src"}),
                "not defined in source",
            ),
            (json!({"name": ["a"], "executable": "/none"}), "no program /none"),
            (json!({"name": ["a"], "state": "there"}), "value of state must be one of"),
        ] {
            let msg = run("cargo", &args, "", "", Mode::default(), &mut host).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
