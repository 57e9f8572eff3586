//! Every module, one a file, and the list of them.
//!
//! A module is a struct of arguments and one of the traits of the room `module`; to add one, write
//! its file and its line in [`CATALOGUE`].

mod alternatives;
mod apk;
mod apt;
mod apt_key;
mod apt_repository;
mod assemble;
mod async_status;
mod authorized_key;
mod blockinfile;
mod command;
mod copy;
mod cron;
mod custom_module;
mod deb822_repository;
mod debconf;
mod dnf;
mod download;
mod dpkg_selections;
mod editing;
mod encoding;
mod execution;
mod expect;
mod facts;
mod fetch;
mod file;
mod filesystem;
mod find;
mod firewalld;
mod get_url;
mod getent;
mod git;
mod group;
mod hmac;
mod hostname;
mod http;
mod ini_file;
mod iptables;
mod known_hosts;
mod lineinfile;
mod lvg;
mod lvol;
mod modprobe;
mod mount;
mod mount_facts;
mod mysql;
mod nftables;
mod openpgp;
mod package;
mod package_facts;
mod pacman;
mod pam_limits;
mod ping;
mod pip;
mod postgresql;
mod presence;
mod replace;
mod rpm;
mod rpm_key;
mod script;
mod seboolean;
mod service;
mod service_facts;
mod setup;
mod shell;
mod slurp;
mod stat;
mod subversion;
mod sysctl;
mod systemd;
mod sysvinit;
mod tempfile;
mod text_diff;
mod text_file;
mod timezone;
mod tool;
mod ufw;
mod unarchive;
mod uri;
mod user;
mod wait_for;
mod whole_text;
mod yum_repository;
mod zypper;

use module::catalogue::{Catalogue, action, fact, module};

use editing::Edit;

/// Every module.
pub const CATALOGUE: Catalogue = Catalogue {
    entries: &[
        fact::<ping::Ping>(),
        action::<command::Command>(),
        action::<shell::Shell>(),
        module::<file::File>(),
        module::<copy::Copy>(),
        fact::<stat::Stat>(),
        module::<Edit<lineinfile::LineInFile>>(),
        module::<Edit<blockinfile::BlockInFile>>(),
        module::<Edit<replace::Replace>>(),
        module::<nftables::NfTables>(),
        module::<iptables::IpTables>(),
        action::<get_url::GetUrl>(),
        action::<uri::Uri>(),
        action::<unarchive::Unarchive>(),
        module::<cron::Cron>(),
        module::<hostname::HostName>(),
        module::<sysctl::Sysctl>(),
        module::<mount::Mount>(),
        module::<Edit<ini_file::IniFile>>(),
        module::<authorized_key::AuthorizedKey>(),
        module::<modprobe::Modprobe>(),
        fact::<package_facts::PackageFacts>(),
        fact::<service_facts::ServiceFacts>(),
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
        fact::<mount_facts::MountFacts>(),
        action::<wait_for::WaitFor>(),
        action::<async_status::AsyncStatus>(),
        action::<apt::Apt>(),
        action::<package::Package>(),
        module::<apt_repository::AptRepository>(),
        module::<deb822_repository::Deb822Repository>(),
        module::<service::Service>(),
        module::<systemd::Systemd>(),
        module::<sysvinit::SysVInit>(),
        action::<git::Git>(),
        action::<subversion::Subversion>(),
        action::<pip::Pip>(),
        action::<expect::Expect>(),
        module::<debconf::Debconf>(),
        module::<dpkg_selections::DpkgSelections>(),
        module::<apt_key::AptKey>(),
        module::<rpm_key::RpmKey>(),
        module::<yum_repository::YumRepository>(),
        module::<Edit<known_hosts::KnownHosts>>(),
        action::<dnf::Dnf>(),
        action::<apk::Apk>(),
        action::<pacman::Pacman>(),
        action::<zypper::Zypper>(),
        action::<ufw::Ufw>(),
        module::<firewalld::Firewalld>(),
        module::<seboolean::SeBoolean>(),
        module::<alternatives::Alternatives>(),
        module::<timezone::TimeZone>(),
        module::<Edit<pam_limits::PamLimits>>(),
        module::<lvg::Lvg>(),
        action::<lvol::Lvol>(),
        module::<filesystem::FileSystem>(),
        module::<postgresql::database::PostgresqlDb>(),
        module::<postgresql::role::PostgresqlUser>(),
        action::<postgresql::query::PostgresqlQuery>(),
        module::<mysql::database::MysqlDb>(),
        module::<mysql::user::MysqlUser>(),
    ],
};

/// What runs on hosts for the controller's sake, and is no module of any task.
pub const INTERNAL: Catalogue = Catalogue { entries: &[action::<custom_module::CustomModule>()] };

#[cfg(test)]
mod cases;
#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod fake_databases;
#[cfg(test)]
mod fake_programs;
#[cfg(test)]
mod fake_tools;
#[cfg(test)]
mod real_host;
