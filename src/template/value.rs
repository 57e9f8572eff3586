//! Values as Python has them.
//!
//! [`Value`] is what expressions work on. Scalars are plain; [`List`] and [`Dict`] have reference
//! semantics as in Python; [`Object`] lets other rooms bring values that are made on demand.

pub mod big;
pub mod compare;
pub mod dict;
pub mod float;
pub mod json;
pub mod list;
pub mod moment;
pub mod object;
pub mod text;
pub mod thunk;
pub mod written;

use std::{fmt, sync::Arc};

pub use big::BigInt;
pub use dict::Dict;
pub use list::List;
pub use moment::Moment;
pub use object::{Arguments, Object, Shape};
pub use text::{Text, TextKind};
pub use written::OMIT_TEXT;

use crate::error::{Missing, Result, TemplateError, Undefined};

/// A value as Python has it. Cheap to clone; lists and dicts are shared, not copied.
#[derive(Clone, Default)]
pub enum Value {
    /// Something missing, which says what it is when it is used.
    Undefined(Arc<Undefined>),
    #[default]
    None,
    Bool(bool),
    Int(i64),
    /// An integer that does not fit 64 bits; smaller ones are always [`Value::Int`].
    BigInt(Arc<BigInt>),
    Float(f64),
    Str(Text),
    Bytes(Arc<[u8]>),
    List(List),
    Tuple(Arc<[Value]>),
    Dict(Dict),
    /// What another room brings: `hostvars`, `loop`, a macro.
    Object(Arc<dyn Object>),
    /// `omit`: an argument that is this is left out.
    Omit,
}

impl Value {
    /// A value that stands for a variable that nobody set.
    pub fn undefined(name: impl Into<Arc<str>>) -> Self {
        Self::Undefined(Undefined::new(Missing::Name(name.into())))
    }

    /// An empty list.
    pub fn empty_list() -> Self {
        Self::List(List::default())
    }

    /// A list of these.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// A tuple of these.
    pub fn tuple(items: impl IntoIterator<Item = Value>) -> Self {
        Self::Tuple(items.into_iter().collect())
    }

