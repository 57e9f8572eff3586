//! Variables that belong to hosts: from the inventory, from facts, and from tasks.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::{Arc, LazyLock, OnceLock, RwLock},
};

use indexmap::IndexMap;
use inventory::{GroupName, HostName, Inventory, Vars, vars_files::VarsFolder};
use plan::Layer;
use protocol::{Json, JsonMap};
use rayon::prelude::*;
use template::{Engine, Surroundings, Tree, Value};

use crate::{
    fact_cache::KeepFacts,
    layers::{HashBehaviour, put_over},
    restricted,
};

/// The fact that says that facts were gathered.
pub const FACTS_GATHERED: &str = "_ansible_facts_gathered";

/// Reads `group_vars` and `host_vars` of a group or host beside a folder; says what is wrong with
/// them.
pub type VarsReader =
    Arc<dyn Fn(&std::path::Path, VarsFolder, &str) -> Result<Vars, String> + Send + Sync>;

/// The variables of one file, or what is wrong with it.
type Read = Result<Arc<Vars>, String>;

/// Reads the inventory anew.
pub type Reload = Arc<dyn Fn() -> Result<Inventory, String> + Send + Sync>;

/// A change of the inventory; says what is wrong with it.
pub type Change = Arc<dyn Fn(&mut Inventory) -> Option<String> + Send + Sync>;

/// All variables of all hosts. Shared by everything that runs.
pub struct Store {
    pub engine: Arc<Engine>,
    /// What templates may ask of the controller, less what depends on a task.
    pub surroundings: Arc<Surroundings>,
    /// `-e`
    pub extra: Layer,
    inventory: RwLock<Arc<Inventory>>,
    /// Reads the inventory anew.
    reload: OnceLock<Reload>,
    /// What tasks have done to the inventory, in order.
    dynamic: RwLock<Vec<Change>>,
    /// Where the playbook of the play stands; before the first play, the playbooks of the run.
    playbook_folders: RwLock<Vec<PathBuf>>,
    read_vars: VarsReader,
    group_files: RwLock<HashMap<(PathBuf, GroupName), Read>>,
    /// Hosts whose `group_vars` or `host_vars` cannot be read, and why.
    broken: RwLock<HashMap<HostName, String>>,
    inventory_layers: RwLock<HashMap<HostName, Layer>>,
    hosts: RwLock<HashMap<HostName, HostVars>>,
    inject_facts: bool,
    hash_behaviour: HashBehaviour,
    fact_cache: Option<Arc<dyn KeepFacts>>,
    /// Hosts whose cached facts have been read.
    cached: RwLock<HashSet<HostName>>,
}

/// What tasks have found out and set on one host.
#[derive(Clone, Debug)]
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

impl Default for HostVars {
    fn default() -> Self {
        Self {
            facts: no_facts(),
            fact_map: JsonMap::new(),
            injected: JsonMap::new(),
            included: Layer::default(),
            set: Layer::default(),
        }
    }
}

