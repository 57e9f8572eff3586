//! `raw`: a command line for the login shell, without the remote.

use std::time::Duration;

use protocol::{Json, JsonMap};

use super::{ActionContext, unanswered};
use crate::TaskResult;

pub(crate) async fn run(context: &ActionContext<'_>, args: &JsonMap) -> TaskResult {
    let Some(command) = args.get("_raw_params").and_then(Json::as_str) else {
        return TaskResult::failure("raw needs a command");
    };
    if context.settings.check {
        let mut result = TaskResult { skipped: true, until_run: true, ..TaskResult::default() };
        result.fields.insert("msg".into(), "Command would have run if not in check mode".into());
        return result;
    }
    let executor = context.executor;
    let way = match executor.way(context.task, context.host, context.scope, context.settings) {
        Ok(way) => way,
        Err(failure) => return *failure,
    };
    let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let mut line = String::new();
    for (name, value) in &context.settings.environment {
        line.push_str(&format!("{name}={} ", quote(value)));
    }
    match args.get("executable").and_then(Json::as_str) {
        Some(executable) => line.push_str(&format!("{executable} -c {}", quote(command))),
        None => line.push_str(command),
    }
    let timeout = context.settings.timeout_secs.map(Duration::from_secs);
    match executor.reach.raw(&way, &line, timeout).await {
        Ok(output) => {
            let mut result = TaskResult { changed: true, ..TaskResult::default() };
            result.failed = output.rc != 0;
            if result.failed {
                result.fields.insert("msg".into(), "non-zero return code".into());
            }
            let text = |bytes: &[u8]| Json::String(String::from_utf8_lossy(bytes).into_owned());
            result.fields.insert("rc".into(), Json::from(output.rc));
            result.fields.insert("stdout".into(), text(&output.stdout));
            result.fields.insert("stderr".into(), text(&output.stderr));
            result
        }
        Err(error) => unanswered(&error, &context.executor.context.settings),
    }
}
