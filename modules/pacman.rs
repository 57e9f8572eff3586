//! The `pacman` module of the collection `community.general`.

mod database;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Output, Program, Returned,
    path::split_words,
};
use protocol::{Diff, Json, Response, diff::Side};

use database::Database;

/// Installs, updates and removes packages of Arch Linux.
#[derive(Debug, Arguments)]
#[arguments(
    required_one_of(["name", "update_cache", "upgrade"]),
    mutually_exclusive(["name", "upgrade"])
)]
pub struct Pacman {
    /// Packages, groups, files and addresses of packages.
    #[argument(aliases("package", "pkg"))]
    name: Option<Vec<String>>,
    /// What should be.
    #[argument(default = "present")]
    state: State,
    /// The program; another one must take pacman's own words.
    #[argument(default = "pacman")]
    executable: String,
    /// Arguments for it.
    #[argument(default = "")]
    extra_args: String,
    /// Whether dependencies are disregarded where packages are removed, and indexes are fetched
    /// even where they are new.
    #[argument(default = false)]
    force: bool,
    /// Whether configuration goes with removed packages.
    #[argument(default = false)]
    remove_nosave: bool,
    /// What is noted as why packages are there.
    reason: Option<Reason>,
    /// Of which packages: of new ones or of all that are named.
    #[argument(default = "new")]
    reason_for: ReasonFor,
    /// Whether indexes are fetched anew first.
    update_cache: Option<bool>,
    /// Arguments for that.
    #[argument(default = "")]
    update_cache_extra_args: String,
    /// Whether all packages are upgraded.
    upgrade: Option<bool>,
    /// Arguments for that.
    #[argument(default = "")]
    upgrade_extra_args: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Installed,
    Latest,
    Present,
    Removed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Reason {
    Dependency,
    Explicit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum ReasonFor {
    All,
    New,
}

impl Documented for Pacman {
    const NAME: &'static str = "community.general.pacman";
    const ALIASES: &'static [&'static str] = &["pacman"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A package", args: r#"{"name": "foo"}"# },
        Example {
            title: "All, as they are today",
            args: r#"{"update_cache": true, "upgrade": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("packages", "What changed.", "with packages", r#"["foo"]"#),
        Returned::new("cache_updated", "Whether indexes changed.", "with update_cache", "true"),
    ];
}

/// What is to be done: runs of the program, and what is said of them.
#[derive(Default)]
struct Plan {
    runs: Vec<Program>,
    packages: Vec<String>,
    before: Vec<String>,
    after: Vec<String>,
    /// What is said where it is done, and where it would be.
    done: String,
    would: String,
    failed: &'static str,
}

impl Pacman {
    fn program(&self, words: &[&str]) -> Program {
        Program::new(&self.executable).args(words.iter().copied())
    }

    fn with_extra(&self, words: &[&str], extra: &str) -> Result<Program, Failure> {
        Ok(self.program(words).args(split_words(extra).map_err(Failure::new)?))
    }

    fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent | State::Removed)
    }

    fn plan(&self, host: &dyn Host) -> Result<Plan, Failure> {
        let database = Database::read(&|words| self.program(words), host)?;
        if self.upgrade == Some(true) {
            return self.plan_upgrade(&database);
        }
        let names: Vec<&String> =
            self.name.iter().flatten().filter(|name| !name.is_empty()).collect();
        if let Some(odd) = names.iter().find(|name| name.starts_with('-')) {
            return Err(Failure::new(format!("{odd:?} is no name of a package")));
        }
        let mut wanted: Vec<(String, Option<String>)> = Vec::new();
        for name in &names {
            if let Some(members) = database.groups.get(*name) {
                wanted.extend(members.iter().map(|member| (member.clone(), None)));
            } else if database.available.contains(*name) || database.installed.contains_key(*name) {
                wanted.push(((*name).clone(), None));
            } else {
                wanted.extend(self.resolve(host, name)?);
            }
        }
        if names.is_empty() {
            return Ok(Plan { done: "Nothing to do".into(), ..Plan::default() });
        }
        if self.is_absent() {
            self.plan_removal(host, &database, &wanted)
        } else {
            self.plan_install(host, &database, &wanted)
        }
    }

