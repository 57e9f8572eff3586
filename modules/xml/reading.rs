//! Text to a tree. What a parser that checks documents would have to fetch or to know (entities of
//! their own) is refused by its name.

use super::tree::{Document, Element, Id, Kind, Name};

/// Elements within each other at most.
const DEPTH_MAX: usize = 256;

/// Bytes of a document at most.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// How a text is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// Whether marks of texts without markup are dropped.
    pub strips_cdata: bool,
}

/// Reads a document.
///
/// # Errors
/// In words, with the line: what is no XML, or is not implemented.
pub fn parse(text: &str, reading: Reading) -> Result<Document, String> {
    if text.len() > BYTES_MAX {
        return Err(format!("it has more than {BYTES_MAX} bytes"));
    }
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut parser = Parser { text: &text, at: 0, reading };
    parser.document().map_err(|why| {
        let read = parser.text.get(..parser.at).unwrap_or_default();
        format!("{why}, line {}", read.matches('\n').count() + 1)
    })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    reading: Reading,
}

fn is_name_start(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_' || letter == ':'
}

fn is_name(letter: char) -> bool {
    is_name_start(letter) || letter.is_numeric() || "-.\u{b7}".contains(letter)
}

/// Whether a text is a name of XML's.
pub fn is_whole_name(text: &str) -> bool {
    text.starts_with(is_name_start) && text.chars().all(is_name)
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn takes(&mut self, mark: &str) -> bool {
        let is_there = self.rest().starts_with(mark);
        if is_there {
            self.at += mark.len();
        }
        is_there
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        match self.takes(mark) {
            true => Ok(()),
            false => Err(format!("expected '{mark}'")),
        }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n']).len();
    }

    /// What stands before a mark, which is read too.
    fn until(&mut self, mark: &str, what: &str) -> Result<&'a str, String> {
        let rest = self.rest();
        let Some(length) = rest.find(mark) else { return Err(format!("{what} does not end")) };
        self.at += length + mark.len();
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let rest = self.rest();
        let length = rest.find(|letter| !is_name(letter)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default();
        if !name.starts_with(is_name_start) {
            return Err("a name is expected".to_owned());
        }
        self.at += length;
        Ok(name)
    }

    fn document(&mut self) -> Result<Document, String> {
        if self.rest().starts_with("<?xml") {
            let said = self.until("?>", "the declaration")?.to_lowercase();
            let encoding = said.split_once("encoding").map(|(_, rest)| rest);
            let encoding = encoding.and_then(|rest| rest.split(['"', '\'']).nth(1));
            let is_known = encoding.is_none_or(|one| ["utf-8", "us-ascii", "ascii"].contains(&one));
            if !is_known {
                let encoding = encoding.unwrap_or_default();
                return Err(format!("the encoding {encoding} is not implemented"));
            }
        }
        let mut document = Document::new(Element::default());
        let mut before = Vec::new();
        loop {
            self.skip_blanks();
            if self.takes("<!--") {
                let text = self.until("-->", "a comment")?.to_owned();
                before.push(document.make(Kind::Comment(text)));
            } else if self.takes("<?") {
                let text = self.until("?>", "an instruction")?.to_owned();
                before.push(document.make(Kind::Instruction(text)));
            } else if document.doctype.is_none() && self.takes("<!DOCTYPE") {
                document.doctype = Some(self.doctype()?);
            } else {
                break;
            }
        }
        document.before = before;
        if self.rest().is_empty() {
            return Err("Document is empty".to_owned());
        }
        self.expect("<")?;
        let root = document.root;
        self.element(&mut document, root, 0)?;
        loop {
            self.skip_blanks();
            let kind = if self.takes("<!--") {
                Kind::Comment(self.until("-->", "a comment")?.to_owned())
            } else if self.takes("<?") {
                Kind::Instruction(self.until("?>", "an instruction")?.to_owned())
            } else if self.rest().is_empty() {
                return Ok(document);
            } else {
                return Err("Extra content at the end of the document".to_owned());
            };
            let node = document.make(kind);
            document.after.push(node);
        }
    }

    /// What stands in a document type, behind its keyword.
    fn doctype(&mut self) -> Result<String, String> {
        let begun = self.at;
        let (mut quote, mut depth) = (None, 0);
        for (place, letter) in self.rest().char_indices() {
            match (letter, quote) {
                (letter, Some(mark)) => quote = Some(mark).filter(|mark| *mark != letter),
                ('"' | '\'', None) => quote = Some(letter),
                ('[', None) => depth += 1,
                (']', None) => depth -= 1,
                ('>', None) if depth == 0 => {
                    self.at = begun + place + 1;
                    let said = self.text.get(begun..begun + place).unwrap_or_default();
                    return Ok(said.trim().to_owned());
                }
                _ => {}
            }
        }
        Err("the document type does not end".to_owned())
    }

    /// An element, from behind its first mark to its end.
    fn element(&mut self, document: &mut Document, id: Id, depth: usize) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} elements within each other"));
        }
        let tag = self.name()?;
        let mut given: Vec<(&str, String)> = Vec::new();
        let is_empty = loop {
            let begun = self.at;
            self.skip_blanks();
            if self.takes("/>") {
                break true;
            }
            if self.takes(">") {
                break false;
            }
            if begun == self.at {
                return Err(format!("attributes of {tag} need blanks between them"));
            }
            let name = self.name()?;
            self.skip_blanks();
            self.expect("=")?;
            self.skip_blanks();
            let quote = if self.takes("\"") { "\"" } else { "'" };
            if quote == "'" {
                self.expect("'")?;
            }
            let raw = self.until(quote, "an attribute")?;
            if raw.contains('<') {
                return Err(format!("the attribute {name} has a '<'"));
            }
            let value = resolve(&raw.replace(['\n', '\t'], " "))?;
            if given.iter().any(|(known, _)| *known == name) {
                return Err(format!("Attribute {name} redefined"));
            }
            given.push((name, value));
        };
        let mut element = Element::default();
        for (name, value) in &given {
            match name.split_once(':') {
                None if *name == "xmlns" => element.declared.push((String::new(), value.clone())),
                Some(("xmlns", prefix)) => {
                    element.declared.push((prefix.to_owned(), value.clone()));
                }
                _ => {}
            }
        }
        if let Some(kind) = document.kind_mut(id) {
            *kind = Kind::Element(element);
        }
        let named = |text: &str, is_attribute: bool| -> Result<Name, String> {
            let (prefix, local) = text.split_once(':').unwrap_or(("", text));
            let space = match (prefix, is_attribute) {
                ("", true) => Some(String::new()),
                ("", false) => Some(document.space(id, "").unwrap_or_default()),
                (prefix, _) => document.space(id, prefix),
            };
            let space = space
                .ok_or_else(|| format!("Namespace prefix {prefix} on {local} is not defined"))?;
            Ok(Name { prefix: prefix.to_owned(), local: local.to_owned(), space })
        };
        let name = named(tag, false)?;
        let mut attributes = Vec::new();
        for (text, value) in given {
            if text != "xmlns" && !text.starts_with("xmlns:") {
                attributes.push((named(text, true)?, value));
            }
        }
        if let Some(element) = document.element_mut(id) {
            element.name = name;
            element.attributes = attributes;
        }
        if is_empty {
            return Ok(());
        }
        self.content(document, id, depth)?;
        let end = self.name()?;
        if end != tag {
            return Err(format!("Opening and ending tag mismatch: {tag} and {end}"));
        }
        self.skip_blanks();
        self.expect(">")
    }

    /// What is in an element, and the mark of its end.
    fn content(&mut self, document: &mut Document, id: Id, depth: usize) -> Result<(), String> {
        loop {
            let rest = self.rest();
            let Some(length) = rest.find('<') else {
                return Err("Premature end of data".to_owned());
            };
            if length > 0 {
                let text = resolve(rest.get(..length).unwrap_or_default())?;
                self.at += length;
                self.add_text(document, id, Kind::Text(text));
            }
            if self.takes("</") {
                return Ok(());
            }
            if self.takes("<!--") {
                let text = self.until("-->", "a comment")?.to_owned();
                let node = document.make(Kind::Comment(text));
                document.append(id, node);
            } else if self.takes("<![CDATA[") {
                let text = self.until("]]>", "a CDATA section")?.to_owned();
                let kind = match self.reading.strips_cdata {
                    true => Kind::Text(text),
                    false => Kind::CData(text),
                };
                self.add_text(document, id, kind);
            } else if self.takes("<?") {
                let text = self.until("?>", "an instruction")?.to_owned();
                let node = document.make(Kind::Instruction(text));
                document.append(id, node);
            } else {
                self.expect("<")?;
                let child = document.make(Kind::Element(Element::default()));
                document.append(id, child);
                self.element(document, child, depth + 1)?;
            }
        }
    }

    /// Adds a text, to the one before it where both are plain.
    fn add_text(&self, document: &mut Document, id: Id, kind: Kind) {
        let last = document.children(id).last().copied();
        if let Kind::Text(new) = &kind
            && let Some(Kind::Text(text)) = last.and_then(|last| document.kind_mut(last))
        {
            text.push_str(new);
            return;
        }
        let node = document.make(kind);
        document.append(id, node);
    }
}

/// A text with what its references stand for.
fn resolve(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('&') {
        out.push_str(plain);
        let (name, after) =
            after.split_once(';').ok_or_else(|| "EntityRef: expecting ';'".to_owned())?;
        let number = name.strip_prefix('#').map(|digits| match digits.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        });
        let letter = match (name, number) {
            (_, Some(number)) => number.ok().and_then(char::from_u32),
            ("amp", _) => Some('&'),
            ("lt", _) => Some('<'),
            ("gt", _) => Some('>'),
            ("quot", _) => Some('"'),
            ("apos", _) => Some('\''),
            _ => return Err(format!("the entity &{name}; is not implemented")),
        };
        out.push(letter.ok_or_else(|| format!("&{name}; is no letter"))?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}
