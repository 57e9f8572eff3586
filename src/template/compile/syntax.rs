//! Delimiters and the handling of white space.

use minijinja::syntax::SyntaxConfig;

pub use super::front::Backslashes;
use crate::error::{ErrorKind, Result, TemplateError};

/// How a text is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Syntax {
    pub block: (String, String),
    pub variable: (String, String),
    pub comment: (String, String),
    pub line_statement_prefix: Option<String>,
    pub line_comment_prefix: Option<String>,
    pub trim_blocks: bool,
    pub lstrip_blocks: bool,
    pub keep_trailing_newline: bool,
    /// What backslashes mean in the strings of `{{ }}`.
    pub backslashes: Backslashes,
}

impl Syntax {
    /// Files that are templates: as [`Syntax::inline`], but backslashes are escapes.
    pub fn file() -> Self {
        Self { backslashes: Backslashes::Escape, ..Self::inline() }
    }

    /// Strings in YAML files: nothing is trimmed but the newline after a block, and one at the end,
    /// which what is text in the end is given back ([`Program::newlines`](super::ir::Program)).
    pub fn inline() -> Self {
        let pair = |open: &str, close: &str| (open.to_owned(), close.to_owned());
        Self {
            block: pair("{%", "%}"),
            variable: pair("{{", "}}"),
            comment: pair("{#", "#}"),
            line_statement_prefix: None,
            line_comment_prefix: None,
            trim_blocks: true,
            lstrip_blocks: false,
            keep_trailing_newline: false,
            backslashes: Backslashes::Literal,
        }
    }

    /// Whether a text has anything in it that makes it a template.
    pub fn is_in(&self, text: &str) -> bool {
        let starts = [&self.block.0, &self.variable.0, &self.comment.0];
        starts.into_iter().any(|start| text.contains(start))
    }

    /// Whether the delimiters are Jinja's own.
    pub fn is_usual(&self) -> bool {
        let usual = Self::inline();
        self.block == usual.block
            && self.variable == usual.variable
            && self.comment == usual.comment
            && self.line_statement_prefix.is_none()
            && self.line_comment_prefix.is_none()
    }

    /// The parser's form of it.
    ///
    /// # Errors
    /// Two delimiters are alike or one is empty.
    pub fn config(&self) -> Result<SyntaxConfig> {
        let mut builder = SyntaxConfig::builder();
        builder
            .trim_blocks(self.trim_blocks)
            .lstrip_blocks(self.lstrip_blocks)
            .keep_trailing_newline(self.keep_trailing_newline);
        if !self.is_usual() {
            builder
                .block_delimiters(self.block.0.clone(), self.block.1.clone())
                .variable_delimiters(self.variable.0.clone(), self.variable.1.clone())
                .comment_delimiters(self.comment.0.clone(), self.comment.1.clone());
            if let Some(prefix) = &self.line_statement_prefix {
                builder.line_statement_prefix(prefix.clone());
            }
            if let Some(prefix) = &self.line_comment_prefix {
                builder.line_comment_prefix(prefix.clone());
            }
        }
        builder.build().map_err(|error| {
            TemplateError::new(ErrorKind::Syntax, format!("the delimiters cannot be used: {error}"))
        })
    }
}
