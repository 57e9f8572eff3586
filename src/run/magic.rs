//! Variables that the run itself provides: `inventory_hostname`, `hostvars`, `groups`, …

use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use inventory::{HostName, Inventory};
use plan::{Frame, FrameKind, Role, Task};
use template::{
    ErrorKind, Missing, Object, Scope, Shape, TemplateError, Tree, Undefined, Value, Variables,
};

use crate::{
    Store,
    layers::{HashBehaviour, put_over},
    scope::PlayContext,
};

/// The variables of one task on one host.
pub struct Magic {
    context: Arc<PlayContext>,
    host: HostName,
    frame: Option<Arc<Frame>>,
    task: Option<Arc<Task>>,
}

/// All names, for `vars` and for messages.
pub const NAMES: &[&str] = &[
    "ansible_check_mode",
    "ansible_collection_name",
    "ansible_config_file",
    "ansible_dependent_role_names",
    "ansible_diff_mode",
    "ansible_forks",
    "ansible_inventory_sources",
    "ansible_limit",
    "ansible_parent_role_names",
    "ansible_parent_role_paths",
    "ansible_play_batch",
    "ansible_play_hosts",
    "ansible_play_hosts_all",
    "ansible_play_name",
    "ansible_play_role_names",
    "ansible_playbook_python",
    "ansible_role_name",
    "ansible_role_names",
    "ansible_run_tags",
    "ansible_search_path",
    "ansible_skip_tags",
    "ansible_verbosity",
    "ansible_version",
    "environment",
    "group_names",
    "groups",
    "hostvars",
    "inventory_dir",
    "inventory_file",
    "inventory_hostname",
    "inventory_hostname_short",
    "omit",
    "play_hosts",
    "playbook_dir",
    "role_name",
    "role_names",
    "role_path",
    "role_uuid",
    "vars",
];

impl Magic {
    pub(crate) fn new(
        context: Arc<PlayContext>,
        host: HostName,
        frame: Option<Arc<Frame>>,
        task: Option<Arc<Task>>,
    ) -> Self {
        Self { context, host, frame, task }
    }

