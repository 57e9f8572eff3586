//! Integers that do not fit 64 bits.

use std::sync::Arc;

use num_bigint::Sign;

use super::Value;

pub use num_bigint::BigInt;

/// The value of an integer: [`Value::Int`] where it fits.
pub fn value(number: BigInt) -> Value {
    match i64::try_from(&number) {
        Ok(small) => Value::Int(small),
        Err(_) => Value::BigInt(Arc::new(number)),
    }
}

/// The nearest float; infinite past the range.
pub fn to_f64(number: &BigInt) -> f64 {
    number.to_string().parse().unwrap_or(if number.sign() == Sign::Minus {
        f64::NEG_INFINITY
    } else {
        f64::INFINITY
    })
}

/// The integer part of a float; nothing for infinities and nan.
pub fn from_f64(number: f64) -> Option<BigInt> {
    if !number.is_finite() {
        return None;
    }
    BigInt::parse_bytes(format!("{:.0}", number.trunc()).as_bytes(), 10)
}

/// The integer a value is, of any size; a boolean counts as one.
pub fn of(value: &Value) -> Option<BigInt> {
    match value {
        Value::BigInt(number) => Some((**number).clone()),
        other => other.as_int().map(BigInt::from),
    }
}