/// `ansible_facts` of a host of which nothing is known yet: a dict with nothing in it.
fn no_facts() -> Layer {
    static NONE: LazyLock<Layer> = LazyLock::new(|| {
        let none = Tree::Value(Value::from_json(&Json::Object(JsonMap::new())));
        Arc::new(IndexMap::from_iter([(Arc::from("ansible_facts"), none)]))
    });
    Arc::clone(&NONE)
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
            reload: OnceLock::new(),
            dynamic: RwLock::default(),
            playbook_folders: RwLock::new(playbook_folders),
            read_vars,
            group_files: RwLock::default(),
            broken: RwLock::default(),
            inventory_layers: RwLock::default(),
            hosts: RwLock::default(),
            inject_facts,
            hash_behaviour: HashBehaviour::default(),
            fact_cache: None,
            cached: RwLock::default(),
        }
    }

    /// The same with facts kept between runs.
    #[must_use]
    pub fn with_fact_cache(mut self, cache: Option<Arc<dyn KeepFacts>>) -> Self {
        self.fact_cache = cache;
        self
    }

    /// The same with another way to put dictionaries together.
    #[must_use]
    pub fn with_hash_behaviour(mut self, behaviour: HashBehaviour) -> Self {
        self.hash_behaviour = behaviour;
        self
    }

    /// How dictionaries of one name are put together.
    pub fn hash_behaviour(&self) -> HashBehaviour {
        self.hash_behaviour
    }

    /// Forgets all facts that were kept for hosts of the inventory.
    pub fn flush_fact_cache(&self) {
        if let Some(cache) = &self.fact_cache {
            self.inventory().hosts.keys().for_each(|host| cache.remove(host));
        }
    }

    /// Reads what is kept of a host, once.
    fn recall(&self, host: &HostName) {
        let Some(cache) = &self.fact_cache else { return };
        if read(&self.cached).contains(host) || !write(&self.cached).insert(host.clone()) {
            return;
        }
        if let Some(facts) = cache.read(host) {
            self.take_facts(host, &facts);
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

    /// Changes the inventory for the rest of the run: what is read anew is changed again. Returns
    /// what was wrong with it.
    pub fn add_to_inventory(&self, change: Change) -> Option<String> {
        write(&self.dynamic).push(Arc::clone(&change));
        self.change_inventory(|inventory| change(inventory))
    }

    /// Says how the inventory is read anew.
    pub fn set_reload(&self, reload: Reload) {
        // The first one counts; there is one inventory.
        let _ = self.reload.set(reload);
    }

    /// Reads the inventory anew (`meta: refresh_inventory`). What tasks have added stays.
    ///
    /// # Errors
    /// A source that is wrong.
    pub fn refresh_inventory(&self) -> Result<(), String> {
        let Some(reload) = self.reload.get() else {
            return Err("the inventory cannot be read anew here".into());
        };
        let mut inventory = reload()?;
        for change in read(&self.dynamic).iter() {
            change(&mut inventory);
        }
        write(&self.group_files).clear();
        write(&self.broken).clear();
        self.change_inventory(|known| *known = inventory);
        Ok(())
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

    /// Why the variables of a host cannot be read, if they cannot. No task is run on such a host,
    /// or for another one by it: it would do something else than what was written.
    pub fn broken_vars(&self, host: &HostName) -> Option<String> {
        self.inventory_layer(host);
        read(&self.broken).get(host).cloned()
    }

    /// Whether there is a host whose variables cannot be read.
    pub fn has_broken_vars(&self) -> bool {
        !read(&self.broken).is_empty()
    }

    /// The layers of a host.
    pub fn layers(&self, host: &HostName) -> HostLayers {
        self.recall(host);
        let inventory = self.inventory_layer(host);
        match read(&self.hosts).get(host) {
            Some(vars) => HostLayers {
                inventory,
                facts: Arc::clone(&vars.facts),
                included: Arc::clone(&vars.included),
                set: Arc::clone(&vars.set),
            },
            None => HostLayers { inventory, facts: no_facts(), ..HostLayers::default() },
        }
    }

    /// Goes over to a play of a playbook in this folder: the `group_vars` and `host_vars` there
    /// count, and those beside other playbooks do not.
    pub fn enter_playbook(&self, folder: &std::path::Path) {
        let mut folders = write(&self.playbook_folders);
        if *folders != [folder] {
            *folders = vec![folder.to_owned()];
            write(&self.inventory_layers).clear();
        }
    }

    /// Where `group_vars` and `host_vars` are looked for.
    fn vars_folders(&self, inventory: &Inventory) -> Vec<PathBuf> {
        inventory.folders.iter().chain(&*read(&self.playbook_folders)).cloned().collect()
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
        let mut broken = BTreeSet::new();
        let mut add = |vars: &Vars| put_over(&mut layer, vars, self.hash_behaviour);
        let groups = inventory.groups_of(host.as_str());
        let (all, others): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.as_str() == "all");
        // A host that is not in the inventory, such as localhost, is in `all` nevertheless.
        let all = if all.is_empty() { vec![GroupName::from("all")] } else { all };
        for group in all.iter().chain(&others) {
            if let Some(group) = inventory.groups.get(group) {
                add(&group.vars);
            }
        }
        let folders = self.vars_folders(inventory);
        for groups in [&all, &others] {
            for folder in &folders {
                for group in groups {
                    match self.group_file(folder, group) {
                        Ok(vars) => add(&vars),
                        Err(why) => _ = broken.insert(why),
                    }
                }
            }
        }
        match inventory.hosts.get(host) {
            Some(host) => add(&host.vars),
            None if inventory::pattern::LOCALHOST.contains(&host.as_str()) => {
                add(&implicit_localhost(&self.engine));
            }
            None => {}
        }
        for folder in &folders {
            match (self.read_vars)(folder, VarsFolder::Host, host.as_str()) {
                Ok(vars) => add(&vars),
                Err(why) => _ = broken.insert(why),
            }
        }
        if !broken.is_empty() {
            write(&self.broken)
                .insert(host.clone(), broken.into_iter().collect::<Vec<_>>().join("; "));
        }
        Arc::new(layer)
    }

    /// The variables that a group has in itself and beside the inventory, not those of the groups
    /// around it.
    ///
    /// # Errors
    /// A file that is wrong.
    pub fn group_vars(&self, group: &GroupName) -> Result<Vars, String> {
        let inventory = self.inventory();
        let mut vars = inventory.groups.get(group).map(|g| g.vars.clone()).unwrap_or_default();
        for folder in &self.vars_folders(&inventory) {
            let file = self.group_file(folder, group)?;
            vars.extend(file.iter().map(|(name, tree)| (Arc::clone(name), tree.clone())));
        }
        Ok(vars)
    }

    /// The variables that a host has in itself and beside the inventory, not those of its groups.
    ///
    /// # Errors
    /// A file that is wrong.
    pub fn own_vars(&self, host: &HostName) -> Result<Vars, String> {
        let inventory = self.inventory();
        let mut vars = inventory.hosts.get(host).map(|h| h.vars.clone()).unwrap_or_default();
        for folder in &self.vars_folders(&inventory) {
            vars.extend((self.read_vars)(folder, VarsFolder::Host, host.as_str())?);
        }
        Ok(vars)
    }

    fn group_file(&self, folder: &std::path::Path, group: &GroupName) -> Result<Arc<Vars>, String> {
        let key = (folder.to_owned(), group.clone());
        if let Some(vars) = read(&self.group_files).get(&key) {
            return vars.clone();
        }
        let vars = (self.read_vars)(folder, VarsFolder::Group, group.as_str()).map(Arc::new);
        write(&self.group_files).insert(key, vars.clone());
        vars
    }

    /// Keeps facts of a host under the names that a module returned them by; those that were there
    /// stay. Returns what is to be said of those that do not become variables.
    pub fn add_facts(&self, host: &HostName, facts: &JsonMap) -> Vec<String> {
        if facts.is_empty() {
            return Vec::new();
        }
        self.recall(host);
        let all = self.take_facts(host, facts);
        if let Some(cache) = &self.fact_cache
            && let Err(error) = cache.write(host, &all)
        {
            tracing::warn!(%host, %error, "the facts cannot be kept");
        }
        if !self.inject_facts {
            return Vec::new();
        }
        let restricted = facts.keys().filter(|name| restricted::is_restricted(name));
        restricted.map(|name| restricted::warning(name)).collect()
    }

    /// Takes facts in, and returns all that are known.
    fn take_facts(&self, host: &HostName, facts: &JsonMap) -> JsonMap {
        let mut hosts = write(&self.hosts);
        let vars = hosts.entry(host.clone()).or_default();
        for (name, value) in facts {
            let bare = name.strip_prefix("ansible_").filter(|bare| *bare != "local");
            let bare = bare.unwrap_or(name);
            // `ansible_local` keeps its name under `ansible_facts` as well.
            let value = restricted::without_internal_keys(value).into_owned();
            vars.fact_map.insert(bare.to_owned(), value.clone());
            vars.injected.insert(name.clone(), value);
        }
        let mut layer: IndexMap<Arc<str>, Tree> = IndexMap::new();
        let all = Value::from_result(&Json::Object(vars.fact_map.clone()));
        layer.insert("ansible_facts".into(), Tree::Value(all));
        if self.inject_facts {
            let kept = vars.injected.iter().filter(|(name, _)| {
                !restricted::is_restricted(name) && !name.starts_with("_ansible_")
            });
            for (name, value) in kept {
                layer.insert(name.as_str().into(), Tree::Value(Value::from_result(value)));
            }
        }
        vars.facts = Arc::new(layer);
        vars.injected.clone()
    }

    /// The facts of a host.
    pub fn facts(&self, host: &HostName) -> JsonMap {
        self.recall(host);
        read(&self.hosts).get(host).map(|vars| vars.fact_map.clone()).unwrap_or_default()
    }

    /// Whether facts of a host have been gathered, in this run or one whose facts were kept.
    pub fn has_gathered(&self, host: &HostName) -> bool {
        self.recall(host);
        let hosts = read(&self.hosts);
        hosts.get(host).is_some_and(|vars| vars.injected.contains_key(FACTS_GATHERED))
    }

    /// Forgets the facts of a host; what `set_fact` and `register` have set on it stays.
    pub fn clear_facts(&self, host: &HostName) {
        write(&self.cached).insert(host.clone());
        if let Some(cache) = &self.fact_cache {
            cache.remove(host);
        }
        if let Some(vars) = write(&self.hosts).get_mut(host) {
            vars.facts = no_facts();
            vars.fact_map = JsonMap::new();
            vars.injected = JsonMap::new();
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
        let included = included.into_iter().map(|(name, tree)| (Arc::from(name), tree)).collect();
        put_over(layer, &included, self.hash_behaviour);
    }
}

/// What the controller is reached by where no inventory names it.
fn implicit_localhost(engine: &Engine) -> Vars {
    let python = Tree::from_text("{{ ansible_playbook_python }}", engine);
    Vars::from_iter([
        (Arc::from("ansible_connection"), Tree::Value(Value::from("local"))),
        (Arc::from("ansible_python_interpreter"), python.unwrap_or(Tree::Value(Value::None))),
    ])
}

/// A lock that a panicking thread held is still good: values are replaced whole.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
