//! Filters over texts, of Jinja2.

use super::{filter, lenient, of_text};
use crate::{
    engine::{Call, Filter},
    error::{ErrorKind, Result, TemplateError},
    methods,
    value::{Arguments, Value, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[
    filter("upper", upper),
    filter("lower", lower),
    filter("capitalize", capitalize),
    filter("title", title),
    filter("trim", trim),
    filter("replace", replace),
    filter("string", string),
    lenient("format", format),
    of_text("indent", indent),
    filter("center", center),
    filter("truncate", truncate),
    filter("wordcount", wordcount),
    of_text("wordwrap", wordwrap),
    filter("striptags", striptags),
    filter("escape", escape),
    filter("e", escape),
    filter("forceescape", escape),
    filter("safe", string),
    filter("urlencode", urlencode),
    filter("xmlattr", xmlattr),
    filter("filesizeformat", filesizeformat),
    filter("pprint", pprint),
];

/// The longest text that a filter makes, in characters.
const TEXT_MAX: i64 = 1 << 24;

fn upper(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("upper")?;
    Ok(Value::from(value.to_string().to_uppercase()))
}

fn lower(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("lower")?;
    Ok(Value::from(value.to_string().to_lowercase()))
}

fn capitalize(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    methods::call(&Value::from(value.to_string()), "capitalize", arguments, call.scope)
}

/// Words begin after blanks and opening brackets, and after hyphens.
fn title(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("title")?;
    let mut out = String::new();
    let mut starts = true;
    for c in value.to_string().chars() {
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        starts = c.is_whitespace() || matches!(c, '-' | '(' | '{' | '[' | '<');
    }
    Ok(Value::from(out))
}

fn trim(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    methods::call(&Value::from(value.to_string()), "strip", arguments, call.scope)
}

fn replace(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [old, new, count] = arguments.bind("replace", ["old", "new", "count"], 2)?;
    let (old, new) = (old.unwrap_or_default().to_string(), new.unwrap_or_default().to_string());
    let text = value.to_string();
    Ok(Value::from(match count {
        None | Some(Value::None) => text.replace(&old, &new),
        Some(count) => {
            let count = int_argument("replace", "count", &count)?;
            match usize::try_from(count) {
                Ok(count) => text.replacen(&old, &new, count),
                Err(_) => text.replace(&old, &new),
            }
        }
    }))
}

fn string(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none(call.name)?;
    Ok(match value {
        Value::Str(_) => value,
        other => Value::from(other.forced()?.to_string()),
    })
}

/// `'%s and %s' | format(a, b)`
fn format(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    if !arguments.positional.is_empty() && !arguments.keyword.is_empty() {
        return Err(TemplateError::of_type(
            "can't handle positional and keyword arguments at the same time",
        ));
    }
    let value = value.defined()?;
    let values = if arguments.keyword.is_empty() {
        Value::tuple(arguments.positional)
    } else {
        Value::dict(arguments.keyword)
    };
    methods::percent::format(&value.to_string(), &values).map(Value::from)
}

fn indent(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [width, first, blank] = arguments.bind("indent", ["width", "first", "blank"], 0)?;
    let prefix = match width {
        None => " ".repeat(4),
        Some(Value::Str(text)) => text.to_string(),
        Some(width) => {
            let width = int_argument("indent", "width", &width)?;
            if width > TEXT_MAX {
                return Err(too_long("indent"));
            }
            " ".repeat(usize::try_from(width).unwrap_or(0))
        }
    };
    let indents_first = first.is_some_and(|first| first.truthy());
    let indents_blank = blank.is_some_and(|blank| blank.truthy());
    let text = value.to_string();
    let ends_line = text.ends_with('\n');
    let mut lines = methods::lines(&text, false);
    if text.is_empty() || ends_line {
        lines.push(String::new());
    }
    let mut out = String::with_capacity(text.len() + lines.len() * prefix.len());
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            out.push('\n');
            if indents_blank || !line.is_empty() {
                out.push_str(&prefix);
            }
        } else if indents_first {
            out.push_str(&prefix);
        }
        out.push_str(line);
    }
    Ok(Value::from(out))
}

fn too_long(function: &str) -> TemplateError {
    TemplateError::new(ErrorKind::Limit, format!("{function}: the result is too long"))
}

fn center(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [width] = arguments.bind("center", ["width"], 0)?;
    let width = width.unwrap_or(Value::Int(80));
    methods::call(&Value::from(value.to_string()), "center", Arguments::of([width]), call.scope)
}

fn truncate(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [length, cuts_words, end, leeway] =
        arguments.bind("truncate", ["length", "killwords", "end", "leeway"], 0)?;
    let number = |value: Option<Value>, name: &str, default: usize| match value {
        None | Some(Value::None) => Ok(default),
        Some(value) => int_argument("truncate", name, &value)
            .map(|number| usize::try_from(number).unwrap_or(0)),
    };
    let length = number(length, "length", 255)?;
    let leeway = number(leeway, "leeway", 5)?;
    let end = end.map_or("...".to_owned(), |end| end.to_string());
    let text = value.to_string();
    let end_length = end.chars().count();
    if length < end_length {
        return Err(TemplateError::of_value(format!(
            "expected length >= {end_length}, got {length}"
        )));
    }
    if text.chars().count() <= length + leeway {
        return Ok(Value::from(text));
    }
    let cut: String = text.chars().take(length - end_length).collect();
    let cut = if cuts_words.is_some_and(|cuts| cuts.truthy()) {
        &*cut
    } else {
        cut.rsplit_once(' ').map_or(&*cut, |(words, _)| words)
    };
    Ok(Value::from(format!("{cut}{end}")))
}

