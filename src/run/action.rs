//! Modules whose work, or whose first half, is the controller's. One file each.

pub mod add_host;
pub mod assert;
pub mod debug;
pub mod fail;
pub mod files;
pub mod group_by;
pub mod include_vars;
pub mod pause;
pub mod raw;
pub mod set_fact;
pub mod setup;
pub mod specs;
pub mod transfer;

use std::sync::Arc;

use indexmap::IndexMap;
use inventory::HostName;
use plan::Task;
use protocol::{JsonMap, request::InlineFile};
use template::{Scope, Value};
use transport::Files;

use crate::{
    TaskResult,
    execute::{Executor, Settings},
};

/// What an action may use.
pub(crate) struct ActionContext<'a> {
    pub executor: &'a Executor,
    pub task: &'a Arc<Task>,
    pub host: &'a HostName,
    pub scope: &'a Scope,
    pub settings: &'a Settings,
}

/// Actions whose arguments are no fixed set, or need more than their rendered values.
const UNCHECKED: &[&str] = &["add_host", "assert", "debug", "include_vars", "meta", "set_fact"];

/// Modules of which the controller does a part before the host does the rest.
const CONTROLLER_HALVES: &[&str] = &[
    "assemble",
    "copy",
    "fetch",
    "gather_facts",
    "raw",
    "script",
    "setup",
    "template",
    "unarchive",
];

fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or("")
}

/// Whether an action takes its arguments as they are.
pub(crate) fn is_unchecked(name: &str) -> bool {
    UNCHECKED.contains(&short(name))
}

/// Whether an action has a controller's half.
pub(crate) fn has_controller_half(name: &str) -> bool {
    CONTROLLER_HALVES.contains(&short(name))
}

/// Whether null means something else to a module than leaving the argument out.
pub(crate) fn keeps_null(name: &str) -> bool {
    short(name) == "set_fact"
}

/// Arguments that an action must see as they were written.
pub(crate) fn is_rendered_by_action(name: &str, argument: &str) -> bool {
    matches!((short(name), argument), ("assert", "that") | ("debug", "var"))
}

/// Runs an action whose arguments are not checked against a spec.
pub(crate) async fn run(context: &ActionContext<'_>, args: IndexMap<String, Value>) -> TaskResult {
    match short(&context.task.action.name) {
        "add_host" => add_host::run(context, args),
        "assert" => assert::run(context, args),
        "debug" => debug::run(context, args),
        "include_vars" => include_vars::run(context, args),
        "set_fact" => set_fact::run(context, args),
        name => TaskResult::failure(format!("the action {name} is not there yet")),
    }
}

/// Runs an action whose arguments have been checked.
pub(crate) async fn run_checked(context: &ActionContext<'_>, args: JsonMap) -> TaskResult {
    match short(&context.task.action.name) {
        "assemble" | "copy" | "template" | "unarchive" | "script" | "fetch" => {
            transfer::run(context, args).await
        }
        "fail" => fail::run(&args),
        "group_by" => group_by::run(context, &args),
        "pause" => pause::run(context, &args).await,
        "raw" => raw::run(context, &args).await,
        "setup" | "gather_facts" => setup::run(context, args).await,
        name => TaskResult::failure(format!("the action {name} is not there yet")),
    }
}

impl ActionContext<'_> {
    /// Has the host's remote run the task's module.
    pub async fn remote(
        &self,
        args: JsonMap,
        files: &dyn Files,
        inline: Vec<InlineFile>,
    ) -> TaskResult {
        self.call(&self.task.action.name, args, files, inline, None).await
    }

    /// Has the host's remote run a module.
    pub async fn call(
        &self,
        module: &str,
        args: JsonMap,
        files: &dyn Files,
        inline: Vec<InlineFile>,
        sink: Option<transport::Sink>,
    ) -> TaskResult {
        let executor = self.executor;
        let way = match executor.way(self.task, self.host, self.scope, self.settings) {
            Ok(way) => way,
            Err(failure) => return *failure,
        };
        let mut request = Executor::request(module, args, self.settings);
        request.files = inline;
        match executor.reach.call(&way, request, files, sink).await {
            Ok(response) => TaskResult::from_response(response),
            Err(error) => unanswered(&error),
        }
    }
}

/// What it means that a host did not answer.
pub(crate) fn unanswered(error: &crate::reach::ReachError) -> TaskResult {
    let mut result = TaskResult::failure(error.chain());
    if error.is_unreachable() {
        result.failed = false;
        result.unreachable = true;
    }
    result.hint = error.hint();
    result
}
