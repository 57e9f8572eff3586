//! Containers, pods and other roots are entered by the programs that are made for it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{fs, os::unix::fs::PermissionsExt};

use hosts::{Fleet, HostSpec, available};
use trueup_tests::program::{Ran, Scratch, trueup};

/// A program that writes down how it was called, and runs what follows the container's name where
/// it stands.
const RECORDER: &str = r#"#!/bin/sh
printf '%s\n' "$(basename "$0") $*" | head -n 1 >> "$CALLS"
while [ "$1" != /bin/sh ] && [ "$1" != /bin/su ] && [ $# -gt 0 ]; do
  case $1 in gone*) echo "Error: No such container: $1" >&2; exit 1;; esac
  shift
done
if [ "$1" = /bin/su ]; then shift 6; fi
exec "$@"
"#;

const PROGRAMS: &[&str] =
    &["buildah", "docker", "incus", "kubectl", "lxc", "lxc-attach", "oc", "podman"];

const PLAY: &str = "- hosts: all\n  gather_facts: false\n  tasks:\n  - ping:\n  - command: echo \
                    here\n    changed_when: false\n";

/// Runs a play against one host of an inventory line, with recorders in place of the programs.
fn run(line: &str, words: &[&str]) -> (Ran, Vec<String>) {
    let scratch = Scratch::new("entrances");
    for program in PROGRAMS {
        let file = scratch.write(&format!("bin/{program}"), RECORDER);
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    scratch.write("hosts", format!("{line}\n"));
    scratch.write("play.yml", PLAY);
    let mut all = vec!["run", "-i", "hosts", "play.yml"];
    all.extend(words);
    let mut command = scratch.command(trueup(), &all);
    let path =
        format!("{}:{}", scratch.path("bin").display(), std::env::var("PATH").unwrap_or_default());
    let calls = scratch.path("calls");
    let ran = Ran::of(command.env("PATH", path).env("CALLS", &calls).output().unwrap());
    let calls = fs::read_to_string(calls).unwrap_or_default();
    (ran, calls.lines().map(str::to_owned).collect())
}

#[test]
fn each_plugin_calls_its_program_once_a_host() {
    for (line, expected) in [
        ("web ansible_connection=docker", "docker exec -i web"),
        (
            "web ansible_connection=community.docker.docker ansible_host=c1 ansible_user=app",
            "docker exec -u app -i c1",
        ),
        (
            "web ansible_connection=docker ansible_docker_host=c2 ansible_docker_user=dba \
             ansible_user=app ansible_docker_extra_args='-H tcp://x:2375' \
             ansible_docker_privileged=yes ansible_docker_working_dir=/srv",
            "docker -H tcp://x:2375 exec --privileged -u dba -w /srv -i c2",
        ),
        (
            "web ansible_connection=docker ansible_docker_extra_env=\"{'A': 'b c', 'N': 1}\"",
            "docker exec -e A=b c -e N=1 -i web",
        ),
        ("pod ansible_connection=containers.podman.podman", "podman exec -i pod"),
        (
            "pod ansible_connection=podman ansible_user=0 ansible_podman_extra_args=--remote",
            "podman --remote exec --user 0 -i pod",
        ),
        ("b ansible_connection=containers.podman.buildah", "buildah run -- b"),
        ("p ansible_connection=kubernetes.core.kubectl", "kubectl exec -i p --"),
        (
            "p ansible_connection=kubectl ansible_kubectl_pod=web-0 ansible_kubectl_namespace=prod \
             ansible_kubectl_container=app ansible_kubectl_config=/k ansible_kubectl_context=c \
             ansible_kubectl_verify_ssl=no",
            "kubectl exec -i --namespace prod --container app --kubeconfig /k --context c \
             --insecure-skip-tls-verify=true web-0 --",
        ),
        (
            "p ansible_connection=community.okd.oc ansible_oc_namespace=n",
            "oc exec -i --namespace n p --",
        ),
        ("l ansible_connection=community.general.lxc", "lxc-attach -n l --"),
        ("l.example.org ansible_connection=community.general.lxd", "lxc exec local:l --"),
        (
            "i ansible_connection=community.general.incus ansible_incus_remote=far \
             ansible_incus_project=p",
            "incus --project p exec far:i --",
        ),
        (
            "i ansible_connection=incus ansible_user=app",
            "incus exec local:i -- /bin/su app -s /bin/sh -c exec \"$0\" \"$@\"",
        ),
    ] {
        let (ran, calls) = run(line, &[]);
        ran.expect_code(0);
        assert_eq!(calls.len(), 1, "{line}: {calls:?}");
        let rest =
            calls[0].strip_prefix(expected).map(|rest| rest.starts_with(" /bin/sh -c exec "));
        assert_eq!(rest, Some(true), "{line}: {}", calls[0]);
    }
}

#[test]
fn what_cannot_be_entered_is_said() {
    for (line, code, expected) in [
        // The program's own words.
        ("gone1 ansible_connection=docker", 4, "No such container: gone1"),
        (
            "x ansible_connection=podman ansible_podman_executable=/nowhere/podman",
            4,
            "`/nowhere/podman`",
        ),
        ("x ansible_connection=chroot ansible_host=/nowhere", 4, "/nowhere"),
        (
            "x ansible_connection=kubectl ansible_kubectl_token=t0ken",
            2,
            "ansible_kubectl_token would be on the command line of kubectl",
        ),
        (
            "x ansible_connection=docker ansible_docker_extra_args=\"--host 'x\"",
            2,
            "a quote is not closed",
        ),
        ("x ansible_connection=other.collection.docker", 2, "'other.collection.docker'"),
        ("x ansible_connection=community.docker.docker_api", 2, "docker, incus, kubectl"),
    ] {
        let (ran, _) = run(line, &[]);
        ran.expect_code(code);
        let said = ran.said();
        assert!(said.contains(expected), "{line}: {said}");
        assert!(!said.contains("t0ken"), "{said}");
    }
}

#[test]
fn another_root_and_another_namespace_are_entered() {
    if !available("another_root_and_another_namespace_are_entered") {
        return;
    }
    let mut fleet = Fleet::start().unwrap();
    let host = fleet.boot(&HostSpec::new("entered")).unwrap();
    let scratch = Scratch::new("roots");
    scratch.write(
        "hosts",
        format!(
            "root ansible_connection=community.general.chroot ansible_host={}\nspace \
             ansible_connection=community.docker.nsenter ansible_nsenter_pid={}\n",
            host.root().display(),
            host.leader().unwrap()
        ),
    );
    scratch.write("motd.j2", "{{ inventory_hostname }} on {{ ansible_facts.distribution }}\n");
    scratch.write(
        "play.yml",
        "- hosts: all\n  tasks:\n  - template: {src: motd.j2, dest: '/etc/{{ inventory_hostname \
         }}.motd'}\n  - command: cat /etc/hostname\n    register: named\n    changed_when: false\n  \
         - assert: {that: named.stdout == 'entered'}\n  - fetch: {src: /etc/hostname, dest: \
         'fetched/', flat: false}\n  - command: whoami\n    become: true\n    become_method: su\n    \
         become_user: mail\n    become_flags: -s /bin/sh\n    register: who\n    changed_when: false\n  - assert: {that: \
         who.stdout == 'mail'}\n",
    );
    scratch.trueup(&["run", "-i", "hosts", "play.yml"]).expect_code(0);
    let read = |path| fs::read_to_string(host.root().join(path)).unwrap();
    assert_eq!(read("etc/root.motd"), "root on Debian\n");
    assert_eq!(read("etc/space.motd"), "space on Debian\n");
    let again =
        scratch.trueup(&["run", "-i", "hosts", "play.yml", "--detailed-exitcode", "--check"]);
    again.expect_code(0);
}
