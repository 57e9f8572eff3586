//! Tests that cross rooms: the program as a user calls it.
//!
//! Start with [`program`] (the built binary, run in a folder of its own) and [`recap`] (what a run
//! says it did).

#![allow(clippy::unwrap_used, clippy::panic, reason = "what tests share may panic as tests do")]

pub mod program;
pub mod recap;
