//! The `pip` module.

mod requirement;
mod version;

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Output, Program, Returned,
    path::split_words,
};
use protocol::{Json, Response};

use crate::{download::temporary_folder, tool};
use requirement::{Requirement, recover};

/// Installs and removes packages of Python.
///
/// pip of the host's own Python is used, of a virtual environment (which is made where it is not
/// there), or another one. In check mode, what pip alone could know (`latest`, requirement files,
/// arguments of its own) is told as a change.
#[derive(Debug, Arguments)]
#[arguments(
    required_one_of(["name", "requirements"]),
    mutually_exclusive(["name", "requirements"], ["executable", "virtualenv"])
)]
pub struct Pip {
    /// Packages, with specifiers of versions if need be, or addresses of archives and repositories.
    name: Option<Vec<String>>,
    /// The version, for one package.
    version: Option<String>,
    /// A file of requirements on the host.
    requirements: Option<String>,
    /// A virtual environment, made where it is not there.
    virtualenv: Option<PathBuf>,
    /// Whether a new environment sees the host's own packages.
    #[argument(default = false)]
    virtualenv_site_packages: bool,
    /// What makes environments: a program, or `python3 -m venv`.
    #[argument(default = "virtualenv", kind = "path")]
    virtualenv_command: String,
    /// The Python of a new environment; for `virtualenv` alone.
    virtualenv_python: Option<String>,
    /// What should be: `latest` updates, `forcereinstall` installs anew each time.
    #[argument(default = "present")]
    state: State,
    /// Arguments for pip.
    extra_args: Option<String>,
    /// Whether it is installed as a link to its sources.
    #[argument(default = false)]
    editable: bool,
    /// Folder in which pip runs.
    chdir: Option<PathBuf>,
    /// The Python that the inventory names.
    #[argument(internal)]
    interpreter: Option<String>,
    /// Name or path of the pip that is used.
    executable: Option<PathBuf>,
    /// Permissions that new files do not get, in octal digits.
    umask: Option<String>,
    /// Whether a Python that the distribution keeps may be changed.
    #[argument(default = false)]
    break_system_packages: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Absent,
    Forcereinstall,
    Latest,
    Present,
}

