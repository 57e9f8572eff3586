//! The `npm` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program,
    host::succeeded,
};
use protocol::{Json, Response, spec::Support};

use crate::{text_file::make_folders, tool};

/// Keeps packages of Node.js, in a folder or for all.
#[derive(Debug, Arguments)]
#[arguments(required_if(("state", "absent", ["name"])))]
pub struct Npm {
    /// The package; those of the folder's `package.json` where it is left out.
    name: Option<String>,
    /// The folder.
    path: Option<PathBuf>,
    /// Version of the package.
    version: Option<String>,
    /// Whether it is for all.
    #[argument(default = false)]
    global: bool,
    /// The program.
    executable: Option<PathBuf>,
    /// Whether the folder's lock file is followed, in any case.
    #[argument(default = false)]
    ci: bool,
    /// Whether scripts of packages are not run.
    #[argument(default = false)]
    ignore_scripts: bool,
    /// Whether they are run as root.
    #[argument(default = false)]
    unsafe_perm: bool,
    /// Whether what only development needs is left out.
    #[argument(default = false)]
    production: bool,
    /// Where packages come from.
    registry: Option<String>,
    /// Whether it should be there, and the newest.
    #[argument(default = "present")]
    state: State,
    /// Whether what is optional is left out.
    #[argument(default = false)]
    no_optional: bool,
    /// Whether links to programs are left out.
    #[argument(default = false)]
    no_bin_links: bool,
    /// Whether caution is thrown to the winds.
    #[argument(default = false)]
    force: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Absent,
    Latest,
}

