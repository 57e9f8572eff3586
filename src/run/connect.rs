//! How a host is reached: what variables, keywords and defaults say, the first of them first.

use std::sync::Arc;

use inventory::pattern;
use plan::{Key, Task};
use protocol::{Json, JsonMap, Secret};
use template::{Scope, Value};
use transport::{Become, BecomeMethod, Carriage, ConnectionKind, HostKeyPolicy, Target};

use crate::{
    RunSettings,
    connection_plugin::ConnectionPlugin,
    entrances::{ENTRANCES, Entrance},
    reached,
};

/// Why it cannot be said how a host is reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectSettingsError {
    #[error("{name}: {error}")]
    Template { name: String, error: template::TemplateError },
    #[error(
        "the connection plugin '{0}' was not found (Trueup has ssh, local, and {known})",
        known = ENTRANCES.join(", ")
    )]
    Connection(String),
    #[error("{name}: {why}")]
    Plugin { name: String, why: String },
    #[error(
        "{name} would be on the command line of {program}, where everybody on this machine can \
         read it: put it into the file that ansible_{program}_kubeconfig names"
    )]
    Exposed { name: String, program: &'static str },
    #[error("the become method '{0}' is not there yet (Trueup has sudo, su and doas)")]
    BecomeMethod(String),
    #[error("{name} is '{value}', which is no {wanted}")]
    Value { name: String, value: String, wanted: &'static str },
    #[error("the SSH arguments `{text}` cannot be read: {why}")]
    SshArguments { text: String, why: String },
}

/// A host and the user to become on it.
#[derive(Clone, Debug)]
pub struct Way {
    pub target: Target,
    pub become_: Option<Become>,
    /// The shell that runs commands.
    pub executable: String,
}

/// What tells one remote from another: the host, how it is reached, and the user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemoteName {
    pub host: String,
    pub address: String,
    pub port: Option<u16>,
    pub user: Option<String>,
    pub is_local: bool,
    /// The program that gets there, see [`Target::entrance`].
    pub entrance: Vec<String>,
    /// What a connection plugin is told, see [`Target::carriage`].
    pub carriage: Option<String>,
    pub become_user: Option<String>,
}

impl Way {
    /// The remote that a task of this way talks to.
    pub fn remote(&self) -> RemoteName {
        let target = &self.target;
        RemoteName {
            host: target.name.clone(),
            address: target.address.clone(),
            port: target.port,
            user: target.user.clone(),
            is_local: target.connection == ConnectionKind::Local,
            entrance: target.entrance.clone(),
            carriage: target.carriage.as_ref().map(|carriage| carriage.identity().to_owned()),
            become_user: self.become_.as_ref().map(|become_| become_.user.clone()),
        }
    }
}

