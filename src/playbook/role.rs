//! Roles: finding them, reading them, and what they bring.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use indexmap::IndexMap;
use plan::{Block, Frame, FrameKind, Item, Keywords, Layer, Role, play::RoleBlock};
use source::{Diagnostic, Entry, Kind, Node, Scalar, Span};
use template::Tree;

use crate::{
    RoleRequest, codes,
    compiler::{CompiledRole, Cursor},
    keywords::Carrier,
    role_task::{Validation, role_complete},
};

/// A role as it is asked for, and what is said of it there.
pub(crate) struct RoleRequestParts {
    pub request: RoleRequest,
    pub keywords: Keywords,
    pub params: Layer,
    pub span: Span,
}

/// Where a role is.
pub(crate) struct Found {
    pub path: PathBuf,
    pub name: String,
    pub collection: Option<String>,
}

impl Cursor<'_> {
    /// Compiles the roles of a play.
    pub(crate) fn play_roles(&mut self, node: &Node, frame: &Arc<Frame>) -> Vec<RoleBlock> {
        let items: &[Node] = match &node.kind {
            Kind::Sequence(items) => items,
            _ if node.is_null() => &[],
            _ => {
                let message = format!(
                    "A malformed role declaration was encountered. roles takes a list, and this is {}",
                    node.describe()
                );
                self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
                &[]
            }
        };
        let mut blocks = Vec::new();
        for item in items {
            let Some(parts) = self.role_entry(item, frame) else { continue };
            let span = parts.span.clone();
            if let Some(compiled) = self.role(parts, frame) {
                self.handlers.extend(compiled.handlers);
                let block = Arc::new(Block {
                    frame: Arc::new(Frame {
                        kind: FrameKind::Block,
                        keywords: Keywords::default(),
                        parent: Some(Arc::clone(frame)),
                        span,
                    }),
                    body: compiled.items,
                    rescue: Vec::new(),
                    always: Vec::new(),
                });
                blocks.push(RoleBlock { role: compiled.role, block });
            }
        }
        blocks
    }

    /// Reads an entry of `roles:` or of `dependencies:`.
    fn role_entry(&mut self, node: &Node, frame: &Arc<Frame>) -> Option<RoleRequestParts> {
        let mut keywords = Keywords::default();
        let mut params: IndexMap<Arc<str>, Tree> = IndexMap::new();
        let name = match &node.kind {
            Kind::Mapping(mapping) => {
                let (shared, rest) = self.keywords(mapping, Carrier::Role);
                keywords = shared;
                let mut name = None;
                for entry in rest {
                    match entry.key.as_str() {
                        Some("role" | "name") => name = entry.value.as_str().map(str::to_owned),
                        // Where a role came from says nothing of how it runs.
                        Some("src" | "version" | "scm") => {}
                        Some(key) => {
                            let tree = self.tree(&entry.value);
                            params.insert(key.into(), tree);
                        }
                        None => self.unknown_keyword(entry, Carrier::Role),
                    }
                }
                name
            }
            Kind::Scalar(Scalar::Str { text, .. }) => Some(text.to_string()),
            Kind::Scalar(Scalar::Int(number)) => Some(number.to_string()),
            _ => None,
        };
        if let Some(old) = name.as_deref().filter(|name| name.contains(',')) {
            let message = format!("Invalid old style role requirement: {old}");
            self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
            return None;
        }
        let Some(name) = name.filter(|name| !name.trim().is_empty()) else {
            let message = "role definitions must contain a role name";
            self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
            return None;
        };
        let tree = self.text(name.trim(), &node.span);
        let name = self.static_name(&tree, &node.span, frame)?;
        Some(RoleRequestParts {
            request: RoleRequest {
                name,
                public: !self.compiler.settings.has_private_roles,
                ..RoleRequest::default()
            },
            keywords,
            params: Arc::new(params),
            span: node.span.clone(),
        })
    }

    /// Compiles a role: its dependencies, its tasks, its handlers.
    pub(crate) fn role(
        &mut self,
        parts: RoleRequestParts,
        parent: &Arc<Frame>,
    ) -> Option<CompiledRole> {
        let RoleRequestParts { request, keywords, params, span } = parts;
        let near: Vec<PathBuf> = parent.roles().map(|role| role.path.clone()).collect();
        let said = keywords
            .collections
            .clone()
            .or_else(|| parent.chain().find_map(|frame| frame.keywords.collections.clone()));
        let collections = self.lookup_collections(parent, said.as_deref());
        let found = self.find_role(&request.name, &near, &collections, Some(&span))?;
        let marker = found
            .path
            .join(".role-being-read")
            .join(request.tasks_from.as_deref().unwrap_or("main"));
        if self.open.contains(&marker) {
            let message = format!("role {} depends on itself", request.name);
            self.report(Diagnostic::error(codes::CIRCLE, &span, message));
            return None;
        }
        self.open.push(marker);
        let compiled = self.read_role(&request, found, keywords, params, &span, parent);
        self.open.pop();
        compiled
    }

    fn read_role(
        &mut self,
        request: &RoleRequest,
        found: Found,
        keywords: Keywords,
        params: Layer,
        span: &Span,
        parent: &Arc<Frame>,
    ) -> Option<CompiledRole> {
        self.compiler.catalogue.add_library(&found.path.join("library"));
        let meta = self.role_meta(&found.path);
        let defaults =
            self.role_vars(&found.path, "defaults", request.defaults_from.as_deref(), span);
        let vars = self.role_vars(&found.path, "vars", request.vars_from.as_deref(), span);
        let validation = (!request.skips_validation)
            .then(|| self.argument_specs(&found.path, &meta))
            .flatten()
            .and_then(|specs| Validation::of(&specs, request.tasks_from.as_deref()));
        let own_params = Arc::clone(&params);
        let identity = identity(&found, request, &keywords, &params);
        let role = Arc::new(Role {
            name: found.name,
            collection: found.collection,
            path: found.path.clone(),
            defaults,
            vars,
            params,
            public: request.public,
            allow_duplicates: request.allow_duplicates.unwrap_or(meta.allow_duplicates),
            identity,
            dependencies: Default::default(),
        });
        let mut keywords = keywords;
        keywords.collections = keywords.collections.or(meta.collections);
        let frame = Arc::new(Frame {
            kind: FrameKind::Role(Arc::clone(&role)),
            keywords,
            parent: Some(Arc::clone(parent)),
            span: span.clone(),
        });
        let mut items = Vec::new();
        let mut handlers = Vec::new();
        let mut dependencies = Vec::new();
        for dependency in &meta.dependencies {
            let Some(parts) = self.role_entry(dependency, &frame) else { continue };
            if let Some(compiled) = self.role(parts, &frame) {
                items.extend(compiled.items);
                handlers.extend(compiled.handlers);
                dependencies.push(compiled.role);
            }
        }
        // Nobody else has set them: the role was made above.
        let _ = role.dependencies.set(dependencies);
        let are_handlers = std::mem::replace(&mut self.are_handlers, false);
        let own =
            self.role_tasks(&found.path, "tasks", request.tasks_from.as_deref(), &frame, span);
        self.are_handlers = true;
        handlers.extend(self.role_tasks(
            &found.path,
            "handlers",
            request.handlers_from.as_deref(),
            &frame,
            span,
        ));
        self.are_handlers = are_handlers;
        let mut body = Vec::new();
        if let Some(validation) = validation {
            body.push(Item::Task(Arc::new(self.validation_task(&validation, &frame, &own_params))));
        }
        body.extend(own);
        body.push(Item::Task(Arc::new(role_complete(&frame))));
        items.push(Item::Block(Arc::new(Block {
            frame: Arc::clone(&frame),
            body,
            rescue: Vec::new(),
            always: Vec::new(),
        })));
        Some(CompiledRole { role, items, handlers })
    }

    /// Finds a role's folder: in the collections that short names are looked up in, beside the
    /// playbook, in `roles_path`. Says where it looked where it finds none and was asked by a
    /// place.
    pub(crate) fn find_role(
        &mut self,
        name: &str,
        near: &[PathBuf],
        collections: &[String],
        asked_by: Option<&Span>,
    ) -> Option<Found> {
        let parts: Vec<&str> = name.split('.').collect();
        if let [namespace, collection, role @ ..] = parts.as_slice()
            && !role.is_empty()
            && !name.contains('/')
        {
            let collection = format!("{namespace}.{collection}");
            let role_name = role.join(".");
            if let Some(folder) = self.compiler.settings.collections.folder(&collection) {
                let path = folder.join("roles").join(role.join("/"));
                if path.is_dir() {
                    return Some(Found { path, name: role_name, collection: Some(collection) });
                }
            }
        }
        let is_short = !name.contains(['.', '/']);
        for collection in collections.iter().filter(|_| is_short) {
            let folder = self.compiler.settings.collections.folder(collection);
            let path = folder.map(|folder| folder.join("roles").join(name));
            if let Some(path) = path.filter(|path| path.is_dir()) {
                let (name, collection) = (name.to_owned(), Some(collection.clone()));
                return Some(Found { path, name, collection });
            }
        }
        let mut folders = vec![self.playbook_dir.join("roles")];
        folders.extend(self.compiler.settings.roles_path.iter().cloned());
        folders.extend(near.iter().filter_map(|path| path.parent().map(Path::to_owned)));
        folders.push(self.playbook_dir.clone());
        for folder in &folders {
            let path = folder.join(name);
            if path.is_dir() {
                let short = Path::new(name).file_name().and_then(|n| n.to_str()).unwrap_or(name);
                return Some(Found { path, name: short.to_owned(), collection: None });
            }
        }
        if let Some(span) = asked_by {
            let message = format!("the role '{name}' was not found in {}", path_list(&folders));
            let near = known_roles(&folders);
            self.report(
                Diagnostic::error(codes::UNKNOWN_ROLE, span, message)
                    .nearest(name, near.iter().map(String::as_str)),
            );
        }
        None
    }

    fn role_meta(&mut self, path: &Path) -> Meta {
        let mut meta = Meta::default();
        let Some(file) = existing(&path.join("meta"), "main") else { return meta };
        let Some(node) = self.compiler.files.read_yaml(&file, None, self.diagnostics) else {
            return meta;
        };
        let Some(mapping) = node.as_mapping() else {
            if !node.is_null() {
                let message = "the 'meta/main.yml' of a role must be a dictionary";
                self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
            }
            return meta;
        };
        for Entry { key, value } in &mapping.entries {
            match key.as_str() {
                Some("dependencies") => match &value.kind {
                    Kind::Sequence(items) => meta.dependencies = items.to_vec(),
                    _ if value.is_null() => {}
                    _ => self.wrong_kind("dependencies", value, "a list of roles"),
                },
                Some("allow_duplicates") => {
                    meta.allow_duplicates = match &value.kind {
                        Kind::Scalar(Scalar::Bool(value)) => *value,
                        _ => value.as_str().is_some_and(|text| {
                            matches!(text.to_lowercase().as_str(), "yes" | "true" | "on" | "1")
                        }),
                    };
                }
                Some("argument_specs") => meta.argument_specs = Some(value.clone()),
                Some("collections") => {
                    let names = value.as_sequence().unwrap_or_default();
                    let names = names.iter().filter_map(|n| n.as_str().map(str::to_owned));
                    meta.collections = Some(Arc::new(names.collect()));
                }
                _ => {}
            }
        }
        meta
    }

    /// `defaults` or `vars`: `main`, or the file asked for; a folder of files counts as one.
    fn role_vars(&mut self, role: &Path, kind: &str, from: Option<&str>, span: &Span) -> Layer {
        let folder = role.join(kind);
        let name = from.unwrap_or("main");
        let mut layer = IndexMap::new();
        let files = vars_files(&folder, name);
        if files.is_empty() && from.is_some() {
            let message = format!("could not find {name} in {}", folder.display());
            self.report(Diagnostic::error(codes::UNREADABLE, span, message));
        }
        for file in files {
            if !is_inside(&file, &folder) {
                self.outside_of_role(&file, role, kind, span);
                continue;
            }
            let Some(node) = self.compiler.files.read_yaml(&file, Some(span), self.diagnostics)
            else {
                continue;
            };
            if node.as_mapping().is_none() && !node.is_null() {
                let message = format!(
                    "The {kind}/main.yml file for role must contain a dictionary of variables, this is {}",
                    node.describe()
                );
                self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
                continue;
            }
            layer.extend(self.vars(&node, "role").iter().map(|(k, v)| (Arc::clone(k), v.clone())));
        }
        Arc::new(layer)
    }

    fn outside_of_role(&mut self, file: &Path, role: &Path, kind: &str, span: &Span) {
        let name = role.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let message = format!(
            "Failed loading '{}' for role ({name}) as it is not inside the expected role path: '{}'",
            file.display(),
            role.join(kind).display()
        );
        self.report(Diagnostic::error(codes::UNREADABLE, span, message));
    }

    fn role_tasks(
        &mut self,
        role: &Path,
        kind: &str,
        from: Option<&str>,
        frame: &Arc<Frame>,
        span: &Span,
    ) -> Vec<Item> {
        let name = from.unwrap_or("main");
        match existing(&role.join(kind), name) {
            Some(file) if !is_inside(&file, &role.join(kind)) => {
                self.outside_of_role(&file, role, kind, span);
                Vec::new()
            }
            Some(file) => self.tasks_file(&file, frame, Some(span)),
            None => {
                if from.is_some() {
                    let message = format!("Could not find specified file in role: {kind}/{name}");
                    self.report(Diagnostic::error(codes::ACTION, span, message));
                }
                Vec::new()
            }
        }
    }
}

