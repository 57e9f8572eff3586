//! The task debugger in a play: when it comes up, and what the operator has it do.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use inventory::HostName;
use plan::{Key, Task};
use protocol::Json;
use template::{Scope, Value};

use super::{Dispatcher, LazyScope};
use crate::{
    Event, TaskResult,
    debugger::{Assigned, Command, Edits, HELP, evaluate, parse},
};

/// How long the screen may take to show what came before the prompt.
const FLUSH_WAIT: Duration = Duration::from_secs(5);

/// What is done with a result after the operator has looked at it.
pub(super) enum Decision {
    Continue,
    /// The task as it is to be run again.
    Redo(Arc<Task>),
    Quit,
}

impl Dispatcher {
    /// Whether the debugger comes up for a result.
    pub(super) fn needs_debugger(
        &self,
        task: &Arc<Task>,
        result: &TaskResult,
        scope: &LazyScope<'_>,
    ) -> bool {
        let failed = result.failed && !self.executor.ignores_errors(task, scope);
        let wanted = task
            .setting(Key::Debugger)
            .and_then(|setting| setting.tree.evaluate(scope).ok())
            .map(|when| when.to_string());
        match wanted.as_deref() {
            Some("always") => true,
            Some("never") => false,
            Some("on_failed") => failed,
            Some("on_unreachable") => result.unreachable,
            Some("on_skipped") => result.skipped,
            _ => self.context.settings.debugs_failures && (failed || result.unreachable),
        }
    }

    /// Talks with the operator about a result.
    pub(super) fn debug(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        result: &TaskResult,
        scope: &Scope,
    ) -> Decision {
        let name = self.executor.name_of(task, scope);
        let mut edits = Edits::default();
        let mut current = Arc::clone(task);
        self.wait_for_screen();
        loop {
            let prompt = format!("[{host}] TASK: {name} (debug)> ");
            let prompts = Arc::clone(&self.executor.prompts);
            let line = tokio::task::block_in_place(|| prompts.line(&prompt));
            // Nobody is there any more.
            let Some(line) = line else { return Decision::Quit };
            let seen = self.seen(&current, host, result, &edits);
            let said = match parse(&line) {
                Command::Nothing => continue,
                Command::Continue => return Decision::Continue,
                Command::Redo => return Decision::Redo(edits.apply(task)),
                Command::Quit => return Decision::Quit,
                Command::Update => {
                    current = edits.apply(task);
                    continue;
                }
                Command::Help => HELP.to_owned(),
                Command::Print(text) => match evaluate(&text, &seen) {
                    Ok(_) if text == "task" => format!("TASK: {name}"),
                    Ok(_) if text == "host" => host.to_string(),
                    Ok(value) => value.repr(),
                    Err(why) => format!("***{why}"),
                },
                Command::Assign { what, key, value } => match evaluate(&value, &seen) {
                    Ok(value) => {
                        match what {
                            Assigned::Args => edits.args.insert(key, value),
                            Assigned::Vars => edits.vars.insert(key, value),
                        };
                        current = edits.apply(task);
                        continue;
                    }
                    Err(why) => format!("***{why}"),
                },
                Command::Unknown(line) => {
                    format!("***SyntaxError: `{line}` is no command; type help")
                }
            };
            let _ = self.executor.events.send(Event::Said { message: said });
            self.wait_for_screen();
        }
    }

    /// What expressions at the prompt see.
    fn seen(&self, task: &Arc<Task>, host: &HostName, result: &TaskResult, edits: &Edits) -> Scope {
        let scope = self.context.scope(host, Some(task));
        let args = task.action.args.iter().map(|(name, tree)| {
            let value = tree.evaluate(&scope);
            let value = value.unwrap_or_else(|_| Value::from(plan::written(tree).as_str()));
            (Value::from(&**name), value)
        });
        let free_form = task.action.free_form.as_ref().map(|tree| {
            let value = tree.evaluate(&scope);
            let value = value.unwrap_or_else(|_| Value::from(plan::written(tree).as_str()));
            (Value::from("_raw_params"), value)
        });
        let name = self.executor.name_of(task, &scope);
        let of_task = Value::dict([
            (Value::from("name"), Value::from(name.as_str())),
            (Value::from("action"), Value::from(task.action.written.as_str())),
            (Value::from("args"), Value::dict(args.chain(free_form))),
        ]);
        let vars = scope.get("vars").unwrap_or(Value::None);
        let mut of_result = protocol::JsonMap::new();
        of_result.insert("_result".into(), Json::Object(result.fields.clone()));
        let edited = edits.vars.iter().map(|(name, value)| (name.as_str(), value.clone()));
        scope.push_values(edited).push_values([
            ("task", of_task),
            ("task_vars", vars),
            ("host", Value::from(host.as_str())),
            ("result", Value::from_json(&Json::Object(of_result))),
        ])
    }

    /// Waits until everything so far has been shown.
    fn wait_for_screen(&self) {
        let (done, shown) = mpsc::channel();
        if self.executor.events.send(Event::Flush { done }).is_ok() {
            // A screen that hangs must not keep the operator from the prompt.
            let _ = tokio::task::block_in_place(|| shown.recv_timeout(FLUSH_WAIT));
        }
    }
}
