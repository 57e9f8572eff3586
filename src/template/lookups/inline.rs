//! Options written into a term, as in `key file=x.ini section=y`, and texts in other encodings.

use std::path::Path;

use crate::{
    error::{ErrorKind, Result, TemplateError},
    surroundings::Surroundings,
};

/// A term taken apart.
#[derive(Debug, PartialEq)]
pub(super) struct Inline {
    /// What is no option, with single spaces between its words.
    pub key: String,
    pub options: Vec<(String, String)>,
}

/// Splits at whitespace outside of quotes; the quotes stay.
fn words(term: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in term.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'') => quote = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None => {}
        }
        word.push(c);
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn without_quotes(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

/// Takes a term apart; options must be among the known ones.
///
/// # Errors
/// An option that is not known.
pub(super) fn take_apart(term: &str, known: &[&str]) -> Result<Inline> {
    let mut key = Vec::new();
    let mut options = Vec::new();
    for word in words(term) {
        match word.split_once('=') {
            Some((name, value)) if is_name(name) => {
                if !known.contains(&name) {
                    return Err(TemplateError::new(
                        ErrorKind::Lookup,
                        format!("{name} is not a valid option."),
                    ));
                }
                options.push((name.to_owned(), without_quotes(value).to_owned()));
            }
            _ => key.push(word),
        }
    }
    Ok(Inline { key: key.join(" "), options })
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Inline {
    /// The option of a name, the last where it is written twice.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a file in an encoding by Python's name.
///
/// # Errors
/// It cannot be read, the encoding is not known here, or the file is not in it.
pub(super) fn read_encoded(
    surroundings: &Surroundings,
    path: &Path,
    encoding: &str,
) -> Result<String> {
    let name: String =
        encoding.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    match name.as_str() {
        "utf8" | "ascii" | "usascii" => surroundings.read_text(path),
        "utf8sig" => Ok(surroundings.read_text(path)?.trim_start_matches('\u{feff}').to_owned()),
        "latin1" | "iso88591" | "l1" => Ok(bytes(path)?.into_iter().map(char::from).collect()),
        "iso885915" | "latin9" => Ok(bytes(path)?.into_iter().map(latin9).collect()),
        _ => Err(TemplateError::new(
            ErrorKind::Unsupported,
            format!(
                "the encoding '{encoding}' is not supported: there are utf-8, latin-1 and iso8859-15"
            ),
        )),
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        TemplateError::new(ErrorKind::File, format!("could not read {}: {error}", path.display()))
    })
}

/// ISO 8859-15 differs from ISO 8859-1 in eight places.
fn latin9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_may_be_quoted_and_keys_keep_their_quotes() {
        let inline =
            take_apart(r#"'The "Rock"' x file="a b.csv" delimiter=, "#, &["file", "delimiter"])
                .unwrap();
        assert_eq!(inline.key, r#"'The "Rock"' x"#);
        assert_eq!(inline.option("file"), Some("a b.csv"));
        assert_eq!(inline.option("delimiter"), Some(","));
        assert_eq!(inline.option("col"), None);
    }

    #[test]
    fn options_that_are_not_known_are_refused() {
        let error = take_apart("key nonsense=1", &["file"]).unwrap_err();
        assert_eq!(error.message(), "nonsense is not a valid option.");
    }
}
