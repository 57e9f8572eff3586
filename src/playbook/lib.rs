//! YAML trees to a plan: playbooks, roles, task files.
//!
//! Start with [`Compiler`]; then [`playbook`] (files of plays), [`play`], [`tasks`] (lists of tasks
//! and blocks), [`task`], [`action`] (module names and arguments), [`role`], and [`keywords`] (what
//! any of them may carry). Everything that is wrong is collected, with its place; nothing stops at
//! the first error but what cannot be read past it.
//!
//! This room does not run anything and does not know what modules do: it is handed their specs.

pub mod action;
pub mod catalogue;
pub mod codes;
pub mod collections;
pub mod compiler;
pub mod files;
pub mod key_value;
pub mod keywords;
pub mod play;
mod play_validation;
pub mod playbook;
pub mod role;
mod role_task;
pub mod task;
pub mod tasks;

pub use catalogue::{Catalogue, Known, Resolved};
pub use compiler::{Compiler, CompilerSettings, LeavesOut, RoleRequest};
pub use files::Files;
