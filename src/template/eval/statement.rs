//! Statements.

use std::sync::Arc;

use super::{Frame, Machine, looping, macros::MacroObject, output::Output};
use crate::{
    compile::ir::{Expr, Scoped, Stmt, Target},
    error::{Result, TemplateError},
    value::Value,
};

/// Where to go on after a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Next,
    /// The text is another template's child: nothing more of it is written.
    Break,
    Continue,
}

impl Machine<'_> {
    pub(super) fn run(&mut self, stmts: &[Stmt], out: &mut Output) -> Result<Flow> {
        for stmt in stmts {
            match self.stmt(stmt, out)? {
                Flow::Next => {}
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// What statements write, as text.
    pub(super) fn captured_text(&mut self, stmts: &[Stmt]) -> Result<(String, Flow)> {
        let mut out = Output::default();
        let flow = self.run(stmts, &mut out)?;
        Ok((out.into_text(), flow))
    }

    fn stmt(&mut self, stmt: &Stmt, out: &mut Output) -> Result<Flow> {
        match stmt {
            Stmt::Text(text) => {
                if self.parent.is_none() {
                    out.text(text);
                }
            }
            Stmt::Output(expr) => {
                let value = self.written(expr)?;
                if self.parent.is_none() {
                    out.value(value);
                }
            }
            Stmt::If(branches, otherwise) => {
                for (test, body) in branches {
                    if self.truth(test)? {
                        return self.run(body, out);
                    }
                }
                return self.run(otherwise, out);
            }
            Stmt::For(made) => looping::run(self, made, out)?,
            Stmt::With(assignments, body) => {
                let values = assignments
                    .iter()
                    .map(|(_, expr)| self.eval(expr))
                    .collect::<Result<Vec<_>>>()?;
                self.clear(body);
                for ((target, _), value) in assignments.iter().zip(values) {
                    self.assign(target, value)?;
                }
                return self.run(&body.body, out);
            }
            Stmt::Set(target, expr) => {
                let value = self.eval(expr)?;
                self.assign(target, value)?;
            }
            Stmt::SetBlock(target, filter, body) => {
                self.clear(body);
                let (text, _) = self.captured_text(&body.body)?;
                let value = self.filtered(filter.as_ref(), text)?;
                self.assign(target, value)?;
            }
            Stmt::FilterBlock(filter, body) => {
                self.clear(body);
                let (text, flow) = self.captured_text(&body.body)?;
                let value = self.filtered(Some(filter), text)?;
                if self.parent.is_none() {
                    out.value(value);
                }
                return Ok(flow);
            }
            Stmt::Block(name, visible) => {
                if self.parent.is_none() {
                    let text = self.named_block(name, visible)?;
                    out.text(&text);
                }
            }
            Stmt::Macro(slot, made) => {
                let object = MacroObject::new(self, made);
                self.set_slot(*slot, Value::object(object));
            }
            Stmt::CallBlock(call, caller) => {
                let value = self.call_block(call, caller)?;
                if self.parent.is_none() {
                    out.value(value);
                }
            }
            Stmt::Include(include) => {
                let text = self.include(include)?;
                if self.parent.is_none() {
                    out.text(&text);
                }
            }
            Stmt::Import(import) => self.import(import)?,
            Stmt::Extends(name) => {
                let name = self.defined(name)?;
                if self.parent.is_some() {
                    return Err(TemplateError::new(
                        crate::ErrorKind::Syntax,
                        "extended multiple times",
                    ));
                }
                self.parent = Some(name);
            }
            Stmt::Do(expr) => {
                self.eval(expr)?;
            }
            Stmt::Break => return Ok(Flow::Break),
            Stmt::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn filtered(&mut self, filter: Option<&Expr>, text: String) -> Result<Value> {
        let text = Value::from(text);
        let Some(filter) = filter else { return Ok(text) };
        self.captured.push(text);
        let value = self.defined(filter);
        self.captured.pop();
        value
    }

    pub(super) fn clear(&self, scoped: &Scoped) {
        if let (Some(frame), false) = (&self.frame, scoped.slots.is_empty()) {
            frame.clear(scoped.slots.clone());
        }
    }

    pub(super) fn set_slot(&self, slot: u16, value: Value) {
        if let Some(frame) = &self.frame {
            frame.set(slot, Some(value));
        }
    }

    pub(super) fn frame_or_new(&self) -> Arc<Frame> {
        self.frame.clone().unwrap_or_else(|| Frame::new(0, None))
    }

    /// Assigns a value to a name, an attribute of a namespace, or several of them.
    pub(super) fn assign(&mut self, target: &Target, value: Value) -> Result<()> {
        match target {
            Target::Slot(slot) => self.set_slot(*slot, value),
            Target::Attribute(object, name) => match self.defined(object)? {
                Value::Object(object) => object.set_attribute(name, value)?,
                _ => {
                    return Err(TemplateError::of_type(
                        "cannot assign attribute on non-namespace object",
                    ));
                }
            },
            Target::Unpack(targets) => {
                let values = value.defined()?.elements()?;
                if values.len() < targets.len() {
                    return Err(TemplateError::of_value(format!(
                        "not enough values to unpack (expected {}, got {})",
                        targets.len(),
                        values.len()
                    )));
                }
                if values.len() > targets.len() {
                    return Err(TemplateError::of_value(format!(
                        "too many values to unpack (expected {})",
                        targets.len()
                    )));
                }
                for (target, value) in targets.iter().zip(values) {
                    self.assign(target, value)?;
                }
            }
        }
        Ok(())
    }
}
