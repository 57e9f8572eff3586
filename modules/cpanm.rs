//! The `cpanm` module of the collection `community.general`.

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
    host::succeeded,
};
use protocol::{JsonMap, Response, spec::Support};

use crate::tool;

/// Keeps modules of Perl, by `cpanm`.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["name", "from_path"]))]
pub struct Cpanm {
    /// The module, or an archive or a repository that has it.
    #[argument(aliases("pkg"))]
    name: Option<String>,
    /// A folder or an archive of the host.
    from_path: Option<PathBuf>,
    /// Whether its tests are left out.
    #[argument(default = false)]
    notest: bool,
    /// Another folder to install to.
    locallib: Option<PathBuf>,
    /// Where modules come from.
    mirror: Option<String>,
    /// Whether only the mirror's own index is asked.
    #[argument(default = false)]
    mirror_only: bool,
    /// Whether only what it needs is installed.
    #[argument(default = false)]
    installdeps: bool,
    /// Whether what it recommends is installed.
    install_recommendations: Option<bool>,
    /// Whether what it suggests is installed.
    install_suggestions: Option<bool>,
    /// Its version, with an operator of `cpanm`'s where one is wanted.
    version: Option<String>,
    /// The program.
    executable: Option<PathBuf>,
    /// What `name` and `version` mean; `compatibility` is that of old releases.
    #[argument(default = "new")]
    mode: Meaning,
    /// The module that is looked for, where `name` is none.
    name_check: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum Meaning {
    Compatibility,
    New,
}

impl Documented for Cpanm {
    const NAME: &'static str = "community.general.cpanm";
    const ALIASES: &'static [&'static str] = &["cpanm"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A module, unless it is there",
        args: r#"{"name": "Dancer", "name_check": "Dancer", "notest": true}"#,
    }];
    const RETURNS: &'static [Returned] =
        &[Returned::new("cpanm_version", "Version of cpanm.", "always", r#""1.7047""#)];
    const CHECK_MODE: Support = Support::None;
    const DIFF_MODE: Support = Support::None;
}

impl Cpanm {
    fn program(&self) -> Result<Program, Failure> {
        tool::executable(self.executable.as_deref(), "cpanm")
    }

    fn refuse_what_does_not_fit(&self) -> Result<(), Failure> {
        match self.mode {
            Meaning::Compatibility if self.name_check.is_some() => {
                Err(Failure::new("Parameter name_check can only be used with mode=new"))
            }
            Meaning::New if self.name.is_some() && self.from_path.is_some() => Err(Failure::new(
                "Parameters 'name' and 'from_path' are mutually exclusive when 'mode=new'",
            )),
            _ => Ok(()),
        }
    }

    /// Its own version, as its first line says it.
    fn version_of_cpanm(&self, host: &dyn Host) -> Result<String, Failure> {
        let text = tool::ask(host, &self.program()?.arg("--version"))?;
        let line = text.lines().next().unwrap_or_default();
        let version = line.split_whitespace().skip_while(|word| *word != "version").nth(1);
        version.map(str::to_owned).ok_or_else(|| {
            Failure::new(format!(
                "Failed to determine version number. First line of output: {line}"
            ))
        })
    }

    /// Whether Perl finds the module.
    fn is_there(&self, host: &dyn Host) -> Result<bool, Failure> {
        let name = match self.mode {
            Meaning::Compatibility => self.name.as_deref(),
            Meaning::New => self.name_check.as_deref(),
        };
        let Some(name) = name.filter(|name| !name.ends_with(".tar.gz")) else { return Ok(false) };
        let version = self.version.as_ref().map(|one| format!(" {one}")).unwrap_or_default();
        let mut program = Program::new("perl").args(["-le", &format!("use {name}{version};")]);
        if let Some(folder) = &self.locallib {
            program = program.variable("PERL5LIB", format!("{}/lib/perl5", folder.display()));
        }
        Ok(host.query(&program)?.is_success())
    }

    /// The last word of the order: what is installed, and in which version.
    fn wanted(&self, host: &dyn Host) -> Result<String, Failure> {
        let path = self.from_path.as_ref().map(|path| path.display().to_string());
        let spec = path.or_else(|| self.name.clone()).unwrap_or_default();
        let Some(version) = self.version.as_ref().filter(|_| self.mode == Meaning::New) else {
            return Ok(spec);
        };
        let refuse = |what: &str| {
            Err(Failure::new(format!(
                "parameter 'version' must not be used when installing from a {what}"
            )))
        };
        if spec.ends_with(".tar.gz") {
            return refuse("file");
        }
        if host.metadata(Path::new(&spec))?.is_some_and(|found| found.is_dir()) {
            return refuse("directory");
        }
        let has_operator = version.starts_with(['@', '~']);
        Ok(match spec.ends_with(".git") {
            true if version.starts_with('~') => {
                return Err(Failure::new(
                    "operator '~' not allowed in version parameter when installing from git repository",
                ));
            }
            true if !has_operator => format!("{spec}@{version}"),
            false if !has_operator => format!("{spec}~{version}"),
            _ => spec + version,
        })
    }

    fn order(&self, host: &dyn Host) -> Result<Program, Failure> {
        let either = |given: Option<bool>, name: &str| {
            given
                .map(|is_wanted| format!("--{}-{name}", if is_wanted { "with" } else { "without" }))
        };
        let mut program = self.program()?.args(self.notest.then_some("--notest"));
        if let Some(folder) = &self.locallib {
            program = program.args(["--local-lib", &folder.display().to_string()]);
        }
        if let Some(mirror) = &self.mirror {
            program = program.args(["--mirror", mirror]);
        }
        Ok(program
            .args(self.mirror_only.then_some("--mirror-only"))
            .args(self.installdeps.then_some("--installdeps"))
            .args(either(self.install_recommendations, "recommends"))
            .args(either(self.install_suggestions, "suggests"))
            .arg(self.wanted(host)?))
    }

    fn answer(&self, changed: bool, version: String) -> Response {
        let returned = JsonMap::from_iter([
            ("cpanm_version".to_owned(), version.into()),
            ("name".to_owned(), self.name.clone().into()),
            ("version".to_owned(), self.version.clone().into()),
        ]);
        Response { changed, returned, ..Response::default() }
    }
}

impl Action for Cpanm {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        self.refuse_what_does_not_fit()?;
        if mode.check {
            return Ok(Guard::Stay(Box::new(Response {
                skipped: true,
                msg: Some("remote module (cpanm) does not support check mode".into()),
                ..Response::default()
            })));
        }
        let version = self.version_of_cpanm(host)?;
        Ok(match self.is_there(host)? {
            true => Guard::Stay(Box::new(self.answer(false, version))),
            false => Guard::Go,
        })
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(Response { skipped: true, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let version = self.version_of_cpanm(host)?;
        let program = self.order(host)?;
        let output = host.execute(&program)?;
        let output = succeeded(&program, output)?;
        let is_current = [output.stdout_text(), output.stderr_text()]
            .iter()
            .any(|text| text.contains("is up to date"));
        Ok(self.answer(!is_current, version))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    /// `cpanm` keeps its last order in a file, and Perl knows the modules that were asked for.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/src");
        host.program("cpanm", |files, program| {
            let words = program.args.join(" ");
            match words.as_str() {
                "--version" => {
                    Output::success("cpanm (App::cpanminus) version 1.7047 (/usr/bin/cpanm)\n")
                }
                "Bad" => Output::failure(1, "! Couldn't find module"),
                _ if files.text("/order").as_deref() == Some(&words) => {
                    Output::success("Own is up to date. (1.0)\n")
                }
                _ => {
                    files.put("/order", words);
                    Output::success("1 distribution installed\n")
                }
            }
        });
        host.program("perl", |files, program| {
            let order = files.text("/order").unwrap_or_default();
            let name = program.args[1].trim_start_matches("use ").trim_end_matches(';');
            let is_there = order.ends_with(name.split(' ').next().unwrap_or_default());
            if is_there { Output::success("") } else { Output::failure(2, "Can't locate") }
        });
        host
    }

    #[test]
    fn modules_are_kept() {
        let mut host = host();
        for (args, changed, order) in [
            (json!({"name": "Own"}), true, "Own"),
            (json!({"name": "Own"}), false, "Own"),
            (json!({"name": "Own", "version": "1.0"}), true, "Own~1.0"),
            (json!({"name": "Own", "version": "@1.0"}), true, "Own@1.0"),
            (json!({"name": "git://x/o.git", "version": "v1"}), true, "git://x/o.git@v1"),
            (
                json!({"name": "Own", "notest": true, "locallib": "/l", "mirror": "m", "mirror_only": true, "installdeps": true, "install_recommendations": false, "install_suggestions": true}),
                true,
                "--notest --local-lib /l --mirror m --mirror-only --installdeps --without-recommends --with-suggests Own",
            ),
            (json!({"name": "x/y", "name_check": "Own"}), false, ""),
            (json!({"name": "Own", "mode": "compatibility", "version": "1"}), false, ""),
            (json!({"from_path": "/src"}), true, "/src"),
        ] {
            let done = run("cpanm", &args, "", "", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
            assert_eq!(done.returned["cpanm_version"], "1.7047");
            if changed {
                assert_eq!(host.files.text("/order").as_deref(), Some(order), "{args}");
            }
        }
        let check = Mode { check: true, diff: false };
        assert!(run("cpanm", &json!({"name": "New"}), "", "", check, &mut host).skipped);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (args, words) in [
            (json!({}), "one of the following is required: name, from_path"),
            (json!({"name": "a", "from_path": "/src"}), "mutually exclusive when 'mode=new'"),
            (
                json!({"name": "a", "mode": "compatibility", "name_check": "a"}),
                "can only be used with mode=new",
            ),
            (json!({"name": "x.tar.gz", "version": "1"}), "installing from a file"),
            (json!({"from_path": "/src", "version": "1"}), "installing from a directory"),
            (json!({"name": "x.git", "version": "~1"}), "operator '~' not allowed"),
            (json!({"name": "Bad"}), "Couldn't find module"),
            (json!({"name": "a", "executable": "/none"}), "no program /none"),
        ] {
            let msg = run("cpanm", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
