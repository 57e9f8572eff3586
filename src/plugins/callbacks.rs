//! Callback plugins: which of them there are, and their calls.

use std::{path::PathBuf, sync::Arc};

use serde_json::{Value as Json, json};
use template::{Scope, Value};

use crate::{
    answers::{Both, InTemplate},
    folders::PluginFile,
    interpreter::{Answers, CallError},
    jinja::{Of, PythonPlugins},
};

/// The class attributes by which a callback says that it wants to be named in the settings.
const NEEDS: [&str; 2] = ["CALLBACK_NEEDS_ENABLED", "CALLBACK_NEEDS_WHITELIST"];

/// A file of a callback plugin.
#[derive(Clone, Debug)]
pub struct Callback {
    /// The name that it was asked for by, or that of its file.
    pub name: String,
    pub path: PathBuf,
    /// The name that it is imported by, if it is of a collection.
    module: Option<String>,
    /// Whether settings name it.
    is_named: bool,
}

impl Callback {
    /// Whether it is a collection's.
    pub fn is_of_collection(&self) -> bool {
        self.module.is_some()
    }

    fn said(&self) -> Json {
        json!({
            "name": self.name,
            "path": self.path.display().to_string(),
            "module": self.module,
            "named": self.is_named,
        })
    }
}

/// The callbacks of one run.
#[derive(Clone, Debug, Default)]
pub struct Callbacks {
    /// The one that is the screen.
    pub screen: Option<Callback>,
    pub beside: Vec<Callback>,
    /// Names that settings name.
    pub enabled: Vec<String>,
}

impl Callbacks {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.screen.is_none() && self.beside.is_empty()
    }
}

impl PythonPlugins {
    /// The callback of a name, with or without its collection.
    pub fn callback(&self, name: &str) -> Option<Callback> {
        let (file, module) = self.file("callback", name)?;
        Some(Callback { name: name.to_owned(), path: file.path.clone(), module, is_named: true })
    }

    /// The callbacks beside playbooks, in roles and in the folders of the settings that take part
    /// as far as their text tells, the first of each name. Nothing is started.
    pub fn callbacks(&self, enabled: &[String]) -> Vec<Callback> {
        let mut found: Vec<Callback> = Vec::new();
        for file in self.files("callback").iter() {
            let name = file.stem();
            let is_named = enabled.iter().any(|other| other == name);
            let is_known = found.iter().any(|other| other.name == name);
            if !is_known && (is_named || !stays_out(file)) {
                let (name, path) = (name.to_owned(), file.path.clone());
                found.push(Callback { name, path, module: None, is_named });
            }
        }
        found
    }
}

/// Whether a file says in so many words that it waits to be named, or that it is a screen.
fn stays_out(file: &PluginFile) -> bool {
    let Ok(text) = std::fs::read_to_string(&file.path) else { return false };
    text.lines().any(|line| {
        let Some((name, value)) = line.split_once('=') else { return false };
        match value.trim() {
            "True" => NEEDS.contains(&name.trim()),
            "'stdout'" | "\"stdout\"" => name.trim() == "CALLBACK_TYPE",
            _ => false,
        }
    })
}

/// Callbacks that have been loaded.
pub struct PythonCallbacks {
    plugins: Arc<PythonPlugins>,
    /// What templates that plugins hand over see.
    scope: Scope,
}

impl PythonCallbacks {
    /// Loads callbacks. `said` is what they are told of the run as a whole; `answers` has what they
    /// ask for besides what templates may.
    ///
    /// # Errors
    /// In words: the one of the screen cannot be loaded, or there is no interpreter.
    pub fn load(
        plugins: Arc<PythonPlugins>,
        scope: Scope,
        callbacks: &Callbacks,
        mut said: serde_json::Map<String, Json>,
        answers: &dyn Answers,
    ) -> Result<Self, String> {
        let loaded = Self { plugins, scope };
        said.insert("do".into(), "callbacks.load".into());
        said.insert("stdout".into(), callbacks.screen.as_ref().map(Callback::said).into());
        let beside: Vec<Json> = callbacks.beside.iter().map(Callback::said).collect();
        said.insert("beside".into(), beside.into());
        said.insert("enabled".into(), callbacks.enabled.clone().into());
        let file = callbacks.screen.iter().chain(&callbacks.beside).next();
        let path = file.map(|file| file.path.clone()).unwrap_or_default();
        let name = file.map(|file| file.name.as_str()).unwrap_or_default();
        loaded.call(Json::Object(said), &Of { what: "callback", name, file: &path }, answers)?;
        Ok(loaded)
    }

    /// Tells all of them of an event: `on`, and what that one says.
    ///
    /// # Errors
    /// In words: the interpreter has ended.
    pub fn tell(&self, mut event: Json, answers: &dyn Answers) -> Result<(), String> {
        if let Some(event) = event.as_object_mut() {
            event.insert("do".into(), "callbacks.tell".into());
        }
        self.call(event, &"a callback", answers)
    }

    /// Lets them end what they have begun.
    ///
    /// # Errors
    /// As [`PythonCallbacks::tell`].
    pub fn end(&self, answers: &dyn Answers) -> Result<(), String> {
        self.call(json!({ "do": "callbacks.end" }), &"a callback", answers)
    }

    /// A value as it travels.
    pub fn json(&self, value: &Value) -> Json {
        self.plugins.python.objects.json(value)
    }

    /// A value that has travelled.
    pub fn value(&self, sent: &Json) -> Value {
        self.plugins.python.objects.decode(sent)
    }

    fn call(
        &self,
        request: Json,
        of: &dyn std::fmt::Display,
        answers: &dyn Answers,
    ) -> Result<(), String> {
        let objects = &self.plugins.python.objects;
        let both = Both { own: answers, others: InTemplate { scope: &self.scope, objects } };
        match self.plugins.python.call(&request.to_string(), of, &both) {
            Ok(_) => Ok(()),
            Err(CallError::Raised(raised)) if raised.is("AnsibleError") => Err(raised.message),
            Err(error @ CallError::Raised(_)) => Err(format!("{of}: {error}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folders::Folders;

    #[test]
    fn files_that_wait_to_be_named_stay_out() {
        let root = std::env::temp_dir().join(format!("trueup-callbacks-{}", std::process::id()));
        let folder = root.join("callback_plugins");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text, expected) in [
            ("plain", "class CallbackModule:\n    pass\n", false),
            ("named", "class CallbackModule:\n    CALLBACK_NEEDS_ENABLED = True\n", true),
            ("old", "class CallbackModule:\n    CALLBACK_NEEDS_WHITELIST=True\n", true),
            ("not", "class CallbackModule:\n    CALLBACK_NEEDS_ENABLED = False\n", false),
            ("screen", "class CallbackModule:\n    CALLBACK_TYPE = 'stdout'\n", true),
            ("beside", "class CallbackModule:\n    CALLBACK_TYPE = 'aggregate'\n", false),
        ] {
            std::fs::write(folder.join(format!("{name}.py")), text).unwrap();
            let folders = Folders::default();
            folders.add(&root);
            let files = folders.files("callback");
            let file = files.iter().find(|file| file.stem() == name).unwrap();
            assert_eq!(stays_out(file), expected, "{name}");
        }
        std::fs::remove_dir_all(root).unwrap();
    }
}
