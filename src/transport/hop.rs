//! One host on the way, or at its end, with everything resolved: what the inventory, options, the
//! SSH configuration and OpenSSH's own defaults say together.

use std::path::{Path, PathBuf};

use protocol::Secret;

use crate::{
    connector::ConnectorSettings,
    error::ConnectError,
    ssh_config::{
        self, ConfigFile, Query, Settings,
        resolve::{AddressFamily, expand, host_name},
    },
    target::{HostKeyPolicy, KEEPALIVE_SECS, KEEPALIVES_MAX, Target},
};

/// Keys that are tried where nobody names any, in OpenSSH's order.
const DEFAULT_IDENTITY_FILES: &[&str] = &["~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"];

/// The order in which methods are tried where nobody says otherwise.
const DEFAULT_AUTHENTICATIONS: &[&str] = &["publickey", "keyboard-interactive", "password"];

/// Where the system keeps host keys that hold for all its users.
const GLOBAL_KNOWN_HOSTS: &[&str] = &["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"];

/// Jump hosts that may stand before a host.
pub(crate) const JUMPS_MAX: usize = 8;

/// How a host is reached, all of it settled.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    /// Name or address to connect to.
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<Secret<String>>,
    pub(crate) passphrase: Option<Secret<String>>,
    /// Private keys to try, and whether somebody named them (a missing one is then reported).
    pub(crate) identity_files: Vec<(PathBuf, Named)>,
    pub(crate) certificate_files: Vec<PathBuf>,
    pub(crate) identities_only: bool,
    pub(crate) agent_socket: Option<PathBuf>,
    /// Socket of the agent that commands on the host may use.
    pub(crate) forwarded_agent: Option<PathBuf>,
    pub(crate) host_key_policy: HostKeyPolicy,
    /// Name under which the host's key is known, instead of its address.
    pub(crate) host_key_alias: Option<String>,
    /// The file that new keys are written to stands first.
    pub(crate) known_hosts_files: Vec<PathBuf>,
    pub(crate) hash_known_hosts: bool,
    pub(crate) connect_timeout_secs: u64,
    pub(crate) connection_attempts: u32,
    pub(crate) keepalive_secs: u64,
    pub(crate) keepalives_max: usize,
    pub(crate) authentications: Vec<String>,
    pub(crate) bind_address: Option<String>,
    pub(crate) address_family: AddressFamily,
    pub(crate) algorithms: AlgorithmLists,
    pub(crate) route: Route,
    pub(crate) warnings: Vec<String>,
}

/// Who named an identity file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    ByUser,
    ByDefault,
}

/// How the stream to a host is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Direct,
    /// Through these hosts, the nearest first.
    Jumps(Vec<JumpSpec>),
    /// By a program's standard streams.
    Command(String),
}

/// A jump host as it is written: `[user@]host[:port]` or `ssh://…`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct JumpSpec {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

/// Lists of algorithms as ssh_config(5) has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlgorithmLists {
    pub(crate) ciphers: Option<String>,
    pub(crate) kex: Option<String>,
    pub(crate) host_keys: Option<String>,
    pub(crate) macs: Option<String>,
}

impl Hop {
    /// Settles how the host at the end is reached.
    pub(crate) fn of_target(
        target: &Target,
        files: &[ConfigFile],
        connector: &ConnectorSettings,
    ) -> Result<Self, ConnectError> {
        let query = Query {
            host: &target.address,
            user: target.user.as_deref(),
            local_user: &connector.user,
            home: &connector.home,
        };
        let given = ssh_config::resolve(&query, &target.ssh_options, &[])?;
        let settings = ssh_config::resolve(&query, &target.ssh_options, files)?;
        Self::of_settings(target, given, settings, connector)
    }

    /// Settles how a jump host of a target is reached. The inventory's user, keys, port and
    /// password are the target's own; only the configuration file speaks of the jump host, and
    /// policies of trust hold for it too.
    pub(crate) fn of_jump(
        spec: &JumpSpec,
        target: &Target,
        files: &[ConfigFile],
        connector: &ConnectorSettings,
    ) -> Result<Self, ConnectError> {
        let own = Target {
            name: spec.host.clone(),
            address: spec.host.clone(),
            port: spec.port,
            user: spec.user.clone(),
            password: None,
            identity_files: Vec::new(),
            ssh_options: Vec::new(),
            proxy_jump: None,
            ..target.clone()
        };
        let hop = Self::of_target(&own, files, connector)?;
        // Nothing runs on a jump host that could need the agent.
        Ok(Self { forwarded_agent: None, ..hop })
    }

