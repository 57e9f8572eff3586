//! Cache plugins: facts of hosts between runs.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Map, Value as Json, json};
use template::{Scope, Value};

use crate::{
    answers::InTemplate,
    interpreter::CallError,
    jinja::{Of, PythonPlugins},
};

/// A cache of facts that a plugin keeps.
pub struct PythonCache {
    plugins: Arc<PythonPlugins>,
    /// What its options may ask for.
    scope: Scope,
    name: String,
    path: PathBuf,
    module: Option<String>,
}

impl PythonCache {
    /// The cache of a name, started; `None` where there is no plugin of that name.
    ///
    /// # Errors
    /// In words: it cannot be started, for lack of an option or of what it imports.
    pub fn start(
        plugins: Arc<PythonPlugins>,
        scope: Scope,
        name: &str,
    ) -> Result<Option<Self>, String> {
        let Some((file, module)) = plugins.file("cache", name) else { return Ok(None) };
        let (name, path) = (name.to_owned(), file.path.clone());
        let cache = Self { plugins, scope, name, path, module };
        cache.call("start", json!({}))?;
        Ok(Some(cache))
    }

    /// The facts of a host; `None` where there are none that count.
    ///
    /// # Errors
    /// In words: what the plugin raised.
    pub fn read(&self, host: &str) -> Result<Option<Map<String, Json>>, String> {
        let found = self.call("read", json!({ "host": host }))?;
        if found.is_null() {
            return Ok(None);
        }
        match self.plugins.python.objects.decode(&found).to_json() {
            Ok(Json::Object(facts)) => Ok(Some(facts)),
            Ok(_) => Err(format!("the cache {} has no dictionary for {host}", self.name)),
            Err(error) => Err(error.message().to_owned()),
        }
    }

    /// Keeps the facts of a host.
    ///
    /// # Errors
    /// In words: what the plugin raised.
    pub fn write(&self, host: &str, facts: &Map<String, Json>) -> Result<(), String> {
        let facts = Value::from_json(&Json::Object(facts.clone()));
        let facts = self.plugins.python.objects.json(&facts);
        self.call("write", json!({ "host": host, "facts": facts })).map(|_| ())
    }

    /// Forgets the facts of a host.
    ///
    /// # Errors
    /// In words: what the plugin raised.
    pub fn remove(&self, host: &str) -> Result<(), String> {
        self.call("remove", json!({ "host": host })).map(|_| ())
    }

    fn call(&self, verb: &str, mut request: Json) -> Result<Json, String> {
        if let Some(request) = request.as_object_mut() {
            request.insert("do".into(), format!("caches.{verb}").into());
            request.insert("name".into(), self.name.clone().into());
            request.insert("path".into(), self.path.display().to_string().into());
            request.insert("module".into(), self.module.clone().into());
        }
        let of = Of { what: "cache plugin", name: &self.name, file: &self.path };
        let python = &self.plugins.python;
        let answers = InTemplate { scope: &self.scope, objects: &python.objects };
        python.call(&request.to_string(), &of, &answers).map_err(|error| match error {
            CallError::Raised(raised) if raised.is("AnsibleError") => raised.message,
            error @ CallError::Raised(_) => format!("{error} ({of})"),
            error @ CallError::Gone(_) => error.to_string(),
        })
    }
}
