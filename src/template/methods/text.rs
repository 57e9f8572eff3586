//! Methods of strings.

use super::brace;
use crate::{
    error::{Result, TemplateError},
    value::{Arguments, Dict, Value, object::int_argument},
};

pub const METHODS: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
    "__len__",
    "__contains__",
];

/// The widest text that padding makes, in characters.
const WIDTH_MAX: i64 = 1 << 24;

/// Calls a method of a string.
pub fn call(text: &str, name: &str, arguments: Arguments) -> Result<Value> {
    match name {
        "format" => brace::format(text, &arguments).map(Value::from),
        "split" | "rsplit" => split(text, name, arguments),
        "startswith" | "endswith" => affix(text, name, arguments),
        "find" | "rfind" | "index" | "rindex" | "count" => search(text, name, arguments),
        "center" | "ljust" | "rjust" | "zfill" => pad(text, name, arguments),
        "strip" | "lstrip" | "rstrip" => strip(text, name, arguments),
        "join" => join(text, arguments),
        "replace" => replace(text, arguments),
        "partition" | "rpartition" => partition(text, name, arguments),
        "removeprefix" | "removesuffix" => {
            let [part] = arguments.bind(name, ["part"], 1)?;
            let part = text_argument(name, part)?;
            let rest = if name == "removeprefix" {
                text.strip_prefix(&*part)
            } else {
                text.strip_suffix(&*part)
            };
            Ok(Value::from(rest.unwrap_or(text)))
        }
        "splitlines" => {
            let [keep] = arguments.bind(name, ["keepends"], 0)?;
            let keep = keep.is_some_and(|keep| keep.truthy());
            Ok(Value::list(lines(text, keep).into_iter().map(Value::from)))
        }
        "expandtabs" => {
            let [size] = arguments.bind(name, ["tabsize"], 0)?;
            let size = size.map_or(Ok(8), |size| int_argument(name, "tabsize", &size))?;
            Ok(Value::from(expand_tabs(text, size.clamp(0, 1000) as usize)))
        }
        "encode" => {
            let [_encoding, _errors] = arguments.bind(name, ["encoding", "errors"], 0)?;
            Ok(Value::Bytes(text.as_bytes().into()))
        }
        "maketrans" => maketrans(arguments),
        "translate" => translate(text, arguments),
        "format_map" => {
            let [mapping] = arguments.bind(name, ["mapping"], 1)?;
            let entries = mapping.unwrap_or_default().entries().unwrap_or_default();
            let keyword =
                entries.into_iter().map(|(key, value)| (key.to_string().into(), value)).collect();
            brace::format(text, &Arguments { positional: Vec::new(), keyword }).map(Value::from)
        }
        "__contains__" => {
            let [part] = arguments.bind(name, ["part"], 1)?;
            Ok(Value::Bool(text.contains(&*text_argument(name, part)?)))
        }
        _ => {
            arguments.none(name)?;
            Ok(plain(text, name))
        }
    }
}

/// Methods without arguments.
fn plain(text: &str, name: &str) -> Value {
    let all = |is: fn(char) -> bool| Value::Bool(!text.is_empty() && text.chars().all(is));
    match name {
        "lower" => Value::from(text.to_lowercase()),
        "casefold" => Value::from(text.to_lowercase().replace('ß', "ss")),
        "upper" => Value::from(text.to_uppercase()),
        "capitalize" => Value::from(capitalize(text)),
        "title" => Value::from(title(text)),
        "swapcase" => Value::from(
            text.chars()
                .flat_map(|c| -> Box<dyn Iterator<Item = char>> {
                    if c.is_uppercase() {
                        Box::new(c.to_lowercase())
                    } else {
                        Box::new(c.to_uppercase())
                    }
                })
                .collect::<String>(),
        ),
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => Value::Bool(text.is_ascii()),
        "isdecimal" | "isdigit" => all(|c| c.is_ascii_digit() || is_decimal(c)),
        "isnumeric" => all(char::is_numeric),
        "isspace" => all(char::is_whitespace),
        "isprintable" => Value::Bool(text.chars().all(crate::value::written::is_printable)),
        "isidentifier" => {
            let mut chars = text.chars();
            let first = chars.next().is_some_and(|c| c == '_' || c.is_alphabetic());
            Value::Bool(first && chars.all(|c| c == '_' || c.is_alphanumeric()))
        }
        "islower" => Value::Bool(
            text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        ),
        "isupper" => Value::Bool(
            text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        ),
        "istitle" => Value::Bool(text.chars().any(char::is_alphabetic) && title(text) == text),
        _ => Value::from(text.chars().count()),
    }
}

