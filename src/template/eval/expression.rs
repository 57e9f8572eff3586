//! Expressions.

use std::{
    borrow::Cow,
    sync::{Arc, PoisonError},
};

use super::{Machine, attribute, operators};
use crate::{
    brought::Found,
    compile::ir::{
        Argument, CallArguments, Comparison, Expr, ExprKind, FilterCall, Local, LookupExpr,
        TestCall,
    },
    error::{ErrorKind, Missing, Result, Site, TemplateError, Undefined},
    functions, lookups, methods,
    scope::Scope,
    value::{Arguments, Dict, Value},
};

impl Machine<'_> {
    /// The value of an expression. What is undefined comes back as a value.
    ///
    /// # Errors
    /// Something undefined was used, or an operation failed.
    pub(crate) fn eval(&mut self, expr: &Expr) -> Result<Value> {
        self.eval_kind(expr).map_err(|error| self.placed(error, expr.at))
    }

    /// The value of an expression that must be defined.
    pub(crate) fn defined(&mut self, expr: &Expr) -> Result<Value> {
        match self.eval(expr)? {
            Value::Undefined(undefined) => match undefined.missing {
                Missing::Else => Ok(Value::from("")),
                _ => Err(self.placed(undefined.error(), expr.at)),
            },
            value => Ok(value),
        }
    }

    /// The value of an expression that is written: nothing in it may be undefined either.
    pub(crate) fn written(&mut self, expr: &Expr) -> Result<Value> {
        self.defined(expr)?.forced().map_err(|error| self.placed(error, expr.at))
    }

    /// Whether an expression counts as true.
    pub(crate) fn truth(&mut self, expr: &Expr) -> Result<bool> {
        self.defined(expr).map(|value| value.truthy())
    }

    fn eval_kind(&mut self, expr: &Expr) -> Result<Value> {
        match &expr.kind {
            ExprKind::Constant(value) => Ok(value.clone()),
            ExprKind::Variable(name, kept) => Ok(self.variable(name, *kept, expr)),
            ExprKind::Local(local) => Ok(self.local(local, expr)),
            ExprKind::Attribute(object, name) => {
                let object = self.eval(object)?;
                Ok(self.sited(attribute::attribute(&object, name), expr))
            }
            ExprKind::Item(object, key) => {
                let object = self.eval(object)?;
                if object.is_undefined() {
                    return Ok(object);
                }
                let key = self.defined(key)?;
                Ok(self.sited(attribute::item(&object, &key)?, expr))
            }
            ExprKind::Slice(object, parts) => self.slice(object, parts),
            ExprKind::Not(operand) => Ok(Value::Bool(!self.truth(operand)?)),
            ExprKind::Negative(operand) => operators::negative(&self.defined(operand)?),
            ExprKind::Binary(operator, operands) => {
                let left = self.defined(&operands.0)?;
                let right = self.defined(&operands.1)?;
                operators::binary(*operator, &left, &right)
            }
            ExprKind::And(operands) => {
                let left = self.defined(&operands.0)?;
                if left.truthy() { self.eval(&operands.1) } else { Ok(left) }
            }
            ExprKind::Or(operands) => {
                let left = self.defined(&operands.0)?;
                if left.truthy() { Ok(left) } else { self.eval(&operands.1) }
            }
            ExprKind::Join(parts) => {
                let mut text = String::new();
                for part in parts {
                    self.defined(part)?.write_text(&mut text);
                }
                Ok(Value::from(text))
            }
            ExprKind::Compare(first, rest) => self.compare(first, rest),
            ExprKind::Conditional(parts) => {
                let (test, then, otherwise) = &**parts;
                if self.truth(test)? {
                    return self.eval(then);
                }
                match otherwise {
                    Some(otherwise) => self.eval(otherwise),
                    None => {
                        let missing = Value::Undefined(Undefined::new(Missing::Else));
                        Ok(self.sited(missing, expr))
                    }
                }
            }
            ExprKind::Filter(call) => self.filter(call),
            ExprKind::Test(call) => self.test(call).map(Value::Bool),
            ExprKind::Call(call) => self.call(&call.0, &call.1),
            ExprKind::Method(call) => self.method(&call.0, &call.1, &call.2, expr),
            ExprKind::Lookup(lookup) => self.lookup(lookup),
            ExprKind::List(items) => items
                .iter()
                .map(|item| self.eval(item))
                .collect::<Result<Vec<_>>>()
                .map(Value::list),
            ExprKind::Tuple(items) => items
                .iter()
                .map(|item| self.eval(item))
                .collect::<Result<Vec<_>>>()
                .map(Value::tuple),
            ExprKind::Dict(entries) => self.dict(entries),
            ExprKind::Captured => {
                self.captured.last().cloned().ok_or_else(|| {
                    TemplateError::new(ErrorKind::Syntax, "a filter without a value")
                })
            }
            ExprKind::Super => self.super_block(),
            ExprKind::SelfBlock(name) => self.self_block(name),
        }
    }

    /// Notes on an undefined value where it was asked for.
    fn sited(&self, value: Value, expr: &Expr) -> Value {
        match value {
            Value::Undefined(undefined) if undefined.site.is_none() => {
                Value::Undefined(Arc::new(Undefined {
                    missing: undefined.missing.clone(),
                    site: Some(Site::new(self.program, expr.at)),
                }))
            }
            value => value,
        }
    }

    fn variable(&mut self, name: &Arc<str>, kept: Option<u16>, expr: &Expr) -> Value {
        if let (Some(cache), Some(place)) = (&self.kept, kept) {
            let known = cache
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(usize::from(place))
                .cloned()
                .flatten();
            if let Some(value) = known {
                return value;
            }
        }
        let value = self.scope.get(name).or_else(|| {
            let function = self.scope.engine().function(name)?;
            Some(Value::Object(functions::as_object(function)))
        });
        let Some(value) = value else {
            let missing = Missing::Name(Arc::clone(name));
            return self.sited(Value::Undefined(Undefined::new(missing)), expr);
        };
        if let (Some(cache), Some(place), Value::List(_) | Value::Dict(_)) =
            (&self.kept, kept, &value)
        {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = cache.get_mut(usize::from(place)) {
                *known = Some(value.clone());
            }
        }
        value
    }

    /// A local name's value, or that of the variable which it hides.
    fn local(&mut self, local: &Local, expr: &Expr) -> Value {
        self.local_value(local).unwrap_or_else(|| self.variable(&local.name, local.kept, expr))
    }

    pub(super) fn local_value(&self, local: &Local) -> Option<Value> {
        local.places.iter().find_map(|place| {
            let mut frame = self.frame.as_ref()?;
            for _ in 0..place.up {
                frame = frame.parent.as_ref()?;
            }
            frame.get(place.slot)
        })
    }

    fn slice(&mut self, object: &Expr, parts: &[Option<Expr>; 3]) -> Result<Value> {
        let object = self.defined(object)?;
        let mut bounds = [None, None, None];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            if let Some(part) = part {
                *bound = match self.defined(part)? {
                    Value::None => None,
                    value => Some(value.as_int().ok_or_else(|| {
                        TemplateError::of_type(
                            "slice indices must be integers or None or have an __index__ method",
                        )
                    })?),
                };
            }
        }
        attribute::slice(&object, bounds)
    }

    fn compare(&mut self, first: &Expr, rest: &[(Comparison, Expr)]) -> Result<Value> {
        let mut left = self.defined(first)?;
        for (comparison, expr) in rest {
            let right = self.defined(expr)?;
            if !operators::compare(*comparison, &left, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn dict(&mut self, entries: &[(Expr, Expr)]) -> Result<Value> {
        let dict = Dict::default();
        for (key, value) in entries {
            let key = self.defined(key)?;
            if !key.is_hashable() {
                return Err(TemplateError::of_type(format!(
                    "unhashable type: '{}'",
                    key.type_name()
                )));
            }
            dict.insert(key, self.eval(value)?);
        }
        Ok(Value::Dict(dict))
    }

    pub(super) fn arguments(&mut self, made: &CallArguments) -> Result<Arguments> {
        let mut arguments = Arguments::default();
        for argument in &made.positional {
            match argument {
                Argument::One(expr) => arguments.positional.push(self.eval(expr)?),
                Argument::Spread(expr) => {
                    arguments.positional.extend(self.defined(expr)?.elements()?);
                }
            }
        }
        for (name, expr) in &made.keyword {
            let value = self.eval(expr)?;
            arguments.keyword.push((Arc::clone(name), value));
        }
        for expr in &made.spread {
            let value = self.defined(expr)?;
            let Some(entries) = value.entries() else {
                return Err(TemplateError::of_type(format!(
                    "argument after ** must be a mapping, not {}",
                    value.type_name()
                )));
            };
            for (key, value) in entries {
                arguments.keyword.push((key.to_string().into(), value));
            }
        }
        Ok(arguments)
    }

    fn filter(&mut self, call: &FilterCall) -> Result<Value> {
        let value = if call.filter.takes_undefined() {
            let value = self.eval(&call.value)?;
            match call.filter.name() {
                "default" | "d" => self.as_a_whole(value, &call.value),
                _ => value,
            }
        } else {
            self.defined(&call.value)?
        };
        let arguments = self.arguments(&call.arguments)?;
        if !call.filter.takes_undefined() {
            arguments.all_defined()?;
        }
        let is_told = matches!(call.filter, Found::Brought(_))
            || matches!(
                call.filter.name(),
                "map" | "select" | "reject" | "selectattr" | "rejectattr"
            );
        let scope = self.scope_of_call(is_told);
        call.filter.apply(&scope, variable_of(&call.value), value, arguments)
    }

    fn test(&mut self, call: &TestCall) -> Result<bool> {
        let value = if call.test.takes_undefined() {
            let value = self.eval(&call.value)?;
            match call.test.name() {
                "defined" | "undefined" => self.as_a_whole(value, &call.value),
                _ => value,
            }
        } else {
            self.defined(&call.value)?
        };
        let arguments = self.arguments(&call.arguments)?;
        if matches!(call.test, Found::Native(_)) {
            arguments.all_defined()?;
        }
        let scope = self.scope_of_call(matches!(call.test, Found::Brought(_)));
        call.test.ask(&scope, variable_of(&call.value), &value, arguments)
    }

    /// The scope that a filter or test gets, which knows what the text has set where the call may
    /// ask for its context.
    fn scope_of_call(&self, is_told: bool) -> Cow<'_, Scope> {
        if !is_told || self.program.exports.is_empty() {
            return Cow::Borrowed(self.scope);
        }
        Cow::Owned(self.scope.with_set_by_text(self.exported()))
    }

    fn lookup(&mut self, call: &LookupExpr) -> Result<Value> {
        let arguments = self.arguments(&call.arguments)?;
        lookups::call(&call.lookup, call.wants_list, arguments, self.scope)
    }

    fn call(&mut self, callee: &Expr, arguments: &CallArguments) -> Result<Value> {
        let callee = self.defined(callee)?;
        let arguments = self.arguments(arguments)?;
        match callee {
            Value::Object(object) => object.call(arguments, self.scope),
            other => Err(TemplateError::of_type(format!(
                "'{}' object is not callable",
                other.type_name()
            ))),
        }
    }

    fn method(
        &mut self,
        object: &Expr,
        name: &Arc<str>,
        arguments: &CallArguments,
        expr: &Expr,
    ) -> Result<Value> {
        let object = self.defined(object)?;
        let arguments = self.arguments(arguments)?;
        if let Value::Object(made) = &object
            && let Some(result) = made.call_method(name, arguments.clone(), self.scope)
        {
            return result;
        }
        if methods::has(&object, name) {
            methods::usable(name, &arguments)?;
            return methods::call(&object, name, arguments, self.scope);
        }
        match self.sited(attribute::attribute(&object, name), expr) {
            Value::Object(callee) => callee.call(arguments, self.scope),
            Value::Undefined(undefined) => Err(undefined.error()),
            other => Err(TemplateError::of_type(format!(
                "'{}' object is not callable",
                other.type_name()
            ))),
        }
    }
}

/// The name of the variable that an expression is.
fn variable_of(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Variable(name, _) => Some(name),
        _ => None,
    }
}
