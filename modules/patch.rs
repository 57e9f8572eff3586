//! The `patch` module of the collection `ansible.posix`.

use std::path::{Path, PathBuf};

use module::{
    Action, Arguments, Documented, Example, Failure, Guard, Host, Mode, Program, Source,
    host::{Access, succeeded},
};
use protocol::{Response, spec::Support};

use crate::presence::Presence;

/// Applies a patch to files, or takes it out of them.
#[derive(Debug, Arguments)]
#[arguments(required_one_of(["dest", "basedir"]))]
pub struct Patch {
    /// The folder that the patch's paths start from; that of `dest` where it is left out.
    basedir: Option<PathBuf>,
    /// The one file, whatever the patch calls it.
    #[argument(aliases("originalfile"))]
    dest: Option<PathBuf>,
    /// The patch: a file of the controller's, or with `remote_src` of the host's.
    #[argument(aliases("patchfile"))]
    src: PathBuf,
    /// Whether it should be applied.
    #[argument(default = "present")]
    state: Presence,
    /// Whether the patch is on the host already.
    #[argument(default = false)]
    remote_src: bool,
    /// How many folders at the start of its paths are left out.
    #[argument(default = 0)]
    strip: u32,
    /// Whether the old files are kept beside the new ones, with numbers.
    #[argument(default = false)]
    backup: bool,
    /// Whether ends of lines stay as they are.
    #[argument(default = false)]
    binary: bool,
    /// Whether white space counts.
    #[argument(default = false)]
    ignore_whitespace: bool,
    #[argument(internal)]
    source: Option<Source>,
}

