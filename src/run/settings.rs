//! What the operator and the settings say of a run.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use plan::{Play, Task};
use protocol::Secret;
use transport::HostKeyPolicy;

use crate::connection_plugin::ConnectionPlugins;

/// How a run goes about its work.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// How many hosts work at once.
    pub forks: usize,
    pub check: bool,
    pub diff: bool,
    /// `--tags`; `all` where nothing is said.
    pub tags: Vec<String>,
    pub skip_tags: Vec<String>,
    /// `--limit`: patterns that narrow every play.
    pub limit: Option<Vec<String>>,
    pub start_at_task: Option<String>,
    pub step: bool,
    /// How often `-v` was given.
    pub verbosity: u8,
    /// Whether results tell of the arguments that tasks were run with.
    pub tells_arguments: bool,
    pub force_handlers: bool,
    pub gathering: Gathering,
    pub gather_subset: Vec<String>,
    pub gather_timeout_secs: u64,
    /// Whether facts are variables of their own (`ansible_distribution`) too.
    pub inject_facts: bool,
    /// Whether a task that cannot be worked out is told of as ansible-core does, with the lines of
    /// its file in the message.
    pub points_as_ansible: bool,
    pub any_errors_fatal: bool,
    /// Whether the rest of a play sees the variables of roles that its tasks include, where nothing
    /// is said there.
    pub publishes_included_roles: bool,
    /// Whether results are hidden where a task does not say (`no_log`).
    pub hides_results: bool,
    /// Whether notifying a handler that is not there is an error.
    pub error_on_missing_handler: bool,
    /// Whether a pattern that matches no host is an error.
    pub host_pattern_mismatch: Mismatch,
    pub strategy: String,
    /// Whether the debugger comes up for every failure.
    pub debugs_failures: bool,
    /// Python on hosts, for modules that are written in it, where no variable says.
    pub python_interpreter: Option<String>,
    /// Folder on hosts of the files that jobs (`async`) leave.
    pub async_dir: String,
    /// Seconds between two looks at a job where its task does not say.
    pub poll_interval_secs: u64,
    /// Seconds after which any task ends; 0 for never.
    pub task_timeout_secs: u64,
    pub connection: ConnectionDefaults,
    /// Connections that users have written.
    pub connection_plugins: Option<Arc<dyn ConnectionPlugins>>,
    /// What `ansible_*` variables about the program itself say.
    pub program: ProgramFacts,
    /// Whether an answer with bytes that are no UTF-8 is a failure.
    pub strict_utf8: bool,
    /// Which shell runs commands on hosts.
    pub executable: String,
    /// Whether skipped arguments of modules are taken as an error (always so).
    pub ansible_managed: String,
}

/// What happens where a pattern matches no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    Ignore,
    Warning,
    Error,
}

/// When facts are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gathering {
    /// In every play that does not say otherwise.
    Implicit,
    /// In plays that ask for it.
    Explicit,
    /// As implicit, but once a host and run.
    Smart,
}

/// Facts about the controller that are variables.
#[derive(Clone, Debug, Default)]
pub struct ProgramFacts {
    pub config_file: Option<PathBuf>,
    /// Version of ansible-core whose behaviour is followed, such as `2.18.0`.
    pub ansible_version: String,
    /// Folder that relative names on the command line start from.
    pub current_folder: PathBuf,
    pub home: PathBuf,
    pub environment: BTreeMap<String, String>,
}

impl ProgramFacts {
    /// The controller's Python: what `TRUEUP_PYTHON` names, else the first `python3` of `PATH`. It
    /// is not started, and need not be there.
    pub fn python(&self) -> String {
        const NAME: &str = "python3";
        let variable = |name: &str| self.environment.get(name).filter(|text| !text.is_empty());
        let wanted = variable("TRUEUP_PYTHON").map_or(NAME, String::as_str);
        if wanted.contains('/') {
            return wanted.to_owned();
        }
        let folders = variable("PATH").map(String::as_str).unwrap_or_default();
        let mut paths = std::env::split_paths(folders).map(|folder| folder.join(wanted));
        let found = paths.find(|path| path.is_file());
        found.map_or_else(|| format!("/usr/bin/{NAME}"), |path| path.display().to_string())
    }
}

