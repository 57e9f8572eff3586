//! The `find` module.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use module::{
    Arguments, Choices, Documented, Example, Fact, Failure, FileKind, FileMode, Host, Metadata,
    Returned, accounts,
    content::{Algorithm, file_digest},
    glob,
    metadata::since_epoch,
    mode::WantedMode,
};
use protocol::{Json, JsonMap, Response, spec::Support};
use pyregex::{Flags, Pattern};

use crate::{
    encoding::{Encoding, Undecodable},
    lineinfile::{compile, gave_up},
    stat::describe_metadata,
};

/// Files that one task looks at.
const FILES_MAX: u64 = 5_000_000;

/// Lists files of a host by name, age, size, content and permissions.
///
/// Files come sorted by name within each folder.
#[derive(Debug, Arguments)]
pub struct Find {
    /// Folders to look in.
    #[argument(aliases("name", "path"))]
    paths: Vec<PathBuf>,
    /// Patterns of names, one of which must fit; all names where this is empty.
    #[argument(default = [], aliases("pattern"))]
    patterns: Vec<String>,
    /// Patterns of names that are left out.
    #[argument(aliases("exclude"))]
    excludes: Option<Vec<String>>,
    /// Whether patterns are Python's regular expressions, held against the start of names.
    #[argument(default = false)]
    use_regex: bool,
    /// Python's regular expression that the content must fit: the start of one of its lines or,
    /// with `read_whole_file`, any place of it.
    contains: Option<String>,
    /// Whether `contains` is held against the whole content at once.
    #[argument(default = false)]
    read_whole_file: bool,
    /// How the content is encoded, by Python's name; UTF-8 where this is left out. For what is
    /// neither that, ASCII, Latin-1 nor UTF-16 the host needs `iconv`.
    encoding: Option<String>,
    /// What to look for.
    #[argument(default = "file")]
    file_type: FileType,
    /// Whether folders below are looked into.
    #[argument(default = false)]
    recurse: bool,
    /// How deep, where `recurse` is on.
    depth: Option<i64>,
    /// How old files must be at least, such as `30`, `2d` or `1w`; at most, where it is negative.
    age: Option<String>,
    /// Which time counts for `age`.
    #[argument(default = "mtime")]
    age_stamp: Stamp,
    /// How large files must be at least, such as `10m`; at most, where it is negative.
    size: Option<String>,
    /// Permissions that files must have.
    mode: Option<Json>,
    /// Whether permissions must be exactly `mode`; else they may be more.
    #[argument(default = true)]
    exact_mode: bool,
    /// Whether names that start with a dot are taken.
    #[argument(default = false)]
    hidden: bool,
    /// Whether links to folders are followed.
    #[argument(default = false)]
    follow: bool,
    /// Whether SHA-1 of each file is made.
    #[argument(default = false)]
    get_checksum: bool,
    /// How many files are found at most.
    limit: Option<u64>,
}

/// What to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum FileType {
    Any,
    Directory,
    File,
    Link,
}

/// Which time counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Stamp {
    Atime,
    Ctime,
    Mtime,
}

impl Documented for Find {
    const NAME: &'static str = "ansible.builtin.find";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Old logs",
            args: r#"{"paths": ["/etc"], "patterns": ["*.log", "hosts"], "age": "1d", "recurse": true}"#,
        },
        Example {
            title: "Files by content",
            args: r#"{"paths": "/etc", "contains": "^127", "get_checksum": true, "hidden": true}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new(
            "files",
            "What was found, as `stat` tells it.",
            "success",
            r#"[{"path": "/etc/hosts", "mode": "0644"}]"#,
        ),
        Returned::new("matched", "How many were found.", "success", "14"),
        Returned::new("examined", "How many were looked at.", "success", "34"),
        Returned::new(
            "skipped_paths",
            "Folders that could not be looked into, and why.",
            "success",
            r#"{"/none": "'/none' is not a directory"}"#,
        ),
    ];
    const DIFF_MODE: Support = Support::None;
}

