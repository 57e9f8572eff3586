//! Takes fleets away, whatever happens to their owner.
//!
//! A reaper is a shell that waits for the end of a pipe whose other end the owner holds: the kernel
//! closes it however the owner ends. It runs in a process group of its own, so that an interrupt
//! typed at the owner passes it by, and holds the lock of the fleet's number (its standard output
//! is the locked file) until all is gone.

use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::shell::{HostsError, at, run};

const SCRIPT: &str = include_str!("reaper.sh");

/// Waits for the end of its owner.
pub(crate) struct Reaper {
    child: Child,
}

impl Reaper {
    /// Starts a reaper for a fleet whose lock is held by `lock`.
    pub(crate) fn start(fleet: u8, folder: &Path, lock: &File) -> Result<Self, HostsError> {
        let held = lock.try_clone().map_err(at(folder))?;
        let child = Command::new("/bin/sh")
            .args(["-c", SCRIPT, "reaper", &fleet.to_string()])
            .arg(folder)
            .arg("wait")
            .stdin(Stdio::piped())
            .stdout(Stdio::from(held))
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let child = child.map_err(|error| HostsError::Start {
            command: "the reaper".to_owned(),
            why: error.to_string(),
        })?;
        Ok(Self { child })
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // It takes away what there is; what it could not is taken away before the next fleet.
        let _ = self.child.wait();
    }
}

/// Takes away what an earlier fleet of that number left.
pub(crate) fn reap(fleet: u8, folder: &Path) -> Result<(), HostsError> {
    let folder = folder.display().to_string();
    run("/bin/sh", &["-c", SCRIPT, "reaper", &fleet.to_string(), &folder]).map(drop)
}
