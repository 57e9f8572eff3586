//! Python's operators.

use std::cmp::Ordering;

use num_bigint::BigInt;

use crate::{
    compile::ir::{BinaryOperator, Comparison},
    error::{ErrorKind, Result, TemplateError},
    methods,
    value::{Shape, Value, big, moment},
};

/// The longest sequence that `*` may make, in elements or bytes.
const REPEATED_MAX: usize = 16 << 20;
/// The most bits that `**` may make.
const POWER_BITS_MAX: u64 = 1 << 20;

/// `-value`
///
/// # Errors
/// The value is no number.
pub fn negative(value: &Value) -> Result<Value> {
    match value {
        Value::Float(number) => Ok(Value::Float(-number)),
        other => big::of(other).map(|number| big::value(-number)).ok_or_else(|| {
            TemplateError::of_type(format!("bad operand type for unary -: '{}'", other.type_name()))
        }),
    }
}

/// `left operator right`
///
/// # Errors
/// Python's `TypeError`, `ZeroDivisionError` or `OverflowError`.
pub fn binary(operator: BinaryOperator, left: &Value, right: &Value) -> Result<Value> {
    if let (Value::Int(a), Value::Int(b)) = (left, right)
        && let Some(value) = small_integers(operator, *a, *b)
    {
        return Ok(value);
    }
    match (operator, left, right) {
        (BinaryOperator::Remainder, Value::Str(format), _) => {
            return methods::percent::format(format, right).map(Value::from);
        }
        (BinaryOperator::Add, Value::Str(a), Value::Str(b)) => {
            return Ok(Value::from(format!("{a}{b}")));
        }
        (BinaryOperator::Add, Value::Str(_), _) => {
            return Err(TemplateError::of_type(format!(
                "can only concatenate str (not \"{}\") to str",
                right.type_name()
            )));
        }
        (BinaryOperator::Add, Value::List(a), Value::List(b)) => {
            let mut items = a.to_vec();
            items.extend(b.iter());
            return Ok(Value::list(items));
        }
        (BinaryOperator::Add, Value::Tuple(a), Value::Tuple(b)) => {
            return Ok(Value::tuple(a.iter().chain(b.iter()).cloned()));
        }
        (BinaryOperator::Add, Value::List(_) | Value::Tuple(_), _) => {
            return Err(TemplateError::of_type(format!(
                "can only concatenate {} (not \"{}\") to {0}",
                left.type_name(),
                right.type_name()
            )));
        }
        (BinaryOperator::Multiply, sequence, times)
        | (BinaryOperator::Multiply, times, sequence)
            if matches!(sequence, Value::Str(_) | Value::List(_) | Value::Tuple(_))
                && times.as_int().is_some() =>
        {
            return repeated(sequence, times.as_int().unwrap_or(0));
        }
        _ => {}
    }
    if operator == BinaryOperator::Subtract
        && let Some(span) = moment::difference(left, right)?
    {
        return Ok(span);
    }
    if let (Some(a), Some(b)) = (big::of(left), big::of(right)) {
        return integers(operator, a, b);
    }
    if let (Some(a), Some(b)) = (left.as_float(), right.as_float()) {
        return floats(operator, a, b);
    }
    let sign = match operator {
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::FloorDivide => "//",
        BinaryOperator::Remainder => "%",
        BinaryOperator::Power => "** or pow()",
    };
    Err(TemplateError::of_type(format!(
        "unsupported operand type(s) for {sign}: '{}' and '{}'",
        left.type_name(),
        right.type_name()
    )))
}

/// What fits 64 bits without ado.
fn small_integers(operator: BinaryOperator, a: i64, b: i64) -> Option<Value> {
    match operator {
        BinaryOperator::Add => a.checked_add(b).map(Value::Int),
        BinaryOperator::Subtract => a.checked_sub(b).map(Value::Int),
        BinaryOperator::Multiply => a.checked_mul(b).map(Value::Int),
        BinaryOperator::FloorDivide if b != 0 => {
            let quotient = a.checked_div(b)?;
            Some(Value::Int(quotient - i64::from(a % b != 0 && (a < 0) != (b < 0))))
        }
        BinaryOperator::Remainder if b != 0 => {
            let rest = a.checked_rem(b)?;
            Some(Value::Int(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }))
        }
        BinaryOperator::Power => {
            u32::try_from(b).ok().and_then(|b| a.checked_pow(b)).map(Value::Int)
        }
        _ => None,
    }
}

