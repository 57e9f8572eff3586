//! Modules that take files of the controller to the host, or the other way.

use protocol::JsonMap;

use super::ActionContext;
use crate::TaskResult;

pub(crate) async fn run(context: &ActionContext<'_>, args: JsonMap) -> TaskResult {
    let _ = args;
    TaskResult::failure(format!("{} is being laid", context.task.action.name))
}
