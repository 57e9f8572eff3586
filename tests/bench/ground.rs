//! The hosts that workloads run on.

use std::{fmt::Write, fs, net::SocketAddr, path::Path, time::Duration};

use hosts::{Fleet, Host, HostSpec, HostsError, Operator, PYTHON, Sudo};

use crate::{meter::Meter, relay};

/// How long each direction of the slow wire takes.
const ONE_WAY: Duration = Duration::from_millis(25);

/// Which hosts a workload has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// None; the inventory names one that is not asked.
    None,
    /// This many booted hosts.
    Booted(usize),
    /// This many addresses of one booted host, each a host of the inventory.
    Addresses(usize),
    /// Booted hosts of which the last accepts connections and never says a word.
    OneHangs(usize),
    /// One booted host, 50 ms of round trip away.
    Far,
}

/// Booted hosts with Python on them, for the peers' sake.
pub struct Ground {
    fleet: Fleet,
    hosts: Vec<Host>,
}

impl Ground {
    /// Boots hosts, in the hosts' control group.
    ///
    /// # Errors
    /// Where a program fails or a host does not answer.
    pub fn new(meter: &Meter, count: usize) -> Result<Self, HostsError> {
        let mut fleet = Fleet::start()?;
        let spec = |number: usize| HostSpec {
            layer: Some(PYTHON),
            operator: Some(Operator {
                name: "op".to_owned(),
                password: None,
                sudo: Sudo::WithoutPassword,
            }),
            sshd_config: ["MaxStartups 2000", "MaxSessions 100"].map(str::to_owned).to_vec(),
            ..HostSpec::new(&format!("bench{number}"))
        };
        let specs: Vec<HostSpec> = (0..count).map(spec).collect();
        let hosts = meter.among_hosts(|| fleet.boot_all(&specs));
        let hosts = hosts.map_err(|error| HostsError::Start {
            command: "bench".to_owned(),
            why: error.to_string(),
        })??;
        if let Some(first) = hosts.first() {
            fleet.give_addresses(first)?;
        }
        Ok(Self { fleet, hosts })
    }

    /// Which hosts are looked at, and changed back, for a workload.
    pub fn hosts(&self, reach: Reach) -> &[Host] {
        let count = match reach {
            Reach::None => 0,
            Reach::Booted(count) => count,
            Reach::OneHangs(count) => count.saturating_sub(1),
            Reach::Addresses(_) | Reach::Far => 1,
        };
        self.hosts.get(..count.min(self.hosts.len())).unwrap_or_default()
    }

    /// Writes the inventories of a workload: `hosts.ini` and `hosts.py`.
    ///
    /// # Errors
    /// Files that cannot be written, and ports that cannot be had.
    pub fn write_inventories(&self, reach: Reach, folder: &Path) -> std::io::Result<()> {
        let addresses = self.addresses(reach)?;
        let key = self.fleet.key_file().display().to_string();
        let mut ini = String::new();
        let mut py = "servers = [\n".to_owned();
        for (number, address) in addresses.iter().enumerate() {
            let (host, port) = (address.ip(), address.port());
            let _ = writeln!(ini, "h{number} ansible_host={host} ansible_port={port}");
            let _ = writeln!(
                py,
                "    ('h{number}', {{'ssh_hostname': '{host}', 'ssh_port': {port}}}),"
            );
        }
        let _ = write!(
            ini,
            "\n[all:vars]\nansible_user=root\nansible_ssh_private_key_file={key}\n\
             ansible_python_interpreter=/usr/bin/python3\n\
             ansible_ssh_common_args='-i {key} -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no'\n"
        );
        fs::write(folder.join("hosts.ini"), ini)?;
        // Data of all hosts lies beside the deploy.
        py.push_str("]\n");
        fs::write(folder.join("hosts.py"), py)?;
        fs::create_dir_all(folder.join("group_data"))?;
        let data = format!(
            "ssh_user = 'root'\nssh_key = '{key}'\nssh_known_hosts_file = '/dev/null'\n\
             ssh_strict_host_key_checking = 'off'\n"
        );
        fs::write(folder.join("group_data/all.py"), data)
    }

    fn addresses(&self, reach: Reach) -> std::io::Result<Vec<SocketAddr>> {
        let booted = |count: usize| {
            let hosts = self.hosts.iter().take(count);
            hosts.map(|host| SocketAddr::from((host.address(), 22))).collect::<Vec<_>>()
        };
        Ok(match reach {
            Reach::None => vec![SocketAddr::from(([127, 0, 0, 1], 22))],
            Reach::Booted(count) => booted(count),
            Reach::Addresses(count) => {
                let network = self.fleet.network();
                let address = |n: usize| {
                    let number = u16::try_from(n).unwrap_or_default();
                    SocketAddr::from((network.more_address(number), 22))
                };
                (1..=count).map(address).collect()
            }
            Reach::OneHangs(count) => {
                let mut all = booted(count.saturating_sub(1));
                all.push(silent()?);
                all
            }
            Reach::Far => booted(1)
                .into_iter()
                .map(|host| relay::start(host, ONE_WAY))
                .collect::<std::io::Result<_>>()?,
        })
    }

    /// The private key of all hosts.
    pub fn key_file(&self) -> std::path::PathBuf {
        self.fleet.key_file()
    }
}

/// A port where nobody answers: connections are taken by the kernel.
fn silent() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        let kept: Vec<_> = listener.incoming().collect();
        drop(kept);
    });
    Ok(address)
}
