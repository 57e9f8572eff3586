//! How a value becomes what an argument's kind asks for, by Ansible's rules.
//!
//! `yes` is a boolean, `"5"` an integer, `a,b` a list and `k=v` a dict wherever an argument says
//! so. The texts of refusals are those that users of Ansible search for.

use crate::{Json, JsonMap, python, spec::Kind};

/// Turns a value into one of the given kind.
///
/// Paths stay text: what they stand for (`~`, `$HOME`) is known on the host alone.
///
/// # Errors
/// A sentence that says why the value cannot be turned.
pub fn coerce(kind: Kind, value: &Json) -> Result<Json, String> {
    match kind {
        Kind::Raw => Ok(value.clone()),
        Kind::Str => match value {
            Json::Null => Err("'None' is not a string and conversion is not allowed".into()),
            other => Ok(Json::String(python::text(other))),
        },
        Kind::Path => Ok(Json::String(python::text(value))),
        Kind::Bool => bool_of(value).map(Json::Bool),
        Kind::Int => int_of(value),
        Kind::Float => float_of(value),
        Kind::List => list_of(value),
        Kind::Dict => dict_of(value).map(Json::Object),
        Kind::Json | Kind::Jsonarg => json_of(value),
        Kind::Bytes => size_of(value, Unit::Byte),
        Kind::Bits => size_of(value, Unit::Bit),
    }
}

/// The name of a kind as Ansible's specs and messages write it.
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Str => "str",
        Kind::Int => "int",
        Kind::Float => "float",
        Kind::Bool => "bool",
        Kind::List => "list",
        Kind::Dict => "dict",
        Kind::Path => "path",
        Kind::Raw => "raw",
        Kind::Json => "json",
        Kind::Jsonarg => "jsonarg",
        Kind::Bytes => "bytes",
        Kind::Bits => "bits",
    }
}

/// Whether a text or number means yes or no: `on`, `0`, `true`, …
pub fn truth(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(value) => Some(*value),
        Json::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        Json::String(text) => match text.to_lowercase().trim() {
            "y" | "yes" | "on" | "1" | "true" | "t" => Some(true),
            "n" | "no" | "off" | "0" | "false" | "f" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn bool_of(value: &Json) -> Result<bool, String> {
    truth(value).ok_or_else(|| match value {
        Json::String(_) | Json::Number(_) => format!(
            "The value '{}' is not a valid boolean.  Valid booleans include: '0', 'f', 'false', \
             'n', 'no', 'off', 0, '1', 'on', 't', 'true', 'y', 'yes', 1",
            python::text(value)
        ),
        other => cannot(other, "a bool"),
    })
}

fn int_of(value: &Json) -> Result<Json, String> {
    let refusal = || format!("\"{}\" cannot be converted to an int", python::repr(value));
    match value {
        Json::Bool(value) => Ok(Json::from(i64::from(*value))),
        Json::Number(number) if number.is_f64() => {
            number.as_f64().and_then(whole).map(Json::from).ok_or_else(refusal)
        }
        Json::Number(_) => Ok(value.clone()),
        Json::String(text) => {
            let plain = text.trim();
            let digits = plain.replace('_', "");
            // Python allows `_` between digits, and between digits only.
            if plain.starts_with('_') || plain.ends_with('_') || plain.contains("__") {
                return Err(refusal());
            }
            if let Ok(whole) = digits.parse::<i64>() {
                return Ok(Json::from(whole));
            }
            if let Ok(whole) = digits.parse::<u64>() {
                return Ok(Json::from(whole));
            }
            digits.parse::<f64>().ok().and_then(whole).map(Json::from).ok_or_else(refusal)
        }
        _ => Err(refusal()),
    }
}

/// A float that has no fraction, as an integer.
fn whole(float: f64) -> Option<i64> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation)] // Floats up to 2^53 without a fraction are exact.
    (float.fract() == 0.0 && float.abs() <= EXACT_MAX).then_some(float as i64)
}

