//! Filters over lists, of Jinja2.

use super::{filter, lenient};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    eval::attribute,
    value::{Arguments, Value, compare::sort_by_keys},
};

pub(super) const FILTERS: &[Filter] = &[
    filter("first", first),
    filter("last", last),
    filter("length", length),
    filter("count", length),
    filter("list", list),
    filter("join", join),
    lenient("map", map),
    filter("select", select),
    filter("reject", reject),
    filter("selectattr", selectattr),
    filter("rejectattr", rejectattr),
    filter("sort", sort),
    filter("dictsort", dictsort),
    filter("unique", unique),
    filter("reverse", reverse),
    filter("batch", batch),
    filter("slice", slice),
    filter("groupby", groupby),
    filter("sum", sum),
    filter("min", min),
    filter("max", max),
    filter("attr", attr),
    lenient("items", items),
    lenient("random", super::random::random),
];

/// The value that an attribute path such as `a.b.0` leads to.
pub(crate) fn by_path(value: &Value, path: &Value) -> Result<Value> {
    let Some(text) = path.as_str() else { return attribute::item(value, path) };
    let mut value = value.clone();
    for part in text.split('.') {
        let key = part.parse::<i64>().map_or_else(|_| Value::from(part), Value::Int);
        value = attribute::item(&value, &key)?;
    }
    Ok(value)
}

/// A text in lower case, for comparing without case; anything else as it is.
pub(crate) fn folded(value: Value, is_case_sensitive: bool) -> Value {
    match value {
        Value::Str(text) if !is_case_sensitive => Value::from(text.to_lowercase()),
        other => other,
    }
}

fn flag(value: Option<Value>, default: bool) -> bool {
    value.map_or(default, |value| value.truthy())
}

fn no_item(what: &str) -> Value {
    let hint = format!("No {what} item, sequence was empty.");
    Value::Undefined(Undefined::new(Missing::Hint(hint.into())))
}

fn first(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("first")?;
    Ok(value.elements()?.into_iter().next().unwrap_or_else(|| no_item("first")))
}

fn last(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("last")?;
    Ok(value.elements()?.into_iter().next_back().unwrap_or_else(|| no_item("last")))
}

fn length(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none(call.name)?;
    value.length().map(Value::from)
}

fn list(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("list")?;
    Ok(Value::list(value.elements()?))
}

fn join(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [separator, path] = arguments.bind("join", ["d", "attribute"], 0)?;
    let separator = separator.map_or(String::new(), |separator| separator.to_string());
    let mut out = String::new();
    for (at, item) in value.elements()?.into_iter().enumerate() {
        if at > 0 {
            out.push_str(&separator);
        }
        let item = match &path {
            Some(path) if !path.is_none() => by_path(&item, path)?,
            _ => item,
        };
        item.defined()?.write_text(&mut out);
    }
    Ok(Value::from(out))
}

/// `map('filter', …)` and `map(attribute='name', default=…)`
fn map(call: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    let value = value.defined()?;
    if !value.truthy() {
        // As Jinja2 has it: what is false has no items, and nobody is asked.
        return Ok(Value::empty_list());
    }
    let items = value.elements()?;
    if arguments.positional.is_empty()
        && let Some(path) = arguments.take("attribute")
    {
        let default = arguments.take("default");
        if let Some((name, _)) = arguments.keyword.first() {
            return Err(TemplateError::of_type(format!("Unexpected keyword argument '{name}'")));
        }
        return items
            .iter()
            .map(|item| {
                let found = by_path(item, &path)?;
                Ok(match (&found, &default) {
                    (Value::Undefined(_), Some(default)) => default.clone(),
                    _ => found,
                })
            })
            .collect::<Result<Vec<_>>>()
            .map(Value::list);
    }
    if arguments.positional.is_empty() {
        return Err(TemplateError::of_type("map requires a filter argument"));
    }
    let name = arguments.positional.remove(0).defined()?.to_string();
    let filter = call.scope.engine().filter(&name)?;
    if !filter.takes_undefined() {
        arguments.all_defined()?;
    }
    items
        .into_iter()
        .map(|item| {
            let item = if filter.takes_undefined() { item } else { item.defined()? };
            filter.apply(call.scope, None, item, arguments.clone())
        })
        .collect::<Result<Vec<_>>>()
        .map(Value::list)
}

