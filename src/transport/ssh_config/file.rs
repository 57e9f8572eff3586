//! Files of SSH configuration as lines, with what they include.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use super::ConfigError;
use crate::pattern;

/// How deep files may include each other, as in OpenSSH.
pub const INCLUDE_DEPTH_MAX: usize = 16;

/// Where a line stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file, counted from 1.
    File(PathBuf, usize),
    /// Among the options of the command line or the inventory.
    Option,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Option => f.write_str("SSH option"),
        }
    }
}

/// One file.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    pub(super) lines: Vec<(Origin, Line)>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// `Host PATTERN…`
    Host(Vec<String>),
    /// `Match CRITERION…`
    Match(Vec<Criterion>),
    /// `Include`, with the files that it names.
    Include(Vec<Vec<(Origin, Line)>>),
    /// Anything else.
    Set { keyword: String, words: Vec<String>, rest: String },
}

/// One criterion of `Match`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Criterion {
    pub(super) name: String,
    pub(super) negated: bool,
    pub(super) patterns: String,
}

impl ConfigFile {
    /// Reads a file and all that it includes; one that is not there is empty. `home` is the user's
    /// home folder; relative paths of `Include` start in its `.ssh` or, for a file of the system,
    /// in the folder of that file.
    ///
    /// # Errors
    /// Where a file cannot be read or a line be understood.
    pub fn read(path: &Path, home: &Path) -> Result<Self, ConfigError> {
        let lines = match fs::read(path) {
            Ok(bytes) => lines(&String::from_utf8_lossy(&bytes), path, home, 0)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
        };
        Ok(Self { lines })
    }

    /// Reads text as if it stood in a file.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, path: &Path, home: &Path) -> Result<Self, ConfigError> {
        Ok(Self { lines: lines(text, path, home, 0)? })
    }
}

fn lines(
    text: &str,
    path: &Path,
    home: &Path,
    depth: usize,
) -> Result<Vec<(Origin, Line)>, ConfigError> {
    let mut lines = Vec::new();
    for (at, text) in text.lines().enumerate() {
        let origin = Origin::File(path.to_owned(), at + 1);
        let Some((keyword, rest)) = split_keyword(text) else { continue };
        let words = words(rest).map_err(|why| ConfigError::Line { origin: origin.clone(), why })?;
        let line = match keyword.to_ascii_lowercase().as_str() {
            "host" => Line::Host(words),
            "match" => Line::Match(
                criteria(&words)
                    .map_err(|why| ConfigError::Line { origin: origin.clone(), why })?,
            ),
            "include" => {
                if depth >= INCLUDE_DEPTH_MAX {
                    return Err(ConfigError::Depth { origin });
                }
                let mut files = Vec::new();
                for word in &words {
                    for file in included(word, path, home) {
                        let bytes = fs::read(&file)
                            .map_err(|source| ConfigError::Read { path: file.clone(), source })?;
                        let text = String::from_utf8_lossy(&bytes);
                        files.push(self::lines(&text, &file, home, depth + 1)?);
                    }
                }
                Line::Include(files)
            }
            _ => Line::Set { keyword: keyword.to_owned(), words, rest: rest.trim().to_owned() },
        };
        lines.push((origin, line));
    }
    Ok(lines)
}

/// Splits a line into its keyword and what follows; `None` for empty lines and comments.
fn split_keyword(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line.find(|character: char| character.is_whitespace() || character == '=');
    let (keyword, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start();
    Some((keyword, rest.strip_prefix('=').unwrap_or(rest).trim_start()))
}

/// Splits a value into words: quotes of both kinds keep blanks, a backslash keeps a quote, a
/// backslash or a blank, and a `#` at the start of a word ends the line.
pub(crate) fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (_, '\\') => {
                let escaped = characters.next_if(|next| {
                    matches!(next, '"' | '\'' | '\\') || (quote.is_none() && *next == ' ')
                });
                word.get_or_insert_default().push(escaped.unwrap_or('\\'));
            }
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

fn criteria(words: &[String]) -> Result<Vec<Criterion>, String> {
    let mut criteria = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (negated, word) = match word.strip_prefix('!') {
            Some(word) => (true, word),
            None => (false, word.as_str()),
        };
        let (name, given) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        let name = name.to_ascii_lowercase();
        let patterns = match name.as_str() {
            "all" | "canonical" | "final" => String::new(),
            _ => given
                .or_else(|| words.next().cloned())
                .ok_or_else(|| format!("Match {name} needs a value"))?,
        };
        criteria.push(Criterion { name, negated, patterns });
    }
    if criteria.is_empty() {
        return Err("Match needs a criterion".to_owned());
    }
    Ok(criteria)
}

