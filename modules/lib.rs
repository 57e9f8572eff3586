//! Every module, one a file, and the list of them.
//!
//! A module is a struct of arguments and one of the traits of the room `module`; to add one, write
//! its file and its line in `catalogue.rs`.

mod acl;
mod alternatives;
mod apache2_module;
mod apk;
mod apt;
mod apt_key;
mod apt_repository;
mod archive;
mod assemble;
mod async_status;
mod at;
mod authorized_key;
mod blockinfile;
mod capabilities;
mod catalogue;
mod command;
mod composer;
mod copy;
mod cron;
mod cronvar;
mod crypt;
mod crypto;
mod custom_module;
mod deb822_repository;
mod debconf;
mod dnf;
mod docker;
mod download;
mod dpkg_divert;
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
mod flatpak;
mod gem;
mod get_url;
mod getent;
mod git;
mod git_config;
mod group;
mod haproxy;
mod hmac;
mod hostname;
mod htpasswd;
mod http;
mod ini_file;
mod iptables;
mod iptables_state;
mod kernel_blacklist;
mod known_hosts;
mod lineinfile;
mod locale_gen;
mod lvg;
mod lvol;
mod make;
mod markup;
mod modprobe;
mod mount;
mod mount_facts;
mod mysql;
mod nftables;
mod npm;
mod openpgp;
mod order_values;
mod package;
mod package_facts;
mod packed_file;
mod pacman;
mod pam_limits;
mod pam_service;
mod pamd;
mod parted;
mod patch;
mod ping;
mod pip;
mod postgresql;
mod presence;
mod replace;
mod rpm;
mod rpm_key;
mod script;
mod seboolean;
mod sefcontext;
mod selinux;
mod seport;
mod service;
mod service_facts;
mod setup;
mod shell;
mod slurp;
mod snap;
mod stat;
mod stepwise;
mod subversion;
mod sudoers;
mod supervisorctl;
mod synchronize;
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
mod zfs;
mod zypper;
mod zypper_repository;

pub use catalogue::{CATALOGUE, COMMON, ENGINES, INTERNAL, RARE, companion_of};

#[cfg(test)]
mod cases;
#[cfg(test)]
mod contract_tests;
#[cfg(test)]
mod fake_databases;
#[cfg(test)]
mod fake_programs;
#[cfg(test)]
mod fake_rare;
#[cfg(test)]
mod fake_tools;
#[cfg(test)]
mod real_host;