fn float_of(value: &Json) -> Result<Json, String> {
    let float = match value {
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    float
        .and_then(serde_json::Number::from_f64)
        .map(Json::Number)
        .ok_or_else(|| cannot(value, "a float"))
}

fn list_of(value: &Json) -> Result<Json, String> {
    match value {
        Json::Array(_) => Ok(value.clone()),
        Json::String(text) => Ok(text.split(',').map(Json::from).collect()),
        Json::Bool(_) | Json::Number(_) => Ok(Json::Array(vec![python::text(value).into()])),
        other => Err(cannot(other, "a list")),
    }
}

fn dict_of(value: &Json) -> Result<JsonMap, String> {
    match value {
        Json::Object(entries) => Ok(entries.clone()),
        Json::String(text) if text.trim_start().starts_with('{') => dict_of_literal(text),
        Json::String(text) if text.contains('=') => Ok(dict_of_pairs(text)),
        Json::String(_) => Err("dictionary requested, could not parse JSON or key=value".into()),
        other => Err(cannot(other, "a dict")),
    }
}

/// JSON, or the literal that Python writes for the same data.
fn dict_of_literal(text: &str) -> Result<JsonMap, String> {
    serde_json::from_str(text)
        .ok()
        .or_else(|| python_literal(text))
        .ok_or_else(|| "unable to evaluate string as dictionary".into())
}

/// Reads the simple literals that Python's `repr` writes, by rewriting quotes and constants to
/// JSON's.
fn python_literal(text: &str) -> Option<JsonMap> {
    let mut json = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' => {
                let mut inner = String::new();
                loop {
                    match letters.next()? {
                        '\\' => match letters.next()? {
                            'n' => inner.push('\n'),
                            't' => inner.push('\t'),
                            'r' => inner.push('\r'),
                            other => inner.push(other),
                        },
                        end if end == letter => break,
                        other => inner.push(other),
                    }
                }
                json.push_str(&Json::String(inner).to_string());
            }
            letter if letter.is_ascii_alphabetic() => {
                let mut word = String::from(letter);
                while let Some(next) = letters.next_if(char::is_ascii_alphabetic) {
                    word.push(next);
                }
                json.push_str(match word.as_str() {
                    "True" => "true",
                    "False" => "false",
                    "None" => "null",
                    other => other,
                });
            }
            other => json.push(other),
        }
    }
    serde_json::from_str(&json).ok()
}

/// `a=1, b="two words"`: pairs split by commas or spaces, quotes and backslashes as in a shell.
fn dict_of_pairs(text: &str) -> JsonMap {
    let mut pairs = Vec::new();
    let mut field = String::new();
    let mut quote = None;
    let mut escaped = false;
    for letter in text.trim().chars() {
        match (letter, quote) {
            (letter, _) if escaped => {
                field.push(letter);
                escaped = false;
            }
            ('\\', _) => escaped = true,
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            (',' | ' ' | '\t' | '\n', None) => {
                if !field.is_empty() {
                    pairs.push(std::mem::take(&mut field));
                }
            }
            (letter, _) => field.push(letter),
        }
    }
    if !field.is_empty() {
        pairs.push(field);
    }
    pairs
        .iter()
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (key.to_owned(), Json::from(value)))
        .collect()
}

fn json_of(value: &Json) -> Result<Json, String> {
    match value {
        Json::String(text) => Ok(text.trim().into()),
        Json::Array(_) | Json::Object(_) => Ok(python_json(value).into()),
        other => Err(cannot(other, "a json string")),
    }
}

