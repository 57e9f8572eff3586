//! Filters that combine lists and dicts.

use super::{filter, sequences::by_path};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    eval::attribute,
    value::{Arguments, Dict, Value, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[
    filter("union", union),
    filter("intersect", intersect),
    filter("difference", difference),
    filter("symmetric_difference", symmetric_difference),
    filter("flatten", flatten),
    filter("zip", zip),
    filter("zip_longest", zip_longest),
    filter("product", product),
    filter("combinations", combinations),
    filter("permutations", permutations),
    filter("subelements", subelements),
    filter("combine", combine),
    filter("dict2items", dict2items),
    filter("items2dict", items2dict),
    super::lenient("extract", extract),
    filter("rekey_on_member", rekey_on_member),
];

/// The most items that a filter makes out of few.
const ITEMS_MAX: usize = 1_000_000;

type Set = indexmap::IndexSet<Value>;

/// The items of two lists, none of them undefined.
fn two(function: &str, value: &Value, arguments: Arguments) -> Result<(Vec<Value>, Vec<Value>)> {
    let [other] = arguments.bind(function, ["b"], 1)?;
    let defined = |value: &Value| -> Result<Vec<Value>> {
        value.elements()?.into_iter().map(Value::defined).collect()
    };
    Ok((defined(value)?, defined(&other.unwrap_or_default())?))
}

fn listed(items: impl IntoIterator<Item = Value>) -> Value {
    Value::list(items)
}

fn union(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let (a, b) = two("union", &value, arguments)?;
    Ok(listed(a.into_iter().chain(b).collect::<Set>()))
}

fn intersect(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let (a, b) = two("intersect", &value, arguments)?;
    let b: Set = b.into_iter().collect();
    Ok(listed(a.into_iter().filter(|item| b.contains(item)).collect::<Set>()))
}

fn difference(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let (a, b) = two("difference", &value, arguments)?;
    let b: Set = b.into_iter().collect();
    Ok(listed(a.into_iter().filter(|item| !b.contains(item)).collect::<Set>()))
}

fn symmetric_difference(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let (a, b) = two("symmetric_difference", &value, arguments)?;
    let (a, b): (Set, Set) = (a.into_iter().collect(), b.into_iter().collect());
    Ok(listed(a.symmetric_difference(&b).cloned().collect::<Set>()))
}

fn flatten(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [levels, skip] = arguments.bind("flatten", ["levels", "skip_nulls"], 0)?;
    let levels = match levels {
        None | Some(Value::None) => i64::MAX,
        Some(levels) => int_argument("flatten", "levels", &levels)?,
    };
    let skip = skip.is_none_or(|skip| skip.truthy());
    let mut out = Vec::new();
    flatten_into(&mut out, value.elements()?, levels, skip)?;
    Ok(Value::list(out))
}

/// Appends items, lists among them taken apart.
pub(crate) fn flatten_into(
    out: &mut Vec<Value>,
    items: Vec<Value>,
    levels: i64,
    skips_nulls: bool,
) -> Result<()> {
    for item in items {
        let is_null =
            matches!(&item, Value::None) || matches!(item.as_str(), Some("None" | "null"));
        if skips_nulls && is_null {
            continue;
        }
        if item.is_sequence() && levels > 0 {
            flatten_into(out, item.elements()?, levels - 1, skips_nulls)?;
        } else {
            out.push(item);
        }
    }
    Ok(())
}

fn all_elements(value: &Value, others: Vec<Value>) -> Result<Vec<Vec<Value>>> {
    let mut lists = vec![value.elements()?];
    for other in others {
        lists.push(other.elements()?);
    }
    Ok(lists)
}

fn zip(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let lists = all_elements(&value, arguments.positional)?;
    let length = lists.iter().map(Vec::len).min().unwrap_or(0);
    Ok(zipped(&lists, length, &Value::None))
}

fn zip_longest(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    let fill = arguments.take("fillvalue").unwrap_or_default();
    let lists = all_elements(&value, arguments.positional)?;
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    Ok(zipped(&lists, length, &fill))
}

fn zipped(lists: &[Vec<Value>], length: usize, fill: &Value) -> Value {
    Value::list((0..length).map(|at| {
        Value::tuple(lists.iter().map(|list| list.get(at).cloned().unwrap_or_else(|| fill.clone())))
    }))
}

/// Every choice of one item from each list, the last list fastest.
pub(crate) fn cartesian(lists: &[Vec<Value>]) -> Result<Vec<Vec<Value>>> {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in lists {
        if rows.len().saturating_mul(list.len()) > ITEMS_MAX {
            return Err(too_many());
        }
        rows = rows
            .into_iter()
            .flat_map(|row| {
                list.iter().map(move |item| {
                    let mut row = row.clone();
                    row.push(item.clone());
                    row
                })
            })
            .collect();
    }
    Ok(rows)
}

fn too_many() -> TemplateError {
    TemplateError::new(ErrorKind::Limit, format!("more than {ITEMS_MAX} items would be made"))
}

fn product(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    let repeat = match arguments.take("repeat") {
        Some(repeat) => int_argument("product", "repeat", &repeat)?,
        None => 1,
    };
    let once = all_elements(&value, arguments.positional)?;
    let repeat = usize::try_from(repeat).unwrap_or(0).min(64);
    let lists: Vec<Vec<Value>> = std::iter::repeat_n(once, repeat).flatten().collect();
    Ok(Value::list(cartesian(&lists)?.into_iter().map(Value::tuple)))
}

fn combinations(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [count] = arguments.bind("combinations", ["r"], 1)?;
    let count = int_argument("combinations", "r", &count.unwrap_or_default())?;
    let items = value.elements()?;
    let count = usize::try_from(count).unwrap_or(0);
    let mut out = Vec::new();
    let mut chosen = Vec::new();
    choose(&items, count, 0, &mut chosen, &mut out)?;
    Ok(Value::list(out))
}

fn choose(
    items: &[Value],
    count: usize,
    from: usize,
    chosen: &mut Vec<Value>,
    out: &mut Vec<Value>,
) -> Result<()> {
    if chosen.len() == count {
        if out.len() >= ITEMS_MAX {
            return Err(too_many());
        }
        out.push(Value::tuple(chosen.iter().cloned()));
        return Ok(());
    }
    for (at, item) in items.iter().enumerate().skip(from) {
        chosen.push(item.clone());
        choose(items, count, at + 1, chosen, out)?;
        chosen.pop();
    }
    Ok(())
}

fn permutations(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [count] = arguments.bind("permutations", ["r"], 0)?;
    let items = value.elements()?;
    let count = match count {
        None | Some(Value::None) => items.len(),
        Some(count) => usize::try_from(int_argument("permutations", "r", &count)?).unwrap_or(0),
    };
    let mut out = Vec::new();
    arrange(&items, count, &mut Vec::new(), &mut out)?;
    Ok(Value::list(out))
}

fn arrange(
    items: &[Value],
    count: usize,
    chosen: &mut Vec<usize>,
    out: &mut Vec<Value>,
) -> Result<()> {
    if chosen.len() == count {
        if out.len() >= ITEMS_MAX {
            return Err(too_many());
        }
        out.push(Value::tuple(chosen.iter().filter_map(|at| items.get(*at).cloned())));
        return Ok(());
    }
    for at in 0..items.len() {
        if !chosen.contains(&at) {
            chosen.push(at);
            arrange(items, count, chosen, out)?;
            chosen.pop();
        }
    }
    Ok(())
}

fn subelements(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [path, skip] = arguments.bind("subelements", ["subelements", "skip_missing"], 1)?;
    let skip = skip.is_some_and(|skip| skip.truthy());
    pairs_with_subelements(&value, &path.unwrap_or_default(), skip).map(Value::list)
}

/// Each item with each element of a list within it.
pub(crate) fn pairs_with_subelements(
    value: &Value,
    path: &Value,
    skips_missing: bool,
) -> Result<Vec<Value>> {
    let items = match value.entries() {
        Some(entries) => entries.into_iter().map(|(_, item)| item).collect(),
        None if value.is_sequence() => value.elements()?,
        None => {
            return Err(TemplateError::of_type("obj must be a list of dicts or a nested dict"));
        }
    };
    let keys: Vec<Value> = match path.as_str() {
        Some(text) => text.split('.').map(Value::from).collect(),
        None if path.is_sequence() => path.elements()?,
        None => return Err(TemplateError::of_type("subelements must be a list or a string")),
    };
    let mut pairs = Vec::new();
    for item in items {
        let mut found = Some(item.clone());
        for key in &keys {
            if let Some(value) = found.as_ref().filter(|value| value.entries().is_none()) {
                return Err(TemplateError::of_type(format!(
                    "the key {key} should point to a dictionary, got '{value}'"
                )));
            }
            let step = found.as_ref().and_then(|value| value.get(&key.to_string()));
            if step.is_none() {
                if skips_missing {
                    found = None;
                    break;
                }
                return Err(TemplateError::of_value(format!(
                    "could not find {} key in iterated item {}",
                    key.repr(),
                    found.as_ref().unwrap_or(&item).repr()
                )));
            }
            found = step;
        }
        let Some(found) = found else { continue };
        match &found {
            Value::None if skips_missing => {}
            list if list.is_sequence() => {
                for element in list.elements()? {
                    pairs.push(Value::tuple([item.clone(), element]));
                }
            }
            other => {
                return Err(TemplateError::of_type(format!(
                    "the key {} should point to a list, got {}",
                    keys.last().unwrap_or(path).repr(),
                    other.repr()
                )));
            }
        }
    }
    Ok(pairs)
}

/// How `combine` treats lists that meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ListMerge {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendMissing,
    PrependMissing,
}

