//! Ending programs even where this process is killed and cannot.
//!
//! A guard is a shell that holds the other end of a pipe and is told of every program's process
//! group. The kernel closes the pipe however this process ends; what was not taken back by then is
//! killed. Programs that a task left in the background when it ended are not its business.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError},
};

use rustix::process::Pid;

/// Reads `+ GROUP` and `- GROUP`, and kills what is left at the end.
const SCRIPT: &str = "\
g=
while read -r way n; do
  r=
  for o in $g; do [ \"$o\" = \"$n\" ] || r=\"$r $o\"; done
  g=$r
  [ \"$way\" = - ] || g=\"$g $n\"
done
for n in $g; do kill -s KILL -- \"-$n\"; done";

/// The one guard of this process, from its first program on.
static GUARD: Mutex<Option<ChildStdin>> = Mutex::new(None);

/// A process group that ends with this process, until this is dropped.
pub struct Guarded(Pid);

impl Guarded {
    /// Puts a process group under guard. Where no guard can be had, programs run without one: they
    /// are still ended in every way but after a SIGKILL.
    pub fn new(group: Pid) -> Self {
        tell('+', group);
        Self(group)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        tell('-', self.0);
    }
}

fn tell(way: char, group: Pid) {
    let mut guard = GUARD.lock().unwrap_or_else(PoisonError::into_inner);
    let line = format!("{way} {}\n", group.as_raw_nonzero());
    if let Some(pipe) = guard.as_mut()
        && pipe.write_all(line.as_bytes()).is_ok()
    {
        return;
    }
    // There is none yet, or it was killed.
    *guard = None;
    if way == '+'
        && let Ok(mut pipe) = start()
        && pipe.write_all(line.as_bytes()).is_ok()
    {
        *guard = Some(pipe);
    }
}

fn start() -> io::Result<ChildStdin> {
    let mut child = Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    child.stdin.take().ok_or_else(|| io::ErrorKind::BrokenPipe.into())
}
