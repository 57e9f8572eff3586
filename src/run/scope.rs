//! What a task sees: all layers of variables in Ansible's order.

use std::{path::PathBuf, sync::Arc};

use indexmap::IndexMap;
use inventory::HostName;
use plan::{Frame, FrameKind, Key, Layer, Play, Role, Task};
use template::{Scope, Surroundings};

use crate::{
    RunSettings, Store,
    includes::Includes,
    layers::{HashBehaviour, put_over},
    magic::Magic,
};

/// What one play adds to the variables, and who takes part in it.
pub struct PlayContext {
    pub play: Arc<Play>,
    pub store: Arc<Store>,
    pub settings: Arc<RunSettings>,
    pub includes: Arc<dyn Includes>,
    /// Folder of the playbook.
    pub playbook_dir: PathBuf,
    /// `vars`, and what was asked for.
    pub vars: Layer,
    /// Hosts of the play, failed ones too.
    pub all_hosts: Vec<HostName>,
    /// Hosts that were lost in batches before this one.
    pub lost_before: std::collections::HashSet<HostName>,
    /// Hosts of the batch.
    pub batch: Vec<HostName>,
    /// Hosts of the batch that have not failed.
    pub active: Arc<std::sync::RwLock<Vec<HostName>>>,
    /// Roles whose variables the rest of the play sees: those of `roles:`, imported ones, and
    /// public ones that were included.
    pub roles: std::sync::RwLock<Vec<Arc<Role>>>,
    /// What `--limit` says, as text.
    pub limit: Option<String>,
}

impl PlayContext {
    /// The scope of a task on a host. Without a task, that of the play.
    pub fn scope(self: &Arc<Self>, host: &HostName, task: Option<&Arc<Task>>) -> Scope {
        let frame = task.map(|task| &task.parent);
        self.scope_of(host, frame, task)
    }

    /// The scope inside a frame, or of a task in it.
    pub fn scope_of(
        self: &Arc<Self>,
        host: &HostName,
        frame: Option<&Arc<Frame>>,
        task: Option<&Arc<Task>>,
    ) -> Scope {
        let layers = self.store.layers(host);
        let frames: Vec<&Arc<Frame>> =
            frame.map(|frame| frame.outermost_first().collect()).unwrap_or_default();
        let own_roles: Vec<&Arc<Role>> = frames
            .iter()
            .filter_map(|frame| match &frame.kind {
                FrameKind::Role(role) => Some(role),
                _ => None,
            })
            .collect();
        let surroundings = Arc::new(self.surroundings(frame, task));
        let mut scope = Scope::new(Arc::clone(&self.store.engine), surroundings);
        let behaviour = self.store.hash_behaviour();
        let mut merged: IndexMap<Arc<str>, template::Tree> = IndexMap::new();
        let mut push = |layer: &Layer| match behaviour {
            _ if layer.is_empty() => {}
            HashBehaviour::Replace => scope = scope.push(layer.clone()),
            HashBehaviour::Merge => put_over(&mut merged, layer, behaviour),
        };
        let roles = self.roles.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let public =
            roles.iter().filter(|role| !own_roles.iter().any(|own| Arc::ptr_eq(own, role)));
        let public: Vec<&Arc<Role>> = public.collect();
        // A role sees what it depends on, under its own.
        let around = own_roles.len().saturating_sub(1);
        let dependencies = own_roles.last().map(|role| role.all_dependencies()).unwrap_or_default();
        let parents = || public.iter().copied().chain(own_roles.iter().take(around).copied());
        let innermost = || dependencies.iter().chain(own_roles.last().copied());
        for role in parents().chain(innermost()) {
            push(&role.defaults);
        }
        push(&self.fallback(host, task));
        push(&layers.inventory);
        push(&layers.facts);
        push(&self.vars);
        for layer in self.vars_files(host, &layers) {
            push(&layer);
        }
        for role in parents().chain(innermost()) {
            push(&role.vars);
        }
        for frame in &frames {
            if !matches!(frame.kind, FrameKind::Play) {
                push(&frame.keywords.vars);
            }
        }
        if let Some(task) = task {
            push(&task.keywords.vars);
        }
        push(&layers.included);
        push(&layers.set);
        for frame in &frames {
            match &frame.kind {
                FrameKind::Role(role) => push(&role.params),
                FrameKind::Import => push(&frame.keywords.vars),
                FrameKind::Include { params } => {
                    push(&frame.keywords.vars);
                    push(params);
                }
                FrameKind::Play | FrameKind::Block => {}
            }
        }
        if let Some(task) = task.filter(|task| task.does(&["include_tasks", "include_role"])) {
            push(&task.keywords.vars);
        }
        push(&self.store.extra);
        if !merged.is_empty() {
            scope = scope.push(Arc::new(merged));
        }
        drop(roles);
        let magic = Magic::new(Arc::clone(self), host.clone(), frame.cloned(), task.cloned());
        scope.push(Arc::new(magic))
    }

