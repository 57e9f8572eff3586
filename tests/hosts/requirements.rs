//! What this machine must have.

use std::{fs, path::Path};

use crate::shell::{HostsError, run};

/// Programs, and the Debian packages that they are in.
const PROGRAMS: &[(&str, &str)] = &[
    ("debootstrap", "debootstrap"),
    ("systemd-nspawn", "systemd-container"),
    ("ip", "iproute2"),
    ("nft", "nftables"),
    ("ssh-keygen", "openssh-client"),
    ("rsync", "rsync"),
    ("strace", "strace"),
    ("mount", "mount"),
    ("chroot", "coreutils"),
];

/// Programs that virtual machines need besides.
const MACHINE_PROGRAMS: &[(&str, &str)] = &[
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("mke2fs", "e2fsprogs"),
    ("unshare", "util-linux"),
    ("ssh", "openssh-client"),
];

/// What this machine lacks for virtual machines, each in words; empty where they can be booted.
pub fn machine_requirements() -> Vec<String> {
    let mut missing = requirements();
    for (program, package) in missing_of(MACHINE_PROGRAMS) {
        missing.push(format!("program {program} is missing (package {package})"));
    }
    if !Path::new("/dev/net/tun").exists() {
        missing.push("the kernel has no links for machines (/dev/net/tun)".to_owned());
    }
    missing
}

/// What this machine lacks for real hosts, each in words; empty where they can be booted.
pub fn requirements() -> Vec<String> {
    let mut missing = Vec::new();
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !release.lines().any(|line| line == "ID=debian") {
        missing.push("this machine does not run Debian".to_owned());
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    if uid.and_then(|uid| uid.split_whitespace().nth(1)) != Some("0") {
        missing.push("root is needed".to_owned());
    }
    for (program, package) in missing_programs() {
        missing.push(format!("program {program} is missing (package {package})"));
    }
    let filesystems = fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if !filesystems.contains("overlay") && run("modprobe", &["overlay"]).is_err() {
        missing.push("the kernel has no overlayfs".to_owned());
    }
    missing
}

/// Installs the programs that are missing.
///
/// # Errors
/// Where apt-get fails.
pub fn install_requirements() -> Result<(), HostsError> {
    let packages: Vec<&str> = missing_programs().map(|(_, package)| package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    run("apt-get", &["-q", "update"])?;
    let words = [&["-q", "-y", "--no-install-recommends", "install"], packages.as_slice()].concat();
    run("apt-get", &words).map(drop)
}

fn missing_programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    missing_of(PROGRAMS)
}

fn missing_of(
    programs: &'static [(&'static str, &'static str)],
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    let is_there =
        move |program: &str| folders.iter().any(|folder| Path::new(folder).join(program).exists());
    programs.iter().copied().filter(move |(program, _)| !is_there(program))
}
