//! Callback plugins of users in Python: what they are told is what ansible-core tells them, as
//! `python_callbacks/expected.txt` and `expected.out` have it from ansible-core 2.18, with and
//! without what is installed for the interpreter.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

fn material(below: &str) -> PathBuf {
    workspace().join("tests/python_callbacks").join(below)
}

/// Lines without what each run has of its own: times.
fn timeless(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in &mut lines {
        for key in ["delta", "end", "start"] {
            let mark = format!("\"{key}\": \"");
            if let Some(at) = line.find(&mark) {
                let (head, rest) = line.split_at(at + mark.len());
                let end = rest.find('"').unwrap_or(rest.len());
                *line = format!("{head}{}", &rest[end..]);
            }
        }
    }
    lines
}

fn check(program: &Path, environment: &[(&str, &str)]) {
    let scratch = Scratch::new("python-callbacks");
    scratch.copy_of(&material(""));
    let mut command = scratch.command(program, &["-i", "inv", "play.yml", "-e", "fromcli=1"]);
    command
        .env("ANSIBLE_CALLBACKS_ENABLED", "field.shop.till,needs,nosuch")
        .env("ANSIBLE_COLLECTIONS_PATH", scratch.path("collections"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command.envs(environment.iter().copied());
    let ran = Ran::of(command.output().unwrap());
    ran.expect_code(2);
    let said = ran.said().split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "broken.py), cannot load: No module named 'nosuchthing'",
        "Skipping callback plugin 'nosuch', unable to load",
        "Failure using method (v2_playbook_on_task_start) in callback plugin (<ansible.plugins.callback.raises.CallbackModule object",
        "no task hide",
        "runner_on_ok() missing 1 required positional argument: 'res'",
        "[WARNING]: a warning",
    ] {
        assert!(said.contains(words), "{words} is not in {}", ran.said());
    }
    let told = fs::read_to_string(scratch.path("recorded.txt")).unwrap();
    let expected = fs::read_to_string(material("expected.txt")).unwrap();
    assert!(expected.lines().count() > 40, "there is something to compare");
    for (ours, theirs) in told.lines().zip(expected.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(told.lines().count(), expected.lines().count());
    let shown = fs::read_to_string(material("expected.out")).unwrap();
    let folder = scratch.path("").display().to_string();
    let ours = ran.stdout.replace(folder.trim_end_matches('/'), "FOLDER");
    assert_eq!(timeless(&ours), timeless(&shown));
}

/// The screen in Python shows what ours does, and what it adds.
fn check_screen(environment: &[(&str, &str)]) {
    let scratch = Scratch::new("python-screen");
    let program = as_ansible(&scratch);
    scratch.copy_of(&material(""));
    let run = |screen: &str| {
        let mut command = scratch.command(&program, &["-i", "inv", "play.yml", "--diff"]);
        command.env("ANSIBLE_STDOUT_CALLBACK", screen).env("PYTHONDONTWRITEBYTECODE", "1");
        command.envs(environment.iter().copied());
        Ran::of(command.output().unwrap()).stdout
    };
    let (mine, ours) = (run("mydefault"), run("default"));
    let is_own = |line: &String| line == "  (mine)";
    let (own, others): (Vec<_>, Vec<_>) = timeless(&mine).into_iter().partition(is_own);
    assert_eq!(others, timeless(&ours));
    let oks = ours.lines().filter(|line| line.starts_with("ok: [one]")).count();
    assert!(own.len() >= oks && oks > 2, "{mine}");
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
fn callbacks_of_users_are_told_what_ansible_core_tells_them() {
    if has_python("/usr/bin/python3") {
        let links = Scratch::new("links");
        let environment = [("TRUEUP_PYTHON", "/usr/bin/python3")];
        check(&as_ansible(&links), &environment);
        check_screen(&environment);
    }
}

#[test]
fn callbacks_of_users_need_nothing_that_is_installed() {
    let links = Scratch::new("links");
    if !has_python("/usr/bin/python3") {
        return;
    }
    let python = links.write("python", "#!/bin/sh\nexec /usr/bin/python3 -S \"$@\"\n");
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let environment = [("TRUEUP_PYTHON", python.to_str().unwrap())];
    check(&as_ansible(&links), &environment);
    check_screen(&environment);
}

#[test]
fn callbacks_of_users_take_the_ansible_that_is_installed() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: an Ansible is installed where {VARIABLE} names its folder");
        return;
    };
    let links = Scratch::new("links");
    let python = PathBuf::from(oracle).join("python");
    let environment = [("TRUEUP_PYTHON", python.to_str().unwrap())];
    check(&as_ansible(&links), &environment);
    check_screen(&environment);
}

#[test]
fn what_is_expected_is_what_ansible_core_does() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!("SKIPPED: ansible-core is compared with where {VARIABLE} names its folder");
        return;
    };
    check(&PathBuf::from(oracle).join("ansible-playbook"), &[]);
}