    /// How a host is reached where no variable says so, for templates that ask: what keywords say,
    /// then the defaults.
    fn fallback(&self, host: &HostName, task: Option<&Arc<Task>>) -> Layer {
        use template::{Tree, Value};
        let defaults = &self.settings.connection;
        let is_local = inventory::pattern::LOCALHOST.contains(&host.as_str());
        let connection = if is_local { "local" } else { defaults.connection.as_str() };
        let mut layer: IndexMap<Arc<str>, Tree> = IndexMap::new();
        let mut set = |name: &str, key: Option<Key>, default: Option<Value>| {
            let said = key.and_then(|key| task.and_then(|task| task.setting(key)));
            let tree = said.map(|setting| setting.tree.clone()).or(default.map(Tree::Value));
            if let Some(tree) = tree {
                layer.insert(Arc::from(name), tree);
            }
        };
        set("ansible_connection", Some(Key::Connection), Some(connection.into()));
        set("ansible_host", None, Some(host.as_str().into()));
        let user = defaults.user.as_deref().map(Value::from);
        set("ansible_user", Some(Key::RemoteUser), user);
        let port = defaults.port.map(|port| Value::Int(i64::from(port)));
        set("ansible_port", Some(Key::Port), port);
        let password = defaults.password.as_ref().map(|secret| secret.reveal().as_str().into());
        set("ansible_password", None, password);
        Arc::new(layer)
    }

    /// The layers of `vars_files`; a name that cannot be rendered yet is passed over, as facts may
    /// come later.
    fn vars_files(
        self: &Arc<Self>,
        host: &HostName,
        layers: &crate::store::HostLayers,
    ) -> Vec<Layer> {
        if self.play.vars_files.is_empty() {
            return Vec::new();
        }
        let magic = Magic::new(Arc::clone(self), host.clone(), None, None);
        let scope =
            Scope::new(Arc::clone(&self.store.engine), Arc::clone(&self.store.surroundings))
                .push(layers.inventory.clone())
                .push(layers.facts.clone())
                .push(self.vars.clone())
                .push(layers.included.clone())
                .push(layers.set.clone())
                .push(self.store.extra.clone())
                .push(Arc::new(magic));
        let mut found = Vec::new();
        for file in &self.play.vars_files {
            let Ok(names) = file.tree.evaluate(&scope) else { continue };
            // A list stands for the first of its files that is there.
            let names = match names.as_list() {
                Some(list) => list.to_vec(),
                None => vec![names],
            };
            for name in names {
                let path = self.playbook_dir.join(name.to_string());
                let candidates = [self.playbook_dir.join("vars").join(name.to_string()), path];
                let Some(path) = candidates.iter().rev().find(|path| path.is_file()) else {
                    continue;
                };
                if let Ok(vars) = self.includes.vars(path) {
                    let layer: IndexMap<Arc<str>, template::Tree> =
                        vars.into_iter().map(|(name, tree)| (name.into(), tree)).collect();
                    found.push(Arc::new(layer));
                    break;
                }
            }
        }
        found
    }

    /// Files of `vars_files` that are nowhere, for a message before the play's first task.
    pub fn missing_vars_files(self: &Arc<Self>, host: &HostName) -> Vec<String> {
        let scope = self.scope(host, None);
        let mut missing = Vec::new();
        for file in &self.play.vars_files {
            let Ok(names) = file.tree.evaluate(&scope) else { continue };
            let names: Vec<String> = match names.as_list() {
                Some(list) => list.iter().map(|name| name.to_string()).collect(),
                None => vec![names.to_string()],
            };
            let is_there = |name: &String| {
                self.playbook_dir.join(name).is_file()
                    || self.playbook_dir.join("vars").join(name).is_file()
            };
            if !names.iter().any(is_there) {
                missing.push(names.join(", "));
            }
        }
        missing
    }

    /// What templates of a task may ask of the controller: its search paths above all.
    fn surroundings(&self, frame: Option<&Arc<Frame>>, task: Option<&Arc<Task>>) -> Surroundings {
        let mut surroundings = (*self.store.surroundings).clone();
        surroundings.playbook_folder = self.playbook_dir.clone();
        let mut folders: Vec<PathBuf> = Vec::new();
        if let Some(frame) = frame {
            folders.extend(frame.roles().map(|role| role.path.clone()));
        }
        let file = task.and_then(|task| task.span.file.path.parent());
        folders.extend(file.map(PathBuf::from));
        folders.push(self.playbook_dir.clone());
        folders.dedup();
        surroundings.search_folders = folders;
        surroundings
    }
}
