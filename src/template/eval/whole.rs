//! Variables with something undefined in them.
//!
//! ansible-core works a variable out as a whole when it is named, so that one undefined member makes
//! all of it undefined. Here members are worked out when they are asked for. Where somebody asks
//! whether a member is defined, the answer is ansible-core's: whatever worked there has the same
//! result here, and what failed there for a member that nobody uses works.

use std::{cell::RefCell, sync::Arc};

use super::Machine;
use crate::{
    compile::ir::{Expr, ExprKind},
    tree,
    value::Value,
};

thread_local! {
    /// Variables that are being looked through: a member that asks for its own variable is not the
    /// reason why that is undefined.
    static UNDER_WAY: RefCell<Vec<Arc<str>>> = const { RefCell::new(Vec::new()) };
}

/// A variable under way, until it is dropped.
struct Way;

impl Way {
    fn enter(name: &Arc<str>) -> Option<Self> {
        UNDER_WAY.with_borrow_mut(|names| {
            let is_new = !names.contains(name);
            is_new.then(|| names.push(Arc::clone(name)))
        })?;
        Some(Self)
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        UNDER_WAY.with_borrow_mut(|names| names.pop());
    }
}

impl Machine<'_> {
    /// A value that `default` or `is defined` is asked of; undefined where something else in the
    /// variable is that it is a member of.
    pub(super) fn as_a_whole(&mut self, value: Value, expr: &Expr) -> Value {
        if value.is_undefined() {
            return value;
        }
        let Some((name, root)) = variable_below(expr) else { return value };
        let known = self.broken.iter().find(|(known, _)| known == name);
        let broken = match known {
            Some((_, broken)) => broken.clone(),
            None => {
                let Some(_way) = Way::enter(name) else { return value };
                let broken = match self.eval(root) {
                    Ok(whole @ (Value::List(_) | Value::Dict(_))) => {
                        let checked = whole.defined_throughout();
                        let error = checked.err().filter(|error| error.is_undefined());
                        error.map(|error| tree::failed(name, error))
                    }
                    _ => None,
                };
                self.broken.push((Arc::clone(name), broken.clone()));
                broken
            }
        };
        broken.unwrap_or(value)
    }
}

/// The variable that an expression is a member of, at any depth, or is itself.
fn variable_below(expr: &Expr) -> Option<(&Arc<str>, &Expr)> {
    match &expr.kind {
        ExprKind::Variable(name, _) => Some((name, expr)),
        ExprKind::Attribute(object, _) | ExprKind::Item(object, _) => variable_below(object),
        _ => None,
    }
}
