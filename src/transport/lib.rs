//! Reaching hosts, becoming other users on them, and putting the remote in place.
//!
//! Start with [`target`] (what the caller says about a host), then [`connector`] (how connections
//! are opened), [`connection`] (what an open one can do) and [`remote`] (requests over it).
//!
//! This room reads no inventory, no settings and no environment: everything it needs is handed
//! in. It knows nothing of tasks or outcomes; a lost host is an error here, and what that means
//! for a run is decided elsewhere.

pub mod become_;
pub mod connection;
pub mod connector;
pub mod error;
pub mod remote;
pub mod remotes;
pub mod target;

pub use become_::{Become, BecomeMethod};
pub use connection::{Connection, HostKey, RawOutput};
pub use connector::{Connector, ConnectorSettings};
pub use error::{CallError, ConnectError};
pub use remote::{Counters, Files, NoFiles, Remote, Sink};
pub use remotes::{RemoteBinaries, RemoteBinary};
pub use target::{ConnectionKind, HostKeyPolicy, Target};
