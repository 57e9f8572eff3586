//! Running a program on a terminal of its own.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags},
    process::{Pid, Signal, kill_process_group},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr},
};

use crate::{
    HostError, Program,
    machine::{Cancellation, child, child::SESSION, guard::Guarded},
    program::OUTPUT_BYTES_MAX,
    terminal::{Answerer, Reply, Talk},
};

const BUFFER_BYTES: usize = 16 * 1024;

/// Runs the program at `path` on a terminal and answers it.
///
/// Its timeout is that of one answer. `session` is where [`SESSION`] is, which gives the program its
/// terminal as the controlling one.
///
/// # Errors
/// It could not be started, or the request was cancelled.
pub fn converse(
    session: Option<&Path>,
    path: &Path,
    program: &Program,
    echoes: bool,
    environment: &[(String, String)],
    cancellation: &Cancellation,
    answer: Answerer<'_>,
) -> Result<Talk, HostError> {
    let fault = |source| HostError::Program { line: program.line(), source };
    let session = session.ok_or_else(|| HostError::NoProgram { name: SESSION.into() })?;
    let (ours, theirs) = open(echoes).map_err(|error| fault(error.into()))?;
    // No process group of its own: `setsid` would fork where it leads one already.
    let first = ["-c".as_ref(), path.as_os_str()];
    let mut command = child::prepare(session, &first, program, environment);
    let end = || theirs.try_clone().map(Stdio::from);
    command
        .stdin(end().map_err(fault)?)
        .stdout(end().map_err(fault)?)
        .stderr(end().map_err(fault)?);
    let spawned = command.spawn();
    // Our copies of its end would keep the terminal open for ever.
    drop(command);
    drop(theirs);
    let mut child = spawned.map_err(fault)?;
    let group = Pid::from_child(&child);
    let _guarded = Guarded::new(group);
    let mut terminal =
        Terminal { file: File::from(ours), talk: Talk::default(), unread: Vec::new() };
    let ended = terminal.talk(program.timeout, cancellation, answer).map_err(fault)?;
    if ended != Ended::ByItself {
        // The group may be gone by now, which is as well.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let status = wait(&mut child, group, cancellation).map_err(fault)?;
    match ended {
        Ended::Cancelled => Err(HostError::Cancelled),
        Ended::ByItself => Ok(Talk { status, ..terminal.talk }),
        Ended::HungUp => Ok(terminal.talk),
    }
}

/// A terminal: our end and the program's.
fn open(echoes: bool) -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let theirs = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
    let mut modes = tcgetattr(&theirs)?;
    modes.local_modes.set(LocalModes::ECHO, echoes);
    tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    Ok((ours, theirs))
}

/// Waits for a program that has closed its terminal, or was killed; gives its status.
fn wait(child: &mut Child, group: Pid, cancellation: &Cancellation) -> io::Result<Option<i32>> {
    const STEP: Duration = Duration::from_millis(10);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code());
        }
        if cancellation.is_cancelled() {
            let _ = kill_process_group(group, Signal::KILL);
            return Ok(child.wait()?.code());
        }
        std::thread::sleep(STEP);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    ByItself,
    HungUp,
    Cancelled,
}

struct Terminal {
    file: File,
    talk: Talk,
    /// What was said since the last answer.
    unread: Vec<u8>,
}

impl Terminal {
    fn talk(
        &mut self,
        timeout: Option<Duration>,
        cancellation: &Cancellation,
        answer: Answerer<'_>,
    ) -> io::Result<Ended> {
        let mut asked = Instant::now();
        loop {
            let left = timeout.map(|timeout| timeout.saturating_sub(asked.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Ended::HungUp);
            }
            if !self.wait(left, cancellation)? {
                if cancellation.is_cancelled() {
                    return Ok(Ended::Cancelled);
                }
                continue;
            }
            let mut buffer = vec![0; BUFFER_BYTES];
            let count = match self.file.read(&mut buffer) {
                Ok(count) => count,
                // Nobody holds the other end any more.
                Err(error)
                    if error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) =>
                {
                    0
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let new = buffer.get(..count).unwrap_or_default();
            if new.is_empty() {
                return Ok(Ended::ByItself);
            }
            let room = OUTPUT_BYTES_MAX.saturating_sub(self.talk.output.len());
            self.talk.output.extend_from_slice(new.get(..count.min(room)).unwrap_or_default());
            if self.unread.len() < OUTPUT_BYTES_MAX {
                self.unread.extend_from_slice(new);
            }
            loop {
                match answer(&self.unread) {
                    Reply::Wait => break,
                    Reply::HangUp => return Ok(Ended::HungUp),
                    Reply::Say { heard, bytes } => {
                        self.unread.drain(..heard.min(self.unread.len()));
                        asked = Instant::now();
                        // A program that has ended meanwhile is read to its end.
                        if self.file.write_all(&bytes).is_err() || heard == 0 {
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Whether there is something to read; else the time is over or the request cancelled.
    fn wait(&self, left: Option<Duration>, cancellation: &Cancellation) -> io::Result<bool> {
        let mut fds = [
            PollFd::new(&self.file, PollFlags::IN),
            PollFd::from_borrowed_fd(cancellation.event(), PollFlags::IN),
        ];
        let left = left.map(|left| Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        match poll(&mut fds, left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [terminal, cancelled] = &fds;
        Ok(!terminal.revents().is_empty() && cancelled.revents().is_empty())
    }
}
