//! The `gem` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
    path::split_words,
};
use protocol::{JsonMap, Response, spec::Support};

use crate::tool;

/// Keeps packages of Ruby.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["gem_source", "repository"], ["gem_source", "version"]))]
pub struct Gem {
    /// The package.
    name: String,
    /// Whether it should be there, and the newest.
    #[argument(default = "present")]
    state: State,
    /// A file that it comes from.
    gem_source: Option<PathBuf>,
    /// Whether what it needs comes with it.
    #[argument(default = true)]
    include_dependencies: bool,
    /// Where it comes from.
    #[argument(aliases("source"))]
    repository: Option<String>,
    /// Whether it is in the user's home.
    #[argument(default = true)]
    user_install: bool,
    /// The program.
    executable: Option<PathBuf>,
    /// Where it is put.
    install_dir: Option<PathBuf>,
    /// Where its programs are put.
    bindir: Option<PathBuf>,
    /// Whether settings of the user's do not count.
    #[argument(default = true)]
    norc: bool,
    /// Whether its programs are started by `env`.
    #[argument(default = false)]
    env_shebang: bool,
    /// Its version.
    version: Option<String>,
    /// Whether a version before the release will do.
    #[argument(default = false)]
    pre_release: bool,
    /// Whether its pages come with it.
    #[argument(default = false)]
    include_doc: bool,
    /// Words for building it.
    build_flags: Option<String>,
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

impl Documented for Gem {
    const NAME: &'static str = "community.general.gem";
    const ALIASES: &'static [&'static str] = &["gem"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A version, for all",
            args: r#"{"name": "rake", "version": "13.0", "user_install": false}"#,
        },
        Example { title: "Not there", args: r#"{"name": "rake", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] =
        &[Returned::new("name", "The package.", "always", r#""rake""#)];
    const DIFF_MODE: Support = Support::None;
}

/// Versions of a line `rake (13.0.6, default: 12.3.3 ruby)`.
fn versions(text: &str, name: &str) -> Vec<String> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
    let inside = line.and_then(|line| line.split_once('(')?.1.rsplit_once(')').map(|(it, _)| it));
    let all = inside.into_iter().flat_map(|inside| inside.split(", "));
    all.filter_map(|one| one.trim_start_matches("default: ").split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// A pattern that fits a name alone.
fn pattern(name: &str) -> String {
    let special = |letter: char| r"\.+*?()|[]{}^$".contains(letter);
    let name: String = name
        .chars()
        .flat_map(|letter| special(letter).then_some('\\').into_iter().chain([letter]))
        .collect();
    format!("^{name}$")
}

impl Gem {
    fn program(&self, words: &[&str]) -> Result<Program, Failure> {
        let mut program = tool::executable(self.executable.as_deref(), "gem")?.args(words.to_vec());
        if self.norc {
            program = program.arg("--norc");
        }
        if let Some(folder) = &self.install_dir {
            program = program.variable("GEM_HOME", folder.display().to_string());
        }
        Ok(program)
    }

    fn installed(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        let program = self.program(&["list", "--local"])?.arg(pattern(&self.name));
        Ok(versions(&tool::ask(host, &program)?, &self.name))
    }

    /// The version that should be there: the newest where the task wants that.
    fn wanted(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        if self.state != State::Latest {
            return Ok(self.version.clone());
        }
        let mut program = self.program(&["list", "--remote"])?;
        if let Some(repository) = &self.repository {
            program = program.args(["--source", repository]);
        }
        if self.pre_release {
            program = program.arg("--prerelease");
        }
        let text = tool::ask(host, &program.arg(pattern(&self.name)))?;
        Ok(versions(&text, &self.name).into_iter().next().or_else(|| self.version.clone()))
    }

    fn is_there(&self, host: &dyn Host) -> Result<bool, Failure> {
        let installed = self.installed(host)?;
        Ok(match self.wanted(host)? {
            Some(version) => installed.contains(&version),
            None => !installed.is_empty(),
        })
    }

    fn installation(&self, host: &dyn Host) -> Result<Program, Failure> {
        let mut program = self.program(&["install"])?;
        if let Some(version) = self.wanted(host)? {
            program = program.args(["--version", &version]);
        }
        if let Some(repository) = &self.repository {
            program = program.args(["--source", repository]);
        }
        if !self.include_dependencies {
            program = program.arg("--ignore-dependencies");
        }
        program =
            program.arg(if self.user_install { "--user-install" } else { "--no-user-install" });
        program = self.places(program);
        for (is_set, flag) in [
            (self.pre_release, "--pre"),
            (!self.include_doc, "--no-document"),
            (self.env_shebang, "--env-shebang"),
            (self.force, "--force"),
        ] {
            program = if is_set { program.arg(flag) } else { program };
        }
        program = match &self.gem_source {
            Some(path) => program.arg(path.display().to_string()),
            None => program.arg(&self.name),
        };
        if let Some(flags) = &self.build_flags {
            let words = split_words(flags)
                .map_err(|why| Failure::new(format!("build_flags cannot be split: {why}")))?;
            program = program.arg("--").args(words);
        }
        Ok(program)
    }

    fn places(&self, mut program: Program) -> Program {
        for (flag, folder) in [("--install-dir", &self.install_dir), ("--bindir", &self.bindir)] {
            if let Some(folder) = folder {
                program = program.args([flag, &folder.display().to_string()]);
            }
        }
        program
    }

    fn removal(&self) -> Result<Program, Failure> {
        let mut program = self.places(self.program(&["uninstall"])?);
        program = match &self.version {
            Some(version) => program.args(["--version", version]),
            None => program.arg("--all"),
        };
        program = program.arg("--executables");
        if self.force {
            program = program.arg("--force");
        }
        Ok(program.arg(&self.name))
    }

    fn answer(&self, changed: bool) -> Response {
        let returned = JsonMap::from_iter([
            ("name".to_owned(), self.name.clone().into()),
            ("state".to_owned(), self.state.as_str().into()),
        ]);
        Response { changed, returned, ..Response::default() }
    }
}

impl Action for Gem {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        if self.install_dir.is_some() && self.user_install {
            return Err(Failure::new("install_dir requires user_install=false"));
        }
        if self.gem_source.is_some() && self.state == State::Latest {
            return Err(Failure::new(
                "Cannot maintain state=latest when installing from local source",
            ));
        }
        match self.is_there(host)? == (self.state != State::Absent) {
            true => Ok(Guard::Stay(Box::new(self.answer(false)))),
            false => Ok(Guard::Go),
        }
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(self.answer(true))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let program = match self.state {
            State::Absent => self.removal()?,
            _ => self.installation(host)?,
        };
        tool::run(host, &program)?;
        Ok(self.answer(true))
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    #[test]
    fn versions_are_read() {
        for (text, expected) in [
            ("rake (13.0.6, default: 12.3.3)\n", "13.0.6 12.3.3"),
            ("rake (1.0 x86_64-linux)", "1.0"),
            ("other (1)\n", ""),
            ("", ""),
        ] {
            assert_eq!(versions(text, "rake").join(" "), expected, "{text}");
        }
        assert_eq!(pattern("a.b"), r"^a\.b$");
    }

    #[test]
    fn packages_are_kept() {
        let mut host = FakeHost::default();
        host.program("gem", |files, program| {
            let line = program.args.join(" ");
            let now = files.text("/gems").unwrap_or_default();
            match line {
                line if line.starts_with("list --remote") => Output::success("rake (3)\n"),
                line if line.starts_with("list") && now.is_empty() => Output::success(""),
                line if line.starts_with("list") => Output::success(format!("rake ({now})\n")),
                line if line.starts_with("uninstall") => {
                    files.remove(std::path::Path::new("/gems"));
                    Output::success("")
                }
                line => {
                    let version = line.split("--version ").nth(1).unwrap_or("1");
                    files.put("/gems", version.split(' ').next().unwrap_or("1"));
                    files.put("/line", line);
                    Output::success("")
                }
            }
        });
        for (args, changed) in [
            (json!({}), true),
            (json!({}), false),
            (json!({"version": "2", "user_install": false, "build_flags": "--with 'a b'"}), true),
            (json!({"version": "2"}), false),
            (json!({"state": "latest"}), true),
            (json!({"state": "latest"}), false),
            (json!({"state": "absent", "version": "9"}), false),
            (json!({"state": "absent"}), true),
            (json!({"state": "absent"}), false),
        ] {
            let check =
                run("gem", &args, "name", "rake", Mode { check: true, diff: false }, &mut host);
            let did = run("gem", &args, "name", "rake", Mode::default(), &mut host);
            assert_eq!(
                (did.failed, check.changed, did.changed),
                (false, changed, changed),
                "{args}: {did:?}"
            );
        }
        for (args, words) in [
            (json!({"install_dir": "/x"}), "requires user_install=false"),
            (json!({"gem_source": "/x.gem", "version": "1"}), "mutually exclusive"),
            (json!({"gem_source": "/x.gem", "state": "latest"}), "Cannot maintain state=latest"),
        ] {
            let response = run("gem", &args, "name", "rake", Mode::default(), &mut host);
            assert!(response.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
