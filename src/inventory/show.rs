//! An inventory as `ansible-inventory` shows it.

use protocol::{Json, JsonMap};

use crate::{Group, Inventory};

/// The tree of groups and hosts, as `--graph` prints it. `vars` gives the variables of a host or
/// group to be shown, or nothing.
pub fn graph(
    inventory: &Inventory,
    group: &str,
    group_vars: &dyn Fn(&str) -> Vec<(String, String)>,
    host_vars: &dyn Fn(&str) -> Vec<(String, String)>,
) -> String {
    let mut lines = Vec::new();
    graph_group(inventory, group, 0, group_vars, host_vars, &mut lines);
    lines.join("\n")
}

fn mark(text: &str, depth: usize) -> String {
    if depth == 0 { text.to_owned() } else { format!("{}--{text}", "  |".repeat(depth)) }
}

fn graph_group(
    inventory: &Inventory,
    name: &str,
    depth: usize,
    group_vars: &dyn Fn(&str) -> Vec<(String, String)>,
    host_vars: &dyn Fn(&str) -> Vec<(String, String)>,
    lines: &mut Vec<String>,
) {
    let Some(group) = inventory.groups.get(name) else { return };
    lines.push(mark(&format!("@{name}:"), depth));
    for child in &group.children {
        graph_group(inventory, child.as_str(), depth + 1, group_vars, host_vars, lines);
    }
    if name != "all" {
        for host in group.hosts.iter().map(|host| host.as_str()) {
            lines.push(mark(host, depth + 1));
            for (name, value) in host_vars(host) {
                lines.push(mark(&format!("{{{name} = {value}}}"), depth + 2));
            }
        }
    }
    for (name, value) in group_vars(name) {
        lines.push(mark(&format!("{{{name} = {value}}}"), depth + 1));
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names
}

/// All groups, hosts and variables, as `--list` prints them. `host_vars` gives what is under
/// `_meta.hostvars`.
pub fn list(inventory: &Inventory, host_vars: &dyn Fn(&str) -> JsonMap) -> Json {
    let mut result = JsonMap::new();
    let mut hostvars = JsonMap::new();
    for name in sorted(inventory.hosts.keys().map(|name| name.as_str())) {
        let vars = host_vars(name);
        if !vars.is_empty() {
            hostvars.insert(name.to_owned(), Json::Object(vars));
        }
    }
    let meta = JsonMap::from_iter([("hostvars".to_owned(), Json::Object(hostvars))]);
    result.insert("_meta".into(), Json::Object(meta));
    list_group(inventory, "all", &mut result);
    Json::Object(result)
}

fn list_group(inventory: &Inventory, name: &str, result: &mut JsonMap) {
    let Some(group) = inventory.groups.get(name) else { return };
    if result.contains_key(name) {
        return;
    }
    let mut entry = JsonMap::new();
    if name != "all" && !group.hosts.is_empty() {
        entry.insert("hosts".into(), names(group.hosts.iter().map(|host| host.as_str())));
    }
    let children = shown_children(inventory, group);
    if !children.is_empty() {
        entry.insert("children".into(), names(children.iter().copied()));
    }
    if !entry.is_empty() || name == "all" {
        result.insert(name.to_owned(), Json::Object(entry));
    }
    for child in children {
        list_group(inventory, child, result);
    }
}

/// The children of a group; `ungrouped` only where there is something in it or it stands in `all`.
fn shown_children<'a>(_inventory: &'a Inventory, group: &'a Group) -> Vec<&'a str> {
    group.children.iter().map(|child| child.as_str()).collect()
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Json {
    Json::Array(names.map(|name| Json::String(name.to_owned())).collect())
}
