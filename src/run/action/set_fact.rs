//! `set_fact`: sets variables of the host.

use indexmap::IndexMap;
use protocol::{Json, JsonMap};
use template::{Typing, Value};

use super::ActionContext;
use crate::{TaskResult, outcome::RunOrder};

pub(crate) fn run(context: &ActionContext<'_>, mut args: IndexMap<String, Value>) -> TaskResult {
    let cacheable = args.shift_remove("cacheable").and_then(|v| crate::truth(&v)).unwrap_or(false);
    args.shift_remove("_raw_params");
    if args.is_empty() {
        return TaskResult::failure(
            "No key/value pairs provided, at least one is required for this action to succeed",
        );
    }
    let settings = &context.scope.surroundings().settings;
    let reads_words = settings.typing == Typing::Structures;
    let mut result = TaskResult::default();
    let mut facts = JsonMap::new();
    for (name, value) in args {
        if !is_identifier(&name) {
            return TaskResult::failure(format!(
                "The variable name '{name}' is not valid. Variables must start with a letter or underscore character, and contain only letters, numbers and underscores."
            ));
        }
        let value = match (&value, reads_words) {
            (Value::Str(text), true) => match text.to_lowercase().as_str() {
                "yes" | "true" => Value::Bool(true),
                "no" | "false" => Value::Bool(false),
                _ => value,
            },
            _ => value,
        };
        let json = value.to_json().unwrap_or_else(|_| Json::String(value.to_string()));
        // Facts are lists and dicts; tuples and groups of `groupby` become lists on the way.
        let value = settled(value);
        facts.insert(name.clone(), json);
        result.variables.push((name, value));
    }
    result.fields.insert("ansible_facts".into(), Json::Object(facts.clone()));
    result.fields.insert("_ansible_facts_cacheable".into(), Json::Bool(cacheable));
    if cacheable {
        result.orders.push(RunOrder::CacheFacts { facts });
    }
    result
}

/// The value as a fact: a list or dict where it behaves as one.
fn settled(value: Value) -> Value {
    match value {
        Value::Dict(dict) if !dict.is_open() => {
            Value::dict(dict.iter().map(|(key, value)| (key, settled(value))))
        }
        sequence if sequence.is_sequence() => {
            let items = sequence.elements().unwrap_or_default();
            Value::list(items.into_iter().map(settled))
        }
        object @ Value::Object(_) => match object.entries() {
            Some(entries) => {
                Value::dict(entries.into_iter().map(|(key, value)| (key, settled(value))))
            }
            None => object,
        },
        other => other,
    }
}

pub(crate) fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
