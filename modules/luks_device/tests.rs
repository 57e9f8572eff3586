use module::{
    Mode, Output,
    fake::{FakeHost, Files},
};
use protocol::Json;
use serde_json::json;

use super::headers::parse_slots;
use crate::cases::run;

/// Where the fake keeps keys: `/run/luks/DISK` has a line `SLOT KEY` for each.
fn place(device: &str) -> String {
    format!("/run/luks{device}")
}

fn keys(files: &Files, device: &str) -> Vec<(String, String)> {
    let text = files.text(&place(device)).unwrap_or_default();
    let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()));
    text.lines().filter_map(pair).collect()
}

/// `cryptsetup` with its keys in files, `lsblk` and `wipefs`.
fn host() -> FakeHost {
    let mut host = FakeHost::default();
    host.put_disk("/dev/sdc", vec![0; 8]);
    host.put("/etc/one.key", "one");
    host.put("/etc/two.key", "two");
    host.put_dirs("/run/open");
    host.program("cryptsetup", |files: &mut Files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let after = |flag: &str| {
            let at = words.iter().position(|word| *word == flag)?;
            words.get(at + 1).copied()
        };
        let device = "/dev/sdc";
        let input = String::from_utf8(program.stdin.clone().unwrap_or_default()).unwrap();
        let (first, rest) = match after("--keyfile-size") {
            Some(size) => input.split_at(size.parse().unwrap()),
            None => (input.as_str(), input.as_str()),
        };
        let read = |files: &Files, path: &str, phrase: &str| match path {
            "-" => phrase.to_owned(),
            path => files.text(path).unwrap_or_default(),
        };
        let all = keys(files, device);
        let save = |files: &mut Files, all: &[(String, String)]| {
            let text: String = all.iter().map(|(slot, key)| format!("{slot} {key}\n")).collect();
            files.put(&place(device), text);
        };
        let verb = words.iter().find(|word| !word.starts_with("--key-file")).copied();
        let verb = if words.contains(&"open") { "open" } else { verb.unwrap_or_default() };
        match verb {
            "isLuks" if all.is_empty() => return Output::failure(1, ""),
            "isLuks" => {}
            "luksFormat" => {
                let key = read(files, words.last().unwrap(), first);
                save(files, &[(after("--key-slot").unwrap_or("0").to_owned(), key)]);
            }
            "luksUUID" => return Output::success("1-2-3\n"),
            "luksDump" => {
                let slots: String =
                    all.iter().map(|(slot, _)| format!("  {slot}: luks2\n")).collect();
                return Output::success(format!("Version:       \t2\nKeyslots:\n{slots}Tokens:\n"));
            }
            "luksOpen" | "open" => {
                let key = read(files, after("--key-file").unwrap(), first);
                let fits = |(slot, other): &(String, String)| {
                    *other == key && after("--key-slot").is_none_or(|wanted| wanted == slot)
                };
                if !all.iter().any(fits) {
                    return Output::failure(2, "No key available with this passphrase.");
                }
                if verb == "open" {
                    files.put(&format!("/run/open/{}", words.last().unwrap()), device);
                }
            }
            "luksAddKey" => {
                let key = read(files, words.last().unwrap(), rest);
                let slot = after("--key-slot").map_or_else(|| all.len().to_string(), str::to_owned);
                save(files, &[all.as_slice(), &[(slot, key)]].concat());
            }
            "luksRemoveKey" => {
                let key = read(files, after("--key-file").unwrap(), first);
                let left: Vec<_> = all.into_iter().filter(|(_, other)| *other != key).collect();
                save(files, &left);
            }
            "luksKillSlot" => {
                let slot = *words.last().unwrap();
                let left: Vec<_> = all.into_iter().filter(|(other, _)| other != slot).collect();
                save(files, &left);
            }
            "status" => {
                let name = words.last().unwrap();
                return match files.text(&format!("/run/open/{name}")) {
                    Some(device) => {
                        Output::success(format!("  type:  LUKS2\n  device:  {device}\n"))
                    }
                    None => Output::failure(4, "inactive"),
                };
            }
            "close" => files.remove(format!("/run/open/{}", words.last().unwrap()).as_ref()),
            other => return Output::failure(1, format!("no {other}")),
        }
        Output::success("")
    });
    host.program("lsblk", |files, _| {
        let open = files.text("/run/open/vault").map(|_| "crypt vault\n");
        let own = files.text("/run/open/luks-1-2-3").map(|_| "crypt luks-1-2-3\n");
        Output::success(format!("disk  sdc\n{}", open.or(own).unwrap_or_default()))
    });
    host.program("wipefs", |files, program| {
        files.remove(place(program.args.last().unwrap()).as_ref());
        Output::success("")
    });
    host
}

fn apply(args: &Json, check: bool, host: &mut FakeHost) -> protocol::Response {
    run("luks_device", args, "", "", Mode { check, diff: false }, host)
}

