//! Settings of plugins, as their documentation declares them.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use template::{Engine, Scope, Surroundings, Value, surroundings::Configured};

use crate::{
    answers::{Both, InTemplate},
    interpreter::{Answers, CallError},
    jinja::{Of, PythonPlugins, place},
    wire::{Objects, VARIABLES, quoted},
};

/// Kinds of plugins whose files are found.
const KINDS: &[&str] =
    &["action", "cache", "callback", "connection", "filter", "inventory", "lookup", "test", "vars"];

/// What a plugin says of one of its options.
pub enum OfPlugin {
    /// No plugin of that kind and name is there.
    NoPlugin,
    /// It declares no option of that name.
    NoOption,
    Set(Configured),
}

impl PythonPlugins {
    /// What an option of a plugin is: variables, the environment, the settings' file and the default
    /// say so, in that order. `variable` gives the variables of the task.
    ///
    /// # Errors
    /// In words: the value is wrong, the documentation is, or there is no interpreter.
    pub fn setting(
        &self,
        kind: &str,
        plugin: &str,
        option: &str,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<OfPlugin, String> {
        let Some(kind) = KINDS.iter().find(|known| **known == kind) else {
            return Ok(OfPlugin::NoPlugin);
        };
        let name = plugin.strip_prefix("ansible.legacy.").unwrap_or(plugin);
        let Some((file, dotted)) = self.file(kind, name) else { return Ok(OfPlugin::NoPlugin) };
        let short = name.rsplit('.').next().unwrap_or(name);
        let mut request = r#"{"do":"settings.find","kind":"#.to_owned();
        quoted(&mut request, kind);
        place(&mut request, &file.path, dotted.as_deref());
        for (key, text) in [("plugin", short), ("option", option)] {
            request.push_str(&format!(r#","{key}":"#));
            quoted(&mut request, text);
        }
        request.push('}');
        let objects = &self.python.objects;
        // What is asked for besides variables is no template of anybody's.
        let scope = Scope::new(Arc::new(Engine::new()), Arc::new(Surroundings::default()));
        let own = OfTask { variable, objects };
        let answers = Both { own: &own, others: InTemplate { scope: &scope, objects } };
        let of = Of { what: "the settings of", name: plugin, file: &file.path };
        match self.python.call(&request, &of, &answers) {
            Ok(Json::Null) => Ok(OfPlugin::NoOption),
            Ok(found) => {
                let parts = objects.decode(&found).elements().unwrap_or_default();
                let mut parts = parts.into_iter();
                let value = parts.next().unwrap_or_default();
                let origin = parts.next().map(|origin| origin.to_string()).unwrap_or_default();
                Ok(OfPlugin::Set(Configured { value, origin }))
            }
            Err(CallError::Raised(raised)) if raised.is("AnsibleError") => Err(raised.message),
            Err(error) => Err(format!("{error} ({of})")),
        }
    }
}

/// Answers with the variables of a task.
struct OfTask<'a> {
    variable: &'a dyn Fn(&str) -> Option<Value>,
    objects: &'a Objects,
}

impl Answers for OfTask<'_> {
    fn answer(&self, what: &str, said: &Json) -> Option<Json> {
        // Variables come rendered, and what they hold is no template any more.
        if what == "template" {
            return Some(json!({ "value": said.get("value") }));
        }
        if said.get("of").and_then(Json::as_u64) != Some(VARIABLES) {
            return None;
        }
        let key = self.objects.decode(said.get("key").unwrap_or(&Json::Null));
        let found = key.as_str().and_then(|name| (self.variable)(name));
        match what {
            "has" => Some(json!({ "value": found.is_some() })),
            "item" => Some(match found {
                Some(value) => json!({ "value": self.objects.json(&value) }),
                None => json!({}),
            }),
            _ => None,
        }
    }
}
