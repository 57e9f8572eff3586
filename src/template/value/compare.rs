//! Equality, order and hashing as in Python.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
    sync::Arc,
};

use indexmap::Equivalent;

use super::{Shape, Value, big};
use crate::error::{Result, TemplateError};

/// A text that looks up a key without becoming a value.
pub(crate) struct TextKey<'a>(pub &'a str);

impl Hash for TextKey<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_text(self.0, state);
    }
}

impl Equivalent<Value> for TextKey<'_> {
    fn equivalent(&self, key: &Value) -> bool {
        matches!(key, Value::Str(text) if **text == *self.0)
    }
}

fn hash_text<H: Hasher>(text: &str, state: &mut H) {
    state.write(text.as_bytes());
    state.write_u8(0xff);
}

/// Equal values hash equally, as [`PartialEq`] sees them: numbers by what they count.
impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Str(text) => hash_text(text, state),
            Self::Bool(value) => state.write_i64(i64::from(*value)),
            Self::Int(number) => state.write_i64(*number),
            Self::Float(number) => {
                if number.trunc() == *number && number.abs() < 9.0e18 {
                    state.write_i64(*number as i64);
                } else {
                    state.write_u64(number.to_bits());
                }
            }
            Self::BigInt(number) => state.write_u64(big::to_f64(number).to_bits()),
            Self::Bytes(bytes) => state.write(bytes),
            Self::Tuple(items) => items.iter().for_each(|item| item.hash(state)),
            // These are no keys; where they come into a set all the same, equality decides.
            Self::List(_) | Self::Dict(_) | Self::Object(_) => state.write_u8(1),
            Self::None => state.write_u8(2),
            Self::Undefined(_) => state.write_u8(3),
            Self::Omit => state.write_u8(4),
        }
    }
}

impl Value {
    /// Whether Python can use this as the key of a dict.
    pub fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Dict(_) | Self::Undefined(_) => false,
            Self::Tuple(items) => items.iter().all(Value::is_hashable),
            Self::Object(object) => object.shape() == Shape::Plain,
            _ => true,
        }
    }

    /// Python's `<`, `>` and their kin.
    ///
    /// # Errors
    /// Python cannot order the two; `sign` stands in the message. `Ok(None)` where nan is involved.
    pub fn order(&self, other: &Value, sign: &str) -> Result<Option<Ordering>> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => return Ok(Some(a.cmp(b))),
            (Self::Str(a), Self::Str(b)) => return Ok(Some((**a).cmp(b))),
            (Self::Bytes(a), Self::Bytes(b)) => return Ok(Some(a.cmp(b))),
            (Self::Undefined(undefined), _) | (_, Self::Undefined(undefined)) => {
                return Err(undefined.error());
            }
            _ => {}
        }
        if let (Some(a), Some(b)) = (big::of(self), big::of(other)) {
            return Ok(Some(a.cmp(&b)));
        }
        if let (Some(a), Some(b)) = (self.as_float(), other.as_float()) {
            return Ok(a.partial_cmp(&b));
        }
        match (self, other) {
            (Self::List(a), Self::List(b)) => order_all(&a.to_vec(), &b.to_vec(), sign),
            (Self::Tuple(a), Self::Tuple(b)) => order_all(a, b, sign),
            (Self::Object(a), Self::Object(b)) if a.type_name() == b.type_name() => {
                match (a.rank(), b.rank()) {
                    (Some(a), Some(b)) => Ok(Some(a.cmp(&b))),
                    _ => Err(self.unordered(other, sign)),
                }
            }
            _ => Err(self.unordered(other, sign)),
        }
    }

    fn unordered(&self, other: &Value, sign: &str) -> TemplateError {
        TemplateError::of_type(format!(
            "'{sign}' not supported between instances of '{}' and '{}'",
            self.type_name(),
            other.type_name()
        ))
    }
}

/// Python's order of sequences: the first elements that differ decide, then the length.
fn order_all(a: &[Value], b: &[Value], sign: &str) -> Result<Option<Ordering>> {
    for (a, b) in a.iter().zip(b) {
        if a != b {
            return a.order(b, sign);
        }
    }
    Ok(Some(a.len().cmp(&b.len())))
}

/// Sorts as Python does: stable, with an error where two cannot be compared.
///
/// # Errors
/// Two of the keys cannot be ordered.
pub fn sort_by_keys<T>(items: &mut [(Value, T)], reverse: bool) -> Result<()> {
    let mut failure = None;
    items.sort_by(|(a, _), (b, _)| {
        if failure.is_some() {
            return Ordering::Equal;
        }
        // Python compares `later < earlier`, which shows in the message.
        match b.order(a, "<") {
            Ok(order) => {
                let order = order.unwrap_or(Ordering::Equal).reverse();
                if reverse { order.reverse() } else { order }
            }
            Err(error) => {
                failure = Some(error);
                Ordering::Equal
            }
        }
    });
    failure.map_or(Ok(()), Err)
}

/// Python's `==`.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Omit, Self::Str(text)) | (Self::Str(text), Self::Omit) => {
                &**text == super::OMIT_TEXT
            }
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::None, Self::None)
            | (Self::Omit, Self::Omit)
            | (Self::Undefined(_), Self::Undefined(_)) => true,
            (Self::BigInt(a), Self::BigInt(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                a.is_same(b) || {
                    let (a, b) = (a.snapshot(), b.snapshot());
                    a.len() == b.len()
                        && a.iter().zip(b.iter()).all(|(a, b)| a.force() == b.force())
                }
            }
            (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => {
                a.is_same(b) || {
                    let (a, b) = (a.snapshot(), b.snapshot());
                    a.len() == b.len()
                        && a.iter().all(|(key, value)| {
                            b.get(key).is_some_and(|other| other.force() == value.force())
                        })
                }
            }
            (Self::Object(a), Self::Object(b)) if Arc::ptr_eq(a, b) => true,
            (Self::Object(a), Self::Object(b)) if a.rank().is_some() => {
                a.type_name() == b.type_name() && a.rank() == b.rank()
            }
            (Self::Object(a), _) if a.shape() == Shape::Mapping => mappings_equal(self, other),
            (_, Self::Object(b)) if b.shape() == Shape::Mapping => mappings_equal(other, self),
            (Self::Object(a), _) if a.shape() == Shape::Sequence => sequences_equal(self, other),
            (_, Self::Object(b)) if b.shape() == Shape::Sequence => sequences_equal(other, self),
            _ => numbers_equal(self, other),
        }
    }
}

impl Eq for Value {}

fn mappings_equal(a: &Value, b: &Value) -> bool {
    match (a.entries(), b.entries()) {
        (Some(a), Some(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.iter().any(|(k, v)| k == key && v == value))
        }
        _ => false,
    }
}

fn sequences_equal(a: &Value, b: &Value) -> bool {
    b.is_sequence() && matches!((a.elements(), b.elements()), (Ok(a), Ok(b)) if a == b)
}

fn numbers_equal(a: &Value, b: &Value) -> bool {
    if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
        return a == b;
    }
    match (a, b) {
        (Value::Float(number), other) | (other, Value::Float(number)) => match other {
            Value::Float(other) => number == other,
            Value::BigInt(big) => {
                big::from_f64(*number).is_some_and(|number| number == **big)
                    && number.trunc() == *number
            }
            other => other.as_int().is_some_and(|int| {
                number.trunc() == *number
                    && number.abs() < 9.3e18
                    && *number as i128 == i128::from(int)
            }),
        },
        _ => false,
    }
}
