//! Lookups that arrange lists: what `with_…` loops run on.

use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    filters::{
        random::Source,
        sets::{cartesian, flatten_into},
    },
    lookups::subelements,
    value::Value,
};

pub(super) const LOOKUPS: &[Lookup] = &[
    Lookup { name: "items", home: "", run: items },
    Lookup { name: "list", home: "", run: list },
    Lookup { name: "dict", home: "", run: dict },
    Lookup { name: "nested", home: "", run: nested },
    Lookup { name: "cartesian", home: "community.general", run: nested },
    Lookup { name: "together", home: "", run: together },
    Lookup { name: "subelements", home: "", run: subelements::lookup },
    Lookup { name: "indexed_items", home: "", run: indexed_items },
    Lookup { name: "random_choice", home: "", run: random_choice },
    Lookup { name: "sequence", home: "", run: sequence },
    Lookup { name: "flattened", home: "community.general", run: flattened },
];

/// Items, lists among them taken apart by one level.
fn flattened_once(terms: Vec<Value>) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    for term in terms {
        if term.is_sequence() {
            items.extend(term.elements()?);
        } else {
            items.push(term);
        }
    }
    Ok(items)
}

fn items(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    flattened_once(call.defined_terms()?)
}

fn list(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    call.defined_terms()
}

fn dict(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut pairs = Vec::new();
    for term in flattened_once(call.defined_terms()?)? {
        let Some(entries) = term.entries() else {
            return Err(TemplateError::of_type(format!(
                "with_dict expects a dict, not {}",
                term.type_name()
            )));
        };
        pairs.extend(
            entries.into_iter().map(|(key, value)| Value::dict([("key", key), ("value", value)])),
        );
    }
    Ok(pairs)
}

/// Terms as lists: of a dictionary its keys, of anything else that is no list itself.
fn as_lists(call: &mut LookupCall<'_>) -> Result<Vec<Vec<Value>>> {
    let lists: Vec<Vec<Value>> = call
        .defined_terms()?
        .into_iter()
        .map(|term| match term.is_sequence() || term.is_mapping() {
            true => term.elements(),
            false => Ok(vec![term]),
        })
        .collect::<Result<_>>()?;
    if lists.is_empty() {
        return Err(TemplateError::new(
            ErrorKind::Lookup,
            match call.name {
                "together" => "with_together requires at least one element in each list".to_owned(),
                name => format!("with_{name} requires at least one element in the nested list"),
            },
        ));
    }
    Ok(lists)
}

fn nested(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let lists = as_lists(call)?;
    let rows = cartesian(&lists)?;
    rows.into_iter()
        .map(|row| {
            let mut flat = Vec::new();
            for item in row {
                // Rows that came nested are taken apart.
                if item.is_sequence() { flat.extend(item.elements()?) } else { flat.push(item) }
            }
            Ok(Value::list(flat))
        })
        .collect()
}

fn together(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let lists = as_lists(call)?;
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..length)
        .map(|at| Value::list(lists.iter().map(|list| list.get(at).cloned().unwrap_or_default())))
        .collect())
}

fn indexed_items(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let items = flattened_once(call.defined_terms()?)?;
    Ok(items
        .into_iter()
        .enumerate()
        .map(|(at, item)| Value::tuple([Value::from(at), item]))
        .collect())
}

fn random_choice(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut items = call.defined_terms()?;
    if items.is_empty() {
        return Ok(items);
    }
    let at = Source::System.below(items.len() as u64)? as usize;
    Ok(vec![items.swap_remove(at)])
}

fn flattened(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    flatten_into(&mut out, call.defined_terms()?, i64::MAX, true)?;
    Ok(out)
}

/// The longest sequence.
const COUNT_MAX: i64 = 1_000_000;

fn sequence(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut results = Vec::new();
    let mut options = Vec::new();
    for name in ["start", "end", "count", "stride", "format"] {
        if let Some(value) = call.option(name)? {
            options.push((name.to_owned(), value.to_string()));
        }
    }
    let mut terms = call.text_terms()?;
    if terms.is_empty() {
        terms.push(String::new());
    }
    for term in terms {
        results.extend(one_sequence(&term, &options)?);
    }
    Ok(results)
}

