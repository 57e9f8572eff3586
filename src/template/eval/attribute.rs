//! Attributes, elements and slices.

use super::class;
use crate::{
    Dict,
    error::{Missing, Result, TemplateError, Undefined},
    methods,
    value::{Shape, Value},
};

/// `object.name`: Python's attributes (methods) first, then the element of that name.
pub fn attribute(object: &Value, name: &str) -> Value {
    match object {
        Value::Undefined(_) => object.clone(),
        _ if name == "__class__" => class::of(object),
        Value::Dict(dict) => {
            if methods::has(object, name) {
                return methods::bound(object, name);
            }
            dict.get(name).unwrap_or_else(|| missing(object, Value::from(name)))
        }
        Value::Object(made) => {
            if made.shape() == Shape::Mapping && methods::has(object, name) {
                return methods::bound(object, name);
            }
            made.get(&Value::from(name)).unwrap_or_else(|| missing(object, Value::from(name)))
        }
        _ if methods::has(object, name) => methods::bound(object, name),
        _ => missing(object, Value::from(name)),
    }
}

/// `object[key]`: the element first, then, for a text, the attribute of that name.
///
/// # Errors
/// The key cannot be one.
pub fn item(object: &Value, key: &Value) -> Result<Value> {
    Ok(match (object, key) {
        (Value::Undefined(_), _) => object.clone(),
        (Value::Dict(dict), Value::Str(name)) => match dict.get(name) {
            Some(value) => value,
            None if methods::has(object, name) => methods::bound(object, name),
            None => missing(object, key.clone()),
        },
        (Value::Dict(dict), _) => {
            let found = if key.is_hashable() { dict.get_value(key) } else { None };
            found.unwrap_or_else(|| missing(object, key.clone()))
        }
        (Value::Object(made), _) => match made.get(key) {
            Some(value) => value,
            None => match key {
                Value::Str(name) if methods::has(object, name) => methods::bound(object, name),
                _ => element_of(&made.elements(), key)
                    .unwrap_or_else(|| missing(object, key.clone())),
            },
        },
        (Value::List(list), _) => match key.as_int().and_then(|at| place(at, list.len())) {
            Some(at) => list.get(at).unwrap_or_else(|| missing(object, key.clone())),
            None => attribute_of_sequence(object, key),
        },
        (Value::Tuple(items), _) => {
            element_of(items, key).unwrap_or_else(|| attribute_of_sequence(object, key))
        }
        (Value::Str(text), _) => match key.as_int() {
            Some(at) => {
                let length = text.chars().count();
                place(at, length)
                    .and_then(|at| text.chars().nth(at))
                    .map_or_else(|| missing(object, key.clone()), |c| Value::from(c.to_string()))
            }
            None => attribute_of_sequence(object, key),
        },
        (Value::Bytes(bytes), _) => key
            .as_int()
            .and_then(|at| place(at, bytes.len()))
            .and_then(|at| bytes.get(at))
            .map_or_else(|| missing(object, key.clone()), |byte| Value::from(*byte)),
        _ => missing(object, key.clone()),
    })
}

fn attribute_of_sequence(object: &Value, key: &Value) -> Value {
    match key {
        Value::Str(name) if methods::has(object, name) => methods::bound(object, name),
        _ => missing(object, key.clone()),
    }
}

fn element_of(items: &[Value], key: &Value) -> Option<Value> {
    let at = place(key.as_int()?, items.len())?;
    items.get(at).cloned()
}

/// A Python index as a place from the start; nothing outside of the sequence.
fn place(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { at.checked_add(length as i64)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < length)
}

/// The undefined value of an attribute or element that is not there.
pub fn missing(object: &Value, key: Value) -> Value {
    let owner = match object {
        Value::None => "None".to_owned(),
        Value::Object(object) => format!("{} object", object.class_path()),
        other => format!("{} object", other.type_name()),
    };
    let missing = match key {
        key if object.as_dict().is_some_and(Dict::is_open) => Missing::UntilRun { key },
        Value::Str(_) => Missing::Attribute { owner: owner.into(), key },
        _ => Missing::Element { owner: owner.into(), key },
    };
    Value::Undefined(Undefined::new(missing))
}

/// `object[start:stop:step]`
///
/// # Errors
/// The object is no sequence, or the step is zero.
pub fn slice(object: &Value, [start, stop, step]: [Option<i64>; 3]) -> Result<Value> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(TemplateError::of_value("slice step cannot be zero"));
    }
    Ok(match object {
        Value::Str(text) => {
            let chars: Vec<char> = text.chars().collect();
            let picked: String =
                indices(chars.len(), start, stop, step).filter_map(|at| chars.get(at)).collect();
            Value::from(picked)
        }
        Value::Tuple(items) => Value::tuple(picked(items, start, stop, step)),
        Value::List(list) => Value::list(picked(&list.to_vec(), start, stop, step)),
        Value::Object(made) if made.shape() == Shape::Sequence => {
            Value::list(picked(&made.elements(), start, stop, step))
        }
        Value::Undefined(undefined) => return Err(undefined.error()),
        other => {
            return Err(TemplateError::of_type(format!(
                "'{}' object is not subscriptable",
                other.type_name()
            )));
        }
    })
}

fn picked(items: &[Value], start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<Value> {
    indices(items.len(), start, stop, step).filter_map(|at| items.get(at).cloned()).collect()
}

/// The places that a Python slice means.
fn indices(
    length: usize,
    start: Option<i64>,
    stop: Option<i64>,
    step: i64,
) -> impl Iterator<Item = usize> {
    let length = length as i64;
    let clamp = |at: i64, low: i64, high: i64| {
        let at = if at < 0 { at.saturating_add(length) } else { at };
        at.clamp(low, high)
    };
    let (from, to) = if step > 0 {
        (start.map_or(0, |at| clamp(at, 0, length)), stop.map_or(length, |at| clamp(at, 0, length)))
    } else {
        (
            start.map_or(length - 1, |at| clamp(at, -1, length - 1)),
            stop.map_or(-1, |at| clamp(at, -1, length - 1)),
        )
    };
    std::iter::successors(Some(from), move |at| at.checked_add(step))
        .take_while(move |at| if step > 0 { *at < to } else { *at > to })
        .filter_map(|at| usize::try_from(at).ok())
}
