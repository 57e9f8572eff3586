//! The `ini_file` module of the collection `community.general`.

use std::path::PathBuf;

use module::{Arguments, Delta, Documented, Example, Failure, FileArguments, Returned};
use protocol::JsonMap;

use crate::{
    editing::{Edited, Editing},
    lineinfile::State,
    text_file::{TextFile, TextState, lines},
};

/// Keeps one option, or a whole section, of an INI file.
///
/// Remarks, order and all other options are left alone. An option that is there as a remark
/// (`;name = x`) is used again, unless `modify_inactive_option` is false.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["value", "values"]))]
pub struct IniFile {
    /// The file.
    #[argument(aliases("dest"))]
    path: PathBuf,
    /// The section; options before all sections where this is left out.
    section: Option<String>,
    /// What the section has, where several have its name: dicts of `option` and `value` or
    /// `values`. A section that is made is given it too.
    section_has_values: Option<Vec<Condition>>,
    /// The option; the section itself where this is left out.
    option: Option<String>,
    /// Its value.
    value: Option<String>,
    /// Its values, for options that may stand several times.
    values: Option<Vec<String>>,
    /// Whether it should be there.
    #[argument(default = "present")]
    state: State,
    /// Whether the option has the given values and no others; without it, values are added, or
    /// only those that are given are taken away.
    #[argument(default = true)]
    exclusive: bool,
    /// Whether no spaces stand around `=`.
    #[argument(default = false)]
    no_extra_spaces: bool,
    /// Whether a line is left as it is where only its spaces differ.
    #[argument(default = false)]
    ignore_spaces: bool,
    /// Whether an option may stand without a value.
    #[argument(default = false)]
    allow_no_value: bool,
    /// Whether options in remarks are used again.
    #[argument(default = true)]
    modify_inactive_option: bool,
    /// Whether a file that is not there is made.
    #[argument(default = true)]
    create: bool,
    /// Whether the old file is kept beside the new one.
    #[argument(default = false)]
    backup: bool,
    /// Whether what a link leads to is edited; otherwise a file takes the place of the link.
    #[argument(default = false)]
    follow: bool,
    #[argument(flatten)]
    file: FileArguments,
}

/// What a section has.
#[derive(Debug, Arguments)]
#[arguments(mutually_exclusive(["value", "values"]))]
struct Condition {
    /// The option.
    option: String,
    /// Its value; any where neither is given.
    value: Option<String>,
    /// Its value, which may be one of several.
    values: Option<Vec<String>>,
}

impl Condition {
    fn values(&self) -> Vec<&str> {
        match &self.value {
            Some(value) => vec![value.as_str()],
            None => self.values.iter().flatten().map(String::as_str).collect(),
        }
    }

    fn holds(&self, section: &[String]) -> bool {
        let values = self.values();
        section.iter().filter_map(|line| option(line)).any(|(_, name, value)| {
            name == self.option
                && (values.is_empty() || values.contains(&value.unwrap_or_default()))
        })
    }
}

impl Documented for IniFile {
    const NAME: &'static str = "community.general.ini_file";
    const ALIASES: &'static [&'static str] = &["ini_file"];
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "An option",
            args: r#"{"path": "/etc/app.ini", "section": "main", "option": "debug", "value": "no", "mode": "0644"}"#,
        },
        Example {
            title: "An option that stands several times",
            args: r#"{"path": "/etc/app.ini", "section": "main", "option": "server", "values": ["a", "b"], "no_extra_spaces": true}"#,
        },
        Example {
            title: "No such section",
            args: r#"{"path": "/etc/app.ini", "section": "old", "state": "absent"}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("path", "The file.", "always", r#""/etc/app.ini""#),
        Returned::new(
            "backup_file",
            "Where the old file is.",
            "changed, with backup",
            r#""/etc/app.ini.12345.2026-11-21@05:27:26~""#,
        ),
    ];
}

/// The name of the section that a line begins.
fn header(line: &str) -> Option<&str> {
    line.trim().strip_prefix('[')?.strip_suffix(']')
}

/// An option's line: whether it is a remark, its name, and its value.
fn option(line: &str) -> Option<(bool, &str, Option<&str>)> {
    let bare = line.trim();
    let (is_remark, bare) = match bare.strip_prefix(['#', ';']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, bare),
    };
    if bare.is_empty() || header(bare).is_some() {
        return None;
    }
    Some(match bare.split_once('=') {
        Some((name, value)) => (is_remark, name.trim(), Some(value.trim())),
        None => (is_remark, bare, None),
    })
}

