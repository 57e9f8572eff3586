//! The `zypper` module of the collection `community.general`.

use std::collections::BTreeMap;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Output, Program, Returned,
    path::split_words,
};
use protocol::{Json, Response};

use crate::{markup::unescaped, rpm};

/// Exit statuses that say that a boot or another run is needed, and nothing worse.
const WELL: [i32; 6] = [0, 100, 101, 102, 103, 106];
/// That of packages whose own scripts failed after they were installed.
const SCRIPTS_FAILED: i32 = 107;
/// That of names that nobody has.
const NOT_FOUND: i32 = 104;

/// Installs, updates and removes packages of SUSE and openSUSE.
#[derive(Debug, Arguments)]
pub struct Zypper {
    /// Packages: `name`, `name=1.2`, `name>=1.2`, files and addresses of packages; `+name` and
    /// `-name` are installed and removed in one run. `*` with `latest` is all.
    #[argument(aliases("pkg"))]
    name: Vec<String>,
    /// What should be; `dist-upgrade` takes the whole to a new release.
    #[argument(default = "present")]
    state: State,
    /// What kind of thing is named.
    #[argument(default = "package", name = "type")]
    kind: Kind,
    /// Arguments before the verb.
    extra_args_precommand: Option<String>,
    /// Whether packages are taken without a signature.
    #[argument(default = false)]
    disable_gpg_check: bool,
    /// Whether packages that are only recommended stay away.
    #[argument(default = true)]
    disable_recommends: bool,
    /// Whether packages are installed again, or by force.
    #[argument(default = false)]
    force: bool,
    /// Whether zypper resolves conflicts by itself, be it by removing.
    #[argument(default = false)]
    force_resolution: bool,
    /// Whether repositories are refreshed first.
    #[argument(default = false, aliases("refresh"))]
    update_cache: bool,
    /// Whether an older version may take the place of a newer one.
    #[argument(default = false)]
    oldpackage: bool,
    /// Arguments behind the verb.
    extra_args: Option<String>,
    /// Whether packages of another vendor may take the place.
    #[argument(default = false)]
    allow_vendor_change: bool,
    /// Whether files of other packages are overwritten.
    #[argument(default = false)]
    replacefiles: bool,
    /// Whether dependencies go with removed packages.
    #[argument(default = false)]
    clean_deps: bool,
    /// Whether failures are told in short.
    #[argument(default = false)]
    simple_errors: bool,
    /// Whether less is written.
    #[argument(default = true)]
    quiet: bool,
    /// Whether failed scripts of packages are no failure.
    #[argument(default = false)]
    skip_post_errors: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Latest,
    Absent,
    #[choice("dist-upgrade")]
    DistUpgrade,
    Installed,
    Removed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Kind {
    Package,
    Patch,
    Pattern,
    Product,
    Srcpackage,
    Application,
}

impl Documented for Zypper {
    const NAME: &'static str = "community.general.zypper";
    const ALIASES: &'static [&'static str] = &["zypper"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A package", args: r#"{"name": "nmap"}"# },
        Example { title: "All, as they are today", args: r#"{"name": "*", "state": "latest"}"# },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("rc", "Exit status of zypper.", "when run", "0"),
        Returned::new(
            "changes",
            "What came and went.",
            "when run",
            r#"["Installed: a-1-1.x86_64"]"#,
        ),
    ];
}

impl Zypper {
    fn program(&self, words: &[&str]) -> Result<Program, Failure> {
        let mut program = Program::new("zypper");
        if self.quiet {
            program = program.arg("--quiet");
        }
        program = program.args(["--non-interactive", "--xmlout"]);
        if self.disable_gpg_check {
            program = program.arg("--no-gpg-checks");
        }
        if let Some(words) = &self.extra_args_precommand {
            program = program.args(split_words(words).map_err(Failure::new)?);
        }
        Ok(program.args(words.iter().copied()))
    }

    fn is_absent(&self) -> bool {
        matches!(self.state, State::Absent | State::Removed)
    }

