//! What ansible-core 2.18 gives for the same templates and variables.
//!
//! `cases/*.jsonl` hold a case a line: a text, file or condition, and its value (`ok`) as
//! ansible-core gives it, or our message (`error`) where ansible-core fails, too. The variables of
//! all of them are in `cases/variables.json`; strings in it are templates.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{path::Path, sync::Arc};

use indexmap::IndexMap;
use serde_json::Value as Json;
use template::{
    Engine, Expression, FileOptions, Result, Scope, Settings, Surroundings, Tree, Typing, Value,
};

fn cases(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn scope(engine: &Arc<Engine>) -> Scope {
    let variables: Json = serde_json::from_str(&cases("variables.json")).unwrap();
    let layer: IndexMap<Arc<str>, Tree> = variables
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let tree = Tree::from_trusted(&Value::from_json(value), engine).unwrap();
            (name.as_str().into(), tree)
        })
        .collect();
    let surroundings = Surroundings {
        settings: Settings { typing: Typing::Structures, ..Settings::default() },
        ..Surroundings::default()
    };
    Scope::new(Arc::clone(engine), Arc::new(surroundings)).push(Arc::new(layer))
}

fn check(file: &str, key: &str, run: impl Fn(&Arc<Engine>, &str, &Scope) -> Result<Json>) {
    let engine = Arc::new(Engine::new());
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in cases(file).lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let text = case[key].as_str().unwrap();
        let made = match run(&engine, text, &scope(&engine)) {
            Ok(value) => serde_json::json!({ key: text, "ok": value }),
            Err(error) => serde_json::json!({ key: text, "error": error.message() }),
        };
        count += 1;
        if made != case {
            wrong.push(format!("expected {case}\n     got {made}"));
        }
    }
    assert!(count > 20, "{file} holds only {count} cases");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn texts_give_what_ansible_gives() {
    check("texts.jsonl", "text", |engine, text, scope| {
        Tree::from_text(text, engine)?.evaluate(scope)?.to_json()
    });
}

#[test]
fn files_give_what_ansible_gives() {
    check("files.jsonl", "file", |engine, text, scope| {
        engine.render_file(text, &FileOptions::new("file.j2"), scope).map(Json::from)
    });
}

#[test]
fn conditions_give_what_ansible_gives() {
    check("conditions.jsonl", "when", |engine, text, scope| {
        Expression::compile(engine, text, None)?.is_true(scope).map(Json::from)
    });
}

#[test]
fn addresses_give_what_the_collections_give() {
    check("addresses.jsonl", "text", |engine, text, scope| {
        Tree::from_text(text, engine)?.evaluate(scope)?.to_json()
    });
}
