//! Finds filters, tests and lookups of users, and calls filters and tests.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use template::{
    Arguments, ErrorKind, Result, Scope, TemplateError, Value,
    brought::{Native, Plugin, PluginKind, Plugins},
};

use crate::{
    actions::Interpreters,
    answers::{InTemplate, while_loading},
    connections::ConnectionInterpreters,
    folders::{Files, Folders, PluginFile},
    interpreter::{CallError, Python, Raised},
    redirects::{self, Routed},
    wire::quoted,
};

/// How many names may lead to another.
const REDIRECTS_MAX: usize = 16;

/// Finds the folder of a collection such as `community.general`.
type FolderOf = Arc<dyn Fn(&str) -> Option<PathBuf> + Send + Sync>;

/// What plugins are found with.
pub struct Setup {
    pub python: Arc<Python>,
    /// Folders of the settings by kind: `filter`, `test`, `lookup`.
    pub configured: HashMap<&'static str, Vec<PathBuf>>,
    pub collection: FolderOf,
}

/// Filters, tests and lookups in Python.
pub struct PythonPlugins {
    pub(crate) python: Arc<Python>,
    pub(crate) actions: Arc<Interpreters>,
    pub(crate) connections: Arc<ConnectionInterpreters>,
    folders: Folders,
    collection: FolderOf,
    /// Files that could not be loaded, of which a warning was given.
    told: Mutex<Vec<PathBuf>>,
}

impl PythonPlugins {
    /// Knows the folders of the settings; those of playbooks and roles are added as they are met.
    pub fn new(setup: Setup) -> Self {
        Self {
            actions: Arc::new(Interpreters::new(Arc::clone(&setup.python))),
            connections: Arc::new(ConnectionInterpreters::new(Arc::clone(&setup.python))),
            python: setup.python,
            folders: Folders::new(setup.configured),
            collection: setup.collection,
            told: Mutex::default(),
        }
    }

    /// Says that the folder of a playbook or role may hold `filter_plugins` and its like.
    pub fn add_folder(&self, folder: &Path) {
        self.folders.add(folder);
    }

    /// The files of a kind beside playbooks, in roles and in the folders of the settings.
    pub(crate) fn files(&self, kind: &'static str) -> Files {
        self.folders.files(kind)
    }

    fn in_folders(
        &self,
        kind: PluginKind,
        name: &str,
        native: Native,
    ) -> Result<Option<Arc<dyn Plugin>>> {
        let files = self.folders.files(kind.word());
        if kind == PluginKind::Lookup {
            let file = files.iter().find(|file| file.stem() == name);
            return Ok(file.map(|file| self.made(kind, name, file, None)));
        }
        let (likely, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.quotes(name));
        for file in likely {
            if self.names(kind, file, None)?.iter().any(|known| known == name) {
                return Ok(Some(self.made(kind, name, file, None)));
            }
        }
        if native == Native::There {
            return Ok(None);
        }
        for file in others {
            if self.names(kind, file, None)?.iter().any(|known| known == name) {
                return Ok(Some(self.made(kind, name, file, None)));
            }
        }
        Ok(None)
    }

    /// A plugin of a collection, by full name; names may lead to others.
    fn in_collection(
        &self,
        kind: PluginKind,
        full: &str,
        asked: &str,
    ) -> Result<Option<Arc<dyn Plugin>>> {
        let mut full = full.to_owned();
        for _ in 0..REDIRECTS_MAX {
            let mut parts = full.splitn(3, '.');
            let (Some(namespace), Some(collection), Some(name)) =
                (parts.next(), parts.next(), parts.next())
            else {
                return Ok(None);
            };
            let collection = format!("{namespace}.{collection}");
            let Some(folder) = (self.collection)(&collection) else { return Ok(None) };
            match redirects::of_collection(&folder, kind.word(), name) {
                Some(Routed::To(other)) => {
                    full = other;
                    continue;
                }
                Some(Routed::Gone(why)) => {
                    return Err(TemplateError::new(ErrorKind::UnknownName, why));
                }
                None => {}
            }
            return self.of_folder(kind, &folder, &collection, name, asked);
        }
        Ok(None)
    }

    fn of_folder(
        &self,
        kind: PluginKind,
        folder: &Path,
        collection: &str,
        name: &str,
        asked: &str,
    ) -> Result<Option<Arc<dyn Plugin>>> {
        let (below, short) = match name.rsplit_once('.') {
            Some((below, short)) => (below.replace('.', "/"), short),
            None => (String::new(), name),
        };
        let folder = folder.join("plugins").join(kind.word()).join(&below);
        let files = self.folders.of_folder(&folder);
        let dotted = |file: &PluginFile| {
            let mut parts = vec!["ansible_collections", collection, "plugins", kind.word()];
            parts.extend(below.split('/').filter(|part| !part.is_empty()));
            parts.push(file.stem());
            parts.join(".")
        };
        if kind == PluginKind::Lookup {
            let file = files.iter().find(|file| file.stem() == short);
            return Ok(file.map(|file| self.made(kind, asked, file, Some(dotted(file)))));
        }
        // All files are looked into, since the last of those that have the name counts.
        let mut found: Option<Arc<dyn Plugin>> = None;
        for file in files.iter() {
            let dotted = dotted(file);
            if self.names(kind, file, Some(&dotted))?.iter().any(|known| known == short) {
                let mut plugin = self.plugin(kind, asked, file, Some(dotted));
                plugin.known_as = short.to_owned();
                found = Some(Arc::new(plugin));
            }
        }
        Ok(found)
    }

