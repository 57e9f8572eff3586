//! Real hosts for tests: Debian with systemd and OpenSSH, booted in containers on this machine.
//!
//! A [`Fleet`] is a network of its own with some [`Host`]s on it. Each host is an overlay on a base
//! that debootstrap made once (kept in [`work_folder`]), boots in about two seconds and has no
//! Python unless it is asked for. Hosts reach package mirrors through this machine; addresses of
//! hosts that are gone lead nowhere.
//!
//! A host may be a virtual machine as well ([`Fleet::boot_machines`]), with a kernel of its own.
//!
//! Whatever happens to the process that owns a fleet (a panic, an interrupt, SIGKILL), a
//! [`reaper`] that waits for its end takes hosts, mounts, interfaces and rules away. What a crash
//! of the machine leaves behind is taken away before the number of its fleet is used again.
//!
//! It needs root on Debian; [`requirements`] says what is missing.

pub mod available;
pub mod base;
mod cgroup;
pub mod fleet;
pub mod host;
pub mod machine;
pub mod network;
pub mod reaper;
pub mod requirements;
pub mod shell;

pub use available::{available, machines_available};
pub use base::{DRIVEN, Layer, MACHINE, MODULES, PACKAGERS, PYTHON, RPM, SERVERS, work_folder};
pub use fleet::Fleet;
pub use host::{Host, HostSpec, Operator, Sudo};
pub use requirements::{install_requirements, machine_requirements, requirements};
pub use shell::HostsError;
