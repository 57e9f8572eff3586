//! Sources to an inventory: files, folders, scripts, host lists.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use source::{Diagnostic, Diagnostics, Node, Severity, SourceFile};
use template::{Engine, Scope, Surroundings, Tree, Variables};

use crate::{
    Group, HostName, Inventory, Vars,
    brought::{self, InventoryPlugins, Reading},
    constructed, generator,
    group_names::Transform,
    host_range::{self, RangeError},
    ini,
    layers::{HashBehaviour, put_over},
    script, toml, vars_files, yaml,
};

/// Codes of the diagnostics that this room gives.
pub mod codes {
    use source::Code;

    /// A source cannot be read.
    pub const UNREADABLE: Code = "E0401";
    /// A line or value is wrong.
    pub const LINE: Code = "E0402";
    /// A template in a value is broken.
    pub const TEMPLATE: Code = "E0403";
    /// A key of a group is none.
    pub const UNEXPECTED_KEY: Code = "W0304";
    /// A source is of a kind that Trueup does not read yet.
    pub const NOT_YET: Code = "E0405";
    /// A script failed.
    pub const SCRIPT: Code = "E0406";
    /// A group has a name that no variable could have.
    pub const GROUP_NAME: Code = "W0407";
}

/// What the settings say of inventories.
#[derive(Clone)]
pub struct LoadSettings {
    /// Endings of files in folders that are passed over.
    pub ignored_endings: Vec<String>,
    /// Patterns of names in folders that are passed over.
    pub ignored_patterns: Vec<String>,
    /// How dictionaries of one name that several sources give are put together.
    pub hash_behaviour: HashBehaviour,
    /// The environment that scripts are given.
    pub environment: Vec<(String, String)>,
    /// Kinds of sources that are read, by the names of Ansible's plugins.
    pub enabled: Vec<String>,
    /// What becomes of names of groups that do not fit.
    pub transform: Transform,
    /// What templates of `constructed` and `generator` see besides variables of hosts.
    pub scope: Option<Scope>,
    /// Variables of the command line, for `use_extra_vars`.
    pub extra: Option<Arc<dyn Variables>>,
    /// What `use_extra_vars` is where a file does not say.
    pub uses_extra: bool,
    /// Plugins that users bring.
    pub plugins: Option<Arc<dyn InventoryPlugins>>,
}

impl std::fmt::Debug for LoadSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadSettings")
            .field("enabled", &self.enabled)
            .field("transform", &self.transform)
            .finish_non_exhaustive()
    }
}

/// The kinds of sources that are read unless settings say otherwise.
const ENABLED: [&str; 6] = ["host_list", "script", "auto", "yaml", "ini", "toml"];

/// All kinds of sources that can be read.
pub const KNOWN: [&str; 9] = [
    "host_list",
    "advanced_host_list",
    "script",
    "auto",
    "yaml",
    "ini",
    "toml",
    "constructed",
    "generator",
];

impl Default for LoadSettings {
    fn default() -> Self {
        let endings = [
            ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini",
            ".cfg", ".retry",
        ];
        Self {
            ignored_endings: endings.iter().map(|ending| (*ending).to_owned()).collect(),
            ignored_patterns: Vec::new(),
            hash_behaviour: HashBehaviour::default(),
            environment: Vec::new(),
            enabled: ENABLED.iter().map(|name| (*name).to_owned()).collect(),
            transform: Transform::default(),
            scope: None,
            extra: None,
            uses_extra: false,
            plugins: None,
        }
    }
}

/// Reads text files for this room: decrypted where they are vault files.
pub type ReadText<'a> = &'a dyn Fn(&Path) -> Result<Arc<SourceFile>, String>;

/// An inventory cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// No source gave anything.
    #[error("unable to parse any of the inventory sources: {0}")]
    NothingParsed(String),
}

