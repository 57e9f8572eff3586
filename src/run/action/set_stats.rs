//! `set_stats`: numbers and texts about the run, for whoever reads its end.

use indexmap::IndexMap;
use protocol::{Json, JsonMap};
use template::{TemplateError, Tree, Value, value::TextKind};

use super::{ActionContext, set_fact::is_identifier};
use crate::{TaskResult, outcome::RunOrder};

pub(crate) fn run(context: &ActionContext<'_>, args: &IndexMap<String, Value>) -> TaskResult {
    const ARGUMENTS: &[&str] = &["aggregate", "data", "per_host"];
    if let Some(unknown) = args.keys().find(|name| !ARGUMENTS.contains(&name.as_str())) {
        let action = &context.task.action.written;
        return TaskResult::failure(format!("Invalid options for {action}: {unknown}"));
    }
    // What is no boolean is false.
    let flag = |name: &str, default: bool| match args.get(name) {
        None | Some(Value::None) => default,
        Some(value) => crate::truth(value).unwrap_or(false),
    };
    let (per_host, aggregate) = (flag("per_host", false), flag("aggregate", true));
    let mut data = JsonMap::new();
    if let Some(given) = args.get("data") {
        let Some(entries) = given.entries() else {
            return TaskResult::failure("The 'data' option needs to be a dictionary/hash");
        };
        for (name, value) in entries {
            let name = match rendered(&name, context) {
                Ok(name) => name,
                Err(error) => return TaskResult::failure(error.to_string()),
            };
            if !is_identifier(&name) {
                return TaskResult::failure(format!(
                    "The variable name '{name}' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores."
                ));
            }
            let json = value.to_json().unwrap_or_else(|_| Json::String(value.to_string()));
            data.insert(name, json);
        }
    }
    let mut result = TaskResult::default();
    for (name, value) in &data {
        result.orders.push(RunOrder::Statistic {
            name: name.clone(),
            value: value.clone(),
            per_host,
            aggregate,
        });
    }
    let mut stats = JsonMap::new();
    stats.insert("data".into(), Json::Object(data));
    stats.insert("per_host".into(), Json::Bool(per_host));
    stats.insert("aggregate".into(), Json::Bool(aggregate));
    result.fields.insert("ansible_stats".into(), Json::Object(stats));
    result
}

/// The name of a statistic, which may be a template where a user wrote it.
fn rendered(name: &Value, context: &ActionContext<'_>) -> Result<String, TemplateError> {
    match name {
        Value::Str(text) if text.kind() == TextKind::Written => {
            let tree = Tree::from_text(text, context.scope.engine())?;
            tree.evaluate(context.scope).map(|name| name.to_string())
        }
        other => Ok(other.to_string()),
    }
}