    fn plan_upgrade(&self, database: &Database) -> Result<Plan, Failure> {
        if database.upgradable.is_empty() {
            return Ok(Plan { done: "Nothing to upgrade".into(), ..Plan::default() });
        }
        let line = |name: &String, version: &String| format!("{name}-{version}");
        let words = ["--sync", "--sysupgrade", "--quiet", "--noconfirm"];
        Ok(Plan {
            runs: vec![self.with_extra(&words, &self.upgrade_extra_args)?],
            packages: database.upgradable.keys().cloned().collect(),
            before: database.upgradable.iter().map(|(name, (old, _))| line(name, old)).collect(),
            after: database.upgradable.iter().map(|(name, (_, new))| line(name, new)).collect(),
            done: "System upgraded".into(),
            would: format!("{} packages would have been upgraded", database.upgradable.len()),
            failed: "Could not upgrade",
        })
    }

    /// A name that no index has: `repository/name`, a file or an address. Its package's name, and
    /// where it is where it is no package of a repository.
    fn resolve(
        &self,
        host: &dyn Host,
        name: &str,
    ) -> Result<Option<(String, Option<String>)>, Failure> {
        let output = host.query(&self.program(&["--sync", "--print-format", "%n", "--", name]))?;
        if output.is_success() {
            return Ok(Some((output.stdout_text().trim().to_owned(), None)));
        }
        let output =
            host.query(&self.program(&["--upgrade", "--print-format", "%n", "--", name]))?;
        if output.is_success() {
            let text = output.stdout_text();
            let found = text.lines().next_back().unwrap_or_default().trim().to_owned();
            return Ok(Some((found, Some(name.to_owned()))));
        }
        if self.is_absent() {
            return Ok(None);
        }
        Err(told(Failure::new(format!("Failed to list package {name}")), &output))
    }

    fn plan_removal(
        &self,
        host: &dyn Host,
        database: &Database,
        wanted: &[(String, Option<String>)],
    ) -> Result<Plan, Failure> {
        let there: Vec<&str> = wanted
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| database.installed.contains_key(*name))
            .collect();
        if there.is_empty() {
            return Ok(Plan { done: "package(s) already absent".into(), ..Plan::default() });
        }
        let mut base =
            self.with_extra(&["--remove", "--noconfirm", "--noprogressbar"], &self.extra_args)?;
        if self.force {
            base = base.args(["--nodeps", "--nodeps"]);
        }
        let asked =
            base.clone().args(["--print-format", "%n-%v", "--"]).args(there.iter().copied());
        let output = host.query(&asked)?;
        if !output.is_success() {
            return Err(told(Failure::new("failed to list package(s) to remove"), &output));
        }
        let removed: Vec<String> =
            output.stdout_text().split_whitespace().map(str::to_owned).collect();
        if self.remove_nosave {
            base = base.arg("--nosave");
        }
        Ok(Plan {
            runs: vec![base.arg("--").args(there)],
            before: removed.clone(),
            done: format!("Removed {} package(s)", removed.len()),
            would: format!("Would have removed {} packages", removed.len()),
            packages: removed,
            failed: "failed to remove package(s)",
            ..Plan::default()
        })
    }

    fn plan_install(
        &self,
        host: &dyn Host,
        database: &Database,
        wanted: &[(String, Option<String>)],
    ) -> Result<Plan, Failure> {
        let mut plan = Plan { failed: "Failed to install package(s)", ..Plan::default() };
        let base = ["--noconfirm", "--noprogressbar", "--needed"];
        let is_missing = |name: &String| {
            !database.installed.contains_key(name)
                || self.state == State::Latest && database.upgradable.contains_key(name)
        };
        let of_index = wanted.iter().filter(|(name, source)| source.is_none() && is_missing(name));
        let of_index: Vec<&String> = of_index.map(|(name, _)| name).collect();
        let of_files: Vec<&String> =
            wanted.iter().filter_map(|(_, source)| source.as_ref()).collect();
        let mut reasoned: Vec<String> = Vec::new();
        if let Some(reason) = self.reason {
            let differs = |name: &&String| match database.reasons.get(*name) {
                None => true,
                Some(known) => self.reason_for == ReasonFor::All && *known != reason,
            };
            reasoned = wanted.iter().map(|(name, _)| name).filter(differs).cloned().collect();
        }
        for (verb, names) in [("--sync", of_index), ("--upgrade", of_files)] {
            if names.is_empty() {
                continue;
            }
            let program = self.with_extra(&base, &self.extra_args)?.arg(verb);
            // Files have it speak of its progress as well, in lines without the mark.
            let asked = program.clone().args(["--print-format", "%n\t%v", "--"]);
            let output = host.query(&asked.args(names.iter().map(|name| name.as_str())))?;
            if !output.is_success() {
                return Err(told(Failure::new("Failed to list package(s) to install"), &output));
            }
            let text = output.stdout_text();
            for line in text.lines() {
                let Some((name, version)) = line.trim().split_once('\t') else { continue };
                let why =
                    |name: &str| database.reasons.get(name).map(|reason| format!("-{reason}"));
                if let Some(old) = database.installed.get(name) {
                    plan.before.push(format!("{name}-{old}{}", why(name).unwrap_or_default()));
                }
                let new = match self.reason {
                    Some(reason) if reasoned.iter().any(|one| one == name) => {
                        Some(format!("-{reason}"))
                    }
                    _ => why(name),
                };
                plan.after.push(format!("{name}-{version}{}", new.unwrap_or_default()));
                plan.packages.push(name.to_owned());
            }
            plan.runs.push(program.arg("--").args(names.into_iter().cloned()));
        }
        if plan.packages.is_empty() {
            plan.runs.clear();
        }
        if let Some(reason) = self.reason.filter(|_| !reasoned.is_empty()) {
            let word = if reason == Reason::Dependency { "--asdeps" } else { "--asexplicit" };
            let program = self.program(&["--noconfirm", "--database", word, "--"]);
            plan.runs.push(program.args(reasoned.iter().cloned()));
            for name in reasoned {
                if !plan.packages.contains(&name) {
                    plan.packages.push(name);
                }
            }
        }
        for list in [&mut plan.packages, &mut plan.before, &mut plan.after] {
            list.sort();
        }
        if plan.runs.is_empty() {
            plan.done = "package(s) already installed".into();
        } else {
            plan.done = format!("Installed {} package(s)", plan.packages.len());
            plan.would = format!("Would have installed {} packages", plan.packages.len());
        }
        Ok(plan)
    }

    fn response(plan: &Plan) -> Response {
        let mut response = Response { changed: !plan.runs.is_empty(), ..Response::default() };
        let text =
            |lines: &[String]| Side::Text(lines.iter().map(|line| format!("{line}\n")).collect());
        if response.changed {
            let (before, after) = (text(&plan.before), text(&plan.after));
            response.diff = vec![Diff { before, after, ..Diff::default() }];
        }
        response.returned.insert("packages".into(), plan.packages.clone().into());
        response
    }

    fn only_updates(&self) -> bool {
        self.name.as_ref().is_none_or(Vec::is_empty) && self.upgrade != Some(true)
    }
}

