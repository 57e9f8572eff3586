//! The inventory plugin `constructed`: variables and groups made of the variables that hosts have.
//!
//! ```yaml
//! plugin: constructed
//! strict: false
//! compose: {address: ansible_host | default(inventory_hostname)}
//! groups: {big: cores | int > 8}
//! keyed_groups: [{key: site, prefix: site}]
//! ```

use std::sync::Arc;

use source::{Diagnostic, Diagnostics, Node};
use template::{Expression, Scope, Tree, Value, Variables};

use crate::{HostName, Inventory, Vars, group_names::replaced, load::codes};

/// What templates of an inventory see besides the variables of a host.
pub struct Surroundings<'a> {
    /// An empty scope: the engine, and what lookups may ask.
    pub scope: &'a Scope,
    /// Variables of the command line.
    pub extra: Option<Arc<dyn Variables>>,
    /// `group_vars` and `host_vars` beside the sources that were read, for `use_vars_plugins`.
    pub files: &'a dyn Fn(&Inventory, &HostName, &mut Diagnostics) -> (Vars, Vars),
    /// What `use_extra_vars` is where the file does not say.
    pub uses_extra: bool,
}

/// One entry of `keyed_groups`.
struct Keyed {
    key: Expression,
    written: String,
    prefix: String,
    separator: String,
    default_value: Option<String>,
    trailing_separator: Option<bool>,
    parent: Option<Tree>,
}

/// A file of this plugin.
struct Constructed {
    is_strict: bool,
    leading_separator: bool,
    uses_extra: bool,
    uses_files: bool,
    compose: Vec<(String, Expression)>,
    groups: Vec<(String, Expression)>,
    keyed: Vec<Keyed>,
}

/// Reads a file and applies it to all hosts that are known so far.
pub fn apply(
    node: &Node,
    inventory: &mut Inventory,
    surroundings: &Surroundings<'_>,
    diagnostics: &mut Diagnostics,
) {
    let Some(constructed) = Constructed::read(node, surroundings, diagnostics) else { return };
    let hosts: Vec<HostName> = inventory.hosts.keys().cloned().collect();
    inventory.reconcile();
    for host in hosts {
        if let Err(message) = constructed.host(&host, inventory, surroundings, diagnostics) {
            let message = format!("{message} (in {})", node.span.file.path.display());
            diagnostics.push(Diagnostic::error(codes::LINE, &node.span, message));
            return;
        }
    }
}

impl Constructed {
    fn read(
        node: &Node,
        surroundings: &Surroundings<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        const OPTIONS: [&str; 8] = [
            "plugin",
            "compose",
            "groups",
            "keyed_groups",
            "strict",
            "leading_separator",
            "use_extra_vars",
            "use_vars_plugins",
        ];
        let mapping = node.as_mapping()?;
        let before = diagnostics.all.len();
        let mut read = Self {
            is_strict: false,
            leading_separator: true,
            uses_extra: surroundings.uses_extra,
            uses_files: false,
            compose: Vec::new(),
            groups: Vec::new(),
            keyed: Vec::new(),
        };
        let engine = surroundings.scope.engine();
        for entry in &mapping.entries {
            let name = entry.key.as_str().unwrap_or("");
            let mut wrong = |message: String| {
                diagnostics.push(Diagnostic::error(codes::LINE, &entry.value.span, message));
            };
            let mut flag = |target: &mut bool| match truth(&entry.value) {
                Some(flag) => *target = flag,
                None => wrong(format!("{name} is a boolean, this is {}", entry.value.describe())),
            };
            match name {
                "plugin" => {}
                "strict" => flag(&mut read.is_strict),
                "leading_separator" => flag(&mut read.leading_separator),
                "use_extra_vars" => flag(&mut read.uses_extra),
                "use_vars_plugins" => flag(&mut read.uses_files),
                "compose" | "groups" => {
                    let Some(entries) = entry.value.as_mapping() else {
                        if !entry.value.is_null() {
                            wrong(format!(
                                "{name} is a dictionary, this is {}",
                                entry.value.describe()
                            ));
                        }
                        continue;
                    };
                    for entry in &entries.entries {
                        let Some(key) = entry.key.as_str() else { continue };
                        let text = text_of(&entry.value);
                        match Expression::compile(engine, &text, Some(&entry.value.span)) {
                            Ok(expression) if name == "compose" => {
                                read.compose.push((key.to_owned(), expression));
                            }
                            Ok(expression) => read.groups.push((key.to_owned(), expression)),
                            Err(error) => diagnostics.push(error.diagnostic(codes::TEMPLATE)),
                        }
                    }
                }
                "keyed_groups" => {
                    let Some(entries) = entry.value.as_sequence() else {
                        wrong(format!("{name} is a list, this is {}", entry.value.describe()));
                        continue;
                    };
                    for entry in entries {
                        match Keyed::read(entry, surroundings) {
                            Ok(keyed) => read.keyed.push(keyed),
                            Err(diagnostic) => diagnostics.push(*diagnostic),
                        }
                    }
                }
                other => {
                    let message =
                        format!("the inventory plugin 'constructed' has no option '{other}'");
                    diagnostics.push(
                        Diagnostic::error(codes::LINE, &entry.key.span, message)
                            .nearest(other, OPTIONS),
                    );
                }
            }
        }
        (diagnostics.all.len() == before).then_some(read)
    }

