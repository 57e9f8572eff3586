//! Options of plugins that settings and variables can say: names, types, defaults.
//!
//! Facts of ansible-core 2.18, of those plugins whose work is done here.

use super::kind::{Kind, PluginOption};

macro_rules! options {
    ($($type:ident $plugin:ident $name:ident: $kind:ident = $default:literal,
       [$($env:literal),*], [$(($section:literal, $key:literal)),*], [$($var:literal),*],
       [$($choice:literal),*];)*) => {
        /// All options, by plugin and name.
        pub const ALL: &[PluginOption] = &[$(PluginOption {
            plugin_kind: stringify!($type),
            plugin: stringify!($plugin),
            name: stringify!($name),
            kind: Kind::$kind,
            default: $default,
            environment: &[$($env),*],
            file: &[$(($section, $key)),*],
            variables: &[$($var),*],
            choices: &[$($choice),*],
        }),*];
    };
}

options! {
    connection ssh control_path: Text = "null", ["ANSIBLE_SSH_CONTROL_PATH"], [("ssh_connection", "control_path")], ["ansible_control_path"], [];
    connection ssh control_path_dir: Text = r#""~/.ansible/cp""#, ["ANSIBLE_SSH_CONTROL_PATH_DIR"], [("ssh_connection", "control_path_dir")], ["ansible_control_path_dir"], [];
    connection ssh host: Text = r#""inventory_hostname""#, [], [], ["inventory_hostname", "ansible_host", "ansible_ssh_host", "delegated_vars['ansible_host']", "delegated_vars['ansible_ssh_host']"], [];
    connection ssh host_key_checking: Bool = "true", ["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"], [("defaults", "host_key_checking"), ("ssh_connection", "host_key_checking")], ["ansible_host_key_checking", "ansible_ssh_host_key_checking"], [];
    connection ssh password: Text = "null", [], [], ["ansible_password", "ansible_ssh_pass", "ansible_ssh_password"], [];
    connection ssh pipelining: Bool = "false", ["ANSIBLE_PIPELINING", "ANSIBLE_SSH_PIPELINING"], [("defaults", "pipelining"), ("connection", "pipelining"), ("ssh_connection", "pipelining")], ["ansible_pipelining", "ansible_ssh_pipelining"], [];
    connection ssh pkcs11_provider: Text = r#""""#, ["ANSIBLE_PKCS11_PROVIDER"], [("ssh_connection", "pkcs11_provider")], ["ansible_ssh_pkcs11_provider"], [];
    connection ssh port: Int = "null", ["ANSIBLE_REMOTE_PORT"], [("defaults", "remote_port")], ["ansible_port", "ansible_ssh_port"], [];
    connection ssh private_key_file: Text = "null", ["ANSIBLE_PRIVATE_KEY_FILE"], [("defaults", "private_key_file")], ["ansible_private_key_file", "ansible_ssh_private_key_file"], [];
    connection ssh reconnection_retries: Int = "0", ["ANSIBLE_SSH_RETRIES"], [("connection", "retries"), ("ssh_connection", "retries")], ["ansible_ssh_retries"], [];
    connection ssh remote_user: Text = "null", ["ANSIBLE_REMOTE_USER"], [("defaults", "remote_user")], ["ansible_user", "ansible_ssh_user"], [];
    connection ssh scp_executable: Text = r#""scp""#, ["ANSIBLE_SCP_EXECUTABLE"], [("ssh_connection", "scp_executable")], ["ansible_scp_executable"], [];
    connection ssh scp_extra_args: Text = r#""""#, ["ANSIBLE_SCP_EXTRA_ARGS"], [("ssh_connection", "scp_extra_args")], ["ansible_scp_extra_args"], [];
    connection ssh sftp_batch_mode: Bool = "true", ["ANSIBLE_SFTP_BATCH_MODE"], [("ssh_connection", "sftp_batch_mode")], ["ansible_sftp_batch_mode"], [];
    connection ssh sftp_executable: Text = r#""sftp""#, ["ANSIBLE_SFTP_EXECUTABLE"], [("ssh_connection", "sftp_executable")], ["ansible_sftp_executable"], [];
    connection ssh sftp_extra_args: Text = r#""""#, ["ANSIBLE_SFTP_EXTRA_ARGS"], [("ssh_connection", "sftp_extra_args")], ["ansible_sftp_extra_args"], [];
    connection ssh ssh_args: Text = r#""-C -o ControlMaster=auto -o ControlPersist=60s""#, ["ANSIBLE_SSH_ARGS"], [("ssh_connection", "ssh_args")], ["ansible_ssh_args"], [];
    connection ssh ssh_common_args: Text = r#""""#, ["ANSIBLE_SSH_COMMON_ARGS"], [("ssh_connection", "ssh_common_args")], ["ansible_ssh_common_args"], [];
    connection ssh ssh_executable: Text = r#""ssh""#, ["ANSIBLE_SSH_EXECUTABLE"], [("ssh_connection", "ssh_executable")], ["ansible_ssh_executable"], [];
    connection ssh ssh_extra_args: Text = r#""""#, ["ANSIBLE_SSH_EXTRA_ARGS"], [("ssh_connection", "ssh_extra_args")], ["ansible_ssh_extra_args"], [];
    connection ssh ssh_transfer_method: Text = r#""smart""#, ["ANSIBLE_SSH_TRANSFER_METHOD"], [("ssh_connection", "transfer_method")], ["ansible_ssh_transfer_method"], ["piped", "scp", "sftp", "smart"];
    connection ssh sshpass_prompt: Text = r#""""#, ["ANSIBLE_SSHPASS_PROMPT"], [("ssh_connection", "sshpass_prompt")], ["ansible_sshpass_prompt"], [];
    connection ssh timeout: Int = "10", ["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"], [("defaults", "timeout"), ("ssh_connection", "timeout")], ["ansible_ssh_timeout"], [];
    connection ssh use_tty: Bool = "true", ["ANSIBLE_SSH_USETTY"], [("ssh_connection", "usetty")], ["ansible_ssh_use_tty"], [];
    connection local pipelining: Bool = "false", ["ANSIBLE_PIPELINING"], [("defaults", "pipelining"), ("connection", "pipelining")], ["ansible_pipelining"], [];
    become sudo become_exe: Text = r#""sudo""#, ["ANSIBLE_BECOME_EXE", "ANSIBLE_SUDO_EXE"], [("privilege_escalation", "become_exe"), ("sudo_become_plugin", "executable")], ["ansible_become_exe", "ansible_sudo_exe"], [];
    become sudo become_flags: Text = r#""-H -S -n""#, ["ANSIBLE_BECOME_FLAGS", "ANSIBLE_SUDO_FLAGS"], [("privilege_escalation", "become_flags"), ("sudo_become_plugin", "flags")], ["ansible_become_flags", "ansible_sudo_flags"], [];
    become sudo become_pass: Text = "null", ["ANSIBLE_BECOME_PASS", "ANSIBLE_SUDO_PASS"], [("sudo_become_plugin", "password")], ["ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"], [];
    become sudo become_user: Text = r#""root""#, ["ANSIBLE_BECOME_USER", "ANSIBLE_SUDO_USER"], [("privilege_escalation", "become_user"), ("sudo_become_plugin", "user")], ["ansible_become_user", "ansible_sudo_user"], [];
    become su become_exe: Text = r#""su""#, ["ANSIBLE_BECOME_EXE", "ANSIBLE_SU_EXE"], [("privilege_escalation", "become_exe"), ("su_become_plugin", "executable")], ["ansible_become_exe", "ansible_su_exe"], [];
    become su become_flags: Text = r#""""#, ["ANSIBLE_BECOME_FLAGS", "ANSIBLE_SU_FLAGS"], [("privilege_escalation", "become_flags"), ("su_become_plugin", "flags")], ["ansible_become_flags", "ansible_su_flags"], [];
    become su become_pass: Text = "null", ["ANSIBLE_BECOME_PASS", "ANSIBLE_SU_PASS"], [("su_become_plugin", "password")], ["ansible_become_password", "ansible_become_pass", "ansible_su_pass"], [];
    become su become_user: Text = r#""root""#, ["ANSIBLE_BECOME_USER", "ANSIBLE_SU_USER"], [("privilege_escalation", "become_user"), ("su_become_plugin", "user")], ["ansible_become_user", "ansible_su_user"], [];
    become su prompt_l10n: List = "[]", ["ANSIBLE_SU_PROMPT_L10N"], [("su_become_plugin", "localized_prompts")], ["ansible_su_prompt_l10n"], [];
    shell sh admin_users: List = r#"["root", "toor"]"#, ["ANSIBLE_ADMIN_USERS"], [("defaults", "admin_users")], ["ansible_admin_users"], [];
    shell sh async_dir: Text = r#""~/.ansible_async""#, ["ANSIBLE_ASYNC_DIR"], [("defaults", "async_dir")], ["ansible_async_dir"], [];
    shell sh common_remote_group: Text = "null", ["ANSIBLE_COMMON_REMOTE_GROUP"], [("defaults", "common_remote_group")], ["ansible_common_remote_group"], [];
    shell sh remote_tmp: Text = r#""~/.ansible/tmp""#, ["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"], [("defaults", "remote_tmp")], ["ansible_remote_tmp"], [];
    shell sh system_tmpdirs: List = r#"["/var/tmp", "/tmp"]"#, ["ANSIBLE_SYSTEM_TMPDIRS"], [("defaults", "system_tmpdirs")], ["ansible_system_tmpdirs"], [];
    shell sh world_readable_temp: Bool = "false", ["ANSIBLE_SHELL_ALLOW_WORLD_READABLE_TEMP"], [("defaults", "allow_world_readable_tmpfiles")], ["ansible_shell_allow_world_readable_temp"], [];
    callback default check_mode_markers: Bool = "false", ["ANSIBLE_CHECK_MODE_MARKERS"], [("defaults", "check_mode_markers")], [], [];
    callback default display_failed_stderr: Bool = "false", ["ANSIBLE_DISPLAY_FAILED_STDERR"], [("defaults", "display_failed_stderr")], [], [];
    callback default display_ok_hosts: Bool = "true", ["ANSIBLE_DISPLAY_OK_HOSTS"], [("defaults", "display_ok_hosts")], [], [];
    callback default display_skipped_hosts: Bool = "true", ["ANSIBLE_DISPLAY_SKIPPED_HOSTS"], [("defaults", "display_skipped_hosts")], [], [];
    callback default pretty_results: Bool = "null", ["ANSIBLE_CALLBACK_FORMAT_PRETTY"], [("defaults", "callback_format_pretty")], [], [];
    callback default result_format: Text = r#""json""#, ["ANSIBLE_CALLBACK_RESULT_FORMAT"], [("defaults", "callback_result_format")], [], ["json", "yaml"];
    callback default show_custom_stats: Bool = "false", ["ANSIBLE_SHOW_CUSTOM_STATS"], [("defaults", "show_custom_stats")], [], [];
    callback default show_per_host_start: Bool = "false", ["ANSIBLE_SHOW_PER_HOST_START"], [("defaults", "show_per_host_start")], [], [];
    callback default show_task_path_on_failure: Bool = "false", ["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"], [("defaults", "show_task_path_on_failure")], [], [];
    callback minimal pretty_results: Bool = "null", ["ANSIBLE_CALLBACK_FORMAT_PRETTY"], [("defaults", "callback_format_pretty")], [], [];
    callback minimal result_format: Text = r#""json""#, ["ANSIBLE_CALLBACK_RESULT_FORMAT"], [("defaults", "callback_result_format")], [], ["json", "yaml"];
    callback junit fail_on_change: Raw = "false", ["JUNIT_FAIL_ON_CHANGE"], [], [], [];
    callback junit fail_on_ignore: Raw = "false", ["JUNIT_FAIL_ON_IGNORE"], [], [], [];
    callback junit hide_task_arguments: Raw = "false", ["JUNIT_HIDE_TASK_ARGUMENTS"], [], [], [];
    callback junit include_setup_tasks_in_report: Raw = "true", ["JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT"], [], [], [];
    callback junit output_dir: Text = r#""~/.ansible.log""#, ["JUNIT_OUTPUT_DIR"], [], [], [];
    callback junit replace_out_of_tree_path: Text = r#""none""#, ["JUNIT_REPLACE_OUT_OF_TREE_PATH"], [], [], [];
    callback junit task_class: Raw = "false", ["JUNIT_TASK_CLASS"], [], [], [];
    callback junit task_relative_path: Text = r#""none""#, ["JUNIT_TASK_RELATIVE_PATH"], [], [], [];
    callback junit test_case_prefix: Text = r#""<empty>""#, ["JUNIT_TEST_CASE_PREFIX"], [], [], [];
    callback tree directory: Path = r#""~/.ansible/tree""#, ["ANSIBLE_CALLBACK_TREE_DIR"], [("callback_tree", "directory")], [], [];
    vars host_group_vars stage: Text = "null", ["ANSIBLE_VARS_PLUGIN_STAGE"], [("vars_host_group_vars", "stage")], [], ["all", "task", "inventory"];
    inventory script always_show_stderr: Bool = "true", ["ANSIBLE_INVENTORY_PLUGIN_SCRIPT_STDERR"], [("inventory_plugin_script", "always_show_stderr")], [], [];
    inventory yaml yaml_extensions: List = r#"[".yaml", ".yml", ".json"]"#, ["ANSIBLE_YAML_FILENAME_EXT", "ANSIBLE_INVENTORY_PLUGIN_EXTS"], [("defaults", "yaml_valid_extensions"), ("inventory_plugin_yaml", "yaml_valid_extensions")], [], [];
    inventory constructed use_extra_vars: Bool = "false", ["ANSIBLE_INVENTORY_USE_EXTRA_VARS"], [("inventory_plugins", "use_extra_vars")], [], [];
}
