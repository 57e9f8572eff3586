//! YAML as PyYAML's C dumper writes it, and as its loader reads it.

use std::{collections::HashMap, sync::Arc};

use libyaml_safer::{Emitter, Encoding, Event, MappingStyle, ScalarStyle, SequenceStyle};
use source::{Diagnostics, Kind, Node, Scalar, SourceFile, yaml as reader};

use crate::{
    error::{ErrorKind, Result, TemplateError},
    value::{Arguments, Value, big, compare::sort_by_keys, float},
};

/// Where lists and dicts are written in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Never,
    /// Those that hold only scalars.
    Leaves,
    Always,
}

/// How YAML is written.
#[derive(Clone, Debug)]
pub(crate) struct YamlStyle {
    flow: Flow,
    indent: i32,
    width: i32,
    sorts_keys: bool,
    explicit_start: bool,
    explicit_end: bool,
    quotes: Option<ScalarStyle>,
    unicode: bool,
}

/// The deepest value that is written.
const DEPTH_MAX: usize = 200;

impl YamlStyle {
    /// The style that keyword arguments of `yaml.dump` ask for.
    pub(crate) fn from_arguments(
        mut arguments: Arguments,
        flow: Flow,
        indent: i32,
        function: &str,
    ) -> Result<Self> {
        let mut number = |name: &str, default: i32| match arguments.take(name) {
            None | Some(Value::None) => Ok(default),
            Some(value) => match (value.as_int(), value.as_float()) {
                (Some(number), _) => Ok(i32::try_from(number).unwrap_or(i32::MAX)),
                // `width=float('inf')`
                (_, Some(number)) if number > 1e9 => Ok(i32::MAX),
                _ => Err(TemplateError::of_type(format!("{function}: '{name}' is a number"))),
            },
        };
        let indent = number("indent", indent)?;
        let width = number("width", 80)?;
        let mut flag = |name: &str, default: bool| {
            arguments.take(name).map_or(default, |value| value.truthy())
        };
        let sorts_keys = flag("sort_keys", true);
        let explicit_start = flag("explicit_start", false);
        let explicit_end = flag("explicit_end", false);
        let unicode = flag("allow_unicode", true);
        let quotes = match arguments.take("default_style") {
            None | Some(Value::None) => None,
            Some(style) => match style.to_string().as_str() {
                "'" => Some(ScalarStyle::SingleQuoted),
                "\"" => Some(ScalarStyle::DoubleQuoted),
                "|" => Some(ScalarStyle::Literal),
                ">" => Some(ScalarStyle::Folded),
                "" => None,
                other => {
                    return Err(TemplateError::of_value(format!(
                        "{function}: there is no scalar style {other:?}"
                    )));
                }
            },
        };
        for name in ["Dumper", "encoding", "vault_to_text", "canonical"] {
            let _ = arguments.take(name);
        }
        arguments.none(function)?;
        Ok(Self { flow, indent, width, sorts_keys, explicit_start, explicit_end, quotes, unicode })
    }
}

/// Writes plain data as Ansible's programs print it: blocks, sorted keys, lines of at most `width`
/// characters where they can be broken.
///
/// # Errors
/// Something in it is undefined or no data.
pub fn printed(value: &Value, width: i32) -> Result<String> {
    let style = YamlStyle::from_arguments(Arguments::default(), Flow::Never, 2, "yaml")?;
    dump(value, &YamlStyle { width, ..style })
}

/// Writes a value as one document.
///
/// # Errors
/// Something in it is undefined or no data.
pub(crate) fn dump(value: &Value, style: &YamlStyle) -> Result<String> {
    let mut bytes = Vec::new();
    {
        let mut emitter = Emitter::new();
        emitter.set_output_string(&mut bytes);
        emitter.set_unicode(style.unicode);
        emitter.set_indent(style.indent);
        emitter.set_width(style.width);
        let mut dumper = Dumper { emitter, style, seen: HashMap::new(), anchors: 0 };
        dumper.count(value, 0)?;
        dumper.emit(Event::stream_start(Encoding::Utf8))?;
        dumper.emit(Event::document_start(None, &[], !style.explicit_start))?;
        dumper.node(value)?;
        dumper.emit(Event::document_end(!style.explicit_end))?;
        dumper.emit(Event::stream_end())?;
        dumper.emitter.flush().map_err(failure)?;
    }
    String::from_utf8(bytes)
        .map_err(|_| TemplateError::new(ErrorKind::Value, "the YAML that was written is no UTF-8"))
}

