//! File names by pattern, as shells and Python's `glob` and `fnmatch` have them.

use std::path::{Path, PathBuf};

use crate::{Host, HostError};

/// Whether a name fits a pattern of `*`, `?` and `[…]`, all of it.
pub fn is_match(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    match_from(&pattern, &name)
}

/// Goes back to the last `*` alone, so that the time is at most the product of both lengths.
fn match_from(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), name.get(n)) {
            (None, None) => return true,
            (Some('*'), _) => {
                star = Some((p + 1, n));
                p += 1;
                continue;
            }
            (Some('?'), Some(_)) => Some(p + 1),
            (Some('['), Some(letter)) => {
                match class(pattern.get(p + 1..).unwrap_or_default(), *letter) {
                    Some((true, width)) => Some(p + 1 + width),
                    Some((false, _)) => None,
                    None if *letter == '[' => Some(p + 1),
                    None => None,
                }
            }
            (Some(expected), Some(letter)) if expected == letter => Some(p + 1),
            _ => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                n += 1;
            }
            (None, Some((after, at))) if at < name.len() => {
                star = Some((after, at + 1));
                p = after;
                n = at + 1;
            }
            _ => return false,
        }
    }
}

/// Whether a letter is in the class that starts behind `[`, and how long the class is; `None`
/// where it does not end.
fn class(rest: &[char], letter: char) -> Option<(bool, usize)> {
    let negated = matches!(rest.first(), Some('!' | '^'));
    let start = usize::from(negated);
    // A `]` that comes first is a member.
    let end = rest.iter().skip(start + 1).position(|member| *member == ']')? + start + 1;
    let members = rest.get(start..end)?;
    let mut found = false;
    let mut at = 0;
    while let Some(low) = members.get(at) {
        match (members.get(at + 1), members.get(at + 2)) {
            (Some('-'), Some(high)) => {
                found |= (*low..=*high).contains(&letter);
                at += 3;
            }
            _ => {
                found |= *low == letter;
                at += 1;
            }
        }
    }
    Some((found != negated, end + 1))
}

/// The paths that fit a pattern, sorted; names that start with a dot only where the pattern does.
///
/// # Errors
/// Folders that cannot be listed, other than such as are not there.
pub fn find(host: &dyn Host, pattern: &str) -> Result<Vec<PathBuf>, HostError> {
    let magic = |part: &str| part.contains(['*', '?', '[']);
    let root = if pattern.starts_with('/') { "/" } else { "" };
    let mut found = vec![PathBuf::from(root)];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for folder in found {
            if !magic(part) {
                let path = folder.join(part);
                if host.link_metadata(&path)?.is_some() {
                    next.push(path);
                }
                continue;
            }
            let listed = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
            if !host.metadata(listed)?.is_some_and(|found| found.is_dir()) {
                continue;
            }
            for name in host.list(listed)? {
                let text = name.to_string_lossy();
                if is_match(part, &text) && (part.starts_with('.') || !text.starts_with('.')) {
                    next.push(folder.join(&name));
                }
            }
        }
        found = next;
    }
    found.retain(|path| !path.as_os_str().is_empty());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeHost;

    #[test]
    fn names_fit_or_do_not() {
        for (pattern, name, expected) in [
            ("*.conf", "a.conf", true),
            ("*.conf", "a.config", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[a", "[a", true),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYb", false),
            ("ü*", "üx", true),
        ] {
            assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
        }
        // A pattern that naive backtracking would not come back from.
        assert!(!is_match(&format!("{}c", "a*".repeat(200)), &"a".repeat(2000)));
    }

    #[test]
    fn paths_are_found_in_order() {
        let mut host = FakeHost::default();
        for path in ["/etc/b.conf", "/etc/a.conf", "/etc/.c.conf", "/etc/x/d.conf"] {
            host.put(path, "");
        }
        let find = |pattern| -> Vec<String> {
            let found = super::find(&host, pattern).unwrap();
            found.iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(find("/etc/*.conf"), ["/etc/a.conf", "/etc/b.conf"]);
        assert_eq!(find("/etc/*/d.*"), ["/etc/x/d.conf"]);
        assert_eq!(find("/etc/a.conf"), ["/etc/a.conf"]);
        assert!(find("/etc/nosuch").is_empty());
        assert!(find("/no/*").is_empty());
    }
}