/// Works out how a task reaches its host. `host` is the name in the inventory, `scope` the
/// variables that count for the connection: the host's own, or those of the host delegated to.
///
/// The controller itself is reached without a connection where no inventory names it, by a
/// variable that it has then, and where a task is delegated to it. A host of the inventory is reached
/// as any other, whatever its name: a port of `127.0.0.1` may lead to another machine.
pub fn resolve(
    host: &str,
    is_delegate: bool,
    task: Option<&Arc<Task>>,
    scope: &Scope,
    task_scope: &Scope,
    settings: &RunSettings,
) -> Result<Way, ConnectSettingsError> {
    let reader = Reader { task, scope, task_scope };
    let defaults = &settings.connection;
    let address = reader.text(reached::ADDRESS, None)?.unwrap_or_else(|| host.to_owned());
    let is_here =
        is_delegate && [host, &address].iter().all(|name| pattern::LOCALHOST.contains(name));
    let keyword = (!is_here).then_some(Key::Connection);
    let connection = match reader.text(reached::CONNECTION, keyword)? {
        Some(connection) => connection,
        None if is_here => "local".into(),
        None => defaults.connection.clone(),
    };
    let plugins = settings.connection_plugins.as_ref();
    let goes_before = plugins.is_some_and(|plugins| plugins.goes_before_native(&connection));
    let entrance = Entrance::from_name(&connection).filter(|_| !goes_before);
    let mut plugin = None;
    let connection = match connection.rsplit('.').next().unwrap_or("") {
        _ if goes_before => {
            plugin = plugins.and_then(|plugins| plugins.find(&connection));
            ConnectionKind::Plugin
        }
        "local" => ConnectionKind::Local,
        "ssh" | "smart" | "paramiko" | "paramiko_ssh" => ConnectionKind::Ssh,
        _ if entrance.is_some() => ConnectionKind::Entrance,
        _ => {
            plugin = plugins.and_then(|plugins| plugins.find(&connection));
            if plugin.is_none() {
                return Err(ConnectSettingsError::Connection(connection));
            }
            ConnectionKind::Plugin
        }
    };
    let port = match reader.text(reached::PORT, Some(Key::Port))? {
        Some(text) => Some(text.trim().parse().map_err(|_| ConnectSettingsError::Value {
            name: "ansible_port".to_owned(),
            value: text,
            wanted: "port",
        })?),
        None => defaults.port,
    };
    let user = reader.text(reached::USER, Some(Key::RemoteUser))?.or_else(|| defaults.user.clone());
    let password = reader
        .text(reached::PASSWORD, None)?
        .map(Secret::new)
        .or_else(|| defaults.password.clone());
    let home = &settings.program.home;
    let expand = |path: String| match path.strip_prefix("~/") {
        Some(rest) => home.join(rest),
        None => path.into(),
    };
    let identity_files: Vec<_> = reader
        .text(reached::KEY_FILE, None)?
        .map(expand)
        .or_else(|| defaults.private_key_file.clone())
        .into_iter()
        .collect();
    let mut ssh_options = Vec::new();
    let mut ssh_config_file = defaults.ssh_config_file.clone();
    let own_args = [
        reader.text(&["ansible_ssh_args"], None)?,
        reader.text(&["ansible_ssh_common_args"], None)?,
        reader.text(&["ansible_ssh_extra_args"], None)?,
    ];
    for text in own_args.into_iter().flatten().chain(defaults.ssh_args.iter().cloned()) {
        let parsed = transport::ssh_arguments::parse(&text)
            .map_err(|why| ConnectSettingsError::SshArguments { text: text.clone(), why })?;
        ssh_options.extend(parsed.options);
        if let Some(file) = parsed.config_file {
            ssh_config_file = Some(file);
        }
    }
    let checks_key =
        reader.truth(&["ansible_ssh_host_key_checking", "ansible_host_key_checking"], None)?;
    let host_key_policy = match checks_key {
        Some(false) => Some(HostKeyPolicy::Off),
        Some(true) => Some(HostKeyPolicy::Strict),
        None => defaults.host_key_policy,
    };
    let timeout = reader.text(reached::TIMEOUT, None)?;
    let connect_timeout_secs = match timeout {
        Some(text) => text.trim().parse().map_err(|_| ConnectSettingsError::Value {
            name: "ansible_timeout".to_owned(),
            value: text,
            wanted: "number of seconds",
        })?,
        None => defaults.timeout_secs,
    };
    let mut target = Target {
        name: host.to_owned(),
        connection,
        // As in Ansible, relative paths of a local task start where its playbook is.
        local_folder: (connection == ConnectionKind::Local)
            .then(|| task_scope.surroundings().playbook_folder.clone()),
        address,
        port,
        user,
        password,
        identity_files,
        host_key_policy,
        ssh_config_file,
        ssh_options,
        connect_timeout_secs,
        ..Target::default()
    };
    if let Some(entrance) = entrance {
        let user = target.user.as_deref();
        target.entrance = entrance.arguments(&reader, host, &target.address, user)?;
    }
    let passphrase = reader.text(&["ansible_ssh_private_key_passphrase"], None)?;
    target.passphrase = passphrase.map(Secret::new);
    if let Some(folder) =
        reader.text(&["ansible_remote_tmp"], None)?.or(defaults.remote_tmp.clone())
    {
        target.remote_folders.retain(|known| *known != folder);
        target.remote_folders.insert(0, folder);
    }
    let executable = reader
        .text(&["ansible_shell_executable"], None)?
        .unwrap_or_else(|| settings.executable.clone());
    if let Some(plugin) = plugin {
        target.carriage = Some(carriage(&*plugin, &reader, &target, &executable, settings)?);
    }
    let logged_in = match target.connection {
        ConnectionKind::Local => defaults.local_user.as_deref(),
        ConnectionKind::Ssh | ConnectionKind::Entrance | ConnectionKind::Plugin => {
            target.user.as_deref()
        }
    };
    let become_ = reader
        .become_(settings)?
        .filter(|become_| defaults.becomes_same_user || logged_in != Some(become_.user.as_str()));
    Ok(Way { target, become_, executable })
}

