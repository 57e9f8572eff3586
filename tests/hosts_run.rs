//! Runs on booted Debian hosts without Python, through the real binary, the real remote and
//! OpenSSH: what a task costs, what is left of a run that is cut off, and what hosts that are not
//! as they should be get.

use std::{
    fs,
    process::Child,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use hosts::{Fleet, Host, HostSpec, Operator, Sudo, available};
use trueup_tests::{
    program::{Ran, Scratch, trueup},
    recap::recap,
};

/// Seconds within which nothing of a run that was cut off is left on a host.
const GONE_SECS: u64 = 10;

/// Seconds within which a run reaches the task that a test waits for.
const REACHED_SECS: u64 = 60;

/// The host's folders that a test fills, and an account that may log in by its password alone.
const PREPARE: &str = "
useradd -m -s /bin/bash careful
printf 'careful:secret one\\n' | chpasswd
printf 'careful ALL=(ALL:ALL) ALL\\n' >/etc/sudoers.d/careful
mkdir -p /home/careful/.ssh /small /sealed
cp /root/.ssh/authorized_keys /home/careful/.ssh/
chown -R careful: /home/careful/.ssh
";

struct Bench {
    fleet: Fleet,
    host: Host,
}

/// One host for all tests of this file, one after the other.
fn bench() -> MutexGuard<'static, Bench> {
    static BENCH: OnceLock<Mutex<Bench>> = OnceLock::new();
    let make = || {
        let mut fleet = Fleet::start().unwrap();
        let spec = HostSpec {
            operator: Some(Operator {
                name: "op".into(),
                password: Some("secret op".into()),
                sudo: Sudo::WithoutPassword,
            }),
            root_password: Some("secret root".into()),
            prepare: Some(PREPARE.into()),
            sshd_config: vec!["MaxStartups 300".into()],
            ..HostSpec::new("target")
        };
        let host = fleet.boot(&spec).unwrap();
        Mutex::new(Bench { fleet, host })
    };
    BENCH.get_or_init(make).lock().unwrap_or_else(PoisonError::into_inner)
}

impl Bench {
    /// A folder with an inventory that reaches the host as a user, by key.
    fn scratch(&self, name: &str, user: &str) -> Scratch {
        let scratch = Scratch::new(name);
        scratch.write("known_hosts", fs::read(self.fleet.known_hosts_file()).unwrap());
        scratch.write("hosts", self.inventory(user, &self.fleet.key_file().display().to_string()));
        scratch
    }

    fn inventory(&self, user: &str, key: &str) -> String {
        format!(
            "target ansible_host={} ansible_user={user} ansible_ssh_private_key_file={key} \
             ansible_ssh_common_args='-o UserKnownHostsFile=known_hosts'\n",
            self.host.address()
        )
    }

    fn on_host(&self, script: &str) -> String {
        self.host.run(script).unwrap()
    }

    /// Waits until shell on the host prints something.
    fn wait_for(&self, script: &str, secs: u64) -> bool {
        let end = Instant::now() + Duration::from_secs(secs);
        while Instant::now() < end {
            if !self.on_host(&format!("{script} || true")).trim().is_empty() {
                return true;
            }
            thread::sleep(Duration::from_millis(50));
        }
        false
    }
}

fn play(tasks: &str) -> String {
    format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
}

/// The number after a name in what was traced.
fn traced(ran: &Ran, name: &str) -> u64 {
    let start = format!("{name}=");
    let word = ran.stderr.split_whitespace().find_map(|word| word.strip_prefix(&start));
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no {name}: {}", ran.stderr))
}

