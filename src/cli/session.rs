//! What every command that knows hosts starts from: settings, passwords, inventory, compiler.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use inventory::{Inventory, LoadSettings, group_names::Transform, vars_files::VarsFolder};
use playbook::{Files, collections::Collections};
use protocol::Secret;
use run::{
    ConnectionDefaults, Gathering, RunSettings, Store,
    layers::HashBehaviour,
    settings::{Mismatch, ProgramFacts},
};
use source::Diagnostics;
use template::{Engine, Scope, Surroundings, Typing, Variables};
use transport::{Connector, ConnectorSettings, HostKeyPolicy, Narrator};

use crate::{
    Failed, Program,
    args::{ConnectionOptions, InventoryOptions},
    catalogue::Modules,
    custom_modules::{self, ModuleFolders},
    extra_vars, fact_caches, python_connections, python_plugins, secrets,
    settings::{Configuration, Settings},
    warnings,
};

/// The version of ansible-core whose behaviour is followed.
pub const ANSIBLE_VERSION: &str = "2.18.0";

/// Everything that is read before anything runs.
#[derive(Clone)]
pub struct Session {
    pub settings: Settings,
    pub engine: Arc<Engine>,
    pub files: Arc<Files>,
    pub modules: Arc<Modules>,
    pub surroundings: Arc<Surroundings>,
    pub extra: plan::Layer,
    pub collections: Collections,
    pub roles_path: Vec<PathBuf>,
    pub program: Program,
    /// What is not shown.
    pub masks: Arc<report::Masks>,
    /// What users bring in Python.
    pub plugins: Arc<plugins::PythonPlugins>,
}

/// Folders that the command line points to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places<'a> {
    /// Folders of modules of the user's own.
    pub modules: &'a [PathBuf],
    /// Folders of the playbooks.
    pub playbooks: &'a [PathBuf],
}

impl Session {
    /// Reads passwords and extra variables. `places` are where the command line points to.
    ///
    /// # Errors
    /// Anything of it that is wrong.
    pub fn open(
        options: &InventoryOptions,
        settings: Settings,
        program: Program,
        places: &Places<'_>,
    ) -> Result<Self, Failed> {
        let keyring = secrets::keyring(options, &settings).map_err(Failed::general)?;
        let files = Arc::new(Files::new(keyring.clone()));
        let masks = Arc::new(report::Masks::default());
        // Ansible shows what a playbook shows, decrypted or not.
        let seen = (!program.is_ansible()).then(|| Arc::clone(&masks));
        let decrypt: template::Decrypt = Arc::new(move |text: &str| {
            let bytes = keyring.decrypt(text).map_err(|error| error.to_string())?;
            let plain = String::from_utf8(bytes).map_err(|error| error.to_string())?;
            seen.iter().for_each(|seen| seen.add(&plain));
            Ok(Secret::new(plain))
        });
        let collections = python_plugins::collections(&settings, places.playbooks);
        let plugins = Arc::new(python_plugins::of(&settings, &collections, places.playbooks)?);
        let engine = Engine::with_decrypt(Arc::clone(&decrypt))
            .with_plugins(Arc::clone(&plugins) as Arc<dyn template::brought::Plugins>);
        let engine = Arc::new(engine);
        let words = |words: &str| {
            if !program.is_ansible() {
                eprintln!("[WARNING]: -e: '{words}' has no '=' and sets _raw_params alone");
            }
        };
        let extra = extra_vars::read(&options.extra_vars, &engine, &files, &words)?;
        let mut surroundings = Surroundings {
            environment: Arc::new(settings.environment.clone()),
            current_folder: settings.current_folder.clone(),
            home_folder: Some(settings.home.clone()),
            decrypt: Some(decrypt),
            vault: Some(Arc::new(crate::world::Ciphers)),
            fetch: Some(crate::world::fetch(settings.environment.clone())),
            ..Surroundings::default()
        };
        surroundings.settings.config = Arc::new(Configuration {
            settings: Arc::new(settings.clone()),
            plugins: Arc::clone(&plugins),
        });
        // Under Ansible's names templates give what that version of Ansible gives.
        let native = settings.flag("DEFAULT_JINJA2_NATIVE")?;
        surroundings.settings.typing = match (native, program.is_ansible()) {
            (Some(true), true) => Typing::Literals,
            (Some(true) | None, false) => Typing::Kept,
            (None, true) | (Some(false), _) => Typing::Structures,
        };
        surroundings.settings.keeps_undefined =
            settings.flag("DEFAULT_UNDEFINED_VAR_BEHAVIOR")? == Some(false);
        surroundings.warn = Some(warnings::each_once());
        if let Some(filters) = settings.list("STRING_TYPE_FILTERS") {
            surroundings.settings.text_filters = filters;
        }
        if let Some(text) = settings.get("DEFAULT_MANAGED_STR") {
            surroundings.settings.ansible_managed = text;
        }
        let rejected = crate::rejected::modules(&settings)?;
        let roles_path = settings.paths("DEFAULT_ROLES_PATH").unwrap_or_else(|| {
            vec![
                settings.home.join(".ansible/roles"),
                PathBuf::from("/usr/share/ansible/roles"),
                PathBuf::from("/etc/ansible/roles"),
            ]
        });
        Ok(Self {
            modules: Arc::new(
                Modules::new(
                    collections.clone(),
                    ModuleFolders {
                        named: custom_modules::named_folders(&settings, places.modules),
                        modules: settings
                            .paths("DEFAULT_MODULE_PATH")
                            .unwrap_or_else(|| python_plugins::folders(&settings, "modules")),
                        module_utils: settings
                            .paths("DEFAULT_MODULE_UTILS_PATH")
                            .unwrap_or_else(|| python_plugins::folders(&settings, "module_utils")),
                    },
                    settings.environment.get("PATH").cloned().unwrap_or_default(),
                )
                .without(&rejected)
                .with_plugins(Arc::clone(&plugins)),
            ),
            settings,
            engine,
            files,
            surroundings: Arc::new(surroundings),
            extra,
            collections,
            roles_path,
            program,
            masks,
            plugins,
        })
    }

