//! Filters, tests and lookups of users in Python: what they give is what they give under
//! ansible-core, as `python_plugins/cases.yml` has it, with and without what is installed for the
//! interpreter.

use std::{collections::BTreeMap, env, fs, os::unix::fs::symlink, path::Path, path::PathBuf};

use serde_json::{Value, json};
use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

fn material(below: &str) -> PathBuf {
    workspace().join("tests/python_plugins").join(below)
}

/// A playbook with a task for each case, which writes all results.
fn playbook(cases: &[Value]) -> Value {
    let mut tasks = vec![json!({ "include_role": { "name": "with_plugins" } })];
    for (at, case) in cases.iter().enumerate() {
        tasks.push(json!({
            "debug": { "msg": case["template"] },
            "register": format!("case_{at}"),
            "ignore_errors": true,
        }));
    }
    let results: Vec<String> = (0..cases.len()).map(|at| format!("case_{at}")).collect();
    let results = format!("{{{{ [{}] | to_json }}}}", results.join(", "));
    tasks
        .push(json!({ "copy": { "content": results, "dest": "{{ playbook_dir }}/results.json" } }));
    json!([{
        "hosts": "one",
        "gather_facts": false,
        "vars": { "word": "word", "nested": "{{ word }}!" },
        "tasks": tasks,
    }])
}

fn check(program: &Path, environment: &[(&str, &str)]) {
    let text = fs::read_to_string(material("cases.yml")).unwrap();
    let cases: Vec<Value> = serde_yaml::from_str(&text).unwrap();
    assert!(cases.len() > 40, "there is something to compare");
    let scratch = Scratch::new("python-plugins");
    scratch.copy_of(&material(""));
    scratch.write("play.yml", playbook(&cases).to_string());
    let play = scratch.path("play.yml").display().to_string();
    let mut command = scratch.command(program, &["-i", "inventory.yml", &play]);
    command
        .env("ANSIBLE_COLLECTIONS_PATH", scratch.path("collections"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(environment.iter().copied());
    let ran = Ran::of(command.output().unwrap());
    ran.expect_code(0);
    ran.expect_said(&["broken.py"]);
    let results = fs::read_to_string(scratch.path("results.json")).unwrap();
    let results: Vec<Value> = serde_json::from_str(&results).unwrap();
    let mut wrong = BTreeMap::new();
    for (case, result) in cases.iter().zip(&results) {
        let said = result.to_string();
        let is_as_expected = match case["fails"].as_str() {
            Some(words) => result["failed"] == true && said.contains(words),
            None => result["failed"] == false && result["msg"] == case["gives"],
        };
        if !is_as_expected {
            wrong.insert(case["template"].to_string(), format!("{case}\n  is {}", result["msg"]));
        }
    }
    let wrong: Vec<&String> = wrong.values().collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), cases.len());
}

/// The program under Ansible's name, which leaves what is wrong with templates to their tasks.
fn as_ansible(scratch: &Scratch) -> PathBuf {
    let link = scratch.path("ansible-playbook");
    symlink(trueup(), &link).unwrap();
    link
}

fn has_python(program: &str) -> bool {
    let asked = std::process::Command::new(program).arg("--version").output();
    if asked.is_err() {
        println!("SKIPPED: there is no {program} to run plugins in");
    }
    asked.is_ok()
}

#[test]
fn plugins_of_users_give_what_they_give_under_ansible_core() {
    let links = Scratch::new("links");
    if has_python("python3") {
        check(&as_ansible(&links), &[]);
    }
}

/// `-S` is not to be had through the environment: an empty home of packages is.
#[test]
fn plugins_of_users_need_nothing_that_is_installed() {
    let links = Scratch::new("links");
    if !has_python("/usr/bin/python3") {
        return;
    }
    let python = links.write("python", "#!/bin/sh\nexec /usr/bin/python3 -S \"$@\"\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&python, mode).unwrap();
    check(&as_ansible(&links), &[("TRUEUP_PYTHON", python.to_str().unwrap())]);
}

#[test]
fn plugins_of_users_take_the_ansible_that_is_installed() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: an Ansible is installed where {VARIABLE} names its folder");
        return;
    };
    let links = Scratch::new("links");
    let python = PathBuf::from(oracle).join("python");
    check(&as_ansible(&links), &[("TRUEUP_PYTHON", python.to_str().unwrap())]);
}

#[test]
fn what_is_expected_is_what_ansible_core_does() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: ansible-core is compared with where {VARIABLE} names its folder");
        return;
    };
    check(&PathBuf::from(oracle).join("ansible-playbook"), &[]);
}

/// What a play says whose second role brings what is used before it: a role's plugins and modules
/// are known to all that is compiled with it, variables of the inventory among it.
fn early(program: &Path, words: &[&str]) -> String {
    let scratch = Scratch::new("early");
    scratch.copy_of(&material("early"));
    let words = [words, &["-i", "hosts", "play.yml"]].concat();
    let mut command = scratch.command(program, &words);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("ANSIBLE_NOCOLOR", "1");
    let ran = Ran::of(command.output().unwrap());
    ran.expect_code(0);
    ran.stdout
}

#[test]
fn what_a_role_brings_is_known_before_it() {
    let expected = fs::read_to_string(material("early/play.out")).unwrap();
    if let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        assert_eq!(early(&PathBuf::from(oracle).join("ansible-playbook"), &[]), expected);
    }
    let links = Scratch::new("links");
    if has_python("python3") {
        assert_eq!(early(&as_ansible(&links), &[]), expected);
        assert_eq!(early(trueup(), &["run"]), expected);
    }
}

