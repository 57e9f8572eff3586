//! Files of the controller that a module needs.

use protocol::Digest;
use serde::{Deserialize, Serialize};

/// A file that the controller holds, as its internal arguments name it.
///
/// Internal arguments stand among a request's arguments under names that start with `_` and are in
/// no spec: the controller adds them after the check. A module declares one as
/// `#[argument(internal)] source: Option<Source>`, which is read from `_source`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The digest by which the content is asked for.
    pub digest: Digest,
    /// SHA-1, which Ansible's modules return as `checksum`; may be left out, and is then computed
    /// on the host.
    #[serde(default)]
    pub sha1: Option<String>,
    /// In bytes.
    pub size: u64,
    /// Last part of the path in the controller, which a file in a folder is named after.
    #[serde(default)]
    pub name: String,
    /// Permissions in the controller, for `mode: preserve`.
    #[serde(default)]
    pub mode: Option<u32>,
    /// Where it came from, for people.
    #[serde(default)]
    pub origin: String,
}
