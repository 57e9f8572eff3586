//! Lines as Python's `textwrap` breaks them, which is how Ansible writes its warnings.

/// Breaks a text into lines of at most `columns` characters: at blanks, behind hyphens between
/// letters, and inside of words that are longer than a line. Newlines count as blanks.
pub fn wrap(text: &str, columns: usize) -> String {
    let columns = columns.max(1);
    let mut rest: std::collections::VecDeque<String> = chunks(text).into();
    let mut lines: Vec<String> = Vec::new();
    while !rest.is_empty() {
        if !lines.is_empty() && rest.front().is_some_and(|chunk| is_blank(chunk)) {
            rest.pop_front();
        }
        let mut line: Vec<String> = Vec::new();
        let mut width = 0;
        while let Some(length) = rest.front().map(|chunk| chunk.chars().count()) {
            if width + length > columns {
                break;
            }
            width += length;
            line.extend(rest.pop_front());
        }
        if let Some(long) = rest.front().filter(|chunk| chunk.chars().count() > columns).cloned() {
            let room = columns.saturating_sub(width).max(1);
            let letters: Vec<char> = long.chars().collect();
            let hyphen = letters.iter().take(room).rposition(|letter| *letter == '-');
            let hyphen = hyphen
                .filter(|at| *at > 0 && letters.iter().take(*at).any(|letter| *letter != '-'));
            let end = hyphen.map_or(room, |at| at + 1);
            line.push(letters.iter().take(end).collect());
            rest.pop_front();
            rest.push_front(letters.iter().skip(end).collect());
        }
        if line.last().is_some_and(|chunk| is_blank(chunk)) {
            line.pop();
        }
        if !line.is_empty() {
            lines.push(line.concat());
        }
    }
    lines.join("\n")
}

fn is_blank(chunk: &str) -> bool {
    chunk.chars().all(|letter| letter == ' ')
}

/// Runs of blanks, and words, those with hyphens in parts.
fn chunks(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let letters: Vec<char> =
        text.chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect();
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| letters.get(at)).is_some_and(|letter| {
            *letter == '_' || (letter.is_alphanumeric() && !letter.is_ascii_digit())
        })
    };
    let mut chunk = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let is_other = chunk.chars().last().is_some_and(|last| (last == ' ') != (*letter == ' '));
        if is_other {
            all.push(std::mem::take(&mut chunk));
        }
        chunk.push(*letter);
        let is_break = *letter == '-'
            && is_letter(at.checked_sub(1))
            && is_letter(at.checked_sub(2))
            && is_letter(Some(at + 1))
            && is_letter(Some(at + 2));
        if is_break {
            all.push(std::mem::take(&mut chunk));
        }
    }
    if !chunk.is_empty() {
        all.push(chunk);
    }
    all
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
