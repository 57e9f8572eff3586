//! `'%s' % value`

use crate::{
    error::{Result, TemplateError},
    value::{Value, big, float},
};

/// The widest field, in characters.
const WIDTH_MAX: usize = 1 << 20;

#[derive(Default)]
struct Field {
    left: bool,
    plus: bool,
    space: bool,
    zero: bool,
    alternate: bool,
    width: usize,
    precision: Option<usize>,
}

/// The values that fields take: a tuple gives one each, a dict gives them by name.
struct Values<'a> {
    all: Value,
    items: Option<&'a [Value]>,
    at: usize,
}

impl Values<'_> {
    fn next(&mut self) -> Result<Value> {
        let value = match self.items {
            Some(items) => items.get(self.at).cloned(),
            None => (self.at == 0).then(|| self.all.clone()),
        };
        self.at += 1;
        value.ok_or_else(|| TemplateError::of_type("not enough arguments for format string"))
    }
}

/// Python's `format % values`.
///
/// # Errors
/// The format is wrong, or a value does not fit it.
pub fn format(format: &str, values: &Value) -> Result<String> {
    let items = match values {
        Value::Tuple(items) => Some(&**items),
        _ => None,
    };
    let mut values = Values { all: values.clone(), items, at: 0 };
    let mut is_named = false;
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut named = None;
        if chars.peek() == Some(&'(') {
            chars.next();
            let mut name = String::new();
            let mut depth = 1;
            for c in chars.by_ref() {
                match c {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
                name.push(c);
            }
            let Some(entry) = values.all.is_mapping().then(|| values.all.get(&name)) else {
                return Err(TemplateError::of_type("format requires a mapping"));
            };
            is_named = true;
            named = Some(entry.ok_or_else(|| TemplateError::of_value(format!("'{name}'")))?);
        }
        let mut field = Field::default();
        while let Some(flag) = chars.peek() {
            match flag {
                '-' => field.left = true,
                '+' => field.plus = true,
                ' ' => field.space = true,
                '0' => field.zero = true,
                '#' => field.alternate = true,
                _ => break,
            }
            chars.next();
        }
        let mut number = |values: &mut Values<'_>| -> Result<Option<i64>> {
            if chars.peek() == Some(&'*') {
                chars.next();
                let value = values.next()?;
                return value
                    .as_int()
                    .map(Some)
                    .ok_or_else(|| TemplateError::of_type("* wants int"));
            }
            let mut digits = String::new();
            while let Some(c) = chars.peek().filter(|c| c.is_ascii_digit()) {
                digits.push(*c);
                chars.next();
            }
            Ok(digits.parse().ok())
        };
        let width = number(&mut values)?.unwrap_or(0);
        field.left |= width < 0;
        field.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX).min(WIDTH_MAX);
        if chars.peek() == Some(&'.') {
            chars.next();
            let mut digits = String::new();
            while let Some(c) = chars.peek().filter(|c| c.is_ascii_digit()) {
                digits.push(*c);
                chars.next();
            }
            field.precision = Some(digits.parse::<usize>().unwrap_or(0).min(WIDTH_MAX));
        }
        while chars.peek().is_some_and(|c| matches!(c, 'h' | 'l' | 'L')) {
            chars.next();
        }
        let Some(kind) = chars.next() else {
            return Err(TemplateError::of_value("incomplete format"));
        };
        if kind == '%' {
            out.push('%');
            continue;
        }
        let value = match named {
            Some(value) => value,
            None => values.next()?,
        };
        // Python shows what is undefined where it is asked how it would be written.
        let value = if matches!(kind, 'r' | 'a') { value } else { value.defined()? };
        write_field(&mut out, &field, kind, &value)?;
    }
    let unused = match values.items {
        Some(items) => values.at < items.len(),
        // A mapping or list may stay unused; another value may not.
        None => {
            values.at == 0 && !is_named && !values.all.is_mapping() && !values.all.is_sequence()
        }
    };
    if unused {
        return Err(TemplateError::of_type("not all arguments converted during string formatting"));
    }
    Ok(out)
}

