//! Filters to and from JSON and YAML.

use super::{filter, yaml};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    value::{Arguments, Shape, Value, compare::sort_by_keys, float, json::json_key},
};

pub(super) const FILTERS: &[Filter] = &[
    filter("to_json", to_json),
    filter("to_nice_json", to_nice_json),
    filter("tojson", tojson),
    filter("from_json", from_json),
    filter("to_yaml", to_yaml),
    filter("to_nice_yaml", to_nice_yaml),
    filter("from_yaml", from_yaml),
    filter("from_yaml_all", from_yaml_all),
];

/// How Python's `json.dumps` writes.
#[derive(Clone, Debug)]
pub(crate) struct JsonStyle {
    pub indent: Option<String>,
    pub sorts_keys: bool,
    pub ascii_only: bool,
    pub item_separator: String,
    pub key_separator: String,
}

impl Default for JsonStyle {
    fn default() -> Self {
        Self {
            indent: None,
            sorts_keys: false,
            ascii_only: true,
            item_separator: ", ".into(),
            key_separator: ": ".into(),
        }
    }
}

/// The deepest value that is written.
const DEPTH_MAX: usize = 400;

/// Python's `json.dumps`.
///
/// # Errors
/// Something in the value is undefined or cannot be in JSON.
pub(crate) fn dumps(value: &Value, style: &JsonStyle) -> Result<String> {
    let mut out = String::new();
    write(&mut out, value, style, 0)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value, style: &JsonStyle, depth: usize) -> Result<()> {
    if depth > DEPTH_MAX {
        return Err(TemplateError::new(ErrorKind::Limit, "Circular reference detected"));
    }
    match value {
        Value::Undefined(undefined) => return Err(undefined.error()),
        Value::None => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => out.push_str(&float::repr(*number)),
        Value::Int(_) | Value::BigInt(_) => out.push_str(&value.to_string()),
        Value::Str(text) => write_text(out, text, style.ascii_only),
        Value::Omit => write_text(out, &value.to_string(), style.ascii_only),
        Value::Bytes(bytes) => write_text(out, &String::from_utf8_lossy(bytes), style.ascii_only),
        other => {
            if let Some(mut entries) = other.entries() {
                if style.sorts_keys {
                    sort_by_keys(&mut entries, false)?;
                }
                return write_all(out, ('{', '}'), entries, style, depth, |out, (key, value)| {
                    write_text(out, &json_key(&key)?, style.ascii_only);
                    out.push_str(&style.key_separator);
                    write(out, &value, style, depth + 1)
                });
            }
            if let Value::Object(object) = other
                && object.shape() == Shape::Plain
            {
                return match object
                    .json()
                    .filter(|_| matches!(object.type_name(), "date" | "datetime"))
                {
                    Some(text) => {
                        write_text(out, &text, style.ascii_only);
                        Ok(())
                    }
                    None => Err(TemplateError::of_type(format!(
                        "Object of type {} is not JSON serializable",
                        object.type_name()
                    ))),
                };
            }
            return write_all(out, ('[', ']'), other.elements()?, style, depth, |out, item| {
                write(out, &item, style, depth + 1)
            });
        }
    }
    Ok(())
}

fn write_all<T>(
    out: &mut String,
    (open, close): (char, char),
    items: Vec<T>,
    style: &JsonStyle,
    depth: usize,
    mut write_one: impl FnMut(&mut String, T) -> Result<()>,
) -> Result<()> {
    out.push(open);
    let is_empty = items.is_empty();
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            // With an indent Python leaves no blank before the newline.
            let separator = &style.item_separator;
            out.push_str(if style.indent.is_some() { separator.trim_end() } else { separator });
        }
        new_line(out, style, depth + 1);
        write_one(out, item)?;
    }
    if !is_empty {
        new_line(out, style, depth);
    }
    out.push(close);
    Ok(())
}

fn new_line(out: &mut String, style: &JsonStyle, depth: usize) {
    if let Some(indent) = &style.indent {
        out.push('\n');
        for _ in 0..depth {
            out.push_str(indent);
        }
    }
}

