//! Action plugins of users in Python: what they do and give is what they do and give under
//! ansible-core, as `python_actions/cases.yml` has it, with and without what is installed for the
//! interpreter.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

fn material(below: &str) -> PathBuf {
    workspace().join("tests/python_actions").join(below)
}

/// A playbook with the task of each case, which writes all that they register.
fn playbook(cases: &[Value]) -> Value {
    let mut tasks = vec![json!({ "include_role": { "name": "r" } })];
    for (at, case) in cases.iter().enumerate() {
        let mut task = case["task"].clone();
        task["register"] = format!("case_{at}").into();
        task["ignore_errors"] = true.into();
        tasks.push(task);
    }
    let results: Vec<String> = (0..cases.len()).map(|at| format!("case_{at}")).collect();
    let results = format!("{{{{ [{}] | to_json }}}}", results.join(", "));
    let written = json!({ "content": results, "dest": "{{ playbook_dir }}/results.json" });
    tasks.push(json!({ "ansible.builtin.copy": written }));
    json!([{ "hosts": "one", "gather_facts": false, "vars": { "word": "w" }, "tasks": tasks }])
}

fn check(program: &Path, environment: &[(&str, &str)]) {
    let text = fs::read_to_string(material("cases.yml")).unwrap();
    let cases: Vec<Value> = serde_yaml::from_str(&text).unwrap();
    assert!(cases.len() > 30, "there is something to compare");
    let scratch = Scratch::new("python-actions");
    scratch.copy_of(&material(""));
    scratch.write("play.yml", playbook(&cases).to_string());
    let mut command = scratch.command(program, &["-i", "inv", "play.yml"]);
    command
        .env("ANSIBLE_COLLECTIONS_PATH", scratch.path("collections"))
        .env("PROBE", "seen")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(environment.iter().copied());
    let ran = Ran::of(command.output().unwrap());
    ran.expect_code(0);
    let results = fs::read_to_string(scratch.path("results.json")).unwrap();
    let results: Vec<Value> = serde_json::from_str(&results).unwrap();
    let mut wrong = Vec::new();
    for (case, result) in cases.iter().zip(&results) {
        let is_as_expected = match case["fails"].as_str() {
            Some(words) => result["failed"] == true && said(result).contains(words),
            None => {
                let gives = case["gives"].as_object().unwrap();
                gives.iter().all(|(name, value)| result[name] == *value)
            }
        };
        if !is_as_expected {
            wrong.push(format!("{case}\n  is {result}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), cases.len());
}

fn said(result: &Value) -> String {
    result["msg"].as_str().map_or_else(|| result.to_string(), str::to_owned)
}

/// The program under Ansible's name.
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
fn actions_of_users_need_nothing_that_is_installed() {
    let links = Scratch::new("links");
    if !has_python("/usr/bin/python3") {
        return;
    }
    let python = links.write("python", "#!/bin/sh\nexec /usr/bin/python3 -S \"$@\"\n");
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    check(&as_ansible(&links), &[("TRUEUP_PYTHON", python.to_str().unwrap())]);
}

#[test]
fn actions_of_users_take_the_ansible_that_is_installed() {
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

/// An action, what the environment says, and the words of the refusal.
type Refusal = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const HEAD: &str = "from ansible.plugins.action import ActionBase\nclass ActionModule(ActionBase):\n    def run(self, tmp=None, task_vars=None):\n";

const REFUSALS: &[Refusal] = &[
    (
        "        return {}\n",
        &[("TRUEUP_PYTHON", "/nowhere/python3")],
        &["there is no /nowhere/python3"],
    ),
    ("        return 1\n", &[], &["was expected to return a dictionary, got 'int' instead"]),
    ("        return {}}\n", &[], &["x.py, line 4"]),
    ("        import nosuchlibrary\n", &[], &["No module named 'nosuchlibrary'"]),
    (
        "        import os\n        os._exit(7)\n",
        &[],
        &["the action plugin 'x' of", "ended the interpreter (exit status: 7)"],
    ),
    (
        "        import time\n        time.sleep(60)\n",
        &[("TRUEUP_PYTHON_TIMEOUT", "1")],
        &["the action plugin 'x' of", "has not ended after 1 seconds"],
    ),
    (
        "        return self._execute_module('no.such.module', {})\n",
        &[],
        &["The module no.such.module was not found in configured module paths"],
    ),
    (
        "        return self._execute_module('set_fact', {'a': 1})\n",
        &[],
        &["set_fact works in the controller, and is no module of hosts"],
    ),
    ("        return self._execute_module('stat', {'nothing': 1})\n", &[], &["nothing"]),
    ("        self._connection.fetch_file('/nowhere', 'here')\n", &[], &["/nowhere"]),
    (
        "        self._find_needle('files', 'nowhere.txt')\n",
        &[],
        &["Could not find or access 'nowhere.txt'"],
    ),
    (
        "        return {'a': self._connection.get_option('nothing')}\n",
        &[],
        &["the connection has no option 'nothing' here"],
    ),
];

#[test]
fn what_cannot_be_run_is_refused() {
    if !has_python("/usr/bin/python3") {
        return;
    }
    for (body, environment, words) in REFUSALS {
        let scratch = Scratch::new("action-refusals");
        scratch.write("action_plugins/x.py", format!("{HEAD}{body}"));
        scratch.write("play.yml", "- hosts: localhost\n  gather_facts: false\n  tasks: [x: ]\n");
        let mut command = scratch.command(trueup(), &["run", "play.yml"]);
        command.env("TRUEUP_PYTHON", "/usr/bin/python3").envs(environment.iter().copied());
        let ran = Ran::of(command.output().unwrap());
        assert_eq!(ran.code, Some(2), "{body} {}", ran.said());
        ran.expect_said(words);
    }
}
