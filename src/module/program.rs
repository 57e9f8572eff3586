//! Programs that a host runs.

use std::{path::PathBuf, time::Duration};

use protocol::JsonMap;

use crate::Failure;

/// The bytes of each output stream that are kept; what is over is dropped and said so.
pub const OUTPUT_BYTES_MAX: usize = 5 * 1024 * 1024;

/// The argument in whose place a program finds the path of what it is handed.
pub const HANDED: &str = "<handed>";

/// The bytes that OpenSSH and OpenSSL read of a passphrase at most; they drop the rest unsaid.
pub const LINE_BYTES_MAX: usize = 1_022;

/// A program and how it is run. It is never given to a shell.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Name, looked for in `PATH` and the folders of system programs; or a path.
    pub name: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// What it reads; nothing where this is left out.
    pub stdin: Option<Vec<u8>>,
    /// What it reads from the file that stands in its arguments in place of [`HANDED`]: one that
    /// is in memory, and that other users of the host cannot read.
    pub handed: Option<Vec<u8>>,
    /// Whether it has no terminal to ask its user on, and so reads from its input what it asks.
    pub is_unattended: bool,
    /// Where it runs; the home of the remote's user where this is left out.
    pub folder: Option<PathBuf>,
    /// Added to its environment, over what the request adds.
    pub environment: Vec<(String, String)>,
    /// In which language it speaks.
    pub locale: Locale,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// Permissions that its new files do not get.
    pub umask: Option<u32>,
}

/// In which language a program speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// `C.UTF-8`: its output is read by us.
    Plain,
    /// As the user's environment says: its output is read by people.
    Inherited,
}

impl Program {
    /// A program whose output is read by us.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            args: Vec::new(),
            stdin: None,
            handed: None,
            is_unattended: false,
            folder: None,
            environment: Vec::new(),
            locale: Locale::Plain,
            timeout: None,
            umask: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets what it reads.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Sets what it finds in the file [`HANDED`].
    #[must_use]
    pub fn handed(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.handed = Some(bytes.into());
        self
    }

    /// Sets what it reads to lines, such as passphrases.
    ///
    /// # Errors
    /// A line that would not be read as one: with an end of line or a NUL in it, or longer than
    /// [`LINE_BYTES_MAX`]. What is in it is not said.
    pub fn lines(self, lines: &[&str]) -> Result<Self, Failure> {
        if lines.iter().any(|line| line.contains(['\n', '\r', '\0'])) {
            let message = "a passphrase with ends of lines or NUL in it cannot be given to";
            return Err(Failure::new(format!("{message} {}", self.name)));
        }
        if lines.iter().any(|line| line.len() > LINE_BYTES_MAX) {
            let message =
                format!("a passphrase of more than {LINE_BYTES_MAX} bytes cannot be given to");
            return Err(Failure::new(format!("{message} {}", self.name)));
        }
        let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
        Ok(self.stdin(input))
    }

    /// Answers what it would ask on a terminal (a line for each question), as those do that look
    /// for one and take their input where there is none.
    ///
    /// # Errors
    /// As [`lines`](Self::lines).
    pub fn asked(self, lines: &[&str]) -> Result<Self, Failure> {
        // `ssh-keygen` asks on a desktop where there is one.
        let program = self.variable("DISPLAY", "").lines(lines)?;
        Ok(Self { is_unattended: true, ..program })
    }

    /// Adds a variable to its environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Limits how long it may take.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Name and arguments, for people.
    pub fn line(&self) -> String {
        let words = std::iter::once(&self.name).chain(&self.args);
        words.map(|word| crate::path::quote(word)).collect::<Vec<_>>().join(" ")
    }
}

/// How a program ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Exit status; the number of the signal that ended it, negative, as Python has it.
    pub status: i32,
    /// What it wrote, as far as it was kept.
    pub stdout: Vec<u8>,
    /// What it complained about, as far as it was kept.
    pub stderr: Vec<u8>,
    /// Whether one of them was over [`OUTPUT_BYTES_MAX`].
    pub truncated: bool,
}

impl Output {
    /// A successful end with that output; for fakes.
    pub fn success(stdout: impl Into<Vec<u8>>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// An end with a status and a complaint; for fakes.
    pub fn failure(status: i32, stderr: impl Into<Vec<u8>>) -> Self {
        Self { status, stderr: stderr.into(), ..Self::default() }
    }

    /// Whether it ended with status 0.
    pub fn is_success(&self) -> bool {
        self.status == 0
    }

    /// What it wrote; bytes that are no UTF-8 are replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What it complained about, likewise.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// `rc`, `stdout` and `stderr` as modules return them.
    pub fn returned(&self) -> JsonMap {
        let mut map = JsonMap::new();
        map.insert("rc".into(), self.status.into());
        map.insert("stdout".into(), self.stdout_text().into());
        map.insert("stderr".into(), self.stderr_text().into());
        map
    }
}
