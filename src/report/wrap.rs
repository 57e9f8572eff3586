//! Lines as Python's `textwrap` breaks them, which is how Ansible writes its warnings.

/// Breaks a text into lines of at most `columns` characters: at blanks, behind hyphens between
/// letters, and inside of words that are longer than a line. Newlines count as blanks.
pub fn wrap(text: &str, columns: usize) -> String {
    let text: String =
        text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    template::wrapped_lines(&text, columns.max(1), true, true).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_where_python_breaks_them() {
        for (text, columns, lines) in [
            ("one two three", 7, "one two\nthree"),
            ("one  two", 4, "one\ntwo"),
            ("one\ntwo", 20, "one two"),
            ("well-known words", 6, "well-\nknown\nwords"),
            ("a-b c-d", 3, "a-b\nc-d"),
            ("v1-2 x", 4, "v1-2\nx"),
            ("abcdefgh", 3, "abc\ndef\ngh"),
            ("ab abcdefgh", 5, "ab ab\ncdefg\nh"),
            ("", 5, ""),
        ] {
            assert_eq!(wrap(text, columns), lines, "{text:?} in {columns}");
        }
    }
}
