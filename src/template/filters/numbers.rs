//! Filters over numbers.

use super::filter;
use crate::{
    compile::ir::BinaryOperator,
    engine::{Call, Filter},
    error::{Result, TemplateError},
    eval::operators,
    value::{Arguments, Value, big, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[
    filter("int", int),
    filter("float", float),
    filter("abs", abs),
    filter("round", round),
    filter("log", log),
    filter("pow", pow),
    filter("root", root),
    filter("human_readable", human_readable),
    filter("human_to_bytes", human_to_bytes),
];

/// Python's `int(text, base)`: blanks around, underscores between digits, a prefix that fits.
pub(crate) fn parse_int(text: &str, base: u32) -> Option<Value> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (if text.starts_with('-') { "-" } else { "" }, digits),
        None => ("", text),
    };
    let lower = digits.to_lowercase();
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)]
        .iter()
        .find_map(|(prefix, of)| lower.strip_prefix(prefix).map(|rest| (rest, *of)));
    let (digits, base) = match (prefixed, base) {
        (Some((rest, of)), 0) => (rest.to_owned(), of),
        (Some((rest, of)), base) if base == of => (rest.to_owned(), of),
        (_, 0) => (lower, 10),
        _ => (lower, base),
    };
    if digits.is_empty()
        || digits.starts_with('_')
        || digits.ends_with('_')
        || digits.contains("__")
        || !(2..=36).contains(&base)
    {
        return None;
    }
    let plain = digits.replace('_', "");
    if !plain.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    big::BigInt::parse_bytes(format!("{sign}{plain}").as_bytes(), base).map(big::value)
}

/// Python's `float(text)`.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim().replace('_', "");
    let lower = text.to_lowercase();
    match lower.trim_start_matches(['+', '-']) {
        "inf" | "infinity" | "nan" => lower.parse().ok(),
        word if word.starts_with(|c: char| c.is_ascii_digit() || c == '.') => lower.parse().ok(),
        _ => None,
    }
}

fn int(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [default, base] = arguments.bind("int", ["default", "base"], 0)?;
    let default = default.unwrap_or(Value::Int(0));
    let base = base.map_or(Ok(10), |base| int_argument("int", "base", &base))?;
    let base = u32::try_from(base).unwrap_or(1);
    let truncated = |number: f64| big::from_f64(number).map(big::value);
    Ok(match &value {
        Value::Int(_) | Value::BigInt(_) => value,
        Value::Bool(value) => Value::Int(i64::from(*value)),
        Value::Float(number) => truncated(*number).unwrap_or(default),
        Value::Str(text) => parse_int(text, base)
            .or_else(|| parse_float(text).and_then(truncated))
            .unwrap_or(default),
        _ => default,
    })
}

fn float(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [default] = arguments.bind("float", ["default"], 0)?;
    let default = default.unwrap_or(Value::Float(0.0));
    let number = match value.as_str() {
        Some(text) => parse_float(text),
        None => value.as_float(),
    };
    Ok(number.map_or(default, Value::Float))
}

fn number(function: &str, value: &Value) -> Result<f64> {
    value.as_float().ok_or_else(|| {
        TemplateError::of_type(format!(
            "{function}() can only be used on numbers: must be real number, not {}",
            value.type_name()
        ))
    })
}

fn abs(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("abs")?;
    match &value {
        Value::Float(number) => Ok(Value::Float(number.abs())),
        other => match big::of(other) {
            Some(number) if number < big::BigInt::from(0) => Ok(big::value(-number)),
            Some(number) => Ok(big::value(number)),
            None => Err(TemplateError::of_type(format!(
                "bad operand type for abs(): '{}'",
                other.type_name()
            ))),
        },
    }
}

fn round(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [precision, method] = arguments.bind("round", ["precision", "method"], 0)?;
    let precision =
        precision.map_or(Ok(0), |precision| int_argument("round", "precision", &precision))?;
    let method = method.map_or("common".to_owned(), |method| method.to_string());
    if method == "common" && value.as_float().is_some() && !matches!(value, Value::Float(_)) {
        // Python rounds integers to integers.
        if precision >= 0 {
            return Ok(match value {
                Value::Bool(value) => Value::Int(i64::from(value)),
                value => value,
            });
        }
    }
    let number = match &value {
        Value::Undefined(undefined) => return Err(undefined.error()),
        other => number("round", other)?,
    };
    let precision = i32::try_from(precision.clamp(-300, 300)).unwrap_or(0);
    let rounded = match method.as_str() {
        "common" => {
            if precision >= 0 {
                let digits = usize::try_from(precision).unwrap_or(0);
                // The decimal form is exact, and ties go to even as in Python.
                format!("{number:.digits$}").parse().unwrap_or(number)
            } else {
                let factor = 10f64.powi(-precision);
                (number / factor).round_ties_even() * factor
            }
        }
        "ceil" => {
            let factor = 10f64.powi(precision);
            (number * factor).ceil() / factor
        }
        "floor" => {
            let factor = 10f64.powi(precision);
            (number * factor).floor() / factor
        }
        _ => return Err(TemplateError::of_value("method must be common, ceil or floor")),
    };
    Ok(match value {
        Value::Float(_) => Value::Float(rounded),
        _ if method == "common" => Value::Int(rounded as i64),
        _ => Value::Float(rounded),
    })
}

