//! A plan as text: `--list-tasks` of every tool needs it, and tests compare it.

use std::fmt::Write;

use crate::{Block, Item, Key, Play};

/// Writes a play as an indented outline: sections, blocks, tasks, and what each says.
pub fn show_play(play: &Play) -> String {
    let mut text = format!("play {:?} on {}\n", play.raw_name(), play.hosts_text());
    show_section(&mut text, "pre_tasks", &play.pre_tasks);
    for role in &play.roles {
        let _ = writeln!(text, "  role {}", role.role.full_name());
        show_items(&mut text, &role.block.body, 2);
    }
    show_section(&mut text, "tasks", &play.tasks);
    show_section(&mut text, "post_tasks", &play.post_tasks);
    if !play.handlers.is_empty() {
        text.push_str("  handlers\n");
        show_items(&mut text, &play.handlers, 2);
    }
    text
}

fn show_section(text: &mut String, name: &str, block: &Block) {
    if !block.body.is_empty() {
        let _ = writeln!(text, "  {name}");
        show_items(text, &block.body, 2);
    }
}

fn show_items(text: &mut String, items: &[Item], depth: usize) {
    let indent = "  ".repeat(depth);
    for item in items {
        match item {
            Item::Task(task) => {
                let _ = write!(text, "{indent}{} [{}]", task.raw_name(), task.action.name);
                if let Some(free_form) = &task.action.free_form {
                    let _ = write!(text, " {:?}", crate::written(free_form));
                }
                for (name, value) in &task.action.args {
                    let _ = write!(text, " {name}={:?}", crate::written(value));
                }
                for (key, name) in Key::ALL {
                    if let Some(setting) = task.keywords.get(*key) {
                        let _ = write!(text, " {name}:{:?}", crate::written(&setting.tree));
                    }
                }
                for condition in &task.keywords.when {
                    let _ = write!(text, " when:{:?}", condition.expression.text());
                }
                text.push('\n');
            }
            Item::Block(block) => {
                let _ = writeln!(text, "{indent}block");
                show_items(text, &block.body, depth + 1);
                for (name, items) in [("rescue", &block.rescue), ("always", &block.always)] {
                    if !items.is_empty() {
                        let _ = writeln!(text, "{indent}{name}");
                        show_items(text, items, depth + 1);
                    }
                }
            }
        }
    }
}
