//! YAML text to trees, read as PyYAML reads YAML 1.1.
//!
//! libyaml's events are composed into [`Node`]s: anchors are shared, merge keys applied, scalars
//! resolved. Sources: the YAML 1.1 type repository and the behaviour of PyYAML's safe loader.

mod scalar;

use std::{collections::HashMap, sync::Arc};

use libyaml_safer::{Event, EventData, Mark, Parser, ScalarStyle};

use crate::{
    Code, Diagnostic, Diagnostics, Entry, Kind, Mapping, Node, Place, Scalar, SourceFile, Span,
    Style,
};

pub use scalar::resolve_plain;

/// The text is no YAML.
pub const SYNTAX: Code = "E0101";
/// A tag that means nothing here.
pub const UNKNOWN_TAG: Code = "E0102";
/// A key that is a list or a dictionary.
pub const COMPLEX_KEY: Code = "E0103";
/// A key stands twice in one mapping.
pub const DUPLICATE_KEY: Code = "W0104";
/// A limit was met.
pub const LIMIT: Code = "E0105";
/// More documents than one.
pub const SEVERAL_DOCUMENTS: Code = "E0106";
/// A value does not fit its tag.
pub const BAD_VALUE: Code = "E0107";

/// The most bytes that a YAML text may have.
pub const TEXT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How deep lists and dictionaries may be nested.
pub const DEPTH_MAX: usize = 128;
/// How many nodes a document may have once its aliases are written out.
pub const NODES_MAX: usize = 4_000_000;
/// How many `%` directives a text may have.
pub const DIRECTIVES_MAX: usize = 64;

/// Reads the one document of a text; `None` where the text is empty or is no YAML, which the
/// diagnostics then say.
pub fn parse(file: &Arc<SourceFile>, diagnostics: &mut Diagnostics) -> Option<Node> {
    let mut documents = parse_all(file, diagnostics)?;
    if let Some(second) = documents.get(1) {
        diagnostics.push(
            Diagnostic::error(
                SEVERAL_DOCUMENTS,
                &second.span,
                "expected a single document in the stream but found another document",
            )
            .hint("put each document into a file of its own"),
        );
        return None;
    }
    documents.pop()
}

/// Reads all documents of a text; `None` where it is no YAML.
pub fn parse_all(file: &Arc<SourceFile>, diagnostics: &mut Diagnostics) -> Option<Vec<Node>> {
    match Composer::new(file, diagnostics).documents() {
        Ok(documents) => Some(documents),
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            None
        }
    }
}

type Composed<T> = Result<T, Box<Diagnostic>>;

struct Composer<'a> {
    file: &'a Arc<SourceFile>,
    diagnostics: &'a mut Diagnostics,
    /// Byte offset of the start of each line, as libyaml counts lines.
    line_starts: Vec<usize>,
    anchors: HashMap<String, (Node, usize)>,
    nodes: usize,
    depth: usize,
}

