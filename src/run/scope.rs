//! What a task sees: all layers of variables in Ansible's order.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use indexmap::IndexMap;
use inventory::{HostName, pattern};
use plan::{Frame, FrameKind, Layer, Play, Role, Task};
use source::SourceFile;
use template::{Scope, Surroundings, Tree};

use crate::{
    RunSettings, Store,
    includes::Includes,
    layers::{HashBehaviour, put_over},
    magic::Magic,
    reached::Reached,
};

/// What one play adds to the variables, and who takes part in it.
pub struct PlayContext {
    pub play: Arc<Play>,
    /// Its name, rendered; the patterns of its hosts where it has none.
    pub name: String,
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
    /// Roles that tasks of the play took, once for each time: those imported, then those included,
    /// as they came.
    pub taken_roles: std::sync::RwLock<Vec<Arc<Role>>>,
    /// What `--limit` says, as text.
    pub limit: Option<String>,
    /// What was worked out of surroundings so far.
    pub known_surroundings: KnownSurroundings,
    /// The first file of `vars_files` that could not be read, and why. No task runs without it.
    pub broken_vars_file: OnceLock<String>,
}

impl PlayContext {
    /// The scope of a task on a host. Without a task, that of the play.
    pub fn scope(self: &Arc<Self>, host: &HostName, task: Option<&Arc<Task>>) -> Scope {
        let frame = task.map(|task| &task.parent);
        self.scope_of(host, frame, task)
    }