    /// Names to install and to remove.
    fn names(&self) -> Result<(Vec<String>, Vec<String>), Failure> {
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        for name in self.name.iter().flat_map(|name| name.split(',')).map(str::trim) {
            match (name.split_at_checked(1), self.is_absent()) {
                (None, _) => {}
                (Some(("+", _)), true) => {
                    return Err(Failure::new(
                        "Can not combine '+' prefix with state=remove/absent.",
                    ));
                }
                (_, true) if is_file(name) => {
                    return Err(Failure::new("Can not remove via URL."));
                }
                (Some(("-" | "~", rest)), _) if !rest.starts_with('-') => {
                    remove.push(rest.to_owned())
                }
                (Some(("+", rest)), _) => add.push(rest.to_owned()),
                (Some(("-", _)), _) => {
                    return Err(Failure::new(format!("{name:?} is no name of a package")));
                }
                (_, true) => remove.push(name.to_owned()),
                (_, false) => add.push(name.to_owned()),
            }
        }
        if self.is_absent() && self.kind == Kind::Patch {
            return Err(Failure::new("Can not remove patches."));
        }
        Ok((add, remove))
    }

    /// The run that is needed; `None` where all is as it should be.
    fn run(&self, host: &dyn Host) -> Result<Option<Program>, Failure> {
        let (mut add, mut remove) = self.names()?;
        let is_all = add.iter().any(|name| name == "*");
        let verb = match self.state {
            State::DistUpgrade => "dist-upgrade",
            State::Latest if is_all && self.kind == Kind::Patch => "patch",
            State::Latest if is_all => "update",
            _ if add.is_empty() && !remove.is_empty() => "remove",
            _ => "install",
        };
        if is_all && matches!(verb, "install" | "remove") {
            return Err(Failure::new("all packages ('*') are for state latest and dist-upgrade"));
        }
        if verb == "dist-upgrade" && !is_all {
            return Err(Failure::new("state=dist-upgrade is for all packages: name must be '*'"));
        }
        let names_a_version = |name: &String| !is_file(name) && name.contains(['<', '>', '=']);
        let takes_older = self.oldpackage || add.iter().any(names_a_version);
        if self.kind == Kind::Package && matches!(verb, "install" | "remove") {
            // What rpm says to be there costs no run.
            if self.state != State::Latest {
                add = self.keep(host, add, false)?;
            }
            remove = self.keep(host, remove, true)?;
        }
        if add.is_empty() && remove.is_empty() && matches!(verb, "install" | "remove") {
            return Ok(None);
        }
        if is_all {
            add.clear();
        }
        let mut program = self.program(&[verb])?;
        if matches!(verb, "install" | "remove") {
            program = program.args(["--type", self.kind.as_str()]);
        }
        for (wanted, word) in [
            (verb != "remove" && verb != "dist-upgrade", "--auto-agree-with-licenses"),
            (verb == "dist-upgrade", "--auto-agree-with-licenses"),
            (verb != "remove" && self.disable_recommends, "--no-recommends"),
            (verb == "install" && self.force, "--force"),
            (self.force_resolution, "--force-resolution"),
            (verb == "install" && takes_older, "--oldpackage"),
            (verb != "remove" && self.replacefiles, "--replacefiles"),
            (verb == "dist-upgrade" && self.allow_vendor_change, "--allow-vendor-change"),
            (verb == "remove" && self.clean_deps, "--clean-deps"),
        ] {
            if wanted {
                program = program.arg(word);
            }
        }
        if let Some(words) = &self.extra_args {
            program = program.args(split_words(words).map_err(Failure::new)?);
        }
        if !add.is_empty() || !remove.is_empty() {
            let removed = remove.into_iter().map(|name| match verb {
                "remove" => name,
                _ => format!("-{name}"),
            });
            let added = add.into_iter().map(|name| match verb {
                "install" if self.kind == Kind::Package && !name.contains(['/', ':']) => {
                    format!("+{name}")
                }
                _ => name,
            });
            program = program.arg("--").args(added.chain(removed));
        }
        Ok(Some(program))
    }

