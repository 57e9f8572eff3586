//! The `bundler` module of the collection `community.general`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Choices, Documented, Example, Failure, Host, Program, Returned,
    host::succeeded,
};
use protocol::{JsonMap, Response, spec::Support};

use crate::tool;

/// Keeps the gems that a project's Gemfile names.
#[derive(Debug, Arguments)]
pub struct Bundler {
    /// The program, with words behind it where they are wanted.
    executable: Option<PathBuf>,
    /// What should be; `latest` takes newer ones too.
    #[argument(default = "present")]
    state: State,
    /// The folder of the project.
    chdir: Option<PathBuf>,
    /// Groups of the Gemfile that are left out.
    exclude_groups: Option<Vec<String>>,
    /// Whether gems that it does not name go.
    #[argument(default = false)]
    clean: bool,
    /// Another Gemfile.
    gemfile: Option<PathBuf>,
    /// Whether only what is on the host is used.
    #[argument(default = false)]
    local: bool,
    /// Whether gems go into the project, as its lock file says.
    #[argument(default = false)]
    deployment_mode: bool,
    /// Whether they are the user's own rather than for all.
    #[argument(default = true)]
    user_install: bool,
    /// Another folder for them.
    gem_path: Option<PathBuf>,
    /// A folder for their programs.
    binstub_directory: Option<PathBuf>,
    /// More words for Bundler.
    extra_args: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
enum State {
    Present,
    Latest,
}

impl Documented for Bundler {
    const NAME: &'static str = "community.general.bundler";
    const ALIASES: &'static [&'static str] = &["bundler"];
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What a project needs in production",
        args: r#"{"chdir": "/srv/site", "exclude_groups": ["development", "test"]}"#,
    }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("stdout", "What Bundler said.", "always", r#""Bundle complete!""#),
        Returned::new("stderr", "What it complained of.", "always", r#""""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Bundler {
    fn program(&self, host: &dyn Host) -> Result<Program, Failure> {
        let default = if host.which("bundle").is_some() { "bundle" } else { "bundler" };
        let mut program = tool::executable(self.executable.as_deref(), default)?;
        program.folder = self.chdir.clone();
        Ok(program)
    }

    fn order(&self, host: &dyn Host) -> Result<Program, Failure> {
        let mut program = self.program(host)?;
        let path = |path: &PathBuf| path.display().to_string();
        match self.state {
            State::Latest => program = program.arg("update"),
            State::Present => {
                program = program.arg("install");
                if let Some(groups) = self.exclude_groups.as_ref().filter(|all| !all.is_empty()) {
                    program = program.args(["--without", &groups.join(":")]);
                }
                program = program.args(self.clean.then_some("--clean"));
                if let Some(file) = &self.gemfile {
                    program = program.args(["--gemfile".to_owned(), path(file)]);
                }
            }
        }
        program = program.args(self.local.then_some("--local"));
        if self.state == State::Present {
            program = program
                .args(self.deployment_mode.then_some("--deployment"))
                .args((!self.user_install).then_some("--system"));
            for (word, folder) in
                [("--path", &self.gem_path), ("--binstubs", &self.binstub_directory)]
            {
                if let Some(folder) = folder {
                    program = program.args([word.to_owned(), path(folder)]);
                }
            }
        }
        let more = self.extra_args.as_deref().unwrap_or_default();
        Ok(program.args(more.split(' ').filter(|word| !word.is_empty())))
    }

    fn answer(&self, changed: bool, stdout: String, stderr: String) -> Response {
        let returned = JsonMap::from_iter([
            ("state".to_owned(), self.state.as_str().into()),
            ("stdout".to_owned(), stdout.into()),
            ("stderr".to_owned(), stderr.into()),
        ]);
        Response { changed, returned, ..Response::default() }
    }
}

impl Action for Bundler {
    /// Bundler tells whether all is there; of newer gems it says nothing.
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let mut program = self.program(host)?.arg("check");
        if let Some(file) = &self.gemfile {
            program = program.args(["--gemfile".to_owned(), file.display().to_string()]);
        }
        let output = host.query(&program)?;
        Ok(self.answer(!output.is_success(), output.stdout_text(), output.stderr_text()))
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let program = self.order(host)?;
        let output = host.execute(&program)?;
        let output = succeeded(&program, output)?;
        let stdout = output.stdout_text();
        // Bundler names each gem that it puts in place.
        let changed = stdout.contains("Installing ");
        Ok(self.answer(changed, stdout, output.stderr_text()))
    }
}

#[cfg(test)]
mod tests {
    use module::{Mode, Output, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.program("bundle", |files, program| {
            let words = program.args.join(" ");
            let folder = program.folder.as_ref().map(|path| path.display().to_string());
            if folder.as_deref() != Some("/srv/site") {
                return Output::failure(10, "Could not locate Gemfile");
            }
            let is_there = files.text("/done").is_some();
            match words.split(' ').next() {
                Some("check") if is_there => Output::success("satisfied"),
                Some("check") => Output::failure(1, "The following gems are missing"),
                _ if is_there => Output::success(format!("Using rake 1.0\n{words}")),
                _ => {
                    files.put("/done", "");
                    Output::success(format!("Installing rake 1.0\n{words}"))
                }
            }
        });
        host
    }

    #[test]
    fn gems_of_a_project_are_kept() {
        let mut host = host();
        for (args, changed, words) in [
            (
                json!({"exclude_groups": ["test", "dev"], "clean": true, "gem_path": "v", "user_install": false}),
                true,
                "install --without test:dev --clean --system --path v",
            ),
            (
                json!({"deployment_mode": true, "binstub_directory": "b"}),
                false,
                "install --deployment --binstubs b",
            ),
            (json!({"gemfile": "G", "local": true}), false, "install --gemfile G --local"),
            (
                json!({"state": "latest", "clean": true, "extra_args": "--jobs 2"}),
                false,
                "update --jobs 2",
            ),
        ] {
            let check = Mode { check: true, diff: false };
            let foretold = run("bundler", &args, "chdir", "/srv/site", check, &mut host);
            let done = run("bundler", &args, "chdir", "/srv/site", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
            let said = done.returned["stdout"].as_str().unwrap_or_default();
            assert!(said.ends_with(&format!("\n{words}")), "{args}: {said}");
        }
    }

    #[test]
    fn what_bundler_refuses_is_told() {
        for (args, words) in [
            (json!({"chdir": "/nowhere"}), "Could not locate Gemfile"),
            (json!({"executable": "/none"}), "no program /none"),
            (json!({"state": "absent"}), "value of state must be one of"),
        ] {
            let msg = run("bundler", &args, "", "", Mode::default(), &mut host()).msg;
            assert!(msg.as_deref().unwrap_or_default().contains(words), "{args}: {msg:?}");
        }
    }
}