#[test]
fn containers_are_kept() {
    let mut host = host();
    let key = json!("/etc/one.key");
    for (args, changed, name) in [
        (json!({"device": "/dev/sdc", "state": "absent"}), false, Json::Null),
        (json!({"device": "/dev/sdc", "keyfile": key}), true, Json::Null),
        (
            json!({"device": "/dev/sdc", "state": "opened", "name": "vault", "keyfile": key}),
            true,
            json!("vault"),
        ),
        (json!({"device": "/dev/sdc", "state": "opened"}), false, json!("vault")),
        (json!({"state": "closed", "name": "vault"}), true, json!("vault")),
        (json!({"state": "closed", "name": "vault"}), false, Json::Null),
        (
            json!({"device": "/dev/sdc", "state": "opened", "passphrase": "one"}),
            true,
            json!("luks-1-2-3"),
        ),
        (json!({"device": "/dev/sdc", "state": "closed"}), true, json!("luks-1-2-3")),
        (json!({"device": "/dev/sdc", "keyfile": key, "new_passphrase": "more"}), true, Json::Null),
        (
            json!({"device": "/dev/sdc", "passphrase": "bW9yZQ==", "passphrase_encoding": "base64", "new_passphrase": "YQ==", "new_keyslot": 5}),
            true,
            Json::Null,
        ),
        (json!({"device": "/dev/sdc", "remove_passphrase": "a"}), true, Json::Null),
        (json!({"device": "/dev/sdc", "remove_passphrase": "a"}), false, Json::Null),
        (
            json!({"device": "/dev/sdc", "keyfile": key, "new_keyfile": "/etc/two.key", "remove_keyslot": 1}),
            true,
            Json::Null,
        ),
        (json!({"device": "/dev/sdc", "state": "absent"}), true, Json::Null),
    ] {
        let told = apply(&args, true, &mut host);
        let writes = host.writes;
        let done = apply(&args, false, &mut host);
        assert!(!told.failed && !done.failed, "{args}: {told:?} {done:?}");
        assert_eq!((told.changed, done.changed), (changed, changed), "{args}");
        assert_eq!(done.returned.get("name"), Some(&name), "{args}");
        assert_eq!(host.writes > writes, changed, "{args}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut host = host();
    let made = json!({"device": "/dev/sdc", "passphrase": "one"});
    assert!(apply(&made, false, &mut host).changed);
    let open =
        json!({"device": "/dev/sdc", "passphrase": "one", "state": "opened", "name": "vault"});
    assert!(apply(&open, false, &mut host).changed);
    for (args, words) in [
        (json!({"device": "/dev/nothing"}), "No such file or directory"),
        (json!({"device": "/etc/one.key"}), "is not a device"),
        (json!({"device": "/dev/sdc", "label": "a", "type": "luks1"}), "cannot combine type luks1"),
        (json!({"device": "/dev/sdc", "new_keyslot": 2}), "requires the passphrase or keyfile"),
        (
            json!({"device": "/dev/sdc", "keyslot": 32}),
            "32 must be between 0 and 31 when using LUKS2.",
        ),
        (
            json!({"device": "/dev/sdc", "passphrase": "=", "passphrase_encoding": "base64", "state": "opened", "new_passphrase": "a"}),
            "is not encoded in Base64",
        ),
        (
            json!({"device": "/dev/sdc", "remove_passphrase": "one"}),
            "less than two active keyslots",
        ),
        (
            json!({"device": "/dev/sdc", "passphrase": "one", "remove_keyslot": 0}),
            "keyfile or passphrase in same slot",
        ),
        (
            json!({"device": "/dev/sdc", "passphrase": "one", "new_passphrase": "one", "new_keyslot": 3}),
            "already present in another slot",
        ),
        (
            json!({"device": "/dev/sdc", "passphrase": "one", "new_passphrase": "b", "state": "absent"}),
            "add a key to absent",
        ),
        (
            json!({"device": "/dev/sdc", "remove_passphrase": "one", "state": "absent"}),
            "remove a key from absent",
        ),
        (
            json!({"device": "/dev/sdc", "state": "opened", "name": "other"}),
            "under different name 'vault'",
        ),
        (
            json!({"device": "/dev/sdc", "keyfile": "/etc/one.key", "passphrase": "one"}),
            "mutually exclusive",
        ),
    ] {
        let response = apply(&args, false, &mut host);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {msg}");
    }
}

#[test]
fn passphrases_reach_no_argument() {
    let mut host = host();
    host.program("cryptsetup", |_, program| {
        assert!(!program.args.join(" ").contains("secret"), "{:?}", program.args);
        match program.args.first().map(String::as_str) {
            Some("isLuks") => Output::success(""),
            Some("luksDump") => Output::success("Keyslots:\n  0: luks2\n  1: luks2\n"),
            Some("luksOpen") => match program.stdin.as_deref() {
                Some(b"secret1" | b"secret3") => Output::success(""),
                _ => Output::failure(2, "No key available with this passphrase."),
            },
            Some("luksAddKey") => {
                assert_eq!(program.stdin.as_deref(), Some(b"secret1secret2".as_slice()));
                Output::success("")
            }
            _ => Output::success(""),
        }
    });
    let args = json!({"device": "/dev/sdc", "passphrase": "secret1", "new_passphrase": "secret2",
                      "remove_passphrase": "secret3"});
    let response = apply(&args, false, &mut host);
    assert!(response.changed && !response.failed, "{response:?}");
}

#[test]
fn slots_are_counted_in_both_formats() {
    let old = "Version:       \t1\nKey Slot 0: ENABLED\n\tIterations: 9\nKey Slot 1: DISABLED\nKey Slot 7: ENABLED\n";
    assert_eq!(parse_slots(old), [0, 7]);
    let new = "Keyslots:\n  0: luks2\n\tKey: 512 bits\n\t            0a 1b\n  3: luks2\nTokens:\n  1: x\nDigests:\n  0: pbkdf2\n";
    assert_eq!(parse_slots(new), [0, 3]);
}
