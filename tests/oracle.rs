//! `playbooks/baseline.yml` by ansible-core and by Trueup on twin hosts: the same outcomes, task by
//! task, and the same files under /etc to the byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
};

use hosts::{Fleet, Host, HostSpec, available};
use trueup_tests::{
    program::{Ran, Scratch, trueup, workspace},
    recap::outcomes,
};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

/// What differs by nature, and why.
const DIFFERS: &[(&str, &str)] = &[
    ("./machine-id", "each host has its own"),
    ("./hostname", "each host has its own"),
    ("./hosts", "names the host"),
    ("./ssh/ssh_host_", "each host has its own keys"),
    ("./shadow-", "useradd's and usermod's own copy of what was there one call before"),
];

/// What lies under /etc: for each path its kind, mode, owner, group, target and digest.
fn files(host: &Host) -> BTreeMap<String, String> {
    let script = "cd /etc && find . -printf '%p\\t%y %m %u:%g %l\\n' && \
                  find . -type f -exec sha256sum {} + | sed 's/^\\([^ ]*\\)  \\(.*\\)/\\2\\t\\1/'";
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for line in host.run(script).unwrap().lines() {
        let (path, said) = line.split_once('\t').unwrap();
        let differs = DIFFERS.iter().any(|(start, _)| path.starts_with(start));
        if !differs {
            let known = files.entry(path.to_owned()).or_default();
            known.push_str(said);
            known.push(' ');
        }
    }
    files
}

/// Runs the playbook by one of the two programs on the host of its own.
fn run(scratch: &Scratch, program: &Path, words: &[&str]) -> Ran {
    let mut command = scratch.command(program, words);
    command.env("ANSIBLE_NOCOLOR", "1").env("ANSIBLE_LOCALHOST_WARNING", "0");
    Ran::of(command.output().unwrap())
}

#[test]
fn the_baseline_by_ansible_core_and_by_trueup_is_the_same() {
    const NAME: &str = "the_baseline_by_ansible_core_and_by_trueup_is_the_same";
    if !available(NAME) {
        return;
    }
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!(
            "SKIPPED: {NAME}: ansible-core is compared with where {VARIABLE} names its folder"
        );
        return;
    };
    let oracle = PathBuf::from(oracle).join("ansible-playbook");
    let mut fleet = Fleet::start().unwrap();
    let spec = |name: &str| HostSpec { layer: Some(hosts::PYTHON), ..HostSpec::new(name) };
    let twins = fleet.boot_all(&[spec("theirs"), spec("ours")]).unwrap();
    let [theirs, ours] = &twins[..] else { panic!("two hosts were booted") };
    assert_eq!(files(theirs), files(ours), "twins are the same before");
    let scratch = Scratch::new("oracle");
    let key = std::fs::read_to_string(fleet.key_file().with_extension("pub")).unwrap();
    for host in [theirs, ours] {
        let line = format!(
            "twin ansible_host={} ansible_user=root ansible_ssh_private_key_file={} \
             ansible_ssh_common_args='-o UserKnownHostsFile={}' \
             ansible_python_interpreter=/usr/bin/python3\n[all:vars]\n\
             baseline_operators=[{{\"name\": \"ops\", \"key\": \"{}\"}}]\n",
            host.address(),
            fleet.key_file().display(),
            fleet.known_hosts_file().display(),
            key.trim()
        );
        scratch.write(host.name(), line);
    }
    let playbook = workspace().join("playbooks/baseline.yml").display().to_string();
    for round in ["first", "second"] {
        let by_them = run(&scratch, &oracle, &["-i", "theirs", &playbook]);
        by_them.expect_code(0);
        let by_us = run(&scratch, trueup(), &["run", "-i", "ours", &playbook]);
        by_us.expect_code(0);
        let (expect, found) = (outcomes(&by_them.stdout, "twin"), outcomes(&by_us.stdout, "twin"));
        assert!(expect.len() > 10, "the oracle ran: {}", by_them.stdout);
        assert_eq!(found, expect, "outcomes of the {round} run");
    }
    let (expect, found) = (files(theirs), files(ours));
    assert!(expect.len() > 300, "there is an /etc");
    let paths: BTreeSet<&String> = expect.keys().chain(found.keys()).collect();
    let different: Vec<String> = paths
        .into_iter()
        .filter(|path| expect.get(*path) != found.get(*path))
        .map(|path| format!("{path}: theirs {:?}, ours {:?}", expect.get(path), found.get(path)))
        .collect();
    assert_eq!(different, Vec::<String>::new(), "files under /etc");
}
