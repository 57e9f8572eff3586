//! Modules of users in Python, by Trueup with its own `module_utils`: what they return is what they
//! return under ansible-core, as `python_modules/expected.json` has it.

use std::{collections::BTreeMap, env, fs, path::Path, path::PathBuf, process::Command};

use serde_json::Value;
use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

/// Parts of results that name places and times of one run.
const PASSING: &[&str] = &[
    "ansible_job_id",
    "delta",
    "exception",
    "invocation",
    "module_stderr",
    "results_file",
    "stderr_lines",
    "stdout_lines",
    "tmpdir",
];

fn material(below: &str) -> PathBuf {
    workspace().join("tests/python_modules").join(below)
}

/// What is left of results to compare.
fn lasting(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(name, _)| !PASSING.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), lasting(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(lasting).collect()),
        other => other.clone(),
    }
}

/// The results of the playbook by a program, by the name that they are registered under.
fn results(program: &Path, words: &[&str]) -> BTreeMap<String, Value> {
    let scratch = Scratch::new("python-modules");
    let play = material("play.yml").display().to_string();
    let folder = format!("folder={}", scratch.path("").display());
    let mut command = scratch.command(program, words);
    command
        .args([&play, "-e", &folder])
        .env("ANSIBLE_COLLECTIONS_PATH", material("collections"))
        // Modules ask for the user's home in two ways, which differ in a scratch folder.
        .env("ANSIBLE_ASYNC_DIR", scratch.path("jobs"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = Ran::of(command.output().unwrap());
    ran.expect_code(0);
    let text = fs::read_to_string(scratch.path("results.json")).unwrap();
    let text = text.replace(scratch.path("").to_str().unwrap().trim_end_matches('/'), "FOLDER");
    serde_json::from_str(&text).unwrap()
}

fn check(found: &BTreeMap<String, Value>) {
    let text = fs::read_to_string(material("expected.json")).unwrap();
    let expected: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    assert!(expected.len() > 20, "there is something to compare");
    assert!(found.keys().eq(expected.keys()), "{:?}", found.keys());
    let different: Vec<String> = expected
        .iter()
        .filter(|(name, value)| found.get(*name).map(lasting) != Some(lasting(value)))
        .map(|(name, value)| {
            format!("{name}\n  expected {}\n  is       {}", lasting(value), lasting(&found[name]))
        })
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn modules_of_users_return_what_they_return_under_ansible_core() {
    if Command::new("python3").arg("--version").output().is_err() {
        println!("SKIPPED: there is no python3 for modules of Python");
        return;
    }
    check(&results(trueup(), &["run"]));
}

#[test]
fn what_is_expected_is_what_ansible_core_does() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: ansible-core is compared with where {VARIABLE} names its folder");
        return;
    };
    check(&results(&PathBuf::from(oracle).join("ansible-playbook"), &[]));
}
