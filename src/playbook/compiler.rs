//! The compiler: what it is given, and what every part of it uses.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use indexmap::IndexMap;
use plan::{Condition, Frame, FrameKind, Item, Keywords, Layer, Play, Role, Setting};
use source::{Diagnostic, Diagnostics, Kind, Node, Scalar, Severity, Span};
use template::{Engine, Expression, Scope, Surroundings, Tree};

use crate::{Catalogue, Files, codes, collections::Collections, role::RoleRequestParts};

/// How often a playbook is compiled at most, when what its roles bring leads to more roles.
const ROUNDS_MAX: usize = 4;

/// What the user and the settings say of how playbooks are read.
#[derive(Clone, Default)]
pub struct CompilerSettings {
    /// `roles_path`.
    pub roles_path: Vec<PathBuf>,
    /// Where collections are installed.
    pub collections: Collections,
    /// `-e`: the variables that are known before the run and win over all others.
    pub extra_vars: Layer,
    /// What lookups and paths in static names may use.
    pub surroundings: Arc<Surroundings>,
    /// Whether a broken template is an error of the task that uses it, when it does, as in Ansible;
    /// else nothing is run.
    pub defers_template_errors: bool,
    /// Whether only roles themselves see their variables, where nothing is said at their use.
    pub has_private_roles: bool,
    /// The most files that may be inside one another by static imports.
    pub import_depth_max: usize,
    /// Whether the run leaves out a task that has these tags: what is wrong with it is a warning.
    pub leaves_out: Option<LeavesOut>,
}

/// Says of tags whether a run leaves out what has them.
pub type LeavesOut = Arc<dyn Fn(&[String]) -> bool + Send + Sync>;

/// Compiles playbooks, and during a run the files that tasks include.
pub struct Compiler {
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    pub(crate) files: Arc<Files>,
    pub(crate) settings: CompilerSettings,
}

/// Which role is wanted, and which of its files.
#[derive(Clone, Debug, Default)]
pub struct RoleRequest {
    pub name: String,
    pub tasks_from: Option<String>,
    pub vars_from: Option<String>,
    pub defaults_from: Option<String>,
    pub handlers_from: Option<String>,
    pub allow_duplicates: Option<bool>,
    pub public: bool,
    /// Whether `argument_specs` are left unchecked.
    pub skips_validation: bool,
}

/// A file of tasks and what it brings.
#[derive(Debug)]
pub struct CompiledTasks {
    pub items: Vec<Item>,
    /// Handlers of the roles that it imports.
    pub handlers: Vec<Item>,
}

/// A role and what it brings.
#[derive(Debug)]
pub struct CompiledRole {
    pub role: Arc<Role>,
    /// Its dependencies' tasks and its own.
    pub items: Vec<Item>,
    /// Its dependencies' handlers and its own; of a role that a task includes, those of the roles
    /// that it imports before them.
    pub handlers: Vec<Item>,
}

impl Compiler {
    /// Makes a compiler.
    pub fn new(
        engine: Arc<Engine>,
        catalogue: Arc<dyn Catalogue>,
        files: Arc<Files>,
        settings: CompilerSettings,
    ) -> Self {
        Self { engine, catalogue, files, settings }
    }

    /// Compiles a playbook and all that it imports. What its roles bring (modules, filters, tests,
    /// lookups) is known to all of it, also to what stands before them: where a role brought
    /// something, all is compiled anew.
    pub fn playbook(&self, path: &Path, diagnostics: &mut Diagnostics) -> Vec<Play> {
        let folder = path.parent().unwrap_or(Path::new(""));
        self.catalogue.add_library(&folder.join("library"));
        let mut round = 1;
        loop {
            let known = self.catalogue.libraries();
            let mut found = Diagnostics::default();
            let plays = Cursor::new(self, &mut found, folder).playbook_file(
                path,
                None,
                &Keywords::default(),
            );
            if self.catalogue.libraries() == known || round == ROUNDS_MAX {
                found.all.into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
                return plays;
            }
            round += 1;
        }
    }

