//! Lists of tasks and blocks, and files of them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use plan::{Block, Frame, FrameKind, Item, Keywords, Task};
use source::{Diagnostic, Kind, Node, Span};
use template::Tree;

use crate::{RoleRequest, codes, compiler::Cursor, keywords::Carrier, role::RoleRequestParts};

/// What `meta` can be asked for.
const META: &[&str] = &[
    "clear_facts",
    "clear_host_errors",
    "end_batch",
    "end_host",
    "end_play",
    "end_role",
    "flush_handlers",
    "noop",
    "refresh_inventory",
    "reset_connection",
];

impl Cursor<'_> {
    /// Compiles a file of tasks.
    pub(crate) fn tasks_file(
        &mut self,
        path: &Path,
        parent: &Arc<Frame>,
        asked_by: Option<&Span>,
    ) -> Vec<Item> {
        if !self.enter_file(path, asked_by) {
            return Vec::new();
        }
        let node = self.compiler.files.read_yaml(path, asked_by, self.diagnostics);
        // A list of its own, wherever it is asked for.
        let is_in_handler_block = std::mem::take(&mut self.is_in_handler_block);
        let items = node.map(|node| self.tasks(&node, parent)).unwrap_or_default();
        self.is_in_handler_block = is_in_handler_block;
        self.open.pop();
        items
    }

    /// Compiles a list of tasks.
    pub(crate) fn tasks(&mut self, node: &Node, parent: &Arc<Frame>) -> Vec<Item> {
        match &node.kind {
            Kind::Sequence(items) => {
                items.iter().filter_map(|item| self.item(item, parent)).collect()
            }
            _ if node.is_null() => Vec::new(),
            _ => {
                let section = self.section;
                let message = format!(
                    "A malformed block was encountered while loading {section}: {} should be a list or None but is {}",
                    node.span.text().trim(),
                    node.describe()
                );
                let mut diagnostic = Diagnostic::error(codes::SHAPE, &node.span, message);
                if node.as_mapping().is_some() {
                    diagnostic = diagnostic.hint("put a dash before it: a list of one task");
                }
                self.report(diagnostic);
                Vec::new()
            }
        }
    }

    fn item(&mut self, node: &Node, parent: &Arc<Frame>) -> Option<Item> {
        let Some(mapping) = node.as_mapping() else {
            if !node.is_null() {
                let message = format!("a task is a dictionary, this is {}", node.describe());
                self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
            }
            return None;
        };
        if ["block", "rescue", "always"].iter().any(|key| mapping.get(key).is_some()) {
            // A list of handlers is as good as a block: one may stand in it, and none in that.
            if self.is_in_handler_block {
                let message = "Using a block as a handler is not supported.";
                self.report(Diagnostic::error(codes::ACTION, &node.span, message));
                return None;
            }
            self.is_in_handler_block = self.are_handlers;
            let block = self.block(node, parent);
            self.is_in_handler_block = false;
            return block.map(Item::Block);
        }
        let task = self.task(node, parent)?;
        if task.does(&["include_role", "import_role"]) {
            if self.are_handlers {
                let message =
                    format!("Using '{}' as a handler is not supported.", task.action.written);
                self.report(Diagnostic::error(codes::ACTION, &task.action.span, message));
                return None;
            }
            self.check_role_files(&task);
        }
        let meta = task.action.free_form.as_ref().and_then(Tree::as_str);
        let meta = meta.filter(|_| task.does(&["meta"]));
        if let Some(unknown) = meta.filter(|what| !META.contains(&what.trim())) {
            let message = format!("invalid meta action requested: {unknown}");
            let hint = format!("there are {}", META.join(", "));
            let diagnostic = Diagnostic::error(codes::ACTION, &task.action.span, message);
            self.report(diagnostic.hint(hint));
            return None;
        }
        if self.are_handlers && meta == Some("flush_handlers") {
            let message = "flush_handlers cannot be used as a handler";
            self.report(Diagnostic::error(codes::ACTION, &task.action.span, message));
            return None;
        }
        let action = &task.action;
        let has_file = action.free_form.is_some() || action.args.contains_key("file");
        if task.does(&["include_tasks"]) && !has_file && action.whole.is_none() {
            let message = format!("No file specified for {}", action.name);
            self.report(Diagnostic::error(codes::ACTION, &task.span, message));
            return None;
        }
        self.check_import_options(&task);
        match task.action.name.strip_prefix("ansible.builtin.") {
            Some("import_tasks") => Some(Item::Block(self.import_tasks(&task))),
            Some("import_role") => Some(Item::Block(self.import_role(&task))),
            Some("import_playbook") => {
                let message = "import_playbook stands in a playbook, not in a list of tasks";
                self.report(Diagnostic::error(codes::ACTION, &task.span, message));
                None
            }
            _ => Some(Item::Task(Arc::new(task))),
        }
    }

    /// What only includes take.
    fn check_import_options(&mut self, task: &Task) {
        let known: &[&str] = match task.action.name.strip_prefix("ansible.builtin.") {
            Some("import_tasks") => &["file"],
            Some("import_role") => &[
                "allow_duplicates",
                "defaults_from",
                "handlers_from",
                "name",
                "public",
                "role",
                "rolespec_validate",
                "tasks_from",
                "vars_from",
            ],
            _ => return,
        };
        let unknown: Vec<&str> =
            task.action.args.keys().map(|name| &**name).filter(|n| !known.contains(n)).collect();
        if !unknown.is_empty() {
            let message =
                format!("Invalid options for {}: {}", task.action.written, unknown.join(","));
            self.report(Diagnostic::error(codes::BAD_ARGUMENT, &task.action.span, message));
        }
    }

    /// Each of these names one file.
    fn check_role_files(&mut self, task: &Task) {
        for key in ["tasks_from", "vars_from", "defaults_from", "handlers_from"] {
            let Some(tree) = task.action.args.get(key) else { continue };
            let given = match tree {
                Tree::List(_) => "list",
                Tree::Dict(_) => "dict",
                Tree::Value(template::Value::Str(_)) => continue,
                Tree::Value(value) => value.type_name(),
                Tree::Template(_) | Tree::Secret(_) => continue,
            };
            let message = format!("Expected a string for {key} but got <class '{given}'> instead");
            let span = task.action.arg_spans.get(key).unwrap_or(&task.action.span);
            self.report(Diagnostic::error(codes::KEYWORD_VALUE, span, message));
        }
    }

    fn block(&mut self, node: &Node, parent: &Arc<Frame>) -> Option<Arc<Block>> {
        let mapping = node.as_mapping()?;
        let (keywords, rest) = self.keywords(mapping, Carrier::Block);
        let frame = Arc::new(Frame {
            kind: FrameKind::Block,
            keywords,
            parent: Some(Arc::clone(parent)),
            span: node.span.clone(),
        });
        let (mut body, mut rescue, mut always) = (Vec::new(), Vec::new(), Vec::new());
        let mut has_body = false;
        let is_rescued = mapping.get("rescue").is_some();
        for entry in rest {
            match entry.key.as_str() {
                Some("block") => {
                    has_body = true;
                    self.rescues += usize::from(is_rescued);
                    body = self.tasks(&entry.value, &frame);
                    self.rescues -= usize::from(is_rescued);
                }
                Some("rescue") => rescue = self.tasks(&entry.value, &frame),
                Some("always") => always = self.tasks(&entry.value, &frame),
                _ => self.unknown_keyword(entry, Carrier::Block),
            }
        }
        if !has_body {
            let found = if is_rescued { "rescue" } else { "always" };
            let message = format!("'{found}' keyword cannot be used without 'block'");
            self.report(Diagnostic::error(codes::SHAPE, &node.span, message));
        }
        Some(Arc::new(Block { frame, body, rescue, always }))
    }

    fn import_frame(task: &Task) -> Arc<Frame> {
        Arc::new(Frame {
            kind: FrameKind::Import,
            keywords: task.keywords.clone(),
            parent: Some(Arc::clone(&task.parent)),
            span: task.span.clone(),
        })
    }

    fn refuse_loop(&mut self, task: &Task, instead: &str) {
        if task.loop_.is_some() {
            let message = format!(
                "You cannot use loops on '{}' statements. You should use '{instead}' instead.",
                task.action.written
            );
            self.report(Diagnostic::error(codes::ACTION, &task.span, message));
        }
    }

    fn import_tasks(&mut self, task: &Task) -> Arc<Block> {
        self.refuse_loop(task, "include_tasks");
        let frame = Self::import_frame(task);
        let file = task.action.free_form.as_ref().or_else(|| task.action.args.get("file"));
        let mut body = Vec::new();
        match file.map(|tree| self.static_name(tree, &task.action.span, &frame)) {
            Some(Some(name)) => match self.find_tasks_file(&name, &frame) {
                Ok(path) => body = self.tasks_file(&path, &frame, Some(&task.action.span)),
                Err(tried) => {
                    let message =
                        format!("Unable to retrieve file contents: could not find '{name}'");
                    self.report(
                        Diagnostic::error(codes::UNREADABLE, &task.action.span, message)
                            .hint(format!("looked in {}", list(&tried))),
                    );
                }
            },
            Some(None) => {}
            None => {
                let message = "No file specified for ansible.builtin.import_tasks";
                self.report(Diagnostic::error(codes::ACTION, &task.span, message));
            }
        }
        Arc::new(Block { frame, body, rescue: Vec::new(), always: Vec::new() })
    }

    /// Finds a file of tasks as `import_tasks` names it: beside the file that names it, in the
    /// `tasks` folders of the roles around, beside the playbook. The error lists what was tried.
    pub fn find_tasks_file(&self, name: &str, frame: &Arc<Frame>) -> Result<PathBuf, Vec<PathBuf>> {
        let name = Path::new(name);
        if name.is_absolute() {
            return if name.is_file() { Ok(name.to_owned()) } else { Err(vec![name.to_owned()]) };
        }
        let subfolder = if self.are_handlers { "handlers" } else { "tasks" };
        let mut candidates = Vec::new();
        if let Some(folder) = frame.span.file.path.parent() {
            candidates.push(folder.join(name));
        }
        for role in frame.roles() {
            candidates.push(role.path.join(subfolder).join(name));
            // Handlers may include what tasks do.
            if self.are_handlers {
                candidates.push(role.path.join("tasks").join(name));
            }
            candidates.push(role.path.join(name));
        }
        candidates.push(self.playbook_dir.join(name));
        candidates.push(self.playbook_dir.join(subfolder).join(name));
        candidates.iter().find(|path| path.is_file()).cloned().ok_or(candidates)
    }

    fn import_role(&mut self, task: &Task) -> Arc<Block> {
        self.refuse_loop(task, "include_role");
        let frame = Self::import_frame(task);
        let empty = |frame| {
            Arc::new(Block { frame, body: Vec::new(), rescue: Vec::new(), always: Vec::new() })
        };
        let Some(request) = self.role_request(task, &frame) else { return empty(frame) };
        let parts = RoleRequestParts {
            request,
            keywords: Keywords::default(),
            params: Default::default(),
            span: task.span.clone(),
        };
        let Some(compiled) = self.role(parts, &frame) else { return empty(frame) };
        self.handlers.extend(compiled.handlers);
        Arc::new(Block { frame, body: compiled.items, rescue: Vec::new(), always: Vec::new() })
    }

    /// Reads the arguments of `import_role`, which must be known before the run.
    fn role_request(&mut self, task: &Task, frame: &Arc<Frame>) -> Option<RoleRequest> {
        let args = &task.action.args;
        let span = |name: &str| task.action.arg_spans.get(name).unwrap_or(&task.span).clone();
        let name = args.get("name").or_else(|| args.get("role"));
        let Some(name) = name else {
            let message = "'name' is a required field for import_role.";
            self.report(Diagnostic::error(codes::ACTION, &task.span, message));
            return None;
        };
        let name = self.static_name(name, &span("name"), frame)?;
        let mut text = |key: &str| -> Option<Option<String>> {
            match args.get(key) {
                Some(tree) => self.static_name(tree, &span(key), frame).map(Some),
                None => Some(None),
            }
        };
        let (tasks_from, vars_from) = (text("tasks_from")?, text("vars_from")?);
        let (defaults_from, handlers_from) = (text("defaults_from")?, text("handlers_from")?);
        let scope = self.static_scope(frame);
        let flag = |key: &str, tree: Option<&Tree>| {
            // `public=no` is a text.
            let is_no = |text: &str| {
                matches!(text.to_lowercase().as_str(), "no" | "n" | "false" | "f" | "off" | "0")
            };
            let value = tree?.literal().or_else(|| tree?.evaluate(&scope).ok())?;
            Some((key.to_owned(), value.truthy() && !value.as_str().is_some_and(is_no)))
        };
        let validates = flag("rolespec_validate", args.get("rolespec_validate"));
        Some(RoleRequest {
            name,
            tasks_from,
            vars_from,
            defaults_from,
            handlers_from,
            // Unlike a role of a play, one that a task asks for runs each time.
            allow_duplicates: Some(
                flag("allow_duplicates", args.get("allow_duplicates")).is_none_or(|f| f.1),
            ),
            public: flag("public", args.get("public"))
                .map_or(!self.compiler.settings.has_private_roles, |f| f.1),
            skips_validation: validates.is_some_and(|f| !f.1),
        })
    }
}

pub(crate) fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
