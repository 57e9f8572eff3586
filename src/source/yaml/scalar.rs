//! Plain scalars: what a text without quotes is, by PyYAML's implicit resolvers.

use crate::{Scalar, Style};

/// Resolves a plain scalar.
pub fn resolve_plain(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    numeric
        .then(|| integer(text).or_else(|| float(text)).or_else(|| timestamp(text)))
        .flatten()
        .unwrap_or_else(|| Scalar::Str { text: text.into(), style: Style::Plain })
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn integer(text: &str) -> Option<Scalar> {
    let (negative, digits) = split_sign(text);
    if let Some(digits) = digits.strip_prefix("0b") {
        return in_base(digits, 2, negative);
    }
    if let Some(digits) = digits.strip_prefix("0x") {
        return in_base(digits, 16, negative);
    }
    if digits == "0" {
        return Some(Scalar::Int(0));
    }
    if let Some(digits) = digits.strip_prefix('0') {
        return in_base(digits, 8, negative);
    }
    if digits.contains(':') {
        return sexagesimal(digits, negative);
    }
    in_base(digits, 10, negative)
}

/// Digits and underscores; not underscores alone, on which PyYAML's number conversion fails too.
fn in_base(digits: &str, base: u32, negative: bool) -> Option<Scalar> {
    if !digits.chars().all(|c| c == '_' || c.is_digit(base)) {
        return None;
    }
    if base == 10 && digits.starts_with('_') {
        return None;
    }
    let bare: String = digits.chars().filter(|c| *c != '_').collect();
    if bare.is_empty() {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    match i64::from_str_radix(&format!("{sign}{bare}"), base) {
        Ok(value) => Some(Scalar::Int(value)),
        Err(_) if base == 10 => Some(Scalar::BigInt(format!("{sign}{bare}").into())),
        Err(_) => {
            let value = u128::from_str_radix(&bare, base).ok()?;
            Some(Scalar::BigInt(format!("{sign}{value}").into()))
        }
    }
}

/// `[1-9][0-9_]*(:[0-5]?[0-9])+`, to the base of 60.
fn sexagesimal(digits: &str, negative: bool) -> Option<Scalar> {
    let mut parts = digits.split(':');
    let head = parts.next()?;
    if !head.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return None;
    }
    let Scalar::Int(mut total) = in_base(head, 10, false)? else { return None };
    for part in parts {
        total = total.checked_mul(60)?.checked_add(minutes(part)?)?;
    }
    Some(Scalar::Int(if negative { -total } else { total }))
}

/// `[0-5]?[0-9]`
fn minutes(part: &str) -> Option<i64> {
    let fits = matches!(part.len(), 1 | 2) && part.chars().all(|c| c.is_ascii_digit());
    let value: i64 = part.parse().ok()?;
    (fits && value < 60).then_some(value)
}

fn float(text: &str) -> Option<Scalar> {
    let (negative, rest) = split_sign(text);
    let signed = |value: f64| Some(Scalar::Float(if negative { -value } else { value }));
    match rest {
        ".inf" | ".Inf" | ".INF" => return signed(f64::INFINITY),
        _ => {}
    }
    match text {
        ".nan" | ".NaN" | ".NAN" => return Some(Scalar::Float(f64::NAN)),
        _ => {}
    }
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    if let Some(exponent) = exponent {
        // The exponent must have a sign: 1.0e3 is text in YAML 1.1.
        let digits = exponent.strip_prefix(['+', '-'])?;
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = mantissa.split_once('.')?;
    if !fraction.chars().all(|c| c == '_' || c.is_ascii_digit()) {
        return None;
    }
    if whole.contains(':') && exponent.is_none() {
        let mut total = 0.0;
        for (position, part) in whole.split(':').enumerate() {
            let value = match position {
                0 if part.starts_with(|c: char| c.is_ascii_digit()) => {
                    match in_base(part, 10, false)? {
                        Scalar::Int(value) => value,
                        _ => return None,
                    }
                }
                0 => return None,
                _ => minutes(part)?,
            };
            total = total * 60.0 + value as f64;
        }
        let fraction: f64 = format!("0.{}", fraction.replace('_', "")).parse().unwrap_or(0.0);
        return signed(total + fraction);
    }
    if whole.is_empty() {
        // `.5`, which has no sign in PyYAML's resolver.
        let starts = fraction.starts_with(|c: char| c.is_ascii_digit());
        if !starts || rest.len() != text.len() {
            return None;
        }
    } else if !whole.starts_with(|c: char| c.is_ascii_digit())
        || !whole.chars().all(|c| c == '_' || c.is_ascii_digit())
    {
        return None;
    }
    rest.replace('_', "").parse().ok().and_then(signed)
}

/// `2001-12-14`, `2001-12-14t21:59:43.10-05:00`, `2001-12-14 21:59:43.10 -5`: as Python's
/// `datetime` writes them.
fn timestamp(text: &str) -> Option<Scalar> {
    let bytes = text.as_bytes();
    let number = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        (lengths.contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())
            .flatten()
    };
    if bytes.len() < 8 || !text.is_ascii() {
        return None;
    }
    let year = number(text.get(..4)?, 4..=4)?;
    let rest = text.get(4..)?.strip_prefix('-')?;
    let (month_text, rest) = rest.split_once('-')?;
    let month = number(month_text, 1..=2)?;
    let day_length = rest.chars().take_while(char::is_ascii_digit).count();
    let day_text = rest.get(..day_length)?;
    let day = number(day_text, 1..=2)?;
    let rest = rest.get(day_length..)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) || year == 0 {
        return None;
    }
    if rest.is_empty() {
        let fits = month_text.len() == 2 && day_text.len() == 2;
        return fits.then(|| Scalar::Timestamp(format!("{year:04}-{month:02}-{day:02}").into()));
    }
    let time = rest.strip_prefix(['T', 't']).or_else(|| {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        (trimmed.len() < rest.len()).then_some(trimmed)
    })?;
    let (hour, rest) = time.split_once(':')?;
    let (minute, rest) = rest.split_once(':')?;
    let hour = number(hour, 1..=2)?;
    let minute = number(minute, 2..=2)?;
    let second = number(rest.get(..2)?, 2..=2)?;
    let mut rest = rest.get(2..)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut micros = String::new();
    if let Some(after) = rest.strip_prefix('.') {
        let length = after.chars().take_while(char::is_ascii_digit).count();
        let digits: String = after.get(..length)?.chars().take(6).collect();
        if digits.chars().any(|c| c != '0') {
            micros = format!(".{digits:0<6}");
        }
        rest = after.get(length..)?;
    }
    let zone = zone(rest.trim_start_matches([' ', '\t']))?;
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(Scalar::Timestamp(
        format!("{date} {hour:02}:{minute:02}:{second:02}{micros}{zone}").into(),
    ))
}

fn zone(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some(String::new());
    }
    if text == "Z" {
        return Some("+00:00".into());
    }
    let sign = if text.starts_with('-') { '-' } else { '+' };
    let rest = text.strip_prefix(['+', '-'])?;
    let (hours, minutes_text) = rest.split_once(':').unwrap_or((rest, "00"));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if !matches!(hours.len(), 1 | 2) || minutes_text.len() != 2 {
        return None;
    }
    if !digits(hours) || !digits(minutes_text) {
        return None;
    }
    Some(format!("{sign}{hours:0>2}:{minutes_text}"))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Decodes base64 with white space in it, as `!!binary` has it.
pub fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for character in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(bytes)
}