fn failure(error: libyaml_safer::Error) -> TemplateError {
    TemplateError::of_value(format!("the value cannot be written as YAML: {error}"))
}

struct Dumper<'w, 's> {
    emitter: Emitter<'w>,
    style: &'s YamlStyle,
    /// How often each list and dict occurs, and its anchor once it has been written.
    seen: HashMap<usize, (usize, Option<usize>)>,
    anchors: usize,
}

impl Dumper<'_, '_> {
    fn emit(&mut self, event: Event) -> Result<()> {
        self.emitter.emit(event).map_err(failure)
    }

    /// Notes lists and dicts that occur more than once: they get anchors.
    fn count(&mut self, value: &Value, depth: usize) -> Result<()> {
        if depth > DEPTH_MAX {
            return Err(TemplateError::new(ErrorKind::Limit, "the value is nested too deep"));
        }
        let Some(identity) = identity(value) else {
            return match value {
                Value::Undefined(undefined) => Err(undefined.error()),
                Value::Tuple(items) => {
                    items.iter().try_for_each(|item| self.count(item, depth + 1))
                }
                _ => Ok(()),
            };
        };
        let seen = self.seen.entry(identity).or_insert((0, None));
        seen.0 += 1;
        if seen.0 > 1 {
            return Ok(());
        }
        match value {
            Value::List(list) => {
                list.snapshot().iter().try_for_each(|item| self.count(&item.force(), depth + 1))
            }
            Value::Dict(dict) => {
                dict.snapshot().values().try_for_each(|item| self.count(&item.force(), depth + 1))
            }
            _ => Ok(()),
        }
    }

    fn node(&mut self, value: &Value) -> Result<()> {
        let mut anchor = None;
        if let Some((count, written)) = identity(value).and_then(|at| self.seen.get_mut(&at))
            && *count > 1
        {
            if let Some(number) = written {
                let name = format!("id{number:03}");
                return self.emit(Event::alias(&name));
            }
            self.anchors += 1;
            *written = Some(self.anchors);
            anchor = Some(format!("id{:03}", self.anchors));
        }
        if let Some(entries) = raw_entries(value) {
            return self.mapping(entries, anchor.as_deref());
        }
        if value.is_sequence() {
            return self.sequence(value, anchor.as_deref());
        }
        self.scalar(value)
    }

    fn mapping(&mut self, mut entries: Vec<(Value, Value)>, anchor: Option<&str>) -> Result<()> {
        if self.style.sorts_keys {
            // Keys that cannot be sorted stay as they are.
            let mut sorted = entries.clone();
            if sort_by_keys(&mut sorted, false).is_ok() {
                entries = sorted;
            }
        }
        let is_leaf = entries.iter().all(|(key, value)| is_plain(key) && is_plain(value));
        let style = if self.in_flow(is_leaf) { MappingStyle::Flow } else { MappingStyle::Block };
        self.emit(Event::mapping_start(anchor, None, true, style))?;
        for (key, value) in entries {
            self.node(&key)?;
            self.node(&value)?;
        }
        self.emit(Event::mapping_end())
    }

    fn sequence(&mut self, value: &Value, anchor: Option<&str>) -> Result<()> {
        let items: Vec<Value> = match value {
            Value::List(list) => list.snapshot().iter().map(|item| item.force()).collect(),
            other => other.elements()?,
        };
        let style = if self.in_flow(items.iter().all(is_plain)) {
            SequenceStyle::Flow
        } else {
            SequenceStyle::Block
        };
        self.emit(Event::sequence_start(anchor, None, true, style))?;
        for item in items {
            self.node(&item)?;
        }
        self.emit(Event::sequence_end())
    }

    fn in_flow(&self, is_leaf: bool) -> bool {
        match self.style.flow {
            Flow::Never => false,
            Flow::Always => true,
            Flow::Leaves => is_leaf,
        }
    }

