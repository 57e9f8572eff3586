//! What a program's tasks returned and left behind, as values that compare.

use std::collections::BTreeMap;

use hosts::Host;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::case::Case;

/// Where the folders of the cases are on a host.
pub const CASES_FOLDER: &str = "/srv/cases";

/// Looks at a folder; hosts have Python for ansible-core's sake.
const SNAPSHOT: &str = include_str!("snapshot.py");

/// Keys of what a task returns that tell of this run alone, or of Python.
const OF_THE_RUN: &[&str] = &[
    "atime",
    "ctime",
    "deprecations",
    "delta",
    "dev",
    "end",
    "exception",
    "inode",
    "invocation",
    "module_stderr",
    "module_stdout",
    "start",
    "warnings",
    "_ansible_no_log",
    "_ansible_parsed",
];

/// What came of all phases: a case's name, a place in it (`check.0.changed`), and the value there.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Recorded {
    /// By the name of a case (empty for what a family watches).
    pub cases: BTreeMap<String, BTreeMap<String, Value>>,
    /// Keys whose lists have no order.
    #[serde(skip)]
    unordered: Vec<String>,
}

impl Recorded {
    /// Nothing yet; lists of these keys have no order.
    pub fn of(unordered: &[String]) -> Self {
        Self { unordered: unordered.to_vec(), ..Self::default() }
    }

    /// Adds what came of a phase.
    pub fn add(
        &mut self,
        phase: &str,
        cases: &[&Case],
        results: &Map<String, Value>,
        mut trees: BTreeMap<String, Map<String, Value>>,
        watched: &str,
        host: &Host,
    ) {
        let names_the_host = |text: &str| text.replace(&host.address().to_string(), "ADDRESS");
        for (number, case) in cases.iter().enumerate() {
            let places = self.cases.entry(case.name.clone()).or_default();
            for step in 0..case.steps.len() {
                let mut result =
                    results.get(&format!("r_{number}_{step}")).cloned().unwrap_or_default();
                for key in &self.unordered {
                    if let Some(list) = result.get_mut(key).and_then(Value::as_array_mut) {
                        list.sort_by_cached_key(ordered);
                    }
                }
                flatten(&format!("{phase}.{step}"), result, places, &names_the_host);
            }
            for (path, mut seen) in trees.remove(&case.folder_name()).unwrap_or_default() {
                // Folders of other cases are made beside this one, and change what holds them all.
                let has_time = case.times && !path.starts_with("../");
                if let Some(seen) = seen.as_object_mut().filter(|_| !has_time) {
                    seen.remove("mtime");
                }
                flatten(&format!("{phase}.tree.{path}"), seen, places, &names_the_host);
            }
        }
        let family = self.cases.entry(String::new()).or_default();
        for (number, line) in watched.lines().enumerate() {
            family.insert(format!("{phase}.watch.{number:03}"), names_the_host(line).into());
        }
    }
}

/// A value as a text that does not depend on the order of its keys.
fn ordered(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, String> =
                map.iter().map(|(key, value)| (key, ordered(value))).collect();
            format!("{sorted:?}")
        }
        other => other.to_string(),
    }
}

/// Takes a value apart into its places, so that differences are told one by one.
fn flatten(
    place: &str,
    value: Value,
    places: &mut BTreeMap<String, Value>,
    rewrite: &dyn Fn(&str) -> String,
) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                if !OF_THE_RUN.contains(&key.as_str()) {
                    flatten(&format!("{place}.{key}"), value, places, rewrite);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (number, item) in items.into_iter().enumerate() {
                flatten(&format!("{place}.{number}"), item, places, rewrite);
            }
        }
        Value::String(text) => {
            places.insert(place.to_owned(), without_temporary(&rewrite(&text)).into());
        }
        other => {
            places.insert(place.to_owned(), other);
        }
    }
}

/// A text in which folders that one task alone had are called by one name.
fn without_temporary(text: &str) -> String {
    const STARTS: [&str; 2] =
        ["/root/.ansible/tmp/ansible-tmp-", "/root/.ansible/tmp/ansible-local-"];
    let mut said = text.to_owned();
    for start in STARTS {
        while let Some(at) = said.find(start) {
            let after = at + start.len();
            let length =
                said[after..].find(['/', ' ', '\'', '"', '\n']).unwrap_or(said.len() - after);
            said.replace_range(at..after + length, "TEMPORARY");
        }
    }
    said
}

/// JSON whose numbers of more digits than a machine counts are texts: those of certificates and keys.
pub fn with_long_numbers_as_texts(json: &str) -> String {
    const DIGITS_MAX: usize = 18;
    let (mut out, mut is_text, mut is_escaped) = (String::new(), false, false);
    let mut rest = json;
    while let Some(letter) = rest.chars().next() {
        let digits =
            rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        if !is_text && digits > DIGITS_MAX && !out.ends_with(['.', '-', '+']) {
            out.push_str(&format!("\"{}\"", &rest[..digits]));
            rest = &rest[digits..];
            continue;
        }
        if !is_text && digits > 0 {
            out.push_str(&rest[..digits]);
            rest = &rest[digits..];
            continue;
        }
        is_text ^= letter == '"' && !is_escaped;
        is_escaped = is_text && letter == '\\' && !is_escaped;
        out.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    out
}

#[test]
fn long_numbers_are_texts() {
    let long = "123456789012345678901234567890";
    for (json, expected) in [
        (
            format!("{{\"a\": {long}, \"b\": [1, {long}]}}"),
            format!("{{\"a\": \"{long}\", \"b\": [1, \"{long}\"]}}"),
        ),
        (
            format!("[\"x {long}\", \"\\\"{long}\", 0.{long}]"),
            format!("[\"x {long}\", \"\\\"{long}\", 0.{long}]"),
        ),
    ] {
        assert_eq!(with_long_numbers_as_texts(&json), expected);
    }
}

/// What lies in the folder of each case.
pub fn read_tree(host: &Host, cases: &[&Case]) -> BTreeMap<String, Map<String, Value>> {
    host.put("/root/snapshot.py", SNAPSHOT.as_bytes()).unwrap();
    let call = format!("LC_ALL=C.UTF-8 python3 /root/snapshot.py {CASES_FOLDER}");
    let tree: BTreeMap<String, Value> = serde_json::from_str(&host.run(&call).unwrap()).unwrap();
    let mut trees: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let folders: Vec<String> = cases.iter().map(|case| case.folder_name()).collect();
    for (path, seen) in tree {
        let (folder, below) = path.split_once('/').unwrap_or((path.as_str(), "."));
        let (folder, below) = match folders.iter().any(|known| known == folder) {
            true => (folder.to_owned(), below.to_owned()),
            // What stands beside the folders was made by someone, and is told under the first.
            false => (folders.first().cloned().unwrap_or_default(), format!("../{path}")),
        };
        trees.entry(folder).or_default().insert(below, seen);
    }
    trees
}
