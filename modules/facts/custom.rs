//! Facts that users keep on the host, as `*.fact` files.

use std::path::Path;

use module::{Program, glob, host::Access};
use protocol::{Json, JsonMap};

use super::{Reader, Request};

/// `local`: what the files of a folder say or, where they can be executed, write. What goes wrong
/// with one becomes its value, and a warning.
pub fn read(request: &mut Request<'_>) -> JsonMap {
    let mut facts = JsonMap::new();
    if let Some(folder) = request.fact_path.filter(|path| request.reader.is_dir(path)) {
        let pattern = folder.join("*.fact").display().to_string();
        for path in glob::find(request.reader.host, &pattern).unwrap_or_default() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let value = match read_one(request.reader, &path) {
                Ok(value) => value,
                Err(Broken { msg, detail }) => {
                    request.warnings.push(format!("{msg}{detail}"));
                    msg.into()
                }
            };
            facts.insert(name, value);
        }
    }
    JsonMap::from_iter([("local".to_owned(), Json::Object(facts))])
}

/// A file that could not be read: what stands in its place, and what else a warning says.
struct Broken {
    msg: String,
    detail: String,
}

fn read_one(reader: &Reader<'_>, path: &Path) -> Result<Json, Broken> {
    let broken = |msg: String| Broken { msg, detail: String::new() };
    let shown = path.display();
    match reader.host.metadata(path) {
        Ok(Some(_)) => {}
        Ok(None) => {
            let why = format!("[Errno 2] No such file or directory: '{shown}'");
            return Err(broken(format!("Could not stat fact ({shown}): {why}")));
        }
        Err(error) => {
            let why = module::failure::chain(&error);
            return Err(broken(format!("Could not stat fact ({shown}): {why}")));
        }
    }
    let text = if reader.host.may(Access::Execute, path) {
        let program = Program::new(path.display().to_string()).timeout(reader.patience);
        let output = reader.host.query(&program).map_err(|error| {
            let why = module::failure::chain(&error);
            broken(format!("Could not execute fact script ({shown}): {why}"))
        })?;
        if !output.is_success() {
            return Err(broken(format!(
                "Failure executing fact script ({shown}), rc: {}, err: {}",
                output.status,
                output.stderr_text()
            )));
        }
        output.stdout_text()
    } else {
        let text =
            reader.host.read(path).map_err(|error| broken(module::failure::chain(&error)))?;
        let text = text.unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    };
    if let Ok(value) = serde_json::from_str(&text) {
        return Ok(value);
    }
    let mut form = "JSON or ini";
    parse_ini(&text, &mut form).map(Json::Object).map_err(|why| Broken {
        msg: format!("error loading facts as {form} - please check content: {shown}"),
        detail: format!(": {why}"),
    })
}

/// Sections of keys and values, as Python's `configparser` reads them: keys in small letters,
/// indented lines go on with the value above, `%%` is `%` and `%(key)s` another value.
///
/// `form` is what the text is known to be where it fails.
fn parse_ini(text: &str, form: &mut &'static str) -> Result<JsonMap, String> {
    let mut sections: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let is_indented = line.starts_with([' ', '\t']);
        if let Some((_, values)) = sections.last_mut()
            && is_indented
            && let Some((_, value)) = values.last_mut()
        {
            value.push('\n');
            value.push_str(content);
            continue;
        }
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            if sections.iter().any(|(known, _)| known == name.0) {
                return Err(format!("line {number}: the section '{}' is there twice", name.0));
            }
            sections.push((name.0.to_owned(), Vec::new()));
            continue;
        }
        let (_, values) = sections
            .last_mut()
            .ok_or_else(|| format!("line {number} stands before any section: {content}"))?;
        let at = content
            .find(['=', ':'])
            .filter(|at| *at > 0)
            .ok_or_else(|| format!("line {number} is no key and value: {content}"))?;
        let (key, value) = content.split_at(at);
        let key = key.trim().to_lowercase();
        if values.iter().any(|(known, _)| *known == key) {
            return Err(format!("line {number}: the key '{key}' is there twice"));
        }
        values.push((key, value.get(1..).unwrap_or_default().trim().to_owned()));
    }
    let defaults: Vec<(String, String)> = sections
        .iter()
        .find(|(name, _)| name == "DEFAULT")
        .map(|(_, values)| values.clone())
        .unwrap_or_default();
    *form = "ini";
    let mut facts = JsonMap::new();
    for (name, values) in sections.iter().filter(|(name, _)| name != "DEFAULT") {
        let mut all = defaults.clone();
        all.retain(|(key, _)| !values.iter().any(|(known, _)| known == key));
        all.extend(values.iter().cloned());
        let mut section = JsonMap::new();
        for (key, value) in &all {
            section.insert(key.clone(), interpolate(value, &all, 0)?.into());
        }
        facts.insert(name.clone(), section.into());
    }
    Ok(facts)
}

