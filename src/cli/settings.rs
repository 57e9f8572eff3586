//! Settings: `ansible.cfg` and `ANSIBLE_*`, with Ansible's precedence.
//!
//! A setting is looked for in the environment, then in the one configuration file that is found
//! first: `$ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub mod catalogue;
mod galaxy_servers;
pub mod in_force;
pub mod kind;
pub mod plugins;

pub use galaxy_servers::GalaxyServer;
pub use in_force::{Configuration, InForce};
pub use kind::{Kind, Meaning, Setting};

/// Settings that are options of plugins, or that ansible-core has had and content still sets.
const OTHERS: &[Setting] = &[
    text("SSH_ARGS", &["ANSIBLE_SSH_ARGS"], &[("ssh_connection", "ssh_args")]),
    text("SSH_COMMON_ARGS", &["ANSIBLE_SSH_COMMON_ARGS"], &[("ssh_connection", "ssh_common_args")]),
    text("SSH_EXTRA_ARGS", &["ANSIBLE_SSH_EXTRA_ARGS"], &[("ssh_connection", "ssh_extra_args")]),
    text(
        "SSH_HOST_KEY_CHECKING",
        &["ANSIBLE_SSH_HOST_KEY_CHECKING"],
        &[("ssh_connection", "host_key_checking")],
    ),
    text("SSH_TIMEOUT", &["ANSIBLE_SSH_TIMEOUT"], &[("ssh_connection", "timeout")]),
    text(
        "REMOTE_TMP",
        &["ANSIBLE_REMOTE_TEMP", "ANSIBLE_REMOTE_TMP"],
        &[("defaults", "remote_tmp")],
    ),
    text("ASYNC_DIR", &["ANSIBLE_ASYNC_DIR"], &[("defaults", "async_dir")]),
    text("DEFAULT_GATHER_SUBSET", &["ANSIBLE_GATHER_SUBSET"], &[("defaults", "gather_subset")]),
    text("DEFAULT_GATHER_TIMEOUT", &["ANSIBLE_GATHER_TIMEOUT"], &[("defaults", "gather_timeout")]),
    text("DISPLAY_OK_HOSTS", &["ANSIBLE_DISPLAY_OK_HOSTS"], &[("defaults", "display_ok_hosts")]),
    text(
        "DISPLAY_FAILED_STDERR",
        &["ANSIBLE_DISPLAY_FAILED_STDERR"],
        &[("defaults", "display_failed_stderr")],
    ),
    text(
        "CHECK_MODE_MARKERS",
        &["ANSIBLE_CHECK_MODE_MARKERS"],
        &[("defaults", "check_mode_markers")],
    ),
    text(
        "SHOW_PER_HOST_START",
        &["ANSIBLE_SHOW_PER_HOST_START"],
        &[("defaults", "show_per_host_start")],
    ),
    text(
        "SHOW_TASK_PATH_ON_FAILURE",
        &["ANSIBLE_SHOW_TASK_PATH_ON_FAILURE"],
        &[("defaults", "show_task_path_on_failure")],
    ),
    text(
        "CALLBACK_RESULT_FORMAT",
        &["ANSIBLE_CALLBACK_RESULT_FORMAT"],
        &[("defaults", "callback_result_format")],
    ),
    text(
        "CALLBACK_FORMAT_PRETTY",
        &["ANSIBLE_CALLBACK_FORMAT_PRETTY"],
        &[("defaults", "callback_format_pretty")],
    ),
    text("CALLBACK_TREE_DIR", &["ANSIBLE_CALLBACK_TREE_DIR"], &[("callback_tree", "directory")]),
    text(
        "PROFILE_TASKS_OUTPUT",
        &["PROFILE_TASKS_TASK_OUTPUT_LIMIT"],
        &[("callback_profile_tasks", "task_output_limit")],
    ),
    text(
        "PROFILE_TASKS_SORT",
        &["PROFILE_TASKS_SORT_ORDER"],
        &[("callback_profile_tasks", "sort_order")],
    ),
    text("JUNIT_OUTPUT_DIR", &["JUNIT_OUTPUT_DIR"], &[]),
    text("JUNIT_TASK_CLASS", &["JUNIT_TASK_CLASS"], &[]),
    text("JUNIT_FAIL_ON_CHANGE", &["JUNIT_FAIL_ON_CHANGE"], &[]),
    text("JUNIT_FAIL_ON_IGNORE", &["JUNIT_FAIL_ON_IGNORE"], &[]),
    text("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT", &["JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT"], &[]),
    text("JUNIT_HIDE_TASK_ARGUMENTS", &["JUNIT_HIDE_TASK_ARGUMENTS"], &[]),
    text("JUNIT_TASK_RELATIVE_PATH", &["JUNIT_TASK_RELATIVE_PATH"], &[]),
    text("JUNIT_REPLACE_OUT_OF_TREE_PATH", &["JUNIT_REPLACE_OUT_OF_TREE_PATH"], &[]),
    text("JUNIT_TEST_CASE_PREFIX", &["JUNIT_TEST_CASE_PREFIX"], &[]),
    text(
        "INVENTORY_USE_EXTRA_VARS",
        &["ANSIBLE_INVENTORY_USE_EXTRA_VARS"],
        &[("inventory_plugins", "use_extra_vars")],
    ),
    text(
        "CALLBACK_WHITELIST",
        &["ANSIBLE_CALLBACK_WHITELIST"],
        &[("defaults", "callback_whitelist"), ("defaults", "callback_enabled")],
    ),
];

