//! `validate_argument_spec`: checks variables against a spec, as roles with `argument_specs` have
//! it done before their first task.

use indexmap::IndexMap;
use protocol::{
    Json, JsonMap,
    spec::{Argument, ArgumentSpec, Kind, RequiredIf},
};
use template::Value;

use super::ActionContext;
use crate::TaskResult;

/// How deep options may be nested.
const DEPTH_MAX: usize = 32;

pub(crate) fn run(context: &ActionContext<'_>, args: IndexMap<String, Value>) -> TaskResult {
    let mut result = match validate(context, &args) {
        Ok(result) => result,
        Err(why) => TaskResult::failure(why),
    };
    let about = args.get("validate_args_context").and_then(|about| about.to_json().ok());
    let about = about.unwrap_or_else(|| Json::Object(JsonMap::new()));
    result.fields.insert("validate_args_context".into(), about);
    result
}

fn validate(
    context: &ActionContext<'_>,
    args: &IndexMap<String, Value>,
) -> Result<TaskResult, String> {
    let object = |name: &str| -> Result<Option<JsonMap>, String> {
        let Some(value) = args.get(name) else { return Ok(None) };
        match value.to_json().map_err(|error| error.to_string())? {
            Json::Object(map) => Ok(Some(map)),
            Json::Null => Ok(Some(JsonMap::new())),
            _ => Err(format!(
                "Incorrect type for {name}, expected dict and got {}",
                value.type_name()
            )),
        }
    };
    let Some(data) = object("argument_spec")? else {
        return Err("\"argument_spec\" arg is required in args".into());
    };
    let provided = object("provided_arguments")?.unwrap_or_default();
    let spec = spec(&data, 0)?;
    let mut given = JsonMap::new();
    for name in data.keys() {
        if let Some(value) = context.scope.get(name) {
            let value = value.forced().and_then(|value| value.to_json());
            given.insert(name.clone(), value.map_err(|error| error.to_string())?);
        }
    }
    given.extend(provided);
    let errors = protocol::arguments::complaints(&spec, &given);
    if errors.is_empty() {
        return Ok(TaskResult::message("The arg spec validation passed"));
    }
    let mut result =
        TaskResult::failure(format!("Validation of arguments failed:\n{}", errors.join("\n")));
    result.fields.insert("argument_spec_data".into(), Json::Object(data));
    let errors = errors.into_iter().map(Json::String).collect();
    result.fields.insert("argument_errors".into(), Json::Array(errors));
    Ok(result)
}

/// The spec that a dictionary of options stands for.
fn spec(options: &JsonMap, depth: usize) -> Result<ArgumentSpec, String> {
    if depth > DEPTH_MAX {
        return Err(format!("the argument spec is nested deeper than {DEPTH_MAX} levels"));
    }
    let mut arguments = Vec::with_capacity(options.len());
    for (name, option) in options {
        let option = match option {
            Json::Object(option) => option.clone(),
            Json::Null => JsonMap::new(),
            _ => return Err(format!("the argument spec of '{name}' is not a dictionary")),
        };
        arguments.push(argument(name, &option, depth)?);
    }
    Ok(ArgumentSpec { arguments, ..ArgumentSpec::default() })
}

fn argument(name: &str, option: &JsonMap, depth: usize) -> Result<Argument, String> {
    let kind = |key: &str| -> Result<Option<Kind>, String> {
        match option.get(key) {
            None | Some(Json::Null) => Ok(None),
            Some(kind) => serde_json::from_value(kind.clone())
                .map(Some)
                .map_err(|_| format!("unknown {key} {kind} requested for {name}")),
        }
    };
    let flag = |key: &str| option.get(key).and_then(protocol::coerce::truth).unwrap_or(false);
    let default = option.get("default").filter(|default| !default.is_null()).cloned();
    let below = match option.get("options") {
        Some(Json::Object(options)) => {
            let mut below = spec(options, depth + 1)?;
            rules(option, &mut below)?;
            Some(Box::new(below))
        }
        None | Some(Json::Null) => None,
        Some(_) => return Err(format!("the options of '{name}' are not a dictionary")),
    };
    Ok(Argument {
        name: name.to_owned(),
        aliases: names(option.get("aliases")),
        kind: kind("type")?.unwrap_or_default(),
        elements: kind("elements")?,
        required: flag("required"),
        default,
        choices: option.get("choices").and_then(Json::as_array).cloned().unwrap_or_default(),
        options: below,
        no_log: flag("no_log"),
        description: String::new(),
    })
}