    /// The names that rpm does not settle: with `is_there`, those that are installed, else those
    /// that are not.
    fn keep(
        &self,
        host: &dyn Host,
        names: Vec<String>,
        is_there: bool,
    ) -> Result<Vec<String>, Failure> {
        let mut kept = Vec::new();
        for name in names {
            let is_odd = name.contains(['*', '?', '/', ':']) || name.ends_with(".rpm");
            // zypper's `name>=1` is rpm's `name >= 1`.
            let spec = match name.find(['<', '>', '=']) {
                Some(at) => {
                    let (bare, rest) = name.split_at(at);
                    let end = rest.find(|letter| !"<>=".contains(letter)).unwrap_or(rest.len());
                    let (operator, version) = rest.split_at(end);
                    format!("{bare} {operator} {version}")
                }
                None => name.clone(),
            };
            if is_odd || rpm::is_installed(host, "/", &spec)? == is_there {
                kept.push(name);
            }
        }
        Ok(kept)
    }

    fn failure(&self, program: &Program, output: &Output) -> Failure {
        let stdout = output.stdout_text();
        let said = messages(&stdout);
        let msg = match output.status {
            NOT_FOUND => format!("No provider of the packages was found: {}", said.join("; ")),
            _ if self.simple_errors && !said.is_empty() => said.join("\n"),
            status => {
                format!("Zypper run command failed with return code {status}: {}", said.join("; "))
            }
        };
        Failure::new(msg)
            .with("rc", output.status)
            .with("cmd", program.line())
            .with("stdout", stdout)
            .with("stderr", output.stderr_text())
    }

    fn is_well(&self, output: &Output) -> bool {
        WELL.contains(&output.status) || self.skip_post_errors && output.status == SCRIPTS_FAILED
    }
}

/// Whether a name is a file or an address of a package.
fn is_file(name: &str) -> bool {
    name.contains("://") || name.ends_with(".rpm")
}

/// The errors among what zypper writes as XML.
fn messages(xml: &str) -> Vec<String> {
    xml.lines()
        .filter_map(|line| {
            let rest = line.trim().strip_prefix("<message type=\"error\">")?;
            Some(unescaped(rest.trim_end_matches("</message>")))
        })
        .collect()
}

/// How many packages a run would change, by what is to be done with them.
fn counts(xml: &str) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    let mut section = String::new();
    for line in xml.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("<to-").and_then(|rest| rest.split(['>', ' ']).next())
        {
            section = name.to_owned();
        } else if line.starts_with("</to-") {
            section.clear();
        } else if line.starts_with("<solvable") && !section.is_empty() {
            *all.entry(section.clone()).or_insert(0) += 1;
        }
    }
    all
}

impl Zypper {
    /// What is answered: the task's words besides what came of them.
    fn answer(&self, rc: i32) -> Response {
        let mut response = Response::default();
        for (key, value) in [
            ("name", self.name.iter().filter(|name| !name.is_empty()).cloned().collect()),
            ("state", self.state.as_str().into()),
            ("update_cache", self.update_cache.into()),
            ("rc", rc.into()),
        ] {
            response.returned.insert(key.into(), value);
        }
        response
    }
}

impl Action for Zypper {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let Some(mut program) = self.run(host)? else { return Ok(self.answer(0)) };
        let at = program.args.iter().position(|word| word == "--").unwrap_or(program.args.len());
        program.args.insert(at, "--dry-run".into());
        let output = host.query(&program)?;
        if !self.is_well(&output) {
            return Err(self.failure(&program, &output));
        }
        let counts = counts(&output.stdout_text());
        let mut response = self.answer(output.status);
        response.changed = !counts.is_empty();
        response.returned.insert("cmd".into(), words(&program));
        response.returned.insert("counts".into(), serde_json::json!(counts));
        if response.changed {
            tell(&mut response, &output);
        }
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        if self.update_cache {
            let program = self.program(&["refresh"])?;
            let output = host.execute(&program)?;
            if !self.is_well(&output) {
                return Err(self.failure(&program, &output));
            }
        }
        let Some(program) = self.run(host)? else { return Ok(self.answer(0)) };
        let before = rpm::Installed::read(host, "/")?;
        let output = host.execute(&program)?;
        if !self.is_well(&output) {
            return Err(self.failure(&program, &output));
        }
        let changes = rpm::Installed::read(host, "/")?.changes_since(&before);
        let mut response = self.answer(output.status);
        response.changed = !changes.is_empty();
        response.returned.insert("cmd".into(), words(&program));
        response.returned.insert("changes".into(), changes.into());
        if response.changed {
            tell(&mut response, &output);
        }
        Ok(response)
    }
}

