//! What Jinja2 takes and the parser does not is rewritten before parsing, and every byte of the
//! rewritten text knows where it came from.

use std::borrow::Cow;

use minijinja::{
    machinery::{Span, Token, tokenize},
    syntax::SyntaxConfig,
};

use super::literal;

/// A text ready for the parser.
pub struct Rewritten<'t> {
    pub text: Cow<'t, str>,
    edits: Vec<Applied>,
    /// Offsets (in the original) of `include`, `import` and `from` that say `with context` (true)
    /// or `without context` (false).
    pub contexts: Vec<(usize, bool)>,
}

/// One replacement, by where it lies in the rewritten text.
struct Applied {
    new_start: usize,
    new_end: usize,
    old_start: usize,
    old_end: usize,
}

struct Edit {
    start: usize,
    end: usize,
    text: String,
}

impl Rewritten<'_> {
    /// The offset in the original text of an offset in the rewritten one.
    pub fn original(&self, offset: usize) -> usize {
        let mut shift = 0isize;
        for edit in &self.edits {
            if offset < edit.new_start {
                break;
            }
            if offset < edit.new_end {
                return edit.old_start
                    + (offset - edit.new_start).min(edit.old_end - edit.old_start);
            }
            shift = edit.old_end as isize - edit.new_end as isize;
        }
        offset.saturating_add_signed(shift)
    }
}

/// Rewrites a text; `in_expression` says that it is a bare expression.
pub fn rewrite<'t>(
    text: &'t str,
    in_expression: bool,
    syntax: &SyntaxConfig,
    backslashes: Backslashes,
) -> Rewritten<'t> {
    let mut pass = Pass { text, edits: Vec::new(), contexts: Vec::new(), backslashes, macros: 0 };
    if needs_rewriting(text) {
        pass.tokens(in_expression, syntax);
        if !in_expression && syntax.trim_blocks() {
            pass.raw_tags(syntax);
        }
    }
    pass.finish()
}

/// What backslashes mean in the strings of `{{ }}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backslashes {
    /// They are escapes: in files that are templates, and in all statements.
    Escape,
    /// They stand for themselves: in strings of playbooks and vars files, where YAML has its own
    /// escapes and patterns such as `'\d+'` and `'\1'` are meant as they are written.
    Literal,
}

/// A quick look at whether a text can hold anything to rewrite.
fn needs_rewriting(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b'+' | b'\\' | b','))
        || ["do", "context", "raw", "macro"].iter().any(|word| text.contains(word))
}

struct Pass<'t> {
    text: &'t str,
    edits: Vec<Edit>,
    contexts: Vec<(usize, bool)>,
    backslashes: Backslashes,
    /// How many macros and calls are around.
    macros: usize,
}

/// How a block that stands in a macro is called. The parser takes none there, so it is written as
/// a call of a macro with this prefix and the block's name.
pub const BLOCK_IN_MACRO: &str = "__block_";

/// The statement or print that tokens are being read of.
#[derive(Default)]
struct Open<'t> {
    keyword: Option<&'t str>,
    keyword_start: usize,
    /// Where the part starts that may be a tuple without parentheses.
    tuple_start: Option<usize>,
    has_comma: bool,
    depth: usize,
    tokens: usize,
    /// This is `{{ }}`.
    is_print: bool,
}

impl<'t> Pass<'t> {
    fn insert(&mut self, at: usize, text: &str) {
        self.edits.push(Edit { start: at, end: at, text: text.into() });
    }

    fn tokens(&mut self, in_expression: bool, syntax: &SyntaxConfig) {
        let mut open = Open { tuple_start: in_expression.then_some(0), ..Open::default() };
        let mut operand_before = false;
        let mut last_end = 0;
        for token in tokenize(self.text, in_expression, syntax.clone()) {
            // The parser meets the same error, and reports it.
            let Ok((token, span)) = token else { return };
            let end = span.end_offset as usize;
            match &token {
                Token::TemplateData(_) => {}
                Token::VariableStart => {
                    open = Open { tuple_start: Some(end), is_print: true, ..Open::default() };
                    operand_before = false;
                }
                Token::BlockStart => {
                    open = Open::default();
                    operand_before = false;
                }
                Token::VariableEnd | Token::BlockEnd => self.close(&open, last_end),
                _ => {
                    self.inside(&token, span, &mut open, operand_before);
                    operand_before = ends_operand(&token);
                    open.tokens += 1;
                }
            }
            last_end = end;
        }
        if in_expression {
            self.close(&open, last_end);
        }
    }

