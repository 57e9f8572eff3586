//! Texts on a host in memory, and tables in a kernel.

use std::{
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use module::{
    FileMode, Mode,
    fake::FakeHost,
    machine::{Cancellation, Courier, Machine},
};
use protocol::{Digest, Json, Response, arguments::check};
use serde_json::json;

use crate::{CATALOGUE, cases::run, fake_programs::put_nft};

fn host() -> FakeHost {
    let mut host = FakeHost::default();
    host.put_dirs("/etc");
    put_nft(&mut host);
    host
}

fn apply(args: &Json, host: &mut FakeHost) -> Response {
    run("nftables", args, "", "", Mode::default(), host)
}

#[test]
fn tables_are_written_as_nft_reads_them() {
    for (args, expected) in [
        (json!({"table": "t"}), "table inet t {\n}\n"),
        (
            json!({"table": "t", "family": "ip", "comment": "mine", "chains": [
                {"name": "a", "type": "filter", "hook": "input", "priority": 0, "policy": "drop",
                 "comment": "in", "rules": ["tcp dport { 22, 80 } accept", {"rule": "log prefix \"a;{\"", "comment": "noisy"}]},
                {"name": "b"}]}),
            "table ip t {\n\tcomment \"mine\"\n\tchain a {\n\t\tcomment \"in\"\n\t\ttype filter hook input priority 0; policy drop;\n\t\ttcp dport { 22, 80 } accept\n\t\tlog prefix \"a;{\" comment \"noisy\"\n\t}\n\tchain b {\n\t}\n}\n",
        ),
        (
            json!({"table": "t", "family": "netdev", "chains": [{"name": "a", "type": "filter",
                "hook": "ingress", "priority": "filter - 10", "device": "eth0"}]}),
            "table netdev t {\n\tchain a {\n\t\ttype filter hook ingress devices = { \"eth0\" } priority filter - 10;\n\t}\n}\n",
        ),
        (
            json!({"table": "t", "sets": [{"name": "s", "type": "ipv4_addr", "flags": "interval,timeout",
                "timeout": "1h", "gc_interval": "5m", "size": 9, "policy": "memory", "auto_merge": true,
                "counter": true, "comment": "c", "elements": ["10.0.0.0/8", "1.2.3.4 timeout 5m"]}]}),
            "table inet t {\n\tset s {\n\t\ttype ipv4_addr\n\t\tsize 9\n\t\tpolicy memory\n\t\tflags interval,timeout\n\t\ttimeout 1h\n\t\tgc-interval 5m\n\t\tcounter\n\t\tauto-merge\n\t\tcomment \"c\"\n\t\telements = { 10.0.0.0/8, 1.2.3.4 timeout 5m }\n\t}\n}\n",
        ),
        (
            json!({"table": "t", "maps": [{"name": "m", "type": "inet_service : verdict",
                "elements": [{"22": "accept"}, "80 : drop"]}]}),
            "table inet t {\n\tmap m {\n\t\ttype inet_service : verdict\n\t\telements = { 22 : accept, 80 : drop }\n\t}\n}\n",
        ),
    ] {
        let response = apply(&args, &mut host());
        assert!(!response.failed && response.changed, "{args}: {response:?}");
        assert_eq!(response.returned["ruleset"], expected, "{args}");
    }
}

#[test]
fn what_would_reach_beyond_its_place_is_refused() {
    let chain = |rule: Json| json!({"table": "t", "chains": [{"name": "a", "rules": [rule]}]});
    for (args, expected) in [
        (json!({"table": "a b"}), "the name of a table starts with a letter"),
        (json!({"table": "t{"}), "the name of a table starts with a letter"),
        (json!({"table": "t", "chains": [{"name": "1"}]}), "the name of a chain starts"),
        (chain(json!("accept } chain b {")), "closes a brace that it did not open"),
        (chain(json!("tcp dport { 22")), "opens a brace that it does not close"),
        (chain(json!("accept\n drop")), "goes over the end of its line"),
        (chain(json!("accept; drop")), "holds more than one statement"),
        (chain(json!("accept # drop")), "holds a remark"),
        (chain(json!("log prefix \"a")), "has a quote that does not end"),
        (chain(json!("")), "a rule of the chain a is empty"),
        (chain(json!(5)), "is neither a text nor a dict: 5"),
        (chain(json!({"comment": "x"})), "lacks the key rule"),
        (chain(json!({"rule": "accept", "note": "x"})), "has an unknown key note"),
        (chain(json!({"rule": "accept", "comment": "a\"b"})), "a comment cannot hold quotes"),
        (chain(json!({"rule": "accept", "comment": "x".repeat(129)})), "longer than 128 bytes"),
        (
            json!({"table": "t", "chains": [{"name": "a", "type": "nat", "hook": "input", "priority": "0; }"}]}),
            "needs a priority such as",
        ),
        (
            json!({"table": "t", "chains": [{"name": "a", "type": "nat"}]}),
            "parameters are required together: type, hook, priority",
        ),
        (
            json!({"table": "t", "chains": [{"name": "a", "policy": "drop"}]}),
            "required by 'policy': hook",
        ),
        (
            json!({"table": "t", "sets": [{"name": "s"}]}),
            "one of the following is required: type, typeof",
        ),
        (json!({"table": "t", "sets": [{"name": "s", "type": "a : b"}]}), "has a type of maps"),
        (
            json!({"table": "t", "maps": [{"name": "m", "type": "mark"}]}),
            "needs a type of both sides",
        ),
        (
            json!({"table": "t", "sets": [{"name": "s", "type": "mark", "elements": ["1 }"]}]}),
            "closes a brace",
        ),
        (json!({"table": "t", "state": "absent", "chains": []}), "state is absent"),
        (json!({"table": "t", "persist": true, "path": "rel.nft"}), "path must be absolute"),
        (json!({"table": "t", "path": "/x"}), "path is for tables that persist"),
    ] {
        let mut host = host();
        let response = apply(&args, &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(expected), "{args}: {msg}");
        assert_eq!(host.writes, 0);
    }
}

#[test]
fn tables_are_kept_over_boots() {
    let args = json!({"table": "t", "persist": true, "chains": [{"name": "a"}]});
    for (config, text, expected) in [
        (None, "", "#!/usr/sbin/nft -f\n\ninclude \"/etc/nftables.d/*.nft\"\n"),
        (
            Some("/etc/nftables.conf"),
            "flush ruleset",
            "flush ruleset\n\ninclude \"/etc/nftables.d/*.nft\"\n",
        ),
        (
            Some("/etc/sysconfig/nftables.conf"),
            "include '/etc/nftables.d/*.nft';\n",
            "include '/etc/nftables.d/*.nft';\n",
        ),
        (Some("/etc/nftables.nft"), "x\n", "x\n\ninclude \"/etc/nftables.d/*.nft\"\n"),
    ] {
        let mut host = host();
        if let Some(config) = config {
            host.put(config, text);
        }
        let response = apply(&args, &mut host);
        assert!(!response.failed, "{response:?}");
        let config = config.unwrap_or("/etc/nftables.conf");
        assert_eq!(host.files.text(config).unwrap(), expected);
        let kept = host.files.text("/etc/nftables.d/trueup-inet-t.nft").unwrap();
        assert!(
            kept.ends_with(
                "table inet t\ndelete table inet t\ntable inet t {\n\tchain a {\n\t}\n}\n"
            ),
            "{kept}"
        );
        let gone = apply(&json!({"table": "t", "persist": true, "state": "absent"}), &mut host);
        assert!(gone.changed && !gone.failed);
        assert_eq!(host.files.text("/etc/nftables.d/trueup-inet-t.nft"), None);
    }
    let mut host = host();
    let other =
        json!({"table": "t", "persist": true, "path": "/srv/fw/t.conf", "config": "/etc/own"});
    host.put_dirs("/srv");
    assert!(!apply(&other, &mut host).failed);
    assert!(host.files.text("/etc/own").unwrap().ends_with("include \"/srv/fw/t.conf\"\n"));
}

struct NoFiles;

impl Courier for NoFiles {
    fn fetch(&self, _: &Digest) -> io::Result<Box<dyn Read>> {
        Err(io::ErrorKind::NotFound.into())
    }
    fn send(&self, _: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// A network namespace, and an `nft` that works in it; both are gone when this is.
struct Namespace {
    keeper: Child,
    folder: PathBuf,
}

impl Namespace {
    /// `None` where this machine has no `nft` or lets nobody make namespaces.
    fn new(name: &str) -> Option<Self> {
        let mut keeper = Command::new("unshare")
            .args(["-n", "sh", "-c", "nft list ruleset >/dev/null && echo ready && exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut word = [0; 6];
        let is_ready = keeper.stdout.take()?.read_exact(&mut word).is_ok();
        let folder = std::env::temp_dir().join(format!("trueup-nft-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).ok()?;
        let script = format!(
            "#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n[ \"$(readlink /proc/self/ns/net)\" = \"{}\" ] || exec nft \"$@\"\nexec nsenter --net=/proc/{}/ns/net nft \"$@\"\n",
            // What is tried in a namespace of its own stays there.
            std::fs::read_link("/proc/self/ns/net").ok()?.display(),
            keeper.id()
        );
        let path = folder.join("nft");
        std::fs::write(&path, script).ok()?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).ok()?;
        let namespace = Self { keeper, folder };
        is_ready.then_some(namespace)
    }

    fn nft(&self, args: &[&str]) -> String {
        let output = Command::new(self.folder.join("nft")).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn run(&self, args: &Json, is_check: bool) -> Response {
        let entry = CATALOGUE.find("nftables").unwrap();
        let args = check(&(entry.spec)().arguments, "nftables", args.as_object().unwrap()).unwrap();
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", self.folder.display());
        let umask = FileMode::new(0o022);
        let cancellation = Arc::new(Cancellation::new().unwrap());
        let mut host = Machine::new(vec![("PATH".into(), path)], umask, cancellation, &NoFiles);
        (entry.run)(&args, Mode { check: is_check, diff: true }, &mut host)
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn the_kernel_takes_tables_and_is_read_back() {
    let Some(namespace) = Namespace::new("kernel") else {
        eprintln!("SKIPPED: tables in a kernel: this needs root and nft");
        return;
    };
    namespace.nft(&["add", "table", "inet", "foreign"]);
    let mut args = json!({
        "table": "t", "comment": "mine",
        "sets": [
            {"name": "nets", "type": "ipv4_addr", "flags": ["interval"], "auto_merge": true,
             "elements": ["10.0.0.0/9", "10.128.0.0/9", "192.0.2.1"]},
            {"name": "seen", "type": "ipv4_addr", "flags": ["dynamic", "timeout"], "timeout": "1h"},
        ],
        "maps": [{"name": "m", "type": "inet_service : verdict", "elements": [{"22": "jump ssh"}, {"80": "accept"}]}],
        "chains": [
            {"name": "input", "type": "filter", "hook": "input", "priority": -5, "policy": "drop", "comment": "in",
             "rules": ["ct state 0x2,0x4 counter accept", "iif lo accept", {"rule": "tcp dport {80,22} accept", "comment": "web"},
                       "add @seen { ip saddr }", "ip saddr @nets tcp dport vmap @m"]},
            {"name": "ssh", "rules": ["limit rate 10/second burst 5 packets accept"]},
        ],
    });
    let foretold = namespace.run(&args, true);
    assert!(foretold.changed && !foretold.failed, "{foretold:?}");
    assert_eq!(namespace.nft(&["list", "tables"]), "table inet foreign\n");
    let done = namespace.run(&args, false);
    assert!(done.changed && !done.failed, "{done:?}");
    assert_eq!(done.diff, foretold.diff);
    for is_check in [true, false] {
        let again = namespace.run(&args, is_check);
        assert!(!again.changed && !again.failed, "{again:?}");
    }
    // What the kernel adds to a set that is not the task's is no difference, and is kept.
    namespace.nft(&["add element inet t seen { 198.51.100.7 timeout 2h }"]);
    assert!(!namespace.run(&args, false).changed);
    args["chains"][1]["rules"] = json!(["accept"]);
    let changed = namespace.run(&args, false);
    assert!(changed.changed && !changed.failed, "{changed:?}");
    assert!(
        namespace.nft(&["list", "set", "inet", "t", "seen"]).contains("198.51.100.7 timeout 2h")
    );
    // What others put into the table is taken out.
    namespace.nft(&["add rule inet t ssh drop"]);
    assert!(namespace.run(&args, true).changed);
    assert!(namespace.run(&args, false).changed);
    assert!(!namespace.nft(&["list", "table", "inet", "t"]).contains("\t\tdrop"));
    let broken =
        json!({"table": "t", "chains": [{"name": "a", "rules": ["tcp dport 99999 accept"]}]});
    let refused = namespace.run(&broken, true);
    assert!(
        refused.failed
            && refused.msg.as_deref().unwrap().starts_with("nft does not accept the table: "),
        "{refused:?}"
    );
    let gone = namespace.run(&json!({"table": "t", "state": "absent"}), false);
    assert!(gone.changed && !gone.failed, "{gone:?}");
    assert!(!namespace.run(&json!({"table": "t", "state": "absent"}), false).changed);
    assert_eq!(namespace.nft(&["list", "tables"]), "table inet foreign\n");
}
