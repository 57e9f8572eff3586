//! Which type the result of a template has.

use crate::{
    error::Result,
    literal_eval,
    surroundings::{Settings, Typing},
    value::{Text, Value, text::TextKind},
};

/// What a template is that is one expression.
///
/// # Errors
/// Something in the value is undefined.
pub(crate) fn of_expression(value: Value, settings: &Settings) -> Result<Value> {
    if value.is_omitted() {
        return Ok(Value::Omit);
    }
    match settings.typing {
        Typing::Kept => Ok(value),
        Typing::Literals => Ok(literal(value)),
        Typing::Structures => structure(value),
    }
}

/// What a template of several parts is. `None` stands for no part at all.
///
/// # Errors
/// Something in the value is undefined.
pub(super) fn of_parts(value: Value, settings: &Settings) -> Result<Value> {
    if value.is_omitted() {
        return Ok(Value::Omit);
    }
    match settings.typing {
        Typing::Literals => Ok(literal(value)),
        Typing::Structures => structure(value),
        Typing::Kept => match value {
            Value::None => Ok(Value::from("")),
            value @ Value::Str(_) if settings.structures_from_text => structure(value),
            value => Ok(value),
        },
    }
}

/// Everything as text; a text that reads as a list, dict or boolean becomes one.
fn structure(value: Value) -> Result<Value> {
    Ok(match value {
        Value::None => Value::from(""),
        Value::Str(text) if text.is_final() => Value::Str(text),
        Value::Str(text) => structured(text),
        Value::Bytes(bytes) => Value::from(String::from_utf8_lossy(&bytes).into_owned()),
        value => structured(value.forced()?.to_string().into()),
    })
}

/// A text that reads as a list, dict or boolean becomes one.
pub(crate) fn structured(text: Text) -> Value {
    if text.starts_with(['{', '[']) || matches!(&*text, "True" | "False") {
        let read = literal_eval::parse_structure(&text);
        return read.unwrap_or_else(|| Value::Str(unsealed(text)));
    }
    Value::Str(unsealed(text))
}

/// A text that was decrypted is, out of a template, a text like others.
fn unsealed(text: Text) -> Text {
    match text.kind() {
        TextKind::Decrypted => text.shared().into(),
        _ => text,
    }
}

/// A text becomes what Python reads it as; everything else stays what it is.
pub(crate) fn literal(value: Value) -> Value {
    let Value::Str(text) = value else { return value };
    if text.kind() == TextKind::Decrypted || text.is_final() {
        return Value::Str(unsealed(text));
    }
    // Python reads an indented line as none.
    if text.starts_with([' ', '\t']) {
        return Value::Str(text);
    }
    match literal_eval::parse(&text) {
        // What was in quotes keeps them.
        Some(Value::Str(inner)) => match text.chars().next() {
            Some(quote) => Value::from(format!("{quote}{inner}{quote}")),
            None => Value::Str(text),
        },
        Some(value) => value,
        None => Value::Str(text),
    }
}
