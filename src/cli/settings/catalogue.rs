//! All settings of ansible-core: names, types, defaults, and where they are said.
//!
//! Facts of ansible-core 2.18. `{home}` in a default stands for `ANSIBLE_HOME`.

use super::kind::{Kind, Meaning, Setting};

macro_rules! settings {
    ($($name:ident: $kind:ident = $default:literal, $meaning:ident,
       [$($env:literal),*], [$(($section:literal, $key:literal)),*], [$($var:literal),*],
       [$($choice:literal),*];)*) => {
        /// All settings, by name.
        pub const ALL: &[Setting] = &[$(Setting {
            name: stringify!($name),
            kind: Kind::$kind,
            default: $default,
            meaning: Meaning::$meaning,
            environment: &[$($env),*],
            file: &[$(($section, $key)),*],
            variables: &[$($var),*],
            choices: &[$($choice),*],
        }),*];
    };
}

settings! {
    ACTION_WARNINGS: Bool = "true", Inside, ["ANSIBLE_ACTION_WARNINGS"], [("defaults", "action_warnings")], [], [];
    AGNOSTIC_BECOME_PROMPT: Bool = "true", Inside, ["ANSIBLE_AGNOSTIC_BECOME_PROMPT"], [("privilege_escalation", "agnostic_become_prompt")], [], [];
    ALLOW_BROKEN_CONDITIONALS: Bool = "true", Inside, ["ANSIBLE_ALLOW_BROKEN_CONDITIONALS"], [("defaults", "allow_broken_conditionals")], [], [];
    ANSIBLE_CONNECTION_PATH: Path = "null", Inside, ["ANSIBLE_CONNECTION_PATH"], [("persistent_connection", "ansible_connection_path")], [], [];
    ANSIBLE_COW_ACCEPTLIST: List = r#"["bud-frogs", "bunny", "cheese", "daemon", "default", "dragon", "elephant-in-snake", "elephant", "eyes", "hellokitty", "kitty", "luke-koala", "meow", "milk", "moofasa", "moose", "ren", "sheep", "small", "stegosaurus", "stimpy", "supermilker", "three-eyes", "turkey", "turtle", "tux", "udder", "vader-koala", "vader", "www"]"#, Inside, ["ANSIBLE_COW_ACCEPTLIST"], [("defaults", "cowsay_enabled_stencils")], [], [];
    ANSIBLE_COW_PATH: Text = "null", Inside, ["ANSIBLE_COW_PATH"], [("defaults", "cowpath")], [], [];
    ANSIBLE_COW_SELECTION: Text = r#""default""#, Inside, ["ANSIBLE_COW_SELECTION"], [("defaults", "cow_selection")], [], [];
    ANSIBLE_FORCE_COLOR: Bool = "false", Here, ["ANSIBLE_FORCE_COLOR"], [("defaults", "force_color")], [], [];
    ANSIBLE_HOME: Path = r#""~/.ansible""#, Here, ["ANSIBLE_HOME"], [("defaults", "home")], [], [];
    ANSIBLE_NOCOLOR: Bool = "false", Here, ["ANSIBLE_NOCOLOR", "NO_COLOR"], [("defaults", "nocolor")], [], [];
    ANSIBLE_NOCOWS: Bool = "false", Inside, ["ANSIBLE_NOCOWS"], [("defaults", "nocows")], [], [];
    ANSIBLE_PIPELINING: Bool = "false", Inside, ["ANSIBLE_PIPELINING"], [("defaults", "pipelining"), ("connection", "pipelining")], [], [];
    ANY_ERRORS_FATAL: Bool = "false", Here, ["ANSIBLE_ANY_ERRORS_FATAL"], [("defaults", "any_errors_fatal")], [], [];
    BECOME_ALLOW_SAME_USER: Bool = "false", Here, ["ANSIBLE_BECOME_ALLOW_SAME_USER"], [("privilege_escalation", "become_allow_same_user")], [], [];
    BECOME_PASSWORD_FILE: Path = "null", Here, ["ANSIBLE_BECOME_PASSWORD_FILE"], [("defaults", "become_password_file")], [], [];
    BECOME_PLUGIN_PATH: PathSpec = r#""{home}/plugins/become:/usr/share/ansible/plugins/become""#, Nowhere, ["ANSIBLE_BECOME_PLUGINS"], [("defaults", "become_plugins")], [], [];
    CACHE_PLUGIN: Text = r#""memory""#, Here, ["ANSIBLE_CACHE_PLUGIN"], [("defaults", "fact_caching")], [], [];
    CACHE_PLUGIN_CONNECTION: Text = "null", Here, ["ANSIBLE_CACHE_PLUGIN_CONNECTION"], [("defaults", "fact_caching_connection")], [], [];
    CACHE_PLUGIN_PREFIX: Text = r#""ansible_facts""#, Here, ["ANSIBLE_CACHE_PLUGIN_PREFIX"], [("defaults", "fact_caching_prefix")], [], [];
    CACHE_PLUGIN_TIMEOUT: Int = "86400", Here, ["ANSIBLE_CACHE_PLUGIN_TIMEOUT"], [("defaults", "fact_caching_timeout")], [], [];
    CALLBACKS_ENABLED: List = "[]", Here, ["ANSIBLE_CALLBACKS_ENABLED"], [("defaults", "callbacks_enabled")], [], [];
    COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH: Text = r#""warning""#, Inside, ["ANSIBLE_COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH"], [("defaults", "collections_on_ansible_version_mismatch")], [], ["error", "warning", "ignore"];
    COLLECTIONS_PATHS: PathSpec = r#""{home}/collections:/usr/share/ansible/collections""#, Here, ["ANSIBLE_COLLECTIONS_PATHS", "ANSIBLE_COLLECTIONS_PATH"], [("defaults", "collections_paths"), ("defaults", "collections_path")], [], [];
    COLLECTIONS_SCAN_SYS_PATH: Bool = "true", Inside, ["ANSIBLE_COLLECTIONS_SCAN_SYS_PATH"], [("defaults", "collections_scan_sys_path")], [], [];
    COLOR_CHANGED: Text = r#""yellow""#, Inside, ["ANSIBLE_COLOR_CHANGED"], [("colors", "changed")], [], [];
    COLOR_CONSOLE_PROMPT: Text = r#""white""#, Inside, ["ANSIBLE_COLOR_CONSOLE_PROMPT"], [("colors", "console_prompt")], [], [];
    COLOR_DEBUG: Text = r#""dark gray""#, Inside, ["ANSIBLE_COLOR_DEBUG"], [("colors", "debug")], [], [];
    COLOR_DEPRECATE: Text = r#""purple""#, Inside, ["ANSIBLE_COLOR_DEPRECATE"], [("colors", "deprecate")], [], [];
    COLOR_DIFF_ADD: Text = r#""green""#, Inside, ["ANSIBLE_COLOR_DIFF_ADD"], [("colors", "diff_add")], [], [];
    COLOR_DIFF_LINES: Text = r#""cyan""#, Inside, ["ANSIBLE_COLOR_DIFF_LINES"], [("colors", "diff_lines")], [], [];
    COLOR_DIFF_REMOVE: Text = r#""red""#, Inside, ["ANSIBLE_COLOR_DIFF_REMOVE"], [("colors", "diff_remove")], [], [];
    COLOR_DOC_CONSTANT: Text = r#""dark gray""#, Inside, ["ANSIBLE_COLOR_DOC_CONSTANT"], [("colors", "doc_constant")], [], [];
    COLOR_DOC_DEPRECATED: Text = r#""magenta""#, Inside, ["ANSIBLE_COLOR_DOC_DEPRECATED"], [("colors", "doc_deprecated")], [], [];
    COLOR_DOC_LINK: Text = r#""cyan""#, Inside, ["ANSIBLE_COLOR_DOC_LINK"], [("colors", "doc_link")], [], [];
    COLOR_DOC_MODULE: Text = r#""yellow""#, Inside, ["ANSIBLE_COLOR_DOC_MODULE"], [("colors", "doc_module")], [], [];
    COLOR_DOC_PLUGIN: Text = r#""yellow""#, Inside, ["ANSIBLE_COLOR_DOC_PLUGIN"], [("colors", "doc_plugin")], [], [];
    COLOR_DOC_REFERENCE: Text = r#""magenta""#, Inside, ["ANSIBLE_COLOR_DOC_REFERENCE"], [("colors", "doc_reference")], [], [];
    COLOR_ERROR: Text = r#""red""#, Inside, ["ANSIBLE_COLOR_ERROR"], [("colors", "error")], [], [];
    COLOR_HIGHLIGHT: Text = r#""white""#, Inside, ["ANSIBLE_COLOR_HIGHLIGHT"], [("colors", "highlight")], [], [];
    COLOR_INCLUDED: Text = r#""cyan""#, Inside, ["ANSIBLE_COLOR_INCLUDED"], [("colors", "included")], [], [];
    COLOR_OK: Text = r#""green""#, Inside, ["ANSIBLE_COLOR_OK"], [("colors", "ok")], [], [];
    COLOR_SKIP: Text = r#""cyan""#, Inside, ["ANSIBLE_COLOR_SKIP"], [("colors", "skip")], [], [];
    COLOR_UNREACHABLE: Text = r#""bright red""#, Inside, ["ANSIBLE_COLOR_UNREACHABLE"], [("colors", "unreachable")], [], [];
    COLOR_VERBOSE: Text = r#""blue""#, Inside, ["ANSIBLE_COLOR_VERBOSE"], [("colors", "verbose")], [], [];
    COLOR_WARN: Text = r#""bright purple""#, Inside, ["ANSIBLE_COLOR_WARN"], [("colors", "warn")], [], [];
    CONNECTION_FACTS_MODULES: Dict = r#"{"asa": "ansible.legacy.asa_facts", "cisco.asa.asa": "cisco.asa.asa_facts", "eos": "ansible.legacy.eos_facts", "arista.eos.eos": "arista.eos.eos_facts", "frr": "ansible.legacy.frr_facts", "frr.frr.frr": "frr.frr.frr_facts", "ios": "ansible.legacy.ios_facts", "cisco.ios.ios": "cisco.ios.ios_facts", "iosxr": "ansible.legacy.iosxr_facts", "cisco.iosxr.iosxr": "cisco.iosxr.iosxr_facts", "junos": "ansible.legacy.junos_facts", "junipernetworks.junos.junos": "junipernetworks.junos.junos_facts", "nxos": "ansible.legacy.nxos_facts", "cisco.nxos.nxos": "cisco.nxos.nxos_facts", "vyos": "ansible.legacy.vyos_facts", "vyos.vyos.vyos": "vyos.vyos.vyos_facts", "exos": "ansible.legacy.exos_facts", "extreme.exos.exos": "extreme.exos.exos_facts", "slxos": "ansible.legacy.slxos_facts", "extreme.slxos.slxos": "extreme.slxos.slxos_facts", "voss": "ansible.legacy.voss_facts", "extreme.voss.voss": "extreme.voss.voss_facts", "ironware": "ansible.legacy.ironware_facts", "community.network.ironware": "community.network.ironware_facts"}"#, Nowhere, [], [], [], [];
    CONNECTION_PASSWORD_FILE: Path = "null", Here, ["ANSIBLE_CONNECTION_PASSWORD_FILE"], [("defaults", "connection_password_file")], [], [];
    COVERAGE_REMOTE_OUTPUT: Text = "null", Inside, ["_ANSIBLE_COVERAGE_REMOTE_OUTPUT"], [], ["_ansible_coverage_remote_output"], [];
    COVERAGE_REMOTE_PATHS: Text = r#""*""#, Inside, ["_ANSIBLE_COVERAGE_REMOTE_PATH_FILTER"], [], [], [];
    DEFAULT_ACTION_PLUGIN_PATH: PathSpec = r#""{home}/plugins/action:/usr/share/ansible/plugins/action""#, Here, ["ANSIBLE_ACTION_PLUGINS"], [("defaults", "action_plugins")], [], [];
    DEFAULT_ALLOW_UNSAFE_LOOKUPS: Bool = "false", Nowhere, [], [("defaults", "allow_unsafe_lookups")], [], [];
    DEFAULT_ASK_PASS: Bool = "false", Here, ["ANSIBLE_ASK_PASS"], [("defaults", "ask_pass")], [], [];
    DEFAULT_ASK_VAULT_PASS: Bool = "false", Here, ["ANSIBLE_ASK_VAULT_PASS"], [("defaults", "ask_vault_pass")], [], [];
    DEFAULT_BECOME: Bool = "false", Here, ["ANSIBLE_BECOME"], [("privilege_escalation", "become")], [], [];
    DEFAULT_BECOME_ASK_PASS: Bool = "false", Here, ["ANSIBLE_BECOME_ASK_PASS"], [("privilege_escalation", "become_ask_pass")], [], [];
    DEFAULT_BECOME_EXE: Text = "null", Here, ["ANSIBLE_BECOME_EXE"], [("privilege_escalation", "become_exe")], [], [];
    DEFAULT_BECOME_FLAGS: Text = r#""""#, Here, ["ANSIBLE_BECOME_FLAGS"], [("privilege_escalation", "become_flags")], [], [];
    DEFAULT_BECOME_METHOD: Text = r#""sudo""#, Here, ["ANSIBLE_BECOME_METHOD"], [("privilege_escalation", "become_method")], [], [];
    DEFAULT_BECOME_USER: Text = r#""root""#, Here, ["ANSIBLE_BECOME_USER"], [("privilege_escalation", "become_user")], [], [];
    DEFAULT_CACHE_PLUGIN_PATH: PathSpec = r#""{home}/plugins/cache:/usr/share/ansible/plugins/cache""#, Here, ["ANSIBLE_CACHE_PLUGINS"], [("defaults", "cache_plugins")], [], [];
    DEFAULT_CALLBACK_PLUGIN_PATH: PathSpec = r#""{home}/plugins/callback:/usr/share/ansible/plugins/callback""#, Here, ["ANSIBLE_CALLBACK_PLUGINS"], [("defaults", "callback_plugins")], [], [];
    DEFAULT_CLICONF_PLUGIN_PATH: PathSpec = r#""{home}/plugins/cliconf:/usr/share/ansible/plugins/cliconf""#, Inside, ["ANSIBLE_CLICONF_PLUGINS"], [("defaults", "cliconf_plugins")], [], [];
    DEFAULT_CONNECTION_PLUGIN_PATH: PathSpec = r#""{home}/plugins/connection:/usr/share/ansible/plugins/connection""#, Here, ["ANSIBLE_CONNECTION_PLUGINS"], [("defaults", "connection_plugins")], [], [];
    DEFAULT_DEBUG: Bool = "false", Inside, ["ANSIBLE_DEBUG"], [("defaults", "debug")], [], [];
    DEFAULT_EXECUTABLE: Text = r#""/bin/sh""#, Here, ["ANSIBLE_EXECUTABLE"], [("defaults", "executable")], [], [];
    DEFAULT_FILTER_PLUGIN_PATH: PathSpec = r#""{home}/plugins/filter:/usr/share/ansible/plugins/filter""#, Here, ["ANSIBLE_FILTER_PLUGINS"], [("defaults", "filter_plugins")], [], [];
    DEFAULT_FORCE_HANDLERS: Bool = "false", Here, ["ANSIBLE_FORCE_HANDLERS"], [("defaults", "force_handlers")], [], [];
    DEFAULT_FORKS: Int = "5", Here, ["ANSIBLE_FORKS"], [("defaults", "forks")], [], [];
    DEFAULT_GATHERING: Text = r#""implicit""#, Here, ["ANSIBLE_GATHERING"], [("defaults", "gathering")], [], ["implicit", "explicit", "smart"];
    DEFAULT_HASH_BEHAVIOUR: Text = r#""replace""#, Here, ["ANSIBLE_HASH_BEHAVIOUR"], [("defaults", "hash_behaviour")], [], ["replace", "merge"];
    DEFAULT_HOST_LIST: PathList = r#""/etc/ansible/hosts""#, Here, ["ANSIBLE_INVENTORY"], [("defaults", "inventory")], [], [];
    DEFAULT_HTTPAPI_PLUGIN_PATH: PathSpec = r#""{home}/plugins/httpapi:/usr/share/ansible/plugins/httpapi""#, Inside, ["ANSIBLE_HTTPAPI_PLUGINS"], [("defaults", "httpapi_plugins")], [], [];
    DEFAULT_INTERNAL_POLL_INTERVAL: Float = "0.001", Inside, [], [("defaults", "internal_poll_interval")], [], [];
    DEFAULT_INVENTORY_PLUGIN_PATH: PathSpec = r#""{home}/plugins/inventory:/usr/share/ansible/plugins/inventory""#, Here, ["ANSIBLE_INVENTORY_PLUGINS"], [("defaults", "inventory_plugins")], [], [];
    DEFAULT_JINJA2_EXTENSIONS: Raw = "[]", Nowhere, ["ANSIBLE_JINJA2_EXTENSIONS"], [("defaults", "jinja2_extensions")], [], [];
    DEFAULT_JINJA2_NATIVE: Bool = "false", Here, ["ANSIBLE_JINJA2_NATIVE"], [("defaults", "jinja2_native")], [], [];
    DEFAULT_KEEP_REMOTE_FILES: Bool = "false", Inside, ["ANSIBLE_KEEP_REMOTE_FILES"], [("defaults", "keep_remote_files")], [], [];
    DEFAULT_LIBVIRT_LXC_NOSECLABEL: Bool = "false", Inside, ["ANSIBLE_LIBVIRT_LXC_NOSECLABEL"], [("selinux", "libvirt_lxc_noseclabel")], [], [];
    DEFAULT_LOAD_CALLBACK_PLUGINS: Bool = "false", Here, ["ANSIBLE_LOAD_CALLBACK_PLUGINS"], [("defaults", "bin_ansible_callbacks")], [], [];
    DEFAULT_LOCAL_TMP: TmpPath = r#""{home}/tmp""#, Inside, ["ANSIBLE_LOCAL_TEMP"], [("defaults", "local_tmp")], [], [];
    DEFAULT_LOG_FILTER: List = "[]", Nowhere, ["ANSIBLE_LOG_FILTER"], [("defaults", "log_filter")], [], [];
    DEFAULT_LOG_PATH: Path = "null", Here, ["ANSIBLE_LOG_PATH"], [("defaults", "log_path")], [], [];
    DEFAULT_LOOKUP_PLUGIN_PATH: PathSpec = r#""{home}/plugins/lookup:/usr/share/ansible/plugins/lookup""#, Here, ["ANSIBLE_LOOKUP_PLUGINS"], [("defaults", "lookup_plugins")], [], [];
    DEFAULT_MANAGED_STR: Text = r#""Ansible managed""#, Here, [], [("defaults", "ansible_managed")], [], [];
    DEFAULT_MODULE_ARGS: Text = "null", Nowhere, ["ANSIBLE_MODULE_ARGS"], [("defaults", "module_args")], [], [];
    DEFAULT_MODULE_COMPRESSION: Text = r#""ZIP_DEFLATED""#, Inside, [], [("defaults", "module_compression")], ["ansible_module_compression"], [];
    DEFAULT_MODULE_NAME: Text = r#""command""#, Here, [], [("defaults", "module_name")], [], [];
    DEFAULT_MODULE_PATH: PathSpec = r#""{home}/plugins/modules:/usr/share/ansible/plugins/modules""#, Here, ["ANSIBLE_LIBRARY"], [("defaults", "library")], [], [];
    DEFAULT_MODULE_UTILS_PATH: PathSpec = r#""{home}/plugins/module_utils:/usr/share/ansible/plugins/module_utils""#, Here, ["ANSIBLE_MODULE_UTILS"], [("defaults", "module_utils")], [], [];
    DEFAULT_NETCONF_PLUGIN_PATH: PathSpec = r#""{home}/plugins/netconf:/usr/share/ansible/plugins/netconf""#, Inside, ["ANSIBLE_NETCONF_PLUGINS"], [("defaults", "netconf_plugins")], [], [];
    DEFAULT_NO_LOG: Bool = "false", Here, ["ANSIBLE_NO_LOG"], [("defaults", "no_log")], [], [];
    DEFAULT_NO_TARGET_SYSLOG: Bool = "false", Inside, ["ANSIBLE_NO_TARGET_SYSLOG"], [("defaults", "no_target_syslog")], ["ansible_no_target_syslog"], [];
    DEFAULT_NULL_REPRESENTATION: Raw = "null", Nowhere, ["ANSIBLE_NULL_REPRESENTATION"], [("defaults", "null_representation")], [], [];
    DEFAULT_POLL_INTERVAL: Int = "15", Here, ["ANSIBLE_POLL_INTERVAL"], [("defaults", "poll_interval")], [], [];
    DEFAULT_PRIVATE_KEY_FILE: Path = "null", Here, ["ANSIBLE_PRIVATE_KEY_FILE"], [("defaults", "private_key_file")], [], [];
    DEFAULT_PRIVATE_ROLE_VARS: Bool = "false", Here, ["ANSIBLE_PRIVATE_ROLE_VARS"], [("defaults", "private_role_vars")], [], [];
    DEFAULT_REMOTE_PORT: Int = "null", Here, ["ANSIBLE_REMOTE_PORT"], [("defaults", "remote_port")], [], [];
    DEFAULT_REMOTE_USER: Text = "null", Here, ["ANSIBLE_REMOTE_USER"], [("defaults", "remote_user")], [], [];
    DEFAULT_ROLES_PATH: PathSpec = r#""{home}/roles:/usr/share/ansible/roles:/etc/ansible/roles""#, Here, ["ANSIBLE_ROLES_PATH"], [("defaults", "roles_path")], [], [];
    DEFAULT_SELINUX_SPECIAL_FS: List = r#""fuse, nfs, vboxsf, ramfs, 9p, vfat""#, Inside, ["ANSIBLE_SELINUX_SPECIAL_FS"], [("selinux", "special_context_filesystems")], [], [];
    DEFAULT_STDOUT_CALLBACK: Text = r#""default""#, Here, ["ANSIBLE_STDOUT_CALLBACK"], [("defaults", "stdout_callback")], [], [];
    DEFAULT_STRATEGY: Text = r#""linear""#, Here, ["ANSIBLE_STRATEGY"], [("defaults", "strategy")], [], [];
    DEFAULT_STRATEGY_PLUGIN_PATH: PathSpec = r#""{home}/plugins/strategy:/usr/share/ansible/plugins/strategy""#, Inside, ["ANSIBLE_STRATEGY_PLUGINS"], [("defaults", "strategy_plugins")], [], [];
    DEFAULT_SU: Bool = "false", Nowhere, ["ANSIBLE_SU"], [("defaults", "su")], [], [];
    DEFAULT_SYSLOG_FACILITY: Text = r#""LOG_USER""#, Inside, ["ANSIBLE_SYSLOG_FACILITY"], [("defaults", "syslog_facility")], [], [];
    DEFAULT_TERMINAL_PLUGIN_PATH: PathSpec = r#""{home}/plugins/terminal:/usr/share/ansible/plugins/terminal""#, Inside, ["ANSIBLE_TERMINAL_PLUGINS"], [("defaults", "terminal_plugins")], [], [];
    DEFAULT_TEST_PLUGIN_PATH: PathSpec = r#""{home}/plugins/test:/usr/share/ansible/plugins/test""#, Here, ["ANSIBLE_TEST_PLUGINS"], [("defaults", "test_plugins")], [], [];
    DEFAULT_TIMEOUT: Int = "10", Here, ["ANSIBLE_TIMEOUT"], [("defaults", "timeout")], [], [];
    DEFAULT_TRANSPORT: Text = r#""ssh""#, Here, ["ANSIBLE_TRANSPORT"], [("defaults", "transport")], [], [];
    DEFAULT_UNDEFINED_VAR_BEHAVIOR: Bool = "true", Here, ["ANSIBLE_ERROR_ON_UNDEFINED_VARS"], [("defaults", "error_on_undefined_vars")], [], [];
    DEFAULT_VARS_PLUGIN_PATH: PathSpec = r#""{home}/plugins/vars:/usr/share/ansible/plugins/vars""#, Here, ["ANSIBLE_VARS_PLUGINS"], [("defaults", "vars_plugins")], [], [];
    DEFAULT_VAULT_ENCRYPT_IDENTITY: Text = "null", Here, ["ANSIBLE_VAULT_ENCRYPT_IDENTITY"], [("defaults", "vault_encrypt_identity")], [], [];
    DEFAULT_VAULT_IDENTITY: Text = r#""default""#, Here, ["ANSIBLE_VAULT_IDENTITY"], [("defaults", "vault_identity")], [], [];
    DEFAULT_VAULT_IDENTITY_LIST: List = "[]", Here, ["ANSIBLE_VAULT_IDENTITY_LIST"], [("defaults", "vault_identity_list")], [], [];
    DEFAULT_VAULT_ID_MATCH: Raw = "false", Here, ["ANSIBLE_VAULT_ID_MATCH"], [("defaults", "vault_id_match")], [], [];
    DEFAULT_VAULT_PASSWORD_FILE: Path = "null", Here, ["ANSIBLE_VAULT_PASSWORD_FILE"], [("defaults", "vault_password_file")], [], [];
    DEFAULT_VERBOSITY: Int = "0", Here, ["ANSIBLE_VERBOSITY"], [("defaults", "verbosity")], [], [];
    DEPRECATION_WARNINGS: Bool = "true", Inside, ["ANSIBLE_DEPRECATION_WARNINGS"], [("defaults", "deprecation_warnings")], [], [];
    DEVEL_WARNING: Bool = "true", Inside, ["ANSIBLE_DEVEL_WARNING"], [("defaults", "devel_warning")], [], [];
    DIFF_ALWAYS: Bool = "false", Here, ["ANSIBLE_DIFF_ALWAYS"], [("diff", "always")], [], [];
    DIFF_CONTEXT: Int = "3", Here, ["ANSIBLE_DIFF_CONTEXT"], [("diff", "context")], [], [];
    DISPLAY_ARGS_TO_STDOUT: Bool = "false", Here, ["ANSIBLE_DISPLAY_ARGS_TO_STDOUT"], [("defaults", "display_args_to_stdout")], [], [];
    DISPLAY_SKIPPED_HOSTS: Bool = "true", Here, ["ANSIBLE_DISPLAY_SKIPPED_HOSTS"], [("defaults", "display_skipped_hosts")], [], [];
    DOCSITE_ROOT_URL: Text = r#""https://docs.ansible.com/ansible-core/""#, Inside, [], [("defaults", "docsite_root_url")], [], [];
    DOC_FRAGMENT_PLUGIN_PATH: PathSpec = r#""{home}/plugins/doc_fragments:/usr/share/ansible/plugins/doc_fragments""#, Nowhere, ["ANSIBLE_DOC_FRAGMENT_PLUGINS"], [("defaults", "doc_fragment_plugins")], [], [];
    DUPLICATE_YAML_DICT_KEY: Text = r#""warn""#, Here, ["ANSIBLE_DUPLICATE_YAML_DICT_KEY"], [("defaults", "duplicate_dict_key")], [], ["error", "warn", "ignore"];
    EDITOR: Text = r#""vi""#, Here, ["ANSIBLE_EDITOR", "EDITOR"], [("defaults", "editor")], [], [];
    ENABLE_TASK_DEBUGGER: Bool = "false", Here, ["ANSIBLE_ENABLE_TASK_DEBUGGER"], [("defaults", "enable_task_debugger")], [], [];
    ERROR_ON_MISSING_HANDLER: Bool = "true", Here, ["ANSIBLE_ERROR_ON_MISSING_HANDLER"], [("defaults", "error_on_missing_handler")], [], [];
    FACTS_MODULES: List = r#"["smart"]"#, Nowhere, ["ANSIBLE_FACTS_MODULES"], [("defaults", "facts_modules")], ["ansible_facts_modules"], [];
    GALAXY_CACHE_DIR: Path = r#""{home}/galaxy_cache""#, Inside, ["ANSIBLE_GALAXY_CACHE_DIR"], [("galaxy", "cache_dir")], [], [];
    GALAXY_COLLECTIONS_PATH_WARNING: Bool = "true", Inside, ["ANSIBLE_GALAXY_COLLECTIONS_PATH_WARNING"], [("galaxy", "collections_path_warning")], [], [];
    GALAXY_COLLECTION_IMPORT_POLL_FACTOR: Float = "1.5", Inside, ["ANSIBLE_GALAXY_COLLECTION_IMPORT_POLL_FACTOR"], [], [], [];
    GALAXY_COLLECTION_IMPORT_POLL_INTERVAL: Float = "2.0", Inside, ["ANSIBLE_GALAXY_COLLECTION_IMPORT_POLL_INTERVAL"], [], [], [];
    GALAXY_COLLECTION_SKELETON: Path = "null", Inside, ["ANSIBLE_GALAXY_COLLECTION_SKELETON"], [("galaxy", "collection_skeleton")], [], [];
    GALAXY_COLLECTION_SKELETON_IGNORE: List = r#"["^.git$", "^.*/.git_keep$"]"#, Inside, ["ANSIBLE_GALAXY_COLLECTION_SKELETON_IGNORE"], [("galaxy", "collection_skeleton_ignore")], [], [];
    GALAXY_DISABLE_GPG_VERIFY: Bool = "false", Inside, ["ANSIBLE_GALAXY_DISABLE_GPG_VERIFY"], [("galaxy", "disable_gpg_verify")], [], [];
    GALAXY_DISPLAY_PROGRESS: Bool = "null", Inside, ["ANSIBLE_GALAXY_DISPLAY_PROGRESS"], [("galaxy", "display_progress")], [], [];
    GALAXY_GPG_KEYRING: Path = "null", Inside, ["ANSIBLE_GALAXY_GPG_KEYRING"], [("galaxy", "gpg_keyring")], [], [];
    GALAXY_IGNORE_CERTS: Bool = "null", Inside, ["ANSIBLE_GALAXY_IGNORE"], [("galaxy", "ignore_certs")], [], [];
    GALAXY_IGNORE_INVALID_SIGNATURE_STATUS_CODES: List = "null", Inside, ["ANSIBLE_GALAXY_IGNORE_SIGNATURE_STATUS_CODES"], [("galaxy", "ignore_signature_status_codes")], [], ["EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG", "NO_PUBKEY", "MISSING_PASSPHRASE", "BAD_PASSPHRASE", "NODATA", "UNEXPECTED", "ERROR", "FAILURE", "BADARMOR", "KEYEXPIRED", "KEYREVOKED", "NO_SECKEY"];
    GALAXY_REQUIRED_VALID_SIGNATURE_COUNT: Text = "1", Inside, ["ANSIBLE_GALAXY_REQUIRED_VALID_SIGNATURE_COUNT"], [("galaxy", "required_valid_signature_count")], [], [];
    GALAXY_ROLE_SKELETON: Path = "null", Inside, ["ANSIBLE_GALAXY_ROLE_SKELETON"], [("galaxy", "role_skeleton")], [], [];
    GALAXY_ROLE_SKELETON_IGNORE: List = r#"["^.git$", "^.*/.git_keep$"]"#, Inside, ["ANSIBLE_GALAXY_ROLE_SKELETON_IGNORE"], [("galaxy", "role_skeleton_ignore")], [], [];
    GALAXY_SERVER: Text = r#""https://galaxy.ansible.com""#, Inside, ["ANSIBLE_GALAXY_SERVER"], [("galaxy", "server")], [], [];
    GALAXY_SERVER_LIST: List = "null", Inside, ["ANSIBLE_GALAXY_SERVER_LIST"], [("galaxy", "server_list")], [], [];
    GALAXY_SERVER_TIMEOUT: Int = "60", Inside, ["ANSIBLE_GALAXY_SERVER_TIMEOUT"], [("galaxy", "server_timeout")], [], [];
    GALAXY_TOKEN_PATH: Path = r#""{home}/galaxy_token""#, Inside, ["ANSIBLE_GALAXY_TOKEN_PATH"], [("galaxy", "token_path")], [], [];
    HOST_KEY_CHECKING: Bool = "true", Here, ["ANSIBLE_HOST_KEY_CHECKING"], [("defaults", "host_key_checking")], [], [];
    HOST_PATTERN_MISMATCH: Text = r#""warning""#, Here, ["ANSIBLE_HOST_PATTERN_MISMATCH"], [("inventory", "host_pattern_mismatch")], [], ["error", "warning", "ignore"];
    INJECT_FACTS_AS_VARS: Bool = "true", Here, ["ANSIBLE_INJECT_FACT_VARS"], [("defaults", "inject_facts_as_vars")], [], [];
    INTERPRETER_PYTHON: Text = r#""auto""#, Here, ["ANSIBLE_PYTHON_INTERPRETER"], [("defaults", "interpreter_python")], ["ansible_python_interpreter"], [];
    INTERPRETER_PYTHON_FALLBACK: List = r#"["python3.13", "python3.12", "python3.11", "python3.10", "python3.9", "python3.8", "/usr/bin/python3", "python3"]"#, Inside, [], [], ["ansible_interpreter_python_fallback"], [];
    INVALID_TASK_ATTRIBUTE_FAILED: Bool = "true", Nowhere, ["ANSIBLE_INVALID_TASK_ATTRIBUTE_FAILED"], [("defaults", "invalid_task_attribute_failed")], [], [];
    INVENTORY_ANY_UNPARSED_IS_FAILED: Bool = "false", Here, ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"], [("inventory", "any_unparsed_is_failed")], [], [];
    INVENTORY_CACHE_ENABLED: Bool = "false", Nowhere, ["ANSIBLE_INVENTORY_CACHE"], [("inventory", "cache")], [], [];
    INVENTORY_CACHE_PLUGIN: Text = "null", Nowhere, ["ANSIBLE_INVENTORY_CACHE_PLUGIN"], [("inventory", "cache_plugin")], [], [];
    INVENTORY_CACHE_PLUGIN_CONNECTION: Text = "null", Nowhere, ["ANSIBLE_INVENTORY_CACHE_CONNECTION"], [("inventory", "cache_connection")], [], [];
    INVENTORY_CACHE_PLUGIN_PREFIX: Text = r#""ansible_inventory_""#, Nowhere, ["ANSIBLE_INVENTORY_CACHE_PLUGIN_PREFIX"], [("inventory", "cache_prefix")], [], [];
    INVENTORY_CACHE_TIMEOUT: Raw = "3600", Nowhere, ["ANSIBLE_INVENTORY_CACHE_TIMEOUT"], [("inventory", "cache_timeout")], [], [];
    INVENTORY_ENABLED: List = r#"["host_list", "script", "auto", "yaml", "ini", "toml"]"#, Here, ["ANSIBLE_INVENTORY_ENABLED"], [("inventory", "enable_plugins")], [], [];
    INVENTORY_EXPORT: Bool = "false", Here, ["ANSIBLE_INVENTORY_EXPORT"], [("inventory", "export")], [], [];
    INVENTORY_IGNORE_EXTS: List = r#"[".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"]"#, Here, ["ANSIBLE_INVENTORY_IGNORE"], [("defaults", "inventory_ignore_extensions"), ("inventory", "ignore_extensions")], [], [];
    INVENTORY_IGNORE_PATTERNS: List = "[]", Here, ["ANSIBLE_INVENTORY_IGNORE_REGEX"], [("defaults", "inventory_ignore_patterns"), ("inventory", "ignore_patterns")], [], [];
    INVENTORY_UNPARSED_IS_FAILED: Bool = "false", Here, ["ANSIBLE_INVENTORY_UNPARSED_FAILED"], [("inventory", "unparsed_is_failed")], [], [];
    INVENTORY_UNPARSED_WARNING: Bool = "true", Here, ["ANSIBLE_INVENTORY_UNPARSED_WARNING"], [("inventory", "inventory_unparsed_warning")], [], [];
    LOCALHOST_WARNING: Bool = "true", Here, ["ANSIBLE_LOCALHOST_WARNING"], [("defaults", "localhost_warning")], [], [];
    LOG_VERBOSITY: Int = "null", Here, ["ANSIBLE_LOG_VERBOSITY"], [("defaults", "log_verbosity")], [], [];
    MAX_FILE_SIZE_FOR_DIFF: Int = "104448", Nowhere, ["ANSIBLE_MAX_DIFF_SIZE"], [("defaults", "max_diff_size")], [], [];
    MODULE_IGNORE_EXTS: List = r#"[".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".yaml", ".yml", ".ini"]"#, Inside, ["ANSIBLE_MODULE_IGNORE_EXTS"], [("defaults", "module_ignore_exts")], [], [];
    MODULE_STRICT_UTF8_RESPONSE: Bool = "true", Here, ["ANSIBLE_MODULE_STRICT_UTF8_RESPONSE"], [("defaults", "module_strict_utf8_response")], [], [];
    NETCONF_SSH_CONFIG: Text = "null", Inside, ["ANSIBLE_NETCONF_SSH_CONFIG"], [("netconf_connection", "ssh_config")], [], [];
    NETWORK_GROUP_MODULES: List = r#"["eos", "nxos", "ios", "iosxr", "junos", "enos", "ce", "vyos", "sros", "dellos9", "dellos10", "dellos6", "asa", "aruba", "aireos", "bigip", "ironware", "onyx", "netconf", "exos", "voss", "slxos"]"#, Inside, ["ANSIBLE_NETWORK_GROUP_MODULES"], [("defaults", "network_group_modules")], [], [];
    OLD_PLUGIN_CACHE_CLEARING: Bool = "false", Inside, ["ANSIBLE_OLD_PLUGIN_CACHE_CLEAR"], [("defaults", "old_plugin_cache_clear")], [], [];
    PAGER: Text = r#""less""#, Here, ["ANSIBLE_PAGER", "PAGER"], [("defaults", "pager")], [], [];
    PARAMIKO_HOST_KEY_AUTO_ADD: Bool = "false", Inside, ["ANSIBLE_PARAMIKO_HOST_KEY_AUTO_ADD"], [("paramiko_connection", "host_key_auto_add")], [], [];
    PARAMIKO_LOOK_FOR_KEYS: Bool = "true", Inside, ["ANSIBLE_PARAMIKO_LOOK_FOR_KEYS"], [("paramiko_connection", "look_for_keys")], [], [];
    PERSISTENT_COMMAND_TIMEOUT: Int = "30", Inside, ["ANSIBLE_PERSISTENT_COMMAND_TIMEOUT"], [("persistent_connection", "command_timeout")], [], [];
    PERSISTENT_CONNECT_RETRY_TIMEOUT: Int = "15", Inside, ["ANSIBLE_PERSISTENT_CONNECT_RETRY_TIMEOUT"], [("persistent_connection", "connect_retry_timeout")], [], [];
    PERSISTENT_CONNECT_TIMEOUT: Int = "30", Inside, ["ANSIBLE_PERSISTENT_CONNECT_TIMEOUT"], [("persistent_connection", "connect_timeout")], [], [];
    PERSISTENT_CONTROL_PATH_DIR: Path = r#""{home}/pc""#, Inside, ["ANSIBLE_PERSISTENT_CONTROL_PATH_DIR"], [("persistent_connection", "control_path_dir")], [], [];
    PLAYBOOK_DIR: Path = "null", Here, ["ANSIBLE_PLAYBOOK_DIR"], [("defaults", "playbook_dir")], [], [];
    PLAYBOOK_VARS_ROOT: Text = r#""top""#, Nowhere, ["ANSIBLE_PLAYBOOK_VARS_ROOT"], [("defaults", "playbook_vars_root")], [], ["top", "bottom", "all"];
    PLUGIN_FILTERS_CFG: Path = "null", Here, [], [("defaults", "plugin_filters_cfg")], [], [];
    PYTHON_MODULE_RLIMIT_NOFILE: Raw = "0", Inside, ["ANSIBLE_PYTHON_MODULE_RLIMIT_NOFILE"], [("defaults", "python_module_rlimit_nofile")], ["ansible_python_module_rlimit_nofile"], [];
    RETRY_FILES_ENABLED: Bool = "false", Here, ["ANSIBLE_RETRY_FILES_ENABLED"], [("defaults", "retry_files_enabled")], [], [];
    RETRY_FILES_SAVE_PATH: Path = "null", Here, ["ANSIBLE_RETRY_FILES_SAVE_PATH"], [("defaults", "retry_files_save_path")], [], [];
    RUN_VARS_PLUGINS: Text = r#""demand""#, Nowhere, ["ANSIBLE_RUN_VARS_PLUGINS"], [("defaults", "run_vars_plugins")], [], ["demand", "start"];
    SHOW_CUSTOM_STATS: Bool = "false", Here, ["ANSIBLE_SHOW_CUSTOM_STATS"], [("defaults", "show_custom_stats")], [], [];
    STRING_CONVERSION_ACTION: Text = r#""warn""#, Inside, ["ANSIBLE_STRING_CONVERSION_ACTION"], [("defaults", "string_conversion_action")], [], [];
    STRING_TYPE_FILTERS: List = r#"["string", "to_json", "to_nice_json", "to_yaml", "to_nice_yaml", "ppretty", "json"]"#, Here, ["ANSIBLE_STRING_TYPE_FILTERS"], [("jinja2", "dont_type_filters")], [], [];
    SYSTEM_WARNINGS: Bool = "true", Inside, ["ANSIBLE_SYSTEM_WARNINGS"], [("defaults", "system_warnings")], [], [];
    TAGS_RUN: List = "[]", Here, ["ANSIBLE_RUN_TAGS"], [("tags", "run")], [], [];
    TAGS_SKIP: List = "[]", Here, ["ANSIBLE_SKIP_TAGS"], [("tags", "skip")], [], [];
    TARGET_LOG_INFO: Text = "null", Inside, ["ANSIBLE_TARGET_LOG_INFO"], [("defaults", "target_log_info")], ["ansible_target_log_info"], [];
    TASK_DEBUGGER_IGNORE_ERRORS: Bool = "true", Nowhere, ["ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS"], [("defaults", "task_debugger_ignore_errors")], [], [];
    TASK_TIMEOUT: Int = "0", Here, ["ANSIBLE_TASK_TIMEOUT"], [("defaults", "task_timeout")], [], [];
    TRANSFORM_INVALID_GROUP_CHARS: Text = r#""never""#, Here, ["ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS"], [("defaults", "force_valid_group_names")], [], ["always", "never", "ignore", "silently"];
    USE_PERSISTENT_CONNECTIONS: Bool = "false", Inside, ["ANSIBLE_USE_PERSISTENT_CONNECTIONS"], [("defaults", "use_persistent_connections")], [], [];
    VALIDATE_ACTION_GROUP_METADATA: Bool = "true", Inside, ["ANSIBLE_VALIDATE_ACTION_GROUP_METADATA"], [("defaults", "validate_action_group_metadata")], [], [];
    VARIABLE_PLUGINS_ENABLED: List = r#"["host_group_vars"]"#, Here, ["ANSIBLE_VARS_ENABLED"], [("defaults", "vars_plugins_enabled")], [], [];
    VARIABLE_PRECEDENCE: List = r#"["all_inventory", "groups_inventory", "all_plugins_inventory", "all_plugins_play", "groups_plugins_inventory", "groups_plugins_play"]"#, Nowhere, ["ANSIBLE_PRECEDENCE"], [("defaults", "precedence")], [], [];
    VAULT_ENCRYPT_SALT: Text = "null", Here, ["ANSIBLE_VAULT_ENCRYPT_SALT"], [("defaults", "vault_encrypt_salt")], [], [];
    VERBOSE_TO_STDERR: Bool = "false", Nowhere, ["ANSIBLE_VERBOSE_TO_STDERR"], [("defaults", "verbose_to_stderr")], [], [];
    WIN_ASYNC_STARTUP_TIMEOUT: Int = "5", Inside, ["ANSIBLE_WIN_ASYNC_STARTUP_TIMEOUT"], [("defaults", "win_async_startup_timeout")], ["ansible_win_async_startup_timeout"], [];
    WORKER_SHUTDOWN_POLL_COUNT: Int = "0", Inside, ["ANSIBLE_WORKER_SHUTDOWN_POLL_COUNT"], [], [], [];
    WORKER_SHUTDOWN_POLL_DELAY: Float = "0.1", Inside, ["ANSIBLE_WORKER_SHUTDOWN_POLL_DELAY"], [], [], [];
    YAML_FILENAME_EXTENSIONS: List = r#"[".yml", ".yaml", ".json"]"#, Nowhere, ["ANSIBLE_YAML_FILENAME_EXT"], [("defaults", "yaml_valid_extensions")], [], [];
}
