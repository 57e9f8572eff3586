//! Paths as tasks write them, and words as shells do.

use std::path::{Component, Path, PathBuf};

use crate::{Host, accounts};

/// Replaces `~`, `~user`, `$NAME` and `${NAME}` as the host knows them; what it does not know
/// stays as it is.
pub fn expand(host: &dyn Host, path: &str) -> String {
    expand_home(host, &expand_variables(host, path))
}

fn expand_home(host: &dyn Host, path: &str) -> String {
    let Some(rest) = path.strip_prefix('~') else { return path.to_owned() };
    let (user, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = if user.is_empty() {
        host.variable("HOME").filter(|home| !home.is_empty()).or_else(|| {
            accounts::user_by_id(host, host.effective_uid()).ok().flatten().map(|user| user.home)
        })
    } else {
        accounts::user_by_name(host, user).ok().flatten().map(|user| user.home)
    };
    match home {
        Some(home) => format!("{}{below}", home.trim_end_matches('/')),
        None => path.to_owned(),
    }
}

fn expand_variables(host: &dyn Host, path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let after = tail.get(1..).unwrap_or_default();
        let (name, width) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, _)) => (name, name.len() + 3),
            None => {
                let end = after
                    .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                    .unwrap_or(after.len());
                (after.get(..end).unwrap_or_default(), end + 1)
            }
        };
        let (written, next) = tail.split_at(width.min(tail.len()));
        match host.variable(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(written),
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

/// Takes `.`, `..` and double slashes out of a path, without looking at the host.
pub fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    if out.as_os_str().is_empty() { PathBuf::from(".") } else { out }
}

/// Splits a line into words as a POSIX shell does, without expanding anything.
///
/// # Errors
/// A quote that does not end.
pub fn split_words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' | '"' => {
                let word = word.get_or_insert_with(String::new);
                loop {
                    match letters.next().ok_or("No closing quotation")? {
                        end if end == letter => break,
                        '\\' if letter == '"' => {
                            match letters.next().ok_or("No closing quotation")? {
                                escaped @ ('"' | '\\') => word.push(escaped),
                                other => {
                                    word.push('\\');
                                    word.push(other);
                                }
                            }
                        }
                        other => word.push(other),
                    }
                }
            }
            '\\' => {
                let escaped = letters.next().ok_or("No escaped character")?;
                word.get_or_insert_with(String::new).push(escaped);
            }
            letter if letter.is_whitespace() => words.extend(word.take()),
            letter => word.get_or_insert_with(String::new).push(letter),
        }
    }
    words.extend(word);
    Ok(words)
}

/// A word as a shell would have to read it.
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\"'\"'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeHost;

    #[test]
    fn paths_are_expanded_as_the_host_knows_them() {
        let mut host = FakeHost::default();
        host.set_variable("HOME", "/root");
        host.put("/etc/passwd", "web:x:33:33::/srv/web:/bin/sh\n");
        for (path, expected) in [
            ("/a/b", "/a/b"),
            ("~", "/root"),
            ("~/x", "/root/x"),
            ("~web/x", "/srv/web/x"),
            ("~nosuch/x", "~nosuch/x"),
            ("$HOME/y", "/root/y"),
            ("${HOME}z", "/rootz"),
            ("$NOSUCH/x", "$NOSUCH/x"),
            ("a$", "a$"),
            ("${HOME", "${HOME"),
            ("a/$HOME.d/ü", "a//root.d/ü"),
        ] {
            assert_eq!(expand(&host, path), expected, "{path}");
        }
    }

    #[test]
    fn words_are_split_as_shells_do() {
        for (line, expected) in [
            ("ls -l /tmp", vec!["ls", "-l", "/tmp"]),
            ("echo 'a b' \"c \\\" $d\" e\\ f", vec!["echo", "a b", "c \" $d", "e f"]),
            ("a'' b''''", vec!["a", "b"]),
            ("'' x", vec!["", "x"]),
            ("  ", vec![]),
        ] {
            assert_eq!(split_words(line).unwrap(), expected, "{line}");
        }
        for line in ["'a", "\"a", "a\\"] {
            assert!(split_words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn quoted_words_read_back() {
        for word in ["", "plain", "a b", "it's", "$(x)", "ü"] {
            assert_eq!(split_words(&quote(word)).unwrap(), [word]);
        }
    }

    #[test]
    fn paths_lose_their_detours() {
        for (path, expected) in
            [("/a/./b//c/../d", "/a/b/d"), ("a/..", "."), ("../x", "../x"), ("/..", "/..")]
        {
            assert_eq!(normalize(Path::new(path)), Path::new(expected));
        }
    }
}
