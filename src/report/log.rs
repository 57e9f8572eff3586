//! The log file (`log_path`): a line for all that is shown.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// From how much verbosity on it is told what is done on connections.
pub(crate) const DETAILS_FROM: u8 = 3;

/// A file that lines are added to.
#[derive(Debug)]
pub struct LogFile {
    file: Mutex<File>,
    user: String,
    verbosity: u8,
}

impl LogFile {
    /// Opens a file to add to it; it is made where it is not there. What is shown only to who asks
    /// for more stands in it up to `verbosity`.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path, user: &str, verbosity: u8) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Mutex::new(file), user: user.to_owned(), verbosity })
    }

    /// Whether it takes what is shown from so much verbosity on.
    pub fn takes(&self, verbosity: u8) -> bool {
        self.verbosity >= verbosity
    }

    /// Adds what is shown. A log that is full does not end the run.
    pub fn add(&self, level: Level, text: &str) {
        let level = match level {
            Level::Info => "INFO",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        };
        let line = format!(
            "{} p={} u={} n=ansible {level}| {}\n",
            chrono::Local::now().format("%Y-%m-%d %H:%M:%S,%3f"),
            std::process::id(),
            self.user,
            without_colours(text.trim_start_matches('\n'))
        );
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(line.as_bytes());
    }
}

/// The text without what sets colours on a terminal.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end =
            after.find(|c: char| !c.is_ascii_digit() && c != ';').map_or(after.len(), |at| at + 1);
        rest = after.get(end..).unwrap_or("");
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_left_out() {
        assert_eq!(without_colours("\u{1b}[0;32mok\u{1b}[0m: x"), "ok: x");
        assert_eq!(without_colours("plain"), "plain");
        assert_eq!(without_colours("cut \u{1b}[0;3"), "cut ");
    }
}