    fn value(&self, name: &str) -> Option<Value> {
        let context = &self.context;
        let settings = &context.settings;
        let roles = || self.frame.iter().flat_map(|frame| frame.roles());
        let role = self.frame.as_ref().and_then(|frame| frame.role());
        let text = |text: &str| Some(Value::from(text));
        Some(match name {
            "ansible_check_mode" => Value::Bool(settings.check),
            "ansible_diff_mode" => Value::Bool(settings.diff),
            "ansible_verbosity" => Value::Int(i64::from(settings.verbosity)),
            "ansible_forks" => Value::Int(i64::try_from(settings.forks).unwrap_or(i64::MAX)),
            "ansible_run_tags" => strings(&settings.tags),
            "ansible_skip_tags" => strings(&settings.skip_tags),
            "ansible_limit" => return context.limit.as_deref().map(Value::from),
            "ansible_version" => version(&settings.program.ansible_version),
            "ansible_playbook_python" => return text(&settings.program.python()),
            "ansible_config_file" => match &settings.program.config_file {
                Some(path) => Value::from(path.display().to_string().as_str()),
                None => Value::None,
            },
            "ansible_inventory_sources" => {
                let inventory = context.store.inventory();
                let sources = inventory.sources.iter().map(|source| {
                    let path = std::path::absolute(source).ok().filter(|path| path.exists());
                    path.map_or_else(|| source.clone(), |path| path.display().to_string())
                });
                strings(&sources.collect::<Vec<_>>())
            }
            "playbook_dir" => Value::from(context.playbook_dir.display().to_string().as_str()),
            "ansible_play_name" => Value::from(context.name.as_str()),
            "ansible_play_hosts_all" => hosts(&context.all_hosts),
            "ansible_play_batch" | "play_hosts" => {
                hosts(&context.active.read().unwrap_or_else(std::sync::PoisonError::into_inner))
            }
            "ansible_play_hosts" => {
                let active =
                    context.active.read().unwrap_or_else(std::sync::PoisonError::into_inner);
                let is_there = |host: &&HostName| match context.batch.contains(host) {
                    true => active.contains(host),
                    false => !context.lost_before.contains(*host),
                };
                let there: Vec<HostName> =
                    context.all_hosts.iter().filter(is_there).cloned().collect();
                hosts(&there)
            }
            "ansible_play_role_names" | "role_names" => {
                Value::list(play_roles(context).map(|name| Value::from(name.as_str())))
            }
            "ansible_role_names" => {
                names(dependencies(&context.play.roles).chain(play_roles(context)))
            }
            "ansible_dependent_role_names" => names(dependencies(&context.play.roles)),
            "ansible_role_name" => return role.map(|role| Value::from(role.full_name().as_str())),
            "role_name" => return role.map(|role| Value::from(role.name.as_str())),
            "role_path" => {
                return role.map(|role| Value::from(role.path.display().to_string().as_str()));
            }
            "role_uuid" => return role.map(|role| Value::from(role.identity.as_str())),
            "ansible_collection_name" => {
                return role.and_then(|role| role.collection.as_deref()).map(Value::from);
            }
            "ansible_parent_role_names" => {
                let takers = takers(self.frame.as_ref()?)?;
                Value::list(takers.iter().map(|role| Value::from(role.full_name().as_str())))
            }
            "ansible_parent_role_paths" => {
                let takers = takers(self.frame.as_ref()?)?;
                let paths = takers.iter().map(|role| role.path.display().to_string());
                Value::list(paths.map(|path| Value::from(path.as_str())))
            }
            "ansible_search_path" => {
                let paths = roles().map(|role| role.path.display().to_string());
                let playbook = context.playbook_dir.display().to_string();
                Value::list(paths.chain([playbook]).map(|path| Value::from(path.as_str())))
            }
            "inventory_hostname" | "inventory_hostname_short" | "group_names"
                if self.host.as_str().is_empty() =>
            {
                return None;
            }
            "inventory_hostname" => Value::from(self.host.as_str()),
            "inventory_hostname_short" => Value::from(short_name(self.host.as_str())),
            "inventory_dir" | "inventory_file" => {
                let inventory = context.store.inventory();
                return inventory_place(&inventory, &self.host, name);
            }
            "group_names" => group_names(&context.store.inventory(), &self.host),
            "groups" => Value::object(Groups { inventory: context.store.inventory() }),
            "hostvars" => Value::object(AllHostVars { context: Arc::clone(context) }),
            "omit" => Value::Omit,
            "environment" => {
                let settings = self.task.as_ref().map(|task| &task.keywords.environment);
                Value::list(settings.into_iter().flatten().filter_map(|s| s.tree.literal()))
            }
            "vars" => Value::object(AllVars {
                context: Arc::clone(context),
                host: self.host.clone(),
                frame: self.frame.clone(),
                task: self.task.clone(),
            }),
            _ => return None,
        })
    }
}

impl Variables for Magic {
    fn get(&self, name: &str) -> Option<Tree> {
        self.value(name).map(Tree::Value)
    }

    fn names(&self) -> Vec<Arc<str>> {
        NAMES.iter().map(|name| Arc::from(*name)).collect()
    }
}

/// Names, each once.
fn names(all: impl Iterator<Item = String>) -> Value {
    let unique: indexmap::IndexSet<String> = all.collect();
    Value::list(unique.iter().map(|name| Value::from(name.as_str())))
}

/// Roles whose tasks took the roles around by import or include, the nearest first.
fn takers(frame: &Arc<Frame>) -> Option<Vec<&Arc<Role>>> {
    let is_taken = |frame: &&Arc<Frame>| {
        matches!(frame.kind, FrameKind::Role(_))
            && frame.parent.as_ref().is_some_and(|around| {
                matches!(around.kind, FrameKind::Import | FrameKind::Include { .. })
            })
    };
    let taken = frame.chain().filter(is_taken).filter_map(|frame| frame.parent.as_ref());
    let takers: Vec<&Arc<Role>> = taken.filter_map(|around| around.role()).collect();
    (!takers.is_empty()).then_some(takers)
}

