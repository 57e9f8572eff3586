//! Runs: which host takes which task, and what comes of it.
//!
//! Start with [`runner`] (plays one after the other), then [`dispatch`] (one play over one batch of
//! hosts), [`cursor`] (where a host is in a play), [`execute`] (one task on one host), [`action`]
//! (modules whose work is the controller's), [`store`] and [`scope`] (variables) and [`event`] (what
//! is told to whoever watches).
//!
//! Decisions are synchronous; what waits for hosts is in [`execute`] and [`reach`]. This room does
//! not read playbooks: what has to be compiled during a run goes through [`Includes`].

pub mod action;
pub mod action_plugin;
pub mod connect;
pub mod connection_plugin;
pub mod cursor;
pub mod custom_module;
pub mod debugger;
pub mod dispatch;
pub mod entrances;
pub mod event;
pub mod execute;
pub mod fact_cache;
mod guard;
pub mod handlers;
pub mod includes;
pub mod magic;
pub mod outcome;
pub mod prompting;
pub mod reach;
pub(crate) mod reached;
pub mod reserved;
mod restricted;
pub mod runner;
pub mod scope;
pub mod settings;
pub mod statistics;
pub mod store;
pub mod tags;

pub use inventory::layers;

pub use event::{Event, EventSink, ItemEvent};
pub use includes::{IncludeError, IncludedRole, IncludedTasks, Includes};
pub use outcome::TaskResult;
pub use reach::{Connections, Reach};
pub use runner::{Ended, Runner};
pub use settings::{ConnectionDefaults, Gathering, RunSettings};
pub use statistics::{Counts, Statistics};
pub use store::Store;

/// What Ansible takes for a boolean: booleans, 0 and 1, and the words `yes`, `no`, `on`, `off`,
/// `true`, `false` and their short forms. `None` for all else.
pub fn truth(value: &template::Value) -> Option<bool> {
    match value {
        template::Value::Bool(truth) => Some(*truth),
        value => protocol::coerce::truth(&value.to_json().ok()?),
    }
}