fn log(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [base] = arguments.bind("log", ["base"], 0)?;
    let number = number("log", &value)?;
    if number <= 0.0 {
        return Err(TemplateError::of_value("math domain error"));
    }
    let result = match base {
        None => number.ln(),
        Some(base) => match self::number("log", &base)? {
            10.0 => number.log10(),
            base => number.ln() / base.ln(),
        },
    };
    Ok(Value::Float(result))
}

fn pow(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [exponent] = arguments.bind("pow", ["y"], 1)?;
    let base = number("pow", &value)?;
    let exponent = number("pow", &exponent.unwrap_or_default())?;
    operators::binary(BinaryOperator::Power, &Value::Float(base), &Value::Float(exponent))
}

fn root(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [base] = arguments.bind("root", ["base"], 0)?;
    let number = number("root", &value)?;
    let base = base.map_or(Ok(2.0), |base| self::number("root", &base))?;
    if number < 0.0 {
        return Err(TemplateError::of_value("root() can only be used on positive numbers"));
    }
    Ok(Value::Float(if base == 2.0 { number.sqrt() } else { number.powf(1.0 / base) }))
}

const UNITS: [(char, f64); 9] = [
    ('Y', (1u128 << 80) as f64),
    ('Z', (1u128 << 70) as f64),
    ('E', (1u128 << 60) as f64),
    ('P', (1u128 << 50) as f64),
    ('T', (1u128 << 40) as f64),
    ('G', (1u128 << 30) as f64),
    ('M', (1u128 << 20) as f64),
    ('K', (1u128 << 10) as f64),
    ('B', 1.0),
];

fn human_readable(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [bits, unit] = arguments.bind("human_readable", ["isbits", "unit"], 0)?;
    let is_bits = bits.is_some_and(|bits| bits.truthy());
    let Some(size) = value.as_float() else {
        let kind = value.class_name();
        let why = match &unit {
            Some(unit) if !unit.is_none() => {
                format!("unsupported operand type(s) for /: '{kind}' and 'int'")
            }
            _ => format!("'>=' not supported between instances of '{kind}' and 'int'"),
        };
        return Err(TemplateError::of_value(format!(
            "human_readable() failed on bad input: {why}"
        )));
    };
    let unit = unit.filter(|unit| !unit.is_none()).map(|unit| unit.to_string().to_uppercase());
    let base = if is_bits { "bits" } else { "Bytes" };
    let chosen = UNITS.iter().find(|(letter, limit)| match &unit {
        Some(unit) => unit.starts_with(*letter),
        None => size >= *limit,
    });
    let (letter, limit) = chosen.copied().unwrap_or(('B', 1.0));
    let suffix = match letter {
        'B' => base.to_owned(),
        letter => format!("{letter}{}", if is_bits { "b" } else { "B" }),
    };
    Ok(Value::from(format!("{:.2} {suffix}", size / limit)))
}

fn human_to_bytes(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [default_unit, bits] = arguments.bind("human_to_bytes", ["default_unit", "isbits"], 0)?;
    let is_bits = bits.is_some_and(|bits| bits.truthy());
    let text = value.to_string();
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
    let (digits, unit) = trimmed.split_at(end);
    let unit = unit.trim();
    let wrong = || {
        TemplateError::of_value(format!(
            "human_to_bytes() can't interpret following string: {text}"
        ))
    };
    let number: f64 = digits.parse().map_err(|_| wrong())?;
    let unit = match (unit, default_unit) {
        ("", Some(default)) if !default.is_none() => default.to_string(),
        ("", _) => return Ok(Value::Int(number.round_ties_even() as i64)),
        (unit, _) => unit.to_owned(),
    };
    let letter = unit.chars().next().map(|c| c.to_ascii_uppercase()).unwrap_or('B');
    let limit = UNITS
        .iter()
        .find(|(known, _)| *known == letter)
        .map(|(_, limit)| *limit)
        .ok_or_else(wrong)?;
    let rest = unit.get(1..).unwrap_or("");
    let lower = unit.to_lowercase();
    let is_fitting = match (letter, is_bits) {
        ('B', true) => matches!(unit.as_str(), "b" | "bit" | "bits") || lower == "bits",
        ('B', false) => matches!(unit.as_str(), "B") || matches!(lower.as_str(), "byte" | "bytes"),
        (_, true) => matches!(rest, "" | "b") || rest.to_lowercase().starts_with("bit"),
        (_, false) => matches!(rest, "" | "B") || rest.to_lowercase().contains("byte"),
    };
    if !is_fitting {
        return Err(TemplateError::of_value(format!(
            "human_to_bytes() failed to convert {text}. Value is not a valid string ({unit} in \
             place of {})",
            if is_bits { "a unit of bits" } else { "a unit of bytes" }
        )));
    }
    Ok(Value::Int((number * limit).round_ties_even() as i64))
}
