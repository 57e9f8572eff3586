//! One booted host.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    base::{Layer, copy_network_settings, layers, mount_overlay},
    cgroup,
    machine::{self, Machine},
    network::Network,
    shell::{HostsError, at, feed, run, tail},
};

/// Seconds that a container has to answer after its start.
const BOOT_SECS: u64 = 60;

/// Seconds that its sshd has to greet who connects.
const GREETING_SECS: u64 = 30;

/// Enters the control groups that a file names, and becomes the program that follows.
const ENTER_GROUPS: &str = "while read -r group; do echo $$ >\"$group/cgroup.procs\" || exit; \
                            done <\"$1\"; shift; exec \"$@\"";

/// What a host is to be.
#[derive(Clone, Debug, Default)]
pub struct HostSpec {
    /// Name of the host.
    pub name: String,
    /// What it has on top of the bare Debian.
    pub layer: Option<Layer>,
    /// Folders whose files it has over these, uppermost first. The host does not change them.
    pub overlays: Vec<PathBuf>,
    /// Password of root, who may then log in with it.
    pub root_password: Option<String>,
    /// Another account.
    pub operator: Option<Operator>,
    /// Lines added to sshd's configuration, before its own.
    pub sshd_config: Vec<String>,
    /// Shell that is run on the host's files before it boots, as root in a chroot.
    pub prepare: Option<String>,
    /// Blank disks of a gibibyte each, `/dev/disk-a` and on (`/dev/vdb` of a machine), which are files of this machine that
    /// take the room of what is written to them; [`DISKS_MAX`] at most.
    pub disks: u8,
}

/// Disks that a host can have.
pub const DISKS_MAX: u8 = 26;

/// An account that is not root. It has the fleet's key, `/bin/bash` and a home folder.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Name of the account.
    pub name: String,
    /// Its password; `None` for none that fits.
    pub password: Option<String>,
    /// What it may do.
    pub sudo: Sudo,
}

/// What an operator may do with sudo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sudo {
    /// Nothing.
    No,
    /// All, after giving a password.
    WithPassword,
    /// All.
    WithoutPassword,
}

/// A booted host. Ends when it is dropped.
pub struct Host {
    name: String,
    address: Ipv4Addr,
    folder: PathBuf,
    host_key: String,
    place: Place,
    disks: u8,
}

/// Where a host is.
enum Place {
    Container { program: Child, namespace: String },
    Machine(Machine),
}

