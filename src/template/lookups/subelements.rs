//! The lookup `subelements`: each element beside each element of a list inside of it.

use crate::{
    engine::LookupCall,
    error::{ErrorKind, Result, TemplateError},
    filters::truth,
    value::{Dict, Value},
};

fn wrong(what: &str) -> TemplateError {
    let message = format!("subelements lookup expects a list of two or three items, {what}");
    TemplateError::new(ErrorKind::Lookup, message)
}

pub(super) fn lookup(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut terms = call.defined_terms()?.into_iter();
    let (Some(first), Some(path), flags, None) =
        (terms.next(), terms.next(), terms.next(), terms.next())
    else {
        return Err(wrong(""));
    };
    let elements = match &first {
        Value::Bool(_) => None,
        Value::Str(_) | Value::Int(_) | Value::Float(_) => Some(vec![first.clone()]),
        other if other.is_sequence() => Some(other.elements()?),
        other => {
            other.entries().map(|entries| entries.into_iter().map(|(_, element)| element).collect())
        }
    };
    let (Some(elements), Value::Str(path)) = (elements, &path) else {
        return Err(wrong("first a dict or a list, second a string pointing to the subkey"));
    };
    // The registered result of a loop that was skipped as a whole.
    if is_skipped(&first) {
        return Ok(Vec::new());
    }
    let skips_missing = match &flags {
        None => false,
        Some(flags) if flags.is_mapping() => {
            flags.get("skip_missing").is_some_and(|skips| truth::boolean(&skips).unwrap_or(false))
        }
        Some(_) => {
            return Err(wrong("the optional third item must be a dict with flags skip_missing"));
        }
    };
    let keys: Vec<&str> = path.split('.').collect();
    let mut pairs = Vec::new();
    for element in elements {
        let element = element.defined()?;
        if !element.is_mapping() {
            return Err(TemplateError::new(
                ErrorKind::Lookup,
                format!("subelements lookup expects a dictionary, got '{element}'"),
            ));
        }
        if is_skipped(&element) {
            continue;
        }
        if let Some((rest, inner)) = taken(&element, &keys, skips_missing)? {
            pairs.extend(inner.into_iter().map(|one| Value::tuple([rest.clone(), one])));
        }
    }
    Ok(pairs)
}

fn is_skipped(value: &Value) -> bool {
    value.is_mapping() && value.get("skipped").is_some_and(|skipped| skipped != Value::Bool(false))
}

/// An element without the list that a path leads to, and that list; nothing where the path ends
/// early and that is to be passed over.
fn taken(value: &Value, keys: &[&str], skips: bool) -> Result<Option<(Value, Vec<Value>)>> {
    let Some((key, keys)) = keys.split_first() else { return Ok(None) };
    let fail = |message: String| Err(TemplateError::new(ErrorKind::Lookup, message));
    let Some(found) = value.get(key) else {
        if skips {
            return Ok(None);
        }
        return fail(format!("could not find '{key}' key in iterated item '{value}'"));
    };
    let found = found.defined()?;
    let entries = value.entries().unwrap_or_default();
    let is_key = |name: &Value| name.as_str() == Some(*key);
    if keys.is_empty() {
        if !found.is_sequence() {
            return fail(format!("the key {key} should point to a list, got '{found}'"));
        }
        let rest: Dict = entries.into_iter().filter(|(name, _)| !is_key(name)).collect();
        return Ok(Some((Value::Dict(rest), found.elements()?)));
    }
    if !found.is_mapping() {
        if skips {
            return Ok(None);
        }
        return fail(format!("the key {key} should point to a dictionary, got '{found}'"));
    }
    let Some((inner, list)) = taken(&found, keys, skips)? else { return Ok(None) };
    let rest: Dict = entries
        .into_iter()
        .map(|(name, old)| if is_key(&name) { (name, inner.clone()) } else { (name, old) })
        .collect();
    Ok(Some((Value::Dict(rest), list)))
}
