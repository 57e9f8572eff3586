//! Differences of content, as far as people can read them.

use std::{io::Read, path::Path};

use module::{Failure, Host};
use protocol::{Diff, diff::Side};

/// The bytes of a file that are shown in a difference at most; Ansible's limit.
pub const DIFF_BYTES_MAX: usize = 104_448;

/// One side of a difference: text, or words on why there is none.
///
/// # Errors
/// Those of the stream.
pub fn side(content: Option<&mut dyn Read>, what: &str) -> Result<Side, Failure> {
    let Some(content) = content else { return Ok(Side::Text(String::new())) };
    let mut bytes = Vec::new();
    content.take(DIFF_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() > DIFF_BYTES_MAX {
        Side::Hidden(format!("{what} is larger than {DIFF_BYTES_MAX} bytes"))
    } else {
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => Side::Text(text),
            _ => Side::Hidden(format!("{what} is binary")),
        }
    })
}

/// What changes in a file that will hold `after`.
///
/// # Errors
/// A file that cannot be read.
pub fn file_diff(
    host: &dyn Host,
    path: &Path,
    after_header: &str,
    after: &mut dyn Read,
) -> Result<Diff, Failure> {
    let mut before = host.open(path)?;
    let before: Option<&mut dyn Read> = match &mut before {
        Some(file) => Some(&mut **file),
        None => None,
    };
    // What is not there has no name, as in Ansible.
    let name = before.as_ref().map(|_| path.display().to_string());
    Ok(Diff {
        before_header: name.unwrap_or_default(),
        after_header: after_header.into(),
        before: side(before, "the file on the host")?,
        after: side(Some(after), "the new content")?,
        prepared: None,
    })
}
