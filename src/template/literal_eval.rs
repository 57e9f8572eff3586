//! Python's `ast.literal_eval`: texts that are literals.

use std::sync::Arc;

use crate::{
    compile::{
        self,
        ir::{At, Body, Expr, ExprKind},
        origin::Origin,
    },
    engine::Engine,
    value::{Dict, Value},
};

/// The longest text that is read so, in bytes.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// The value of a text that is a Python literal; nothing if it is none.
pub fn parse(text: &str) -> Option<Value> {
    parse_as(text, Words::Python)
}

/// The value of a text that is a Python literal, in which JSON's `true`, `false` and `null` may
/// stand as well; nothing if it is none.
pub fn parse_structure(text: &str) -> Option<Value> {
    parse_as(text, Words::PythonAndJson)
}

/// Which words stand for the values that are no numbers and no texts.
#[derive(Clone, Copy, PartialEq)]
enum Words {
    Python,
    PythonAndJson,
}

fn parse_as(text: &str, words: Words) -> Option<Value> {
    if text.len() > TEXT_BYTES_MAX || has_leading_zero(text) {
        return None;
    }
    // Python's grammar of literals is part of Jinja's.
    let engine = Engine::empty();
    let shared: Arc<str> = text.trim_matches([' ', '\t']).into();
    let program = compile::expression(&engine, &shared, Origin::unknown()).ok()?;
    let Body::Expression(expr) = &program.body else { return None };
    literal(expr, &shared, words)
}

/// Whether the text is a decimal number that starts with a zero, which Python does not take: `0644`.
fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['+', '-']);
    digits.len() > 1
        && digits.starts_with('0')
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
        && digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

fn literal(expr: &Expr, text: &str, words: Words) -> Option<Value> {
    Some(match &expr.kind {
        ExprKind::Constant(value @ (Value::Bool(_) | Value::None)) => {
            // Jinja also takes `true` and `none`.
            let is_json = words == Words::PythonAndJson && matches!(value, Value::Bool(_));
            if !is_json && !is_capital(expr.at, text) {
                return None;
            }
            value.clone()
        }
        ExprKind::Constant(value) => value.clone(),
        ExprKind::Variable(name, _) if words == Words::PythonAndJson && &**name == "null" => {
            Value::None
        }
        ExprKind::List(items) => Value::list(literals(items, text, words)?),
        ExprKind::Tuple(items) => Value::tuple(literals(items, text, words)?),
        ExprKind::Dict(entries) => {
            let dict = Dict::default();
            for (key, value) in entries {
                let key = literal(key, text, words)?;
                if !key.is_hashable() {
                    return None;
                }
                dict.insert(key, literal(value, text, words)?);
            }
            Value::Dict(dict)
        }
        ExprKind::Negative(operand) => match literal(operand, text, words)? {
            number if number.is_number() => crate::eval::operators::negative(&number).ok()?,
            _ => return None,
        },
        _ => return None,
    })
}

fn literals(items: &[Expr], text: &str, words: Words) -> Option<Vec<Value>> {
    items.iter().map(|item| literal(item, text, words)).collect()
}

fn is_capital(at: At, text: &str) -> bool {
    text.as_bytes().get(at.start as usize).is_some_and(u8::is_ascii_uppercase)
}