impl HostSpec {
    /// A host with nothing but root and the fleet's key.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

/// Attaches a file as a disk, whose numbers are told: $1 is the file.
const ATTACH: &str = "
set -e
truncate -s 1G \"$1\"
device=$(losetup --find --show --partscan \"$1\")
stat -c '%Hr %Lr' \"$device\"
";

/// The container's /sys shows the links of the machine; this lays those of the host's own network
/// over them.
const OWN_NETWORK: &str = "
set -e
mkdir -p /run/own-sysfs
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /run/own-sysfs
for links in class/net devices/virtual/net; do
  mount --bind /run/own-sysfs/$links /sys/$links
done
umount -l /run/own-sysfs
rmdir /run/own-sysfs
";

impl Host {
    pub(crate) fn start(
        spec: &HostSpec,
        number: u8,
        network: Network,
        fleet: &Path,
        key: &str,
    ) -> Result<Self, HostsError> {
        let layers = [spec.overlays.clone(), layers(spec.layer)?].concat();
        let folder = fleet.join(&spec.name);
        let [upper, work, merged] = ["upper", "work", "merged"].map(|name| folder.join(name));
        for made in [&upper, &work, &merged] {
            fs::create_dir_all(made).map_err(at(made))?;
        }
        mount_overlay(&layers, &upper, &work, &merged)?;
        prepare(spec, &merged, key)?;
        network.add_host(number)?;
        let console_path = folder.join("console.log");
        let console = File::create(&console_path).map_err(at(&console_path))?;
        let console_too = console.try_clone().map_err(at(&console_path))?;
        let groups = cgroup::make(&network.namespace(number))?;
        let list: String = groups.iter().map(|group| format!("{}\n", group.display())).collect();
        let list_path = folder.join("cgroups");
        fs::write(&list_path, list).map_err(at(&list_path))?;
        let container = Command::new("/bin/sh")
            .args(["-c", ENTER_GROUPS, "host"])
            .arg(&list_path)
            .args(["systemd-nspawn", "--boot", "--quiet", "--register=no", "--keep-unit"])
            .args(["--console=pipe", "--resolv-conf=off", "--timezone=off", "--link-journal=no"])
            .args(["--capability=CAP_NET_ADMIN", "--kill-signal=SIGRTMIN+3"])
            .arg(format!("--network-namespace-path=/run/netns/{}", network.namespace(number)))
            .arg(format!("--machine={}", network.namespace(number)))
            .arg(format!("--hostname={}", spec.name))
            .arg(format!("--directory={}", merged.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::from(console))
            .stderr(Stdio::from(console_too))
            .spawn()
            .map_err(|error| HostsError::Start {
                command: "systemd-nspawn".to_owned(),
                why: error.to_string(),
            })?;
        let pid = folder.join("pid");
        fs::write(&pid, container.id().to_string()).map_err(at(&pid))?;
        Ok(Self {
            disks: spec.disks.min(DISKS_MAX),
            name: spec.name.clone(),
            address: network.address(number),
            host_key: host_key(&merged)?,
            folder,
            place: Place::Container { program: container, namespace: network.namespace(number) },
        })
    }

    pub(crate) fn start_machine(
        spec: &HostSpec,
        number: u8,
        network: Network,
        fleet: &Path,
        key: &str,
    ) -> Result<Self, HostsError> {
        let folder = fleet.join(&spec.name);
        let mut public = String::new();
        let disks = spec.disks.min(DISKS_MAX - 1);
        let qemu = machine::start(&folder, network, number, disks, |root| {
            prepare(spec, root, key)?;
            let unit = root.join("etc/systemd/system/own-network.service");
            write(&unit, &machine::network_unit(network, number), 0o644)?;
            let root_name = root.display().to_string();
            run("chroot", &[&root_name, "systemctl", "-q", "enable", "own-network"])?;
            public = host_key(root)?;
            Ok(())
        })?;
        let pid = folder.join("pid");
        fs::write(&pid, qemu.id().to_string()).map_err(at(&pid))?;
        let known_hosts = fleet.join("known_hosts");
        Ok(Self {
            disks,
            name: spec.name.clone(),
            address: network.address(number),
            host_key: public,
            folder,
            place: Place::Machine(Machine { qemu, key: fleet.join("id"), known_hosts }),
        })
    }

    /// Waits until sshd answers.
    pub(crate) fn wait_for_ssh(&self) -> Result<(), HostsError> {
        let secs = match &self.place {
            Place::Container { .. } => BOOT_SECS,
            Place::Machine(_) => machine::boot_secs(),
        };
        let end = Instant::now() + Duration::from_secs(secs);
        let address = SocketAddr::from((self.address, 22));
        while Instant::now() < end {
            let pause = Duration::from_millis(250);
            if let Ok(mut stream) = TcpStream::connect_timeout(&address, pause) {
                let mut greeting = [0; 4];
                // A machine under load that is asked anew each time would do nothing else.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(GREETING_SECS)));
                if stream.read_exact(&mut greeting).is_ok() && greeting == *b"SSH-" {
                    return match &self.place {
                        Place::Container { .. } => {
                            self.run(OWN_NETWORK).and_then(|_| self.attach_disks())
                        }
                        Place::Machine(_) => Ok(()),
                    };
                }
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let console = fs::read_to_string(self.folder.join("console.log")).unwrap_or_default();
        let console = tail(&console).to_owned();
        Err(HostsError::Silent { name: self.name.clone(), secs, console })
    }

    /// Gives the host its disks. The reaper takes away what is attached of the fleet's folder.
    fn attach_disks(&self) -> Result<(), HostsError> {
        for letter in ('a'..='z').take(self.disks.into()) {
            let file = self.folder.join(format!("disk-{letter}"));
            let file = file.display().to_string();
            let numbers = run("/bin/sh", &["-c", ATTACH, "attach", &file])?;
            self.run(&format!("mknod /dev/disk-{letter} b {numbers}"))?;
        }
        Ok(())
    }

    /// Name of the host.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Its files, as this machine sees them. Those in memory of the host (`/run`, `/tmp` where it
    /// is one) are not there, and of a virtual machine none.
    pub fn root(&self) -> PathBuf {
        self.folder.join("merged")
    }

    /// The line for a file of known hosts.
    pub fn known_hosts_line(&self) -> String {
        format!("{} {}\n", self.address, self.host_key)
    }

    /// Runs shell inside the host as root, and returns what it prints: without SSH in a container,
    /// over it in a machine.
    ///
    /// # Errors
    /// Where the shell ends with another status than 0.
    pub fn run(&self, script: &str) -> Result<String, HostsError> {
        if let Place::Machine(machine) = &self.place {
            return machine.run(&self.address.to_string(), script);
        }
        let leader = self.leader()?;
        let target = leader.to_string();
        let words = ["--target", &target, "--all", "--", "/bin/sh", "-c", script];
        run("nsenter", &words)
    }

    /// Writes a file of the host, in a folder that is there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn put(&self, path: &str, content: &[u8]) -> Result<(), HostsError> {
        match &self.place {
            Place::Container { .. } => {
                let path = self.root().join(path.trim_start_matches('/'));
                fs::write(&path, content).map_err(at(&path))
            }
            Place::Machine(machine) => {
                let script = format!("cat > '{path}'");
                machine.feed(&self.address.to_string(), &script, content).map(drop)
            }
        }
    }

    /// Process ID, on this machine, of the host's init.
    ///
    /// # Errors
    /// Where the host has ended, or is a virtual machine, whose processes are its own.
    pub fn leader(&self) -> Result<u32, HostsError> {
        let Place::Container { program, .. } = &self.place else {
            let why = "a virtual machine's init is no process of this machine".to_owned();
            return Err(HostsError::File { path: self.folder.clone(), why });
        };
        let id = program.id();
        let path = PathBuf::from(format!("/proc/{id}/task/{id}/children"));
        let children = fs::read_to_string(&path).map_err(at(&path))?;
        let first = children.split_whitespace().next().and_then(|child| child.parse().ok());
        first.ok_or_else(|| HostsError::File { path, why: "the host has ended".to_owned() })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let program = match &mut self.place {
            Place::Machine(machine) => &mut machine.qemu,
            Place::Container { program, namespace } => {
                // The host's init outlives the program that booted it, and that ends with the init.
                let pids = run("ip", &["netns", "pids", namespace]).unwrap_or_default();
                let pids: Vec<&str> = pids.split_whitespace().collect();
                if !pids.is_empty() {
                    // Some end by themselves between the two calls.
                    let _ = run("kill", &[&["-9"], pids.as_slice()].concat());
                }
                program
            }
        };
        // One that has ended cannot be killed; the reaper takes the rest away.
        let _ = program.kill();
        let _ = program.wait();
    }
}

/// The kind and the key of a root's host key.
fn host_key(root: &Path) -> Result<String, HostsError> {
    let path = root.join("etc/ssh/ssh_host_ed25519_key.pub");
    let key = fs::read_to_string(&path).map_err(at(&path))?;
    let mut words = key.split_whitespace();
    let (kind, base64) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(format!("{kind} {base64}"))
}

fn prepare(spec: &HostSpec, root: &Path, key: &str) -> Result<(), HostsError> {
    copy_network_settings(root)?;
    let name = &spec.name;
    write(&root.join("etc/hostname"), &format!("{name}\n"), 0o644)?;
    let hosts = format!("127.0.0.1 localhost\n127.0.1.1 {name}\n::1 localhost ip6-localhost\n");
    write(&root.join("etc/hosts"), &hosts, 0o644)?;
    let id = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap_or_default();
    write(&root.join("etc/machine-id"), &id.replace('-', ""), 0o444)?;
    let chroot = |words: &[&str], input: &str| {
        let root = root.display().to_string();
        feed("chroot", &[&[root.as_str()], words].concat(), input.as_bytes())
    };
    // The base's own keys are those of every host.
    chroot(&["sh", "-c", "rm -f /etc/ssh/ssh_host_*"], "")?;
    for kind in ["ed25519", "ecdsa"] {
        let file = format!("/etc/ssh/ssh_host_{kind}_key");
        chroot(&["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", &file], "")?;
    }
    let mut sshd = spec.sshd_config.clone();
    if let Some(password) = &spec.root_password {
        sshd.push("PermitRootLogin yes".to_owned());
        chroot(&["chpasswd"], &format!("root:{password}\n"))?;
    }
    let sshd_file = root.join("etc/ssh/sshd_config.d/00-test.conf");
    write(&sshd_file, &format!("{}\n", sshd.join("\n")), 0o644)?;
    authorize(&root.join("root"), key)?;
    if let Some(operator) = &spec.operator {
        let user = operator.name.as_str();
        chroot(&["useradd", "--create-home", "--shell", "/bin/bash", user], "")?;
        authorize(&root.join("home").join(user), key)?;
        let home = format!("/home/{user}");
        chroot(&["chown", "-R", &format!("{user}:"), &home], "")?;
        if let Some(password) = &operator.password {
            chroot(&["chpasswd"], &format!("{user}:{password}\n"))?;
        }
        let rule = match operator.sudo {
            Sudo::No => None,
            Sudo::WithPassword => Some(format!("{user} ALL=(ALL:ALL) ALL\n")),
            Sudo::WithoutPassword => Some(format!("{user} ALL=(ALL:ALL) NOPASSWD: ALL\n")),
        };
        if let Some(rule) = rule {
            write(&root.join("etc/sudoers.d/operator"), &rule, 0o440)?;
        }
    }
    if let Some(script) = &spec.prepare {
        chroot(&["sh", "-ec", script], "")?;
    }
    Ok(())
}

fn authorize(home: &Path, key: &str) -> Result<(), HostsError> {
    let folder = home.join(".ssh");
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).map_err(at(&folder))?;
    write(&folder.join("authorized_keys"), key, 0o600)
}

/// Writes a file anew, so that a link of the base is not followed.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), HostsError> {
    if path.is_symlink() || path.exists() {
        fs::remove_file(path).map_err(at(path))?;
    }
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).create_new(true).mode(mode).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(at(path))
}