    /// Compiles a playbook that stands in no file of its own, such as the one of a single module.
    pub fn playbook_text(
        &self,
        file: &Arc<source::SourceFile>,
        playbook_dir: &Path,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Play> {
        let Some(node) = source::yaml::parse(file, diagnostics) else { return Vec::new() };
        let mut cursor = Cursor::new(self, diagnostics, playbook_dir);
        cursor.plays(&node, &file.path, &Keywords::default())
    }

    /// Compiles a file of tasks that a task includes during a run.
    pub fn tasks_file(
        &self,
        path: &Path,
        parent: &Arc<Frame>,
        are_handlers: bool,
        playbook_dir: &Path,
        diagnostics: &mut Diagnostics,
    ) -> CompiledTasks {
        let mut cursor = Cursor::new(self, diagnostics, playbook_dir);
        cursor.are_handlers = are_handlers;
        let items = cursor.tasks_file(path, parent, None);
        CompiledTasks { items, handlers: cursor.handlers }
    }

    /// Compiles a role that a task includes during a run.
    pub fn role(
        &self,
        request: &RoleRequest,
        parent: &Arc<Frame>,
        params: Layer,
        playbook_dir: &Path,
        diagnostics: &mut Diagnostics,
    ) -> Option<CompiledRole> {
        let mut cursor = Cursor::new(self, diagnostics, playbook_dir);
        let parts = RoleRequestParts {
            request: request.clone(),
            keywords: Keywords::default(),
            params,
            span: parent.span.clone(),
        };
        let mut compiled = cursor.role(parts, parent)?;
        compiled.handlers.splice(0..0, cursor.handlers);
        Some(compiled)
    }

    /// Compiles an action whose name a run has found out.
    pub fn action(
        &self,
        task: &plan::Task,
        name: &str,
        playbook_dir: &Path,
        diagnostics: &mut Diagnostics,
    ) -> Option<plan::Action> {
        let deferred = task.action.deferred.as_deref()?;
        let mut cursor = Cursor::new(self, diagnostics, playbook_dir);
        cursor.resolve_deferred(deferred, name, &task.action.span)
    }

    /// Finds a file of tasks as an include names it. The error lists what was tried.
    pub fn find_tasks_file(
        &self,
        name: &str,
        frame: &Arc<Frame>,
        are_handlers: bool,
        playbook_dir: &Path,
    ) -> Result<PathBuf, Vec<PathBuf>> {
        let mut diagnostics = Diagnostics::default();
        let mut cursor = Cursor::new(self, &mut diagnostics, playbook_dir);
        cursor.are_handlers = are_handlers;
        cursor.find_tasks_file(name, frame)
    }

    /// Reads a file of YAML, decrypted where it is a vault file.
    pub fn read_yaml(&self, path: &Path, diagnostics: &mut Diagnostics) -> Option<Node> {
        self.files.read_yaml(path, None, diagnostics)
    }

    /// Looks a role up without compiling it.
    pub fn finds_role(&self, name: &str, near: &[PathBuf], playbook_dir: &Path) -> Option<PathBuf> {
        let mut diagnostics = Diagnostics::default();
        let mut cursor = Cursor::new(self, &mut diagnostics, playbook_dir);
        cursor.find_role(name, near, &[], None).map(|found| found.path)
    }
}

/// One compilation under way: where it is, and what it has found.
pub(crate) struct Cursor<'a> {
    pub compiler: &'a Compiler,
    pub diagnostics: &'a mut Diagnostics,
    /// Folder of the playbook.
    pub playbook_dir: PathBuf,
    /// Files and roles that are being read, the outermost first, to find circles.
    pub open: Vec<PathBuf>,
    /// Whether task lists are lists of handlers.
    pub are_handlers: bool,
    /// Whether they are those of a block among handlers.
    pub is_in_handler_block: bool,
    /// The section of a play, or what else holds tasks, for messages.
    pub section: &'static str,
    /// How many blocks around have a rescue, for which a failing task is part of the plan.
    pub rescues: usize,
    /// Whether what is being read may never be used: a variable, or a task that conditions may
    /// leave out. What Ansible meets only when it is used is then told, and refuses nothing.
    pub is_tentative: bool,
    /// The same of a task's own condition, where there is one.
    pub is_condition_tentative: Option<bool>,
    /// Handlers of roles that were met since the play began.
    pub handlers: Vec<Item>,
}

impl<'a> Cursor<'a> {
    pub fn new(
        compiler: &'a Compiler,
        diagnostics: &'a mut Diagnostics,
        playbook_dir: &Path,
    ) -> Self {
        Self {
            compiler,
            diagnostics,
            playbook_dir: playbook_dir.to_owned(),
            open: Vec::new(),
            are_handlers: false,
            is_in_handler_block: false,
            section: "tasks",
            rescues: 0,
            is_tentative: false,
            is_condition_tentative: None,
            handlers: Vec::new(),
        }
    }

    /// Notes what is wrong.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Notes what is wrong with something that may never be used: a warning then.
    pub fn report_use(&mut self, mut diagnostic: Diagnostic) {
        if self.is_tentative {
            diagnostic.severity = Severity::Warning;
            diagnostic.label.get_or_insert_with(|| "fails if it is used".into());
        }
        self.report(diagnostic);
    }

