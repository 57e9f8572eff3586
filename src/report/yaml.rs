//! Results as YAML, as the default callback writes them with `result_format: yaml`.

use protocol::Json;
use template::Value;

/// How texts of several lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// As they are: in a block where YAML can hold them so, otherwise in quotes.
    Exact,
    /// In a block always: blanks at the ends of lines and what cannot be printed are lost.
    Readable,
}

/// A value as lines of YAML, each indented by four blanks, after a newline. What is inside is
/// indented by `indent` further blanks.
pub fn indented(json: &Json, texts: Texts, indent: usize) -> String {
    const INDENT: usize = 4;
    let mut lines = Vec::new();
    Writer { indent, texts }.block(json, 0, &mut lines);
    let lines: Vec<String> = lines
        .iter()
        .map(|line| if line.is_empty() { String::new() } else { format!("{:INDENT$}{line}", "") })
        .collect();
    format!("\n{}", lines.join("\n"))
}

/// A value as lines of YAML with an indent of two.
pub fn plain(json: &Json) -> String {
    let mut lines = Vec::new();
    Writer { indent: 2, texts: Texts::Readable }.block(json, 0, &mut lines);
    lines.join("\n")
}

struct Writer {
    indent: usize,
    texts: Texts,
}

impl Writer {
    /// Writes the lines of a value that starts a line at a depth of blanks.
    fn block(&self, json: &Json, depth: usize, lines: &mut Vec<String>) {
        let pad = " ".repeat(depth);
        match json {
            Json::Object(map) if !map.is_empty() => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort();
                for key in keys {
                    let Some(value) = map.get(key) else { continue };
                    let name = scalar(&Json::String(key.clone()));
                    self.entry(&format!("{pad}{name}:"), value, depth, lines);
                }
            }
            Json::Array(items) if !items.is_empty() => {
                for item in items {
                    self.item(&pad, item, depth, lines);
                }
            }
            other => lines.push(format!("{pad}{}", scalar(other))),
        }
    }

    fn entry(&self, head: &str, value: &Json, depth: usize, lines: &mut Vec<String>) {
        match value {
            Json::Object(map) if !map.is_empty() => {
                lines.push(head.to_owned());
                self.block(value, depth + self.indent, lines);
            }
            // Lists stand under their key, not further in.
            Json::Array(items) if !items.is_empty() => {
                lines.push(head.to_owned());
                self.block(value, depth, lines);
            }
            Json::String(text) => match self.literal(text, depth + self.indent) {
                Some((mark, body)) => {
                    lines.push(format!("{head} {mark}"));
                    lines.extend(body);
                }
                None => lines.push(format!("{head} {}", scalar(value))),
            },
            other => lines.push(format!("{head} {}", scalar(other))),
        }
    }

    fn item(&self, pad: &str, item: &Json, depth: usize, lines: &mut Vec<String>) {
        let is_block = matches!(item, Json::Object(map) if !map.is_empty())
            || matches!(item, Json::Array(items) if !items.is_empty());
        if !is_block {
            if let Json::String(text) = item
                && let Some((mark, body)) = self.literal(text, depth + self.indent)
            {
                lines.push(format!("{pad}- {mark}"));
                lines.extend(body);
                return;
            }
            lines.push(format!("{pad}- {}", scalar(item)));
            return;
        }
        // The first line of what is inside stands behind the dash.
        let inner = depth + self.indent.max(2);
        let start = lines.len();
        self.block(item, inner, lines);
        if let Some(first) = lines.get_mut(start) {
            let rest = first.trim_start().to_owned();
            *first = format!("{pad}-{}{rest}", " ".repeat(inner - depth - 1));
        }
    }

    /// A text of several lines as a block: its mark and its lines.
    fn literal(&self, text: &str, depth: usize) -> Option<(&'static str, Vec<String>)> {
        let mut text = text.to_owned();
        if self.texts == Texts::Readable {
            text = text
                .replace('\t', "        ")
                .chars()
                .filter(|c| *c == '\n' || !c.is_control())
                .collect();
            let kept: Vec<&str> = text.split('\n').map(str::trim_end).collect();
            text = kept.join("\n");
        }
        let fits = |line: &str| {
            !line.ends_with([' ', '\t'])
                && !line.contains(|c: char| c.is_control() || c == '\u{feff}' || c == '\t')
        };
        if !text.contains('\n') || !text.split('\n').all(fits) || text.trim().is_empty() {
            return None;
        }
        let mark = match (text.starts_with([' ', '\n']), text.strip_suffix('\n')) {
            // An indent would be taken from the first line, which has one of its own.
            (true, _) => return None,
            (_, None) => "|-",
            (_, Some(rest)) if rest.ends_with('\n') => "|+",
            (_, Some(_)) => "|",
        };
        let body = text.strip_suffix('\n').unwrap_or(&text);
        let pad = " ".repeat(depth);
        let lines = body
            .split('\n')
            .map(|line| if line.is_empty() { String::new() } else { format!("{pad}{line}") });
        Some((mark, lines.collect()))
    }
}

/// A scalar, or what is empty, on one line.
fn scalar(json: &Json) -> String {
    match json {
        Json::Object(_) => "{}".into(),
        Json::Array(_) => "[]".into(),
        other => {
            const WIDTH: i32 = 1000;
            let text = template::printed_yaml(&Value::from_json(other), WIDTH).unwrap_or_default();
            // A document that is one scalar has a mark behind it.
            let text = text.strip_suffix("...\n").unwrap_or(&text);
            text.trim_end().to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_written_as_the_default_callback_writes_them() {
        let json = serde_json::json!({
            "msg": "äöü\néêè",
            "cmd": ["echo", "foo"],
            "empty": [],
            "n": null,
            "time": "0:00:00.1",
            "d": {"k": [{"a": 1, "b": "x: y"}]},
            "lines": "a  \nb\n",
        });
        let expected = "
    cmd:
    - echo
    - foo
    d:
        k:
        -   a: 1
            b: 'x: y'
    empty: []
    lines: |
        a
        b
    msg: |-
        äöü
        éêè
    n: null
    time: '0:00:00.1'";
        assert_eq!(indented(&json, Texts::Readable, 4), expected);
        let exact = indented(&serde_json::json!({"lines": "a  \nb\n"}), Texts::Exact, 4);
        assert!(exact.starts_with("\n    lines: \"a  \\nb\\n\""), "{exact}");
    }
}
