//! Accounts on the fake host, whose tools are fakes as well.

use module::{Mode, fake::FakeHost};
use protocol::Json;
use serde_json::json;

use super::tools::date_text;
use crate::{cases::run, fake_tools::with_account_tools};

fn host() -> FakeHost {
    let mut host = FakeHost::default();
    host.put(
        "/etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nbob:x:1000:1000:Bob:/home/bob:/bin/sh\n",
    );
    host.put("/etc/group", "root:x:0:\nbob:x:1000:\nadm:x:4:bob\nsudo:x:27:bob\n");
    host.put("/etc/shadow", "root:*:1:0:99999:7:::\nbob:$6$old:1:0:99999:7:::\n");
    host.put("/etc/skel/.profile", "skel");
    host.put_dirs("/home/bob");
    with_account_tools(&mut host);
    host
}

fn line(host: &FakeHost, file: &str, name: &str) -> Option<String> {
    let text = host.files.text(file)?;
    text.lines().find(|line| line.starts_with(&format!("{name}:"))).map(str::to_owned)
}

#[test]
fn accounts_become_what_the_task_says() {
    for (args, changed, passwd, group) in [
        (json!({"name": "bob"}), false, "bob:x:1000:1000:Bob:/home/bob:/bin/sh", "adm:x:4:bob"),
        (
            json!({"name": "bob", "shell": "/bin/zsh"}),
            true,
            "bob:x:1000:1000:Bob:/home/bob:/bin/zsh",
            "adm:x:4:bob",
        ),
        (
            json!({"name": "bob", "uid": 1001, "comment": "B"}),
            true,
            "bob:x:1001:1000:B:/home/bob:/bin/sh",
            "adm:x:4:bob",
        ),
        (
            json!({"name": "bob", "groups": "sudo"}),
            true,
            "bob:x:1000:1000:Bob:/home/bob:/bin/sh",
            "adm:x:4:",
        ),
        (
            json!({"name": "bob", "groups": "sudo", "append": true}),
            false,
            "bob:x:1000:1000:Bob:/home/bob:/bin/sh",
            "adm:x:4:bob",
        ),
        (
            json!({"name": "bob", "groups": ""}),
            true,
            "bob:x:1000:1000:Bob:/home/bob:/bin/sh",
            "adm:x:4:",
        ),
        (
            json!({"name": "bob", "group": "adm"}),
            true,
            "bob:x:1000:4:Bob:/home/bob:/bin/sh",
            "adm:x:4:bob",
        ),
    ] {
        let mut host = host();
        let response = run("user", &args, "", "", Mode::default(), &mut host);
        assert!(!response.failed, "{args}: {response:?}");
        assert_eq!(response.changed, changed, "{args}");
        assert_eq!(line(&host, "/etc/passwd", "bob").as_deref(), Some(passwd), "{args}");
        assert_eq!(line(&host, "/etc/group", "adm").as_deref(), Some(group), "{args}");
        let again = run("user", &args, "", "", Mode::default(), &mut host);
        assert!(!again.changed, "{args}: {again:?}");
    }
}

#[test]
fn passwords_are_set_and_shown_to_nobody() {
    let mut host = host();
    let args = json!({"name": "bob", "password": "$6$new", "password_lock": true});
    let mode = Mode { check: false, diff: true };
    let response = run("user", &args, "", "", mode, &mut host);
    assert!(response.changed && !response.failed, "{response:?}");
    assert!(!format!("{response:?}").contains("$6$"), "{response:?}");
    assert!(line(&host, "/etc/shadow", "bob").unwrap().starts_with("bob:!$6$new:"));
    let args = json!({"name": "bob", "password": "$6$other", "update_password": "on_create"});
    assert!(!run("user", &args, "", "", mode, &mut host).changed);
    let warned = json!({"name": "bob", "password": "plain"});
    let response = run("user", &warned, "", "", mode, &mut host);
    assert!(response.warnings[0].contains("appears not to have been hashed"));
}

