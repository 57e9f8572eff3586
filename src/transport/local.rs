//! Commands on the machine that this program runs on, and in what is entered from there.

use std::{io, path::Path, process::Stdio};

use tokio::process::{Child, Command};

use crate::{error::ConnectError, pipe::Pipe};

/// Starts a command line by the shell, in a folder and in a process group of its own, so that an interrupt typed
/// at this program leaves it to end in good order.
pub(crate) fn exec(command: &str, folder: Option<&Path>) -> Result<Pipe, ConnectError> {
    let mut shell = Command::new("/bin/sh");
    if let Some(folder) = folder.filter(|folder| folder.is_dir()) {
        shell.current_dir(folder);
    }
    shell.args(["-c", command]);
    let child = start(shell).map_err(|source| ConnectError::Spawn { source })?;
    Ok(Pipe::of_child(child))
}

/// Starts a command line by the shell on the far side of an entrance, a program and its arguments.
pub(crate) fn enter(command: &str, entrance: &[String]) -> Result<Pipe, ConnectError> {
    let (program, arguments) = entrance.split_first().ok_or_else(|| ConnectError::Entrance {
        program: String::new(),
        source: io::ErrorKind::NotFound.into(),
    })?;
    let mut call = Command::new(program);
    call.args(arguments).args(["/bin/sh", "-c", command]);
    let named = |source| ConnectError::Entrance { program: program.clone(), source };
    Ok(Pipe::of_child(start(call).map_err(named)?))
}

fn start(mut command: Command) -> io::Result<Child> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}
