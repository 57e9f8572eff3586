//! The `script` module: what runs on the host.
//!
//! The controller finds the script and decrypts it; it adds `_source`, and the words behind the
//! script's name as they are in `_raw_params` or `cmd`.

use std::path::PathBuf;

use module::{
    Action, Arguments, Documented, Example, Failure, FileMode, Guard, Host, Mode, Placement,
    Program, Returned, Source,
    host::Temporary,
    path::{quote, split_words},
};
use protocol::{
    Response,
    spec::{FreeForm, Support},
};

use crate::{command, execution::Execution};

/// Runs a script of the controller on the host.
///
/// It needs no Python there, but whatever its first line names. A check run skips it, but where
/// `creates` or `removes` lets it run it says that it would.
#[derive(Debug, Arguments)]
pub struct Script {
    /// Path of the script in the controller, and its arguments.
    #[argument(name = "_raw_params")]
    raw: Option<String>,
    /// The same, by name.
    cmd: Option<String>,
    /// It is not run where a file fits this path or pattern.
    creates: Option<String>,
    /// It is not run where no file fits this path or pattern.
    removes: Option<String>,
    /// Folder in which it runs.
    chdir: Option<PathBuf>,
    /// Program (and arguments) that runs the script, instead of what its first line names.
    executable: Option<String>,
    /// Whether a script that ansible-vault encrypted is decrypted. The controller does it.
    #[argument(default = true)]
    #[expect(dead_code, reason = "the controller acts on it")]
    decrypt: bool,
    #[argument(internal)]
    source: Option<Source>,
}

impl Documented for Script {
    const NAME: &'static str = "ansible.builtin.script";
    const EXAMPLES: &'static [Example] = &[
        Example { title: "A script", args: r#"{"_raw_params": "setup.sh --fast"}"# },
        Example {
            title: "Once, with a program of its own",
            args: r#"{"cmd": "setup.pl", "executable": "perl -w", "creates": "/srv/done"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = command::RETURNS;
    const CHECK_MODE: Support = Support::Partial;
    const DIFF_MODE: Support = Support::None;
    const FREE_FORM: FreeForm = FreeForm::Raw;
}

impl Script {
    /// What stands behind the script's name, for a shell.
    fn rest(&self) -> Result<&str, Failure> {
        let given = [&self.raw, &self.cmd].into_iter().flatten();
        let mut given = given.map(String::as_str).filter(|line| !line.trim().is_empty());
        let line = given
            .next()
            .ok_or_else(|| Failure::new("one of the following is required: _raw_params, cmd"))?;
        split_words(line).map_err(|why| {
            Failure::new(format!("the script's line cannot be split: {why}: {line}"))
        })?;
        Ok(behind_first_word(line.trim_start()))
    }

    fn execution(&self) -> Execution<'_> {
        Execution {
            shown: protocol::Json::Null,
            creates: self.creates.as_deref(),
            removes: self.removes.as_deref(),
            chdir: self.chdir.as_ref(),
            stdin: None,
            strip_empty_ends: false,
        }
    }
}

impl Action for Script {
    fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        let guard = self.execution().guard(host, mode)?;
        Ok(match guard {
            Guard::Stay(mut response) => {
                // Unlike `command`, a script that is held back is skipped.
                response.skipped = true;
                response.returned.clear();
                let pattern = self.creates.as_ref().or(self.removes.as_ref());
                let pattern = pattern.map(String::as_str).unwrap_or_default();
                let what = if self.creates.is_some() { "exists" } else { "does not exist" };
                response.msg = Some(format!(
                    "{pattern} {what}, matching {} option",
                    match self.creates {
                        Some(_) => "creates",
                        None => "removes",
                    }
                ));
                Guard::Stay(response)
            }
            Guard::Go => Guard::Go,
        })
    }

    fn foretell(&self, _: &dyn Host) -> Result<Response, Failure> {
        self.rest()?;
        Ok(self.execution().foretell())
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let rest = self.rest()?;
        let Some(source) = &self.source else {
            return Err(Failure::new(
                "bug in trueup: script was sent to a host without the script",
            ));
        };
        let folder = host.variable("TMPDIR").filter(|path| !path.is_empty());
        let folder = host.make_temporary(&Temporary {
            folder: folder.unwrap_or_else(|| "/tmp".into()).into(),
            prefix: ".trueup-script-".into(),
            suffix: String::new(),
            is_dir: true,
        })?;
        let path = folder.join(if source.name.is_empty() { "script" } else { &source.name });
        let result = self.run(host, source, &path, rest);
        // Nothing is left behind, whatever became of the script.
        let removed = host.remove_dir_all(&folder);
        let response = result?;
        removed?;
        Ok(response)
    }
}

/// A shell's line without its first word.
fn behind_first_word(line: &str) -> &str {
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => return line.get(at..).unwrap_or_default(),
            (None, '\'' | '"') => quote = Some(c),
            (None | Some('"'), '\\') => drop(chars.next()),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    ""
}

impl Script {
    /// Runs it by a shell, as Ansible does: one without a first line is the shell's own then, and
    /// what stands behind its name may have variables and redirections.
    fn run(
        &self,
        host: &mut dyn Host,
        source: &Source,
        path: &std::path::Path,
        rest: &str,
    ) -> Result<Response, Failure> {
        let mut content = host.blob(&source.digest)?;
        let placement = Placement { mode: Some(FileMode::new(0o700)), ..Placement::default() };
        host.write(path, &mut *content, &placement)?;
        let mut line = quote(&path.display().to_string());
        line.push_str(rest);
        if let Some(executable) = &self.executable {
            line.insert_str(0, &format!("{executable} "));
        }
        let program = Program::new("/bin/sh").args(["-c".to_owned(), line]);
        let mut response = self.execution().execute(host, program)?;
        for name in ["cmd", "start", "end", "delta"] {
            response.returned.remove(name);
        }
        response.msg = response.msg.filter(|_| response.failed);
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::behind_first_word;

    #[test]
    fn the_rest_of_a_line_is_left_to_the_shell() {
        for (line, rest) in [
            ("a.sh", ""),
            ("a.sh $HOME > /tmp/x", " $HOME > /tmp/x"),
            ("'my script.sh' \"a b\"", " \"a b\""),
            ("my\\ script.sh  1", "  1"),
            ("\"a'b\" c", " c"),
        ] {
            assert_eq!(behind_first_word(line), rest, "{line}");
        }
    }
}
