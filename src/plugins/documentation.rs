//! YAML for the other side: the documentation of plugins, and what they would read with PyYAML.

use source::{Diagnostics, SourceFile};
use template::{Engine, Scope, Surroundings, Tree, Value};

/// The value of a YAML document; nothing in it is a template.
///
/// # Errors
/// In words: it is no YAML.
pub fn parsed(text: &str) -> Result<Value, String> {
    let mut wrong = Diagnostics::default();
    let node = source::yaml::parse(&SourceFile::new("yaml", text.to_owned()), &mut wrong);
    if let Some(first) = wrong.all.iter().find(|one| one.severity == source::Severity::Error) {
        return Err(first.message.clone());
    }
    match node {
        Some(node) => Ok(plain(&node)),
        None => Ok(Value::None),
    }
}

fn plain(node: &source::Node) -> Value {
    match &node.kind {
        source::Kind::Sequence(items) => Value::list(items.iter().map(plain)),
        source::Kind::Mapping(mapping) => Value::dict(
            mapping.entries.iter().map(|entry| (plain(&entry.key), plain(&entry.value))),
        ),
        source::Kind::Scalar(_) => match node.as_str() {
            // A text with braces in it would be a template elsewhere.
            Some(text) => Value::from(text),
            None => {
                let engine = std::sync::Arc::new(Engine::new());
                let scope =
                    Scope::new(engine.clone(), std::sync::Arc::new(Surroundings::default()));
                Tree::from_node(node, &engine)
                    .map(|tree| tree.instantiate(&scope))
                    .unwrap_or_default()
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_become_values_and_templates_stay_texts() {
        for (text, expected) in [
            ("a: [1, true, 2.5, x]\n", "{'a': [1, True, 2.5, 'x']}"),
            ("a: '{{ b }}'\n1: no\n", "{'a': '{{ b }}', 1: False}"),
            ("", "None"),
        ] {
            assert_eq!(parsed(text).unwrap().repr(), expected, "{text:?}");
        }
        assert!(parsed("a: [").is_err());
    }
}
