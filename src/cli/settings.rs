//! Settings: `ansible.cfg` and `ANSIBLE_*`, with Ansible's precedence.
//!
//! A setting is looked for in the environment, then in the one configuration file that is found
//! first: `$ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A setting that has a meaning here.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// Ansible's name.
    pub name: &'static str,
    /// Environment variables, the first of which counts.
    pub environment: &'static [&'static str],
    /// Section and key in the configuration file.
    pub file: &'static [(&'static str, &'static str)],
}

macro_rules! settings {
    ($($name:ident: [$($env:literal),*], [$(($section:literal, $key:literal)),*];)*) => {
        /// All settings that have a meaning here.
        pub const KNOWN: &[Known] = &[$(Known {
            name: stringify!($name),
            environment: &[$($env),*],
            file: &[$(($section, $key)),*],
        }),*];
    };
}

settings! {
    DEFAULT_HOST_LIST: ["ANSIBLE_INVENTORY"], [("defaults", "inventory"), ("defaults", "hostfile")];
    DEFAULT_FORKS: ["ANSIBLE_FORKS"], [("defaults", "forks")];
    DEFAULT_ROLES_PATH: ["ANSIBLE_ROLES_PATH"], [("defaults", "roles_path")];
    COLLECTIONS_PATHS: ["ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_PATHS"], [("defaults", "collections_path"), ("defaults", "collections_paths")];
    HOST_KEY_CHECKING: ["ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_SSH_HOST_KEY_CHECKING"], [("defaults", "host_key_checking"), ("ssh_connection", "host_key_checking")];
    DEFAULT_REMOTE_USER: ["ANSIBLE_REMOTE_USER"], [("defaults", "remote_user")];
    DEFAULT_REMOTE_PORT: ["ANSIBLE_REMOTE_PORT"], [("defaults", "remote_port")];
    DEFAULT_PRIVATE_KEY_FILE: ["ANSIBLE_PRIVATE_KEY_FILE"], [("defaults", "private_key_file")];
    DEFAULT_TIMEOUT: ["ANSIBLE_TIMEOUT", "ANSIBLE_SSH_TIMEOUT"], [("defaults", "timeout"), ("ssh_connection", "timeout")];
    DEFAULT_TRANSPORT: ["ANSIBLE_TRANSPORT"], [("defaults", "transport")];
    DEFAULT_BECOME: ["ANSIBLE_BECOME"], [("privilege_escalation", "become")];
    DEFAULT_BECOME_METHOD: ["ANSIBLE_BECOME_METHOD"], [("privilege_escalation", "become_method")];
    DEFAULT_BECOME_USER: ["ANSIBLE_BECOME_USER"], [("privilege_escalation", "become_user")];
    DEFAULT_BECOME_ASK_PASS: ["ANSIBLE_BECOME_ASK_PASS"], [("privilege_escalation", "become_ask_pass")];
    DEFAULT_BECOME_EXE: ["ANSIBLE_BECOME_EXE"], [("privilege_escalation", "become_exe")];
    DEFAULT_BECOME_FLAGS: ["ANSIBLE_BECOME_FLAGS"], [("privilege_escalation", "become_flags")];
    BECOME_PASSWORD_FILE: ["ANSIBLE_BECOME_PASSWORD_FILE"], [("defaults", "become_password_file")];
    DEFAULT_ASK_PASS: ["ANSIBLE_ASK_PASS"], [("defaults", "ask_pass")];
    CONNECTION_PASSWORD_FILE: ["ANSIBLE_CONNECTION_PASSWORD_FILE"], [("defaults", "connection_password_file")];
    DEFAULT_VAULT_PASSWORD_FILE: ["ANSIBLE_VAULT_PASSWORD_FILE"], [("defaults", "vault_password_file")];
    DEFAULT_VAULT_IDENTITY_LIST: ["ANSIBLE_VAULT_IDENTITY_LIST"], [("defaults", "vault_identity_list")];
    DEFAULT_VAULT_ID_MATCH: ["ANSIBLE_VAULT_ID_MATCH"], [("defaults", "vault_id_match")];
    DEFAULT_ASK_VAULT_PASS: ["ANSIBLE_ASK_VAULT_PASS"], [("defaults", "ask_vault_pass")];
    SSH_ARGS: ["ANSIBLE_SSH_ARGS"], [("ssh_connection", "ssh_args")];
    SSH_COMMON_ARGS: ["ANSIBLE_SSH_COMMON_ARGS"], [("ssh_connection", "ssh_common_args")];
    SSH_EXTRA_ARGS: ["ANSIBLE_SSH_EXTRA_ARGS"], [("ssh_connection", "ssh_extra_args")];
    REMOTE_TMP: ["ANSIBLE_REMOTE_TMP", "ANSIBLE_REMOTE_TEMP"], [("defaults", "remote_tmp")];
    DEFAULT_EXECUTABLE: ["ANSIBLE_EXECUTABLE"], [("defaults", "executable")];
    DEFAULT_GATHERING: ["ANSIBLE_GATHERING"], [("defaults", "gathering")];
    DEFAULT_GATHER_SUBSET: ["ANSIBLE_GATHER_SUBSET"], [("defaults", "gather_subset")];
    DEFAULT_GATHER_TIMEOUT: ["ANSIBLE_GATHER_TIMEOUT"], [("defaults", "gather_timeout")];
    INJECT_FACTS_AS_VARS: ["ANSIBLE_INJECT_FACT_VARS"], [("defaults", "inject_facts_as_vars")];
    DEFAULT_STRATEGY: ["ANSIBLE_STRATEGY"], [("defaults", "strategy")];
    ANY_ERRORS_FATAL: ["ANSIBLE_ANY_ERRORS_FATAL"], [("defaults", "any_errors_fatal")];
    DEFAULT_FORCE_HANDLERS: ["ANSIBLE_FORCE_HANDLERS"], [("defaults", "force_handlers")];
    ERROR_ON_MISSING_HANDLER: ["ANSIBLE_ERROR_ON_MISSING_HANDLER"], [("defaults", "error_on_missing_handler")];
    HOST_PATTERN_MISMATCH: ["ANSIBLE_HOST_PATTERN_MISMATCH"], [("inventory", "host_pattern_mismatch"), ("defaults", "host_pattern_mismatch")];
    INVENTORY_IGNORE_EXTS: ["ANSIBLE_INVENTORY_IGNORE"], [("inventory", "ignore_extensions"), ("defaults", "inventory_ignore_extensions")];
    INVENTORY_IGNORE_PATTERNS: ["ANSIBLE_INVENTORY_IGNORE_REGEX"], [("inventory", "ignore_patterns"), ("defaults", "inventory_ignore_patterns")];
    INVENTORY_UNPARSED_IS_FAILED: ["ANSIBLE_INVENTORY_UNPARSED_FAILED"], [("inventory", "unparsed_is_failed")];
    INVENTORY_ANY_UNPARSED_IS_FAILED: ["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"], [("inventory", "any_unparsed_is_failed")];
    DEFAULT_JINJA2_NATIVE: ["ANSIBLE_JINJA2_NATIVE"], [("defaults", "jinja2_native")];
    DEFAULT_MANAGED_STR: [], [("defaults", "ansible_managed")];
    DEFAULT_MODULE_PATH: ["ANSIBLE_LIBRARY"], [("defaults", "library")];
    INTERPRETER_PYTHON: ["ANSIBLE_PYTHON_INTERPRETER"], [("defaults", "interpreter_python")];
    DEFAULT_HASH_BEHAVIOUR: ["ANSIBLE_HASH_BEHAVIOUR"], [("defaults", "hash_behaviour")];
    CACHE_PLUGIN: ["ANSIBLE_CACHE_PLUGIN"], [("defaults", "fact_caching")];
    CACHE_PLUGIN_CONNECTION: ["ANSIBLE_CACHE_PLUGIN_CONNECTION"], [("defaults", "fact_caching_connection")];
    CACHE_PLUGIN_PREFIX: ["ANSIBLE_CACHE_PLUGIN_PREFIX"], [("defaults", "fact_caching_prefix")];
    CACHE_PLUGIN_TIMEOUT: ["ANSIBLE_CACHE_PLUGIN_TIMEOUT"], [("defaults", "fact_caching_timeout")];
    DUPLICATE_YAML_DICT_KEY: ["ANSIBLE_DUPLICATE_YAML_DICT_KEY"], [("defaults", "duplicate_dict_key")];
    RETRY_FILES_ENABLED: ["ANSIBLE_RETRY_FILES_ENABLED"], [("defaults", "retry_files_enabled")];
    RETRY_FILES_SAVE_PATH: ["ANSIBLE_RETRY_FILES_SAVE_PATH"], [("defaults", "retry_files_save_path")];
    ENABLE_TASK_DEBUGGER: ["ANSIBLE_ENABLE_TASK_DEBUGGER"], [("defaults", "enable_task_debugger")];
    ASYNC_DIR: ["ANSIBLE_ASYNC_DIR"], [("defaults", "async_dir")];
    DEFAULT_POLL_INTERVAL: ["ANSIBLE_POLL_INTERVAL"], [("defaults", "poll_interval")];
    TASK_TIMEOUT: ["ANSIBLE_TASK_TIMEOUT"], [("defaults", "task_timeout")];
    ANSIBLE_FORCE_COLOR: ["ANSIBLE_FORCE_COLOR"], [("defaults", "force_color")];
    ANSIBLE_NOCOLOR: ["ANSIBLE_NOCOLOR", "NO_COLOR"], [("defaults", "nocolor")];
    DISPLAY_SKIPPED_HOSTS: ["ANSIBLE_DISPLAY_SKIPPED_HOSTS"], [("defaults", "display_skipped_hosts")];
    DISPLAY_OK_HOSTS: ["ANSIBLE_DISPLAY_OK_HOSTS"], [("defaults", "display_ok_hosts")];
    DISPLAY_FAILED_STDERR: ["ANSIBLE_DISPLAY_FAILED_STDERR"], [("defaults", "display_failed_stderr")];
    SHOW_CUSTOM_STATS: ["ANSIBLE_SHOW_CUSTOM_STATS"], [("defaults", "show_custom_stats")];
    DIFF_ALWAYS: ["ANSIBLE_DIFF_ALWAYS"], [("diff", "always")];
    TAGS_RUN: ["ANSIBLE_RUN_TAGS"], [("tags", "run")];
    TAGS_SKIP: ["ANSIBLE_SKIP_TAGS"], [("tags", "skip")];
    PLAYBOOK_DIR: ["ANSIBLE_PLAYBOOK_DIR"], [("defaults", "playbook_dir")];
    DEFAULT_MODULE_NAME: [], [("defaults", "module_name")];
}