    /// The file of a plugin that is one file, and the name that it is imported by if it is of a
    /// collection.
    pub(crate) fn file(
        &self,
        kind: &'static str,
        name: &str,
    ) -> Option<(Arc<PluginFile>, Option<String>)> {
        let mut full = name.to_owned();
        if !name.contains('.') {
            let files = self.folders.files(kind);
            if let Some(file) = files.iter().find(|file| file.stem() == name) {
                return Some((Arc::clone(file), None));
            }
            full = redirects::of_short_name(kind, name)?;
        }
        for _ in 0..REDIRECTS_MAX {
            let mut parts = full.splitn(3, '.');
            let collection = format!("{}.{}", parts.next()?, parts.next()?);
            let short = parts.next()?;
            let folder = (self.collection)(&collection)?;
            if let Some(Routed::To(other)) = redirects::of_collection(&folder, kind, short) {
                full = other;
                continue;
            }
            let files = self.folders.of_folder(&folder.join("plugins").join(kind));
            let file = files.iter().find(|file| file.stem() == short)?;
            let dotted = format!("ansible_collections.{collection}.plugins.{kind}.{short}");
            return Some((Arc::clone(file), Some(dotted)));
        }
        None
    }

    fn plugin(
        &self,
        kind: PluginKind,
        name: &str,
        file: &Arc<PluginFile>,
        dotted: Option<String>,
    ) -> PythonPlugin {
        let name = name.rsplit('.').next().unwrap_or(name).to_owned();
        PythonPlugin {
            python: Arc::clone(&self.python),
            kind,
            known_as: name.clone(),
            name,
            file: Arc::clone(file),
            dotted,
        }
    }

    fn made(
        &self,
        kind: PluginKind,
        name: &str,
        file: &Arc<PluginFile>,
        dotted: Option<String>,
    ) -> Arc<dyn Plugin> {
        Arc::new(self.plugin(kind, name, file, dotted))
    }

    /// The names that a file has; none where it cannot be loaded, which is warned of once.
    ///
    /// # Errors
    /// There is no interpreter.
    fn names<'f>(
        &self,
        kind: PluginKind,
        file: &'f PluginFile,
        dotted: Option<&str>,
    ) -> Result<&'f [String]> {
        if file.listed.get().is_none() {
            let mut request = r#"{"do":"jinja.list","kind":"#.to_owned();
            quoted(&mut request, kind.word());
            place(&mut request, &file.path, dotted);
            request.push('}');
            let of = Of { what: "the file", name: "", file: &file.path };
            let mut answer = Ok(serde_json::Value::Null);
            while_loading(&self.python.objects, &mut |answers| {
                answer = self.python.call(&request, &of, answers);
            });
            let listed = match answer {
                Ok(names) => Ok(names
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|name| name.as_str().map(ToOwned::to_owned))
                    .collect()),
                Err(CallError::Gone(why)) => {
                    return Err(TemplateError::new(
                        ErrorKind::Unsupported,
                        format!("{} holds plugins in Python: {why}", file.path.display()),
                    ));
                }
                Err(CallError::Raised(raised)) if dotted.is_some() => Err(raised.message),
                Err(error @ CallError::Raised(_)) => Err(error.to_string()),
            };
            let _ = file.listed.set(listed);
        }
        Ok(match file.listed.get() {
            Some(Ok(names)) => names,
            Some(Err(why)) => {
                self.warn_once(&file.path, &match dotted.and_then(short_of_module) {
                    Some(name) => format!(
                        "Skipping {} plugins in {name}'; an error occurred while loading: {why}",
                        kind.word()
                    ),
                    None => {
                        format!("Skipping plugin ({}), cannot load: {why}", file.path.display())
                    }
                });
                &[]
            }
            None => &[],
        })
    }

    fn warn_once(&self, path: &Path, warning: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.iter().any(|known| known == path) {
            told.push(path.to_owned());
            eprintln!("[WARNING]: {warning}");
        }
    }

    /// Files that could not be loaded, for hints beside names that are not found.
    fn broken(&self) -> Option<String> {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let paths: Vec<String> = told.iter().map(|path| path.display().to_string()).collect();
        (!paths.is_empty()).then(|| paths.join(", "))
    }
}

