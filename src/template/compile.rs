//! From text to programs: minijinja's lexer and parser in front, our own lowered form behind.
//!
//! [`front`] rewrites what Jinja2 takes and the parser does not; [`lower`] turns the parser's tree,
//! which borrows the text, into [`ir`], which owns everything and has names resolved.

pub mod front;
pub mod ir;
pub mod literal;
pub mod lower;
mod lower_expr;
pub mod names;
pub mod origin;
pub mod syntax;

use std::{collections::HashMap, sync::Arc};

use minijinja::machinery::{ast, parse, parse_expr};

use crate::{
    engine::Engine,
    error::{ErrorKind, Result, TemplateError},
    value::Value,
};
use front::Rewritten;
use ir::{At, Body, Expr, ExprKind, Program};
use lower::Lowerer;
use origin::Origin;
use syntax::Syntax;

/// The longest text that is compiled, in bytes.
const TEXT_BYTES_MAX: usize = 16 << 20;

/// Compiles a text with templates in it.
///
/// # Errors
/// The text is no template, or a filter, test or lookup in it is not known.
pub fn text(engine: &Engine, text: &Arc<str>, origin: Origin, syntax: &Syntax) -> Result<Program> {
    limit(text)?;
    let config = syntax.config()?;
    let rewritten = front::rewrite(text, false, &config, syntax.backslashes);
    let parsed = parse(&rewritten.text, "template", config)
        .map_err(|error| parse_error(&error, text, &origin, &rewritten))?;
    let mut lowerer = Lowerer::new(engine, text, &origin, &rewritten);
    let ast::Stmt::Template(template) = &parsed else {
        return Err(TemplateError::new(ErrorKind::Syntax, "the text is no template"));
    };
    let body = match template.children.as_slice() {
        [ast::Stmt::EmitExpr(emit)] => Body::Expression(lowerer.expr(&emit.expr)?),
        children => Body::Parts(lowerer.template_body(children)?),
    };
    Ok(lowerer.finish(body, origin.clone()))
}

/// Compiles a bare expression.
///
/// # Errors
/// As [`text()`].
pub fn expression(engine: &Engine, text: &Arc<str>, origin: Origin) -> Result<Program> {
    limit(text)?;
    let config = Syntax::inline().config()?;
    let rewritten = front::rewrite(text, true, &config, front::Backslashes::Escape);
    if rewritten.text.trim().is_empty() {
        return Err(TemplateError::new(ErrorKind::Syntax, "the expression is empty")
            .at(origin.span(text, 0, text.len())));
    }
    let parsed = parse_expr(&rewritten.text)
        .map_err(|error| parse_error(&error, text, &origin, &rewritten))?;
    let mut lowerer = Lowerer::new(engine, text, &origin, &rewritten);
    let body = Body::Expression(lowerer.expr(&parsed)?);
    Ok(lowerer.finish(body, origin.clone()))
}

/// A program that gives a value, whatever its text says.
pub fn constant(text: Arc<str>, value: Value, origin: Origin) -> Program {
    Program {
        text,
        origin,
        body: Body::Expression(Expr { kind: ExprKind::Constant(value), at: At::default() }),
        uses: Vec::new(),
        blocks: HashMap::new(),
        slots: 0,
        exports: Vec::new(),
        kept: Vec::new(),
        newlines: 0,
    }
}

/// Compiles a condition that has `{{ }}` in it; one with statements in it is compiled as a text.
///
/// # Errors
/// As [`text()`].
pub fn condition(engine: &Engine, written: &Arc<str>, origin: Origin) -> Result<Program> {
    if written.contains("{%") || written.contains("{#") {
        return text(engine, written, origin, &Syntax::inline());
    }
    let trimmed = written.trim();
    let is_whole =
        trimmed.starts_with("{{") && trimmed.ends_with("}}") && trimmed.matches("{{").count() == 1;
    if is_whole {
        return text(engine, written, origin, &Syntax::inline());
    }
    let plain: Arc<str> = front::undelimit(written).into();
    // Places inside of the text have moved: errors show the condition as a whole.
    let whole = origin.span(written, 0, written.len());
    let mut program =
        expression(engine, &plain, Origin::unknown()).map_err(|error| error.at(whole.clone()))?;
    program.text = Arc::clone(written);
    program.origin = origin.as_whole();
    Ok(program)
}

fn limit(text: &str) -> Result<()> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(TemplateError::new(
            ErrorKind::Limit,
            format!("the template is longer than {TEXT_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// The parser's error in our words, with its place in the original text.
fn parse_error(
    error: &minijinja::Error,
    text: &str,
    origin: &Origin,
    rewritten: &Rewritten<'_>,
) -> TemplateError {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    let result = TemplateError::new(ErrorKind::Syntax, detail.replace('`', "'"));
    let place = error.range().map_or_else(
        || origin.span(text, 0, text.len()),
        |range| origin.span(text, rewritten.original(range.start), rewritten.original(range.end)),
    );
    result.at(place)
}