/// Settings that only say how Ansible works inside: they need no meaning here.
const INNER: &[&str] = &[
    "ansible_pipelining",
    "pipelining",
    "nocows",
    "cow_selection",
    "control_path",
    "control_path_dir",
    "deprecation_warnings",
    "command_warnings",
    "system_warnings",
    "local_tmp",
    "callback_whitelist",
    "callbacks_enabled",
    "callback_enabled",
    "bin_ansible_callbacks",
    "scp_if_ssh",
    "transfer_method",
    "use_persistent_connections",
    "internal_poll_interval",
    "no_target_syslog",
];

/// What the environment and the configuration file say.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub environment: BTreeMap<String, String>,
    pub file: Option<PathBuf>,
    values: BTreeMap<(String, String), String>,
    pub home: PathBuf,
    pub current_folder: PathBuf,
}

/// A setting cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("cannot read {path}: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("{path}:{line}: `{text}` is neither a section nor a setting")]
    Line { path: PathBuf, line: usize, text: String },
    #[error("{name} is '{value}', which is no {wanted}")]
    Value { name: String, value: String, wanted: &'static str },
}

impl Settings {
    /// Reads the settings.
    ///
    /// # Errors
    /// A configuration file that cannot be read.
    pub fn read(
        environment: BTreeMap<String, String>,
        current_folder: PathBuf,
    ) -> Result<Self, SettingsError> {
        let home = environment.get("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        let mut settings = Self { environment, home, current_folder, ..Self::default() };
        settings.file = settings.find();
        if let Some(path) = settings.file.clone() {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                SettingsError::Unreadable { path: path.clone(), why: error.to_string() }
            })?;
            settings.values = parse(&text, &path)?;
        }
        Ok(settings)
    }

    /// The same user and folder without any setting of Ansible's, and without an SSH agent.
    #[must_use]
    pub fn without_ansible(&self) -> Self {
        let is_kept = |name: &String| !name.starts_with("ANSIBLE_") && name != "SSH_AUTH_SOCK";
        let environment = self.environment.iter().filter(|(name, _)| is_kept(name));
        Self {
            environment: environment.map(|(name, value)| (name.clone(), value.clone())).collect(),
            home: self.home.clone(),
            current_folder: self.current_folder.clone(),
            ..Self::default()
        }
    }

    fn find(&self) -> Option<PathBuf> {
        let named = self.environment.get("ANSIBLE_CONFIG").map(|path| {
            let path = self.expand(path);
            if path.is_dir() { path.join("ansible.cfg") } else { path }
        });
        let candidates = [
            named,
            Some(self.current_folder.join("ansible.cfg")),
            Some(self.home.join(".ansible.cfg")),
            Some(PathBuf::from("/etc/ansible/ansible.cfg")),
        ];
        candidates.into_iter().flatten().find(|path| path.is_file())
    }

    /// A setting's text, if anything says it.
    pub fn get(&self, name: &str) -> Option<String> {
        let known = KNOWN.iter().find(|known| known.name == name)?;
        let from_environment =
            known.environment.iter().find_map(|variable| self.environment.get(*variable));
        let from_file = || {
            known.file.iter().find_map(|(section, key)| {
                self.values.get(&((*section).to_owned(), (*key).to_owned()))
            })
        };
        from_environment.or_else(from_file).cloned()
    }

    /// Whether the setting comes from the environment, so that paths in it are relative to the
    /// current folder and not to the configuration file.
    fn is_from_environment(&self, name: &str) -> bool {
        KNOWN.iter().find(|known| known.name == name).is_some_and(|known| {
            known.environment.iter().any(|variable| self.environment.contains_key(*variable))
        })
    }

    /// A boolean setting.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, SettingsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if name == "ANSIBLE_NOCOLOR" && self.environment.contains_key("NO_COLOR") {
            return Ok(Some(true));
        }
        match value.trim().to_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Ok(Some(true)),
            "n" | "no" | "off" | "0" | "false" | "f" | "0.0" | "" => Ok(Some(false)),
            _ => Err(SettingsError::Value { name: name.to_owned(), value, wanted: "boolean" }),
        }
    }

    /// A number.
    pub fn number(&self, name: &str) -> Result<Option<u64>, SettingsError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.trim().parse().map(Some).map_err(|_| SettingsError::Value {
            name: name.to_owned(),
            value,
            wanted: "number",
        })
    }

    /// A list with commas.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let value = self.get(name)?;
        Some(
            value.split(',').map(|item| item.trim().to_owned()).filter(|i| !i.is_empty()).collect(),
        )
    }

    /// A path.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(|value| self.resolve(name, &value))
    }

    /// A list of paths with colons.
    pub fn paths(&self, name: &str) -> Option<Vec<PathBuf>> {
        let value = self.get(name)?;
        Some(
            value
                .split(':')
                .filter(|path| !path.is_empty())
                .map(|path| self.resolve(name, path))
                .collect(),
        )
    }

    /// A path as the source of a setting means it.
    pub fn resolve(&self, name: &str, path: &str) -> PathBuf {
        let path = self.expand(path.trim());
        if path.is_absolute() {
            return path;
        }
        match (&self.file, self.is_from_environment(name)) {
            (Some(file), false) => file.parent().unwrap_or(Path::new("/")).join(path),
            _ => self.current_folder.join(path),
        }
    }

    /// A path with `~` and `$VARIABLES` written out.
    pub fn expand(&self, path: &str) -> PathBuf {
        let path = match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                format!("{}{rest}", self.home.display())
            }
            _ => path.to_owned(),
        };
        let mut result = String::new();
        let mut rest = path.as_str();
        while let Some(at) = rest.find('$') {
            result.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let (name, next) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
                Some((name, next)) => (name, next),
                None => {
                    let end = after
                        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                        .unwrap_or(after.len());
                    after.split_at(end)
                }
            };
            match self.environment.get(name) {
                Some(value) => result.push_str(value),
                None => result.push_str(&rest[at..rest.len() - next.len()]),
            }
            rest = next;
        }
        result.push_str(rest);
        PathBuf::from(result)
    }

    /// Settings of the configuration file that have no meaning here.
    pub fn without_meaning(&self) -> Vec<String> {
        self.values
            .keys()
            .filter(|(section, key)| {
                !INNER.contains(&key.as_str())
                    && !KNOWN
                        .iter()
                        .any(|known| known.file.iter().any(|(s, k)| s == section && k == key))
            })
            .map(|(section, key)| format!("[{section}] {key}"))
            .collect()
    }
}