fn is_decimal(c: char) -> bool {
    // The digits of the scripts that have ten in a row.
    matches!(c, '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' | '\u{966}'..='\u{96f}' | '\u{ff10}'..='\u{ff19}')
}

/// First letter upper case, the others lower case.
pub(crate) fn capitalize(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect(),
        None => String::new(),
    }
}

/// Each word's first letter upper case; what is no letter starts a new word.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_word = false;
    for c in text.chars() {
        if in_word {
            out.extend(c.to_lowercase())
        } else {
            out.extend(c.to_uppercase())
        }
        in_word = c.is_alphabetic();
    }
    out
}

/// A text argument.
fn text_argument(function: &str, value: Option<Value>) -> Result<std::sync::Arc<str>> {
    match value.unwrap_or_default() {
        Value::Str(text) => Ok(text.shared().clone()),
        other => Err(TemplateError::of_type(format!(
            "{function}: argument must be str, not {}",
            other.type_name()
        ))),
    }
}

fn split(text: &str, name: &str, arguments: Arguments) -> Result<Value> {
    let [separator, limit] = arguments.bind(name, ["sep", "maxsplit"], 0)?;
    let limit = limit.map_or(Ok(-1), |limit| int_argument(name, "maxsplit", &limit))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let separator = match separator {
        None | Some(Value::None) => None,
        other => Some(text_argument(name, other)?),
    };
    let parts: Vec<String> = match &separator {
        Some(separator) if separator.is_empty() => {
            return Err(TemplateError::of_value("empty separator"));
        }
        Some(separator) if name == "split" => {
            text.splitn(limit.saturating_add(1), &**separator).map(Into::into).collect()
        }
        Some(separator) => {
            let mut parts: Vec<String> =
                text.rsplitn(limit.saturating_add(1), &**separator).map(Into::into).collect();
            parts.reverse();
            parts
        }
        None if name == "split" => split_blanks(text, limit),
        None => {
            let reversed: String = text.chars().rev().collect();
            let mut parts: Vec<String> = split_blanks(&reversed, limit)
                .into_iter()
                .map(|part| part.chars().rev().collect())
                .collect();
            parts.reverse();
            parts
        }
    };
    Ok(Value::list(parts.into_iter().map(Value::from)))
}

/// Splits at runs of blanks, which count for nothing at the ends.
fn split_blanks(text: &str, limit: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if parts.len() == limit {
            parts.push(rest.trim_end().to_owned());
            break;
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        parts.push(part.to_owned());
        rest = after.trim_start();
    }
    parts
}

/// A character index against a length, as slices take it.
fn clamp(value: Option<Value>, default: i64, length: i64) -> Result<usize> {
    let at = match value {
        None | Some(Value::None) => default,
        Some(value) => int_argument("slice", "index", &value)?,
    };
    let at = if at < 0 { at + length } else { at };
    Ok(at.clamp(0, length) as usize)
}

