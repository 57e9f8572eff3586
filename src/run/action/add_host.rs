//! `add_host`: adds a host to the inventory of this run.

use indexmap::IndexMap;
use protocol::{Json, JsonMap};
use std::sync::Arc;
use template::{Tree, Value};

use super::ActionContext;
use crate::TaskResult;

pub(crate) fn run(context: &ActionContext<'_>, mut args: IndexMap<String, Value>) -> TaskResult {
    args.shift_remove("_raw_params");
    let mut take = |names: &[&str]| names.iter().find_map(|name| args.shift_remove(*name));
    let Some(name) = take(&["name", "hostname", "host"]) else {
        return TaskResult::failure("name, host or hostname needs to be provided");
    };
    let groups = take(&["groups", "groupname", "group"]);
    let name = name.to_string();
    let groups: Vec<String> = match groups {
        None | Some(Value::None) => Vec::new(),
        Some(Value::List(list)) => list.iter().map(|group| group.to_string()).collect(),
        Some(Value::Str(text)) => text.split(',').map(str::to_owned).collect(),
        Some(other) => {
            return TaskResult::failure(format!(
                "Groups must be specified as a list, not {}",
                other.type_name()
            ));
        }
    };
    let mut groups: Vec<String> =
        groups.iter().map(|g| g.trim().to_owned()).filter(|g| !g.is_empty()).collect();
    groups.dedup();
    let (host, port) = inventory::host_range::split_port(&name);
    let host = host.to_owned();
    let mut vars = JsonMap::new();
    if let Some(port) = port {
        vars.insert("ansible_ssh_port".into(), Json::from(port));
    }
    for (name, value) in args {
        match value.to_json() {
            Ok(json) => {
                vars.insert(name, json);
            }
            Err(error) => return TaskResult::failure(error.to_string()),
        }
    }
    let inventory = context.executor.context.store.inventory();
    let is_as_wanted = inventory.hosts.get(host.as_str()).is_some_and(|known| {
        let has_group = |group: &String| {
            inventory.groups.get(group.as_str()).is_some_and(|g| g.hosts.contains(host.as_str()))
        };
        let has_var = |(name, value): (&String, &Json)| {
            let known = known.vars.get(name.as_str()).and_then(|tree| tree.literal());
            known.and_then(|value| value.to_json().ok()).as_ref() == Some(value)
        };
        groups.iter().all(has_group) && vars.iter().all(has_var)
    });
    let mut result = TaskResult { changed: !is_as_wanted, ..TaskResult::default() };
    let shown = serde_json::json!({"host_name": host, "groups": groups, "host_vars": vars});
    result.fields.insert("add_host".into(), shown);
    // At once: the next item of a loop sees the host.
    context.executor.context.store.add_to_inventory(Arc::new(move |inventory| {
        // New hosts are of `all` themselves, so that they come before those of other groups.
        if !inventory.hosts.contains_key(host.as_str()) {
            inventory.add_host_to_group(&host, "all");
        }
        let added = inventory.add_host(&host);
        for (variable, value) in &vars {
            let tree = Tree::Value(Value::from_json(value));
            added.vars.insert(variable.as_str().into(), tree);
        }
        for group in &groups {
            inventory.add_host_to_group(&host, group);
        }
        inventory.reconcile();
        None
    }));
    result
}