/// How hosts are reached where no variable and no keyword says otherwise.
#[derive(Clone, Debug)]
pub struct ConnectionDefaults {
    /// `ssh`, `local`, or `smart`.
    pub connection: String,
    pub user: Option<String>,
    pub port: Option<u16>,
    pub password: Option<Secret<String>>,
    pub private_key_file: Option<PathBuf>,
    pub timeout_secs: u64,
    pub host_key_policy: Option<HostKeyPolicy>,
    pub ssh_config_file: Option<PathBuf>,
    /// `ssh_args`, `ssh_common_args`, `ssh_extra_args`, one after the other.
    pub ssh_args: Vec<String>,
    pub become_: bool,
    pub become_user: String,
    pub become_method: String,
    pub become_password: Option<Secret<String>>,
    pub become_exe: Option<String>,
    pub become_flags: Option<String>,
    pub remote_tmp: Option<String>,
    /// Who runs this program, and so who works on the local host.
    pub local_user: Option<String>,
    /// Whether a user who is already the one to become is become all the same.
    pub becomes_same_user: bool,
}

impl Default for ConnectionDefaults {
    fn default() -> Self {
        Self {
            connection: "ssh".into(),
            user: None,
            port: None,
            password: None,
            private_key_file: None,
            timeout_secs: transport::target::CONNECT_TIMEOUT_SECS,
            host_key_policy: None,
            ssh_config_file: None,
            ssh_args: Vec::new(),
            become_: false,
            become_user: "root".into(),
            become_method: "sudo".into(),
            become_password: None,
            become_exe: None,
            become_flags: None,
            remote_tmp: None,
            local_user: None,
            becomes_same_user: false,
        }
    }
}

impl RunSettings {
    /// Whether `--start-at-task` means a task of this name; any is meant without it.
    pub(crate) fn starts_at(&self, task: &Task, name: &str) -> bool {
        let Some(wanted) = &self.start_at_task else { return true };
        let full = task.role().map(|role| format!("{} : {name}", role.full_name()));
        let fits = |name: &str| name == wanted || inventory::pattern::fnmatch(wanted, name);
        fits(name) || full.is_some_and(|full| fits(&full))
    }

    /// Whether `--start-at-task` may mean a task of a play: what only the run can tell (a name
    /// that is a template) counts.
    pub(crate) fn starts_within(&self, play: &Play) -> bool {
        let mut is_found = false;
        play.each_task(&mut |task| {
            let name = task.raw_name();
            is_found |= template::Template::is_template(&name) || self.starts_at(task, &name);
        });
        is_found
    }
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            forks: 5,
            check: false,
            diff: false,
            tags: vec!["all".into()],
            skip_tags: Vec::new(),
            limit: None,
            start_at_task: None,
            step: false,
            verbosity: 0,
            tells_arguments: false,
            force_handlers: false,
            gathering: Gathering::Implicit,
            gather_subset: Vec::new(),
            gather_timeout_secs: 10,
            inject_facts: true,
            points_as_ansible: false,
            any_errors_fatal: false,
            publishes_included_roles: false,
            hides_results: false,
            error_on_missing_handler: true,
            host_pattern_mismatch: Mismatch::Warning,
            strategy: "linear".into(),
            debugs_failures: false,
            python_interpreter: None,
            async_dir: "~/.ansible_async".into(),
            poll_interval_secs: 15,
            task_timeout_secs: 0,
            connection: ConnectionDefaults::default(),
            connection_plugins: None,
            program: ProgramFacts::default(),
            strict_utf8: true,
            executable: "/bin/sh".into(),
            ansible_managed: "Ansible managed".into(),
        }
    }
}
