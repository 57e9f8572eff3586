//! All modules there are: those of the remote, and those whose work is the controller's.

use std::{collections::HashMap, sync::Arc};

use playbook::{Catalogue, Known, Resolved, collections::Collections};
use protocol::spec::ModuleSpec;
use run::execute::Specs;

/// The catalogue that playbooks are checked against and runs look into.
pub struct Modules {
    by_name: HashMap<String, Arc<ModuleSpec>>,
    collections: Collections,
}

impl Modules {
    /// Collects all specs.
    pub fn new(collections: Collections) -> Self {
        let mut by_name = HashMap::new();
        for spec in run::action::specs::all() {
            by_name.insert(spec.name.clone(), Arc::new(spec));
        }
        for entry in modules::CATALOGUE.entries {
            by_name.insert(entry.name.to_owned(), Arc::new((entry.spec)()));
        }
        Self { by_name, collections }
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

impl Catalogue for Modules {
    fn resolve(&self, name: &str, collections: &[String]) -> Option<Resolved> {
        let spec = if name.contains('.') {
            self.find(name)
        } else {
            self.find(name).or_else(|| {
                collections.iter().find_map(|collection| self.find(&format!("{collection}.{name}")))
            })
        }?;
        Some(Resolved { name: spec.name.as_str().into(), spec: Arc::clone(spec) })
    }

    fn known(&self, name: &str) -> Known {
        let full = match name.split('.').collect::<Vec<_>>().as_slice() {
            [namespace, collection, module] => {
                let collection = format!("{namespace}.{collection}");
                let is_there = self.collections.has_module(&collection, module);
                let is_known = WELL_KNOWN.contains(&collection.as_str());
                (is_there || is_known).then(|| name.to_owned())
            }
            [short] => KNOWN_BUILTINS.contains(short).then(|| format!("ansible.builtin.{short}")),
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
        self.find(name).cloned()
    }
}

/// Modules of ansible-core that are not native yet.
const KNOWN_BUILTINS: &[&str] = &[
    "apt_key",
    "async_status",
    "debconf",
    "dnf",
    "dnf5",
    "dpkg_selections",
    "expect",
    "git",
    "known_hosts",
    "mount_facts",
    "pip",
    "reboot",
    "rpm_key",
    "set_stats",
    "subversion",
    "sysvinit",
    "validate_argument_spec",
    "wait_for_connection",
    "yum",
    "yum_repository",
];

/// Collections of the field whose modules are asked for by name.
const WELL_KNOWN: &[&str] = &[
    "amazon.aws",
    "ansible.mysql",
    "ansible.netcommon",
    "ansible.posix",
    "ansible.utils",
    "ansible.windows",
    "community.crypto",
    "community.docker",
    "community.general",
    "community.libvirt",
    "community.mysql",
    "community.postgresql",
    "community.windows",
    "containers.podman",
    "kubernetes.core",
];
