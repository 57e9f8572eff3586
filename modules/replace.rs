//! The `replace` module.

use std::path::PathBuf;

use module::{Arguments, Delta, Documented, Example, Failure, FileArguments, Returned};
use protocol::{Diff, JsonMap};
use pyregex::Flags;

use crate::{
    editing::{Edited, Editing},
    lineinfile::{compile, gave_up},
    text_file::{Text, TextFile, TextState, message},
};

/// Replaces all that fits a regular expression in a file.
///
/// The task must see to it that the replacement does not fit the expression again where it should
/// settle.
#[derive(Debug, Arguments)]
pub struct Replace {
    /// The file.
    #[argument(aliases("dest", "destfile", "name"))]
    path: PathBuf,
    /// Python's regular expression; `^` and `$` fit at lines, and `.` does not fit their ends.
    regexp: String,
    /// What takes the place of each match; `\1` and `\g<name>` stand for groups. Left out, matches
    /// are removed.
    #[argument(default = "")]
    replace: String,
    /// Only what follows the first match of this expression is looked at; `.` fits line ends too.
    after: Option<String>,
    /// Only what goes before the match of this expression is looked at; `.` fits line ends too.
    before: Option<String>,
    /// Whether the old file is kept beside the new one, with the time in its name.
    #[argument(default = false)]
    backup: bool,
    /// A program that must succeed on the new file before it takes its place; `%s` is its path.
    validate: Option<String>,
    /// How the file is encoded, by Python's name. Other bytes in a file of UTF-8 stay as they are.
    /// For what is neither that, ASCII, Latin-1 nor UTF-16 the host needs `iconv`.
    #[argument(default = "utf-8")]
    encoding: String,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for Replace {
    const NAME: &'static str = "ansible.builtin.replace";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A name",
            args: r#"{"path": "/etc/hosts", "regexp": "(\\s+)localhost$", "replace": "\\1me"}"#,
        },
        Example {
            title: "Only a part of the file",
            args: r#"{"path": "/etc/hosts", "after": "127", "before": "::1", "regexp": "^.*localhost\n", "backup": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "backup_file",
        "Where the old file is.",
        "changed, with backup",
        r#""/etc/hosts.12345.2026-11-21@05:27:26~""#,
    )];
}

impl Editing for Replace {
    fn text_file(&self) -> TextFile<'_> {
        TextFile {
            backup: self.backup,
            validate: self.validate.as_deref(),
            encoding: &self.encoding,
            ..TextFile::new(&self.path, &self.file)
        }
    }

    fn diff(
        &self,
        delta: &Delta<TextState>,
        before: Option<&Text>,
        after: Option<&[u8]>,
    ) -> Result<Vec<Diff>, Failure> {
        let mut diffs = self.text_file().diff(delta, before, after)?;
        // The name alone, as those who read diffs of this module know it.
        for header in
            diffs.iter_mut().flat_map(|diff| [&mut diff.before_header, &mut diff.after_header])
        {
            *header = header.trim_end_matches(" (content)").to_owned();
        }
        Ok(diffs)
    }

    fn returned(&self, delta: &Delta<TextState>, edited: &Edited) -> JsonMap {
        let mut map = message(delta, &edited.msg);
        map.insert("rc".into(), 0.into());
        map
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        let Some(text) = before else {
            let path = self.path.display();
            return Err(Failure::new(format!("Path {path} does not exist !")).with("rc", 257));
        };
        let Some((from, to)) = self.find_section(text)? else {
            let msg = format!(
                "Pattern for before/after params did not match the given file: {}",
                self.section_pattern().unwrap_or_default()
            );
            return Ok(Edited::stays(msg));
        };
        let section = text.get(from..to).unwrap_or_default();
        let pattern = compile("regexp", &self.regexp, Flags::MULTI_LINE)?;
        let (edited, count) = pattern.substitute(section, &self.replace, 0).map_err(|why| {
            Failure::new(format!("Unable to process replace due to error: {why}"))
        })?;
        if count == 0 || edited == section {
            return Ok(Edited::default());
        }
        let above = text.get(..from).unwrap_or_default();
        let below = text.get(to..).unwrap_or_default();
        let after = format!("{above}{edited}{below}");
        Ok(Edited::to(after, format!("{count} replacements made")))
    }
}

impl Replace {
    fn section_pattern(&self) -> Option<String> {
        match (&self.after, &self.before) {
            (Some(after), Some(before)) => Some(format!("{after}(?P<subsection>.*?){before}")),
            (Some(after), None) => Some(format!("{after}(?P<subsection>.*)")),
            (None, Some(before)) => Some(format!("(?P<subsection>.*){before}")),
            (None, None) => None,
        }
    }

