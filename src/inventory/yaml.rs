//! Inventories in YAML, and what scripts print in JSON under the same names.
//!
//! ```yaml
//! all:
//!   hosts: {lone: {ansible_port: 2222}}
//!   children:
//!     web: {hosts: {"web[01:20]": }, vars: {tier: front}}
//! ```

use std::sync::Arc;

use source::{Diagnostic, Diagnostics, Kind, Mapping, Node};
use template::{Engine, Tree};

use crate::{Inventory, Vars, host_range, load::codes};

/// Reads a tree into an inventory.
pub fn read(
    node: &Node,
    engine: &Engine,
    inventory: &mut Inventory,
    diagnostics: &mut Diagnostics,
) {
    let mut reader = Reader { engine, inventory, diagnostics };
    match &node.kind {
        Kind::Mapping(mapping) => {
            if mapping.get("plugin").is_some() {
                let message = "Plugin configuration YAML file, not YAML inventory";
                reader.wrong(node, message.into());
                return;
            }
            for entry in &mapping.entries {
                match entry.key.as_str() {
                    Some(name) => reader.group(name, &entry.value),
                    None => reader.wrong(
                        &entry.key,
                        format!(
                            "Invalid group name: a group is named by a string, this is {}",
                            entry.key.describe()
                        ),
                    ),
                }
            }
        }
        _ if node.is_null() => reader.wrong(node, "Parsed empty YAML file".into()),
        _ => reader.wrong(
            node,
            format!(
                "YAML inventory has invalid structure, it should be a dictionary, got: {}",
                node.describe()
            ),
        ),
    }
}

struct Reader<'a> {
    engine: &'a Engine,
    inventory: &'a mut Inventory,
    diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn group(&mut self, name: &str, node: &Node) {
        let name = self.inventory.names.kept(name);
        self.inventory.add_group(&name);
        let mapping = match &node.kind {
            Kind::Mapping(mapping) => Arc::clone(mapping),
            _ if node.is_null() => return,
            _ => {
                self.wrong(
                    node,
                    format!(
                        "Invalid group '{name}' entry: a group is a dictionary, this is {}",
                        node.describe()
                    ),
                );
                return;
            }
        };
        for entry in &mapping.entries {
            match entry.key.as_str() {
                Some("vars") => {
                    for (variable, tree) in self.vars(&entry.value) {
                        let group = self.inventory.add_group(&name);
                        crate::load::set_group_var(group, &variable, tree);
                    }
                }
                Some("children") => {
                    let Some(children) = self.entries(&entry.value, "children") else { continue };
                    for child in &children.entries {
                        let Some(child_name) = child.key.as_str() else { continue };
                        self.group(child_name, &child.value);
                        let child_name = self.inventory.names.kept(child_name);
                        if let Err(error) = self.inventory.add_child(&name, &child_name) {
                            self.wrong(&child.key, error.to_string());
                        }
                    }
                }
                Some("hosts") => {
                    let Some(hosts) = self.entries(&entry.value, "hosts") else { continue };
                    for host in &hosts.entries {
                        self.hosts(&host.key, &host.value, &name);
                    }
                }
                key => {
                    let key = key.unwrap_or("this");
                    let message = format!(
                        "Skipping unexpected key \"{key}\" in group \"{name}\", only \"vars\", \"children\" and \"hosts\" are valid"
                    );
                    let diagnostic =
                        Diagnostic::warning(codes::UNEXPECTED_KEY, &entry.key.span, message);
                    self.diagnostics.push(diagnostic.nearest(key, ["vars", "children", "hosts"]));
                }
            }
        }
    }

    /// The entries under `children` or `hosts`: a dictionary, nothing, or one name.
    fn entries(&mut self, node: &Node, what: &str) -> Option<Arc<Mapping>> {
        match &node.kind {
            Kind::Mapping(mapping) => Some(Arc::clone(mapping)),
            _ if node.is_null() => None,
            Kind::Scalar(source::Scalar::Str { .. }) => {
                let null =
                    Node { kind: Kind::Scalar(source::Scalar::Null), span: node.span.clone() };
                let entries = vec![source::Entry { key: node.clone(), value: null }];
                Some(Arc::new(Mapping { entries }))
            }
            _ => {
                self.wrong(
                    node,
                    format!(
                        "Invalid \"{what}\" entry, it requires a dictionary, found {} instead",
                        node.describe()
                    ),
                );
                None
            }
        }
    }

    fn hosts(&mut self, key: &Node, node: &Node, group: &str) {
        if matches!(key.kind, Kind::Scalar(source::Scalar::Int(_) | source::Scalar::Float(_))) {
            let written = key.span.text().trim();
            self.wrong(
                key,
                format!(
                    "Host pattern {written} must be a string. Enclose integers/floats in quotation \
                     marks."
                ),
            );
            return;
        }
        let text = match &key.kind {
            Kind::Scalar(source::Scalar::Null) => String::new(),
            Kind::Scalar(_) => {
                key.as_str().map_or_else(|| key.span.text().trim().to_owned(), str::to_owned)
            }
            _ => String::new(),
        };
        if text.is_empty() {
            self.wrong(key, "a host is named by a string".into());
            return;
        }
        let vars = self.vars(node);
        let (pattern, port) = host_range::split_port(&text);
        let hosts = match host_range::expand(pattern) {
            Ok(hosts) => hosts,
            Err(error) => {
                self.wrong(key, error.to_string());
                return;
            }
        };
        for name in hosts {
            self.inventory.add_host_to_group(&name, group);
            let host = self.inventory.add_host(&name);
            if let Some(port) = port {
                let port = template::Value::Int(i64::from(port));
                host.vars.insert("ansible_port".into(), Tree::Value(port));
            }
            host.vars.extend(vars.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
        }
    }

    fn vars(&mut self, node: &Node) -> Vars {
        let mut vars = Vars::new();
        match &node.kind {
            Kind::Mapping(mapping) => {
                for entry in &mapping.entries {
                    let name = match entry.key.as_str() {
                        Some(name) => name.to_owned(),
                        None => {
                            let name = entry.key.span.text().trim().to_owned();
                            self.inventory.odd_name.get_or_insert_with(|| name.as_str().into());
                            name
                        }
                    };
                    let (tree, broken) = Tree::deferring(&entry.value, self.engine);
                    // What roles bring is known later.
                    let broken = broken.into_iter().filter(|found| !Tree::is_awaited(found));
                    broken.for_each(|diagnostic| self.diagnostics.push(diagnostic));
                    vars.insert(name.as_str().into(), tree);
                }
            }
            _ if node.is_null() => {}
            _ => self.wrong(
                node,
                format!(
                    "Invalid \"vars\" entry, it requires a dictionary, found {} instead",
                    node.describe()
                ),
            ),
        }
        vars
    }

    fn wrong(&mut self, node: &Node, message: String) {
        self.diagnostics.push(Diagnostic::error(codes::LINE, &node.span, message));
    }
}
