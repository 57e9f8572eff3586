//! From the arguments of `copy` to what should stand where.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use module::{
    Failure, FileArguments, FileKind, Host, Metadata, Source,
    content::{Algorithm, file_digest},
    file_arguments::{FILE_MODE, FOLDER_MODE},
};
use protocol::{Diff, Json, diff::Side};
use serde::{Deserialize, Serialize};

use super::{Copy, origin::Origin, state::Node};
use crate::text_diff::file_diff;

/// Files that one task copies.
const FILES_MAX: usize = 200_000;

/// One file, folder or link of a tree that the controller holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Path below `dest`, never absolute and without `..`.
    pub path: PathBuf,
    /// The file; a folder where there is neither a source nor a target.
    #[serde(default)]
    pub source: Option<Source>,
    /// What a link leads to.
    #[serde(default)]
    pub target: Option<PathBuf>,
}

/// What should stand where.
pub struct Plan {
    /// The final path of a single file, or the folder that takes a tree.
    pub dest: PathBuf,
    /// In the order in which they can be made.
    pub wanted: Vec<Wanted>,
}

/// What should stand at one path.
pub struct Wanted {
    pub path: PathBuf,
    pub kind: WantedKind,
    /// Permissions of the source, for `mode: preserve` and for copies on the host.
    source_mode: Option<u32>,
}

/// What should be there.
pub enum WantedKind {
    File(Origin),
    Folder,
    Link(PathBuf),
}

impl Plan {
    /// Works out what should stand where.
    ///
    /// # Errors
    /// Arguments that do not fit each other or the host.
    pub fn make(copy: &Copy, host: &dyn Host) -> Result<Self, Failure> {
        if let Some(items) = &copy.manifest {
            return Self::of_manifest(copy, host, items);
        }
        if let Some(content) = copy.content.as_ref().filter(|_| copy.source.is_none()) {
            let origin = Origin::Text(content.clone().into_bytes());
            return Self::of_file(copy, host, origin, None, None);
        }
        if let Some(source) = &copy.source {
            let name = Some(source.name.clone()).filter(|name| !name.is_empty());
            let mode = source.mode;
            let origin = Origin::Controller(source.clone());
            let name = name.filter(|_| copy.content.is_none());
            return Self::of_file(copy, host, origin, name, mode);
        }
        let Some(src) = copy.src.as_deref().filter(|src| !src.as_os_str().is_empty()) else {
            return Err(Failure::new("src (or content) is required"));
        };
        if !copy.remote_src {
            return Err(Failure::new(
                "bug in trueup: copy was sent to a host without the file that it copies",
            ));
        }
        Self::of_host(copy, host, src)
    }

    /// The one file, where it is about one.
    pub fn single(&self) -> Option<&Wanted> {
        let mut files = self.wanted.iter().filter(|one| !matches!(one.kind, WantedKind::Folder));
        files.next().filter(|one| one.path == self.dest)
    }

    fn of_file(
        copy: &Copy,
        host: &dyn Host,
        origin: Origin,
        name: Option<String>,
        source_mode: Option<u32>,
    ) -> Result<Self, Failure> {
        let ends_with_slash = copy.dest.to_string_lossy().ends_with('/');
        let is_folder = host.metadata(&copy.dest)?.is_some_and(|found| found.is_dir());
        let mut wanted = Vec::new();
        let mut path = copy.dest.clone();
        if is_folder || ends_with_slash {
            let Some(name) = name else {
                return Err(Failure::new("can not use content with a dir as dest"));
            };
            if !is_folder {
                add_folders(host, &copy.dest, &mut wanted)?;
            }
            path.push(name);
        }
        if copy.follow && host.link_metadata(&path)?.is_some_and(|found| found.is_link()) {
            path = host.real_path(&path)?;
        }
        if host.metadata(&path)?.is_some_and(|found| found.is_dir()) {
            return Err(Failure::new(format!(
                "cannot replace the folder {} with a file",
                path.display()
            )));
        }
        let there = host.link_metadata(&path)?.is_some();
        if copy.force || !there {
            let kind = WantedKind::File(origin);
            wanted.push(Wanted { path: path.clone(), kind, source_mode });
        }
        Ok(Self { dest: path, wanted })
    }

