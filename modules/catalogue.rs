//! The lists of modules: what every host is sent, and what is rare.

use module::catalogue::{Catalogue, Entry, action, fact, keeper, module};

use crate::{
    acl, alternatives, apache2_module, apk, apt, apt_key, apt_repository, archive, assemble,
    async_status, at, authorized_key, blockinfile, bundler, capabilities, cargo, command, composer,
    copy, cpanm, cron, cronvar, crypto, crypttab, custom_module, deb822_repository, debconf,
    deploy_helper, dnf, dnf_config_manager, docker, dpkg_divert, dpkg_selections,
    editing::Edit,
    expect, fetch, file, filesize, filesystem, find, firewalld, flatpak, gem, get_url, getent, git,
    git_config, group, haproxy, hostname, htpasswd, ini_file, interfaces_file, iptables,
    iptables_state, kernel_blacklist, known_hosts, lineinfile, listen_ports, locale_gen,
    luks_device, lvg, lvg_rename, lvol, make, modprobe, mount, mount_facts, mysql, nftables, nmcli,
    npm, package, package_facts, pacman, pam_limits, pamd, parted, patch, pids, ping, pip, pkgng,
    postgresql::{self, keeping::Keep},
    rabbitmq, read_csv, replace, rpm_key, runit, script, seboolean, sefcontext, selinux,
    selinux_permissive, selogin, seport, service, service_facts, setup, shell, slurp, snap,
    ssh_config, stat,
    stepwise::Step,
    subversion, sudoers, supervisorctl, synchronize, sysctl, systemd, sysvinit, tempfile, timezone,
    ufw, unarchive, uri, user, wait_for, xattr, xml, yum_repository, zfs, zypper,
    zypper_repository,
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
        module::<locale_gen::LocaleGen>(),
    ],
};

/// The modules of families that few hosts need: storage, certificates, SELinux, package managers of
/// languages. They are in a program of their own, which a host is sent
/// when a task first needs one of them.
pub const RARE: Catalogue = Catalogue {
    entries: &[
        action::<subversion::Subversion>(),
        action::<expect::Expect>(),
        module::<seboolean::SeBoolean>(),
        module::<lvg::Lvg>(),
        action::<lvol::Lvol>(),
        module::<filesystem::FileSystem>(),
        module::<htpasswd::HtPasswd>(),
        module::<capabilities::Capabilities>(),
        module::<crypto::private_key::OpensslPrivatekey>(),
        module::<crypto::request::OpensslCsr>(),
        module::<crypto::certificate::X509Certificate>(),
        action::<crypto::certificate_pipe::X509CertificatePipe>(),
        action::<crypto::request_pipe::OpensslCsrPipe>(),
        action::<crypto::private_key_pipe::OpensslPrivatekeyPipe>(),
        fact::<crypto::certificate_facts::X509CertificateInfo>(),
        fact::<crypto::private_key_facts::OpensslPrivatekeyInfo>(),
        fact::<crypto::request_facts::OpensslCsrInfo>(),
        module::<crypto::public_key::OpensslPublickey>(),
        fact::<crypto::public_key::OpensslPublickeyInfo>(),
        module::<crypto::store::OpensslPkcs12>(),
        fact::<crypto::served::GetCertificate>(),
        module::<crypto::dh_parameters::OpensslDhparam>(),
        module::<crypto::key_pair::OpensshKeypair>(),
        action::<npm::Npm>(),
        action::<composer::Composer>(),
        action::<make::Make>(),
        action::<gem::Gem>(),
        action::<selinux::Selinux>(),
        action::<Step<selogin::SeLogin>>(),
        action::<Step<selinux_permissive::SelinuxPermissive>>(),
        module::<seport::SePort>(),
        module::<sefcontext::SeFContext>(),
        action::<synchronize::Synchronize>(),
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
        module::<kernel_blacklist::KernelBlacklist>(),
        module::<cronvar::CronVar>(),
        action::<acl::Acl>(),
        fact::<mount_facts::MountFacts>(),
        module::<Edit<crypttab::CryptTab>>(),
        module::<Edit<interfaces_file::InterfacesFile>>(),
        module::<ssh_config::SshConfig>(),
        action::<Step<xattr::Xattr>>(),
        action::<pkgng::PkgNg>(),
        action::<xml::Xml>(),
        fact::<pids::Pids>(),
        action::<Step<lvg_rename::LvgRename>>(),
        action::<Step<dnf_config_manager::DnfConfigManager>>(),
        fact::<listen_ports::ListenPortsFacts>(),
        action::<Step<nmcli::Nmcli>>(),
        fact::<read_csv::ReadCsv>(),
        action::<runit::Runit>(),
        action::<deploy_helper::DeployHelper>(),
        action::<filesize::FileSize>(),
        action::<luks_device::LuksDevice>(),
        action::<Step<cargo::Cargo>>(),
        action::<bundler::Bundler>(),
        action::<cpanm::Cpanm>(),
    ],
};

