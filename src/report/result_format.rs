//! How a result is written behind the line of its host.

use protocol::{Json, JsonMap};

use crate::{json, yaml};

/// The formats there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultFormat {
    #[default]
    Json,
    Yaml,
    /// As the callback `yaml` of the field writes them: `changed=true` on the line itself.
    YamlWithHead,
}

/// Blanks before what is inside.
const INDENT: usize = 4;

impl ResultFormat {
    /// Writes a result: on one line, or in several where `breaks` says so by default and nothing
    /// else was asked for.
    pub fn write(self, mut shown: JsonMap, breaks: bool, is_pretty: Option<bool>) -> String {
        match self {
            ResultFormat::Json => {
                let shown = Json::Object(shown);
                if is_pretty.unwrap_or(breaks) {
                    json::pretty(&shown, INDENT)
                } else {
                    json::line(&shown)
                }
            }
            ResultFormat::Yaml => {
                if is_pretty != Some(false) {
                    leave_lines_out(&mut shown);
                }
                let (texts, indent) = match is_pretty {
                    Some(false) => (yaml::Texts::Exact, 2),
                    _ => (yaml::Texts::Readable, INDENT),
                };
                yaml::indented(&Json::Object(shown), texts, indent)
            }
            ResultFormat::YamlWithHead => {
                let mut head = String::new();
                for name in ["changed", "skipped"] {
                    if let Some(value) = shown.remove(name) {
                        head.push_str(&format!("{name}={value} "));
                    }
                }
                leave_lines_out(&mut shown);
                if shown.is_empty() {
                    return head.trim_end().to_owned();
                }
                let body = yaml::plain(&Json::Object(shown));
                let body: Vec<String> = body.lines().map(|line| format!("  {line}")).collect();
                format!("{head}\n{}", body.join("\n")).trim_end().to_owned()
            }
        }
    }
}

/// Says once what a program wrote, where the result says it as a text and line by line.
fn leave_lines_out(shown: &mut JsonMap) {
    for name in ["stdout", "stderr"] {
        let lines = format!("{name}_lines");
        if shown.contains_key(name) && shown.contains_key(&lines) {
            shown.insert(lines, "<omitted>".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_write_the_same_result() {
        let json = serde_json::json!({"changed": true, "msg": "a\nb", "stdout": "x", "stdout_lines": ["x"]});
        let Json::Object(shown) = json else { panic!("an object") };
        let cases = [
            (
                ResultFormat::Json,
                None,
                "{\"changed\": true, \"msg\": \"a\\nb\", \"stdout\": \"x\", \"stdout_lines\": [\"x\"]}",
            ),
            (
                ResultFormat::YamlWithHead,
                None,
                "changed=true \n  msg: |-\n    a\n    b\n  stdout: x\n  stdout_lines: <omitted>",
            ),
            (
                ResultFormat::Yaml,
                None,
                "\n    changed: true\n    msg: |-\n        a\n        b\n    stdout: x\n    stdout_lines: <omitted>",
            ),
            (
                ResultFormat::Yaml,
                Some(false),
                "\n    changed: true\n    msg: |-\n      a\n      b\n    stdout: x\n    stdout_lines:\n    - x",
            ),
        ];
        for (format, pretty, expected) in cases {
            assert_eq!(format.write(shown.clone(), false, pretty), expected, "{format:?}");
        }
    }
}