fn integers(operator: BinaryOperator, a: BigInt, b: BigInt) -> Result<Value> {
    let zero = BigInt::from(0);
    let divides = matches!(operator, BinaryOperator::FloorDivide | BinaryOperator::Remainder);
    if divides && b == zero {
        return Err(division_by_zero("integer division or modulo by zero"));
    }
    Ok(big::value(match operator {
        BinaryOperator::Add => a + b,
        BinaryOperator::Subtract => a - b,
        BinaryOperator::Multiply => a * b,
        BinaryOperator::FloorDivide => {
            let (quotient, rest) = (&a / &b, &a % &b);
            if rest != zero && (rest < zero) != (b < zero) { quotient - 1 } else { quotient }
        }
        BinaryOperator::Remainder => {
            let rest = &a % &b;
            if rest != zero && (rest < zero) != (b < zero) { rest + b } else { rest }
        }
        BinaryOperator::Divide => return floats(operator, big::to_f64(&a), big::to_f64(&b)),
        BinaryOperator::Power => {
            if b < zero {
                return floats(operator, big::to_f64(&a), big::to_f64(&b));
            }
            let exponent = u32::try_from(&b)
                .ok()
                .filter(|exponent| a.bits().saturating_mul(u64::from(*exponent)) <= POWER_BITS_MAX);
            match exponent {
                Some(exponent) => a.pow(exponent),
                None => {
                    return Err(TemplateError::new(
                        ErrorKind::Limit,
                        "the result of ** is too large",
                    ));
                }
            }
        }
    }))
}

fn division_by_zero(message: &str) -> TemplateError {
    TemplateError::new(ErrorKind::Arithmetic, message)
}

fn floats(operator: BinaryOperator, a: f64, b: f64) -> Result<Value> {
    let by_zero = b == 0.0;
    Ok(Value::Float(match operator {
        BinaryOperator::Add => a + b,
        BinaryOperator::Subtract => a - b,
        BinaryOperator::Multiply => a * b,
        BinaryOperator::Divide if by_zero => return Err(division_by_zero("division by zero")),
        BinaryOperator::Divide => a / b,
        BinaryOperator::FloorDivide if by_zero => {
            return Err(division_by_zero("float floor division by zero"));
        }
        BinaryOperator::FloorDivide => (a / b).floor(),
        BinaryOperator::Remainder if by_zero => return Err(division_by_zero("float modulo")),
        BinaryOperator::Remainder => {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        }
        BinaryOperator::Power if a == 0.0 && b < 0.0 => {
            return Err(division_by_zero("0.0 cannot be raised to a negative power"));
        }
        BinaryOperator::Power => a.powf(b),
    }))
}

fn repeated(sequence: &Value, times: i64) -> Result<Value> {
    let times = usize::try_from(times).unwrap_or(0);
    let length = match sequence {
        Value::Str(text) => text.len(),
        other => other.length()?,
    };
    if length.saturating_mul(times) > REPEATED_MAX {
        return Err(TemplateError::new(ErrorKind::Limit, "the result of * is too large"));
    }
    Ok(match sequence {
        Value::Str(text) => Value::from(text.repeat(times)),
        other => {
            let items = other.elements()?;
            let all = std::iter::repeat_n(items, times).flatten();
            if matches!(other, Value::Tuple(_)) { Value::tuple(all) } else { Value::list(all) }
        }
    })
}

/// `left comparison right`
///
/// # Errors
/// Python cannot compare the two.
pub fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<bool> {
    let order = |sign: &str| left.order(right, sign);
    Ok(match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => order("<")? == Some(Ordering::Less),
        Comparison::LessOrEqual => order("<=")?.is_some_and(Ordering::is_le),
        Comparison::Greater => order(">")? == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => order(">=")?.is_some_and(Ordering::is_ge),
        Comparison::In => contains(right, left)?,
        Comparison::NotIn => !contains(right, left)?,
    })
}

/// `element in container`
///
/// # Errors
/// The container is none, or a text is asked for something else than a text.
pub fn contains(container: &Value, element: &Value) -> Result<bool> {
    match container {
        Value::Str(text) => match element {
            Value::Str(part) => Ok(text.contains(&**part)),
            Value::Undefined(undefined) => Err(undefined.error()),
            other => Err(TemplateError::of_type(format!(
                "'in <string>' requires string as left operand, not {}",
                other.type_name()
            ))),
        },
        Value::List(list) => Ok(list.snapshot().iter().any(|item| item.force() == *element)),
        Value::Tuple(items) => Ok(items.contains(element)),
        Value::Dict(dict) => {
            if element.is_hashable() {
                Ok(dict.contains(element))
            } else {
                Err(TemplateError::of_type(format!("unhashable type: '{}'", element.type_name())))
            }
        }
        Value::Object(object) => match object.shape() {
            Shape::Mapping => Ok(object.contains(element)),
            Shape::Sequence => Ok(object.elements().contains(element)),
            Shape::Plain => Err(not_a_container(container)),
        },
        Value::Undefined(undefined) => Err(undefined.error()),
        other => Err(not_a_container(other)),
    }
}

fn not_a_container(value: &Value) -> TemplateError {
    TemplateError::of_type(format!("argument of type '{}' is not iterable", value.type_name()))
}
