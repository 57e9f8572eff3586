//! The `blockinfile` module.

use std::path::PathBuf;

use module::{Arguments, Documented, Example, Failure, FileArguments, Returned};
use pyregex::Flags;

use crate::{
    editing::{Edited, Editing},
    lineinfile::{State, compile, gave_up},
    text_file::{TextFile, lines},
};

/// Keeps a block of lines between two marker lines of a file, or away.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["insertbefore", "insertafter"]))]
pub struct BlockInFile {
    /// The file.
    #[argument(aliases("dest", "destfile", "name"))]
    path: PathBuf,
    /// Whether the block should be there.
    #[argument(default = "present")]
    state: State,
    /// The marker lines; `{mark}` becomes `marker_begin` in the first and `marker_end` in the
    /// second. Without `{mark}` the two cannot be told apart, and the block comes in again with
    /// each run.
    #[argument(default = "# {mark} ANSIBLE MANAGED BLOCK")]
    marker: String,
    /// The lines. An empty block is removed, as with `absent`.
    #[argument(default = "", aliases("content"))]
    block: String,
    /// Regular expression for the line behind which a new block is put (the last that fits), or
    /// `EOF`.
    insertafter: Option<String>,
    /// Regular expression for the line before which a new block is put (the last that fits), or
    /// `BOF`.
    insertbefore: Option<String>,
    /// Whether a file that is not there is made.
    #[argument(default = false)]
    create: bool,
    /// Whether the old file is kept beside the new one, with the time in its name.
    #[argument(default = false)]
    backup: bool,
    /// What stands for `{mark}` in the first marker line.
    #[argument(default = "BEGIN")]
    marker_begin: String,
    /// What stands for `{mark}` in the second marker line.
    #[argument(default = "END")]
    marker_end: String,
    /// Whether an empty line follows the block, unless it ends the file.
    #[argument(default = false)]
    append_newline: bool,
    /// Whether an empty line goes before the block, unless it begins the file.
    #[argument(default = false)]
    prepend_newline: bool,
    /// A program that must succeed on the new file before it takes its place; `%s` is its path.
    validate: Option<String>,
    #[argument(flatten)]
    file: FileArguments,
}

impl Documented for BlockInFile {
    const NAME: &'static str = "ansible.builtin.blockinfile";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A block at the end",
            args: r#"{"path": "/etc/hosts", "block": "10.0.0.1 a\n10.0.0.2 b\n"}"#,
        },
        Example {
            title: "A block of its own kind, in a file that may be new",
            args: r#"{"path": "/etc/new.conf", "block": "a=1", "marker": "; {mark} ours", "create": true, "insertbefore": "BOF"}"#,
        },
        Example { title: "No such block", args: r#"{"path": "/etc/hosts", "state": "absent"}"# },
    ];
    const RETURNS: &'static [Returned] = &[Returned::new(
        "backup_file",
        "Where the old file is.",
        "changed, with backup",
        r#""/etc/hosts.12345.2026-11-21@05:27:26~""#,
    )];
}

fn bare(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

impl Editing for BlockInFile {
    fn text_file(&self) -> TextFile<'_> {
        TextFile {
            backup: self.backup,
            validate: self.validate.as_deref(),
            ..TextFile::new(&self.path, &self.file)
        }
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        let markers = [&self.marker_begin, &self.marker_end]
            .map(|mark| bare(&self.marker.replace("{mark}", mark)).to_owned());
        if markers.iter().any(|marker| marker.contains('\n')) {
            return Err(Failure::new(
                "marker must be one line: a marker of several is never found again",
            ));
        }
        let is_wanted = self.state == State::Present && !self.block.is_empty();
        let path = self.path.display();
        let text = match before {
            Some(text) => text,
            None if self.state == State::Absent => {
                return Ok(Edited::stays(format!("File {path} not present")));
            }
            None if self.create => "",
            None => {
                return Err(Failure::new(format!("Path {path} does not exist !")).with("rc", 257));
            }
        };
        let mut all = lines(text);
        let there = remove_block(&mut all, &markers);
        if is_wanted {
            let at = match there {
                Some(at) => at,
                None => self.find_place(text, &all)?,
            };
            self.insert(&mut all, at, &markers);
        }
        let edited = all.concat();
        let msg = match before {
            None => "File created",
            Some(_) if edited == text => "",
            Some(_) if is_wanted => "Block inserted",
            Some(_) => "Block removed",
        };
        Ok(match before {
            Some(text) if edited == text => Edited::stays(msg),
            _ => Edited::to(edited, msg),
        })
    }
}

impl BlockInFile {
    /// Where a new block goes.
    fn find_place(&self, text: &str, all: &[String]) -> Result<usize, Failure> {
        let (argument, pattern) = match (&self.insertbefore, &self.insertafter) {
            (Some(before), _) if before == "BOF" => return Ok(0),
            (Some(before), _) => ("insertbefore", before),
            (None, Some(after)) if after != "EOF" => ("insertafter", after),
            _ => return Ok(all.len()),
        };
        let compiled = compile(argument, pattern, Flags::default())?;
        let behind = argument == "insertafter";
        if pattern.starts_with("(?m)") || pattern.starts_with("(?s") {
            // Such an expression may fit several lines at once, so that it is held against all.
            let found = compiled.search(text).map_err(|why| gave_up(&why))?;
            let Some(found) = found else { return Ok(all.len()) };
            let upto = if behind { found.end() } else { found.start() };
            let above = text.get(..upto).unwrap_or_default();
            let full = above.matches('\n').count();
            return Ok(if behind && !above.ends_with('\n') { full + 1 } else { full });
        }
        let mut last = None;
        for (at, line) in all.iter().enumerate() {
            if compiled.is_match(line).map_err(|why| gave_up(&why))? {
                last = Some(if behind { at + 1 } else { at });
            }
        }
        Ok(last.unwrap_or(all.len()))
    }

