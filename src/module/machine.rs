//! The host that is real: system calls on the machine that this process runs on.
//!
//! Nothing here asks libc's name service (see [`accounts`](crate::accounts)), and programs never
//! see this process's stdin and stdout.

mod cancellation;
mod child;
mod guard;
mod netlink;
mod placing;
mod pty;
mod tunnel;

use std::{
    ffi::OsString,
    fs, io,
    io::{Read, Write},
    net::TcpStream,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::UnixStream,
        },
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, SystemTime},
};

use protocol::{Digest, tunnel::Tunnel};
use rustix::fs::{AtFlags, CWD, Gid, Timespec, Timestamps, Uid, XattrFlags};

pub use cancellation::Cancellation;

use crate::{
    FileKind, FileMode, Host, HostError, Metadata, Output, Placement, Program,
    host::{Access, Address, Connection, Links, Stamp, Temporary},
    kernel::{Kernel, Network, Space},
    metadata::since_epoch,
    terminal::{Answerer, Talk},
};

/// Links that are followed from one to the next; the kernel gives up after as many.
const LINKS_MAX: u32 = 40;

/// `ELOOP`.
const LINKS_IN_A_CIRCLE: i32 = rustix::io::Errno::LOOP.raw_os_error();

/// How long a file system may take to tell its size: one on the network may never do.
const SPACE_WAIT: Duration = Duration::from_secs(5);

/// How long a pause goes on after its request was cancelled.
const PAUSE_STEP: Duration = Duration::from_millis(50);

/// Folders in which programs are looked for besides `PATH`, as Ansible does.
const PROGRAM_FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The way of files between a host and its controller.
pub trait Courier {
    /// Reads a file that the controller holds.
    fn fetch(&self, digest: &Digest) -> io::Result<Box<dyn Read>>;

    /// Streams a file to the controller.
    fn send(&self, content: &mut dyn Read) -> io::Result<()>;

    /// Where a companion of the remote is, once it is in its place: `tls`.
    fn companion(&self, name: &str) -> io::Result<PathBuf> {
        let why = format!("the companion {name} cannot be had here");
        Err(io::Error::new(io::ErrorKind::NotFound, why))
    }
}

/// A machine, for the time of one request.
pub struct Machine<'a> {
    environment: Vec<(String, String)>,
    umask: FileMode,
    cancellation: Arc<Cancellation>,
    courier: &'a dyn Courier,
}

/// The permissions that this process's new files do not get.
///
/// It can only be asked by setting it, so it is asked once, before there are threads.
pub fn read_umask() -> FileMode {
    let umask = rustix::process::umask(rustix::fs::Mode::empty());
    rustix::process::umask(umask);
    FileMode::new(umask.bits())
}

impl<'a> Machine<'a> {
    /// The machine that this process runs on. `environment` is all that programs are given.
    pub fn new(
        environment: Vec<(String, String)>,
        umask: FileMode,
        cancellation: Arc<Cancellation>,
        courier: &'a dyn Courier,
    ) -> Self {
        Self { environment, umask, cancellation, courier }
    }

    /// Ends long work between two steps of it.
    fn proceed(&self) -> Result<(), HostError> {
        if self.cancellation.is_cancelled() { Err(HostError::Cancelled) } else { Ok(()) }
    }

    fn run(&self, program: &Program) -> Result<Output, HostError> {
        let path = self.find(program)?;
        let session = if program.is_unattended { self.which(child::SESSION) } else { None };
        child::run(&path, session.as_deref(), program, &self.environment, &self.cancellation)
    }

    fn find(&self, program: &Program) -> Result<PathBuf, HostError> {
        self.proceed()?;
        if program.name.contains('/') {
            return Ok(PathBuf::from(&program.name));
        }
        let found = self.which(&program.name);
        found.ok_or_else(|| HostError::NoProgram { name: program.name.clone() })
    }
}

/// `Ok(None)` for what is not there, as the parent is no folder or there is nothing of that name.
fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
            // Links in a circle lead nowhere.
            _ if error.raw_os_error() == Some(LINKS_IN_A_CIRCLE) => Ok(None),
            _ => Err(error),
        },
    }
}