/// What `meta/main.yml` of a role says.
#[derive(Default)]
pub(crate) struct Meta {
    pub(crate) argument_specs: Option<Node>,
    dependencies: Vec<Node>,
    allow_duplicates: bool,
    collections: Option<Arc<Vec<String>>>,
}

/// What makes two uses of a role the same one.
fn identity(found: &Found, request: &RoleRequest, keywords: &Keywords, params: &Layer) -> String {
    let mut text = found.path.display().to_string();
    for from in
        [&request.tasks_from, &request.vars_from, &request.defaults_from, &request.handlers_from]
    {
        text.push('|');
        text.push_str(from.as_deref().unwrap_or(""));
    }
    for (name, tree) in params.iter().chain(keywords.vars.iter()) {
        text.push_str(&format!("|{name}={}", plan::written(tree)));
    }
    for tag in &keywords.tags {
        text.push_str(&format!("|tag {}", plan::written(&tag.tree)));
    }
    for condition in &keywords.when {
        text.push_str(&format!("|when {}", condition.expression.text()));
    }
    text
}

/// Whether a file lies in a folder, `..` in its path taken as said. Links may lead elsewhere.
fn is_inside(file: &Path, folder: &Path) -> bool {
    let plain = |path: &Path| {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::ParentDir => drop(plain.pop()),
                Component::CurDir => {}
                part => plain.push(part),
            }
        }
        plain
    };
    plain(file).starts_with(plain(folder))
}

