//! `ansible_managed`: the note at the head of files that templates make.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::value::Moment;

/// The name of a file's owner, or their number where they have no name here.
pub fn owner_of(path: &Path) -> Option<String> {
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
pub fn controller() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// The note of a template: `{file}` in the setting is its name as the task has it, `{host}` this
/// machine, `{uid}` the file's owner; what is left is a format of `strftime` for the time when the
/// file was changed last. A setting that is no such format stays as it is.
pub fn note(setting: &str, path: &Path, name: &str) -> String {
    let (mut text, mut format) = (setting.to_owned(), setting.to_owned());
    for (word, value) in [
        ("{file}", &mut || name.to_owned()),
        ("{host}", &mut controller),
        ("{uid}", &mut || owner_of(path).unwrap_or_default()),
    ] as [(&str, &mut dyn FnMut() -> String); 3]
    {
        if text.contains(word) {
            let value = value();
            text = text.replace(word, &value);
            // The format is the setting's alone: a name with a percent sign is no part of it.
            format = format.replace(word, &value.replace('%', "%%"));
        }
    }
    if !format.contains('%') {
        return text;
    }
    let changed = fs::metadata(path).and_then(|meta| meta.modified()).unwrap_or(UNIX_EPOCH);
    Moment::local(changed).format(&format).unwrap_or(text)
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
    fn notes_are_filled_in() {
        let path = std::env::temp_dir().join(format!("trueup-note-{}", std::process::id()));
        fs::write(&path, "x").unwrap();
        let year = Moment::local(SystemTime::now()).format("%Y").unwrap();
        for (setting, expected) in [
            ("Ansible managed", "Ansible managed".to_owned()),
            ("{file} at %Y", format!("a/x.j2 at {year}")),
            ("by {uid} on {host}", format!("by {} on {}", owner_of(&path).unwrap(), controller())),
            ("100% {nothing}", "100% {nothing}".to_owned()),
        ] {
            assert_eq!(note(setting, &path, "a/x.j2"), expected);
        }
        let hostile = note("{file} at %Y", &path, "%nexit 1%n.j2");
        assert_eq!(hostile, format!("%nexit 1%n.j2 at {year}"));
        assert_eq!(note("by {file}", &path, "100%.j2"), "by 100%.j2");
        fs::remove_file(path).unwrap();
    }
}
