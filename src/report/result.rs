//! A result as far as it may be seen.

use std::sync::Arc;

use plan::Task;
use protocol::{Json, JsonMap};
use run::TaskResult;

/// What stands in place of a result that must not be seen.
const CENSORED: &str =
    "the output has been hidden due to the fact that 'no_log: true' was specified for this result";

/// What is shown of a result that must not be seen: whether anything changed, where the result says
/// so, and how often it was tried.
pub fn kept(result: &TaskResult) -> JsonMap {
    ["attempts", "changed", "retries"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), result.fields.get(*name)?.clone())))
        .collect()
}

/// The fields of a result without what is Ansible's own; nothing of it where it must not be seen.
pub fn visible(result: &TaskResult, verbosity: u8) -> JsonMap {
    const INVOCATION_FROM: u8 = 3;
    if result.no_log {
        let mut shown = JsonMap::from_iter([("censored".to_owned(), Json::from(CENSORED))]);
        shown.extend(kept(result));
        return shown;
    }
    let mut shown: JsonMap = result
        .fields
        .iter()
        .filter(|(name, _)| !name.starts_with("_ansible_"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if verbosity < INVOCATION_FROM {
        shown.remove("invocation");
    }
    shown
}

/// What is said of an exception before the result that tells of it: its last line, or all of it to
/// those who want to know more.
pub fn exception(result: &TaskResult, verbosity: u8) -> Option<String> {
    const WHOLE_FROM: u8 = 3;
    if result.no_log {
        return None;
    }
    let trace = result.fields.get("exception").and_then(Json::as_str)?;
    Some(if verbosity < WHOLE_FROM {
        format!(
            "An exception occurred during task execution. To see the full traceback, use -vvv. \
             The error was: {}",
            trace.trim().lines().last().unwrap_or_default()
        )
    } else {
        format!("The full traceback is:\n{trace}")
    })
}

/// `file:line` of a task.
pub fn place(task: &Arc<Task>) -> String {
    format!("{}:{}", task.span.file.path.display(), task.span.start.line)
}
