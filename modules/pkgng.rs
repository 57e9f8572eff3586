//! The `pkgng` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Output, Program,
    Returned,
};
use protocol::{JsonMap, Response, spec::Support};

/// Keeps packages of FreeBSD's.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["rootdir", "chroot", "jail"]))]
pub struct PkgNg {
    /// The packages; `*` with `state=latest` stands for all.
    #[argument(aliases("pkg"))]
    name: Vec<String>,
    /// Whether they are there, and the newest.
    #[argument(default = "present")]
    state: State,
    /// Whether the list of packages is not read anew.
    #[argument(default = false)]
    cached: bool,
    /// Remarks: `+key=value` comes, `-key` goes, `:key=value` changes.
    annotation: Option<Vec<String>>,
    /// The repository.
    pkgsite: Option<String>,
    /// The folder that is the root of the packages' files.
    rootdir: Option<PathBuf>,
    /// The folder that the program goes to first.
    chroot: Option<PathBuf>,
    /// The jail.
    jail: Option<String>,
    /// Whether packages that nothing needs any more go.
    #[argument(default = false)]
    autoremove: bool,
    /// Whether packages for another release of the system are taken.
    #[argument(default = false)]
    ignore_osver: bool,
    /// Whether names are patterns.
    #[argument(default = true)]
    use_globs: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Latest,
    Absent,
}