    fn of_manifest(copy: &Copy, host: &dyn Host, items: &[Item]) -> Result<Self, Failure> {
        let mut wanted = Vec::new();
        add_folders(host, &copy.dest, &mut wanted)?;
        for item in items {
            let is_below =
                item.path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
            if !is_below {
                return Err(Failure::new(format!(
                    "bug in trueup: the path {} leads out of the folder",
                    item.path.display()
                )));
            }
            let mut path = copy.dest.join(&item.path);
            let (kind, source_mode) = match (&item.source, &item.target) {
                (Some(source), _) => {
                    (WantedKind::File(Origin::Controller(source.clone())), source.mode)
                }
                (None, Some(target)) => (WantedKind::Link(target.clone()), None),
                (None, None) => (WantedKind::Folder, None),
            };
            let is_link = |path: &Path| -> Result<bool, Failure> {
                Ok(host.link_metadata(path)?.is_some_and(|found| found.is_link()))
            };
            if copy.follow && matches!(kind, WantedKind::File(_)) && is_link(&path)? {
                path = host.real_path(&path)?;
            }
            if copy.force || host.link_metadata(&path)?.is_none() {
                wanted.push(Wanted { path, kind, source_mode });
            }
        }
        Ok(Self { dest: copy.dest.clone(), wanted })
    }

    fn of_host(copy: &Copy, host: &dyn Host, src: &Path) -> Result<Self, Failure> {
        let shown = src.display();
        let Some(found) = host.metadata(src)? else {
            return Err(Failure::new(format!("Source {shown} not found")));
        };
        let name = src.file_name().map(|name| name.to_string_lossy().into_owned());
        if !found.is_dir() && !found.is_file() {
            return Err(Failure::new(format!("Cannot copy invalid source '{shown}': not a file")));
        }
        if !found.is_dir() {
            let origin = Origin::Here(src.to_owned());
            return Self::of_file(copy, host, origin, name, Some(found.mode.bits()));
        }
        let of_what_is_in_it = src.to_string_lossy().ends_with('/');
        let dest = match name {
            Some(name) if !of_what_is_in_it => copy.dest.join(name),
            _ => copy.dest.clone(),
        };
        if host.metadata(&dest)?.is_some_and(|found| !found.is_dir()) {
            return Err(Failure::new(format!(
                "cannot copy the folder {shown} over {}, which is no folder",
                dest.display()
            )));
        }
        if host.real_path(&dest)?.starts_with(host.real_path(src)?) {
            return Err(Failure::new(format!("cannot copy the folder {shown} into itself")));
        }
        let mut wanted = Vec::new();
        add_folders(host, &dest, &mut wanted)?;
        if let Some(last) = wanted.last_mut().filter(|last| last.path == dest) {
            last.source_mode = Some(found.mode.bits());
        }
        add_tree(copy, host, src, &dest, &mut wanted)?;
        Ok(Self { dest: copy.dest.clone(), wanted })
    }
}

/// The folders that a path needs and that are not there, outermost first.
fn add_folders(host: &dyn Host, path: &Path, wanted: &mut Vec<Wanted>) -> Result<(), Failure> {
    let mut missing = Vec::new();
    for above in path.ancestors().filter(|above| !above.as_os_str().is_empty()) {
        match host.metadata(above)? {
            Some(found) if found.is_dir() => break,
            Some(_) => {
                return Err(Failure::new(format!(
                    "cannot make the folder {}: {} is no folder",
                    path.display(),
                    above.display()
                )));
            }
            None => missing.push(above.to_owned()),
        }
    }
    let new = missing.into_iter().rev();
    wanted.extend(new.map(|path| Wanted { path, kind: WantedKind::Folder, source_mode: None }));
    Ok(())
}