/// What to look for, ready to be held against files.
struct Wanted {
    patterns: Vec<Name>,
    excludes: Vec<Name>,
    contains: Option<Pattern>,
    /// How texts are read, or why they cannot be.
    encoding: Result<Encoding, String>,
    age: Option<(Duration, bool)>,
    size: Option<(u64, bool)>,
    mode: Option<WantedMode>,
    now: Duration,
}

/// Why a folder is not looked through to its end.
enum Trouble {
    Failure(Failure),
    /// A file is no text in the encoding that was said.
    Encoding(String),
}

impl<E: Into<Failure>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

enum Name {
    Glob(String),
    Regex(Pattern),
}

impl Name {
    fn fits(&self, name: &str) -> Result<bool, Failure> {
        match self {
            Self::Glob(pattern) => Ok(glob::is_match(pattern, name)),
            Self::Regex(pattern) => {
                Ok(pattern.match_(name).map_err(|why| gave_up(&why))?.is_some())
            }
        }
    }
}

impl Fact for Find {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let wanted = self.wanted(host)?;
        let mut found = Vec::new();
        let mut skipped = JsonMap::new();
        let mut examined = 0;
        for path in &self.paths {
            if self.is_enough(&found) {
                break;
            }
            if !host.metadata(path)?.is_some_and(|there| there.is_dir()) {
                let shown = path.display().to_string();
                let why = format!("'{shown}' is not a directory");
                skipped.insert(shown, why.into());
                continue;
            }
            match self.walk(host, path, &wanted, &mut found, &mut examined, &mut skipped) {
                Ok(()) => {}
                Err(Trouble::Failure(failure)) => return Err(failure),
                Err(Trouble::Encoding(why)) => {
                    skipped.insert(path.display().to_string(), why.into());
                }
            }
        }
        let msg = if skipped.is_empty() {
            "All paths examined"
        } else {
            "Not all paths examined, check warnings for details"
        };
        let warnings = skipped
            .iter()
            .map(|(path, why)| {
                format!(
                    "Skipped '{path}' path due to this access issue: {}",
                    protocol::python::text(why)
                )
            })
            .collect();
        let mut response = Response { msg: Some(msg.into()), warnings, ..Response::default() };
        response.returned.insert("matched".into(), found.len().into());
        response.returned.insert("files".into(), found.into());
        response.returned.insert("examined".into(), examined.into());
        response.returned.insert("skipped_paths".into(), skipped.into());
        Ok(response)
    }
}

impl Find {
    fn wanted(&self, host: &dyn Host) -> Result<Wanted, Failure> {
        let names = |argument: &str, patterns: &[String]| -> Result<Vec<Name>, Failure> {
            patterns
                .iter()
                .map(|pattern| match self.use_regex {
                    true => Ok(Name::Regex(compile(argument, pattern, Flags::default())?)),
                    false => Ok(Name::Glob(pattern.clone())),
                })
                .collect()
        };
        let age = self.age.as_deref().map(|text| {
            parse_age(text).ok_or_else(|| Failure::new("failed to process age").with("age", text))
        });
        let size = self.size.as_deref().map(|text| {
            parse_size(text)
                .ok_or_else(|| Failure::new("failed to process size").with("size", text))
        });
        let contains = self.contains.as_deref();
        Ok(Wanted {
            patterns: names("patterns", &self.patterns)?,
            excludes: names("excludes", self.excludes.as_deref().unwrap_or_default())?,
            contains: contains
                .map(|text| compile("contains", text, Flags::default()))
                .transpose()?,
            age: age.transpose()?,
            size: size.transpose()?,
            encoding: self.encoding(host),
            mode: self.mode.as_ref().map(WantedMode::parse).transpose()?,
            now: since_epoch(host.now()),
        })
    }

