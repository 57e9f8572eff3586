//! Settings as they are in force: their values by type, and where they come from.

use std::{path::Path, sync::Arc};

use ::plugins::{OfPlugin, PythonPlugins};
use protocol::{Json, JsonMap};
use template::{Value, surroundings};

use super::{Kind, Said, Setting, Settings, SettingsError, catalogue, plugins, setting};

/// A value that is in force.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    pub value: Json,
    /// `default`, `env: NAME`, the path of the configuration file, or `var: NAME`.
    pub origin: String,
}

impl InForce {
    /// Whether anything but the default says it.
    pub fn is_changed(&self) -> bool {
        self.origin != "default"
    }
}

impl Settings {
    /// The value of a setting that is in force.
    ///
    /// # Errors
    /// What is said is of another type, or none of the choices.
    pub fn in_force(&self, setting: &Setting) -> Result<InForce, SettingsError> {
        let Some((text, said)) = self.said(setting) else {
            let value = self.default_of(setting);
            return Ok(InForce { value, origin: "default".into() });
        };
        let (origin, folder) = match (said, &self.file) {
            (Said::Environment(name), _) => (format!("env: {name}"), None),
            (Said::File, Some(file)) => (file.display().to_string(), file.parent()),
            (Said::File, None) => (String::new(), None),
        };
        let value = self.typed(setting, text, folder.unwrap_or(&self.current_folder))?;
        Ok(InForce { value, origin })
    }

    fn default_of(&self, known: &Setting) -> Json {
        let json: Json = serde_json::from_str(known.default).unwrap_or(Json::Null);
        match (&json, known.kind) {
            (Json::String(text), kind) if known.name != "ANSIBLE_HOME" => {
                let text = text.replace("{home}", &self.home_of_ansible());
                match kind {
                    Kind::Path | Kind::TmpPath => self.expand(&text).display().to_string().into(),
                    Kind::PathSpec => self.split(&text, ':', Path::new("/")),
                    Kind::PathList => self.split(&text, ',', Path::new("/")),
                    Kind::List => words(&text),
                    _ => text.into(),
                }
            }
            (Json::String(text), _) => self.expand(text).display().to_string().into(),
            _ => json,
        }
    }

    /// `ANSIBLE_HOME`: where collections, roles and plugins of the user are.
    pub fn home_of_ansible(&self) -> String {
        let home = setting("ANSIBLE_HOME").and_then(|home| self.in_force(home).ok());
        match home.map(|home| home.value) {
            Some(Json::String(path)) => path,
            _ => self.home.join(".ansible").display().to_string(),
        }
    }

    fn split(&self, text: &str, separator: char, folder: &Path) -> Json {
        let paths = text.split(separator).map(str::trim).filter(|path| !path.is_empty());
        Json::Array(paths.map(|path| self.absolute(path, folder).into()).collect())
    }

    fn absolute(&self, path: &str, folder: &Path) -> String {
        let path = self.expand(path.trim());
        let path = if path.is_absolute() { path } else { folder.join(path) };
        path.display().to_string()
    }

    /// A text as a value of the setting's type.
    fn typed(&self, known: &Setting, text: &str, folder: &Path) -> Result<Json, SettingsError> {
        let wrong = |wanted| self.wrong(known.name, text, wanted);
        let value = match known.kind {
            // What is empty counts as not said.
            Kind::Int | Kind::Float if text.trim().is_empty() => self.default_of(known),
            Kind::Bool => match text.trim().to_lowercase().as_str() {
                "y" | "yes" | "on" | "1" | "true" | "t" | "1.0" => Json::Bool(true),
                // Whatever stands in NO_COLOR.
                _ if known.name == "ANSIBLE_NOCOLOR"
                    && self.environment.contains_key("NO_COLOR") =>
                {
                    Json::Bool(true)
                }
                _ => Json::Bool(false),
            },
            Kind::Int => match text.trim().parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => return Err(wrong("integer")),
            },
            Kind::Float => match text.trim().parse::<f64>() {
                Ok(number) => number.into(),
                Err(_) => return Err(wrong("number")),
            },
            Kind::List => words(text),
            Kind::Path | Kind::TmpPath => self.absolute(text, folder).into(),
            Kind::PathSpec => self.split(text, ':', folder),
            // A list of hosts is no path.
            Kind::PathList if text.trim_end().ends_with(',') => words(text),
            Kind::PathList => self.split(text, ',', folder),
            Kind::Text | Kind::Raw => text.into(),
            Kind::Dict => serde_yaml::from_str(text).map_err(|_| wrong("dictionary"))?,
        };
        if !known.choices.is_empty() {
            let is_choice =
                |value: &Json| value.as_str().is_some_and(|value| known.choices.contains(&value));
            let all = match &value {
                Json::Array(items) => items.iter().all(is_choice),
                one => is_choice(one),
            };
            if !all {
                return Err(SettingsError::Choice {
                    name: known.name.to_owned(),
                    value: text.to_owned(),
                    choices: known.choices.join(", "),
                });
            }
        }
        Ok(value)
    }
}

fn words(text: &str) -> Json {
    let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
    Json::Array(words.map(Json::from).collect())
}

/// Answers `lookup('config')`.
pub struct Configuration {
    pub settings: Arc<Settings>,
    /// Plugins of users, which declare options of their own.
    pub plugins: Arc<PythonPlugins>,
}

impl std::fmt::Debug for Configuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configuration").field("file", &self.settings.file).finish_non_exhaustive()
    }
}