fn write_text(out: &mut String, text: &str, ascii_only: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' || (ascii_only && !c.is_ascii()) => {
                let mut units = [0u16; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// The arguments of `json.dumps` that filters pass on.
fn style(mut arguments: Arguments, mut style: JsonStyle, function: &str) -> Result<JsonStyle> {
    if let Some(indent) = arguments.take("indent") {
        style.indent = match indent {
            Value::None => None,
            Value::Str(text) => Some(text.to_string()),
            other => {
                let width = other.as_int().ok_or_else(|| {
                    TemplateError::of_type(format!("{function}: indent must be an integer"))
                })?;
                Some(" ".repeat(usize::try_from(width).unwrap_or(0).min(1000)))
            }
        };
        if style.indent.is_some() {
            style.item_separator = ",".into();
        }
    }
    if let Some(sorts) = arguments.take("sort_keys") {
        style.sorts_keys = sorts.truthy();
    }
    if let Some(ascii) = arguments.take("ensure_ascii") {
        style.ascii_only = ascii.truthy();
    }
    if let Some(separators) = arguments.take("separators")
        && !separators.is_none()
    {
        let parts = separators.elements()?;
        let [item, key] = parts.as_slice() else {
            return Err(TemplateError::of_value("separators must be two strings"));
        };
        style.item_separator = item.to_string();
        style.key_separator = key.to_string();
    }
    // What these ask for is always so, or has no meaning here.
    for name in ["vault_to_text", "preprocess_unsafe", "skipkeys", "check_circular", "allow_nan"] {
        let _ = arguments.take(name);
    }
    arguments.none(function)?;
    Ok(style)
}

fn to_json(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    dumps(&value, &style(arguments, JsonStyle::default(), "to_json")?).map(Value::from)
}

fn to_nice_json(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    if !arguments.positional.is_empty() {
        let indent = arguments.positional.remove(0);
        arguments.keyword.push(("indent".into(), indent));
    }
    let nice = JsonStyle {
        indent: Some("    ".into()),
        sorts_keys: true,
        item_separator: ",".into(),
        ..JsonStyle::default()
    };
    let nice = style(arguments, nice, "to_nice_json")?;
    match dumps(&value, &nice) {
        // Keys of several types cannot be sorted; Ansible then writes them as they come.
        Err(error) if error.kind() == ErrorKind::Type && nice.sorts_keys => {
            dumps(&value, &JsonStyle { sorts_keys: false, ..nice }).map(Value::from)
        }
        result => result.map(Value::from),
    }
}

/// Jinja2's own, safe within HTML.
fn tojson(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [indent] = arguments.bind("tojson", ["indent"], 0)?;
    let mut named = Arguments::default();
    named.keyword.extend(indent.map(|indent| ("indent".into(), indent)));
    let style = style(named, JsonStyle { sorts_keys: true, ..JsonStyle::default() }, "tojson")?;
    let text = dumps(&value, &style)?;
    Ok(Value::from(
        text.replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026")
            .replace('\'', "\\u0027"),
    ))
}

fn from_json(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("from_json")?;
    let text = match &value {
        Value::Str(text) => text.to_string(),
        Value::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        other => {
            return Err(TemplateError::of_type(format!(
                "the JSON object must be str, bytes or bytearray, not {}",
                other.type_name()
            )));
        }
    };
    let json: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| TemplateError::of_value(format!("the text is not JSON: {error}")))?;
    Ok(Value::from_json(&json))
}

fn to_yaml(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    let default_flow = match arguments.positional.is_empty() {
        true => arguments.take("default_flow_style"),
        false => Some(arguments.positional.remove(0)),
    };
    let flow = match default_flow {
        None | Some(Value::None) => yaml::Flow::Leaves,
        Some(flow) if flow.truthy() => yaml::Flow::Always,
        Some(_) => yaml::Flow::Never,
    };
    let style = yaml::YamlStyle::from_arguments(arguments, flow, 2, "to_yaml")?;
    yaml::dump(&value, &style).map(Value::from)
}

fn to_nice_yaml(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    if !arguments.positional.is_empty() {
        let indent = arguments.positional.remove(0);
        arguments.keyword.push(("indent".into(), indent));
    }
    let flow = match arguments.take("default_flow_style") {
        Some(Value::None) => yaml::Flow::Leaves,
        Some(flow) if flow.truthy() => yaml::Flow::Always,
        _ => yaml::Flow::Never,
    };
    let style = yaml::YamlStyle::from_arguments(arguments, flow, 4, "to_nice_yaml")?;
    yaml::dump(&value, &style).map(Value::from)
}

fn from_yaml(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("from_yaml")?;
    let Value::Str(text) = &value else { return Ok(value) };
    let mut documents = yaml::load(text)?;
    if documents.len() > 1 {
        return Err(TemplateError::of_value(
            "expected a single document in the stream but found another document",
        ));
    }
    Ok(documents.pop().unwrap_or_default())
}

fn from_yaml_all(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("from_yaml_all")?;
    let Value::Str(text) = &value else { return Ok(value) };
    yaml::load(text).map(Value::list)
}