impl<'a> Composer<'a> {
    fn new(file: &'a Arc<SourceFile>, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            file,
            diagnostics,
            line_starts: line_starts(&file.text),
            anchors: HashMap::new(),
            nodes: 0,
            depth: 0,
        }
    }

    fn documents(mut self) -> Composed<Vec<Node>> {
        let text = &self.file.text;
        if text.len() > TEXT_BYTES_MAX {
            return Err(
                self.limit(&Span::start_of(self.file), format!("over {TEXT_BYTES_MAX} bytes"))
            );
        }
        if text.lines().filter(|line| line.starts_with('%')).take(DIRECTIVES_MAX + 1).count()
            > DIRECTIVES_MAX
            && text.trim_start().starts_with('%')
        {
            let span = Span::start_of(self.file);
            return Err(self.limit(&span, format!("more than {DIRECTIVES_MAX} directives")));
        }
        // The scanner of libyaml-safer 0.3 panics where a block scalar ends without a line break.
        let with_break = format!("{text}\n");
        let mut bytes = if text.ends_with('\n') { text.as_bytes() } else { with_break.as_bytes() };
        let mut parser = Parser::new();
        parser.set_input_string(&mut bytes);
        let mut documents = Vec::new();
        loop {
            let event = self.next(&mut parser)?;
            match event.data {
                EventData::StreamEnd => return Ok(documents),
                EventData::DocumentStart { .. } => {
                    self.anchors.clear();
                    let event = self.next(&mut parser)?;
                    documents.push(self.node(event, &mut parser)?.0);
                }
                _ => {}
            }
        }
    }

    fn next(&self, parser: &mut Parser<&mut &[u8]>) -> Composed<Event> {
        parser.parse().map_err(|error| Box::new(self.syntax_error(&error)))
    }

    /// Composes a node from its first event; returns it with the number of nodes in it.
    fn node(&mut self, event: Event, parser: &mut Parser<&mut &[u8]>) -> Composed<(Node, usize)> {
        let span = self.span(event.start_mark, event.end_mark);
        let (anchor, node, weight) = match event.data {
            EventData::Alias { anchor } => {
                let Some((node, weight)) = self.anchors.get(&anchor).cloned() else {
                    let message = format!("found undefined alias '{anchor}'");
                    return Err(Box::new(Diagnostic::error(SYNTAX, &span, message)));
                };
                self.count(weight, &span)?;
                return Ok((node, weight));
            }
            EventData::Scalar { anchor, tag, value, plain_implicit, style, .. } => {
                self.count(1, &span)?;
                let plain = style == ScalarStyle::Plain && plain_implicit;
                let value = self.without_added_break(value, style, &span);
                let scalar = self.scalar(tag.as_deref(), value, plain, style, &span)?;
                (anchor, Node { kind: Kind::Scalar(scalar), span }, 1)
            }
            EventData::SequenceStart { anchor, tag, .. } => {
                self.enter(&span)?;
                let mut items = Vec::new();
                let mut weight = 1;
                let end = loop {
                    let event = self.next(parser)?;
                    if event.data == EventData::SequenceEnd {
                        break event.end_mark;
                    }
                    let (item, item_weight) = self.node(event, parser)?;
                    items.push(item);
                    weight += item_weight;
                };
                self.depth -= 1;
                let span = self.span(event.start_mark, end);
                let node = self.sequence(tag.as_deref(), items, span)?;
                (anchor, node, weight)
            }
            EventData::MappingStart { anchor, tag, .. } => {
                self.enter(&span)?;
                let mut entries = Vec::new();
                let mut weight = 1;
                let end = loop {
                    let event = self.next(parser)?;
                    if event.data == EventData::MappingEnd {
                        break event.end_mark;
                    }
                    let (key, key_weight) = self.node(event, parser)?;
                    let event = self.next(parser)?;
                    let (value, value_weight) = self.node(event, parser)?;
                    entries.push(Entry { key, value });
                    weight += key_weight + value_weight;
                };
                self.depth -= 1;
                let span = self.span(event.start_mark, end);
                let node = self.mapping(tag.as_deref(), entries, span)?;
                (anchor, node, weight)
            }
            _ => {
                let message = "found a part of a document where a value was expected";
                return Err(Box::new(Diagnostic::error(SYNTAX, &span, message)));
            }
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        Ok((node, weight))
    }

    /// Takes away the line break that `documents` added to a text that ends in a block scalar.
    fn without_added_break(&self, mut value: String, style: ScalarStyle, span: &Span) -> String {
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let text = &self.file.text;
        if block && !text.ends_with('\n') && span.end.byte >= text.len() && value.ends_with('\n') {
            value.pop();
        }
        value
    }

    fn enter(&mut self, span: &Span) -> Composed<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(self.limit(span, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        self.count(1, span)
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Composed<()> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(self.limit(span, format!("more than {NODES_MAX} values, aliases included")));
        }
        Ok(())
    }

    fn limit(&self, span: &Span, what: String) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(LIMIT, span, format!("this YAML is too large: {what}")))
    }

    fn scalar(
        &self,
        tag: Option<&str>,
        value: String,
        plain: bool,
        style: ScalarStyle,
        span: &Span,
    ) -> Composed<Scalar> {
        let text = |value: String| Scalar::Str { text: value.into(), style: style_of(style) };
        let bad = |what: &str| {
            Err(Box::new(Diagnostic::error(BAD_VALUE, span, format!("this is not {what}"))))
        };
        let Some(tag) = tag else {
            return Ok(if plain { resolve_plain(&value) } else { text(value) });
        };
        let standard = tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag);
        match standard {
            "!" | "str" => Ok(text(value)),
            "!unsafe" => Ok(Scalar::Unsafe(value.into())),
            "!vault" | "!vault-encrypted" => Ok(Scalar::Vault(value.into())),
            "null" => Ok(Scalar::Null),
            "bool" => match resolve_plain(&value) {
                Scalar::Bool(value) => Ok(Scalar::Bool(value)),
                _ => bad("a boolean"),
            },
            "int" => match resolve_plain(&value) {
                number @ (Scalar::Int(_) | Scalar::BigInt(_)) => Ok(number),
                _ => bad("an integer"),
            },
            "float" => match resolve_plain(&value) {
                Scalar::Float(value) => Ok(Scalar::Float(value)),
                Scalar::Int(value) => Ok(Scalar::Float(value as f64)),
                _ => value.parse().map(Scalar::Float).or_else(|_| bad("a float")),
            },
            "timestamp" => match resolve_plain(&value) {
                time @ Scalar::Timestamp(_) => Ok(time),
                _ => bad("a date"),
            },
            "binary" => match scalar::decode_base64(&value) {
                Some(bytes) => Ok(Scalar::Binary(bytes.into())),
                None => bad("base64"),
            },
            _ => Err(Box::new(self.unknown_tag(tag, span))),
        }
    }

    fn unknown_tag(&self, tag: &str, span: &Span) -> Diagnostic {
        let message = format!("could not determine a constructor for the tag '{tag}'");
        Diagnostic::error(UNKNOWN_TAG, span, message)
            .hint("the tags known here are !vault, !unsafe and YAML's own (!!str, !!int, …)")
    }

    fn sequence(&self, tag: Option<&str>, items: Vec<Node>, span: Span) -> Composed<Node> {
        match tag.map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag)) {
            None | Some("!" | "seq") => Ok(Node { kind: Kind::Sequence(Arc::new(items)), span }),
            Some("!unsafe") => {
                let items = items.into_iter().map(make_unsafe).collect();
                Ok(Node { kind: Kind::Sequence(Arc::new(items)), span })
            }
            // An ordered mapping or pairs: a list of mappings of one entry each.
            Some("omap") => {
                let mut entries = Vec::new();
                for item in items {
                    match &item.kind {
                        Kind::Mapping(mapping) => entries.extend(mapping.entries.iter().cloned()),
                        _ => {
                            let message = "an entry of an ordered mapping is a mapping of one key";
                            return Err(Box::new(Diagnostic::error(
                                BAD_VALUE, &item.span, message,
                            )));
                        }
                    }
                }
                Ok(Node { kind: Kind::Mapping(Arc::new(Mapping { entries })), span })
            }
            Some(tag) => Err(Box::new(self.unknown_tag(tag, &span))),
        }
    }

    fn mapping(&mut self, tag: Option<&str>, entries: Vec<Entry>, span: Span) -> Composed<Node> {
        let unsafe_ = match tag.map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag)) {
            None | Some("!" | "map" | "set") => false,
            Some("!unsafe") => true,
            Some(tag) => return Err(Box::new(self.unknown_tag(tag, &span))),
        };
        let mut merged = Vec::new();
        let mut own: Vec<Entry> = Vec::new();
        for entry in entries {
            if is_merge_key(&entry.key) {
                self.merge(&entry.value, &mut merged)?;
                continue;
            }
            self.check_key(&entry)?;
            own.push(entry);
        }
        let mut result = Mapping { entries: Vec::with_capacity(merged.len() + own.len()) };
        let mut index: HashMap<KeyIdentity, usize> = HashMap::new();
        let merged_count = merged.len();
        for (position, entry) in merged.into_iter().chain(own).enumerate() {
            match index.get(&identity(&entry.key)) {
                Some(&at) => {
                    if position >= merged_count && at >= merged_count.min(result.entries.len()) {
                        self.warn_duplicate(&entry.key);
                    }
                    if let Some(slot) = result.entries.get_mut(at) {
                        slot.value = entry.value;
                    }
                }
                None => {
                    index.insert(identity(&entry.key), result.entries.len());
                    result.entries.push(entry);
                }
            }
        }
        if unsafe_ {
            for entry in &mut result.entries {
                entry.value = make_unsafe(entry.value.clone());
            }
        }
        Ok(Node { kind: Kind::Mapping(Arc::new(result)), span })
    }

    fn merge(&self, value: &Node, merged: &mut Vec<Entry>) -> Composed<()> {
        let bad = |node: &Node| {
            let message = format!(
                "expected a mapping or a list of mappings to merge, found {}",
                node.describe()
            );
            Err(Box::new(Diagnostic::error(BAD_VALUE, &node.span, message)))
        };
        match &value.kind {
            Kind::Mapping(mapping) => merged.extend(mapping.entries.iter().cloned()),
            Kind::Sequence(items) => {
                // Of several mappings the first that has a key wins, so it is applied last.
                for item in items.iter().rev() {
                    match &item.kind {
                        Kind::Mapping(mapping) => merged.extend(mapping.entries.iter().cloned()),
                        _ => return bad(item),
                    }
                }
            }
            Kind::Scalar(_) => return bad(value),
        }
        Ok(())
    }

    fn check_key(&self, entry: &Entry) -> Composed<()> {
        if matches!(entry.key.kind, Kind::Scalar(_)) {
            return Ok(());
        }
        let diagnostic = Diagnostic::error(
            COMPLEX_KEY,
            &entry.key.span,
            format!("a key of a mapping cannot be {}", entry.key.describe()),
        );
        let hint = "a value that starts with {{ must be quoted as a whole: \"{{ … }}\"";
        Err(Box::new(diagnostic.hint(hint)))
    }

    fn warn_duplicate(&mut self, key: &Node) {
        let name = key.as_str().unwrap_or("key").to_owned();
        let message =
            format!("found a duplicate dict key ({name}). Using last defined value only.");
        self.diagnostics.push(Diagnostic::warning(DUPLICATE_KEY, &key.span, message));
    }

    fn syntax_error(&self, error: &libyaml_safer::Error) -> Diagnostic {
        // What is still open at the end of the text is shown where it was opened.
        let span =
            match (error.problem_mark().map(|mark| self.span(mark, mark)), error.context_mark()) {
                (Some(span), Some(opened))
                    if span.start.byte >= self.file.text.trim_end().len() =>
                {
                    self.span(opened, opened)
                }
                (Some(span), _) => span,
                (None, _) => Span::start_of(self.file),
            };
        let mut message = error.problem().to_owned();
        if let Some(context) = error.context().filter(|context| !context.is_empty()) {
            message = format!("{context}, {message}");
        }
        let line = span.file.line(span.start.line);
        let diagnostic = Diagnostic::error(SYNTAX, &span, message.clone());
        match hint_for(&message, line) {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    fn span(&self, start: Mark, end: Mark) -> Span {
        Span { file: Arc::clone(self.file), start: self.place(start), end: self.place(end) }
    }

    fn place(&self, mark: Mark) -> Place {
        let count = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).saturating_add(1);
        let line = usize::try_from(mark.line).unwrap_or(usize::MAX);
        let column = usize::try_from(mark.column).unwrap_or(usize::MAX);
        let text = &self.file.text;
        let start = self.line_starts.get(line).copied().unwrap_or(text.len());
        let rest = text.get(start..).unwrap_or("");
        let byte = match rest.as_bytes().get(..column) {
            Some(before) if before.is_ascii() => start + column,
            _ => rest.char_indices().nth(column).map_or(text.len(), |(at, _)| start + at),
        };
        Place { line: count(mark.line), column: count(mark.column), byte }
    }
}