/// What `ansible-inventory --list` prints of the cloud's configuration, by a program.
fn cloud(program: &Path, words: &[&str]) -> Value {
    let scratch = Scratch::new("cloud");
    scratch.copy_of(&material(""));
    let mut command = scratch.command(program, words);
    command
        .args(["-i", "my.cloud.yml", "--list"])
        .env("ANSIBLE_INVENTORY_PLUGINS", scratch.path("inventory_plugins"))
        .env("CLOUD_TOKEN", "secret");
    let ran = Ran::of(command.output().unwrap());
    ran.expect_code(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// As `ansible-inventory` of ansible-core 2.18 prints it.
fn expected_cloud() -> Value {
    let text = fs::read_to_string(material("cloud.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn inventory_plugins_of_users_give_what_they_give_under_ansible_core() {
    if has_python("python3") {
        assert_eq!(cloud(trueup(), &["inventory"]), expected_cloud());
    }
}

#[test]
fn the_cloud_is_what_ansible_core_makes_of_it() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: ansible-core is compared with where {VARIABLE} names its folder");
        return;
    };
    let program = PathBuf::from(oracle).join("ansible-inventory");
    assert_eq!(cloud(&program, &[]), expected_cloud());
}

/// A file beside a playbook, what the environment says, the template, and the words of the refusal.
type Refusal = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    &'static [&'static str],
);

const REFUSALS: &[Refusal] = &[
    (
        "filter_plugins/x.py",
        "class FilterModule:\n    def filters(self):\n        return {'x': str}\n",
        &[("TRUEUP_PYTHON", "/nowhere/python3")],
        "{{ 1 | x }}",
        &["filter_plugins/x.py", "there is no /nowhere/python3", "TRUEUP_PYTHON"],
    ),
    (
        "filter_plugins/x.py",
        "class FilterModule:\n    def filters(self):\n        return {'x': str,}}\n",
        &[],
        "{{ 1 | x }}",
        &["Skipping plugin", "filter_plugins/x.py", "line 3", "there is no filter 'x'"],
    ),
    (
        "filter_plugins/x.py",
        "import nosuchlibrary\nclass FilterModule:\n    def filters(self):\n        return {'x': str}\n",
        &[],
        "{{ 1 | x }}",
        &["No module named 'nosuchlibrary'", "filter_plugins/x.py"],
    ),
    (
        "filter_plugins/x.py",
        "def filters():\n    return {'x': str}\n",
        &[],
        "{{ 1 | x }}",
        &["FilterModule", "there is no filter 'x'"],
    ),
    (
        "filter_plugins/x.py",
        "import os\nclass FilterModule:\n    def filters(self):\n        return {'x': lambda v: os._exit(7)}\n",
        &[],
        "{{ 1 | x }}",
        &["the filter 'x' of", "filter_plugins/x.py ended the interpreter (exit status: 7)"],
    ),
    (
        "filter_plugins/x.py",
        "import time\nclass FilterModule:\n    def filters(self):\n        return {'x': lambda v: time.sleep(60)}\n",
        &[("TRUEUP_PYTHON_TIMEOUT", "1")],
        "{{ 1 | x }}",
        &["the filter 'x' of", "has not ended after 1 seconds"],
    ),
    (
        "filter_plugins/x.py",
        "class FilterModule:\n    def filters(self):\n        return {'x': lambda v: {}[v]}\n",
        &[],
        "{{ 'y' | x }}",
        &["KeyError: 'y'", "the filter 'x' of", "filter_plugins/x.py:3"],
    ),
    (
        "lookup_plugins/x.py",
        "from ansible.plugins.lookup import LookupBase\nclass LookupModule(LookupBase):\n    def run(self, terms, variables=None, **kw):\n        return 1\n",
        &[],
        "{{ lookup('x') }}",
        &["the lookup plugin 'x' was expected to return a list"],
    ),
    (
        "lookup_plugins/x.py",
        "from ansible.plugins.become import ConnectionBase\n",
        &[],
        "{{ lookup('x') }}",
        &["No module named 'ansible.plugins.become'", "lookup_plugins/x.py"],
    ),
    (
        "vars_plugins/x.py",
        "class VarsModule:\n    def get_vars(self, loader, path, entities):\n        return 1\n",
        &[],
        "{{ 1 }}",
        &["the vars plugin 'x' was expected to return a dictionary, got 'int' instead"],
    ),
    (
        "vars_plugins/x.py",
        "class VarsModule:\n    def get_vars(self, loader, path, entities):\n        return nothing\n",
        &[],
        "{{ 1 }}",
        &["NameError: name 'nothing' is not defined", "vars_plugins/x.py"],
    ),
    (
        "lookup_plugins/x.py",
        "",
        &[("TRUEUP_PYTHON_TIMEOUT", "soon")],
        "{{ 1 }}",
        &["TRUEUP_PYTHON_TIMEOUT is 'soon'"],
    ),
];

#[test]
fn what_cannot_be_run_is_refused() {
    if !has_python("/usr/bin/python3") {
        return;
    }
    for (file, text, environment, template, words) in REFUSALS {
        let scratch = Scratch::new("refusals");
        scratch.write(file, text);
        let play = json!([{
            "hosts": "localhost", "gather_facts": false,
            "tasks": [{ "debug": { "msg": template } }],
        }]);
        scratch.write("play.yml", play.to_string());
        let mut command = scratch.command(trueup(), &["run", "play.yml"]);
        command.env("TRUEUP_PYTHON", "/usr/bin/python3").envs(environment.iter().copied());
        let ran = Ran::of(command.output().unwrap());
        assert_ne!(ran.code, Some(0), "{file} {text} {}", ran.said());
        ran.expect_said(words);
    }
}
