//! Filters with regular expressions.

use pyregex::{Flags, Found, Pattern};

use super::filter;
use crate::{
    engine::{Call, Filter},
    error::{Result, TemplateError},
    value::{Arguments, Value, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[
    filter("regex_replace", regex_replace),
    filter("regex_search", regex_search),
    filter("regex_findall", regex_findall),
    filter("regex_escape", regex_escape),
];

/// Compiles a pattern; the last few are remembered by thread.
pub(crate) fn pattern(text: &str, ignore_case: bool, multi_line: bool) -> Result<Pattern> {
    use std::{cell::RefCell, collections::HashMap};
    const REMEMBERED_MAX: usize = 256;
    thread_local! {
        static KNOWN: RefCell<HashMap<(String, bool, bool), Pattern>> = RefCell::default();
    }
    let key = (text.to_owned(), ignore_case, multi_line);
    if let Some(known) = KNOWN.with_borrow(|known| known.get(&key).cloned()) {
        return Ok(known);
    }
    let flags = Flags { ignore_case, multi_line, ..Flags::default() };
    let made = Pattern::new(text, flags).map_err(|error| failure(text, &error))?;
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= REMEMBERED_MAX {
            known.clear();
        }
        known.insert(key, made.clone());
    });
    Ok(made)
}

pub(crate) fn failure(pattern: &str, error: &pyregex::Error) -> TemplateError {
    TemplateError::of_value(format!("the regular expression '{pattern}' failed: {error}"))
}

fn flag(value: Option<Value>) -> bool {
    value.is_some_and(|value| value.truthy())
}

fn text_of(value: &Value) -> String {
    value.to_string()
}

fn regex_replace(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [regex, replacement, ignore_case, multi_line, count, mandatory] = arguments.bind(
        "regex_replace",
        ["pattern", "replacement", "ignorecase", "multiline", "count", "mandatory_count"],
        0,
    )?;
    let regex = regex.map_or(String::new(), |regex| text_of(&regex));
    let replacement = replacement.map_or(String::new(), |text| text_of(&text));
    let limit = match count {
        Some(count) => int_argument("regex_replace", "count", &count)?,
        None => 0,
    };
    let compiled = pattern(&regex, flag(ignore_case), flag(multi_line))?;
    let text = text_of(&value);
    let (result, replaced) = compiled
        .substitute(&text, &replacement, usize::try_from(limit).unwrap_or(0))
        .map_err(|error| failure(&regex, &error))?;
    if let Some(wanted) = mandatory {
        let wanted = int_argument("regex_replace", "mandatory_count", &wanted)?;
        if wanted != 0 && wanted != replaced as i64 {
            return Err(TemplateError::of_value(format!(
                "'{regex}' should match {wanted} times, but matches {replaced} times in '{text}'"
            )));
        }
    }
    Ok(Value::from(result))
}

/// The groups that arguments such as `\1` and `\g<name>` name.
fn named_groups(arguments: &[Value], compiled: &Pattern) -> Result<Vec<usize>> {
    arguments
        .iter()
        .map(|argument| {
            let text = argument.to_string();
            let name = text
                .strip_prefix("\\g<")
                .and_then(|rest| rest.strip_suffix('>'))
                .or_else(|| text.strip_prefix('\\'))
                .ok_or_else(|| TemplateError::of_value("Unknown argument"))?;
            let number = match name.parse::<usize>() {
                Ok(number) => Some(number).filter(|number| *number <= compiled.groups()),
                Err(_) => compiled.group_number(name),
            };
            number.ok_or_else(|| TemplateError::of_value("no such group"))
        })
        .collect()
}

fn group(found: &Found<'_>, number: usize) -> Value {
    found.group(number).map_or(Value::None, Value::from)
}

fn regex_search(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    let (ignore_case, multi_line) =
        (flag(arguments.take("ignorecase")), flag(arguments.take("multiline")));
    let regex = match arguments.take("regex") {
        Some(regex) => regex,
        None if arguments.positional.is_empty() => {
            return Err(TemplateError::of_type(
                "regex_search() missing 1 required positional argument: 'regex'",
            ));
        }
        None => arguments.positional.remove(0),
    };
    let regex = text_of(&regex);
    let compiled = pattern(&regex, ignore_case, multi_line)?;
    let groups = named_groups(&arguments.positional, &compiled)?;
    let text = text_of(&value);
    let found = compiled.search(&text).map_err(|error| failure(&regex, &error))?;
    Ok(match found {
        None => Value::None,
        Some(found) if groups.is_empty() => Value::from(found.as_str()),
        Some(found) => Value::list(groups.into_iter().map(|number| group(&found, number))),
    })
}

fn regex_findall(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [regex, multi_line, ignore_case] =
        arguments.bind("regex_findall", ["regex", "multiline", "ignorecase"], 1)?;
    let regex = text_of(&regex.unwrap_or_default());
    let compiled = pattern(&regex, flag(ignore_case), flag(multi_line))?;
    let text = text_of(&value);
    let all = compiled.find_all(&text, 0).map_err(|error| failure(&regex, &error))?;
    let filled = |found: &Found<'_>, number| Value::from(found.group(number).unwrap_or(""));
    Ok(Value::list(all.iter().map(|found| match compiled.groups() {
        0 => Value::from(found.as_str()),
        1 => filled(found, 1),
        count => Value::tuple((1..=count).map(|number| filled(found, number))),
    })))
}

fn regex_escape(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [kind] = arguments.bind("regex_escape", ["re_type"], 0)?;
    let text = text_of(&value);
    match kind.map_or("python".to_owned(), |kind| kind.to_string()).as_str() {
        "python" => Ok(Value::from(pyregex::escape(&text))),
        "posix_basic" => {
            let mut out = String::new();
            for c in text.chars() {
                if "[]^$*.\\".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
            Ok(Value::from(out))
        }
        "posix_extended" => {
            Err(TemplateError::of_value("Regex type (posix_extended) not yet implemented"))
        }
        other => Err(TemplateError::of_value(format!("Invalid regex type ({other})"))),
    }
}
