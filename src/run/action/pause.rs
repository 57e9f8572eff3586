//! `pause`: waits for a time, or for the operator.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use protocol::{Json, JsonMap};

use super::ActionContext;
use crate::{
    Event, TaskResult,
    prompting::{Awaited, Reply},
};

/// Tells who waits for keys that the task is over, however it ends.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) async fn run(context: &ActionContext<'_>, args: &JsonMap) -> TaskResult {
    let number = |name: &str| match args.get(name) {
        None | Some(Json::Null) => Ok(None),
        // A fraction is cut off; a text that is one is wrong.
        Some(Json::Number(number)) if number.is_f64() => {
            Ok(number.as_f64().map(|number| number.trunc() as i64))
        }
        Some(json) => match protocol::coerce::coerce(protocol::spec::Kind::Int, json) {
            Ok(value) => Ok(value.as_i64()),
            Err(why) => Err(format!(
                "argument '{name}' is of type <class 'str'> and we were unable to convert to int: {why}"
            )),
        },
    };
    let (minutes, seconds) = match (number("minutes"), number("seconds")) {
        (Ok(minutes), Ok(seconds)) => (minutes, seconds),
        (Err(why), _) | (_, Err(why)) => return TaskResult::failure(why),
    };
    if minutes.is_some() && seconds.is_some() {
        return TaskResult::failure("parameters are mutually exclusive: minutes|seconds");
    }
    let wait_secs = seconds.or(minutes.map(|minutes| minutes * 60));
    let wait_secs = wait_secs.map(|secs| u64::try_from(secs.max(1)).unwrap_or(1));
    let name = context.executor.name_of(context.task, context.scope);
    let prompt = args.get("prompt").and_then(Json::as_str);
    let echo = args.get("echo").and_then(protocol::coerce::truth).unwrap_or(true);
    let say = |message: String| {
        let _ = context.executor.events.send(Event::Said { message });
    };
    let started = Instant::now();
    let start = chrono::Local::now();
    let mut input = String::new();
    let given_up = GivenUp(Arc::default());
    // The keyboard is taken first: who sees the prompt may answer at once.
    let held = context.executor.prompts.hold(Arc::clone(&given_up.0));
    let (awaited, limit) = match (wait_secs, prompt) {
        (Some(secs), prompt) => {
            say(format!("Pausing for {secs} seconds"));
            if prompt.is_some() || held.is_some() {
                say("(ctrl+C then 'C' = continue early, ctrl+C then 'A' = abort)".into());
            }
            if let Some(prompt) = prompt.filter(|_| held.is_some()) {
                say(format!("[{name}]\n{prompt}:"));
            }
            (Awaited::Nothing, Some(Duration::from_secs(secs)))
        }
        (None, prompt) => {
            let text = prompt.unwrap_or("Press enter to continue, Ctrl+C to interrupt");
            let hidden = if echo { "" } else { " (output is hidden)" };
            if held.is_some() {
                say(format!("[{name}]\n{text}{hidden}:"));
            }
            (Awaited::Line, None)
        }
    };
    match (held, limit) {
        (Some(mut held), limit) => {
            let waiting = tokio::task::spawn_blocking(move || {
                let reply = held.wait(awaited, echo, limit);
                (held, reply)
            });
            let Ok((mut held, reply)) = waiting.await else {
                return TaskResult::failure("the wait for keys broke off");
            };
            match reply {
                Reply::Line(line) => input = line,
                Reply::Nothing => {}
                Reply::Interrupted => {
                    say("Press 'C' to continue the play or 'A' to abort ".into());
                    let choosing =
                        tokio::task::spawn_blocking(move || held.wait(Awaited::Choice, echo, None));
                    if !matches!(choosing.await, Ok(Reply::Line(_))) {
                        return TaskResult::failure("user requested abort!");
                    }
                }
            }
        }
        (None, Some(limit)) => tokio::time::sleep(limit).await,
        (None, None) => {
            let message =
                "Not waiting for response to prompt as stdin is not interactive".to_owned();
            let _ = context.executor.events.send(Event::Warning { message });
        }
    }
    let elapsed = started.elapsed();
    let (unit, amount) = match minutes {
        Some(_) => ("minutes", elapsed.as_secs_f64() / 60.0),
        None => ("seconds", elapsed.as_secs_f64()),
    };
    let mut result = TaskResult::default();
    let amount = (amount * 100.0).round() / 100.0;
    result.fields.insert("stdout".into(), format!("Paused for {amount:?} {unit}").into());
    result.fields.insert("stderr".into(), "".into());
    result.fields.insert("rc".into(), Json::from(0));
    let time = |at: chrono::DateTime<chrono::Local>| at.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    result.fields.insert("start".into(), time(start).into());
    result.fields.insert("stop".into(), time(chrono::Local::now()).into());
    result.fields.insert("delta".into(), Json::from(elapsed.as_secs()));
    result.fields.insert("echo".into(), Json::Bool(echo));
    result.fields.insert("user_input".into(), Json::String(input));
    result
}
