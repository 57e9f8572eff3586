//! What results bring: variables, facts, hosts and groups, notifications.

use std::sync::Arc;

use inventory::HostName;
use plan::{Item, Key, Task};
use template::{Tree, Value};

use super::{Dispatcher, LazyScope, Strategy};
use crate::{Event, TaskResult, outcome::RunOrder, scope::PlayContext};

impl Dispatcher {
    /// Keeps what a result brings: registered, facts, variables, hosts and groups.
    pub(super) fn keep(
        &mut self,
        task: &Arc<Task>,
        host: &HostName,
        result: &TaskResult,
        scope: &LazyScope<'_>,
    ) {
        let runs_once = task.setting(Key::RunOnce).is_some_and(|setting| {
            setting.tree.evaluate(scope).ok().and_then(|v| crate::truth(&v)).unwrap_or(false)
        });
        let hosts: Vec<HostName> = if runs_once && self.course.strategy == Strategy::Linear {
            self.hosts.iter().filter(|h| !h.is_unreachable).map(|h| h.name.clone()).collect()
        } else {
            vec![host.clone()]
        };
        let store = Arc::clone(&self.context.store);
        let delegates_facts = task
            .setting(Key::DelegateFacts)
            .and_then(|setting| setting.tree.evaluate(scope).ok())
            .and_then(|value| crate::truth(&value))
            .unwrap_or(false);
        // Each item may have been delegated to another host.
        let sources = match delegates_facts && !result.items.is_empty() {
            true => result.items.as_slice(),
            false => std::slice::from_ref(result),
        };
        for source in sources {
            let fact_hosts: Vec<HostName> = match (&source.delegated_to, delegates_facts) {
                (Some(delegate), true) => vec![HostName::from(delegate.as_str())],
                _ => hosts.clone(),
            };
            for host in &fact_hosts {
                self.warn_of(store.add_facts(host, &source.facts));
                for (name, value) in &source.variables {
                    self.warn_of_reserved(name);
                    store.set(host, name, value.clone());
                }
            }
            for order in &source.orders {
                self.obey(order, host, &fact_hosts);
            }
        }
        if task.register.is_some()
            && let Some(name) = self.executor.register_name(task, scope)
        {
            self.warn_of_reserved(&name);
            let is_include = task.does(&["include_tasks", "include_role"]);
            let value = match is_include && !result.skipped && !result.failed {
                true => result.of_include().registered(),
                false => result.registered(),
            };
            for host in &hosts {
                store.set(host, &name, value.clone());
            }
        }
    }

    fn warn_of_reserved(&self, name: &str) {
        self.warn_of(crate::reserved::warning(name));
    }

    fn warn_of(&self, messages: impl IntoIterator<Item = String>) {
        for message in messages {
            let _ = self.executor.events.send(Event::Warning { message });
        }
    }

    fn obey(&mut self, order: &RunOrder, host: &HostName, fact_hosts: &[HostName]) {
        let store = &self.context.store;
        match order {
            RunOrder::GroupBy { group, parents } => {
                let (host, group, parents) = (host.clone(), group.clone(), parents.clone());
                let failed = store.add_to_inventory(Arc::new(move |inventory| {
                    // An inventory that was read anew may not have the host any more.
                    let is_local = inventory::pattern::LOCALHOST.contains(&host.as_str());
                    if !inventory.hosts.contains_key(&host) && !is_local {
                        return None;
                    }
                    inventory.add_group(&group);
                    let failed =
                        parents.iter().find_map(|parent| inventory.add_child(parent, &group).err());
                    inventory.add_host_to_group(host.as_str(), &group);
                    inventory.reconcile();
                    failed.map(|error| error.to_string())
                }));
                if let Some(message) = failed {
                    let _ = self.executor.events.send(Event::Warning { message });
                }
            }
            RunOrder::IncludeVars { name, vars } => {
                match name {
                    Some(name) => self.warn_of_reserved(name),
                    None => vars.iter().for_each(|(name, _)| self.warn_of_reserved(name)),
                }
                let vars = vars.iter().map(|(name, var)| (name.clone(), var.0.clone()));
                for host in fact_hosts {
                    match name {
                        None => store.include(host, vars.clone()),
                        Some(name) => {
                            let entries = vars
                                .clone()
                                .map(|(key, tree)| (Value::from(key.as_str()), tree))
                                .collect();
                            store.include(host, [(name.clone(), Tree::dict(entries))]);
                        }
                    }
                }
            }
            RunOrder::CacheFacts { facts } => {
                for host in fact_hosts {
                    self.warn_of(store.add_facts(host, facts));
                }
            }
            RunOrder::Statistic { name, value, per_host, aggregate } => {
                let _ = self.executor.events.send(Event::Statistic {
                    name: name.clone(),
                    value: value.clone(),
                    host: per_host.then(|| host.clone()),
                    aggregate: *aggregate,
                });
            }
            RunOrder::IncludeTasks(_) | RunOrder::IncludeRole(_) => {}
        }
    }

