//! Variables that belong to hosts: from the inventory, from facts, and from tasks.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, RwLock},
};

use indexmap::IndexMap;
use inventory::{GroupName, HostName, Inventory, Vars};
use plan::Layer;
use protocol::{Json, JsonMap};
use rayon::prelude::*;
use template::{Engine, Surroundings, Tree, Value};

/// Reads `group_vars` and `host_vars` of a group or host beside a folder.
pub type VarsReader =
    Arc<dyn Fn(&std::path::Path, inventory::vars_files::VarsFolder, &str) -> Vars + Send + Sync>;

/// All variables of all hosts. Shared by everything that runs.
pub struct Store {
    pub engine: Arc<Engine>,
    /// What templates may ask of the controller, less what depends on a task.
    pub surroundings: Arc<Surroundings>,
    /// `-e`
    pub extra: Layer,
    inventory: RwLock<Arc<Inventory>>,
    playbook_folders: Vec<PathBuf>,
    read_vars: VarsReader,
    group_files: RwLock<HashMap<(PathBuf, GroupName), Arc<Vars>>>,
    inventory_layers: RwLock<HashMap<HostName, Layer>>,
    hosts: RwLock<HashMap<HostName, HostVars>>,
    inject_facts: bool,
}

/// What tasks have found out and set on one host.
#[derive(Clone, Debug, Default)]
struct HostVars {
    /// `ansible_facts`, and facts under their old names.
    facts: Layer,
    /// As `ansible_facts` has them.
    fact_map: JsonMap,
    /// Under the names that they were returned by.
    injected: JsonMap,
    /// `include_vars`.
    included: Layer,
    /// `set_fact` and `register`.
    set: Layer,
}

/// The layers of one host, as they were when asked for.
#[derive(Clone, Debug, Default)]
pub struct HostLayers {
    pub inventory: Layer,
    pub facts: Layer,
    pub included: Layer,
    pub set: Layer,
}

impl Store {
    /// A store over an inventory; `playbook_folders` may have `group_vars` and `host_vars` too.
    pub fn new(
        engine: Arc<Engine>,
        surroundings: Arc<Surroundings>,
        inventory: Inventory,
        playbook_folders: Vec<PathBuf>,
        extra: Layer,
        read_vars: VarsReader,
        inject_facts: bool,
    ) -> Self {
        Self {
            engine,
            surroundings,
            extra,
            inventory: RwLock::new(Arc::new(inventory)),
            playbook_folders,
            read_vars,
            group_files: RwLock::default(),
            inventory_layers: RwLock::default(),
            hosts: RwLock::default(),
            inject_facts,
        }
    }

    /// The inventory as it is now.
    pub fn inventory(&self) -> Arc<Inventory> {
        Arc::clone(&read(&self.inventory))
    }

    /// Changes the inventory. What was worked out from it is forgotten.
    pub fn change_inventory<T>(&self, change: impl FnOnce(&mut Inventory) -> T) -> T {
        let mut inventory = write(&self.inventory);
        let result = change(Arc::make_mut(&mut inventory));
        write(&self.inventory_layers).clear();
        result
    }

    /// Works out the inventory's variables of many hosts at once, on all cores.
    pub fn prepare(&self, hosts: &[HostName]) {
        let inventory = self.inventory();
        let layers: Vec<(HostName, Layer)> = hosts
            .par_iter()
            .filter(|host| !read(&self.inventory_layers).contains_key(*host))
            .map(|host| (host.clone(), self.work_out(&inventory, host)))
            .collect();
        write(&self.inventory_layers).extend(layers);
    }

    /// The layers of a host.
    pub fn layers(&self, host: &HostName) -> HostLayers {
        let inventory = self.inventory_layer(host);
        match read(&self.hosts).get(host) {
            Some(vars) => HostLayers {
                inventory,
                facts: Arc::clone(&vars.facts),
                included: Arc::clone(&vars.included),
                set: Arc::clone(&vars.set),
            },
            None => HostLayers { inventory, ..HostLayers::default() },
        }
    }

    fn inventory_layer(&self, host: &HostName) -> Layer {
        if let Some(layer) = read(&self.inventory_layers).get(host) {
            return Arc::clone(layer);
        }
        let layer = self.work_out(&self.inventory(), host);
        write(&self.inventory_layers).insert(host.clone(), Arc::clone(&layer));
        layer
    }

