//! Filters about what is there and what is true.

use super::{filter, lenient};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    value::{Arguments, Value},
};

pub(super) const FILTERS: &[Filter] = &[
    lenient("default", default),
    lenient("d", default),
    lenient("mandatory", mandatory),
    filter("bool", bool_),
    lenient("ternary", ternary),
    lenient("type_debug", type_debug),
];

fn default(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [fallback, boolean] = arguments.bind("default", ["default_value", "boolean"], 0)?;
    let for_false = match boolean {
        Some(boolean) => boolean.defined()?.truthy(),
        None => false,
    };
    if let Value::Undefined(undefined) = &value {
        if let Some(error) = undefined.fatal() {
            return Err(error);
        }
        return Ok(fallback.unwrap_or_else(|| Value::from("")));
    }
    if for_false && !value.truthy() {
        return Ok(fallback.unwrap_or_else(|| Value::from("")));
    }
    Ok(value)
}

fn mandatory(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [message] = arguments.bind("mandatory", ["msg"], 0)?;
    let Value::Undefined(undefined) = &value else { return Ok(value) };
    let message = match message {
        Some(message) if !message.is_none() => message.defined()?.to_string(),
        _ => match &undefined.missing {
            crate::Missing::Name(name) => format!("Mandatory variable '{name}'  not defined."),
            _ => "Mandatory variable  not defined.".to_owned(),
        },
    };
    Err(TemplateError::new(ErrorKind::Raised, message).because(undefined.error()))
}

/// What Ansible takes for a boolean; nothing for what is neither.
pub fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::Str(text) => match text.trim().to_lowercase().as_str() {
            "yes" | "on" | "1" | "true" | "t" | "y" => Some(true),
            "no" | "off" | "0" | "false" | "f" | "n" => Some(false),
            _ => None,
        },
        Value::Int(1) => Some(true),
        Value::Int(0) => Some(false),
        Value::Float(number) if *number == 1.0 => Some(true),
        Value::Float(number) if *number == 0.0 => Some(false),
        _ => None,
    }
}

fn bool_(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("bool")?;
    Ok(match &value {
        Value::None | Value::Bool(_) => value,
        Value::Str(text) => {
            Value::Bool(matches!(text.to_lowercase().as_str(), "yes" | "on" | "1" | "true"))
        }
        other => Value::Bool(other.as_float() == Some(1.0)),
    })
}

/// What is not chosen may be undefined, and so may what is.
fn ternary(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let value = value.defined()?;
    let [yes, no, none] = arguments.bind("ternary", ["true_val", "false_val", "none_val"], 2)?;
    let (yes, no) = (yes.unwrap_or_default(), no.unwrap_or_default());
    match none {
        Some(none) if value.is_none() && !none.is_none() => Ok(none),
        _ => Ok(if value.truthy() { yes } else { no }),
    }
}

fn type_debug(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("type_debug")?;
    Ok(Value::from(value.class_name()))
}
