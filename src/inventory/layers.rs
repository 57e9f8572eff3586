//! Putting layers of variables together.

use std::sync::Arc;

use indexmap::IndexMap;
use template::{Tree, Value};

/// What happens where two layers have a dictionary of one name (`hash_behaviour`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashBehaviour {
    /// The upper one counts.
    #[default]
    Replace,
    /// They become one, and dictionaries in them likewise; of other values the upper one counts.
    Merge,
}

/// Puts variables over those that are there.
pub fn put_over(
    under: &mut IndexMap<Arc<str>, Tree>,
    over: &IndexMap<Arc<str>, Tree>,
    behaviour: HashBehaviour,
) {
    for (name, tree) in over {
        let merged = match (behaviour, under.get(name)) {
            (HashBehaviour::Merge, Some(known)) => merge(known, tree),
            _ => None,
        };
        under.insert(Arc::clone(name), merged.unwrap_or_else(|| tree.clone()));
    }
}

/// Two dictionaries as one; `None` where one of them is none.
fn merge(under: &Tree, over: &Tree) -> Option<Tree> {
    let mut entries = entries(under)?;
    for (key, tree) in entries_of(over)? {
        let merged = entries.get(&key).and_then(|known| merge(known, &tree));
        entries.insert(key, merged.unwrap_or(tree));
    }
    Some(Tree::dict(entries.into_iter().collect()))
}

fn entries(tree: &Tree) -> Option<IndexMap<Value, Tree>> {
    entries_of(tree).map(|entries| entries.into_iter().collect())
}

fn entries_of(tree: &Tree) -> Option<Vec<(Value, Tree)>> {
    match tree {
        Tree::Dict(dict) => {
            Some(dict.iter().map(|(key, tree)| (key.clone(), tree.clone())).collect())
        }
        Tree::Value(value) => {
            let entries = value.entries()?.into_iter();
            Some(entries.map(|(key, value)| (key, Tree::Value(value))).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use protocol::Json;
    use serde_json::json;

    use super::*;

    fn layer(json: &Json) -> IndexMap<Arc<str>, Tree> {
        let entries = json.as_object().unwrap().iter();
        entries
            .map(|(name, value)| (Arc::from(name.as_str()), Tree::Value(Value::from_json(value))))
            .collect()
    }

    fn check(behaviour: HashBehaviour, under: Json, over: Json, expected: Json) {
        let mut layers = layer(&under);
        put_over(&mut layers, &layer(&over), behaviour);
        let found: serde_json::Map<String, Json> = layers
            .iter()
            .map(|(name, tree)| (name.to_string(), tree.literal().unwrap().to_json().unwrap()))
            .collect();
        assert_eq!(Json::Object(found), expected, "{under} {over}");
    }

    #[test]
    fn dictionaries_are_replaced_or_merged() {
        let under = || json!({"d": {"a": 1, "b": {"x": 1}}, "l": [1], "u": 1});
        let over = || json!({"d": {"b": {"y": 2}}, "l": [2], "o": 2});
        check(
            HashBehaviour::Replace,
            under(),
            over(),
            json!({"d": {"b": {"y": 2}}, "l": [2], "u": 1, "o": 2}),
        );
        check(
            HashBehaviour::Merge,
            under(),
            over(),
            json!({"d": {"a": 1, "b": {"x": 1, "y": 2}}, "l": [2], "u": 1, "o": 2}),
        );
    }

    #[test]
    fn what_is_no_dictionary_is_not_merged() {
        check(HashBehaviour::Merge, json!({"a": {"x": 1}}), json!({"a": 3}), json!({"a": 3}));
        check(
            HashBehaviour::Merge,
            json!({"a": 3}),
            json!({"a": {"x": 1}}),
            json!({"a": {"x": 1}}),
        );
        check(HashBehaviour::Merge, json!({"a": {"x": 1}}), json!({"a": null}), json!({"a": null}));
    }
}
