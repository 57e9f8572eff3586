//! Compiled texts and where they stand.

use std::sync::{Arc, OnceLock};

use source::Span;

use crate::{
    compile::{self, ir::Program},
    engine::Engine,
    error::{ErrorKind, Missing, Result, TemplateError, Undefined},
    eval,
    scope::Scope,
    value::{Text, TextKind, Value},
};

pub use crate::compile::{names::Name, origin::Origin};

/// A text compiled once.
#[derive(Debug)]
pub struct Template {
    program: Arc<Program>,
    /// What is compiled in its place once the names in it are known.
    awaited: Option<Awaited>,
}

/// What a text is compiled as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Text,
    Expression,
    Condition,
}

/// A text with a filter, test or lookup in it that nobody had brought when it was read. A role
/// that is met later may: then it compiles.
#[derive(Debug)]
struct Awaited {
    form: Form,
    program: OnceLock<Arc<Program>>,
}

impl Template {
    /// Whether a text has anything in it that makes it a template.
    pub fn is_template(text: &str) -> bool {
        text.as_bytes().windows(2).any(|pair| matches!(pair, b"{{" | b"{%" | b"{#"))
    }

    /// Compiles a text.
    ///
    /// # Errors
    /// The text is no template, or a filter, test or lookup in it is not known.
    pub fn compile(engine: &Engine, text: &Arc<str>, origin: Origin) -> Result<Self> {
        let mut program = compile::text(engine, text, origin, &compile::syntax::Syntax::inline())?;
        program.newlines = eval::newlines_at_end(text);
        Ok(Self::from_program(Arc::new(program)))
    }

    /// Compiles a text that is an expression without `{{ }}`.
    ///
    /// # Errors
    /// As [`Template::compile`].
    pub fn compile_expression(engine: &Engine, text: &Arc<str>, origin: Origin) -> Result<Self> {
        Ok(Self::from_program(Arc::new(compile::expression(engine, text, origin)?)))
    }

    /// Compiles a condition that has `{{ }}` in it.
    ///
    /// # Errors
    /// As [`Template::compile`].
    pub fn compile_condition(engine: &Engine, text: &Arc<str>, origin: Origin) -> Result<Self> {
        Ok(Self::from_program(Arc::new(compile::condition(engine, text, origin)?)))
    }

    pub(crate) fn from_program(program: Arc<Program>) -> Self {
        Self { program, awaited: None }
    }

    /// What stands for a text that does not compile: using it is the error. Where a name in it is
    /// not known, it is compiled anew at each use until it is.
    pub(crate) fn broken(text: Arc<str>, form: Form, error: TemplateError, origin: Origin) -> Self {
        let is_awaited = error.kind() == ErrorKind::UnknownName;
        let missing = Missing::Failed { name: "".into(), error };
        let value = Value::Undefined(Undefined::new(missing));
        Self {
            program: Arc::new(compile::constant(text, value, origin)),
            awaited: is_awaited.then(|| Awaited { form, program: OnceLock::new() }),
        }
    }

    /// What is run.
    fn program(&self, engine: &Engine) -> &Arc<Program> {
        let Some(awaited) = &self.awaited else { return &self.program };
        if let Some(program) = awaited.program.get() {
            return program;
        }
        let (text, origin) = (self.text(), self.program.origin.clone());
        let compiled = match awaited.form {
            Form::Text => Self::compile(engine, text, origin),
            Form::Expression => Self::compile_expression(engine, text, origin),
            Form::Condition => Self::compile_condition(engine, text, origin),
        };
        match compiled {
            Ok(template) => awaited.program.get_or_init(|| template.program),
            Err(_) => &self.program,
        }
    }

    /// The text as it was written.
    pub fn text(&self) -> &Arc<str> {
        &self.program.text
    }

    /// Where the text stands, if that is known.
    pub fn span(&self) -> Option<Span> {
        self.program.origin.span(&self.program.text, 0, self.program.text.len())
    }

    /// The variables that the template uses, in the order of the text, each place once.
    pub fn names(&self) -> Vec<Name> {
        let program = &self.program;
        program
            .uses
            .iter()
            .map(|used| Name {
                name: Arc::clone(&used.name),
                span: program.origin.span(
                    &program.text,
                    used.at.start as usize,
                    used.at.end as usize,
                ),
                guarded: used.guarded,
            })
            .collect()
    }

    /// The value: of a text that is exactly one expression its own, otherwise a string.
    ///
    /// # Errors
    /// Something undefined was used, or an operation failed. An expression that is undefined as a
    /// whole gives [`Value::Undefined`] where it is all of the text.
    pub fn render(&self, scope: &Scope) -> Result<Value> {
        match eval::render(self.program(scope.engine()), scope) {
            Err(error)
                if error.kind() == ErrorKind::Undefined
                    && scope.surroundings().settings.keeps_undefined =>
            {
                Ok(Value::Str(Text::new(Arc::clone(self.text()), TextKind::Untrusted)))
            }
            rendered => rendered,
        }
    }

    /// The text that the template becomes, where all that it is made of was written by users and
    /// at least one variable of it holds a text.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub(crate) fn written_out(&self, scope: &Scope) -> Result<Option<String>> {
        eval::written_out(self.program(scope.engine()), scope)
    }

    pub(crate) fn evaluate(&self, scope: &Scope) -> Result<Value> {
        eval::evaluate(self.program(scope.engine()), scope)
    }
}
