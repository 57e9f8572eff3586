//! Arguments in one text: `src=a dest="b c"`, and free text with some of them in it.

/// A text taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// What is no `key=value` pair, as it was written.
    pub free_form: Option<String>,
    /// The pairs, quotes taken off.
    pub pairs: Vec<(String, String)>,
}

/// Pairs that are taken out of free text.
pub const FREE_FORM_OPTIONS: &[&str] = &[
    "creates",
    "removes",
    "chdir",
    "executable",
    "warn",
    "stdin",
    "stdin_add_newline",
    "strip_empty_ends",
];

/// Quotes or template marks are not closed.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("failed at splitting arguments, either an unbalanced jinja2 block or quotes: {0}")]
pub struct Unbalanced(pub String);

/// Takes a text apart. In free text only [`FREE_FORM_OPTIONS`] are pairs.
///
/// # Errors
/// [`Unbalanced`].
pub fn split(text: &str, is_free_text: bool) -> Result<Split, Unbalanced> {
    let mut result = Split::default();
    let mut free = String::new();
    let mut gap_start = 0;
    let mut dropped = false;
    for word in words(text)? {
        let gap = &text[gap_start..word.start];
        gap_start = word.end;
        let word = &text[word];
        if word == "\\" {
            // A line is continued; the break after it goes with the next gap.
            dropped = true;
            continue;
        }
        let pair = unescaped_equals(word).map(|at| (&word[..at], &word[at + 1..]));
        match pair {
            Some((key, value))
                if !key.trim().is_empty()
                    && (!is_free_text || FREE_FORM_OPTIONS.contains(&key.trim())) =>
            {
                result.pairs.push((key.trim().to_owned(), unquote(&unescape(value.trim()))));
                dropped = true;
            }
            _ => {
                if !free.is_empty() || !dropped {
                    free.push_str(if dropped { joined(&free) } else { gap });
                }
                free.push_str(&word.replace("\\=", "="));
                dropped = false;
            }
        }
    }
    if !dropped {
        let tail = &text[gap_start..];
        free.push_str(if tail.contains('\n') { tail } else { "" });
    }
    let free = if is_free_text { free.trim_start_matches(' ') } else { free.trim() };
    result.free_form = (!free.trim().is_empty()).then(|| free.to_owned());
    Ok(result)
}

fn joined(free: &str) -> &'static str {
    if free.is_empty() || free.ends_with([' ', '\n']) { "" } else { " " }
}

/// Byte ranges of the words: stretches without white space outside of quotes and template marks.
fn words(text: &str) -> Result<Vec<std::ops::Range<usize>>, Unbalanced> {
    let mut words = Vec::new();
    let mut start: Option<usize> = None;
    let mut quote: Option<char> = None;
    let mut depth = 0usize;
    let mut escaped = false;
    let bytes = text.as_bytes();
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let pair = (character, bytes.get(at + 1).copied());
        if !escaped {
            match pair {
                ('{', Some(b'{' | b'%' | b'#')) => depth += 1,
                ('}' | '%' | '#', Some(b'}')) if depth > 0 => {
                    depth -= 1;
                    characters.next();
                    continue;
                }
                _ => {}
            }
            if depth == 0 && matches!(character, '"' | '\'') {
                match quote {
                    None => quote = Some(character),
                    Some(open) if open == character => quote = None,
                    Some(_) => {}
                }
            }
        }
        let splits = character.is_whitespace() && depth == 0 && quote.is_none();
        match (splits, start) {
            (true, Some(from)) => {
                words.push(from..at);
                start = None;
            }
            (false, None) => start = Some(at),
            _ => {}
        }
        escaped = character == '\\' && !escaped;
    }
    if quote.is_some() || depth > 0 {
        return Err(Unbalanced(text.to_owned()));
    }
    if let Some(from) = start {
        words.push(from..text.len());
    }
    Ok(words)
}

