//! Commands on the machine that this program runs on.

use std::process::Stdio;

use tokio::process::Command;

use crate::{error::ConnectError, pipe::Pipe};

/// Starts a command line by the shell, in a process group of its own, so that an interrupt typed
/// at this program leaves it to end in good order.
pub(crate) fn exec(command: &str) -> Result<Pipe, ConnectError> {
    let child = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| ConnectError::Spawn { source })?;
    Ok(Pipe::of_child(child))
}
