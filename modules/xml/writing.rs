//! A tree to text, as libxml2 writes it.

use super::tree::{Document, Id, Kind};

/// How a tree is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// As it stands.
    Plain,
    /// Each element on a line of its own, where there is nothing but elements.
    Pretty,
}

/// A document with its declaration.
pub fn document(document: &Document, layout: Layout) -> String {
    let mut out = String::from("<?xml version='1.0' encoding='UTF-8'?>\n");
    if let Some(doctype) = &document.doctype {
        out.push_str(&format!("<!DOCTYPE {doctype}>\n"));
    }
    let line = if layout == Layout::Pretty { "\n" } else { "" };
    for node in &document.before {
        write(document, *node, layout, 0, &mut out);
        out.push_str(line);
    }
    write(document, document.root, layout, 0, &mut out);
    for node in &document.after {
        out.push_str(line);
        write(document, *node, layout, 0, &mut out);
    }
    out.push_str(line);
    out
}

/// A node and all that is in it.
pub fn node(document: &Document, id: Id) -> String {
    let mut out = String::new();
    write(document, id, Layout::Plain, 0, &mut out);
    out
}

fn write(document: &Document, id: Id, layout: Layout, depth: usize, out: &mut String) {
    let element = match document.kind(id) {
        Kind::Text(text) => return escape(text, out),
        Kind::CData(text) => return out.push_str(&format!("<![CDATA[{text}]]>")),
        Kind::Comment(text) => return out.push_str(&format!("<!--{text}-->")),
        Kind::Instruction(text) => return out.push_str(&format!("<?{text}?>")),
        Kind::Element(element) => element,
    };
    let name = element.name.shown();
    out.push('<');
    out.push_str(&name);
    for (prefix, space) in &element.declared {
        let head = if prefix.is_empty() { "xmlns".into() } else { format!("xmlns:{prefix}") };
        attribute(&head, space, out);
    }
    for (name, value) in &element.attributes {
        attribute(&name.shown(), value, out);
    }
    let children = document.children(id);
    if children.is_empty() {
        return out.push_str("/>");
    }
    out.push('>');
    // A blank beside a text would be a part of it.
    let has_text = children.iter().any(|child| document.kind(*child).is_text());
    let inner = if has_text { Layout::Plain } else { layout };
    let begin = |depth: usize, out: &mut String| {
        if inner == Layout::Pretty {
            out.push('\n');
            out.push_str(&"  ".repeat(depth));
        }
    };
    for child in children {
        begin(depth + 1, out);
        write(document, *child, inner, depth + 1, out);
    }
    begin(depth, out);
    out.push_str(&format!("</{name}>"));
}

fn attribute(name: &str, value: &str, out: &mut String) {
    out.push_str(&format!(" {name}=\""));
    for letter in value.chars() {
        match letter {
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\r' => out.push_str("&#13;"),
            other => out.push(other),
        }
    }
}