fn add_tree(
    copy: &Copy,
    host: &dyn Host,
    from: &Path,
    to: &Path,
    wanted: &mut Vec<Wanted>,
) -> Result<(), Failure> {
    let follows = copy.local_follow == Some(true);
    let identity = |found: &Metadata| (found.device, found.inode);
    let own = host.metadata(from)?.as_ref().map(identity);
    // With each folder, those that it stands in.
    let mut folders = vec![(from.to_owned(), to.to_owned(), own.into_iter().collect::<Vec<_>>())];
    while let Some((from, to, above)) = folders.pop() {
        for name in host.list(&from)? {
            if wanted.len() >= FILES_MAX {
                return Err(Failure::new(format!("there are more than {FILES_MAX} files to copy")));
            }
            let (from, to) = (from.join(&name), to.join(&name));
            let Some(mut found) = host.link_metadata(&from)? else { continue };
            if found.is_link()
                && follows
                && let Some(target) = host.metadata(&from)?
                && (target.is_file() || target.is_dir() && !above.contains(&identity(&target)))
            {
                found = target;
            }
            let source_mode = Some(found.mode.bits());
            let kind = match found.kind {
                FileKind::File => WantedKind::File(Origin::Here(from.clone())),
                FileKind::Directory => {
                    let mut above = above.clone();
                    above.push(identity(&found));
                    folders.push((from.clone(), to.clone(), above));
                    WantedKind::Folder
                }
                FileKind::Link => WantedKind::Link(host.read_link(&from)?),
                _ => {
                    return Err(Failure::new(format!(
                        "{} is neither file, folder nor link, and cannot be copied",
                        from.display()
                    )));
                }
            };
            let there = host.link_metadata(&to)?.is_some();
            if copy.force || !there || matches!(kind, WantedKind::Folder) {
                wanted.push(Wanted { path: to, kind, source_mode });
            }
        }
    }
    Ok(())
}

impl Wanted {
    /// The file arguments that hold for this path.
    pub fn arguments(&self, copy: &Copy) -> FileArguments {
        let mut arguments = copy.file.clone();
        let mode = match self.kind {
            WantedKind::Folder => copy.directory_mode.clone(),
            _ => arguments.mode.take(),
        };
        let preserves = mode.as_ref().and_then(Json::as_str) == Some("preserve");
        let from_source = self.source_mode.map(|bits| Json::from(format!("{bits:04o}")));
        arguments.mode = if preserves { from_source } else { mode };
        if !matches!(self.kind, WantedKind::File(_)) {
            arguments.attributes = None;
        }
        // A link has no permissions of its own.
        if matches!(self.kind, WantedKind::Link(_)) {
            arguments.mode = None;
        }
        arguments
    }

