//! The inventory plugin `generator`: hosts for all combinations of layers.
//!
//! ```yaml
//! plugin: generator
//! hosts:
//!   name: "{{ operation }}-{{ environment }}"
//!   parents:
//!     - name: "{{ environment }}"
//!       vars: {environment: "{{ environment }}"}
//! layers:
//!   operation: [build, launch]
//!   environment: [dev, prod]
//! ```

use std::sync::Arc;

use source::{Diagnostic, Diagnostics, Node};
use template::{Scope, Tree, Value};

use crate::{Inventory, Vars, load::codes};

/// The most hosts of one file.
const HOSTS_MAX: usize = 100_000;

/// The deepest parents of parents.
const DEPTH_MAX: usize = 64;

/// Reads a file and adds its hosts and groups.
pub fn apply(node: &Node, inventory: &mut Inventory, scope: &Scope, diagnostics: &mut Diagnostics) {
    if let Err(diagnostic) = generate(node, inventory, scope) {
        diagnostics.push(*diagnostic);
    }
}

type Failed = Box<Diagnostic>;

fn wrong(node: &Node, message: impl Into<String>) -> Failed {
    Box::new(Diagnostic::error(codes::LINE, &node.span, message))
}

fn generate(node: &Node, inventory: &mut Inventory, scope: &Scope) -> Result<(), Failed> {
    const OPTIONS: [&str; 3] = ["plugin", "hosts", "layers"];
    let Some(mapping) = node.as_mapping() else { return Ok(()) };
    for entry in &mapping.entries {
        let name = entry.key.as_str().unwrap_or("");
        if !OPTIONS.contains(&name) {
            let message = format!("the inventory plugin 'generator' has no option '{name}'");
            return Err(Box::new(
                Diagnostic::error(codes::LINE, &entry.key.span, message).nearest(name, OPTIONS),
            ));
        }
    }
    let Some(layers) = mapping.get("layers") else {
        return Err(wrong(node, "'layers' is required: lists of values by name"));
    };
    let Some(hosts) = mapping.get("hosts") else {
        return Err(wrong(node, "'hosts' is required: the template of the hosts' names"));
    };
    let Some(host_name) = hosts.as_mapping().and_then(|hosts| hosts.get("name")) else {
        return Err(wrong(hosts, "'hosts' has no key 'name'"));
    };
    let mut combinations: Vec<Vec<(Arc<str>, Tree)>> = vec![Vec::new()];
    let Some(layers) = layers.as_mapping() else {
        return Err(wrong(
            layers,
            format!("'layers' is a dictionary, this is {}", layers.describe()),
        ));
    };
    for layer in &layers.entries {
        let (Some(name), Some(values)) = (layer.key.as_str(), layer.value.as_sequence()) else {
            return Err(wrong(
                &layer.value,
                format!("a layer is a list of values, this is {}", layer.value.describe()),
            ));
        };
        if combinations.len().saturating_mul(values.len()) > HOSTS_MAX {
            return Err(wrong(&layer.value, format!("these are more than {HOSTS_MAX} hosts")));
        }
        let mut next = Vec::new();
        for combination in &combinations {
            for value in values {
                let tree = tree(value, scope)?;
                let mut longer = combination.clone();
                longer.push((name.into(), tree));
                next.push(longer);
            }
        }
        combinations = next;
    }
    for combination in combinations {
        let layer: Vars = combination.into_iter().collect();
        let scope = scope.push(Arc::new(layer));
        let name = rendered(host_name, &scope)?.to_string();
        inventory.add_host(&name);
        let parents = hosts.as_mapping().and_then(|hosts| hosts.get("parents"));
        add_parents(parents, &Child::Host(name), inventory, &scope, 0)?;
    }
    Ok(())
}

/// Who is put into a group.
enum Child {
    Host(String),
    Group(String),
}

fn add_parents(
    parents: Option<&Node>,
    child: &Child,
    inventory: &mut Inventory,
    scope: &Scope,
    depth: usize,
) -> Result<(), Failed> {
    let Some(parents) = parents.filter(|parents| !parents.is_null()) else { return Ok(()) };
    if depth > DEPTH_MAX {
        return Err(wrong(parents, "parents of parents go too deep"));
    }
    let Some(items) = parents.as_sequence() else {
        return Err(wrong(parents, format!("'parents' is a list, this is {}", parents.describe())));
    };
    for (number, parent) in items.iter().enumerate() {
        let mapping = parent.as_mapping();
        let Some(name) = mapping.and_then(|mapping| mapping.get("name")) else {
            return Err(wrong(parent, format!("Element {number} of parents has no name key")));
        };
        let group = rendered(name, scope)?.to_string();
        inventory.add_group(&group);
        if let Some(vars) = mapping.and_then(|m| m.get("vars")).and_then(|vars| vars.as_mapping()) {
            for entry in &vars.entries {
                let Some(name) = entry.key.as_str() else { continue };
                let value = rendered(&entry.value, scope)?;
                let group = inventory.add_group(&group);
                crate::load::set_group_var(group, name, Tree::Value(value));
            }
        }
        match child {
            Child::Host(host) => inventory.add_host_to_group(host, &group),
            Child::Group(child) => {
                inventory
                    .add_child(&group, child)
                    .map_err(|error| wrong(parent, error.to_string()))?;
            }
        }
        let above = mapping.and_then(|mapping| mapping.get("parents"));
        add_parents(above, &Child::Group(group), inventory, scope, depth + 1)?;
    }
    Ok(())
}

fn tree(node: &Node, scope: &Scope) -> Result<Tree, Failed> {
    Tree::from_node(node, scope.engine()).map_err(|broken| {
        broken.into_iter().next().map_or_else(|| wrong(node, "the template is broken"), Box::new)
    })
}

fn rendered(node: &Node, scope: &Scope) -> Result<Value, Failed> {
    tree(node, scope)?.evaluate(scope).map_err(|error| {
        let mut diagnostic = error.diagnostic(codes::TEMPLATE);
        diagnostic.span.get_or_insert_with(|| node.span.clone());
        Box::new(diagnostic)
    })
}
