//! Tests of what tasks returned.

use super::test;
use crate::{
    engine::Test,
    error::{Result, TemplateError},
    value::{Arguments, Value},
};

pub(super) const TESTS: &[Test] = &[
    test("failed", |call, value, arguments| asked(call.name, value, arguments, failed)),
    test("failure", |call, value, arguments| asked(call.name, value, arguments, failed)),
    test("succeeded", |call, value, arguments| {
        asked(call.name, value, arguments, |value| !failed(value))
    }),
    test("success", |call, value, arguments| {
        asked(call.name, value, arguments, |value| !failed(value))
    }),
    test("successful", |call, value, arguments| {
        asked(call.name, value, arguments, |value| !failed(value))
    }),
    test("changed", |call, value, arguments| asked(call.name, value, arguments, changed)),
    test("change", |call, value, arguments| asked(call.name, value, arguments, changed)),
    test("skipped", |call, value, arguments| asked(call.name, value, arguments, skipped)),
    test("skip", |call, value, arguments| asked(call.name, value, arguments, skipped)),
    test("unreachable", |call, value, arguments| {
        asked(call.name, value, arguments, |value| flag(value, "unreachable"))
    }),
    test("reachable", |call, value, arguments| {
        asked(call.name, value, arguments, |value| !flag(value, "unreachable"))
    }),
    test("timedout", |call, value, arguments| {
        asked(call.name, value, arguments, |value| {
            value.get("timedout").is_some_and(|timed_out| match timed_out.entries() {
                Some(_) => flag(&timed_out, "period"),
                None => timed_out.truthy(),
            })
        })
    }),
    test("started", |call, value, arguments| {
        asked(call.name, value, arguments, |value| {
            value.get("started").is_none_or(|started| started.truthy())
        })
    }),
    test("finished", |call, value, arguments| {
        asked(call.name, value, arguments, |value| {
            value.get("finished").is_none_or(|finished| finished.truthy())
        })
    }),
];

fn asked(
    name: &str,
    value: &Value,
    arguments: Arguments,
    ask: impl Fn(&Value) -> bool,
) -> Result<bool> {
    arguments.none(name)?;
    if !value.is_mapping() {
        return Err(TemplateError::of_type(format!("The '{name}' test expects a dictionary")));
    }
    Ok(ask(value))
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).is_some_and(|flag| flag.truthy())
}

fn failed(value: &Value) -> bool {
    flag(value, "failed")
}

/// A loop has changed something if one of its items has.
fn changed(value: &Value) -> bool {
    if value.get("changed").is_none()
        && let Some(results) = value.get("results").filter(Value::is_sequence)
        && let Ok(results) = results.elements()
        && results.first().is_some_and(Value::is_mapping)
    {
        return results.iter().any(|result| flag(result, "changed"));
    }
    flag(value, "changed")
}

fn skipped(value: &Value) -> bool {
    flag(value, "skipped")
}
