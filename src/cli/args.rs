//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Runs Ansible's playbooks against hosts that have nothing but sshd and a shell.
#[derive(Debug, Parser)]
#[command(name = "trueup", version, about, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run playbooks.
    Run(Box<RunArgs>),
    /// Run one module on hosts.
    Exec(Box<ExecArgs>),
    /// Show the inventory.
    Inventory(Box<InventoryArgs>),
    /// Show what modules do and take.
    Doc(DocArgs),
    /// Encrypt and decrypt files and strings.
    Vault(crate::vault_command::VaultArgs),
    /// Show settings and where they come from.
    Config(crate::config_command::ConfigArgs),
    /// Say what a diagnostic means.
    Explain(crate::explain::ExplainArgs),
    /// Fetch playbooks from git and run them on this host.
    Pull(Box<crate::pull_command::PullArgs>),
    /// Install, list and make roles and collections.
    Galaxy(crate::galaxy::GalaxyArgs),
    /// Show the main job on hosts inside this process.
    Demo(DemoArgs),
}

/// Options of the inventory, shared by all commands that have one.
#[derive(Args, Clone, Debug, Default)]
pub struct InventoryOptions {
    /// Inventory file, folder or script, or a list of hosts with commas; several times for several.
    #[arg(
        short = 'i',
        long = "inventory",
        visible_alias = "inventory-file",
        value_name = "SOURCE"
    )]
    pub inventory: Vec<String>,
    /// Only these of the hosts.
    #[arg(short = 'l', long = "limit", value_name = "PATTERN")]
    pub limit: Vec<String>,
    /// Variables that win over all others: name=value, YAML, JSON, or @file.
    #[arg(short = 'e', long = "extra-vars", value_name = "VARS")]
    pub extra_vars: Vec<String>,
    /// Ask for the vault password.
    #[arg(short = 'J', long = "ask-vault-password", visible_alias = "ask-vault-pass")]
    pub ask_vault_password: bool,
    /// File (or program) that holds the vault password.
    #[arg(long = "vault-password-file", visible_alias = "vault-pass-file", value_name = "FILE")]
    pub vault_password_file: Vec<PathBuf>,
    /// Vault password by ID: ID@FILE or ID@prompt.
    #[arg(long = "vault-id", value_name = "ID@SOURCE")]
    pub vault_id: Vec<String>,
    /// Say more; up to -vvvv.
    #[arg(short = 'v', long = "verbose", action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Forget facts that are kept between runs.
    #[arg(long = "flush-cache")]
    pub flush_cache: bool,
}

/// Options of connections and of becoming another user.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectionOptions {
    /// Log in as this user.
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub user: Option<String>,
    /// Connection: ssh or local.
    #[arg(short = 'c', long = "connection", value_name = "KIND")]
    pub connection: Option<String>,
    /// Seconds that connecting may take.
    #[arg(short = 'T', long = "timeout", value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Private key to log in with.
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// Options as the ssh command takes them.
    #[arg(long = "ssh-common-args", value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_common_args: Option<String>,
    /// More options as the ssh command takes them.
    #[arg(long = "ssh-extra-args", value_name = "ARGS", allow_hyphen_values = true)]
    pub ssh_extra_args: Option<String>,
    /// Taken for the sake of old commands: files travel over the one channel.
    #[arg(long = "sftp-extra-args", value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    pub sftp_extra_args: Option<String>,
    /// Taken for the sake of old commands: files travel over the one channel.
    #[arg(long = "scp-extra-args", value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    pub scp_extra_args: Option<String>,
    /// Ask for the login password.
    #[arg(short = 'k', long = "ask-pass")]
    pub ask_pass: bool,
    /// File that holds the login password.
    #[arg(
        long = "connection-password-file",
        visible_alias = "conn-pass-file",
        value_name = "FILE"
    )]
    pub connection_password_file: Option<PathBuf>,
    /// What happens to host keys that nobody has seen before.
    #[arg(long = "host-key-policy", value_name = "POLICY", value_parser = ["strict", "accept-new", "off"])]
    pub host_key_policy: Option<String>,
    /// Become another user on the hosts.
    #[arg(short = 'b', long = "become")]
    pub become_: bool,
    /// How: sudo, su or doas.
    #[arg(long = "become-method", value_name = "METHOD")]
    pub become_method: Option<String>,
    /// Whom to become.
    #[arg(long = "become-user", value_name = "USER")]
    pub become_user: Option<String>,
    /// Ask for the password that becoming takes.
    #[arg(short = 'K', long = "ask-become-pass")]
    pub ask_become_pass: bool,
    /// File that holds the password that becoming takes.
    #[arg(long = "become-password-file", visible_alias = "become-pass-file", value_name = "FILE")]
    pub become_password_file: Option<PathBuf>,
    /// How many hosts work at once.
    #[arg(short = 'f', long = "forks", value_name = "COUNT")]
    pub forks: Option<std::num::NonZeroUsize>,
    /// Change nothing; say what would be changed.
    #[arg(short = 'C', long = "check")]
    pub check: bool,
    /// Show the differences.
    #[arg(short = 'D', long = "diff")]
    pub diff: bool,
    /// Folders of modules of one's own.
    #[arg(short = 'M', long = "module-path", value_name = "FOLDER")]
    pub module_path: Vec<PathBuf>,
}

