//! Python's `pprint`.

use crate::value::{Value, compare::sort_by_keys};

/// A value laid out within a width, dicts sorted by key.
pub(crate) fn pformat(value: &Value, width: usize) -> String {
    let mut out = String::new();
    write(&mut out, value, 0, 0, width);
    out
}

fn short(value: &Value) -> String {
    match value {
        Value::Dict(_) => {
            let parts: Vec<String> = sorted(value)
                .iter()
                .map(|(key, value)| format!("{}: {}", short(key), short(value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::List(list) => {
            format!("[{}]", list.iter().map(|item| short(&item)).collect::<Vec<_>>().join(", "))
        }
        other => other.repr(),
    }
}

fn sorted(value: &Value) -> Vec<(Value, Value)> {
    let mut entries = value.entries().unwrap_or_default();
    let by_key = sort_by_keys(&mut entries, false);
    if by_key.is_err() {
        // Python falls back to the order of the types' names.
        entries.sort_by(|(a, _), (b, _)| a.type_name().cmp(b.type_name()));
    }
    entries
}

fn write(out: &mut String, value: &Value, indent: usize, allowance: usize, width: usize) {
    let line = short(value);
    if line.chars().count() + indent + allowance <= width {
        out.push_str(&line);
        return;
    }
    let separator = format!(",\n{}", " ".repeat(indent + 1));
    match value {
        Value::Dict(_) => {
            let entries = sorted(value);
            out.push('{');
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push_str(&separator);
                }
                let key = key.repr();
                let rest = if at + 1 == entries.len() { allowance + 1 } else { 1 };
                let inner = indent + key.chars().count() + 3;
                out.push_str(&key);
                out.push_str(": ");
                write(out, value, inner, rest, width);
            }
            out.push('}');
        }
        Value::List(_) | Value::Tuple(_) => {
            let items = value.elements().unwrap_or_default();
            let is_tuple = matches!(value, Value::Tuple(_));
            out.push(if is_tuple { '(' } else { '[' });
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(&separator);
                }
                let rest = if at + 1 == items.len() { allowance + 1 } else { 1 };
                write(out, item, indent + 1, rest, width);
            }
            out.push_str(match (is_tuple, items.len()) {
                (true, 1) => ",)",
                (true, _) => ")",
                _ => "]",
            });
        }
        _ => out.push_str(&line),
    }
}
