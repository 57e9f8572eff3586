//! What the caller says about a host.

use std::{path::PathBuf, sync::Arc};

use protocol::Secret;

use crate::carrier::Carriage;

/// How one host is reached. All of it is resolved by the caller from inventory variables, options
/// and settings. As in Ansible, `ssh_options` win over the other fields, and these over
/// `ssh_config_file`; what nobody says is as in OpenSSH.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name in the inventory, for messages.
    pub name: String,
    /// What kind of connection is made.
    pub connection: ConnectionKind,
    /// Where commands on this machine start; where this program does if it is left out.
    pub local_folder: Option<PathBuf>,
    /// For [`ConnectionKind::Entrance`]: a program of this machine and its arguments, such as
    /// `docker exec -i web`, that runs the program and arguments put after them over there. It
    /// passes standard input and output through.
    pub entrance: Vec<String>,
    /// For [`ConnectionKind::Plugin`]: the plugin, and what it is told of this host.
    pub carriage: Option<Arc<dyn Carriage>>,
    /// Host name, alias of the SSH configuration, or address.
    pub address: String,
    /// TCP port.
    pub port: Option<u16>,
    /// User to log in as.
    pub user: Option<String>,
    /// Answers password prompts of the SSH server.
    pub password: Option<Secret<String>>,
    /// Private keys to try before those of the SSH configuration.
    pub identity_files: Vec<PathBuf>,
    /// Whether keys of the agent are left out unless they belong to an identity file.
    pub identities_only: Option<bool>,
    /// Opens encrypted private keys.
    pub passphrase: Option<Secret<String>>,
    /// What happens to a host key that nobody has seen before; `None` leaves it to the SSH
    /// configuration, then [`HostKeyPolicy::Strict`].
    pub host_key_policy: Option<HostKeyPolicy>,
    /// Files of known host keys; where there are none, those of the SSH configuration and then
    /// `~/.ssh/known_hosts`. New keys are written to the first.
    pub known_hosts_files: Vec<PathBuf>,
    /// SSH client configuration; `None` for none at all.
    pub ssh_config_file: Option<PathBuf>,
    /// Whether the configuration of all users of the machine is read after that. It is not where
    /// somebody named a file by `ssh -F`.
    pub reads_system_ssh_config: bool,
    /// Options as `ssh -o` takes them, keyword and value.
    /// [`ssh_arguments::parse`](crate::ssh_arguments::parse) makes them of
    /// `ansible_ssh_common_args`.
    pub ssh_options: Vec<(String, String)>,
    /// Hosts to go through, as `ssh -J` takes them: `[user@]host[:port]`, separated by commas.
    pub proxy_jump: Option<String>,
    /// Seconds that a connection may take to be ready for requests, jump hosts included, each step
    /// counted alone.
    pub connect_timeout_secs: u64,
    /// Folders on the host that may hold the remote, in order of preference. `~` stands for the
    /// home folder of the user that the remote runs as.
    pub remote_folders: Vec<String>,
    /// Seconds of silence after which the server is asked for a sign of life; `None` leaves it to
    /// the SSH configuration, then [`KEEPALIVE_SECS`]. 0 never asks.
    pub keepalive_secs: Option<u64>,
}

/// Seconds of silence after which a server is asked for a sign of life.
pub const KEEPALIVE_SECS: u64 = 30;

/// How many unanswered signs of life end a connection.
pub const KEEPALIVES_MAX: usize = 3;

/// Seconds that a step of connecting may take where nobody said otherwise, as in Ansible.
pub const CONNECT_TIMEOUT_SECS: u64 = 10;

impl Default for Target {
    fn default() -> Self {
        Self {
            name: String::new(),
            connection: ConnectionKind::Ssh,
            local_folder: None,
            entrance: Vec::new(),
            carriage: None,
            address: String::new(),
            port: None,
            user: None,
            password: None,
            identity_files: Vec::new(),
            identities_only: None,
            passphrase: None,
            host_key_policy: None,
            known_hosts_files: Vec::new(),
            ssh_config_file: None,
            reads_system_ssh_config: true,
            ssh_options: Vec::new(),
            proxy_jump: None,
            connect_timeout_secs: CONNECT_TIMEOUT_SECS,
            remote_folders: vec!["~/.ansible/tmp".into(), "/var/tmp".into(), "/tmp".into()],
            keepalive_secs: None,
        }
    }
}

/// What kind of connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionKind {
    /// SSH, spoken by this program.
    Ssh,
    /// None: the remote is a child process of this program.
    Local,
    /// A program of this machine that gets into a container, a pod or another root:
    /// [`Target::entrance`].
    Entrance,
    /// A connection plugin: [`Target::carriage`].
    Plugin,
}

/// What happens to a host key that nobody has seen before. A key that differs from a known one is
/// refused under every policy but [`Off`](Self::Off).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// It is refused.
    Strict,
    /// It is accepted and recorded.
    AcceptNew,
    /// Every key is accepted and none is recorded. A host that shows another key than the known one
    /// is given no password and no agent, as by OpenSSH.
    Off,
}