/// How deep values may refer to each other, as in Python.
const DEPTH_MAX: usize = 10;

fn interpolate(value: &str, all: &[(String, String)], depth: usize) -> Result<String, String> {
    if depth > DEPTH_MAX {
        return Err(format!("values refer to each other too deeply: {value}"));
    }
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(next) = after.strip_prefix('%') {
            out.push('%');
            rest = next;
        } else if let Some((key, next)) =
            after.strip_prefix('(').and_then(|inner| inner.split_once(")s"))
        {
            let key = key.to_lowercase();
            let found = all.iter().find(|(known, _)| *known == key);
            let (_, found) =
                found.ok_or_else(|| format!("'%({key})s' refers to a key that is not there"))?;
            out.push_str(&interpolate(found, all, depth + 1)?);
            rest = next;
        } else {
            return Err(format!("'%' must be followed by '%' or '(', found: '%{after}'"));
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use module::{Output, fake::FakeHost};
    use serde_json::json;

    use super::*;

    #[test]
    fn files_are_read_and_executed() {
        let mut host = FakeHost::default();
        host.put("/facts/a.fact", "{\"x\": [1]}");
        host.put(
            "/facts/b.fact",
            "[General]\nA.B = 1\nother: two %% %(a.b)s\n# c\n[s]\nk=v\n  w\n",
        );
        host.put("/facts/c.fact", "");
        host.put_mode("/facts/c.fact", 0o755);
        host.put("/facts/d.fact", "just text");
        host.put("/facts/e.txt", "{}");
        host.put("/facts/f.fact", "");
        host.put_mode("/facts/f.fact", 0o755);
        host.program("/facts/c.fact", |_, _| Output::success("{\"y\": true}"));
        host.program("/facts/f.fact", |_, _| Output::failure(3, "bad"));
        let reader = Reader::new(&host);
        let mut request = Request {
            reader: &reader,
            fact_path: Some(Path::new("/facts")),
            python: None,
            warnings: Vec::new(),
        };
        let facts = read(&mut request)["local"].clone();
        assert_eq!(facts["a"], json!({"x": [1]}));
        assert_eq!(
            facts["b"],
            json!({"General": {"a.b": "1", "other": "two % 1"}, "s": {"k": "v\nw"}})
        );
        assert_eq!(facts["c"], json!({"y": true}));
        assert_eq!(facts["f"], "Failure executing fact script (/facts/f.fact), rc: 3, err: bad");
        assert!(facts["d"].as_str().unwrap().starts_with("error loading facts as JSON or ini"));
        assert_eq!(request.warnings.len(), 2);
        assert!(facts.get("e").is_none());
    }

    #[test]
    fn broken_sections_are_refused() {
        for text in [
            "k=v",
            "[s]\nnovalue",
            "[s]\na=1\nA=2",
            "[s]\n[s]",
            "[s]\na=%x",
            "[s]\na=%(b)s",
            "[s]\na=%(a)s",
            "[s]\n=x",
        ] {
            assert!(parse_ini(text, &mut "").is_err(), "{text}");
        }
    }
}
