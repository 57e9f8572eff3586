//! SELinux contexts: `user:role:type:level`.

use std::path::Path;

use crate::{Host, HostError, Program};

/// The extended attribute that holds a context.
pub const ATTRIBUTE: &str = "security.selinux";

/// Whether the host's kernel has SELinux at work.
///
/// # Errors
/// What cannot be read.
pub fn is_enabled(host: &dyn Host) -> Result<bool, HostError> {
    Ok(host.link_metadata(Path::new("/sys/fs/selinux/enforce"))?.is_some())
}

/// The context of a file; `None` where it has none.
///
/// # Errors
/// What cannot be read.
pub fn context(host: &dyn Host, path: &Path) -> Result<Option<String>, HostError> {
    let bytes = host.attribute(path, ATTRIBUTE)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned()))
}

/// The context that the policy gives to files at that path; `None` where it says nothing, or where
/// nobody can be asked.
///
/// # Errors
/// What cannot be run.
pub fn default_context(host: &dyn Host, path: &Path) -> Result<Option<String>, HostError> {
    let program = Program::new("matchpathcon").args(["-n", &path.display().to_string()]);
    match host.query(&program) {
        Ok(output) if output.is_success() => {
            let context = output.stdout_text().trim().to_owned();
            Ok((!context.is_empty() && context != "<<none>>").then_some(context))
        }
        Ok(_) | Err(HostError::NoProgram { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