const fn text(
    name: &'static str,
    environment: &'static [&'static str],
    file: &'static [(&'static str, &'static str)],
) -> Setting {
    Setting {
        name,
        kind: Kind::Text,
        default: "null",
        meaning: Meaning::Here,
        environment,
        file,
        variables: &[],
        choices: &[],
    }
}

/// The setting of a name.
pub fn setting(name: &str) -> Option<&'static Setting> {
    catalogue::ALL.iter().chain(OTHERS).find(|setting| setting.name == name)
}

/// Keys of the configuration file that only say how Ansible works inside, or how it once did.
const INNER: &[&str] = &[
    "ansible_pipelining",
    "command_warnings",
    "control_path",
    "control_path_dir",
    "scp_if_ssh",
    "transfer_method",
    "pipelining",
    "retries",
    "usetty",
    "sftp_batch_mode",
    "ssh_executable",
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
    #[error(
        "Invalid type for configuration option setting: {name} (from {origin}) was: '{value}', \
         which is no {wanted}"
    )]
    Value { name: String, value: String, origin: String, wanted: &'static str },
    #[error("{name} is '{value}': it is one of {choices}")]
    Choice { name: String, value: String, choices: String },
}

impl Settings {
    /// Which configuration file is in force, in words.
    pub fn file_words(&self) -> String {
        match &self.file {
            Some(path) => format!("Using {} as config file", path.display()),
            None => "No config file found; using defaults".to_owned(),
        }
    }

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
        let found = candidates.into_iter().flatten().find(|path| path.is_file())?;
        Some(if found.is_absolute() { found } else { self.current_folder.join(found) })
    }

    /// A setting's text, if anything says it.
    pub fn get(&self, name: &str) -> Option<String> {
        self.said(setting(name)?).map(|(value, _)| value.to_owned())
    }

    /// A value of the configuration file, in a section that is named by the user.
    pub fn in_section(&self, section: &str, key: &str) -> Option<String> {
        self.values.get(&(section.to_owned(), key.to_owned())).cloned()
    }

    /// What is said of a setting, and where: the environment wins, and of several places the last.
    fn said(&self, setting: &Setting) -> Option<(&str, Said)> {
        let from_environment = setting.environment.iter().rev().find_map(|variable| {
            Some((self.environment.get(*variable)?.as_str(), Said::Environment(variable)))
        });
        let from_file = || {
            setting.file.iter().rev().find_map(|(section, key)| {
                let value = self.values.get(&((*section).to_owned(), (*key).to_owned()))?;
                Some((value.as_str(), Said::File))
            })
        };
        from_environment.or_else(from_file)
    }

    /// Whether the setting comes from the environment, so that paths in it are relative to the
    /// current folder and not to the configuration file.
    fn is_from_environment(&self, name: &str) -> bool {
        let said = setting(name).and_then(|setting| self.said(setting));
        matches!(said, Some((_, Said::Environment(_))))
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
            _ => Err(self.wrong(name, &value, "boolean")),
        }
    }

    /// A number; what is empty counts as not said.
    pub fn number(&self, name: &str) -> Result<Option<u64>, SettingsError> {
        let Some(value) = self.get(name).filter(|value| !value.trim().is_empty()) else {
            return Ok(None);
        };
        value.trim().parse().map(Some).map_err(|_| self.wrong(name, &value, "integer"))
    }

    /// A value that is none of its type.
    fn wrong(&self, name: &str, value: &str, wanted: &'static str) -> SettingsError {
        let said = setting(name).and_then(|setting| self.said(setting)).map(|(_, said)| said);
        let origin = match (said, &self.file) {
            (Some(Said::Environment(variable)), _) => format!("env: {variable}"),
            (Some(Said::File), Some(file)) => file.display().to_string(),
            _ => "default".to_owned(),
        };
        SettingsError::Value { name: name.to_owned(), value: value.to_owned(), origin, wanted }
    }

    /// A list with commas.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        let value = self.get(name)?;
        Some(
            value.split(',').map(|item| item.trim().to_owned()).filter(|i| !i.is_empty()).collect(),
        )
    }

    /// The name of the user who runs this program.
    pub fn user(&self) -> String {
        ["LOGNAME", "USER", "LNAME", "USERNAME"]
            .iter()
            .filter_map(|name| self.environment.get(*name))
            .find(|name| !name.is_empty())
            .cloned()
            .or_else(account_name)
            .unwrap_or_else(|| "root".into())
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

    /// Settings that are said and have no meaning here, as they are written: `[section] key`, or
    /// the name of a variable of the environment.
    pub fn without_meaning(&self) -> Vec<String> {
        let all = || catalogue::ALL.iter().chain(OTHERS);
        let is_option = |section: &str, key: &str| {
            plugins::ALL.iter().any(|option| option.file.contains(&(section, key)))
        };
        let in_file = self.values.keys().filter(|(section, key)| {
            let known = |setting: &&Setting| {
                setting.meaning != Meaning::Nowhere
                    && setting.file.iter().any(|(s, k)| s == section && k == key)
            };
            !INNER.contains(&key.as_str())
                && all().find(known).is_none()
                && !is_option(section, key)
                // Sections of tools and of plugins that are not here.
                && !matches!(section.as_str(), "galaxy" | "colors" | "persistent_connection")
                && !section.starts_with("galaxy_server.")
        });
        let in_environment = self.environment.keys().filter(|variable| {
            let says = |setting: &&Setting| setting.environment.contains(&variable.as_str());
            let mut settings = all().filter(says).peekable();
            settings.peek().is_some() && settings.all(|setting| setting.meaning == Meaning::Nowhere)
        });
        in_file
            .map(|(section, key)| format!("[{section}] {key}"))
            .chain(in_environment.cloned())
            .collect()
    }

    /// The text of the configuration file and its path.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn text_of_file(&self) -> Result<Option<(PathBuf, String)>, SettingsError> {
        let Some(path) = self.file.clone() else { return Ok(None) };
        let text = std::fs::read_to_string(&path).map_err(|error| SettingsError::Unreadable {
            path: path.clone(),
            why: error.to_string(),
        })?;
        Ok(Some((path, text)))
    }

    /// The same with another configuration file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn with_file(mut self, path: PathBuf) -> Result<Self, SettingsError> {
        self.file = Some(path);
        self.values = match self.text_of_file()? {
            Some((path, text)) => parse(&text, &path)?,
            None => BTreeMap::new(),
        };
        Ok(self)
    }

    /// Variables of the environment that look like settings and are none.
    pub fn unknown_variables(&self) -> Vec<String> {
        /// Those that say other things than settings do.
        const OTHER: &[&str] = &["ANSIBLE_CONFIG"];
        let is_known = |name: &str| {
            let own = catalogue::ALL.iter().chain(OTHERS).map(|setting| setting.environment);
            OTHER.contains(&name)
                || own
                    .chain(plugins::ALL.iter().map(|option| option.environment))
                    .any(|names| names.contains(&name))
        };
        let names = self.environment.keys().filter(|name| name.starts_with("ANSIBLE_"));
        // What Ansible's own tests set is none of the user's.
        let names = names.filter(|name| !name.starts_with("ANSIBLE_TEST_"));
        names.filter(|name| !is_known(name)).cloned().collect()
    }

    /// Keys of the configuration file that no setting and no option of a plugin has.
    pub fn unknown_keys(&self) -> Vec<(String, String)> {
        let is_known = |section: &str, key: &str| {
            let own = catalogue::ALL.iter().chain(OTHERS).map(|setting| setting.file);
            own.chain(plugins::ALL.iter().map(|option| option.file))
                .any(|file| file.contains(&(section, key)))
        };
        self.values.keys().filter(|(section, key)| !is_known(section, key)).cloned().collect()
    }
}

/// Where a setting is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// By this variable of the environment.
    Environment(&'static str),
    /// In the configuration file.
    File,
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

/// The name of the account that this process belongs to.
fn account_name() -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let id = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id).then(|| name.to_owned())
    })
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
            "Invalid type for configuration option setting: DEFAULT_FORKS (from env: ANSIBLE_FORKS) \
             was: 'many', which is no integer"
        );
        let error = parse("forks\n", Path::new("a.cfg")).unwrap_err();
        assert!(error.to_string().starts_with("a.cfg:1:"));
        let unknown = settings(&[], "[defaults]\nfoo = 1\nnocows = 1\n");
        assert_eq!(unknown.without_meaning(), ["[defaults] foo"]);
        let not_followed = settings(&[("ANSIBLE_BECOME_PLUGINS", "/opt/become")], "");
        assert_eq!(not_followed.without_meaning(), ["ANSIBLE_BECOME_PLUGINS"]);
    }
}
