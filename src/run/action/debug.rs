//! `debug`: shows a message or a variable.

use indexmap::IndexMap;
use protocol::Json;
use template::{Expression, Shape, Tree, Value};

use super::ActionContext;
use crate::TaskResult;

pub(crate) fn run(context: &ActionContext<'_>, args: IndexMap<String, Value>) -> TaskResult {
    let var = context.task.action.args.get("var");
    for name in args.keys() {
        if !matches!(name.as_str(), "msg" | "verbosity") {
            return TaskResult::failure(format!(
                "Unsupported parameters for ({}) module: {name}. Supported parameters include: msg, var, verbosity.",
                context.task.action.written
            ));
        }
    }
    if var.is_some() && args.contains_key("msg") {
        return TaskResult::failure("parameters are mutually exclusive: msg|var");
    }
    let verbosity = args
        .get("verbosity")
        .map_or(Some(0), |value| value.as_int().or_else(|| value.to_string().trim().parse().ok()));
    let Some(verbosity) = verbosity else {
        return TaskResult::failure("verbosity is not an integer");
    };
    if i64::from(context.executor.context.settings.verbosity) < verbosity {
        let mut result = TaskResult { skipped: true, ..TaskResult::default() };
        result.fields.insert("skipped_reason".into(), "Verbosity threshold not met.".into());
        return result;
    }
    let mut result = match var {
        Some(tree) => variable(context, tree),
        None => {
            let msg = args.get("msg").cloned().unwrap_or_else(|| Value::from("Hello world!"));
            match msg.to_json() {
                Ok(json) => TaskResult::message(json),
                Err(error) => TaskResult::failure(error.to_string()),
            }
        }
    };
    result.verbose_always = true;
    result
}

/// `var: name` shows what the name stands for; `var: "{{ … }}"` what the template gives, which is
/// taken for a name where it is one.
fn variable(context: &ActionContext<'_>, tree: &Tree) -> TaskResult {
    const UNDEFINED: &str = "VARIABLE IS NOT DEFINED!";
    let (name, value) = match tree.as_str() {
        Some(text) => (text.to_owned(), evaluate(context, text)),
        None => match tree.evaluate(context.scope) {
            Ok(Value::Str(text))
                if is_path(&text) && context.scope.get(first_name(&text)).is_some() =>
            {
                (text.to_string(), evaluate(context, &text))
            }
            Ok(value) => match tree {
                Tree::Template(_) => (plan::written(tree), Ok(value)),
                _ => (format!("<class '{}'>", value.type_name()), Ok(value)),
            },
            Err(error) => (plan::written(tree), Err(error)),
        },
    };
    // What is no data is shown as a template would write it.
    let as_text = |value: Value| match &value {
        Value::Object(object) if object.shape() == Shape::Plain => Value::from(value.to_string()),
        _ => value,
    };
    let shown = match value.and_then(|value| as_text(value).to_json()) {
        Ok(json) => json,
        // A name may be one of nothing; a template may not.
        Err(error) if error.is_undefined() && !matches!(tree, Tree::Template(_)) => {
            let verbose = context.executor.context.settings.verbosity > 0;
            let detail = if verbose { format!("{UNDEFINED}: {error}") } else { UNDEFINED.into() };
            Json::String(detail)
        }
        Err(error) => return TaskResult::failure(error.to_string()),
    };
    let mut result = TaskResult::default();
    result.fields.insert(name, shown);
    result
}

fn evaluate(context: &ActionContext<'_>, text: &str) -> template::Result<Value> {
    let span = context.task.action.arg_spans.get("var");
    let engine = &context.executor.context.store.engine;
    let value = Expression::compile(engine, text, span)?.evaluate(context.scope)?;
    // A name keeps its value's type; what is more than a name is a template between braces.
    let is_name = text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_name { Ok(value) } else { context.scope.typed(value) }
}

/// `name`, `name.part`, `name[0]`.
fn is_path(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts && text.chars().all(|c| c.is_ascii_alphanumeric() || "_.[]'\"".contains(c))
}

fn first_name(text: &str) -> &str {
    text.split(['.', '[']).next().unwrap_or(text)
}
