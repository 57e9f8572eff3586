//! Commands on the machine that this program runs on.

use std::{path::Path, process::Stdio};

use tokio::process::Command;

use crate::{error::ConnectError, pipe::Pipe};

/// Starts a command line by the shell, in a folder and in a process group of its own, so that an interrupt typed
/// at this program leaves it to end in good order.
pub(crate) fn exec(command: &str, folder: Option<&Path>) -> Result<Pipe, ConnectError> {
    let mut shell = Command::new("/bin/sh");
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        shell.current_dir(folder);
    }
    let child = shell
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
