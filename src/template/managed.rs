//! `ansible_managed`: the note at the head of files that templates make.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use indexmap::IndexMap;

use crate::{
    Scope, Tree,
    value::{Moment, Value},
};

/// The name of a file's owner, or their number where they have no name here.
fn owner_of(path: &Path) -> Option<String> {
    let uid = fs::metadata(path).ok()?.uid().to_string();
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    Some(name.unwrap_or(uid))
}

/// This machine's name.
fn controller() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// The variables that templates of files have besides all others: `template_path` is the file as
/// it is named, `template_fullpath` where it is, `template_destpath` where its text goes,
/// `template_mtime` and `template_run_date` are dates, and `ansible_managed` is filled in with these,
/// unless a variable says it.
pub fn variables(
    scope: &Scope,
    path: &Path,
    name: &str,
    destination: Option<&str>,
) -> IndexMap<Arc<str>, Tree> {
    let changed = changed(path);
    let date = |time: SystemTime| Value::object(Moment::local(time));
    let mut variables: IndexMap<Arc<str>, Tree> = [
        ("template_mtime", date(changed)),
        ("template_run_date", date(SystemTime::now())),
        ("template_path", Value::from(name)),
        ("template_fullpath", Value::from(path.to_string_lossy().into_owned())),
        ("template_destpath", destination.map_or(Value::None, Value::from)),
        ("template_host", Value::from(controller())),
        ("template_uid", owner_of(path).map_or(Value::None, Value::from)),
    ]
    .into_iter()
    .map(|(name, value)| (Arc::from(name), Tree::Value(value)))
    .collect();
    if scope.get("ansible_managed").is_none() {
        let note = note(&scope.surroundings().settings.ansible_managed, changed);
        // A setting that is no template says what it says.
        let plain = || Tree::Value(Value::from(note.as_str()));
        let tree = Tree::from_text(&note, scope.engine()).unwrap_or_else(|_| plain());
        variables.insert("ansible_managed".into(), tree);
    }
    variables
}

fn changed(path: &Path) -> SystemTime {
    fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(UNIX_EPOCH)
}

/// The template of a note. The setting is a format of Python's: `{file}`, `{host}` and `{uid}` are
/// the variables of that template, and braces stand twice. What is left is a format of `strftime` for
/// the time when the file was changed last; a setting that is no such format stays as it is.
fn note(setting: &str, changed: SystemTime) -> String {
    let mut text = String::new();
    let mut rest = setting;
    while let Some(letter) = rest.chars().next() {
        let known = [
            ("{{", "{"),
            ("}}", "}"),
            ("{file}", "{{ template_path }}"),
            ("{host}", "{{ template_host }}"),
            ("{uid}", "{{ template_uid }}"),
        ];
        match known.into_iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, stands_for)) => {
                text.push_str(stands_for);
                rest = &rest[word.len()..];
            }
            None => {
                text.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    match text.contains('%') {
        true => Moment::local(changed).format(&text).unwrap_or(text),
        false => text,
    }
}

impl Moment {
    /// A time in the zone of this machine.
    pub fn local(time: SystemTime) -> Self {
        Self::from_local(time.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_templates() {
        let now = SystemTime::now();
        let year = Moment::local(now).format("%Y").unwrap();
        for (setting, expected) in [
            ("Ansible managed", "Ansible managed".to_owned()),
            ("{file} at %Y", format!("{{{{ template_path }}}} at {year}")),
            ("by {uid} on {host}", "by {{ template_uid }} on {{ template_host }}".to_owned()),
            ("({{{{ own }}}} {{x}})", "({{ own }} {x})".to_owned()),
            ("100% {nothing}", "100% {nothing}".to_owned()),
        ] {
            assert_eq!(note(setting, now), expected);
        }
    }
}