#[test]
fn hundreds_of_hosts_fit_into_little_memory() {
    /// How many hosts, where the environment does not say it by `TRUEUP_TEST_FLEET`: 1,000 take
    /// [`FLEET_BYTES_MAX`] in a program that is built for release (`TRUEUP_TEST_PROGRAM`).
    const HOSTS: u16 = 300;
    /// Each a connection, a remote that is put in place and its own variables. The program itself,
    /// built for debugging, is 50 MB of it.
    const BYTES_MAX: u64 = 200 * 1024 * 1024;
    const FLEET_BYTES_MAX: u64 = 256 * 1024 * 1024;

    if !available("hundreds_of_hosts_fit_into_little_memory") {
        return;
    }
    let count = std::env::var("TRUEUP_TEST_FLEET").map_or(HOSTS, |count| count.parse().unwrap());
    let bytes_max = if count > HOSTS { FLEET_BYTES_MAX } else { BYTES_MAX };
    let bench = bench();
    bench.fleet.give_addresses(&bench.host).unwrap();
    let scratch = bench.scratch("hundreds", "root");
    let network = bench.fleet.network();
    let mut hosts = String::new();
    for number in 1..=count {
        hosts.push_str(&format!("h{number} ansible_host={}\n", network.more_address(number)));
    }
    let key = bench.fleet.key_file();
    hosts.push_str(&format!(
        "\n[all:vars]\nansible_user=root\nansible_ssh_private_key_file={}\n\
         ansible_ssh_common_args='-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no'\n",
        key.display()
    ));
    scratch.write("hundreds", hosts);
    let tasks: String = (0..10)
        .map(|number| {
            format!(
                "    - file: {{path: '/root/many-{{{{ inventory_hostname }}}}-{number}', state: touch, mode: '0600'}}\n"
            )
        })
        .collect();
    scratch.write("play.yml", play(&format!("    - ping:\n{tasks}")));
    let mut command = scratch.command(trueup(), &["run", "-i", "hundreds", "-f", "50", "play.yml"]);
    let ran = Ran::of(command.env("TRUEUP_LOG", "run=debug").output().unwrap());
    ran.expect_code(0);
    let recap = recap(&ran.stdout);
    assert_eq!(recap.len(), usize::from(count));
    assert!(recap.values().all(|host| (host.get("ok"), host.get("changed")) == (11, 10)));
    let made = bench.on_host("ls /root | grep -c '^many-'; rm -rf /root/many-*");
    assert_eq!(made.trim(), (u64::from(count) * 10).to_string());
    let peak = traced(&ran, "peak_memory_bytes");
    eprintln!("{} MB for {count} hosts", peak / 1024 / 1024);
    assert!(peak <= bytes_max, "{peak} bytes");
    // Remotes end with their streams.
    assert!(bench.wait_for("pgrep trueup >/dev/null || echo gone", GONE_SECS));
}

#[test]
fn a_converged_task_costs_one_round_trip() {
    if !available("a_converged_task_costs_one_round_trip") {
        return;
    }
    let bench = bench();
    let scratch = bench.scratch("frames", "root");
    scratch.write("source.txt", "from a file\n");
    scratch.write("source.j2", "from {{ inventory_hostname }}\n");
    let tasks = r#"
    - file: {path: /root/frames, state: directory, mode: '0755'}
    - copy: {content: "written\n", dest: /root/frames/content, mode: '0644'}
    - copy: {src: source.txt, dest: /root/frames/file, mode: '0644'}
    - template: {src: source.j2, dest: /root/frames/template, mode: '0644'}
    - lineinfile: {path: /root/frames/content, line: written}
    - command: 'true'
      changed_when: false
    - stat: {path: /root/frames}
    - ping:
"#;
    const TASKS: u64 = 8;
    /// Bytes a task: arguments and small files there, results back.
    const SENT_MAX: u64 = 400;
    const RECEIVED_MAX: u64 = 400;
    scratch.write("play.yml", play(tasks));
    let words = ["run", "-i", "hosts", "play.yml"];
    scratch.trueup(&words).expect_code(0);
    let mut command = scratch.command(trueup(), &words);
    let ran = Ran::of(command.env("TRUEUP_LOG", "run=debug").output().unwrap());
    ran.expect_code(0);
    let counts = &recap(&ran.stdout)["target"];
    assert_eq!((counts.get("ok"), counts.get("changed")), (TASKS, 0), "{}", ran.stdout);
    assert_eq!(traced(&ran, "frames_sent"), TASKS, "one request a task");
    assert_eq!(traced(&ran, "round_trips"), TASKS, "each waits for the one before it");
    // The remote says who it is, once.
    assert_eq!(traced(&ran, "frames_received"), TASKS + 1, "one answer a task");
    let a_task = |name: &str| traced(&ran, name) / TASKS;
    let (sent, received) = (a_task("bytes_sent"), a_task("bytes_received"));
    eprintln!("{sent} bytes sent and {received} received a task");
    assert!(sent <= SENT_MAX && received <= RECEIVED_MAX, "{sent} and {received} bytes a task");
}