fn affix(text: &str, name: &str, arguments: Arguments) -> Result<Value> {
    let [affix, start, end] = arguments.bind(name, ["prefix", "start", "end"], 1)?;
    let length = text.chars().count() as i64;
    let (start, end) = (clamp(start, 0, length)?, clamp(end, length, length)?);
    let part: String = text.chars().take(end).skip(start).collect();
    let fits = |affix: &Value| match affix {
        Value::Str(affix) if name == "startswith" => Ok(part.starts_with(&**affix)),
        Value::Str(affix) => Ok(part.ends_with(&**affix)),
        other => Err(TemplateError::of_type(format!(
            "{name} first arg must be str or a tuple of str, not {}",
            other.type_name()
        ))),
    };
    match affix.unwrap_or_default() {
        Value::Tuple(affixes) => {
            for affix in affixes.iter() {
                if fits(affix)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        affix => fits(&affix).map(Value::Bool),
    }
}

fn search(text: &str, name: &str, arguments: Arguments) -> Result<Value> {
    let [part, start, end] = arguments.bind(name, ["sub", "start", "end"], 1)?;
    let part = text_argument(name, part)?;
    let length = text.chars().count() as i64;
    let (start, end) = (clamp(start, 0, length)?, clamp(end, length, length)?);
    let window: String = text.chars().take(end).skip(start).collect();
    if name == "count" {
        let count = if part.is_empty() {
            window.chars().count() + 1
        } else {
            window.matches(&*part).count()
        };
        return Ok(Value::from(count));
    }
    let byte = if name.starts_with('r') { window.rfind(&*part) } else { window.find(&*part) };
    match byte {
        Some(byte) => {
            let before = window.get(..byte).unwrap_or("").chars().count();
            Ok(Value::from(start + before))
        }
        None if name.ends_with("find") => Ok(Value::Int(-1)),
        None => Err(TemplateError::of_value("substring not found")),
    }
}

fn pad(text: &str, name: &str, arguments: Arguments) -> Result<Value> {
    let [width, fill] = arguments.bind(name, ["width", "fillchar"], 1)?;
    let width = int_argument(name, "width", &width.unwrap_or_default())?;
    if width > WIDTH_MAX {
        return Err(TemplateError::new(
            crate::ErrorKind::Limit,
            format!("{name}: the width is more than {WIDTH_MAX}"),
        ));
    }
    let length = text.chars().count();
    let missing = usize::try_from(width).unwrap_or(0).saturating_sub(length);
    let fill = match fill {
        None => " ".into(),
        fill => text_argument(name, fill)?,
    };
    if fill.chars().count() != 1 {
        return Err(TemplateError::of_type(
            "The fill character must be exactly one character long",
        ));
    }
    Ok(Value::from(match name {
        "ljust" => format!("{text}{}", fill.repeat(missing)),
        "rjust" => format!("{}{text}", fill.repeat(missing)),
        "zfill" => {
            let (sign, digits) = match text.strip_prefix(['+', '-']) {
                Some(digits) => (text.get(..1).unwrap_or(""), digits),
                None => ("", text),
            };
            format!("{sign}{}{digits}", "0".repeat(missing))
        }
        _ => {
            // Python puts the odd one to the left where the width is odd.
            let left = missing / 2 + (missing & width as usize & 1);
            format!("{}{text}{}", fill.repeat(left), fill.repeat(missing - left))
        }
    }))
}

fn strip(text: &str, name: &str, arguments: Arguments) -> Result<Value> {
    let [chars] = arguments.bind(name, ["chars"], 0)?;
    let chars = match chars {
        None | Some(Value::None) => None,
        other => Some(text_argument(name, other)?),
    };
    let is_stripped = |c: char| match &chars {
        Some(chars) => chars.contains(c),
        None => c.is_whitespace(),
    };
    Ok(Value::from(match name {
        "lstrip" => text.trim_start_matches(is_stripped),
        "rstrip" => text.trim_end_matches(is_stripped),
        _ => text.trim_matches(is_stripped),
    }))
}

fn join(text: &str, arguments: Arguments) -> Result<Value> {
    let [items] = arguments.bind("join", ["iterable"], 1)?;
    let mut out = String::new();
    for (at, item) in items.unwrap_or_default().elements()?.into_iter().enumerate() {
        let Value::Str(item) = item.defined()? else {
            return Err(TemplateError::of_type(format!(
                "sequence item {at}: expected str instance"
            )));
        };
        if at > 0 {
            out.push_str(text);
        }
        out.push_str(&item);
    }
    Ok(Value::from(out))
}

fn replace(text: &str, arguments: Arguments) -> Result<Value> {
    let [old, new, count] = arguments.bind("replace", ["old", "new", "count"], 2)?;
    let (old, new) = (text_argument("replace", old)?, text_argument("replace", new)?);
    let count = count.map_or(Ok(-1), |count| int_argument("replace", "count", &count))?;
    Ok(Value::from(match usize::try_from(count) {
        Ok(count) => text.replacen(&*old, &new, count),
        Err(_) => text.replace(&*old, &new),
    }))
}

fn partition(text: &str, name: &str, arguments: Arguments) -> Result<Value> {
    let [separator] = arguments.bind(name, ["sep"], 1)?;
    let separator = text_argument(name, separator)?;
    if separator.is_empty() {
        return Err(TemplateError::of_value("empty separator"));
    }
    let is_last = name == "rpartition";
    let found = if is_last { text.rsplit_once(&*separator) } else { text.split_once(&*separator) };
    let parts = match found {
        Some((before, after)) => [before, &*separator, after],
        None if is_last => ["", "", text],
        None => [text, "", ""],
    };
    Ok(Value::tuple(parts.map(Value::from)))
}

/// Python's `splitlines`.
pub(crate) fn lines(text: &str, keep_ends: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let is_end = matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        if !is_end {
            line.push(c);
            continue;
        }
        if keep_ends {
            line.push(c);
        }
        if c == '\r' && chars.peek() == Some(&'\n') {
            chars.next();
            if keep_ends {
                line.push('\n');
            }
        }
        lines.push(std::mem::take(&mut line));
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

fn expand_tabs(text: &str, size: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => {
                let blanks = if size == 0 { 0 } else { size - column % size };
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    out
}

fn maketrans(arguments: Arguments) -> Result<Value> {
    let [from, to, deleted] = arguments.bind("maketrans", ["x", "y", "z"], 1)?;
    let table = Dict::default();
    let code = |c: char| Value::from(u32::from(c));
    match (from.unwrap_or_default(), to) {
        (Value::Str(from), Some(Value::Str(to))) => {
            if from.chars().count() != to.chars().count() {
                return Err(TemplateError::of_value(
                    "the first two maketrans arguments must have equal length",
                ));
            }
            for (from, to) in from.chars().zip(to.chars()) {
                table.insert(code(from), code(to));
            }
        }
        (mapping, None) => {
            for (key, value) in mapping.entries().unwrap_or_default() {
                let key = match key.as_str().and_then(|text| text.chars().next()) {
                    Some(c) => code(c),
                    None => key,
                };
                table.insert(key, value);
            }
        }
        _ => return Err(TemplateError::of_type("maketrans() takes two strings or one dict")),
    }
    if let Some(Value::Str(deleted)) = deleted {
        for c in deleted.chars() {
            table.insert(code(c), Value::None);
        }
    }
    Ok(Value::Dict(table))
}

fn translate(text: &str, arguments: Arguments) -> Result<Value> {
    let [table] = arguments.bind("translate", ["table"], 1)?;
    let Value::Dict(table) = table.unwrap_or_default() else {
        return Err(TemplateError::of_type("translate() takes a dict"));
    };
    let mut out = String::new();
    for c in text.chars() {
        match table.get_value(&Value::from(u32::from(c))) {
            None => out.push(c),
            Some(Value::None) => {}
            Some(Value::Str(text)) => out.push_str(&text),
            Some(other) => {
                let code = other.as_int().and_then(|code| u32::try_from(code).ok());
                out.extend(code.and_then(char::from_u32));
            }
        }
    }
    Ok(Value::from(out))
}
