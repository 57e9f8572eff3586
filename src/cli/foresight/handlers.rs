//! Notifications that nobody hears.

use plan::Setting;
use playbook::codes::UNKNOWN_HANDLER;
use source::{Diagnostic, Diagnostics};
use template::{Tree, Value};

use super::seen::Seen;

/// Says of each plain name that is notified where no handler of the play has it. Nothing is said
/// where a handler's name is a template, or roles are included whose names are.
pub fn look(seen: &Seen, found: &mut Diagnostics) {
    if seen.has_unknown_roles || !seen.unknown_tasks.is_empty() && has_included_handlers(seen) {
        return;
    }
    let mut known: Vec<String> = Vec::new();
    for handler in &seen.handlers {
        let task = &handler.task;
        if let Some(name) = &task.keywords.name {
            let Some(name) = name.literal().map(|name| name.to_string()) else { return };
            if let Some(role) = task.role() {
                known.push(format!("{} : {name}", role.name));
                known.push(format!("{} : {name}", role.full_name()));
            }
            known.push(name);
        }
        for topic in plain(&task.listen) {
            if let Some(role) = task.role() {
                known.push(format!("{} : {topic}", role.name));
                known.push(format!("{} : {topic}", role.full_name()));
            }
            known.push(topic);
        }
    }
    for seen in seen.all() {
        let frames = seen.task.parent.chain().flat_map(|frame| &frame.keywords.notify);
        for setting in seen.task.keywords.notify.iter().chain(frames) {
            for name in plain(std::slice::from_ref(setting)) {
                if !known.contains(&name) {
                    let message = format!("no handler of this play is called '{name}'");
                    found.push(
                        Diagnostic::warning(UNKNOWN_HANDLER, &setting.span, message)
                            .nearest(&name, known.iter().map(String::as_str)),
                    );
                }
            }
        }
    }
}

/// Whether handlers come from files that tasks among the handlers include.
fn has_included_handlers(seen: &Seen) -> bool {
    seen.handlers.iter().any(|handler| handler.task.does(&["include_tasks"]))
}

/// Names that are no templates.
fn plain(settings: &[Setting]) -> Vec<String> {
    let mut names = Vec::new();
    for setting in settings {
        match &setting.tree {
            Tree::List(items) => {
                names.extend(items.iter().filter_map(Tree::as_str).map(str::to_owned));
            }
            tree => match tree.literal() {
                Some(Value::List(list)) => names.extend(list.iter().map(|name| name.to_string())),
                Some(Value::None) | None => {}
                Some(name) => names.push(name.to_string()),
            },
        }
    }
    names
}
