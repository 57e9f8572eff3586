//! Files and places in them.

use std::{fmt, path::PathBuf, sync::Arc};

/// A text that a user wrote, kept for showing where something is wrong.
#[derive(Debug)]
pub struct SourceFile {
    /// Where it was read, or what stands for it (`<command line>`).
    pub path: PathBuf,
    /// All of it.
    pub text: String,
}

impl SourceFile {
    /// Keeps a text.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into() })
    }

    /// One line of the text, without its end; lines count from 1. Empty past the end.
    pub fn line(&self, line: u32) -> &str {
        self.text.lines().nth((line as usize).saturating_sub(1)).unwrap_or("")
    }
}

/// A stretch of a file: from `start` up to, not including, `end`.
#[derive(Clone)]
pub struct Span {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Where it starts.
    pub start: Place,
    /// Where it ends.
    pub end: Place,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Counts from 1.
    pub line: u32,
    /// In characters, counts from 1.
    pub column: u32,
    /// Offset in bytes from the start of the text, counts from 0.
    pub byte: usize,
}

impl Span {
    /// A span that covers nothing, at the start of a file.
    pub fn start_of(file: &Arc<SourceFile>) -> Self {
        let start = Place { line: 1, column: 1, byte: 0 };
        Self { file: Arc::clone(file), start, end: start }
    }

    /// Where the span starts, as ansible-core tells it behind a message: file, line, column, and
    /// the line itself under the one before it.
    pub fn pointed_at(&self) -> String {
        let Place { line: number, column, .. } = self.start;
        let line = |number: u32| self.file.line(number).trim_end();
        let before = number.checked_sub(1).filter(|before| *before > 0).map(line);
        let caret = " ".repeat(column.saturating_sub(1) as usize);
        format!(
            "\n\nThe error appears to be in '{}': line {number}, column {column}, but may\nbe \
             elsewhere in the file depending on the exact syntax problem.\n\nThe offending line \
             appears to be:\n\n{}\n{}\n{caret}^ here\n",
            self.file.path.display(),
            before.unwrap_or_default(),
            line(number),
        )
    }

    /// The text that the span covers.
    pub fn text(&self) -> &str {
        self.file.text.get(self.start.byte..self.end.byte).unwrap_or("")
    }
}

/// The same stretch of the same reading of a file.
impl PartialEq for Span {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file) && (self.start, self.end) == (other.start, other.end)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `path:line:column`
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.path.display(), self.start.line, self.start.column)
    }
}
