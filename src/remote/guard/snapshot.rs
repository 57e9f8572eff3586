//! What was before a change, as far as the way to the host depends on it, and putting it back.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use module::{FileKind, FileMode, Host, Placement, Program, failure::chain, host::Links};
use protocol::request::Aspect;
use serde::{Deserialize, Serialize};

use super::firewall::Firewall;

/// Files and folders of the rules for packets.
const FIREWALL_PLACES: &[&str] = &[
    "/etc/nftables.conf",
    "/etc/nftables.d",
    "/etc/nftables",
    "/etc/sysconfig/nftables.conf",
    "/etc/iptables",
    "/etc/sysconfig/iptables",
    "/etc/sysconfig/ip6tables",
    "/etc/ufw",
    "/etc/default/ufw",
    "/etc/firewalld",
];

/// The configuration of the SSH server.
const SSHD_PLACE: &str = "/etc/ssh";

/// Files and folders of addresses, routes and links.
const NETWORK_PLACES: &[&str] = &[
    "/etc/network",
    "/etc/netplan",
    "/etc/systemd/network",
    "/etc/NetworkManager",
    "/etc/sysconfig/network-scripts",
    "/etc/sysconfig/network",
    "/etc/wicked",
];

/// The most files, and bytes of them, that are kept.
const FILES_MAX: usize = 4000;
const BYTES_MAX: usize = 8 * 1024 * 1024;

/// What stood at a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kept {
    File {
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
        mode: u32,
        uid: u32,
        gid: u32,
    },
    Folder {
        mode: u32,
        uid: u32,
        gid: u32,
    },
    Link {
        target: PathBuf,
    },
}

/// All that stood at a path and below it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    root: PathBuf,
    kept: BTreeMap<PathBuf, Kept>,
}

/// What was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    trees: Vec<Tree>,
    firewall: Option<Firewall>,
    aspects: Vec<Aspect>,
}

/// How much has been kept so far.
#[derive(Default)]
struct Sum {
    files: usize,
    bytes: usize,
}

impl Snapshot {
    /// Reads what is.
    ///
    /// # Errors
    /// In words, what cannot be kept.
    pub fn take(host: &dyn Host, aspects: &[Aspect]) -> Result<Self, String> {
        let mut sum = Sum::default();
        let mut trees = Vec::new();
        let mut firewall = None;
        for aspect in aspects {
            let places = match aspect {
                Aspect::Firewall => {
                    firewall = Some(Firewall::take(host)?);
                    FIREWALL_PLACES
                }
                Aspect::Sshd => &[SSHD_PLACE],
                Aspect::Network => NETWORK_PLACES,
            };
            for place in places {
                trees.push(Tree::take(host, Path::new(place), &mut sum)?);
            }
        }
        Ok(Self { trees, firewall, aspects: aspects.to_vec() })
    }

    /// The files alone.
    pub fn into_trees(self) -> Vec<Tree> {
        self.trees
    }

    /// Takes a tree as what was, where it is of a place that this is about. Says whether it is.
    pub fn replace(&mut self, tree: &Tree) -> bool {
        let own = self.trees.iter_mut().find(|own| own.root == tree.root);
        own.map(|own| own.clone_from(tree)).is_some()
    }

    /// Puts back what was. What cannot be is told, and the rest goes on.
    pub fn put_back(&self, host: &mut dyn Host) -> Vec<String> {
        let mut trouble = Vec::new();
        for tree in &self.trees {
            tree.put_back(host, &mut trouble);
        }
        if let Some(firewall) = &self.firewall {
            firewall.put_back(host, &mut trouble);
        }
        for aspect in &self.aspects {
            for program in restarts(host, *aspect) {
                let failed = match host.execute(&program) {
                    Ok(output) if output.is_success() => continue,
                    Ok(output) => output.stderr_text().trim().to_owned(),
                    Err(error) => chain(&error),
                };
                trouble.push(format!("{}: {failed}", program.line()));
            }
        }
        trouble
    }
}

