//! The lists of modules: what every host is sent, and what is rare.

use module::catalogue::{Catalogue, Entry, action, fact, module};

use crate::{
    acl, alternatives, apache2_module, apk, apt, apt_key, apt_repository, archive, assemble,
    async_status, at, authorized_key, blockinfile, capabilities, command, composer, copy, cron,
    cronvar, crypto, custom_module, deb822_repository, debconf, dnf, docker, dpkg_divert,
    dpkg_selections, editing::Edit, expect, fetch, file, filesystem, find, firewalld, flatpak, gem,
    get_url, getent, git, git_config, group, haproxy, hostname, htpasswd, ini_file, iptables,
    iptables_state, kernel_blacklist, known_hosts, lineinfile, locale_gen, lvg, lvol, make,
    modprobe, mount, mount_facts, mysql, nftables, npm, package, package_facts, pacman, pam_limits,
    pamd, parted, patch, ping, pip, postgresql, replace, rpm_key, script, seboolean, sefcontext,
    selinux, seport, service, service_facts, setup, shell, slurp, snap, stat, stepwise::Step,
    subversion, sudoers, supervisorctl, synchronize, sysctl, systemd, sysvinit, tempfile, timezone,
    ufw, unarchive, uri, user, wait_for, yum_repository, zfs, zypper, zypper_repository,
};

/// The modules that every host is sent.
pub const COMMON: Catalogue = Catalogue {
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
        action::<pip::Pip>(),
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
        module::<alternatives::Alternatives>(),
        module::<timezone::TimeZone>(),
        module::<Edit<pam_limits::PamLimits>>(),
        module::<sudoers::Sudoers>(),
        module::<kernel_blacklist::KernelBlacklist>(),
        module::<cronvar::CronVar>(),
        module::<locale_gen::LocaleGen>(),
        action::<acl::Acl>(),
    ],
};

/// The modules of families that few hosts need: databases, storage, containers, certificates,
/// SELinux, package managers of languages. They are in a program of their own, which a host is sent
/// when a task first needs one of them.
pub const RARE: Catalogue = Catalogue {
    entries: &[
        action::<subversion::Subversion>(),
        action::<expect::Expect>(),
        module::<seboolean::SeBoolean>(),
        module::<lvg::Lvg>(),
        action::<lvol::Lvol>(),
        module::<filesystem::FileSystem>(),
        module::<postgresql::database::PostgresqlDb>(),
        module::<postgresql::role::PostgresqlUser>(),
        action::<postgresql::query::PostgresqlQuery>(),
        module::<mysql::database::MysqlDb>(),
        module::<mysql::user::MysqlUser>(),
        module::<htpasswd::HtPasswd>(),
        module::<capabilities::Capabilities>(),
        module::<crypto::private_key::OpensslPrivatekey>(),
        module::<crypto::request::OpensslCsr>(),
        module::<crypto::certificate::X509Certificate>(),
        fact::<crypto::certificate_facts::X509CertificateInfo>(),
        module::<crypto::dh_parameters::OpensslDhparam>(),
        module::<crypto::key_pair::OpensshKeypair>(),
        action::<docker::container::DockerContainer>(),
        action::<docker::image::DockerImage>(),
        action::<docker::pull::DockerImagePull>(),
        action::<docker::network::DockerNetwork>(),
        action::<docker::volume::DockerVolume>(),
        action::<docker::prune::DockerPrune>(),
        fact::<docker::facts::DockerContainerInfo>(),
        fact::<docker::facts::DockerNetworkInfo>(),
        fact::<docker::facts::DockerVolumeInfo>(),
        fact::<docker::facts::DockerImageInfo>(),
        fact::<docker::facts::DockerHostInfo>(),
        action::<npm::Npm>(),
        action::<composer::Composer>(),
        action::<make::Make>(),
        action::<gem::Gem>(),
        action::<selinux::Selinux>(),
        module::<seport::SePort>(),
        module::<sefcontext::SeFContext>(),
        action::<synchronize::Synchronize>(),
        action::<postgresql::privileges::PostgresqlPrivs>(),
        module::<postgresql::extension::PostgresqlExt>(),
        module::<postgresql::schema::PostgresqlSchema>(),
        action::<mysql::query::MysqlQuery>(),
        module::<mysql::variable::MysqlVariables>(),
        action::<docker::build::DockerImageBuild>(),
        action::<docker::login::DockerLogin>(),
        action::<docker::exec::DockerContainerExec>(),
        action::<docker::compose::services::DockerComposeV2>(),
        action::<docker::compose::pulling::DockerComposeV2Pull>(),
        action::<archive::Archive>(),
        action::<at::At>(),
        action::<iptables_state::IptablesState>(),
        action::<parted::Parted>(),
        action::<patch::Patch>(),
        module::<dpkg_divert::DpkgDivert>(),
        action::<Step<git_config::GitConfig>>(),
        action::<haproxy::HaProxy>(),
        action::<Step<snap::Snap>>(),
        action::<Step<flatpak::Flatpak>>(),
        action::<Step<flatpak::FlatpakRemote>>(),
        action::<Step<zypper_repository::ZypperRepository>>(),
        action::<Step<apache2_module::Apache2Module>>(),
        action::<supervisorctl::SupervisorCtl>(),
        action::<Step<zfs::Zfs>>(),
        module::<pamd::PamD>(),
    ],
};

/// Every module.
pub const CATALOGUE: Catalogue = Catalogue { entries: &ALL };

/// What runs on hosts for the controller's sake, and is no module of any task.
pub const INTERNAL: Catalogue = Catalogue { entries: &[action::<custom_module::CustomModule>()] };

const ALL: [Entry; COMMON.entries.len() + RARE.entries.len()] = {
    let mut all = [COMMON.entries[0]; COMMON.entries.len() + RARE.entries.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = if at < COMMON.entries.len() {
            COMMON.entries[at]
        } else {
            RARE.entries[at - COMMON.entries.len()]
        };
        at += 1;
    }
    all
};
