//! Values as Python writes them: `str()` and `repr()`.

use std::fmt::{self, Write as _};

use super::{Shape, Value, float};
use crate::error::Missing;

/// How `omit` is written inside what becomes text.
pub const OMIT_TEXT: &str = "__omit_place_holder__";

/// How deep nested containers are written before a loop is supposed.
const DEPTH_MAX: usize = 200;

/// Python's `str()`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => f.write_str(text),
            Self::Int(number) => write!(f, "{number}"),
            Self::Undefined(_) => Ok(()),
            Self::Omit => f.write_str(OMIT_TEXT),
            other => {
                let mut out = String::new();
                other.write_text(&mut out);
                f.write_str(&out)
            }
        }
    }
}

impl Value {
    /// Python's `repr()`.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        self.write_repr(&mut out, 0);
        out
    }

    /// Appends Python's `str()` to a text.
    pub(crate) fn write_text(&self, out: &mut String) {
        match self {
            Self::Str(text) => out.push_str(text),
            Self::Int(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Undefined(_) => {}
            Self::Omit => out.push_str(OMIT_TEXT),
            Self::Object(object) => match object.text() {
                Some(text) => out.push_str(&text),
                None => self.write_repr(out, 0),
            },
            other => other.write_repr(out, 0),
        }
    }

    fn write_repr(&self, out: &mut String, depth: usize) {
        if depth > DEPTH_MAX {
            out.push_str("...");
            return;
        }
        match self {
            Self::Undefined(undefined) => match &undefined.missing {
                Missing::Name(name) => {
                    let _ = write!(out, "AnsibleUndefined(hint=None, obj=missing, name='{name}')");
                }
                _ => out.push_str("AnsibleUndefined"),
            },
            Self::None => out.push_str("None"),
            Self::Bool(true) => out.push_str("True"),
            Self::Bool(false) => out.push_str("False"),
            Self::Int(number) => {
                let _ = write!(out, "{number}");
            }
            Self::BigInt(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Float(number) => out.push_str(&float::repr(*number)),
            Self::Str(text) => write_quoted(out, text),
            Self::Omit => write_quoted(out, OMIT_TEXT),
            Self::Bytes(bytes) => write_bytes(out, bytes),
            Self::List(list) => {
                let items = list.snapshot();
                write_items(out, "[", "]", items.iter().map(|item| item.force()), depth);
            }
            Self::Tuple(items) => {
                let close = if items.len() == 1 { ",)" } else { ")" };
                write_items(out, "(", close, items.iter().cloned(), depth);
            }
            Self::Dict(dict) => {
                let entries = dict.snapshot();
                let entries = entries.iter().map(|(key, value)| (key.clone(), value.force()));
                write_entries(out, entries, depth);
            }
            Self::Object(object) => match (object.repr(), object.shape()) {
                (Some(text), _) => out.push_str(&text),
                (None, Shape::Mapping) => {
                    write_entries(out, self.entries().unwrap_or_default().into_iter(), depth);
                }
                (None, Shape::Sequence) => {
                    write_items(out, "[", "]", object.elements().into_iter(), depth);
                }
                (None, Shape::Plain) => {
                    let _ = write!(out, "<{}>", object.type_name());
                }
            },
        }
    }
}

fn write_items(
    out: &mut String,
    open: &str,
    close: &str,
    items: impl Iterator<Item = Value>,
    depth: usize,
) {
    out.push_str(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        item.write_repr(out, depth + 1);
    }
    out.push_str(close);
}

fn write_entries(out: &mut String, entries: impl Iterator<Item = (Value, Value)>, depth: usize) {
    out.push('{');
    for (at, (key, value)) in entries.enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        key.write_repr(out, depth + 1);
        out.push_str(": ");
        value.write_repr(out, depth + 1);
    }
    out.push('}');
}

/// Python's quoting: single quotes, or double ones where that saves escapes.
fn write_quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// What Python's `str.isprintable` says of a character, for the kinds that occur.
pub(crate) fn is_printable(c: char) -> bool {
    match c {
        ' '..='~' => true,
        '\u{0}'..='\u{a0}' | '\u{ad}' => false,
        '\u{1680}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' => false,
        '\u{205f}'..='\u{206f}' | '\u{3000}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}' => false,
        _ => true,
    }
}

fn write_bytes(out: &mut String, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    out.push('b');
    out.push(char::from(quote));
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b if b == quote => {
                out.push('\\');
                out.push(char::from(b));
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
    }
    out.push(char::from(quote));
}