    fn encoding(&self, host: &dyn Host) -> Result<Encoding, String> {
        let name = self.encoding.as_deref().filter(|_| self.contains.is_some());
        Encoding::find(host, name.unwrap_or("utf-8")).map_err(|why| why.msg)
    }

    fn is_enough(&self, found: &[Json]) -> bool {
        self.limit.is_some_and(|limit| limit > 0 && found.len() as u64 >= limit)
    }

    fn walk(
        &self,
        host: &dyn Host,
        root: &Path,
        wanted: &Wanted,
        found: &mut Vec<Json>,
        examined: &mut u64,
        skipped: &mut JsonMap,
    ) -> Result<(), Trouble> {
        let mut seen = BTreeSet::new();
        let mut folders: std::collections::VecDeque<(PathBuf, i64)> = [(root.to_owned(), 1)].into();
        while let Some((folder, depth)) = folders.pop_front() {
            let names: Vec<OsString> = match host.list(&folder) {
                Ok(names) => names,
                Err(error) => {
                    let why = module::failure::chain(&error);
                    skipped.insert(folder.display().to_string(), why.into());
                    continue;
                }
            };
            let mut below = Vec::new();
            for name in names {
                let path = folder.join(&name);
                let Some(there) = host.link_metadata(&path)? else { continue };
                *examined += 1;
                if *examined > FILES_MAX {
                    let why = format!("there are more than {FILES_MAX} files below");
                    return Err(Failure::new(why).into());
                }
                let leads_to_folder = there.is_dir()
                    || (self.follow
                        && there.is_link()
                        && host.metadata(&path)?.is_some_and(|target| target.is_dir()));
                let name = name.to_string_lossy();
                let is_hidden = name.starts_with('.') && !self.hidden;
                if !is_hidden && self.fits(host, &path, &name, &there, wanted)? {
                    found.push(self.describe(host, &path, &there)?);
                    if self.is_enough(found) {
                        return Ok(());
                    }
                }
                if leads_to_folder && self.recurse {
                    if self.depth.is_some_and(|most| depth >= most) {
                        // What is below is counted, and not looked at.
                        *examined += host.list(&path).map_or(0, |names| names.len() as u64);
                        continue;
                    }
                    let target = host.metadata(&path)?;
                    if target.is_some_and(|found| seen.insert((found.device, found.inode))) {
                        below.push((path, depth + 1));
                    }
                }
            }
            // Depth first, in the order of names, as Python walks.
            for one in below.into_iter().rev() {
                folders.push_front(one);
            }
        }
        Ok(())
    }

