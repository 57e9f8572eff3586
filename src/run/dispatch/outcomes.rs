//! What results mean for hosts and for the play: counted, ignored, rescued, fatal.

use std::{
    cell::LazyCell,
    sync::{Arc, PoisonError},
};

use inventory::HostName;
use plan::{Key, Task};
use protocol::Json;
use template::Value;

use super::{Dispatcher, Finished, LazyScope, Strategy, debugging::Decision};
use crate::{Event, TaskResult, outcome::RunOrder};

impl Dispatcher {
    /// Works through results: what they mean for hosts, variables, handlers and the play.
    pub(super) async fn settle(&mut self, results: Vec<Finished>) {
        let mut includes: Vec<(usize, Arc<Task>, TaskResult)> = Vec::new();
        let mut failed_now = Vec::new();
        for (index, task, result) in results {
            let Some(host) = self.hosts.get(index) else { continue };
            let name = host.name.clone();
            let context = Arc::clone(&self.context);
            let scope: LazyScope = LazyCell::new(Box::new(|| context.scope(&name, Some(&task))));
            let ignored_unreachable =
                result.unreachable && self.executor.ignores_unreachable(&task, &scope);
            let ignored =
                result.failed && self.executor.ignores_errors(&task, &scope) || ignored_unreachable;
            let is_include = task.does(&["include_tasks", "include_role"]);
            let speaks = !(is_include && !result.failed && !result.skipped);
            if speaks {
                let _ = self.executor.events.send(Event::HostEnded {
                    host: name.clone(),
                    task: Arc::clone(&task),
                    result: Box::new(result.clone()),
                    ignored,
                });
            } else {
                let (host, task) = (name.clone(), Arc::clone(&task));
                let _ = self.executor.events.send(Event::Including { host, task });
            }
            if let Some(role) = task.role().filter(|_| !result.skipped && !result.unreachable) {
                self.entered_roles.insert((name.clone(), role.identity.clone()));
            }
            if !self.end.is_interrupted && self.needs_debugger(&task, &result, &scope) {
                match self.debug(&task, &name, &result, &scope) {
                    Decision::Continue => {}
                    Decision::Redo(edited) => {
                        self.waiting.push_back((index, edited));
                        continue;
                    }
                    Decision::Quit => {
                        self.end.is_interrupted = true;
                        self.end.ends_play = true;
                    }
                }
            }
            if let Some(host) = self.hosts.get_mut(index) {
                host.is_busy = false;
            }
            self.keep(&task, &name, &result, &scope);
            self.count(&name, &result, ignored);
            if result.unreachable && !ignored_unreachable {
                self.end.unreachable.push(name.clone());
                if let Some(host) = self.hosts.get_mut(index) {
                    host.is_unreachable = true;
                    host.series = None;
                }
                self.deactivate(&name);
                failed_now.push((index, Arc::clone(&task)));
            } else if result.failed && !ignored {
                failed_now.push((index, Arc::clone(&task)));
                self.fail_host(index, &task, &result);
                let fails_all = match self.course.strategy {
                    Strategy::Linear => self.runs_once(&task, index),
                    // Each host ran it, and one that fails counts for all.
                    Strategy::Free | Strategy::HostPinned => self.says_once(&task, index),
                };
                if fails_all {
                    self.fail_others(index, &task, &result);
                }
            } else {
                self.notify(&name, &task, &result);
            }
            drop(scope);
            if is_include && !result.failed {
                includes.push((index, task, result));
            }
        }
        failed_now.extend(self.include_all(includes));
        self.judge_failures(&failed_now);
    }

    /// A task that runs once fails for all hosts that would have taken it.
    fn fail_others(&mut self, index: usize, task: &Arc<Task>, result: &TaskResult) {
        let others: Vec<usize> = (0..self.hosts.len())
            .filter(|other| *other != index)
            .filter(|other| {
                self.hosts.get(*other).is_some_and(|host| !host.is_ended && !host.is_unreachable)
            })
            .collect();
        for other in others {
            self.fail_host(other, task, result);
        }
    }

    pub(super) fn fail_host(&mut self, index: usize, task: &Arc<Task>, result: &TaskResult) {
        let Some(host) = self.hosts.get_mut(index) else { return };
        host.series = None;
        let name = host.name.clone();
        let is_any_rescuing = host.cursor.is_any_rescuing();
        // Behind a handler that fails no other runs, forced or not.
        let was_flushing = host.cursor.is_flushing();
        let is_rescued = host.cursor.fail();
        // What is left of the block's `always` does not make the host one of the play's again.
        host.is_removed = !is_rescued;
        let has_failed = host.cursor.has_failed();
        if is_any_rescuing {
            let failed_task = failed_task(task);
            self.context.store.set(&name, "ansible_failed_task", failed_task);
            self.context.store.set(&name, "ansible_failed_result", result.registered());
            let counts = self.end.statistics.of(&name);
            counts.failed = counts.failed.saturating_sub(1);
            counts.rescued += 1;
        }
        if is_rescued {
            return;
        }
        self.deactivate(&name);
        if has_failed {
            self.end.failed.push(name.clone());
            if self.course.force_handlers && !was_flushing && self.handlers.has_pending(&name) {
                self.flush(index);
                if let Some(host) = self.hosts.get_mut(index) {
                    host.is_ended = false;
                }
            }
        }
    }

