//! Which variables a template uses.

use std::sync::Arc;

use source::Span;

use super::ir::At;

/// A variable that a template uses, and where.
#[derive(Clone, Debug)]
pub struct Name {
    pub name: Arc<str>,
    /// Where in the file, if that is known.
    pub span: Option<Span>,
    /// Whether the template allows for the variable to be missing: it is tested with
    /// `is defined` or its like somewhere in the template, or stands before `default`.
    pub guarded: bool,
}

/// A use as the compiler notes it.
#[derive(Clone, Debug)]
pub struct Use {
    pub name: Arc<str>,
    pub at: At,
    pub guarded: bool,
}
