//! Values to and from JSON.

use serde_json::{Map, Number, Value as Json};

use super::{Dict, List, Shape, Text, TextKind, Value, big, float};
use crate::error::{ErrorKind, Result, TemplateError};

/// How deep a value may be nested; Python's own limit is near it.
const DEPTH_MAX: usize = 400;

impl Value {
    /// The value of a JSON document. All of it is data.
    pub fn from_json(json: &Json) -> Self {
        Self::of_json(json, TextKind::Plain)
    }

    /// The value of what a host, a module or a fact said.
    pub fn from_result(json: &Json) -> Self {
        Self::of_json(json, TextKind::Untrusted)
    }

    fn of_json(json: &Json, kind: TextKind) -> Self {
        match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => from_number(number),
            Json::String(text) => Self::Str(Text::new(text.as_str(), kind)),
            Json::Array(items) => {
                Self::List(items.iter().map(|item| Self::of_json(item, kind)).collect::<List>())
            }
            Json::Object(entries) => Self::Dict(
                entries
                    .iter()
                    .map(|(key, value)| {
                        (Self::Str(Text::new(key.as_str(), kind)), Self::of_json(value, kind))
                    })
                    .collect::<Dict>(),
            ),
        }
    }

    /// The value as JSON, all of it worked out. Keys become strings as Python's `json.dumps` makes
    /// them; tuples become lists; bytes become text, with `U+FFFD` for what is no UTF-8.
    ///
    /// # Errors
    /// Something in it is undefined (the message names it), is no data (a macro), has a key that
    /// JSON cannot have, or is nested without end.
    pub fn to_json(&self) -> Result<Json> {
        self.json_at(0)
    }

    fn json_at(&self, depth: usize) -> Result<Json> {
        if depth > DEPTH_MAX {
            return Err(TemplateError::new(ErrorKind::Limit, "the value refers to itself"));
        }
        let list = |items: &mut dyn Iterator<Item = Value>| -> Result<Json> {
            items.map(|item| item.json_at(depth + 1)).collect::<Result<Vec<_>>>().map(Json::Array)
        };
        Ok(match self {
            Self::Undefined(undefined) => return Err(undefined.error()),
            Self::None => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(number) => Json::from(*number),
            Self::BigInt(number) => match u64::try_from(&**number) {
                Ok(number) => Json::from(number),
                Err(_) => Number::from_f64(big::to_f64(number)).map_or(Json::Null, Json::Number),
            },
            Self::Float(number) => Number::from_f64(*number)
                .map_or_else(|| Json::String(float::repr(*number)), Json::Number),
            Self::Str(text) => Json::String(text.to_string()),
            Self::Omit => Json::String(self.to_string()),
            Self::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
            Self::List(items) => list(&mut items.snapshot().iter().map(|item| item.force()))?,
            Self::Tuple(items) => list(&mut items.iter().cloned())?,
            Self::Dict(entries) => {
                let mut map = Map::new();
                for (key, value) in entries.snapshot().iter() {
                    map.insert(json_key(key)?, value.force().json_at(depth + 1)?);
                }
                Json::Object(map)
            }
            Self::Object(object) => match object.shape() {
                Shape::Mapping => {
                    let mut map = Map::new();
                    for (key, value) in self.entries().unwrap_or_default() {
                        map.insert(json_key(&key)?, value.json_at(depth + 1)?);
                    }
                    Json::Object(map)
                }
                Shape::Sequence => list(&mut object.elements().into_iter())?,
                Shape::Plain => match object.json() {
                    Some(text) => Json::String(text),
                    None => {
                        return Err(TemplateError::of_type(format!(
                            "Object of type {} is not JSON serializable",
                            object.type_name()
                        )));
                    }
                },
            },
        })
    }
}

/// The key of an object, as `json.dumps` writes keys that are no strings.
pub(crate) fn json_key(key: &Value) -> Result<String> {
    Ok(match key {
        Value::Str(text) => text.to_string(),
        Value::None => "null".into(),
        Value::Bool(value) => value.to_string(),
        Value::Int(_) | Value::BigInt(_) | Value::Float(_) => key.to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Undefined(undefined) => return Err(undefined.error()),
        other => {
            return Err(TemplateError::of_type(format!(
                "keys must be str, int, float, bool or None, not {}",
                other.type_name()
            )));
        }
    })
}

fn from_number(number: &Number) -> Value {
    if let Some(number) = number.as_i64() {
        return Value::Int(number);
    }
    if let Some(number) = number.as_u64() {
        return Value::from(number);
    }
    Value::Float(number.as_f64().unwrap_or(f64::NAN))
}
