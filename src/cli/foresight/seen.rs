//! The tasks of a play, those of files and roles that it includes by a plain name among them.

use std::{collections::HashSet, path::PathBuf, sync::Arc};

use plan::{Frame, FrameKind, Item, Key, Keywords, Play, Role, Task};
use playbook::{RoleRequest, codes};
use source::{Diagnostic, Diagnostics, Severity, Span};
use template::{Tree, Value};

use super::{Sight, folder_of};

/// How deep includes are followed.
const DEPTH_MAX: usize = 12;

/// A play as far as it can be seen before a run.
pub struct Seen {
    pub play: Arc<Play>,
    pub tasks: Vec<SeenTask>,
    pub handlers: Vec<SeenTask>,
    /// Roles that were met, however they are used.
    pub roles: Vec<Arc<Role>>,
    /// Whether there are roles in it that only the run knows.
    pub has_unknown_roles: bool,
    /// Folders of tasks of which a run takes the file that a variable names.
    pub unknown_tasks: Vec<PathBuf>,
    followed: HashSet<PathBuf>,
}

/// A task, and what becomes of its failure.
pub struct SeenTask {
    pub task: Arc<Task>,
    /// Whether it may fail by plan.
    pub is_forgiven: bool,
}

impl SeenTask {
    /// Whether it may be skipped: by a condition, a loop that may be empty, or its tags.
    pub fn is_conditional(&self) -> bool {
        let task = &self.task;
        !task.conditions().is_empty() || task.loop_.is_some() || !task.tags().is_empty()
    }
}

impl Seen {
    pub fn of(play: &Arc<Play>, sight: &Sight<'_>, found: &mut Diagnostics) -> Self {
        let mut seen = Self {
            play: Arc::clone(play),
            tasks: Vec::new(),
            handlers: Vec::new(),
            roles: play.roles.iter().map(|block| Arc::clone(&block.role)).collect(),
            has_unknown_roles: false,
            unknown_tasks: Vec::new(),
            followed: HashSet::new(),
        };
        let mut walk = Walk { seen: &mut seen, sight, found, rescues: 0, depth: 0 };
        walk.items(&play.pre_tasks.body, false);
        for role in &play.roles {
            walk.block(&role.block, false);
        }
        walk.items(&play.tasks.body, false);
        walk.items(&play.post_tasks.body, false);
        walk.items(&play.handlers, true);
        seen
    }

    /// Tasks and handlers.
    pub fn all(&self) -> impl Iterator<Item = &SeenTask> {
        self.tasks.iter().chain(&self.handlers)
    }
}

struct Walk<'s, 'a> {
    seen: &'s mut Seen,
    sight: &'s Sight<'a>,
    found: &'s mut Diagnostics,
    /// Blocks around that have a rescue.
    rescues: usize,
    /// Includes around.
    depth: usize,
}