/// What reads its configuration anew once that is back.
fn restarts(host: &dyn Host, aspect: Aspect) -> Vec<Program> {
    let is_active = |unit: &str| {
        let program = Program::new("systemctl").args(["is-active", "--quiet", unit]);
        host.query(&program).is_ok_and(|output| output.is_success())
    };
    let has_systemd = host.metadata(Path::new("/run/systemd/system")).is_ok_and(|it| it.is_some());
    let restart = |unit: &str| Program::new("systemctl").args(["restart", unit]);
    match aspect {
        // Its rules are the kernel's again; it must know of them too.
        Aspect::Firewall if has_systemd && is_active("firewalld.service") => {
            vec![Program::new("firewall-cmd").arg("--reload")]
        }
        Aspect::Firewall => Vec::new(),
        Aspect::Sshd if has_systemd => {
            let known = ["ssh.service", "sshd.service"].into_iter().find(|unit| {
                let program = Program::new("systemctl").args(["cat", unit]);
                host.query(&program).is_ok_and(|output| output.is_success())
            });
            known.map(restart).into_iter().collect()
        }
        Aspect::Sshd => {
            let script = ["ssh", "sshd"].into_iter().find(|name| {
                host.metadata(&Path::new("/etc/init.d").join(name)).is_ok_and(|it| it.is_some())
            });
            let script =
                script.map(|name| Program::new(format!("/etc/init.d/{name}")).arg("restart"));
            script.into_iter().collect()
        }
        Aspect::Network => {
            let mut programs = Vec::new();
            if host.which("netplan").is_some() {
                programs.push(Program::new("netplan").arg("apply"));
            }
            for unit in ["systemd-networkd.service", "NetworkManager.service", "networking.service"]
            {
                if has_systemd && is_active(unit) {
                    programs.push(restart(unit));
                }
            }
            programs
        }
    }
}

impl Tree {
    /// Where it stands.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn take(host: &dyn Host, root: &Path, sum: &mut Sum) -> Result<Self, String> {
        let mut tree = Self { root: root.to_owned(), kept: BTreeMap::new() };
        tree.keep(host, root, sum)?;
        Ok(tree)
    }

    fn keep(&mut self, host: &dyn Host, path: &Path, sum: &mut Sum) -> Result<(), String> {
        let told = |error: module::HostError| chain(&error);
        let Some(found) = host.link_metadata(path).map_err(told)? else { return Ok(()) };
        sum.files += 1;
        let (mode, uid, gid) = (found.mode.bits(), found.uid, found.gid);
        let kept = match found.kind {
            FileKind::File => {
                let bytes = host.read(path).map_err(told)?.unwrap_or_default();
                sum.bytes += bytes.len();
                Kept::File { bytes, mode, uid, gid }
            }
            FileKind::Link => Kept::Link { target: host.read_link(path).map_err(told)? },
            FileKind::Directory => {
                for name in host.list(path).map_err(told)? {
                    self.keep(host, &path.join(name), sum)?;
                }
                Kept::Folder { mode, uid, gid }
            }
            // Sockets and the like are made by whoever runs.
            _ => return Ok(()),
        };
        if sum.files > FILES_MAX || sum.bytes > BYTES_MAX {
            return Err(format!(
                "{} holds more than {FILES_MAX} files or {BYTES_MAX} bytes",
                self.root.display()
            ));
        }
        self.kept.insert(path.to_owned(), kept);
        Ok(())
    }

    fn put_back(&self, host: &mut dyn Host, trouble: &mut Vec<String>) {
        let mut now = Self { root: self.root.clone(), kept: BTreeMap::new() };
        if let Err(why) = now.keep(host, &self.root, &mut Sum::default()) {
            trouble.push(why);
        }
        // What is deeper goes first.
        for path in now.kept.keys().rev().filter(|path| !self.kept.contains_key(*path)) {
            let gone = match now.kept.get(path) {
                Some(Kept::Folder { .. }) => host.remove_dir_all(path),
                _ => host.remove_file(path),
            };
            trouble.extend(gone.err().map(|error| chain(&error)));
        }
        for (path, kept) in
            self.kept.iter().filter(|(path, kept)| now.kept.get(*path) != Some(kept))
        {
            let back = put_one(host, path, kept, now.kept.contains_key(path));
            trouble.extend(back.err().map(|error| chain(&error)));
        }
    }
}