    /// `given` is what the options alone say, `settings` what they say together with the files.
    fn of_settings(
        target: &Target,
        given: Settings,
        settings: Settings,
        connector: &ConnectorSettings,
    ) -> Result<Self, ConnectError> {
        let home = &connector.home;
        let original = target.address.as_str();
        let address = settings
            .host_name
            .as_deref()
            .map_or(original.to_owned(), |name| host_name(name, original));
        let port = given.port.or(target.port).or(settings.port).unwrap_or(22);
        let user = given.user.or_else(|| target.user.clone()).or(settings.user);
        let user = user.unwrap_or_else(|| connector.user.clone());
        let tokens = |token| match token {
            'd' => Some(home.to_string_lossy().into_owned()),
            'h' => Some(address.clone()),
            'n' => Some(original.to_owned()),
            'p' => Some(port.to_string()),
            'r' => Some(user.clone()),
            'u' => Some(connector.user.clone()),
            'k' => Some(settings.host_key_alias.clone().unwrap_or_else(|| original.to_owned())),
            _ => None,
        };
        let path = |text: &str| in_home(&expand(text, &tokens), home);
        let mut identity_files: Vec<(PathBuf, Named)> =
            target.identity_files.iter().map(|file| (file.clone(), Named::ByUser)).collect();
        let configured = settings.identity_files.iter().filter(|file| *file != "none");
        identity_files.extend(configured.map(|file| (path(file), Named::ByUser)));
        if identity_files.is_empty() && settings.identity_files.is_empty() {
            let defaults = DEFAULT_IDENTITY_FILES.iter();
            identity_files.extend(defaults.map(|file| (path(file), Named::ByDefault)));
        }
        let agent_socket = match settings.identity_agent.as_deref() {
            None | Some("SSH_AUTH_SOCK") => connector.agent_socket.clone(),
            Some("none") => None,
            Some(socket) => Some(path(socket)),
        };
        let forwarded_agent = match settings.forward_agent.as_deref() {
            None | Some("no" | "false") => None,
            Some("yes" | "true" | "SSH_AUTH_SOCK" | "$SSH_AUTH_SOCK") => {
                connector.agent_socket.clone()
            }
            Some(socket) => Some(path(socket)),
        };
        let mut known_hosts_files = target.known_hosts_files.clone();
        if known_hosts_files.is_empty() || given.user_known_hosts_files.is_some() {
            known_hosts_files.clear();
            let files = settings.user_known_hosts_files.unwrap_or_else(|| {
                vec!["~/.ssh/known_hosts".to_owned(), "~/.ssh/known_hosts2".to_owned()]
            });
            known_hosts_files
                .extend(files.iter().filter(|file| *file != "none").map(|file| path(file)));
            match settings.global_known_hosts_files {
                Some(files) => known_hosts_files.extend(files.iter().map(|file| path(file))),
                None => known_hosts_files.extend(GLOBAL_KNOWN_HOSTS.iter().map(PathBuf::from)),
            }
        }
        let is_given = given.proxy_jump.is_some() || given.proxy_command.is_some();
        let own_jump = target.proxy_jump.as_deref().filter(|_| !is_given);
        let route = if let Some(jump) = own_jump {
            jump_route(jump)?
        } else if let Some(jump) = settings.proxy_jump.as_deref() {
            jump_route(&expand(jump, &tokens))?
        } else {
            match settings.proxy_command.as_deref() {
                None | Some("none") => Route::Direct,
                Some(command) => Route::Command(expand(command, &tokens)),
            }
        };
        let mut authentications = settings.preferred_authentications.unwrap_or_else(|| {
            DEFAULT_AUTHENTICATIONS.iter().map(|method| (*method).to_owned()).collect()
        });
        let is_on = |method: &String| match method.as_str() {
            "publickey" => settings.pubkey_authentication.unwrap_or(true),
            "password" => settings.password_authentication.unwrap_or(true),
            "keyboard-interactive" => settings.kbd_interactive_authentication.unwrap_or(true),
            _ => false,
        };
        authentications.retain(is_on);
        Ok(Self {
            password: target.password.clone(),
            passphrase: target.passphrase.clone(),
            identity_files,
            certificate_files: settings.certificate_files.iter().map(|file| path(file)).collect(),
            identities_only: given
                .identities_only
                .or(target.identities_only)
                .or(settings.identities_only)
                .unwrap_or_default(),
            agent_socket,
            forwarded_agent,
            host_key_policy: given
                .host_key_policy
                .or(target.host_key_policy)
                .or(settings.host_key_policy)
                .unwrap_or(HostKeyPolicy::Strict),
            host_key_alias: settings.host_key_alias.clone(),
            known_hosts_files,
            hash_known_hosts: settings.hash_known_hosts.unwrap_or_default(),
            connect_timeout_secs: given
                .connect_timeout_secs
                .unwrap_or(target.connect_timeout_secs)
                .max(1),
            connection_attempts: settings.connection_attempts.unwrap_or(1),
            keepalive_secs: given
                .server_alive_interval_secs
                .or(target.keepalive_secs)
                .or(settings.server_alive_interval_secs)
                .unwrap_or(KEEPALIVE_SECS),
            keepalives_max: settings.server_alive_count_max.unwrap_or(KEEPALIVES_MAX),
            authentications,
            bind_address: settings.bind_address,
            address_family: settings.address_family.unwrap_or(AddressFamily::Any),
            algorithms: AlgorithmLists {
                ciphers: settings.ciphers,
                kex: settings.kex_algorithms,
                host_keys: settings.host_key_algorithms,
                macs: settings.macs,
            },
            route,
            warnings: settings.warnings,
            port,
            user,
            address,
        })
    }

