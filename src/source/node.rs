//! YAML trees whose every node knows its place.

use std::sync::Arc;

use crate::Span;

/// A node of a YAML document. Cloning shares what is below it.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// Where it stands.
    pub span: Span,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Kind {
    Scalar(Scalar),
    Sequence(Arc<Vec<Node>>),
    Mapping(Arc<Mapping>),
}

/// A scalar, resolved by the rules of YAML 1.1 as PyYAML applies them.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer that does not fit, in decimal digits.
    BigInt(Arc<str>),
    Float(f64),
    /// A date or time, in ISO form as Python writes it.
    Timestamp(Arc<str>),
    /// Text, which may be a template.
    Str {
        text: Arc<str>,
        style: Style,
    },
    /// `!unsafe`: text that is never a template.
    Unsafe(Arc<str>),
    /// `!vault`: text encrypted by ansible-vault.
    Vault(Arc<str>),
    /// `!!binary`.
    Binary(Arc<[u8]>),
}

/// How a text was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
    Folded,
}

/// The entries of a mapping, in the order of the file. Of keys that appear twice the last counts,
/// as in PyYAML; merge keys have been applied.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    pub entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    pub key: Node,
    pub value: Node,
}

impl Mapping {
    /// The value of a key that is a text.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|entry| entry.key.as_str() == Some(key)).map(|entry| &entry.value)
    }
}

impl Node {
    /// The text of a scalar that is one, however it is written.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Scalar::Str { text, .. } | Scalar::Unsafe(text)) => Some(text),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.kind {
            Kind::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The elements of a sequence.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Whether this is YAML's null.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Scalar(Scalar::Null))
    }

    /// What the node is, in the field's words: `a string`, `a list`, `a dictionary`, …
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a dictionary",
            Kind::Scalar(scalar) => match scalar {
                Scalar::Null => "nothing",
                Scalar::Bool(_) => "a boolean",
                Scalar::Int(_) | Scalar::BigInt(_) => "an integer",
                Scalar::Float(_) => "a float",
                Scalar::Timestamp(_) => "a date",
                Scalar::Str { .. } | Scalar::Unsafe(_) => "a string",
                Scalar::Vault(_) => "an encrypted string",
                Scalar::Binary(_) => "binary data",
            },
        }
    }
}