    /// Reads the inventory; what is wrong with it is shown.
    ///
    /// # Errors
    /// A source that is wrong.
    pub fn inventory(&self, options: &InventoryOptions) -> Result<Inventory, Failed> {
        let mut sources = options.inventory.clone();
        if sources.is_empty() {
            sources = match self.settings.list("DEFAULT_HOST_LIST") {
                Some(list) => list
                    .iter()
                    .map(|path| {
                        self.settings.resolve("DEFAULT_HOST_LIST", path).display().to_string()
                    })
                    .collect(),
                None => vec!["/etc/ansible/hosts".into()],
            };
        }
        let is_default =
            options.inventory.is_empty() && self.settings.get("DEFAULT_HOST_LIST").is_none();
        let mut load = LoadSettings {
            hash_behaviour: self.hash_behaviour()?,
            environment: self.settings.environment.clone().into_iter().collect(),
            ..LoadSettings::default()
        };
        if let Some(endings) = self.settings.list("INVENTORY_IGNORE_EXTS") {
            load.ignored_endings = endings;
        }
        if let Some(patterns) = self.settings.list("INVENTORY_IGNORE_PATTERNS") {
            load.ignored_patterns = patterns;
        }
        if let Some(enabled) = self.settings.list("INVENTORY_ENABLED") {
            load.enabled = enabled;
        }
        load.transform = match self.settings.get("TRANSFORM_INVALID_GROUP_CHARS").as_deref() {
            None | Some("never") => Transform::Never,
            Some("ignore") => Transform::Ignore,
            Some("always") => Transform::Always,
            Some("silently") => Transform::Silently,
            Some(other) => {
                return Err(Failed::option(format!(
                    "force_valid_group_names is '{other}': it is always, never, ignore or silently"
                )));
            }
        };
        load.scope = Some(Scope::new(Arc::clone(&self.engine), Arc::clone(&self.surroundings)));
        load.plugins = load.scope.clone().map(|scope| {
            Arc::new(plugins::PythonInventories::new(Arc::clone(&self.plugins), scope))
                as Arc<dyn inventory::brought::InventoryPlugins>
        });
        load.extra = Some(Arc::clone(&self.extra) as Arc<dyn Variables>);
        load.uses_extra = self.settings.flag("INVENTORY_USE_EXTRA_VARS")?.unwrap_or(false);
        let files = Arc::clone(&self.files);
        let read = move |path: &Path| files.read(path);
        let mut diagnostics = Diagnostics::default();
        let warns = self.settings.flag("INVENTORY_UNPARSED_WARNING")?.unwrap_or(true);
        if is_default && !Path::new("/etc/ansible/hosts").exists() {
            if self.settings.flag("INVENTORY_UNPARSED_IS_FAILED")?.unwrap_or(false) {
                return Err(Failed::general(
                    "No inventory was parsed, please check your configuration and options.",
                ));
            }
            if self.program.is_ansible() && warns {
                self.warn("No inventory was parsed, only implicit localhost is available");
            }
            return Ok(Inventory { sources, ..Inventory::default() });
        }
        let sources: Vec<String> = sources
            .into_iter()
            .map(|source| if source == "/dev/null" { String::from(",") } else { source })
            .collect();
        let inventory =
            inventory::load::load(&sources, &self.engine, &load, &read, &mut diagnostics);
        let fails = if self.program.is_ansible() {
            // Ansible goes on with what it could read.
            for diagnostic in &diagnostics.all {
                let place = diagnostic.span.as_ref().map(|s| format!("{s}: ")).unwrap_or_default();
                // One that names a place or a host is searched for by its words, which stay on one
                // line.
                match &diagnostic.span {
                    None if diagnostic.code == inventory::load::codes::LINE => {
                        eprintln!("[WARNING]: {}", diagnostic.message);
                    }
                    Some(_) => eprintln!("[WARNING]: {place}{}", diagnostic.message),
                    None => self.warn(&diagnostic.message),
                }
            }
            let mut broken: Vec<&Path> = Vec::new();
            for diagnostic in &diagnostics.all {
                let is_error = diagnostic.severity == source::Severity::Error;
                if let (true, Some(span)) = (is_error, &diagnostic.span)
                    && !broken.contains(&span.file.path.as_path())
                {
                    broken.push(&span.file.path);
                }
            }
            if warns {
                for path in broken {
                    self.warn(&format!(
                        "Unable to parse {} as an inventory source",
                        path.display()
                    ));
                }
                if diagnostics.has_errors() && inventory.hosts.is_empty() {
                    self.warn("No inventory was parsed, only implicit localhost is available");
                }
            }
            let any = self.settings.flag("INVENTORY_ANY_UNPARSED_IS_FAILED")?.unwrap_or(false);
            let all = self.settings.flag("INVENTORY_UNPARSED_IS_FAILED")?.unwrap_or(false);
            let is_unread =
                |found: &source::Diagnostic| found.code == inventory::load::codes::UNREADABLE;
            (any && diagnostics.all.iter().any(is_unread))
                || (diagnostics.has_errors() && (any || (all && inventory.hosts.is_empty())))
        } else {
            crate::show(&diagnostics);
            diagnostics.has_errors()
        };
        if fails {
            return Err(Failed::general(format!(
                "the inventory is not good: {} of its sources or lines {} wrong, see above",
                diagnostics.all.len(),
                if diagnostics.all.len() == 1 { "is" } else { "are" }
            )));
        }
        Ok(inventory)
    }

