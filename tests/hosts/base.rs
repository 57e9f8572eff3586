//! What hosts are made of: a bare Debian, made once, and a layer with Python on it.

use std::{
    env, fs,
    fs::File,
    path::{Path, PathBuf},
};

use crate::shell::{HostsError, at, run};

/// Names the folder that bases and fleets are kept in.
const FOLDER_VARIABLE: &str = "TRUEUP_HOSTS_DIR";

/// Where they are kept where nobody says otherwise: on a disk, and outside of any repository.
const FOLDER: &str = "/var/tmp/trueup-hosts";

/// The release of Debian.
const SUITE: &str = "bookworm";

/// What a host has beyond the barest Debian: what it needs to boot and to be reached, and what a
/// server of the field always has.
const PACKAGES: &str = "systemd,systemd-sysv,openssh-server,dbus,iproute2,nftables,\
                        ca-certificates,sudo,procps";

/// Where packages come from where this machine does not say.
const MIRROR: &str = "http://deb.debian.org/debian";

/// What some hosts have on top of the bare Debian. It is made once and kept under its name.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Name of its folder.
    pub name: &'static str,
    /// Packages of Debian.
    pub packages: &'static [&'static str],
    /// Shell that is run after that, as root in a chroot.
    pub script: &'static str,
}

/// Python, as hosts that ansible-core drives must have.
pub const PYTHON: Layer =
    Layer { name: "python", packages: &["python3", "python3-apt"], script: "" };

/// Python, the libraries that ansible-core's modules import, and the programs that they and ours
/// drive.
pub const MODULES: Layer = Layer {
    name: "modules",
    packages: &[
        "acl",
        "apache2-utils",
        "at",
        "attr",
        "bzip2",
        "cron",
        "debconf-utils",
        "dosfstools",
        "git",
        "gnupg",
        "iptables",
        "kmod",
        "libcap2-bin",
        "locales",
        "lvm2",
        "openssl",
        "parted",
        "patch",
        "python3",
        "python3-apt",
        "python3-cryptography",
        "python3-debian",
        "python3-lxml",
        "python3-passlib",
        "python3-pexpect",
        "python3-pip",
        "python3-setuptools",
        "subversion",
        "tzdata",
        "unzip",
        "xfsprogs",
        "xz-utils",
        "zip",
        "zstd",
    ],
    script: "systemctl disable atd cron",
};

/// Programs that modules drive, none of which is started at boot.
pub const SERVERS: Layer = Layer {
    name: "servers",
    packages: &[
        "acl",
        "apache2",
        "at",
        "bzip2",
        "docker.io",
        "firewalld",
        "git",
        "gzip",
        "iptables",
        "mariadb-server",
        "openssl",
        "parted",
        "patch",
        "postgresql",
        "supervisor",
        "ufw",
        "xz-utils",
    ],
    script: "systemctl disable apache2 atd containerd docker docker.socket firewalld mariadb \
             postgresql supervisor ufw",
};

/// Servers that modules are driven against beside ansible-core's own: what [`SERVERS`] has, and the
/// libraries that those import. None is started at boot.
pub const DRIVEN: Layer = Layer {
    name: "driven",
    packages: &[
        "apache2",
        "firewalld",
        "mariadb-server",
        "postgresql",
        "python3",
        "python3-apt",
        "python3-psycopg2",
        "python3-pymysql",
        "supervisor",
        "ufw",
    ],
    script: "systemctl disable apache2 firewalld mariadb postgresql supervisor ufw",
};

