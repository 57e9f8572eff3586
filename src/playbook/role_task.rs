//! Tasks that roles have without anyone having written them.

use std::{path::Path, sync::Arc};

use indexmap::IndexMap;
use plan::{Action, Frame, Keywords, Layer, Setting, Task, TaskId};
use source::{Kind, Node};
use template::{Tree, Value};

use crate::{
    compiler::Cursor,
    role::{Meta, existing},
};

/// The spec that a use of a role is held to.
pub(crate) struct Validation {
    entry_point: String,
    short_description: Option<String>,
    options: Option<Node>,
}

impl Validation {
    /// The spec of an entry point; `None` where there is none, or it says nothing.
    pub fn of(specs: &Node, tasks_from: Option<&str>) -> Option<Self> {
        let entry_point = tasks_from.unwrap_or("main");
        let spec = specs.as_mapping()?.get(entry_point)?;
        if spec.as_mapping()?.entries.is_empty() {
            return None;
        }
        Some(Self::of_spec(entry_point, spec))
    }

    /// A spec by itself.
    pub fn of_spec(name: &str, spec: &Node) -> Self {
        let get = |key: &str| spec.as_mapping().and_then(|spec| spec.get(key));
        let description = get("short_description").and_then(Node::as_str);
        Self {
            entry_point: name.to_owned(),
            short_description: description.map(str::to_owned),
            options: get("options").filter(|options| !options.is_null()).cloned(),
        }
    }
}

/// What a validation is about, as its result says.
pub(crate) struct About {
    /// `role` or `play`.
    pub kind: &'static str,
    pub name: String,
    /// The name of the spec.
    pub spec: String,
    /// The role's folder, or the file of the spec.
    pub path: String,
}

impl Cursor<'_> {
    /// The specs of a role by entry point: of `meta/argument_specs.yml`, else of `meta/main.yml`.
    pub(crate) fn argument_specs(&mut self, role: &Path, meta: &Meta) -> Option<Node> {
        let Some(file) = existing(&role.join("meta"), "argument_specs") else {
            return meta.argument_specs.clone();
        };
        let node = self.compiler.files.read_yaml(&file, None, self.diagnostics)?;
        node.as_mapping()?.get("argument_specs").cloned()
    }

    /// The task that holds the variables of a role to its spec. `params` are given where the role
    /// is used.
    pub(crate) fn validation_task(
        &mut self,
        validation: &Validation,
        frame: &Arc<Frame>,
        params: &Layer,
    ) -> Task {
        let role = frame.role();
        let about = About {
            kind: "role",
            name: role.map(|role| role.name.clone()).unwrap_or_default(),
            spec: validation.entry_point.clone(),
            path: role.map(|role| role.path.display().to_string()).unwrap_or_default(),
        };
        let name = |name: &Arc<str>| Value::from(Arc::clone(name));
        let provided = params.iter().map(|(key, tree)| (name(key), tree.clone())).collect();
        self.argument_task(validation, frame, &about, provided)
    }

    /// The task that holds variables to a spec. `provided` are arguments besides.
    pub(crate) fn argument_task(
        &mut self,
        validation: &Validation,
        frame: &Arc<Frame>,
        about: &About,
        provided: Vec<(Value, Tree)>,
    ) -> Task {
        let text = |text: &str| Tree::Value(Value::from(text));
        let options = match &validation.options {
            Some(options) if matches!(options.kind, Kind::Mapping(_)) => self.tree(options),
            _ => Tree::dict(Vec::new()),
        };
        let about = [
            ("type", about.kind),
            ("name", &about.name),
            ("argument_spec_name", &about.spec),
            ("path", &about.path),
        ];
        let about = about.map(|(name, value)| (Value::from(name), text(value))).to_vec();
        let mut args: IndexMap<Arc<str>, Tree> = IndexMap::new();
        args.insert("argument_spec".into(), options);
        args.insert("provided_arguments".into(), Tree::dict(provided));
        args.insert("validate_args_context".into(), Tree::dict(about));
        let mut name =
            format!("Validating arguments against arg spec '{}'", validation.entry_point);
        if let Some(description) = &validation.short_description {
            name.push_str(" - ");
            name.push_str(description);
        }
        let mut task = unwritten(frame, "validate_argument_spec");
        task.action.written = task.action.name.to_string();
        task.action.args = args;
        task.is_implicit = false;
        task.keywords.name = Some(self.text(&name, &frame.span));
        task.keywords.tags = vec![Setting { tree: text("always"), span: frame.span.clone() }];
        task
    }
}

/// The mark at a role's end by which a run knows that the role is done on a host.
pub(crate) fn role_complete(frame: &Arc<Frame>) -> Task {
    let mut task = unwritten(frame, "meta");
    task.action.free_form = Some(Tree::Value("role_complete".into()));
    task
}

fn unwritten(frame: &Arc<Frame>, action: &str) -> Task {
    Task {
        id: TaskId::next(),
        span: frame.span.clone(),
        keywords: Keywords::default(),
        parent: Arc::clone(frame),
        action: Action {
            written: action.to_owned(),
            name: format!("ansible.builtin.{action}").into(),
            span: frame.span.clone(),
            free_form: None,
            args: IndexMap::new(),
            arg_spans: IndexMap::new(),
            whole: None,
            deferred: None,
        },
        loop_: None,
        loop_control: Default::default(),
        register: None,
        changed_when: None,
        failed_when: None,
        until: None,
        retries: None,
        delay: None,
        async_: None,
        poll: None,
        listen: Vec::new(),
        is_handler: false,
        is_implicit: true,
    }
}
