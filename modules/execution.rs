//! What `command`, `shell` and `script` share: guards, the run itself, and what is returned of it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use module::{
    Failure, Guard, Host, HostError, Mode, Program,
    clock::{duration_text, local_time},
    glob,
    program::Locale,
};
use protocol::{Json, JsonMap, Response};

/// One run of a program for people, and when it is not needed.
pub struct Execution<'a> {
    /// What is returned as `cmd`.
    pub shown: Json,
    /// Not run where a file fits this pattern.
    pub creates: Option<&'a str>,
    /// Not run where no file fits this pattern.
    pub removes: Option<&'a str>,
    /// Where it runs.
    pub chdir: Option<&'a PathBuf>,
    /// What it reads.
    pub stdin: Option<Vec<u8>>,
    /// Whether line ends at the end of the output are taken away.
    pub strip_empty_ends: bool,
}

impl Execution<'_> {
    /// What `creates` and `removes` say.
    ///
    /// # Errors
    /// Folders that cannot be listed.
    pub fn guard(&self, host: &dyn Host, mode: Mode) -> Result<Guard, Failure> {
        let verb = if mode.check { "Would" } else { "Did" };
        for (pattern, stays_if_there, what) in
            [(self.creates, true, "exists"), (self.removes, false, "does not exist")]
        {
            let Some(pattern) = pattern else { continue };
            let pattern_here = match self.chdir {
                Some(folder) if !pattern.starts_with('/') => {
                    folder.join(pattern).display().to_string()
                }
                _ => pattern.to_owned(),
            };
            if glob::find(host, &pattern_here)?.is_empty() != stays_if_there {
                let stdout = format!("skipped, since {pattern} {what}");
                let mut returned = self.returned(&stdout, "");
                returned.insert("rc".into(), 0.into());
                return Ok(Guard::Stay(Box::new(Response {
                    msg: Some(format!("{verb} not run command since '{pattern}' {what}")),
                    returned,
                    ..Response::default()
                })));
            }
        }
        Ok(Guard::Go)
    }

    /// What a check run can say of a program without guards.
    pub fn foretell(&self) -> Response {
        let guarded = self.creates.is_some() || self.removes.is_some();
        let mut returned = self.returned("", "");
        returned.insert("rc".into(), 0.into());
        Response {
            // With a guard that did not hold it back, it is known that it would run.
            changed: guarded,
            skipped: !guarded,
            msg: Some("Command would have run if not in check mode".into()),
            returned,
            ..Response::default()
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// A program that cannot be started, or ends with another status than 0.
    pub fn execute(&self, host: &mut dyn Host, mut program: Program) -> Result<Response, Failure> {
        if let Some(folder) = self.chdir {
            if let Some(why) = not_entered(host, folder)? {
                return Err(Failure {
                    msg: format!(
                        "Unable to change directory before execution: {why}: b'{}'",
                        folder.display()
                    ),
                    returned: self.returned("", ""),
                });
            }
            program.folder = Some(folder.clone());
        }
        program.locale = Locale::Inherited;
        program.stdin.clone_from(&self.stdin);
        let start = host.now();
        let output = match host.execute(&program) {
            Ok(output) => output,
            Err(error) => return Err(self.not_started(&program, error)),
        };
        let end = host.now();
        let text = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            match self.strip_empty_ends {
                true => text.trim_end_matches(['\r', '\n']).to_owned(),
                false => text,
            }
        };
        let mut returned = self.returned(&text(&output.stdout), &text(&output.stderr));
        let took = end.duration_since(start).unwrap_or(Duration::ZERO);
        returned.insert("start".into(), local_time(host, start).to_text().into());
        returned.insert("end".into(), local_time(host, end).to_text().into());
        returned.insert("delta".into(), duration_text(took).into());
        returned.insert("rc".into(), output.status.into());
        let mut warnings = Vec::new();
        if output.truncated {
            warnings.push(format!(
                "the output was longer than {} bytes; the rest was dropped",
                module::program::OUTPUT_BYTES_MAX
            ));
        }
        let failed = !output.is_success();
        Ok(Response {
            changed: true,
            failed,
            msg: Some(if failed { "non-zero return code".into() } else { String::new() }),
            returned,
            warnings,
            is_lossy: [&output.stdout, &output.stderr]
                .iter()
                .any(|bytes| std::str::from_utf8(bytes).is_err()),
            ..Response::default()
        })
    }

    fn not_started(&self, program: &Program, error: HostError) -> Failure {
        // What was never begun has no times, and is shown as a line.
        let mut returned = self.returned("", "");
        for name in ["start", "end", "delta"] {
            returned.remove(name);
        }
        let (status, msg) = match &error {
            HostError::NoProgram { name } => {
                (2, format!("[Errno 2] No such file or directory: b'{name}'"))
            }
            HostError::Program { source, .. } => match source.raw_os_error() {
                Some(code @ 2) => {
                    (code, format!("[Errno 2] No such file or directory: b'{}'", program.name))
                }
                Some(code @ 13) => {
                    (code, format!("[Errno 13] Permission denied: b'{}'", program.name))
                }
                Some(code) => (code, format!("[Errno {code}] {source}: b'{}'", program.name)),
                None => return Failure::from(error),
            },
            _ => return Failure::from(error),
        };
        returned.insert("rc".into(), status.into());
        returned.insert("cmd".into(), program.line().into());
        Failure { msg, returned }
    }

    fn returned(&self, stdout: &str, stderr: &str) -> JsonMap {
        let mut map = JsonMap::new();
        map.insert("cmd".into(), self.shown.clone());
        map.insert("stdout".into(), stdout.into());
        map.insert("stderr".into(), stderr.into());
        for name in ["rc", "start", "end", "delta"] {
            map.insert(name.into(), Json::Null);
        }
        map
    }
}

/// Why a folder cannot be worked in; `None` where it can.
fn not_entered(host: &dyn Host, folder: &Path) -> Result<Option<&'static str>, Failure> {
    const DENIED: &str = "[Errno 13] Permission denied";
    let is_denied = |error: &HostError| {
        matches!(error, HostError::File { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied)
    };
    match host.metadata(folder) {
        Err(error) if is_denied(&error) => return Ok(Some(DENIED)),
        Err(error) => return Err(error.into()),
        Ok(None) => return Ok(Some("[Errno 2] No such file or directory")),
        Ok(Some(found)) if !found.is_dir() => return Ok(Some("[Errno 20] Not a directory")),
        Ok(Some(_)) => {}
    }
    // A folder can be seen by those who may not enter it; what is in it cannot.
    let inside = host.metadata(&folder.join("."));
    Ok(inside.err().filter(is_denied).map(|_| DENIED))
}

/// A failure before there is anything to run, with the values that tasks look for after a run.
pub fn nothing_run(msg: &str) -> Failure {
    let mut failure = Failure::new(msg);
    for (name, value) in [
        ("cmd", Json::Null),
        ("stdout", "".into()),
        ("stderr", "".into()),
        ("rc", 256.into()),
        ("start", Json::Null),
        ("end", Json::Null),
        ("delta", Json::Null),
    ] {
        failure = failure.with(name, value);
    }
    failure
}

/// What a program reads, with or without a line end.
pub fn stdin_bytes(stdin: Option<&str>, add_newline: bool) -> Option<Vec<u8>> {
    stdin.map(|text| {
        let mut bytes = text.as_bytes().to_vec();
        if add_newline {
            bytes.push(b'\n');
        }
        bytes
    })
}
