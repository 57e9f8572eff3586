//! What crosses a wire or a room.
//!
//! Start with [`frame`] (how bytes become messages), then [`request`] (what the controller orders
//! and what the remote answers), [`spec`] (what a module's arguments are) and [`arguments`] (how
//! what a task wrote becomes what a module is given).
//!
//! This room does no I/O beyond reading and writing frames on streams it is handed, and knows no
//! other room.

pub mod arguments;
pub mod coerce;
pub mod diff;
pub mod digest;
pub mod frame;
pub mod letter;
pub mod python;
pub mod request;
pub mod secret;
pub mod spec;
pub mod tunnel;

pub use diff::Diff;
pub use digest::{Digest, Digester};
pub use request::{
    Answer, Chunk, FromRemote, Hello, Order, Request, Response, ToRemote, is_foreign,
};
pub use secret::Secret;

/// A dynamic value as it crosses the wire: what YAML and JSON share.
pub type Json = serde_json::Value;

/// A mapping of dynamic values that keeps its order.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