    /// The part that is looked at; `None` where `before` and `after` enclose nothing.
    fn find_section(&self, text: &str) -> Result<Option<(usize, usize)>, Failure> {
        let Some(section) = self.section_pattern() else { return Ok(Some((0, text.len()))) };
        let flags = Flags { dot_all: true, ..Flags::default() };
        let pattern = compile("before/after", &section, flags)?;
        let found = pattern.search(text).map_err(|why| gave_up(&why))?;
        let number = pattern.group_number("subsection").unwrap_or(0);
        Ok(found.and_then(|found| found.span(number)).map(|group| (group.start, group.end)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use module::{Host, Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn texts_are_replaced_as_ansible_replaces_them() {
        for (args, before, after, msg) in [
            (json!({"regexp": "a", "replace": "b"}), "aa\na\n", "bb\nb\n", "3 replacements made"),
            (json!({"regexp": "^a$"}), "a\nba\na", "\nba\n", "2 replacements made"),
            (
                json!({"regexp": "(\\w+)=(\\d)", "replace": "\\2=\\g<1>"}),
                "k=1\n",
                "1=k\n",
                "1 replacements made",
            ),
            (json!({"regexp": "z", "replace": "y"}), "a\n", "a\n", ""),
            (json!({"regexp": "a", "replace": "a"}), "a\n", "a\n", ""),
            (
                json!({"regexp": "x", "replace": "y", "after": "BEGIN", "before": "END"}),
                "x\nBEGIN\nx\nEND\nx\n",
                "x\nBEGIN\ny\nEND\nx\n",
                "1 replacements made",
            ),
            (
                json!({"regexp": "x", "replace": "y", "after": "M"}),
                "x M x\n",
                "x M y\n",
                "1 replacements made",
            ),
            (
                json!({"regexp": "x", "replace": "y", "before": "M"}),
                "x M x\n",
                "y M x\n",
                "1 replacements made",
            ),
            (
                json!({"regexp": "x", "replace": "y", "before": "Q"}),
                "x\n",
                "x\n",
                "Pattern for before/after params did not match the given file: (?P<subsection>.*)Q",
            ),
        ] {
            let mut host = FakeHost::default();
            host.put("/f", before);
            let response = run("replace", &args, "path", "/f", Mode::default(), &mut host);
            assert!(!response.failed, "{args}: {response:?}");
            assert_eq!(host.files.text("/f").as_deref(), Some(after), "{args}");
            assert_eq!(response.changed, before != after, "{args}");
            assert_eq!(response.msg.unwrap_or_default(), msg, "{args}");
        }
    }

    #[test]
    fn other_encodings_are_kept() {
        for (encoding, before, after) in [
            ("latin_1", &b"caf\xe9 b"[..], &b"caf\xe9 \xe4"[..]),
            ("utf-16", b"\xff\xfeb\0", b"\xff\xfe\xe4\0"),
            ("utf-8", b"\xe9 b", b"\xe9 \xc3\xa4"),
        ] {
            let mut host = FakeHost::default();
            host.put("/f", before);
            let args = json!({"regexp": "b", "replace": "ä", "encoding": encoding});
            let response = run("replace", &args, "path", "/f", Mode::default(), &mut host);
            assert!(response.changed && !response.failed, "{response:?}");
            let found = host.read(Path::new("/f")).unwrap();
            assert_eq!(found.as_deref(), Some(after), "{encoding}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, expected) in [
            (json!({"path": "/none", "regexp": "x"}), "Path /none does not exist !"),
            (json!({"path": "/", "regexp": "x"}), "Path / is a directory !"),
            (json!({"path": "/f", "regexp": "("}), "regexp is no regular expression"),
            (
                json!({"path": "/f", "regexp": "a", "replace": "\\7"}),
                "Unable to process replace due to error: ",
            ),
            (json!({"path": "/f", "regexp": "a", "encoding": "utf-16"}), "/f is no text in utf-16"),
            (
                json!({"path": "/f", "regexp": "a", "encoding": "gbk"}),
                "the encoding gbk is read with the program iconv",
            ),
            (
                json!({"path": "/f", "regexp": "a", "replace": "你", "encoding": "latin-1"}),
                "the text has letters that latin-1 does not have",
            ),
            (json!({"path": "/f"}), "missing required arguments: regexp"),
        ] {
            let mut host = FakeHost::default();
            host.put("/f", "a\nb");
            let response = run("replace", &args, "", "", Mode::default(), &mut host);
            assert!(response.failed, "{args}");
            let msg = response.msg.unwrap_or_default();
            assert!(msg.starts_with(expected), "{args}: {msg}");
        }
    }
}
