//! Actions that users have written, as a run has to know them.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use inventory::HostName;
use plan::Task;
use protocol::{Json, JsonMap};
use template::{Scope, Value};

/// Work that runs in the controller, for one task on one host, and asks for what it needs there.
pub trait ActionPlugin: Send + Sync + fmt::Debug {
    /// Whether it runs once for all hosts.
    fn bypasses_host_loop(&self) -> bool;

    /// Runs it and waits for it. `ask` does what it asks for on the host; `None` where that is
    /// nothing that is known there, or the task's time is up.
    ///
    /// # Errors
    /// In words: it could not be run.
    fn run(
        &self,
        call: &ActionCall,
        ask: &dyn Fn(&str, &Json) -> Option<Json>,
    ) -> Result<JsonMap, String>;
}

/// What an action is told.
pub struct ActionCall {
    pub task: Arc<Task>,
    pub task_name: String,
    pub host: HostName,
    pub scope: Scope,
    pub args: IndexMap<String, Value>,
    /// The task's settings and how its host is reached, under the names that Ansible has for them.
    pub state: JsonMap,
}
