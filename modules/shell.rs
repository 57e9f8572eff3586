//! The `shell` module.

use std::path::PathBuf;

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
};
use protocol::{
    Json, Response,
    spec::{FreeForm, Support},
};

use crate::{
    command,
    execution::{Execution, nothing_run, stdin_bytes},
};

/// Runs a command line with a shell.
///
/// It runs each time unless `creates` or `removes` says that there is nothing to do. A check run
/// skips it, but where such a guard lets it run it says that it would.
#[derive(Debug, Arguments)]
pub struct Shell {
    /// The command line.
    #[argument(name = "_raw_params")]
    raw: Option<String>,
    /// The same, by name.
    cmd: Option<String>,
    /// Folder in which it runs.
    chdir: Option<PathBuf>,
    /// The shell, a path; `/bin/sh` where it is left out.
    executable: Option<PathBuf>,
    /// It is not run where a file fits this path or pattern.
    creates: Option<PathBuf>,
    /// It is not run where no file fits this path or pattern.
    removes: Option<PathBuf>,
    /// What it reads.
    stdin: Option<String>,
    /// Whether a line end is added to `stdin`.
    #[argument(default = true)]
    stdin_add_newline: bool,
    /// Whether line ends at the end of the output are taken away. Ansible documents it for
    /// `command` alone, and takes it here as well.
    #[argument(default = true)]
    strip_empty_ends: bool,
    /// Refused: the shell itself expands variables. `command` alone has this argument.
    expand_argument_vars: Option<Json>,
}

impl Documented for Shell {
    const NAME: &'static str = "ansible.builtin.shell";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A pipe", args: r#"{"_raw_params": "ps ax | wc -l"}"# },
        Example {
            title: "Another shell, once",
            args: r#"{"cmd": "make > log", "executable": "/bin/bash", "creates": "/srv/log"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = command::RETURNS;
    const CHECK_MODE: Support = Support::Partial;
    const DIFF_MODE: Support = Support::None;
    const FREE_FORM: FreeForm = FreeForm::Raw;
}

impl Shell {
    fn line(&self) -> Result<&str, Failure> {
        let given = [&self.raw, &self.cmd].into_iter().flatten();
        let mut given = given.map(String::as_str).filter(|line| !line.trim().is_empty());
        given.next().ok_or_else(|| nothing_run("no command given"))
    }

    fn execution(&self) -> Result<Execution<'_>, Failure> {
        Ok(Execution {
            shown: self.line()?.into(),
            creates: self.creates.as_deref().and_then(|path| path.to_str()),
            removes: self.removes.as_deref().and_then(|path| path.to_str()),
            chdir: self.chdir.as_ref(),
            stdin: stdin_bytes(self.stdin.as_deref(), self.stdin_add_newline),
            strip_empty_ends: self.strip_empty_ends,
        })
    }
}

impl Action for Shell {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        if self.expand_argument_vars.is_some() {
            return Err(Failure::new(
                "Unsupported parameters for (shell) module: expand_argument_vars",
            ));
        }
        self.execution()?.guard(host, mode)
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(self.execution()?.foretell())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let shell = match &self.executable {
            Some(shell) => shell.display().to_string(),
            None => "/bin/sh".into(),
        };
        let program = Program::new(shell).args(["-c", self.line()?]);
        self.execution()?.execute(host, program)
    }
}
