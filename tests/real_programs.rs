//! Modules beside the real programs of Debian, on a booted host: what a check run foretells is what
//! a run does, and a second run changes nothing.

use std::{
    fs,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use hosts::{Fleet, Host, HostSpec, SERVERS, available};
use trueup_tests::{
    program::{Scratch, workspace},
    recap::outcomes,
};

struct Bench {
    fleet: Fleet,
    host: Host,
}

/// One host for all tests of this file, one after the other.
fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let make = || {
        let mut fleet = Fleet::start().unwrap();
        let spec = HostSpec { layer: Some(SERVERS), ..HostSpec::new("server") };
        let host = fleet.boot(&spec).unwrap();
        Mutex::new(Bench { fleet, host })
    };
    BENCH.get_or_init(make).lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bench {
    /// Prepares the host, then runs a playbook of this folder: in check mode, for good, and twice
    /// more.
    fn converge(&self, name: &str, prepare: &str) {
        self.host.run(prepare).unwrap();
        let scratch = Scratch::new(name);
        scratch.write("known_hosts", fs::read(self.fleet.known_hosts_file()).unwrap());
        let inventory = format!(
            "server ansible_host={} ansible_user=root ansible_ssh_private_key_file={} \
             ansible_ssh_common_args='-o UserKnownHostsFile=known_hosts'\n",
            self.host.address(),
            self.fleet.key_file().display()
        );
        scratch.write("hosts", inventory);
        let play = workspace().join("tests/real_programs").join(format!("{name}.yml"));
        let play = play.display().to_string();
        let run = |words: &[&str]| {
            let mut all = vec!["run", "-i", "hosts", &play];
            all.extend(words);
            let ran = scratch.trueup(&all);
            ran.expect_code(0);
            outcomes(&ran.stdout, "server")
        };
        let foretold = run(&["--check", "--diff"]);
        let done = run(&[]);
        assert!(done.iter().any(|(_, words)| words.contains(&"changed".to_owned())), "{done:?}");
        assert_eq!(foretold, done, "{name}: what a check run foretells, and what is done");
        for words in [&[][..], &["--check"]] {
            let again = run(words);
            let is_change =
                |(_, words): &&(String, Vec<String>)| words.iter().any(|word| word == "changed");
            let changed: Vec<_> = again.iter().filter(is_change).collect();
            assert!(changed.is_empty(), "{name} {words:?}: a second run changes {changed:?}");
        }
    }
}

#[test]
fn files_and_tools() {
    if available("files_and_tools") {
        bench().converge(
            "files",
            "mkdir -p /srv/app/sub /out && echo old > /srv/app/file && echo beta > /srv/app/sub/b.bak \
             && printf -- '--- a/file\\n+++ b/file\\n@@ -1 +1 @@\\n-old\\n+new\\n' > /srv/fix.patch \
             && mkdir -p /srv/patched && echo old > /srv/patched/file && truncate -s 64M /srv/disk \
             && echo one > /srv/tool && touch /srv/crypttab && echo '<Server><Service><Connector port=\"8080\"/></Service></Server>' > /srv/server.xml && git init -q /srv/repository && systemctl start atd",
        );
    }
}

#[test]
fn postgresql() {
    if available("postgresql") {
        bench().converge(
            "postgresql",
            "systemctl start postgresql && for i in $(seq 100); do pg_isready -q && break; sleep 0.2; done; cd / && su postgres -c \
             \"createdb app && createuser reader && createuser staff && createuser writer && psql -q app -c \
             'CREATE TABLE books (a int)' -c 'CREATE TABLE mine (a int)' -c 'CREATE SCHEMA theirs \
             AUTHORIZATION staff' -c 'CREATE FUNCTION add(int, int) RETURNS int LANGUAGE sql AS \
             \\$\\$SELECT 1\\$\\$'\"",
        );
    }
}

#[test]
fn mariadb() {
    if available("mariadb") {
        bench().converge(
            "mariadb",
            "systemctl start mariadb && mariadb -e 'CREATE DATABASE shop; CREATE TABLE shop.items \
             (id int, name text)'",
        );
    }
}

#[test]
fn iptables() {
    if available("iptables") {
        bench().converge(
            "iptables",
            "iptables-save > /dev/null; iptables -A OUTPUT -p tcp --dport 4444 -j ACCEPT",
        );
    }
}

#[test]
fn ufw() {
    if available("ufw") {
        let bench = bench();
        bench.converge("ufw", "ufw --force reset && ufw --force disable");
        bench.host.run("ufw status | grep -q 'Status: active' && ufw --force disable").unwrap();
    }
}

#[test]
fn firewalld() {
    if available("firewalld") {
        let bench = bench();
        bench.converge(
            "firewalld",
            "systemctl start firewalld && for i in $(seq 100); do firewall-cmd --state && break; sleep 0.2; done",
        );
        bench.host.run("firewall-cmd --query-service=https && systemctl stop firewalld").unwrap();
    }
}

#[test]
fn services() {
    if available("services") {
        bench().converge(
            "services",
            "printf '[program:app]\\ncommand=/bin/sleep 1000\\nautostart=false\\n' \
             > /etc/supervisor/conf.d/app.conf && systemctl start supervisor && \
             for i in $(seq 100); do supervisorctl status | grep -q app && break; sleep 0.2; done",
        );
    }
}

#[test]
fn certificates() {
    if available("certificates") {
        bench().converge("certificates", "mkdir -p /etc/own");
    }
}

#[test]
fn docker() {
    if !available("docker") {
        return;
    }
    let bench = bench();
    // Where the kernel gives a container in a container too little, there is no engine.
    let started = bench.host.run(
        "mkdir -p /etc/docker && echo '{\"storage-driver\": \"vfs\", \"iptables\": false, \
         \"bridge\": \"none\"}' > /etc/docker/daemon.json; systemctl start docker && docker info",
    );
    if started.is_err() {
        println!("SKIPPED: docker: dockerd does not start in a container here");
        return;
    }
    bench.converge(
        "docker",
        "mkdir -p /srv/image && cd /srv/image && echo hello > hello && tar -c hello | docker import - own:v1",
    );
}
