//! Values that other rooms bring, and the arguments of calls.

use std::{fmt, sync::Arc};

use super::Value;
use crate::{
    error::{ErrorKind, Result, TemplateError},
    scope::Scope,
};

/// How an [`Object`] behaves towards filters, tests, iteration and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As a dict: `keys` and `get` say what is in it.
    Mapping,
    /// As a list: `elements` says what is in it.
    Sequence,
    /// Neither: it has attributes or can be called.
    Plain,
}

/// A value that is made on demand or can be called: `hostvars`, `loop`, `namespace`, macros.
///
/// Only what an object does need be written: the defaults are those of a plain object without
/// attributes.
pub trait Object: Send + Sync + fmt::Debug {
    /// How it behaves.
    fn shape(&self) -> Shape {
        Shape::Plain
    }

    /// The name of its type in messages.
    fn type_name(&self) -> &str {
        match self.shape() {
            Shape::Mapping => "dict",
            Shape::Sequence => "list",
            Shape::Plain => "object",
        }
    }

    /// The name of its class, as messages of what it lacks have it: Python's own alone, others
    /// with their module.
    fn class_path(&self) -> &str {
        self.type_name()
    }

    /// The value of a key of a mapping, or an attribute of a plain object.
    fn get(&self, key: &Value) -> Option<Value> {
        let _ = key;
        None
    }

    /// The keys of a mapping, in order.
    fn keys(&self) -> Vec<Value> {
        Vec::new()
    }

    /// The elements of a sequence, in order.
    fn elements(&self) -> Vec<Value> {
        Vec::new()
    }

    /// The number that objects of its type are ordered by, where they can be.
    fn rank(&self) -> Option<i64> {
        None
    }

    /// How many keys or elements there are.
    fn length(&self) -> usize {
        match self.shape() {
            Shape::Mapping => self.keys().len(),
            _ => self.elements().len(),
        }
    }

    /// Whether a mapping has a key, without making its value.
    fn contains(&self, key: &Value) -> bool {
        self.keys().contains(key)
    }

    /// Python's truth.
    fn truthy(&self) -> bool {
        self.shape() == Shape::Plain || self.length() > 0
    }

    /// Python's `str()`; `None` for what the shape gives.
    fn text(&self) -> Option<String> {
        None
    }

    /// Python's `repr()`; `None` for what the shape gives.
    fn repr(&self) -> Option<String> {
        self.text()
    }

    /// The string that stands for it in JSON, where one does.
    fn json(&self) -> Option<String> {
        self.text()
    }

    /// The number by which the interpreter of plugins knows the object, if it is one of its own.
    fn foreign(&self) -> Option<u64> {
        None
    }

    /// Whether it can be called.
    fn is_callable(&self) -> bool {
        false
    }

    /// Calls it.
    ///
    /// # Errors
    /// It cannot be called, or what it does fails.
    fn call(&self, arguments: Arguments, scope: &Scope) -> Result<Value> {
        let _ = (arguments, scope);
        Err(TemplateError::of_type(format!("'{}' object is not callable", self.type_name())))
    }

    /// Calls a method; `None` where it has no method of that name.
    fn call_method(
        &self,
        name: &str,
        arguments: Arguments,
        scope: &Scope,
    ) -> Option<Result<Value>> {
        let _ = (name, arguments, scope);
        None
    }

    /// Sets an attribute, as `{% set x.y = 1 %}` does.
    ///
    /// # Errors
    /// The object does not allow it.
    fn set_attribute(&self, name: &str, value: Value) -> Result<()> {
        let _ = (name, value);
        Err(TemplateError::of_type("cannot assign attribute on non-namespace object"))
    }
}

/// The arguments of a call.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    pub positional: Vec<Value>,
    pub keyword: Vec<(Arc<str>, Value)>,
}

impl Arguments {
    /// Positional arguments only.
    pub fn of(positional: impl IntoIterator<Item = Value>) -> Self {
        Self { positional: positional.into_iter().collect(), keyword: Vec::new() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.positional.is_empty() && self.keyword.is_empty()
    }

    /// Takes out a keyword argument.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.keyword.iter().position(|(key, _)| &**key == name)?;
        Some(self.keyword.remove(at).1)
    }

    /// Binds the arguments to parameters as Python does: by position, then by name. The first
    /// `required` must be there.
    ///
    /// # Errors
    /// Too many arguments, an unknown or doubled name, or a required one that is missing; the
    /// message names `function`.
    pub fn bind<const N: usize>(
        self,
        function: &str,
        parameters: [&str; N],
        required: usize,
    ) -> Result<[Option<Value>; N]> {
        let mut bound: [Option<Value>; N] = [const { None }; N];
        let given = self.positional.len();
        if given > N {
            return Err(TemplateError::of_type(format!(
                "{function}() takes at most {N} argument{} ({given} given)",
                if N == 1 { "" } else { "s" },
            )));
        }
        for (slot, value) in bound.iter_mut().zip(self.positional) {
            *slot = Some(value);
        }
        for (name, value) in self.keyword {
            let Some(slot) = parameters
                .iter()
                .position(|parameter| *parameter == &*name)
                .and_then(|at| bound.get_mut(at))
            else {
                return Err(TemplateError::of_type(format!(
                    "{function}() got an unexpected keyword argument '{name}'"
                )));
            };
            if slot.is_some() {
                return Err(TemplateError::of_type(format!(
                    "{function}() got multiple values for argument '{name}'"
                )));
            }
            *slot = Some(value);
        }
        for (parameter, slot) in parameters.iter().zip(&bound).take(required) {
            if slot.is_none() {
                return Err(TemplateError::of_type(format!(
                    "{function}() missing 1 required positional argument: '{parameter}'"
                )));
            }
        }
        Ok(bound)
    }

    /// Refuses any argument.
    ///
    /// # Errors
    /// There is one.
    pub fn none(self, function: &str) -> Result<()> {
        self.bind::<0>(function, [], 0).map(|_| ())
    }

    /// The error of the first argument that is undefined.
    ///
    /// # Errors
    /// There is one.
    pub fn all_defined(&self) -> Result<()> {
        let keyword = self.keyword.iter().map(|(_, value)| value);
        for value in self.positional.iter().chain(keyword) {
            if let Value::Undefined(undefined) = value {
                return Err(undefined.error());
            }
        }
        Ok(())
    }
}

/// An argument that must be an integer.
///
/// # Errors
/// It is something else.
pub fn int_argument(function: &str, name: &str, value: &Value) -> Result<i64> {
    match value {
        Value::Undefined(undefined) => Err(undefined.error()),
        value => value.as_int().ok_or_else(|| {
            TemplateError::new(
                ErrorKind::Type,
                format!("{function}: '{name}' must be an integer, not {}", value.type_name()),
            )
        }),
    }
}