/// Roles of the play, and those that its tasks took so far, as often as they did.
fn play_roles(context: &PlayContext) -> impl Iterator<Item = String> {
    let taken = context.taken_roles.read().unwrap_or_else(std::sync::PoisonError::into_inner);
    let own = context.play.roles.iter().map(|block| block.role.full_name());
    own.chain(taken.iter().map(|role| role.full_name())).collect::<Vec<_>>().into_iter()
}

/// Names of the roles that roles depend on.
fn dependencies(roles: &[plan::play::RoleBlock]) -> impl Iterator<Item = String> + '_ {
    roles.iter().flat_map(|block| block.role.all_dependencies()).map(|role| role.full_name())
}

fn strings(texts: &[String]) -> Value {
    Value::list(texts.iter().map(|text| Value::from(text.as_str())))
}

fn hosts(hosts: &[HostName]) -> Value {
    Value::list(hosts.iter().map(|host| Value::from(host.shared())))
}

fn short_name(host: &str) -> &str {
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host;
    }
    host.split('.').next().unwrap_or(host)
}

/// Where a host was named first, or the folder of that; nothing of a host that a run has added.
fn inventory_place(inventory: &Inventory, host: &HostName, name: &str) -> Option<Value> {
    let host = inventory.hosts.get(host).filter(|host| !host.is_implicit)?;
    let folder = |source: &str| {
        let path = std::path::Path::new(source).parent().filter(|_| source.starts_with('/'))?;
        Some(Value::from(path.display().to_string().as_str()))
    };
    Some(match (&host.source, name) {
        (None, _) => Value::None,
        (Some(source), "inventory_dir") => folder(source).unwrap_or(Value::None),
        (Some(source), _) => Value::from(source.as_ref()),
    })
}

fn group_names(inventory: &Inventory, host: &HostName) -> Value {
    let mut names: Vec<_> = inventory.groups_of(host.as_str());
    names.retain(|group| group.as_str() != "all");
    names.sort();
    Value::list(names.iter().map(|name| Value::from(name.shared())))
}

fn version(full: &str) -> Value {
    let mut parts = full.split('.').map(|part| part.parse::<i64>().unwrap_or(0));
    let mut next = || Value::Int(parts.next().unwrap_or(0));
    let (major, minor, revision) = (next(), next(), next());
    Value::dict([
        ("string", Value::from(full)),
        ("full", Value::from(full)),
        ("major", major),
        ("minor", minor),
        ("revision", revision),
    ])
}

/// `groups`
#[derive(Debug)]
struct Groups {
    inventory: Arc<Inventory>,
}

impl Object for Groups {
    fn shape(&self) -> Shape {
        Shape::Mapping
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        self.inventory.groups.get(name)?;
        let hosts = self.inventory.hosts_of(name);
        Some(Value::list(hosts.iter().map(|host| Value::from(host.shared()))))
    }

    fn keys(&self) -> Vec<Value> {
        self.inventory.groups.keys().map(|name| Value::from(name.shared())).collect()
    }
}

/// `hostvars`
struct AllHostVars {
    context: Arc<PlayContext>,
}

impl std::fmt::Debug for AllHostVars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hostvars")
    }
}

impl Object for AllHostVars {
    fn shape(&self) -> Shape {
        Shape::Mapping
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let inventory = self.context.store.inventory();
        let is_local = inventory::pattern::LOCALHOST.contains(&name);
        if !inventory.hosts.contains_key(name) && !is_local {
            let hint = format!("\"hostvars['{name}']\" is undefined");
            return Some(Value::Undefined(Undefined::new(Missing::Hint(hint.into()))));
        }
        Some(Value::object(HostVars {
            context: Arc::clone(&self.context),
            host: HostName::from(name),
            scope: OnceLock::new(),
        }))
    }