    /// The name under which the host's key is looked up.
    pub(crate) fn known_name(&self) -> String {
        match &self.host_key_alias {
            Some(alias) => alias.to_ascii_lowercase(),
            None => crate::known_hosts::lookup_name(&self.address, self.port),
        }
    }

    /// The name that a host certificate must bear.
    pub(crate) fn principal(&self) -> &str {
        self.host_key_alias.as_deref().unwrap_or(&self.address)
    }
}

/// Puts the home folder in place of a leading `~`.
fn in_home(text: &str, home: &Path) -> PathBuf {
    match text.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None if text == "~" => home.to_owned(),
        None => PathBuf::from(text),
    }
}

fn jump_route(text: &str) -> Result<Route, ConnectError> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(Route::Direct);
    }
    let jumps: Result<Vec<JumpSpec>, String> = text.split(',').map(parse_jump).collect();
    let wrong = |why: String| ssh_config::ConfigError::Value {
        origin: ssh_config::Origin::Option,
        keyword: "ProxyJump".to_owned(),
        value: text.to_owned(),
        why,
    };
    let jumps = jumps.map_err(wrong)?;
    if jumps.len() > JUMPS_MAX {
        return Err(wrong(format!("over {JUMPS_MAX} jump hosts")).into());
    }
    Ok(Route::Jumps(jumps))
}