    /// One token within `{{ }}` or `{% %}`.
    fn inside(&mut self, token: &Token<'t>, span: Span, open: &mut Open<'t>, operand_before: bool) {
        let (start, end) = (span.start_offset as usize, span.end_offset as usize);
        match token {
            Token::Ident(word) if open.tokens == 0 && open.tuple_start.is_none() => {
                open.keyword = Some(word);
                open.keyword_start = start;
                match *word {
                    "do" => self.insert(end, "("),
                    "macro" | "call" => self.macros += 1,
                    "endmacro" | "endcall" => self.macros = self.macros.saturating_sub(1),
                    "block" if self.macros > 0 => {
                        self.edits.push(Edit { start, end, text: "call".into() });
                    }
                    "endblock" if self.macros > 0 => {
                        self.edits.push(Edit { start, end, text: "endcall".into() });
                    }
                    _ => {}
                }
            }
            // The name of a block in a macro; what else is said of it means nothing there.
            Token::Ident(word)
                if self.macros > 0 && matches!(open.keyword, Some("block" | "endblock")) =>
            {
                let is_name = open.keyword == Some("block") && open.tokens == 1;
                let text =
                    if is_name { format!("{BLOCK_IN_MACRO}{word}()") } else { String::new() };
                self.edits.push(Edit { start, end, text });
            }
            Token::Ident("in")
                if open.keyword == Some("for") && open.depth == 0 && open.tuple_start.is_none() =>
            {
                open.tuple_start = Some(end);
                open.has_comma = false;
            }
            Token::Ident("if" | "recursive") if open.keyword == Some("for") && open.depth == 0 => {
                if let (Some(from), true) = (open.tuple_start, open.has_comma) {
                    self.insert(from, " (");
                    self.insert(start, ") ");
                }
                open.has_comma = false;
                // What follows is a condition; a comma in it is an error of its own.
                open.keyword = Some("for if");
            }
            Token::Ident("context") => {
                let before = self.text.get(..start).unwrap_or("").trim_end();
                let with = before.ends_with("with");
                if with || before.ends_with("without") {
                    self.contexts.push((open.keyword_start, with));
                }
            }
            Token::Comma if open.depth == 0 => open.has_comma = true,
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => open.depth += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                open.depth = open.depth.saturating_sub(1);
            }
            Token::Plus if !operand_before => {
                self.edits.push(Edit { start, end, text: " ".into() });
            }
            Token::String(decoded) => {
                let raw = self.text.get(start + 1..end.saturating_sub(1)).unwrap_or("");
                let is_literal = open.is_print && self.backslashes == Backslashes::Literal;
                let python =
                    if is_literal { literal::decode_literal(raw) } else { literal::decode(raw) };
                if *python != **decoded {
                    let quoted = literal::encode(&python);
                    self.edits.push(Edit { start, end, text: quoted });
                }
            }
            _ => {}
        }
    }

    /// The end of `{{ }}` or `{% %}`: what needs parentheses gets them.
    fn close(&mut self, open: &Open<'t>, last_end: usize) {
        match (open.keyword, open.tuple_start) {
            (Some("do"), _) => self.insert(last_end, ")()"),
            (None | Some("for"), Some(from)) if open.has_comma => {
                self.insert(from, " (");
                self.insert(last_end, ")");
            }
            _ => {}
        }
    }

    /// Jinja2 does not trim the newline after `{% raw %}`, whatever `trim_blocks` says.
    fn raw_tags(&mut self, syntax: &SyntaxConfig) {
        let (open, close) = syntax.block_delimiters();
        let (open, close) = (open.to_owned(), close.to_owned());
        let mut at = 0;
        while let Some(found) = self.text.get(at..).and_then(|rest| rest.find(&open)) {
            let tag = at + found + open.len();
            at = tag;
            let rest = self.text.get(tag..).unwrap_or("");
            let body = rest.trim_start_matches(['-', '+']).trim_start();
            let Some(after) = body.strip_prefix("raw") else { continue };
            let after = after.trim_start();
            if !after.starts_with(&close) {
                continue;
            }
            let end = self.text.len() - after.len();
            self.insert(end, "+");
            match self.text.get(end..).and_then(|rest| rest.find("endraw")) {
                Some(skip) => at = end + skip,
                None => return,
            }
        }
    }

    fn finish(self) -> Rewritten<'t> {
        let Self { text, mut edits, contexts, .. } = self;
        if edits.is_empty() {
            return Rewritten { text: Cow::Borrowed(text), edits: Vec::new(), contexts };
        }
        edits.sort_by_key(|edit| edit.start);
        let mut out = String::with_capacity(text.len() + 16);
        let mut applied = Vec::with_capacity(edits.len());
        let mut at = 0;
        for edit in edits {
            out.push_str(text.get(at..edit.start).unwrap_or(""));
            let new_start = out.len();
            out.push_str(&edit.text);
            applied.push(Applied {
                new_start,
                new_end: out.len(),
                old_start: edit.start,
                old_end: edit.end,
            });
            at = edit.end;
        }
        out.push_str(text.get(at..).unwrap_or(""));
        Rewritten { text: Cow::Owned(out), edits: applied, contexts }
    }
}

