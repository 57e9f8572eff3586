//! Runs programs: expressions over values with Python's semantics, statements with Jinja2's.

pub mod attribute;
mod class;
mod expression;
mod inherit;
mod looping;
mod macros;
pub mod operators;
mod output;
mod statement;
pub(crate) mod typing;
mod whole;

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    compile::ir::{At, Body, ExprKind, Program, Stmt},
    error::{Result, TemplateError},
    scope::Scope,
    surroundings::Typing,
    value::{Text, TextKind, Value},
};
use inherit::Blocks;
use output::Output;

pub(crate) use inherit::render_file_program;

/// The slots of a macro, a block or a text, and the frame around them that a macro sees.
pub(crate) struct Frame {
    slots: Mutex<Vec<Option<Value>>>,
    parent: Option<Arc<Frame>>,
}

impl Frame {
    fn new(slots: usize, parent: Option<Arc<Frame>>) -> Arc<Self> {
        Arc::new(Self { slots: Mutex::new(vec![None; slots]), parent })
    }

    fn get(&self, slot: u16) -> Option<Value> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get(usize::from(slot)).cloned().flatten()
    }

    fn set(&self, slot: u16, value: Option<Value>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = slots.get_mut(usize::from(slot)) {
            *place = value;
        }
    }

    fn clear(&self, range: std::ops::Range<u16>) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let range = usize::from(range.start)..usize::from(range.end);
        slots.get_mut(range).unwrap_or_default().fill(None);
    }

    /// A frame of its own that starts with the same values.
    fn copied(&self) -> Arc<Self> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Arc::new(Self { slots: Mutex::new(slots), parent: self.parent.clone() })
    }
}

/// Variables as one rendering sees them, where it may change them in place.
type Kept = Arc<Mutex<Vec<Option<Value>>>>;

/// Runs one program.
pub(crate) struct Machine<'p> {
    program: &'p Arc<Program>,
    scope: &'p Scope,
    frame: Option<Arc<Frame>>,
    kept: Option<Kept>,
    /// What filter blocks and set blocks have captured, innermost last.
    captured: Vec<Value>,
    blocks: Option<Arc<Blocks>>,
    /// The block that is being rendered and how far up the inheritance it is.
    block: Option<(Arc<str>, usize)>,
    /// The template that the top level says it extends.
    parent: Option<Value>,
    /// Variables that were looked through for something undefined, and what stands for those in
    /// which there was.
    broken: Vec<(Arc<str>, Option<Value>)>,
}

impl<'p> Machine<'p> {
    fn new(program: &'p Arc<Program>, scope: &'p Scope) -> Self {
        let frame = (program.slots > 0).then(|| Frame::new(program.slots, None));
        let kept = (!program.kept.is_empty())
            .then(|| Arc::new(Mutex::new(vec![None; program.kept.len()])));
        Self {
            program,
            scope,
            frame,
            kept,
            captured: Vec::new(),
            blocks: None,
            block: None,
            parent: None,
            broken: Vec::new(),
        }
    }

    /// An error with the place of the code that it came from, unless it knows one.
    fn placed(&self, error: TemplateError, at: At) -> TemplateError {
        if error.place().is_some() {
            return error;
        }
        let (start, end) = (at.start as usize, at.end as usize);
        error.at(self.program.origin.span(&self.program.text, start, end))
    }
}

/// The value of a bare expression, in its own type whatever the settings say.
///
/// # Errors
/// Something undefined was used, or an operation failed.
pub fn evaluate(program: &Arc<Program>, scope: &Scope) -> Result<Value> {
    match &program.body {
        Body::Expression(expr) => Machine::new(program, scope).defined(expr),
        Body::Parts(_) => render(program, scope),
    }
}

/// The text that a program gives whose values were written by users; nothing where a value comes
/// from elsewhere, where none is a text that users wrote, and where there is more to the program
/// than texts and expressions.
///
/// # Errors
/// Something undefined was used, or an operation failed.
pub fn written_out(program: &Arc<Program>, scope: &Scope) -> Result<Option<String>> {
    let mut machine = Machine::new(program, scope);
    let is_whole = matches!(program.body, Body::Expression(_));
    // Whether part of a text is an expression or a value was never settled by those who keep types.
    if !is_whole && scope.surroundings().settings.typing == Typing::Kept {
        return Ok(None);
    }
    let mut out = String::new();
    let mut has_text = false;
    let mut add = |value: Value, out: &mut String| {
        let is_written = match &value {
            Value::Str(text) => text.kind() == TextKind::Written,
            Value::Bool(_) | Value::Int(_) | Value::Float(_) => true,
            _ => false,
        };
        has_text |= matches!(value, Value::Str(_));
        value.write_text(out);
        is_written
    };
    match &program.body {
        Body::Expression(expr) => {
            if !add(machine.written(expr)?, &mut out) {
                return Ok(None);
            }
        }
        Body::Parts(stmts) => {
            for stmt in stmts {
                match stmt {
                    Stmt::Text(text) => out.push_str(text),
                    Stmt::Output(expr) => {
                        if !add(machine.written(expr)?, &mut out) {
                            return Ok(None);
                        }
                    }
                    _ => return Ok(None),
                }
            }
        }
    }
    for _ in newlines_at_end(&out)..program.newlines {
        out.push('\n');
    }
    Ok(has_text.then_some(out))
}

/// How many newlines a text ends with.
pub(crate) fn newlines_at_end(text: &str) -> usize {
    text.len() - text.trim_end_matches('\n').len()
}

/// Gives what is text the newlines back that the end of the template had; a value of another type
/// had none.
fn with_newlines(value: Value, program: &Program) -> Value {
    match value {
        Value::Str(text) => {
            let missing = program.newlines.saturating_sub(newlines_at_end(&text));
            if missing == 0 {
                return Value::Str(text);
            }
            Value::Str(Text::new(format!("{}{}", &*text, "\n".repeat(missing)), text.kind()))
        }
        other => other,
    }
}

/// Renders a program: the value of a text that is one expression, otherwise a string.
///
/// # Errors
/// Something undefined was used, or an operation failed.
pub fn render(program: &Arc<Program>, scope: &Scope) -> Result<Value> {
    let settings = &scope.surroundings().settings;
    let mut machine = Machine::new(program, scope);
    match &program.body {
        Body::Expression(expr) => {
            // Ansible hands on the number, truth value or null that one bare variable holds.
            if let (Typing::Structures, ExprKind::Variable(name, _)) = (settings.typing, &expr.kind)
                && is_bare(&program.text, name)
                && let Some(crate::Tree::Value(
                    plain @ (Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::None),
                )) = scope.tree(name)
            {
                return Ok(plain);
            }
            let value = typing::of_expression(machine.defined(expr)?, settings)?;
            Ok(with_newlines(value, program))
        }
        Body::Parts(stmts) => {
            let mut output = Output::default();
            machine.run_template(stmts, &mut output)?;
            let is_empty = output.is_empty();
            let value = output.finish();
            let value = if is_empty { Value::None } else { value };
            Ok(with_newlines(typing::of_parts(value, settings)?, program))
        }
    }
}

/// Whether a template is one variable's name between braces, and nothing else.
fn is_bare(text: &str, name: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    let inner = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
    inner.is_some_and(|inner| inner.trim() == name)
}
