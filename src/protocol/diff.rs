//! What differed on a host.

use serde::{Deserialize, Serialize};

use crate::{Json, JsonMap};

/// One difference, as Ansible's modules return it under `diff`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diff {
    /// What is compared, such as a path; empty where there is nothing to name.
    pub before_header: String,
    /// The same for the other side.
    pub after_header: String,
    /// What was there.
    pub before: Side,
    /// What is or would be there.
    pub after: Side,
    /// A difference that the tool behind the module has already put into words; where it is
    /// given, `before` and `after` are empty.
    pub prepared: Option<String>,
}

/// One side of a difference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Side {
    /// Text, compared line by line.
    Text(String),
    /// State, compared as sorted JSON.
    State(Json),
    /// There is content that cannot be shown: binary, or larger than the limit; says so in words.
    Hidden(String),
}

impl Default for Side {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Diff {
    /// Reads a difference as Ansible's modules print it; `None` where it is none.
    pub fn from_json(json: &Json) -> Option<Self> {
        let map = json.as_object()?;
        let text = |name: &str| map.get(name).and_then(Json::as_str).map(str::to_owned);
        let side = |name: &str| match map.get(name) {
            Some(Json::String(text)) => Side::Text(text.clone()),
            Some(Json::Null) | None => Side::default(),
            Some(state) => Side::State(state.clone()),
        };
        Some(Self {
            before_header: text("before_header").unwrap_or_default(),
            after_header: text("after_header").unwrap_or_default(),
            before: side("before"),
            after: side("after"),
            prepared: text("prepared"),
        })
    }

    /// The difference as Ansible's modules print it.
    pub fn to_json(&self) -> Json {
        let side = |side: &Side| match side {
            Side::Text(text) | Side::Hidden(text) => Json::String(text.clone()),
            Side::State(state) => state.clone(),
        };
        let mut map = JsonMap::new();
        if let Some(prepared) = &self.prepared {
            map.insert("prepared".into(), Json::String(prepared.clone()));
            return Json::Object(map);
        }
        map.insert("before".into(), side(&self.before));
        map.insert("after".into(), side(&self.after));
        for (name, header) in
            [("before_header", &self.before_header), ("after_header", &self.after_header)]
        {
            if !header.is_empty() {
                map.insert(name.into(), Json::String(header.clone()));
            }
        }
        Json::Object(map)
    }
}