/// Reads a configuration file as Python's configparser does.
fn parse(text: &str, path: &Path) -> Result<BTreeMap<(String, String), String>, SettingsError> {
    let mut values = BTreeMap::new();
    let mut section = String::new();
    let mut last: Option<(String, String)> = None;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        // A line that is indented goes on with the value before it.
        if line.starts_with([' ', '\t'])
            && let Some(value) = last.as_ref().and_then(|key| values.get_mut(key))
        {
            let value: &mut String = value;
            value.push('\n');
            value.push_str(trimmed);
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.trim().to_owned();
            last = None;
            continue;
        }
        let at = trimmed.find(['=', ':']);
        let (Some(at), false) = (at, section.is_empty()) else {
            return Err(SettingsError::Line {
                path: path.to_owned(),
                line: number + 1,
                text: trimmed.to_owned(),
            });
        };
        let value = trimmed[at + 1..].trim();
        let value = value.split(" ;").next().unwrap_or(value).trim_end();
        let key = (section.clone(), trimmed[..at].trim().to_lowercase());
        values.insert(key.clone(), crate::unquoted(value));
        last = Some(key);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(environment: &[(&str, &str)], file: &str) -> Settings {
        let values = parse(file, Path::new("/etc/x/ansible.cfg")).unwrap();
        Settings {
            environment: environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            file: Some("/etc/x/ansible.cfg".into()),
            values,
            home: "/home/me".into(),
            current_folder: "/here".into(),
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let file = "[defaults]\nforks = 7 ; some\nroles_path = roles:~/r\n";
        assert_eq!(settings(&[], file).number("DEFAULT_FORKS").unwrap(), Some(7));
        let both = settings(&[("ANSIBLE_FORKS", "9")], file);
        assert_eq!(both.number("DEFAULT_FORKS").unwrap(), Some(9));
    }

    #[test]
    fn paths_are_relative_to_what_names_them() {
        let file = "[defaults]\nroles_path = roles:~/r\n";
        let expected = [PathBuf::from("/etc/x/roles"), PathBuf::from("/home/me/r")];
        assert_eq!(settings(&[], file).paths("DEFAULT_ROLES_PATH").unwrap(), expected);
        let environment = settings(&[("ANSIBLE_ROLES_PATH", "roles")], file);
        assert_eq!(
            environment.paths("DEFAULT_ROLES_PATH").unwrap(),
            [PathBuf::from("/here/roles")]
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = settings(&[("ANSIBLE_FORKS", "many")], "");
        assert_eq!(
            wrong.number("DEFAULT_FORKS").unwrap_err().to_string(),
            "DEFAULT_FORKS is 'many', which is no number"
        );
        let error = parse("forks\n", Path::new("a.cfg")).unwrap_err();
        assert!(error.to_string().starts_with("a.cfg:1:"));
        let unknown = settings(&[], "[defaults]\nfoo = 1\nnocows = 1\n");
        assert_eq!(unknown.without_meaning(), ["[defaults] foo"]);
    }
}
