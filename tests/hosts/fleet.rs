//! Some hosts on a network of their own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{
    Host, HostSpec,
    base::work_folder,
    network::Network,
    reaper::{self, Reaper},
    shell::{HostsError, at, run},
};

/// Fleets that can be there at once, over all processes.
const FLEETS_MAX: u8 = 64;

/// Hosts that a fleet can have.
const HOSTS_MAX: u8 = 200;

/// Starts a host: its spec, number and network, the fleet's folder and its public key.
type Start = fn(&HostSpec, u8, Network, &Path, &str) -> Result<Host, HostsError>;

/// Some hosts on a network of their own. They end with it.
pub struct Fleet {
    network: Network,
    folder: PathBuf,
    booted: u8,
    // Dropped in this order: the reaper waits for the pipe that its drop closes.
    _reaper: Reaper,
    _lock: File,
}

impl Fleet {
    /// Brings a network up, without hosts, under the first number that is free.
    ///
    /// # Errors
    /// Where a program fails, or all numbers are taken.
    pub fn start() -> Result<Self, HostsError> {
        let fleets = work_folder().join("fleets");
        fs::create_dir_all(&fleets).map_err(at(&fleets))?;
        for number in 0..FLEETS_MAX {
            let path = fleets.join(format!("{number}.lock"));
            let lock = File::create(&path).map_err(at(&path))?;
            if lock.try_lock().is_err() {
                continue;
            }
            let folder = fleets.join(number.to_string());
            reaper::reap(number, &folder)?;
            fs::create_dir_all(&folder).map_err(at(&folder))?;
            let reaper = Reaper::start(number, &folder, &lock)?;
            let network = Network { fleet: number };
            let fleet = Self { network, folder, booted: 0, _reaper: reaper, _lock: lock };
            fleet.network.up()?;
            let key = fleet.key_file().display().to_string();
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-C", "fleet", "-f", &key])?;
            return Ok(fleet);
        }
        Err(HostsError::TooMany { max: FLEETS_MAX })
    }

    /// Boots a host and waits until it answers on port 22.
    ///
    /// # Errors
    /// Where a program fails or the host does not answer in time.
    pub fn boot(&mut self, spec: &HostSpec) -> Result<Host, HostsError> {
        let host = self.begin(spec)?;
        host.wait_for_ssh()?;
        Ok(host)
    }

    /// Boots hosts side by side.
    ///
    /// # Errors
    /// As [`boot`](Self::boot).
    pub fn boot_all(&mut self, specs: &[HostSpec]) -> Result<Vec<Host>, HostsError> {
        let hosts: Result<Vec<Host>, HostsError> =
            specs.iter().map(|spec| self.begin(spec)).collect();
        let hosts = hosts?;
        hosts.iter().try_for_each(Host::wait_for_ssh)?;
        Ok(hosts)
    }

    /// Boots virtual machines side by side, which have what [`MACHINE`](crate::MACHINE) says and no
    /// other layer or overlay. Their blank disks are `/dev/vdb` and on.
    ///
    /// # Errors
    /// As [`boot`](Self::boot).
    pub fn boot_machines(&mut self, specs: &[HostSpec]) -> Result<Vec<Host>, HostsError> {
        let hosts: Result<Vec<Host>, HostsError> =
            specs.iter().map(|spec| self.begin_as(spec, Host::start_machine)).collect();
        let hosts = hosts?;
        hosts.iter().try_for_each(Host::wait_for_ssh)?;
        Ok(hosts)
    }

    /// Has a host answer on a thousand addresses more ([`Network::more_address`]), each of which
    /// is a host for those who connect.
    ///
    /// # Errors
    /// Where a program fails.
    pub fn give_addresses(&self, host: &Host) -> Result<(), HostsError> {
        let subnet = self.network.more_subnet();
        run("ip", &["route", "replace", &subnet, "via", &host.address().to_string()])?;
        host.run(&format!("ip route replace local {subnet} dev lo")).map(drop)
    }

    fn begin(&mut self, spec: &HostSpec) -> Result<Host, HostsError> {
        self.begin_as(spec, Host::start)
    }

    fn begin_as(&mut self, spec: &HostSpec, start: Start) -> Result<Host, HostsError> {
        if self.booted >= HOSTS_MAX {
            return Err(HostsError::TooMany { max: HOSTS_MAX });
        }
        self.booted += 1;
        let public = self.key_file().with_extension("pub");
        let public = fs::read_to_string(&public).map_err(at(&public))?;
        let host = start(spec, self.booted, self.network, &self.folder, &public)?;
        let mut known = self.known_hosts();
        known.push_str(&host.known_hosts_line());
        let file = self.known_hosts_file();
        fs::write(&file, known).map_err(at(&file))?;
        Ok(host)
    }

    /// The private key that root, and every operator, of every host lets in.
    pub fn key_file(&self) -> PathBuf {
        self.folder.join("id")
    }

    /// A file with the host keys of all hosts.
    pub fn known_hosts_file(&self) -> PathBuf {
        self.folder.join("known_hosts")
    }

    /// The folder of this fleet; it is gone with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The network of this fleet.
    pub fn network(&self) -> Network {
        self.network
    }

    fn known_hosts(&self) -> String {
        fs::read_to_string(self.known_hosts_file()).unwrap_or_default()
    }
}