/// Where the first `=` without a backslash stands.
fn unescaped_equals(word: &str) -> Option<usize> {
    let bytes = word.as_bytes();
    (0..bytes.len()).find(|at| bytes[*at] == b'=' && (*at == 0 || bytes[*at - 1] != b'\\'))
}

fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\\'
            && let Some(next) = characters.peek().copied()
        {
            let width = match next {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                _ => 0,
            };
            let digits: String = characters.clone().skip(1).take(width).collect();
            let named = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
            if let Some(named) = named.filter(|_| digits.chars().count() == width) {
                characters.nth(width);
                result.push(named);
                continue;
            }
            let replacement = match next {
                'n' => Some('\n'),
                't' => Some('\t'),
                'r' => Some('\r'),
                'a' => Some('\x07'),
                'b' => Some('\x08'),
                'f' => Some('\x0c'),
                'v' => Some('\x0b'),
                '\\' => Some('\\'),
                '\'' => Some('\''),
                '"' => Some('"'),
                '=' => Some('='),
                _ => None,
            };
            if let Some(replacement) = replacement {
                characters.next();
                result.push(replacement);
                continue;
            }
        }
        result.push(character);
    }
    result
}

/// Takes one pair of quotes off.
pub fn unquote(text: &str) -> String {
    for quote in ['"', '\''] {
        if text.len() >= 2 && text.starts_with(quote) && text.ends_with(quote) {
            return text[1..text.len() - 1].to_owned();
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, whether it is free text, what is left of it, the pairs.
    type Case<'a> = (&'a str, bool, Option<&'a str>, &'a [(&'a str, &'a str)]);

    /// Expectations were taken from ansible-core 2.18.
    #[test]
    fn texts_are_taken_apart_as_ansible_does() {
        let cases: [Case<'_>; 17] = [
            ("ls  -la   foo", true, Some("ls  -la   foo"), &[]),
            ("cat <<EOF\n  in  x\n\tab\nEOF\n", true, Some("cat <<EOF\n  in  x\n\tab\nEOF\n"), &[]),
            (
                "a=b c='d e' f=\"g h\" i",
                false,
                Some("i"),
                &[("a", "b"), ("c", "d e"), ("f", "g h")],
            ),
            ("a=b c='d e' i", true, Some("a=b c='d e' i"), &[]),
            (
                "echo {{ a | d('x y') }} creates=/x",
                true,
                Some("echo {{ a | d('x y') }}"),
                &[("creates", "/x")],
            ),
            ("echo 'a=b' chdir=/x", true, Some("echo 'a=b'"), &[("chdir", "/x")]),
            ("chdir=/x ls -l", true, Some("ls -l"), &[("chdir", "/x")]),
            ("a chdir=/x b", true, Some("a b"), &[("chdir", "/x")]),
            ("echo \"it's\" x=y", false, Some("echo \"it's\""), &[("x", "y")]),
            ("msg='a b'=c", false, None, &[("msg", "'a b'=c")]),
            ("a = b", false, Some("a = b"), &[]),
            (
                "src={{ x }}/y dest='{{ z }}' mode=0644",
                false,
                None,
                &[("src", "{{ x }}/y"), ("dest", "{{ z }}"), ("mode", "0644")],
            ),
            ("echo a\\=b", false, Some("echo a=b"), &[]),
            ("a='b\\'c'", false, None, &[("a", "b'c")]),
            ("cmd=\"echo \\\"hi\\\"\"", false, None, &[("cmd", "echo \"hi\"")]),
            ("x=''", false, None, &[("x", "")]),
            ("", false, None, &[]),
        ];
        for (text, is_free_text, free_form, pairs) in cases {
            let split = split(text, is_free_text).unwrap();
            assert_eq!(split.free_form.as_deref(), free_form, "{text}");
            let expected: Vec<(String, String)> =
                pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(split.pairs, expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        for text in ["echo 'unbalanced", "echo {{ x", "a=\"b"] {
            assert_eq!(split(text, true).unwrap_err(), Unbalanced(text.into()));
        }
    }
}