/// `folder/name` with one of the extensions of YAML, or as it stands.
pub fn existing(folder: &Path, name: &str) -> Option<PathBuf> {
    let exact = folder.join(name);
    let with = |extension: &str| folder.join(format!("{name}.{extension}"));
    [with("yml"), with("yaml"), with("json"), exact].into_iter().find(|path| path.is_file())
}

/// The files of variables under a name: one file, or all of a folder in their order.
fn vars_files(folder: &Path, name: &str) -> Vec<PathBuf> {
    if let Some(file) = existing(folder, name) {
        return vec![file];
    }
    let is_vars = |path: &Path| {
        let extension = path.extension().and_then(|e| e.to_str());
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or(".");
        !name.starts_with('.')
            && !name.ends_with('~')
            && matches!(extension, None | Some("yml" | "yaml" | "json"))
    };
    walkdir::WalkDir::new(folder.join(name))
        .sort_by_file_name()
        .follow_links(true)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && is_vars(entry.path()))
        .map(walkdir::DirEntry::into_path)
        .collect()
}

fn known_roles(folders: &[PathBuf]) -> Vec<String> {
    folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("tasks").is_dir())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

/// Folders as one path, the way that searching is told.
fn path_list(folders: &[PathBuf]) -> String {
    let folders: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
    folders.join(":")
}
