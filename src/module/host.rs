//! The host as modules see it: shared references read, exclusive references write.

use std::{
    ffi::OsString,
    fmt,
    io::{self, Read, Write},
    net::SocketAddr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use protocol::{Digest, tunnel::Tunnel};

use crate::{
    FileMode, Metadata, Output, Program,
    kernel::{Kernel, Network, Space},
    terminal::{Answerer, Talk},
};

/// The bytes of a file that modules read into memory at most.
pub const READ_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A host that modules can look at (`&self`) and change (`&mut self`).
///
/// A module's `check` is given `&dyn Host`, so that it cannot write even by mistake.
pub trait Host {
    /// What stands at a path, links not followed; `None` where there is nothing.
    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError>;

    /// What a path leads to, links followed; `None` where that is nothing.
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError>;

    /// Opens a file; `None` where there is nothing.
    fn open(&self, path: &Path) -> Result<Option<Box<dyn Read>>, HostError>;

    /// The names in a folder, sorted.
    fn list(&self, path: &Path) -> Result<Vec<OsString>, HostError>;

    /// What a symbolic link says.
    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError>;

    /// The path without links, `.` and `..`; its last part need not be there.
    fn real_path(&self, path: &Path) -> Result<PathBuf, HostError>;

    /// An extended attribute, links not followed; `None` where there is none of that name.
    fn attribute(&self, path: &Path, name: &str) -> Result<Option<Vec<u8>>, HostError>;

    /// Whether the remote's user may do that with what a path leads to.
    fn may(&self, access: Access, path: &Path) -> bool;

    /// What the kernel says of itself.
    fn kernel(&self) -> Kernel;

    /// Size and use of the file system that holds a path; `None` where there is nothing.
    fn space(&self, path: &Path) -> Result<Option<Space>, HostError>;

    /// Addresses and routes, as the kernel has them now.
    fn network(&self) -> Result<Network, HostError>;

    /// Lets time pass.
    fn pause(&self, time: Duration) -> Result<(), HostError>;

    /// Runs a program that only reads.
    fn query(&self, program: &Program) -> Result<Output, HostError>;

    /// Where a program is, in `PATH` and the folders of system programs.
    fn which(&self, name: &str) -> Option<PathBuf>;

    /// The clock of the host.
    fn now(&self) -> SystemTime;

    /// A variable of the environment that programs are given.
    fn variable(&self, name: &str) -> Option<String>;

    /// All variables of that environment.
    fn environment(&self) -> Vec<(String, String)>;

    /// Permissions that new files do not get.
    fn umask(&self) -> FileMode;

    /// The user whom the remote runs as.
    fn effective_uid(&self) -> u32;

    /// Opens a connection. `timeout` is the time for it to be made and, after that, for each read
    /// and write.
    fn dial(&self, address: &Address, timeout: Duration) -> Result<Box<dyn Connection>, HostError>;

    /// Speaks TLS over a connection that [`Host::dial`] has opened; `timeout` is for each read and
    /// write.
    fn secure(
        &self,
        connection: Box<dyn Connection>,
        tunnel: &Tunnel,
        timeout: Duration,
    ) -> Result<Box<dyn Connection>, HostError>;

    /// Reads a file that the controller holds.
    fn blob(&self, digest: &Digest) -> Result<Box<dyn Read>, HostError>;

    /// Streams a file to the controller.
    fn send(&self, content: &mut dyn Read) -> Result<(), HostError>;

    /// Puts a file in its place at once: readers see the old one or the new one, whole.
    fn write(
        &mut self,
        path: &Path,
        content: &mut dyn Read,
        placement: &Placement,
    ) -> Result<(), HostError>;

    /// Makes one folder; its parent must be there.
    fn make_dir(&mut self, path: &Path, mode: FileMode) -> Result<(), HostError>;

    /// Sets permissions; links are followed.
    fn set_mode(&mut self, path: &Path, mode: FileMode) -> Result<(), HostError>;

    /// Sets owner and group; what is `None` stays.
    fn set_owner(
        &mut self,
        path: &Path,
        uid: Option<u32>,
        gid: Option<u32>,
        links: Links,
    ) -> Result<(), HostError>;

    /// Sets the times of last access and change; what is `None` stays. Whoever may write a file may
    /// set both to now; all else is its owner's.
    fn set_times(
        &mut self,
        path: &Path,
        accessed: Option<Stamp>,
        modified: Option<Stamp>,
        links: Links,
    ) -> Result<(), HostError>;

    /// Sets an extended attribute, links not followed.
    fn set_attribute(&mut self, path: &Path, name: &str, value: &[u8]) -> Result<(), HostError>;

    /// Puts a symbolic link in its place at once, over whatever stands there but a folder.
    fn symlink(&mut self, target: &Path, path: &Path) -> Result<(), HostError>;

    /// Puts a hard link in its place at once, over whatever stands there but a folder.
    fn hard_link(&mut self, target: &Path, path: &Path) -> Result<(), HostError>;

    /// Moves what stands at a path, over whatever file stands at the other.
    fn rename(&mut self, from: &Path, to: &Path) -> Result<(), HostError>;

    /// Removes a file or link.
    fn remove_file(&mut self, path: &Path) -> Result<(), HostError>;

    /// Removes a folder and all that is in it.
    fn remove_dir_all(&mut self, path: &Path) -> Result<(), HostError>;

    /// Makes a file (mode 0600) or folder (mode 0700) with a new name.
    fn make_temporary(&mut self, wanted: &Temporary) -> Result<PathBuf, HostError>;

    /// Runs a program that may change the host.
    fn execute(&mut self, program: &Program) -> Result<Output, HostError>;

    /// Runs a program on a terminal of its own and answers it. The program's timeout is that of
    /// one answer; `echoes` says whether answers stand in the output too.
    fn converse(
        &mut self,
        program: &Program,
        echoes: bool,
        answer: Answerer<'_>,
    ) -> Result<Talk, HostError>;

    /// The content of a file; `None` where there is nothing.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, HostError> {
        let Some(file) = self.open(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.take(READ_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|source| HostError::file("read", path, source))?;
        if bytes.len() as u64 > READ_BYTES_MAX {
            let why = format!("it has more than {READ_BYTES_MAX} bytes");
            return Err(HostError::file("read", path, io::Error::other(why)));
        }
        Ok(Some(bytes))
    }
}

/// Where a connection leads to. Names are for callers to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A port of a machine.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

/// A connection that has been made; dropped, it is closed.
pub trait Connection: Read + Write {
    /// The socket under it, where it is nothing else.
    fn into_socket(self: Box<Self>) -> Option<OwnedFd>;
}

/// Whether an operation is about a link or about what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    Follow,
    Keep,
}

