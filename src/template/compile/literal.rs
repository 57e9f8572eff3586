//! String literals as Python reads them.

/// The text of a literal's inside.
///
/// Escapes that Python does not know stay as they are written, backslash included.
pub fn decode(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let rest = chars.as_str();
        let Some(code) = chars.next() else {
            out.push('\\');
            break;
        };
        match code {
            '\n' => {}
            '\\' | '\'' | '"' => out.push(code),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'v' => out.push('\u{b}'),
            'x' | 'u' | 'U' => {
                let digits = match code {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let number = rest.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
                match number.and_then(char::from_u32) {
                    Some(c) => {
                        out.push(c);
                        chars = rest.get(1 + digits..).unwrap_or("").chars();
                    }
                    None => {
                        out.push('\\');
                        out.push(code);
                    }
                }
            }
            '0'..='7' => {
                let length = rest.bytes().take(3).take_while(|b| matches!(b, b'0'..=b'7')).count();
                let number =
                    rest.get(..length).and_then(|octal| u32::from_str_radix(octal, 8).ok());
                out.extend(number.and_then(char::from_u32));
                chars = rest.get(length..).unwrap_or("").chars();
            }
            other => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out
}

/// The text of a literal's inside where backslashes stand for themselves, except before a quote.
pub fn decode_literal(raw: &str) -> String {
    raw.replace("\\'", "'").replace("\\\"", "\"")
}

/// A literal that the parser reads as this text.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_are_those_of_python() {
        let cases = [
            (r"\d+\.\s", r"\d+\.\s"),
            (r"a\/b", r"a\/b"),
            (r"\n\t\\", "\n\t\\"),
            (r"\x41\u00e9\U0001F600", "A\u{e9}\u{1F600}"),
            (r"\101\0", "A\0"),
            (r"\xzz", r"\xzz"),
            ("a\\\nb", "ab"),
            (r"\'", "'"),
        ];
        for (raw, expect) in cases {
            assert_eq!(decode(raw), expect, "{raw}");
        }
    }
}