    pub(super) fn notify(&mut self, host: &HostName, task: &Arc<Task>, result: &TaskResult) {
        if !result.changed {
            return;
        }
        let context = Arc::clone(&self.context);
        let render = |handler: &Arc<Task>| handler_name(&context, handler);
        let is_flushing =
            self.hosts.iter().any(|other| other.name == *host && other.cursor.is_flushing());
        // As in Ansible, a task that runs once notifies for the host that ran it alone.
        for name in &result.notify {
            // Among handlers there is no later flush that would take it up.
            let notified = match is_flushing {
                true => self.handlers.notify(name, host, &render),
                false => self.handlers.save(name, host, &render),
            };
            for handler in notified.handlers {
                let host = host.clone();
                let _ = self.executor.events.send(Event::Notified { handler, host });
            }
            for handler in notified.unusable {
                let message = format!(
                    "Handler '{}' is unusable because it has no listen topics and the name could not be templated (host-specific variables are not supported in handler names). The error: {}",
                    handler.name, handler.why
                );
                let _ = self.executor.events.send(Event::Warning { message });
            }
            if !notified.is_known {
                let message = format!(
                    "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
                );
                if self.context.settings.error_on_missing_handler {
                    let hint = nearest_handler(name, &self.handlers.names());
                    let hint = hint.map(|hint| format!("\n  help: {hint}")).unwrap_or_default();
                    let place = &task.span;
                    self.end.mistake = Some(format!("{message}\n  at {place}{hint}"));
                    self.end.ends_play = true;
                    return;
                }
                let _ = self.executor.events.send(Event::Warning { message });
            }
        }
    }

    pub(super) fn add_handlers(&mut self, items: &[Item]) {
        let written = |task: &Arc<Task>| match &task.keywords.name {
            Some(tree) => (plan::written(tree), tree.literal().is_none()),
            None => (task.action.written.clone(), false),
        };
        // Topics are taken as they are written: Ansible renders none.
        let listen_of = |task: &Arc<Task>| {
            task.listen
                .iter()
                .flat_map(|topic| match &topic.tree {
                    Tree::List(items) => items.iter().map(plan::written).collect::<Vec<_>>(),
                    tree => match tree.literal() {
                        Some(Value::List(list)) => list.iter().map(|t| t.to_string()).collect(),
                        _ => vec![plan::written(tree)],
                    },
                })
                .collect()
        };
        self.handlers.add(items, &written, &listen_of);
    }
}

/// The name of a handler. It holds for all hosts, so that no host's own variables count.
pub(super) fn handler_name(
    context: &Arc<PlayContext>,
    handler: &Arc<Task>,
) -> Result<String, String> {
    match &handler.keywords.name {
        Some(tree) => tree
            .evaluate(&context.hostless_scope(handler))
            .map(|name| name.to_string())
            .map_err(|error| error.to_string()),
        None => Ok(handler.action.written.clone()),
    }
}

fn nearest_handler(name: &str, known: &[&str]) -> Option<String> {
    let near = source::nearest::nearest(name, known.iter().copied());
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}
