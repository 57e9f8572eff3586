//! The filter `comment`, and the wrapping of lines.

use super::of_text;
use crate::{
    engine::{Call, Filter},
    error::{Result, TemplateError},
    value::{Arguments, Value, object::int_argument},
};

pub(super) const FILTERS: &[Filter] = &[of_text("comment", comment)];

struct Style {
    decoration: String,
    beginning: String,
    end: String,
}

fn style(name: &str) -> Option<Style> {
    let made = |decoration: &str, beginning: &str, end: &str| {
        Some(Style { decoration: decoration.into(), beginning: beginning.into(), end: end.into() })
    };
    match name {
        "plain" => made("# ", "", ""),
        "erlang" => made("% ", "", ""),
        "c" => made("// ", "", ""),
        "cblock" => made(" * ", "/*", " */"),
        "xml" => made(" - ", "<!--", "-->"),
        _ => None,
    }
}

fn comment(_: &Call<'_>, value: Value, mut arguments: Arguments) -> Result<Value> {
    let name = if arguments.positional.is_empty() {
        arguments.take("style").map_or("plain".to_owned(), |style| style.to_string())
    } else {
        arguments.positional.remove(0).to_string()
    };
    let Some(known) = style(&name) else {
        return Err(TemplateError::of_value(format!("Invalid style '{name}'")));
    };
    let mut text =
        |key: &str, default: String| arguments.take(key).map_or(default, |value| value.to_string());
    let newline = text("newline", "\n".into());
    let decoration = text("decoration", known.decoration.clone());
    let beginning = text("beginning", known.beginning.clone());
    let end = text("end", known.end.clone());
    let prefix = text("prefix", decoration.trim_end().to_owned());
    let postfix = text("postfix", decoration.trim_end().to_owned());
    let mut count = |key: &str| match arguments.take(key) {
        None => Ok(1),
        Some(count) => int_argument("comment", key, &count)
            .map(|count| usize::try_from(count).unwrap_or(0).min(1000)),
    };
    let (prefix_count, postfix_count) = (count("prefix_count")?, count("postfix_count")?);
    if let Some((name, _)) = arguments.keyword.first() {
        return Err(TemplateError::of_type(format!("comment() has no parameter '{name}'")));
    }
    let line =
        |text: &str| if text.is_empty() { String::new() } else { format!("{text}{newline}") };
    // A newline as a prefix is a line by itself.
    let repeated = |text: &str, count: usize| match text {
        "" => String::new(),
        text if text == newline => text.repeat(count),
        text => format!("{text}{newline}").repeat(count),
    };
    let body = value.to_string().replace(&newline, &format!("{newline}{decoration}"));
    // Lines without text lose the blank after the decoration.
    let body = format!("{decoration}{body}")
        .replace(&format!("{decoration}{newline}"), &format!("{}{newline}", decoration.trim_end()));
    let closing = format!("{newline}{postfix}").repeat(postfix_count);
    let end = if end.is_empty() { end } else { format!("{newline}{end}") };
    let opening = format!("{}{}", line(&beginning), repeated(&prefix, prefix_count));
    Ok(Value::from(format!("{opening}{body}{closing}{end}")))
}

/// Python's `textwrap.wrap`, with white space as it is.
pub fn wrapped(
    line: &str,
    width: usize,
    breaks_long_words: bool,
    breaks_on_hyphens: bool,
) -> Vec<String> {
    let mut chunks = chunks(line, breaks_on_hyphens);
    chunks.reverse();
    let mut lines = Vec::new();
    while !chunks.is_empty() {
        let mut current: Vec<String> = Vec::new();
        let mut length = 0;
        if chunks.last().is_some_and(|chunk| chunk.trim().is_empty()) && !lines.is_empty() {
            chunks.pop();
        }
        while let Some(chunk) = chunks.last() {
            let chars = chunk.chars().count();
            if length + chars > width {
                break;
            }
            length += chars;
            current.extend(chunks.pop());
        }
        if let Some(chunk) = chunks.last().filter(|chunk| chunk.chars().count() > width).cloned() {
            if breaks_long_words {
                let room = width.saturating_sub(length).max(usize::from(current.is_empty()));
                let letters: Vec<char> = chunk.chars().take(room).collect();
                let hyphen = letters.iter().rposition(|letter| *letter == '-').filter(|at| {
                    breaks_on_hyphens && letters.iter().take(*at).any(|letter| *letter != '-')
                });
                let room = hyphen.map_or(room, |at| at + 1);
                let head: String = chunk.chars().take(room).collect();
                let tail: String = chunk.chars().skip(room).collect();
                chunks.pop();
                if !tail.is_empty() {
                    chunks.push(tail);
                }
                if !head.is_empty() {
                    current.push(head);
                }
            } else if current.is_empty() {
                current.extend(chunks.pop());
            }
        }
        if current.last().is_some_and(|chunk| chunk.trim().is_empty()) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.concat());
        }
    }
    lines
}

/// Words and the blanks between them, words also cut after hyphens.
fn chunks(line: &str, on_hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut was_blank = None;
    let chars: Vec<char> = line.chars().collect();
    for (at, &c) in chars.iter().enumerate() {
        let is_blank = c.is_whitespace();
        if was_blank.is_some_and(|was| was != is_blank) {
            chunks.push(std::mem::take(&mut current));
        }
        was_blank = Some(is_blank);
        current.push(c);
        let letter = |at: Option<usize>| {
            at.and_then(|at| chars.get(at))
                .is_some_and(|c| *c == '_' || (c.is_alphanumeric() && !c.is_ascii_digit()))
        };
        let before = letter(at.checked_sub(1)) && letter(at.checked_sub(2));
        if on_hyphens && c == '-' && before && letter(Some(at + 1)) && letter(Some(at + 2)) {
            chunks.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        chunks.push(current);
    }
    chunks
}
