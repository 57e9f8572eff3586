//! Programs of the host that a module stands on: asked where they only read, run where they change.

use std::path::Path;

use module::{Failure, Host, HostError, Output, Program, host::succeeded, path::split_words};

/// The program of a task's `executable`, which may have words behind it; `default` where the task
/// names none.
///
/// # Errors
/// A quote that does not end.
pub fn executable(given: Option<&Path>, default: &str) -> Result<Program, Failure> {
    let Some(path) = given else { return Ok(Program::new(default)) };
    let mut words = split_words(&path.display().to_string())
        .map_err(|why| Failure::new(format!("executable cannot be split: {why}")))?
        .into_iter();
    Ok(Program::new(words.next().unwrap_or_default()).args(words))
}

/// What a program that only reads says.
///
/// # Errors
/// A program that is not there, or ends with another status than 0.
pub fn ask(host: &dyn Host, program: &Program) -> Result<String, Failure> {
    let output = host.query(program)?;
    Ok(succeeded(program, output)?.stdout_text())
}

/// Like [`ask`], and nothing where the program is not there or ends with another status than 0.
///
/// # Errors
/// A program that cannot be started or waited for.
pub fn ask_whether(host: &dyn Host, program: &Program) -> Result<Option<String>, Failure> {
    match host.query(program) {
        Ok(output) if output.is_success() => Ok(Some(output.stdout_text())),
        Ok(_) | Err(HostError::NoProgram { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Runs a program that must succeed.
///
/// # Errors
/// A program that is not there, or ends with another status than 0.
pub fn run(host: &mut dyn Host, program: &Program) -> Result<Output, Failure> {
    let output = host.execute(program)?;
    Ok(succeeded(program, output)?)
}
