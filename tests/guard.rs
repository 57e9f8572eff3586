//! Changes that cut a booted host off are undone by it, and the task says so; others stay.

use std::{
    fs,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use hosts::{Fleet, Host, HostSpec, available};
use trueup_tests::program::{Ran, Scratch};

struct Bench {
    fleet: Fleet,
    host: Host,
}

/// One host for all tests of this file, one after the other.
fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let make = || {
        let mut fleet = Fleet::start().unwrap();
        let host = fleet.boot(&HostSpec::new("guarded")).unwrap();
        Mutex::new(Bench { fleet, host })
    };
    BENCH.get_or_init(make).lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bench {
    fn run(&self, name: &str, tasks: &str, words: &[&str]) -> (Scratch, Ran) {
        let scratch = Scratch::new(name);
        scratch.write("known_hosts", fs::read(self.fleet.known_hosts_file()).unwrap());
        let inventory = format!(
            "guarded ansible_host={} ansible_user=root ansible_ssh_private_key_file={} \
             ansible_ssh_common_args='-o UserKnownHostsFile=known_hosts'\n",
            self.host.address(),
            self.fleet.key_file().display()
        );
        scratch.write("hosts", inventory);
        scratch.write("play.yml", format!("- hosts: all\n  gather_facts: false\n{tasks}"));
        let mut all = vec!["run", "-i", "hosts", "play.yml"];
        all.extend(words);
        let ran = scratch.trueup(&all);
        (scratch, ran)
    }

    fn on_host(&self, script: &str) -> String {
        self.host.run(script).unwrap()
    }
}

/// What a task that was undone says.
const CUT: &str = "the change cut the host off: it could not be reached over a fresh connection";

/// A table of its own, which lets connections that are there go on, and no new one in.
const NO_SSH: &str = "
  - trueup.net.nftables:
      table: closed
      chains:
      - name: input
        type: filter
        hook: input
        priority: 0
        rules: ['ct state established,related accept', 'tcp dport 22 drop']
";

#[test]
fn rules_that_drop_ssh_are_undone() {
    if !available("rules_that_drop_ssh_are_undone") {
        return;
    }
    let bench = bench();
    bench.on_host(
        "nft add table inet mine; nft add chain inet mine c; nft add rule inet mine c accept",
    );
    let before = bench.on_host("nft list ruleset; cat /etc/nftables.conf");
    let tasks = format!("  vars: {{trueup_guard_secs: 4}}\n  tasks:{NO_SSH}");
    let (_scratch, ran) = bench.run("guard-nft", &tasks, &[]);
    ran.expect_code(2);
    assert!(ran.stdout.contains(CUT), "{}", ran.stdout);
    assert!(ran.stdout.contains("and has undone the change"), "{}", ran.stdout);
    assert_eq!(bench.on_host("nft list ruleset; cat /etc/nftables.conf"), before);
    // Not even what is there already can be reached.
    let all = NO_SSH.replace("'ct state established,related accept', ", "");
    let tasks = format!("  vars: {{trueup_guard_secs: 4}}\n  tasks:{all}");
    let (_scratch, ran) = bench.run("guard-nft-all", &tasks, &[]);
    ran.expect_code(2);
    assert!(ran.stdout.contains(CUT), "{}", ran.stdout);
    assert_eq!(bench.on_host("nft list ruleset; cat /etc/nftables.conf"), before);
    // A script can be guarded where it is said what it could cut.
    let script = "  vars: {trueup_guard_secs: 4, trueup_guard: [firewall]}\n  tasks:\n  - shell: nft \
                  add table inet t && nft 'add chain inet t c {type filter hook input priority 0; \
                  policy drop;}' && nft add rule inet t c ct state established accept\n";
    let (_scratch, ran) = bench.run("guard-script", script, &[]);
    ran.expect_code(2);
    assert!(ran.stdout.contains(CUT), "{}", ran.stdout);
    assert_eq!(bench.on_host("nft list ruleset; cat /etc/nftables.conf"), before);
    bench.on_host("nft delete table inet mine");
}

#[test]
fn rules_that_leave_the_way_open_stay() {
    if !available("rules_that_leave_the_way_open_stay") {
        return;
    }
    let bench = bench();
    let open = NO_SSH.replace("dport 22 drop", "dport 23 drop").replace("closed", "open");
    let tasks = format!("  tasks:{open}");
    for changed in ["changed=1", "changed=0"] {
        let (_scratch, ran) = bench.run("guard-open", &tasks, &[]);
        ran.expect_code(0);
        assert!(ran.stdout.contains(changed), "{}", ran.stdout);
    }
    assert!(bench.on_host("nft list table inet open").contains("dport 23"));
    assert_eq!(bench.on_host("ls -d /*/.ansible/tmp/trueup-0/guard-* /root/.ansible/tmp/*/guard-* 2>/dev/null | wc -l").trim(), "0");
    let tasks = "  tasks:\n  - trueup.net.nftables: {table: open, state: absent}\n";
    let (_scratch, ran) = bench.run("guard-absent", tasks, &[]);
    ran.expect_code(0);
}

#[test]
fn an_ssh_server_that_lets_nobody_in_is_as_it_was() {
    if !available("an_ssh_server_that_lets_nobody_in_is_as_it_was") {
        return;
    }
    let bench = bench();
    let before = bench.on_host("cat /etc/ssh/sshd_config");
    let tasks = "  vars: {trueup_guard_secs: 4}
  tasks:
  - lineinfile: {path: /etc/ssh/sshd_config, insertbefore: BOF, line: 'AllowUsers nobody', state: present}
    notify: sshd reads it
  - copy: {content: \"PermitEmptyPasswords no\\n\", dest: /etc/ssh/sshd_config.d/new.conf}
    notify: sshd reads it
  handlers:
  - name: sshd reads it
    service: {name: ssh, state: restarted}
";
    let (_scratch, ran) = bench.run("guard-sshd", tasks, &[]);
    ran.expect_code(2);
    assert!(ran.stdout.contains(CUT), "{}", ran.stdout);
    assert_eq!(bench.on_host("cat /etc/ssh/sshd_config"), before);
    assert_eq!(bench.on_host("ls /etc/ssh/sshd_config.d | grep -c new || true").trim(), "0");
    // Another port is found by what the server says of itself.
    let tasks = "  tasks:
  - lineinfile: {path: /etc/ssh/sshd_config, insertbefore: BOF, line: 'Port 2222'}
  - service: {name: ssh, state: restarted}
";
    let (_scratch, ran) = bench.run("guard-port", tasks, &[]);
    ran.expect_code(0);
    assert!(bench.on_host("sshd -T").contains("port 2222"));
    bench.on_host("sed -i '/^Port 2222/d' /etc/ssh/sshd_config; systemctl restart ssh");
    // Without a guard it is as the task says.
    let tasks = "  vars: {trueup_guard_secs: 0}
  tasks:
  - lineinfile: {path: /etc/ssh/sshd_config, insertbefore: BOF, line: 'AllowUsers nobody'}
  - service: {name: ssh, state: restarted}
";
    let (_scratch, ran) = bench.run("guard-off", tasks, &[]);
    ran.expect_code(0);
    bench.on_host("sed -i '/^AllowUsers/d' /etc/ssh/sshd_config; systemctl restart ssh");
}

#[test]
fn what_guards_nothing_is_refused() {
    if !available("what_guards_nothing_is_refused") {
        return;
    }
    let bench = bench();
    for (vars, words) in [
        ("trueup_guard_secs: soon", "trueup_guard_secs is 'soon', which is no number of seconds"),
        ("trueup_guard: [moon]", "a list of firewall, sshd and network is wanted"),
    ] {
        let tasks = format!(
            "  vars: {{{vars}}}\n  tasks:\n  - trueup.net.nftables: {{table: none, state: absent}}\n"
        );
        let (_scratch, ran) = bench.run("guard-refused", &tasks, &[]);
        ran.expect_code(2);
        assert!(ran.stdout.contains(words), "{vars}: {}", ran.stdout);
    }
}
