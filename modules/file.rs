//! The `file` module.

mod entry;
mod recursion;
mod times;

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use module::{
    Arguments, Choices, Delta, Documented, Example, Failure, FileArguments, FileAttributes,
    FileKind, Host, Metadata, Module, Returned,
    file_arguments::{FILE_MODE, FOLDER_MODE, path_info},
    host::Links,
};
use protocol::{Diff, Json, JsonMap, diff::Side};

use entry::{Content, Entry};

/// How much of a file is looked at to tell whether it is binary.
const PEEK_BYTES: u64 = 8192;

/// Keeps a file, folder or link as it should be, or away.
///
/// It sets owner, permissions and times, makes empty files, folders and links, and removes them
/// with all that is in them. Content is the matter of `copy` and `template`.
#[derive(Debug, Arguments)]
pub struct File {
    /// The file.
    #[argument(aliases("dest", "name"))]
    path: PathBuf,
    /// What should be there. `file` is a file that is there already; `touch` makes one and gives it
    /// new times; `directory` makes all folders that the path needs; `absent` removes, folders with
    /// all that is in them. Left out, it is what is there now, else `directory` with `recurse`,
    /// else `file`.
    state: Option<State>,
    /// For other programs of Ansible: nothing is done, and it is returned whether the file looks
    /// binary.
    #[argument(name = "_diff_peek")]
    diff_peek: Option<bool>,
    /// What a link leads to; for `link` it may be relative to the link's folder, and need not be
    /// there with `force`.
    src: Option<PathBuf>,
    /// Whether owner, permissions and the like go to everything in the folder too.
    #[argument(default = false)]
    recurse: bool,
    /// Whether a link may lead to nothing, and may take the place of a file or an empty folder.
    #[argument(default = false)]
    force: bool,
    /// Whether attributes go to what a link leads to instead of the link.
    #[argument(default = true)]
    follow: bool,
    /// Time of the last change: `preserve`, `now`, or a time in `modification_time_format`. `touch`
    /// takes `now` where it is left out.
    modification_time: Option<String>,
    /// How `modification_time` is written, by the letters of `strptime`.
    #[argument(default = "%Y%m%d%H%M.%S")]
    modification_time_format: String,
    /// Time of the last access, likewise.
    access_time: Option<String>,
    /// How `access_time` is written, by the letters of `strptime`.
    #[argument(default = "%Y%m%d%H%M.%S")]
    access_time_format: String,
    #[argument(flatten)]
    file: FileArguments,
}

/// What should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum State {
    Absent,
    Directory,
    File,
    Hard,
    Link,
    Touch,
}

