//! What is wrong with a user's text, where, and what to do.

use crate::Span;

/// A stable name for a kind of diagnostic, such as `E0203`; `trueup explain` has a page for each.
pub type Code = &'static str;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub severity: Severity,
    pub code: Code,
    /// A lower-case fragment.
    pub message: String,
    /// Where; `None` for what has no place in a file.
    pub span: Option<Span>,
    /// What stands beside the marked place.
    pub label: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: &Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: Some(span.clone()),
            label: None,
            hint: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: &Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// An error that has no place in a file.
    pub fn placeless(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span: None,
            label: None,
            hint: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what stands beside the marked place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds `did you mean …?` where there are near names.
    #[must_use]
    pub fn nearest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let near = crate::nearest::nearest(name, known);
        if near.is_empty() {
            self
        } else {
            self.hint(format!("did you mean {}?", near.join(" or ")))
        }
    }

    /// The diagnostic as lines: message, place, source line with a mark, hint.
    pub fn render(&self) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut text = format!("{word}[{}]: {}\n", self.code, self.message);
        if let Some(span) = &self.span {
            let line = span.file.line(span.start.line);
            let number = span.start.line.to_string();
            let gutter = " ".repeat(number.len());
            let width = if span.end.line == span.start.line {
                (span.end.column.saturating_sub(span.start.column)).max(1) as usize
            } else {
                line.chars().count().saturating_sub(span.start.column as usize - 1).max(1)
            };
            text.push_str(&format!("{gutter}--> {span}\n{gutter} |\n{number} | {line}\n"));
            let pad = " ".repeat((span.start.column as usize).saturating_sub(1));
            let label = self.label.as_deref().map(|l| format!(" {l}")).unwrap_or_default();
            text.push_str(&format!("{gutter} | {pad}{}{label}\n", "^".repeat(width)));
        }
        if let Some(hint) = &self.hint {
            text.push_str(&format!("  help: {hint}\n"));
        }
        text
    }
}

/// Everything that was found wrong so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    pub all: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Notes one more.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.all.push(diagnostic);
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}