    fn keys(&self) -> Vec<Value> {
        let inventory = self.context.store.inventory();
        let mut keys: Vec<Value> =
            inventory.hosts.keys().map(|name| Value::from(name.shared())).collect();
        // The controller is there unless the inventory has a host of one of its names.
        if !inventory::pattern::LOCALHOST.iter().any(|name| inventory.hosts.contains_key(*name)) {
            keys.push(Value::from("localhost"));
        }
        keys
    }
}

/// `hostvars[host]`: what the host has of itself, without what the play and its roles add.
struct HostVars {
    context: Arc<PlayContext>,
    host: HostName,
    scope: OnceLock<Scope>,
}

impl HostVars {
    fn scope(&self) -> &Scope {
        self.scope.get_or_init(|| {
            let magic = Magic::new(Arc::clone(&self.context), self.host.clone(), None, None);
            let layers = self.context.store.layers(&self.host);
            host_scope(&self.context.store, layers).push(Arc::new(magic))
        })
    }
}

/// A scope of what a host has of itself.
pub fn host_scope(store: &Store, layers: crate::store::HostLayers) -> Scope {
    if store.hash_behaviour() == HashBehaviour::Merge {
        let mut merged = IndexMap::new();
        for layer in [&layers.inventory, &layers.facts, &layers.included, &layers.set, &store.extra]
        {
            put_over(&mut merged, layer, HashBehaviour::Merge);
        }
        return Scope::new(Arc::clone(&store.engine), Arc::clone(&store.surroundings))
            .push(Arc::new(merged));
    }
    Scope::new(Arc::clone(&store.engine), Arc::clone(&store.surroundings))
        .push(layers.inventory)
        .push(layers.facts)
        .push(layers.included)
        .push(layers.set)
        .push(store.extra.clone())
}

impl std::fmt::Debug for HostVars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "hostvars[{}]", self.host)
    }
}

/// Names that are left out where all variables of a host are listed: they hold each other.
const UNLISTED: &[&str] = &["hostvars", "vars", "environment", "role_path", "role_name"];

impl Object for HostVars {
    fn shape(&self) -> Shape {
        Shape::Mapping
    }

    fn class_path(&self) -> &str {
        "ansible.vars.hostvars.HostVarsVars"
    }

    fn get(&self, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        if name == "hostvars" {
            return None;
        }
        let scope = self.scope();
        if let Some(why) = self.context.store.broken_vars(&self.host) {
            // Not even a default stands in for what nobody has read.
            let error = TemplateError::new(ErrorKind::File, why);
            return Some(Value::Undefined(Undefined::new(Missing::Failed {
                name: name.into(),
                error,
            })));
        }
        match scope.tree(name) {
            None | Some(Tree::Value(_)) => scope.get(name),
            Some(tree) => Some(tree.forgiving(scope)),
        }
    }

    fn keys(&self) -> Vec<Value> {
        listed(self.scope())
    }
}

fn listed(scope: &Scope) -> Vec<Value> {
    let names = scope.names().into_iter();
    names
        .filter(|name| !UNLISTED.contains(&&**name) && scope.tree(name).is_some())
        .map(Value::from)
        .collect()
}

/// `vars`: all variables of the task.
struct AllVars {
    context: Arc<PlayContext>,
    host: HostName,
    frame: Option<Arc<Frame>>,
    task: Option<Arc<Task>>,
}

impl AllVars {
    fn scope(&self) -> Scope {
        self.context.scope_of(&self.host, self.frame.as_ref(), self.task.as_ref())
    }
}

impl std::fmt::Debug for AllVars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("vars")
    }
}

impl Object for AllVars {
    fn shape(&self) -> Shape {
        Shape::Mapping
    }

    fn get(&self, key: &Value) -> Option<Value> {
        self.scope().get(key.as_str()?)
    }

    fn keys(&self) -> Vec<Value> {
        listed(&self.scope())
    }
}

/// A layer of a few values.
pub fn layer<const N: usize>(values: [(&str, Value); N]) -> Arc<IndexMap<Arc<str>, Tree>> {
    Arc::new(
        values.into_iter().map(|(name, value)| (Arc::from(name), Tree::Value(value))).collect(),
    )
}
