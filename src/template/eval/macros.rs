//! Macros and call blocks.

use std::{cell::Cell, fmt, sync::Arc};

use super::{Frame, Kept, Machine, inherit::Blocks};
use crate::{
    compile::ir::{Expr, ExprKind, Macro, Program},
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    scope::Scope,
    value::{Arguments, Dict, Object, Value},
};

/// How deep macros may call each other.
const DEPTH_MAX: usize = 100;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A macro together with the names around it.
pub(super) struct MacroObject {
    made: Arc<Macro>,
    program: Arc<Program>,
    frame: Option<Arc<Frame>>,
    scope: Scope,
    kept: Option<Kept>,
    blocks: Option<Arc<Blocks>>,
}

impl MacroObject {
    pub(super) fn new(machine: &Machine<'_>, made: &Arc<Macro>) -> Self {
        Self {
            made: Arc::clone(made),
            program: Arc::clone(machine.program),
            frame: machine.frame.clone(),
            scope: machine.scope.clone(),
            kept: machine.kept.clone(),
            blocks: machine.blocks.clone(),
        }
    }

    fn run(&self, mut arguments: Arguments) -> Result<Value> {
        let made = &self.made;
        let mut machine = Machine::new(&self.program, &self.scope);
        machine.frame = Some(Frame::new(made.slots, self.frame.clone()));
        machine.kept.clone_from(&self.kept);
        machine.blocks.clone_from(&self.blocks);

        let caller = arguments.take("caller");
        match (made.caller, caller) {
            (Some(slot), Some(caller)) => machine.set_slot(slot, caller),
            (Some(slot), None) => machine.set_slot(
                slot,
                Value::Undefined(Undefined::new(Missing::Hint("No caller defined".into()))),
            ),
            (None, Some(_)) => {
                return Err(TemplateError::of_type(format!(
                    "macro '{}' was invoked with two values for the special caller argument or \
                     does not use it: it takes no call block",
                    made.name
                )));
            }
            (None, None) => {}
        }
        let mut positional = arguments.positional.into_iter();
        let mut keyword = arguments.keyword;
        for parameter in &made.parameters {
            let named = keyword.iter().position(|(name, _)| *name == parameter.name);
            let given = match (positional.next(), named) {
                (Some(_), Some(_)) => {
                    return Err(TemplateError::of_type(format!(
                        "macro '{}' got multiple values for argument '{}'",
                        made.name, parameter.name
                    )));
                }
                (Some(value), None) => Some(value),
                (None, Some(at)) => Some(keyword.remove(at).1),
                (None, None) => None,
            };
            let value = match (given, &parameter.default) {
                (Some(value), _) => value,
                (None, Some(default)) => machine.eval(default)?,
                (None, None) => Value::Undefined(Undefined::new(Missing::Hint(
                    format!("parameter '{}' was not provided", parameter.name).into(),
                ))),
            };
            machine.set_slot(parameter.slot, value);
        }
        let rest: Vec<Value> = positional.collect();
        match made.varargs {
            Some(slot) => machine.set_slot(slot, Value::tuple(rest)),
            None if rest.is_empty() => {}
            None => {
                return Err(TemplateError::of_type(format!(
                    "macro '{}' takes not more than {} argument(s)",
                    made.name,
                    made.parameters.len()
                )));
            }
        }
        match (made.kwargs, keyword.first()) {
            (Some(slot), _) => {
                let entries = keyword.into_iter().map(|(name, value)| (Value::from(name), value));
                machine.set_slot(slot, Value::Dict(entries.collect::<Dict>()));
            }
            (None, Some((name, _))) => {
                return Err(TemplateError::of_type(format!(
                    "macro '{}' takes no keyword argument '{name}'",
                    made.name
                )));
            }
            (None, None) => {}
        }
        machine.captured_text(&made.body).map(|(text, _)| Value::from(text))
    }
}

impl fmt::Debug for MacroObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<Macro '{}'>", self.made.name)
    }
}

impl Object for MacroObject {
    fn type_name(&self) -> &str {
        "Macro"
    }

    fn is_callable(&self) -> bool {
        true
    }

    fn get(&self, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "name" => Value::from(Arc::clone(&self.made.name)),
            "arguments" => Value::tuple(
                self.made.parameters.iter().map(|one| Value::from(Arc::clone(&one.name))),
            ),
            "catch_kwargs" => Value::Bool(self.made.kwargs.is_some()),
            "catch_varargs" => Value::Bool(self.made.varargs.is_some()),
            "caller" => Value::Bool(self.made.caller.is_some()),
            _ => return None,
        })
    }

    fn text(&self) -> Option<String> {
        Some(format!("{self:?}"))
    }

    fn call(&self, arguments: Arguments, _: &Scope) -> Result<Value> {
        let depth = DEPTH.get();
        if depth >= DEPTH_MAX {
            return Err(TemplateError::new(
                ErrorKind::Limit,
                format!("the macro '{}' calls itself without end", self.made.name),
            ));
        }
        DEPTH.set(depth + 1);
        let result = self.run(arguments);
        DEPTH.set(depth);
        result
    }
}

impl Machine<'_> {
    /// `{% call %}`: calls a macro and hands it the block as `caller`.
    pub(super) fn call_block(&mut self, call: &Expr, caller: &Arc<Macro>) -> Result<Value> {
        let caller = Value::object(MacroObject::new(self, caller));
        let (callee, made) = match &call.kind {
            ExprKind::Call(call) => (self.defined(&call.0)?, &call.1),
            ExprKind::Method(method) => {
                let object = self.defined(&method.0)?;
                (super::attribute::attribute(&object, &method.1).defined()?, &method.2)
            }
            _ => {
                return Err(self.placed(
                    TemplateError::new(ErrorKind::Type, "a call block calls a macro"),
                    call.at,
                ));
            }
        };
        let mut arguments = self.arguments(made)?;
        arguments.keyword.push(("caller".into(), caller));
        let result = match callee {
            Value::Object(object) => object.call(arguments, self.scope),
            other => Err(TemplateError::of_type(format!(
                "'{}' object is not callable",
                other.type_name()
            ))),
        };
        result.map_err(|error| self.placed(error, call.at))
    }
}