    /// The variables of all hosts.
    pub fn store(
        &self,
        inventory: Inventory,
        playbook_folders: Vec<PathBuf>,
    ) -> Result<Arc<Store>, Failed> {
        let files = Arc::clone(&self.files);
        let engine = Arc::clone(&self.engine);
        let brought = python_plugins::vars(self);
        let program = self.program;
        // What is wrong is said once, however often it is read.
        let shown: Mutex<HashSet<(PathBuf, VarsFolder, String)>> = Mutex::default();
        let read_vars: run::store::VarsReader = Arc::new(move |folder, kind, name| {
            let mut diagnostics = Diagnostics::default();
            let read = |path: &Path| files.read(path);
            let mut vars =
                inventory::vars_files::read(folder, kind, name, &engine, &read, &mut diagnostics);
            if !diagnostics.all.is_empty() {
                let place = (folder.to_owned(), kind, name.to_owned());
                if shown.lock().is_ok_and(|mut shown| shown.insert(place)) {
                    crate::show_as(program, &diagnostics);
                }
            }
            let wrong =
                diagnostics.all.iter().find(|found| found.severity == source::Severity::Error);
            match wrong {
                None => {
                    vars.extend(brought(folder, kind, name)?);
                    Ok(vars)
                }
                Some(wrong) => Err(match &wrong.span {
                    Some(span) => format!("{}: {}", span.file.path.display(), wrong.message),
                    None => wrong.message.clone(),
                }),
            }
        });
        let inject = self.settings.flag("INJECT_FACTS_AS_VARS")?.unwrap_or(true);
        let mut surroundings = (*self.surroundings).clone();
        surroundings.inventory = Some(Arc::new(crate::includes::Hosts(inventory.clone())));
        let store = Store::new(
            Arc::clone(&self.engine),
            Arc::new(surroundings),
            inventory,
            playbook_folders,
            Arc::clone(&self.extra),
            read_vars,
            inject,
        )
        .with_fact_cache(fact_caches::of(self)?)
        .with_hash_behaviour(self.hash_behaviour()?);
        Ok(Arc::new(store))
    }