impl Walk<'_, '_> {
    fn items(&mut self, items: &[Item], are_handlers: bool) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task, are_handlers),
                Item::Block(block) => self.block(block, are_handlers),
            }
        }
    }

    fn block(&mut self, block: &plan::Block, are_handlers: bool) {
        let rescued = usize::from(!block.rescue.is_empty());
        self.rescues += rescued;
        self.items(&block.body, are_handlers);
        self.rescues -= rescued;
        self.items(&block.rescue, are_handlers);
        self.items(&block.always, are_handlers);
    }

    fn task(&mut self, task: &Arc<Task>, is_handler: bool) {
        for role in task.parent.roles() {
            if !self.seen.roles.iter().any(|known| Arc::ptr_eq(known, role)) {
                self.seen.roles.push(Arc::clone(role));
            }
        }
        let ignores = task.setting(Key::IgnoreErrors).is_some_and(|setting| {
            setting.tree.literal().is_none_or(|value| !matches!(value, Value::Bool(false)))
        });
        let is_forgiven = self.rescues > 0 || ignores || task.failed_when.is_some();
        let seen = SeenTask { task: Arc::clone(task), is_forgiven };
        let is_conditional = seen.is_conditional() || is_forgiven;
        let list = if is_handler { &mut self.seen.handlers } else { &mut self.seen.tasks };
        list.push(seen);
        if task.does(&["include_tasks"]) {
            self.include_tasks(task, is_handler, is_conditional);
        } else if task.does(&["include_role"]) {
            self.include_role(task, is_conditional);
        }
    }

    fn include_tasks(&mut self, task: &Arc<Task>, are_handlers: bool, is_conditional: bool) {
        let file = task.action.free_form.as_ref().or_else(|| task.action.args.get("file"));
        let frame = include_frame(task);
        let playbook_dir = folder_of(&self.seen.play).to_owned();
        let Some(name) = file.and_then(Tree::as_str).map(str::to_owned) else {
            let beside = task.span.file.path.parent().map(PathBuf::from);
            let of_roles = task.parent.roles().map(|role| role.path.join("tasks"));
            self.seen.unknown_tasks.extend(beside.into_iter().chain(of_roles));
            return;
        };
        let compiler = self.sight.compiler;
        let path = match compiler.find_tasks_file(&name, &frame, are_handlers, &playbook_dir) {
            Ok(path) => path,
            Err(_) => {
                self.missing("a file of tasks", &name, &task.action.span, is_conditional);
                return;
            }
        };
        if self.depth >= DEPTH_MAX || !self.seen.followed.insert(path.clone()) {
            return;
        }
        let mut wrong = Diagnostics::default();
        let compiled = compiler.tasks_file(&path, &frame, are_handlers, &playbook_dir, &mut wrong);
        self.demote(wrong, is_conditional);
        self.depth += 1;
        self.items(&compiled.items, are_handlers);
        self.items(&compiled.handlers, true);
        self.depth -= 1;
    }

    fn include_role(&mut self, task: &Arc<Task>, is_conditional: bool) {
        let args = &task.action.args;
        let text = |name: &str| args.get(name).map(|tree| tree.as_str().map(str::to_owned));
        let Some(Some(name)) = text("name").or_else(|| text("role")) else {
            self.seen.has_unknown_roles = true;
            return;
        };
        let froms = ["tasks_from", "vars_from", "defaults_from", "handlers_from"].map(text);
        if froms.iter().any(|from| matches!(from, Some(None))) {
            self.seen.has_unknown_roles = true;
            return;
        }
        let frame = include_frame(task);
        let near: Vec<PathBuf> = frame.roles().map(|role| role.path.clone()).collect();
        let playbook_dir = folder_of(&self.seen.play).to_owned();
        let compiler = self.sight.compiler;
        let Some(path) = compiler.finds_role(&name, &near, &playbook_dir) else {
            let span = args.get("name").and(task.action.arg_spans.get("name"));
            self.missing("a role", &name, span.unwrap_or(&task.action.span), is_conditional);
            return;
        };
        let [tasks_from, vars_from, defaults_from, handlers_from] = froms.map(Option::flatten);
        let marker = path.join(tasks_from.as_deref().unwrap_or("main"));
        if self.depth >= DEPTH_MAX || !self.seen.followed.insert(marker) {
            return;
        }
        let request = RoleRequest {
            name,
            tasks_from,
            vars_from,
            defaults_from,
            handlers_from,
            allow_duplicates: Some(true),
            public: true,
            skips_validation: true,
        };
        let mut wrong = Diagnostics::default();
        let params = Arc::default();
        let compiled = compiler.role(&request, &frame, params, &playbook_dir, &mut wrong);
        self.demote(wrong, is_conditional);
        let Some(compiled) = compiled else { return };
        self.depth += 1;
        self.items(&compiled.items, false);
        self.items(&compiled.handlers, true);
        self.depth -= 1;
    }

    /// What is not there where an include looks for it. It may be there by then, and it may never
    /// be looked for.
    fn missing(&mut self, what: &str, name: &str, span: &Span, is_conditional: bool) {
        if !is_conditional {
            let message = format!("{what} is included that is not there: {name}");
            self.found.push(Diagnostic::warning(super::MISSING_FILE, span, message));
        }
    }

    /// Mistakes in what is included stop the run only when it gets there. What a condition keeps
    /// away from some hosts may well be made for others.
    fn demote(&mut self, wrong: Diagnostics, is_conditional: bool) {
        for mut diagnostic in wrong.all {
            let is_of_its_place =
                matches!(diagnostic.code, codes::UNKNOWN_MODULE | codes::BAD_ARGUMENT);
            if !(is_conditional && is_of_its_place) {
                diagnostic.severity = Severity::Warning;
                self.found.push(diagnostic);
            }
        }
    }
}

/// The frame that a run puts around what a task includes, as far as it is known.
fn include_frame(task: &Arc<Task>) -> Arc<Frame> {
    let mut keywords = Keywords::default();
    keywords.vars = Arc::clone(&task.keywords.vars);
    keywords.when = task.keywords.when.clone();
    keywords.tags = task.keywords.tags.clone();
    Arc::new(Frame {
        kind: FrameKind::Include { params: Arc::clone(&task.keywords.vars) },
        keywords,
        parent: Some(Arc::clone(&task.parent)),
        span: task.action.span.clone(),
    })
}