/// A callback, what the environment says, and the words of what is said of it.
type Refusal =
    (&'static str, &'static [(&'static str, &'static str)], i32, &'static [&'static str]);

const HEAD: &str =
    "from ansible.plugins.callback import CallbackBase\nclass CallbackModule(CallbackBase):\n";

const REFUSALS: &[Refusal] = &[
    ("    pass\n", &[("TRUEUP_PYTHON", "/nowhere/python3")], 1, &["there is no /nowhere/python3"]),
    (
        "    CALLBACK_TYPE = 'stdout'\n    def __init__(self):\n        raise ValueError('no screen')\n",
        &[("ANSIBLE_STDOUT_CALLBACK", "x")],
        1,
        &["ERROR! the callback 'x'", "x.py: ValueError: no screen"],
    ),
    (
        "    pass\n",
        &[("ANSIBLE_STDOUT_CALLBACK", "field.shop.nothing")],
        1,
        &["Invalid callback for stdout specified: field.shop.nothing"],
    ),
    (
        "    def __init__(self):\n        raise ValueError('not today')\n",
        &[],
        0,
        &["Skipping callback 'x', unable to load due to: not today"],
    ),
    (
        "    def __bool__(self):\n        return False\n",
        &[],
        0,
        &["does not create a valid plugin instance"],
    ),
    (
        "    def v2_runner_on_ok(self, result):\n        import os\n        os._exit(7)\n",
        &[],
        0,
        &["callbacks are told nothing from here on", "ended the interpreter (exit status: 7)"],
    ),
    (
        "    def v2_runner_on_ok(self, result):\n        import time\n        time.sleep(60)\n",
        &[("TRUEUP_PYTHON_TIMEOUT", "1")],
        0,
        &["callbacks are told nothing from here on", "has not ended after 1 seconds"],
    ),
    (
        "    def v2_runner_on_ok(self, result):\n        self.get_option('nothing')\n",
        &[],
        0,
        &["Failure using method (v2_runner_on_ok) in callback plugin", "nothing"],
    ),
    (
        "    def v2_playbook_on_stats(self, stats):\n        raise SystemError('at the end')\n",
        &[],
        0,
        &["Failure using method (v2_playbook_on_stats)", "at the end"],
    ),
];

#[test]
fn what_goes_wrong_with_a_callback_is_said() {
    if !has_python("/usr/bin/python3") {
        return;
    }
    for (body, environment, code, words) in REFUSALS {
        let scratch = Scratch::new("callback-refusals");
        scratch.write("callback_plugins/x.py", format!("{HEAD}{body}"));
        scratch.write(
            "play.yml",
            "- hosts: localhost\n  gather_facts: false\n  tasks: [{debug: {msg: a}}]\n",
        );
        let program = as_ansible(&scratch);
        let mut command = scratch.command(&program, &["play.yml"]);
        command.env("TRUEUP_PYTHON", "/usr/bin/python3").envs(environment.iter().copied());
        let ran = Ran::of(command.output().unwrap());
        assert_eq!(ran.code, Some(*code), "{body} {}", ran.said());
        ran.expect_said(words);
    }
}

#[test]
fn threads_of_callbacks_warn_and_do_not_wait_for_ever() {
    if !has_python("/usr/bin/python3") {
        return;
    }
    let scratch = Scratch::new("python-threads");
    scratch.write(
        "callback_plugins/threads.py",
        "from threading import Thread
from ansible import constants
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_NAME = 'threads'
    def __init__(self):
        super().__init__()
        thread = Thread(target=self.work)
        thread.start()
        thread.join()
    def work(self):
        self._display.warning('from a thread')
        try:
            constants.DEFAULT_FORKS
        except RuntimeError as error:
            self._display.warning(str(error))
",
    );
    scratch.write("play.yml", "[{hosts: localhost, gather_facts: false, tasks: [{debug: }]}]");
    let ran = Ran::of(
        scratch
            .command(&as_ansible(&scratch), &["play.yml"])
            .env("TRUEUP_PYTHON", "/usr/bin/python3")
            .output()
            .unwrap(),
    );
    ran.expect_code(0).expect_said(&[
        "[WARNING]: from a thread",
        "a thread of a plugin's own cannot ask for setting",
    ]);
}
