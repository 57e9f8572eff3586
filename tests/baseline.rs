//! `playbooks/baseline.yml` and `playbooks/bootstrap.yml` on fresh hosts: what a check run
//! foretells is what changes, a second run changes nothing, and drift is found and put right.

use std::fs;

use hosts::{Fleet, HostSpec, Operator, Sudo, available};
use trueup_tests::{
    program::{Scratch, workspace},
    recap::{outcomes, recap},
};

const ROOT_PASSWORD: &str = "vendor's secret";

fn playbook(name: &str) -> String {
    workspace().join("playbooks").join(name).display().to_string()
}

/// The tasks of a run that are or would be changed on a host, handlers left out: which of them a
/// check run foretells is another matter, as what would notify them has not happened.
fn changed(stdout: &str, host: &str) -> Vec<String> {
    let changed = |words: &[String]| words.iter().any(|word| word == "changed");
    let all = outcomes(stdout, host).into_iter();
    all.filter(|(_, words)| changed(words)).map(|(task, _)| task).collect()
}

#[test]
fn fresh_hosts_are_brought_to_the_baseline() {
    if !available("fresh_hosts_are_brought_to_the_baseline") {
        return;
    }
    let mut fleet = Fleet::start().unwrap();
    let operator = Operator { name: "op".into(), password: None, sudo: Sudo::WithoutPassword };
    let by_sudo = HostSpec { operator: Some(operator), ..HostSpec::new("by-sudo") };
    let hosts = fleet.boot_all(&[HostSpec::new("by-root"), by_sudo]).unwrap();
    let scratch = Scratch::new("baseline");
    let mut inventory = String::from("[all]\n");
    for (host, user) in hosts.iter().zip(["root", "op"]) {
        inventory +=
            &format!("{} ansible_host={} ansible_user={user}\n", host.name(), host.address());
    }
    let public = fs::read_to_string(fleet.key_file().with_extension("pub")).unwrap();
    inventory += &format!(
        "[all:vars]\nansible_ssh_private_key_file={}\n\
         ansible_ssh_common_args=-o UserKnownHostsFile={}\n\
         baseline_operators=[{{\"name\": \"ops\", \"key\": \"{}\"}}]\n",
        fleet.key_file().display(),
        fleet.known_hosts_file().display(),
        public.trim()
    );
    scratch.write("hosts", inventory);
    let playbook = playbook("baseline.yml");
    let words = ["run", "-i", "hosts", &playbook, "--diff"];
    let foretold = scratch.trueup(&[&words[..], &["--check"]].concat());
    foretold.expect_code(0);
    let first = scratch.trueup(&words);
    first.expect_code(0);
    for host in &hosts {
        let (foretold, done) =
            (changed(&foretold.stdout, host.name()), changed(&first.stdout, host.name()));
        assert!(done.len() > 8, "a bare host needs it all: {done:?}");
        assert_eq!(foretold, done, "{}: what was foretold, and what was done", host.name());
    }
    let second = scratch.trueup(&words);
    second.expect_code(0);
    for (host, counts) in recap(&second.stdout) {
        assert_eq!(counts.get("changed"), 0, "{host}:\n{}", second.stdout);
    }
    for host in &hosts {
        let state = host
            .run(
                "systemctl is-active nftables systemd-journald ssh; nft list chain inet filter input; \
                 id -nG ops; sshd -T | grep -i '^passwordauthentication'; \
                 sysctl -n net.ipv4.conf.all.accept_redirects; systemctl is-enabled nftables; \
                 visudo -c >/dev/null && echo sudoers are sound",
            )
            .unwrap();
        for text in [
            "active\nactive\nactive\n",
            "policy drop",
            "tcp dport 22 accept",
            "ops operators",
            "passwordauthentication no",
            "\n0\n",
            "enabled",
            "sudoers are sound",
        ] {
            assert!(state.contains(text), "{}: no {text:?} in\n{state}", host.name());
        }
    }

    // Drift: by hand, on one of them.
    let check = ["run", "-i", "hosts", &playbook, "--check", "--diff", "--detailed-exitcode"];
    scratch.trueup(&check).expect_code(0);
    hosts[1]
        .run("sed -i 's/^MaxAuthTries 4/MaxAuthTries 40/' /etc/ssh/sshd_config.d/10-baseline.conf")
        .unwrap();
    let drift = scratch.trueup(&check);
    drift.expect_code(2).expect_said(&["-MaxAuthTries 40", "+MaxAuthTries 4"]);
    assert_eq!(changed(&drift.stdout, "by-root"), Vec::<String>::new());
    assert!(changed(&drift.stdout, "by-sudo").contains(&"Sshd takes keys and nothing else".into()));
    let kept = hosts[1].run("cat /etc/ssh/sshd_config.d/10-baseline.conf").unwrap();
    assert!(kept.contains("MaxAuthTries 40"), "a check run changes nothing");
    scratch.trueup(&words).expect_code(0);
    let state = hosts[1].run("sshd -T | grep -i '^maxauthtries'").unwrap();
    assert_eq!(state, "maxauthtries 4\n");
    scratch.trueup(&check).expect_code(0);
    // A host that is gone is no drift.
    let gone = ["-e", "ansible_port=2222", "-l", "by-root"];
    scratch.trueup(&[&check[..], &gone].concat()).expect_code(8);
}

#[test]
fn a_host_that_has_only_roots_password_is_bootstrapped() {
    if !available("a_host_that_has_only_roots_password_is_bootstrapped") {
        return;
    }
    let mut fleet = Fleet::start().unwrap();
    let spec = HostSpec {
        root_password: Some(ROOT_PASSWORD.into()),
        prepare: Some("rm -r /root/.ssh".into()),
        ..HostSpec::new("fresh")
    };
    let host = fleet.boot(&spec).unwrap();
    let scratch = Scratch::new("bootstrap");
    scratch.write("password", format!("{ROOT_PASSWORD}\n"));
    let public = fs::read_to_string(fleet.key_file().with_extension("pub")).unwrap();
    scratch.write("operator.yml", format!("operator_name: ops\noperator_key: {public}"));
    let (list, key) = (format!("{},", host.address()), fleet.key_file().display().to_string());
    let playbook = playbook("bootstrap.yml");
    let common = ["run", "-i", &list, &playbook, "-e", "@operator.yml"];
    let by_password = ["-u", "root", "--connection-password-file", "password"];
    let strict = [&common[..], &by_password, &["--host-key-policy", "strict"]].concat();
    scratch.trueup(&strict).expect_code(4).expect_said(&["the host key of", "is not known"]);
    let accepting = [&common[..], &by_password, &["--host-key-policy", "accept-new"]].concat();
    let first = scratch.trueup(&accepting);
    first.expect_code(0);
    assert!(!first.said().contains(ROOT_PASSWORD), "no password is shown");
    assert!(recap(&first.stdout)[&host.address().to_string()].get("changed") > 8);
    let known = fs::read_to_string(scratch.path(".ssh/known_hosts")).unwrap();
    assert!(known.contains("ssh-"), "the key is recorded: {known}");

    // From now on the operator's key is the way in, and the recorded key is held.
    let by_key = ["-u", "ops", "--private-key", &key, "--host-key-policy", "strict"];
    let second = scratch.trueup(&[&common[..], &by_key].concat());
    second.expect_code(0);
    assert_eq!(
        recap(&second.stdout)[&host.address().to_string()].get("changed"),
        0,
        "{}",
        second.stdout
    );
    scratch.trueup(&strict).expect_code(4).expect_said(&["was not let in"]);
}