/// Reads sources in their order into one inventory.
pub fn load(
    sources: &[String],
    engine: &Engine,
    settings: &LoadSettings,
    read: ReadText<'_>,
    diagnostics: &mut Diagnostics,
) -> Inventory {
    let mut inventory = Inventory::default();
    inventory.names.transform = settings.transform;
    for name in &settings.enabled {
        let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        let is_brought = settings.plugins.as_ref().is_some_and(|plugins| plugins.has(name));
        if !KNOWN.contains(&short) && !is_brought {
            let message = format!("Failed to load inventory plugin, skipping {name}");
            let mut diagnostic = Diagnostic::placeless(codes::NOT_YET, message);
            diagnostic.severity = Severity::Warning;
            diagnostics.push(diagnostic.hint(format!("those there are: {}", KNOWN.join(", "))));
        }
    }
    for source in sources {
        let mut loader = Loader { engine, settings, read, diagnostics, inventory: &mut inventory };
        loader.source(source);
        inventory.sources.push(source.clone());
    }
    inventory.reading = None;
    inventory.reconcile();
    if let Some(message) = inventory.names.warning() {
        let mut diagnostic = Diagnostic::placeless(codes::GROUP_NAME, message);
        diagnostic.severity = Severity::Warning;
        diagnostics.push(diagnostic);
    }
    inventory
}

/// Variables of a source over those of the sources before it.
fn merged(under: &Vars, over: &Vars) -> Vars {
    let mut vars = under.clone();
    put_over(&mut vars, over, HashBehaviour::Merge);
    vars
}

struct Loader<'a> {
    engine: &'a Engine,
    settings: &'a LoadSettings,
    read: ReadText<'a>,
    diagnostics: &'a mut Diagnostics,
    inventory: &'a mut Inventory,
}

