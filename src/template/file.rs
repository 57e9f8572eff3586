//! Files that are templates: what the module `template` and the lookup of that name render.

use std::{path::Path, sync::Arc};

use source::SourceFile;

use crate::{
    compile::{self, ir::Program, origin::Origin, syntax::Syntax},
    engine::Engine,
    error::{ErrorKind, Result, TemplateError},
    eval, literal_eval,
    scope::Scope,
    value::Value,
};

/// How a file is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// The file, for messages and for what it includes.
    pub path: std::path::PathBuf,
    /// Delimiters and the handling of white space; a `#jinja2:` header changes them.
    pub syntax: Syntax,
    /// What ends a line in the result: `\n`, `\r` or `\r\n`.
    pub newline_sequence: String,
}

impl FileOptions {
    /// The defaults of Ansible's module `template`: `trim_blocks` on, `lstrip_blocks` off, the
    /// newline at the end kept.
    pub fn new(path: impl Into<std::path::PathBuf>) -> Self {
        Self { path: path.into(), syntax: Syntax::file(), newline_sequence: "\n".into() }
    }
}

/// The first line of a template that sets options.
const HEADER: &str = "#jinja2:";

impl Engine {
    /// Compiles the text of a file, without rendering it: for checks before a run.
    ///
    /// # Errors
    /// The text is no template, its `#jinja2:` header is wrong, or a filter, test or lookup in it
    /// is not known.
    pub fn compile_file(&self, text: &str, options: &FileOptions) -> Result<CompiledFile> {
        let mut syntax = options.syntax.clone();
        let mut newline_sequence = options.newline_sequence.clone();
        let mut body = text;
        if let Some(rest) = text.strip_prefix(HEADER) {
            let (header, after) = rest.split_once('\n').unwrap_or((rest, ""));
            read_header(header, &mut syntax, &mut newline_sequence)?;
            body = after;
        }
        let unified = unified_newlines(body);
        let newlines = eval::newlines_at_end(&unified);
        let source: Arc<str> = unified.into();
        // Places in messages are those of the text behind the header.
        let origin = Origin::file(SourceFile::new(&options.path, &*source));
        let program = Arc::new(compile::text(self, &source, origin, &syntax)?);
        Ok(CompiledFile { program, newline_sequence, newlines })
    }

    /// The text of a file, compiled as [`Engine::compile_file`] does, once as long as neither the
    /// text nor the way in which it is read changes.
    ///
    /// # Errors
    /// As [`Engine::compile_file`].
    pub fn kept_file(&self, text: &str, options: &FileOptions) -> Result<CompiledFile> {
        let places = self.plugin_places();
        if let Some(compiled) = self.files().get(text, options, places) {
            return Ok(compiled);
        }
        let compiled = self.compile_file(text, options)?;
        self.files().put(text, options, places, compiled.clone());
        Ok(compiled)
    }

    /// Renders the text of a file.
    ///
    /// # Errors
    /// As [`Engine::compile_file`]; something undefined was used, or an operation failed.
    pub fn render_file(&self, text: &str, options: &FileOptions, scope: &Scope) -> Result<String> {
        self.kept_file(text, options)?.render(scope)
    }
}

/// A file compiled once, to be rendered for many hosts.
#[derive(Clone, Debug)]
pub struct CompiledFile {
    program: Arc<Program>,
    newline_sequence: String,
    /// How many newlines the text ends with.
    newlines: usize,
}

impl CompiledFile {
    /// Renders the file in a scope.
    ///
    /// # Errors
    /// Something undefined was used, or an operation failed.
    pub fn render(&self, scope: &Scope) -> Result<String> {
        let mut text = eval::render_file_program(&self.program, scope)?;
        // Jinja2 takes one away; Ansible gives back what is missing.
        for _ in eval::newlines_at_end(&text)..self.newlines {
            text.push('\n');
        }
        Ok(if self.newline_sequence == "\n" {
            text
        } else {
            text.replace('\n', &self.newline_sequence)
        })
    }

    /// Whether it came of the same compilation.
    #[cfg(test)]
    pub(crate) fn is_the_same_program(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.program, &other.program)
    }

    /// The variables that the file uses.
    pub fn names(&self) -> Vec<crate::template::Name> {
        crate::template::Template::from_program(Arc::clone(&self.program)).names()
    }
}

fn unified_newlines(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.into() }
}

/// `#jinja2: trim_blocks: False, lstrip_blocks: True`
fn read_header(header: &str, syntax: &mut Syntax, newline_sequence: &mut String) -> Result<()> {
    for pair in header.split(',') {
        let Some((key, value)) = pair.split_once(':') else {
            return Err(TemplateError::new(
                ErrorKind::Syntax,
                format!("failed to parse jinja2 override '{}': write 'name:value'", pair.trim()),
            ));
        };
        let (key, value) = (key.trim(), value.trim());
        let value = literal_eval::parse(value).ok_or_else(|| {
            TemplateError::new(
                ErrorKind::Syntax,
                format!("the value of the jinja2 override '{key}' is no literal: {value}"),
            )
        })?;
        set_option(key, &value, syntax, newline_sequence)?;
    }
    Ok(())
}

/// Sets an option of Jinja's environment by its name.
pub(crate) fn set_option(
    key: &str,
    value: &Value,
    syntax: &mut Syntax,
    newline_sequence: &mut String,
) -> Result<()> {
    let text = || {
        value.as_str().map(ToOwned::to_owned).ok_or_else(|| {
            TemplateError::of_type(format!("'{key}' is a string, not {}", value.type_name()))
        })
    };
    match key {
        "trim_blocks" => syntax.trim_blocks = value.truthy(),
        "lstrip_blocks" => syntax.lstrip_blocks = value.truthy(),
        "keep_trailing_newline" => syntax.keep_trailing_newline = value.truthy(),
        "block_start_string" => syntax.block.0 = text()?,
        "block_end_string" => syntax.block.1 = text()?,
        "variable_start_string" => syntax.variable.0 = text()?,
        "variable_end_string" => syntax.variable.1 = text()?,
        "comment_start_string" => syntax.comment.0 = text()?,
        "comment_end_string" => syntax.comment.1 = text()?,
        "line_statement_prefix" => syntax.line_statement_prefix = Some(text()?),
        "line_comment_prefix" => syntax.line_comment_prefix = Some(text()?),
        "newline_sequence" => *newline_sequence = text()?,
        "autoescape" if !value.truthy() => {}
        _ => {
            return Err(TemplateError::new(
                ErrorKind::Unsupported,
                format!("the jinja2 override '{key}' is not supported"),
            ));
        }
    }
    Ok(())
}

/// The template that another one names: beside that one first, then where the task's templates
/// are.
pub(crate) fn load(names: &[String], from: &Program, scope: &Scope) -> Result<Arc<Program>> {
    let surroundings = scope.surroundings();
    let beside = from.origin.source_file().and_then(|file| file.path.parent());
    for name in names {
        let near = beside.map(|folder| folder.join(name)).filter(|path| path.is_file());
        let Some(path) = near.or_else(|| surroundings.find("templates", name)) else { continue };
        return read(&path, scope);
    }
    Err(TemplateError::new(ErrorKind::File, format!("template not found: {}", names.join(", "))))
}

fn read(path: &Path, scope: &Scope) -> Result<Arc<Program>> {
    let text = scope.surroundings().read_text(path)?;
    // An included text ends where its last line does.
    scope.engine().kept_file(&text, &FileOptions::new(path)).map(|file| file.program)
}
