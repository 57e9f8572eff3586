//! Every keyword of playbooks, met by plays that ansible-core has run: Trueup says the same.
//!
//! `keywords/*.yml` are the plays, `keywords/*.out` what ansible-core 2.18 printed for them. Where
//! `TRUEUP_TEST_ORACLE` names the folder of ansible-core's programs, it is run again and compared.

use std::{env, fs, path::PathBuf};

use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// The playbooks.
const PLAYBOOKS: &[&str] = &["plays", "blocks", "tasks", "precedence", "assertions"];

/// Keywords of ansible-core 2.18, as its documentation lists them for plays, roles, blocks and
/// tasks; `listen` is a handler's. `with_` is met by any loop of its kind.
const KEYWORDS: &str = "
action always any_errors_fatal args async become become_exe become_flags become_method become_user
block changed_when check_mode collections connection debugger delay delegate_facts delegate_to diff
environment fact_path failed_when force_handlers gather_facts gather_subset gather_timeout handlers
hosts ignore_errors ignore_unreachable listen local_action loop loop_control max_fail_percentage
module_defaults name no_log notify order poll port post_tasks pre_tasks register remote_user rescue
retries roles run_once serial strategy tags tasks throttle timeout until vars vars_files vars_prompt
when with_items with_dict
";

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

fn folder() -> PathBuf {
    workspace().join("tests/keywords")
}

/// What is compared of an output: without numbers of jobs, Python's frames and where
/// the plays lie, and with the lines of
/// each task in one order, since hosts answer in any.
fn compared(stdout: &str) -> Vec<Vec<String>> {
    let stdout = stdout.replace(&folder().display().to_string(), "FOLDER");
    let mut sections: Vec<Vec<String>> = vec![Vec::new()];
    for line in stdout.lines().filter(|line| !line.starts_with("ASYNC ")) {
        if line.ends_with("****") {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            let line = line.split(", \"timedout\"").next().unwrap_or_default();
            section.push(line.trim_end().to_owned());
        }
    }
    sections.iter_mut().for_each(|section| section.sort());
    sections
}

/// Two outputs are the same; the first part that differs is shown.
#[track_caller]
fn same(found: &str, expect: &str, playbook: &str) {
    let (found, expect) = (compared(found), compared(expect));
    for (found, expect) in found.iter().zip(&expect) {
        assert_eq!(found, expect, "{playbook}");
    }
    assert_eq!(found.len(), expect.len(), "parts of what {playbook} says");
}

/// Runs a playbook by a program that has the name `ansible-playbook`.
fn run(program: &std::path::Path, playbook: &str) -> Ran {
    let scratch = Scratch::new("keywords");
    let hosts = folder().join("hosts").display().to_string();
    let playbook = folder().join(playbook).with_extension("yml").display().to_string();
    let mut command = scratch.command(program, &["-i", &hosts, &playbook]);
    for (name, value) in [
        ("ANSIBLE_NOCOLOR", "1"),
        ("ANSIBLE_LOCALHOST_WARNING", "0"),
        ("ANSIBLE_DEPRECATION_WARNINGS", "0"),
        ("LC_ALL", "C.UTF-8"),
    ] {
        command.env(name, value);
    }
    command
        .env("ANSIBLE_ASYNC_DIR", scratch.path("jobs"))
        // A user who is none has no home, and ansible-core would make one beside the plays.
        .env_remove("USER")
        .stdin(std::process::Stdio::null());
    Ran::of(command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display())))
}

#[test]
fn plays_say_what_ansible_core_said() {
    let scratch = Scratch::new("as-ansible");
    let ours = scratch.path("ansible-playbook");
    std::os::unix::fs::symlink(trueup(), &ours).unwrap_or_else(|error| panic!("{error}"));
    let oracle = env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
    if oracle.is_none() {
        println!("SKIPPED: ansible-core is run again where {VARIABLE} names its folder");
    }
    for playbook in PLAYBOOKS {
        let recorded = folder().join(playbook).with_extension("out");
        let recorded = fs::read_to_string(&recorded)
            .unwrap_or_else(|error| panic!("{}: {error}", recorded.display()));
        assert!(compared(&recorded).len() > 5, "{playbook} was recorded");
        if let Some(oracle) = &oracle {
            let theirs = run(&PathBuf::from(oracle).join("ansible-playbook"), playbook);
            same(&theirs.stdout, &recorded, playbook);
        }
        let said = run(&ours, playbook);
        same(&said.stdout, &recorded, playbook);
    }
}

#[test]
fn every_keyword_is_met() {
    let text: String = PLAYBOOKS
        .iter()
        .map(|playbook| {
            let path = folder().join(playbook).with_extension("yml");
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect();
    let is_met = |keyword: &&str| {
        let key = format!("{keyword}:");
        text.lines().any(|line| line.trim_start().trim_start_matches("- ").starts_with(&key))
    };
    let missing: Vec<&str> = KEYWORDS.split_whitespace().filter(|k| !is_met(k)).collect();
    assert!(missing.is_empty(), "no play has: {}", missing.join(" "));
}
