//! JSON as Python's `json.dumps` writes it with sorted keys.

use protocol::Json;

/// One line: `{"a": 1, "b": [2]}`.
pub fn line(json: &Json) -> String {
    let mut text = String::new();
    write(json, None, 0, &mut text);
    text
}

/// Indented lines.
pub fn pretty(json: &Json, indent: usize) -> String {
    let mut text = String::new();
    write(json, Some(indent), 0, &mut text);
    text
}

/// The same document in ASCII, as `json.dumps` writes it where nothing is said.
pub fn ascii(document: &str) -> String {
    let mut text = String::with_capacity(document.len());
    for c in document.chars() {
        match c.is_ascii() {
            true => text.push(c),
            false => {
                let units = &mut [0; 2];
                text.extend(c.encode_utf16(units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    text
}

fn write(json: &Json, indent: Option<usize>, depth: usize, text: &mut String) {
    let open = |text: &mut String, depth: usize| {
        if let Some(indent) = indent {
            text.push('\n');
            text.push_str(&" ".repeat(indent * depth));
        }
    };
    let separator = if indent.is_some() { "," } else { ", " };
    match json {
        Json::Array(items) if !items.is_empty() => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push_str(separator);
                }
                open(text, depth + 1);
                write(item, indent, depth + 1, text);
            }
            open(text, depth);
            text.push(']');
        }
        Json::Object(map) if !map.is_empty() => {
            text.push('{');
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            for (position, key) in keys.into_iter().enumerate() {
                if position > 0 {
                    text.push_str(separator);
                }
                open(text, depth + 1);
                text.push_str(&Json::String(key.clone()).to_string());
                text.push_str(": ");
                if let Some(value) = map.get(key) {
                    write(value, indent, depth + 1, text);
                }
            }
            open(text, depth);
            text.push('}');
        }
        Json::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => text.push_str(&template::Value::Float(float).to_string()),
            None => text.push_str(&number.to_string()),
        },
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_spaced_as_in_python() {
        let json = serde_json::json!({"b": [1, 2.0], "a": {"é": null}, "c": []});
        assert_eq!(line(&json), r#"{"a": {"é": null}, "b": [1, 2.0], "c": []}"#);
        assert_eq!(
            pretty(&serde_json::json!({"a": [1]}), 4),
            "{\n    \"a\": [\n        1\n    ]\n}"
        );
        assert_eq!(ascii("\"é😀\""), r#""\u00e9\ud83d\ude00""#);
    }
}
