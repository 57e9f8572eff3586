//! Running a program: its own process group, its output collected without deadlock, and its end
//! when the request ends.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd},
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{MemfdFlags, Mode, OFlags, fchmod, memfd_create},
    process::{Pid, Signal, kill_process_group},
};

use crate::{
    HostError, Output, Program,
    machine::{Cancellation, guard::Guarded},
    program::{HANDED, Locale, OUTPUT_BYTES_MAX},
};

const BUFFER_BYTES: usize = 64 * 1024;

/// How long output is still waited for after the program itself has ended: what it left in the
/// background may hold its pipes for ever.
const LINGER: Duration = Duration::from_millis(100);

/// How long a killed program is waited for.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What starts a program in a session of its own, without a terminal; it takes the place of itself.
pub const SESSION: &str = "setsid";

/// Runs the program at `path` to its end. `session` is where [`SESSION`] is.
///
/// # Errors
/// It could not be started, took too long, or the request was cancelled.
pub fn run(
    path: &Path,
    session: Option<&Path>,
    program: &Program,
    environment: &[(String, String)],
    cancellation: &Cancellation,
) -> Result<Output, HostError> {
    let fault = |source| HostError::Program { line: program.line(), source };
    let handed = program.handed.as_deref().map(hand).transpose().map_err(fault)?;
    let named;
    let told = match &handed {
        Some(file) => {
            named = naming(program, file);
            &named
        }
        None => program,
    };
    let mut command = match program.is_unattended {
        true => {
            let missing = || HostError::NoProgram { name: SESSION.into() };
            // No process group of its own: `setsid` would fork where it leads one already.
            prepare(session.ok_or_else(missing)?, &[path.as_os_str()], told, environment)
        }
        false => {
            let mut command = prepare(path, &[], told, environment);
            command.process_group(0);
            command
        }
    };
    command
        .stdin(if program.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(fault)?;
    let group = Pid::from_child(&child);
    let _guarded = Guarded::new(group);
    let streams = Streams::take(&mut child).map_err(fault)?;
    let (exited, waiter) = wait_in_background(child).map_err(fault)?;
    let mut collector = Collector::new(streams, program.stdin.clone().unwrap_or_default());
    let deadline = program.timeout.map(|timeout| Instant::now() + timeout);
    let ended = collector.collect(&exited, cancellation, deadline).map_err(fault)?;
    if ended != Ended::ByItself {
        // The group may be gone by now, which is as well.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = match ended {
        Ended::ByItself => {
            waiter.recv().map_err(io::Error::other).map_err(fault)?.map_err(fault)?
        }
        Ended::Cancelled => {
            let _ = waiter.recv_timeout(KILL_WAIT);
            return Err(HostError::Cancelled);
        }
        Ended::TimedOut => {
            let _ = waiter.recv_timeout(KILL_WAIT);
            let secs = program.timeout.unwrap_or_default().as_secs();
            return Err(HostError::Timeout { line: program.line(), secs });
        }
    };
    Ok(Output {
        status: status.code().unwrap_or_else(|| -status.signal().unwrap_or(1)),
        stdout: collector.stdout,
        stderr: collector.stderr,
        truncated: collector.truncated,
    })
}

/// A file in memory, for us alone.
fn hand(bytes: &[u8]) -> io::Result<File> {
    let file = memfd_create(c"handed", MemfdFlags::CLOEXEC)?;
    // `ssh-keygen` takes no key that others can read.
    fchmod(&file, Mode::RUSR)?;
    let mut file = File::from(file);
    file.write_all(bytes)?;
    Ok(file)
}

/// The program with the path of what it is handed in its place. It is opened anew by the path, and
/// so read from its start; no other child inherits it.
fn naming(program: &Program, file: &File) -> Program {
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    let mut program = program.clone();
    for word in program.args.iter_mut().filter(|word| *word == HANDED) {
        word.clone_from(&path);
    }
    program
}

/// A program with its environment; `first` are words before its own.
pub fn prepare(
    path: &Path,
    first: &[&OsStr],
    program: &Program,
    environment: &[(String, String)],
) -> Command {
    let mut command = match program.umask {
        // A shell sets the umask between fork and exec, where nothing else may run safely.
        Some(umask) => {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", &format!("umask {umask:04o} && exec \"$@\""), "sh"]).arg(path);
            shell
        }
        None => {
            let mut command = Command::new(path);
            // As a shell calls it: programs name themselves by it.
            if first.is_empty() {
                command.arg0(&program.name);
            }
            command
        }
    };
    command.args(first).args(&program.args).env_clear().envs(environment.iter().cloned());
    if program.locale == Locale::Plain {
        command.env("LC_ALL", "C.UTF-8").env("LANGUAGE", "C");
    }
    command.envs(program.environment.iter().cloned());
    if let Some(folder) = &program.folder {
        command.current_dir(folder);
    }
    command
}

/// Waits for the child on a thread of its own. The pipe is closed, and so readable, once it has
/// ended.
fn wait_in_background(
    mut child: Child,
) -> io::Result<(std::os::fd::OwnedFd, mpsc::Receiver<io::Result<ExitStatus>>)> {
    let (exited, held) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new().name("wait".into()).stack_size(64 * 1024).spawn(move || {
        let status = child.wait();
        // Nobody listens any more where the request was cancelled.
        let _ = tell.send(status);
        drop(held);
    })?;
    Ok((exited, told))
}

