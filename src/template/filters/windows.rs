//! Filters over paths of Windows: texts alone, no Windows host is needed for them.

use super::of_text;
use crate::{
    engine::{Call, Filter},
    error::Result,
    value::{Arguments, Value},
};

pub(super) const FILTERS: &[Filter] = &[
    of_text("win_basename", |_, value, arguments| {
        arguments.none("win_basename")?;
        Ok(Value::from(split(&value.to_string()).1))
    }),
    of_text("win_dirname", |_, value, arguments| {
        arguments.none("win_dirname")?;
        Ok(Value::from(split(&value.to_string()).0))
    }),
    of_text("win_splitdrive", win_splitdrive),
];

const SEPARATORS: [char; 2] = ['\\', '/'];

fn win_splitdrive(_: &Call<'_>, value: Value, arguments: Arguments) -> Result<Value> {
    arguments.none("win_splitdrive")?;
    let text = value.to_string();
    let (drive, rest) = split_drive(&text);
    Ok(Value::tuple([Value::from(drive), Value::from(rest)]))
}

/// `C:` or `\\\\server\\share`, and what follows.
fn split_drive(path: &str) -> (&str, &str) {
    let starts_doubled = path.len() > 2 && path.chars().take(2).all(|c| SEPARATORS.contains(&c));
    if starts_doubled && !path.chars().nth(2).is_some_and(|c| SEPARATORS.contains(&c)) {
        let after_server = path.get(2..).and_then(|rest| rest.find(SEPARATORS)).map(|at| at + 2);
        let Some(after_server) = after_server else { return (path, "") };
        let share = path.get(after_server + 1..).unwrap_or("");
        let end = share.find(SEPARATORS).map_or(path.len(), |at| after_server + 1 + at);
        return path.split_at(end);
    }
    match path.char_indices().nth(1) {
        Some((at, ':')) => path.split_at(at + 1),
        _ => ("", path),
    }
}

/// Folder and name.
fn split(path: &str) -> (&str, &str) {
    let (drive, rest) = split_drive(path);
    let cut = rest.rfind(SEPARATORS).map_or(0, |at| at + 1);
    let (head, tail) = rest.split_at(cut);
    let trimmed = head.trim_end_matches(SEPARATORS);
    let head = if trimmed.is_empty() { head } else { trimmed };
    (path.get(..drive.len() + head.len()).unwrap_or(""), tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_as_ntpath_does() {
        // Path, name, folder, drive; by Python's ntpath.
        let cases = [
            (r"C:\a\b.txt", "b.txt", r"C:\a", "C:"),
            ("C:/a/b/", "", "C:/a/b", "C:"),
            (r"\\srv\share\x\y", "y", r"\\srv\share\x", r"\\srv\share"),
            (r"a\b", "b", "a", ""),
            ("C:", "", "C:", "C:"),
            (r"C:\", "", r"C:\", "C:"),
            ("", "", "", ""),
            ("/a/b", "b", "/a", ""),
            ("C:a", "a", "C:", "C:"),
            (r"\\srv\share", "", r"\\srv\share", r"\\srv\share"),
        ];
        for (path, name, folder, drive) in cases {
            assert_eq!(split(path), (folder, name), "{path}");
            assert_eq!(split_drive(path).0, drive, "{path}");
        }
    }
}