fn metadata_of(found: &fs::Metadata) -> Metadata {
    let kind = match found.file_type() {
        kind if kind.is_dir() => FileKind::Directory,
        kind if kind.is_symlink() => FileKind::Link,
        kind if kind.is_fifo() => FileKind::Fifo,
        kind if kind.is_socket() => FileKind::Socket,
        kind if kind.is_char_device() => FileKind::CharacterDevice,
        kind if kind.is_block_device() => FileKind::BlockDevice,
        _ => FileKind::File,
    };
    let moment = |secs: i64, nanos: i64| {
        // What is before 1970 is 1970.
        Duration::new(secs.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0))
    };
    Metadata {
        kind,
        mode: FileMode::new(found.mode()),
        uid: found.uid(),
        gid: found.gid(),
        size: found.size(),
        accessed: moment(found.atime(), found.atime_nsec()),
        modified: moment(found.mtime(), found.mtime_nsec()),
        changed: moment(found.ctime(), found.ctime_nsec()),
        links: found.nlink(),
        inode: found.ino(),
        device: found.dev(),
        special: found.rdev(),
        blocks: found.blocks(),
        block_bytes: found.blksize(),
    }
}

/// A stream that ends with an error once the request is cancelled.
struct Cancellable<R> {
    inner: R,
    cancellation: Arc<Cancellation>,
}

impl<R: Read> Read for Cancellable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancellation.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.inner.read(buffer)
    }
}