/// Keeps the items of which a test, or truth itself, says `wanted`.
fn sift(
    call: &Call<'_>,
    value: Value,
    mut arguments: Arguments,
    path: Option<Value>,
    wanted: bool,
) -> Result<Value> {
    if !value.truthy() {
        return Ok(Value::empty_list());
    }
    let test = if arguments.positional.is_empty() {
        None
    } else {
        let name = arguments.positional.remove(0).to_string();
        Some(call.scope.engine().test(&name)?)
    };
    let mut kept = Vec::new();
    for item in value.elements()? {
        let asked = match &path {
            Some(path) => by_path(&item, path)?,
            None => item.clone(),
        };
        let is_true = match &test {
            Some(test) => {
                let asked = if test.takes_undefined() { asked } else { asked.defined()? };
                test.ask(call.scope, None, &asked, arguments.clone())?
            }
            None => asked.defined()?.truthy(),
        };
        if is_true == wanted {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn select(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    sift(call, value, arguments, None, true)
}

fn reject(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    sift(call, value, arguments, None, false)
}

fn sift_by(call: &Call<'_>, value: Value, mut arguments: Arguments, wanted: bool) -> Result<Value> {
    let path = if arguments.positional.is_empty() {
        arguments.take("attribute")
    } else {
        Some(arguments.positional.remove(0))
    };
    let Some(path) = path else {
        return Err(TemplateError::of_type("Missing parameter for attribute name"));
    };
    sift(call, value, arguments, Some(path), wanted)
}

fn selectattr(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    sift_by(call, value, arguments, true)
}

fn rejectattr(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    sift_by(call, value, arguments, false)
}

/// What an item is sorted or grouped by: one attribute or several, with commas.
fn sort_key(item: &Value, paths: Option<&Value>, is_case_sensitive: bool) -> Result<Value> {
    let Some(paths) = paths else { return Ok(folded(item.clone(), is_case_sensitive)) };
    let Some(text) = paths.as_str().filter(|text| text.contains(',')) else {
        return Ok(folded(by_path(item, paths)?.defined()?, is_case_sensitive));
    };
    let keys = text
        .split(',')
        .map(|path| {
            let value = by_path(item, &Value::from(path))?.defined()?;
            Ok(folded(value, is_case_sensitive))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Value::tuple(keys))
}

fn sort(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [reverse, case, path] =
        arguments.bind("sort", ["reverse", "case_sensitive", "attribute"], 0)?;
    let is_case_sensitive = flag(case, false);
    let path = path.filter(|path| !path.is_none());
    let mut items = value
        .elements()?
        .into_iter()
        .map(|item| Ok((sort_key(&item, path.as_ref(), is_case_sensitive)?, item)))
        .collect::<Result<Vec<_>>>()?;
    sort_by_keys(&mut items, flag(reverse, false))?;
    Ok(Value::list(items.into_iter().map(|(_, item)| item)))
}

fn dictsort(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [case, by, reverse] = arguments.bind("dictsort", ["case_sensitive", "by", "reverse"], 0)?;
    let is_case_sensitive = flag(case, false);
    let by = by.map_or("key".to_owned(), |by| by.to_string());
    if !matches!(by.as_str(), "key" | "value") {
        return Err(TemplateError::of_value("You can only sort by either \"key\" or \"value\""));
    }
    let Some(entries) = value.entries() else {
        return Err(TemplateError::of_type(format!(
            "'{}' object has no attribute 'items'",
            value.type_name()
        )));
    };
    let mut items: Vec<(Value, Value)> = entries
        .into_iter()
        .map(|(key, value)| {
            let by = if by == "key" { key.clone() } else { value.clone() };
            (folded(by, is_case_sensitive), Value::tuple([key, value]))
        })
        .collect();
    sort_by_keys(&mut items, flag(reverse, false))?;
    Ok(Value::list(items.into_iter().map(|(_, item)| item)))
}

fn unique(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [case, path] = arguments.bind("unique", ["case_sensitive", "attribute"], 0)?;
    let path = path.filter(|path| !path.is_none());
    let is_folded = case == Some(Value::Bool(false));
    let is_case_sensitive = flag(case, false);
    let mut seen = indexmap::IndexSet::new();
    let mut kept = Vec::new();
    for item in value.elements()? {
        let key = match &path {
            Some(path) => by_path(&item, path)?,
            None => item.clone(),
        };
        let key = key.defined()?;
        if !key.is_hashable() && (is_folded || path.is_some()) {
            return Err(TemplateError::new(
                ErrorKind::Value,
                "Jinja2's unique filter failed and we cannot fall back to Ansible's version as it \
                 does not support the parameters supplied",
            ));
        }
        if seen.insert(folded(key, is_case_sensitive)) {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn reverse(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("reverse")?;
    match &value {
        Value::Str(text) => Ok(Value::from(text.chars().rev().collect::<String>())),
        other => {
            let mut items = other.elements()?;
            items.reverse();
            Ok(Value::list(items))
        }
    }
}

fn size(function: &str, value: Option<Value>) -> Result<usize> {
    let number = value.unwrap_or_default();
    number.as_int().and_then(|number| usize::try_from(number).ok()).filter(|n| *n > 0).ok_or_else(
        || TemplateError::of_value(format!("{function}: the number must be a positive integer")),
    )
}

fn batch(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [count, fill] = arguments.bind("batch", ["linecount", "fill_with"], 1)?;
    let count = size("batch", count)?;
    let items = value.elements()?;
    let batches = items.chunks(count).map(|chunk| {
        let mut batch = chunk.to_vec();
        if let Some(fill) = fill.as_ref().filter(|fill| !fill.is_none()) {
            batch.resize(count, fill.clone());
        }
        Value::list(batch)
    });
    Ok(Value::list(batches))
}

fn slice(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [count, fill] = arguments.bind("slice", ["slices", "fill_with"], 1)?;
    let count = size("slice", count)?;
    let items = value.elements()?;
    let (each, extra) = (items.len() / count, items.len() % count);
    let mut rest = items.into_iter();
    let mut slices = Vec::new();
    for at in 0..count.min(1 << 20) {
        let mut part: Vec<Value> = rest.by_ref().take(each + usize::from(at < extra)).collect();
        if let Some(fill) = fill.as_ref().filter(|fill| !fill.is_none())
            && at >= extra
            && extra > 0
        {
            part.push(fill.clone());
        }
        slices.push(Value::list(part));
    }
    Ok(Value::list(slices))
}

fn groupby(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [path, default, case] =
        arguments.bind("groupby", ["attribute", "default", "case_sensitive"], 1)?;
    let path = path.unwrap_or_default();
    let is_case_sensitive = flag(case, false);
    let mut items = Vec::new();
    for item in value.elements()? {
        let key = match (by_path(&item, &path)?, &default) {
            (Value::Undefined(_), Some(default)) => default.clone(),
            (key, _) => key.defined()?,
        };
        items.push((folded(key.clone(), is_case_sensitive), (key, item)));
    }
    sort_by_keys(&mut items, false)?;
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for (by, (key, item)) in items {
        match groups.last_mut() {
            Some((known, _, group)) if *known == by => group.push(item),
            _ => groups.push((by, key, vec![item])),
        }
    }
    Ok(Value::list(
        groups.into_iter().map(|(_, key, group)| {
            Value::object(Group { grouper: key, items: Value::list(group) })
        }),
    ))
}

/// A group of `groupby`: a tuple whose parts also have names.
#[derive(Debug)]
struct Group {
    grouper: Value,
    items: Value,
}

impl crate::value::Object for Group {
    fn shape(&self) -> crate::value::Shape {
        crate::value::Shape::Sequence
    }

    fn type_name(&self) -> &str {
        "_GroupTuple"
    }

    fn get(&self, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "grouper" => Some(self.grouper.clone()),
            "list" => Some(self.items.clone()),
            _ => None,
        }
    }

    fn elements(&self) -> Vec<Value> {
        vec![self.grouper.clone(), self.items.clone()]
    }

    fn text(&self) -> Option<String> {
        Some(Value::tuple(self.elements()).repr())
    }
}

fn sum(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [path, start] = arguments.bind("sum", ["attribute", "start"], 0)?;
    let path = path.filter(|path| !path.is_none());
    let mut total = start.unwrap_or(Value::Int(0));
    for item in value.elements()? {
        let item = match &path {
            Some(path) => by_path(&item, path)?,
            None => item,
        };
        total = crate::eval::operators::binary(
            crate::compile::ir::BinaryOperator::Add,
            &total,
            &item.defined()?,
        )?;
    }
    Ok(total)
}

/// The smallest or largest item.
fn extreme(value: Value, arguments: Arguments, function: &str, wants_max: bool) -> Result<Value> {
    let [case, path] = arguments.bind(function, ["case_sensitive", "attribute"], 0)?;
    let is_case_sensitive = flag(case, false);
    let path = path.filter(|path| !path.is_none());
    let mut best: Option<(Value, Value)> = None;
    for item in value.elements()? {
        let key = sort_key(&item.clone().defined()?, path.as_ref(), is_case_sensitive)?;
        let is_better = match &best {
            None => true,
            Some((known, _)) => {
                let sign = if wants_max { ">" } else { "<" };
                let order = key.order(known, sign)?;
                order
                    == Some(if wants_max {
                        std::cmp::Ordering::Greater
                    } else {
                        std::cmp::Ordering::Less
                    })
            }
        };
        if is_better {
            best = Some((key, item));
        }
    }
    Ok(best.map_or_else(|| no_item(if wants_max { "max" } else { "min" }), |(_, item)| item))
}

fn min(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    extreme(value, arguments, "min", false)
}

fn max(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    extreme(value, arguments, "max", true)
}

fn attr(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [name] = arguments.bind("attr", ["name"], 1)?;
    let name = name.unwrap_or_default().to_string();
    // Only attributes: elements of dicts are none.
    Ok(if crate::methods::has(&value, &name) {
        crate::methods::bound(&value, &name)
    } else if let Value::Object(object) = &value {
        object
            .get(&Value::from(name.as_str()))
            .unwrap_or_else(|| attribute::missing(&value, Value::from(name)))
    } else {
        attribute::missing(&value, Value::from(name))
    })
}

fn items(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("items")?;
    if value.is_undefined() {
        return Ok(Value::empty_list());
    }
    let Some(entries) = value.entries() else {
        return Err(TemplateError::of_type("Can only get item pairs from a mapping."));
    };
    Ok(Value::list(entries.into_iter().map(|(key, value)| Value::tuple([key, value]))))
}
