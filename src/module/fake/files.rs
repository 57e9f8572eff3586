//! Files in memory: folders, links, and several names for one file.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io,
    path::{Component, Path, PathBuf},
    time::Duration,
};

use crate::{FileKind, FileMode, Metadata, host::Links};

/// How many links a path may lead through.
const LINKS_MAX: usize = 40;

/// Files by their real paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Files {
    pub(super) nodes: BTreeMap<PathBuf, Node>,
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) next_inode: u64,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Inode(u64),
    Link(PathBuf, u32, u32),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Inode {
    pub(super) is_dir: bool,
    pub(super) is_device: bool,
    pub(super) content: Vec<u8>,
    pub(super) mode: FileMode,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) accessed: Duration,
    pub(super) modified: Duration,
    pub(super) attributes: BTreeMap<String, Vec<u8>>,
}

impl Default for Files {
    fn default() -> Self {
        let mut files = Self { nodes: BTreeMap::new(), inodes: BTreeMap::new(), next_inode: 2 };
        files.insert(Path::new("/"), true, Vec::new(), FileMode::new(0o755));
        files
    }
}

pub(super) fn refusal(kind: io::ErrorKind) -> io::Error {
    kind.into()
}

impl Files {
    pub(super) fn insert(&mut self, path: &Path, is_dir: bool, content: Vec<u8>, mode: FileMode) {
        let inode = self.next_inode;
        self.next_inode += 1;
        let node = Inode {
            is_dir,
            is_device: false,
            content,
            mode,
            uid: 0,
            gid: 0,
            accessed: Duration::from_secs(1_000),
            modified: Duration::from_secs(1_000),
            attributes: BTreeMap::new(),
        };
        self.inodes.insert(inode, node);
        self.nodes.insert(path.to_owned(), Node::Inode(inode));
        self.drop_unlinked();
    }

    pub(super) fn drop_unlinked(&mut self) {
        let used: Vec<u64> = self
            .nodes
            .values()
            .filter_map(|node| match node {
                Node::Inode(inode) => Some(*inode),
                Node::Link(..) => None,
            })
            .collect();
        self.inodes.retain(|inode, _| used.contains(inode));
    }

    /// The real path, with links followed in all of it or in all but the last part.
    pub(super) fn resolve(&self, path: &Path, links: Links) -> io::Result<PathBuf> {
        let mut real = PathBuf::from("/");
        let mut left = LINKS_MAX;
        let mut rest: Vec<OsString> = parts(path);
        rest.reverse();
        while let Some(part) = rest.pop() {
            if part == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&part);
            match self.nodes.get(&next) {
                Some(Node::Link(target, ..)) if !rest.is_empty() || links == Links::Follow => {
                    left = left
                        .checked_sub(1)
                        .ok_or_else(|| io::Error::other("too many levels of symbolic links"))?;
                    if target.is_absolute() {
                        real = PathBuf::from("/");
                    }
                    rest.extend(parts(target).into_iter().rev());
                }
                Some(Node::Inode(inode)) if !rest.is_empty() => {
                    if !self.inodes.get(inode).is_some_and(|node| node.is_dir) {
                        return Err(refusal(io::ErrorKind::NotADirectory));
                    }
                    real = next;
                }
                _ => real = next,
            }
        }
        Ok(real)
    }

    pub(super) fn inode(&self, real: &Path) -> Option<(u64, &Inode)> {
        match self.nodes.get(real)? {
            Node::Inode(inode) => Some((*inode, self.inodes.get(inode)?)),
            Node::Link(..) => None,
        }
    }

    pub(super) fn inode_mut(&mut self, path: &Path, links: Links) -> io::Result<&mut Inode> {
        let real = self.resolve(path, links)?;
        match self.nodes.get(&real) {
            Some(Node::Inode(inode)) => {
                self.inodes.get_mut(inode).ok_or_else(|| refusal(io::ErrorKind::NotFound))
            }
            _ => Err(refusal(io::ErrorKind::NotFound)),
        }
    }

    pub(super) fn stat(&self, path: &Path, links: Links) -> io::Result<Option<Metadata>> {
        let real = match self.resolve(path, links) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return Err(error),
        };
        let plain = |kind, mode, uid, gid, size, inode| Metadata {
            kind,
            mode,
            uid,
            gid,
            size,
            accessed: Duration::from_secs(1_000),
            modified: Duration::from_secs(1_000),
            changed: Duration::from_secs(1_000),
            links: 1,
            inode,
            device: 1,
            special: 0,
            blocks: 0,
            block_bytes: 4096,
        };
        Ok(match self.nodes.get(&real) {
            None => None,
            Some(Node::Link(target, uid, gid)) => {
                let size = target.as_os_str().len() as u64;
                Some(plain(FileKind::Link, FileMode::new(0o777), *uid, *gid, size, 1))
            }
            Some(Node::Inode(number)) => self.inodes.get(number).map(|inode| {
                let kind = match (inode.is_dir, inode.is_device) {
                    (true, _) => FileKind::Directory,
                    (_, true) => FileKind::BlockDevice,
                    _ => FileKind::File,
                };
                let same = |node: &&Node| matches!(node, Node::Inode(other) if other == number);
                let size = inode.content.len() as u64;
                Metadata {
                    accessed: inode.accessed,
                    modified: inode.modified,
                    links: self.nodes.values().filter(same).count() as u64,
                    ..plain(kind, inode.mode, inode.uid, inode.gid, size, *number)
                }
            }),
        })
    }

    /// The real path for something new or replaced: its folder must be there.
    pub(super) fn place(&self, path: &Path) -> io::Result<PathBuf> {
        let real = self.resolve(path, Links::Keep)?;
        let parent = real.parent().unwrap_or(Path::new("/"));
        match self.inode(parent) {
            Some((_, node)) if node.is_dir => Ok(real),
            Some(_) => Err(refusal(io::ErrorKind::NotADirectory)),
            None => Err(refusal(io::ErrorKind::NotFound)),
        }
    }

    /// The content of a file, for assertions and fake programs.
    pub fn text(&self, path: &str) -> Option<String> {
        let real = self.resolve(Path::new(path), Links::Follow).ok()?;
        let (_, inode) = self.inode(&real)?;
        Some(String::from_utf8_lossy(&inode.content).into_owned())
    }

    /// Puts a file, and the folders above it; what stands there keeps its attributes.
    pub fn put(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        if let Ok(inode) = self.inode_mut(Path::new(path), Links::Follow) {
            inode.content = content.into();
            return;
        }
        self.put_dirs(Path::new(path).parent().unwrap_or(Path::new("/")));
        self.insert(Path::new(path), false, content.into(), FileMode::new(0o644));
    }

    /// Puts a folder, and those above it.
    pub fn put_dirs(&mut self, path: &Path) {
        let above: Vec<&Path> = path.ancestors().collect();
        for folder in above.into_iter().rev() {
            if !self.nodes.contains_key(folder) {
                self.insert(folder, true, Vec::new(), FileMode::new(0o755));
            }
        }
    }

    /// Removes what stands at a path, with all below.
    pub fn remove(&mut self, path: &Path) {
        self.nodes.retain(|node, _| !node.starts_with(path));
        self.drop_unlinked();
    }
}

fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}
