//! What ansible-core 2.18 gives for the same templates and variables.
//!
//! `cases/*.jsonl` hold a case a line: a text, file or condition, and its value (`ok`) as
//! ansible-core gives it, or our message (`error`) where ansible-core fails, too. The variables of
//! all of them are in `cases/variables.json`; strings in it are templates. `cases/record.py`, run by
//! a Python that has ansible-core, records more of them.

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
    let mut variables: Json = serde_json::from_str(&cases("variables.json")).unwrap();
    let looked_up = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/looked_up");
    variables["looked_up"] = looked_up.to_str().unwrap().into();
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

/// Plays that a whole program runs, as ansible-core ran them: what depends on where it is run, or
/// on what is around the engine, is met there.
const PLAYS: &str = "../../../../tests/keywords/around.yml";

#[test]
fn every_filter_test_and_lookup_of_ansible_core_is_met_by_a_case() {
    let files = ["texts.jsonl", "files.jsonl", "conditions.jsonl", "addresses.jsonl"];
    let all: String = files.iter().chain([&PLAYS]).map(|file| cases(file)).collect();
    let engine = Engine::new();
    let catalogue = engine.catalogue();
    // Operators are tests as well: only names are looked for.
    let is_name = |name: &&&str| name.starts_with(|c: char| c.is_ascii_alphabetic());
    let word = |before: &str, name: &str| {
        let text = format!("{before}{name}");
        all.match_indices(&text).any(|(at, _)| {
            let next = all[at + text.len()..].chars().next();
            next.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
    };
    let mut missing: Vec<String> = Vec::new();
    let mut miss = |kind: &str, name: &str, is_met: bool| {
        if !is_met {
            missing.push(format!("{kind} {name}"));
        }
    };
    for name in catalogue.filters.iter().filter(is_name) {
        if engine.filter(name).is_ok_and(|filter| filter.home().is_empty()) {
            miss("filter", name, word("| ", name) || word("|", name) || word("map('", name));
        }
    }
    for name in catalogue.tests.iter().filter(is_name) {
        if engine.test(name).is_ok_and(|test| test.home().is_empty()) {
            let chosen = ["select('", "reject('", "', '", "is ", "is not "];
            miss("test", name, chosen.iter().any(|before| word(before, name)));
        }
    }
    for name in catalogue.lookups.iter().filter(is_name) {
        if engine.lookup(name).is_ok_and(|lookup| lookup.home().is_empty()) {
            let asked = ["lookup('", "query('", "q('"];
            miss("lookup", name, asked.iter().any(|before| word(before, name)));
        }
    }
    assert!(missing.is_empty(), "no case has: {}", missing.join(", "));
}