    fn hash_behaviour(&self) -> Result<HashBehaviour, Failed> {
        match self.settings.get("DEFAULT_HASH_BEHAVIOUR").as_deref() {
            None | Some("replace") => Ok(HashBehaviour::Replace),
            Some("merge") => Ok(HashBehaviour::Merge),
            Some(other) => {
                Err(Failed::option(format!("hash_behaviour is '{other}': it is replace or merge")))
            }
        }
    }

    /// How a run goes about its work.
    ///
    /// # Errors
    /// A setting that is wrong, or a password that cannot be had.
    pub fn run_settings(
        &self,
        options: &InventoryOptions,
        connection: &ConnectionOptions,
    ) -> Result<RunSettings, Failed> {
        let settings = &self.settings;
        let flag = |name: &str| settings.flag(name);
        // The last one counts; scripts give an empty one for none.
        let limit: Vec<String> = options
            .limit
            .last()
            .filter(|limit| !limit.is_empty())
            .into_iter()
            .map(|limit| match limit.strip_prefix('@') {
                Some(path) if settings.expand(path).is_dir() => Err(Failed::general(format!(
                    "--limit starting with \"@\" must be a file, not a directory: {path}"
                ))),
                Some(path) => std::fs::read_to_string(settings.expand(path))
                    .map(|text| text.lines().map(str::trim).collect::<Vec<_>>().join(","))
                    .map_err(|error| {
                        Failed::general(format!("Unable to find limit file {path}: {error}"))
                    }),
                None => Ok(limit.clone()),
            })
            .collect::<Result<_, _>>()?;
        let gathering = match settings.get("DEFAULT_GATHERING").as_deref() {
            None | Some("implicit") => Gathering::Implicit,
            Some("explicit") => Gathering::Explicit,
            Some("smart") => Gathering::Smart,
            Some(other) => {
                return Err(Failed::option(format!(
                    "gathering is '{other}': it is implicit, explicit or smart"
                )));
            }
        };
        let mismatch = match settings.get("HOST_PATTERN_MISMATCH").as_deref() {
            None | Some("warning") => Mismatch::Warning,
            Some("ignore") => Mismatch::Ignore,
            Some("error") => Mismatch::Error,
            Some(other) => {
                return Err(Failed::option(format!(
                    "host_pattern_mismatch is '{other}': it is warning, error or ignore"
                )));
            }
        };
        Ok(RunSettings {
            forks: connection
                .forks
                .map(usize::from)
                .or(settings.number("DEFAULT_FORKS")?.and_then(|n| usize::try_from(n).ok()))
                .unwrap_or(self.program.forks()),
            check: connection.check,
            diff: connection.diff || flag("DIFF_ALWAYS")?.unwrap_or(false),
            limit: (!limit.is_empty()).then_some(limit),
            verbosity: options.verbose.saturating_add(
                settings
                    .number("DEFAULT_VERBOSITY")?
                    .and_then(|more| u8::try_from(more).ok())
                    .unwrap_or(0),
            ),
            force_handlers: flag("DEFAULT_FORCE_HANDLERS")?.unwrap_or(false),
            gathering,
            gather_subset: settings.list("DEFAULT_GATHER_SUBSET").unwrap_or_default(),
            gather_timeout_secs: settings.number("DEFAULT_GATHER_TIMEOUT")?.unwrap_or(10),
            inject_facts: flag("INJECT_FACTS_AS_VARS")?.unwrap_or(true),
            points_as_ansible: self.program.is_ansible(),
            any_errors_fatal: flag("ANY_ERRORS_FATAL")?.unwrap_or(false),
            // As in Ansible, saying that roles are not private opens included ones too.
            hides_results: self.settings.flag("DEFAULT_NO_LOG")?.unwrap_or(false),
            publishes_included_roles: self.has_private_roles() == Some(false),
            error_on_missing_handler: flag("ERROR_ON_MISSING_HANDLER")?.unwrap_or(true),
            host_pattern_mismatch: mismatch,
            strategy: settings.get("DEFAULT_STRATEGY").unwrap_or_else(|| "linear".into()),
            debugs_failures: flag("ENABLE_TASK_DEBUGGER")?.unwrap_or(false),
            python_interpreter: settings.get("INTERPRETER_PYTHON"),
            async_dir: settings.get("ASYNC_DIR").unwrap_or_else(|| "~/.ansible_async".into()),
            poll_interval_secs: settings.number("DEFAULT_POLL_INTERVAL")?.unwrap_or(15),
            task_timeout_secs: settings.number("TASK_TIMEOUT")?.unwrap_or(0),
            strict_utf8: flag("MODULE_STRICT_UTF8_RESPONSE")?.unwrap_or(true),
            executable: settings.get("DEFAULT_EXECUTABLE").unwrap_or_else(|| "/bin/sh".into()),
            connection: self.connection_defaults(connection)?,
            connection_plugins: Some(python_connections::of(self)),
            program: ProgramFacts {
                config_file: settings.file.clone(),
                ansible_version: ANSIBLE_VERSION.into(),
                current_folder: settings.current_folder.clone(),
                home: settings.home.clone(),
                environment: settings.environment.clone(),
            },
            ..RunSettings::default()
        })
    }

