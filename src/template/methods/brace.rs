//! `'{}'.format(value)` and its format specifications.

use super::percent::float_text;
use crate::{
    error::{Result, TemplateError},
    eval::attribute,
    value::{Arguments, Value, big, float},
};

/// How deep fields may stand in format specifications.
const DEPTH_MAX: usize = 2;
/// The widest field, in characters.
const WIDTH_MAX: usize = 1 << 20;

/// Python's `text.format(*args, **kwargs)`.
///
/// # Errors
/// The format is wrong, names a missing argument, or a value does not fit.
pub fn format(text: &str, arguments: &Arguments) -> Result<String> {
    let mut next = 0;
    expand(text, arguments, &mut next, DEPTH_MAX)
}

fn expand(text: &str, arguments: &Arguments, next: &mut usize, depth: usize) -> Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if let Some(after) = from.strip_prefix("{{") {
            out.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            out.push('}');
            rest = after;
        } else if let Some(after) = from.strip_prefix('{') {
            if depth == 0 {
                return Err(TemplateError::of_value("Max string recursion exceeded"));
            }
            let end = matching(after)
                .ok_or_else(|| TemplateError::of_value("expected '}' before end of string"))?;
            let (field, tail) = after.split_at(end);
            out.push_str(&one(field, arguments, next, depth)?);
            rest = tail.get(1..).unwrap_or("");
        } else {
            return Err(TemplateError::of_value("Single '}' encountered in format string"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the field ends that has just been opened.
fn matching(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn one(field: &str, arguments: &Arguments, next: &mut usize, depth: usize) -> Result<String> {
    let (selector, spec) = match field.find(':') {
        Some(at) => (field.get(..at).unwrap_or(""), field.get(at + 1..).unwrap_or("")),
        None => (field, ""),
    };
    let (selector, conversion) = match selector.rsplit_once('!') {
        Some((selector, conversion)) => (selector, Some(conversion)),
        None => (selector, None),
    };
    let value = select(selector, arguments, next)?;
    let spec = expand(spec, arguments, next, depth - 1)?;
    let value = match conversion {
        None => value,
        Some("s") => Value::from(value.to_string()),
        Some("r" | "a") => Value::from(value.repr()),
        Some(other) => {
            return Err(TemplateError::of_value(format!("Unknown conversion specifier '{other}'")));
        }
    };
    specified(&value.defined()?, &spec)
}

/// The value of `name.attribute[element]`.
fn select(selector: &str, arguments: &Arguments, next: &mut usize) -> Result<Value> {
    let end = selector.find(['.', '[']).unwrap_or(selector.len());
    let (first, mut path) = selector.split_at(end);
    let positional = |at: usize| {
        arguments.positional.get(at).cloned().ok_or_else(|| {
            TemplateError::of_value(format!(
                "Replacement index {at} out of range for positional args tuple"
            ))
        })
    };
    let mut value = if first.is_empty() {
        *next += 1;
        positional(*next - 1)?
    } else if let Ok(at) = first.parse::<usize>() {
        positional(at)?
    } else {
        arguments
            .keyword
            .iter()
            .find(|(name, _)| &**name == first)
            .map(|(_, value)| value.clone())
            .ok_or_else(|| TemplateError::of_value(format!("'{first}'")))?
    };
    while !path.is_empty() {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, tail) = rest.split_at(end);
            value = attribute::attribute(&value, name).defined()?;
            path = tail;
        } else {
            let rest = path.strip_prefix('[').unwrap_or(path);
            let Some((key, tail)) = rest.split_once(']') else {
                return Err(TemplateError::of_value("Missing ']' in format string"));
            };
            let key = key.parse::<i64>().map_or_else(|_| Value::from(key), Value::Int);
            value = attribute::item(&value, &key)?.defined()?;
            path = tail;
        }
    }
    Ok(value)
}

struct Spec {
    fill: char,
    align: Option<char>,
    sign: char,
    alternate: bool,
    width: usize,
    grouping: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

fn parse_spec(spec: &str) -> Result<Spec> {
    let mut chars = spec.chars().peekable();
    let mut parsed = Spec {
        fill: ' ',
        align: None,
        sign: '-',
        alternate: false,
        width: 0,
        grouping: None,
        precision: None,
        kind: None,
    };
    let second = spec.chars().nth(1);
    if let (Some(fill), Some(align @ ('<' | '>' | '^' | '='))) = (spec.chars().next(), second) {
        parsed.fill = fill;
        parsed.align = Some(align);
        chars.nth(1);
    } else if let Some(align @ ('<' | '>' | '^' | '=')) = chars.peek().copied() {
        parsed.align = Some(align);
        chars.next();
    }
    if let Some(sign @ ('+' | '-' | ' ')) = chars.peek().copied() {
        parsed.sign = sign;
        chars.next();
    }
    if chars.peek() == Some(&'#') {
        parsed.alternate = true;
        chars.next();
    }
    if chars.peek() == Some(&'0') {
        chars.next();
        if parsed.align.is_none() {
            parsed.fill = '0';
            parsed.align = Some('=');
        }
    }
    let digits = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut number = String::new();
        while let Some(c) = chars.peek().filter(|c| c.is_ascii_digit()) {
            number.push(*c);
            chars.next();
        }
        number.parse::<usize>().ok().map(|number| number.min(WIDTH_MAX))
    };
    parsed.width = digits(&mut chars).unwrap_or(0);
    if let Some(grouping @ (',' | '_')) = chars.peek().copied() {
        parsed.grouping = Some(grouping);
        chars.next();
    }
    if chars.peek() == Some(&'.') {
        chars.next();
        parsed.precision = digits(&mut chars);
        if parsed.precision.is_none() {
            return Err(TemplateError::of_value("Format specifier missing precision"));
        }
    }
    parsed.kind = chars.next();
    if chars.next().is_some() {
        return Err(TemplateError::of_value("Invalid format specifier"));
    }
    Ok(parsed)
}

/// Python's `format(value, spec)`.
///
/// # Errors
/// The specification is wrong or not for such a value.
pub fn specified(value: &Value, spec: &str) -> Result<String> {
    if spec.is_empty() {
        return Ok(value.to_string());
    }
    let spec = parse_spec(spec)?;
    let unknown = || {
        Err(TemplateError::of_value(format!(
            "Unknown format code '{}' for object of type '{}'",
            spec.kind.unwrap_or(' '),
            value.type_name()
        )))
    };
    let (sign, prefix, body, is_number) = match value {
        Value::Int(_) | Value::BigInt(_) | Value::Bool(_) | Value::Float(_) => {
            let is_float = matches!(value, Value::Float(_))
                || matches!(spec.kind, Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%'));
            let (text, prefix) = if is_float {
                let number = value.as_float().unwrap_or(f64::NAN);
                let text = match spec.kind {
                    Some('%') => {
                        format!(
                            "{}%",
                            float_text(number * 100.0, 'f', spec.precision.unwrap_or(6), false)
                        )
                    }
                    Some('n') => float_text(number, 'g', spec.precision.unwrap_or(6), false),
                    Some(kind @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G')) => {
                        float_text(number, kind, spec.precision.unwrap_or(6), spec.alternate)
                    }
                    None => match spec.precision {
                        Some(precision) => float_text(number, 'g', precision, true),
                        None => float::repr(number),
                    },
                    Some(_) => return unknown(),
                };
                (text, "")
            } else {
                let number = big::of(value).unwrap_or_default();
                match spec.kind {
                    None | Some('d' | 'n') => (number.to_string(), ""),
                    Some('x') => (number.to_str_radix(16), "0x"),
                    Some('X') => (number.to_str_radix(16).to_uppercase(), "0X"),
                    Some('o') => (number.to_str_radix(8), "0o"),
                    Some('b') => (number.to_str_radix(2), "0b"),
                    Some('c') => {
                        let c = u32::try_from(&number).ok().and_then(char::from_u32);
                        (c.map(String::from).unwrap_or_default(), "")
                    }
                    Some(_) => return unknown(),
                }
            };
            let (is_negative, digits) = match text.strip_prefix('-') {
                Some(digits) => (true, digits.to_owned()),
                None => (false, text),
            };
            let sign = match (is_negative, spec.sign) {
                (true, _) => "-",
                (false, '+') => "+",
                (false, ' ') => " ",
                _ => "",
            };
            let prefix = if spec.alternate { prefix } else { "" };
            (sign, prefix, grouped(&digits, spec.grouping), true)
        }
        other => {
            if !matches!(spec.kind, None | Some('s')) {
                return unknown();
            }
            let text = other.to_string();
            let text = match spec.precision {
                Some(length) => text.chars().take(length).collect(),
                None => text,
            };
            ("", "", text, false)
        }
    };
    let length = sign.len() + prefix.len() + body.chars().count();
    let missing = spec.width.saturating_sub(length);
    let fill = |count: usize| spec.fill.to_string().repeat(count);
    let align = spec.align.unwrap_or(if is_number { '>' } else { '<' });
    Ok(match align {
        '<' => format!("{sign}{prefix}{body}{}", fill(missing)),
        '^' => format!("{}{sign}{prefix}{body}{}", fill(missing / 2), fill(missing - missing / 2)),
        '=' => format!("{sign}{prefix}{}{body}", fill(missing)),
        _ => format!("{}{sign}{prefix}{body}", fill(missing)),
    })
}

/// Digits with a separator after every third of the integer part.
fn grouped(digits: &str, separator: Option<char>) -> String {
    let Some(separator) = separator else { return digits.to_owned() };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (whole, tail) = digits.split_at(end);
    let mut out = String::new();
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(c);
    }
    out + tail
}
