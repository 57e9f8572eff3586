//! Methods of dicts.

use crate::{
    error::{Result, TemplateError},
    functions::update,
    value::{Arguments, Dict, Value},
};

/// Methods that change nothing: mappings of other rooms have them, too.
pub const READING: &[&str] = &["copy", "get", "items", "keys", "values", "iteritems", "has_key"];

pub const METHODS: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
    "__setitem__",
    "__getitem__",
    "__delitem__",
    "__contains__",
    "__len__",
];

/// Calls a method of a dict.
pub fn call(dict: &Dict, name: &str, arguments: Arguments) -> Result<Value> {
    let hashable = |key: Value| {
        if key.is_hashable() {
            Ok(key)
        } else {
            Err(TemplateError::of_type(format!("unhashable type: '{}'", key.type_name())))
        }
    };
    match name {
        "clear" => {
            arguments.none(name)?;
            dict.change(|entries| entries.clear());
            Ok(Value::None)
        }
        "pop" => {
            let [key, default] = arguments.bind(name, ["key", "default"], 1)?;
            let key = hashable(key.unwrap_or_default())?;
            match (dict.remove(&key), default) {
                (Some(value), _) | (None, Some(value)) => Ok(value),
                (None, None) => Err(TemplateError::of_value(key.repr())),
            }
        }
        "popitem" => {
            arguments.none(name)?;
            match dict.change(|entries| entries.pop()) {
                Some((key, value)) => Ok(Value::tuple([key, value.force()])),
                None => Err(TemplateError::of_value("'popitem(): dictionary is empty'")),
            }
        }
        "setdefault" => {
            let [key, default] = arguments.bind(name, ["key", "default"], 1)?;
            let key = hashable(key.unwrap_or_default())?;
            if let Some(value) = dict.get_value(&key) {
                return Ok(value);
            }
            let value = default.unwrap_or_default();
            dict.insert(key, value.clone());
            Ok(value)
        }
        "update" => {
            let mut arguments = arguments;
            let named = std::mem::take(&mut arguments.keyword);
            let [from] = arguments.bind(name, ["other"], 0)?;
            if let Some(from) = from {
                update(dict, &from)?;
            }
            for (key, value) in named {
                dict.insert(key, value);
            }
            Ok(Value::None)
        }
        "fromkeys" => {
            let [keys, value] = arguments.bind(name, ["iterable", "value"], 1)?;
            let value = value.unwrap_or_default();
            let keys = keys.unwrap_or_default().elements()?;
            Ok(Value::Dict(keys.into_iter().map(|key| (key, value.clone())).collect()))
        }
        "__setitem__" => {
            let [key, value] = arguments.bind(name, ["key", "value"], 2)?;
            dict.insert(hashable(key.unwrap_or_default())?, value.unwrap_or_default());
            Ok(Value::None)
        }
        "__delitem__" => {
            let [key] = arguments.bind(name, ["key"], 1)?;
            let key = key.unwrap_or_default();
            match dict.remove(&key) {
                Some(_) => Ok(Value::None),
                None => Err(TemplateError::of_value(key.repr())),
            }
        }
        "__getitem__" => {
            let [key] = arguments.bind(name, ["key"], 1)?;
            let key = key.unwrap_or_default();
            dict.get_value(&key).ok_or_else(|| TemplateError::of_value(key.repr()))
        }
        "__contains__" => {
            let [key] = arguments.bind(name, ["key"], 1)?;
            Ok(Value::Bool(dict.contains(&key.unwrap_or_default())))
        }
        "__len__" => {
            arguments.none(name)?;
            Ok(Value::from(dict.len()))
        }
        _ => read(&Value::Dict(dict.clone()), name, arguments),
    }
}

/// Calls a method that changes nothing.
pub fn read(mapping: &Value, name: &str, arguments: Arguments) -> Result<Value> {
    match name {
        "get" => {
            let [key, default] = arguments.bind(name, ["key", "default"], 1)?;
            let key = key.unwrap_or_default();
            let found = match mapping {
                Value::Dict(dict) if key.is_hashable() => dict.get_value(&key),
                Value::Object(object) if object.contains(&key) => object.get(&key),
                _ => None,
            };
            Ok(found.or(default).unwrap_or_default())
        }
        "has_key" => {
            let [key] = arguments.bind(name, ["key"], 1)?;
            crate::eval::operators::contains(mapping, &key.unwrap_or_default()).map(Value::Bool)
        }
        _ => {
            arguments.none(name)?;
            if name == "keys" {
                return Ok(Value::list(mapping.elements()?));
            }
            let entries = mapping.entries().unwrap_or_default();
            Ok(match name {
                "values" => Value::list(entries.into_iter().map(|(_, value)| value)),
                "copy" => Value::dict(entries),
                _ => {
                    Value::list(entries.into_iter().map(|(key, value)| Value::tuple([key, value])))
                }
            })
        }
    }
}