/// A time that a file is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    Now,
    At(SystemTime),
}

/// What someone may do with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
    Execute,
}

/// How a file is put in its place. What is left out is as the file that stands there has it, and
/// as the umask says where there is none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placement {
    /// Permissions.
    pub mode: Option<FileMode>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
    /// SELinux context, whole.
    pub context: Option<String>,
    /// Whether the file is written in place where it cannot be replaced (a mount point of a
    /// container, for one): readers may then see half of it.
    pub unsafe_writes: bool,
    /// A program that must succeed on the new content first; `%s` among its words is the path of
    /// the content.
    pub validate: Option<Vec<String>>,
}

/// A file or folder with a new name.
#[derive(Clone, Debug, PartialEq)]
pub struct Temporary {
    /// Where.
    pub folder: PathBuf,
    /// What its name starts with.
    pub prefix: String,
    /// What its name ends with.
    pub suffix: String,
    /// Whether it is a folder.
    pub is_dir: bool,
}

/// What a host refused.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Something about a file.
    #[error("could not {operation} {path}")]
    File {
        /// A verb: `read`, `set the mode of`, …
        operation: &'static str,
        path: String,
        source: io::Error,
    },
    /// Nobody answers there.
    #[error("could not connect to {address}")]
    Connect { address: String, source: io::Error },
    /// TLS could not be spoken with the server.
    #[error("Request failed: {why}")]
    Tunnel {
        /// What the companion said.
        why: String,
    },
    /// The program that speaks TLS cannot be had.
    #[error("TLS cannot be spoken")]
    Companion { source: io::Error },
    /// The program is nowhere.
    #[error("no program {name} on the host (looked in PATH and the folders of system programs)")]
    NoProgram { name: String },
    /// The program could not be started or waited for.
    #[error("could not run {line}")]
    Program { line: String, source: io::Error },
    /// The program ended badly.
    #[error("{line} ended with status {status}{}", with_complaint(.stderr, .stdout))]
    Status { line: String, status: i32, stdout: String, stderr: String },
    /// The program took too long, and was killed.
    #[error("{line} was killed after {secs} s")]
    Timeout { line: String, secs: u64 },
    /// The request was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The kernel's tables of addresses and routes cannot be read.
    #[error("could not read the network's addresses and routes")]
    Network { source: io::Error },
    /// The controller does not give a file.
    #[error("the controller did not send the file with digest {digest}")]
    Blob { digest: String, source: io::Error },
    /// A file could not be streamed to the controller.
    #[error("could not send a file to the controller")]
    Send { source: io::Error },
    /// The program that validates new content refused it.
    #[error("failed to validate")]
    Invalid { output: Box<Output> },
}

fn with_complaint(stderr: &str, stdout: &str) -> String {
    let said = if stderr.trim().is_empty() { stdout.trim() } else { stderr.trim() };
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

impl HostError {
    /// An operation on a file that failed.
    pub fn file(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::File { operation, path: path.display().to_string(), source }
    }
}

/// Takes the output of a program that must succeed.
///
/// # Errors
/// [`HostError::Status`] where it did not.
pub fn succeeded(program: &Program, output: Output) -> Result<Output, HostError> {
    if output.is_success() {
        return Ok(output);
    }
    Err(HostError::Status {
        line: program.line(),
        status: output.status,
        stdout: output.stdout_text(),
        stderr: output.stderr_text(),
    })
}
