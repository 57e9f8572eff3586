//! Whether tests may boot hosts here.

use crate::{machine_requirements, requirements};

/// Says that tests may boot hosts. `cargo xtask test` sets it where they can be booted; a plain
/// `cargo test` leaves the machine's network and mounts alone.
const VARIABLE: &str = "TRUEUP_TEST_HOSTS";

/// Whether a test may boot hosts. Where it may not, prints the line that `cargo xtask test` counts
/// as a skipped test, and the caller returns.
///
/// # Panics
/// Where hosts were asked for and cannot be booted: a test that was to run must not pass.
#[allow(clippy::panic, reason = "this is a part of tests")]
pub fn available(test: &str) -> bool {
    if std::env::var_os(VARIABLE).is_none_or(|value| value.is_empty()) {
        println!("SKIPPED: {test}: hosts are booted where {VARIABLE}=1 alone (cargo xtask test)");
        return false;
    }
    let missing = requirements();
    assert!(missing.is_empty(), "{VARIABLE} is set, and hosts cannot be booted: {missing:?}");
    true
}

/// Says that tests may boot virtual machines as well. `cargo xtask test` sets it where the processor
/// runs them; where qemu plays the processor they take minutes, and have to be asked for.
const MACHINES_VARIABLE: &str = "TRUEUP_TEST_MACHINES";

/// Whether a test may boot virtual machines. Where it may not, or they cannot be had, prints the line
/// that counts as a skipped test, and the caller returns.
///
/// # Panics
/// As [`available`].
pub fn machines_available(test: &str) -> bool {
    if std::env::var_os(MACHINES_VARIABLE).is_none_or(|value| value.is_empty()) {
        println!("SKIPPED: {test}: machines are booted where {MACHINES_VARIABLE}=1 alone");
        return false;
    }
    if !available(test) {
        return false;
    }
    let missing = machine_requirements();
    if !missing.is_empty() {
        println!("SKIPPED: {test}: machines cannot be booted: {}", missing.join(", "));
    }
    missing.is_empty()
}
