//! The `make` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Output, Program, Returned,
    host::succeeded,
};
use protocol::{Json, JsonMap, Response, python, spec::Support};

/// Makes a target, unless it is made.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["target", "targets"]))]
pub struct Make {
    /// The folder.
    chdir: PathBuf,
    /// The target; the first of the file where it is left out.
    target: Option<String>,
    /// Several targets.
    targets: Option<Vec<String>>,
    /// Variables, or flags where they have no value.
    params: Option<JsonMap>,
    /// The file.
    file: Option<PathBuf>,
    /// The program; `gmake` or `make` where it is left out.
    make: Option<PathBuf>,
    /// How many things are made at once.
    jobs: Option<i64>,
}

impl Documented for Make {
    const NAME: &'static str = "community.general.make";
    const ALIASES: &'static [&'static str] = &["make"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "A target with a variable",
        args: r#"{"chdir": "/srv/project", "target": "install", "params": {"PREFIX": "/usr/local"}}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("command", "The line.", "success", r#""make install""#),
        Returned::new("stdout", "What was said.", "success", r#""""#),
        Returned::new("stderr", "What was complained of.", "success", r#""""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Make {
    fn program(&self, host: &dyn Host) -> Program {
        let name = match &self.make {
            Some(path) => path.display().to_string(),
            None if host.which("gmake").is_some() => "gmake".into(),
            None => "make".into(),
        };
        let mut program = Program::new(name);
        if let Some(jobs) = self.jobs {
            program = program.args(["-j", &jobs.to_string()]);
        }
        if let Some(file) = &self.file {
            program = program.args(["-f", &file.display().to_string()]);
        }
        program = program.args(self.target.clone()).args(self.targets.clone().unwrap_or_default());
        for (name, value) in self.params.iter().flatten() {
            program = match value {
                Json::Null => program.arg(name),
                value => program.arg(format!("{name}={}", python::text(value))),
            };
        }
        program.folder = Some(self.chdir.clone());
        program
    }

    fn answer(&self, host: &dyn Host, changed: bool, output: &Output) -> Response {
        let text = |bytes: String| Json::from(bytes.trim_end_matches(['\r', '\n']));
        let path =
            |path: &Option<PathBuf>| Json::from(path.as_ref().map(|it| it.display().to_string()));
        let returned = JsonMap::from_iter([
            ("stdout".to_owned(), text(output.stdout_text())),
            ("stderr".to_owned(), text(output.stderr_text())),
            ("target".to_owned(), self.target.clone().into()),
            ("targets".to_owned(), self.targets.clone().into()),
            ("params".to_owned(), self.params.clone().into()),
            ("chdir".to_owned(), self.chdir.display().to_string().into()),
            ("file".to_owned(), path(&self.file)),
            ("jobs".to_owned(), self.jobs.into()),
            ("command".to_owned(), self.program(host).line().into()),
        ]);
        Response { changed, returned, ..Response::default() }
    }

    /// What `make -q` says: its status is 0 where all is made.
    fn question(&self, host: &dyn Host) -> Result<Output, Failure> {
        Ok(host.query(&self.program(host).arg("-q"))?)
    }
}

impl Action for Make {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        if !host.metadata(&self.chdir)?.is_some_and(|found| found.is_dir()) {
            return Err(Failure::new(format!("{} is no folder", self.chdir.display())));
        }
        let output = self.question(host)?;
        match output.is_success() {
            true => Ok(Guard::Stay(Box::new(self.answer(host, false, &output)))),
            false => Ok(Guard::Go),
        }
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let output = self.question(host)?;
        Ok(self.answer(host, true, &output))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let program = self.program(host);
        let output = host.execute(&program)?;
        let output = succeeded(&program, output)?;
        Ok(self.answer(host, true, &output))
    }
}

#[cfg(test)]
mod tests {
    use module::fake::FakeHost;
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    #[test]
    fn targets_are_made_once() {
        let mut host = FakeHost::default();
        host.put_dirs("/p");
        host.program("make", |files, program| {
            let is_question = program.args.last().is_some_and(|word| word == "-q");
            match (is_question, files.text("/p/made")) {
                (true, None) => Output::failure(1, ""),
                (true, Some(_)) => Output::success(""),
                _ if program.args.iter().any(|word| word == "broken") => {
                    Output::failure(2, "No rule")
                }
                _ => {
                    files.put("/p/made", program.args.join(" "));
                    Output::success("done\n")
                }
            }
        });
        let broken = json!({"chdir": "/p", "target": "broken"});
        let response = run("make", &broken, "", "", Mode::default(), &mut host);
        assert!(response.failed && response.msg.unwrap().contains("No rule"));
        let args = json!({
            "chdir": "/p", "targets": ["a", "b"], "params": {"X": 1, "--silent": null}, "jobs": 2,
        });
        for (check, changed) in [(true, true), (false, true), (false, false), (true, false)] {
            let mode = Mode { check, diff: false };
            let response = run("make", &args, "", "", mode, &mut host);
            assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
            assert_eq!(response.returned["command"], "make -j 2 a b X=1 --silent");
        }
        for (args, words) in [
            (json!({"chdir": "/none"}), "/none is no folder"),
            (json!({"chdir": "/p", "target": "a", "targets": ["b"]}), "mutually exclusive"),
        ] {
            let response = run("make", &args, "", "", Mode::default(), &mut host);
            assert!(response.msg.unwrap_or_default().contains(words), "{args}");
        }
    }
}
