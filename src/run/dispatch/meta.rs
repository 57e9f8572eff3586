//! `meta`: tasks that concern the run itself.

use std::sync::{Arc, PoisonError};

use inventory::HostName;
use plan::{Block, Task};
use protocol::Json;

use super::{Dispatcher, orders::handler_name, outcomes::settled_failure};
use crate::{Event, TaskResult};

impl Dispatcher {
    pub(super) fn flush(&mut self, index: usize) {
        let Some(name) = self.hosts.get(index).map(|host| host.name.clone()) else { return };
        let context = Arc::clone(&self.context);
        let handlers = self.handlers.settle(&name, &|handler| handler_name(&context, handler));
        for handler in handlers {
            let host = name.clone();
            let _ = self.executor.events.send(Event::Notified { handler, host });
        }
        let block = Arc::new(Block {
            frame: Arc::clone(&self.context.play.frame),
            body: self.handlers.tasks(),
            rescue: Vec::new(),
            always: Vec::new(),
        });
        if let Some(host) = self.hosts.get_mut(index) {
            host.cursor.flush(block);
        }
    }

    /// `meta`: what concerns the run itself.
    pub(super) async fn meta(&mut self, index: usize, task: &Arc<Task>) {
        let Some(host) = self.hosts.get(index) else { return };
        let name = host.name.clone();
        let scope = self.context.scope(&name, Some(task));
        let what = match &task.action.free_form {
            Some(tree) => tree.evaluate(&scope).map(|value| value.to_string()),
            None => Ok(String::new()),
        };
        let what = match what {
            Ok(what) => what,
            Err(error) => {
                self.fail_meta(index, task, &error.to_string());
                return;
            }
        };
        let what = what.trim().to_owned();
        if !task.is_implicit {
            let (task, name) = (Arc::clone(task), self.executor.name_of(task, &scope));
            let _ = self.executor.events.send(match task.is_handler {
                true => Event::HandlerStarted { task, name },
                false => Event::TaskStarted { task, name, check: self.context.settings.check },
            });
        }
        // The end of a role is noted whatever its conditions say.
        let conditions = if task.is_implicit { Vec::new() } else { task.conditions() };
        for condition in conditions {
            match condition.expression.is_true(&scope) {
                Ok(true) => {}
                Ok(false) => {
                    let reason = skipped_meta(&what, &name, task);
                    self.say_meta(&reason);
                    let mut result = TaskResult { skipped: true, ..TaskResult::default() };
                    result.fields.insert("msg".into(), Json::String(what.clone()));
                    result.fields.insert("skip_reason".into(), Json::String(reason));
                    let _ = self.executor.events.send(Event::HostEnded {
                        host: name.clone(),
                        task: Arc::clone(task),
                        result: Box::new(result),
                        ignored: false,
                    });
                    return;
                }
                Err(error) => {
                    self.fail_meta(index, task, &error.to_string());
                    return;
                }
            }
        }
        if let Some(done) = done_meta(&what, &name, task).filter(|_| !task.is_implicit) {
            self.say_meta(&done);
        }
        match what.as_str() {
            "noop" => {}
            "flush_handlers" => self.flush(index),
            "role_complete" => {
                if let Some(role) = task.role() {
                    let key = (name, role.identity.clone());
                    if self.entered_roles.contains(&key) {
                        self.completed_roles.insert(key);
                    }
                }
            }
            "clear_facts" => {
                for host in &self.context.all_hosts {
                    self.context.store.clear_facts(host);
                }
            }
            "clear_host_errors" => {
                for host in &mut self.hosts {
                    host.is_unreachable = false;
                    host.is_removed = false;
                    host.cursor.clear_failures();
                }
                self.end.failed.clear();
                self.end.unreachable.clear();
                let mut active =
                    self.context.active.write().unwrap_or_else(PoisonError::into_inner);
                *active = self.context.batch.clone();
            }
            "end_play" => {
                for host in &mut self.hosts {
                    host.cursor.end();
                }
                self.end.ends_play = true;
            }
            "end_batch" => {
                for host in &mut self.hosts {
                    host.cursor.end();
                }
            }
            "end_host" => {
                if let Some(host) = self.hosts.get_mut(index) {
                    host.cursor.end();
                }
            }
            "end_role" if task.is_handler => {
                let message = "Cannot execute 'end_role' from a handler";
                self.end.mistake = Some(format!("{message}\n  at {}", task.span));
                self.end.ends_play = true;
            }
            "end_role" => match task.role() {
                Some(role) => {
                    let role = Arc::clone(role);
                    self.completed_roles.insert((name, role.identity.clone()));
                    if let Some(host) = self.hosts.get_mut(index) {
                        host.cursor.end_role(&role);
                    }
                }
                None => {
                    let message = "Cannot execute 'end_role' from outside of a role";
                    self.end.mistake = Some(format!("{message}\n  at {}", task.span));
                    self.end.ends_play = true;
                }
            },
            "reset_connection" => self.reach.reset(name.as_str()).await,
            "refresh_inventory" => {
                if let Err(why) = self.context.store.refresh_inventory() {
                    self.fail_meta(index, task, &why);
                }
            }
            other => {
                self.fail_meta(index, task, &format!("invalid meta action requested: {other}"));
            }
        }
    }