/// Byte offset of the start of each line, by YAML 1.1's line breaks.
fn line_starts(text: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            '\r' if characters.peek().is_some_and(|(_, next)| *next == '\n') => {}
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                starts.push(at + character.len_utf8());
            }
            _ => {}
        }
    }
    starts
}

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
        _ => Style::Plain,
    }
}

fn is_merge_key(key: &Node) -> bool {
    matches!(&key.kind, Kind::Scalar(Scalar::Str { text, style: Style::Plain }) if &**text == "<<")
}

/// What makes two keys the same one: their value, not how it is written.
#[derive(PartialEq, Eq, Hash)]
enum KeyIdentity {
    Null,
    Number(String),
    Text(Arc<str>),
    Binary(Arc<[u8]>),
}

fn identity(key: &Node) -> KeyIdentity {
    let Kind::Scalar(scalar) = &key.kind else { return KeyIdentity::Null };
    match scalar {
        Scalar::Null => KeyIdentity::Null,
        Scalar::Bool(value) => KeyIdentity::Number(i64::from(*value).to_string()),
        Scalar::Int(value) => KeyIdentity::Number(value.to_string()),
        Scalar::BigInt(digits) => KeyIdentity::Number(digits.to_string()),
        Scalar::Float(value) => KeyIdentity::Number(value.to_string()),
        Scalar::Str { text, .. } | Scalar::Unsafe(text) | Scalar::Vault(text) => {
            KeyIdentity::Text(Arc::clone(text))
        }
        Scalar::Timestamp(text) => KeyIdentity::Number(text.to_string()),
        Scalar::Binary(bytes) => KeyIdentity::Binary(Arc::clone(bytes)),
    }
}

