//! Hosts that are virtual machines: Debian with a kernel of its own, which has loadable modules, a
//! device mapper and SELinux.
//!
//! qemu starts one from a copy of an image that is made once, with the kernel and the initial files
//! of memory beside it, so that no boot loader is run. Its disk is a file that this machine mounts
//! before the start alone, to lay the host's name and keys. It hangs on the fleet's bridge as
//! containers do.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use crate::{
    base::{MACHINE, layers, work_folder},
    network::Network,
    shell::{HostsError, at, run},
};

/// Seconds that a machine has to answer where the processor runs it.
pub const BOOT_SECS: u64 = 40;

/// Seconds that it has where qemu plays the processor: one or two minutes, and more where other work
/// is done beside it.
const PLAYED_BOOT_SECS: u64 = 900;

const MAKE_IMAGE: &str = include_str!("make_image.sh");

/// Memory of a machine.
const MEMORY_MIB: &str = "1024";

/// What a machine's kernel is told: where its root is, what its links are called, that SELinux is
/// what guards it, that its console is a file, and that nobody attacks it (which is faster).
const KERNEL_WORDS: &str = "root=/dev/vda rw console=ttyS0 net.ifnames=0 security=selinux mitigations=off quiet systemd.show_status=0";

/// Gives the files that were laid on an image their labels: $1 is its root.
const LABEL: &str = "
set -e
mount -t proc proc \"$1/proc\"
chroot \"$1\" setfiles -F /etc/selinux/default/contexts/files/file_contexts /etc /root /home
umount \"$1/proc\"
";

/// What machines boot from.
struct Image {
    folder: PathBuf,
}

/// A started machine.
pub(crate) struct Machine {
    pub(crate) qemu: Child,
    /// The private key that root lets in.
    pub(crate) key: PathBuf,
    /// A file with its host key.
    pub(crate) known_hosts: PathBuf,
}

/// Whether the processor runs machines itself: the kernel offers it and the processor has what that
/// needs. (There are kernels that offer it without, whose machines do not get to their first line.)
pub fn is_accelerated() -> bool {
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = flags.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    let has = flags.split_whitespace().any(|flag| ["vmx", "svm"].contains(&flag));
    has && File::options().read(true).write(true).open("/dev/kvm").is_ok()
}

/// Seconds that a machine has to answer after its start.
pub(crate) fn boot_secs() -> u64 {
    if is_accelerated() { BOOT_SECS } else { PLAYED_BOOT_SECS }
}

impl Image {
    /// The image, which is made where it is not there yet; that takes minutes. Processes that want
    /// it at once wait for each other.
    fn ready() -> Result<Self, HostsError> {
        let layers = layers(Some(MACHINE))?;
        let folder = work_folder().join("machine-image");
        let lock_path = work_folder().join("machine-image.lock");
        let lock = File::create(&lock_path).map_err(at(&lock_path))?;
        lock.lock().map_err(at(&lock_path))?;
        if !folder.exists() {
            let part = folder.with_extension("part");
            if part.exists() {
                fs::remove_dir_all(&part).map_err(at(&part))?;
            }
            let list: Vec<String> = layers.iter().map(|path| path.display().to_string()).collect();
            let (list, target) = (list.join(":"), part.display().to_string());
            let words = ["--mount", "/bin/sh", "-c", MAKE_IMAGE, "image", &list, &target];
            run("unshare", &words)?;
            fs::rename(&part, &folder).map_err(at(&folder))?;
        }
        Ok(Self { folder })
    }
}

