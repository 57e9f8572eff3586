//! Inventory plugins.

use std::sync::Arc;

use inventory::{
    Inventory,
    brought::{InventoryPlugins, Reading},
};
use serde_json::{Map, Value as Json, json};
use template::Scope;

use crate::{
    answers::{Both, InTemplate, written},
    interpreter::{Answers, CallError},
    jinja::{Of, PythonPlugins, place},
    wire::{Objects, quoted},
};

/// Inventory plugins of users, of the settings and of collections.
pub struct PythonInventories {
    plugins: Arc<PythonPlugins>,
    /// What templates in configurations see.
    scope: Scope,
}

impl PythonInventories {
    /// Plugins that are found among others of the run.
    pub fn new(plugins: Arc<PythonPlugins>, scope: Scope) -> Self {
        Self { plugins, scope }
    }
}

/// Says where the cache plugins are that inventory plugins name.
struct Caches<'a> {
    plugins: &'a PythonPlugins,
}

impl Answers for Caches<'_> {
    fn answer(&self, what: &str, said: &Json) -> Option<Json> {
        if what != "cache plugin" {
            return None;
        }
        let name = said.get("name").and_then(Json::as_str).unwrap_or_default();
        let Some((file, module)) = self.plugins.file("cache", short(name)) else {
            return Some(json!({ "value": null }));
        };
        Some(json!({ "value": [file.path.display().to_string(), module] }))
    }
}

/// A plugin that is in no collection may be called by the name that Ansible has for all of those.
fn short(name: &str) -> &str {
    name.strip_prefix("ansible.legacy.").unwrap_or(name)
}

impl InventoryPlugins for PythonInventories {
    fn has(&self, name: &str) -> bool {
        self.plugins.file("inventory", short(name)).is_some()
    }

    fn read(&self, name: &str, source: &str, before: &Inventory) -> Reading {
        let Some((file, dotted)) = self.plugins.file("inventory", short(name)) else {
            return Reading::Unknown;
        };
        let objects = &self.plugins.python.objects;
        let mut request = r#"{"do":"inventories.read","name":"#.to_owned();
        quoted(&mut request, name);
        place(&mut request, &file.path, dotted.as_deref());
        request.push_str(r#","source":"#);
        quoted(&mut request, source);
        request.push_str(r#","before":"#);
        request.push_str(&snapshot(before, objects).to_string());
        request.push('}');
        let of = Of { what: "inventory plugin", name, file: &file.path };
        let answers = Both {
            own: &Caches { plugins: &self.plugins },
            others: InTemplate { scope: &self.scope, objects },
        };
        match self.plugins.python.call(&request, &of, &answers) {
            Ok(Json::Null) => Reading::NotMine,
            Ok(made) => match objects.decode(&made).to_json() {
                Ok(json) => Reading::Read(json),
                Err(error) => Reading::Failed(error.message().to_owned()),
            },
            Err(CallError::Raised(raised)) if raised.is("AnsibleError") => {
                Reading::Failed(raised.message)
            }
            Err(error) => Reading::Failed(format!("{error} ({of})")),
        }
    }
}

/// What was read before: hosts with their variables, groups with what is in them.
fn snapshot(before: &Inventory, objects: &Objects) -> Json {
    let vars = |vars: &inventory::Vars| -> Map<String, Json> {
        let values =
            vars.iter().map(|(name, tree)| (name.to_string(), objects.json(&written(tree))));
        values.collect()
    };
    let hosts: Map<String, Json> = before
        .hosts
        .iter()
        .map(|(name, host)| (name.to_string(), vars(&host.vars).into()))
        .collect();
    let groups: Map<String, Json> = before
        .groups
        .iter()
        .map(|(name, group)| {
            let names = |list: &mut dyn Iterator<Item = String>| -> Vec<String> { list.collect() };
            let said = json!({
                "vars": vars(&group.vars),
                "hosts": names(&mut group.hosts.iter().map(ToString::to_string)),
                "children": names(&mut group.children.iter().map(ToString::to_string)),
            });
            (name.to_string(), said)
        })
        .collect();
    json!({ "hosts": hosts, "groups": groups })
}
