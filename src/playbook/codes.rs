//! Codes of the diagnostics that this room gives.

use source::Code;

/// A file cannot be read.
pub const UNREADABLE: Code = "E0201";
/// The file or node is of the wrong shape.
pub const SHAPE: Code = "E0202";
/// A keyword that is none.
pub const UNKNOWN_KEYWORD: Code = "E0203";
/// A module that is not there.
pub const UNKNOWN_MODULE: Code = "E0204";
/// An argument that a module does not take, or does not take with this value.
pub const BAD_ARGUMENT: Code = "E0205";
/// A role that is not there.
pub const UNKNOWN_ROLE: Code = "E0206";
/// Two actions in one task, or none.
pub const ACTION: Code = "E0207";
/// A keyword's value is of the wrong kind.
pub const KEYWORD_VALUE: Code = "E0208";
/// A file includes itself, or a role depends on itself.
pub const CIRCLE: Code = "E0210";
/// A static import names a file by variables that are not known before the run.
pub const STATIC_NAME: Code = "E0211";
/// Arguments that cannot be taken apart.
pub const SPLIT: Code = "E0212";
/// A variable's name that is none.
pub const VARIABLE_NAME: Code = "E0213";
/// A handler that is notified but not there.
pub const UNKNOWN_HANDLER: Code = "E0214";
/// A filter, test or expression is broken.
pub const TEMPLATE: Code = "E0215";

/// A template's error as a diagnostic; at a place near it where it does not know its own.
pub fn template_error(error: &template::TemplateError, near: &source::Span) -> source::Diagnostic {
    let mut diagnostic = error.diagnostic(TEMPLATE);
    diagnostic.span.get_or_insert_with(|| near.clone());
    diagnostic
}
