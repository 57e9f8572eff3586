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
                None if value.is_none() || matches!(value, Value::Omit) => {}
                None => {
                    return Err(Box::new(TaskResult::failure(format!(
                        "the arguments of '{}' are {}, not a dictionary",
                        action.written,
                        value.type_name()
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
            if name.contains("{{") {
                // `set_fact: {"{{ name }}": …}`
                let fail = |error: &TemplateError| {
                    Box::new(TaskResult::template_failure(error, name, near))
                };
                let key = Tree::from_text(name, scope.engine()).map_err(|error| fail(&error))?;
                let key = key.evaluate(scope).map_err(|error| fail(&error))?;
                args.insert(key.to_string(), without_omitted(value));
            } else if matches!(value, Value::Omit) {
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

    /// `module_defaults`, the outermost first.
    fn module_defaults(
        &self,
        task: &Arc<Task>,
        scope: &Scope,
        args: &mut indexmap::IndexMap<String, Value>,
    ) -> Result<(), Box<TaskResult>> {
        let name: &str = &task.action.name;
        let short = name.rsplit('.').next().unwrap_or("");
        let settings = task
            .parent
            .outermost_first()
            .flat_map(|frame| &frame.keywords.module_defaults)
            .chain(&task.keywords.module_defaults);
        for setting in settings {
            let value = setting.tree.instantiate(scope);
            let Some(entries) = value.entries() else { continue };
            for (key, defaults) in entries {
                let key = key.to_string();
                if let Some(group) = key.strip_prefix("group/") {
                    return Err(Box::new(TaskResult::failure(format!(
                        "module_defaults for the action group '{group}' are not there yet; name the modules"
                    ))));
                }
                let legacy = format!("ansible.legacy.{short}");
                if key != name && key != short && key != legacy {
                    continue;
                }
                let defaults = defaults.forced().map_err(|error| {
                    Box::new(TaskResult::template_failure(&error, "module_defaults", &setting.span))
                })?;
                for (argument, value) in defaults.entries().unwrap_or_default() {
                    if !matches!(value, Value::Omit) {
                        args.insert(argument.to_string(), value);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Takes `omit` out of dictionaries inside an argument.
fn without_omitted(value: Value) -> Value {
    match value.entries() {
        Some(entries) if entries.iter().any(|(_, value)| matches!(value, Value::Omit)) => {
            Value::dict(entries.into_iter().filter(|(_, value)| !matches!(value, Value::Omit)))
        }
        _ => value,
    }
}
