//! The SSH client's configuration: what a user's `~/.ssh/config` and `-o` options say of a host.
//!
//! [`file`] reads files into lines, `Include` resolved; [`resolve`] walks them for one host, as
//! OpenSSH does: the first value that is met counts. What is not done here is refused or warned
//! of by name; what cannot matter to this program (colours, multiplexing, logging) is passed over.

use std::path::PathBuf;

pub mod file;
pub mod keyword;
pub mod resolve;

pub use file::{ConfigFile, Origin};
pub use resolve::{Query, Settings, resolve};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("the SSH configuration {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Files include each other too deeply.
    #[error("{origin}: files are included more than {} deep", file::INCLUDE_DEPTH_MAX)]
    Depth {
        /// The line.
        origin: Origin,
    },
    /// A value is not one that the keyword takes.
    #[error("{origin}: {keyword} {value}: {why}")]
    Value {
        /// The line.
        origin: Origin,
        /// The keyword as written.
        keyword: String,
        /// The value as written.
        value: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something is not done here, and passing it over could reach another host or trust another
    /// key.
    #[error("{origin}: {what} is not done by this program")]
    NotDone {
        /// The line.
        origin: Origin,
        /// The keyword or criterion.
        what: String,
    },
    /// A line cannot be read.
    #[error("{origin}: {why}")]
    Line {
        /// The line.
        origin: Origin,
        /// What is wrong with it.
        why: String,
    },
}
