//! `fail`: fails with a message.

use protocol::{Json, JsonMap};

use crate::TaskResult;

pub(crate) fn run(args: &JsonMap) -> TaskResult {
    match args.get("msg") {
        Some(Json::String(msg)) => TaskResult::failure(msg.clone()),
        // It stays what it is, so that a rescue can read it.
        Some(other) => {
            let mut result = TaskResult::failure("");
            result.fields.insert("msg".into(), other.clone());
            result
        }
        None => TaskResult::failure("Failed as requested from task"),
    }
}