    /// Variables of groups and host in Ansible's order: the inventory's of `all` and the other
    /// groups, `group_vars` of `all` beside inventory and playbook, `group_vars` of the others,
    /// the host's own, `host_vars`.
    fn work_out(&self, inventory: &Inventory, host: &HostName) -> Layer {
        let mut layer = Vars::new();
        let mut add = |vars: &Vars| {
            layer.extend(vars.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
        };
        let groups = inventory.groups_of(host.as_str());
        let (all, others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.as_str() == "all");
        for group in all.iter().chain(&others) {
            if let Some(group) = inventory.groups.get(group) {
                add(&group.vars);
            }
        }
        for groups in [&all, &others] {
            for folder in inventory.folders.iter().chain(&self.playbook_folders) {
                for group in groups {
                    add(&self.group_file(folder, group));
                }
            }
        }
        match inventory.hosts.get(host) {
            Some(host) => add(&host.vars),
            None if inventory::pattern::LOCALHOST.contains(&host.as_str()) => {
                add(&implicit_localhost());
            }
            None => {}
        }
        for folder in inventory.folders.iter().chain(&self.playbook_folders) {
            add(&(self.read_vars)(folder, inventory::vars_files::VarsFolder::Host, host.as_str()));
        }
        Arc::new(layer)
    }

    /// The variables that a group has in itself and beside the inventory, not those of the groups
    /// around it.
    pub fn group_vars(&self, group: &GroupName) -> Vars {
        let inventory = self.inventory();
        let mut vars = inventory.groups.get(group).map(|g| g.vars.clone()).unwrap_or_default();
        for folder in inventory.folders.iter().chain(&self.playbook_folders) {
            let file = self.group_file(folder, group);
            vars.extend(file.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
        }
        vars
    }

    /// The variables that a host has in itself and beside the inventory, not those of its groups.
    pub fn own_vars(&self, host: &HostName) -> Vars {
        let inventory = self.inventory();
        let mut vars = inventory.hosts.get(host).map(|h| h.vars.clone()).unwrap_or_default();
        for folder in inventory.folders.iter().chain(&self.playbook_folders) {
            let kind = inventory::vars_files::VarsFolder::Host;
            vars.extend((self.read_vars)(folder, kind, host.as_str()));
        }
        vars
    }

    fn group_file(&self, folder: &std::path::Path, group: &GroupName) -> Arc<Vars> {
        let key = (folder.to_owned(), group.clone());
        if let Some(vars) = read(&self.group_files).get(&key) {
            return Arc::clone(vars);
        }
        let vars =
            (self.read_vars)(folder, inventory::vars_files::VarsFolder::Group, group.as_str());
        let vars = Arc::new(vars);
        write(&self.group_files).insert(key, Arc::clone(&vars));
        vars
    }

    /// Keeps facts of a host under the names that a module returned them by; those that were there
    /// stay.
    pub fn add_facts(&self, host: &HostName, facts: &JsonMap) {
        if facts.is_empty() {
            return;
        }
        let mut hosts = write(&self.hosts);
        let vars = hosts.entry(host.clone()).or_default();
        for (name, value) in facts {
            let bare = name.strip_prefix("ansible_").filter(|bare| *bare != "local");
            let bare = bare.unwrap_or(name);
            // `ansible_local` keeps its name under `ansible_facts` as well.
            vars.fact_map.insert(bare.to_owned(), value.clone());
            vars.injected.insert(name.clone(), value.clone());
        }
        let mut layer: IndexMap<Arc<str>, Tree> = IndexMap::new();
        let all = Value::from_json(&Json::Object(vars.fact_map.clone()));
        layer.insert("ansible_facts".into(), Tree::Value(all));
        if self.inject_facts {
            for (name, value) in &vars.injected {
                layer.insert(name.as_str().into(), Tree::Value(Value::from_json(value)));
            }
        }
        vars.facts = Arc::new(layer);
    }

    /// The facts of a host.
    pub fn facts(&self, host: &HostName) -> JsonMap {
        read(&self.hosts).get(host).map(|vars| vars.fact_map.clone()).unwrap_or_default()
    }

    /// Whether facts of a host are known.
    pub fn has_facts(&self, host: &HostName) -> bool {
        read(&self.hosts).get(host).is_some_and(|vars| !vars.fact_map.is_empty())
    }

    /// Forgets the facts of a host, and what `set_fact` and `register` have set on it.
    pub fn clear_facts(&self, host: &HostName) {
        if let Some(vars) = write(&self.hosts).get_mut(host) {
            vars.facts = Layer::default();
            vars.fact_map = JsonMap::new();
            vars.injected = JsonMap::new();
            vars.set = Layer::default();
        }
    }

    /// Sets a variable of a host, as `set_fact` and `register` do.
    pub fn set(&self, host: &HostName, name: &str, value: Value) {
        let mut hosts = write(&self.hosts);
        let vars = hosts.entry(host.clone()).or_default();
        Arc::make_mut(&mut vars.set).insert(name.into(), Tree::Value(value));
    }

    /// Sets variables of a host, as `include_vars` does.
    pub fn include(&self, host: &HostName, included: impl IntoIterator<Item = (String, Tree)>) {
        let mut hosts = write(&self.hosts);
        let vars = hosts.entry(host.clone()).or_default();
        let layer = Arc::make_mut(&mut vars.included);
        layer.extend(included.into_iter().map(|(name, tree)| (Arc::from(name), tree)));
    }
}

/// What the controller is reached by where no inventory names it.
fn implicit_localhost() -> Vars {
    let text = |text: &str| Tree::Value(Value::from(text));
    Vars::from_iter([
        (Arc::from("ansible_connection"), text("local")),
        (Arc::from("ansible_python_interpreter"), text("/usr/bin/python3")),
    ])
}

/// A lock that a panicking thread held is still good: values are replaced whole.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