impl Loader<'_> {
    fn source(&mut self, source: &str) {
        if self.settings.hash_behaviour == HashBehaviour::Replace {
            return self.read_source(source);
        }
        let before = self.inventory.clone();
        self.read_source(source);
        for (name, host) in &mut self.inventory.hosts {
            if let Some(known) = before.hosts.get(name) {
                host.vars = merged(&known.vars, &host.vars);
            }
        }
        for (name, group) in &mut self.inventory.groups {
            if let Some(known) = before.groups.get(name) {
                group.vars = merged(&known.vars, &group.vars);
            }
        }
    }

    fn read_source(&mut self, source: &str) {
        let path = Path::new(source);
        if !path.is_dir() && self.brought(source) {
            return;
        }
        if source.contains(',') && !path.exists() {
            self.host_list(source);
            return;
        }
        if !path.exists() {
            let message = format!(
                "Unable to parse {source} as an inventory source: there is no such file or folder"
            );
            let hint = if source.contains(char::is_whitespace) {
                "give several sources with several -i"
            } else {
                "a list of hosts has a comma in it: `-i host,`"
            };
            self.diagnostics.push(Diagnostic::placeless(codes::UNREADABLE, message).hint(hint));
            return;
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        if path.is_dir() {
            self.inventory.folders.push(path.clone());
            self.folder(&path);
        } else {
            let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
            if !self.inventory.folders.contains(&folder) {
                self.inventory.folders.push(folder);
            }
            self.file(&path);
        }
    }

    /// Whether a plugin of the user's that is enabled by name reads a source.
    fn brought(&mut self, source: &str) -> bool {
        let Some(plugins) = self.settings.plugins.clone() else { return false };
        let path = std::path::absolute(source).unwrap_or_else(|_| source.into());
        self.inventory.reading = Some(path.display().to_string().into());
        for name in &self.settings.enabled {
            let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
            if KNOWN.contains(&short) {
                continue;
            }
            let reading = plugins.read(name, source, self.inventory);
            if brought::take(reading, name, source, self.engine, self.inventory, self.diagnostics) {
                return true;
            }
        }
        false
    }

    fn is_enabled(&self, kind: &str) -> bool {
        self.settings
            .enabled
            .iter()
            .any(|name| name.strip_prefix("ansible.builtin.").unwrap_or(name) == kind)
    }

    fn not_enabled(&mut self, path: &Path, kind: &str) {
        let message = format!(
            "Unable to parse {} as an inventory source: the plugin '{kind}' that would read it is \
             not enabled",
            path.display()
        );
        self.diagnostics.push(Diagnostic::placeless(codes::NOT_YET, message).hint(format!(
            "name it in enable_plugins, where there is: {}",
            self.settings.enabled.join(", ")
        )));
    }

    /// Names with commas between them. Ranges are written out by `advanced_host_list` alone.
    fn host_list(&mut self, source: &str) {
        self.inventory.reading = Some(source.into());
        let takes_ranges = self.is_enabled("advanced_host_list");
        if !takes_ranges && !self.is_enabled("host_list") {
            self.not_enabled(Path::new(source), "host_list");
            return;
        }
        for name in source.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let (host, port) = host_range::split_port(name);
            let hosts = match host_range::expand(host) {
                Ok(hosts) if takes_ranges => hosts,
                Err(error @ RangeError::Number(_)) if takes_ranges => {
                    let message = format!(
                        "Failed to parse {source} with advanced_host_list plugin: Invalid data \
                         from string, could not be parsed: {error}"
                    );
                    self.diagnostics.push(Diagnostic::placeless(codes::LINE, message));
                    continue;
                }
                Err(error) if takes_ranges => {
                    let message = format!(
                        "Unable to parse address from hostname, leaving unchanged: {error}"
                    );
                    let mut diagnostic = Diagnostic::placeless(codes::LINE, message);
                    diagnostic.severity = Severity::Warning;
                    self.diagnostics.push(diagnostic);
                    vec![host.to_owned()]
                }
                _ => vec![host.to_owned()],
            };
            for host in hosts {
                self.inventory.add_host_to_group(&host, "ungrouped");
                if let Some(port) = port {
                    let port = Tree::Value(template::Value::Int(i64::from(port)));
                    self.inventory.add_host(&host).vars.insert("ansible_port".into(), port);
                }
            }
        }
    }

    fn folder(&mut self, path: &Path) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("cannot read the folder {}: {error}", path.display());
                self.diagnostics.push(Diagnostic::placeless(codes::UNREADABLE, message));
                return;
            }
        };
        let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
        paths.sort();
        if paths.is_empty() {
            let message = format!("Unable to parse {} as an inventory source", path.display());
            let mut diagnostic = Diagnostic::placeless(codes::UNREADABLE, message);
            diagnostic.severity = Severity::Warning;
            self.diagnostics.push(diagnostic.hint("the folder is empty"));
        }
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_ignored = name.starts_with('.')
                || matches!(name.as_str(), "group_vars" | "host_vars" | "vars_plugins")
                || self.settings.ignored_endings.iter().any(|ending| name.ends_with(ending))
                || self.settings.ignored_patterns.iter().any(|pattern| {
                    pyregex::Pattern::new(pattern, pyregex::Flags::default())
                        .is_ok_and(|regex| matches!(regex.search(&name), Ok(Some(_))))
                });
            if is_ignored {
                continue;
            }
            if path.is_dir() {
                self.folder(&path);
            } else {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.inventory.reading = Some(path.display().to_string().into());
        if script::is_script(path) && self.is_enabled("script") {
            match script::run(path, &self.settings.environment) {
                Ok(json) => {
                    script::read(&json, path, self.engine, self.inventory, self.diagnostics)
                }
                Err(why) => {
                    let message = format!("inventory script {} failed: {why}", path.display());
                    self.diagnostics.push(Diagnostic::placeless(codes::SCRIPT, message));
                }
            }
            return;
        }
        let file = match (self.read)(path) {
            Ok(file) => file,
            Err(why) => {
                let message = format!("cannot read {}: {why}", path.display());
                self.diagnostics.push(Diagnostic::placeless(codes::UNREADABLE, message));
                return;
            }
        };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yml" | "yaml" | "json" | "config") => self.yaml(&file),
            Some("toml") if self.is_enabled("toml") => {
                toml::read(&file, self.engine, self.inventory, self.diagnostics);
            }
            _ if looks_like_yaml(&file.text) => self.yaml(&file),
            _ if self.is_enabled("ini") => {
                ini::read(&file, self.engine, self.inventory, self.diagnostics);
            }
            Some("toml") => self.not_enabled(path, "toml"),
            _ => self.not_enabled(path, "ini"),
        }
    }

    fn yaml(&mut self, file: &Arc<SourceFile>) {
        let known = self.diagnostics.all.len();
        let Some(node) = source::yaml::parse(file, self.diagnostics) else {
            // A file without anything is INI as well, and that without an error.
            if self.diagnostics.all.len() == known && !self.is_enabled("ini") {
                let message = format!(
                    "Unable to parse {} as an inventory source: it is empty",
                    file.path.display()
                );
                self.diagnostics.push(Diagnostic::placeless(codes::UNREADABLE, message));
            }
            return;
        };
        if let Some(plugin) = node.as_mapping().and_then(|mapping| mapping.get("plugin")) {
            let name = plugin.as_str().unwrap_or("").to_owned();
            self.plugin(&name, plugin, &node);
            return;
        }
        if !self.is_enabled("yaml") {
            self.not_enabled(&file.path.clone(), "yaml");
            return;
        }
        yaml::read(&node, self.engine, self.inventory, self.diagnostics);
    }

    /// A file that says which plugin reads it.
    fn plugin(&mut self, name: &str, place: &Node, node: &Node) {
        let short = name.strip_prefix("ansible.builtin.").unwrap_or(name);
        if matches!(short, "constructed" | "generator")
            && !self.is_enabled("auto")
            && !self.is_enabled(short)
        {
            self.not_enabled(&node.span.file.path.clone(), short);
            return;
        }
        let scope = self.settings.scope.clone().unwrap_or_else(|| {
            Scope::new(Arc::new(Engine::new()), Arc::new(Surroundings::default()))
        });
        match short {
            "constructed" => {
                let (engine, read) = (self.engine, self.read);
                let files = |inventory: &Inventory,
                             host: &HostName,
                             diagnostics: &mut Diagnostics| {
                    let (mut of_groups, mut of_host) = (Vars::new(), Vars::new());
                    let mut found = Diagnostics::default();
                    for folder in &inventory.folders {
                        for group in inventory.groups_of(host.as_str()) {
                            let kind = vars_files::VarsFolder::Group;
                            let name = group.as_str();
                            of_groups.extend(vars_files::read(
                                folder, kind, name, engine, read, &mut found,
                            ));
                        }
                        let kind = vars_files::VarsFolder::Host;
                        let name = host.as_str();
                        of_host
                            .extend(vars_files::read(folder, kind, name, engine, read, &mut found));
                    }
                    // What roles bring is known later.
                    found.all.retain(|diagnostic| !Tree::is_awaited(diagnostic));
                    diagnostics.all.extend(found.all);
                    (of_groups, of_host)
                };
                let surroundings = constructed::Surroundings {
                    scope: &scope,
                    extra: self.settings.extra.clone(),
                    files: &files,
                    uses_extra: self.settings.uses_extra,
                };
                constructed::apply(node, self.inventory, &surroundings, self.diagnostics);
            }
            "generator" => generator::apply(node, self.inventory, &scope, self.diagnostics),
            _ => {
                let source = place.span.file.path.display().to_string();
                let reading = match &self.settings.plugins {
                    Some(plugins) if self.is_enabled("auto") || self.is_enabled(name) => {
                        plugins.read(name, &source, self.inventory)
                    }
                    _ => Reading::Unknown,
                };
                let reading = match reading {
                    Reading::NotMine => Reading::Failed(format!(
                        "inventory source '{source}' could not be verified by inventory plugin \
                         '{name}'"
                    )),
                    other => other,
                };
                if brought::take(
                    reading,
                    name,
                    &source,
                    self.engine,
                    self.inventory,
                    self.diagnostics,
                ) {
                    return;
                }
                let message = format!(
                    "inventory config specifies unknown plugin '{name}': it is not there yet"
                );
                self.diagnostics.push(
                    Diagnostic::error(codes::NOT_YET, &place.span, message).hint(
                        "write its output to a file: ansible-inventory -i … --list > hosts.json",
                    ),
                );
            }
        }
    }
}

/// A file without an extension that starts as YAML documents or JSON do.
fn looks_like_yaml(text: &str) -> bool {
    text.lines()
        .map(str::trim_end)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| {
            line == "---"
                || line.starts_with("--- ")
                || line == "{"
                || (line.ends_with(':') && !line.contains(['[', ' ']))
        })
}

/// Sets a variable of a group; `ansible_group_priority` is no variable but the group's own.
pub fn set_group_var(group: &mut Group, name: &str, tree: Tree) {
    if name == "ansible_group_priority" {
        if let Some(priority) = tree.literal().and_then(|value| value.as_int()) {
            group.priority = priority;
        }
        return;
    }
    group.vars.insert(name.into(), tree);
}

#[cfg(test)]
mod tests;
