//! `fail`: fails with a message.

use protocol::{Json, JsonMap};

use crate::TaskResult;

pub(crate) fn run(args: &JsonMap) -> TaskResult {
    match args.get("msg") {
        Some(Json::String(msg)) => TaskResult::failure(msg.clone()),
        Some(other) => TaskResult::failure(other.to_string()),
        None => TaskResult::failure("Failed as requested from task"),
    }
}
