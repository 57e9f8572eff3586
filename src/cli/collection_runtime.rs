//! `meta/runtime.yml` of collections: names that stand for others, and groups of actions.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use playbook::collections::Collections;
use source::{Diagnostics, Node, SourceFile};

/// Names that lead to others at most.
const REDIRECTS_MAX: usize = 16;

/// What collections say of their modules.
pub struct CollectionRuntimes {
    collections: Collections,
    read: RwLock<HashMap<String, Arc<Runtime>>>,
}

#[derive(Debug, Default)]
struct Runtime {
    redirects: HashMap<String, String>,
    /// Full names of the actions that modules name as theirs.
    action_plugins: HashMap<String, String>,
    gone: HashMap<String, String>,
    /// Names of modules by group; other groups are named by `extend_group`.
    groups: HashMap<String, Group>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    actions: Vec<String>,
    extends: Vec<String>,
}

impl CollectionRuntimes {
    /// Reads nothing yet.
    pub fn new(collections: Collections) -> Self {
        Self { collections, read: RwLock::default() }
    }

    /// The name that a module's name of a collection stands for, if it is another.
    pub fn redirected(&self, name: &str) -> Option<String> {
        let mut name = name.to_owned();
        let mut has_moved = false;
        for _ in 0..REDIRECTS_MAX {
            let Some((collection, module)) = split(&name) else { break };
            let runtime = self.runtime(&collection);
            let Some(next) = runtime.redirects.get(module) else { break };
            name.clone_from(next);
            has_moved = true;
        }
        has_moved.then_some(name)
    }

    /// The action that a module's collection names as the module's; both by full name.
    pub fn action_plugin(&self, name: &str) -> Option<String> {
        let (collection, module) = split(name)?;
        self.runtime(&collection).action_plugins.get(module).cloned()
    }

    /// Why a module is not there any more, where its collection says so.
    pub fn gone(&self, name: &str) -> Option<String> {
        let (collection, module) = split(name)?;
        self.runtime(&collection).gone.get(module).cloned()
    }

    /// Whether a module belongs to a group; both by full name. `None` where there is no such group.
    pub fn is_in_group(&self, group: &str, module: &str) -> Option<bool> {
        self.group_has(group, module, 0)
    }

    fn group_has(&self, group: &str, module: &str, depth: usize) -> Option<bool> {
        let (collection, name) = split(group)?;
        let runtime = self.runtime(&collection);
        let group = runtime.groups.get(name)?;
        let full = |action: &str| match action.contains('.') {
            true => action.to_owned(),
            false => format!("{collection}.{action}"),
        };
        let is_listed = group.actions.iter().any(|action| {
            let action = full(action);
            action == module || self.redirected(&action).is_some_and(|real| real == module)
        });
        let is_inherited = || {
            depth < REDIRECTS_MAX
                && group
                    .extends
                    .iter()
                    .any(|other| self.group_has(&full(other), module, depth + 1).unwrap_or(false))
        };
        Some(is_listed || is_inherited())
    }

    fn runtime(&self, collection: &str) -> Arc<Runtime> {
        if let Some(known) =
            self.read.read().unwrap_or_else(PoisonError::into_inner).get(collection)
        {
            return Arc::clone(known);
        }
        let folder = self.collections.folder(collection);
        let runtime = folder.and_then(|folder| read(&folder.join("meta/runtime.yml")));
        let runtime = Arc::new(runtime.unwrap_or_default());
        self.read
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(collection.to_owned(), Arc::clone(&runtime));
        runtime
    }
}

/// Collection and module of a full name.
fn split(name: &str) -> Option<(String, &str)> {
    let mut parts = name.splitn(3, '.');
    let (namespace, collection, module) = (parts.next()?, parts.next()?, parts.next()?);
    Some((format!("{namespace}.{collection}"), module))
}

fn read(path: &Path) -> Option<Runtime> {
    let text = std::fs::read_to_string(path).ok()?;
    // What is wrong with a collection's file is not the user's to mend: it counts as not there.
    let mut ignored = Diagnostics::default();
    let node = source::yaml::parse(&SourceFile::new(path.to_owned(), text), &mut ignored)?;
    Some(parse(&node))
}

