//! The `command` module.

use std::path::PathBuf;

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Program, Returned,
    path::{expand, split_words},
};
use protocol::{
    Json, Response,
    spec::{FreeForm, Support},
};

use crate::execution::{Execution, nothing_run, stdin_bytes};

/// Runs a program, without a shell.
///
/// Words are split as a shell would, and `$NAME` and `~` are replaced, but pipes, redirections and
/// globs are plain text: use `shell` where they are meant.
///
/// It runs each time unless `creates` or `removes` says that there is nothing to do. A check run
/// skips it, but where such a guard lets it run it says that it would.
#[derive(Debug, Arguments)]
pub struct Command {
    /// The program and its arguments as one text.
    #[argument(name = "_raw_params")]
    raw: Option<String>,
    /// The same, by name.
    cmd: Option<String>,
    /// The program and its arguments as a list, which is not split.
    argv: Option<Vec<String>>,
    /// Whether `$NAME` and `~` in the arguments are replaced.
    #[argument(default = true)]
    expand_argument_vars: bool,
    /// Folder in which it runs.
    chdir: Option<PathBuf>,
    /// Shell to run it with. Kept for old playbooks: `command` has no shell and ignores it.
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
    /// Whether line ends at the end of the output are taken away.
    #[argument(default = true)]
    strip_empty_ends: bool,
}

/// What all modules that run a program return.
pub const RETURNS: &[Returned] = &[
    Returned::new("cmd", "What was run.", "always", r#"["echo", "hello"]"#),
    Returned::new("rc", "Exit status; negative for a signal.", "always", "0"),
    Returned::new("stdout", "What it wrote.", "always", r#""hello""#),
    Returned::new("stderr", "What it complained about.", "always", r#""""#),
    Returned::new(
        "start",
        "Local time of its start.",
        "when run",
        r#""2026-11-21 05:25:16.076079""#,
    ),
    Returned::new("end", "Local time of its end.", "when run", r#""2026-11-21 05:25:16.101406""#),
    Returned::new("delta", "How long it took.", "when run", r#""0:00:00.025327""#),
];

impl Documented for Command {
    const NAME: &'static str = "ansible.builtin.command";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A program", args: r#"{"_raw_params": "cat /etc/motd"}"# },
        Example {
            title: "Only where its result is not there",
            args: r#"{"cmd": "make-database db", "creates": "/srv/db", "chdir": "/srv"}"#,
        },
        Example { title: "Without splitting", args: r#"{"argv": ["ls", "/srv/with space"]}"# },
    ];
    const RETURNS: &'static [Returned] = RETURNS;
    const CHECK_MODE: Support = Support::Partial;
    const DIFF_MODE: Support = Support::None;
    const FREE_FORM: FreeForm = FreeForm::Raw;
}

impl Command {
    fn words(&self) -> Result<Vec<String>, Failure> {
        let text = self.raw.as_deref().filter(|text| !text.trim().is_empty());
        let text = text.or(self.cmd.as_deref()).filter(|text| !text.trim().is_empty());
        match (text, &self.argv) {
            (Some(_), Some(_)) => Err(nothing_run("only command or argv can be given, not both")),
            (Some(text), None) => split_words(text)
                .map_err(|why| Failure::new(format!("the command cannot be split: {why}: {text}"))),
            (None, Some(words)) if !words.is_empty() => Ok(words.clone()),
            _ => Err(nothing_run("no command given")),
        }
    }

    fn execution(&self) -> Result<Execution<'_>, Failure> {
        Ok(Execution {
            shown: Json::from(self.words()?),
            creates: self.creates.as_deref().and_then(|path| path.to_str()),
            removes: self.removes.as_deref().and_then(|path| path.to_str()),
            chdir: self.chdir.as_ref(),
            stdin: stdin_bytes(self.stdin.as_deref(), self.stdin_add_newline),
            strip_empty_ends: self.strip_empty_ends,
        })
    }
}

impl Action for Command {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        self.execution()?.guard(host, mode)
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        Ok(self.execution()?.foretell())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let mut words = self.words()?;
        if self.expand_argument_vars {
            for word in &mut words {
                *word = expand(host, word);
            }
        }
        let mut words = words.into_iter();
        let program = Program::new(words.next().unwrap_or_default()).args(words);
        let mut response = self.execution()?.execute(host, program)?;
        if let Some(shell) = &self.executable {
            response.warnings.push(format!(
                "the parameter 'executable' is no longer supported with the 'command' module. Not using '{}'.",
                shell.display()
            ));
        }
        Ok(response)
    }
}
