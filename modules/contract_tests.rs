//! Every module is held to its contract, on every example, on several hosts.

use module::{
    Entry, Output,
    contract::{Promise, hold},
    fake::FakeHost,
};
use protocol::{Json, JsonMap, arguments::check};

use super::CATALOGUE;
use crate::fake_tools::with_account_tools;

/// A systemd that knows every unit; what it was told is in files.
fn put_systemd(host: &mut FakeHost) {
    host.put_dirs("/run/systemd/system");
    host.program("systemctl", |files, program| {
        let words: Vec<&str> = program
            .args
            .iter()
            .map(String::as_str)
            .filter(|word| !word.starts_with("--"))
            .collect();
        let (verb, unit) = match words.as_slice() {
            [verb, unit] => (*verb, unit.trim_end_matches(".service")),
            _ => return Output::failure(1, "no such verb"),
        };
        let (active, start) = (format!("/run/units/{unit}"), format!("/etc/units/{unit}"));
        match verb {
            "start" => files.put(&active, "active"),
            "stop" => files.put(&active, "inactive"),
            "enable" => files.put(&start, "enabled"),
            "disable" | "unmask" => files.put(&start, "disabled"),
            "mask" => files.put(&start, "masked"),
            "list-units" | "list-unit-files" => {}
            "show" => {
                let start = files.text(&start).unwrap_or_else(|| "disabled".into());
                let load = if start == "masked" { "masked" } else { "loaded" };
                let active = files.text(&active).unwrap_or_else(|| "inactive".into());
                return Output::success(format!(
                    "LoadState={load}\nActiveState={active}\nUnitFileState={start}\n"
                ));
            }
            _ => return Output::failure(1, "no such verb"),
        }
        Output::success("")
    });
}

/// Hosts that differ in what is there already.
fn hosts() -> Vec<FakeHost> {
    let mut bare = FakeHost::default();
    bare.put_dirs("/etc");
    bare.put_dirs("/tmp");
    bare.put_dirs("/srv");
    bare.set_variable("HOME", "/root");
    bare.set_variable("PATH", "/usr/bin:/bin");
    bare.hold(b"test");
    bare.program("visudo", |_, _| Output::success(""));
    super::fake_programs::put_all(&mut bare);
    super::fake_rare::put_all(&mut bare);
    bare.program("getent", |_, program| match program.args.join(" ").as_str() {
        "-- passwd root" => Output::success("root:x:0:0:root:/root:/bin/bash\n"),
        _ => Output::failure(2, ""),
    });
    with_account_tools(&mut bare);
    super::fake_programs::put_all(&mut bare);
    put_systemd(&mut bare);
    bare.put_dirs("/etc/apt/sources.list.d");
    bare.program("apt-get", |_, _| Output::success(""));
    let mut plain = bare.clone();
    plain.put("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
    plain.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    plain.put("/etc/group", "root:x:0:\nadm:x:4:\n");
    plain.put("/etc/shadow", "root:*:1:0:99999:7:::\n");
    plain.put_dirs("/etc/sudoers.d");
    let mut odd = plain.clone();
    odd.put_link("/etc/motd", "hosts");
    odd.put_link("/srv/current", "/tmp");
    odd.put("/etc/marker", "x");
    odd.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\ngames:x:5:60::/usr/games:/bin/sh\nops:x:7:0::/home/ops:/bin/sh\n");
    odd.put("/etc/group", "root:x:0:\nadm:x:4:\ngames:x:60:\ndeploy:x:1000:\nmail:x:8:ops\n");
    odd.put(
        "/etc/shadow",
        "root:*:1:0:99999:7:::\ngames:*:1:0:99999:7:::\nops:$6$x:1:0:99999:7:::\n",
    );
    odd.put("/etc/sudoers.d/ops", "old");
    odd.put("/srv/www/site/index", "");
    odd.put("/etc/x/y/z", "deep");
    odd.put_mode("/etc/hosts", 0o600);
    vec![bare, plain, odd]
}

fn arguments(entry: &Entry, text: &str) -> JsonMap {
    let Ok(Json::Object(all)) = serde_json::from_str::<Json>(text) else {
        panic!("{}: the example is no mapping: {text}", entry.name);
    };
    let (internal, given): (JsonMap, JsonMap) =
        all.into_iter().partition(|(name, _)| name.starts_with('_') && name != "_raw_params");
    let mut args = check(&(entry.spec)().arguments, entry.name, &given)
        .unwrap_or_else(|errors| panic!("{}: {text}: {errors:?}", entry.name));
    args.extend(internal);
    args
}

#[test]
fn every_example_keeps_the_contract() {
    let (mut held, mut refused) = (0, Vec::new());
    let mut broken = Vec::new();
    for entry in CATALOGUE.entries {
        let spec = (entry.spec)();
        assert!(!spec.examples.is_empty(), "{} has no example", entry.name);
        for (title, text) in &spec.examples {
            let args = arguments(entry, text);
            let mut done = false;
            for host in hosts() {
                match hold(entry, &args, entry.promise, &host) {
                    Ok(response) => {
                        held += 1;
                        done |= !response.failed;
                        if response.failed {
                            refused.push(format!("{}: {title}: {:?}", entry.name, response.msg));
                        }
                    }
                    Err(why) => broken.push(format!("{title}: {why}")),
                }
            }
            let is_program = entry.promise == Promise::Action;
            if !done && !is_program {
                let head = format!("{}: {title}", entry.name);
                let why: Vec<&String> =
                    refused.iter().filter(|why| why.starts_with(&head)).collect();
                broken.push(format!("{head}: fails on every host: {why:?}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(held >= 3 * CATALOGUE.entries.len());
}

#[test]
fn every_module_is_documented() {
    for entry in CATALOGUE.entries {
        let spec = (entry.spec)();
        assert_eq!(spec.name, entry.name);
        assert!(spec.summary.ends_with('.'), "{}: {}", entry.name, spec.summary);
        for argument in &spec.arguments.arguments {
            let words = argument.description.as_str();
            assert!(words.ends_with('.'), "{}: {}: {words}", entry.name, argument.name);
        }
        assert!(spec.returns.iter().all(|one| one.sample.is_some()), "{}", entry.name);
    }
}

#[test]
fn names_are_found_and_found_once() {
    for (name, expected) in [
        ("copy", Some("ansible.builtin.copy")),
        ("ansible.builtin.copy", Some("ansible.builtin.copy")),
        ("ansible.legacy.copy", Some("ansible.builtin.copy")),
        ("ansible.legacy.nosuch", None),
        ("nosuch", None),
        ("", None),
    ] {
        assert_eq!(CATALOGUE.find(name).map(|entry| entry.name), expected, "{name}");
    }
    let mut names: Vec<&str> = CATALOGUE.names().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
