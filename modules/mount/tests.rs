use module::{Mode, fake::FakeHost};
use protocol::Json;
use serde_json::json;

use crate::{cases::run, fake_programs::put_mount};

fn host(table: &str) -> FakeHost {
    let mut host = FakeHost::default();
    host.put("/etc/fstab", table);
    put_mount(&mut host);
    host
}

fn apply(args: &Json, host: &mut FakeHost) -> protocol::Response {
    run("mount", args, "", "", Mode::default(), host)
}

#[test]
fn tables_and_mounts_are_kept() {
    let base =
        |state: &str| json!({"path": "/m", "src": "/dev/x", "fstype": "ext4", "state": state});
    let with = |state: &str, key: &str, value: Json| {
        let mut args = base(state);
        args[key] = value;
        args
    };
    let line = "/dev/x /m ext4 defaults 0 0\n";
    for (args, table, is_mounted, after, stays_mounted, changed) in [
        (base("present"), "", false, line, false, true),
        (
            base("present"),
            "/dev/x\t/m\text4  defaults 0 0\n",
            false,
            "/dev/x\t/m\text4  defaults 0 0\n",
            false,
            false,
        ),
        (base("mounted"), "# x\n", false, "# x\n/dev/x /m ext4 defaults 0 0\n", true, true),
        (base("mounted"), line, true, line, true, false),
        (with("mounted", "opts", json!("ro")), line, true, "/dev/x /m ext4 ro 0 0\n", true, true),
        (
            with("present", "boot", json!(false)),
            "",
            false,
            "/dev/x /m ext4 defaults,noauto 0 0\n",
            false,
            true,
        ),
        (
            with("present", "src", json!("//h/a b")),
            "",
            false,
            "//h/a\\040b /m ext4 defaults 0 0\n",
            false,
            true,
        ),
        (base("unmounted"), line, true, line, false, true),
        (base("absent"), line, true, "", false, true),
        (base("absent_from_fstab"), line, true, "", true, true),
        (base("ephemeral"), "", false, "", true, true),
    ] {
        let mut host = host(table);
        if is_mounted {
            host.put_dirs("/m");
            host.put("/proc/mounts", "/dev/x /m ext4 rw 0 0\n");
        }
        let response = apply(&args, &mut host);
        assert_eq!((response.failed, response.changed), (false, changed), "{args}: {response:?}");
        assert_eq!(host.files.text("/etc/fstab").as_deref(), Some(after), "{args}");
        let mounts = host.files.text("/proc/mounts").unwrap();
        assert_eq!(mounts.contains(" /m "), stays_mounted, "{args}: {mounts}");
        assert!(!apply(&args, &mut host).changed, "{args}");
    }
    let mut host = host(line);
    host.put("/proc/mounts", "/dev/x /m ext4 rw 0 0\n");
    assert!(apply(&base("remounted"), &mut host).changed);
}

#[test]
fn a_table_is_as_it_was_where_nothing_can_be_mounted() {
    let args = json!({"path": "/m", "src": "nosuch", "fstype": "x", "state": "mounted"});
    for before in [Some("# own\n"), None] {
        let mut host = host("# own\n");
        if before.is_none() {
            host.files.remove(std::path::Path::new("/etc/fstab"));
        }
        assert!(apply(&args, &mut host).failed);
        assert_eq!(host.files.text("/etc/fstab").as_deref(), before);
    }
}

#[test]
fn what_the_table_does_not_have_stays_where_it_is() {
    let mut host = host("");
    host.put_dirs("/m");
    host.put("/proc/mounts", "/dev/x /m ext4 rw 0 0\n");
    assert!(!apply(&json!({"path": "/m", "state": "absent"}), &mut host).changed);
    assert!(host.files.text("/proc/mounts").unwrap().contains(" /m "));
}

#[test]
fn options_that_are_lacking_are_set() {
    for (opts, found, changed) in [
        ("rw", "rw,relatime", false),
        ("defaults", "ro", false),
        ("ro", "rw", true),
        ("rw,noexec", "rw,nosuid", true),
        ("exec", "rw", false),
        ("size=1m", "rw", false),
    ] {
        let mut host = host("");
        host.put_dirs("/m");
        host.put("/proc/mounts", format!("own /m tmpfs {found} 0 0\n"));
        let args = json!({
            "path": "/m", "src": "own", "fstype": "tmpfs", "opts": opts, "state": "ephemeral",
        });
        let check = Mode { check: true, diff: true };
        assert_eq!(run("mount", &args, "", "", check, &mut host).changed, changed, "{opts}");
    }
}

#[test]
fn what_cannot_be_mounted_is_refused() {
    for (args, expected) in [
        (
            json!({"path": "/m", "state": "mounted"}),
            "state is mounted but all of the following are missing: src, fstype",
        ),
        (json!({"path": "/m"}), "missing required arguments: state"),
        (
            json!({"path": "/m", "src": "nosuch", "fstype": "x", "state": "mounted"}),
            "Error mounting /m",
        ),
        (
            json!({"path": "/m", "src": "a\nb", "fstype": "x", "state": "present"}),
            "goes over a line end",
        ),
        (
            json!({"path": "/m", "src": "a", "fstype": "x", "opts": "a b", "state": "present"}),
            "cannot hold blanks",
        ),
        (json!({"path": "/full", "state": "absent"}), "Error rmdir /full: the folder is not empty"),
        (json!({"path": "/m", "state": "remounted"}), "is not mounted"),
        (
            json!({"path": "/busy", "src": "b", "fstype": "x", "state": "ephemeral"}),
            "already mounted with a different source: a",
        ),
    ] {
        let mut host = host("a /full x defaults 0 0\n");
        host.put("/full/x", "");
        host.put("/proc/mounts", "a /busy x rw 0 0\n");
        let response = apply(&args, &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(expected), "{args}: {msg}");
    }
}

/// `/dev/own/there` leads to where the kernel's `/dev/mapper/own-there` does.
#[test]
fn a_volume_is_one_source_under_both_of_its_names() {
    for (target, failed) in [("/dev/dm-0", false), ("/dev/dm-1", true)] {
        let mut host = host("");
        host.put_dirs("/m");
        host.put("/dev/dm-0", "");
        host.put("/dev/dm-1", "");
        host.put_link("/dev/mapper/own-there", "/dev/dm-0");
        host.put_link("/dev/own/there", target);
        host.put("/proc/mounts", "/dev/mapper/own-there /m ext4 rw 0 0\n");
        let args = json!({
            "path": "/m", "src": "/dev/own/there", "fstype": "ext4", "state": "ephemeral",
        });
        let response = apply(&args, &mut host);
        assert_eq!((response.failed, response.changed), (failed, false), "{response:?}");
    }
}
