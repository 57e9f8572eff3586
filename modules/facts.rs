//! Facts by family, and which of them a task asks for.
//!
//! Each file reads one family from files of the host, with as few programs as it takes; what the
//! host does not tell is left out, or is what Ansible has in its place (`NA`, `N/A`, an empty list).

mod boot;
mod clock;
mod cpu;
mod custom;
mod devices;
mod distribution;
mod dmi;
mod environment;
mod foreign;
mod lsb;
mod lvm;
mod memory;
pub mod mounts;
mod network;
mod platform;
mod programs;
mod reader;
mod resolver;
mod security;
mod ssh_keys;
mod storage;
mod user;
mod virtualization;

use std::{collections::BTreeSet, path::Path};

use module::{Failure, Host};
use protocol::JsonMap;

pub use platform::names;
pub use reader::Reader;

/// Whether `/` is another folder than that of the host's first process.
pub fn is_chroot(host: &dyn Host) -> bool {
    virtualization::is_chroot(&Reader::new(host))
}

/// What runs the services of the host, by the name of the fact `service_mgr`.
pub fn service_manager(host: &dyn Host) -> String {
    programs::manager(&Reader::new(host))
}

/// What installs packages on the host, by the name of its module; `None` where nothing does.
pub fn package_manager(host: &dyn Host) -> Option<&'static str> {
    programs::package_provider(&Reader::new(host))
}

/// What a collector is given.
pub struct Request<'a> {
    pub reader: &'a Reader<'a>,
    /// Folder of the user's own facts.
    pub fact_path: Option<&'a Path>,
    /// The interpreter that the user names for the host's modules in Python.
    pub python: Option<&'a str>,
    /// What is said to the user.
    pub warnings: Vec<String>,
}

/// Facts that are read together.
struct Collector {
    /// The name of the subset.
    name: &'static str,
    /// Other names that ask for it: those of its facts.
    facts: &'static [&'static str],
    /// Whether it is part of the subset `min`.
    is_minimal: bool,
    /// Subsets that come with it.
    needs: &'static [&'static str],
    read: fn(&mut Request<'_>) -> JsonMap,
}

const fn minimal(
    name: &'static str,
    facts: &'static [&'static str],
    read: fn(&mut Request<'_>) -> JsonMap,
) -> Collector {
    Collector { name, facts, is_minimal: true, needs: &[], read }
}

const fn further(
    name: &'static str,
    facts: &'static [&'static str],
    needs: &'static [&'static str],
    read: fn(&mut Request<'_>) -> JsonMap,
) -> Collector {
    Collector { name, facts, is_minimal: false, needs, read }
}

const COLLECTORS: &[Collector] = &[
    minimal("apparmor", &[], |request| security::apparmor(request.reader)),
    minimal("caps", &["system_capabilities", "system_capabilities_enforced"], |request| {
        security::capabilities(request.reader)
    }),
    further("chroot", &["is_chroot"], &[], |request| virtualization::chroot(request.reader)),
    minimal("cmdline", &[], |request| boot::command_line(request.reader)),
    minimal("date_time", &[], |request| clock::read(request.reader)),
    minimal(
        "distribution",
        &[
            "distribution_version",
            "distribution_release",
            "distribution_major_version",
            "os_family",
        ],
        |request| distribution::read(request.reader).facts(),
    ),
    minimal("dns", &[], |request| resolver::read(request.reader)),
    minimal("env", &[], |request| environment::read(request.reader)),
    further("facter", &[], &[], |request| foreign::facter(request.reader)),
    further("fibre_channel_wwn", &[], &[], |request| storage::fibre_channel(request.reader)),
    minimal("fips", &[], |request| security::fips(request.reader)),
    further(
        "hardware",
        &["processor", "processor_cores", "processor_count", "mounts", "devices"],
        &["platform"],
        hardware,
    ),
    further("iscsi", &[], &[], |request| storage::iscsi(request.reader)),
    further("loadavg", &[], &[], |request| boot::load(request.reader)),
    minimal("local", &[], custom::read),
    minimal("lsb", &[], |request| lsb::read(request.reader)),
    further(
        "network",
        &["interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"],
        &["platform", "distribution"],
        network::read,
    ),
    further("nvme", &[], &[], |request| storage::nvme(request.reader)),
    further("ohai", &[], &[], |request| foreign::ohai(request.reader)),
    minimal("pkg_mgr", &[], |request| programs::package_manager(request.reader)),
    minimal("python", &["python_version"], |request| {
        programs::python(request.reader, request.python)
    }),
    minimal(
        "platform",
        &["system", "kernel", "kernel_version", "machine", "architecture", "machine_id"],
        |request| platform::read(request.reader),
    ),
    minimal("selinux", &[], |request| security::selinux(request.reader)),
    minimal("service_mgr", &[], |request| programs::service_manager(request.reader)),
    minimal(
        "ssh_pub_keys",
        &[
            "ssh_host_pub_keys",
            "ssh_host_key_dsa_public",
            "ssh_host_key_rsa_public",
            "ssh_host_key_ecdsa_public",
            "ssh_host_key_ed25519_public",
        ],
        |request| ssh_keys::read(request.reader),
    ),
    further("systemd", &[], &[], |request| programs::systemd(request.reader)),
    minimal(
        "user",
        &[
            "user_id",
            "user_uid",
            "user_gid",
            "user_gecos",
            "user_dir",
            "user_shell",
            "real_user_id",
            "effective_user_id",
            "effective_group_ids",
        ],
        |request| user::read(request.reader),
    ),
    further(
        "virtual",
        &[
            "virtualization_type",
            "virtualization_role",
            "virtualization_tech_guest",
            "virtualization_tech_host",
        ],
        &[],
        |request| virtualization::read(request.reader),
    ),
];