    /// What stands there, and what should.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn compare(&self, copy: &Copy, host: &dyn Host) -> Result<(Node, Node), Failure> {
        let there = host.link_metadata(&self.path)?;
        let mut arguments = self.arguments(copy);
        // A copy on the host takes the permissions of what it is made from, where it is new.
        let is_new = there.is_none();
        if copy.remote_src
            && is_new
            && arguments.mode.is_none()
            && !matches!(self.kind, WantedKind::Link(_))
            && self.is_of_tree(copy)
        {
            arguments.mode = self.source_mode.map(|bits| Json::from(format!("{bits:04o}")));
        }
        let created = match self.kind {
            WantedKind::Folder => FOLDER_MODE,
            _ => FILE_MODE,
        };
        let same_kind = there.as_ref().filter(|found| match self.kind {
            WantedKind::File(_) => found.is_file(),
            WantedKind::Folder => found.is_dir(),
            WantedKind::Link(_) => found.is_link(),
        });
        let through = host.metadata(&self.path)?;
        let same_kind = match (&self.kind, same_kind, &through) {
            // A link to a folder is a folder.
            (WantedKind::Folder, None, Some(found)) if found.is_dir() => Some(found),
            (_, same_kind, _) => same_kind,
        };
        let (actual, desired) = arguments.compare(host, &self.path, same_kind, created)?;
        let desired = match &self.kind {
            WantedKind::File(origin) => {
                Node::File { digest: origin.name(host)?, attributes: desired }
            }
            WantedKind::Folder if there.is_none() => Node::Directory { attributes: desired },
            // Folders that are there keep their permissions.
            WantedKind::Folder => {
                let owner = module::FileAttributes { mode: actual.mode, ..desired };
                Node::Directory { attributes: owner }
            }
            WantedKind::Link(target) => {
                Node::Link { target: target.display().to_string(), attributes: desired }
            }
        };
        let actual = match (there.as_ref(), same_kind) {
            (None, _) => Node::Absent,
            (Some(_), Some(found)) if found.is_dir() => Node::Directory { attributes: actual },
            (Some(found), _) if found.is_link() => {
                let target = host.read_link(&self.path)?.display().to_string();
                Node::Link { target, attributes: actual }
            }
            (Some(found), _) if found.is_file() => {
                let digest = self.digest_there(host, found)?;
                Node::File { digest, attributes: actual }
            }
            (Some(_), _) => {
                return Err(Failure::new(format!(
                    "{} is in the way: it is neither a file nor a folder",
                    self.path.display()
                )));
            }
        };
        match (&actual, &desired) {
            (Node::Directory { .. }, Node::File { .. } | Node::Link { .. })
            | (Node::File { .. } | Node::Link { .. }, Node::Directory { .. }) => {
                Err(Failure::new(format!(
                    "{} is in the way: a folder does not take the place of a file, nor a file \
                     that of a folder",
                    self.path.display()
                )))
            }
            _ => Ok((actual, desired)),
        }
    }

    /// Whether this is part of a folder that is copied on the host.
    fn is_of_tree(&self, copy: &Copy) -> bool {
        match &self.kind {
            WantedKind::File(Origin::Here(src)) => copy.src.as_ref() != Some(src),
            WantedKind::File(_) => false,
            WantedKind::Folder | WantedKind::Link(_) => true,
        }
    }

    /// A file of another size has another content, so that it need not be read.
    fn digest_there(&self, host: &dyn Host, found: &Metadata) -> Result<String, Failure> {
        if let WantedKind::File(Origin::Controller(source)) = &self.kind
            && source.size != found.size
        {
            return Ok(format!("(another file of {} bytes)", found.size));
        }
        Ok(file_digest(host, Algorithm::Blake3, &self.path)?.unwrap_or_default())
    }

    /// SHA-1 of what should be there.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn sha1(&self, host: &dyn Host) -> Result<Option<String>, Failure> {
        match &self.kind {
            // After the change the file itself is nearer than the controller.
            WantedKind::File(Origin::Controller(source)) => match &source.sha1 {
                Some(sha1) => Ok(Some(sha1.clone())),
                None => Ok(file_digest(host, Algorithm::Sha1, &self.path)?),
            },
            WantedKind::File(origin) => origin.sha1(host).map(Some),
            WantedKind::Folder | WantedKind::Link(_) => Ok(None),
        }
    }

    /// The content, once it is known to be what the task asks for.
    ///
    /// # Errors
    /// Content that cannot be read, or has another SHA-1 than the task says.
    pub fn open_whole(&self, copy: &Copy, host: &dyn Host) -> Result<Box<dyn Read>, Failure> {
        let WantedKind::File(origin) = &self.kind else {
            return Ok(Box::new(std::io::empty()));
        };
        if let Some(expected) = &copy.checksum {
            let found = origin.sha1(host)?;
            if !found.eq_ignore_ascii_case(expected) {
                return Err(Failure::new(
                    "Copied file does not match the expected checksum. Transfer failed.",
                )
                .with("checksum", found)
                .with("expected_checksum", expected.clone()));
            }
        }
        origin.open(host)
    }

    /// What differs, for people.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn diff(
        &self,
        copy: &Copy,
        host: &dyn Host,
        actual: &Node,
        desired: &Node,
    ) -> Result<Diff, Failure> {
        let shown = self.path.display().to_string();
        match &self.kind {
            WantedKind::File(origin) if actual.kind_and_content() != desired.kind_and_content() => {
                let header = match origin {
                    Origin::Text(_) => shown,
                    Origin::Controller(source) if source.origin.is_empty() => shown,
                    Origin::Controller(source) => source.origin.clone(),
                    Origin::Here(src) => src.display().to_string(),
                };
                if let Origin::Controller(source) = origin
                    && source.size > crate::text_diff::DIFF_BYTES_MAX as u64
                {
                    // It is not streamed twice only to be shown.
                    let words = format!(
                        "the new content is larger than {} bytes",
                        crate::text_diff::DIFF_BYTES_MAX
                    );
                    return Ok(Diff {
                        before_header: self.path.display().to_string(),
                        after_header: header,
                        after: Side::Hidden(words),
                        ..Diff::default()
                    });
                }
                let mut content = self.open_whole(copy, host)?;
                file_diff(host, &self.path, &header, &mut *content)
            }
            _ => {
                let side = |node: &Node| {
                    let mut state = serde_json::to_value(node).unwrap_or_default();
                    if let Some(entries) = state.as_object_mut() {
                        entries.insert("path".into(), shown.clone().into());
                    }
                    Side::State(state)
                };
                Ok(Diff { before: side(actual), after: side(desired), ..Diff::default() })
            }
        }
    }
}
