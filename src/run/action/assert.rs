//! `assert`: fails unless conditions hold.

use indexmap::IndexMap;
use protocol::Json;
use source::Span;
use template::{Expression, TemplateError, TextKind, Tree, Value};

use super::ActionContext;
use crate::{
    TaskResult,
    execute::{delimiters_warning, raised_by_arguments},
};

pub(crate) fn run(context: &ActionContext<'_>, args: IndexMap<String, Value>) -> TaskResult {
    const ARGUMENTS: &[&str] = &["fail_msg", "msg", "quiet", "success_msg"];
    if let Some(unknown) = args.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) {
        return TaskResult::failure(format!(
            "Invalid options for {}: {unknown}",
            context.task.action.written
        ));
    }
    let Some(that) = context.task.action.args.get("that") else {
        return TaskResult::failure("conditional required in \"that\" string");
    };
    let conditions = match conditions(context, that) {
        Ok(conditions) => conditions,
        Err(error) => {
            let action = &context.task.action;
            return worked_out(&error, action.arg_spans.get("that").unwrap_or(&action.span));
        }
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
    let delimited = conditions.iter().filter_map(|condition| match condition {
        Assertion::Expression(expression) if expression.is_delimited() => Some(expression.text()),
        _ => None,
    });
    let warnings: Vec<String> = delimited.map(|text| delimiters_warning(text)).collect();
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
        let (holds, shown) = match &condition {
            Assertion::Expression(expression) => {
                let text = expression.text().to_string();
                match expression.is_true(context.scope) {
                    Ok(holds) => (holds, Json::String(text)),
                    Err(error) => return TaskResult::condition_failure(&text, &error, near),
                }
            }
            Assertion::Value(value) => match value.to_json() {
                Ok(shown) => (value.truthy(), shown),
                Err(error) => return worked_out(&error, near),
            },
            Assertion::Unsafe(text) => {
                return TaskResult::failure(format!(
                    "The conditional check '{text}' failed. The error was: Conditional is marked \
                     as unsafe, and cannot be evaluated."
                ));
            }
        };
        if !holds {
            let mut result = TaskResult { failed: true, ..TaskResult::default() };
            result.fields.insert("evaluated_to".into(), Json::Bool(false));
            result.fields.insert("assertion".into(), shown);
            result.fields.insert("msg".into(), message(&["fail_msg", "msg"], "Assertion failed"));
            result.verbose_always = !quiet;
            return result;
        }
    }
    let mut result = TaskResult::message(message(&["success_msg"], "All assertions passed"));
    result.verbose_always = !quiet;
    result
}

/// What is said of a `that` that cannot be worked out.
fn worked_out(error: &TemplateError, near: &Span) -> TaskResult {
    raised_by_arguments(TaskResult::template_failure(error, "that", near))
}

enum Assertion {
    Expression(Expression),
    /// What a template gave, or what is no text.
    Value(Value),
    /// What hosts and modules said is never evaluated.
    Unsafe(String),
}

/// The conditions: elements of a list as they were written, though each must be something, and
/// what a template gives as it gives it.
fn conditions(context: &ActionContext<'_>, that: &Tree) -> Result<Vec<Assertion>, TemplateError> {
    let mut conditions = Vec::new();
    match that {
        Tree::List(items) => {
            for item in items.iter() {
                conditions.extend(match item {
                    Tree::Template(template) => {
                        if let Value::Undefined(undefined) = item.evaluate(context.scope)? {
                            return Err(undefined.error());
                        }
                        vec![expression(context, template.text())?]
                    }
                    item => self::conditions(context, item)?,
                });
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
        Tree::Value(Value::Str(text))
            if matches!(text.kind(), TextKind::Untrusted | TextKind::UntrustedFinal) =>
        {
            conditions.push(Assertion::Unsafe(text.to_string()));
        }
        Tree::Value(Value::Str(text)) => conditions.push(expression(context, text)?),
        // What is all template gives the conditions; else it is one.
        Tree::Template(template) if is_all_template(template.text()) => {
            let value = that.evaluate(context.scope)?;
            if let Value::Undefined(undefined) = value {
                return Err(undefined.error());
            }
            conditions.extend(self::conditions(context, &Tree::Value(value))?);
        }
        Tree::Template(template) => conditions.push(expression(context, template.text())?),
        other => {
            let value = other.evaluate(context.scope)?;
            conditions.push(Assertion::Value(value));
        }
    }
    Ok(conditions)
}

/// Whether a text is a template from its start to its end.
fn is_all_template(text: &str) -> bool {
    (text.starts_with("{{") || text.starts_with("{%"))
        && (text.ends_with("}}") || text.ends_with("%}"))
}

fn expression(context: &ActionContext<'_>, text: &str) -> Result<Assertion, TemplateError> {
    let span = context.task.action.arg_spans.get("that");
    let engine = &context.executor.context.store.engine;
    Ok(Assertion::Expression(Expression::compile(engine, text, span)?))
}
