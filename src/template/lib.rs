//! Expressions and templates: text compiled once, rendered in a host's scope.
//!
//! Start with [`value`] (values as Python has them), [`tree`] (what was written in a file: data and
//! templates), [`scope`] (variables in layers) and [`template`]; then [`compile`](self) (minijinja's
//! parser in front, our own program behind) and `eval`, which runs it. Filters, tests, lookups and
//! methods stand in families in the folders of those names.
//!
//! Data is never evaluated: only a [`Tree`] holds templates, and trees are made from what users
//! wrote. What hosts, modules and lookups return are [`Value`]s.
//!
//! The room reads files that lookups and includes name, and runs the commands that `pipe` names;
//! it asks the process for nothing else: see [`Surroundings`].

pub mod brought;
mod compile;
pub mod engine;
pub mod error;
mod eval;
pub mod expression;
pub mod file;
mod filters;
pub use filters::{comment::wrapped as wrapped_lines, yaml::printed as printed_yaml};
mod functions;
mod kept;
pub mod literal_eval;
mod lookups;
pub mod managed;
mod methods;
mod predicates;
pub mod scope;
pub mod surroundings;
pub mod template;
pub mod tree;
pub mod value;
mod version;

pub use compile::syntax::{Backslashes, Syntax};
pub use engine::{Decrypt, Engine};
pub use error::{ErrorKind, Missing, Result, TemplateError, Undefined};
pub use expression::Expression;
pub use file::{CompiledFile, FileOptions};
pub use scope::{Scope, Variables};
pub use surroundings::{InventoryHosts, Settings, Surroundings, Typing};
pub use template::{Name, Origin, Template};
pub use tree::Tree;
pub use value::{Arguments, Dict, List, Moment, OMIT_TEXT, Object, Shape, Text, TextKind, Value};
