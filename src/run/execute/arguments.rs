//! The arguments of a task, rendered: defaults of its module, `args`, free text, named ones.

use std::sync::Arc;

use plan::Task;
use template::{Scope, TemplateError, Tree, Value};

use super::Executor;
use crate::{TaskResult, action};

impl Executor {
    /// All arguments of a task, rendered: defaults of the module under `args` as one template under
    /// named ones. What is `omit` is left out.
    pub(super) fn arguments(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
    ) -> Result<indexmap::IndexMap<String, Value>, Box<TaskResult>> {
        let mut args: indexmap::IndexMap<String, Value> = indexmap::IndexMap::new();
        let action = &task.action;
        self.module_defaults(task, scope, &mut args)?;
        if let Some(whole) = &action.whole {
            let value = whole.evaluate(scope).map_err(|error| {
                Box::new(TaskResult::template_failure(&error, "args", &action.span))
            })?;
            match value.entries() {
                Some(entries) => {
                    args.extend(entries.into_iter().map(|(key, value)| (key.to_string(), value)));
                }
                None if value.is_none() || value.is_omitted() => {}
                None => {
                    return Err(Box::new(TaskResult::failure(format!(
                        "invalid or malformed argument: '{value}'"
                    ))));
                }
            }
        }
        if let Some(free_form) = &action.free_form {
            let value = self.render(free_form, scope, "free form", &action.span)?;
            args.insert("_raw_params".into(), value);
        }
        for (name, tree) in &action.args {
            if action::is_rendered_by_action(&action.name, name) {
                continue;
            }
            let near = action.arg_spans.get(name).unwrap_or(&action.span);
            let value = self.render(tree, scope, name, near)?;
            if name.contains("{{") && &*action.name == "ansible.builtin.set_fact" {
                let fail = |error: &TemplateError| {
                    Box::new(TaskResult::template_failure(error, name, near))
                };
                let key = Tree::from_text(name, scope.engine()).map_err(|error| fail(&error))?;
                let key = key.evaluate(scope).map_err(|error| fail(&error))?;
                args.insert(key.to_string(), without_omitted(value));
            } else if value.is_omitted() {
                args.shift_remove(&**name);
            } else {
                args.insert(name.to_string(), without_omitted(value));
            }
        }
        Ok(args)
    }

    pub(crate) fn render(
        &self,
        tree: &Tree,
        scope: &Scope,
        what: &str,
        near: &source::Span,
    ) -> Result<Value, Box<TaskResult>> {
        tree.evaluate(scope)
            .map_err(|error| Box::new(TaskResult::template_failure(&error, what, near)))
    }

    /// The module that does the work of one that looks for it on the host, where facts tell: its
    /// defaults count too, under those of the other.
    fn provider(&self, name: &str, scope: &Scope) -> Option<String> {
        let fact = match name {
            "ansible.builtin.service" => "service_mgr",
            "ansible.builtin.package" => "pkg_mgr",
            _ => return None,
        };
        let facts = scope.get("ansible_facts")?;
        let found = facts.as_dict()?.get(fact)?.to_string();
        self.specs.canonical(&found)
    }

    /// `module_defaults`: of those that name a module, or a group that it is in, the innermost
    /// count. What names the module goes over what names a group.
    fn module_defaults(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        args: &mut indexmap::IndexMap<String, Value>,
    ) -> Result<(), Box<TaskResult>> {
        let name: &str = &task.action.name;
        let settings = task
            .parent
            .outermost_first()
            .flat_map(|frame| &frame.keywords.module_defaults)
            .chain(&task.keywords.module_defaults);
        let mut of_groups: indexmap::IndexMap<String, Value> = indexmap::IndexMap::new();
        let mut of_module = None;
        let (provider, mut of_provider) = (self.provider(name, scope), None);
        for setting in settings {
            let value = setting.tree.instantiate(scope);
            for (key, defaults) in value.entries().unwrap_or_default() {
                let key = key.to_string();
                let fail = |error: &TemplateError| {
                    Box::new(TaskResult::template_failure(error, "module_defaults", &setting.span))
                };
                if let Some(group) = key.strip_prefix("group/") {
                    match self.specs.is_in_group(group, name) {
                        Some(true) => {
                            let defaults = defaults.forced().map_err(|error| fail(&error))?;
                            of_groups.insert(group.to_owned(), defaults);
                        }
                        Some(false) => {}
                        None => {
                            return Err(Box::new(TaskResult::failure(format!(
                                "Could not resolve action_group {group} in module_defaults"
                            ))));
                        }
                    }
                } else if self.is_about(&key, name) {
                    of_module = Some(defaults.forced().map_err(|error| fail(&error))?);
                } else if provider.as_deref().is_some_and(|one| self.is_about(&key, one)) {
                    of_provider = Some(defaults.forced().map_err(|error| fail(&error))?);
                }
            }
        }
        for defaults in of_provider.into_iter().chain(of_groups.into_values()).chain(of_module) {
            for (argument, value) in defaults.entries().unwrap_or_default() {
                if !value.is_omitted() {
                    args.insert(argument.to_string(), value);
                }
            }
        }
        Ok(())
    }

    /// Whether a key of `module_defaults` means a module.
    fn is_about(&self, key: &str, name: &str) -> bool {
        let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        if key == name || key == short || key.strip_prefix("ansible.legacy.") == Some(short) {
            return true;
        }
        // Facts of a play are gathered by the module setup.
        if short == "gather_facts" && self.is_about(key, "ansible.builtin.setup") {
            return true;
        }
        self.specs.canonical(key).is_some_and(|canonical| canonical == name)
    }
}

/// Takes `omit` out of dictionaries inside an argument. One that a template wrote down as text
/// with what is around it counts, too.
fn without_omitted(value: Value) -> Value {
    if !has_omitted(&value) {
        return value;
    }
    if let Some(items) = value.as_list() {
        return Value::list(items.to_vec().into_iter().map(without_omitted));
    }
    match value.entries() {
        Some(entries) => Value::dict(
            entries
                .into_iter()
                .filter(|(_, value)| !value.is_omitted())
                .map(|(key, value)| (key, without_omitted(value))),
        ),
        None => value,
    }
}

/// Whether a dictionary somewhere in a value has an entry that is left out.
fn has_omitted(value: &Value) -> bool {
    if let Some(items) = value.as_list() {
        return items.iter().any(|item| has_omitted(&item));
    }
    value.entries().is_some_and(|entries| {
        entries.iter().any(|(_, value)| value.is_omitted() || has_omitted(value))
    })
}
