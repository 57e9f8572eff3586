//! Connection plugins of users in Python: what comes of tasks on their hosts is what comes of them
//! under ansible-core, as `python_connections/cases.yml` has it.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};
use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

/// Bytes of a file that travels by itself.
const BIG: usize = 1_500_000;

fn material() -> PathBuf {
    workspace().join("tests/python_connections")
}

/// A play for each host with the tasks of its cases, which writes all that they register.
fn playbook(cases: &[Value]) -> Value {
    let mut plays: Vec<Map<String, Value>> = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let mut task = case["task"].clone();
        task["register"] = format!("case_{at}").into();
        task["ignore_errors"] = true.into();
        task["ignore_unreachable"] = true.into();
        let play = match plays.iter_mut().find(|play| play["hosts"] == case["host"]) {
            Some(play) => play,
            None => {
                let play = json!({ "hosts": case["host"], "gather_facts": false, "tasks": [] });
                plays.push(play.as_object().unwrap().clone());
                plays.last_mut().unwrap()
            }
        };
        play["tasks"].as_array_mut().unwrap().push(task);
        let written = json!({
            "content": format!("{{{{ case_{at} | to_json }}}}"),
            "dest": format!("{{{{ playbook_dir }}}}/result-{at}.json"),
        });
        let task = json!({ "copy": written, "delegate_to": "localhost" });
        play["tasks"].as_array_mut().unwrap().push(task);
    }
    plays.into()
}

fn check(program: &Path) {
    let text = fs::read_to_string(material().join("cases.yml")).unwrap();
    let cases: Vec<Value> = serde_yaml::from_str(&text).unwrap();
    assert!(cases.len() > 30, "there is something to compare");
    let scratch = Scratch::new("python-connections");
    scratch.copy_of(&material());
    scratch.write("big", "0123456789".repeat(BIG / 10));
    scratch.write("play.yml", playbook(&cases).to_string());
    let mut command = scratch.command(program, &["-i", "inv", "play.yml"]);
    command
        .env("ANSIBLE_COLLECTIONS_PATH", scratch.path("collections"))
        .env("ANSIBLE_DEPRECATION_WARNINGS", "false")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let ran = Ran::of(command.output().unwrap());
    let mut wrong = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        let Ok(text) = fs::read_to_string(scratch.path(&format!("result-{at}.json"))) else {
            wrong.push(format!("{case}\n  has no result"));
            continue;
        };
        let result: Value = serde_json::from_str(&text).unwrap();
        let says = |words: &Value| {
            words.as_str().is_some_and(|words| {
                result["msg"].as_str().is_some_and(|message| message.contains(words))
            })
        };
        let is_as_expected = if case["unreachable"].is_string() {
            result["unreachable"] == true && says(&case["unreachable"])
        } else if case["fails"].is_string() {
            result["failed"] == true && result["unreachable"] != true && says(&case["fails"])
        } else {
            let gives = case["gives"].as_object().unwrap();
            gives.iter().all(|(name, value)| {
                result[name] == *value || value == "{{ BIG }}" && result[name].is_string()
            })
        };
        if !is_as_expected {
            wrong.push(format!("{case}\n  is {result}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}\n{}", wrong.len(), cases.len(), ran.said());
    for name in ["big-a", "big-b", "back-a"] {
        assert_eq!(fs::metadata(scratch.path(name)).unwrap().len(), BIG as u64, "{name}");
    }
}

/// The program under Ansible's name.
fn as_ansible(scratch: &Scratch) -> PathBuf {
    let link = scratch.path("ansible-playbook");
    symlink(trueup(), &link).unwrap();
    link
}

fn has_python() -> bool {
    let asked = std::process::Command::new("python3").arg("--version").output();
    if asked.is_err() {
        println!("SKIPPED: there is no python3 to run plugins in");
    }
    asked.is_ok()
}

#[test]
fn connections_of_users_reach_hosts() {
    let links = Scratch::new("links");
    if has_python() {
        check(&as_ansible(&links));
    }
}

#[test]
fn what_is_expected_is_what_ansible_core_does() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: ansible-core is compared with where {VARIABLE} names its folder");
        return;
    };
    check(&PathBuf::from(oracle).join("ansible-playbook"));
}

/// What a file of a connection plugin holds, a task, and the words of what comes of it.
type Refusal = (&'static str, &'static str, &'static [&'static str]);

const HEAD: &str = "DOCUMENTATION = '''\nname: x\nshort_description: x\ndescription: x\noptions: {}\n'''\nfrom ansible.plugins.connection.local import Connection as Local\n";

const REFUSALS: &[Refusal] = &[
    ("class Other:\n    pass\n", "{ping: {}}", &["has no Connection"]),
    ("class Connection(Local:\n", "{ping: {}}", &["x.py, line 8"]),
    ("import nosuchlibrary\n", "{ping: {}}", &["No module named 'nosuchlibrary'"]),
    (
        "class Connection(Local):\n    def exec_command(self, cmd, in_data=None, sudoable=True):\n        return 'all'\n",
        "{raw: x}",
        &["was expected to return a status and two outputs, got 'all'"],
    ),
    (
        "class Connection(Local):\n    def exec_command(self, cmd, in_data=None, sudoable=True):\n        import os\n        os._exit(7)\n",
        "{raw: x}",
        &["ended the interpreter (exit status: 7)"],
    ),
    (
        "class Connection(Local):\n    def exec_command(self, cmd, in_data=None, sudoable=True):\n        return 0, b'', b''\n",
        "{ping: {}}",
        &["the host ran no POSIX shell for us"],
    ),
    (
        "class Connection(Local):\n    has_pipelining = False\n",
        "{ping: {}, become: true, vars: {ansible_become_password: p}}",
        &["passes no input on (has_pipelining), so that sudo cannot be told its password"],
    ),
    (
        "class Connection(Local):\n    def _connect(self):\n        self.get_option('nothing')\n",
        "{raw: x}",
        &["nothing"],
    ),
];

#[test]
fn what_cannot_be_reached_is_refused() {
    if !has_python() {
        return;
    }
    for (body, task, words) in REFUSALS {
        let scratch = Scratch::new("connection-refusals");
        scratch.write("connection_plugins/x.py", format!("{HEAD}{body}"));
        scratch.write(
            "play.yml",
            format!("- hosts: all\n  connection: x\n  gather_facts: false\n  tasks: [{task}]\n"),
        );
        let ran =
            Ran::of(scratch.command(trueup(), &["run", "-i", "h,", "play.yml"]).output().unwrap());
        assert!([Some(2), Some(4)].contains(&ran.code), "{body} {}", ran.said());
        ran.expect_said(words);
    }
}