fn combine(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    let is_recursive = arguments.take("recursive").is_some_and(|value| value.truthy());
    let merge = match arguments.take("list_merge") {
        None => ListMerge::Replace,
        Some(name) => match name.to_string().as_str() {
            "replace" => ListMerge::Replace,
            "keep" => ListMerge::Keep,
            "append" => ListMerge::Append,
            "prepend" => ListMerge::Prepend,
            "append_rp" => ListMerge::AppendMissing,
            "prepend_rp" => ListMerge::PrependMissing,
            other => {
                return Err(TemplateError::of_value(format!(
                    "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', \
                     'append', 'prepend', 'append_rp' or 'prepend_rp', not '{other}'"
                )));
            }
        },
    };
    if !arguments.keyword.is_empty() {
        return Err(TemplateError::of_type(
            "'recursive' and 'list_merge' are the only valid keyword arguments",
        ));
    }
    let mut dicts = Vec::new();
    let mut flat = Vec::new();
    flatten_into(
        &mut flat,
        std::iter::once(value).chain(arguments.positional).collect(),
        1,
        false,
    )?;
    for dict in flat {
        let dict = dict.defined()?;
        // What is nothing adds nothing.
        if dict.is_none() {
            continue;
        }
        if !dict.is_mapping() {
            return Err(TemplateError::of_type(format!(
                "failed to combine variables, expected dicts but got a '{}'",
                dict.type_name()
            )));
        }
        if dict.length()? > 0 {
            dicts.push(dict);
        }
    }
    let mut result = Dict::default();
    for (at, dict) in dicts.iter().enumerate() {
        if at == 0 {
            result = dict.entries().unwrap_or_default().into_iter().collect();
        } else {
            merge_into(&result, dict, is_recursive, merge);
        }
    }
    Ok(Value::Dict(result))
}

