//! All modules there are: those of the remote, and those whose work is the controller's.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use playbook::{Catalogue, Known, Resolved, collections::Collections};
use plugins::PythonPlugins;
use protocol::spec::{ArgumentSpec, ModuleSpec, Runs};
use run::{action_plugin::ActionPlugin, custom_module::CustomModule, execute::Specs};

use crate::{
    collection_runtime::CollectionRuntimes,
    custom_modules::{CustomModules, Found, ModuleFolders},
    python_actions, short_names,
};

/// The catalogue that playbooks are checked against and runs look into.
pub struct Modules {
    by_name: HashMap<String, Arc<ModuleSpec>>,
    collections: Collections,
    custom: CustomModules,
    runtimes: CollectionRuntimes,
    plugins: Option<Arc<PythonPlugins>>,
    /// Actions that users have written, by the names that tasks have for them.
    actions: RwLock<HashMap<String, Arc<dyn ActionPlugin>>>,
    /// Folders of modules that were told of, with code of users in or beside them.
    libraries: RwLock<HashSet<PathBuf>>,
}

/// Groups of actions that have names without a collection, and what they are called in one.
const SHORT_GROUPS: &[(&str, &str)] = &[
    ("aws", "amazon.aws.aws"),
    ("azure", "azure.azcollection.azure"),
    ("docker", "community.docker.docker"),
    ("gcp", "google.cloud.gcp"),
    ("k8s", "kubernetes.core.k8s"),
    ("os", "openstack.cloud.os"),
    ("ovirt", "ovirt.ovirt.ovirt"),
    ("vmware", "community.vmware.vmware"),
];

impl Modules {
    /// Collects all specs. `folders` hold what users have written; programs of the controller are
    /// looked for in `search_path`.
    pub fn new(collections: Collections, folders: ModuleFolders, search_path: String) -> Self {
        let mut by_name = HashMap::new();
        for spec in run::action::specs::all() {
            by_name.insert(spec.name.clone(), Arc::new(spec));
        }
        for entry in modules::CATALOGUE.entries {
            by_name.insert(entry.name.to_owned(), Arc::new((entry.spec)()));
        }
        Self {
            by_name,
            custom: CustomModules::new(collections.clone(), folders, search_path),
            runtimes: CollectionRuntimes::new(collections.clone()),
            collections,
            plugins: None,
            actions: RwLock::default(),
            libraries: RwLock::default(),
        }
    }

    /// A module that a user has written, or a collection's, by any of its names.
    fn custom(&self, name: &str) -> Option<Found> {
        if let Some(found) = self.custom.known(name) {
            return Some(found);
        }
        if name.contains('/') {
            return None;
        }
        match name.strip_prefix("ansible.legacy.") {
            Some(short) => self.custom.legacy(short),
            None if name.contains('.') => {
                let mut parts = name.splitn(3, '.');
                let (namespace, collection) = (parts.next()?, parts.next()?);
                let module = parts.next()?;
                self.custom.of_collection(&format!("{namespace}.{collection}"), module)
            }
            None => self.custom.legacy(name),
        }
    }

    /// What a name stands for, no collection put before it: an action that a user has written, or a
    /// module.
    fn lookup(&self, name: &str) -> Option<Resolved> {
        match self.action_name(name) {
            Some(full) => Some(resolved(&Arc::new(action_spec(&full)))),
            None => self.lookup_module(name),
        }
    }

    /// The name by which an action that a user has written is known from here on. One beside the
    /// playbook comes before what is native, one of a collection after it.
    fn action_name(&self, name: &str) -> Option<String> {
        let plugins = self.plugins.as_ref()?;
        let short = name.strip_prefix(LEGACY).unwrap_or(name);
        if name.contains('/') || (short.contains('.') && self.find(name).is_some()) {
            return None;
        }
        let full = match short.contains('.') {
            true => self.runtimes.redirected(short).unwrap_or_else(|| short.to_owned()),
            false => format!("{LEGACY}{short}"),
        };
        let known = self.actions.read().unwrap_or_else(PoisonError::into_inner);
        if known.contains_key(&full) {
            return Some(full);
        }
        drop(known);
        // A module may name its action; modules of one family of network devices share one.
        let plugin = self
            .runtimes
            .action_plugin(&full)
            .and_then(|named| python_actions::find(plugins, &named))
            .or_else(|| python_actions::find(plugins, short))
            .or_else(|| python_actions::find(plugins, &self.family_of(short)?))?;
        let mut actions = self.actions.write().unwrap_or_else(PoisonError::into_inner);
        actions.insert(full.clone(), plugin);
        Some(full)
    }

