//! Caches of facts that users have written in Python: what one run keeps, the next one has, as under
//! ansible-core.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

/// A play of one task.
fn play(task: &str) -> String {
    format!("- hosts: localhost\n  gather_facts: false\n  tasks:\n    - {task}\n")
}

fn run(
    program: &Path,
    scratch: &Scratch,
    cache: &str,
    environment: &[(&str, &str)],
    task: &str,
) -> Ran {
    scratch.write("play.yml", play(task));
    let mut command = scratch.command(program, &["play.yml"]);
    command
        .env("ANSIBLE_CACHE_PLUGINS", workspace().join("tests/python_caches/cache_plugins"))
        .env("ANSIBLE_CACHE_PLUGIN", cache)
        .env("ANSIBLE_CACHE_PLUGIN_CONNECTION", scratch.path("kept"))
        .env("ANSIBLE_CACHE_PLUGIN_PREFIX", "p_")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(environment.iter().copied());
    Ran::of(command.output().unwrap())
}

fn check(program: &Path, environment: &[(&str, &str)]) {
    let scratch = Scratch::new("python-caches");
    let run = |task: &str| run(program, &scratch, "mine", environment, task);
    run("set_fact: {a_fact: {b: [1, x]}, cacheable: true}").expect_code(0);
    let kept = fs::read_to_string(scratch.path("kept/p_localhost")).unwrap();
    let kept: serde_json::Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept, serde_json::json!({"a_fact": {"b": [1, "x"]}, "kept_by": "mine"}));
    run("debug: {msg: '{{ a_fact.b }} by {{ kept_by }}'}")
        .expect_code(0)
        .expect_said(&["[1, 'x'] by mine"]);
    run("meta: clear_facts").expect_code(0);
    assert!(!scratch.path("kept/p_localhost").exists());
    run("debug: {msg: 'it is {{ a_fact | default(\"gone\") }}'}")
        .expect_code(0)
        .expect_said(&["it is gone"]);
}

/// The program under Ansible's name.
fn as_ansible(scratch: &Scratch) -> PathBuf {
    let link = scratch.path("ansible-playbook");
    symlink(trueup(), &link).unwrap();
    link
}

#[test]
fn what_one_run_keeps_the_next_one_has() {
    let links = Scratch::new("links");
    if !Path::new("/usr/bin/python3").exists() {
        println!("SKIPPED: there is no /usr/bin/python3 to run plugins in");
        return;
    }
    check(&as_ansible(&links), &[("TRUEUP_PYTHON", "/usr/bin/python3")]);
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: ansible-core is compared with where {VARIABLE} names its folder");
        return;
    };
    let oracle = PathBuf::from(oracle);
    check(
        &as_ansible(&Scratch::new("links")),
        &[("TRUEUP_PYTHON", oracle.join("python").to_str().unwrap())],
    );
    check(&oracle.join("ansible-playbook"), &[]);
}

#[test]
fn what_cannot_be_kept_is_said() {
    if !Path::new("/usr/bin/python3").exists() {
        println!("SKIPPED: there is no /usr/bin/python3 to run plugins in");
        return;
    }
    let links = Scratch::new("links");
    let program = as_ansible(&links);
    for (cache, environment, words) in [
        ("nosuch", ("A", "b"), "fact_caching is 'nosuch', which is not there"),
        ("mine", ("TRUEUP_PYTHON", "/nowhere/python3"), "there is no /nowhere/python3"),
        (
            "mine",
            ("ANSIBLE_CACHE_PLUGIN_CONNECTION", "/proc/nowhere"),
            "while trying to create cache dir /proc/nowhere",
        ),
        ("mine", ("ANSIBLE_CACHE_PLUGIN_TIMEOUT", "soon"), "Invalid type for configuration option"),
    ] {
        let scratch = Scratch::new("python-caches");
        let environment = [("TRUEUP_PYTHON", "/usr/bin/python3"), environment];
        let ran = run(&program, &scratch, cache, &environment, "debug: {msg: a}");
        assert_ne!(ran.code, Some(0), "{cache} {}", ran.said());
        ran.expect_said(&[words]);
    }
}
