//! Plugins in Python: which interpreter runs them, and where they are.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use inventory::{Vars, vars_files::VarsFolder};
use playbook::collections::Collections;
use plugins::{Python, PythonPlugins, PythonVars, Setup};
use template::Scope;

use crate::{Failed, python_library, python_packages, session::Session, settings::Settings};

/// Names the interpreter, as a path or as a name to look for in `PATH`.
pub const PROGRAM: &str = "TRUEUP_PYTHON";

/// How long one call of a plugin may take, in seconds.
const TIMEOUT: &str = "TRUEUP_PYTHON_TIMEOUT";

/// What [`TIMEOUT`] is where nothing says otherwise: clouds may take their time.
const TIMEOUT_SECS: u64 = 600;

/// Settings that name folders of plugins.
const FOLDERS: &[(&str, &str)] = &[
    ("action", "DEFAULT_ACTION_PLUGIN_PATH"),
    ("cache", "DEFAULT_CACHE_PLUGIN_PATH"),
    ("callback", "DEFAULT_CALLBACK_PLUGIN_PATH"),
    ("connection", "DEFAULT_CONNECTION_PLUGIN_PATH"),
    ("filter", "DEFAULT_FILTER_PLUGIN_PATH"),
    ("test", "DEFAULT_TEST_PLUGIN_PATH"),
    ("lookup", "DEFAULT_LOOKUP_PLUGIN_PATH"),
    ("inventory", "DEFAULT_INVENTORY_PLUGIN_PATH"),
    ("vars", "DEFAULT_VARS_PLUGIN_PATH"),
];

/// Filters, tests and lookups of users. Nothing is started or read yet.
///
/// # Errors
/// The environment names no length of time.
pub fn of(
    settings: &Settings,
    collections: &Collections,
    playbooks: &[PathBuf],
) -> Result<PythonPlugins, Failed> {
    let configured: HashMap<_, _> = FOLDERS
        .iter()
        .map(|(kind, setting)| {
            let named = settings.paths(setting);
            (*kind, named.unwrap_or_else(|| folders(settings, kind)))
        })
        .collect();
    let found_in = collections.clone();
    let plugins = PythonPlugins::new(Setup {
        python: Arc::new(python(settings, collections, playbooks)?),
        configured,
        collection: Arc::new(move |name| found_in.folder(name)),
    });
    // Inventories are read before playbooks.
    for folder in playbooks {
        plugins.add_folder(folder);
    }
    Ok(plugins)
}

/// Reads what vars plugins have for a host or group beside a folder; says what is wrong.
type BroughtVars = Box<dyn Fn(&Path, VarsFolder, &str) -> Result<Vars, String> + Send + Sync>;

/// What vars plugins of users have, which goes over what stands in files.
pub fn vars(session: &Session) -> BroughtVars {
    let scope = Scope::new(Arc::clone(&session.engine), Arc::clone(&session.surroundings));
    let enabled = session.settings.list("VARIABLE_PLUGINS_ENABLED").unwrap_or_default();
    let plugins = PythonVars::new(Arc::clone(&session.plugins), scope, enabled);
    Box::new(move |folder, kind, name| plugins.read(folder, kind, name))
}

/// Where collections are: beside the playbooks, then where the settings say, then where Python's
/// package `ansible` brings them.
pub fn collections(settings: &Settings, playbooks: &[PathBuf]) -> Collections {
    let beside = playbooks.iter().map(|folder| folder.join("collections"));
    let configured = settings.paths("COLLECTIONS_PATHS").unwrap_or_else(|| {
        vec![
            settings.home.join(".ansible/collections"),
            PathBuf::from("/usr/share/ansible/collections"),
        ]
    });
    let scans = settings.flag("COLLECTIONS_SCAN_SYS_PATH").ok().flatten().unwrap_or(true);
    let brought = if scans { python_packages::with_collections(settings) } else { Vec::new() };
    Collections { paths: beside.chain(configured).chain(brought).collect() }
}

/// The folders of a kind of plugins or modules where no setting names others.
pub fn folders(settings: &Settings, kind: &str) -> Vec<PathBuf> {
    let places = [settings.home.join(".ansible"), PathBuf::from("/usr/share/ansible")];
    places.iter().map(|place| place.join("plugins").join(kind)).collect()
}

fn python(
    settings: &Settings,
    collections: &Collections,
    playbooks: &[PathBuf],
) -> Result<Python, Failed> {
    let environment = &settings.environment;
    let timeout_secs = match environment.get(TIMEOUT) {
        None => TIMEOUT_SECS,
        Some(text) => text.parse().ok().filter(|secs| *secs > 0).ok_or_else(|| {
            Failed::option(format!("{TIMEOUT} is '{text}': it is a number of seconds"))
        })?,
    };
    let texts = |paths: &mut dyn Iterator<Item = PathBuf>| -> Vec<serde_json::Value> {
        paths.map(|path| path.display().to_string().into()).collect()
    };
    // A path may end in the folder of collections, or hold it.
    let roots = collections.paths.iter().map(|path| match path.ends_with("ansible_collections") {
        true => path.parent().unwrap_or(path).to_owned(),
        false => path.clone(),
    });
    let mut hello = serde_json::Map::new();
    hello.insert("do".into(), "hello".into());
    hello.insert("collections".into(), texts(&mut roots.into_iter()).into());
    let folder = playbooks.first().cloned().unwrap_or_else(|| settings.current_folder.clone());
    hello.insert("folder".into(), folder.display().to_string().into());
    if let Ok(Some((path, _))) = settings.text_of_file() {
        hello.insert("configuration".into(), path.display().to_string().into());
    }
    Ok(Python::new(
        environment.get(PROGRAM).cloned().unwrap_or_else(|| "python3".into()),
        environment.get("PATH").cloned().unwrap_or_default(),
        settings.current_folder.clone(),
        Duration::from_secs(timeout_secs),
        hello,
        library,
    ))
}

/// What plugins import: the part for the controller, then what modules import on hosts.
fn library(path: &str) -> Option<&'static str> {
    plugins::library(path).or_else(|| python_library::text(path))
}