struct Streams {
    stdin: Option<std::process::ChildStdin>,
    stdout: Option<std::process::ChildStdout>,
    stderr: Option<std::process::ChildStderr>,
}

impl Streams {
    fn take(child: &mut Child) -> io::Result<Self> {
        let streams = Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
        };
        let all = [
            streams.stdin.as_ref().map(AsFd::as_fd),
            streams.stdout.as_ref().map(AsFd::as_fd),
            streams.stderr.as_ref().map(AsFd::as_fd),
        ];
        for stream in all.into_iter().flatten() {
            let flags = rustix::fs::fcntl_getfl(stream)?;
            rustix::fs::fcntl_setfl(stream, flags | OFlags::NONBLOCK)?;
        }
        Ok(streams)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    ByItself,
    Cancelled,
    TimedOut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Watched {
    Stdin,
    Stdout,
    Stderr,
    Exit,
    Cancellation,
}

struct Collector {
    streams: Streams,
    input: Vec<u8>,
    written: usize,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    truncated: bool,
}

impl Collector {
    fn new(streams: Streams, input: Vec<u8>) -> Self {
        Self {
            streams,
            input,
            written: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
            truncated: false,
        }
    }

    fn collect(
        &mut self,
        exited: &std::os::fd::OwnedFd,
        cancellation: &Cancellation,
        deadline: Option<Instant>,
    ) -> io::Result<Ended> {
        let mut has_exited = false;
        loop {
            if cancellation.is_cancelled() {
                return Ok(Ended::Cancelled);
            }
            let done = self.streams.stdout.is_none() && self.streams.stderr.is_none();
            if has_exited && done {
                return Ok(Ended::ByItself);
            }
            let now = Instant::now();
            let wait = match deadline {
                _ if has_exited => Some(LINGER),
                Some(deadline) if deadline <= now => return Ok(Ended::TimedOut),
                Some(deadline) => Some(deadline - now),
                None => None,
            };
            let exit = (!has_exited).then(|| exited.as_fd());
            let ready = self.wait(exit, cancellation, wait)?;
            if ready.is_empty() && has_exited {
                return Ok(Ended::ByItself);
            }
            for watched in ready {
                match watched {
                    Watched::Stdin => self.feed(),
                    Watched::Stdout | Watched::Stderr => self.drain(watched)?,
                    Watched::Exit => has_exited = true,
                    Watched::Cancellation => return Ok(Ended::Cancelled),
                }
            }
        }
    }

    fn wait(
        &self,
        exit: Option<BorrowedFd<'_>>,
        cancellation: &Cancellation,
        wait: Option<Duration>,
    ) -> io::Result<Vec<Watched>> {
        let all = [
            (Watched::Stdin, self.streams.stdin.as_ref().map(AsFd::as_fd), PollFlags::OUT),
            (Watched::Stdout, self.streams.stdout.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (Watched::Stderr, self.streams.stderr.as_ref().map(AsFd::as_fd), PollFlags::IN),
            (Watched::Exit, exit, PollFlags::IN),
            (Watched::Cancellation, Some(cancellation.event()), PollFlags::IN),
        ];
        let (watched, mut fds): (Vec<Watched>, Vec<PollFd<'_>>) = all
            .into_iter()
            .filter_map(|(watched, fd, flags)| {
                Some((watched, PollFd::from_borrowed_fd(fd?, flags)))
            })
            .unzip();
        let wait = wait.map(|wait| Timespec {
            tv_sec: wait.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        });
        match poll(&mut fds, wait.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(watched
            .into_iter()
            .zip(&fds)
            .filter(|(_, fd)| !fd.revents().is_empty())
            .map(|(watched, _)| watched)
            .collect())
    }

    /// Writes what the program's stdin takes; a program that closed it has read enough.
    fn feed(&mut self) {
        let rest = self.input.get(self.written..).unwrap_or_default();
        let finished = match (&mut self.streams.stdin, rest) {
            (Some(_), []) => true,
            (Some(stdin), rest) => match stdin.write(rest) {
                Ok(count) => {
                    self.written += count;
                    self.written >= self.input.len()
                }
                Err(error) => {
                    !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
                }
            },
            (None, _) => true,
        };
        if finished {
            self.streams.stdin = None;
        }
    }

    fn drain(&mut self, watched: Watched) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let read = match watched {
            Watched::Stdout => read_some(self.streams.stdout.as_ref(), &mut buffer)?,
            _ => read_some(self.streams.stderr.as_ref(), &mut buffer)?,
        };
        let kept = if watched == Watched::Stdout { &mut self.stdout } else { &mut self.stderr };
        match read {
            None => {}
            Some(0) if watched == Watched::Stdout => self.streams.stdout = None,
            Some(0) => self.streams.stderr = None,
            Some(count) => {
                let room = OUTPUT_BYTES_MAX.saturating_sub(kept.len());
                self.truncated |= count > room;
                kept.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
            }
        }
        Ok(())
    }
}

/// `None` where there is nothing to read yet.
fn read_some(stream: Option<&impl AsFd>, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    let Some(stream) = stream else { return Ok(Some(0)) };
    match rustix::io::read(stream, buffer) {
        Ok(count) => Ok(Some(count)),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
