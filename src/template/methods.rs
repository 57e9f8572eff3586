//! Methods of Python's str, list, tuple, dict, int and bytes.

pub mod brace;
mod dict;
mod list;
pub mod percent;
mod text;

use std::{fmt, sync::Arc};

pub(crate) use text::lines;

use crate::{
    error::{Result, TemplateError},
    scope::Scope,
    value::{Arguments, Object, Shape, Value},
};

/// Whether a value has a method of a name.
pub fn has(object: &Value, name: &str) -> bool {
    match object {
        Value::Str(_) => text::METHODS.contains(&name),
        Value::List(_) => list::METHODS.contains(&name),
        Value::Tuple(_) => matches!(name, "count" | "index"),
        Value::Dict(_) => dict::METHODS.contains(&name),
        Value::Object(made) => match made.shape() {
            Shape::Mapping => dict::READING.contains(&name),
            Shape::Sequence => matches!(name, "count" | "index" | "copy"),
            Shape::Plain => false,
        },
        Value::Int(_) | Value::BigInt(_) => matches!(name, "bit_length" | "conjugate"),
        Value::Float(_) => matches!(name, "is_integer" | "conjugate"),
        Value::Bytes(_) => matches!(name, "decode" | "hex"),
        _ => false,
    }
}

/// Calls a method that [`has`] knows.
///
/// # Errors
/// Wrong arguments, or what the method raises in Python.
pub fn call(object: &Value, name: &str, arguments: Arguments, scope: &Scope) -> Result<Value> {
    match object {
        Value::Str(this) => text::call(this, name, arguments),
        Value::List(this) => list::call(this, name, arguments, scope),
        Value::Tuple(items) => list::search(items, name, arguments),
        Value::Dict(this) => dict::call(this, name, arguments),
        Value::Object(made) => match made.shape() {
            Shape::Mapping => dict::read(object, name, arguments),
            _ => list::search(&made.elements(), name, arguments),
        },
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => number(object, name, arguments),
        Value::Bytes(bytes) => {
            let [_encoding, _errors] = arguments.bind(name, ["encoding", "errors"], 0)?;
            match name {
                "hex" => Ok(Value::from(crate::filters::digest::hex(bytes))),
                _ => String::from_utf8(bytes.to_vec()).map(Value::from).map_err(|_| {
                    TemplateError::of_value("'utf-8' codec can't decode the bytes: no UTF-8")
                }),
            }
        }
        other => Err(TemplateError::of_type(format!(
            "'{}' object has no method '{name}'",
            other.type_name()
        ))),
    }
}

fn number(object: &Value, name: &str, arguments: Arguments) -> Result<Value> {
    arguments.none(name)?;
    Ok(match (name, object) {
        ("bit_length", _) => {
            crate::value::big::of(object).map_or(Value::None, |number| Value::from(number.bits()))
        }
        ("is_integer", Value::Float(number)) => Value::Bool(number.fract() == 0.0),
        _ => object.clone(),
    })
}

/// A method as a value: `d.items` without the call.
pub fn bound(object: &Value, name: &str) -> Value {
    Value::Object(Arc::new(Bound { object: object.clone(), name: name.into() }))
}

/// Holds that arguments of a method are there; what is only kept or handed back may be undefined.
pub fn usable(method: &str, arguments: &Arguments) -> Result<()> {
    let kept = match method {
        "append" => 0,
        "get" | "insert" | "pop" | "setdefault" => 1,
        _ => return arguments.all_defined(),
    };
    for value in arguments.positional.iter().take(kept) {
        if let Value::Undefined(undefined) = value {
            return Err(undefined.error());
        }
    }
    Ok(())
}

struct Bound {
    object: Value,
    name: Arc<str>,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<built-in method {} of {} object>", self.name, self.object.type_name())
    }
}

impl Object for Bound {
    fn type_name(&self) -> &str {
        "builtin_function_or_method"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn text(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }

    fn call(&self, arguments: Arguments, scope: &Scope) -> Result<Value> {
        usable(&self.name, &arguments)?;
        call(&self.object, &self.name, arguments, scope)
    }
}