impl Editing for IniFile {
    const RETURNS_FILE: bool = true;

    fn text_file(&self) -> TextFile<'_> {
        TextFile {
            backup: self.backup,
            follow: self.follow,
            ..TextFile::new(&self.path, &self.file)
        }
    }

    fn returned(&self, delta: &Delta<TextState>, edited: &Edited) -> JsonMap {
        let mut map = JsonMap::new();
        map.insert("path".into(), self.path.display().to_string().into());
        let is_same = delta.actual.digest == delta.desired.digest;
        let msg = if is_same { "OK" } else { edited.msg.as_str() };
        map.insert("msg".into(), msg.into());
        map
    }

    fn edit(&self, before: Option<&str>) -> Result<Edited, Failure> {
        let values: Vec<&str> = match (&self.value, &self.values) {
            (Some(value), _) => vec![value.as_str()],
            (None, values) => values.iter().flatten().map(String::as_str).collect(),
        };
        let is_present = self.state == State::Present;
        if is_present && self.option.is_some() && values.is_empty() && !self.allow_no_value {
            return Err(Failure::new(
                "Parameter 'value(s)' must be defined if state=present and allow_no_value=False",
            ));
        }
        if self.section.is_none() && self.option.is_none() {
            return Err(Failure::new("one of the following is required: section, option"));
        }
        let names = [self.section.as_deref(), self.option.as_deref()];
        if let Some(broken) = names
            .into_iter()
            .flatten()
            .chain(values.iter().copied())
            .chain(
                self.section_has_values
                    .iter()
                    .flatten()
                    .flat_map(|one| one.values().into_iter().chain([one.option.as_str()])),
            )
            .find(|text| text.contains(['\n', '\r']))
        {
            return Err(Failure::new(format!(
                "a line of an INI file cannot hold line ends: {broken:?}"
            )));
        }
        let text = match before {
            Some(text) => text,
            None if !self.create => {
                return Err(Failure::new(format!(
                    "Destination {} does not exist!",
                    self.path.display()
                ))
                .with("rc", 257));
            }
            None if !is_present => return Ok(Edited::stays("OK")),
            None => "",
        };
        let mut all = lines(text);
        let msg = self.edit_lines(&mut all, &values);
        Ok(match msg {
            None if before.is_some() => Edited::stays("OK"),
            msg => Edited::to(all.concat(), msg.unwrap_or("OK")),
        })
    }
}