/// JSON as Python's `json.dumps` writes it: a space after `,` and `:`, everything outside ASCII
/// escaped.
pub fn python_json(value: &Json) -> String {
    match value {
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(python_json).collect();
            format!("[{}]", items.join(", "))
        }
        Json::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, item)| {
                    format!("{}: {}", python_json(&Json::from(key.as_str())), python_json(item))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Json::String(_) => {
            let mut out = String::new();
            for letter in value.to_string().chars() {
                if letter.is_ascii() {
                    out.push(letter);
                } else {
                    for unit in letter.encode_utf16(&mut [0; 2]) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
            }
            out
        }
        Json::Number(number) if number.is_f64() => python::repr(value),
        other => other.to_string(),
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Byte,
    Bit,
}

/// `10M`, `1.5 GB`, `64Kb`: units are powers of 1024; `B` stands for bytes and `b` for bits.
fn size_of(value: &Json, unit: Unit) -> Result<Json, String> {
    let refusal = || {
        cannot(
            value,
            match unit {
                Unit::Byte => "a Byte value",
                Unit::Bit => "a Bit value",
            },
        )
    };
    let text = python::text(value);
    let text = text.trim();
    let split = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let (number, suffix) = text.split_at(split.unwrap_or(text.len()));
    let number: f64 = number.parse().map_err(|_| refusal())?;
    let suffix = suffix.trim();
    let mut letters = suffix.chars();
    let power = match letters.next().map(|letter| letter.to_ascii_uppercase()) {
        None => 0,
        Some('B') => 0,
        Some('K') => 1,
        Some('M') => 2,
        Some('G') => 3,
        Some('T') => 4,
        Some('P') => 5,
        Some('E') => 6,
        Some('Z') => 7,
        Some('Y') => 8,
        Some(_) => return Err(refusal()),
    };
    let rest = letters.as_str();
    let fits = match unit {
        _ if suffix.len() <= 1 => true,
        Unit::Byte => rest == "B" || suffix.to_lowercase().contains("byte"),
        Unit::Bit => rest == "b" || suffix.to_lowercase().contains("bit"),
    };
    if !fits {
        return Err(refusal());
    }
    let size = (number * 1024_f64.powi(power)).round();
    whole(size)
        .map(Json::from)
        .or_else(|| serde_json::Number::from_f64(size).map(Json::Number))
        .ok_or_else(refusal)
}

fn cannot(value: &Json, what: &str) -> String {
    format!("<class '{}'> cannot be converted to {what}", python::class(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_turn_into_their_kinds() {
        for (kind, value, expected) in [
            (Kind::Bool, json!("Yes"), json!(true)),
            (Kind::Bool, json!("OFF"), json!(false)),
            (Kind::Bool, json!(1.0), json!(true)),
            (Kind::Bool, json!(0), json!(false)),
            (Kind::Int, json!(" 1 "), json!(1)),
            (Kind::Int, json!("1.0"), json!(1)),
            (Kind::Int, json!("1_000"), json!(1000)),
            (Kind::Int, json!("+3"), json!(3)),
            (Kind::Int, json!("1e3"), json!(1000)),
            (Kind::Int, json!("18446744073709551615"), json!(u64::MAX)),
            (Kind::Float, json!("1e3"), json!(1000.0)),
            (Kind::Float, json!(true), json!(1.0)),
            (Kind::Str, json!(1.5), json!("1.5")),
            (Kind::Str, json!(true), json!("True")),
            (Kind::Str, json!({"a": 1}), json!("{'a': 1}")),
            (Kind::List, json!("a, b"), json!(["a", " b"])),
            (Kind::List, json!(""), json!([""])),
            (Kind::List, json!(1.5), json!(["1.5"])),
            (Kind::List, json!(true), json!(["True"])),
            (Kind::Dict, json!("a=b, c=d"), json!({"a": "b", "c": "d"})),
            (Kind::Dict, json!("a=\"b c\" d=e"), json!({"a": "b c", "d": "e"})),
            (
                Kind::Dict,
                json!("{'a': True, 'b': [None, \"x\"]}"),
                json!({"a": true, "b": [null, "x"]}),
            ),
            (Kind::Path, json!("~/x"), json!("~/x")),
            (Kind::Raw, json!([1]), json!([1])),
            (Kind::Json, json!({"a": [1, "ü"]}), json!("{\"a\": [1, \"\\u00fc\"]}")),
            (Kind::Jsonarg, json!(" x "), json!("x")),
            (Kind::Bytes, json!("1.5G"), json!(1_610_612_736)),
            (Kind::Bytes, json!("10 MB"), json!(10_485_760)),
            (Kind::Bytes, json!("10b"), json!(10)),
            (Kind::Bits, json!("10Mb"), json!(10_485_760)),
        ] {
            assert_eq!(coerce(kind, &value), Ok(expected), "{kind:?} of {value}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (kind, value, expected) in [
            (Kind::Bool, json!("maybe"), "The value 'maybe' is not a valid boolean.  Valid"),
            (Kind::Bool, json!(2), "The value '2' is not a valid boolean"),
            (Kind::Bool, json!([]), "<class 'list'> cannot be converted to a bool"),
            (Kind::Int, json!("abc"), "\"'abc'\" cannot be converted to an int"),
            (Kind::Int, json!("1.5"), "\"'1.5'\" cannot be converted to an int"),
            (Kind::Int, json!(1.5), "\"1.5\" cannot be converted to an int"),
            (Kind::Int, json!("0x10"), "\"'0x10'\" cannot be converted to an int"),
            (Kind::Int, json!("1__0"), "\"'1__0'\" cannot be converted to an int"),
            (Kind::Float, json!("abc"), "<class 'str'> cannot be converted to a float"),
            (Kind::Str, json!(null), "'None' is not a string"),
            (Kind::List, json!({}), "<class 'dict'> cannot be converted to a list"),
            (Kind::Dict, json!("abc"), "dictionary requested, could not parse JSON or key=value"),
            (Kind::Dict, json!("{bad"), "unable to evaluate string as dictionary"),
            (Kind::Dict, json!(1), "<class 'int'> cannot be converted to a dict"),
            (Kind::Json, json!(1), "<class 'int'> cannot be converted to a json string"),
            (Kind::Bytes, json!("10Mb"), "<class 'str'> cannot be converted to a Byte value"),
            (Kind::Bits, json!("10MB"), "<class 'str'> cannot be converted to a Bit value"),
            (Kind::Bytes, json!("abc"), "<class 'str'> cannot be converted to a Byte value"),
        ] {
            let error = coerce(kind, &value).unwrap_err();
            assert!(error.starts_with(expected), "{kind:?} of {value}: {error}");
        }
    }
}