impl Documented for Npm {
    const NAME: &'static str = "community.general.npm";
    const ALIASES: &'static [&'static str] = &["npm"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "What a folder needs", args: r#"{"path": "/srv/app"}"# },
        Example { title: "A program for all", args: r#"{"name": "pm2", "global": true}"# },
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Ci,
    Install,
    Update,
    Uninstall,
}

impl Npm {
    /// The package with its version.
    fn full(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        Some(match &self.version {
            Some(version) if self.state != State::Absent => format!("{name}@{version}"),
            _ => name.clone(),
        })
    }

    fn program(&self, words: &[&str], names_package: bool) -> Result<Program, Failure> {
        let mut program = tool::executable(self.executable.as_deref(), "npm")?.args(words.to_vec());
        let installs = words.iter().any(|word| ["install", "update", "ci"].contains(word));
        for (is_set, flag) in [
            (self.global, "--global"),
            (self.production && installs, "--production"),
            (self.ignore_scripts, "--ignore-scripts"),
            (self.unsafe_perm, "--unsafe-perm"),
        ] {
            program = if is_set { program.arg(flag) } else { program };
        }
        if let Some(full) = self.full().filter(|_| names_package) {
            program = program.arg(full);
        }
        if let Some(registry) = &self.registry {
            program = program.args(["--registry", registry]);
        }
        for (is_set, flag) in [
            (self.no_optional, "--no-optional"),
            (self.no_bin_links, "--no-bin-links"),
            (self.force, "--force"),
        ] {
            program = if is_set { program.arg(flag) } else { program };
        }
        program.folder.clone_from(&self.path);
        Ok(program)
    }

    /// What is there, and whether anything is missing.
    fn read(&self, host: &dyn Host) -> Result<(Vec<String>, bool), Failure> {
        let is_there = match &self.path {
            Some(path) => match host.metadata(path)? {
                Some(found) if !found.is_dir() => {
                    return Err(Failure::new(format!(
                        "path {} is not a directory",
                        path.display()
                    )));
                }
                found => found.is_some(),
            },
            None => true,
        };
        if !is_there {
            return Ok((Vec::new(), true));
        }
        let output = host.query(&self.program(&["list", "--json", "--long"], false)?)?;
        let text = output.stdout_text();
        let text = if text.trim().is_empty() { "{}" } else { text.trim() };
        let told: Json = serde_json::from_str(text)
            .map_err(|why| Failure::new(format!("Failed to parse NPM output with error {why}")))?;
        let (mut installed, mut is_missing) = (Vec::new(), false);
        let Some(all) = told.get("dependencies").and_then(Json::as_object) else {
            return Ok((installed, true));
        };
        for (name, one) in all {
            let is = |key: &str| {
                one.get(key).is_some_and(|value| match value {
                    Json::Bool(flag) => *flag,
                    Json::String(text) => !text.is_empty() && text != "false",
                    _ => false,
                })
            };
            if is("missing") || is("invalid") {
                is_missing = true;
                continue;
            }
            installed.push(name.clone());
            if let Some(version) = one.get("version").and_then(Json::as_str) {
                installed.push(format!("{name}@{version}"));
            }
        }
        is_missing |= self.full().is_some_and(|full| !installed.contains(&full));
        Ok((installed, is_missing))
    }

    fn steps(&self, host: &dyn Host) -> Result<Vec<Step>, Failure> {
        if self.path.is_none() && !self.global {
            return Err(Failure::new("path must be specified when not using global"));
        }
        if self.ci {
            return Ok(vec![Step::Ci]);
        }
        let (installed, is_missing) = self.read(host)?;
        let mut steps = Vec::new();
        match self.state {
            State::Absent => {
                if self.name.as_ref().is_some_and(|name| installed.contains(name)) {
                    steps.push(Step::Uninstall);
                }
            }
            State::Present if is_missing => steps.push(Step::Install),
            State::Present => {}
            State::Latest => {
                if is_missing {
                    steps.push(Step::Install);
                } else {
                    // Its status says whether anything is old.
                    let output = host.query(&self.program(&["outdated"], true)?)?;
                    if !output.stdout_text().trim().is_empty() {
                        steps.push(Step::Update);
                    }
                }
            }
        }
        Ok(steps)
    }
}

impl Action for Npm {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        match self.steps(host)?.is_empty() {
            true => Ok(Guard::Stay(Box::default())),
            false => Ok(Guard::Go),
        }
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response { changed: true, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        if let Some(path) = &self.path {
            make_folders(host, &path.join("package.json"))?;
        }
        for step in self.steps(host)? {
            let program = match step {
                Step::Ci => self.program(&["ci"], false)?,
                Step::Install => self.program(&["install"], true)?,
                Step::Update => self.program(&["update"], true)?,
                Step::Uninstall => self.program(&["uninstall"], true)?,
            };
            let output = host.execute(&program)?;
            succeeded(&program, output)?;
        }
        Ok(Response { changed: true, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    /// `npm`, which keeps names and versions in a file of its folder.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/app");
        host.program("npm", |files, program| {
            let place = match &program.folder {
                Some(folder) => format!("{}/modules", folder.display()),
                None => "/usr/lib/modules".into(),
            };
            let text = files.text(&place).unwrap_or_default();
            let package = program.args.iter().skip(1).find(|word| !word.starts_with('-'));
            match program.args.first().map(String::as_str) {
                Some("list") => {
                    let all: protocol::JsonMap = text
                        .lines()
                        .filter_map(|line| line.split_once('@'))
                        .map(|(name, version)| (name.to_owned(), json!({"version": version})))
                        .collect();
                    let told =
                        if all.is_empty() { json!({}) } else { json!({"dependencies": all}) };
                    Output::success(told.to_string())
                }
                Some("outdated") if text.contains("@1") => Output::success("x 1 2 2\n"),
                Some("outdated") => Output::success(""),
                Some("update") => {
                    files.put(&place, text.replace("@1", "@2"));
                    Output::success("")
                }
                Some("install" | "ci") => {
                    let full = package.cloned().unwrap_or_else(|| "own@1".into());
                    let full = if full.contains('@') { full } else { format!("{full}@1") };
                    let name = full.split('@').next().unwrap_or_default();
                    let rest: String = text
                        .lines()
                        .filter(|line| !line.starts_with(&format!("{name}@")))
                        .map(|line| format!("{line}\n"))
                        .collect();
                    files.put(&place, format!("{rest}{full}\n"));
                    Output::success("")
                }
                Some("uninstall") => {
                    files.put(&place, "");
                    Output::success("")
                }
                other => Output::failure(1, format!("{other:?}")),
            }
        });
        host
    }

    #[test]
    fn packages_are_kept() {
        let mut host = host();
        for (args, changed) in [
            (json!({"path": "/app"}), true),
            (json!({"path": "/app"}), false),
            (json!({"path": "/app", "name": "x"}), true),
            (json!({"path": "/app", "name": "x", "version": "1"}), false),
            (json!({"path": "/app", "name": "x", "version": "3"}), true),
            (json!({"path": "/app", "name": "x", "state": "latest"}), true),
            (json!({"path": "/app", "name": "x", "state": "latest"}), false),
            (json!({"path": "/app", "ci": true}), true),
            (json!({"path": "/app", "name": "x", "state": "absent"}), true),
            (json!({"path": "/app", "name": "x", "state": "absent"}), false),
            (json!({"name": "pm2", "global": true}), true),
            (json!({"name": "pm2", "global": true}), false),
            (json!({"path": "/new/app", "name": "x"}), true),
        ] {
            let check = run("npm", &args, "", "", Mode { check: true, diff: false }, &mut host);
            let response = run("npm", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (response.failed, check.changed, response.changed),
                (false, changed, changed),
                "{args}: {response:?}"
            );
        }
    }

    #[test]
    fn what_has_no_place_is_refused() {
        for (args, words) in [
            (json!({"name": "x"}), "path must be specified when not using global"),
            (json!({"path": "/app", "state": "absent"}), "name"),
            (json!({"path": "/file"}), "is not a directory"),
            (json!({"path": "/app", "executable": "/none/npm"}), "no program /none/npm"),
        ] {
            let mut host = host();
            host.put("/file", "");
            let response = run("npm", &args, "", "", Mode::default(), &mut host);
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