    fn fits(
        &self,
        host: &dyn Host,
        path: &Path,
        name: &str,
        there: &Metadata,
        wanted: &Wanted,
    ) -> Result<bool, Trouble> {
        let is_kind = match self.file_type {
            FileType::Any => true,
            FileType::Directory => there.is_dir(),
            FileType::File => there.is_file(),
            FileType::Link => there.is_link(),
        };
        if !is_kind {
            return Ok(false);
        }
        let any = |names: &[Name]| -> Result<bool, Failure> {
            for one in names {
                if one.fits(name)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        if (!wanted.patterns.is_empty() && !any(&wanted.patterns)?) || any(&wanted.excludes)? {
            return Ok(false);
        }
        let stamp = match self.age_stamp {
            Stamp::Atime => there.accessed,
            Stamp::Ctime => there.changed,
            Stamp::Mtime => there.modified,
        };
        let old = wanted.now.saturating_sub(stamp);
        let is_aged = match wanted.age {
            Some((age, true)) => old >= age,
            Some((age, false)) => old <= age,
            None => true,
        };
        // The size of a folder says nothing.
        let is_sized = there.is_dir()
            || match wanted.size {
                Some((size, true)) => there.size >= size,
                Some((size, false)) => there.size <= size,
                None => true,
            };
        if !is_aged || !is_sized {
            return Ok(false);
        }
        if let Some(mode) = &wanted.mode {
            let mode = mode.resolve(FileMode::default(), there.is_dir(), 0)?.bits();
            let bits = there.mode.bits();
            if if self.exact_mode { bits != mode } else { bits & mode != mode } {
                return Ok(false);
            }
        }
        match &wanted.contains {
            Some(pattern) if there.kind == FileKind::File => {
                let encoding =
                    wanted.encoding.as_ref().map_err(|why| Trouble::Encoding(why.clone()))?;
                self.contains(host, path, pattern, encoding)
            }
            _ => Ok(true),
        }
    }

    fn contains(
        &self,
        host: &dyn Host,
        path: &Path,
        pattern: &Pattern,
        encoding: &Encoding,
    ) -> Result<bool, Trouble> {
        // A file that cannot be read holds nothing that anyone could find.
        let Ok(Some(bytes)) = host.read(path) else { return Ok(false) };
        let text = encoding.decode(host, &bytes).map_err(|why| match why {
            Undecodable::Failure(failure) => Trouble::Failure(failure),
            Undecodable::Misfit => Trouble::Encoding(format!(
                "Failed to read the file {} due to an encoding error. current encoding: {}",
                path.display(),
                self.encoding.as_deref().unwrap_or("utf-8")
            )),
        })?;
        if self.read_whole_file {
            return Ok(pattern.is_match(&text).map_err(|why| gave_up(&why))?);
        }
        for line in text.split_inclusive('\n') {
            if pattern.match_(line).map_err(|why| gave_up(&why))?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn describe(&self, host: &dyn Host, path: &Path, there: &Metadata) -> Result<Json, Failure> {
        let mut map = JsonMap::new();
        describe_metadata(path, there, &mut map);
        for name in ["blocks", "block_size", "device_type"] {
            map.remove(name);
        }
        let user = accounts::local_users(host)?.into_iter().find(|user| user.uid == there.uid);
        map.insert("pw_name".into(), user.map(|user| user.name).unwrap_or_default().into());
        let group = accounts::local_groups(host)?.into_iter().find(|group| group.gid == there.gid);
        map.insert("gr_name".into(), group.map(|group| group.name).unwrap_or_default().into());
        if there.is_link() {
            map.insert("lnk_source".into(), host.real_path(path)?.display().to_string().into());
        }
        if self.get_checksum && there.is_file() {
            map.insert("checksum".into(), file_digest(host, Algorithm::Sha1, path)?.into());
        }
        Ok(map.into())
    }
}

/// A number with a unit: how much, and whether at least that.
fn parse_number(text: &str, units: &[(char, u64)]) -> Option<(u64, bool)> {
    let text = text.to_lowercase();
    let (text, at_least) = match text.strip_prefix('-') {
        Some(rest) => (rest, false),
        None => (text.as_str(), true),
    };
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor = match unit.chars().next() {
        None => 1,
        Some(letter) if unit.len() == 1 => units.iter().find(|(known, _)| *known == letter)?.1,
        Some(_) => return None,
    };
    Some((digits.parse::<u64>().ok()?.checked_mul(factor)?, at_least))
}

fn parse_age(text: &str) -> Option<(Duration, bool)> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 604_800)];
    parse_number(text, &units).map(|(secs, at_least)| (Duration::from_secs(secs), at_least))
}

fn parse_size(text: &str) -> Option<(u64, bool)> {
    parse_number(text, &[('b', 1), ('k', 1 << 10), ('m', 1 << 20), ('g', 1 << 30), ('t', 1 << 40)])
}

#[cfg(test)]
mod tests {
    use module::{Mode, fake::FakeHost};
    use protocol::Json;
    use serde_json::json;

    use crate::cases::run;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/d/a.log", "127 one\n");
        host.put("/d/b.txt", "x\n127\n");
        host.put("/d/.hidden", "");
        host.put("/d/sub/c.log", "0123456789");
        host.put("/d/sub/deep/e.log", "");
        host.put_mode("/d/a.log", 0o600);
        host.put_link("/d/link", "a.log");
        host
    }

