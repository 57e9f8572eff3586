//! From bytes of a template's text to places in the file that it stands in.

use std::sync::Arc;

use source::{Place, SourceFile, Span, file, node::Style};

/// Where a text comes from.
#[derive(Clone, Debug)]
pub struct Origin {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Unknown,
    /// Only the whole is known: the text is not as it was written.
    Whole(Span),
    Scalar {
        span: Span,
        style: Style,
    },
    File(Arc<SourceFile>),
}

impl Origin {
    /// A text that stands in no file.
    pub fn unknown() -> Self {
        Self { kind: Kind::Unknown }
    }

    /// The text of a YAML scalar.
    pub fn scalar(span: &Span, style: Style) -> Self {
        Self { kind: Kind::Scalar { span: span.clone(), style } }
    }

    /// An expression in a YAML file, whose style is told by its first character.
    pub fn expression(span: Option<&Span>) -> Self {
        let Some(span) = span else { return Self::unknown() };
        let style = match span.text().as_bytes().first() {
            Some(b'\'') => Style::SingleQuoted,
            Some(b'"') => Style::DoubleQuoted,
            Some(b'|') => Style::Literal,
            Some(b'>') => Style::Folded,
            _ => Style::Plain,
        };
        Self::scalar(span, style)
    }

    /// The same place, all of it whatever part is asked for.
    #[must_use]
    pub fn as_whole(&self) -> Self {
        match &self.kind {
            Kind::Scalar { span, .. } | Kind::Whole(span) => {
                Self { kind: Kind::Whole(span.clone()) }
            }
            Kind::Unknown | Kind::File(_) => self.clone(),
        }
    }

    /// A file that is a template as a whole.
    pub fn file(file: Arc<SourceFile>) -> Self {
        Self { kind: Kind::File(file) }
    }

    /// The file, where the text is a whole one.
    pub fn source_file(&self) -> Option<&Arc<SourceFile>> {
        match &self.kind {
            Kind::File(file) => Some(file),
            _ => None,
        }
    }

    /// The place of the bytes `start..end` of `text`, as exactly as the scalar's style allows.
    pub fn span(&self, text: &str, start: usize, end: usize) -> Option<Span> {
        match &self.kind {
            Kind::Unknown => None,
            Kind::Whole(span) => Some(span.clone()),
            Kind::File(file) => Some(stretch(file, place_of(file, 0, 1, 1, start), start, end)),
            Kind::Scalar { span, style } => {
                let raw = span.text();
                let (Some(from), Some(to)) =
                    (raw_offset(raw, text, *style, start), raw_offset(raw, text, *style, end))
                else {
                    return Some(span.clone());
                };
                let begin = span.start;
                let first = begin.byte + from;
                let place = place_of(&span.file, begin.byte, begin.line, begin.column, first);
                Some(stretch(&span.file, place, first, begin.byte + to.max(from)))
            }
        }
    }
}

fn stretch(file: &Arc<SourceFile>, start: Place, from: usize, to: usize) -> Span {
    let end = place_of(file, from, start.line, start.column, to);
    file::Span { file: Arc::clone(file), start, end }
}

/// The place of a byte, counted on from a known place.
fn place_of(file: &SourceFile, from: usize, line: u32, column: u32, byte: usize) -> Place {
    let mut place = Place { line, column, byte };
    for c in file.text.get(from..byte).unwrap_or("").chars() {
        if c == '\n' {
            place.line += 1;
            place.column = 1;
        } else {
            place.column += 1;
        }
    }
    place
}

/// The offset in the raw scalar of a byte of its text; nothing where the two do not go together.
fn raw_offset(raw: &str, text: &str, style: Style, target: usize) -> Option<usize> {
    let mut walk = Walk { raw, at: 0, indent: usize::MAX };
    walk.open(style)?;
    let mut done = 0;
    for c in text.chars() {
        walk.before(c, style);
        if done >= target {
            return Some(walk.at);
        }
        walk.over(c, style)?;
        done += c.len_utf8();
    }
    Some(walk.at)
}

struct Walk<'a> {
    raw: &'a str,
    at: usize,
    /// How far the lines of a block scalar are indented.
    indent: usize,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        self.raw.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes over what stands before the text: a quote, or the line of `|` and `>`.
    fn open(&mut self, style: Style) -> Option<()> {
        // A tag or an anchor may stand before the scalar itself.
        while let Some('!' | '&') = self.peek() {
            let word = self.rest().find(char::is_whitespace)?;
            self.at += word;
            self.spaces();
        }
        match style {
            Style::Plain => {}
            Style::SingleQuoted | Style::DoubleQuoted => self.at += 1,
            Style::Literal | Style::Folded => {
                self.at += self.rest().find('\n')? + 1;
                let first = self.rest().lines().find(|line| !line.trim().is_empty())?;
                self.indent = first.len() - first.trim_start_matches(' ').len();
                self.indentation();
            }
        }
        Some(())
    }

    fn spaces(&mut self) {
        while let Some(' ' | '\t' | '\n' | '\r') = self.peek() {
            self.at += 1;
        }
    }

    fn indentation(&mut self) {
        let rest = self.rest();
        self.at += (rest.len() - rest.trim_start_matches(' ').len()).min(self.indent);
    }

    /// Skips what the text leaves out before a character.
    fn before(&mut self, c: char, style: Style) {
        if style == Style::DoubleQuoted {
            // A backslash at the end of a line joins it with the next.
            while self.rest().starts_with("\\\n") {
                self.at += 2;
                self.indentation();
            }
        }
        let _ = c;
    }

    /// Goes over one character of the text.
    fn over(&mut self, c: char, style: Style) -> Option<()> {
        let next = self.peek()?;
        match style {
            Style::Literal | Style::Folded => {
                if next == '\n' {
                    self.at += 1;
                    self.line_start(style);
                    return matches!(c, '\n' | ' ').then_some(());
                }
            }
            _ if matches!(c, ' ' | '\n') && self.folded() => {
                // One space or newline stands for a line's end and what is around it; each
                // further newline for one empty line, gone over here already.
                if c == ' ' || next == '\n' || next == ' ' {
                    self.spaces();
                }
                return Some(());
            }
            Style::SingleQuoted if next == '\'' => {
                self.at += 2;
                return (c == '\'').then_some(());
            }
            Style::DoubleQuoted if next == '\\' => {
                let code = self.rest().chars().nth(1)?;
                self.at += 1 + match code {
                    'x' => 3,
                    'u' => 5,
                    'U' => 9,
                    other => other.len_utf8(),
                };
                return Some(());
            }
            Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => {}
        }
        if next == c {
            self.at += c.len_utf8();
            return Some(());
        }
        // The newline of an empty line that was gone over already.
        (c == '\n').then_some(())
    }

    /// Whether the next thing is blanks that lead to the end of a line.
    fn folded(&self) -> bool {
        self.rest().trim_start_matches([' ', '\t']).starts_with(['\n', '\r'])
    }

    fn line_start(&mut self, style: Style) {
        self.indentation();
        while style == Style::Folded && self.rest().starts_with('\n') {
            self.at += 1;
            self.indentation();
        }
    }
}
