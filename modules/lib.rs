//! Every module, one a file, and the list of them.
//!
//! A module is a struct of arguments and one of the traits of the room `module`; to add one, write
//! its file and its line in [`CATALOGUE`].

mod blockinfile;
mod command;
mod copy;
mod execution;
mod file;
mod iptables;
mod lineinfile;
mod nftables;
mod ping;
mod replace;
mod shell;
mod stat;
mod text_diff;
mod text_file;

use module::catalogue::{Catalogue, action, fact, module};

/// Every module.
pub const CATALOGUE: Catalogue = Catalogue {
    entries: &[
        fact::<ping::Ping>(),
        action::<command::Command>(),
        action::<shell::Shell>(),
        module::<file::File>(),
        module::<copy::Copy>(),
        fact::<stat::Stat>(),
        module::<lineinfile::LineInFile>(),
        module::<blockinfile::BlockInFile>(),
        module::<replace::Replace>(),
        module::<nftables::NfTables>(),
        module::<iptables::IpTables>(),
    ],
};

#[cfg(test)]
mod cases;
#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod fake_programs;
