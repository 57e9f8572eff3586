//! The narrow waist: a compiled playbook as data that prints.
//!
//! Start with [`play`] (what runs on which hosts), [`task`] (what a task is), [`frame`] (what a
//! task inherits, from whom) and [`keyword`] (the settings that any of them may carry).
//!
//! Nothing in here reads a file, talks to a host or decides an order; values that may be templates
//! are [`template::Tree`]s, which whoever runs the plan renders.

pub mod frame;
pub mod keyword;
pub mod play;
pub mod role;
pub mod show;
pub mod task;

pub use frame::{Frame, FrameKind};
pub use keyword::{Condition, Key, Keywords, Setting};
pub use play::{Play, Prompt};
pub use role::Role;
pub use task::{Action, Block, Item, Loop, LoopControl, Task, TaskId};

/// Variables of one origin, in the order of their definition.
pub type Layer = std::sync::Arc<indexmap::IndexMap<std::sync::Arc<str>, template::Tree>>;

/// A tree as it was written: templates not rendered, secrets not shown.
pub fn written(tree: &template::Tree) -> String {
    use template::Tree;
    match tree {
        Tree::Value(value) => value.to_string(),
        Tree::Template(template) => template.text().to_string(),
        Tree::List(items) => {
            format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Tree::Dict(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}: {}", written(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Tree::Secret(_) => "(encrypted)".into(),
    }
}
