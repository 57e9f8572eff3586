//! The `slurp` module.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use module::{
    Arguments, Documented, Example, Fact, Failure, Host, HostError, Returned, host::Access,
};
use protocol::{Response, spec::Support};

/// The bytes of a file that are returned at most: with base64 around them they must fit a frame.
const BYTES_MAX: usize = 11 * 1024 * 1024;

/// Returns the content of a file, in base64.
#[derive(Debug, Arguments)]
pub struct Slurp {
    /// The file.
    #[argument(aliases("path"))]
    src: PathBuf,
}

impl Documented for Slurp {
    const NAME: &'static str = "ansible.builtin.slurp";
    const EXAMPLES: &'static [Example] =
        &[Example { title: "A file", args: r#"{"src": "/etc/hosts"}"# }];
    const RETURNS: &'static [Returned] = &[
        Returned::new("content", "The content, in base64.", "success", r#""MjE3OQo=""#),
        Returned::new("encoding", "Always `base64`.", "success", r#""base64""#),
        Returned::new("source", "The file.", "success", r#""/etc/hosts""#),
    ];
    const DIFF_MODE: Support = Support::None;
}

impl Fact for Slurp {
    fn read(&self, host: &dyn Host) -> Result<Response, Failure> {
        let path = self.src.display();
        let found = match host.metadata(&self.src) {
            Err(HostError::File { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
                return Err(Failure::new(format!("file is not readable: {path}")));
            }
            found => found?,
        };
        if found.is_some() && !host.may(Access::Read, &self.src) {
            return Err(Failure::new(format!("file is not readable: {path}")));
        }
        match found {
            None if is_below_file(host, &self.src)? => {
                return Err(Failure::new(format!(
                    "unable to slurp file: a part of the path is a file: {path}"
                )));
            }
            None => return Err(Failure::new(format!("file not found: {path}"))),
            Some(found) if found.is_dir() => {
                return Err(Failure::new(format!(
                    "source is a directory and must be a file: {path}"
                )));
            }
            Some(_) => {}
        }
        let bytes = host.read(&self.src)?.unwrap_or_default();
        if bytes.len() > BYTES_MAX {
            return Err(Failure::new(format!(
                "{path} has more than {BYTES_MAX} bytes, which is too much to return; use fetch"
            )));
        }
        let mut response = Response::default();
        response.returned.insert("content".into(), STANDARD.encode(bytes).into());
        response.returned.insert("source".into(), path.to_string().into());
        response.returned.insert("encoding".into(), "base64".into());
        Ok(response)
    }
}

/// Whether a path leads through a file as if it were a folder.
fn is_below_file(host: &dyn Host, path: &Path) -> Result<bool, Failure> {
    for above in path.ancestors().skip(1) {
        if let Some(found) = host.metadata(above)? {
            return Ok(!found.is_dir());
        }
    }
    Ok(false)
}