fn one_sequence(term: &str, options: &[(String, String)]) -> Result<Vec<Value>> {
    let (mut start, mut end, mut count, mut stride) = (1i64, None, None, 1i64);
    let mut format = "%d".to_owned();
    let wrong = |text: &str| {
        TemplateError::new(
            ErrorKind::Lookup,
            format!("unknown error parsing with_sequence arguments: '{text}'"),
        )
    };
    let number = |name: &str, text: &str| -> Result<i64> {
        crate::filters::numbers::parse_int(text, 0).and_then(|value| value.as_int()).ok_or_else(
            || {
                TemplateError::new(
                    ErrorKind::Lookup,
                    format!("Invalid type for configuration option {name}: '{text}' is no integer"),
                )
            },
        )
    };
    let mut pairs: Vec<(String, String)> = options.to_vec();
    if term.contains('=') {
        for word in term.split_whitespace() {
            let (key, value) = word.split_once('=').ok_or_else(|| wrong(word))?;
            pairs.push((key.to_owned(), value.to_owned()));
        }
    } else if !term.trim().is_empty() {
        // `[start-]end[/stride][:format]`
        let (range, shown) = match term.split_once(':') {
            Some((range, shown)) => (range, Some(shown)),
            None => (term, None),
        };
        let (range, step) = match range.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (range, None),
        };
        let dash = range.get(1..).and_then(|rest| rest.find('-')).map(|at| at + 1);
        match dash {
            Some(at) => {
                start = number("start", range.get(..at).unwrap_or(""))?;
                end = Some(number("end", range.get(at + 1..).unwrap_or(""))?);
            }
            None => end = Some(number("end", range)?),
        }
        if let Some(step) = step {
            stride = number("stride", step)?;
        }
        if let Some(shown) = shown {
            format = shown.to_owned();
        }
    }
    for (key, value) in &pairs {
        match key.as_str() {
            "start" => start = number("start", value)?,
            "end" => end = Some(number("end", value)?),
            "count" => count = Some(number("count", value)?),
            "stride" => stride = number("stride", value)?,
            "format" => format.clone_from(value),
            other => {
                return Err(TemplateError::new(
                    ErrorKind::Lookup,
                    format!("unrecognized arguments to with_sequence: ['{other}']"),
                ));
            }
        }
    }
    let end = match (count, end) {
        (Some(_), Some(_)) => {
            return Err(TemplateError::new(
                ErrorKind::Lookup,
                "can't specify both count and end in with_sequence",
            ));
        }
        (None, None) => {
            return Err(TemplateError::new(
                ErrorKind::Lookup,
                "must specify count or end in with_sequence",
            ));
        }
        (Some(0), None) => return Ok(Vec::new()),
        (Some(count), None) => start + count * stride - 1,
        (None, Some(end)) => end,
    };
    if stride == 0 {
        return Ok(Vec::new());
    }
    if stride > 0 && end < start {
        return Err(TemplateError::new(
            ErrorKind::Lookup,
            "to count backwards make stride negative",
        ));
    }
    if stride < 0 && end > start {
        return Err(TemplateError::new(
            ErrorKind::Lookup,
            "to count forward don't make stride negative",
        ));
    }
    if (end - start) / stride > COUNT_MAX {
        return Err(TemplateError::new(ErrorKind::Limit, "with_sequence is too long"));
    }
    let mut values = Vec::new();
    let mut at = start;
    while if stride > 0 { at <= end } else { at >= end } {
        let text = crate::methods::percent::format(&format, &Value::tuple([Value::Int(at)]))
            .map_err(|_| {
                TemplateError::new(ErrorKind::Lookup, format!("bad formatting string: {format}"))
            })?;
        values.push(Value::from(text));
        at += stride;
    }
    Ok(values)
}
