//! A host in memory, for tests: files, programs as functions, and faults on demand.

mod files;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use protocol::{Digest, tunnel::Tunnel};

use crate::{
    FileMode, Host, HostError, Metadata, Output, Placement, Program,
    host::{Access, Address, Connection, Links, Stamp, Temporary},
    kernel::{Kernel, Network, Space},
    terminal::{Answerer, Reply, Talk},
};

pub use files::Files;
use files::{Node, refusal};

/// What a fake program does: it may change the files, and says how it ended.
pub type FakeProgram = Rc<dyn Fn(&mut Files, &Program) -> Output>;

/// A host in memory. Comparing two compares their files alone.
#[derive(Clone, Default)]
pub struct FakeHost {
    /// Its files.
    pub files: Files,
    /// After how many successful writes all further ones fail; `None` for never.
    pub writes_left: Option<usize>,
    /// How many writes there were.
    pub writes: usize,
    /// What was streamed to the controller.
    pub sent: RefCell<Vec<Vec<u8>>>,
    /// What its kernel says of itself.
    pub kernel: Kernel,
    /// Its addresses and routes.
    pub network: Network,
    /// Its file systems, by where they are mounted.
    pub spaces: BTreeMap<PathBuf, Space>,
    /// How long it has paused, by which its clock has moved on.
    pub paused: Cell<Duration>,
    programs: BTreeMap<String, FakeProgram>,
    variables: BTreeMap<String, String>,
    blobs: BTreeMap<Digest, Vec<u8>>,
    servers: BTreeMap<String, FakeServer>,
}

/// What a fake server does: it is given all that was sent before the first answer is read.
pub type FakeServer = Rc<dyn Fn(&[u8]) -> Vec<u8>>;

/// A connection to a fake server.
struct FakeConnection {
    server: FakeServer,
    sent: Vec<u8>,
    answer: Option<io::Cursor<Vec<u8>>>,
}

impl Read for FakeConnection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (server, sent) = (&self.server, &self.sent);
        self.answer.get_or_insert_with(|| io::Cursor::new(server(sent))).read(buffer)
    }
}

impl Connection for FakeConnection {
    fn into_socket(self: Box<Self>) -> Option<OwnedFd> {
        None
    }
}

impl Write for FakeConnection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // What comes after an answer is the next request.
        if self.answer.take().is_some() {
            self.sent.clear();
        }
        self.sent.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for FakeHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.fmt(f)
    }
}

impl FakeHost {
    /// Puts a file, and the folders above it.
    pub fn put(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.put(path, content);
    }

    /// Puts a disk with some content, and the folders above it.
    pub fn put_disk(&mut self, path: &str, content: impl Into<Vec<u8>>) {
        self.put(path, content);
        if let Ok(inode) = self.files.inode_mut(Path::new(path), Links::Follow) {
            inode.is_device = true;
        }
    }

    /// Puts a folder, and those above it.
    pub fn put_dirs(&mut self, path: &str) {
        self.files.put_dirs(Path::new(path));
    }

    /// Puts a symbolic link.
    pub fn put_link(&mut self, path: &str, target: &str) {
        self.put_dirs(Path::new(path).parent().and_then(Path::to_str).unwrap_or("/"));
        self.files.nodes.insert(path.into(), Node::Link(target.into(), 0, 0));
    }

    /// Sets the permissions of what stands at a path.
    pub fn put_mode(&mut self, path: &str, mode: u32) {
        if let Ok(inode) = self.files.inode_mut(Path::new(path), Links::Follow) {
            inode.mode = FileMode::new(mode);
        }
    }

    /// Puts a program.
    pub fn program(&mut self, name: &str, run: impl Fn(&mut Files, &Program) -> Output + 'static) {
        self.programs.insert(name.into(), Rc::new(run));
    }