impl Plugins for PythonPlugins {
    fn find(
        &self,
        kind: PluginKind,
        name: &str,
        native: Native,
    ) -> Result<Option<Arc<dyn Plugin>>> {
        if !name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.')) {
            return Ok(None);
        }
        let short = name.strip_prefix("ansible.legacy.").unwrap_or(name);
        if !short.contains('.') {
            if let Some(found) = self.in_folders(kind, short, native)? {
                return Ok(Some(found));
            }
            if native == Native::There {
                return Ok(None);
            }
            if let Some(full) = redirects::of_short_name(kind.word(), short)
                && let Some(found) = self.in_collection(kind, &full, short)?
            {
                return Ok(Some(found));
            }
            return match self.broken() {
                Some(paths) => Err(TemplateError::new(
                    ErrorKind::UnknownName,
                    format!("there is no {} '{name}'", kind.word()),
                )
                .with_hint(format!("what could not be loaded may have it: {paths}"))),
                None => Ok(None),
            };
        }
        if native == Native::There || name.starts_with("ansible.builtin.") {
            return Ok(None);
        }
        self.in_collection(kind, name, name)
    }

    fn places(&self) -> usize {
        self.folders.count()
    }
}

/// The name of a file of plugins in a collection, as Ansible tells of it, from the one that it is
/// imported by.
fn short_of_module(dotted: &str) -> Option<String> {
    let mut parts = dotted.strip_prefix("ansible_collections.")?.split('.');
    let (namespace, collection) = (parts.next()?, parts.next()?);
    let rest: Vec<&str> = parts.skip(2).collect();
    Some(format!("{namespace}.{collection}.{}", rest.join(".")))
}

/// A filter, test or lookup of a file.
pub struct PythonPlugin {
    pub(crate) python: Arc<Python>,
    pub(crate) kind: PluginKind,
    /// The name that it was asked for by.
    pub(crate) name: String,
    /// The name that its file has for it.
    known_as: String,
    pub(crate) file: Arc<PluginFile>,
    /// The name that it is imported by, if it is of a collection.
    pub(crate) dotted: Option<String>,
}

impl fmt::Debug for PythonPlugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.kind.word(), self.name, self.file.path.display())
    }
}

impl PythonPlugin {
    /// Whose call it is, for messages.
    pub(crate) fn of(&self) -> Of<'_> {
        Of { what: self.kind.word(), name: &self.name, file: &self.file.path }
    }
}

impl Plugin for PythonPlugin {
    fn name(&self) -> &str {
        &self.name
    }

    fn call(&self, arguments: Arguments, scope: &Scope) -> Result<Value> {
        let objects = &self.python.objects;
        let mut request = r#"{"do":"jinja.call","kind":"#.to_owned();
        quoted(&mut request, self.kind.word());
        place(&mut request, &self.file.path, self.dotted.as_deref());
        request.push_str(r#","name":"#);
        quoted(&mut request, &self.known_as);
        request.push_str(r#","a":"#);
        objects.encode_all(&arguments.positional, &mut request)?;
        request.push_str(r#","k":"#);
        objects.encode_named(&arguments.keyword, &mut request)?;
        let free = objects.take_free();
        if !free.is_empty() {
            request.push_str(&format!(r#","free":{free:?}"#));
        }
        request.push('}');
        let answers = InTemplate { scope, objects };
        match self.python.call(&request, &self.of(), &answers) {
            Ok(value) => Ok(objects.decode(&value)),
            Err(error) => Err(raised(error, &self.of())),
        }
    }

    fn look_up(&self, arguments: Arguments, scope: &Scope) -> Result<Vec<Value>> {
        crate::lookup::run(self, arguments, scope)
    }
}

/// Writes where a plugin is.
pub fn place(request: &mut String, path: &Path, dotted: Option<&str>) {
    request.push_str(r#","path":"#);
    quoted(request, &path.display().to_string());
    if let Some(dotted) = dotted {
        request.push_str(r#","module":"#);
        quoted(request, dotted);
    }
}

/// Whose call it is.
pub struct Of<'a> {
    pub what: &'a str,
    pub name: &'a str,
    pub file: &'a Path,
}

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            "" => write!(f, "{} {}", self.what, self.file.display()),
            name => write!(f, "the {} '{name}' of {}", self.what, self.file.display()),
        }
    }
}

/// What a plugin raised, as the template's error.
pub fn raised(error: CallError, of: &Of<'_>) -> TemplateError {
    let Raised { bases, message, at } = match error {
        CallError::Gone(why) => return TemplateError::new(ErrorKind::Raised, why),
        CallError::Raised(raised) => raised,
    };
    let is = |class: &str| bases.iter().any(|base| base == class);
    if is("UndefinedError") || is("AnsibleUndefinedVariable") {
        return TemplateError::new(ErrorKind::Undefined, message);
    }
    if is("AnsibleError") {
        return TemplateError::new(ErrorKind::Raised, message);
    }
    let class = bases.first().map_or("Exception", String::as_str);
    let place = at.map(|at| format!(", raised at {at}")).unwrap_or_default();
    let kind = if is("TypeError") { ErrorKind::Type } else { ErrorKind::Value };
    TemplateError::new(kind, format!("{class}: {message} ({of}{place})"))
}
