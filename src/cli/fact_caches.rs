//! Where facts are kept between runs: a folder of JSON, or a cache plugin in Python.

use std::sync::Arc;

use inventory::HostName;
use protocol::JsonMap;
use run::fact_cache::{FactCache, KeepFacts};
use template::Scope;

use crate::{Failed, session::Session};

/// Where facts are kept between runs, if they are.
///
/// # Errors
/// A setting that is wrong, or a cache that is not there or cannot be started.
pub fn of(session: &Session) -> Result<Option<Arc<dyn KeepFacts>>, Failed> {
    const DAY_SECS: u64 = 86400;
    let settings = &session.settings;
    match settings.get("CACHE_PLUGIN").as_deref() {
        None | Some("memory" | "ansible.builtin.memory") => return Ok(None),
        Some("jsonfile" | "ansible.builtin.jsonfile") => {}
        Some(other) => {
            return match in_python(session, other)? {
                Some(cache) => Ok(Some(cache)),
                None => Err(Failed::option(format!(
                    "fact_caching is '{other}', which is not there (there are memory and \
                     jsonfile, and no cache plugin has that name)"
                ))),
            };
        }
    }
    let Some(folder) = settings.path("CACHE_PLUGIN_CONNECTION") else {
        return Err(Failed::option(
            "error, 'jsonfile' cache plugin requires the 'fact_caching_connection' config option to be set (to a writeable directory path)",
        ));
    };
    Ok(Some(Arc::new(FactCache {
        folder,
        prefix: settings.get("CACHE_PLUGIN_PREFIX").unwrap_or_default(),
        timeout_secs: settings.number("CACHE_PLUGIN_TIMEOUT")?.unwrap_or(DAY_SECS),
    })))
}

/// A cache of facts in Python.
struct Facts(plugins::PythonCache);

impl KeepFacts for Facts {
    fn read(&self, host: &HostName) -> Option<JsonMap> {
        self.0.read(host.as_str()).unwrap_or_else(|why| {
            eprintln!("[WARNING]: the cached facts of {host} cannot be read: {why}");
            None
        })
    }

    fn write(&self, host: &HostName, facts: &JsonMap) -> std::io::Result<()> {
        self.0.write(host.as_str(), facts).map_err(|why| {
            eprintln!("[WARNING]: the facts of {host} cannot be kept: {why}");
            std::io::Error::other(why)
        })
    }

    fn remove(&self, host: &HostName) {
        if let Err(why) = self.0.remove(host.as_str()) {
            eprintln!("[WARNING]: the cached facts of {host} cannot be removed: {why}");
        }
    }
}

/// The cache of facts of that name in Python, if there is one.
///
/// # Errors
/// It cannot be started.
fn in_python(session: &Session, name: &str) -> Result<Option<Arc<dyn KeepFacts>>, Failed> {
    let scope = Scope::new(Arc::clone(&session.engine), Arc::clone(&session.surroundings));
    let started = plugins::PythonCache::start(Arc::clone(&session.plugins), scope, name);
    let cache = started.map_err(Failed::general)?;
    Ok(cache.map(|cache| Arc::new(Facts(cache)) as Arc<dyn KeepFacts>))
}