fn merge_into(result: &Dict, from: &Value, is_recursive: bool, merge: ListMerge) {
    for (key, new) in from.entries().unwrap_or_default() {
        let merged = match result.get_value(&key) {
            None => new,
            Some(old) if is_recursive && old.is_mapping() && new.is_mapping() => {
                let inner: Dict = old.entries().unwrap_or_default().into_iter().collect();
                merge_into(&inner, &new, is_recursive, merge);
                Value::Dict(inner)
            }
            Some(old) if old.is_sequence() && new.is_sequence() => merged_lists(&old, &new, merge),
            Some(_) => new,
        };
        result.insert(key, merged);
    }
}

fn merged_lists(old: &Value, new: &Value, merge: ListMerge) -> Value {
    let (old, new) = (old.elements().unwrap_or_default(), new.elements().unwrap_or_default());
    let without = |items: Vec<Value>, others: &[Value]| -> Vec<Value> {
        items.into_iter().filter(|item| !others.contains(item)).collect()
    };
    Value::list(match merge {
        ListMerge::Replace => new,
        ListMerge::Keep => old,
        ListMerge::Append => old.into_iter().chain(new).collect::<Vec<_>>(),
        ListMerge::Prepend => new.into_iter().chain(old).collect(),
        ListMerge::AppendMissing => without(old, &new).into_iter().chain(new).collect(),
        ListMerge::PrependMissing => {
            let rest = without(old, &new);
            new.into_iter().chain(rest).collect()
        }
    })
}

