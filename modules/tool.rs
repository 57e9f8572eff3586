//! Programs of the host that a module stands on: asked where they only read, run where they change.

use module::{Failure, Host, HostError, Output, Program, host::succeeded};

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