/// The words of a program.
fn words(program: &Program) -> Json {
    let name = program.name.clone();
    std::iter::once(name).chain(program.args.iter().cloned()).collect::<Vec<_>>().into()
}

/// Adds what a program wrote.
fn tell(response: &mut Response, output: &Output) {
    response.returned.insert("stdout".into(), output.stdout_text().into());
    response.returned.insert("stderr".into(), output.stderr_text().into());
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        const THERE: &str = "/run/rpmdb";
        let mut host = FakeHost::default();
        host.put(THERE, "bash-0:5.2-1.x86_64\n");
        host.program("rpm", |files, program| {
            let all = files.text(THERE).unwrap();
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["-qa", ..] => Output::success(all),
                [.., name] if all.contains(&format!("{}-", name.split(' ').next().unwrap())) => {
                    Output::success("")
                }
                _ => Output::failure(1, ""),
            }
        });
        host.program("zypper", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let is_trial = words.contains(&"--dry-run");
            let all = files.text(THERE).unwrap();
            let plan = |verb: &str| {
                Output::success(format!("<to-{verb}>\n<solvable name=\"x\"/>\n</to-{verb}>\n"))
            };
            let (new, verb) = match words.last() {
                Some(&"+foo") => (format!("{all}foo-0:1-1.noarch\n"), "install"),
                Some(&"bash") => (String::new(), "remove"),
                Some(&"+nosuch") => {
                    let why = "<message type=\"error\">No provider of &apos;nosuch&apos; found.</message>";
                    return Output { status: 104, ..Output::success(why) };
                }
                _ => return Output::success("<stream>\n</stream>\n"),
            };
            if !is_trial {
                files.put(THERE, new);
            }
            plan(verb)
        });
        host
    }

    #[test]
    fn packages_are_what_the_task_says() {
        for (args, changes) in [
            (json!({"name": "bash"}), json!(null)),
            (json!({"name": "bash>=5"}), json!(null)),
            (json!({"name": "foo"}), json!(["Installed: foo-1-1.noarch"])),
            (json!({"name": "bash", "state": "absent"}), json!(["Removed: bash-5.2-1.x86_64"])),
            (json!({"name": "foo", "state": "absent"}), json!(null)),
            (json!({"name": ["-foo", "bash"]}), json!(null)),
            (json!({"name": "*", "state": "latest"}), json!([])),
        ] {
            let mut host = host();
            let changed = changes.as_array().is_some_and(|all| !all.is_empty());
            for check in [true, false] {
                let mode = Mode { check, diff: false };
                let response = run("zypper", &args, "", "", mode, &mut host);
                assert_eq!(
                    (response.failed, response.changed),
                    (false, changed),
                    "{args}: {response:?}"
                );
                if !check {
                    assert_eq!(response.returned.get("changes").unwrap_or(&json!(null)), &changes);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"name": "nosuch"}), "No provider of 'nosuch' found."),
            (json!({"name": "--help"}), "is no name of a package"),
            (json!({"name": "*"}), "all packages ('*') are for state latest"),
            (json!({"name": "+foo", "state": "absent"}), "Can not combine '+' prefix"),
            (json!({"name": "/foo-1-1.noarch.rpm", "state": "absent"}), "Can not remove via URL"),
            (json!({"name": "x", "type": "patch", "state": "absent"}), "Can not remove patches"),
            (json!({"name": "foo", "state": "dist-upgrade"}), "name must be '*'"),
            (json!({}), "missing required arguments: name"),
        ] {
            let response = run("zypper", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