impl Documented for Patch {
    const NAME: &'static str = "ansible.posix.patch";
    const ALIASES: &'static [&'static str] = &["patch"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A patch of the host's to one file",
            args: r#"{"src": "/etc/hosts", "dest": "/etc/hosts", "remote_src": true}"#,
        },
        Example {
            title: "Taken out of a folder again",
            args: r#"{"src": "/etc/hosts", "basedir": "/srv", "strip": 1, "remote_src": true, "state": "absent"}"#,
        },
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Patch {
    /// The patch's text.
    fn text(&self, host: &dyn Host) -> Result<Vec<u8>, Failure> {
        let src = self.src.display();
        let mut file = match (&self.source, self.remote_src) {
            (Some(source), false) => host.blob(&source.digest)?,
            (None, false) => {
                return Err(Failure::new(format!("the controller did not send {src}")));
            }
            (_, true) => host
                .open(&self.src)?
                .ok_or_else(|| Failure::new(format!("src {src} doesn't exist or not readable")))?,
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn folder(&self, host: &dyn Host) -> Result<PathBuf, Failure> {
        if let Some(dest) = &self.dest
            && !host.may(Access::Write, dest)
        {
            let dest = dest.display();
            return Err(Failure::new(format!("dest {dest} doesn't exist or not writable")));
        }
        match &self.basedir {
            Some(folder) if host.metadata(folder)?.is_none() => {
                Err(Failure::new(format!("basedir {} doesn't exist", folder.display())))
            }
            Some(folder) => Ok(folder.clone()),
            None => {
                let above = self.dest.as_deref().and_then(Path::parent);
                Ok(above.unwrap_or(Path::new("/")).to_owned())
            }
        }
    }

    fn program(
        &self,
        host: &dyn Host,
        words: &[&str],
        is_reverse: bool,
    ) -> Result<Program, Failure> {
        let folder = self.folder(host)?;
        let mut program = Program::new("patch")
            .args(["--quiet", "--forward"])
            .args(words.to_vec())
            .arg(format!("--strip={}", self.strip))
            .arg(format!("--directory={}", folder.display()));
        for (is_set, word) in [
            (self.binary, "--binary"),
            (self.ignore_whitespace, "--ignore-whitespace"),
            (is_reverse, "--reverse"),
        ] {
            program = if is_set { program.arg(word) } else { program };
        }
        if let Some(dest) = &self.dest {
            program = program.arg(dest.display().to_string());
        }
        Ok(program.stdin(self.text(host)?))
    }

    fn work(&self, host: &dyn Host, more: &[&str]) -> Result<Program, Failure> {
        let mut words = vec!["--batch", "--reject-file=-"];
        words.extend(more);
        if self.backup {
            words.extend(["--backup", "--version-control=numbered"]);
        }
        self.program(host, &words, !self.state.is_present())
    }
}

impl Action for Patch {
    fn guard(&self, host: &dyn Host, _: Mode) -> Result<Guard, Failure> {
        // Where it can be taken out, it is applied, and the other way round.
        let tried = self.program(host, &["--dry-run"], self.state.is_present())?;
        Ok(match host.query(&tried)?.is_success() {
            true => Guard::Stay(Box::default()),
            false => Guard::Go,
        })
    }

    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure> {
        let program = self.work(host, &["--dry-run"])?;
        succeeded(&program, host.query(&program)?)?;
        Ok(Response { changed: true, ..Response::default() })
    }

    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure> {
        let program = self.work(host, &[])?;
        let output = host.execute(&program)?;
        succeeded(&program, output)?;
        Ok(Response { changed: true, ..Response::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;
    use crate::cases::run;

    /// `patch`, whose patches are the words of two lines.
    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/srv/app/file", "old");
        host.put("/fix", "old\nnew");
        host.put("/misfit", "this\nthat");
        host.program("patch", |files, program| {
            let text = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
            let (from, to) = text.split_once('\n').unwrap();
            let is = |word: &str| program.args.iter().any(|arg| arg == word);
            let (from, to) = if is("--reverse") { (to, from) } else { (from, to) };
            if files.text("/srv/app/file").as_deref() != Some(from) {
                return Output::failure(1, "1 out of 1 hunk FAILED");
            }
            if !is("--dry-run") {
                files.put("/srv/app/file", to);
            }
            Output::success("")
        });
        host
    }

    #[test]
    fn patches_are_applied_once_and_taken_out_once() {
        let mut host = host();
        for (args, changed) in [
            (json!({"basedir": "/srv/app"}), true),
            (json!({"basedir": "/srv/app"}), false),
            (json!({"dest": "/srv/app/file", "backup": true, "binary": true}), false),
            (json!({"basedir": "/srv/app", "state": "absent", "strip": 1}), true),
            (json!({"basedir": "/srv/app", "state": "absent"}), false),
        ] {
            let mut args = args.clone();
            args["remote_src"] = json!(true);
            let check = Mode { check: true, diff: false };
            let foretold = run("patch", &args, "src", "/fix", check, &mut host);
            let done = run("patch", &args, "src", "/fix", Mode::default(), &mut host);
            assert_eq!(
                (done.failed, foretold.changed, done.changed),
                (false, changed, changed),
                "{args}: {done:?}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (args, words) in [
            (json!({"src": "/misfit", "basedir": "/srv/app", "remote_src": true}), "hunk FAILED"),
            (
                json!({"src": "/none", "basedir": "/srv/app", "remote_src": true}),
                "src /none doesn't exist",
            ),
            (
                json!({"src": "/fix", "basedir": "/none", "remote_src": true}),
                "basedir /none doesn't exist",
            ),
            (
                json!({"src": "/fix", "dest": "/none", "remote_src": true}),
                "dest /none doesn't exist",
            ),
            (json!({"src": "/fix", "basedir": "/srv"}), "the controller did not send /fix"),
            (json!({"src": "/fix"}), "one of the following is required: dest, basedir"),
        ] {
            for check in [true, false] {
                let mode = Mode { check, diff: false };
                let msg = run("patch", &args, "", "", mode, &mut host()).msg.unwrap_or_default();
                assert!(msg.contains(words), "{args}: {msg}");
            }
        }
    }
}
