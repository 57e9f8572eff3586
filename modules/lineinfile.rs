//! The `lineinfile` module.

use std::path::PathBuf;

use module::{Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, Returned};
use protocol::JsonMap;
use pyregex::{Flags, Found, Pattern, Replacement};

use crate::{
    editing::{Edited, Editing},
    text_file::{TextFile, TextState, lines, message},
};

/// Keeps one line of a file as it should be, or away.
///
/// A line that fits `regexp` or `search_string` is replaced, the last one where there are several
/// (the first with `firstmatch`). Where none fits, the line is put behind `insertafter`, before
/// `insertbefore`, or at the end.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(
    ["insertbefore", "insertafter"],
    ["regexp", "search_string"],
    ["backrefs", "search_string"]
))]
pub struct LineInFile {
    /// The file.
    #[argument(aliases("dest", "destfile", "name"))]
    path: PathBuf,
    /// Whether the line should be there.
    #[argument(default = "present")]
    state: State,
    /// Python's regular expression for the line to replace; with `absent`, for the lines to remove.
    #[argument(aliases("regex"))]
    regexp: Option<String>,
    /// The same as a plain text that the line contains.
    search_string: Option<String>,
    /// The line. Needed where it should be there.
    #[argument(aliases("value"))]
    line: Option<String>,
    /// Whether `\1` and `\g<name>` in the line stand for groups of `regexp`. The file is left alone
    /// where `regexp` fits no line.
    #[argument(default = false)]
    backrefs: bool,
    /// Regular expression for the line behind which a new line is put (the last that fits), or
    /// `EOF`.
    insertafter: Option<String>,
    /// Regular expression for the line before which a new line is put (the last that fits), or
    /// `BOF`.
    insertbefore: Option<String>,
    /// Whether a file that is not there is made.
    #[argument(default = false)]
    create: bool,
    /// Whether the old file is kept beside the new one, with the time in its name.
    #[argument(default = false)]
    backup: bool,
    /// Whether the first line that fits counts instead of the last.
    #[argument(default = false)]
    firstmatch: bool,
    /// A program that must succeed on the new file before it takes its place; `%s` is its path.
    validate: Option<String>,
    #[argument(flatten)]
    file: FileArguments,
}

/// Whether something should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum State {
    Present,
    Absent,
}

impl Documented for LineInFile {
    const NAME: &'static str = "ansible.builtin.lineinfile";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A setting",
            args: r#"{"path": "/etc/hosts", "regexp": "^127\\.0\\.0\\.1", "line": "127.0.0.1 localhost me"}"#,
        },
        Example {
            title: "A line behind another, in a file that may be new",
            args: r#"{"path": "/etc/new.conf", "line": "b=2", "insertafter": "^a=", "create": true, "mode": "0640"}"#,
        },
        Example {
            title: "Parts of the old line",
            args: r#"{"path": "/etc/hosts", "regexp": "^(::1) +localhost$", "line": "\\1 localhost here", "backrefs": true, "backup": true}"#,
        },
        Example {
            title: "No such lines",
            args: r#"{"path": "/etc/hosts", "search_string": "localhost", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "backup",
            "Where the old file is; empty where it was not kept.",
            "present",
            r#""/etc/hosts.12345.2026-11-21@05:27:26~""#,
        ),
        Returned::new("found", "How many lines are removed.", "absent", "2"),
    ];
}

impl Editing for LineInFile {
    const BACKUP: &'static str = "backup";

    fn text_file(&self) -> TextFile<'_> {
        TextFile {
            backup: self.backup,
            validate: self.validate.as_deref(),
            ..TextFile::new(&self.path, &self.file)
        }
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        match self.state {
            State::Present => self.edit_present(before),
            State::Absent => self.edit_absent(before),
        }
    }

    fn returned(&self, delta: &Delta<TextState>, edited: &Edited) -> JsonMap {
        let mut map = message(delta, &edited.msg);
        map.insert("backup".into(), "".into());
        let empty = |text: &Option<String>| text.as_ref().is_some_and(String::is_empty);
        let warning = if empty(&self.regexp) {
            Some(format!(
                "{EMPTY_REGEXP} If this is desired, use '^' to match every line in the file and avoid this warning."
            ))
        } else if empty(&self.search_string) {
            Some(EMPTY_REGEXP.replacen("regular expression", "search string", 1))
        } else {
            None
        };
        if let Some(warning) = warning {
            map.insert("warnings".into(), vec![warning].into());
        }
        if let Some(found) = edited.removed {
            map.insert("found".into(), found.into());
        }
        map
    }
}