fn hardware(request: &mut Request<'_>) -> JsonMap {
    let reader = request.reader;
    let mut facts = cpu::read(reader);
    facts.extend(memory::read(reader));
    facts.extend(dmi::read(reader));
    facts.extend(devices::read(reader));
    facts.extend(boot::uptime(reader));
    let (mounts, warnings) = mounts::read(reader);
    facts.extend(mounts);
    request.warnings.extend(warnings);
    facts.extend(lvm::read(reader));
    facts
}

/// Works out which collectors a task's `gather_subset` names, in the order of the list.
///
/// # Errors
/// A subset that there is not.
fn choose(subsets: &[String]) -> Result<Vec<&'static Collector>, Failure> {
    let names = |keep: fn(&Collector) -> bool| -> BTreeSet<&'static str> {
        COLLECTORS.iter().filter(|one| keep(one)).map(|one| one.name).collect()
    };
    let all = names(|_| true);
    let minimal = names(|one| one.is_minimal);
    let mut chosen = minimal.clone();
    let mut excluded = BTreeSet::new();
    let mut named = BTreeSet::new();
    for subset in subsets.iter().map(|subset| subset.trim()) {
        match (subset.strip_prefix('!'), subset) {
            (Some("min"), _) => excluded.extend(minimal.iter().copied()),
            (Some("all"), _) => excluded.extend(all.difference(&minimal).copied()),
            (Some(other), _) => excluded.extend(find(other).map(|one| one.name)),
            (None, "all") => chosen.extend(all.iter().copied()),
            (None, "min") => chosen.extend(minimal.iter().copied()),
            (None, other) => {
                let found = find(other).ok_or_else(|| unknown(other))?;
                chosen.insert(found.name);
                named.insert(found.name);
            }
        }
    }
    chosen.retain(|name| !excluded.contains(name) || named.contains(name));
    for name in chosen.clone() {
        chosen.extend(find(name).map(|one| one.needs).unwrap_or_default());
    }
    Ok(COLLECTORS.iter().filter(|one| chosen.contains(one.name)).collect())
}

fn find(name: &str) -> Option<&'static Collector> {
    COLLECTORS.iter().find(|one| one.name == name || one.facts.contains(&name))
}

fn unknown(name: &str) -> Failure {
    let mut names: Vec<&str> =
        COLLECTORS.iter().flat_map(|one| one.facts.iter().copied().chain([one.name])).collect();
    names.sort_unstable();
    Failure::new(format!(
        "Bad subset '{name}' given to Ansible. gather_subset options allowed: all, min, {}",
        names.join(", ")
    ))
}

/// Reads the facts that a task asks for, by their names without the prefix `ansible_`.
///
/// # Errors
/// A subset that there is not.
pub fn gather(request: &mut Request<'_>, subsets: &[String]) -> Result<JsonMap, Failure> {
    let mut facts = JsonMap::new();
    for collector in choose(subsets)? {
        // A dash cannot stand in the name of a variable.
        let read = (collector.read)(request).into_iter();
        facts.extend(read.map(|(name, value)| (name.replace('-', "_"), value)));
    }
    facts.insert("gather_subset".into(), subsets.into());
    facts.insert("module_setup".into(), true.into());
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(subsets: &[&str]) -> Result<Vec<&'static str>, String> {
        let subsets: Vec<String> = subsets.iter().map(|one| (*one).to_owned()).collect();
        choose(&subsets)
            .map(|all| all.into_iter().map(|one| one.name).collect())
            .map_err(|failure| failure.msg)
    }

    #[test]
    fn subsets_are_chosen_as_ansible_does() {
        let all: Vec<&str> = COLLECTORS.iter().map(|one| one.name).collect();
        let minimal: Vec<&str> =
            COLLECTORS.iter().filter(|one| one.is_minimal).map(|one| one.name).collect();
        assert_eq!(chosen(&["all"]).unwrap(), all);
        assert_eq!(chosen(&["!all"]).unwrap(), minimal);
        assert_eq!(chosen(&["min"]).unwrap(), minimal);
        assert_eq!(chosen(&["!all", "min"]).unwrap(), minimal);
        assert_eq!(
            chosen(&["!all", "!min", "network"]).unwrap(),
            ["distribution", "network", "platform"]
        );
        assert_eq!(
            chosen(&["!all", "!min", "default_ipv4"]).unwrap(),
            ["distribution", "network", "platform"]
        );
        assert_eq!(chosen(&["!all", "!min"]).unwrap(), Vec::<&str>::new());
        // Exclusions alone add nothing to what is always gathered, whatever they leave out.
        assert_eq!(chosen(&["!hardware"]).unwrap(), minimal);
        assert_eq!(chosen(&["!network", "!facter", "!nosuch"]).unwrap(), minimal);
        let few = chosen(&["all", "!hardware", "!network", "!facter", "!ohai"]).unwrap();
        assert!(
            !few.contains(&"hardware") && few.contains(&"virtual") && few.contains(&"platform")
        );
        let more = chosen(&["hardware"]).unwrap();
        assert_eq!(more.len(), minimal.len() + 1);
        // What is named stays, whatever is excluded before or after.
        assert!(chosen(&["all", "!network", "interfaces"]).unwrap().contains(&"network"));
    }

    #[test]
    fn subsets_that_there_are_not_are_refused() {
        for (name, words) in [("nosuch", "Bad subset 'nosuch'"), ("", "Bad subset ''")] {
            let why = chosen(&["!all", name]).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
    }
}
