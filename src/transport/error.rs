//! What can go wrong on the way to a host and to its remote.

use std::{io, path::PathBuf};

use crate::{carrier::CarryError, known_hosts::HostKeyRefusal, ssh_config::ConfigError};

/// An error of the SSH library, kept for its text.
pub type SshError = Box<dyn std::error::Error + Send + Sync>;

/// Why a host could not be reached or its remote not be started.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The SSH configuration or an option cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file of known hosts cannot be read or written.
    #[error("the known hosts of {} cannot be used", path.display())]
    KnownHosts {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The name has no address.
    #[error("no address is known for the name {name}")]
    Resolve {
        /// What was looked up.
        name: String,
        /// Why it was not found.
        source: io::Error,
    },
    /// No address of the host takes connections.
    #[error("{address} port {port} cannot be reached")]
    Unreachable {
        /// Name or address.
        address: String,
        /// TCP port.
        port: u16,
        /// What the last address that was tried said.
        source: io::Error,
    },
    /// A step of connecting took too long.
    #[error("{step} took longer than {secs} s")]
    Timeout {
        /// The step, as a noun.
        step: &'static str,
        /// The limit.
        secs: u64,
    },
    /// The server hung up before it proved who it is, as a server does that is asked for too many
    /// connections at once.
    #[error("{address} port {port} closed the connection during the handshake")]
    ClosedEarly {
        /// Name or address.
        address: String,
        /// TCP port.
        port: u16,
    },
    /// The two sides could not agree on how to speak.
    #[error("the SSH handshake with {address} failed")]
    Handshake {
        /// Name or address.
        address: String,
        /// What failed.
        source: SshError,
    },
    /// The host did not prove to be the one that it should be.
    #[error(transparent)]
    HostKey(#[from] Box<HostKeyRefusal>),
    /// The server lets nobody in by what was offered.
    #[error("{user}@{address} was not let in: {}", attempts(tried, allowed))]
    Authentication {
        /// User to log in as.
        user: String,
        /// Name or address.
        address: String,
        /// What was tried and how that ended, in order.
        tried: Vec<String>,
        /// The methods that the server still takes.
        allowed: Vec<String>,
    },
    /// A host to go through could not be reached.
    #[error("the jump host {hop} is in the way")]
    Jump {
        /// The jump host.
        hop: String,
        /// Why.
        source: Box<ConnectError>,
    },
    /// The program that should make the connection could not be started.
    #[error("the proxy command cannot be run: {command}")]
    ProxyCommand {
        /// The command line.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// The server does not open a channel or run a command.
    #[error("the server runs no command")]
    Channel {
        /// What it said.
        source: SshError,
    },
    /// This program cannot start a child process.
    #[error("no process can be started on this machine")]
    Spawn {
        /// Why.
        source: io::Error,
    },
    /// The program that gets into a container, a pod or another root cannot be started.
    #[error("the program `{program}`, which would get there, cannot be started on this machine")]
    Entrance {
        /// As it was called.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The remote cannot be put in place or started.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The other user cannot be become.
    #[error(transparent)]
    Become(#[from] BecomeError),
    /// A connection plugin fails.
    #[error(transparent)]
    Carried(#[from] CarryError),
    /// The connection ended.
    #[error("the connection was lost: {why}")]
    Lost {
        /// What is known about the end.
        why: String,
    },
}

/// Why the remote cannot be put in place or started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// There is no remote for the machine.
    #[error("there is no remote for `{machine}`; those at hand: {}", at_hand.join(", "))]
    Machine {
        /// What `uname -sm` says.
        machine: String,
        /// The machines that there are remotes for.
        at_hand: Vec<String>,
    },
    /// A binary for another architecture cannot be read.
    #[error("the remote {} cannot be used: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No folder can hold and run the remote.
    #[error("no folder of the host can hold and run the remote: {why}")]
    NoFolder {
        /// Every folder with what is wrong with it.
        why: String,
    },
    /// What arrived is not what was sent.
    #[error("the remote did not arrive as it was sent: {why}")]
    Content {
        /// What the host says.
        why: String,
    },
    /// The host's shell did not run the script that starts the remote.
    #[error("the host ran no POSIX shell for us{}", said(heard))]
    NoShell {
        /// What it printed instead.
        heard: String,
    },
    /// The remote is in place and did not run.
    #[error("the remote was started and ended{}{}", status(*rc), said(heard))]
    Ended {
        /// Exit status.
        rc: Option<i32>,
        /// What was printed.
        heard: String,
    },
    /// There was too much text before the remote spoke.
    #[error("over {limit_bytes} bytes were printed before the remote spoke{}", said(heard))]
    Noise {
        /// The limit.
        limit_bytes: usize,
        /// The end of it.
        heard: String,
    },
    /// The remote does not say who it is.
    #[error("the remote speaks another language: {why}")]
    Protocol {
        /// What was wrong.
        why: String,
    },
}

/// Why another user cannot be become.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BecomeError {
    /// A password is asked for, and there is none.
    #[error("Missing {method} password")]
    Missing {
        /// Name of the method.
        method: &'static str,
    },
    /// The password is wrong.
    #[error("Incorrect {method} password")]
    Incorrect {
        /// Name of the method.
        method: &'static str,
    },
    /// The user who logged in may not do this.
    #[error("{method} does not let this user become {user}{}", said(heard))]
    NotAllowed {
        /// Name of the method.
        method: &'static str,
        /// User to become.
        user: String,
        /// What was printed.
        heard: String,
    },
    /// The host knows no such user.
    #[error("{method} knows no user {user}{}", said(heard))]
    NoSuchUser {
        /// Name of the method.
        method: &'static str,
        /// User to become.
        user: String,
        /// What was printed.
        heard: String,
    },
    /// The host has no such program.
    #[error("the host has no program {program}")]
    NoSuchProgram {
        /// What was called.
        program: String,
    },
    /// The method wants a terminal, and a local connection has none to offer.
    #[error("{method} wants a terminal, which a local connection cannot offer{}", said(heard))]
    Terminal {
        /// Name of the method.
        method: &'static str,
        /// What was printed.
        heard: String,
    },
    /// It ended in a way that is not known here.
    #[error("{method} ended without becoming {user}{}", said(heard))]
    Other {
        /// Name of the method.
        method: &'static str,
        /// User to become.
        user: String,
        /// What was printed.
        heard: String,
    },
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The connection or the remote ended before the response came.
    #[error("the connection was lost: {why}")]
    Lost {
        /// What is known about the end.
        why: String,
    },
    /// The request cannot be sent: it is larger than a frame may be.
    #[error("the request cannot be sent: {why}")]
    Request {
        /// Why.
        why: String,
    },
    /// The remote did not end the request at its timeout, and was told to cancel it.
    #[error("no response came within {secs} s")]
    Timeout {
        /// The limit, the request's own and a grace.
        secs: u64,
    },
    /// What the remote sends cannot be stored here.
    #[error("what the host sends cannot be stored: {why}")]
    Sink {
        /// Why.
        why: String,
    },
    /// The remote sends a file that nobody asked for.
    #[error("the remote sent a file that nobody asked for")]
    Unasked,
    /// The connection plugin fails, or the remote that it should start does.
    #[error("{message}")]
    Carried {
        /// In its own words.
        message: String,
        /// Whether the host counts as unreachable, rather than the task as failed.
        is_unreachable: bool,
    },
    /// The request was not run, since one before it in its chain has failed.
    #[error("a request before it has failed")]
    NotRun,
}

impl ConnectError {
    /// Whether the host counts as unreachable. What concerns another user on a host that was
    /// reached is a failure of the task alone, as in Ansible.
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Become(_) => false,
            Self::Carried(error) => error.is_unreachable,
            _ => true,
        }
    }

    /// What the user can do about it, a command to type where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::HostKey(refusal) => Some(refusal.hint()),
            Self::Jump { source, .. } => source.hint(),
            Self::Remote(RemoteError::Machine { machine, .. }) => Some(format!(
                "build trueup-remote for `{machine}`, compress it with gzip and put it into the \
                 folder that TRUEUP_REMOTES_DIR names, as trueup-remote-TRIPLE.gz"
            )),
            Self::Remote(RemoteError::NoFolder { .. }) => Some(
                "name a folder that can hold programs: `ansible_remote_tmp` of the host, or \
                 `remote_tmp` in ansible.cfg"
                    .to_owned(),
            ),
            Self::Become(BecomeError::Missing { .. }) => Some(
                "give it with --ask-become-pass, --become-password-file or `ansible_become_password`"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// The error and everything behind it, joined.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            let part = error.to_string();
            if !text.ends_with(&part) {
                text.push_str(": ");
                text.push_str(&part);
            }
            source = error.source();
        }
        text
    }
}

impl From<ConnectError> for CallError {
    fn from(error: ConnectError) -> Self {
        Self::Carried { message: error.chain(), is_unreachable: error.is_unreachable() }
    }
}

fn attempts(tried: &[String], allowed: &[String]) -> String {
    let mut text =
        if tried.is_empty() { "there was nothing to try".to_owned() } else { tried.join("; ") };
    if !allowed.is_empty() {
        text.push_str(&format!(" (the server takes {})", allowed.join(", ")));
    }
    text
}

fn said(heard: &str) -> String {
    let heard = heard.trim();
    if heard.is_empty() { String::new() } else { format!("; it said: {heard}") }
}

fn status(rc: Option<i32>) -> String {
    rc.map(|rc| format!(" with status {rc}")).unwrap_or_default()
}
