//! Tasks, handlers and blocks.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use indexmap::IndexMap;
use source::Span;
use template::{Scope, Tree};

use crate::{Condition, Frame, Key, Keywords, Role, Setting};

/// Tells tasks apart within one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(u64);

impl TaskId {
    /// An ID that no other task has.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0)
    }
}

/// What stands in a list of tasks.
#[derive(Clone, Debug)]
pub enum Item {
    Task(Arc<Task>),
    Block(Arc<Block>),
}

/// A block. One that was not written as such (a play's section, a role, an imported file) has no
/// rescue and no always.
#[derive(Debug)]
pub struct Block {
    pub frame: Arc<Frame>,
    pub body: Vec<Item>,
    pub rescue: Vec<Item>,
    pub always: Vec<Item>,
}

/// A task or handler.
#[derive(Clone, Debug)]
pub struct Task {
    pub id: TaskId,
    pub span: Span,
    pub keywords: Keywords,
    pub parent: Arc<Frame>,
    pub action: Action,
    pub loop_: Option<Loop>,
    pub loop_control: LoopControl,
    pub register: Option<Setting>,
    pub changed_when: Option<Vec<Condition>>,
    pub failed_when: Option<Vec<Condition>>,
    pub until: Option<Vec<Condition>>,
    pub retries: Option<Setting>,
    pub delay: Option<Setting>,
    pub async_: Option<Setting>,
    pub poll: Option<Setting>,
    /// Topics that a handler listens to.
    pub listen: Vec<Setting>,
    /// Whether this is a handler.
    pub is_handler: bool,
    /// Whether nobody wrote this task (gathering facts, flushing handlers).
    pub is_implicit: bool,
}

/// What a task does.
#[derive(Clone, Debug)]
pub struct Action {
    /// The name as it was written.
    pub written: String,
    /// The fully qualified name that it stands for.
    pub name: Arc<str>,
    /// Where the name stands.
    pub span: Span,
    /// Text outside of named arguments (`command: ls /`).
    pub free_form: Option<Tree>,
    /// Named arguments.
    pub args: IndexMap<Arc<str>, Tree>,
    /// Where each named argument's value stands.
    pub arg_spans: IndexMap<Arc<str>, Span>,
    /// Arguments that are one template (`args: "{{ … }}"`), under the named ones.
    pub whole: Option<Tree>,
    /// Where the name is a template: what there is of the action until it is known.
    pub deferred: Option<Arc<DeferredAction>>,
}

/// An action whose name is a template.
#[derive(Debug)]
pub struct DeferredAction {
    pub name: Tree,
    /// Arguments that stand behind the name, and those of a dictionary.
    pub text: String,
    pub named: Option<source::Node>,
    /// `args` of the task.
    pub args: Option<source::Node>,
    /// Where short names are looked up.
    pub collections: Vec<String>,
}

/// What a task is repeated over.
#[derive(Clone, Debug)]
pub enum Loop {
    /// `loop: …`
    List(Setting),
    /// `with_LOOKUP: …`
    With { lookup: String, terms: Setting },
}

/// How a loop is shown and named.
#[derive(Clone, Debug, Default)]
pub struct LoopControl {
    pub loop_var: Option<Setting>,
    pub index_var: Option<Setting>,
    pub label: Option<Setting>,
    pub pause: Option<Setting>,
    pub extended: Option<Setting>,
    pub extended_allitems: Option<Setting>,
    pub break_when: Vec<Condition>,
}

impl Task {
    /// The nearest setting of a key: the task's own, or an inherited one.
    pub fn setting(&self, key: Key) -> Option<&Setting> {
        self.keywords.get(key).or_else(|| self.parent.inherited(key))
    }

    /// The nearest setting of a key that is not `omit` in a scope: `omit` is as if nothing were
    /// said there.
    pub fn setting_in(&self, key: Key, scope: &Scope) -> Option<&Setting> {
        let own = self.keywords.get(key).into_iter();
        let outer = self.parent.chain().filter_map(|frame| frame.keywords.get(key));
        own.chain(outer).find(|setting| match &setting.tree {
            Tree::Template(_) => !setting.tree.instantiate(scope).is_omitted(),
            tree => !tree.literal().is_some_and(|value| value.is_omitted()),
        })
    }

    /// The role that the task belongs to.
    pub fn role(&self) -> Option<&Arc<Role>> {
        self.parent.role()
    }

    /// All conditions, the outermost first.
    pub fn conditions(&self) -> Vec<&Condition> {
        let mut conditions = self.parent.conditions();
        conditions.extend(&self.keywords.when);
        conditions
    }

    /// All tags, the outermost first.
    pub fn tags(&self) -> Vec<&Setting> {
        let mut tags = self.parent.tags();
        tags.extend(&self.keywords.tags);
        tags
    }

    /// The name as written, templates not rendered; the action's where there is none.
    pub fn raw_name(&self) -> String {
        match &self.keywords.name {
            Some(name) => crate::written(name),
            None => self.action.written.clone(),
        }
    }

    /// Whether the action is one of these modules of `ansible.builtin` or `ansible.legacy`.
    pub fn does(&self, names: &[&str]) -> bool {
        self.action
            .name
            .strip_prefix("ansible.builtin.")
            .is_some_and(|short| names.contains(&short))
    }
}

impl Block {
    /// Calls a function with each task that runs where none fails, in their order.
    pub fn each_straight_task(&self, visit: &mut dyn FnMut(&Arc<Task>)) {
        for item in &self.body {
            match item {
                Item::Task(task) => visit(task),
                Item::Block(block) => block.each_straight_task(visit),
            }
        }
    }

    /// Calls a function with each task inside, handlers' and rescues' included, in their order.
    pub fn each_task(&self, visit: &mut dyn FnMut(&Arc<Task>)) {
        for items in [&self.body, &self.rescue, &self.always] {
            for item in items {
                match item {
                    Item::Task(task) => visit(task),
                    Item::Block(block) => block.each_task(visit),
                }
            }
        }
    }
}