/// A failure with what the program wrote.
fn told(failure: Failure, output: &Output) -> Failure {
    failure
        .with("rc", output.status)
        .with("stdout", output.stdout_text())
        .with("stderr", output.stderr_text())
}

impl Action for Pacman {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut said = Vec::new();
        let updates = self.update_cache == Some(true);
        if updates {
            said.push("Would have updated the package db".to_owned());
        }
        let mut response = Response::default();
        if !(updates && self.only_updates()) {
            let plan = self.plan(host)?;
            response = Self::response(&plan);
            said.push(if response.changed { plan.would } else { plan.done });
        }
        response.changed |= updates;
        if updates {
            response.returned.insert("cache_updated".into(), true.into());
        }
        response.msg = Some(said.join("\n"));
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut said = Vec::new();
        let mut updated = None;
        let run =
            |host: &mut dyn Host, program: &Program, failed: &str| -> Result<String, Failure> {
                let output = host.execute(program)?;
                if output.is_success() {
                    return Ok(output.stdout_text());
                }
                Err(told(Failure::new(failed).with("cmd", program.line()), &output))
            };
        if self.update_cache == Some(true) {
            let list = |host: &dyn Host| -> Result<String, Failure> {
                crate::tool::ask(host, &self.program(&["--sync", "--list"]))
            };
            let before = if self.force { None } else { Some(list(host)?) };
            let mut program =
                self.with_extra(&["--sync", "--refresh"], &self.update_cache_extra_args)?;
            if self.force {
                program = program.arg("--refresh");
            }
            run(host, &program, "could not update package db")?;
            said.push("Updated package db".to_owned());
            updated = Some(match before {
                None => true,
                Some(before) => before != list(host)?,
            });
        }
        let mut response = Response::default();
        let mut stdout = String::new();
        if !(updated.is_some() && self.only_updates()) {
            let plan = self.plan(host)?;
            response = Self::response(&plan);
            for program in &plan.runs {
                stdout.push_str(&run(host, program, plan.failed)?);
            }
            said.push(plan.done);
        }
        if let Some(updated) = updated {
            response.changed |= updated;
            response.returned.insert("cache_updated".into(), updated.into());
        }
        if !stdout.is_empty() {
            response.returned.insert("stdout".into(), Json::from(stdout));
        }
        response.msg = Some(said.join("\n"));
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// A host with `foo`, `old` and what pacman says of them.
    fn host() -> FakeHost {
        const THERE: &str = "/run/pacman";
        let mut host = FakeHost::default();
        host.put(THERE, "foo 1.0-1\nold 1.0-1\n");
        host.program("pacman", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let there = files.text(THERE).unwrap();
            let name = *words.last().unwrap();
            match words.as_slice() {
                ["--query"] => Output::success(there),
                ["--query", "--explicit"] => Output::success("foo 1.0-1\n"),
                ["--query", "--deps"] => Output::success("old 1.0-1\n"),
                ["--sync", "--list"] => {
                    Output::success("core foo 1.0-1 [installed]\ncore old 2.0-1\nextra new 1-1\n")
                }
                ["--sync", "--groups", "--groups"] => Output::success("pair foo\npair new\n"),
                ["--query", "--upgrades"] => Output::success("old 1.0-1 -> 2.0-1\n"),
                ["--sync", "--print-format", ..] | ["--upgrade", "--print-format", ..] => {
                    Output::failure(1, "error: target not found")
                }
                [.., "--print-format", "%n\t%v", "--", name] => {
                    Output::success(format!("loading packages...\n{name}\t2-1\n"))
                }
                [.., "--print-format", "%n-%v", "--", name] => {
                    Output::success(format!("{name}-1.0-1\n"))
                }
                ["--remove", ..] => {
                    let kept = there.lines().filter(|line| !line.starts_with(name));
                    files.put(THERE, kept.map(|line| format!("{line}\n")).collect::<String>());
                    Output::success("")
                }
                ["--noconfirm", "--noprogressbar", "--needed", "--sync", "--", name] => {
                    files.put(THERE, format!("{there}{name} 2-1\n"));
                    Output::success("")
                }
                ["--noconfirm", "--database", ..]
                | ["--sync", "--sysupgrade", ..]
                | ["--sync", "--refresh", ..] => Output::success(""),
                _ => Output::failure(1, format!("bad words {words:?}")),
            }
        });
        host
    }

    #[test]
    fn packages_are_what_the_task_says() {
        for (args, packages, msg) in [
            (json!({"name": "foo"}), json!([]), "package(s) already installed"),
            (json!({"name": "new"}), json!(["new"]), "Installed 1 package(s)"),
            (json!({"name": "pair"}), json!(["new"]), "Installed 1 package(s)"),
            (json!({"name": "old", "state": "latest"}), json!(["old"]), "Installed 1 package(s)"),
            (
                json!({"name": "foo", "state": "absent"}),
                json!(["foo-1.0-1"]),
                "Removed 1 package(s)",
            ),
            (json!({"name": "gone", "state": "absent"}), json!([]), "package(s) already absent"),
            (
                json!({"name": "old", "reason": "explicit", "reason_for": "all"}),
                json!(["old"]),
                "Installed 1 package(s)",
            ),
            (json!({"upgrade": true}), json!(["old"]), "System upgraded"),
        ] {
            let mut host = host();
            let changed = packages != json!([]);
            let foretold =
                run("pacman", &args, "", "", Mode { check: true, diff: true }, &mut host);
            assert_eq!(
                (foretold.failed, foretold.changed),
                (false, changed),
                "{args}: {foretold:?}"
            );
            let done = run("pacman", &args, "", "", Mode { check: false, diff: true }, &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
            assert_eq!(
                (&done.diff, &done.returned["packages"]),
                (&foretold.diff, &packages),
                "{args}"
            );
            assert_eq!(done.msg.as_deref(), Some(msg), "{args}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"name": "nosuch"}), "Failed to list package nosuch"),
            (json!({"name": "-Rdd"}), "is no name of a package"),
            (json!({"name": "a", "upgrade": true}), "mutually exclusive: name|upgrade"),
            (json!({"name": "a", "executable": "yay"}), "no program yay"),
        ] {
            let response = run("pacman", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