    #[test]
    fn files_are_found() {
        for (args, expected) in [
            (json!({}), vec!["/d/a.log", "/d/b.txt"]),
            (json!({"hidden": true}), vec!["/d/.hidden", "/d/a.log", "/d/b.txt"]),
            (
                json!({"patterns": "*.log", "recurse": true}),
                vec!["/d/a.log", "/d/sub/c.log", "/d/sub/deep/e.log"],
            ),
            (
                json!({"patterns": "*.log", "recurse": true, "depth": 2}),
                vec!["/d/a.log", "/d/sub/c.log"],
            ),
            (json!({"patterns": "*.log", "recurse": true, "limit": 1}), vec!["/d/a.log"]),
            (json!({"patterns": "^[ab]\\.", "use_regex": true}), vec!["/d/a.log", "/d/b.txt"]),
            (json!({"excludes": "*.txt"}), vec!["/d/a.log"]),
            (json!({"contains": "127"}), vec!["/d/a.log", "/d/b.txt"]),
            (json!({"contains": "one"}), vec![]),
            (json!({"contains": "one", "read_whole_file": true}), vec!["/d/a.log"]),
            (json!({"file_type": "directory", "recurse": true}), vec!["/d/sub", "/d/sub/deep"]),
            (json!({"file_type": "link"}), vec!["/d/link"]),
            (json!({"size": "8"}), vec!["/d/a.log"]),
            (json!({"size": "-7b"}), vec!["/d/b.txt"]),
            (json!({"age": "1w"}), vec!["/d/a.log", "/d/b.txt"]),
            (json!({"age": "-1w"}), vec![]),
            (json!({"mode": "0600"}), vec!["/d/a.log"]),
            (json!({"mode": "0600", "exact_mode": false}), vec!["/d/a.log", "/d/b.txt"]),
        ] {
            let response = run("find", &args, "paths", "/d", Mode::default(), &mut host());
            let files = response.returned["files"].as_array().unwrap();
            let paths: Vec<&str> = files.iter().filter_map(|file| file["path"].as_str()).collect();
            assert_eq!(paths, expected, "{args}");
            assert_eq!(response.returned["matched"], Json::from(expected.len()));
        }
    }

    #[test]
    fn what_is_no_folder_is_skipped_and_said_so() {
        let response = run("find", &json!({}), "paths", "/none", Mode::default(), &mut host());
        assert_eq!(response.returned["skipped_paths"]["/none"], "'/none' is not a directory");
        assert!(!response.failed && response.warnings.len() == 1);
    }

    #[test]
    fn contents_are_read_in_their_encoding() {
        let mut host = host();
        host.put("/e/latin", &b"caf\xe9"[..]);
        for (encoding, matched, skipped) in [
            (json!("latin-1"), 1, json!({})),
            (
                json!(null),
                0,
                json!({"/e": "Failed to read the file /e/latin due to an encoding error. current encoding: utf-8"}),
            ),
            (
                json!("nosuch"),
                0,
                json!({"/e": "the encoding nosuch is read with the program iconv, which is not on the host"}),
            ),
        ] {
            let args = json!({"contains": "café", "encoding": encoding});
            let response = run("find", &args, "paths", "/e", Mode::default(), &mut host);
            assert_eq!(response.returned["matched"], Json::from(matched), "{encoding}");
            assert_eq!(response.returned["skipped_paths"], skipped, "{encoding}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for (args, expected) in [
            (json!({"age": "old"}), "failed to process age"),
            (json!({"size": "3x"}), "failed to process size"),
            (json!({"contains": "("}), "contains is no regular expression"),
            (json!({"patterns": "(", "use_regex": true}), "patterns is no regular expression"),
        ] {
            let response = run("find", &args, "paths", "/d", Mode::default(), &mut host());
            assert!(response.msg.unwrap_or_default().starts_with(expected), "{args}");
        }
    }
}