    fn connection_defaults(
        &self,
        options: &ConnectionOptions,
    ) -> Result<ConnectionDefaults, Failed> {
        let settings = &self.settings;
        let password = match &options.connection_password_file {
            Some(file) => Some(secrets::read(file).map_err(Failed::general)?),
            None => match settings.path("CONNECTION_PASSWORD_FILE") {
                Some(file) => Some(secrets::read(&file).map_err(Failed::general)?),
                None if options.ask_pass || settings.flag("DEFAULT_ASK_PASS")?.unwrap_or(false) => {
                    Some(secrets::ask("SSH password: ").map_err(Failed::general)?)
                }
                None => None,
            },
        };
        let asks_become =
            options.ask_become_pass || settings.flag("DEFAULT_BECOME_ASK_PASS")?.unwrap_or(false);
        let become_password = match &options.become_password_file {
            Some(file) => Some(secrets::read(file).map_err(Failed::general)?),
            None => match settings.path("BECOME_PASSWORD_FILE") {
                Some(file) => Some(secrets::read(&file).map_err(Failed::general)?),
                None if asks_become => {
                    let hint = if password.is_some() { "[defaults to SSH password]" } else { "" };
                    let asked = secrets::ask(&format!("BECOME password{hint}: "))
                        .map_err(Failed::general)?;
                    let is_empty = asked.reveal().is_empty();
                    if is_empty { password.clone() } else { Some(asked) }
                }
                None => None,
            },
        };
        let policy = match options.host_key_policy.as_deref() {
            Some("strict") => Some(HostKeyPolicy::Strict),
            Some("accept-new") => Some(HostKeyPolicy::AcceptNew),
            Some("off") => Some(HostKeyPolicy::Off),
            _ => {
                match (settings.flag("SSH_HOST_KEY_CHECKING")?, settings.flag("HOST_KEY_CHECKING")?)
                {
                    (Some(false), _) | (None, Some(false)) => Some(HostKeyPolicy::Off),
                    _ => None,
                }
            }
        };
        let port =
            match settings.number("DEFAULT_REMOTE_PORT")? {
                Some(port) => Some(u16::try_from(port).map_err(|_| {
                    Failed::option(format!("remote_port is {port}, which is no port"))
                })?),
                None => None,
            };
        let typed = [&password, &become_password].into_iter().flatten();
        typed
            .filter(|_| !self.program.is_ansible())
            .for_each(|secret| self.masks.add(secret.reveal()));
        let ssh_args = [
            settings.get("SSH_ARGS"),
            options.ssh_common_args.clone().or_else(|| settings.get("SSH_COMMON_ARGS")),
            options.ssh_extra_args.clone().or_else(|| settings.get("SSH_EXTRA_ARGS")),
        ];
        let ssh_config = settings.home.join(".ssh/config");
        Ok(ConnectionDefaults {
            connection: options
                .connection
                .clone()
                .or_else(|| settings.get("DEFAULT_TRANSPORT"))
                .unwrap_or_else(|| "ssh".into()),
            user: options.user.clone().or_else(|| settings.get("DEFAULT_REMOTE_USER")),
            port,
            password,
            private_key_file: options
                .private_key
                .clone()
                .map(|path| settings.expand(&path.to_string_lossy()))
                .or_else(|| settings.path("DEFAULT_PRIVATE_KEY_FILE")),
            timeout_secs: options
                .timeout
                .or(settings.number("SSH_TIMEOUT")?)
                .or(settings.number("DEFAULT_TIMEOUT")?)
                .unwrap_or(transport::target::CONNECT_TIMEOUT_SECS),
            host_key_policy: policy,
            ssh_config_file: ssh_config.is_file().then_some(ssh_config),
            ssh_args: ssh_args.into_iter().flatten().collect(),
            become_: options.become_ || settings.flag("DEFAULT_BECOME")?.unwrap_or(false),
            become_user: options
                .become_user
                .clone()
                .or_else(|| settings.get("DEFAULT_BECOME_USER"))
                .unwrap_or_else(|| "root".into()),
            become_method: options
                .become_method
                .clone()
                .or_else(|| settings.get("DEFAULT_BECOME_METHOD"))
                .unwrap_or_else(|| "sudo".into()),
            become_password,
            become_exe: settings.get("DEFAULT_BECOME_EXE"),
            become_flags: settings.get("DEFAULT_BECOME_FLAGS"),
            remote_tmp: settings.get("REMOTE_TMP"),
            local_user: Some(settings.user()),
            becomes_same_user: settings.flag("BECOME_ALLOW_SAME_USER")?.unwrap_or(false),
        })
    }

    /// What opens connections.
    ///
    /// # Errors
    /// A folder of remotes that cannot be read.
    pub fn connector(&self, narrator: Option<Narrator>) -> Result<Connector, Failed> {
        const OPENING_MAX: usize = 50;
        let environment = &self.settings.environment;
        let folder = environment.get("TRUEUP_REMOTES_DIR").map(PathBuf::from);
        let remotes = crate::embedded::remotes(folder.as_deref())
            .map_err(|error| Failed::general(error.to_string()))?;
        Ok(Connector::new(ConnectorSettings {
            home: self.settings.home.clone(),
            user: self.settings.user(),
            agent_socket: environment
                .get("SSH_AUTH_SOCK")
                .filter(|socket| !socket.is_empty())
                .map(PathBuf::from),
            remotes: Arc::new(remotes),
            opening_max: OPENING_MAX,
            system_ssh_config_file: Some(PathBuf::from("/etc/ssh/ssh_config")),
            narrator,
        }))
    }
}
