//! Texts that a module keeps whole, and that are small enough to be a state.

use std::path::Path;

use module::{Delta, Failure, Host};
use protocol::{Diff, diff::Side};
use serde::Serialize;

/// A text; `None` where there is no such file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct WholeText {
    pub text: Option<String>,
}

impl WholeText {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is no UTF-8: editing it would spoil it.
    pub fn read(host: &dyn Host, path: &Path) -> Result<Self, Failure> {
        let Some(bytes) = host.read(path)? else { return Ok(Self { text: None }) };
        let text = String::from_utf8(bytes)
            .map_err(|_| Failure::new(format!("{} is no text in UTF-8", path.display())))?;
        Ok(Self { text: Some(text) })
    }

    /// The text, empty where there is none.
    pub fn as_str(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

/// What differs, line by line.
pub fn diff(delta: &Delta<WholeText>, header: &str) -> Vec<Diff> {
    let side = |side: &WholeText| Side::Text(side.as_str().to_owned());
    vec![Diff {
        before_header: header.into(),
        after_header: header.into(),
        before: side(&delta.actual),
        after: side(&delta.desired),
        prepared: None,
    }]
}