    fn insert(&self, all: &mut Vec<String>, at: usize, markers: &[String; 2]) {
        let mut at = at;
        if let Some(above) = at.checked_sub(1).and_then(|above| all.get_mut(above)) {
            if !above.ends_with('\n') {
                above.push('\n');
            }
            if self.prepend_newline && !above.trim().is_empty() {
                all.insert(at, "\n".into());
                at += 1;
            }
        }
        let mut block = vec![format!("{}\n", markers[0])];
        let text = if self.block.ends_with('\n') {
            self.block.clone()
        } else {
            format!("{}\n", self.block)
        };
        block.extend(lines(&text));
        block.push(format!("{}\n", markers[1]));
        let needs_line =
            self.append_newline && all.get(at).is_some_and(|below| !below.trim().is_empty());
        if needs_line {
            block.push("\n".into());
        }
        all.splice(at..at, block);
    }
}

/// Takes the block out, markers included, and says where it stood. Markers in the wrong order
/// enclose it as well.
fn remove_block(all: &mut Vec<String>, markers: &[String; 2]) -> Option<usize> {
    let [begin, end] = markers;
    let last = |marker: &String| all.iter().rposition(|line| bare(line) == marker);
    let (begin, end) = (last(begin)?, last(end)?);
    let (from, to) = (begin.min(end), begin.max(end));
    all.drain(from..=to);
    Some(from)
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use serde_json::json;

    use crate::cases::run;

    const B: &str = "# BEGIN ANSIBLE MANAGED BLOCK\n";
    const E: &str = "# END ANSIBLE MANAGED BLOCK\n";

    #[test]
    fn blocks_are_placed_as_ansible_places_them() {
        for (args, before, after, msg) in [
            (json!({"block": "x"}), "a\n".to_owned(), format!("a\n{B}x\n{E}"), "Block inserted"),
            (json!({"block": "x"}), "a".into(), format!("a\n{B}x\n{E}"), "Block inserted"),
            (json!({"block": "x\n"}), format!("a\n{B}x\n{E}"), format!("a\n{B}x\n{E}"), ""),
            (
                json!({"block": "y"}),
                format!("a\n{B}x\n{E}b\n"),
                format!("a\n{B}y\n{E}b\n"),
                "Block inserted",
            ),
            (
                json!({"block": "y"}),
                format!("{E}x\n{B}b\n"),
                format!("{B}y\n{E}b\n"),
                "Block inserted",
            ),
            (json!({"block": ""}), format!("a\n{B}x\n{E}b\n"), "a\nb\n".into(), "Block removed"),
            (json!({"state": "absent"}), "a\n".into(), "a\n".into(), ""),
            (
                json!({"block": "x", "insertafter": "^a"}),
                "a\na\nb\n".into(),
                format!("a\na\n{B}x\n{E}b\n"),
                "Block inserted",
            ),
            (
                json!({"block": "x", "insertbefore": "^b"}),
                "a\nb\n".into(),
                format!("a\n{B}x\n{E}b\n"),
                "Block inserted",
            ),
            (
                json!({"block": "x", "insertbefore": "BOF"}),
                "a\n".into(),
                format!("{B}x\n{E}a\n"),
                "Block inserted",
            ),
            (
                json!({"block": "x", "insertafter": "^z"}),
                "a\n".into(),
                format!("a\n{B}x\n{E}"),
                "Block inserted",
            ),
            (
                json!({"block": "x", "prepend_newline": true, "append_newline": true, "insertafter": "^a"}),
                "a\nb\n".into(),
                format!("a\n\n{B}x\n{E}\nb\n"),
                "Block inserted",
            ),
            (
                json!({"block": "x", "marker": "<!-- {mark} -->", "marker_begin": "o", "marker_end": "c"}),
                "".into(),
                "<!-- o -->\nx\n<!-- c -->\n".into(),
                "Block inserted",
            ),
        ] {
            let mut host = FakeHost::default();
            host.put("/f", before.clone());
            let response = run("blockinfile", &args, "path", "/f", Mode::default(), &mut host);
            assert!(!response.failed, "{args}: {response:?}");
            assert_eq!(host.files.text("/f").as_ref(), Some(&after), "{args}");
            assert_eq!(response.changed, before != after, "{args}");
            assert_eq!(response.msg.unwrap_or_default(), msg, "{args}");
            let again = run("blockinfile", &args, "path", "/f", Mode::default(), &mut host);
            assert!(!again.changed, "{args}: {again:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (args, expected) in [
            (json!({"path": "/none", "block": "x"}), "Path /none does not exist !"),
            (json!({"path": "/", "block": "x"}), "Path / is a directory !"),
            (
                json!({"path": "/f", "block": "x", "insertafter": "("}),
                "insertafter is no regular expression",
            ),
            (json!({"path": "/f", "block": "x", "marker": "a\n{mark}"}), "marker must be one line"),
            (
                json!({"path": "/f", "insertafter": "a", "insertbefore": "b"}),
                "parameters are mutually exclusive: insertbefore|insertafter",
            ),
        ] {
            let mut host = FakeHost::default();
            host.put("/f", "a\n");
            let response = run("blockinfile", &args, "", "", Mode::default(), &mut host);
            assert!(response.failed, "{args}");
            let msg = response.msg.unwrap_or_default();
            assert!(msg.starts_with(expected), "{args}: {msg}");
        }
    }
}