/// Whether a value may end with this token, so that `+` after it adds.
fn ends_operand(token: &Token<'_>) -> bool {
    match token {
        Token::Ident(word) => {
            !matches!(*word, "and" | "or" | "not" | "in" | "is" | "if" | "else" | "elif" | "do")
        }
        Token::Str(_)
        | Token::String(_)
        | Token::Int(_)
        | Token::Int128(_)
        | Token::Float(_)
        | Token::ParenClose
        | Token::BracketClose
        | Token::BraceClose => true,
        _ => false,
    }
}

/// A condition with `{{ }}` in it as one expression: what stands between them outside of quotes
/// is put in parentheses, and inside of quotes is joined to the text around it.
pub fn undelimit(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("{{") {
            let Some(end) = closing(rest) else {
                out.push_str(rest);
                return out;
            };
            out.push('(');
            out.push_str(rest.get(2..end).unwrap_or("").trim_matches('-'));
            out.push(')');
            rest = rest.get(end + 2..).unwrap_or("");
        } else if c == '\'' || c == '"' {
            let (joined, length) = undelimit_literal(rest, c);
            out.push_str(&joined);
            rest = rest.get(length..).unwrap_or("");
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    out
}

/// The string literal at the start of a text as an expression, and how long it is there.
fn undelimit_literal(text: &str, quote: char) -> (String, usize) {
    let mut parts = String::from(quote);
    let mut is_joined = false;
    let mut at = 1;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = text.get(at..).unwrap_or("");
        if rest.starts_with("{{")
            && let Some(end) = closing(rest)
        {
            let inner = rest.get(2..end).unwrap_or("").trim_matches('-');
            parts.push_str(&format!("{quote} ~ ({inner}) ~ {quote}"));
            is_joined = true;
            at += end + 2;
            continue;
        }
        parts.push(c);
        at += c.len_utf8();
        if c == quote {
            break;
        }
        if c == '\\'
            && let Some(next) = text.get(at..).and_then(|rest| rest.chars().next())
        {
            parts.push(next);
            at += next.len_utf8();
        }
    }
    (if is_joined { format!("({parts})") } else { parts }, at)
}

/// The offset of the `}}` that closes the `{{` at the start of a text.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut depth = 0usize;
    let bytes = text.as_bytes();
    let mut at = 2;
    while at < bytes.len() {
        let byte = bytes.get(at).copied()?;
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}
