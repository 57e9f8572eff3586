//! Python's replacement texts: `\1`, `\g<name>`, escapes.

use crate::{Error, Found, Pattern};

/// A replacement text taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Group(usize),
}

impl Replacement {
    /// Takes a replacement text apart.
    ///
    /// # Errors
    /// It names a group that the pattern does not have, or has an escape that Python refuses.
    pub fn parse(text: &str, pattern: &Pattern) -> Result<Self, Error> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            plain.push_str(rest.get(..at).unwrap_or(""));
            let after = rest.get(at + 1..).unwrap_or("");
            let Some(code) = after.chars().next() else {
                return Err(Error::Replacement("bad escape (end of pattern)".into()));
            };
            let mut used = code.len_utf8();
            match code {
                'g' => {
                    let (name, length) = group_name(after)?;
                    used = length;
                    flush(&mut plain, &mut parts);
                    parts.push(Part::Group(group_of(name, pattern)?));
                }
                '0' => {
                    let digits = octal_digits(after, 3);
                    plain.extend(octal(digits));
                    used = digits.len();
                }
                '1'..='9' => {
                    let octal_code = octal_digits(after, 3);
                    if octal_code.len() == 3 && octal_code.starts_with(['1', '2', '3']) {
                        plain.extend(octal(octal_code));
                        used = 3;
                    } else {
                        let length = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
                        let number = after.get(..length).and_then(|n| n.parse().ok()).unwrap_or(0);
                        used = length;
                        flush(&mut plain, &mut parts);
                        parts.push(Part::Group(checked(number, pattern)?));
                    }
                }
                'n' => plain.push('\n'),
                't' => plain.push('\t'),
                'r' => plain.push('\r'),
                'a' => plain.push('\u{7}'),
                'b' => plain.push('\u{8}'),
                'f' => plain.push('\u{c}'),
                'v' => plain.push('\u{b}'),
                '\\' => plain.push('\\'),
                code if code.is_ascii_alphabetic() => {
                    return Err(Error::Replacement(format!("bad escape \\{code}")));
                }
                other => {
                    plain.push('\\');
                    plain.push(other);
                }
            }
            rest = after.get(used..).unwrap_or("");
        }
        plain.push_str(rest);
        flush(&mut plain, &mut parts);
        Ok(Self { parts })
    }

    /// The replacement for a match. Groups that took no part are empty.
    pub fn expand(&self, found: &Found<'_>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Group(number) => out.push_str(found.group(*number).unwrap_or("")),
            }
        }
        out
    }
}

fn flush(plain: &mut String, parts: &mut Vec<Part>) {
    if !plain.is_empty() {
        parts.push(Part::Text(std::mem::take(plain)));
    }
}

fn octal_digits(text: &str, most: usize) -> &str {
    let length = text.bytes().take(most).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    text.get(..length).unwrap_or("")
}

fn octal(digits: &str) -> Option<char> {
    u32::from_str_radix(digits, 8).ok().and_then(char::from_u32)
}

/// The name in `g<name>` and how long all of it is.
fn group_name(text: &str) -> Result<(&str, usize), Error> {
    let inner = text.strip_prefix("g<").ok_or_else(|| Error::Replacement("missing <".into()))?;
    let end =
        inner.find('>').ok_or_else(|| Error::Replacement("missing >, unterminated name".into()))?;
    match inner.get(..end) {
        Some("") | None => Err(Error::Replacement("missing group name".into())),
        Some(name) => Ok((name, end + 3)),
    }
}

fn group_of(name: &str, pattern: &Pattern) -> Result<usize, Error> {
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return checked(name.parse().unwrap_or(usize::MAX), pattern);
    }
    pattern
        .group_number(name)
        .ok_or_else(|| Error::Replacement(format!("unknown group name '{name}'")))
}

fn checked(number: usize, pattern: &Pattern) -> Result<usize, Error> {
    if number > pattern.groups() {
        return Err(Error::Replacement(format!("invalid group reference {number}")));
    }
    Ok(number)
}

/// Python's `re.escape`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(
            c,
            '(' | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '?'
                | '*'
                | '+'
                | '-'
                | '|'
                | '^'
                | '$'
                | '\\'
                | '.'
                | '&'
                | '~'
                | '#'
                | ' '
                | '\t'
                | '\n'
                | '\r'
                | '\u{b}'
                | '\u{c}'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
