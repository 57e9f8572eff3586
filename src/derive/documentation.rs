//! Doc comments as text.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The paragraphs of an item's doc comment; lines within one are joined by spaces, code and lists
/// keep theirs. None where this crate is built without `documentation`: the remote carries no pages.
pub fn paragraphs(attributes: &[Attribute]) -> Vec<String> {
    if !cfg!(feature = "documentation") {
        return Vec::new();
    }
    let mut paragraphs = vec![String::new()];
    for line in lines(attributes) {
        let line = line.strip_prefix(' ').unwrap_or(&line).trim_end();
        let listed = line.starts_with("* ") || line.starts_with("- ") || line.starts_with("  ");
        match paragraphs.last_mut() {
            _ if line.is_empty() => paragraphs.push(String::new()),
            Some(last) => {
                if !last.is_empty() {
                    last.push(if listed { '\n' } else { ' ' });
                }
                last.push_str(line);
            }
            None => {}
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

fn lines(attributes: &[Attribute]) -> impl Iterator<Item = String> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
        match &attribute.meta {
            Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        }
    })
}