    /// A tree of templates. One that is broken is noted; what stands in its place fails where it
    /// is used.
    pub fn tree(&mut self, node: &Node) -> Tree {
        if self.compiler.settings.defers_template_errors || self.is_tentative {
            let (tree, broken) = Tree::deferring(node, &self.compiler.engine);
            if !self.compiler.settings.defers_template_errors {
                broken.into_iter().for_each(|diagnostic| self.report(diagnostic));
            }
            return tree;
        }
        Tree::from_node(node, &self.compiler.engine).unwrap_or_else(|broken| {
            broken.into_iter().for_each(|diagnostic| self.report(diagnostic));
            Tree::Value(template::Value::None)
        })
    }

    /// A setting.
    pub fn setting(&mut self, node: &Node) -> Setting {
        Setting { tree: self.tree(node), span: node.span.clone() }
    }

    /// A text that may be a template.
    pub fn text(&mut self, text: &str, span: &Span) -> Tree {
        let kind = Kind::Scalar(Scalar::Str { text: text.into(), style: source::Style::Plain });
        self.tree(&Node { kind, span: span.clone() })
    }

    /// What `when` holds. The first condition is looked at wherever the task, block or include is;
    /// those behind it where it holds.
    pub fn own_conditions(&mut self, node: &Node) -> Vec<Condition> {
        let first = match node.as_sequence() {
            Some(items) => items.first(),
            None => Some(node),
        };
        let Some(first) = first else { return Vec::new() };
        let inside = self.is_tentative;
        self.is_tentative = self.is_condition_tentative.unwrap_or(inside);
        let mut all = self.conditions(first);
        self.is_tentative = inside;
        for later in node.as_sequence().unwrap_or_default().iter().skip(1) {
            all.extend(self.conditions(later));
        }
        all
    }

    /// Conditions of which nothing at all is one, and holds.
    pub fn conditions_or_true(&mut self, node: &Node) -> Vec<Condition> {
        if node.is_null() {
            let kind = Kind::Scalar(Scalar::Bool(true));
            return self.conditions(&Node { kind, span: node.span.clone() });
        }
        self.conditions(node)
    }

    /// A condition or a list of them.
    pub fn conditions(&mut self, node: &Node) -> Vec<Condition> {
        match &node.kind {
            Kind::Sequence(items) => items.iter().flat_map(|item| self.conditions(item)).collect(),
            Kind::Mapping(_) => {
                self.report(
                    Diagnostic::error(
                        codes::KEYWORD_VALUE,
                        &node.span,
                        "a condition is an expression, not a dictionary",
                    )
                    .hint("quote an expression that contains `: ` or starts with a brace"),
                );
                Vec::new()
            }
            Kind::Scalar(scalar) => {
                let text = match scalar {
                    Scalar::Str { text, .. } | Scalar::Unsafe(text) => text.to_string(),
                    Scalar::Bool(true) => "True".into(),
                    Scalar::Bool(false) => "False".into(),
                    // Nothing said, nothing asked.
                    Scalar::Null => return Vec::new(),
                    Scalar::Int(value) => value.to_string(),
                    Scalar::Float(value) => value.to_string(),
                    Scalar::BigInt(digits) => digits.to_string(),
                    Scalar::Timestamp(text) => format!("{:?}", &**text),
                    Scalar::Vault(_) | Scalar::Binary(_) => {
                        let message = format!("{} is no condition", node.describe());
                        self.report(Diagnostic::error(codes::KEYWORD_VALUE, &node.span, message));
                        return Vec::new();
                    }
                };
                let compiled = Expression::compile(&self.compiler.engine, &text, Some(&node.span));
                let expression = compiled.unwrap_or_else(|error| {
                    if !self.compiler.settings.defers_template_errors {
                        let mut diagnostic = crate::codes::template_error(&error, &node.span);
                        if diagnostic.hint.is_none() {
                            diagnostic.hint = operator_hint(&text).map(str::to_owned);
                        }
                        self.report_use(diagnostic);
                    }
                    Expression::broken(&text, Some(&node.span), error)
                });
                vec![Condition { expression: Arc::new(expression), span: node.span.clone() }]
            }
        }
    }

    /// Variables of a mapping, or of a list of mappings.
    pub fn vars(&mut self, node: &Node, of: &str) -> Layer {
        let outside = std::mem::replace(&mut self.is_tentative, true);
        let layer = self.read_vars(node, of);
        self.is_tentative = outside;
        layer
    }

    fn read_vars(&mut self, node: &Node, of: &str) -> Layer {
        let mut layer = IndexMap::new();
        match &node.kind {
            Kind::Mapping(_) => self.add_vars(node, of, &mut layer),
            Kind::Sequence(items) => {
                for item in items.iter() {
                    if item.as_mapping().is_some() {
                        self.add_vars(item, of, &mut layer);
                    } else {
                        self.bad_vars(item, of);
                    }
                }
            }
            Kind::Scalar(Scalar::Null) => {}
            Kind::Scalar(_) => self.bad_vars(node, of),
        }
        Arc::new(layer)
    }

