//! Tasks and handlers.

use std::sync::Arc;

use plan::{Frame, Key, Keywords, Loop, LoopControl, Setting, Task, TaskId};
use source::{Diagnostic, Entry, Kind, Mapping, Node};
use template::Value;

use crate::{
    codes,
    collections::Collections,
    compiler::{Cursor, is_variable_name},
    keywords::{Carrier, TASK_KEYWORDS},
};

/// What may be said of a dynamic inclusion.
const INCLUSION_KEYWORDS: &[&str] = &[
    "action",
    "args",
    "collections",
    "debugger",
    "ignore_errors",
    "local_action",
    "loop",
    "loop_control",
    "name",
    "no_log",
    "register",
    "run_once",
    "tags",
    "timeout",
    "vars",
    "when",
];

impl Cursor<'_> {
    /// Compiles a task.
    pub(crate) fn task(&mut self, node: &Node, parent: &Arc<Frame>) -> Option<Task> {
        let mapping = node.as_mapping()?;
        let outside = self.is_tentative;
        self.is_tentative |= may_be_left_out(mapping, parent);
        // The task's own condition is looked at wherever the task is.
        let before = self.is_condition_tentative.replace(outside);
        let task = self.reached_task(node, mapping, parent);
        self.is_condition_tentative = before;
        self.is_tentative = outside;
        task
    }

    /// Compiles a task, once it is known whether it may be left out.
    fn reached_task(
        &mut self,
        node: &Node,
        mapping: &Mapping,
        parent: &Arc<Frame>,
    ) -> Option<Task> {
        let carrier = if self.are_handlers { Carrier::Handler } else { Carrier::Task };
        let (keywords, rest) = self.keywords(mapping, carrier);
        let is_left_out = self.is_left_out(&keywords, parent);
        self.is_tentative |= is_left_out;
        let mut own = Own::default();
        let mut actions: Vec<&Entry> = Vec::new();
        for entry in rest {
            let name = entry.key.as_str().unwrap_or("");
            if name == "listen" && self.are_handlers {
                own.listen = self.listed(&entry.value);
            } else if let Some(lookup) = name.strip_prefix("with_") {
                self.with_loop(entry, lookup, &mut own);
            } else if TASK_KEYWORDS.contains(&name) && !matches!(name, "action" | "local_action") {
                self.own_keyword(name, &entry.value, &mut own);
            } else {
                actions.push(entry);
            }
        }
        let collections = keywords
            .collections
            .clone()
            .or_else(|| parent.chain().find_map(|frame| frame.keywords.collections.clone()));
        let lookup = self.lookup_collections(parent, collections.as_deref());
        let args = mapping.get("args");
        let (action, is_local) =
            self.action(node, &actions, args, &lookup, carrier, keywords.name.as_ref())?;
        // Ansible does not look at them at all.
        let is_unseen = is_left_out && self.compiler.settings.defers_template_errors;
        if !is_unseen && !own.is_forgiven(self.rescues, &keywords, parent) {
            self.check_arguments(&action);
            self.check_loop(own.loop_.as_ref());
            self.check_fact_names(&action);
        }
        self.check_inclusion(mapping, &actions, &action.name);
        let mut keywords = keywords;
        if is_local && keywords.get(Key::DelegateTo).is_none() {
            let tree = self.text("localhost", &action.span);
            keywords.set(Key::DelegateTo, Setting { tree, span: action.span.clone() });
        }
        Some(Task {
            id: TaskId::next(),
            span: node.span.clone(),
            keywords,
            parent: Arc::clone(parent),
            action,
            loop_: own.loop_,
            loop_control: own.loop_control,
            register: own.register,
            changed_when: own.changed_when,
            failed_when: own.failed_when,
            until: own.until,
            retries: own.retries,
            delay: own.delay,
            async_: own.async_,
            poll: own.poll,
            listen: own.listen,
            is_handler: self.are_handlers,
            is_implicit: false,
        })
    }

    /// Whether the run leaves a task out by its tags. Of tags that are templates nothing is known.
    fn is_left_out(&self, keywords: &Keywords, parent: &Arc<Frame>) -> bool {
        let Some(leaves_out) = &self.compiler.settings.leaves_out else { return false };
        let mut tags = Vec::new();
        for setting in parent.tags().into_iter().chain(&keywords.tags) {
            let Some(value) = setting.tree.literal() else { return false };
            let texts = value.as_list().map_or_else(|| vec![value.clone()], |list| list.to_vec());
            for text in texts {
                tags.extend(text.to_string().split(',').map(|tag| tag.trim().to_owned()));
            }
        }
        leaves_out(&tags)
    }

    /// Says of keywords beside an inclusion that they have no meaning there: what is included would
    /// not get them.
    fn check_inclusion(&mut self, mapping: &Mapping, actions: &[&Entry], action: &str) {
        let carrier = match action {
            "ansible.builtin.include_tasks" if self.are_handlers => "HandlerTaskInclude",
            "ansible.builtin.include_tasks" => "TaskInclude",
            "ansible.builtin.include_role" => "IncludeRole",
            _ => return,
        };
        for entry in &mapping.entries {
            let name = entry.key.as_str().unwrap_or("");
            let is_known = INCLUSION_KEYWORDS.contains(&name)
                || name.starts_with("with_")
                || (name == "listen" && self.are_handlers)
                || actions.iter().any(|action| std::ptr::eq(*action, entry));
            if !is_known {
                let message = format!("'{name}' is not a valid attribute for a {carrier}");
                let hint = format!(
                    "say it of what is included: `apply: {{{name}: …}}` among the arguments, or a \
                     block around it"
                );
                let found = Diagnostic::error(codes::UNKNOWN_KEYWORD, &entry.key.span, message);
                self.report(found.hint(hint));
            }
        }
    }

    /// Where short names of modules and roles are looked up: a role's own collection first.
    pub(crate) fn lookup_collections(
        &self,
        parent: &Arc<Frame>,
        said: Option<&Vec<String>>,
    ) -> Vec<String> {
        let mut lookup: Vec<String> =
            parent.role().and_then(|role| role.collection.clone()).into_iter().collect();
        // A playbook of a collection need not say whose modules and roles it means.
        lookup.extend(Collections::around(&self.playbook_dir));
        lookup.extend(said.into_iter().flatten().cloned());
        lookup.dedup();
        lookup
    }

    fn own_keyword(&mut self, name: &str, value: &Node, own: &mut Own) {
        if value.is_null() && !matches!(name, "loop" | "changed_when" | "failed_when") {
            return;
        }
        self.check_literal(name, value);
        match name {
            "async" => own.async_ = Some(self.setting(value)),
            "poll" => own.poll = Some(self.setting(value)),
            "retries" => own.retries = Some(self.setting(value)),
            "delay" => own.delay = Some(self.setting(value)),
            "changed_when" => own.changed_when = Some(self.conditions_or_true(value)),
            "failed_when" => own.failed_when = Some(self.conditions_or_true(value)),
            "until" => own.until = Some(self.conditions(value)),
            "register" => {
                match value.as_str() {
                    Some(text) if text.contains("{{") || is_variable_name(text) => {}
                    _ => {
                        let message = format!(
                            "Invalid variable name in 'register' specified: '{}' is not a valid variable name",
                            value.span.text().trim()
                        );
                        self.report(Diagnostic::error(codes::VARIABLE_NAME, &value.span, message));
                    }
                }
                own.register = Some(self.setting(value));
            }
            "loop" => {
                if own.loop_.is_some() {
                    self.second_loop(value);
                }
                if matches!(value.kind, Kind::Mapping(_)) {
                    self.wrong_kind("loop", value, "a list");
                }
                own.loop_ = Some(Loop::List(self.setting(value)));
            }
            "loop_control" => match value.as_mapping() {
                Some(mapping) => own.loop_control = self.loop_control(mapping),
                None => self.wrong_kind("loop_control", value, "a dictionary"),
            },
            // `args` belongs to the action.
            _ => {}
        }
    }

    /// A loop goes over a list. A word is most often a variable's name without its braces.
    fn check_loop(&mut self, loop_: Option<&Loop>) {
        let Some(Loop::List(setting)) = loop_ else { return };
        let Some(value) = setting.tree.literal() else { return };
        if self.compiler.settings.defers_template_errors
            || matches!(value, Value::None | Value::List(_) | Value::Dict(_) | Value::Undefined(_))
        {
            return;
        }
        let text = value.to_string();
        let message = format!("the field 'loop' takes a list, and this is {text:?}");
        let diagnostic = Diagnostic::error(codes::KEYWORD_VALUE, &setting.span, message);
        let hint = match is_variable_name(&text) {
            true => format!("for the variable of that name write \"{{{{ {text} }}}}\""),
            false => "write a list: a line with a dash for each item".to_owned(),
        };
        self.report(diagnostic.hint(hint));
    }

    /// What `set_fact` sets must be names of variables.
    fn check_fact_names(&mut self, action: &plan::Action) {
        if &*action.name != "ansible.builtin.set_fact"
            || self.compiler.settings.defers_template_errors
        {
            return;
        }
        for name in action.args.keys() {
            if !name.contains("{{") && !is_variable_name(name) {
                let message = format!("'{name}' is not a valid variable name");
                let hint = "names start with a letter or underscore and go on with letters, digits and underscores";
                let span = action.arg_spans.get(name).unwrap_or(&action.span);
                self.report(Diagnostic::error(codes::VARIABLE_NAME, span, message).hint(hint));
            }
        }
        let sets = action.args.keys().any(|name| &**name != "cacheable");
        let text = action.free_form.as_ref().and_then(|tree| tree.as_str());
        if !sets && action.whole.is_none() && (action.free_form.is_none() || text.is_some()) {
            let message = "set_fact is given no variable to set";
            self.report(
                Diagnostic::error(codes::BAD_ARGUMENT, &action.span, message)
                    .hint("write name: value below it"),
            );
        }
    }

    fn second_loop(&mut self, node: &Node) {
        let message = "duplicate loop in task: a task has one loop";
        self.report(Diagnostic::error(codes::KEYWORD_VALUE, &node.span, message));
    }

    fn with_loop(&mut self, entry: &Entry, lookup: &str, own: &mut Own) {
        if own.loop_.is_some() {
            self.second_loop(&entry.key);
        }
        if self.compiler.engine.lookup(lookup).is_err() {
            let message = format!("'with_{lookup}' is no loop: there is no lookup '{lookup}'");
            const LOOPS: &[&str] = &[
                "with_dict",
                "with_fileglob",
                "with_filetree",
                "with_first_found",
                "with_flattened",
                "with_indexed_items",
                "with_inventory_hostnames",
                "with_items",
                "with_lines",
                "with_list",
                "with_nested",
                "with_random_choice",
                "with_sequence",
                "with_subelements",
                "with_together",
            ];
            self.report(
                Diagnostic::error(codes::UNKNOWN_KEYWORD, &entry.key.span, message)
                    .nearest(&format!("with_{lookup}"), LOOPS.iter().copied()),
            );
            return;
        }
        if entry.value.is_null() {
            let message = format!("you must specify a value when using with_{lookup}");
            self.report(Diagnostic::error(codes::KEYWORD_VALUE, &entry.key.span, message));
        }
        let terms = self.setting(&entry.value);
        own.loop_ = Some(Loop::With { lookup: lookup.to_owned(), terms });
    }

    fn loop_control(&mut self, mapping: &Mapping) -> LoopControl {
        const KEYS: &[&str] = &[
            "loop_var",
            "index_var",
            "label",
            "pause",
            "extended",
            "extended_allitems",
            "break_when",
        ];
        let mut control = LoopControl::default();
        for entry in &mapping.entries {
            let name = entry.key.as_str().unwrap_or("");
            if entry.value.is_null() && KEYS.contains(&name) {
                continue;
            }
            match name {
                "loop_var" => control.loop_var = Some(self.setting(&entry.value)),
                "index_var" => control.index_var = Some(self.setting(&entry.value)),
                "label" => control.label = Some(self.setting(&entry.value)),
                "pause" => control.pause = Some(self.setting(&entry.value)),
                "extended" => control.extended = Some(self.setting(&entry.value)),
                "extended_allitems" => {
                    control.extended_allitems = Some(self.setting(&entry.value));
                }
                "break_when" => control.break_when = self.conditions(&entry.value),
                _ => {
                    let message = format!("'{name}' is not a valid attribute for a LoopControl");
                    self.report(
                        Diagnostic::error(codes::UNKNOWN_KEYWORD, &entry.key.span, message)
                            .nearest(name, KEYS.iter().copied()),
                    );
                }
            }
        }
        control
    }
}

