//! Handlers: which ones a notification means, and which ones wait.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use inventory::HostName;
use plan::{Frame, Item, Task, TaskId};

/// The handlers of a play and the hosts that have notified them.
#[derive(Debug, Default)]
pub struct Handlers {
    /// In the order in which they run.
    all: Vec<Entry>,
    notified: HashMap<TaskId, HashSet<HostName>>,
    /// Notifications that wait for the next flush of a host, as they were written, each once: what
    /// they mean is settled then, so that the handler that came last is meant.
    saved: HashMap<HostName, Vec<String>>,
}

/// The name of a handler with its templates rendered, or why that failed.
pub type Render<'r> = &'r dyn Fn(&Arc<Task>) -> Result<String, String>;

#[derive(Debug)]
struct Entry {
    task: Arc<Task>,
    /// As it is written, until its templates could be rendered.
    name: Name,
    listen: Vec<String>,
}

/// The name of a handler.
#[derive(Debug)]
enum Name {
    Known(String),
    /// It has templates whose variables were not there yet.
    Template(String),
}

/// A name that could not be rendered when a notification might have meant it.
#[derive(Debug, PartialEq, Eq)]
pub struct Unusable {
    pub name: String,
    pub why: String,
}

/// What a notification came to.
#[derive(Debug, Default)]
pub struct Notified {
    /// Whether there is any handler that it means.
    pub is_known: bool,
    /// Handlers that will run on the host now and would not have before.
    pub handlers: Vec<Arc<Task>>,
    /// Handlers on the way to it that nobody can notify.
    pub unusable: Vec<Unusable>,
}

impl Handlers {
    /// Adds handlers; `written` is the name of one as it is written, and whether there is a
    /// template in it, `listen_of` gives its topics.
    pub fn add(
        &mut self,
        items: &[Item],
        written: &dyn Fn(&Arc<Task>) -> (String, bool),
        listen_of: &dyn Fn(&Arc<Task>) -> Vec<String>,
    ) {
        for item in items {
            match item {
                Item::Task(task) => {
                    if self.all.iter().any(|entry| entry.task.id == task.id) {
                        continue;
                    }
                    let name = match written(task) {
                        (name, true) => Name::Template(name),
                        (name, false) => Name::Known(name),
                    };
                    let (task, listen) = (Arc::clone(task), listen_of(task));
                    self.all.push(Entry { task, name, listen });
                }
                Item::Block(block) => self.add(&block.body, written, listen_of),
            }
        }
    }

    /// Notifies at once what a name means.
    pub fn notify(&mut self, name: &str, host: &HostName, render: Render<'_>) -> Notified {
        let mut notified = Notified::default();
        let found = self.find(name, render, &mut notified.unusable);
        for id in &found {
            if self.notified.entry(*id).or_default().insert(host.clone())
                && let Some(entry) = self.all.iter().find(|entry| entry.task.id == *id)
            {
                notified.handlers.push(Arc::clone(&entry.task));
            }
        }
        notified.is_known = !found.is_empty();
        notified
    }

    /// Keeps a notification for the next flush of a host, if it means anything.
    pub fn save(&mut self, name: &str, host: &HostName, render: Render<'_>) -> Notified {
        let mut notified = Notified::default();
        notified.is_known = !self.find(name, render, &mut notified.unusable).is_empty();
        let saved = self.saved.entry(host.clone()).or_default();
        if notified.is_known && !saved.iter().any(|other| other == name) {
            saved.push(name.to_owned());
        }
        notified
    }

    /// Notifies what was saved for a host, which is about to run its handlers: those come back.
    pub fn settle(&mut self, host: &HostName, render: Render<'_>) -> Vec<Arc<Task>> {
        let mut handlers = Vec::new();
        for name in self.saved.remove(host).unwrap_or_default() {
            // What is unusable was told when the notification came.
            handlers.extend(self.notify(&name, host, render).handlers);
        }
        handlers
    }

    /// What a name means: one handler of that name, of the list of handlers that came last the
    /// first, and those that listen to it, of several of one name the same one. Names with
    /// templates are rendered on the way by `render`, once it succeeds.
    fn find(
        &mut self,
        name: &str,
        render: Render<'_>,
        unusable: &mut Vec<Unusable>,
    ) -> Vec<TaskId> {
        let mut found: Vec<TaskId> = self.by_name(name, render, unusable).into_iter().collect();
        let mut seen: HashSet<&str> = HashSet::new();
        for list in self.lists().iter().rev() {
            let listening = self
                .all
                .iter()
                .filter(|entry| Arc::ptr_eq(&entry.task.parent, list) && entry.listens_to(name));
            for entry in listening {
                let is_named = entry.task.keywords.name.is_some();
                if !is_named || seen.insert(entry.name.text()) {
                    found.push(entry.task.id);
                }
            }
        }
        found
    }

    /// The lists that handlers stand in, in the order in which they came.
    fn lists(&self) -> Vec<Arc<Frame>> {
        let mut lists: Vec<Arc<Frame>> = Vec::new();
        for entry in &self.all {
            if !lists.iter().any(|list| Arc::ptr_eq(list, &entry.task.parent)) {
                lists.push(Arc::clone(&entry.task.parent));
            }
        }
        lists
    }

    fn by_name(
        &mut self,
        name: &str,
        render: Render<'_>,
        unusable: &mut Vec<Unusable>,
    ) -> Option<TaskId> {
        for list in self.lists().iter().rev() {
            for entry in self.all.iter_mut().filter(|entry| Arc::ptr_eq(&entry.task.parent, list)) {
                if let Name::Template(written) = &entry.name {
                    match render(&entry.task) {
                        Ok(rendered) => entry.name = Name::Known(rendered),
                        // Topics are enough to be notified by.
                        Err(_) if !entry.listen.is_empty() => continue,
                        Err(why) => {
                            unusable.push(Unusable { name: written.clone(), why });
                            continue;
                        }
                    }
                }
                if entry.is_called(name) {
                    return Some(entry.task.id);
                }
            }
        }
        None
    }

    /// Whether a host waits for a handler.
    pub fn is_notified(&self, task: TaskId, host: &HostName) -> bool {
        self.notified.get(&task).is_some_and(|hosts| hosts.contains(host))
    }

    /// Whether a host waits for any handler.
    pub fn has_pending(&self, host: &HostName) -> bool {
        let is_saved = self.saved.get(host).is_some_and(|names| !names.is_empty());
        is_saved || self.notified.values().any(|hosts| hosts.contains(host))
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
                std::iter::once(entry.name.text()).chain(entry.listen.iter().map(String::as_str))
            })
            .filter(|name| !name.is_empty())
            .collect()
    }
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Self::Known(name) | Self::Template(name) => name,
        }
    }
}

impl Entry {
    /// By its bare name, or with its role's before it.
    fn is_called(&self, name: &str) -> bool {
        if self.task.keywords.name.is_none() {
            return false;
        }
        let own = self.name.text();
        own == name || self.in_its_role(name) == Some(own)
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
