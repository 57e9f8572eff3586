//! Renders templates from standard input, one JSON object a line: `{"vars": {…}, "text": "…"}`,
//! or `"when"` for a condition, or `"file"` for the text of a file. Strings in `vars` are
//! templates. Writes one JSON object a line: `{"ok": value}` or `{"error": message}`.

use std::{io::BufRead, sync::Arc};

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use template::{
    Engine, Expression, FileOptions, Result, Scope, Settings, Surroundings, Tree, Typing, Value,
};

fn main() -> std::io::Result<()> {
    let engine = Arc::new(Engine::new());
    for line in std::io::stdin().lock().lines() {
        let case: Json = serde_json::from_str(&line?)?;
        let answer = match run(&engine, &case) {
            Ok(value) => json!({ "ok": value }),
            Err(error) => json!({ "error": error.message() }),
        };
        println!("{answer}");
    }
    Ok(())
}

fn run(engine: &Arc<Engine>, case: &Json) -> Result<Json> {
    let settings = Settings {
        typing: match case.get("native").and_then(Json::as_bool) {
            Some(false) => Typing::Structures,
            _ => Typing::Kept,
        },
        ..Settings::default()
    };
    let surroundings = Surroundings {
        settings,
        environment: std::sync::Arc::new(std::env::vars().collect()),
        current_folder: std::env::current_dir().unwrap_or_default(),
        home_folder: std::env::home_dir(),
        ..Surroundings::default()
    };
    let mut layer: IndexMap<Arc<str>, Tree> = IndexMap::new();
    for (name, value) in case.get("vars").and_then(Json::as_object).into_iter().flatten() {
        layer.insert(name.as_str().into(), Tree::from_trusted(&Value::from_json(value), engine)?);
    }
    let scope = Scope::new(Arc::clone(engine), Arc::new(surroundings)).push(Arc::new(layer));
    let text = |key: &str| case.get(key).and_then(Json::as_str);
    if let Some(condition) = text("when") {
        return Expression::compile(engine, condition, None)?.is_true(&scope).map(Json::from);
    }
    if let Some(file) = text("file") {
        return engine.render_file(file, &FileOptions::new("file.j2"), &scope).map(Json::from);
    }
    let tree = Tree::from_text(text("text").unwrap_or_default(), engine)?;
    tree.evaluate(&scope)?.to_json()
}
