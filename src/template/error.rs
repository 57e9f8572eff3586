//! What can go wrong with a template, and values that stand for something missing.

use std::{fmt, sync::Arc};

use source::Span;

use crate::{
    compile::ir::{At, Program},
    value::Value,
};

/// What kind of thing went wrong. Callers decide by it; people read the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The text is no template or expression.
    Syntax,
    /// A variable, attribute or element that does not exist was used.
    Undefined,
    /// Something was used of a task that a check run has skipped, and that only a run can tell.
    UntilRun,
    /// A filter, test, lookup or function that is not known.
    UnknownName,
    /// An operation on values of the wrong type: Python's `TypeError`.
    Type,
    /// A value that an operation cannot take: Python's `ValueError`, `KeyError`, `IndexError`.
    Value,
    /// Division by zero or a number out of range.
    Arithmetic,
    /// A variable that refers to itself.
    Recursion,
    /// A lookup failed.
    Lookup,
    /// A file could not be found or read.
    File,
    /// An encrypted value could not be decrypted.
    Decrypt,
    /// Something of Ansible that Trueup does not do.
    Unsupported,
    /// A limit was met.
    Limit,
    /// The template asked to fail: `mandatory`, `undef(hint=…)`, an assertion of a filter.
    Raised,
}

/// Why a template could not be compiled or rendered. Cheap to clone.
#[derive(Clone)]
pub struct TemplateError {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    place: Option<Span>,
    hint: Option<String>,
    cause: Option<TemplateError>,
}

/// What most functions of this room return.
pub type Result<T, E = TemplateError> = std::result::Result<T, E>;

impl TemplateError {
    /// An error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                message: message.into(),
                place: None,
                hint: None,
                cause: None,
            }),
        }
    }

    /// Python's `TypeError`.
    pub fn of_type(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Type, message)
    }

    /// Python's `ValueError`.
    pub fn of_value(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Value, message)
    }

    /// What kind of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The message alone, without place and causes.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Where in a file the template stands that failed, if that is known.
    pub fn place(&self) -> Option<&Span> {
        self.inner.place.as_ref()
    }

    /// What to do about it, if something is known.
    pub fn hint(&self) -> Option<&str> {
        self.inner.hint.as_deref()
    }

    /// The error that led to this one.
    pub fn cause(&self) -> Option<&TemplateError> {
        self.inner.cause.as_ref()
    }

    /// The first error of the chain: the one that led to all others.
    pub fn root(&self) -> &TemplateError {
        let mut error = self;
        while let Some(cause) = error.cause() {
            error = cause;
        }
        error
    }

    /// Whether this came about by something undefined, which `default` and `is defined` forgive.
    pub fn is_undefined(&self) -> bool {
        matches!(self.kind(), ErrorKind::Undefined | ErrorKind::UntilRun)
    }

    /// Whether a check run cannot know what was asked for.
    pub fn is_until_run(&self) -> bool {
        self.kind() == ErrorKind::UntilRun
    }

    /// Notes where it happened, unless that is known already.
    #[must_use]
    pub fn at(mut self, place: Option<Span>) -> Self {
        if self.inner.place.is_none() && place.is_some() {
            Arc::make_mut(&mut self.inner).place = place;
        }
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.inner).hint = Some(hint.into());
        self
    }

    /// Notes which error led to this one.
    #[must_use]
    pub fn because(mut self, cause: TemplateError) -> Self {
        Arc::make_mut(&mut self.inner).cause = Some(cause);
        self
    }

    /// The code of its diagnostic.
    pub fn code(&self) -> source::Code {
        match self.kind() {
            ErrorKind::Syntax => "E0301",
            ErrorKind::UnknownName => crate::tree::UNKNOWN_NAME,
            ErrorKind::Unsupported => "E0303",
            ErrorKind::Undefined | ErrorKind::UntilRun => "E0304",
            _ => "E0300",
        }
    }

    /// The error as a diagnostic.
    pub fn diagnostic(&self, code: source::Code) -> source::Diagnostic {
        let mut diagnostic = source::Diagnostic::placeless(code, self.message());
        diagnostic.span = self.inner.place.clone();
        diagnostic.hint = self.inner.hint.clone();
        diagnostic
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.inner.kind, self.inner.message)?;
        if let Some(place) = &self.inner.place {
            write!(f, " at {place}")?;
        }
        if let Some(cause) = &self.inner.cause {
            write!(f, " <- {cause:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.cause.as_ref().map(|cause| cause as _)
    }
}

