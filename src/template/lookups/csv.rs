//! The lookup `csvfile`: cells of a file of rows.

use super::inline::{read_encoded, take_apart};
use crate::{
    engine::{Lookup, LookupCall},
    error::{ErrorKind, Result, TemplateError},
    value::Value,
};

pub(super) const LOOKUPS: &[Lookup] = &[Lookup { name: "csvfile", home: "", run: csvfile }];

const OPTIONS: &[&str] = &["file", "delimiter", "col", "keycol", "default", "encoding"];

fn csvfile(call: &mut LookupCall<'_>) -> Result<Vec<Value>> {
    let mut given = Vec::new();
    for name in ["file", "delimiter", "col", "keycol", "encoding"] {
        given.push((name, call.text_option(name)?));
    }
    let default = call.option("default")?;
    let terms = call.text_terms()?;
    let no_key =
        || TemplateError::new(ErrorKind::Lookup, "Search key is required but was not found");
    if terms.is_empty() {
        return Err(no_key());
    }
    let surroundings = call.scope.surroundings();
    let mut values = Vec::new();
    for term in terms {
        let inline = take_apart(&term, OPTIONS)?;
        if inline.key.is_empty() {
            return Err(no_key());
        }
        let option = |name: &str, fallback: &str| -> String {
            let given = || {
                given.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.clone())
            };
            inline.option(name).map(str::to_owned).or_else(given).unwrap_or(fallback.to_owned())
        };
        let delimiter = option("delimiter", "TAB");
        let delimiter = match delimiter.as_str() {
            "TAB" | "\\t" | "t" => '\t',
            other => {
                let mut chars = other.chars();
                match (chars.next(), chars.next()) {
                    (Some(one), None) => one,
                    _ => {
                        return Err(TemplateError::of_type(format!(
                            "csvfile: \"delimiter\" must be a 1-character string, not '{other}'"
                        )));
                    }
                }
            }
        };
        let number = |name: &str, fallback: &str| {
            let text = option(name, fallback);
            text.trim().parse::<usize>().map_err(|_| {
                TemplateError::of_value(format!("csvfile: {name} is '{text}', which is no number"))
            })
        };
        let key_column = number("keycol", "0")?;
        let name = option("file", "ansible.csv");
        let path = surroundings.find("files", &name).ok_or_else(|| {
            TemplateError::new(
                ErrorKind::File,
                format!("csvfile: No such file or directory: '{name}'"),
            )
        })?;
        let text = read_encoded(surroundings, &path, &option("encoding", "utf-8"))?;
        let row = rows(&text, delimiter)
            .into_iter()
            .find(|row| row.get(key_column).is_some_and(|cell| *cell == inline.key));
        match row {
            Some(row) => {
                let column = number("col", "1")?;
                let cell = row.get(column).ok_or_else(|| {
                    TemplateError::new(
                        ErrorKind::Lookup,
                        format!("csvfile: list index out of range: the row has no column {column}"),
                    )
                })?;
                values.push(Value::from(cell));
            }
            None => {
                let inline_default = inline.option("default").map(Value::from);
                values.extend(inline_default.or_else(|| default.clone()));
            }
        }
    }
    Ok(values)
}

/// Rows of cells; quotes may hold delimiters and newlines, two quotes are one.
fn rows(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.is_empty() => is_quoted = true,
            '\r' if !is_quoted => {}
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c if c == delimiter && !is_quoted => row.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    if !cell.is_empty() || !row.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}
