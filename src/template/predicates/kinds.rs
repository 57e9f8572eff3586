//! Jinja2's tests: what a value is and how it compares.

use super::{of_any, test};
use crate::{
    compile::ir::Comparison,
    engine::{Call, Test},
    error::{Result, TemplateError},
    eval::operators,
    filters::truth::boolean,
    value::{Arguments, Value, object::int_argument},
};

pub(super) const TESTS: &[Test] = &[
    Test { name: "defined", home: "", run: defined, takes_undefined: true },
    Test { name: "undefined", home: "", run: undefined, takes_undefined: true },
    of_any("none", |_, value, arguments| bare(arguments, value.is_none())),
    of_any("boolean", |_, value, arguments| bare(arguments, matches!(value, Value::Bool(_)))),
    of_any("true", |_, value, arguments| bare(arguments, matches!(value, Value::Bool(true)))),
    of_any("false", |_, value, arguments| bare(arguments, matches!(value, Value::Bool(false)))),
    of_any("integer", |_, value, arguments| {
        bare(arguments, matches!(value, Value::Int(_) | Value::BigInt(_)))
    }),
    of_any("float", |_, value, arguments| bare(arguments, matches!(value, Value::Float(_)))),
    of_any("number", |_, value, arguments| {
        bare(arguments, value.is_number() || matches!(value, Value::Bool(_)))
    }),
    of_any("string", |_, value, arguments| {
        bare(arguments, matches!(value, Value::Str(_) | Value::Omit))
    }),
    of_any("mapping", |_, value, arguments| bare(arguments, value.is_mapping())),
    of_any("sequence", |_, value, arguments| {
        let is = matches!(value, Value::Str(_) | Value::Bytes(_))
            || value.is_sequence()
            || value.is_mapping();
        bare(arguments, is)
    }),
    test("iterable", |_, value, arguments| bare(arguments, value.elements().is_ok())),
    of_any("callable", |_, value, arguments| {
        bare(
            arguments,
            match value {
                // As in Python: what is missing can be called, which then says that it is missing.
                Value::Undefined(_) => true,
                Value::Object(object) => object.is_callable(),
                _ => false,
            },
        )
    }),
    of_any("escaped", |_, value, arguments| bare(arguments, matches!(value, Value::Undefined(_)))),
    test("lower", |_, value, arguments| bare(arguments, cased(value, char::is_lowercase))),
    test("upper", |_, value, arguments| bare(arguments, cased(value, char::is_uppercase))),
    test("even", |_, value, arguments| bare(arguments, remainder(value, 2)? == 0)),
    test("odd", |_, value, arguments| bare(arguments, remainder(value, 2)? == 1)),
    test("divisibleby", divisible_by),
    of_any("sameas", same_as),
    test("filter", |call, value, arguments| {
        bare(arguments, call.scope.engine().filter(&value.to_string()).is_ok())
    }),
    test("test", |call, value, arguments| {
        bare(arguments, call.scope.engine().test(&value.to_string()).is_ok())
    }),
    test("in", |_, value, arguments| {
        let [container] = arguments.bind("in", ["seq"], 1)?;
        operators::contains(&container.unwrap_or_default(), value)
    }),
    test("contains", |_, value, arguments| {
        let [element] = arguments.bind("contains", ["b"], 1)?;
        operators::contains(value, &element.unwrap_or_default())
    }),
    test("eq", equal),
    test("equalto", equal),
    test("==", equal),
    test("ne", |_, a, b| compare(Comparison::NotEqual, a, b)),
    test("!=", |_, a, b| compare(Comparison::NotEqual, a, b)),
    test("lt", less),
    test("lessthan", less),
    test("<", less),
    test("le", |_, a, b| compare(Comparison::LessOrEqual, a, b)),
    test("<=", |_, a, b| compare(Comparison::LessOrEqual, a, b)),
    test("gt", greater),
    test("greaterthan", greater),
    test(">", greater),
    test("ge", |_, a, b| compare(Comparison::GreaterOrEqual, a, b)),
    test(">=", |_, a, b| compare(Comparison::GreaterOrEqual, a, b)),
    test("truthy", truthy),
    test("falsy", |call, value, arguments| truthy(call, value, arguments).map(|is| !is)),
    test("all", |_, value, arguments| {
        arguments.none("all")?;
        all_defined(value)?.iter().try_fold(true, |all, item| Ok(all && item.truthy()))
    }),
    test("any", |_, value, arguments| {
        arguments.none("any")?;
        all_defined(value)?.iter().try_fold(false, |any, item| Ok(any || item.truthy()))
    }),
    test("subset", subset),
    test("issubset", subset),
    test("superset", superset),
    test("issuperset", superset),
    test("nan", nan),
    test("isnan", nan),
];