/// Whether a run may come by a task and not run it: there is a condition on it or around it, or a
/// loop that may have no items.
fn may_be_left_out(task: &Mapping, parent: &Arc<Frame>) -> bool {
    let is_said = |node: &Node| !node.is_null();
    let loops = |entry: &Entry| {
        entry.key.as_str().is_some_and(|name| name == "loop" || name.starts_with("with_"))
            && !matches!(&entry.value.kind, Kind::Sequence(items) if !items.is_empty())
    };
    task.get("when").is_some_and(is_said)
        || task.entries.iter().any(loops)
        || parent.chain().any(|frame| !frame.keywords.when.is_empty())
}

/// What only tasks say.
#[derive(Default)]
struct Own {
    loop_: Option<Loop>,
    loop_control: LoopControl,
    register: Option<Setting>,
    changed_when: Option<Vec<plan::Condition>>,
    failed_when: Option<Vec<plan::Condition>>,
    until: Option<Vec<plan::Condition>>,
    retries: Option<Setting>,
    delay: Option<Setting>,
    async_: Option<Setting>,
    poll: Option<Setting>,
    listen: Vec<Setting>,
}

impl Own {
    /// Whether arguments that do not fit are left to the run: the task may fail by plan
    /// (`ignore_errors`, `failed_when`, a rescue around it), or gets others from `module_defaults`.
    fn is_forgiven(&self, rescues: usize, keywords: &Keywords, parent: &Arc<Frame>) -> bool {
        let ignores = keywords
            .get(Key::IgnoreErrors)
            .or_else(|| parent.inherited(Key::IgnoreErrors))
            .is_some_and(|setting| {
                setting.tree.literal().is_none_or(|value| !matches!(value, Value::Bool(false)))
            });
        let has_defaults = !keywords.module_defaults.is_empty()
            || parent.chain().any(|frame| !frame.keywords.module_defaults.is_empty());
        rescues > 0 || self.failed_when.is_some() || ignores || has_defaults
    }
}