    /// The name of the action of a family of network devices that a module of a collection is of.
    fn family_of(&self, name: &str) -> Option<String> {
        let (collection, module) = name.rsplit_once('.')?;
        let family = module.split('_').next().filter(|family| *family != module)?;
        NETWORK_FAMILIES.contains(&family).then(|| format!("{collection}.{family}"))
    }

    /// The module that a name stands for.
    fn lookup_module(&self, name: &str) -> Option<Resolved> {
        let is_full = name.contains('.') && !name.starts_with("ansible.legacy.");
        if is_full && let Some(spec) = self.find(name) {
            return Some(resolved(spec));
        }
        match self.custom(name) {
            Some(Ok(module)) => {
                let spec = Arc::new(custom_spec(&module.name));
                return Some(resolved(&spec));
            }
            Some(Err(_)) => return None,
            None => {}
        }
        if let Some(other) = self.runtimes.redirected(name).filter(|_| is_full) {
            return self.lookup_module(&other);
        }
        if let Some(spec) = self.find(name) {
            return Some(resolved(spec));
        }
        let short = Some(name).filter(|name| !is_qualified(name))?;
        let moved = short_names::installed(short, &self.collections);
        moved.or_else(|| short_names::renamed(short)).and_then(|full| self.lookup_module(&full))
    }

    /// The catalogue that says where plugins may be, as playbooks and roles are met.
    #[must_use]
    pub fn with_plugins(mut self, plugins: Arc<PythonPlugins>) -> Self {
        self.plugins = Some(plugins);
        self
    }

    /// The catalogue without these modules, named with or without their collection.
    #[must_use]
    pub fn without(mut self, rejected: &[String]) -> Self {
        for name in rejected {
            self.by_name.remove(&format!("ansible.builtin.{name}"));
            self.by_name.remove(name);
        }
        self
    }

    /// All specs, sorted by name.
    pub fn specs(&self) -> Vec<&Arc<ModuleSpec>> {
        let mut specs: Vec<_> = self.by_name.values().collect();
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
    }

    fn find(&self, name: &str) -> Option<&Arc<ModuleSpec>> {
        let name = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        let name = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        if name == "include" {
            return None;
        }
        self.by_name
            .get(&format!("ansible.builtin.{name}"))
            .or_else(|| self.by_name.get(name))
            .or_else(|| {
                let entry = modules::CATALOGUE.find(name)?;
                self.by_name.get(entry.name)
            })
    }
}

/// Whether a name says its collection.
fn is_qualified(name: &str) -> bool {
    name.contains('.')
}

fn resolved(spec: &Arc<ModuleSpec>) -> Resolved {
    Resolved { name: spec.name.as_str().into(), spec: Arc::clone(spec) }
}

/// What is known of a module that speaks for itself: it takes what it is given.
fn custom_spec(name: &str) -> ModuleSpec {
    ModuleSpec {
        name: name.to_owned(),
        arguments: ArgumentSpec { open: true, ..ArgumentSpec::default() },
        runs: Runs::Remote,
        ..ModuleSpec::default()
    }
}

/// What is known of an action of that kind: all of its work begins in the controller.
fn action_spec(name: &str) -> ModuleSpec {
    ModuleSpec { runs: Runs::Controller, ..custom_spec(name) }
}

/// Families of network devices whose modules share an action, as ansible-core has them.
const NETWORK_FAMILIES: &[&str] = &[
    "eos", "nxos", "ios", "iosxr", "junos", "enos", "ce", "vyos", "sros", "dellos9", "dellos10",
    "dellos6", "asa", "aruba", "aireos", "bigip", "ironware", "onyx", "netconf", "exos", "voss",
    "slxos",
];

/// Whether a folder of modules is there, or one of plugins or of what modules import beside it.
fn holds_code(library: &Path) -> bool {
    let beside = library.parent().map(std::fs::read_dir).and_then(Result::ok);
    beside.into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name == "library" || name == "module_utils" || name.ends_with("_plugins")
    })
}

/// Stands before the names of what is in no collection.
const LEGACY: &str = "ansible.legacy.";

