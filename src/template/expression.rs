//! Bare expressions: what `when`, `until`, `that` and `changed_when` hold.

use std::sync::Arc;

use source::Span;

use crate::{
    engine::Engine,
    error::{ErrorKind, Result, TemplateError},
    scope::Scope,
    template::{Form, Name, Origin, Template},
    value::Value,
};

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    template: Arc<Template>,
    /// The text had `{{ }}` in it; then what it is as a text.
    as_text: Option<Arc<Template>>,
}

impl Expression {
    /// Compiles an expression. A text with `{{ }}` in it is accepted: what stands between them is
    /// part of the expression.
    ///
    /// # Errors
    /// The text is no expression, or a filter, test or lookup in it is not known.
    pub fn compile(engine: &Engine, text: &str, span: Option<&Span>) -> Result<Self> {
        let origin = Origin::expression(span);
        let text: Arc<str> = text.trim_end().into();
        if !Template::is_template(&text) {
            let template = Template::compile_expression(engine, &text, origin)?;
            return Ok(Self { template: Arc::new(template), as_text: None });
        }
        let as_text = Template::compile(engine, &text, origin.clone())?;
        let template = Template::compile_condition(engine, &text, origin)?;
        Ok(Self { template: Arc::new(template), as_text: Some(Arc::new(as_text)) })
    }

    /// What stands for an expression that cannot be compiled: evaluating it is the error, unless
    /// what it names is known by then.
    pub fn broken(text: &str, span: Option<&Span>, error: TemplateError) -> Self {
        let text: Arc<str> = text.trim_end().into();
        let made = |form, error| {
            let origin = Origin::expression(span);
            Arc::new(Template::broken(Arc::clone(&text), form, error, origin))
        };
        if !Template::is_template(&text) || error.kind() != ErrorKind::UnknownName {
            return Self { template: made(Form::Expression, error), as_text: None };
        }
        let as_text = Some(made(Form::Text, error.clone()));
        Self { template: made(Form::Condition, error), as_text }
    }

    /// The text as it was written.
    pub fn text(&self) -> &Arc<str> {
        self.template.text()
    }

    /// Whether the text has `{{ }}` in it, which conditions need not.
    pub fn is_delimited(&self) -> bool {
        self.as_text.is_some()
    }

    /// The variables that the expression uses.
    pub fn names(&self) -> Vec<Name> {
        self.template.names()
    }

    /// The value.
    ///
    /// # Errors
    /// Something undefined was used, or an operation failed.
    pub fn evaluate(&self, scope: &Scope) -> Result<Value> {
        match self.written_out(scope)? {
            Some(expression) => expression.evaluate(scope),
            None => self.template.evaluate(scope),
        }
    }

    /// The expression that a text with `{{ }}` in it becomes where users wrote what stands there:
    /// a condition that is kept in a variable. What hosts and modules said never becomes one.
    fn written_out(&self, scope: &Scope) -> Result<Option<Template>> {
        let Some(as_text) = &self.as_text else { return Ok(None) };
        let Some(text) = as_text.written_out(scope)? else { return Ok(None) };
        if text.trim().is_empty() || Template::is_template(&text) {
            return Ok(None);
        }
        Template::compile_expression(scope.engine(), &text.trim().into(), Origin::unknown())
            .map(Some)
            .map_err(|error| error.at(self.template.span()))
    }

    /// Whether the value counts as true.
    ///
    /// # Errors
    /// As [`Expression::evaluate`]; the value is undefined; or `{{ }}` gave a text that is no
    /// boolean: it is data and is not evaluated.
    pub fn is_true(&self, scope: &Scope) -> Result<bool> {
        match self.evaluate(scope)? {
            Value::Undefined(undefined) => Err(undefined.error()),
            Value::Str(text) if self.is_delimited() => self.text_is_true(&text),
            value => Ok(value.truthy()),
        }
    }

    /// What a condition that is all `{{ }}` gave as text: a boolean or a number, spelt out.
    fn text_is_true(&self, text: &str) -> Result<bool> {
        let word = text.trim();
        match word {
            "" | "False" | "false" | "None" | "none" => Ok(false),
            "True" | "true" => Ok(true),
            _ => match word.parse::<f64>() {
                Ok(number) => Ok(number != 0.0),
                Err(_) => Err(TemplateError::new(
                    ErrorKind::Type,
                    format!(
                        "the condition gave the text '{text}', which is data and not evaluated"
                    ),
                )
                .at(self.template.span())
                .with_hint("write the condition without {{ }}, and compare what it gives")),
            },
        }
    }
}