    fn host(
        &self,
        host: &HostName,
        inventory: &mut Inventory,
        surroundings: &Surroundings<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Result<(), String> {
        let scope = self.scope(host, inventory, surroundings, diagnostics);
        for (name, expression) in &self.compose {
            match expression.evaluate(&scope) {
                Ok(value) => {
                    let vars = &mut inventory.add_host(host.as_str()).vars;
                    vars.insert(name.as_str().into(), Tree::Value(value));
                }
                Err(error) if self.is_strict => {
                    return Err(format!("Could not set {name} for host {host}: {error}"));
                }
                Err(_) => {}
            }
        }
        let scope = self.scope(host, inventory, surroundings, diagnostics);
        for (name, condition) in &self.groups {
            match condition.is_true(&scope) {
                Ok(true) => inventory.add_host_to_group(host.as_str(), &replaced(name)),
                Ok(false) => {}
                Err(error) if self.is_strict => {
                    return Err(format!("Could not add host {host} to group {name}: {error}"));
                }
                Err(_) => {}
            }
        }
        for keyed in &self.keyed {
            self.keyed(keyed, host, inventory, &scope)?;
        }
        Ok(())
    }

    /// What a host has of itself and its groups.
    fn scope(
        &self,
        host: &HostName,
        inventory: &Inventory,
        surroundings: &Surroundings<'_>,
        diagnostics: &mut Diagnostics,
    ) -> Scope {
        let mut layer = Vars::new();
        for group in inventory.groups_of(host.as_str()) {
            if let Some(group) = inventory.groups.get(&group) {
                layer.extend(group.vars.iter().map(|(k, v)| (Arc::clone(k), v.clone())));
            }
        }
        let files = if self.uses_files {
            (surroundings.files)(inventory, host, diagnostics)
        } else {
            Default::default()
        };
        layer.extend(files.0);
        if let Some(host) = inventory.hosts.get(host) {
            layer.extend(host.vars.iter().map(|(k, v)| (Arc::clone(k), v.clone())));
        }
        layer.extend(files.1);
        let text = |text: &str| Tree::Value(Value::from(text));
        let name = host.as_str();
        let short = name.split('.').next().unwrap_or(name);
        let mut groups: Vec<_> = inventory.groups_of(name);
        groups.retain(|group| group.as_str() != "all");
        groups.sort();
        let groups = Value::list(groups.iter().map(|group| Value::from(group.shared())));
        layer.insert("inventory_hostname".into(), text(name));
        layer.insert("inventory_hostname_short".into(), text(short));
        layer.insert("group_names".into(), Tree::Value(groups));
        let scope = surroundings.scope.push(Arc::new(layer));
        match &surroundings.extra {
            Some(extra) if self.uses_extra => scope.push(Arc::clone(extra)),
            _ => scope,
        }
    }

    fn keyed(
        &self,
        keyed: &Keyed,
        host: &HostName,
        inventory: &mut Inventory,
        scope: &Scope,
    ) -> Result<(), String> {
        let key = match keyed.key.evaluate(scope) {
            Ok(key) => key,
            Err(error) if self.is_strict => {
                return Err(format!(
                    "Could not generate group for host {host} from {} entry: {error}",
                    keyed.written
                ));
            }
            Err(_) => return Ok(()),
        };
        let is_empty_text = key.as_str() == Some("");
        let stands_for_itself = is_empty_text && keyed.default_value.is_some();
        if !key.truthy() && !stands_for_itself {
            if self.is_strict && !key.is_sequence() && !key.is_mapping() {
                return Err(format!(
                    "No key or key resulted empty for {} in host {host}, invalid entry",
                    keyed.written
                ));
            }
            return Ok(());
        }
        let parent = match &keyed.parent {
            None => None,
            Some(tree) => match tree.evaluate(scope) {
                Ok(parent) => Some(replaced(&parent.to_string())),
                Err(error) if self.is_strict => {
                    return Err(format!(
                        "Could not generate parent group for {} of host {host}: {error}",
                        keyed.written
                    ));
                }
                Err(_) => return Ok(()),
            },
        };
        for name in keyed.names(&key)? {
            let separator = if keyed.prefix.is_empty() && !self.leading_separator {
                ""
            } else {
                &keyed.separator
            };
            let group = replaced(&format!("{}{separator}{name}", keyed.prefix));
            inventory.add_host_to_group(host.as_str(), &group);
            if let Some(parent) = &parent {
                inventory.add_child(parent, &group).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }
}

impl Keyed {
    fn read(node: &Node, surroundings: &Surroundings<'_>) -> Result<Self, Box<Diagnostic>> {
        const OPTIONS: [&str; 6] =
            ["key", "prefix", "separator", "default_value", "trailing_separator", "parent_group"];
        let wrong = |message: String| Box::new(Diagnostic::error(codes::LINE, &node.span, message));
        let Some(mapping) = node.as_mapping() else {
            return Err(wrong(format!(
                "Invalid keyed group entry, it must be a dictionary: {}",
                node.describe()
            )));
        };
        for entry in &mapping.entries {
            let name = entry.key.as_str().unwrap_or("");
            if !OPTIONS.contains(&name) {
                return Err(Box::new(
                    Diagnostic::error(
                        codes::LINE,
                        &entry.key.span,
                        format!("keyed_groups have no option '{name}'"),
                    )
                    .nearest(name, OPTIONS),
                ));
            }
        }
        let text = |name: &str| mapping.get(name).filter(|node| !node.is_null()).map(text_of);
        let engine = surroundings.scope.engine();
        let Some(key) = mapping.get("key") else {
            return Err(wrong("Missing 'key' in keyed group entry".into()));
        };
        let written = text_of(key);
        let expression = Expression::compile(engine, &written, Some(&key.span))
            .map_err(|error| Box::new(error.diagnostic(codes::TEMPLATE)))?;
        let keyed = Self {
            key: expression,
            written,
            prefix: text("prefix").unwrap_or_default(),
            separator: text("separator").unwrap_or_else(|| "_".into()),
            default_value: text("default_value"),
            trailing_separator: mapping.get("trailing_separator").and_then(truth),
            parent: match mapping.get("parent_group").filter(|node| !node.is_null()) {
                Some(node) => Some(
                    Tree::from_text(&text_of(node), engine)
                        .map_err(|error| Box::new(error.diagnostic(codes::TEMPLATE)))?,
                ),
                None => None,
            },
        };
        if keyed.default_value.is_some() && keyed.trailing_separator.is_some() {
            return Err(wrong(
                "parameters are mutually exclusive for keyed groups: \
                 default_value|trailing_separator"
                    .into(),
            ));
        }
        Ok(keyed)
    }

    /// The names that a key gives: itself, those of a list, or `key_value` of a dict.
    fn names(&self, key: &Value) -> Result<Vec<String>, String> {
        let or_default = |text: String| match &self.default_value {
            Some(default) if text.is_empty() => default.clone(),
            _ => text,
        };
        if let Some(text) = key.as_str() {
            return Ok(vec![or_default(text.to_owned())]);
        }
        if let Some(entries) = key.entries() {
            let named = entries.into_iter().map(|(name, value)| {
                let (name, value) = (name.to_string(), value.to_string());
                match &self.default_value {
                    _ if !value.is_empty() => format!("{name}{}{value}", self.separator),
                    Some(default) => format!("{name}{}{default}", self.separator),
                    None if self.trailing_separator == Some(false) => name,
                    None => format!("{name}{}", self.separator),
                }
            });
            return Ok(named.collect());
        }
        if key.is_sequence() {
            let items = key.elements().map_err(|error| error.to_string())?;
            return Ok(items.iter().map(|item| or_default(item.to_string())).collect());
        }
        Err(format!(
            "Invalid group name format, expected a string or a list of them or dictionary, got: {}",
            key.type_name()
        ))
    }
}

/// What a scalar was written as, which may be a template's text or a bare word.
fn text_of(node: &Node) -> String {
    node.as_str().map_or_else(|| node.span.text().trim().to_owned(), str::to_owned)
}

fn truth(node: &Node) -> Option<bool> {
    match text_of(node).to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}