fn wordcount(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("wordcount")?;
    let text = value.to_string();
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    Ok(Value::from(words.filter(|word| !word.is_empty()).count()))
}

fn wordwrap(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [width, break_long, wrap, on_hyphens] = arguments.bind(
        "wordwrap",
        ["width", "break_long_words", "wrapstring", "break_on_hyphens"],
        0,
    )?;
    let width = width.map_or(Ok(79), |width| int_argument("wordwrap", "width", &width))?;
    let width = usize::try_from(width).unwrap_or(1).max(1);
    let break_long = break_long.is_none_or(|break_long| break_long.truthy());
    let on_hyphens = on_hyphens.is_none_or(|on| on.truthy());
    let wrap = match wrap {
        None | Some(Value::None) => "\n".to_owned(),
        Some(wrap) => wrap.to_string(),
    };
    let lines: Vec<String> = methods::lines(&value.to_string(), false)
        .iter()
        .map(|line| super::comment::wrapped(line, width, break_long, on_hyphens).join(&wrap))
        .collect();
    Ok(Value::from(lines.join(&wrap)))
}

fn striptags(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("striptags")?;
    let mut out = String::new();
    let text = value.to_string();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('<') {
        out.push_str(rest.get(..at).unwrap_or(""));
        let tag = rest.get(at..).unwrap_or("");
        let close = if tag.starts_with("<!--") { "-->" } else { ">" };
        match tag.find(close) {
            Some(end) => rest = tag.get(end + close.len()..).unwrap_or(""),
            None => {
                out.push_str(tag);
                rest = "";
            }
        }
    }
    out.push_str(rest);
    let words: Vec<&str> = out.split_whitespace().collect();
    let plain = words.join(" ");
    Ok(Value::from(
        plain
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&#34;", "\"")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    ))
}

/// A text safe in HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

fn escape(call: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none(call.name)?;
    Ok(Value::from(escaped(&value.to_string())))
}

/// Percent-encodes all but letters, digits and what is listed.
pub(crate) fn percent_encoded(text: &str, kept: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || "_.-~".contains(c) || (byte < 128 && kept.contains(c)) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn urlencode(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("urlencode")?;
    let query = |text: &str| percent_encoded(text, "").replace("%20", "+");
    let pairs = match (&value, value.entries()) {
        (_, Some(entries)) => entries,
        (Value::Str(text), _) => return Ok(Value::from(percent_encoded(text, "/"))),
        (other, _) if other.is_sequence() => {
            let mut pairs = Vec::new();
            for pair in other.elements()? {
                let items = pair.elements()?;
                let [key, value] = items.as_slice() else {
                    return Err(TemplateError::of_value("urlencode takes pairs"));
                };
                pairs.push((key.clone(), value.clone()));
            }
            pairs
        }
        (other, _) => return Ok(Value::from(percent_encoded(&other.to_string(), "/"))),
    };
    let parts: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| format!("{}={}", query(&key.to_string()), query(&value.to_string())))
        .collect();
    Ok(Value::from(parts.join("&")))
}

fn xmlattr(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [autospace] = arguments.bind("xmlattr", ["autospace"], 0)?;
    let entries = value.entries().ok_or_else(|| {
        TemplateError::of_type(format!("xmlattr takes a dict, not {}", value.type_name()))
    })?;
    let mut parts = Vec::new();
    for (key, value) in entries {
        let key = key.to_string();
        if key.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '>' | '=')) {
            return Err(TemplateError::of_value(format!(
                "Invalid character in attribute name: '{key}'"
            )));
        }
        if !matches!(value, Value::None | Value::Undefined(_)) {
            parts.push(format!("{}=\"{}\"", escaped(&key), escaped(&value.to_string())));
        }
    }
    let text = parts.join(" ");
    let spaced = autospace.is_none_or(|spaced| spaced.truthy()) && !text.is_empty();
    Ok(Value::from(if spaced { format!(" {text}") } else { text }))
}

fn filesizeformat(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [binary] = arguments.bind("filesizeformat", ["binary"], 0)?;
    let is_binary = binary.is_some_and(|binary| binary.truthy());
    let size = match value.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => value.as_float(),
    };
    let Some(size) = size else {
        return Err(TemplateError::of_value(format!("could not convert to float: {value}")));
    };
    let base: f64 = if is_binary { 1024.0 } else { 1000.0 };
    let units = if is_binary {
        ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"]
    } else {
        ["kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"]
    };
    if size == 1.0 {
        return Ok(Value::from("1 Byte"));
    }
    if size < base {
        return Ok(Value::from(format!("{} Bytes", size.trunc())));
    }
    let mut unit = base;
    for (at, name) in units.iter().enumerate() {
        unit *= base;
        if size < unit || at + 1 == units.len() {
            return Ok(Value::from(format!("{:.1} {name}", base * size / unit)));
        }
    }
    Ok(value)
}

fn pprint(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("pprint")?;
    Ok(Value::from(super::pretty::pformat(&value.forced()?, 80)))
}