/// Starts a machine whose files a closure makes ready, in `folder`, with blank disks (`/dev/vdb` and
/// on).
pub(crate) fn start(
    folder: &Path,
    network: Network,
    number: u8,
    disks: u8,
    prepare: impl FnOnce(&Path) -> Result<(), HostsError>,
) -> Result<Child, HostsError> {
    let image = Image::ready()?;
    let (disk, root) = (folder.join("root-disk"), folder.join("merged"));
    fs::create_dir_all(&root).map_err(at(&root))?;
    let [from, to, point] =
        [&image.folder.join("disk"), &disk, &root].map(|path| path.display().to_string());
    run("cp", &["--sparse=always", &from, &to])?;
    run("mount", &["-o", "loop", &to, &point])?;
    let prepared = prepare(&root).and_then(|()| {
        run("unshare", &["--mount", "/bin/sh", "-c", LABEL, "label", &point]).map(drop)
    });
    run("umount", &[&point])?;
    prepared?;
    let mut files = vec![disk];
    for letter in ('b'..='z').take(disks.into()) {
        let path = folder.join(format!("disk-{letter}"));
        let file = File::create(&path).map_err(at(&path))?;
        file.set_len(1 << 30).map_err(at(&path))?;
        files.push(path);
    }
    let link = network.add_tap(number)?;
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args(["-nodefaults", "-no-user-config", "-display", "none", "-m", MEMORY_MIB])
        .args(["-device", "virtio-rng-pci"])
        .arg("-serial")
        .arg(format!("file:{}", folder.join("console.log").display()))
        .arg("-kernel")
        .arg(image.folder.join("kernel"))
        .arg("-initrd")
        .arg(image.folder.join("initrd"))
        .args(["-append", KERNEL_WORDS])
        .arg("-netdev")
        .arg(format!("tap,id=net,ifname={link},script=no,downscript=no"))
        .arg("-device")
        .arg(format!("virtio-net-pci,netdev=net,mac={}", network.mac(number)));
    match is_accelerated() {
        true => qemu.args(["-accel", "kvm", "-cpu", "host"]),
        false => qemu.args(["-accel", "tcg", "-cpu", "max"]),
    };
    for file in &files {
        // What a machine wrote is of no use after a crash of this one.
        let drive = format!("file={},format=raw,if=virtio,cache=unsafe", file.display());
        qemu.arg("-drive").arg(drive);
    }
    let said_path = folder.join("qemu.log");
    let said = File::create(&said_path).map_err(at(&said_path))?;
    let child = qemu.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(said)).spawn();
    child.map_err(|error| HostsError::Start {
        command: "qemu-system-x86_64".to_owned(),
        why: error.to_string(),
    })
}

/// The unit that gives a machine its address. It waits for the link itself, since systemd gives
/// devices less time than a played processor may take.
pub(crate) fn network_unit(network: Network, number: u8) -> String {
    let (address, gateway) = (network.address(number), network.gateway());
    format!(
        "[Unit]\nDefaultDependencies=no\nAfter=systemd-remount-fs.service\nBefore=network.target ssh.service\n\n\
         [Service]\nType=oneshot\nRemainAfterExit=yes\nTimeoutStartSec=infinity\n\
         ExecStart=/bin/sh -ec 'modprobe virtio_net; until [ -e /sys/class/net/eth0 ]; do sleep 0.2; done; \
         ip addr add {address}/24 dev eth0; ip link set eth0 up; ip route add default via {gateway}'\n\n\
         [Install]\nWantedBy=multi-user.target\n"
    )
}

impl Machine {
    /// Runs shell inside as root, over SSH.
    pub(crate) fn run(&self, address: &str, script: &str) -> Result<String, HostsError> {
        self.feed(address, script, b"")
    }

    /// As [`run`](Self::run), with some input.
    pub(crate) fn feed(
        &self,
        address: &str,
        script: &str,
        input: &[u8],
    ) -> Result<String, HostsError> {
        let (key, known) = (self.key.display().to_string(), self.known_hosts.display());
        let known = format!("UserKnownHostsFile={known}");
        let options = ["-o", &known, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"];
        let end = ["-o", "LogLevel=ERROR", "-i", &key, "-l", "root", address];
        let script = format!("exec /bin/sh -c '{}'", script.replace('\'', "'\\''"));
        let words = [&["-F", "none"], options.as_slice(), &end, &[&script]].concat();
        crate::shell::feed("ssh", &words, input)
    }
}