/// The files that one word of `Include` names, in order of their names.
fn included(word: &str, from: &Path, home: &Path) -> Vec<PathBuf> {
    let path = if let Some(rest) = word.strip_prefix("~/") {
        home.join(rest)
    } else if word.starts_with('/') {
        PathBuf::from(word)
    } else if from.starts_with(home) {
        home.join(".ssh").join(word)
    } else {
        from.parent().unwrap_or(Path::new("/")).join(word)
    };
    let mut found = vec![PathBuf::from("/")];
    for component in path.components().skip(1) {
        let name = component.as_os_str().to_string_lossy().into_owned();
        if !name.contains(['*', '?']) {
            found.iter_mut().for_each(|folder| folder.push(&name));
            continue;
        }
        let mut deeper = Vec::new();
        for folder in &found {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            let mut names: Vec<String> = names
                .filter(|entry| name.starts_with('.') || !entry.starts_with('.'))
                .filter(|entry| pattern::matches(&name, entry))
                .collect();
            names.sort();
            deeper.extend(names.iter().map(|entry| folder.join(entry)));
        }
        found = deeper;
    }
    found.retain(|file| file.is_file());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_split_into_words() {
        for (text, expect) in [
            ("a b", Ok(vec!["a", "b"])),
            ("\"a b\" c", Ok(vec!["a b", "c"])),
            ("'a b'", Ok(vec!["a b"])),
            ("a\\ b", Ok(vec!["a b"])),
            ("a # b", Ok(vec!["a"])),
            ("a#b", Ok(vec!["a#b"])),
            ("\"\"", Ok(vec![""])),
            ("", Ok(vec![])),
            ("\"a", Err("a quote is not closed")),
            ("a 'b", Err("a quote is not closed")),
        ] {
            let expect = expect
                .map(|words| words.into_iter().map(str::to_owned).collect::<Vec<_>>())
                .map_err(str::to_owned);
            assert_eq!(words(text), expect, "{text}");
        }
    }

    #[test]
    fn files_are_included_by_pattern_and_circles_are_refused() {
        let folder = crate::scratch::Folder::new("ssh-include");
        let ssh = folder.path().join(".ssh");
        fs::create_dir_all(ssh.join("conf.d")).unwrap();
        fs::write(ssh.join("config"), "Include conf.d/*.conf nothing\nUser last").unwrap();
        fs::write(ssh.join("conf.d/b.conf"), "Port 2").unwrap();
        fs::write(ssh.join("conf.d/a.conf"), "Port 1").unwrap();
        fs::write(ssh.join("conf.d/.hidden.conf"), "Port 0").unwrap();
        let file = ConfigFile::read(&ssh.join("config"), folder.path()).unwrap();
        let Some((_, Line::Include(files))) = file.lines.first() else { panic!("{file:?}") };
        let ports: Vec<String> = files.iter().map(|lines| format!("{:?}", lines[0].1)).collect();
        assert_eq!(ports.len(), 2);
        assert!(ports[0].contains("\"1\"") && ports[1].contains("\"2\""), "{ports:?}");

        fs::write(ssh.join("config"), "Include config").unwrap();
        let error = ConfigFile::read(&ssh.join("config"), folder.path()).unwrap_err();
        assert!(error.to_string().contains("more than 16 deep"), "{error}");
    }
}