#[test]
fn accounts_of_the_hosts_own_files_are_kept_with_libuser() {
    let mut host = host();
    for name in ["useradd", "usermod", "userdel", "chage"] {
        host.program(name, |_, _| module::Output::failure(9, "not this one"));
    }
    for (args, passwd, group) in [
        (
            json!({"name": "bob", "comment": "B", "groups": ["adm", "root"]}),
            Some("bob:x:1000:1000:B:/home/bob:/bin/sh"),
            "sudo:x:27:",
        ),
        (
            json!({"name": "bob", "groups": "sudo", "append": true, "expires": 1_893_456_000}),
            Some("bob:x:1000:1000:Bob:/home/bob:/bin/sh"),
            "sudo:x:27:bob",
        ),
        (json!({"name": "bob", "state": "absent", "force": true}), None, "sudo:x:27:"),
    ] {
        let mut host = self::host();
        let mut args = args;
        args["local"] = json!(true);
        let response = run("user", &args, "", "", Mode::default(), &mut host);
        assert!(!response.failed && response.changed, "{args}: {response:?}");
        assert_eq!(line(&host, "/etc/passwd", "bob").as_deref(), passwd, "{args}");
        assert_eq!(line(&host, "/etc/group", "sudo").as_deref(), Some(group), "{args}");
        assert!(!run("user", &args, "", "", Mode::default(), &mut host).changed, "{args}");
    }
    let args = json!({"name": "eve", "local": true, "groups": "adm", "create_home": false});
    let response = run("user", &args, "", "", Mode::default(), &mut host);
    assert!(response.changed && !response.failed, "{response:?}");
    let args = json!({"name": "bob", "shell": "/bin/zsh"});
    assert!(run("user", &args, "", "", Mode::default(), &mut host).failed);
}

#[test]
fn keys_are_made_once_and_encrypted_where_the_task_says() {
    let key = |more: Json| {
        let mut args = json!({"name": "bob", "generate_ssh_key": true});
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        args
    };
    let path = "/home/bob/.ssh/id_rsa";
    for (more, passphrase) in
        [(json!({}), ""), (json!({"ssh_key_passphrase": "secret words"}), "secret words")]
    {
        let mut host = host();
        let response = run("user", &key(more.clone()), "", "", Mode::default(), &mut host);
        assert!(response.changed && !response.failed, "{response:?}");
        let expected = format!("key with passphrase {passphrase:?}\n");
        assert_eq!(host.files.text(path), Some(expected));
        assert!(!run("user", &key(more), "", "", Mode::default(), &mut host).changed);
    }
    // What stands in the place of a public key is not overwritten unasked.
    let mut host = host();
    host.put("/flag", "mine");
    host.put_dirs("/home/bob/.ssh");
    host.put_link("/home/bob/.ssh/id_rsa.pub", "/flag");
    assert!(!run("user", &key(json!({})), "", "", Mode::default(), &mut host).changed);
    let forced = run("user", &key(json!({"force": true})), "", "", Mode::default(), &mut host);
    assert!(forced.changed && !forced.failed, "{forced:?}");
    assert_eq!(host.files.text("/flag").as_deref(), Some("mine"));
    assert!(host.files.text(path).is_some());
}

#[test]
fn a_home_that_is_missing_is_made_from_the_skeleton() {
    let mut host = host();
    host.files.remove("/home/bob".as_ref());
    let response = run("user", &json!({"name": "bob"}), "", "", Mode::default(), &mut host);
    assert!(response.changed && !response.failed, "{response:?}");
    assert_eq!(host.files.text("/home/bob/.profile").as_deref(), Some("skel"));
}

#[test]
fn groups_may_come_before_the_account_does() {
    let check = Mode { check: true, ..Mode::default() };
    for name in ["bob", "new"] {
        let args = json!({"name": name, "group": "to_come", "groups": ["more"]});
        let response = run("user", &args, "", "", check, &mut host());
        assert!(response.changed && !response.failed, "{name}: {response:?}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for (args, expected) in [
        (json!({"name": "bob", "group": "nosuch"}), "Group nosuch does not exist"),
        (json!({"name": "bob", "groups": ["nosuch"]}), "Group nosuch does not exist"),
        (
            json!({"name": "bob", "generate_ssh_key": true, "ssh_key_passphrase": "four"}),
            "Saving key failed: passphrase is too short",
        ),
        (
            json!({"name": "bob", "local": true, "umask": "022"}),
            "'umask' can not be used with 'local'",
        ),
        (json!({"name": "bob", "password": "a:b"}), "a password hash holds neither"),
        (json!({"name": "bob", "uid": "x"}), "argument 'uid' is of type"),
        (json!({"name": "bob", "uid": 0}), "usermod: "),
        (json!({}), "missing required arguments: name"),
    ] {
        let response = run("user", &args, "", "", Mode::default(), &mut host());
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.starts_with(expected), "{args}: {msg}");
    }
}

#[test]
fn days_have_dates() {
    for (day, date) in
        [(0, "1970-01-01"), (11_016, "2000-02-29"), (21_915, "2030-01-01"), (-1, "1969-12-31")]
    {
        assert_eq!(date_text(day), date);
    }
}