impl IniFile {
    /// Changes the lines and says how; `None` where nothing was to be done.
    fn edit_lines(&self, all: &mut Vec<String>, values: &[&str]) -> Option<&'static str> {
        let is_present = self.state == State::Present;
        let start = match &self.section {
            None => Some(0),
            Some(section) => (1..=all.len()).find(|start| {
                let head = all.get(start - 1).and_then(|line| header(line));
                head == Some(section.as_str()) && self.is_meant(all, *start)
            }),
        };
        let Some(start) = start else {
            if !is_present {
                return None;
            }
            close_last(all);
            all.push(format!("[{}]\n", self.section.as_deref().unwrap_or_default()));
            let mut values = values.to_vec();
            for condition in self.section_has_values.iter().flatten() {
                let has = condition.values();
                if self.option.as_ref() == Some(&condition.option) {
                    let more = has.into_iter().filter(|_| !self.exclusive);
                    for value in more {
                        if !values.contains(&value) {
                            values.push(value);
                        }
                    }
                } else if !has.is_empty() || self.allow_no_value {
                    all.extend(self.wanted(&condition.option, &has));
                }
            }
            if let Some(option) = &self.option {
                all.extend(self.wanted(option, &values));
                return Some("section and option added");
            }
            return Some("only section added");
        };
        let end = section_end(all, start);
        let Some(option) = &self.option else {
            if is_present {
                return None;
            }
            all.drain(start - 1..end);
            return Some("section removed");
        };
        let old: Vec<String> = all.drain(start..end).collect();
        let (new, msg) = if is_present {
            self.with_option(&old, option, values)
        } else {
            self.without_option(&old, option, values)
        };
        let is_same = new == old;
        if !new.is_empty() && start > 0 && new != old {
            let before = start - 1;
            if let Some(line) = all.get_mut(before).filter(|line| !line.ends_with('\n')) {
                line.push('\n');
            }
        }
        all.splice(start..start, new);
        (!is_same).then_some(msg)
    }

    /// Whether the section from a line on has what the task says of it.
    fn is_meant(&self, all: &[String], start: usize) -> bool {
        let section = all.get(start..section_end(all, start)).unwrap_or_default();
        self.section_has_values.iter().flatten().all(|condition| condition.holds(section))
    }

    fn line(&self, option: &str, value: Option<&str>) -> String {
        let equals = if self.no_extra_spaces { "=" } else { " = " };
        match value {
            Some(value) => format!("{}\n", format!("{option}{equals}{value}").trim_end()),
            None => format!("{option}\n"),
        }
    }

    /// The lines of an option that is new.
    fn wanted(&self, option: &str, values: &[&str]) -> Vec<String> {
        if values.is_empty() {
            return vec![self.line(option, None)];
        }
        values.iter().map(|value| self.line(option, Some(value))).collect()
    }

    fn with_option(
        &self,
        old: &[String],
        name: &str,
        values: &[&str],
    ) -> (Vec<String>, &'static str) {
        let mut left: Vec<Option<&str>> = if values.is_empty() {
            vec![None]
        } else {
            values.iter().map(|value| Some(*value)).collect()
        };
        // First, what is there as it should be keeps its place.
        let mut kept: Vec<Option<String>> = old.iter().map(|_| None).collect();
        for (line, kept) in old.iter().zip(&mut kept) {
            if let Some((false, found, value)) = option(line).filter(|(_, found, _)| *found == name)
                && let Some(at) = left.iter().position(|wanted| *wanted == value)
            {
                let wanted = self.line(found, value);
                let is_fine =
                    self.ignore_spaces || line.trim_end_matches(['\r', '\n']) == wanted.trim_end();
                *kept = Some(if is_fine { line.clone() } else { wanted });
                left.remove(at);
            }
        }
        let mut new = Vec::new();
        let mut last = None;
        let mut msg = "option added";
        for (line, kept) in old.iter().zip(kept) {
            if let Some(kept) = kept {
                if kept != *line {
                    msg = "option changed";
                }
                new.push(kept);
                last = Some(new.len());
                continue;
            }
            match option(line).filter(|(_, found, _)| *found == name) {
                Some((is_remark, ..)) if is_remark && !self.modify_inactive_option => {
                    new.push(line.clone())
                }
                // Another value, or a remark: its place is used for what is still missing.
                Some((is_remark, ..)) if !left.is_empty() && (is_remark || self.exclusive) => {
                    let value = left.remove(0);
                    new.push(self.line(name, value));
                    last = Some(new.len());
                    msg = "option changed";
                }
                Some((false, ..)) if self.exclusive => msg = "option changed",
                _ => new.push(line.clone()),
            }
        }
        if !left.is_empty() {
            // Remarks at the end of a section are about what follows.
            let is_rest = |line: &&String| {
                line.trim().is_empty() || line.trim_start().starts_with(['#', ';'])
            };
            let rest = new.iter().rev().take_while(is_rest).count();
            let at = last.unwrap_or(new.len() - rest);
            if let Some(above) = at
                .checked_sub(1)
                .and_then(|above| new.get_mut(above))
                .filter(|line| !line.ends_with('\n'))
            {
                above.push('\n');
            }
            let missing: Vec<String> =
                left.into_iter().map(|value| self.line(name, value)).collect();
            new.splice(at..at, missing);
        }
        (new, msg)
    }

    fn without_option(
        &self,
        old: &[String],
        name: &str,
        values: &[&str],
    ) -> (Vec<String>, &'static str) {
        let goes = |line: &&String| {
            option(line).is_some_and(|(is_remark, found, value)| {
                !is_remark
                    && found == name
                    && (self.exclusive
                        || values.is_empty()
                        || value.is_some_and(|value| values.contains(&value)))
            })
        };
        (old.iter().filter(|line| !goes(line)).cloned().collect(), "option changed")
    }
}

/// Where a section ends whose first line is given.
fn section_end(all: &[String], start: usize) -> usize {
    let rest = all.get(start..).unwrap_or_default();
    rest.iter().position(|line| header(line).is_some()).map_or(all.len(), |more| start + more)
}

fn close_last(all: &mut [String]) {
    if let Some(last) = all.last_mut().filter(|line| !line.ends_with('\n')) {
        last.push('\n');
    }
}

#[cfg(test)]
mod tests;