/// The modules of engines that few hosts run: of containers, databases, queues. They are in another
/// program of their own.
pub const ENGINES: Catalogue = Catalogue {
    entries: &[
        module::<postgresql::database::PostgresqlDb>(),
        module::<postgresql::role::PostgresqlUser>(),
        action::<postgresql::query::PostgresqlQuery>(),
        module::<mysql::database::MysqlDb>(),
        module::<mysql::user::MysqlUser>(),
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
        action::<Step<rabbitmq::plugin::RabbitmqPlugin>>(),
        action::<Step<rabbitmq::vhost::RabbitmqVhost>>(),
        action::<Step<rabbitmq::user::RabbitmqUser>>(),
        action::<Step<rabbitmq::policy::RabbitmqPolicy>>(),
        action::<Step<rabbitmq::parameter::RabbitmqParameter>>(),
        action::<Step<rabbitmq::parameter::RabbitmqGlobalParameter>>(),
        action::<Step<rabbitmq::limits::RabbitmqVhostLimits>>(),
        action::<postgresql::setting::PostgresqlSet>(),
        fact::<postgresql::ping::PostgresqlPing>(),
        action::<Step<postgresql::membership::PostgresqlMembership>>(),
        action::<Step<postgresql::owner::PostgresqlOwner>>(),
        action::<mysql::replication::MysqlReplication>(),
        module::<Edit<postgresql::access::PostgresqlPgHba>>(),
        action::<docker::image_tag::DockerImageTag>(),
        action::<docker::image_remove::DockerImageRemove>(),
        action::<docker::image_load::DockerImageLoad>(),
        action::<docker::image_push::DockerImagePush>(),
        action::<docker::image_export::DockerImageExport>(),
        keeper::<Keep<postgresql::table::PostgresqlTable>>(),
        keeper::<Keep<postgresql::index::PostgresqlIdx>>(),
        keeper::<Keep<postgresql::language::PostgresqlLang>>(),
        keeper::<Keep<postgresql::sequence::PostgresqlSequence>>(),
        keeper::<Keep<postgresql::tablespace::PostgresqlTablespace>>(),
        keeper::<Keep<postgresql::slot::PostgresqlSlot>>(),
        keeper::<Keep<postgresql::publication::PostgresqlPublication>>(),
        keeper::<Keep<postgresql::subscription::PostgresqlSubscription>>(),
        action::<postgresql::alteration::PostgresqlAlterSystem>(),
        action::<postgresql::copying::PostgresqlCopy>(),
        action::<postgresql::written::PostgresqlScript>(),
        fact::<postgresql::cluster::PostgresqlInfo>(),
        module::<mysql::role::MysqlRole>(),
        fact::<mysql::status::MysqlInfo>(),
        fact::<postgresql::statistics::PostgresqlUserObjStatInfo>(),
    ],
};

/// The collections of [`ENGINES`]: hosts tell by a module's collection which program has it, so
/// that they carry no list of what they do not have.
const ENGINES_COLLECTIONS: [&str; 4] =
    ["community.docker.", "community.mysql.", "community.postgresql.", "community.rabbitmq."];

/// The companion, `rare` or `engines`, that has a module which the remote does not have.
pub fn companion_of(module: &str) -> &'static str {
    let is_engine = ENGINES_COLLECTIONS.iter().any(|collection| module.starts_with(collection));
    if is_engine { "engines" } else { "rare" }
}

/// Every module.
pub const CATALOGUE: Catalogue = Catalogue { entries: &ALL };

/// What runs on hosts for the controller's sake, and is no module of any task.
pub const INTERNAL: Catalogue = Catalogue { entries: &[action::<custom_module::CustomModule>()] };

const LISTS: [Catalogue; 3] = [COMMON, RARE, ENGINES];

const ALL: [Entry; COMMON.entries.len() + RARE.entries.len() + ENGINES.entries.len()] = {
    let mut all =
        [COMMON.entries[0]; COMMON.entries.len() + RARE.entries.len() + ENGINES.entries.len()];
    let (mut at, mut list) = (0, 0);
    while list < LISTS.len() {
        let mut place = 0;
        while place < LISTS[list].entries.len() {
            all[at] = LISTS[list].entries[place];
            at += 1;
            place += 1;
        }
        list += 1;
    }
    all
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_companion_has_what_is_looked_for_there() {
        for (list, companion) in [(RARE, "rare"), (ENGINES, "engines")] {
            for entry in list.entries {
                assert_eq!(companion_of(entry.name), companion, "{}", entry.name);
            }
        }
        assert_eq!(
            CATALOGUE.entries.len(),
            LISTS.iter().map(|list| list.entries.len()).sum::<usize>()
        );
    }
}
