//! What a module is, and what every module can count on.
//!
//! Start with [`declarative`] (a module compares what is with what should be), [`converge`] (the
//! one loop that runs it), then [`action`] and [`fact`] (what has no state, and what only reads).
//! [`argument`] says how a struct is a module's arguments; [`host`] is all that a module can do to
//! a machine; [`catalogue`] finds modules by name. [`machine`] is the host that is real, [`fake`]
//! the one in memory, and [`contract`] what every module is held to.
//!
//! This room knows no single module, no wire and no playbook.

// The derives name this crate, also inside of it.
extern crate self as module;

pub mod accounts;
pub mod action;
pub mod argument;
pub mod catalogue;
pub mod clock;
pub mod content;
pub mod contract;
pub mod converge;
pub mod declarative;
pub mod documented;
pub mod fact;
pub mod failure;
pub mod fake;
pub mod file_arguments;
pub mod glob;
pub mod host;
pub mod kernel;
pub mod machine;
pub mod metadata;
pub mod mode;
pub mod path;
pub mod program;
pub mod selinux;
pub mod shape;
pub mod source;
pub mod terminal;

pub use action::{Action, Guard};
pub use argument::{
    ArgumentValue, Arguments, read_argument, read_choice, read_dict, read_internal,
};
pub use catalogue::{Catalogue, Entry};
pub use converge::{Mode, converge};
pub use declarative::{Delta, Module};
pub use derive::{Arguments, Choices};
pub use documented::{Documented, Example, Returned};
pub use fact::Fact;
pub use failure::Failure;
pub use file_arguments::{FileArguments, FileAttributes};
pub use host::{Host, HostError, Placement};
pub use metadata::{FileKind, Metadata};
pub use mode::FileMode;
pub use program::{Output, Program};
pub use source::Source;

/// What the derives' code refers to, so that a room of modules needs no more than this one.
pub mod foreign {
    pub use protocol;
    pub use serde;
    pub use serde_json;
}