    /// A dict of these; of equal keys the last counts.
    pub fn dict<K: Into<Value>>(items: impl IntoIterator<Item = (K, Value)>) -> Self {
        Self::Dict(items.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// A value made on demand.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// Whether this is something missing.
    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    /// Whether this is Python's `None`.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether this is `omit`, or the text that `omit` becomes where it is written down: an item of
    /// a loop, say, or a part of a text that is nothing else.
    pub fn is_omitted(&self) -> bool {
        match self {
            Self::Omit => true,
            Self::Str(text) => &**text == OMIT_TEXT,
            _ => false,
        }
    }

    /// The value, unless it is something missing.
    ///
    /// # Errors
    /// The value is undefined: the error says what is missing.
    pub fn defined(self) -> Result<Value> {
        match self {
            Self::Undefined(undefined) => Err(undefined.error()),
            value => Ok(value),
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// An integer; a boolean counts as one, as in Python.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(value) => Some(i64::from(*value)),
            _ => None,
        }
    }

    /// A number as a float; a boolean counts as one, as in Python.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::BigInt(number) => Some(big::to_f64(number)),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// A boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A list.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// A dict. Mapping-like objects are not dicts; [`Value::entries`] takes both.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Whether this is a number, not counting booleans.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int(_) | Self::BigInt(_) | Self::Float(_))
    }

    /// Whether this is a dict or behaves as one.
    pub fn is_mapping(&self) -> bool {
        match self {
            Self::Dict(_) => true,
            Self::Object(object) => object.shape() == Shape::Mapping,
            _ => false,
        }
    }

    /// Whether this is a list, a tuple or behaves as one. Strings are not.
    pub fn is_sequence(&self) -> bool {
        match self {
            Self::List(_) | Self::Tuple(_) => true,
            Self::Object(object) => object.shape() == Shape::Sequence,
            _ => false,
        }
    }

    /// The keys and values of a dict or of an object that behaves as one.
    pub fn entries(&self) -> Option<Vec<(Value, Value)>> {
        match self {
            Self::Dict(dict) => Some(dict.entries()),
            Self::Object(object) if object.shape() == Shape::Mapping => Some(
                object
                    .keys()
                    .into_iter()
                    .map(|key| {
                        let value = object.get(&key).unwrap_or_else(|| {
                            Value::Undefined(Undefined::new(Missing::Attribute {
                                owner: object.type_name().into(),
                                key: key.clone(),
                            }))
                        });
                        (key, value)
                    })
                    .collect(),
            ),
            _ => None,
        }
    }

    /// The elements that Python's iteration gives: characters of a string, keys of a dict.
    ///
    /// # Errors
    /// The value cannot be iterated over, or is undefined.
    pub fn elements(&self) -> Result<Vec<Value>> {
        match self {
            Self::List(list) => Ok(list.to_vec()),
            Self::Tuple(items) => Ok(items.to_vec()),
            Self::Dict(dict) => Ok(dict.keys()),
            Self::Str(text) => {
                let mut buffer = [0u8; 4];
                Ok(text.chars().map(|c| Value::from(&*c.encode_utf8(&mut buffer))).collect())
            }
            Self::Bytes(bytes) => {
                Ok(bytes.iter().map(|byte| Value::Int(i64::from(*byte))).collect())
            }
            Self::Object(object) => match object.shape() {
                Shape::Mapping => Ok(object.keys()),
                Shape::Sequence => Ok(object.elements()),
                Shape::Plain => Err(self.not_iterable()),
            },
            Self::Undefined(undefined) => Err(undefined.error()),
            _ => Err(self.not_iterable()),
        }
    }

    fn not_iterable(&self) -> TemplateError {
        TemplateError::of_type(format!("'{}' object is not iterable", self.type_name()))
    }

    /// Python's `len()`, in characters for strings.
    ///
    /// # Errors
    /// The value has no length, or is undefined.
    pub fn length(&self) -> Result<usize> {
        match self {
            Self::List(list) => Ok(list.len()),
            Self::Tuple(items) => Ok(items.len()),
            Self::Dict(dict) => Ok(dict.len()),
            Self::Str(text) => Ok(text.chars().count()),
            Self::Bytes(bytes) => Ok(bytes.len()),
            Self::Object(object) if object.shape() != Shape::Plain => Ok(object.length()),
            Self::Undefined(undefined) => Err(undefined.error()),
            _ => Err(TemplateError::of_type(format!(
                "object of type '{}' has no len()",
                self.type_name()
            ))),
        }
    }

    /// The element of a dict or sequence, without an error: `None` where there is none.
    pub fn get(&self, key: &str) -> Option<Value> {
        match self {
            Self::Dict(dict) => dict.get(key),
            Self::Object(object) => object.get(&Value::from(key)),
            _ => None,
        }
    }

    /// Python's truth. Something undefined is false here; the evaluator raises its error before.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Undefined(_) | Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(number) => *number != 0,
            Self::BigInt(_) | Self::Omit => true,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Tuple(items) => !items.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
            Self::Object(object) => object.truthy(),
        }
    }

    /// The name of Ansible's class of such values, as `type_debug` gives it: texts have several.
    pub fn class_name(&self) -> &str {
        match self {
            Self::Str(text) => text.class_name(),
            other => other.type_name(),
        }
    }

    /// The same value as something that came from outside: nothing in it was written by users.
    #[must_use]
    pub fn untrusted(self) -> Value {
        match self {
            Self::Str(text) => Self::Str(text.untrusted()),
            Self::List(list) => Self::list(list.iter().map(Value::untrusted)),
            Self::Tuple(items) => Self::tuple(items.iter().cloned().map(Value::untrusted)),
            Self::Dict(dict) => {
                let entries = dict.iter().map(|(key, value)| (key.untrusted(), value.untrusted()));
                let copy: Dict = entries.collect();
                Self::Dict(if dict.is_open() { copy.opened() } else { copy })
            }
            other => other,
        }
    }

    /// The name of the type in Python.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Undefined(_) => "AnsibleUndefined",
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::BigInt(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) | Self::Omit => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Dict(_) => "dict",
            Self::Object(object) => object.type_name(),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined(undefined) => write!(f, "Undefined({})", undefined.missing),
            Self::Omit => f.write_str("Omit"),
            value => f.write_str(&value.repr()),
        }
    }
}

macro_rules! from_integers {
    ($($type:ty),*) => {$(
        impl From<$type> for Value {
            fn from(number: $type) -> Self {
                match i64::try_from(number) {
                    Ok(number) => Self::Int(number),
                    Err(_) => big::value(BigInt::from(number)),
                }
            }
        }
    )*};
}
from_integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, usize, isize);

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Str(text.as_str().into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Str(text.into())
    }
}

impl From<Text> for Value {
    fn from(text: Text) -> Self {
        Self::Str(text)
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::None
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::list(items.into_iter().map(Into::into))
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::Dict(dict)
    }
}

impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::list(items.into_iter().map(Into::into))
    }
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        Self::from_json(&json)
    }
}
