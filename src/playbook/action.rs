//! Module names and arguments.

use std::sync::Arc;

use indexmap::IndexMap;
use plan::{Action, task::DeferredAction};
use protocol::{
    Json,
    spec::{FreeForm, ModuleSpec},
};
use source::{Diagnostic, Entry, Kind, Node, Scalar, Span};
use template::Tree;

use crate::{Known, codes, compiler::Cursor, key_value, keywords::Carrier};

/// Modules that take command lines, beside those that there are here.
const OTHERS_RAW: &[&str] = &["win_command", "win_shell"];

/// Modules that take a text outside of named arguments although they are no commands.
const TAKES_TEXT: &[&str] = &[
    "add_host",
    "group_by",
    "import_playbook",
    "import_role",
    "import_tasks",
    "include_role",
    "include_tasks",
    "include_vars",
    "meta",
    "set_fact",
];

impl Cursor<'_> {
    /// Finds the one action among the entries of a task that are no keywords, and its arguments.
    /// The second value says whether it was written as `local_action`.
    pub(crate) fn action(
        &mut self,
        task: &Node,
        candidates: &[&Entry],
        args: Option<&Node>,
        collections: &[String],
        carrier: Carrier,
        name: Option<&Tree>,
    ) -> Option<(Action, bool)> {
        let entry = match candidates {
            [] => {
                let mut message = String::from("no module/action detected in task.");
                if let Some(name) = name {
                    message =
                        format!("no module/action detected in task '{}'.", plan::written(name));
                }
                self.report(Diagnostic::error(codes::ACTION, &task.span, message));
                return None;
            }
            [entry] => entry,
            several => return self.several_actions(several, collections, carrier),
        };
        let written = entry.key.as_str().unwrap_or("");
        let is_local = written == "local_action";
        let (written, span, value) = if matches!(written, "action" | "local_action") {
            let (name, value) = self.explicit_action(&entry.value)?;
            (name, entry.value.span.clone(), value)
        } else {
            (written.to_owned(), entry.key.span.clone(), Given::Node(entry.value.clone()))
        };
        let action = if written.contains("{{") {
            self.deferred_action(written, span, value, args, collections)
        } else {
            self.named_action(written, span, value, args, collections, carrier)?
        };
        Some((action, is_local))
    }

    /// An action of a known name.
    fn named_action(
        &mut self,
        written: String,
        span: Span,
        value: Given,
        args: Option<&Node>,
        collections: &[String],
        carrier: Carrier,
    ) -> Option<Action> {
        let Some(resolved) = self.compiler.catalogue.resolve(&written, collections) else {
            let is_left = self.unknown_action(&written, &span, collections, carrier);
            // The run asks for it again, by the name as it stands, should the task be reached.
            return is_left.then(|| self.deferred_action(written, span, value, args, collections));
        };
        let mut action = Action {
            written,
            name: resolved.name,
            span,
            free_form: None,
            args: IndexMap::new(),
            arg_spans: IndexMap::new(),
            whole: None,
            deferred: None,
        };
        if let Some(args) = args {
            self.args_keyword(args, &mut action);
        }
        self.arguments(value, &resolved.spec, &mut action);
        self.refuse_internal_arguments(&action, &resolved.spec);
        Some(action)
    }

    /// An action whose name will be known when its task runs.
    fn deferred_action(
        &mut self,
        written: String,
        span: Span,
        value: Given,
        args: Option<&Node>,
        collections: &[String],
    ) -> Action {
        let (text, named) = match value {
            Given::Node(node) => (String::new(), Some(node)),
            Given::Text(text, _) => (text, None),
            Given::Both(text, node) => (text, Some(node)),
        };
        let deferred = DeferredAction {
            name: self.text(&written, &span),
            text,
            named,
            args: args.cloned(),
            collections: collections.to_vec(),
        };
        Action {
            written,
            name: "".into(),
            span,
            free_form: None,
            args: IndexMap::new(),
            arg_spans: IndexMap::new(),
            whole: None,
            deferred: Some(Arc::new(deferred)),
        }
    }

    /// The action of a name that is known by now.
    pub(crate) fn resolve_deferred(
        &mut self,
        deferred: &DeferredAction,
        name: &str,
        span: &Span,
    ) -> Option<Action> {
        let given = match (&deferred.named, deferred.text.as_str()) {
            (Some(node), "") => Given::Node(node.clone()),
            (Some(node), text) => Given::Both(text.to_owned(), node.clone()),
            (None, text) => Given::Text(text.to_owned(), span.clone()),
        };
        let (args, collections) = (deferred.args.as_ref(), &deferred.collections);
        self.named_action(name.to_owned(), span.clone(), given, args, collections, Carrier::Task)
    }

    fn several_actions(
        &mut self,
        entries: &[&Entry],
        collections: &[String],
        carrier: Carrier,
    ) -> Option<(Action, bool)> {
        let is_action = |entry: &&&Entry| {
            let name = entry.key.as_str().unwrap_or("");
            matches!(name, "action" | "local_action")
                || self.compiler.catalogue.resolve(name, collections).is_some()
        };
        let known: Vec<&&Entry> = entries.iter().filter(is_action).collect();
        if let [first, second, ..] = known.as_slice() {
            let name = |entry: &Entry| entry.key.as_str().unwrap_or("").to_owned();
            let message =
                format!("conflicting action statements: {}, {}", name(first), name(second));
            let span = second.key.span.clone();
            self.report(Diagnostic::error(codes::ACTION, &span, message));
            return None;
        }
        // With one real action the others are misspelt keywords; with none, misspelt modules.
        for entry in entries {
            if known.iter().any(|action| std::ptr::eq(**action, *entry)) {
                continue;
            }
            if known.is_empty() {
                let name = entry.key.as_str().unwrap_or("").to_owned();
                self.unknown_action(&name, &entry.key.span.clone(), collections, carrier);
            } else if let [action] = known.as_slice()
                && self.is_stray_argument(action, entry, collections)
            {
                self.stray_argument(action, entry, carrier);
            } else {
                self.unknown_keyword(entry, carrier);
            }
        }
        None
    }

    /// Whether a key beside an action without arguments is one of that action's.
    fn is_stray_argument(&self, action: &Entry, entry: &Entry, collections: &[String]) -> bool {
        let name = action.key.as_str().unwrap_or("");
        let Some(resolved) = self.compiler.catalogue.resolve(name, collections) else {
            return false;
        };
        let key = entry.key.as_str().unwrap_or("");
        let mut arguments = resolved.spec.arguments.arguments.iter();
        arguments.any(|known| known.name == key || known.aliases.iter().any(|alias| alias == key))
    }

    fn stray_argument(&mut self, action: &Entry, entry: &Entry, carrier: Carrier) {
        let (name, action) = (entry.key.as_str().unwrap_or(""), action.key.as_str().unwrap_or(""));
        let message = format!("'{name}' is not a valid attribute for a {}", carrier.name());
        let hint = format!("{name} is an argument of {action}: indent it further than `{action}:`");
        let diagnostic = Diagnostic::error(codes::UNKNOWN_KEYWORD, &entry.key.span, message);
        self.report(diagnostic.hint(hint));
    }

    /// Notes that a name stands for no module that can be run. True where one of that name is there
    /// for Ansible, and the task may never be reached.
    fn unknown_action(
        &mut self,
        name: &str,
        span: &Span,
        collections: &[String],
        carrier: Carrier,
    ) -> bool {
        let message = format!(
            "couldn't resolve module/action '{name}'. This often indicates a misspelling, missing collection, or incorrect module path."
        );
        let diagnostic = Diagnostic::error(codes::UNKNOWN_MODULE, span, message);
        let catalogue = Arc::clone(&self.compiler.catalogue);
        let is_short = !name.contains('.');
        let known = collections
            .iter()
            .filter(|_| is_short)
            .map(|collection| catalogue.known(&format!("{collection}.{name}")))
            .find(|known| matches!(known, Known::Refused { .. }))
            .unwrap_or_else(|| catalogue.known(name));
        let is_left = self.is_tentative && known.is_for_ansible();
        let diagnostic = match known {
            Known::NotNative { name } => diagnostic
                .hint(format!("{name} exists, but Trueup has no native module for it yet")),
            Known::Refused { why } | Known::Gone { why } => diagnostic.hint(why),
            Known::No => {
                let names = self.compiler.catalogue.names();
                let keywords = match carrier {
                    Carrier::Task | Carrier::Handler => crate::keywords::TASK_KEYWORDS,
                    _ => &[],
                };
                // `include` of old is spelt like nothing that there is.
                if matches!(name, "include" | "ansible.builtin.include") {
                    let hint = "use include_tasks, import_tasks or, for playbooks, import_playbook";
                    self.report(diagnostic.hint(hint));
                    return false;
                }
                // Of a full name the last part is misspelt, more often than not.
                let builtin = names.iter().filter(|known| !known.contains('.'));
                let full: Vec<String> = match name.strip_prefix("ansible.builtin.") {
                    Some(_) => builtin.map(|known| format!("ansible.builtin.{known}")).collect(),
                    None => Vec::new(),
                };
                let known = names.iter().chain(&full).map(String::as_str);
                diagnostic.nearest(name, known.chain(keywords.iter().copied()))
            }
        };
        if is_left {
            self.report_use(diagnostic)
        } else {
            self.report(diagnostic)
        }
        is_left
    }

    /// `action: module k=v`, `action: {module: name, k: v}`.
    fn explicit_action(&mut self, value: &Node) -> Option<(String, Given)> {
        match &value.kind {
            Kind::Mapping(mapping) => {
                let Some(name) = mapping.get("module").and_then(Node::as_str) else {
                    let message = "an action that is a dictionary has the key 'module'";
                    self.report(Diagnostic::error(codes::ACTION, &value.span, message));
                    return None;
                };
                // The name may have arguments behind it.
                let (name, rest) = split_name(name);
                let entries = mapping
                    .entries
                    .iter()
                    .filter(|entry| entry.key.as_str() != Some("module"))
                    .cloned()
                    .collect();
                let kind = Kind::Mapping(Arc::new(source::Mapping { entries }));
                let node = Node { kind, span: value.span.clone() };
                let given = match rest.trim() {
                    "" => Given::Node(node),
                    text => Given::Both(text.to_owned(), node),
                };
                Some((name.to_owned(), given))
            }
            _ => {
                let Some(text) = value.as_str().map(str::trim).filter(|text| !text.is_empty())
                else {
                    let message = "an action is a module's name and its arguments";
                    self.report(Diagnostic::error(codes::ACTION, &value.span, message));
                    return None;
                };
                let (name, rest) = split_name(text);
                Some((
                    name.to_owned(),
                    Given::Text(rest.trim_start().to_owned(), value.span.clone()),
                ))
            }
        }
    }

    /// `args:`, a dictionary or a template of one.
    fn args_keyword(&mut self, args: &Node, action: &mut Action) {
        match &args.kind {
            Kind::Mapping(_) => self.named_arguments(args, action),
            _ if args.is_null() => {}
            _ if args.as_str().is_some_and(|text| text.contains("{{")) => {
                action.whole = Some(self.tree(args));
            }
            _ => self.wrong_kind("args", args, "a dictionary"),
        }
    }

    fn arguments(&mut self, given: Given, spec: &ModuleSpec, action: &mut Action) {
        match given {
            Given::Node(node) => match &node.kind {
                Kind::Mapping(_) => self.named_arguments(&node, action),
                Kind::Scalar(Scalar::Null) => {}
                Kind::Scalar(Scalar::Str { text, .. } | Scalar::Unsafe(text)) => {
                    let text = text.to_string();
                    self.text_arguments(&text, &node, spec, action);
                }
                Kind::Scalar(Scalar::Int(_) | Scalar::Float(_) | Scalar::Bool(_)) => {
                    let text = node.span.text().trim().to_owned();
                    self.text_arguments(&text, &node, spec, action);
                }
                _ => {
                    let message =
                        format!("unexpected parameter type in action: {}", node.describe());
                    self.report(Diagnostic::error(codes::ACTION, &node.span, message));
                }
            },
            Given::Text(text, span) => {
                let node = text_node(&text, &span);
                self.text_arguments(&text, &node, spec, action);
            }
            Given::Both(text, node) => {
                let at = text_node(&text, &node.span);
                self.text_arguments(&text, &at, spec, action);
                self.named_arguments(&node, action);
            }
        }
    }

    fn named_arguments(&mut self, node: &Node, action: &mut Action) {
        let Some(mapping) = node.as_mapping() else { return };
        for entry in &mapping.entries {
            let name = match &entry.key.kind {
                Kind::Scalar(Scalar::Str { text, .. } | Scalar::Unsafe(text)) => Arc::clone(text),
                _ => entry.key.span.text().trim().into(),
            };
            let tree = self.tree(&entry.value);
            if &*name == "_raw_params" {
                action.free_form = Some(tree);
                continue;
            }
            action.arg_spans.insert(Arc::clone(&name), entry.value.span.clone());
            action.args.insert(name, tree);
        }
    }

    fn text_arguments(&mut self, text: &str, node: &Node, spec: &ModuleSpec, action: &mut Action) {
        let short = action.name.rsplit('.').next().unwrap_or("").to_owned();
        let is_free_text = spec.free_form == FreeForm::Raw || OTHERS_RAW.contains(&&*short);
        let split = match key_value::split(text, is_free_text) {
            Ok(split) => split,
            Err(error) => {
                self.report(Diagnostic::error(codes::SPLIT, &node.span, error.to_string()));
                return;
            }
        };
        for (name, value) in &split.pairs {
            let tree = self.text(value, &node.span);
            action.arg_spans.insert(name.as_str().into(), node.span.clone());
            action.args.insert(name.as_str().into(), tree);
        }
        let Some(free_form) = split.free_form else { return };
        let short = &*short;
        let is_template = free_form.contains("{{");
        // A host to add is a dictionary, which can come from a variable.
        let takes_dictionary = short == "add_host" && is_template;
        if is_free_text || (TAKES_TEXT.contains(&short) && !takes_dictionary) {
            // Where nothing was taken out, the node itself keeps the exact places.
            let tree = if node.as_str() == Some(free_form.as_str()) {
                self.tree(node)
            } else {
                self.text(&free_form, &node.span)
            };
            action.free_form = Some(tree);
        } else if is_template {
            action.whole = Some(self.text(&free_form, &node.span));
        } else {
            let message = format!(
                "this task '{}' has extra params, which is only allowed in the following modules: command, raw, script, shell, {}",
                action.written,
                TAKES_TEXT.join(", ")
            );
            self.report(
                Diagnostic::error(codes::SPLIT, &node.span, message)
                    .hint(format!("`{free_form}` is not of the form name=value")),
            );
        }
    }

    /// Names that only Ansible itself puts among arguments.
    fn refuse_internal_arguments(&mut self, action: &Action, spec: &ModuleSpec) {
        if spec.free_form == FreeForm::Raw {
            return;
        }
        for name in action.args.keys().filter(|name| name.starts_with("_ansible_")) {
            let message = format!(
                "Invalid parameter specified beginning with keyword '_ansible_' for action '{}': '{name}'. The prefix '_ansible_' is reserved for internal use only.",
                action.written
            );
            let span = action.arg_spans.get(name).unwrap_or(&action.span);
            self.report(Diagnostic::error(codes::ACTION, span, message));
        }
    }

    /// Checks what is known of the arguments before any variable is.
    pub(crate) fn check_arguments(&mut self, action: &Action) {
        let Some(resolved) = self.compiler.catalogue.resolve(&action.name, &[]) else { return };
        let spec = &resolved.spec;
        if action.whole.is_some() {
            return;
        }
        let known: Vec<(String, Option<Json>)> = action
            .args
            .iter()
            .map(|(name, tree)| {
                let literal = tree.literal().and_then(|value| value.to_json().ok());
                (name.to_string(), literal)
            })
            .chain(
                action
                    .free_form
                    .iter()
                    .filter(|_| spec.free_form == FreeForm::Raw)
                    .map(|_| (String::from("_raw_params"), None)),
            )
            .collect();
        for error in protocol::arguments::check_known(&spec.arguments, &action.written, &known) {
            let span = error
                .argument
                .as_deref()
                .and_then(|name| action.arg_spans.get(name))
                .unwrap_or(&action.span);
            let mut diagnostic =
                Diagnostic::error(codes::BAD_ARGUMENT, span, error.message.clone());
            if !error.nearest.is_empty() {
                diagnostic =
                    diagnostic.hint(format!("did you mean {}?", error.nearest.join(" or ")));
            }
            self.report_use(diagnostic);
        }
    }
}

/// A name and what stands behind it; a template in the name stays whole.
fn split_name(text: &str) -> (&str, &str) {
    let mut depth = 0_usize;
    let mut last = ' ';
    for (at, letter) in text.char_indices() {
        match (last, letter) {
            ('{', '{') => depth += 1,
            ('}', '}') => depth = depth.saturating_sub(1),
            (_, letter) if letter.is_whitespace() && depth == 0 => return text.split_at(at),
            _ => {}
        }
        last = letter;
    }
    (text, "")
}

/// Arguments as they stand in the file.
enum Given {
    Node(Node),
    Text(String, Span),
    Both(String, Node),
}

fn text_node(text: &str, span: &Span) -> Node {
    Node {
        kind: Kind::Scalar(Scalar::Str { text: text.into(), style: source::Style::Plain }),
        span: span.clone(),
    }
}
