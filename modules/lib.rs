//! Every module, one a file, and the list of them.
//!
//! A module is a struct of arguments and one of the traits of the room `module`; to add one, write
//! its file and its line in [`CATALOGUE`].

mod apt;
mod assemble;
mod blockinfile;
mod command;
mod copy;
mod download;
mod execution;
mod facts;
mod fetch;
mod file;
mod find;
mod get_url;
mod getent;
mod group;
mod http;
mod iptables;
mod lineinfile;
mod nftables;
mod package;
mod ping;
mod replace;
mod script;
mod service;
mod setup;
mod shell;
mod slurp;
mod stat;
mod systemd;
mod tempfile;
mod text_diff;
mod text_file;
mod uri;
mod user;

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
        action::<get_url::GetUrl>(),
        action::<uri::Uri>(),
        action::<script::Script>(),
        fact::<find::Find>(),
        fact::<slurp::Slurp>(),
        fact::<fetch::Fetch>(),
        action::<tempfile::TempFile>(),
        module::<assemble::Assemble>(),
        fact::<getent::Getent>(),
        module::<group::Group>(),
        module::<user::User>(),
        fact::<setup::Setup>(),
        action::<apt::Apt>(),
        action::<package::Package>(),
        module::<service::Service>(),
        module::<systemd::Systemd>(),
    ],
};

#[cfg(test)]
mod cases;
#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod fake_programs;
#[cfg(test)]
mod fake_tools;
