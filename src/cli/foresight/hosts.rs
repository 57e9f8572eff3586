//! Patterns of plays that match nothing.

use source::{Diagnostic, Diagnostics};
use template::Tree;

use super::{NO_HOST, Sight, seen::Seen};

/// Says of each name in a pattern of hosts that is no host and no group. A play before it may add
/// both, and where there is no inventory nobody expects any.
pub fn look(sight: &Sight<'_>, seen: &[Seen], found: &mut Diagnostics) {
    let inventory = sight.store.inventory();
    let adds_hosts = seen
        .iter()
        .flat_map(Seen::all)
        .any(|task| task.task.does(&["add_host", "group_by"]) || refreshes(&task.task));
    if adds_hosts || inventory.hosts.is_empty() {
        return;
    }
    for seen in seen {
        let hosts = &seen.play.hosts;
        let patterns: Vec<String> = match &hosts.tree {
            Tree::Value(value) => match value.as_list() {
                Some(list) => list.iter().map(|name| name.to_string()).collect(),
                None => inventory::pattern::split(&value.to_string()),
            },
            _ => continue,
        };
        let Ok(matched) = inventory::pattern::resolve(&inventory, &patterns) else { continue };
        for name in matched.unmatched {
            let message = format!("no host and no group is called '{name}'");
            let known = inventory.groups.keys().map(|group| group.as_str());
            let known = known.chain(inventory.hosts.keys().map(|host| host.as_str()));
            found.push(
                Diagnostic::warning(NO_HOST, &hosts.span, message)
                    .nearest(name.trim_start_matches(['!', '&']), known),
            );
        }
    }
}

fn refreshes(task: &plan::Task) -> bool {
    let what = task.action.free_form.as_ref().and_then(Tree::as_str);
    task.does(&["meta"]) && what == Some("refresh_inventory")
}
