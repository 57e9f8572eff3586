//! An SSH server inside this process, on loopback, for demonstrations and tests of the wire.
//!
//! Each [`Server`] is one host: a folder of its own that is HOME and working folder, a host key,
//! and accounts that log in by key, password or keyboard-interactive. Commands run by `sh -c` as
//! child processes of this process and end when their channel does. [`Faults`] make it behave
//! badly on demand.
//!
//! It is no server for strangers: every account runs as the user of this process, and it listens
//! on loopback addresses alone.

pub mod accounts;
pub mod faults;
pub mod keys;
pub mod server;

mod command;
mod session;

pub use accounts::Account;
pub use faults::Faults;
pub use server::{Server, ServerError, ServerSettings};