/// Tasks of every kind that something may not be sent past, each of which leaves its mark.
const MARKS: &str = r#"
- hosts: all
  gather_facts: false
  strategy: STRATEGY
  handlers:
    - name: mark
      shell: echo handler >> /srv/marks/log
  tasks:
    - file: {path: /srv/marks, state: directory}
    - shell: echo a >> /srv/marks/log
      notify: mark
    - shell: echo b >> /srv/marks/log; sleep 0.2
      register: b
    - shell: echo "c {{ b.rc }}" >> /srv/marks/log
      changed_when: false
    - shell: echo d >> /srv/marks/log; exit 3
      ignore_errors: true
      register: d
    - shell: echo "e {{ hostvars[inventory_hostname].d.rc }}" >> /srv/marks/log
    - block:
        - shell: echo f >> /srv/marks/log
        - shell: echo g >> /srv/marks/log; exit 4
        - shell: echo never >> /srv/marks/log
      rescue:
        - shell: echo "rescue {{ ansible_failed_result.rc }}" >> /srv/marks/log
        - shell: echo rescue >> /srv/marks/log
      always:
        - shell: echo always >> /srv/marks/log
    - shell: echo skipped >> /srv/marks/log
      when: b.rc == 1
    - shell: echo h >> /srv/marks/log; exit 1
      failed_when: false
    - shell: echo "i {{ item }}" >> /srv/marks/log
      loop: [1, 2]
    - set_fact: {x: 5}
    - shell: echo "x {{ x }}" >> /srv/marks/log
    - shell: echo "{{ nowhere }}" >> /srv/marks/log
      ignore_errors: true
    - shell: echo "as {{ lookup('vars', 'x') }}" >> /srv/marks/log
    - meta: flush_handlers
    - shell: echo last >> /srv/marks/log; exit 9
    - shell: echo never >> /srv/marks/log
    - shell: echo never >> /srv/marks/log
"#;

#[test]
fn what_is_sent_ahead_changes_nothing() {
    if !available("what_is_sent_ahead_changes_nothing") {
        return;
    }
    let bench = bench();
    let scratch = bench.scratch("ahead", "root");
    let mut outcomes = Vec::new();
    for strategy in ["linear", "free", "host_pinned"] {
        bench.on_host("rm -rf /srv/marks");
        scratch.write("play.yml", MARKS.replace("STRATEGY", strategy));
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        ran.expect_code(2);
        let log = bench.on_host("cat /srv/marks/log");
        assert!(log.ends_with("last\n") && !log.contains("never"), "{strategy}: {log}");
        outcomes.push((recap(&ran.stdout), log));
    }
    assert_eq!(outcomes[0], outcomes[1]);
    assert_eq!(outcomes[0], outcomes[2]);
}

#[test]
fn tasks_that_depend_on_nothing_share_round_trips() {
    if !available("tasks_that_depend_on_nothing_share_round_trips") {
        return;
    }
    const TASKS: u64 = 100;
    const ITEMS: u64 = 200;
    let bench = bench();
    let scratch = bench.scratch("trips", "root");
    let tasks = "    - stat: {path: /srv}\n".repeat(100);
    scratch.write("free.yml", play(&tasks).replace("  tasks:", "  strategy: free\n  tasks:"));
    let looped = "    - shell: echo {{ item }} >> /root/items\n      loop: '{{ range(0, 200) }}'\n";
    scratch.write("loop.yml", play(looped));
    for (name, requests, round_trips_max) in [("free.yml", TASKS, 12), ("loop.yml", ITEMS, 12)] {
        let mut command = scratch.command(trueup(), &["run", "-i", "hosts", name]);
        let ran = Ran::of(command.env("TRUEUP_LOG", "run=debug").output().unwrap());
        ran.expect_code(0);
        assert_eq!(traced(&ran, "frames_sent"), requests, "{name}");
        let round_trips = traced(&ran, "round_trips");
        assert!(round_trips <= round_trips_max, "{name}: {round_trips} round trips");
    }
    let items: Vec<String> = (0..ITEMS).map(|item| item.to_string()).collect();
    assert_eq!(bench.on_host("cat /root/items").lines().collect::<Vec<_>>(), items, "in order");
}

