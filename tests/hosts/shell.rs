//! Programs of this machine.

use std::{
    ffi::OsStr,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Why hosts cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum HostsError {
    /// A program ended badly.
    #[error("{command} ended with {status}: {said}")]
    Program {
        /// The call.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        said: String,
    },
    /// A program cannot be started.
    #[error("{command} cannot be started: {why}")]
    Start {
        /// The call.
        command: String,
        /// Why.
        why: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// All numbers of fleets are taken.
    #[error("no more than {max} fleets can be there at once")]
    TooMany {
        /// The limit.
        max: u8,
    },
    /// A host did not answer in time.
    #[error("host {name} did not answer on port 22 within {secs} s; its console said: {console}")]
    Silent {
        /// The host.
        name: String,
        /// The limit.
        secs: u64,
        /// The end of what it printed.
        console: String,
    },
}

/// Bytes that are kept of what a program printed, from its end.
const SAID_BYTES_MAX: usize = 4000;

/// Runs a program to its end and returns what it printed.
///
/// # Errors
/// Where it cannot be started or ends with another status than 0.
pub fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<String, HostsError> {
    feed(program, arguments, b"")
}

/// Runs a program to its end with some input.
///
/// # Errors
/// As [`run`].
pub fn feed<S: AsRef<OsStr>>(
    program: &str,
    arguments: &[S],
    input: &[u8],
) -> Result<String, HostsError> {
    let words: Vec<String> =
        arguments.iter().map(|word| word.as_ref().to_string_lossy().into_owned()).collect();
    let command = format!("{program} {}", words.join(" "));
    let failed = |error: std::io::Error| HostsError::Start {
        command: command.clone(),
        why: error.to_string(),
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C.UTF-8")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input says by its status whether it minds.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().map_err(failed)?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    let said = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    let said = tail(&said).to_owned();
    Err(HostsError::Program { command, status: output.status.to_string(), said })
}

/// The end of a text.
pub(crate) fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(SAID_BYTES_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..).unwrap_or(text).trim()
}

/// Gives an error of a file its path.
pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> HostsError {
    let path = path.to_owned();
    move |error| HostsError::File { path, why: error.to_string() }
}