fn make_unsafe(node: Node) -> Node {
    let kind = match node.kind {
        Kind::Scalar(Scalar::Str { text, .. }) => Kind::Scalar(Scalar::Unsafe(text)),
        Kind::Scalar(scalar) => Kind::Scalar(scalar),
        Kind::Sequence(items) => {
            Kind::Sequence(Arc::new(items.iter().cloned().map(make_unsafe).collect()))
        }
        Kind::Mapping(mapping) => {
            let entries = mapping
                .entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    value: make_unsafe(entry.value.clone()),
                })
                .collect();
            Kind::Mapping(Arc::new(Mapping { entries }))
        }
    };
    Node { kind, span: node.span }
}

/// What writers most often meant where libyaml gives up.
fn hint_for(message: &str, line: &str) -> Option<&'static str> {
    if line.contains('\t') && message.contains("cannot start any token") {
        return Some("YAML is indented with spaces; there is a tab in this line");
    }
    if message.contains("cannot start any token") && line.contains(": %") {
        return Some("a value that starts with % must be quoted");
    }
    if message.contains("cannot start any token") && (line.contains(": @") || line.contains(": `"))
    {
        return Some("a value that starts with @ or ` must be quoted");
    }
    if message.contains("mapping values are not allowed") {
        return Some(
            "a value that contains `: ` must be quoted, and keys of one mapping stand in one column",
        );
    }
    if line.contains("{{") && (message.contains("flow") || message.contains("block mapping")) {
        return Some("a value that starts with {{ must be quoted as a whole: \"{{ … }}\"");
    }
    if message.contains("did not find expected key") || message.contains("block collection") {
        return Some(
            "this line is indented differently from the lines it belongs to, or a quote above it is not closed",
        );
    }
    if message.contains("unexpected end of stream") {
        return Some("a quote or bracket is not closed");
    }
    None
}

#[cfg(test)]
mod tests;