fn parse(node: &Node) -> Runtime {
    let mut runtime = Runtime::default();
    let get = |node: &Node, key: &str| node.as_mapping().and_then(|map| map.get(key).cloned());
    let routing = get(node, "plugin_routing");
    for kind in ["modules", "action"] {
        let entries = routing.as_ref().and_then(|routing| get(routing, kind));
        let entries = entries.as_ref().and_then(Node::as_mapping);
        for entry in entries.map(|map| map.entries.as_slice()).unwrap_or_default() {
            let Some(name) = entry.key.as_str() else { continue };
            if let Some(to) = get(&entry.value, "redirect").as_ref().and_then(Node::as_str) {
                // What is said of a module comes before what is said of its action.
                runtime.redirects.entry(name.to_owned()).or_insert_with(|| to.to_owned());
            }
            let action = get(&entry.value, "action_plugin");
            if let Some(action) = action.as_ref().and_then(Node::as_str) {
                runtime.action_plugins.insert(name.to_owned(), action.to_owned());
            }
            if let Some(tombstone) = get(&entry.value, "tombstone") {
                let why = get(&tombstone, "warning_text");
                let why = why.as_ref().and_then(Node::as_str).unwrap_or("it was removed");
                runtime.gone.insert(name.to_owned(), why.to_owned());
            }
        }
    }
    let groups = get(node, "action_groups");
    let groups = groups.as_ref().and_then(Node::as_mapping);
    for entry in groups.map(|map| map.entries.as_slice()).unwrap_or_default() {
        let Some(name) = entry.key.as_str() else { continue };
        let mut group = Group::default();
        for item in entry.value.as_sequence().unwrap_or_default() {
            if let Some(action) = item.as_str() {
                group.actions.push(action.to_owned());
            }
            let others = get(item, "metadata").and_then(|more| get(&more, "extend_group"));
            match &others {
                Some(list) if list.as_sequence().is_some() => {
                    let names = list.as_sequence().unwrap_or_default().iter();
                    group.extends.extend(names.filter_map(Node::as_str).map(str::to_owned));
                }
                Some(one) => group.extends.extend(one.as_str().map(str::to_owned)),
                None => {}
            }
        }
        runtime.groups.insert(name.to_owned(), group);
    }
    runtime
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_others_and_groups_hold_modules() {
        let root = std::env::temp_dir().join(format!("trueup-runtime-{}", std::process::id()));
        let meta = root.join("ansible_collections/a/b/meta");
        std::fs::create_dir_all(&meta).unwrap();
        let text = "plugin_routing:\n  modules:\n    old: {redirect: a.b.new}\n    \
                    dead: {tombstone: {warning_text: use new}}\n    acts: {action_plugin: a.b.other}\n  \
                    action:\n    old: {redirect: a.b.wrong}\n\
                    action_groups:\n  some: [new, c.d.e, {metadata: {extend_group: [more]}}]\n  \
                    more: [other]\n";
        std::fs::write(meta.join("runtime.yml"), text).unwrap();
        let runtimes = CollectionRuntimes::new(Collections { paths: vec![root.clone()] });
        assert_eq!(runtimes.redirected("a.b.old").as_deref(), Some("a.b.new"));
        assert_eq!(runtimes.redirected("a.b.new"), None);
        assert_eq!(runtimes.action_plugin("a.b.acts").as_deref(), Some("a.b.other"));
        assert_eq!(runtimes.action_plugin("a.b.old"), None);
        assert_eq!(runtimes.gone("a.b.dead").as_deref(), Some("use new"));
        for (module, expected) in
            [("a.b.new", true), ("c.d.e", true), ("a.b.other", true), ("a.b.third", false)]
        {
            assert_eq!(runtimes.is_in_group("a.b.some", module), Some(expected), "{module}");
        }
        assert_eq!(runtimes.is_in_group("a.b.none", "a.b.new"), None);
        assert_eq!(runtimes.is_in_group("x.y.some", "a.b.new"), None);
        std::fs::remove_dir_all(root).unwrap();
    }
}
