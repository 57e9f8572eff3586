//! Patterns of host names and users, as ssh_config(5) has them: `*` and `?`.

/// Whether a text is what a pattern says. Takes time in proportion to both lengths multiplied.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut at_pattern, mut at_text) = (0, 0);
    // The last `*`, and the place in the text from which it is tried next.
    let mut star: Option<(usize, usize)> = None;
    while let Some(character) = text.get(at_text) {
        match pattern.get(at_pattern) {
            Some('*') => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == character => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((star_pattern, star_text)) = star else { return false };
                star = Some((star_pattern, star_text + 1));
                at_pattern = star_pattern + 1;
                at_text = star_text + 1;
            }
        }
    }
    pattern.iter().skip(at_pattern).all(|rest| *rest == '*')
}

/// Whether a text is what one of some patterns says, and none that stands after a `!`.
pub(crate) fn list_matches<'a>(patterns: impl Iterator<Item = &'a str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if matches(negated, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match() {
        for (pattern, text, expect) in [
            ("web", "web", true),
            ("web", "web1", false),
            ("web?", "web1", true),
            ("web?", "web", false),
            ("*", "", true),
            ("*.example.org", "a.b.example.org", true),
            ("*.example.org", "example.org", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expect, "{pattern} {text}");
        }
    }

    #[test]
    fn a_negated_pattern_wins() {
        for (patterns, text, expect) in [
            ("* !web", "web", false),
            ("!web *", "web", false),
            ("!web", "db", false),
            ("!web db", "db", true),
        ] {
            assert_eq!(list_matches(patterns.split(' '), text), expect, "{patterns} {text}");
        }
    }
}
