//! What a task asks of a service, whatever runs it.

use module::{Choices, Failure};
use protocol::JsonMap;
use serde::Serialize;

/// Whether it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum State {
    Reloaded,
    Restarted,
    Started,
    Stopped,
}

impl State {
    /// What has to be done to a service that runs or not; `None` where it is well.
    pub fn action(self, is_running: bool) -> Option<&'static str> {
        match (self, is_running) {
            (Self::Started, true) | (Self::Stopped, false) => None,
            (Self::Stopped, true) => Some("stop"),
            (Self::Restarted, true) => Some("restart"),
            (Self::Reloaded, true) => Some("reload"),
            (Self::Started | Self::Restarted | Self::Reloaded, false) => Some("start"),
        }
    }

    /// What is returned as `state`.
    pub fn returned(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Reloaded | Self::Restarted | Self::Started => "started",
        }
    }
}

/// What is compared of a service; only what lasts, for a service may well end by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Setting {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip)]
    pub seen: Seen,
}

/// What was read besides, for the answer: it is no part of what is compared.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// All properties, where the service manager has such.
    pub status: JsonMap,
    /// Whether nobody could say if the service runs.
    pub is_unknown: bool,
}

impl PartialEq for Seen {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A service that is not there.
pub fn missing(name: &str) -> Failure {
    Failure::new(format!("Could not find the requested service {name}: host"))
}

/// Return values that all providers have.
pub fn returned(
    name: Option<&str>,
    state: Option<State>,
    enabled: Option<bool>,
    status: JsonMap,
) -> JsonMap {
    let mut map = JsonMap::new();
    map.insert("name".into(), name.into());
    if let Some(state) = state {
        map.insert("state".into(), state.returned().into());
    }
    if let Some(enabled) = enabled {
        map.insert("enabled".into(), enabled.into());
    }
    map.insert("status".into(), status.into());
    map
}