/// What is said of an expression that fits every line.
const EMPTY_REGEXP: &str = "The regular expression is an empty string, which will match every line in the file. This may have unintended consequences, such as replacing the last line in the file rather than appending.";

/// Compiles an expression that the task wrote.
pub fn compile(argument: &str, pattern: &str, flags: Flags) -> Result<Pattern, Failure> {
    Pattern::new(pattern, flags).map_err(|why| {
        Failure::new(format!("{argument} is no regular expression: {why}: {pattern}"))
    })
}

/// What a match that gives up says.
pub fn gave_up(why: &pyregex::Error) -> Failure {
    Failure::new(why.to_string())
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

fn ended(line: &str) -> String {
    if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") }
}

impl LineInFile {
    fn edit_present(&self, before: Option<&str>) -> Result<Edited, Failure> {
        if self.backrefs && self.regexp.is_none() {
            return Err(Failure::new("regexp is required with backrefs=true"));
        }
        let Some(line) = &self.line else {
            return Err(Failure::new("line is required with state=present"));
        };
        let text = match before {
            Some(text) => text,
            None if self.create => "",
            None => {
                let path = self.path.display();
                return Err(
                    Failure::new(format!("Destination {path} does not exist !")).with("rc", 257)
                );
            }
        };
        let mut all = lines(text);
        let msg = self.place(line, &mut all)?;
        let after = (msg.is_some() || before.is_none()).then(|| all.concat());
        Ok(Edited { after, msg: msg.unwrap_or_default().into(), ..Edited::default() })
    }

    /// Puts the line among the others and says how; `None` where nothing was to be done.
    fn place(&self, line: &str, all: &mut Vec<String>) -> Result<Option<&'static str>, Failure> {
        if let Some((at, new)) = self.find_line(line, all)? {
            let Some(old) = all.get_mut(at) else { return Ok(None) };
            let new = ended(&new);
            if *old == new {
                return Ok(None);
            }
            *old = new;
            return Ok(Some("line replaced"));
        }
        if self.backrefs {
            return Ok(None);
        }
        // A line that is there already is not put in again.
        if let Some(last) = all.iter_mut().rfind(|one| bare(one) == line) {
            if !last.ends_with('\n') {
                last.push('\n');
                return Ok(Some("line replaced"));
            }
            return Ok(None);
        }
        let at = match (self.insertafter.as_deref(), self.insertbefore.as_deref()) {
            (Some("BOF"), _) | (_, Some("BOF")) => 0,
            (None | Some("EOF" | ""), None | Some("")) => all.len(),
            (Some(pattern), None | Some("")) => {
                match self.find_place("insertafter", pattern, all)? {
                    Some(found) => found + 1,
                    None => all.len(),
                }
            }
            (_, Some(pattern)) => {
                self.find_place("insertbefore", pattern, all)?.unwrap_or(all.len())
            }
        };
        if let Some(above) = at.checked_sub(1).and_then(|above| all.get_mut(above))
            && !above.ends_with('\n')
        {
            above.push('\n');
        }
        all.insert(at, format!("{line}\n"));
        Ok(Some("line added"))
    }

    /// The line to replace and what it becomes.
    fn find_line(&self, line: &str, all: &[String]) -> Result<Option<(usize, String)>, Failure> {
        if let Some(pattern) = &self.regexp {
            let pattern = compile("regexp", pattern, Flags::default())?;
            let replacement = if self.backrefs {
                let parsed = Replacement::parse(line, &pattern);
                Some(parsed.map_err(|why| Failure::new(format!("line: {why}: {line}")))?)
            } else {
                None
            };
            let mut last = None;
            for (at, one) in all.iter().enumerate() {
                if let Some(found) = pattern.search(one).map_err(|why| gave_up(&why))? {
                    let expand =
                        |replacement: &Replacement| replacement.expand(&found as &Found<'_>);
                    let new = replacement.as_ref().map_or_else(|| line.to_owned(), expand);
                    last = Some((at, new));
                    if self.firstmatch {
                        break;
                    }
                }
            }
            return Ok(last);
        }
        let Some(part) = &self.search_string else { return Ok(None) };
        let mut fits = all.iter().enumerate().filter(|(_, one)| one.contains(part.as_str()));
        let found = if self.firstmatch { fits.next() } else { fits.next_back() };
        Ok(found.map(|(at, _)| (at, line.to_owned())))
    }

    fn find_place(
        &self,
        argument: &str,
        pattern: &str,
        all: &[String],
    ) -> Result<Option<usize>, Failure> {
        let pattern = compile(argument, pattern, Flags::default())?;
        let mut last = None;
        for (at, one) in all.iter().enumerate() {
            if pattern.is_match(one).map_err(|why| gave_up(&why))? {
                last = Some(at);
                if self.firstmatch {
                    break;
                }
            }
        }
        Ok(last)
    }

    fn edit_absent(&self, before: Option<&str>) -> Result<Edited, Failure> {
        if self.regexp.is_none() && self.search_string.is_none() && self.line.is_none() {
            return Err(Failure::new(
                "one of line, search_string, or regexp is required with state=absent",
            ));
        }
        let Some(text) = before else {
            return Ok(Edited { removed: Some(0), ..Edited::stays("file not present") });
        };
        let pattern = match &self.regexp {
            Some(pattern) => Some(compile("regexp", pattern, Flags::default())?),
            None => None,
        };
        let all = lines(text);
        let mut kept = String::new();
        let mut removed = 0;
        for one in &all {
            let fits = match (&pattern, &self.search_string, &self.line) {
                (Some(pattern), ..) => pattern.is_match(one).map_err(|why| gave_up(&why))?,
                (None, Some(part), _) => one.contains(part.as_str()),
                (None, None, Some(line)) => bare(one) == line,
                (None, None, None) => false,
            };
            if fits {
                removed += 1;
            } else {
                kept.push_str(one);
            }
        }
        let after = (removed > 0).then_some(kept);
        let msg = if removed > 0 { format!("{removed} line(s) removed") } else { String::new() };
        Ok(Edited { after, msg, removed: Some(removed), ..Edited::default() })
    }
}

#[cfg(test)]
mod tests {
    use module::{Host, Mode, Output, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::cases::run;

    #[test]
    fn each_backup_of_one_second_is_kept() {
        let mut host = FakeHost::default();
        host.put("/etc/x", "first\n");
        let mut kept = Vec::new();
        for line in ["a", "b", "c"] {
            let args = json!({"path": "/etc/x", "line": line, "backup": true});
            let response = run("lineinfile", &args, "", "", Mode::default(), &mut host);
            kept.push(response.returned["backup"].as_str().unwrap().to_owned());
        }
        let texts = kept.iter().filter_map(|path| host.files.text(path)).collect::<Vec<_>>();
        assert_eq!(texts, ["first\n", "first\na\n", "first\na\nb\n"], "{kept:?}");
    }

    /// The context is the policy's, and neither that nor what the task leaves out is a difference.
    #[test]
    fn a_new_file_gets_its_context() {
        let mut host = FakeHost::default();
        host.put("/sys/fs/selinux/enforce", "0");
        host.put_dirs("/etc");
        host.program("matchpathcon", |_, _| Output::success("system_u:object_r:etc_t:s0\n"));
        let args = json!({"path": "/etc/x", "line": "a", "create": true});
        for changed in [true, false] {
            let response = run("lineinfile", &args, "", "", Mode::default(), &mut host);
            assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
            let context = host.attribute("/etc/x".as_ref(), "security.selinux").unwrap();
            assert_eq!(context.as_deref(), Some(b"system_u:object_r:etc_t:s0".as_slice()));
        }
    }

    /// Arguments, the text before and after, and the message; seen with ansible-core 2.18.
    #[test]
    fn lines_are_placed_as_ansible_places_them() {
        for (args, before, after, msg) in [
            (json!({"line": "c"}), "a\nb\n", "a\nb\nc\n", "line added"),
            (json!({"line": "c"}), "a\nb", "a\nb\nc\n", "line added"),
            (json!({"line": "b"}), "a\nb\n", "a\nb\n", ""),
            (json!({"line": "b"}), "a\nb", "a\nb\n", "line replaced"),
            (json!({"line": "x", "regexp": "^a"}), "a1\na2\nb\n", "a1\nx\nb\n", "line replaced"),
            (
                json!({"line": "x", "regexp": "^a", "firstmatch": true}),
                "a1\na2\n",
                "x\na2\n",
                "line replaced",
            ),
            (json!({"line": "x", "regexp": "^z"}), "a\n", "a\nx\n", "line added"),
            (json!({"line": "x", "search_string": "2"}), "a1\na2\n", "a1\nx\n", "line replaced"),
            (
                json!({"line": "x", "insertafter": "^a"}),
                "a1\na2\nb\n",
                "a1\na2\nx\nb\n",
                "line added",
            ),
            (
                json!({"line": "x", "insertafter": "^a", "firstmatch": true}),
                "a1\na2\nb\n",
                "a1\nx\na2\nb\n",
                "line added",
            ),
            (
                json!({"line": "x", "insertbefore": "^a"}),
                "a1\na2\nb\n",
                "a1\nx\na2\nb\n",
                "line added",
            ),
            (json!({"line": "x", "insertbefore": "BOF"}), "a\n", "x\na\n", "line added"),
            (json!({"line": "x", "insertbefore": "^z"}), "a\n", "a\nx\n", "line added"),
            (json!({"line": "x", "insertafter": "EOF"}), "a\n", "a\nx\n", "line added"),
            (
                json!({"line": "\\1=2", "regexp": "^(\\w+)=1$", "backrefs": true}),
                "k=1\n",
                "k=2\n",
                "line replaced",
            ),
            (
                json!({"line": "\\1=2", "regexp": "^(\\w+)=9$", "backrefs": true}),
                "k=1\n",
                "k=1\n",
                "",
            ),
            (json!({"state": "absent", "regexp": "^a"}), "a1\nb\na2\n", "b\n", "2 line(s) removed"),
            (json!({"state": "absent", "line": "b"}), "a\nb\nbb\n", "a\nbb\n", "1 line(s) removed"),
            (json!({"state": "absent", "search_string": "q"}), "a\n", "a\n", ""),
        ] {
            let mut host = FakeHost::default();
            host.put("/f", before);
            let response = run("lineinfile", &args, "path", "/f", Mode::default(), &mut host);
            assert!(!response.failed, "{args}: {response:?}");
            assert_eq!(host.files.text("/f").as_deref(), Some(after), "{args}");
            assert_eq!(response.changed, before != after, "{args}");
            assert_eq!(response.msg.unwrap_or_default(), msg, "{args}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, expected) in [
            (json!({"path": "/none", "line": "x"}), "Destination /none does not exist !"),
            (json!({"path": "/", "line": "x"}), "Path / is a directory !"),
            (json!({"path": "/f"}), "line is required with state=present"),
            (
                json!({"path": "/f", "line": "x", "backrefs": true}),
                "regexp is required with backrefs=true",
            ),
            (json!({"path": "/f", "state": "absent"}), "one of line, search_string, or regexp"),
            (json!({"path": "/f", "line": "x", "regexp": "("}), "regexp is no regular expression"),
            (json!({"path": "/f", "line": "\\9", "regexp": "(x)", "backrefs": true}), "line: "),
            (
                json!({"path": "/f", "line": "x", "validate": "true"}),
                "validate must contain %s: true",
            ),
        ] {
            let mut host = FakeHost::default();
            host.put("/f", "a\n");
            let response = run("lineinfile", &args, "", "", Mode::default(), &mut host);
            assert!(response.failed, "{args}");
            let msg = response.msg.unwrap_or_default();
            assert!(msg.starts_with(expected), "{args}: {msg}");
            assert_eq!(host.files.text("/f").as_deref(), Some("a\n"));
            assert_ne!(response.returned.get("rc"), Some(&Json::from(0)));
        }
    }
}
