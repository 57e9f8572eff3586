//! `assert`: fails unless conditions hold.

use indexmap::IndexMap;
use protocol::Json;
use template::{ErrorKind, Expression, TemplateError, TextKind, Tree, Value};

use super::ActionContext;
use crate::{TaskResult, execute::delimiters_warning};

pub(crate) fn run(context: &ActionContext<'_>, args: IndexMap<String, Value>) -> TaskResult {
    const ARGUMENTS: &[&str] = &["fail_msg", "msg", "quiet", "success_msg"];
    if let Some(unknown) = args.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) {
        return TaskResult::failure(format!(
            "Unsupported parameters for (ansible.builtin.assert) module: {unknown}. Supported parameters include: fail_msg, msg, quiet, success_msg, that."
        ));
    }
    let Some(that) = context.task.action.args.get("that") else {
        return TaskResult::failure("conditional required in \"that\" string");
    };
    let conditions = match conditions(context, that) {
        Ok(conditions) => conditions,
        Err(error) => return TaskResult::failure(error.to_string()),
    };
    let quiet = args.get("quiet").and_then(crate::truth).unwrap_or(false);
    let message = |names: &[&str], default: &str| {
        let given = names.iter().find_map(|name| args.get(*name));
        match given {
            Some(Value::List(lines)) => {
                Json::Array(lines.iter().map(|line| Json::String(line.to_string())).collect())
            }
            Some(value) => Json::String(value.to_string()),
            None => Json::String(default.to_owned()),
        }
    };
    let delimited = conditions.iter().filter_map(|condition| condition.expression.as_ref());
    let warnings: Vec<String> = delimited
        .filter(|expression| expression.is_delimited())
        .map(|expression| delimiters_warning(expression.text()))
        .collect();
    let mut result = judged(context, conditions, &message, quiet);
    result.warnings.extend(warnings);
    result
}

/// What the conditions come to. `message` says what the task wants to be said.
fn judged(
    context: &ActionContext<'_>,
    conditions: Vec<Assertion>,
    message: &dyn Fn(&[&str], &str) -> Json,
    quiet: bool,
) -> TaskResult {
    let action = &context.task.action;
    let near = action.arg_spans.get("that").unwrap_or(&action.span);
    for condition in conditions {
        let holds = match &condition.expression {
            Some(expression) => expression.is_true(context.scope),
            None => Ok(condition.value.truthy()),
        };
        let shown = condition.text;
        match holds {
            Ok(true) => {}
            Ok(false) => {
                let mut result = TaskResult { failed: true, ..TaskResult::default() };
                result.fields.insert("evaluated_to".into(), Json::Bool(false));
                result.fields.insert("assertion".into(), shown);
                result
                    .fields
                    .insert("msg".into(), message(&["fail_msg", "msg"], "Assertion failed"));
                result.verbose_always = !quiet;
                return result;
            }
            Err(error) => {
                let text = match &shown {
                    Json::String(text) => text.clone(),
                    other => other.to_string(),
                };
                return TaskResult::condition_failure(&text, &error, near);
            }
        }
    }
    let mut result = TaskResult::message(message(&["success_msg"], "All assertions passed"));
    result.verbose_always = !quiet;
    result
}

struct Assertion {
    text: Json,
    value: Value,
    expression: Option<Expression>,
}

/// The conditions as they were written; a template that gives a list gives values, which are data.
fn conditions(context: &ActionContext<'_>, that: &Tree) -> Result<Vec<Assertion>, TemplateError> {
    let mut conditions = Vec::new();
    match that {
        Tree::List(items) => {
            for item in items.iter() {
                conditions.extend(self::conditions(context, item)?);
            }
        }
        Tree::Value(Value::List(items)) => {
            for item in items.iter() {
                conditions.extend(self::conditions(context, &Tree::Value(item))?);
            }
        }
        // Nothing, as a dash in YAML with nothing behind it, holds.
        Tree::Value(Value::None) => {}
        Tree::Value(Value::Str(text)) if text.trim().is_empty() => {}
        // What hosts and modules said is never evaluated.
        Tree::Value(Value::Str(text))
            if matches!(text.kind(), TextKind::Untrusted | TextKind::UntrustedFinal) =>
        {
            return Err(TemplateError::new(
                ErrorKind::Type,
                "Conditional is marked as unsafe, and cannot be evaluated.",
            ));
        }
        Tree::Value(Value::Str(text)) => conditions.push(expression(context, text)?),
        Tree::Template(template) => {
            // A template that is a list holds the conditions; any other is one.
            match that.evaluate(context.scope) {
                Ok(Value::List(items)) => {
                    for item in items.iter() {
                        conditions.extend(self::conditions(context, &Tree::Value(item))?);
                    }
                }
                _ => conditions.push(expression(context, template.text())?),
            }
        }
        other => {
            let value = other.evaluate(context.scope)?;
            conditions.push(Assertion { text: value.to_json()?, value, expression: None });
        }
    }
    Ok(conditions)
}

fn expression(context: &ActionContext<'_>, text: &str) -> Result<Assertion, TemplateError> {
    let span = context.task.action.arg_spans.get("that");
    let engine = &context.executor.context.store.engine;
    let expression = Expression::compile(engine, text, span)?;
    Ok(Assertion {
        text: Json::String(text.to_owned()),
        value: Value::None,
        expression: Some(expression),
    })
}