impl Catalogue for Modules {
    fn resolve(&self, name: &str, collections: &[String]) -> Option<Resolved> {
        if name.contains('.') {
            return self.lookup(name);
        }
        let is_core = |collection: &&String| {
            matches!(collection.as_str(), "ansible.builtin" | "ansible.legacy")
        };
        let of_collection = collections
            .iter()
            .filter(|collection| !is_core(collection))
            .find_map(|collection| self.lookup(&format!("{collection}.{name}")));
        of_collection.or_else(|| self.lookup(name))
    }

    fn add_library(&self, folder: &Path) {
        self.custom.add_folder(folder);
        if let (Some(plugins), Some(around)) = (&self.plugins, folder.parent()) {
            plugins.add_folder(around);
        }
        if holds_code(folder) {
            let mut libraries = self.libraries.write().unwrap_or_else(PoisonError::into_inner);
            libraries.insert(folder.to_owned());
        }
    }

    fn libraries(&self) -> usize {
        self.libraries.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn known(&self, name: &str) -> Known {
        if let Some(Err(why)) = self.custom(name) {
            return Known::Refused { why };
        }
        if let Some(why) = self.runtimes.gone(name) {
            return Known::Gone { why };
        }
        let full = match name.split('.').collect::<Vec<_>>().as_slice() {
            [namespace, collection, module] => {
                let collection = format!("{namespace}.{collection}");
                let is_there = self.collections.has_module(&collection, module);
                let is_known = WELL_KNOWN.contains(&collection.as_str());
                (is_there || is_known).then(|| name.to_owned())
            }
            [short] => match short_names::installed(short, &self.collections) {
                Some(full) => return self.known(&full),
                None => short_names::renamed(short).or_else(|| short_names::likely(short)),
            },
            _ => None,
        };
        full.map_or(Known::No, |name| Known::NotNative { name })
    }

    fn names(&self) -> Vec<String> {
        self.by_name
            .keys()
            .map(|name| name.strip_prefix("ansible.builtin.").unwrap_or(name).to_owned())
            .collect()
    }
}

impl Specs for Modules {
    fn spec(&self, name: &str) -> Option<Arc<ModuleSpec>> {
        if let Some(Ok(module)) = self.custom.known(name) {
            return Some(Arc::new(custom_spec(&module.name)));
        }
        if self.action(name).is_some() {
            return Some(Arc::new(action_spec(name)));
        }
        self.find(name).cloned()
    }

    fn action(&self, name: &str) -> Option<Arc<dyn ActionPlugin>> {
        self.actions.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn module(&self, name: &str) -> Option<String> {
        self.lookup_module(name).map(|resolved| resolved.name.to_string())
    }

    fn custom(&self, name: &str) -> Option<Arc<CustomModule>> {
        self.custom.known(name)?.ok()
    }

    fn is_in_group(&self, group: &str, module: &str) -> Option<bool> {
        let full = SHORT_GROUPS.iter().find(|(short, _)| *short == group);
        self.runtimes.is_in_group(full.map_or(group, |(_, full)| full), module)
    }

    fn canonical(&self, name: &str) -> Option<String> {
        self.lookup(name).map(|resolved| resolved.name.to_string())
    }
}

/// Collections of the field whose modules are asked for by name.
const WELL_KNOWN: &[&str] = &[
    "amazon.aws",
    "ansible.mysql",
    "ansible.netcommon",
    "ansible.posix",
    "ansible.utils",
    "ansible.windows",
    "azure.azcollection",
    "cisco.ios",
    "community.aws",
    "community.crypto",
    "community.digitalocean",
    "community.dns",
    "community.docker",
    "community.general",
    "community.google",
    "community.grafana",
    "community.hashi_vault",
    "community.libvirt",
    "community.mongodb",
    "community.mysql",
    "community.network",
    "community.postgresql",
    "community.proxysql",
    "community.rabbitmq",
    "community.routeros",
    "community.sops",
    "community.vmware",
    "community.windows",
    "community.zabbix",
    "containers.podman",
    "debops.debops",
    "freeipa.ansible_freeipa",
    "google.cloud",
    "hetzner.hcloud",
    "kubernetes.core",
    "openstack.cloud",
    "openstack.config_template",
    "ovirt.ovirt",
    "vmware.vmware",
];
