//! Every module, one a file, and the list of them.
//!
//! A module is a struct of arguments and one of the traits of the room `module`; to add one, write
//! its file and its line in [`CATALOGUE`].

mod apt;
mod command;
mod copy;
mod execution;
mod facts;
mod file;
mod package;
mod ping;
mod service;
mod setup;
mod shell;
mod stat;
mod systemd;
mod text_diff;

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
        fact::<setup::Setup>(),
        action::<apt::Apt>(),
        action::<package::Package>(),
        module::<service::Service>(),
        module::<systemd::Systemd>(),
    ],
};

#[cfg(test)]
mod contract_tests;