fn dict2items(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [key_name, value_name] = arguments.bind("dict2items", ["key_name", "value_name"], 0)?;
    let key_name = key_name.unwrap_or_else(|| Value::from("key"));
    let value_name = value_name.unwrap_or_else(|| Value::from("value"));
    let Some(entries) = value.entries() else {
        return Err(TemplateError::of_type(format!(
            "dict2items requires a dictionary, got {} instead.",
            value.type_name()
        )));
    };
    Ok(Value::list(
        entries.into_iter().map(|(key, value)| {
            Value::dict([(key_name.clone(), key), (value_name.clone(), value)])
        }),
    ))
}

fn items2dict(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [key_name, value_name] = arguments.bind("items2dict", ["key_name", "value_name"], 0)?;
    let key_name = key_name.map_or("key".to_owned(), |name| name.to_string());
    let value_name = value_name.map_or("value".to_owned(), |name| name.to_string());
    if !value.is_sequence() {
        return Err(TemplateError::of_type(format!(
            "items2dict requires a list, got {} instead.",
            value.type_name()
        )));
    }
    let dict = Dict::default();
    for item in value.elements()? {
        if !item.is_mapping() {
            return Err(TemplateError::of_type(format!(
                "items2dict requires a list of dictionaries, got {} instead.",
                value.repr()
            )));
        }
        let (Some(key), Some(value)) = (item.get(&key_name), item.get(&value_name)) else {
            return Err(TemplateError::of_value(format!(
                "items2dict requires each dictionary in the list to contain the keys '{key_name}' \
                 and '{value_name}', got {} instead.",
                item.repr()
            )));
        };
        let key = key.defined()?;
        if !key.is_hashable() {
            return Err(TemplateError::of_type(format!("unhashable type: '{}'", key.type_name())));
        }
        dict.insert(key, value);
    }
    Ok(Value::Dict(dict))
}

fn extract(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let value = value.defined()?;
    let [container, more] = arguments.bind("extract", ["container", "morekeys"], 1)?;
    let container = container.unwrap_or_default();
    if container.is_undefined() {
        // Nothing can be taken out of nothing; `default` may still say what stands for it.
        return Ok(container);
    }
    let mut found = attribute::item(&container, &value)?;
    let keys = match more {
        None | Some(Value::None) => Vec::new(),
        Some(keys) if keys.is_sequence() => keys.elements()?,
        Some(key) => vec![key],
    };
    for key in keys {
        found = attribute::item(&found, &key)?;
    }
    Ok(found)
}

fn rekey_on_member(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [member, duplicates] = arguments.bind("rekey_on_member", ["key", "duplicates"], 1)?;
    let member = member.unwrap_or_default();
    let overwrites = match duplicates.map_or("error".to_owned(), |text| text.to_string()).as_str() {
        "error" => false,
        "overwrite" => true,
        other => {
            return Err(TemplateError::of_value(format!(
                "duplicates parameter to rekey_on_member has unknown value: {other}"
            )));
        }
    };
    let items = match value.entries() {
        Some(entries) => entries.into_iter().map(|(_, item)| item).collect(),
        None if value.is_sequence() => value.elements()?,
        None => {
            return Err(TemplateError::of_type("Type is not a valid list, set, or dict"));
        }
    };
    let dict = Dict::default();
    for item in items {
        if !item.is_mapping() {
            return Err(TemplateError::of_type("List item is not a valid dict"));
        }
        let key = match by_path(&item, &member)? {
            Value::Undefined(_) => {
                return Err(TemplateError::of_value(format!("Key {member} was not found")));
            }
            key => key,
        };
        if dict.contains(&key) && !overwrites {
            return Err(TemplateError::of_value(format!(
                "Key {key} is not unique, cannot correctly turn into dict"
            )));
        }
        dict.insert(key, item);
    }
    Ok(Value::Dict(dict))
}