/// A value that is missing. It travels through variables and containers, and says what is missing
/// when somebody uses it.
#[derive(Clone, Debug)]
pub struct Undefined {
    /// What is missing.
    pub missing: Missing,
    /// Where it was asked for.
    pub(crate) site: Option<Site>,
}

/// A stretch of a program's text, which becomes a place in a file only when somebody asks.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    program: Arc<Program>,
    at: At,
}

impl Site {
    pub(crate) fn new(program: &Arc<Program>, at: At) -> Self {
        Self { program: Arc::clone(program), at }
    }

    fn span(&self) -> Option<Span> {
        let (start, end) = (self.at.start as usize, self.at.end as usize);
        self.program.origin.span(&self.program.text, start, end)
    }
}

/// What an [`Undefined`] stands for.
#[derive(Clone, Debug)]
pub enum Missing {
    /// A variable that nobody set.
    Name(Arc<str>),
    /// An attribute or key: the type that lacks it, and what was asked for.
    Attribute { owner: Arc<str>, key: Value },
    /// An element of a sequence.
    Element { owner: Arc<str>, key: Value },
    /// A variable or element whose own template failed.
    Failed { name: Arc<str>, error: TemplateError },
    /// An attribute of what a task registers, which a check run has skipped.
    UntilRun { key: Value },
    /// What `a if b` is when `b` is false: empty where it is written, and forgiven in all but
    /// `is defined` and `default`.
    Else,
    /// A message of its own, as `undef(hint=…)` gives.
    Hint(Arc<str>),
}

impl Undefined {
    /// What is missing, without a place.
    pub fn new(missing: Missing) -> Arc<Self> {
        Arc::new(Self { missing, site: None })
    }

    /// The error that using this value is.
    pub fn error(&self) -> TemplateError {
        let error = match &self.missing {
            Missing::Failed { name, error } => {
                let message = if name.is_empty() {
                    error.message().to_owned()
                } else {
                    format!("{name}: {}", error.message())
                };
                TemplateError::new(error.kind(), message)
                    .at(error.place().cloned())
                    .because(error.clone())
            }
            Missing::UntilRun { .. } => {
                TemplateError::new(ErrorKind::UntilRun, self.missing.to_string())
            }
            missing => TemplateError::new(ErrorKind::Undefined, missing.to_string()),
        };
        error.at(self.site.as_ref().and_then(Site::span))
    }

    /// The error behind it, if it is one that `default` and `is defined` must not forgive.
    pub fn fatal(&self) -> Option<TemplateError> {
        match &self.missing {
            Missing::Failed { error, .. } if !error.is_undefined() => Some(self.error()),
            _ => None,
        }
    }
}

/// The established short wording.
impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "'{name}' is undefined"),
            Self::Attribute { owner, key: Value::Str(key) } => {
                write!(f, "'{owner}' has no attribute '{key}'")
            }
            Self::Attribute { owner, key } | Self::Element { owner, key } => {
                write!(f, "{owner} has no element {}", key.repr())
            }
            Self::UntilRun { key } => write!(
                f,
                "{} is unknown until the run: the task that registers it was skipped by the check \
                 run",
                key.repr()
            ),
            Self::Failed { name, error } => write!(f, "{name}: {error}"),
            Self::Else => f.write_str(
                "the inline if-expression evaluated to false and no else section was defined.",
            ),
            Self::Hint(hint) => f.write_str(hint),
        }
    }
}