/// What a connection plugin is told of a host.
fn carriage(
    plugin: &dyn ConnectionPlugin,
    reader: &Reader<'_>,
    target: &Target,
    executable: &str,
    settings: &RunSettings,
) -> Result<Arc<dyn Carriage>, ConnectSettingsError> {
    let named = |why| ConnectSettingsError::Plugin { name: format!("{plugin:?}"), why };
    let mut variables = JsonMap::new();
    for name in plugin.variables().map_err(named)? {
        if let Some(value) = reader.value(&[&name], None)? {
            let value = value.to_json().map_err(|error| named(error.message().to_owned()))?;
            variables.insert(name, value);
        }
    }
    let key_file = target.identity_files.first().map(|path| path.display().to_string());
    let mut state = JsonMap::new();
    for (name, value) in [
        ("address", Json::from(target.address.as_str())),
        ("port", target.port.into()),
        ("remote_user", target.user.clone().into()),
        ("password", target.password.as_ref().map(|one| one.reveal().clone()).into()),
        ("private_key_file", key_file.into()),
        ("timeout", target.connect_timeout_secs.into()),
        ("executable", executable.into()),
        ("verbosity", settings.verbosity.into()),
        ("check", settings.check.into()),
        ("diff", settings.diff.into()),
    ] {
        state.insert(name.to_owned(), value);
    }
    Ok(plugin.carriage(variables, state))
}

/// Reads variables and keywords that say how a host is reached.
pub(crate) struct Reader<'a> {
    task: Option<&'a Arc<Task>>,
    scope: &'a Scope,
    task_scope: &'a Scope,
}

impl Reader<'_> {
    /// The first of some variables that is set, otherwise the keyword of the task.
    pub(crate) fn value(
        &self,
        variables: &[&str],
        key: Option<Key>,
    ) -> Result<Option<Value>, ConnectSettingsError> {
        for name in variables {
            // Keywords and defaults have their turn below.
            let said = self.scope.says(name).then(|| self.scope.get(name)).flatten();
            match said {
                None | Some(Value::None | Value::Omit) => {}
                Some(value) => {
                    let value = value.forced().map_err(|error| ConnectSettingsError::Template {
                        name: (*name).to_owned(),
                        error,
                    })?;
                    return Ok(Some(value));
                }
            }
        }
        let Some(key) = key else { return Ok(None) };
        let said = self.task.and_then(|task| task.setting_in(key, self.task_scope));
        let Some(setting) = said else { return Ok(None) };
        match setting.tree.evaluate(self.task_scope) {
            Ok(Value::None | Value::Omit) => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                Err(ConnectSettingsError::Template { name: key.name().to_owned(), error })
            }
        }
    }

    pub(crate) fn text(
        &self,
        variables: &[&str],
        key: Option<Key>,
    ) -> Result<Option<String>, ConnectSettingsError> {
        let text = self.value(variables, key)?.map(|value| value.to_string());
        Ok(text.filter(|text| !text.is_empty()))
    }

    pub(crate) fn truth(
        &self,
        variables: &[&str],
        key: Option<Key>,
    ) -> Result<Option<bool>, ConnectSettingsError> {
        let Some(value) = self.value(variables, key)? else { return Ok(None) };
        match crate::truth(&value) {
            Some(truth) => Ok(Some(truth)),
            None => Err(ConnectSettingsError::Value {
                name: variables.first().copied().unwrap_or("become").to_owned(),
                value: value.to_string(),
                wanted: "boolean",
            }),
        }
    }

    fn become_(&self, settings: &RunSettings) -> Result<Option<Become>, ConnectSettingsError> {
        let defaults = &settings.connection;
        let wanted = self.truth(&["ansible_become"], Some(Key::Become))?;
        if !wanted.unwrap_or(defaults.become_) {
            return Ok(None);
        }
        let name = self
            .text(&["ansible_become_method"], Some(Key::BecomeMethod))?
            .unwrap_or_else(|| defaults.become_method.clone());
        let short = name.rsplit('.').next().unwrap_or("").to_owned();
        let method = BecomeMethod::from_name(&short)
            .ok_or_else(|| ConnectSettingsError::BecomeMethod(name.clone()))?;
        let own: [&'static str; 4] = match method {
            BecomeMethod::Sudo => {
                ["ansible_sudo_user", "ansible_sudo_pass", "ansible_sudo_exe", "ansible_sudo_flags"]
            }
            BecomeMethod::Su => {
                ["ansible_su_user", "ansible_su_pass", "ansible_su_exe", "ansible_su_flags"]
            }
            BecomeMethod::Doas => {
                ["ansible_doas_user", "ansible_doas_pass", "ansible_doas_exe", "ansible_doas_flags"]
            }
        };
        let user = self
            .text(&["ansible_become_user", own[0]], Some(Key::BecomeUser))?
            .unwrap_or_else(|| defaults.become_user.clone());
        let password = self
            .text(&["ansible_become_password", "ansible_become_pass", own[1]], None)?
            .map(Secret::new)
            .or_else(|| defaults.become_password.clone());
        let executable = self
            .text(&["ansible_become_exe", own[2]], Some(Key::BecomeExe))?
            .or_else(|| defaults.become_exe.clone());
        let flags = self
            .text(&["ansible_become_flags", own[3]], Some(Key::BecomeFlags))?
            .or_else(|| defaults.become_flags.clone());
        Ok(Some(Become { method, user, password, executable, flags }))
    }
}