    fn scalar(&mut self, value: &Value) -> Result<()> {
        let (tag, text) = match value {
            Value::Undefined(undefined) => return Err(undefined.error()),
            Value::None => ("null", "null".to_owned()),
            Value::Bool(value) => ("bool", value.to_string()),
            Value::Int(_) | Value::BigInt(_) => ("int", value.to_string()),
            Value::Float(number) => ("float", written_float(*number)),
            Value::Str(text) => {
                if let Some(ciphertext) = text.ciphertext() {
                    let style = ScalarStyle::Literal;
                    let tag = Some("!vault");
                    return self.emit(Event::scalar(None, tag, ciphertext, false, false, style));
                }
                ("str", text.to_string())
            }
            Value::Omit => ("str", value.to_string()),
            Value::Bytes(bytes) => {
                use base64::{Engine as _, engine::general_purpose::STANDARD};
                ("binary", STANDARD.encode(bytes))
            }
            other => match other {
                Value::Object(object) if matches!(object.type_name(), "date" | "datetime") => {
                    ("timestamp", object.text().unwrap_or_default())
                }
                _ => {
                    return Err(TemplateError::of_type(format!(
                        "cannot represent an object of type {}",
                        other.type_name()
                    )));
                }
            },
        };
        let plain_implicit = resolved(&text) == tag;
        let quoted_implicit = tag == "str";
        let style = if tag == "binary" {
            ScalarStyle::Literal
        } else {
            self.style.quotes.unwrap_or(ScalarStyle::Any)
        };
        let full = format!("tag:yaml.org,2002:{tag}");
        self.emit(Event::scalar(None, Some(&full), &text, plain_implicit, quoted_implicit, style))
    }
}

fn identity(value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(list.identity()),
        Value::Dict(dict) => Some(dict.identity()),
        _ => None,
    }
}

/// Keys and values as they are, so that the same list twice is seen as the same.
fn raw_entries(value: &Value) -> Option<Vec<(Value, Value)>> {
    match value {
        Value::Dict(dict) => {
            Some(dict.snapshot().iter().map(|(key, value)| (key.clone(), value.force())).collect())
        }
        other => other.entries(),
    }
}

/// Whether a value is a scalar that PyYAML writes plain.
fn is_plain(value: &Value) -> bool {
    !(value.is_mapping() || value.is_sequence())
}

/// PyYAML's form of a float.
fn written_float(number: f64) -> String {
    if number.is_nan() {
        return ".nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf".into() } else { "-.inf".into() };
    }
    let text = float::repr(number).to_lowercase();
    // `1e+20` would be read as a text.
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => {
            format!("{mantissa}.0e{exponent}")
        }
        _ => text,
    }
}

/// What a plain scalar is read as.
fn resolved(text: &str) -> &'static str {
    match text {
        "=" => return "value",
        "<<" => return "merge",
        _ => {}
    }
    match reader::resolve_plain(text) {
        Scalar::Null => "null",
        Scalar::Bool(_) => "bool",
        Scalar::Int(_) | Scalar::BigInt(_) => "int",
        Scalar::Float(_) => "float",
        Scalar::Timestamp(_) => "timestamp",
        _ => "str",
    }
}

/// Reads the documents of a text as data.
///
/// # Errors
/// The text is no YAML.
pub(crate) fn load(text: &str) -> Result<Vec<Value>> {
    let file = SourceFile::new("<text>", text);
    let mut diagnostics = Diagnostics::default();
    let nodes = reader::parse_all(&file, &mut diagnostics).unwrap_or_default();
    if let Some(wrong) = diagnostics.all.iter().find(|one| one.severity == source::Severity::Error)
    {
        let place = wrong
            .span
            .as_ref()
            .map(|span| format!(" in line {}", span.start.line))
            .unwrap_or_default();
        return Err(TemplateError::of_value(format!(
            "the text is not YAML: {}{place}",
            wrong.message
        )));
    }
    Ok(nodes.iter().map(data).collect())
}

/// A node as data: nothing in it is a template.
fn data(node: &Node) -> Value {
    match &node.kind {
        Kind::Sequence(items) => Value::list(items.iter().map(data)),
        Kind::Mapping(mapping) => Value::Dict(
            mapping.entries.iter().map(|entry| (data(&entry.key), data(&entry.value))).collect(),
        ),
        Kind::Scalar(scalar) => match scalar {
            Scalar::Null => Value::None,
            Scalar::Bool(value) => Value::Bool(*value),
            Scalar::Int(number) => Value::Int(*number),
            Scalar::BigInt(digits) => big::BigInt::parse_bytes(digits.as_bytes(), 10)
                .map_or_else(|| Value::Str(digits.into()), big::value),
            Scalar::Float(number) => Value::Float(*number),
            Scalar::Str { text, .. }
            | Scalar::Timestamp(text)
            | Scalar::Unsafe(text)
            | Scalar::Vault(text) => Value::Str(text.into()),
            Scalar::Binary(bytes) => Value::Bytes(Arc::clone(bytes)),
        },
    }
}