fn put_one(
    host: &mut dyn Host,
    path: &Path,
    kept: &Kept,
    is_there: bool,
) -> Result<(), module::HostError> {
    match kept {
        Kept::File { bytes, mode, uid, gid } => {
            let placement = Placement {
                mode: Some(FileMode::new(*mode)),
                uid: Some(*uid),
                gid: Some(*gid),
                ..Placement::default()
            };
            host.write(path, &mut bytes.as_slice(), &placement)
        }
        Kept::Link { target } => host.symlink(target, path),
        Kept::Folder { mode, uid, gid } => {
            if !is_there {
                host.make_dir(path, FileMode::new(*mode))?;
            }
            host.set_owner(path, Some(*uid), Some(*gid), Links::Keep)?;
            host.set_mode(path, FileMode::new(*mode))
        }
    }
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};

    use super::*;

    fn host() -> FakeHost {
        let mut host = FakeHost::default();
        host.put("/etc/ssh/sshd_config", "Port 22\n");
        host.put("/etc/ssh/sshd_config.d/a.conf", "X\n");
        host.put_link("/etc/ssh/link", "sshd_config");
        host.put_mode("/etc/ssh/sshd_config", 0o600);
        host.put("/etc/init.d/ssh", "");
        host.program("/etc/init.d/ssh", |files, _| {
            files.put("/run/restarted", "");
            Output::success("")
        });
        host
    }

    #[test]
    fn what_was_is_back() {
        let mut host = host();
        let before = host.files.clone();
        let snapshot = Snapshot::take(&host, &[Aspect::Sshd]).unwrap();
        host.put("/etc/ssh/sshd_config", "Port 1\n");
        host.put_mode("/etc/ssh/sshd_config", 0o644);
        host.put("/etc/ssh/new/deep/file", "x");
        host.remove_file(Path::new("/etc/ssh/sshd_config.d/a.conf")).unwrap();
        host.put_link("/etc/ssh/link", "elsewhere");
        assert_eq!(snapshot.put_back(&mut host), Vec::<String>::new());
        for path in ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/a.conf"] {
            assert_eq!(host.files.text(path), before.text(path));
        }
        let again = Snapshot::take(&host, &[Aspect::Sshd]).unwrap();
        assert_eq!(again.trees, snapshot.trees);
        assert!(host.files.text("/run/restarted").is_some());
    }

    #[test]
    fn what_cannot_be_put_back_is_told_and_the_rest_goes_on() {
        let mut host = host();
        let snapshot = Snapshot::take(&host, &[Aspect::Sshd]).unwrap();
        host.put("/etc/ssh/sshd_config", "Port 1\n");
        host.program("/etc/init.d/ssh", |_, _| Output::failure(1, "broken"));
        let trouble = snapshot.put_back(&mut host);
        assert_eq!(trouble, ["/etc/init.d/ssh restart: broken"]);
        assert_eq!(host.files.text("/etc/ssh/sshd_config").as_deref(), Some("Port 22\n"));
    }

    #[test]
    fn too_much_is_not_kept() {
        let mut host = FakeHost::default();
        host.put("/etc/ssh/large", vec![0; BYTES_MAX + 1]);
        let why = Snapshot::take(&host, &[Aspect::Sshd]).unwrap_err();
        assert!(why.starts_with("/etc/ssh holds more than"), "{why}");
    }
}