impl Documented for Pip {
    const NAME: &'static str = "ansible.builtin.pip";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A package", args: r#"{"name": "bottle>0.10,<0.20"}"# },
        Example {
            title: "In an environment of its own",
            args: r#"{"name": ["flask", "gunicorn"], "virtualenv": "/srv/app/venv", "virtualenv_command": "python3 -m venv"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("cmd", "How pip was run.", "always", r#"["pip3", "install", "x"]"#),
        Returned::new("name", "The packages.", "with `name`", r#"["x"]"#),
        Returned::new("requirements", "The file of requirements.", "if given", r#""/srv/r.txt""#),
        Returned::new("version", "The version.", "if given", r#""1.0""#),
        Returned::new("virtualenv", "The environment.", "if given", r#""/srv/venv""#),
        Returned::new("stdout", "What pip wrote.", "always", r#""Successfully installed x-1""#),
        Returned::new("stderr", "What it complained about.", "always", r#""""#),
    ];
}

/// Where pip runs, and as what.
struct Place {
    folder: PathBuf,
    environment: Option<PathBuf>,
    umask: Option<u32>,
}

impl Pip {
    fn place(&self, host: &dyn Host) -> Result<Place, Failure> {
        let umask = match &self.umask {
            None => None,
            Some(text) => Some(u32::from_str_radix(text, 8).map_err(|why| {
                Failure::new("umask must be an octal integer").with("details", why.to_string())
            })?),
        };
        let environment = match (&self.virtualenv, &self.chdir) {
            (Some(environment), Some(folder)) => Some(folder.join(environment)),
            (environment, _) => environment.clone(),
        };
        let folder = match &self.chdir {
            Some(folder) => folder.clone(),
            None => temporary_folder(host, None)?,
        };
        Ok(Place { folder, environment, umask })
    }

    fn packages(&self) -> Result<Vec<Requirement>, Failure> {
        let names = recover(self.name.as_deref().unwrap_or_default());
        let mut all: Vec<Requirement> = names.iter().map(|name| Requirement::parse(name)).collect();
        let Some(version) = &self.version else { return Ok(all) };
        if self.state == State::Latest {
            return Err(Failure::new("version is incompatible with state=latest"));
        }
        match all.as_mut_slice() {
            [] => {}
            [one] if one.has_specifier() => {
                return Err(Failure::new(
                    "The 'version' argument conflicts with any version specifier provided along with a package name. Please keep the version specifier, but remove the 'version' argument.",
                ));
            }
            [one] => *one = one.of_version(version),
            _ => {
                return Err(Failure::new(
                    "'version' argument is ambiguous when installing multiple package distributions. Please specify version restrictions next to each package in 'name' argument.",
                ));
            }
        }
        Ok(all)
    }

    /// The words that start pip.
    fn pip(&self, host: &dyn Host, place: &Place) -> Result<Vec<String>, Failure> {
        if let Some(environment) = &place.environment {
            let folder = environment.join("bin");
            for name in ["pip3", "pip"] {
                let path = folder.join(name);
                if host.metadata(&path)?.is_some() {
                    return Ok(vec![path.display().to_string()]);
                }
            }
            return Err(Failure::new(format!(
                "Unable to find pip in the virtualenv, {}, under any of these names: pip3, pip. Make sure pip is present in the virtualenv.",
                environment.display()
            )));
        }
        if let Some(executable) = &self.executable {
            let name = executable.display().to_string();
            if !executable.is_absolute() && host.which(&name).is_none() {
                return Err(missing(&name));
            }
            return Ok(vec![name]);
        }
        let python = python(self.interpreter.as_deref(), host)?;
        let has_pip = Program::new(&python).args(["-c", "import pip"]);
        if tool::ask_whether(host, &has_pip)?.is_some() {
            return Ok(vec![python, "-m".into(), "pip".into()]);
        }
        match host.which("pip3") {
            Some(path) => Ok(vec![path.display().to_string()]),
            None => Err(missing("pip3")),
        }
    }

    fn program(&self, words: &[String], place: &Place, host: &dyn Host) -> Program {
        let (name, args) = words
            .split_first()
            .map_or((String::new(), &[][..]), |(name, args)| (name.clone(), args));
        let mut program = Program::new(name).args(args.iter().cloned());
        program.folder = Some(place.folder.clone());
        program.umask = place.umask;
        if self.break_system_packages {
            program = program.variable("PIP_BREAK_SYSTEM_PACKAGES", "1");
        }
        if let Some(environment) = &place.environment {
            // What is built may need programs of the environment.
            let path = host.variable("PATH").unwrap_or_default();
            program = program.variable("PATH", format!("{}/bin:{path}", environment.display()));
        }
        program
    }

    fn list(
        &self,
        host: &dyn Host,
        pip: &[String],
        place: &Place,
    ) -> Result<(String, Output), Failure> {
        let words = |tail: &[&str]| -> Vec<String> {
            pip.iter().cloned().chain(tail.iter().map(|word| (*word).to_owned())).collect()
        };
        let first = words(&["list", "--format=freeze"]);
        let output = host.query(&self.program(&first, place, host))?;
        if output.is_success() {
            return Ok((first.join(" "), output));
        }
        let second = words(&["freeze"]);
        let output = host.query(&self.program(&second, place, host))?;
        if output.is_success() {
            Ok((second.join(" "), output))
        } else {
            Err(failed(&second, &output))
        }
    }

    /// Makes the environment where it is not there; says what was written meanwhile.
    fn make_environment(
        &self,
        host: &mut dyn Host,
        place: &Place,
    ) -> Result<Option<Output>, Failure> {
        let Some(environment) = &place.environment else { return Ok(None) };
        if has_environment(host, environment)? {
            return Ok(None);
        }
        let mut words = split_words(&self.virtualenv_command).map_err(Failure::new)?;
        let is_venv = words.ends_with(&["-m".into(), "venv".into()])
            || words.first().is_some_and(|name| name.ends_with("pyvenv"));
        if self.virtualenv_site_packages {
            words.push("--system-site-packages".into());
        }
        if is_venv && self.virtualenv_python.is_some() {
            return Err(Failure::new(
                "virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command",
            ));
        }
        if !is_venv {
            let python = match &self.virtualenv_python {
                Some(python) => python.clone(),
                None => python(self.interpreter.as_deref(), host)?,
            };
            words.push(format!("-p{python}"));
        }
        words.push(environment.display().to_string());
        let outside = Place { environment: None, folder: place.folder.clone(), umask: place.umask };
        let output = host.execute(&self.program(&words, &outside, host))?;
        if output.is_success() { Ok(Some(output)) } else { Err(failed(&words, &output)) }
    }

    fn words(&self, pip: &[String], packages: &[Requirement]) -> Result<Vec<String>, Failure> {
        let verb: &[&str] = match self.state {
            State::Present => &["install"],
            State::Absent => &["uninstall", "-y"],
            State::Latest => &["install", "-U"],
            State::Forcereinstall => &["install", "-U", "--force-reinstall"],
        };
        let mut words: Vec<String> = pip.to_vec();
        words.extend(verb.iter().map(|word| (*word).to_owned()));
        let extra = self.extra_args.as_deref().unwrap_or_default();
        let extra = split_words(extra).map_err(Failure::new)?;
        let is_editable = extra.iter().any(|word| word == "-e");
        words.extend(extra);
        if self.editable && !is_editable {
            words.push("-e".into());
        }
        match &self.requirements {
            Some(file) if packages.is_empty() => words.extend(["-r".into(), file.clone()]),
            _ => words.extend(packages.iter().map(|one| one.text.clone())),
        }
        Ok(words)
    }
}

fn has_environment(host: &dyn Host, folder: &Path) -> Result<bool, Failure> {
    Ok(host.metadata(&folder.join("bin/activate"))?.is_some())
}

/// The Python that the inventory names, or the host's own.
fn python(named: Option<&str>, host: &dyn Host) -> Result<String, Failure> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let own = Path::new("/usr/bin/python3");
    let found = match host.which("python3") {
        None if host.metadata(own)?.is_some() => Some(own.to_owned()),
        None => host.which("python"),
        found => found,
    };
    found.map(|path| path.display().to_string()).ok_or_else(|| {
        Failure::new("no Python on the host (looked for /usr/bin/python3, python3 and python)")
    })
}

fn missing(name: &str) -> Failure {
    Failure::new(format!("Unable to find any of {name} to use.  pip needs to be installed."))
}

fn failed(words: &[String], output: &Output) -> Failure {
    let (stdout, stderr) = (output.stdout_text(), output.stderr_text());
    let mut msg = String::new();
    if !stdout.is_empty() {
        msg.push_str(&format!("stdout: {stdout}"));
    }
    if !stderr.is_empty() {
        msg.push_str(&format!("\n:stderr: {stderr}"));
    }
    Failure::new(msg).with("cmd", words.to_vec())
}

impl Action for Pip {
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let place = self.place(host)?;
        let packages = self.packages()?;
        let told = |changed| Response { changed, ..Response::default() };
        if let Some(environment) = &place.environment
            && !has_environment(host, environment)?
        {
            return Ok(told(true));
        }
        let pip = self.pip(host, &place)?;
        let is_unknown = self.extra_args.is_some()
            || self.editable
            || self.requirements.is_some()
            || matches!(self.state, State::Latest | State::Forcereinstall);
        if is_unknown || packages.is_empty() {
            return Ok(told(!packages.is_empty() || self.requirements.is_some()));
        }
        let (line, output) = self.list(host, &pip, &place)?;
        let listed = output.stdout_text();
        let wants = self.state == State::Present;
        let mut response = told(packages.iter().any(|one| one.is_in(&listed) != wants));
        response.returned.insert("cmd".into(), line.into());
        response.returned.insert("stdout".into(), listed.into());
        response.returned.insert("stderr".into(), output.stderr_text().into());
        Ok(response)
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let place = self.place(host)?;
        let packages = self.packages()?;
        let made = self.make_environment(host, &place)?;
        let pip = self.pip(host, &place)?;
        if packages.is_empty() && self.requirements.is_none() {
            return Ok(Response {
                warnings: vec!["No valid name or requirements file found.".into()],
                ..Response::default()
            });
        }
        let words = self.words(&pip, &packages)?;
        // What comes from a file or from sources says nothing reliable of what it did.
        let compares =
            self.requirements.is_some() || packages.iter().any(Requirement::is_of_sources);
        let list = |host: &dyn Host| -> Result<Option<String>, Failure> {
            if !compares {
                return Ok(None);
            }
            Ok(Some(self.list(host, &pip, &place)?.1.stdout_text()))
        };
        let before = list(host)?;
        let program = self.program(&words, &place, host);
        let output = host.execute(&program)?;
        let (own_stdout, own_stderr) = (output.stdout_text(), output.stderr_text());
        let was_missing = self.state == State::Absent
            && output.status == 1
            && (own_stdout.contains("not installed") || own_stderr.contains("not installed"));
        if !output.is_success() && !was_missing {
            return Err(failed(&words, &output));
        }
        let changed = match (&before, self.state) {
            (_, State::Absent) => own_stdout.contains("Successfully uninstalled"),
            (None, _) => own_stdout.contains("Successfully installed"),
            (before, _) => *before != list(host)?,
        };
        let mut response = Response { changed: changed || made.is_some(), ..Response::default() };
        let (stdout, stderr) =
            made.map(|made| (made.stdout_text(), made.stderr_text())).unwrap_or_default();
        let values: [(&str, Json); 8] = [
            ("cmd", words.into()),
            ("name", self.name.clone().into()),
            ("version", self.version.clone().into()),
            ("state", self.state.as_str().into()),
            ("requirements", self.requirements.clone().into()),
            ("virtualenv", place.environment.map(|path| path.display().to_string()).into()),
            ("stdout", (stdout + &own_stdout).into()),
            ("stderr", (stderr + &own_stderr).into()),
        ];
        response.returned.extend(values.map(|(name, value)| (name.to_owned(), value)));
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put_dirs("/tmp");
        host.put("/usr/bin/python3", "");
        host.put("/run/list", "six==1.16\n");
        host.program("python3", |_, _| Output::failure(9, "asked by name"));
        host.program("/usr/bin/python3", |files, program| {
            let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
            match words.as_slice() {
                ["-c", "import pip"] => Output::success(""),
                ["-m", "venv", folder] => {
                    files.put(&format!("{folder}/bin/activate"), "");
                    Output::success("")
                }
                ["-m", "pip", "list", ..] => Output::success(files.text("/run/list").unwrap()),
                ["-m", "pip", "install", rest @ ..] => {
                    let old = files.text("/run/list").unwrap();
                    let name = rest.last().unwrap();
                    if old.contains(&format!("{name}==")) {
                        return Output::success("Requirement already satisfied");
                    }
                    files.put("/run/list", format!("{old}{name}==1.0\n"));
                    Output::success(format!("Successfully installed {name}-1.0"))
                }
                ["-m", "pip", "uninstall", "-y", "six"] => {
                    files.put("/run/list", "");
                    Output::success("Successfully uninstalled six")
                }
                ["-m", "pip", "uninstall", ..] => Output::failure(1, "x is not installed"),
                _ => Output::failure(2, "no such verb"),
            }
        });
        host
    }

    #[test]
    fn packages_are_installed_once() {
        for (args, changed) in [
            (json!({"name": "six"}), false),
            (json!({"name": "flask"}), true),
            (json!({"name": "six", "state": "absent"}), true),
            (json!({"name": "nosuch", "state": "absent"}), false),
        ] {
            let mut host = host();
            let foretold = run("pip", &args, "", "", Mode { check: true, diff: false }, &mut host);
            assert_eq!(
                (foretold.failed, foretold.changed),
                (false, changed),
                "{args} {foretold:?}"
            );
            let done = run("pip", &args, "", "", Mode::default(), &mut host);
            assert_eq!((done.failed, done.changed), (false, changed), "{args} {done:?}");
        }
    }

    #[test]
    fn what_pip_cannot_be_asked_is_refused() {
        for (args, words) in [
            (json!({"name": ["a", "b"], "version": "1"}), "'version' argument is ambiguous"),
            (json!({"name": "a>1", "version": "1"}), "conflicts with any version specifier"),
            (json!({"name": "a", "version": "1", "state": "latest"}), "version is incompatible"),
            (json!({"name": "a", "umask": "9"}), "umask must be an octal integer"),
            (json!({"name": "a", "requirements": "/r"}), "mutually exclusive: name|requirements"),
            (json!({}), "one of the following is required: name, requirements"),
            (json!({"name": "a", "executable": "pip9"}), "Unable to find any of pip9"),
            (
                json!({"name": "a", "virtualenv": "/v", "virtualenv_command": "python3 -m venv", "virtualenv_python": "x"}),
                "virtualenv_python should not be used",
            ),
            (
                json!({"name": "a", "virtualenv": "/v", "virtualenv_command": "/usr/bin/python3 -m venv"}),
                "Unable to find pip in the virtualenv, /v",
            ),
        ] {
            let response = run("pip", &args, "", "", Mode::default(), &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
}
