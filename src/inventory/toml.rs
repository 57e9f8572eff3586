//! Inventories in TOML: the same as in YAML, a table a group.
//!
//! ```toml
//! [web]
//! children = ["front"]
//! [web.vars]
//! tier = "front"
//! [web.hosts]
//! web1 = {ansible_port = 2222}
//! ```

use std::sync::Arc;

use protocol::{Json, JsonMap};
use source::{Diagnostic, Diagnostics, SourceFile};
use template::{Engine, Tree, Value};

use crate::{Inventory, Vars, host_range, load::codes};

/// Reads a file into an inventory.
pub fn read(
    file: &Arc<SourceFile>,
    engine: &Engine,
    inventory: &mut Inventory,
    diagnostics: &mut Diagnostics,
) {
    let parsed: Result<JsonMap, _> = ::toml::from_str(&file.text);
    let mut reader = Reader { engine, inventory, wrong: Vec::new() };
    match parsed {
        Ok(groups) if groups.is_empty() => reader.wrong.push("Parsed empty TOML file".into()),
        Ok(groups) if groups.contains_key("plugin") => {
            reader.wrong.push("Plugin configuration TOML file, not TOML inventory".into());
        }
        Ok(groups) => groups.iter().for_each(|(name, group)| reader.group(name, group)),
        Err(error) => reader.wrong.push(format!("TOML file is invalid: {error}")),
    }
    for message in reader.wrong {
        let message = format!("{}: {message}", file.path.display());
        diagnostics.push(Diagnostic::placeless(codes::LINE, message));
    }
}

/// Writes groups as tables; nulls, which TOML does not know, are left out.
///
/// # Errors
/// The value is no table of tables.
pub fn write(groups: &Json) -> Result<String, ::toml::ser::Error> {
    ::toml::to_string_pretty(&without_nulls(groups))
}

fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(
            map.iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect(),
        ),
        Json::Array(items) => {
            items.iter().filter(|item| !item.is_null()).map(without_nulls).collect()
        }
        other => other.clone(),
    }
}

struct Reader<'a> {
    engine: &'a Engine,
    inventory: &'a mut Inventory,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn group(&mut self, name: &str, group: &Json) {
        let name = self.inventory.names.kept(name);
        self.inventory.add_group(&name);
        let Json::Object(group) = group else {
            self.wrong.push(format!("group '{name}' must be a table, this is {group}"));
            return;
        };
        for (key, value) in group {
            match (key.as_str(), value) {
                ("vars", Json::Object(vars)) => {
                    for (variable, tree) in self.vars(vars) {
                        let group = self.inventory.add_group(&name);
                        crate::load::set_group_var(group, &variable, tree);
                    }
                }
                ("children", Json::Array(children)) => {
                    for child in children.iter().filter_map(Json::as_str) {
                        let child = self.inventory.names.kept(child);
                        if let Err(error) = self.inventory.add_child(&name, &child) {
                            self.wrong.push(error.to_string());
                        }
                    }
                }
                ("hosts", Json::Object(hosts)) => {
                    for (pattern, vars) in hosts {
                        self.hosts(pattern, vars, &name);
                    }
                }
                ("vars" | "children" | "hosts", _) => self.wrong.push(format!(
                    "\"{key}\" of the group '{name}' must be a {}",
                    if key == "children" { "list" } else { "table" }
                )),
                _ => self.wrong.push(format!(
                    "Skipping unexpected key \"{key}\" in group \"{name}\", only \"vars\", \
                     \"children\" and \"hosts\" are valid"
                )),
            }
        }
    }

    fn hosts(&mut self, pattern: &str, vars: &Json, group: &str) {
        let vars = match vars {
            Json::Object(vars) => self.vars(vars),
            _ => Vars::new(),
        };
        let (pattern, port) = host_range::split_port(pattern);
        match host_range::expand(pattern) {
            Ok(names) => {
                for name in names {
                    self.inventory.add_host_to_group(&name, group);
                    let host = self.inventory.add_host(&name);
                    if let Some(port) = port {
                        let port = Value::Int(i64::from(port));
                        host.vars.insert("ansible_port".into(), Tree::Value(port));
                    }
                    host.vars
                        .extend(vars.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
                }
            }
            Err(error) => self.wrong.push(error.to_string()),
        }
    }

    fn vars(&mut self, vars: &JsonMap) -> Vars {
        let mut read = Vars::new();
        for (name, value) in vars {
            match Tree::from_trusted(&Value::from_json(value), self.engine) {
                Ok(tree) => {
                    read.insert(name.as_str().into(), tree);
                }
                Err(error) => self.wrong.push(format!("{name}: {error}")),
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> (Inventory, Vec<String>) {
        let mut inventory = Inventory::default();
        let mut diagnostics = Diagnostics::default();
        let file = SourceFile::new("hosts.toml", text);
        read(&file, &Engine::new(), &mut inventory, &mut diagnostics);
        inventory.reconcile();
        (inventory, diagnostics.all.into_iter().map(|d| d.message).collect())
    }

    #[test]
    fn tables_are_groups() {
        let text = "[web]\nchildren = [\"front\"]\n[web.vars]\ntier = 1\n[web.hosts]\n\"web[1:2]\" = {p = true}\n[all.vars]\nx = \"{{ tier }}\"\n";
        let (inventory, wrong) = load(text);
        assert_eq!(wrong, Vec::<String>::new());
        assert_eq!(inventory.hosts_of("web").len(), 2);
        assert!(inventory.groups["web"].children.contains("front"));
        assert_eq!(format!("{:?}", inventory.groups["web"].vars["tier"]), "1");
    }

    #[test]
    fn what_is_no_inventory_is_named() {
        let cases = [
            ("", "Parsed empty TOML file"),
            ("x = ", "TOML file is invalid"),
            ("plugin = \"x\"", "Plugin configuration TOML file"),
            ("web = 1", "must be a table"),
            ("[web]\nhosts = [\"a\"]", "must be a table"),
            ("[web]\nchildren = 1", "must be a list"),
            ("[web]\nhoards = {}", "Skipping unexpected key \"hoards\""),
            ("[web]\nchildren = [\"web\"]", "recursive dependency loop"),
        ];
        for (text, expected) in cases {
            let (_, wrong) = load(text);
            assert!(wrong.iter().any(|message| message.contains(expected)), "{text:?}: {wrong:?}");
        }
    }
}
