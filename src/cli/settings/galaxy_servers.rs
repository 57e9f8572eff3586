//! The servers of `GALAXY_SERVER_LIST`, as `config dump` shows them: what is said of each, and where.

use protocol::Json;

use super::{InForce, Settings, SettingsError, setting};

/// What can be said of a server, sorted.
const KEYS: &[&str] = &[
    "api_version",
    "auth_url",
    "client_id",
    "password",
    "timeout",
    "token",
    "url",
    "username",
    "validate_certs",
];

/// A server by its name, with what is in force for it.
pub type GalaxyServer = (String, Vec<(&'static str, InForce)>);

impl Settings {
    /// The servers that the settings list, in their order. `[galaxy_server.NAME]` says what they
    /// are, or `ANSIBLE_GALAXY_SERVER_NAME_…` before it.
    ///
    /// # Errors
    /// The setting for the time that servers have is no number.
    pub fn galaxy_servers(&self) -> Result<Vec<GalaxyServer>, SettingsError> {
        let names = self.list("GALAXY_SERVER_LIST").unwrap_or_default();
        let timeout = setting("GALAXY_SERVER_TIMEOUT").map(|known| self.in_force(known));
        let timeout = timeout.transpose()?.map_or(Json::Null, |known| known.value);
        let server = |name: String| {
            let entries = KEYS.iter().map(|key| (*key, self.of_server(&name, key, &timeout)));
            let entries = entries.collect();
            (name, entries)
        };
        Ok(names.into_iter().filter(|name| !name.is_empty()).map(server).collect())
    }

    fn of_server(&self, server: &str, key: &str, timeout: &Json) -> InForce {
        let variable = format!("ANSIBLE_GALAXY_SERVER_{server}_{key}").to_uppercase();
        if let Some(text) = self.environment.get(&variable) {
            return InForce { value: typed(key, text), origin: format!("env: {variable}") };
        }
        if let Some(text) = self.in_section(&format!("galaxy_server.{server}"), key) {
            let file = self.file.as_ref().map(|file| file.display().to_string());
            return InForce { value: typed(key, &text), origin: file.unwrap_or_default() };
        }
        let (value, origin) = match key {
            "url" => (Json::Null, "REQUIRED"),
            "timeout" => (timeout.clone(), "default"),
            _ => (Json::Null, "default"),
        };
        InForce { value, origin: origin.to_owned() }
    }
}

/// A value by what its key takes; what does not fit stays a text.
fn typed(key: &str, text: &str) -> Json {
    let as_text = || Json::from(text);
    match key {
        "api_version" | "timeout" => text.parse::<i64>().map_or_else(|_| as_text(), Json::from),
        "validate_certs" => protocol::coerce::truth(&as_text()).map_or_else(as_text, Json::from),
        _ => as_text(),
    }
}
