//! apt's one-line files (`man 5 sources.list`), written as Ansible writes them.

/// A line of such a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// Whether it is a source, be it in a comment.
    pub is_source: bool,
    /// Whether it stands outside of a comment.
    pub is_enabled: bool,
    /// The source with single blanks, or any other text.
    pub text: String,
    /// What stands behind a `#`.
    pub comment: String,
}

/// Reads a file.
pub fn parse_file(text: &str) -> Vec<Line> {
    text.lines().map(parse_line).collect()
}

fn parse_line(line: &str) -> Line {
    let line = line.trim();
    let (is_enabled, line) = match line.strip_prefix('#') {
        Some(rest) => (false, rest),
        None => (true, line),
    };
    // A `#` that comes first is part of a comment's own decoration.
    let (line, comment) = match line.char_indices().skip(1).find(|(_, letter)| *letter == '#') {
        Some((at, _)) => {
            let (before, after) = line.split_at(at);
            (before, after.trim_start_matches('#').trim())
        }
        None => (line, ""),
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_source = matches!(words.first(), Some(&("deb" | "deb-src")));
    Line {
        is_source,
        is_enabled,
        text: if is_source { words.join(" ") } else { line.trim().to_owned() },
        comment: comment.to_owned(),
    }
}

/// The source that a task names; `None` where it is none.
pub fn parse_source(text: &str) -> Option<Line> {
    let line = parse_line(text);
    let has_address = line.text.split_whitespace().nth(1).is_some();
    Some(line).filter(|line| line.is_source && line.is_enabled && has_address)
}

/// Writes a file.
pub fn write_file(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        if !line.is_enabled {
            text.push_str("# ");
        }
        text.push_str(&line.text);
        if !line.comment.is_empty() {
            text.push_str(" # ");
            text.push_str(&line.comment);
        }
        text.push('\n');
    }
    text
}

/// The name of a source's own file, made of its address.
pub fn default_name(source: &str) -> String {
    let mut rest = String::new();
    let mut is_option = false;
    for letter in source.chars() {
        match letter {
            '[' => is_option = true,
            ']' if is_option => is_option = false,
            letter if !is_option => rest.push(letter),
            _ => {}
        }
    }
    let address = rest.split_whitespace().nth(1).unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    // A user and a password have no place in a name.
    let address = address.rsplit_once('@').map_or(address, |(_, rest)| rest);
    let words: Vec<&str> = address
        .split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    format!("{}.list", words.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_of_addresses() {
        for (source, expected) in [
            (
                "deb http://dl.google.com/linux/chrome/deb/ stable main",
                "dl_google_com_linux_chrome_deb.list",
            ),
            ("deb-src [arch=amd64 x=y] https://u:p@h.org:8080/a-b x", "h_org_8080_a_b.list"),
            ("deb file:///srv/x ./", "srv_x.list"),
        ] {
            assert_eq!(default_name(source), expected);
        }
    }

    #[test]
    fn lines_are_read_and_written() {
        for (line, expected) in [
            ("deb  http://a  b c", "deb http://a b c\n"),
            ("#deb http://a b", "# deb http://a b\n"),
            ("## deb http://a b", "# # deb http://a b\n"),
            ("", "\n"),
            ("  words of   any kind ", "words of   any kind\n"),
            ("deb http://a b#c", "deb http://a b # c\n"),
            ("#", "# \n"),
        ] {
            assert_eq!(write_file(&parse_file(&format!("{line}\n"))), expected, "{line}");
        }
    }
}