    /// Works out anew which hosts take part.
    pub(super) fn reactivate(&self) {
        let mut active = self.context.active.write().unwrap_or_else(PoisonError::into_inner);
        let taking_part = self
            .hosts
            .iter()
            .filter(|host| !host.is_removed && !host.is_unreachable && !host.cursor.has_failed());
        *active = taking_part.map(|host| host.name.clone()).collect();
    }

    pub(super) fn deactivate(&self, host: &HostName) {
        let mut active = self.context.active.write().unwrap_or_else(PoisonError::into_inner);
        active.retain(|other| other != host);
    }

    /// Whether failures end the play for everyone.
    fn judge_failures(&mut self, failed_now: &[(usize, Arc<Task>)]) {
        if failed_now.is_empty() {
            return;
        }
        let is_linear = self.course.strategy == Strategy::Linear;
        let is_fatal = failed_now.iter().any(|(index, task)| {
            if !is_linear {
                return false;
            }
            let Some(host) = self.hosts.get(*index) else { return false };
            let scope = self.context.scope(&host.name, Some(task));
            let said = task
                .setting(Key::AnyErrorsFatal)
                .and_then(|setting| setting.tree.evaluate(&scope).ok())
                .and_then(|value| crate::truth(&value));
            said.unwrap_or(self.context.settings.any_errors_fatal)
        });
        if is_fatal {
            // Hosts in a block with a rescue go there; all others are out.
            let working: Vec<usize> = (0..self.hosts.len())
                .filter(|index| !failed_now.iter().any(|(failed, _)| failed == index))
                .filter(|index| {
                    self.hosts.get(*index).is_some_and(|host| {
                        !host.is_ended && !host.is_unreachable && !host.cursor.is_handling_failure()
                    })
                })
                .collect();
            for index in working {
                if let Some(host) = self.hosts.get_mut(index) {
                    let is_rescued = host.cursor.fail();
                    let name = host.name.clone();
                    if !is_rescued && host.cursor.has_failed() {
                        self.end.failed.push(name.clone());
                        self.deactivate(&name);
                    }
                }
            }
            let lost = self.hosts.iter().any(|h| h.cursor.has_failed() || h.is_unreachable);
            self.end.is_fatal |= lost;
        }
        // Hosts that go each at its own pace are no part of one count.
        if let Some(percentage) = self.course.max_fail_percentage.filter(|_| is_linear) {
            let lost = self
                .hosts
                .iter()
                .filter(|host| host.cursor.has_failed() || host.is_unreachable)
                .count();
            if lost > 0 && lost as f64 / self.hosts.len().max(1) as f64 > percentage / 100.0 {
                self.end.is_fatal = true;
                self.end.ends_play = true;
                let _ = self.executor.events.send(Event::NoHostsRemaining);
                // Said of the limit, and once more where nobody is left.
                if lost == self.hosts.len() {
                    let _ = self.executor.events.send(Event::NoHostsRemaining);
                }
            }
        }
    }

    fn count(&mut self, host: &HostName, result: &TaskResult, ignored: bool) {
        let counts = self.end.statistics.of(host);
        if result.unreachable {
            counts.unreachable += 1;
            if ignored {
                counts.ok += 1;
                counts.ignored += 1;
                counts.unreachable -= 1;
            }
        } else if result.failed {
            if ignored {
                counts.ok += 1;
                counts.ignored += 1;
                counts.changed += u64::from(result.changed);
            } else {
                counts.failed += 1;
            }
        } else if result.skipped {
            counts.skipped += 1;
        } else {
            // Each item of an include that runs counts for itself.
            let includes =
                result.items.iter().filter(|item| !item.orders.is_empty() && !item.skipped);
            let is_include = result
                .orders
                .iter()
                .any(|order| matches!(order, RunOrder::IncludeTasks(_) | RunOrder::IncludeRole(_)));
            counts.ok += if is_include { (includes.count() as u64).max(1) } else { 1 };
            counts.changed += u64::from(result.changed);
        }
    }
}

/// The task as `ansible_failed_task` has it.
fn failed_task(task: &Arc<Task>) -> Value {
    let name = task.keywords.name.as_ref().map(plan::written).unwrap_or_default();
    Value::from_json(&serde_json::json!({
        "name": name,
        "action": task.action.written,
        "args": task.action.args.iter().map(|(k, v)| (k.to_string(), Json::String(plan::written(v)))).collect::<protocol::JsonMap>(),
    }))
}

pub(super) fn settled_failure(why: String) -> TaskResult {
    let mut result = TaskResult::failure(why);
    result.settle();
    result
}
