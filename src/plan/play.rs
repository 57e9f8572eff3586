//! A play.

use std::{iter, path::PathBuf, sync::Arc};

use source::Span;
use template::Tree;

use crate::{Block, Frame, Item, Role, Setting, Task};

/// What runs on which hosts.
#[derive(Debug)]
pub struct Play {
    /// The play's own frame: keywords that all of its tasks inherit.
    pub frame: Arc<Frame>,
    pub span: Span,
    /// The file that it stands in.
    pub playbook: PathBuf,
    /// A pattern, or a list of them.
    pub hosts: Setting,
    pub vars_files: Vec<Setting>,
    pub vars_prompt: Vec<Prompt>,
    pub gather_facts: Option<Setting>,
    pub gather_subset: Option<Setting>,
    pub gather_timeout: Option<Setting>,
    pub fact_path: Option<Setting>,
    pub serial: Option<Setting>,
    pub strategy: Option<Setting>,
    pub order: Option<Setting>,
    pub max_fail_percentage: Option<Setting>,
    pub force_handlers: Option<Setting>,
    /// The task that holds the play's variables to its argument spec.
    pub validation: Option<Arc<Task>>,
    pub pre_tasks: Arc<Block>,
    /// The roles of `roles:`, their dependencies before them, a block each.
    pub roles: Vec<RoleBlock>,
    pub tasks: Arc<Block>,
    pub post_tasks: Arc<Block>,
    /// Handlers of the roles, then of the play, in the order in which they run.
    pub handlers: Vec<Item>,
}

/// A role of a play and its tasks.
#[derive(Debug)]
pub struct RoleBlock {
    pub role: Arc<Role>,
    pub block: Arc<Block>,
}

/// A variable that is asked for before the play.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub name: String,
    pub prompt: Option<Tree>,
    pub default: Option<Tree>,
    pub private: bool,
    pub confirm: bool,
    pub encrypt: Option<String>,
    pub salt: Option<String>,
    pub salt_size: Option<i64>,
    pub unsafe_: bool,
    pub span: Span,
}

impl Play {
    /// The name as written; the host pattern where there is none.
    pub fn raw_name(&self) -> String {
        match &self.frame.keywords.name {
            Some(name) => crate::written(name),
            None => self.hosts_text(),
        }
    }

    /// The host patterns as written, joined by commas.
    pub fn hosts_text(&self) -> String {
        match &self.hosts.tree {
            Tree::List(items) => items.iter().map(crate::written).collect::<Vec<_>>().join(","),
            tree => crate::written(tree),
        }
    }

    /// Calls a function with each task in the order of the run, handlers left out.
    pub fn each_task(&self, visit: &mut dyn FnMut(&Arc<Task>)) {
        if let Some(task) = &self.validation {
            visit(task);
        }
        self.blocks().for_each(|block| block.each_task(visit));
    }

    /// The same without what rescues, and what always follows a block.
    pub fn each_straight_task(&self, visit: &mut dyn FnMut(&Arc<Task>)) {
        if let Some(task) = &self.validation {
            visit(task);
        }
        self.blocks().for_each(|block| block.each_straight_task(visit));
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        let roles = self.roles.iter().map(|role| &*role.block);
        iter::once(&*self.pre_tasks).chain(roles).chain([&*self.tasks, &*self.post_tasks])
    }
}