impl Documented for PkgNg {
    const NAME: &'static str = "community.general.pkgng";
    const ALIASES: &'static [&'static str] = &["pkgng"];
    const EXAMPLES: &'static [Example] = &[
        Example { title: "Two packages", args: r#"{"name": ["nginx", "bash"]}"# },
        Example { title: "All the newest", args: r#"{"name": ["*"], "state": "latest"}"# },
        Example {
            title: "None, and nothing that it needed",
            args: r#"{"name": ["nginx"], "state": "absent", "autoremove": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("stdout", "What the program wrote.", "success", r#""""#),
        Returned::new("stderr", "What it complained about.", "success", r#""""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What is to be done with a remark of a package.
#[derive(Clone, Debug)]
struct Remark {
    package: String,
    flag: &'static str,
    tag: String,
    value: Option<String>,
}

/// What is to be done, and what is said of it.
#[derive(Debug, Default)]
struct Work {
    install: Vec<String>,
    upgrade: Vec<String>,
    remove: Vec<String>,
    /// How many of all packages are upgraded.
    upgrade_all: usize,
    /// How many that nothing needs any more go; `None` where none is asked to.
    autoremove: Option<usize>,
    remarks: Vec<Remark>,
    said: Vec<String>,
    said_of_remarks: Option<String>,
}

impl Work {
    fn is_nothing(&self) -> bool {
        self.install.is_empty()
            && self.upgrade.is_empty()
            && self.remove.is_empty()
            && self.upgrade_all + self.autoremove.unwrap_or(0) == 0
            && self.remarks.is_empty()
    }
}

/// The numbers behind words that lines begin with, together.
fn count(text: &str, heads: &[&str]) -> usize {
    let number = |line: &str| {
        let rest = heads.iter().find_map(|head| line.strip_prefix(head))?;
        rest.split_whitespace().next()?.parse::<usize>().ok()
    };
    text.lines().filter_map(number).sum()
}

impl PkgNg {
    fn program(&self, verb: &str, words: &[&str]) -> Program {
        let mut program = Program::new("pkg");
        let folder = |path: &PathBuf| path.display().to_string();
        let places = [
            ("rootdir", self.rootdir.as_ref().map(folder)),
            ("chroot", self.chroot.as_ref().map(folder)),
            ("jail", self.jail.clone()),
        ];
        for (option, place) in places {
            if let Some(place) = place {
                program = program.arg(format!("--{option}={place}"));
            }
        }
        program = program.arg(verb);
        let takes_site = ["update", "install", "upgrade"].contains(&verb);
        if let Some(site) = self.pkgsite.as_ref().filter(|_| takes_site) {
            program = program.arg(format!("--repository={site}"));
        }
        if self.use_globs && ["info", "install", "upgrade"].contains(&verb) {
            program = program.arg("-g");
        }
        program = program.args(words.to_vec()).variable("BATCH", "yes");
        if self.ignore_osver { program.variable("IGNORE_OSVERSION", "yes") } else { program }
    }

    fn is_there(&self, host: &dyn Host, name: &str) -> Result<bool, Failure> {
        Ok(host.query(&self.program("info", &["-e", name]))?.is_success())
    }

    /// The packages that are named; one text may hold several.
    fn names(&self) -> Vec<String> {
        let all: Vec<String> = match self.name.as_slice() {
            [one] => one.split([',', ' ', '\t', '\n']).map(str::to_owned).collect(),
            several => several.to_vec(),
        };
        let all = all.iter().map(|name| name.trim());
        all.filter(|name| !name.is_empty() && *name != "*").map(str::to_owned).collect()
    }

    fn remark(
        &self,
        host: &dyn Host,
        package: &str,
        text: &str,
        is_new: bool,
    ) -> Result<Option<Remark>, Failure> {
        let refuse = || {
            Failure::new(format!("failed to annotate {package}, invalid annotate string: {text}"))
        };
        let mut letters = text.chars();
        let sign = letters.next().ok_or_else(refuse)?;
        let (tag, value) = match letters.as_str().split_once('=') {
            Some((tag, value)) => (tag, Some(value.to_owned())),
            None => (letters.as_str(), None),
        };
        if tag.is_empty() || value.as_deref() == Some("") {
            return Err(refuse());
        }
        let said = match is_new {
            true => String::new(),
            false => host.query(&self.program("info", &["-A", package]))?.stdout_text(),
        };
        let now = said.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == tag).then(|| value.trim().to_owned())
        });
        let flag = match (sign, &now, &value) {
            ('+', None, Some(_)) => "-A",
            ('+' | ':', Some(now), Some(value)) if now == value => return Ok(None),
            ('+', Some(now), Some(value)) => {
                return Err(Failure::new(format!(
                    "failed to annotate {package}, because {tag} is already set to {now}, but should be set to {value}"
                )));
            }
            ('-', Some(_), _) => "-D",
            ('-', None, _) => return Ok(None),
            (':', Some(_), Some(_)) => "-M",
            (':', None, Some(_)) => {
                return Err(Failure::new(format!(
                    "could not change annotation to {package}: tag {tag} does not exist"
                )));
            }
            _ => return Err(refuse()),
        };
        let value = value.filter(|_| flag != "-D");
        Ok(Some(Remark { package: package.into(), flag, tag: tag.into(), value }))
    }

    /// How many packages nothing needs any more.
    fn unneeded(&self, host: &dyn Host) -> Result<usize, Failure> {
        let said = host.query(&self.program("autoremove", &["-n"]))?.stdout_text();
        Ok(count(&said, &["Deinstallation has been requested for the following"]))
    }

    fn work(&self, host: &dyn Host) -> Result<Work, Failure> {
        let mut work = Work::default();
        let names = self.names();
        if self.state == State::Latest && self.name.iter().any(|name| name == "*") {
            let said = host.query(&self.program("upgrade", &["-n"]))?.stdout_text();
            let heads =
                ["Number of packages to be upgraded:", "Number of packages to be reinstalled:"];
            work.upgrade_all = count(&said, &heads);
            work.said.push(match work.upgrade_all {
                0 => "no packages need upgrades".into(),
                number => format!("updated {number} package(s)"),
            });
        }
        for name in &names {
            let is_there = self.is_there(host, name)?;
            match self.state {
                State::Absent if is_there => work.remove.push(name.clone()),
                State::Absent => {}
                _ if !is_there => work.install.push(name.clone()),
                State::Present => {}
                State::Latest => {
                    // It ends with 1 where there is something newer.
                    let program = self.program("upgrade", &["-n", name]);
                    if host.query(&program)?.status == 1 {
                        work.upgrade.push(name.clone());
                    }
                }
            }
        }
        if !names.is_empty() {
            let told = |verb: &str, all: &[String]| match all.len() {
                0 => None,
                1 => Some(format!("{verb} 1 package")),
                number => Some(format!("{verb} {number} packages")),
            };
            let parts: Vec<String> = [
                told("installed", &work.install),
                told("upgraded", &work.upgrade),
                Some(work.remove.len())
                    .filter(|number| *number > 0)
                    .map(|number| format!("removed {number} package(s)")),
            ]
            .into_iter()
            .flatten()
            .collect();
            work.said.push(match parts.is_empty() {
                true => format!("package(s) already {}", self.state.as_str()),
                false => parts.join("; "),
            });
        }
        work.autoremove = self.autoremove.then(|| self.unneeded(host)).transpose()?;
        if let Some(given) = &self.annotation {
            let given: Vec<&str> = match given.as_slice() {
                [one] => one.split(',').map(str::trim).collect(),
                several => several.iter().map(String::as_str).collect(),
            };
            for name in &names {
                let is_new = work.install.contains(name);
                for text in &given {
                    work.remarks.extend(self.remark(host, name, text, is_new)?);
                }
            }
            work.said_of_remarks = Some(match work.remarks.len() {
                0 => "changed no annotations".into(),
                number => format!("added {number} annotations."),
            });
        }
        Ok(work)
    }

    fn answer(work: &Work, said: &[Output]) -> Response {
        let all = |take: fn(&Output) -> String| said.iter().map(take).collect::<String>();
        let removed = work.autoremove.map(|number| match number {
            0 => "no package(s) to autoremove".to_owned(),
            number => format!("autoremoved {number} package(s)"),
        });
        let said_of: Vec<String> =
            work.said.iter().cloned().chain(removed).chain(work.said_of_remarks.clone()).collect();
        Response {
            changed: !work.is_nothing(),
            msg: Some(said_of.join(", ")),
            returned: JsonMap::from_iter([
                ("stdout".to_owned(), all(Output::stdout_text).into()),
                ("stderr".to_owned(), all(Output::stderr_text).into()),
            ]),
            ..Response::default()
        }
    }

    fn run(
        host: &mut dyn Host,
        program: &Program,
        said: &mut Vec<Output>,
        what: &str,
    ) -> Result<(), Failure> {
        let output = host.execute(program)?;
        if !output.is_success() {
            let words = output.stderr_text();
            return Err(Failure::new(format!("{what}: {}", words.trim()))
                .with("rc", output.status)
                .with("stdout", output.stdout_text())
                .with("stderr", words));
        }
        said.push(output);
        Ok(())
    }
}

impl Action for PkgNg {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        // The list of packages decides what is newest, and is read anew first.
        if self.state == State::Latest && !self.cached && !mode.check {
            return Ok(Guard::Go);
        }
        let work = self.work(host)?;
        Ok(match work.is_nothing() {
            true => Guard::Stay(Box::new(Self::answer(&work, &[]))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        Ok(Self::answer(&self.work(host)?, &[]))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut said = Vec::new();
        if self.state != State::Absent && !self.cached {
            let update = self.program("update", &[]);
            Self::run(host, &update, &mut said, "Could not update catalogue")?;
        }
        let mut work = self.work(host)?;
        if work.upgrade_all > 0 {
            let all = self.program("upgrade", &["-y"]);
            Self::run(host, &all, &mut said, "failed to upgrade")?;
        }
        for (verb, names) in [("install", &work.install), ("upgrade", &work.upgrade)] {
            if !names.is_empty() {
                let program = self.program(verb, &["-U", "-y"]).args(names.iter().cloned());
                let what = format!("failed to {verb} {}", names.join(" "));
                Self::run(host, &program, &mut said, &what)?;
            }
        }
        for name in &work.remove {
            let program = self.program("delete", &["-y", name]);
            Self::run(host, &program, &mut said, &format!("failed to remove {name}"))?;
        }
        for name in &work.install {
            if !self.is_there(host, name)? {
                return Err(Failure::new(format!("failed to install {name}")));
            }
        }
        if self.autoremove {
            // What has just gone may have been all that needed another.
            let number = self.unneeded(host)?;
            work.autoremove = Some(number);
            if number > 0 {
                let all = self.program("autoremove", &["-y"]);
                Self::run(host, &all, &mut said, "failed to autoremove")?;
            }
        }
        for Remark { package, flag, tag, value } in &work.remarks {
            let mut program = self.program("annotate", &["-y", flag, package, tag]);
            if let Some(value) = value {
                program = program.stdin(value.as_bytes());
            }
            Self::run(host, &program, &mut said, &format!("could not annotate {package}"))?;
        }
        Ok(Self::answer(&work, &said))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// `pkg` with `old` (which has a newer release) and `bash`; `nosuch` is nowhere.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/db", "old\nbash\n");
        host.put("/news", "old\n");
        host.put("/notes", "");
        host.program("pkg", |files, program| {
            let db = files.text("/db").unwrap();
            let has = |name: &str| db.lines().any(|line| line == name);
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            let news = files.text("/news").unwrap();
            match words.as_slice() {
                ["update"] => {}
                ["info", "-g", "-e", name] => {
                    return if has(name) { Output::success("") } else { Output::failure(1, "") };
                }
                ["info", "-g", "-A", _] => return Output::success(files.text("/notes").unwrap()),
                ["upgrade", "-g", "-n"] => {
                    let number = news.lines().count();
                    return Output::success(format!(
                        "Number of packages to be upgraded: {number}\n"
                    ));
                }
                ["upgrade", "-g", "-n", name] => {
                    return Output { status: i32::from(news.contains(*name)), ..Output::default() };
                }
                ["upgrade", ..] => files.put("/news", ""),
                ["install", "-g", "-U", "-y", names @ ..] => {
                    if names.contains(&"nosuch") {
                        return Output::failure(1, "No packages available to install");
                    }
                    files.put("/db", db + &names.join("\n") + "\n");
                }
                ["delete", "-y", name] => files.put("/db", db.replace(&format!("{name}\n"), "")),
                ["autoremove", "-n"] => {
                    return Output::success(if has("lib") && !has("nginx") {
                        "Deinstallation has been requested for the following 1 packages:\n"
                    } else {
                        ""
                    });
                }
                ["autoremove", "-y"] => files.put("/db", db.replace("lib\n", "")),
                ["annotate", "-y", "-D", _, _] => files.put("/notes", ""),
                ["annotate", "-y", _, _, tag] => {
                    let value = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
                    files.put("/notes", format!("bash-5:\n {tag} : {value}\n"));
                }
                other => return Output::failure(64, format!("{other:?}")),
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn packages_are_kept() {
        let mut host = host();
        for (args, changed, msg) in [
            (json!({"name": "bash"}), false, "package(s) already present"),
            (json!({"name": "nginx, lib"}), true, "installed 2 packages"),
            (json!({"name": ["old"], "state": "latest"}), true, "upgraded 1 package"),
            (json!({"name": ["old"], "state": "latest"}), false, "package(s) already latest"),
            (json!({"name": "*", "state": "latest"}), false, "no packages need upgrades"),
            (
                json!({"name": "nginx", "state": "absent", "autoremove": true}),
                true,
                "removed 1 package(s), autoremoved 1 package(s)",
            ),
            (json!({"name": "nginx", "state": "absent"}), false, "package(s) already absent"),
            (
                json!({"name": "bash", "annotation": "+team=web"}),
                true,
                "package(s) already present, added 1 annotations.",
            ),
            (
                json!({"name": "bash", "annotation": ["+team=web", "-other"]}),
                false,
                "package(s) already present, changed no annotations",
            ),
            (
                json!({"name": "bash", "annotation": ":team=db"}),
                true,
                "package(s) already present, added 1 annotations.",
            ),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("pkgng", &args, "", "", check, &mut host);
            let done = run("pkgng", &args, "", "", Mode::default(), &mut host);
            assert_eq!(
                (foretold.changed, done.failed, done.changed, done.msg.as_deref()),
                (changed, false, changed, Some(msg)),
                "{args}: {done:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, words) in [
            (json!({"name": "nosuch"}), "failed to install nosuch: No packages available"),
            (json!({"name": "a", "jail": "j", "chroot": "/c"}), "mutually exclusive"),
            (json!({"name": "bash", "annotation": "team"}), "invalid annotate string"),
            (json!({"name": "bash", "annotation": ":team=x"}), "tag team does not exist"),
            (json!({"name": "a", "state": "held"}), "must be one of: present"),
        ] {
            let done = run("pkgng", &args, "", "", Mode::default(), &mut host());
            assert!(done.msg.as_deref().unwrap_or_default().contains(words), "{args}: {done:?}");
        }
    }
}