/// How a run is cut off.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Controller,
    Remote,
    Connection,
}

impl Cut {
    const ALL: [Self; 3] = [Self::Controller, Self::Remote, Self::Connection];

    fn make(self, bench: &Bench, run: &mut Child) {
        match self {
            Self::Controller => run.kill().unwrap(),
            Self::Remote => drop(bench.on_host(&format!("kill -9 {}", remotes(bench)))),
            // The processes of sshd that serve a connection; the listener goes on.
            Self::Connection => drop(bench.on_host("pkill -9 -f '^sshd: [a-z]'")),
        }
        // It ends by itself where it was not killed.
        let status = run.wait().unwrap();
        assert!(!status.success(), "{self:?}: a run that was cut off did not succeed");
    }
}

/// IDs of the remotes that run on the host.
fn remotes(bench: &Bench) -> String {
    let script = "for p in /proc/[0-9]*; do case $(readlink $p/exe) in */trueup-*/*) \
                  echo ${p#/proc/};; esac; done";
    bench.on_host(script).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Holds that nothing of a run is left: no remote, no process that has a word in its command line.
#[track_caller]
fn expect_gone(bench: &Bench, word: &str, cut: Cut) {
    let end = Instant::now() + Duration::from_secs(GONE_SECS);
    loop {
        // The brackets keep the search from finding itself.
        let (first, rest) = word.split_at(1);
        let left = bench.on_host(&format!("pgrep -af '[{first}]{rest}' || true"));
        let remotes = remotes(bench);
        if left.trim().is_empty() && remotes.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "{cut:?}: left on the host: {left} remotes {remotes}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_long_task_that_is_cut_off_leaves_no_process() {
    if !available("a_long_task_that_is_cut_off_leaves_no_process") {
        return;
    }
    let bench = bench();
    for user in ["root", "op"] {
        for cut in Cut::ALL {
            let scratch = bench.scratch("long", user);
            // A shell, its child in the foreground, and one in the background.
            let task = "    - shell: 'sleep 86399 & sleep 86399; echo end'\n      become: true\n";
            scratch.write("play.yml", play(task));
            let mut run = scratch.start(&["run", "-i", "hosts", "play.yml"]);
            assert!(bench.wait_for("pgrep -f '^sleep 86399'", REACHED_SECS), "{cut:?} as {user}");
            cut.make(&bench, &mut run);
            expect_gone(&bench, "sleep 86399", cut);
            scratch.write("play.yml", play("    - ping:\n      become: true\n"));
            scratch.trueup(&["run", "-i", "hosts", "play.yml"]).expect_code(0);
        }
    }
}

#[test]
fn a_large_copy_that_is_cut_off_leaves_no_half_file() {
    if !available("a_large_copy_that_is_cut_off_leaves_no_half_file") {
        return;
    }
    const BYTES: usize = 256 * 1024 * 1024;
    let bench = bench();
    // Not to be compressed away.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut content = Vec::with_capacity(BYTES);
    while content.len() < BYTES {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    for cut in Cut::ALL {
        let scratch = bench.scratch("large", "root");
        scratch.write("large", &content);
        let task = "    - copy: {src: large, dest: /root/large/file, mode: '0600'}\n";
        scratch.write("play.yml", play(task));
        bench.on_host("rm -rf /root/large; mkdir /root/large; echo old >/root/large/file");
        let words = ["run", "-i", "hosts", "play.yml"];
        let mut run = scratch.start(&words);
        // Some of it has been written, by a name or without one.
        let written = "for p in /proc/[0-9]*/fd/*; do case $(readlink $p) in /root/large/*) \
                       [ $(stat -Lc %s $p) -gt 1000000 ] && echo $p;; esac; done";
        assert!(bench.wait_for(written, REACHED_SECS), "{cut:?}: the copy began");
        cut.make(&bench, &mut run);
        expect_gone(&bench, "/root/large", cut);
        let left = bench.on_host("cd /root/large && ls -A && cat file | head -c 100");
        assert_eq!(left, "file\nold\n", "{cut:?}: what lies there");
        scratch.trueup(&words).expect_code(0);
        let same = bench.on_host("sha256sum </root/large/file; ls -A /root/large");
        let expect = hosts::shell::feed("sha256sum", &[] as &[&str], &content).unwrap();
        assert_eq!(same, format!("{expect}file\n"), "{cut:?}: the next run converges");
        let counts = scratch.trueup(&words);
        assert_eq!(recap(&counts.stdout)["target"].get("changed"), 0);
    }
    bench.on_host("rm -rf /root/large");
}

#[test]
fn hosts_that_let_nobody_in_are_unreachable_and_say_why() {
    if !available("hosts_that_let_nobody_in_are_unreachable_and_say_why") {
        return;
    }
    let bench = bench();
    let scratch = bench.scratch("let-in", "root");
    scratch.write("play.yml", play("    - ping:\n"));
    let key = scratch.path("other").display().to_string();
    let words = ["-q", "-t", "ed25519", "-N", "", "-f", &key];
    hosts::shell::run("ssh-keygen", &words).unwrap();
    let address = bench.host.address().to_string();
    let nowhere = address.rsplit_once('.').unwrap().0.to_owned() + ".250";
    scratch.write("wrong", "not the password\n");
    scratch.write("right", "secret root\n");
    let known = "-o UserKnownHostsFile=known_hosts";
    let no_key = "-o UserKnownHostsFile=known_hosts -o PubkeyAuthentication=no";
    let list = format!("{address},");
    let nobody = format!("{nowhere},");
    let run = |more: &[&str]| scratch.trueup(&[&["run", "play.yml", "-u", "root"], more].concat());
    let unreachable = ["UNREACHABLE!", "unreachable=1"];
    for (name, more, says) in [
        (
            "wrong key",
            &["-i", &list, "--private-key", &key, "--ssh-common-args", known][..],
            &["was not let in", "other"][..],
        ),
        (
            "wrong password",
            &["-i", &list, "--ssh-common-args", no_key, "--connection-password-file", "wrong"],
            &["was not let in", "password"],
        ),
        (
            "unknown host key",
            &["-i", &list, "--connection-password-file", "right", "--host-key-policy", "strict"],
            &["the host key of", "is not known", "ssh-keyscan"],
        ),
        (
            "no such host",
            &["-i", &nobody, "-T", "3", "--connection-password-file", "right"],
            &[nowhere.as_str(), "port 22"],
        ),
        (
            "no such name",
            &["-i", "nowhere.invalid,", "--connection-password-file", "right"],
            &["nowhere.invalid"],
        ),
        (
            "nothing listens",
            &["-i", &list, "-e", "ansible_port=2222", "--ssh-common-args", known],
            &["port 2222 cannot be reached", "refused"],
        ),
    ] {
        println!("{name}");
        run(more).expect_code(4).expect_said(says).expect_said(&unreachable);
        let detailed = [more, &["--detailed-exitcode"]].concat();
        run(&detailed).expect_code(8);
    }
    let right = ["-i", &list, "--ssh-common-args", no_key, "--connection-password-file", "right"];
    run(&right).expect_code(0).expect_said(&["ok=1"]);
}

#[test]
fn who_cannot_become_another_user_fails_the_task() {
    if !available("who_cannot_become_another_user_fails_the_task") {
        return;
    }
    let bench = bench();
    let scratch = bench.scratch("become", "careful");
    scratch.write("play.yml", play("    - ping:\n      become: true\n"));
    scratch.write("wrong", "not the password\n");
    scratch.write("right", "secret one\n");
    for (more, says) in [
        (&["--become-password-file", "wrong"][..], &["Incorrect sudo password"][..]),
        (&[], &["Missing sudo password", "--ask-become-pass"]),
        (&["--become-user", "nobody-there", "--become-password-file", "right"], &["nobody-there"]),
        (&["--become-method", "doas"], &["doas"]),
    ] {
        println!("{more:?}");
        let words = [&["run", "-i", "hosts", "play.yml"], more].concat();
        let ran = scratch.trueup(&words);
        ran.expect_code(2).expect_said(says).expect_said(&["FAILED!", "failed=1"]);
        assert!(!ran.said().contains("secret one"), "no password is shown");
    }
    let words = ["run", "-i", "hosts", "play.yml", "--become-password-file", "right"];
    scratch.trueup(&words).expect_code(0);
}

#[test]
fn a_full_disk_leaves_the_old_file() {
    if !available("a_full_disk_leaves_the_old_file") {
        return;
    }
    let bench = bench();
    let scratch = bench.scratch("full", "root");
    bench.on_host(
        "mountpoint -q /small || mount -t tmpfs -o size=1m tmpfs /small; echo old >/small/file",
    );
    scratch.write("large", vec![b'x'; 4 * 1024 * 1024]);
    scratch.write("play.yml", play("    - copy: {src: large, dest: /small/file}\n"));
    let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
    let says = ["FAILED!", "/small/file", "No space left on device", "play.yml:4"];
    ran.expect_code(2).expect_said(&says);
    let left = bench.on_host("cat /small/file; ls -A /small; umount /small");
    assert_eq!(left, "old\nfile\n", "nothing half done");
}

#[test]
fn a_host_without_a_folder_for_the_remote_is_unreachable() {
    if !available("a_host_without_a_folder_for_the_remote_is_unreachable") {
        return;
    }
    let bench = bench();
    let scratch = bench.scratch("folder", "careful");
    scratch.write("play.yml", play("    - ping:\n"));
    let folders = ["/home/careful", "/var/tmp", "/tmp"];
    for (options, says) in [("noexec", "programs cannot be run"), ("size=16k,nr_inodes=50", "free")]
    {
        for folder in folders {
            // Keys are read from where they were.
            bench.on_host(&format!(
                "cp -a {folder} /sealed/; mount -t tmpfs -o {options} tmpfs {folder}; \
                 cp -a /sealed/{name}/.ssh {folder}/ 2>/dev/null; chmod 1777 {folder}; \
                 [ {folder} != /home/careful ] || {{ chown careful {folder}; chmod 755 {folder}; }}",
                name = folder.rsplit('/').next().unwrap()
            ));
        }
        let ran = scratch.trueup(&["run", "-i", "hosts", "play.yml"]);
        for folder in folders {
            // Other tests may have something open there.
            bench.on_host(&format!("umount -l {folder}"));
        }
        let hint = "ansible_remote_tmp";
        let says = ["UNREACHABLE!", "no folder of the host", says, hint];
        ran.expect_code(4).expect_said(&says);
    }
    scratch.trueup(&["run", "-i", "hosts", "play.yml"]).expect_code(0);
}

/// A task as another user sees that user's account as it is, not as it was when the user was first
/// become; and an account can go although tasks ran as it.
#[test]
fn accounts_that_tasks_ran_as_may_change_and_go() {
    if !available("accounts_that_tasks_ran_as_may_change_and_go") {
        return;
    }
    let bench = bench();
    let scratch = bench.scratch("accounts", "root");
    scratch.write(
        "play.yml",
        play(
            "    - user: {name: passing}\n\
             \x20   - command: id -nG\n\
             \x20     become_user: passing\n\
             \x20     register: before\n\
             \x20   - user: {name: passing, groups: adm, append: true}\n\
             \x20   - command: id -nG\n\
             \x20     become_user: passing\n\
             \x20     register: after\n\
             \x20   - assert: {that: ['\"adm\" not in before.stdout', '\"adm\" in after.stdout']}\n\
             \x20   - user: {name: passing, state: absent, remove: true}\n",
        ),
    );
    let ran = scratch.trueup(&["run", "-b", "-i", "hosts", "play.yml"]);
    ran.expect_code(0);
    assert_eq!(bench.on_host("getent passwd passing || echo gone").trim(), "gone");
}
