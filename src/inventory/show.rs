//! An inventory as `ansible-inventory` shows it.

use std::collections::HashSet;

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

/// An inventory and the variables that are shown with it.
pub struct Shown<'a> {
    pub inventory: &'a Inventory,
    /// What is shown of a host.
    pub host_vars: &'a dyn Fn(&str) -> JsonMap,
    /// What is shown of a group; nothing unless the inventory is exported.
    pub group_vars: &'a dyn Fn(&str) -> JsonMap,
}

impl Shown<'_> {
    /// All groups, hosts and variables in the form that inventory scripts print.
    pub fn list(&self) -> Json {
        let mut result = JsonMap::new();
        let mut hostvars = JsonMap::new();
        let mut hosts: Vec<&str> = self.inventory.hosts.keys().map(|name| name.as_str()).collect();
        hosts.sort_unstable();
        for name in hosts {
            let vars = (self.host_vars)(name);
            if !vars.is_empty() {
                hostvars.insert(name.to_owned(), Json::Object(vars));
            }
        }
        let meta = JsonMap::from_iter([("hostvars".to_owned(), Json::Object(hostvars))]);
        result.insert("_meta".into(), Json::Object(meta));
        self.list_group("all", &mut result);
        Json::Object(result)
    }

    fn list_group(&self, name: &str, result: &mut JsonMap) {
        let Some(group) = self.inventory.groups.get(name) else { return };
        if result.contains_key(name) {
            return;
        }
        let mut entry = JsonMap::new();
        if name != "all" && !group.hosts.is_empty() {
            entry.insert("hosts".into(), names(group.hosts.iter().map(|host| host.as_str())));
        }
        if !group.children.is_empty() {
            let children = group.children.iter().map(|child| child.as_str());
            entry.insert("children".into(), names(children));
        }
        let vars = (self.group_vars)(name);
        if !vars.is_empty() {
            entry.insert("vars".into(), Json::Object(vars));
        }
        if !entry.is_empty() || name == "all" {
            result.insert(name.to_owned(), Json::Object(entry));
        }
        for child in &group.children {
            self.list_group(child.as_str(), result);
        }
    }

    /// The same as a tree of groups, in the form of an inventory in YAML. Variables of a host are
    /// shown where it comes first.
    pub fn tree(&self) -> Json {
        let (mut groups, mut hosts) = (HashSet::new(), HashSet::new());
        let mut result = JsonMap::new();
        if let Some(all) = self.tree_group("all", &mut groups, &mut hosts) {
            result.insert("all".into(), all);
        }
        Json::Object(result)
    }

    fn tree_group(
        &self,
        name: &str,
        seen: &mut HashSet<String>,
        seen_hosts: &mut HashSet<String>,
    ) -> Option<Json> {
        let group = self.inventory.groups.get(name)?;
        let mut children = JsonMap::new();
        for child in group.children.iter().map(|child| child.as_str()) {
            if seen.insert(child.to_owned()) {
                if let Some(tree) = self.tree_group(child, seen, seen_hosts) {
                    children.insert(child.to_owned(), tree);
                }
            } else {
                children.insert(child.to_owned(), Json::Object(JsonMap::new()));
            }
        }
        let mut entry = JsonMap::new();
        if !children.is_empty() {
            entry.insert("children".into(), Json::Object(children));
        }
        self.add_hosts_and_vars(group, seen_hosts, &mut entry);
        (!entry.is_empty()).then_some(Json::Object(entry))
    }

    fn add_hosts_and_vars(
        &self,
        group: &Group,
        seen_hosts: &mut HashSet<String>,
        entry: &mut JsonMap,
    ) {
        let mut hosts = JsonMap::new();
        if group.name.as_str() != "all" {
            for host in group.hosts.iter().map(|host| host.as_str()) {
                let is_first = seen_hosts.insert(host.to_owned());
                let vars = if is_first { (self.host_vars)(host) } else { JsonMap::new() };
                hosts.insert(host.to_owned(), Json::Object(vars));
            }
        }
        if !hosts.is_empty() {
            entry.insert("hosts".into(), Json::Object(hosts));
        }
        let vars = (self.group_vars)(group.name.as_str());
        if !vars.is_empty() {
            entry.insert("vars".into(), Json::Object(vars));
        }
    }

    /// The same as tables, a group each, in the form of an inventory in TOML.
    pub fn tables(&self) -> Json {
        let mut seen_hosts = HashSet::new();
        let mut result = JsonMap::new();
        for group in self.inventory.groups.values() {
            let mut entry = JsonMap::new();
            let name = group.name.as_str();
            if name != "all" && !group.children.is_empty() {
                let children = group.children.iter().map(|child| child.as_str());
                entry.insert("children".into(), names(children));
            }
            self.add_hosts_and_vars(group, &mut seen_hosts, &mut entry);
            if !entry.is_empty() {
                result.insert(name.to_owned(), Json::Object(entry));
            }
        }
        Json::Object(result)
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Json {
    Json::Array(names.map(|name| Json::String(name.to_owned())).collect())
}
