//! Handlers: which ones a notification means, and which ones wait.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use inventory::HostName;
use plan::{Item, Task, TaskId};

/// The handlers of a play and the hosts that have notified them.
#[derive(Debug, Default)]
pub struct Handlers {
    /// In the order in which they run.
    all: Vec<Entry>,
    notified: HashMap<TaskId, HashSet<HostName>>,
}

#[derive(Debug)]
struct Entry {
    task: Arc<Task>,
    /// Name with its templates rendered as far as the play's variables allow.
    name: String,
    listen: Vec<String>,
}

impl Handlers {
    /// Adds handlers; `name_of` and `listen_of` render what may be templates.
    pub fn add(
        &mut self,
        items: &[Item],
        name_of: &dyn Fn(&Arc<Task>) -> String,
        listen_of: &dyn Fn(&Arc<Task>) -> Vec<String>,
    ) {
        for item in items {
            match item {
                Item::Task(task) => {
                    if self.all.iter().any(|entry| entry.task.id == task.id) {
                        continue;
                    }
                    self.all.push(Entry {
                        task: Arc::clone(task),
                        name: name_of(task),
                        listen: listen_of(task),
                    });
                }
                Item::Block(block) => self.add(&block.body, name_of, listen_of),
            }
        }
    }

    /// Notifies what a name means: all handlers that listen to it, and one of that name: of the
    /// list of handlers that came last, the first. Returns whether there is any.
    pub fn notify(&mut self, name: &str, host: &HostName) -> bool {
        let last = self.all.iter().rev().find(|entry| entry.is_called(name));
        let by_name = last.and_then(|last| {
            let parent = &last.task.parent;
            let beside = |entry: &&Entry| Arc::ptr_eq(&entry.task.parent, parent);
            self.all.iter().filter(beside).find(|entry| entry.is_called(name))
        });
        let listening = self.all.iter().filter(|entry| entry.listens_to(name));
        let found: Vec<TaskId> =
            by_name.into_iter().chain(listening).map(|entry| entry.task.id).collect();
        for id in &found {
            self.notified.entry(*id).or_default().insert(host.clone());
        }
        !found.is_empty()
    }

    /// Whether a host waits for a handler.
    pub fn is_notified(&self, task: TaskId, host: &HostName) -> bool {
        self.notified.get(&task).is_some_and(|hosts| hosts.contains(host))
    }

    /// Whether a host waits for any handler.
    pub fn has_pending(&self, host: &HostName) -> bool {
        self.notified.values().any(|hosts| hosts.contains(host))
    }

    /// Notes that a handler has run on a host.
    pub fn done(&mut self, task: TaskId, host: &HostName) {
        if let Some(hosts) = self.notified.get_mut(&task) {
            hosts.remove(host);
        }
    }

    /// All handlers in their order.
    pub fn tasks(&self) -> Vec<Item> {
        self.all.iter().map(|entry| Item::Task(Arc::clone(&entry.task))).collect()
    }

    /// Names that can be notified, for messages.
    pub fn names(&self) -> Vec<&str> {
        self.all
            .iter()
            .flat_map(|entry| {
                std::iter::once(entry.name.as_str()).chain(entry.listen.iter().map(String::as_str))
            })
            .filter(|name| !name.is_empty())
            .collect()
    }
}

impl Entry {
    /// By its bare name, or with its role's before it.
    fn is_called(&self, name: &str) -> bool {
        if self.task.keywords.name.is_none() {
            return false;
        }
        self.name == name || self.in_its_role(name) == Some(self.name.as_str())
    }

    /// To a topic, with or without its role's name before it.
    fn listens_to(&self, name: &str) -> bool {
        let inner = self.in_its_role(name);
        self.listen.iter().any(|topic| topic == name || Some(topic.as_str()) == inner)
    }

    /// What stands behind the name of the handler's role in `role : name`.
    fn in_its_role<'n>(&self, name: &'n str) -> Option<&'n str> {
        let role = self.task.role()?;
        [role.name.clone(), role.full_name()]
            .iter()
            .find_map(|role| name.strip_prefix(role.as_str())?.strip_prefix(" : "))
    }
}