    /// Sets a variable of the environment.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.insert(name.into(), value.into());
    }

    /// Puts a server, at `10.0.0.1:80` or the path of a socket.
    pub fn serve(&mut self, address: &str, answer: impl Fn(&[u8]) -> Vec<u8> + 'static) {
        self.servers.insert(address.into(), Rc::new(answer));
    }

    /// Lets the controller hold a file.
    pub fn hold(&mut self, content: &[u8]) -> Digest {
        let digest = Digest::of(content);
        self.blobs.insert(digest.clone(), content.to_vec());
        digest
    }

    /// Counts a write, or fails it.
    fn write_one(&mut self, operation: &'static str, path: &Path) -> Result<(), HostError> {
        if let Some(left) = &mut self.writes_left {
            *left = left.checked_sub(1).ok_or_else(|| {
                HostError::file(operation, path, io::Error::other("the fake host was cut here"))
            })?;
        }
        self.writes += 1;
        Ok(())
    }

    fn run(&self, files: &mut Files, program: &Program) -> Result<Output, HostError> {
        match self.programs.get(&program.name) {
            Some(run) => Ok(run(files, program)),
            None => Err(HostError::NoProgram { name: program.name.clone() }),
        }
    }
}

impl Host for FakeHost {
    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.files.stat(path, Links::Keep).map_err(|why| HostError::file("read", path, why))
    }

    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.files.stat(path, Links::Follow).map_err(|why| HostError::file("read", path, why))
    }

    fn open(&self, path: &Path) -> Result<Option<Box<dyn Read>>, HostError> {
        let fault = |kind| HostError::file("open", path, refusal(kind));
        let real = self.files.resolve(path, Links::Follow).map_err(|why| fault(why.kind()))?;
        match self.files.inode(&real) {
            None => Ok(None),
            Some((_, inode)) if inode.is_dir => Err(fault(io::ErrorKind::IsADirectory)),
            Some((_, inode)) => Ok(Some(Box::new(io::Cursor::new(inode.content.clone())))),
        }
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, HostError> {
        let fault = |kind| HostError::file("list", path, refusal(kind));
        let real = self.files.resolve(path, Links::Follow).map_err(|why| fault(why.kind()))?;
        match self.files.inode(&real) {
            None => Err(fault(io::ErrorKind::NotFound)),
            Some((_, inode)) if !inode.is_dir => Err(fault(io::ErrorKind::NotADirectory)),
            Some(_) => Ok(self
                .files
                .nodes
                .keys()
                .filter(|node| node.parent() == Some(&real))
                .filter_map(|node| node.file_name().map(Into::into))
                .collect()),
        }
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        let fault = |why| HostError::file("read the link", path, why);
        let real = self.files.resolve(path, Links::Keep).map_err(fault)?;
        match self.files.nodes.get(&real) {
            Some(Node::Link(target, ..)) => Ok(target.clone()),
            Some(_) => Err(fault(refusal(io::ErrorKind::InvalidInput))),
            None => Err(fault(refusal(io::ErrorKind::NotFound))),
        }
    }

    fn real_path(&self, path: &Path) -> Result<PathBuf, HostError> {
        self.files.resolve(path, Links::Follow).map_err(|why| HostError::file("resolve", path, why))
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        let real = self
            .files
            .resolve(path, Links::Keep)
            .map_err(|why| HostError::file("read the attributes of", path, why))?;
        Ok(self.files.inode(&real).and_then(|(_, inode)| inode.attributes.get(name).cloned()))
    }

    fn may(&self, access: Access, path: &Path) -> bool {
        let Ok(Some(metadata)) = self.metadata(path) else { return false };
        // The fake's user is root.
        access != Access::Execute || metadata.is_dir() || metadata.mode.bits() & 0o111 != 0
    }

    fn kernel(&self) -> Kernel {
        self.kernel.clone()
    }

    fn space(&self, path: &Path) -> Result<Option<Space>, HostError> {
        Ok(self.spaces.get(path).cloned())
    }

    fn network(&self) -> Result<Network, HostError> {
        Ok(self.network.clone())
    }

    fn pause(&self, time: Duration) -> Result<(), HostError> {
        self.paused.set(self.paused.get() + time);
        Ok(())
    }

    fn query(&self, program: &Program) -> Result<Output, HostError> {
        let mut files = self.files.clone();
        let output = self.run(&mut files, program)?;
        assert!(files == self.files, "the query {} wrote", program.line());
        Ok(output)
    }

    fn which(&self, name: &str) -> Option<PathBuf> {
        self.programs.contains_key(name).then(|| Path::new("/usr/bin").join(name))
    }

    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.paused.get()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.variables.clone().into_iter().collect()
    }

    fn umask(&self) -> FileMode {
        FileMode::new(0o022)
    }

    fn effective_uid(&self) -> u32 {
        0
    }

    fn dial(&self, address: &Address, _: Duration) -> Result<Box<dyn Connection>, HostError> {
        match self.servers.get(&address.to_string()) {
            Some(server) => {
                let server = Rc::clone(server);
                Ok(Box::new(FakeConnection { server, sent: Vec::new(), answer: None }))
            }
            None => Err(HostError::Connect {
                address: address.to_string(),
                source: refusal(io::ErrorKind::ConnectionRefused),
            }),
        }
    }

    fn secure(
        &self,
        _: Box<dyn Connection>,
        _: &Tunnel,
        _: Duration,
    ) -> Result<Box<dyn Connection>, HostError> {
        Err(HostError::Companion { source: refusal(io::ErrorKind::Unsupported) })
    }

    fn blob(&self, digest: &Digest) -> Result<Box<dyn Read>, HostError> {
        match self.blobs.get(digest) {
            Some(content) => Ok(Box::new(io::Cursor::new(content.clone()))),
            None => Err(HostError::Blob {
                digest: digest.0.clone(),
                source: refusal(io::ErrorKind::NotFound),
            }),
        }
    }

    fn send(&self, content: &mut dyn Read) -> Result<(), HostError> {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(|source| HostError::Send { source })?;
        self.sent.borrow_mut().push(bytes);
        Ok(())
    }

    fn write(
        &mut self,
        path: &Path,
        content: &mut dyn Read,
        placement: &Placement,
    ) -> Result<(), HostError> {
        let fault = |why| HostError::file("write", path, why);
        let real = self.files.place(path).map_err(fault)?;
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(fault)?;
        if let Some(words) = &placement.validate {
            let mut files = self.files.clone();
            files.put("/tmp/validated", bytes.clone());
            let mut words = words.iter().map(|word| word.replace("%s", "/tmp/validated"));
            let program = Program::new(words.next().unwrap_or_default()).args(words);
            let output = self.run(&mut files, &program)?;
            if !output.is_success() {
                return Err(HostError::Invalid { output: Box::new(output) });
            }
        }
        self.write_one("write", path)?;
        let old = self.files.inode(&real).map(|(_, inode)| inode.clone());
        if old.as_ref().is_some_and(|inode| inode.is_dir) {
            return Err(fault(refusal(io::ErrorKind::IsADirectory)));
        }
        let umask = self.umask().bits();
        let mode = placement.mode.or(old.as_ref().map(|inode| inode.mode));
        let mode = mode.unwrap_or(FileMode::new(0o666 & !umask));
        self.files.insert(&real, false, bytes, mode);
        let inode = self.files.inode_mut(&real, Links::Keep).map_err(fault)?;
        inode.uid = placement.uid.or(old.as_ref().map(|inode| inode.uid)).unwrap_or(0);
        inode.gid = placement.gid.or(old.as_ref().map(|inode| inode.gid)).unwrap_or(0);
        inode.attributes = old.map(|inode| inode.attributes).unwrap_or_default();
        if let Some(context) = &placement.context {
            inode.attributes.insert(crate::selinux::ATTRIBUTE.into(), context.clone().into());
        }
        Ok(())
    }

    fn make_dir(&mut self, path: &Path, mode: FileMode) -> Result<(), HostError> {
        let fault = |why| HostError::file("make the folder", path, why);
        let real = self.files.place(path).map_err(fault)?;
        if self.files.nodes.contains_key(&real) {
            return Err(fault(refusal(io::ErrorKind::AlreadyExists)));
        }
        self.write_one("make the folder", path)?;
        let mode = FileMode::new(mode.bits() & !self.umask().bits());
        self.files.insert(&real, true, Vec::new(), mode);
        Ok(())
    }

    fn set_mode(&mut self, path: &Path, mode: FileMode) -> Result<(), HostError> {
        self.write_one("set the mode of", path)?;
        let inode = self.files.inode_mut(path, Links::Follow);
        inode.map_err(|why| HostError::file("set the mode of", path, why))?.mode = mode;
        Ok(())
    }

    fn set_owner(
        &mut self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        links: Links,
    ) -> Result<(), HostError> {
        let fault = |why| HostError::file("set the owner of", path, why);
        self.write_one("set the owner of", path)?;
        let real = self.files.resolve(path, links).map_err(fault)?;
        if let Some(Node::Link(_, owner, group)) = self.files.nodes.get_mut(&real) {
            *owner = uid.unwrap_or(*owner);
            *group = gid.unwrap_or(*group);
            return Ok(());
        }
        let inode = self.files.inode_mut(&real, links).map_err(fault)?;
        inode.uid = uid.unwrap_or(inode.uid);
        inode.gid = gid.unwrap_or(inode.gid);
        Ok(())
    }

    fn set_times(
        &mut self,
        path: &Path,
        accessed: Option<Stamp>,
        modified: Option<Stamp>,
        links: Links,
    ) -> Result<(), HostError> {
        self.write_one("set the times of", path)?;
        let now = self.now();
        let time = |stamp: Stamp| {
            crate::metadata::since_epoch(match stamp {
                Stamp::Now => now,
                Stamp::At(time) => time,
            })
        };
        let inode = self.files.inode_mut(path, links);
        let inode = inode.map_err(|why| HostError::file("set the times of", path, why))?;
        inode.accessed = accessed.map_or(inode.accessed, time);
        inode.modified = modified.map_or(inode.modified, time);
        Ok(())
    }

    fn set_attribute(&mut self, path: &Path, name: &str, value: &[u8]) -> Result<(), HostError> {
        self.write_one("set an attribute of", path)?;
        let inode = self.files.inode_mut(path, Links::Keep);
        let inode = inode.map_err(|why| HostError::file("set an attribute of", path, why))?;
        inode.attributes.insert(name.into(), value.to_vec());
        Ok(())
    }

    fn symlink(&mut self, target: &Path, path: &Path) -> Result<(), HostError> {
        let fault = |why| HostError::file("link", path, why);
        let real = self.files.place(path).map_err(fault)?;
        if self.files.inode(&real).is_some_and(|(_, inode)| inode.is_dir) {
            return Err(fault(refusal(io::ErrorKind::IsADirectory)));
        }
        self.write_one("link", path)?;
        self.files.nodes.insert(real, Node::Link(target.into(), 0, 0));
        self.files.drop_unlinked();
        Ok(())
    }

    fn hard_link(&mut self, target: &Path, path: &Path) -> Result<(), HostError> {
        let fault = |why| HostError::file("link", path, why);
        let from = self.files.resolve(target, Links::Keep).map_err(fault)?;
        let node = self.files.nodes.get(&from).cloned();
        let node = node.ok_or_else(|| fault(refusal(io::ErrorKind::NotFound)))?;
        let real = self.files.place(path).map_err(fault)?;
        self.write_one("link", path)?;
        self.files.nodes.insert(real, node);
        self.files.drop_unlinked();
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<(), HostError> {
        let fault = |why| HostError::file("move", from, why);
        let old = self.files.resolve(from, Links::Keep).map_err(fault)?;
        let new = self.files.place(to).map_err(fault)?;
        if !self.files.nodes.contains_key(&old) {
            return Err(fault(refusal(io::ErrorKind::NotFound)));
        }
        self.write_one("move", from)?;
        let moved: Vec<PathBuf> =
            self.files.nodes.keys().filter(|node| node.starts_with(&old)).cloned().collect();
        for path in moved {
            if let (Some(node), Ok(rest)) =
                (self.files.nodes.remove(&path), path.strip_prefix(&old))
            {
                let path = if rest.as_os_str().is_empty() { new.clone() } else { new.join(rest) };
                self.files.nodes.insert(path, node);
            }
        }
        self.files.drop_unlinked();
        Ok(())
    }

    fn remove_file(&mut self, path: &Path) -> Result<(), HostError> {
        let fault = |why| HostError::file("remove", path, why);
        let real = self.files.resolve(path, Links::Keep).map_err(fault)?;
        if self.files.inode(&real).is_some_and(|(_, inode)| inode.is_dir) {
            return Err(fault(refusal(io::ErrorKind::IsADirectory)));
        }
        self.write_one("remove", path)?;
        match self.files.nodes.remove(&real) {
            Some(_) => self.files.drop_unlinked(),
            None => return Err(fault(refusal(io::ErrorKind::NotFound))),
        }
        Ok(())
    }

    fn remove_dir_all(&mut self, path: &Path) -> Result<(), HostError> {
        let fault = |why| HostError::file("remove", path, why);
        let real = self.files.resolve(path, Links::Keep).map_err(fault)?;
        if !self.files.inode(&real).is_some_and(|(_, inode)| inode.is_dir) {
            return Err(fault(refusal(io::ErrorKind::NotADirectory)));
        }
        self.write_one("remove", path)?;
        self.files.remove(&real);
        Ok(())
    }

    fn make_temporary(&mut self, wanted: &Temporary) -> Result<PathBuf, HostError> {
        let name = format!("{}{:08}{}", wanted.prefix, self.files.next_inode, wanted.suffix);
        let path = wanted.folder.join(name);
        let real = self
            .files
            .place(&path)
            .map_err(|why| HostError::file("make a temporary file in", &wanted.folder, why))?;
        self.write_one("make a temporary file in", &wanted.folder)?;
        let mode = if wanted.is_dir { 0o700 } else { 0o600 };
        self.files.insert(&real, wanted.is_dir, Vec::new(), FileMode::new(mode));
        Ok(path)
    }

    /// A fake program is run anew after each answer, with all answers as its stdin.
    fn converse(
        &mut self,
        program: &Program,
        _echoes: bool,
        answer: Answerer<'_>,
    ) -> Result<Talk, HostError> {
        self.write_one("run", Path::new(&program.name))?;
        let mut program = Program { stdin: Some(Vec::new()), ..program.clone() };
        let mut answered = 0;
        loop {
            let mut files = self.files.clone();
            let output = self.run(&mut files, &program)?;
            let unread = output.stdout.get(answered..).unwrap_or_default();
            match answer(unread) {
                Reply::Wait => {
                    self.files = files;
                    return Ok(Talk { output: output.stdout, status: Some(output.status) });
                }
                Reply::HangUp => return Ok(Talk { output: output.stdout, status: None }),
                Reply::Say { heard, bytes } => {
                    answered += heard;
                    program.stdin.get_or_insert_default().extend(bytes);
                }
            }
        }
    }

    fn execute(&mut self, program: &Program) -> Result<Output, HostError> {
        self.write_one("run", Path::new(&program.name))?;
        let mut files = self.files.clone();
        let output = self.run(&mut files, program)?;
        self.files = files;
        Ok(output)
    }
}