fn bare(arguments: Arguments, is: bool) -> Result<bool> {
    arguments.none("test")?;
    Ok(is)
}

fn defined(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    arguments.none("defined")?;
    match value {
        Value::Undefined(undefined) => match undefined.fatal() {
            Some(error) => Err(error),
            None => Ok(false),
        },
        _ => Ok(true),
    }
}

fn undefined(call: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    defined(call, value, arguments).map(|is| !is)
}

fn all_defined(value: &Value) -> Result<Vec<Value>> {
    value.elements()?.into_iter().map(Value::defined).collect()
}

/// Whether there are letters and all of them are of one case.
fn cased(value: &Value, is: fn(char) -> bool) -> bool {
    let text = value.to_string();
    let mut letters = text.chars().filter(|c| c.is_lowercase() || c.is_uppercase()).peekable();
    letters.peek().is_some() && letters.all(is)
}

fn remainder(value: &Value, by: i64) -> Result<i64> {
    let rest =
        operators::binary(crate::compile::ir::BinaryOperator::Remainder, value, &Value::Int(by))?;
    Ok(match rest {
        Value::Float(0.0) => 0,
        Value::Float(1.0) => 1,
        Value::Int(number) => number,
        _ => -1,
    })
}

fn divisible_by(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    let [number] = arguments.bind("divisibleby", ["num"], 1)?;
    let number = int_argument("divisibleby", "num", &number.unwrap_or_default())?;
    if number == 0 {
        return Err(TemplateError::new(
            crate::ErrorKind::Arithmetic,
            "integer division or modulo by zero",
        ));
    }
    remainder(value, number).map(|rest| rest == 0)
}

/// Python's `is`.
fn same_as(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    let [other] = arguments.bind("sameas", ["other"], 1)?;
    Ok(match (value, &other.unwrap_or_default()) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::None, Value::None) => true,
        (Value::List(a), Value::List(b)) => a.is_same(b),
        (Value::Dict(a), Value::Dict(b)) => a.is_same(b),
        (Value::Object(a), Value::Object(b)) => std::sync::Arc::ptr_eq(a, b),
        (Value::Str(a), Value::Str(b)) => a == b,
        (a, b) => a.type_name() == b.type_name() && a.is_number() && a == b,
    })
}

fn compare(comparison: Comparison, value: &Value, arguments: Arguments) -> Result<bool> {
    let [other] = arguments.bind("comparison", ["b"], 1)?;
    operators::compare(comparison, value, &other.unwrap_or_default())
}

fn equal(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    compare(Comparison::Equal, value, arguments)
}

fn less(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    compare(Comparison::Less, value, arguments)
}

fn greater(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    compare(Comparison::Greater, value, arguments)
}

fn truthy(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    let [convert] = arguments.bind("truthy", ["convert_bool"], 0)?;
    let converts = convert.is_some_and(|convert| convert.truthy());
    let converted = if converts { boolean(value) } else { None };
    Ok(converted.unwrap_or_else(|| value.truthy()))
}

fn subset(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    let [other] = arguments.bind("subset", ["b"], 1)?;
    let other = other.unwrap_or_default().elements()?;
    Ok(value.elements()?.iter().all(|item| other.contains(item)))
}

fn superset(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    let [other] = arguments.bind("superset", ["b"], 1)?;
    let mine = value.elements()?;
    Ok(other.unwrap_or_default().elements()?.iter().all(|item| mine.contains(item)))
}

fn nan(_: &Call<'_>, value: &Value, arguments: Arguments) -> Result<bool> {
    arguments.none("nan")?;
    Ok(matches!(value, Value::Float(number) if number.is_nan()))
}