/// The rules between options, which stand beside them.
fn rules(option: &JsonMap, spec: &mut ArgumentSpec) -> Result<(), String> {
    let list = |key: &str| option.get(key).and_then(Json::as_array).cloned().unwrap_or_default();
    // A group may stand for itself, without a list around it.
    let groups = |key: &str| -> Vec<Vec<String>> {
        let list = list(key);
        if !list.is_empty() && list.iter().all(Json::is_string) {
            return vec![names(Some(&Json::Array(list)))];
        }
        list.iter().map(|group| names(Some(group))).collect()
    };
    spec.mutually_exclusive = groups("mutually_exclusive");
    spec.required_together = groups("required_together");
    spec.required_one_of = groups("required_one_of");
    for rule in list("required_if") {
        let parts = rule.as_array().map(Vec::as_slice).unwrap_or_default();
        let [Json::String(argument), value, required, rest @ ..] = parts else {
            return Err(format!("a rule of required_if is {rule}: name, value, names are needed"));
        };
        spec.required_if.push(RequiredIf {
            argument: argument.clone(),
            value: value.clone(),
            required: names(Some(required)),
            any: rest.first().and_then(protocol::coerce::truth).unwrap_or(false),
        });
    }
    if let Some(Json::Object(rules)) = option.get("required_by") {
        spec.required_by =
            rules.iter().map(|(name, needed)| (name.clone(), names(Some(needed)))).collect();
    }
    Ok(())
}

fn names(value: Option<&Json>) -> Vec<String> {
    match value {
        Some(Json::Array(list)) => {
            list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
        }
        Some(Json::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Json, arguments::complaints};
    use serde_json::json;

    use super::spec;

    fn check(options: Json, given: Json, expected: &[&str]) {
        let spec = spec(options.as_object().unwrap(), 0).unwrap();
        assert_eq!(complaints(&spec, given.as_object().unwrap()), expected, "{given}");
    }

    /// Expectations were taken from ansible-core 2.18.
    #[test]
    fn variables_are_held_to_specs() {
        let simple = || {
            json!({
                "name": {"type": "str", "required": true},
                "count": {"type": "int", "choices": [1, 2], "aliases": ["number"]},
                "on": {"type": "bool"},
            })
        };
        check(simple(), json!({"name": "x", "count": "2", "on": "yes"}), &[]);
        check(simple(), json!({"name": "x", "number": 1}), &[]);
        check(simple(), json!({}), &["missing required arguments: name"]);
        check(
            simple(),
            json!({"name": "x", "count": 3}),
            &["value of count must be one of: 1, 2, got: 3"],
        );
        check(
            simple(),
            json!({"name": "x", "other": 3}),
            &["other. Supported parameters include: count, name, on (number)."],
        );
        let nested = || {
            json!({"outer": {
                "type": "list",
                "elements": "dict",
                "options": {"a": {"type": "int"}, "b": {}, "c": {}},
                "mutually_exclusive": [["a", "b"]],
                "required_if": [["a", 1, ["c"]]],
            }})
        };
        check(nested(), json!({"outer": [{"a": 2}, {"b": "x"}]}), &[]);
        check(
            nested(),
            json!({"outer": [{"a": 1}]}),
            &["a is 1 but all of the following are missing: c found in outer"],
        );
        check(
            nested(),
            json!({"outer": [{"a": 2, "b": "x"}]}),
            &["parameters are mutually exclusive: a|b found in outer"],
        );
    }

    #[test]
    fn specs_that_are_wrong_are_refused() {
        for (options, words) in [
            (json!({"a": 3}), "is not a dictionary"),
            (json!({"a": {"type": "strong"}}), "unknown type \"strong\" requested for a"),
            (json!({"a": {"type": "list", "elements": "x"}}), "unknown elements"),
            (json!({"a": {"options": 3}}), "are not a dictionary"),
            (json!({"a": {"options": {}, "required_if": [["b"]]}}), "required_if"),
        ] {
            let error = spec(options.as_object().unwrap(), 0).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