    /// The scope of a task on no host: what the play, roles and the task itself say, and of the
    /// run what is the same for all hosts.
    pub fn hostless_scope(self: &Arc<Self>, task: &Arc<Task>) -> Scope {
        self.scope_of(&HostName::from(""), Some(&task.parent), Some(task))
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
        let surroundings = self.surroundings(frame, task);
        let reached = Reached {
            settings: Arc::clone(&self.settings),
            host: host.clone(),
            is_implicit: pattern::LOCALHOST.contains(&host.as_str())
                && self.store.inventory().hosts.get(host).is_none_or(|host| host.is_implicit),
            inventory: layers.inventory.clone(),
            task: task.cloned(),
        };
        let lowest = Scope::new(Arc::clone(&self.store.engine), surroundings);
        let mut stack = Stack {
            scope: lowest.push(Arc::new(reached)),
            behaviour: self.store.hash_behaviour(),
            merged: IndexMap::new(),
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
            stack.push(&role.defaults);
        }
        stack.push(&layers.inventory);
        stack.push(&layers.facts);
        stack.push(&self.vars);
        for layer in self.vars_files(host, &layers) {
            stack.push(&layer);
        }
        for role in parents().chain(innermost()) {
            stack.push(&role.vars);
        }
        for frame in &frames {
            if !matches!(frame.kind, FrameKind::Play) {
                stack.push(&frame.keywords.vars);
            }
        }
        if let Some(task) = task {
            stack.push(&task.keywords.vars);
        }
        stack.push(&layers.included);
        stack.push(&layers.set);
        let mut taker: Option<&Arc<Role>> = None;
        let mut is_taken_by_task = false;
        for frame in &frames {
            match &frame.kind {
                FrameKind::Role(role) => {
                    // The parameters of the role whose task takes this one stand above what the
                    // task says.
                    if let Some(taker) = taker.filter(|_| is_taken_by_task) {
                        stack.push(&taker.params);
                    }
                    stack.push(&role.params);
                    taker = Some(role);
                }
                FrameKind::Include { params } => stack.push(params),
                FrameKind::Play | FrameKind::Block | FrameKind::Import => {}
            }
            is_taken_by_task = matches!(frame.kind, FrameKind::Import | FrameKind::Include { .. });
        }
        if let Some(task) = task.filter(|task| task.does(&["include_tasks", "include_role"])) {
            stack.push(&task.keywords.vars);
            if let Some(taker) = taker.filter(|_| task.does(&["include_role"])) {
                stack.push(&taker.params);
            }
        }
        stack.push(&self.store.extra);
        drop(roles);
        let scope = stack.close();
        let magic = Magic::new(Arc::clone(self), host.clone(), frame.cloned(), task.cloned());
        scope.push(Arc::new(magic))
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
                match self.includes.play_vars(path) {
                    Ok(vars) => {
                        let layer: IndexMap<Arc<str>, template::Tree> =
                            vars.into_iter().map(|(name, tree)| (name.into(), tree)).collect();
                        found.push(Arc::new(layer));
                    }
                    // The first one is told.
                    Err(why) => drop(self.broken_vars_file.set(why)),
                }
                break;
            }
        }
        found
    }

    /// Why a file of `vars_files` cannot be read, for a message before the play's first task.
    pub fn wrong_vars_file(self: &Arc<Self>, host: &HostName) -> Option<String> {
        let _ = self.scope(host, None);
        self.broken_vars_file.get().cloned()
    }

    /// The first of `vars_files` that is nowhere, as a warning: Ansible goes on without it.
    pub fn missing_vars_file(self: &Arc<Self>, host: &HostName) -> Option<String> {
        let scope = self.scope(host, None);
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
                return Some(format!(
                    "vars file {} was not found beside {} or in its folder vars, and the play goes \
                     on without it",
                    names.join(", "),
                    self.play.playbook.display()
                ));
            }
        }
        None
    }

    /// What templates of a task may ask of the controller: its search paths above all. Tasks of one
    /// file in one frame share it.
    fn surroundings(
        &self,
        frame: Option<&Arc<Frame>>,
        task: Option<&Arc<Task>>,
    ) -> Arc<Surroundings> {
        let file = task.map(|task| &task.span.file);
        let key = (
            frame.map_or(0, |frame| Arc::as_ptr(frame).addr()),
            file.map_or(0, |file| Arc::as_ptr(file).addr()),
        );
        let known = self.known_surroundings.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., surroundings)) = known.get(&key) {
            return Arc::clone(surroundings);
        }
        drop(known);
        let mut surroundings = (*self.store.surroundings).clone();
        surroundings.playbook_folder = self.playbook_dir.clone();
        let mut folders: Vec<PathBuf> = Vec::new();
        if let Some(frame) = frame {
            folders.extend(frame.roles().map(|role| role.path.clone()));
        }
        folders.extend(file.and_then(|file| file.path.parent()).map(PathBuf::from));
        folders.push(self.playbook_dir.clone());
        folders.dedup();
        surroundings.search_folders = folders;
        let surroundings = Arc::new(surroundings);
        let mut known = self.known_surroundings.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, (frame.cloned(), file.cloned(), Arc::clone(&surroundings)));
        surroundings
    }
}

/// A frame and a file, by where they lie in memory.
type FrameAndFile = (usize, usize);

/// What templates of the tasks of one file in one frame may ask. Frame and file are kept with it, so
/// that nothing else comes to lie where they are.
pub type KnownSurroundings =
    RwLock<HashMap<FrameAndFile, (Option<Arc<Frame>>, Option<Arc<SourceFile>>, Arc<Surroundings>)>>;

/// Layers on their way to a scope.
struct Stack {
    scope: Scope,
    behaviour: HashBehaviour,
    merged: IndexMap<Arc<str>, Tree>,
}

impl Stack {
    fn push(&mut self, layer: &Layer) {
        match self.behaviour {
            _ if layer.is_empty() => {}
            HashBehaviour::Replace => self.scope = self.scope.push(layer.clone()),
            HashBehaviour::Merge => put_over(&mut self.merged, layer, self.behaviour),
        }
    }

    fn close(self) -> Scope {
        match self.merged.is_empty() {
            true => self.scope,
            false => self.scope.push(Arc::new(self.merged)),
        }
    }
}
