//! Reaching hosts, becoming other users on them, and putting the remote in place.
//!
//! Start with [`target`] (what the caller says about a host), then [`connector`] (how connections
//! are opened), [`connection`] (what an open one can do) and [`remote`] (requests over it). On the
//! way there: [`ssh_config`] and [`ssh_arguments`] are read into hops, [`known_hosts`] judges
//! host keys, and `boot.sh` starts the remote.
//!
//! This room reads no inventory, no settings and no environment: everything it needs is handed
//! in. It knows nothing of tasks or outcomes; a lost host is an error here, and what that means
//! for a run is decided elsewhere.

pub mod target;

pub mod connector;

mod hop;
pub mod ssh_arguments;
pub mod ssh_config;

mod algorithms;
mod authentication;
mod dial;
pub mod known_hosts;
mod pattern;
mod session;

pub mod become_;
mod boot;
pub mod carrier;
pub mod connection;
mod dialogue;
mod letters;
mod local;
mod outgoing;
mod packing;
mod pipe;
mod postman;
pub mod remote;
pub mod remotes;

pub mod error;

#[cfg(test)]
mod scratch;

pub use become_::{Become, BecomeMethod};
pub use carrier::{Carriage, Carrier, CarryError, Errand};
pub use connection::{Connection, HostKey, RawOutput};
pub use connector::{Connector, ConnectorSettings, Narrator};
pub use error::{BecomeError, CallError, ConnectError, RemoteError};
pub use remote::{Counters, Files, NoFiles, Remote, Sink};
pub use remotes::{RemoteBinaries, RemoteBinary};
pub use target::{ConnectionKind, HostKeyPolicy, Target};