/// What virtual machines have: a kernel with its modules, SELinux with a policy that says what it
/// would refuse, and the programs that modules drive there. Nothing is started at a time of its own.
pub const MACHINE: Layer = Layer {
    name: "machine",
    packages: &[
        "cryptsetup-bin",
        "dosfstools",
        "initramfs-tools",
        "kmod",
        "linux-image-cloud-amd64",
        "lvm2",
        "parted",
        "policycoreutils",
        "policycoreutils-python-utils",
        "python3",
        "python3-apt",
        "python3-selinux",
        "python3-semanage",
        "selinux-policy-default",
        "selinux-utils",
        "thin-provisioning-tools",
        "tzdata",
        "udev",
        "xfsprogs",
    ],
    script: "sed -i 's/^MODULES=.*/MODULES=list/' /etc/initramfs-tools/initramfs.conf
printf 'virtio_pci\nvirtio_blk\n' >> /etc/initramfs-tools/modules
update-initramfs -u
systemctl mask e2scrub_reap.service e2scrub_all.timer apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer fstrim.timer getty@tty1.service
rm -f /var/cache/apt/archives/*.deb",
};

/// Debian's rpm keeps a database for each user, where those of the families have one for all.
const RPM_DATABASE: &str = "mkdir -p /etc/rpm; echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros";

/// dnf and what makes repositories for it, of which none is Debian's own: rpm's database is empty.
pub const RPM: Layer = Layer {
    name: "redhat",
    packages: &[
        "createrepo-c",
        "dnf",
        "dnf-plugins-core",
        "gnupg",
        "libmodulemd-tools",
        "python3",
        "python3-apt",
        "python3-dnf",
        "python3-rpm",
        "rpm",
        "zstd",
    ],
    script: RPM_DATABASE,
};

/// The package managers of other families still, which cannot stand beside dnf's plugins.
pub const PACKAGERS: Layer = Layer {
    name: "packagers",
    packages: &[
        "createrepo-c",
        "flatpak",
        "gnupg",
        "libarchive-tools",
        "makepkg",
        "ostree",
        "pacman-package-manager",
        "python3",
        "python3-apt",
        "python3-rpm",
        "rpm",
        "xz-utils",
        "zstd",
        "zypper",
    ],
    script: RPM_DATABASE,
};

/// The folder that bases and fleets are kept in: what `TRUEUP_HOSTS_DIR` names, else
/// `/var/tmp/trueup-hosts`.
pub fn work_folder() -> PathBuf {
    env::var_os(FOLDER_VARIABLE).map_or_else(|| PathBuf::from(FOLDER), PathBuf::from)
}

/// The folders that a host lies on, uppermost first; they are made where they are not there yet,
/// which takes minutes. Processes that want them at once wait for each other.
///
/// # Errors
/// Where debootstrap or apt-get fail.
pub(crate) fn layers(layer: Option<Layer>) -> Result<Vec<PathBuf>, HostsError> {
    let folder = work_folder();
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    let lock_path = folder.join("base.lock");
    let lock = File::create(&lock_path).map_err(at(&lock_path))?;
    lock.lock().map_err(at(&lock_path))?;
    let base = folder.join("base");
    if !base.exists() {
        debootstrap(&base)?;
    }
    let Some(layer) = layer else { return Ok(vec![base]) };
    let upper = folder.join(layer.name);
    if !upper.exists() {
        install(&base, &upper, layer)?;
    }
    Ok(vec![upper, base])
}

fn debootstrap(base: &Path) -> Result<(), HostsError> {
    let part = base.with_extension("part");
    if part.exists() {
        fs::remove_dir_all(&part).map_err(at(&part))?;
    }
    let include = format!("--include={PACKAGES}");
    let target = part.display().to_string();
    run("debootstrap", &["--variant=minbase", &include, SUITE, &target, &mirror()])?;
    fs::rename(&part, base).map_err(at(base))
}

/// The mirror that this machine takes its own packages from.
fn mirror() -> String {
    let sources = fs::read_to_string("/etc/apt/sources.list.d/debian.sources").unwrap_or_default();
    let uris = sources.lines().find_map(|line| line.strip_prefix("URIs:"));
    uris.and_then(|uris| uris.split_whitespace().next()).unwrap_or(MIRROR).to_owned()
}

/// Makes a layer in a folder.
fn install(base: &Path, folder: &Path, layer: Layer) -> Result<(), HostsError> {
    let part = folder.with_extension("part");
    let (work, merged) = (folder.with_extension("work"), folder.with_extension("merged"));
    for made in [&part, &work, &merged] {
        if made.exists() {
            fs::remove_dir_all(made).map_err(at(made))?;
        }
        fs::create_dir_all(made).map_err(at(made))?;
    }
    mount_overlay(&[base.to_owned()], &part, &work, &merged)?;
    let root = merged.display().to_string();
    let installed = copy_network_settings(&merged).and_then(|()| {
        run("chroot", &[&root, "apt-get", "-q", "update"])?;
        let words = ["-q", "-y", "--no-install-recommends", "install"];
        let words = [&[root.as_str(), "apt-get"], words.as_slice(), layer.packages].concat();
        run("chroot", &words)?;
        // Packages bring certificates of their own, which are not all that this machine trusts.
        copy_network_settings(&merged)?;
        run("chroot", &[&root, "sh", "-ec", layer.script])
    });
    run("umount", &[&root])?;
    installed?;
    fs::rename(&part, folder).map_err(at(folder))
}

pub(crate) fn mount_overlay(
    lower: &[PathBuf],
    upper: &Path,
    work: &Path,
    merged: &Path,
) -> Result<(), HostsError> {
    let lower: Vec<String> = lower.iter().map(|layer| layer.display().to_string()).collect();
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        upper.display(),
        work.display()
    );
    let merged = merged.display().to_string();
    run("mount", &["-t", "overlay", "overlay", "-o", &options, &merged]).map(drop)
}

/// Lets a host reach what this machine reaches: names, package mirrors behind a proxy, and servers
/// whose certificates this machine trusts.
pub(crate) fn copy_network_settings(root: &Path) -> Result<(), HostsError> {
    let mut files = vec![
        PathBuf::from("etc/resolv.conf"),
        PathBuf::from("etc/ssl/certs/ca-certificates.crt"),
        PathBuf::from("etc/apt/sources.list"),
        PathBuf::from("etc/apt/sources.list.d/debian.sources"),
    ];
    let listed = |folder: &str, wanted: &dyn Fn(&Path) -> bool| -> Vec<PathBuf> {
        let entries = fs::read_dir(Path::new("/").join(folder)).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path()).filter(|path| wanted(path));
        paths.filter_map(|path| path.strip_prefix("/").ok().map(Path::to_owned)).collect()
    };
    let is_about_network = |path: &Path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.contains("Proxy") || text.contains("Acquire::http") || text.contains("CaInfo")
    };
    files.extend(listed("etc/apt/apt.conf.d", &is_about_network));
    files.extend(listed("usr/local/share/ca-certificates", &|_| true));
    // Sources that are listed twice are complained of.
    let own_sources = root.join("etc/apt/sources.list");
    if Path::new("/etc/apt/sources.list.d/debian.sources").is_file() && own_sources.exists() {
        fs::remove_file(&own_sources).map_err(at(&own_sources))?;
    }
    for file in files {
        let (from, to) = (Path::new("/").join(&file), root.join(&file));
        if !from.is_file() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(at(folder))?;
        }
        // A link would be followed, maybe out of the host.
        if to.is_symlink() {
            fs::remove_file(&to).map_err(at(&to))?;
        }
        fs::copy(&from, &to).map_err(at(&to))?;
    }
    Ok(())
}
