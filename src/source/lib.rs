//! Text that users wrote: files, places in them, YAML trees, and what is wrong with them.
//!
//! Start with [`file`] (a file and places in it), then [`node`] (a YAML tree whose every node knows
//! its place), [`yaml`] (text to trees) and [`diagnostic`] (what is wrong, where, and what to do).
//!
//! This room does not know what a playbook is. It reads no file by itself: it is handed text.

pub mod diagnostic;
pub mod file;
pub mod nearest;
pub mod node;
pub mod yaml;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Severity};
pub use file::{Place, SourceFile, Span};
pub use node::{Entry, Kind, Mapping, Node, Scalar, Style};
