//! The variables that programs are given.

use protocol::{Json, JsonMap};

use super::Reader;

/// `env`.
pub fn read(reader: &Reader<'_>) -> JsonMap {
    let variables: JsonMap =
        reader.host.environment().into_iter().map(|(name, value)| (name, value.into())).collect();
    JsonMap::from_iter([("env".to_owned(), Json::Object(variables))])
}