fn parse_jump(text: &str) -> Result<JumpSpec, String> {
    let text = text.trim();
    let text = text.strip_prefix("ssh://").unwrap_or(text).trim_end_matches('/');
    let (user, rest) = match text.rsplit_once('@') {
        Some((user, rest)) => (Some(user.to_owned()), rest),
        None => (None, text),
    };
    let (host, port) = if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or("a bracket is not closed")?;
        (host, rest.strip_prefix(':'))
    } else if rest.matches(':').count() == 1 {
        rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)))
    } else {
        (rest, None)
    };
    if host.is_empty() || user.as_deref() == Some("") {
        return Err("[user@]host[:port] is meant".to_owned());
    }
    let port = port
        .map(|port| port.parse().ok().filter(|port| *port > 0).ok_or("a port is a number"))
        .transpose()?;
    Ok(JumpSpec { user, host: host.to_owned(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jump_hosts_are_read() {
        for (text, expect) in [
            ("bastion", Ok((None, "bastion", None))),
            ("me@bastion:2222", Ok((Some("me"), "bastion", Some(2222)))),
            ("ssh://me@bastion:22/", Ok((Some("me"), "bastion", Some(22)))),
            ("[fd00::1]:23", Ok((None, "fd00::1", Some(23)))),
            ("fd00::1", Ok((None, "fd00::1", None))),
            ("me@corp@bastion", Ok((Some("me@corp"), "bastion", None))),
            ("bastion:ssh", Err("a port is a number")),
            ("[fd00::1", Err("a bracket is not closed")),
            ("@bastion", Err("[user@]host[:port] is meant")),
            ("", Err("[user@]host[:port] is meant")),
        ] {
            let expect = expect
                .map(|(user, host, port): (Option<&str>, &str, _)| JumpSpec {
                    user: user.map(str::to_owned),
                    host: host.to_owned(),
                    port,
                })
                .map_err(str::to_owned);
            assert_eq!(parse_jump(text), expect, "{text}");
        }
    }

    fn connector() -> ConnectorSettings {
        ConnectorSettings {
            home: "/home/me".into(),
            user: "me".into(),
            agent_socket: Some("/run/agent".into()),
            system_ssh_config_file: None,
            remotes: Default::default(),
            opening_max: 1,
            narrator: None,
        }
    }

    fn hop(config: &str, target: Target) -> Hop {
        let home = Path::new("/home/me");
        let path = home.join(".ssh/config");
        let file = ConfigFile::parse(config, &path, home).unwrap();
        Hop::of_target(&target, &[file], &connector()).unwrap()
    }

    #[test]
    fn the_inventory_wins_over_the_file_and_the_file_over_defaults() {
        let config = "Host web\nHostName %h.example.org\nUser cfg\nPort 2200\nIdentityFile \
                      ~/k/%r@%h:%n\nIdentityAgent none\nUserKnownHostsFile ~/kh\nProxyJump \
                      a,b@c\nServerAliveInterval 5\nStrictHostKeyChecking accept-new\nPort 1\n";
        let bare = Target { address: "web".into(), ..Target::default() };
        let by_file = hop(config, bare.clone());
        assert_eq!((by_file.address.as_str(), by_file.port), ("web.example.org", 2200));
        assert_eq!(by_file.user, "cfg");
        let key = PathBuf::from("/home/me/k/cfg@web.example.org:web");
        assert_eq!(by_file.identity_files, [(key, Named::ByUser)]);
        assert_eq!(by_file.agent_socket, None);
        assert_eq!(by_file.known_hosts_files[0], Path::new("/home/me/kh"));
        assert_eq!(by_file.keepalive_secs, 5);
        assert_eq!(by_file.host_key_policy, HostKeyPolicy::AcceptNew);
        assert!(matches!(&by_file.route, Route::Jumps(jumps) if jumps.len() == 2));
        assert_eq!(by_file.known_name(), "[web.example.org]:2200");

        let target = Target {
            port: Some(22),
            user: Some("inv".into()),
            identity_files: vec!["/k".into()],
            host_key_policy: Some(HostKeyPolicy::Strict),
            proxy_jump: Some("none".into()),
            ..bare
        };
        let by_inventory = hop(config, target.clone());
        assert_eq!((by_inventory.port, by_inventory.user.as_str()), (22, "inv"));
        assert_eq!(by_inventory.identity_files[0].0, Path::new("/k"));
        assert_eq!(by_inventory.host_key_policy, HostKeyPolicy::Strict);
        assert_eq!(by_inventory.route, Route::Direct);

        let options =
            [("User", "opt"), ("Port", "77"), ("ProxyJump", "z"), ("ConnectTimeout", "3")];
        let ssh_options =
            options.map(|(keyword, value)| (keyword.to_owned(), value.to_owned())).to_vec();
        let by_option = hop(config, Target { ssh_options, ..target });
        assert_eq!((by_option.port, by_option.user.as_str()), (77, "opt"));
        assert_eq!(by_option.connect_timeout_secs, 3);
        assert!(matches!(&by_option.route, Route::Jumps(jumps) if jumps[0].host == "z"));
    }

    #[test]
    fn defaults_are_those_of_openssh() {
        let hop = hop("", Target { address: "db".into(), ..Target::default() });
        assert_eq!((hop.address.as_str(), hop.port, hop.user.as_str()), ("db", 22, "me"));
        assert_eq!(hop.agent_socket.as_deref(), Some(Path::new("/run/agent")));
        assert_eq!(hop.identity_files.len(), DEFAULT_IDENTITY_FILES.len());
        assert_eq!(hop.host_key_policy, HostKeyPolicy::Strict);
        assert_eq!(hop.authentications, ["publickey", "keyboard-interactive", "password"]);
    }
}