    /// Says what a `meta` task did, to those who want to hear more.
    fn say_meta(&self, message: &str) {
        if self.context.settings.verbosity >= 2 {
            let _ = self.executor.events.send(Event::Said { message: format!("META: {message}") });
        }
    }

    fn fail_meta(&mut self, index: usize, task: &Arc<Task>, why: &str) {
        let Some(host) = self.hosts.get(index).map(|host| host.name.clone()) else { return };
        let result = settled_failure(why.to_owned());
        let _ = self.executor.events.send(Event::HostEnded {
            host: host.clone(),
            task: Arc::clone(task),
            result: Box::new(result.clone()),
            ignored: false,
        });
        self.end.statistics.of(&host).failed += 1;
        self.fail_host(index, task, &result);
    }
}

/// What is said of a `meta` task that was done.
fn done_meta(what: &str, host: &HostName, task: &Arc<Task>) -> Option<String> {
    Some(match what {
        "flush_handlers" => format!("triggered running handlers for {host}"),
        "clear_facts" => "facts cleared".into(),
        "refresh_inventory" => "inventory successfully refreshed".into(),
        "clear_host_errors" => "cleared host errors".into(),
        "end_batch" => "ending batch".into(),
        "end_play" => "ending play".into(),
        "end_host" => format!("ending play for {host}"),
        "end_role" => {
            let role = task.role().map(|role| role.full_name()).unwrap_or_default();
            format!("ending role {role} for {host}")
        }
        "reset_connection" => "reset connection".into(),
        "role_complete" => return None,
        other => other.to_owned(),
    })
}

/// What is said of a `meta` task that a condition keeps from being done.
fn skipped_meta(what: &str, host: &HostName, task: &Arc<Task>) -> String {
    let rest = match what {
        "flush_handlers" => format!(", not running handlers for {host}"),
        "refresh_inventory" => ", not refreshing the inventory".into(),
        "clear_facts" => format!(", not clearing facts and fact cache for {host}"),
        "clear_host_errors" => format!(", not clearing host error state for {host}"),
        "end_batch" => ", continuing current batch".into(),
        "end_play" => ", continuing play".into(),
        "end_host" => format!(", continuing execution for {host}"),
        "end_role" => {
            let role = task.role().map(|role| role.full_name()).unwrap_or_default();
            format!(", continuing role {role} for {host}")
        }
        _ => String::new(),
    };
    format!("{what} conditional evaluated to False{rest}")
}

/// Whether a `meta` task is done once for all hosts, by whichever comes first.
pub(super) fn concerns_all(task: &Task) -> bool {
    const OF_ALL: &[&str] =
        &["clear_facts", "clear_host_errors", "end_batch", "end_play", "refresh_inventory"];
    let what = task.action.free_form.as_ref().and_then(|tree| tree.literal());
    what.is_some_and(|what| OF_ALL.contains(&what.to_string().trim()))
}