impl surroundings::ConfigurationLookup for Configuration {
    fn find(
        &self,
        name: &str,
        plugin: Option<surroundings::OfPlugin<'_>>,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Option<surroundings::Configured>, String> {
        let known = match plugin {
            None => setting(name).copied(),
            Some(plugin) => {
                let short = plugin.name.rsplit('.').next().unwrap_or(plugin.name);
                let mut of_plugin = plugins::ALL
                    .iter()
                    .filter(|option| option.plugin_kind == plugin.kind && option.plugin == short)
                    .peekable();
                if of_plugin.peek().is_none() {
                    return self.of_users(name, plugin, variable);
                }
                of_plugin.find(|option| option.name == name).map(|option| option.setting())
            }
        };
        let Some(known) = known else { return Ok(None) };
        // Of several variables the last that is set counts.
        let said = known.variables.iter().rev().find_map(|name| Some((*name, variable(name)?)));
        if let Some((name, value)) = said {
            return Ok(Some(surroundings::Configured { value, origin: format!("var: {name}") }));
        }
        let found = self.settings.in_force(&known).map_err(|error| error.to_string())?;
        Ok(Some(surroundings::Configured {
            value: Value::from_json(&found.value),
            origin: found.origin,
        }))
    }
}

impl Configuration {
    /// An option of a plugin that a user brings.
    fn of_users(
        &self,
        name: &str,
        plugin: surroundings::OfPlugin<'_>,
        variable: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Option<surroundings::Configured>, String> {
        match self.plugins.setting(plugin.kind, plugin.name, name, variable)? {
            OfPlugin::Set(found) => Ok(Some(found)),
            OfPlugin::NoOption => Ok(None),
            OfPlugin::NoPlugin => Err(format!(
                "Unable to load {} plugin \"{}\": no settings of it are known",
                plugin.kind, plugin.name
            )),
        }
    }
}

/// All settings, by name, and what is in force.
///
/// # Errors
/// A setting that is wrong.
pub fn all(settings: &Settings) -> Result<Vec<(&'static Setting, InForce)>, SettingsError> {
    catalogue::ALL.iter().map(|known| Ok((known, settings.in_force(known)?))).collect()
}

/// What is known of a setting besides its value, as `list` shows it.
pub fn described(known: &Setting) -> JsonMap {
    let mut shown = JsonMap::new();
    let default: Json = serde_json::from_str(known.default).unwrap_or(Json::Null);
    if !default.is_null() {
        let default = match default {
            Json::String(text) => text.replace("{home}", "{{ ANSIBLE_HOME }}").into(),
            other => other,
        };
        shown.insert("default".into(), default);
    }
    let named = |names: &[&str]| -> Json {
        names.iter().map(|name| serde_json::json!({ "name": name })).collect()
    };
    if !known.environment.is_empty() {
        shown.insert("env".into(), named(known.environment));
    }
    if !known.file.is_empty() {
        let places = known
            .file
            .iter()
            .map(|(section, key)| serde_json::json!({"key": key, "section": section}));
        shown.insert("ini".into(), places.collect());
    }
    if !known.variables.is_empty() {
        shown.insert("vars".into(), named(known.variables));
    }
    if !known.choices.is_empty() {
        shown.insert("choices".into(), known.choices.iter().map(|c| Json::from(*c)).collect());
    }
    shown.insert("type".into(), known.kind.name().into());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_json_and_of_its_type() {
        let settings = Settings { home: "/home/me".into(), ..Settings::default() };
        assert!(catalogue::ALL.len() > 150);
        let options: Vec<Setting> = plugins::ALL.iter().map(|option| option.setting()).collect();
        for known in catalogue::ALL.iter().chain(&options) {
            let json: Result<Json, _> = serde_json::from_str(known.default);
            assert!(json.is_ok(), "{}: {}", known.name, known.default);
            let value = settings.default_of(known);
            let fits = match known.kind {
                _ if value.is_null() => true,
                Kind::Bool => value.is_boolean(),
                Kind::Int => value.is_i64() || value.is_string(),
                Kind::Float => value.is_number(),
                Kind::List | Kind::PathSpec | Kind::PathList => value.is_array(),
                Kind::Path | Kind::TmpPath => value.is_string(),
                Kind::Dict => value.is_object(),
                Kind::Text | Kind::Raw => true,
            };
            assert!(fits, "{} is {value}", known.name);
        }
    }

    #[test]
    fn what_is_in_force_says_where_it_comes_from() {
        let environment = [("ANSIBLE_FORKS", "9"), ("ANSIBLE_GATHERING", "odd")];
        let settings = Settings {
            environment: environment.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            home: "/home/me".into(),
            current_folder: "/here".into(),
            ..Settings::default()
        };
        let force = |name: &str| settings.in_force(setting(name).unwrap());
        assert_eq!(
            force("DEFAULT_FORKS").unwrap(),
            InForce { value: 9.into(), origin: "env: ANSIBLE_FORKS".into() }
        );
        assert_eq!(
            force("DEFAULT_ROLES_PATH").unwrap().value,
            serde_json::json!([
                "/home/me/.ansible/roles",
                "/usr/share/ansible/roles",
                "/etc/ansible/roles"
            ])
        );
        let error = force("DEFAULT_GATHERING").unwrap_err().to_string();
        assert_eq!(error, "DEFAULT_GATHERING is 'odd': it is one of implicit, explicit, smart");
    }
}
