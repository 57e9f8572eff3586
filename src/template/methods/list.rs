//! Methods of lists and tuples.

use crate::{
    error::{Result, TemplateError},
    scope::Scope,
    value::{Arguments, List, Value, compare::sort_by_keys, object::int_argument},
};

pub const METHODS: &[&str] = &[
    "append",
    "clear",
    "copy",
    "count",
    "extend",
    "index",
    "insert",
    "pop",
    "remove",
    "reverse",
    "sort",
    "__len__",
    "__contains__",
];

/// Calls a method of a list.
pub fn call(list: &List, name: &str, arguments: Arguments, scope: &Scope) -> Result<Value> {
    match name {
        "append" => {
            let [item] = arguments.bind(name, ["object"], 1)?;
            list.push(item.unwrap_or_default());
        }
        "extend" => {
            let [items] = arguments.bind(name, ["iterable"], 1)?;
            let items = items.unwrap_or_default().elements()?;
            list.change(|all| all.extend(items.into_iter().map(Into::into)));
        }
        "insert" => {
            let [at, item] = arguments.bind(name, ["index", "object"], 2)?;
            let at = int_argument(name, "index", &at.unwrap_or_default())?;
            let item = item.unwrap_or_default();
            list.change(|all| {
                let length = all.len() as i64;
                let at = if at < 0 { (at + length).max(0) } else { at.min(length) };
                all.insert(at as usize, item.into());
            });
        }
        "pop" => {
            let [at] = arguments.bind(name, ["index"], 0)?;
            let at = at.map_or(Ok(-1), |at| int_argument(name, "index", &at))?;
            if list.is_empty() {
                return Err(TemplateError::of_value("pop from empty list"));
            }
            let popped = list.change(|all| {
                let length = all.len() as i64;
                let at = if at < 0 { at + length } else { at };
                ((0..length).contains(&at)).then(|| all.remove(at as usize))
            });
            return popped
                .map(|item| item.force())
                .ok_or_else(|| TemplateError::of_value("pop index out of range"));
        }
        "remove" => {
            let [item] = arguments.bind(name, ["value"], 1)?;
            let item = item.unwrap_or_default();
            let Some(at) = list.to_vec().iter().position(|other| *other == item) else {
                return Err(TemplateError::of_value("list.remove(x): x not in list"));
            };
            list.change(|all| {
                if at < all.len() {
                    all.remove(at);
                }
            });
        }
        "clear" => {
            arguments.none(name)?;
            list.change(Vec::clear);
        }
        "reverse" => {
            arguments.none(name)?;
            list.change(|all| all.reverse());
        }
        "copy" => {
            arguments.none(name)?;
            return Ok(Value::list(list.iter()));
        }
        "sort" => {
            let mut arguments = arguments;
            let reverse = arguments.take("reverse").is_some_and(|reverse| reverse.truthy());
            let key = arguments.take("key").filter(|key| !key.is_none());
            arguments.none(name)?;
            let mut items = Vec::new();
            for item in list.iter() {
                let by = match &key {
                    Some(Value::Object(key)) => key.call(Arguments::of([item.clone()]), scope)?,
                    _ => item.clone(),
                };
                items.push((by, item));
            }
            sort_by_keys(&mut items, reverse)?;
            list.replace(items.into_iter().map(|(_, item)| item).collect());
        }
        _ => return search(&list.to_vec(), name, arguments),
    }
    Ok(Value::None)
}

/// `count`, `index` and the methods behind `len()` and `in`.
pub fn search(items: &[Value], name: &str, arguments: Arguments) -> Result<Value> {
    match name {
        "copy" => {
            arguments.none(name)?;
            Ok(Value::list(items.iter().cloned()))
        }
        "__len__" => Ok(Value::from(items.len())),
        "__contains__" => {
            let [item] = arguments.bind(name, ["value"], 1)?;
            Ok(Value::Bool(items.contains(&item.unwrap_or_default())))
        }
        "count" => {
            let [item] = arguments.bind(name, ["value"], 1)?;
            let item = item.unwrap_or_default();
            Ok(Value::from(items.iter().filter(|other| **other == item).count()))
        }
        _ => {
            let [item, start, stop] = arguments.bind(name, ["value", "start", "stop"], 1)?;
            let item = item.unwrap_or_default();
            let length = items.len() as i64;
            let bound = |value: Option<Value>, default: i64| -> Result<usize> {
                let at = value.map_or(Ok(default), |at| int_argument("index", "start", &at))?;
                let at = if at < 0 { at + length } else { at };
                Ok(at.clamp(0, length) as usize)
            };
            let (start, stop) = (bound(start, 0)?, bound(stop, length)?);
            items
                .iter()
                .enumerate()
                .take(stop)
                .skip(start)
                .find(|(_, other)| **other == item)
                .map(|(at, _)| Value::from(at))
                .ok_or_else(|| TemplateError::of_value(format!("{} is not in list", item.repr())))
        }
    }
}
