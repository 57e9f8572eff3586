//! Actions that users have written, as a run has to know them.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use inventory::HostName;
use plan::Task;
use protocol::{Json, JsonMap};
use template::{Scope, Value};

use crate::Event;

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

/// What a plugin displays, as it is told; a warning is one. Nothing where it is for the log alone.
pub fn displayed(said: &Json) -> Option<Event> {
    const MARK: &str = "[WARNING]: ";
    if said.get("log_only").and_then(Json::as_bool) == Some(true) {
        return None;
    }
    let message = said.get("text").and_then(Json::as_str).unwrap_or_default();
    let message = message.strip_suffix('\n').unwrap_or(message);
    Some(match message.strip_prefix(MARK) {
        Some(message) => Event::Warning { message: message.trim_end().to_owned() },
        None => Event::Said { message: message.to_owned() },
    })
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
