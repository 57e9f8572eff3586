//! `wait_for_connection`: waits until a host can be reached and its remote answers.

use std::time::{Duration, Instant};

use protocol::{Json, JsonMap};
use transport::NoFiles;

use super::ActionContext;
use crate::{TaskResult, connect::Way};

/// Seconds where the task does not say.
const CONNECT_TIMEOUT_SECS: u64 = 5;
const SLEEP_SECS: u64 = 1;
const TIMEOUT_SECS: u64 = 600;

pub(crate) async fn run(context: &ActionContext<'_>, args: &JsonMap) -> TaskResult {
    if context.settings.check {
        return TaskResult { skipped: true, ..TaskResult::default() };
    }
    let secs = |name: &str, default: u64| args.get(name).and_then(Json::as_u64).unwrap_or(default);
    let mut way = match context.way() {
        Ok(way) => way,
        Err(failure) => return *failure,
    };
    way.target.connect_timeout_secs = secs("connect_timeout", CONNECT_TIMEOUT_SECS);
    let started = Instant::now();
    tokio::time::sleep(Duration::from_secs(secs("delay", 0))).await;
    let deadline = Instant::now() + Duration::from_secs(secs("timeout", TIMEOUT_SECS));
    let mut last = String::new();
    let mut result = loop {
        if Instant::now() >= deadline {
            break TaskResult::failure(format!("timed out waiting for ping module test: {last}"));
        }
        match ping(context, &way).await {
            Ok(()) => break TaskResult::default(),
            Err(why) => last = why,
        }
        tokio::time::sleep(Duration::from_secs(secs("sleep", SLEEP_SECS))).await;
    };
    result.fields.insert("elapsed".into(), started.elapsed().as_secs().into());
    result
}

/// Connects anew, and has the remote answer.
async fn ping(context: &ActionContext<'_>, way: &Way) -> Result<(), String> {
    let reach = &context.executor.reach;
    reach.reset(&way.target.name).await;
    let args = context.completed("ansible.builtin.ping", JsonMap::new())?;
    let request = crate::execute::Executor::request("ansible.builtin.ping", args, context.settings);
    let answer = reach.call(way, request, &NoFiles, None, None).await;
    match answer {
        Ok(response) if response.failed => Err(response.msg.unwrap_or_default()),
        Ok(_) => Ok(()),
        Err(error) => Err(error.chain()),
    }
}
