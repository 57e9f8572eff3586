//! What differed on a host.

use serde::{Deserialize, Serialize};

/// One difference, as Ansible's modules return it under `diff`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// What is compared, such as a path; empty where there is nothing to name.
    pub before_header: String,
    /// The same for the other side.
    pub after_header: String,
    /// What was there.
    pub before: Side,
    /// What is or would be there.
    pub after: Side,
    /// A difference that the tool behind the module has already put into words; where it is
    /// given, `before` and `after` are empty.
    pub prepared: Option<String>,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Side {
    /// Text, compared line by line.
    Text(String),
    /// State, compared as sorted JSON.
    State(crate::Json),
    /// There is content that cannot be shown: binary, or larger than the limit; says so in words.
    Hidden(String),
}

impl Default for Side {
    fn default() -> Self {
        Self::Text(String::new())
    }
}