impl<W: Write> Write for Cancellable<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.cancellation.is_cancelled() {
            return Err(io::Error::other("cancelled"));
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<S: Read + Write + Into<OwnedFd>> Connection for Cancellable<S> {
    fn into_socket(self: Box<Self>) -> Option<OwnedFd> {
        Some(self.inner.into())
    }
}

fn timespec(stamp: Option<Stamp>) -> Timespec {
    match stamp {
        Some(Stamp::Now) => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
        Some(Stamp::At(moment)) => {
            let since = since_epoch(moment);
            Timespec {
                tv_sec: since.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: since.subsec_nanos().into(),
            }
        }
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
    }
}

/// A name that nothing else in this process has used.
fn unique() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let nanos = since_epoch(SystemTime::now()).subsec_nanos();
    format!("{:x}-{:x}-{nanos:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

impl Host for Machine<'_> {
    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.proceed()?;
        let found = present(fs::symlink_metadata(path));
        let found = found.map_err(|why| HostError::file("look at", path, why))?;
        Ok(found.as_ref().map(metadata_of))
    }

    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.proceed()?;
        let found = present(fs::metadata(path));
        let found = found.map_err(|why| HostError::file("look at", path, why))?;
        Ok(found.as_ref().map(metadata_of))
    }

    fn open(&self, path: &Path) -> Result<Option<Box<dyn Read>>, HostError> {
        self.proceed()?;
        let fault = |why| HostError::file("open", path, why);
        let Some(file) = present(fs::File::open(path)).map_err(fault)? else { return Ok(None) };
        if file.metadata().map_err(fault)?.is_dir() {
            return Err(fault(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Some(Box::new(Cancellable {
            inner: file,
            cancellation: Arc::clone(&self.cancellation),
        })))
    }

    fn list(&self, path: &Path) -> Result<Vec<OsString>, HostError> {
        self.proceed()?;
        let fault = |why| HostError::file("list", path, why);
        let names: io::Result<Vec<OsString>> = fs::read_dir(path)
            .map_err(fault)?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect();
        let mut names = names.map_err(fault)?;
        names.sort_unstable();
        Ok(names)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        fs::read_link(path).map_err(|why| HostError::file("read the link", path, why))
    }

    fn real_path(&self, path: &Path) -> Result<PathBuf, HostError> {
        let fault = |why| HostError::file("resolve", path, why);
        // What is not there yet keeps its name below the nearest folder that is.
        let mut missing = Vec::new();
        let mut head = std::path::absolute(path).map_err(fault)?;
        let mut links = 0;
        loop {
            match present(fs::canonicalize(&head)).map_err(fault)? {
                Some(mut real) => {
                    real.extend(missing.iter().rev());
                    return Ok(real);
                }
                None => {
                    links += 1;
                    if links <= LINKS_MAX
                        && let Ok(target) = fs::read_link(&head)
                    {
                        let parent = head.parent().unwrap_or(Path::new("/"));
                        head = parent.join(target);
                        continue;
                    }
                    let Some(name) = head.file_name().map(ToOwned::to_owned) else {
                        return Ok(head);
                    };
                    missing.push(name);
                    head.pop();
                }
            }
        }
    }

    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        placing::read_attribute(path, name)
            .map_err(|why| HostError::file("read the attributes of", path, why))
    }

    fn may(&self, access: Access, path: &Path) -> bool {
        let access = match access {
            Access::Read => rustix::fs::Access::READ_OK,
            Access::Write => rustix::fs::Access::WRITE_OK,
            Access::Execute => rustix::fs::Access::EXEC_OK,
        };
        rustix::fs::accessat(CWD, path, access, AtFlags::EACCESS)
            .or_else(|_| rustix::fs::access(path, access))
            .is_ok()
    }

    fn kernel(&self) -> Kernel {
        let name = rustix::system::uname();
        let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
        Kernel {
            system: text(name.sysname()),
            node: text(name.nodename()),
            release: text(name.release()),
            version: text(name.version()),
            machine: text(name.machine()),
        }
    }

    fn space(&self, path: &Path) -> Result<Option<Space>, HostError> {
        self.proceed()?;
        let fault = |why| HostError::file("read the size of the file system of", path, why);
        let (tell, told) = mpsc::channel();
        let asked = path.to_owned();
        thread::Builder::new()
            .name("statvfs".into())
            .stack_size(64 * 1024)
            // Nobody listens any more where it took too long.
            .spawn(move || drop(tell.send(rustix::fs::statvfs(&asked))))
            .map_err(fault)?;
        let found =
            told.recv_timeout(SPACE_WAIT).map_err(|_| fault(io::ErrorKind::TimedOut.into()))?;
        let found = present(found.map_err(io::Error::from)).map_err(fault)?;
        Ok(found.map(|found| Space {
            block_bytes: found.f_bsize,
            fragment_bytes: found.f_frsize,
            blocks: found.f_blocks,
            blocks_available: found.f_bavail,
            inodes: found.f_files,
            inodes_available: found.f_favail,
        }))
    }

    fn network(&self) -> Result<Network, HostError> {
        self.proceed()?;
        netlink::read().map_err(|source| HostError::Network { source })
    }

    fn pause(&self, time: Duration) -> Result<(), HostError> {
        let mut left = time;
        while !left.is_zero() {
            self.proceed()?;
            let step = left.min(PAUSE_STEP);
            thread::sleep(step);
            left -= step;
        }
        self.proceed()
    }

    fn query(&self, program: &Program) -> Result<Output, HostError> {
        self.run(program)
    }

    fn which(&self, name: &str) -> Option<PathBuf> {
        let path = self.variable("PATH").unwrap_or_default();
        let folders = path.split(':').filter(|folder| !folder.is_empty()).map(Path::new);
        folders.chain(PROGRAM_FOLDERS.iter().map(Path::new)).map(|folder| folder.join(name)).find(
            |program| {
                fs::metadata(program).is_ok_and(|found| found.is_file())
                    && self.may(Access::Execute, program)
            },
        )
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn variable(&self, name: &str) -> Option<String> {
        let found = self.environment.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    fn umask(&self) -> FileMode {
        self.umask
    }

    fn effective_uid(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }

    fn dial(&self, address: &Address, timeout: Duration) -> Result<Box<dyn Connection>, HostError> {
        self.proceed()?;
        let fault = |source| HostError::Connect { address: address.to_string(), source };
        let cancellation = Arc::clone(&self.cancellation);
        Ok(match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, timeout).map_err(fault)?;
                stream.set_read_timeout(Some(timeout)).map_err(fault)?;
                stream.set_write_timeout(Some(timeout)).map_err(fault)?;
                Box::new(Cancellable { inner: stream, cancellation })
            }
            Address::Unix(path) => {
                let stream = UnixStream::connect(path).map_err(fault)?;
                stream.set_read_timeout(Some(timeout)).map_err(fault)?;
                stream.set_write_timeout(Some(timeout)).map_err(fault)?;
                Box::new(Cancellable { inner: stream, cancellation })
            }
        })
    }

    fn secure(
        &self,
        connection: Box<dyn Connection>,
        tunnel: &Tunnel,
        timeout: Duration,
    ) -> Result<Box<dyn Connection>, HostError> {
        self.proceed()?;
        let program = self.courier.companion("tls");
        let program = program.map_err(|source| HostError::Companion { source })?;
        tunnel::open(&program, connection, tunnel, timeout, &self.cancellation)
    }

    fn blob(&self, digest: &Digest) -> Result<Box<dyn Read>, HostError> {
        self.proceed()?;
        let fetched = self.courier.fetch(digest);
        fetched.map_err(|source| HostError::Blob { digest: digest.0.clone(), source })
    }

    fn send(&self, content: &mut dyn Read) -> Result<(), HostError> {
        self.courier.send(content).map_err(|source| HostError::Send { source })
    }

    fn write(
        &mut self,
        path: &Path,
        content: &mut dyn Read,
        placement: &Placement,
    ) -> Result<(), HostError> {
        self.proceed()?;
        placing::write(path, content, placement, self.umask, &|program| self.run(program))
    }

    fn make_dir(&mut self, path: &Path, mode: FileMode) -> Result<(), HostError> {
        self.proceed()?;
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new()
            .mode(mode.bits())
            .create(path)
            .map_err(|why| HostError::file("make the folder", path, why))
    }

    fn set_mode(&mut self, path: &Path, mode: FileMode) -> Result<(), HostError> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode.bits()))
            .map_err(|why| HostError::file("set the mode of", path, why))
    }

    fn set_owner(
        &mut self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        links: Links,
    ) -> Result<(), HostError> {
        let flags = match links {
            Links::Follow => AtFlags::empty(),
            Links::Keep => AtFlags::SYMLINK_NOFOLLOW,
        };
        rustix::fs::chownat(CWD, path, uid.map(Uid::from_raw), gid.map(Gid::from_raw), flags)
            .map_err(|why| HostError::file("set the owner of", path, why.into()))
    }

    fn set_times(
        &mut self,
        path: &Path,
        accessed: Option<Stamp>,
        modified: Option<Stamp>,
        links: Links,
    ) -> Result<(), HostError> {
        let times =
            Timestamps { last_access: timespec(accessed), last_modification: timespec(modified) };
        let flags = match links {
            Links::Follow => AtFlags::empty(),
            Links::Keep => AtFlags::SYMLINK_NOFOLLOW,
        };
        rustix::fs::utimensat(CWD, path, &times, flags)
            .map_err(|why| HostError::file("set the times of", path, why.into()))
    }

    fn set_attribute(&mut self, path: &Path, name: &str, value: &[u8]) -> Result<(), HostError> {
        rustix::fs::lsetxattr(path, name, value, XattrFlags::empty())
            .map_err(|why| HostError::file("set an attribute of", path, why.into()))
    }

    fn symlink(&mut self, target: &Path, path: &Path) -> Result<(), HostError> {
        placing::link_over(path, |new| std::os::unix::fs::symlink(target, new))
            .map_err(|why| HostError::file("make the link", path, why))
    }

    fn hard_link(&mut self, target: &Path, path: &Path) -> Result<(), HostError> {
        placing::link_over(path, |new| fs::hard_link(target, new))
            .map_err(|why| HostError::file("make the hard link", path, why))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<(), HostError> {
        fs::rename(from, to).map_err(|why| HostError::file("move", from, why))
    }

    fn remove_file(&mut self, path: &Path) -> Result<(), HostError> {
        self.proceed()?;
        fs::remove_file(path).map_err(|why| HostError::file("remove", path, why))
    }

    fn remove_dir_all(&mut self, path: &Path) -> Result<(), HostError> {
        self.proceed()?;
        fs::remove_dir_all(path).map_err(|why| HostError::file("remove", path, why))
    }

    fn make_temporary(&mut self, wanted: &Temporary) -> Result<PathBuf, HostError> {
        placing::make_temporary(wanted)
            .map_err(|why| HostError::file("make a temporary file in", &wanted.folder, why))
    }

    fn execute(&mut self, program: &Program) -> Result<Output, HostError> {
        self.run(program)
    }

    fn converse(
        &mut self,
        program: &Program,
        echoes: bool,
        answer: Answerer<'_>,
    ) -> Result<Talk, HostError> {
        let path = self.find(program)?;
        let session = self.which(child::SESSION);
        let (environment, cancellation) = (&self.environment, &self.cancellation);
        pty::converse(session.as_deref(), &path, program, echoes, environment, cancellation, answer)
    }
}

#[cfg(test)]
mod tests;