impl Documented for File {
    const NAME: &'static str = "ansible.builtin.file";
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "A folder",
            args: r#"{"path": "/srv/www/site", "state": "directory", "mode": "0750"}"#,
        },
        Example { title: "Permissions", args: r#"{"path": "/etc/hosts", "mode": "u=rw,g=r,o="}"# },
        Example {
            title: "A link",
            args: r#"{"path": "/srv/current", "src": "/etc", "state": "link"}"#,
        },
        Example {
            title: "A link to what will be there later",
            args: r#"{"path": "/etc/hosts", "src": "later", "state": "link", "force": true}"#,
        },
        Example {
            title: "Another name for a file",
            args: r#"{"path": "/etc/hosts2", "src": "/etc/hosts", "state": "hard"}"#,
        },
        Example { title: "No such file", args: r#"{"path": "/etc/hosts", "state": "absent"}"# },
        Example { title: "No such folder", args: r#"{"path": "/etc", "state": "absent"}"# },
        Example {
            title: "An empty file, once",
            args: r#"{"path": "/etc/marker", "state": "touch", "modification_time": "preserve", "access_time": "preserve"}"#,
        },
        Example {
            title: "A folder and all in it",
            args: r#"{"path": "/etc", "state": "directory", "recurse": true, "mode": "u=rwX,g=rX,o="}"#,
        },
    ];
    const RETURNS: &'static [Returned] = &[
        Returned::new("path", "The file.", "for absent, directory and file", r#""/srv/www""#),
        Returned::new("dest", "The file.", "for touch, hard and link", r#""/srv/current""#),
    ];
}

impl Module for File {
    type State = Entry;
    const RETURNS_DIFF: bool = true;

    fn forewarn(&self, host: &dyn Host) -> Result<Vec<String>, Failure> {
        if self.state == Some(State::Absent) {
            return Ok(Vec::new());
        }
        self.file.missing_owners(host)
    }

    fn check(&self, host: &dyn Host) -> Result<Delta<Entry>, Failure> {
        let path = self.path(host)?;
        let there = host.link_metadata(&path)?;
        let state = self.state(there.as_ref());
        if self.diff_peek.is_some() {
            let now = Entry::plain(&path, there.as_ref());
            return Ok(Delta::new(now.clone(), now));
        }
        if self.recurse && state != State::Directory {
            return Err(self.refuse("recurse option requires state to be 'directory'"));
        }
        if self.src.is_some() && !matches!(state, State::Link | State::Hard) {
            return Err(self.refuse("src option requires state to be 'link' or 'hard'"));
        }
        // There is nothing that permissions could be preserved of.
        if self.file.mode.as_ref().and_then(Json::as_str) == Some("preserve") {
            return Err(self.refuse("mode must be in octal or symbolic form"));
        }
        match state {
            State::Absent => {
                Ok(Delta::new(Entry::plain(&path, there.as_ref()), Entry::absent(&path)))
            }
            State::File => self.check_file(host, &path, there.as_ref()),
            State::Touch => self.check_touch(host, &path, there.as_ref()),
            State::Directory => self.check_directory(host, &path, there.as_ref()),
            State::Link => self.check_link(host, &path, there.as_ref()),
            State::Hard => self.check_hard(host, &path, there.as_ref()),
        }
    }

    fn apply(&self, delta: &Delta<Entry>, host: &mut dyn Host) -> Result<JsonMap, Failure> {
        let (actual, desired) = (&delta.actual, &delta.desired);
        let path = Path::new(&desired.path);
        match desired.state {
            "absent" => {
                if host.link_metadata(path)?.is_some_and(|found| found.is_dir()) {
                    host.remove_dir_all(path)?;
                } else {
                    host.remove_file(path)?;
                }
                return Ok(JsonMap::new());
            }
            "directory" if actual.state == "absent" => self.make_folders(host, path)?,
            "file" if actual.state == "absent" => {
                let mut placement = self.file.placement(&desired.attributes)?;
                placement.context = None;
                host.write(path, &mut std::io::empty(), &placement)?;
            }
            "link" | "hard" if entry::is_other_link(actual, desired) => {
                // Only an empty folder is given up for a link.
                if actual.state == "directory" {
                    host.remove_dir_all(path)?;
                }
                let target = Path::new(desired.src.as_deref().unwrap_or_default());
                match desired.state {
                    "link" => host.symlink(target, path)?,
                    _ => host.hard_link(target, path)?,
                }
            }
            _ => {}
        }
        let links =
            if desired.state == "link" && !self.follow { Links::Keep } else { Links::Follow };
        let there = match links {
            Links::Keep => host.link_metadata(path)?,
            Links::Follow => host.metadata(path)?,
        };
        if links == Links::Keep || there.is_some() {
            let (mut now, mut wanted) = (FileAttributes::default(), desired.attributes.clone());
            if actual.state == desired.state {
                now = actual.attributes.clone();
            } else {
                // The kernel gave it a context, of which the task changes some parts.
                let made = self.file.compare(host, path, there.as_ref(), FILE_MODE)?;
                (now.secontext, wanted.secontext) = (made.0.secontext, made.1.secontext);
            }
            wanted.apply(&now, host, path, links)?;
        }
        recursion::apply(delta, host)?;
        self.apply_times(delta, host, path, links)?;
        Ok(JsonMap::new())
    }

    // The path, and of the rest only what differs.
    fn diff(&self, delta: &Delta<Entry>, host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        let mut delta = delta.clone();
        if (delta.actual.state, delta.desired.state) == ("directory", "absent") {
            delta.actual.content = Some(Content::read(host, Path::new(&delta.actual.path))?);
        }
        let mut diff = delta.state_diff()?;
        if let (Side::State(Json::Object(before)), Side::State(Json::Object(after))) =
            (&mut diff.before, &mut diff.after)
        {
            let (old, new) = (before.clone(), after.clone());
            before.retain(|key, value| key == "path" || new.get(key) != Some(value));
            after.retain(|key, value| key == "path" || old.get(key) != Some(value));
        }
        Ok(vec![diff])
    }

    fn returned(&self, delta: &Delta<Entry>, host: &dyn Host) -> Result<JsonMap, Failure> {
        let path = Path::new(&delta.desired.path);
        let mut map = JsonMap::new();
        if self.diff_peek.is_some() {
            let mut head = Vec::new();
            if let Some(file) = host.open(path)? {
                file.take(PEEK_BYTES).read_to_end(&mut head)?;
            }
            map.insert("path".into(), path.display().to_string().into());
            map.insert("appears_binary".into(), head.contains(&0).into());
            return Ok(map);
        }
        let wanted = self.state.or(match delta.desired.state {
            "link" => Some(State::Link),
            "hard" => Some(State::Hard),
            _ => None,
        });
        let key = match wanted {
            Some(State::Touch | State::Hard | State::Link) => "dest",
            _ => "path",
        };
        map.insert(key.into(), path.display().to_string().into());
        if let (Some(src), "link" | "hard") = (&delta.desired.src, delta.desired.state) {
            map.insert("src".into(), src.clone().into());
        }
        if delta.desired.state == "absent" {
            map.insert("state".into(), "absent".into());
        } else {
            map.extend(path_info(host, path)?);
        }
        Ok(map)
    }
}

impl File {
    /// Where the work is done: links are followed first, and a folder that is given for a new hard
    /// link takes the link in.
    fn path(&self, host: &dyn Host) -> Result<PathBuf, Failure> {
        let there = host.link_metadata(&self.path)?;
        let is_link = there.as_ref().is_some_and(Metadata::is_link);
        let state = self.state(there.as_ref());
        if !matches!(state, State::Link | State::Absent) {
            if self.follow && is_link && state != State::Hard {
                return Ok(host.real_path(&self.path)?);
            }
            if let (Some(src), Some(found)) = (&self.src, host.metadata(&self.path)?)
                && found.is_dir()
                && let Some(name) = src.file_name()
            {
                return Ok(self.path.join(name));
            }
        }
        // A slash at the end of a link's path would follow it.
        let text = self.path.to_string_lossy();
        let trimmed = text.trim_end_matches('/');
        // It is no name of the root: an empty variable would take the whole host away.
        if text.is_empty() {
            return Err(Failure::new("path is empty, and names no file"));
        }
        Ok(if trimmed.is_empty() { "/".into() } else { trimmed.into() })
    }

    fn state(&self, there: Option<&Metadata>) -> State {
        self.state.unwrap_or(match there {
            Some(found) if found.is_dir() => State::Directory,
            Some(found) if found.is_link() => State::Link,
            Some(_) => State::File,
            None if self.recurse => State::Directory,
            None => State::File,
        })
    }

    fn refuse(&self, why: impl Into<String>) -> Failure {
        Failure::new(why).with("path", self.path.display().to_string())
    }

    fn check_file(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<Delta<Entry>, Failure> {
        let shown = path.display();
        match there {
            None => Err(self
                .refuse(format!("file ({shown}) is absent, cannot continue"))
                .with("state", "absent")),
            Some(found) if found.is_dir() || found.is_link() => {
                let state = found.state();
                Err(self
                    .refuse(format!("file ({shown}) is {state}, cannot continue"))
                    .with("state", state))
            }
            Some(found) => self.compare(host, path, Some(found), "file"),
        }
    }

    fn check_touch(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<Delta<Entry>, Failure> {
        let state = match there {
            Some(found) if found.is_dir() => "directory",
            Some(found) if found.is_link() => {
                return Err(self.refuse(format!(
                    "Can only touch files, directories, and hardlinks ({} is a link)",
                    path.display()
                )));
            }
            _ => "file",
        };
        self.compare(host, path, there, state)
    }

    fn check_directory(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<Delta<Entry>, Failure> {
        if let Some(found) = there.filter(|found| !found.is_dir()) {
            return Err(self.refuse(format!(
                "{} already exists as a {}",
                path.display(),
                found.state()
            )));
        }
        for above in path.ancestors().skip(1).filter(|above| !above.as_os_str().is_empty()) {
            if there.is_none() && host.metadata(above)?.is_some_and(|found| !found.is_dir()) {
                return Err(self.refuse(format!(
                    "There was an issue creating {} as requested: {} is no folder",
                    path.display(),
                    above.display()
                )));
            }
        }
        let mut delta = self.compare(host, path, there, "directory")?;
        if self.recurse && there.is_some() {
            recursion::compare(&self.file, host, path, self.follow, &mut delta)?;
        }
        Ok(delta)
    }

    fn check_link(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<Delta<Entry>, Failure> {
        let is_link = there.is_some_and(Metadata::is_link);
        let src = match &self.src {
            Some(src) => src.clone(),
            None if is_link => host.read_link(path)?,
            None => return Err(self.refuse("src is required for creating new symlinks")),
        };
        let folder = match there {
            Some(found) if found.is_dir() => path,
            _ => path.parent().unwrap_or(Path::new("/")),
        };
        let target = folder.join(&src);
        let target_there = host.metadata(&target)?;
        if !self.force && target_there.is_none() {
            return Err(self
                .refuse(format!(
                    "src file does not exist, use \"force=yes\" if you really want to create the \
                     link: {}",
                    target.display()
                ))
                .with("src", src.display().to_string()));
        }
        match there.map(|found| found.kind) {
            Some(FileKind::Directory) if !self.force => {
                return Err(self.refuse(format!(
                    "refusing to convert from directory to symlink for {}",
                    path.display()
                )));
            }
            Some(FileKind::Directory) if !host.list(path)?.is_empty() => {
                return Err(self.refuse(format!(
                    "the directory {} is not empty, refusing to convert it",
                    path.display()
                )));
            }
            Some(FileKind::Link) | None => {}
            Some(_) if !self.force => {
                return Err(self.refuse(format!(
                    "refusing to convert from file to symlink for {}",
                    path.display()
                )));
            }
            Some(_) => {}
        }
        // With `follow`, attributes are those of what the link leads to.
        let mut delta = if self.follow {
            match &target_there {
                Some(found) => self.compare(host, &target, Some(found), "link")?,
                None => Delta::new(Entry::link(path), Entry::link(path)),
            }
        } else {
            self.compare(host, path, there.filter(|_| is_link), "link")?
        };
        delta.actual = Entry { attributes: delta.actual.attributes, ..Entry::plain(path, there) };
        delta.actual.src = if is_link { Some(text(&host.read_link(path)?)) } else { None };
        delta.desired.path = text(path);
        delta.desired.src = Some(text(&src));
        if !self.follow && !is_link {
            delta.actual.attributes = Default::default();
        }
        Ok(delta)
    }

    fn check_hard(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
    ) -> Result<Delta<Entry>, Failure> {
        let Some(src) = &self.src else {
            return Err(self.refuse("src is required for creating new hardlinks"));
        };
        let Some(target) = host.link_metadata(src)? else {
            return Err(self
                .refuse("src does not exist")
                .with("src", text(src))
                .with("dest", text(path)));
        };
        let is_same = there.is_some_and(|found| found.is_same_file(&target));
        match there {
            Some(found) if !is_same && found.is_dir() => {
                return Err(self.refuse(format!(
                    "Cannot link, {} exists as a directory at destination",
                    path.display()
                )));
            }
            Some(found) if !is_same && !self.force => {
                return Err(self.refuse(match found.links {
                    1 => format!("Cannot link, {} exists at destination", found.state()),
                    _ => "Cannot link, different hard link exists at destination".into(),
                }));
            }
            _ => {}
        }
        let mut delta = self.compare(host, src, Some(&target), "hard")?;
        delta.desired = Entry { path: text(path), src: Some(text(src)), ..delta.desired };
        delta.actual = Entry {
            attributes: delta.actual.attributes,
            src: is_same.then(|| text(src)),
            ..Entry::plain(path, there)
        };
        if is_same {
            delta.actual.state = "hard";
        }
        Ok(delta)
    }

    /// What the task says about what stands (or will stand) there.
    fn compare(
        &self,
        host: &dyn Host,
        path: &Path,
        there: Option<&Metadata>,
        state: &'static str,
    ) -> Result<Delta<Entry>, Failure> {
        let created = if state == "directory" { FOLDER_MODE } else { FILE_MODE };
        let (actual, mut desired) = self.file.compare(host, path, there, created)?;
        if there.is_none() && !self.file.names_context() {
            // What the kernel gives to a new file stays.
            desired.secontext = None;
        }
        let mut before = Entry::plain(path, there);
        let mut after = Entry { state, ..Entry::plain(path, there) };
        if there.is_some() && state != "link" {
            // A file with several names is a file.
            before.state = state;
        }
        before.attributes = actual;
        after.attributes = desired;
        let mut delta = Delta::new(before, after);
        self.compare_times(host, there, &mut delta)?;
        Ok(delta)
    }

    /// Makes a folder and those above it; all new ones get the attributes of the task.
    fn make_folders(&self, host: &mut dyn Host, path: &Path) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for above in path.ancestors().filter(|above| !above.as_os_str().is_empty()) {
            if host.metadata(above)?.is_some() {
                break;
            }
            missing.push(above);
        }
        for folder in missing.into_iter().rev() {
            host.make_dir(folder, FOLDER_MODE)?;
            let there = host.metadata(folder)?;
            let (actual, desired) = self.file.compare(host, folder, there.as_ref(), FOLDER_MODE)?;
            desired.apply(&actual, host, folder, Links::Follow)?;
        }
        Ok(())
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