#[derive(Args, Debug, Default)]
pub struct RunArgs {
    /// Playbooks.
    #[arg(value_name = "PLAYBOOK", required = true)]
    pub playbooks: Vec<PathBuf>,
    #[command(flatten)]
    pub inventory: InventoryOptions,
    #[command(flatten)]
    pub connection: ConnectionOptions,
    /// Only tasks with these tags.
    #[arg(short = 't', long = "tags", value_name = "TAGS")]
    pub tags: Vec<String>,
    /// No tasks with these tags.
    #[arg(long = "skip-tags", value_name = "TAGS")]
    pub skip_tags: Vec<String>,
    /// Start at the task of this name.
    #[arg(long = "start-at-task", value_name = "NAME")]
    pub start_at_task: Option<String>,
    /// Ask before each task.
    #[arg(long)]
    pub step: bool,
    /// Show the hosts of each play, and do nothing.
    #[arg(long)]
    pub list_hosts: bool,
    /// Show the tasks of each play, and do nothing.
    #[arg(long)]
    pub list_tasks: bool,
    /// Show the tags of each play, and do nothing.
    #[arg(long)]
    pub list_tags: bool,
    /// Check the playbooks, and do nothing.
    #[arg(long)]
    pub syntax_check: bool,
    /// Run handlers even of hosts that have failed.
    #[arg(long)]
    pub force_handlers: bool,
    /// Exit with 2 where anything differs, 4 where anything failed, 8 where a host was not reached,
    /// and their sums.
    #[arg(long)]
    pub detailed_exitcode: bool,
}

#[derive(Args, Debug, Default)]
pub struct ExecArgs {
    /// Hosts.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// Module.
    #[arg(short = 'm', long = "module-name", default_value = "command", value_name = "MODULE")]
    pub module: String,
    /// Arguments of the module.
    #[arg(
        short = 'a',
        long = "args",
        default_value = "",
        value_name = "ARGS",
        allow_hyphen_values = true
    )]
    pub args: String,
    #[command(flatten)]
    pub inventory: InventoryOptions,
    #[command(flatten)]
    pub connection: ConnectionOptions,
    /// Show the hosts, and do nothing.
    #[arg(long)]
    pub list_hosts: bool,
    /// Folder that stands for the playbook's.
    #[arg(long = "playbook-dir", value_name = "FOLDER")]
    pub playbook_dir: Option<PathBuf>,
    /// One line a host.
    #[arg(short = 'o', long = "one-line")]
    pub one_line: bool,
    /// Run in the background, at most this many seconds.
    #[arg(short = 'B', long = "background", value_name = "SECONDS")]
    pub background: Option<u64>,
    /// How often to look after a background job, in seconds.
    #[arg(short = 'P', long = "poll", value_name = "SECONDS")]
    pub poll: Option<u64>,
    /// Folder that each host's result is written into.
    #[arg(short = 't', long = "tree", value_name = "FOLDER")]
    pub tree: Option<PathBuf>,
    /// Keywords of the task, as YAML or JSON.
    #[arg(long = "task-timeout", value_name = "SECONDS")]
    pub task_timeout: Option<u64>,
}

#[derive(Args, Debug, Default)]
pub struct InventoryArgs {
    /// Group that --graph starts from.
    #[arg(value_name = "GROUP")]
    pub group: Option<String>,
    #[command(flatten)]
    pub inventory: InventoryOptions,
    /// Show all groups, hosts and variables as JSON.
    #[arg(long)]
    pub list: bool,
    /// Show the variables of one host as JSON.
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Show the tree of groups.
    #[arg(long)]
    pub graph: bool,
    /// Show variables in the tree.
    #[arg(long)]
    pub vars: bool,
    /// Write YAML instead of JSON.
    #[arg(short = 'y', long)]
    pub yaml: bool,
    /// Write TOML instead of JSON.
    #[arg(long)]
    pub toml: bool,
    /// Keep variables where they were defined instead of giving each host all of its own.
    #[arg(long)]
    pub export: bool,
    /// Folder that stands for the playbook's.
    #[arg(long = "playbook-dir", value_name = "FOLDER")]
    pub playbook_dir: Option<PathBuf>,
    /// File to write to.
    #[arg(long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Args, Debug, Default)]
pub struct DocArgs {
    /// Modules; none for a list of all.
    #[arg(value_name = "MODULE")]
    pub modules: Vec<String>,
    /// List all modules.
    #[arg(short = 'l', long)]
    pub list: bool,
    /// Show a task to start from.
    #[arg(short = 's', long)]
    pub snippet: bool,
    /// Write JSON.
    #[arg(short = 'j', long)]
    pub json: bool,
    /// Kind of plugin; there are modules.
    #[arg(short = 't', long = "type", default_value = "module")]
    pub kind: String,
}

#[derive(Args, Debug, Default)]
pub struct DemoArgs {
    /// How many hosts.
    #[arg(long, default_value_t = 3)]
    pub hosts: usize,
}