    fn bad_vars(&mut self, node: &Node, of: &str) {
        let message = format!(
            "Vars in a {of} must be specified as a dictionary, or a list of dictionaries, not as {}",
            node.describe()
        );
        self.report(Diagnostic::error(codes::KEYWORD_VALUE, &node.span, message));
    }

    fn add_vars(&mut self, node: &Node, of: &str, layer: &mut IndexMap<Arc<str>, Tree>) {
        let Some(mapping) = node.as_mapping() else { return };
        for entry in &mapping.entries {
            match entry.key.as_str().filter(|name| is_variable_name(name)) {
                Some(name) => {
                    let tree = self.tree(&entry.value);
                    layer.insert(name.into(), tree);
                }
                None => {
                    let name = entry.key.as_str().unwrap_or("this");
                    let message = format!(
                        "Invalid variable name in vars specified for {of}: '{name}' is not a valid variable name"
                    );
                    let hint = "names start with a letter or underscore and go on with letters, digits and underscores";
                    self.report(
                        Diagnostic::error(codes::VARIABLE_NAME, &entry.key.span, message)
                            .hint(hint),
                    );
                }
            }
        }
    }

    /// The variables that are known before the run at some place of the plan, for names of
    /// imported files and roles.
    pub fn static_scope(&self, frame: &Arc<Frame>) -> Scope {
        let mut scope = Scope::new(
            Arc::clone(&self.compiler.engine),
            Arc::clone(&self.compiler.settings.surroundings),
        );
        let frames: Vec<_> = frame.outermost_first().collect();
        for frame in &frames {
            if let FrameKind::Role(role) = &frame.kind {
                scope = scope.push(role.defaults.clone());
            }
        }
        for frame in &frames {
            if let FrameKind::Role(role) = &frame.kind {
                scope = scope.push(role.vars.clone());
            }
            scope = scope.push(frame.keywords.vars.clone());
        }
        for frame in &frames {
            match &frame.kind {
                FrameKind::Role(role) => scope = scope.push(role.params.clone()),
                FrameKind::Include { params } => scope = scope.push(params.clone()),
                FrameKind::Play | FrameKind::Block | FrameKind::Import => {}
            }
        }
        let magic: IndexMap<Arc<str>, Tree> = [(
            Arc::from("playbook_dir"),
            Tree::Value(self.playbook_dir.display().to_string().as_str().into()),
        )]
        .into_iter()
        .chain(frame.role().map(|role| {
            (Arc::from("role_path"), Tree::Value(role.path.display().to_string().as_str().into()))
        }))
        .collect();
        scope.push(Arc::new(magic)).push(self.compiler.settings.extra_vars.clone())
    }

    /// Renders a name that must be known before the run.
    pub fn static_name(&mut self, tree: &Tree, span: &Span, frame: &Arc<Frame>) -> Option<String> {
        let scope = self.static_scope(frame);
        match tree.evaluate(&scope) {
            Ok(value) => Some(value.to_string()),
            Err(error) => {
                let message =
                    format!("this name must be known before the run, and it is not: {error}");
                self.report(Diagnostic::error(codes::STATIC_NAME, span, message).hint(
                    "use include_tasks or include_role for names that depend on a host, or pass the variable with -e",
                ));
                None
            }
        }
    }
}

/// What to write in place of operators of other languages.
fn operator_hint(condition: &str) -> Option<&'static str> {
    let is_single = |at: usize| {
        let before = condition.get(..at).and_then(|text| text.chars().next_back());
        let after = condition.get(at + 1..).and_then(|text| text.chars().next());
        !matches!(before, Some('=' | '!' | '<' | '>')) && after != Some('=')
    };
    if condition.matches(['\'']).count() % 2 == 1 || condition.matches(['"']).count() % 2 == 1 {
        Some("a quote is not closed")
    } else if condition.contains("&&") {
        Some("write `and`, or a list of conditions that must all hold")
    } else if condition.contains("||") {
        Some("write `or`")
    } else if condition.contains("===") || condition.match_indices('=').any(|(at, _)| is_single(at))
    {
        Some("write `==` to compare")
    } else if condition.trim_start().starts_with('!') {
        Some("write `not`")
    } else {
        None
    }
}

/// Whether a text may be the name of a variable.
pub fn is_variable_name(name: &str) -> bool {
    const PYTHON_KEYWORDS: &[&str] = &[
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
        "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
        "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
        "try", "while", "with", "yield",
    ];
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    starts
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !PYTHON_KEYWORDS.contains(&name)
}
