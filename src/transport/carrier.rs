//! Ways to hosts that somebody else knows: connection plugins.
//!
//! They run one command after another and bring files, and have no streams. What they are is not
//! known here; how requests get to the remote by them is in `letters`.

use std::{fmt, path::Path, sync::Arc, time::Duration};

use protocol::Json;

use crate::RawOutput;

/// A connection plugin and what it is told of one host. Nothing is open yet.
pub trait Carriage: Send + Sync + fmt::Debug {
    /// The plugin's name, for messages.
    fn name(&self) -> &str;

    /// What tells one connection from another: of two that are equal, one is made.
    fn identity(&self) -> &str;

    /// The plugin and what it is told, for whoever has to know its options; may hold secrets.
    fn told(&self) -> Json;

    /// Makes the connection, as far as the plugin does so before its first command. Blocks.
    ///
    /// # Errors
    /// The plugin cannot be loaded, or refuses.
    fn open(&self) -> Result<Arc<dyn Carrier>, CarryError>;
}

/// An open connection of a plugin. All calls block, and wait for each other.
pub trait Carrier: Send + Sync {
    /// Whether commands can be given input.
    fn takes_input(&self) -> bool;

    /// Runs a command line on the host.
    ///
    /// # Errors
    /// The host cannot be reached, the plugin fails, or the errand takes too long.
    fn execute(&self, errand: &Errand<'_>) -> Result<RawOutput, CarryError>;

    /// Brings a file of this machine to a path of the host.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    fn put(&self, from: &Path, to: &str) -> Result<(), CarryError>;

    /// Ends the connection. What goes wrong there is nobody's concern any more.
    fn close(&self);
}

/// A command that is run by a plugin.
#[derive(Clone, Debug)]
pub struct Errand<'a> {
    /// A line for the login shell, with the call of another user's in it.
    pub command: &'a str,
    /// What it reads.
    pub input: Option<&'a [u8]>,
    /// By what means another user is become on that line.
    pub become_method: Option<&'static str>,
    /// How long it may take.
    pub limit: Option<Duration>,
}

/// What a connection plugin failed with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CarryError {
    /// In the plugin's own words.
    pub message: String,
    /// Whether the host counts as unreachable, rather than the task as failed.
    pub is_unreachable: bool,
}