fn write_field(out: &mut String, field: &Field, kind: char, value: &Value) -> Result<()> {
    let wrong = |what: &str| {
        Err(TemplateError::of_type(format!(
            "%{kind} format: {what} is required, not {}",
            value.type_name()
        )))
    };
    let (sign, body) = match kind {
        's' | 'r' | 'a' => {
            let text = if kind == 's' { value.to_string() } else { value.repr() };
            let text = match field.precision {
                Some(length) => text.chars().take(length).collect(),
                None => text,
            };
            return pad(out, field, "", &text, false);
        }
        'c' => {
            let text = match value {
                Value::Str(text) if text.chars().count() == 1 => text.to_string(),
                other => match other
                    .as_int()
                    .and_then(|code| u32::try_from(code).ok())
                    .and_then(char::from_u32)
                {
                    Some(c) => c.to_string(),
                    None => return Err(TemplateError::of_type("%c requires int or char")),
                },
            };
            return pad(out, field, "", &text, false);
        }
        'd' | 'i' | 'u' => {
            let number = match value {
                Value::Float(number) => big::from_f64(*number),
                other => big::of(other),
            };
            let Some(number) = number else { return wrong("a real number") };
            signed(number.to_string())
        }
        'x' | 'X' | 'o' => {
            let Some(number) = big::of(value) else { return wrong("an integer") };
            let digits = number.to_str_radix(if kind == 'o' { 8 } else { 16 });
            let digits = if kind == 'X' { digits.to_uppercase() } else { digits };
            let (sign, digits) = signed(digits);
            let prefix = if field.alternate { format!("0{kind}") } else { String::new() };
            (sign, format!("{prefix}{digits}"))
        }
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' => {
            let Some(number) = value.as_float() else { return wrong("a real number") };
            signed(float_text(number, kind, field.precision.unwrap_or(6), field.alternate))
        }
        other => {
            return Err(TemplateError::of_value(format!("unsupported format character '{other}'")));
        }
    };
    let body = match field.precision {
        Some(digits) if matches!(kind, 'd' | 'i' | 'u' | 'x' | 'X' | 'o') => {
            format!("{}{body}", "0".repeat(digits.saturating_sub(body.len())))
        }
        _ => body,
    };
    let sign = match (sign, field.plus, field.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    };
    pad(out, field, sign, &body, field.zero)
}

/// Whether a number is negative, and its digits.
fn signed(text: String) -> (bool, String) {
    match text.strip_prefix('-') {
        Some(digits) => (true, digits.to_owned()),
        None => (false, text),
    }
}

fn pad(out: &mut String, field: &Field, sign: &str, body: &str, zeros: bool) -> Result<()> {
    let length = sign.len() + body.chars().count();
    let missing = field.width.saturating_sub(length);
    if field.left {
        out.push_str(sign);
        out.push_str(body);
        out.extend(std::iter::repeat_n(' ', missing));
    } else if zeros {
        out.push_str(sign);
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(body);
    } else {
        out.extend(std::iter::repeat_n(' ', missing));
        out.push_str(sign);
        out.push_str(body);
    }
    Ok(())
}

/// A float in one of the forms `e`, `f` and `g`.
pub(crate) fn float_text(number: f64, kind: char, precision: usize, alternate: bool) -> String {
    if !number.is_finite() {
        let text = float::repr(number);
        return if kind.is_uppercase() { text.to_uppercase() } else { text };
    }
    match kind {
        'f' | 'F' => format!("{number:.precision$}"),
        'e' | 'E' => {
            let text = scientific(number, precision);
            if kind == 'E' { text.to_uppercase() } else { text }
        }
        _ => {
            let digits = precision.max(1);
            let text = scientific(number, digits - 1);
            let exponent: i32 =
                text.rsplit_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
            let plain = exponent >= -4 && exponent < digits as i32;
            let mut text = if plain {
                let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
                format!("{number:.decimals$}")
            } else {
                text
            };
            if !alternate {
                let (mantissa, tail) = match text.find('e') {
                    Some(at) => text.split_at(at),
                    None => (&*text, ""),
                };
                if mantissa.contains('.') {
                    let short = mantissa.trim_end_matches('0').trim_end_matches('.');
                    text = format!("{short}{tail}");
                }
            }
            if kind == 'G' { text.to_uppercase() } else { text }
        }
    }
}

fn scientific(number: f64, precision: usize) -> String {
    let text = format!("{number:.precision$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
