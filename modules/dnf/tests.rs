use module::{Mode, Output, fake::FakeHost};
use protocol::{Json, Response};
use serde_json::json;

use crate::cases::run;

/// A host with `bash`, and a repository that has `foo` besides.
fn host() -> FakeHost {
    const THERE: &str = "/run/rpmdb";
    let mut host = FakeHost::default();
    host.put(THERE, "bash-0:5.2-1.x86_64\n");
    host.program("rpm", |files, program| {
        let all = files.text(THERE).unwrap();
        let name = program.args.last().unwrap();
        match program.args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["-qa", ..] => Output::success(all),
            ["-q", "--qf", ..] if name == "bash" => Output::success("0:5.2-1\n"),
            ["-q", ..] if all.lines().any(|line| line.starts_with(&format!("{name}-"))) => {
                Output::success("")
            }
            _ => Output::failure(1, ""),
        }
    });
    host.program("dnf", |files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let verb = words.iter().find(|word| !word.starts_with('-')).unwrap();
        let old = files.text(THERE).unwrap();
        let (new, heading) = match (*verb, *words.last().unwrap()) {
            ("makecache", _) => return Output::success("Metadata cache created."),
            ("repoquery", "bash-5.1") => return Output::success("bash 0:5.1-1\n"),
            ("repoquery", "ba*") => return Output::success("bash 0:5.3-1\n"),
            ("repoquery", "none*") => return Output::success(""),
            ("install", "foo") if !old.contains("foo-") => {
                (format!("{old}foo-0:1-1.noarch\n"), "Installing")
            }
            ("install", "nosuch") => {
                return Output::failure(1, "No match for argument: nosuch\nError: Unable to find");
            }
            ("remove", "bash") => (String::new(), "Removing"),
            ("upgrade", _) => (old.replace("5.2", "5.3"), "Upgrading"),
            ("install" | "remove" | "autoremove", _) => (old.clone(), ""),
            _ => return Output::failure(2, format!("bad words: {words:?}")),
        };
        if new == old {
            return Output::success("Nothing to do.\n");
        }
        let makes_a_folder = words.iter().any(|word| word.starts_with("--downloaddir"));
        if words.contains(&"--assumeno") && makes_a_folder {
            return Output::failure(2, "a check run writes");
        }
        if words.contains(&"--assumeno") {
            return Output {
                stdout: format!("{heading}:\n x noarch 1 r 1\n").into(),
                ..Output::failure(1, "Operation aborted.")
            };
        }
        if !words.contains(&"--downloadonly") {
            files.put(THERE, new);
        }
        Output::success("Complete!")
    });
    host
}

fn apply(args: &Json, is_check: bool, host: &mut FakeHost) -> Response {
    run("dnf", args, "", "", Mode { check: is_check, diff: false }, host)
}

#[test]
fn packages_are_what_the_task_says() {
    for (args, results) in [
        (json!({"name": "bash"}), json!([])),
        (json!({"name": "foo"}), json!(["Installed: foo-1-1.noarch"])),
        (json!({"name": "bash", "state": "absent"}), json!(["Removed: bash-5.2-1.x86_64"])),
        (json!({"name": "foo", "state": "absent"}), json!(["No match for argument: foo"])),
        (json!({"name": "bash-5.1"}), json!([])),
        (
            json!({"name": "foo", "download_only": true, "download_dir": "/d"}),
            json!(["Downloaded: x-1.noarch"]),
        ),
        (json!({"name": "ba*"}), json!([])),
        (json!({"name": "none*"}), json!([])),
        (
            json!({"name": "*", "state": "latest"}),
            json!(["Installed: bash-5.3-1.x86_64", "Removed: bash-5.2-1.x86_64"]),
        ),
        (
            json!({"name": "foo", "state": "latest", "update_only": true}),
            json!(["Packages providing foo not installed due to update_only specified"]),
        ),
        (json!({"update_cache": true}), json!([])),
        (json!({"autoremove": true, "name": []}), json!([])),
    ] {
        let mut host = host();
        let changes = |line: &Json| {
            let line = line.as_str().unwrap();
            ["Installed: ", "Removed: ", "Downloaded: "].iter().any(|head| line.starts_with(head))
        };
        let changed = results.as_array().unwrap().iter().any(changes);
        let foretold = apply(&args, true, &mut host);
        assert_eq!((foretold.failed, foretold.changed), (false, changed), "{args}: {foretold:?}");
        let done = apply(&args, false, &mut host);
        assert_eq!((done.failed, done.changed), (false, changed), "{args}: {done:?}");
        assert_eq!(done.returned["results"], results, "{args}");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for (args, words) in [
        (json!({"name": "nosuch"}), "Failed to install some of the specified packages"),
        (
            json!({"name": "foo", "state": "present", "autoremove": true}),
            "Autoremove should be used alone",
        ),
        (json!({"name": "--help"}), "is no name of a package"),
        (json!({"name": "foo bash"}), "has a space"),
        (json!({"name": "/foo-1-1.noarch.rpm", "state": "absent"}), "Cannot remove paths"),
        (json!({"name": "foo", "use_backend": "dnf5"}), "there is none of dnf5"),
        (json!({"name": "foo", "list": "installed"}), "mutually exclusive: name|list"),
        (json!({"name": "foo", "best": true, "nobest": true}), "mutually exclusive: best|nobest"),
        (
            json!({"name": "http://x/y.rpm", "validate_certs": false}),
            "validate_certs: false is not",
        ),
    ] {
        for is_check in [true, false] {
            let response = apply(&args, is_check, &mut host());
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(words), "{args}: {msg}");
        }
    }
    let response = apply(&json!({"name": "foo"}), false, &mut FakeHost::default());
    assert!(response.msg.unwrap().contains("does not install packages with dnf"));
}
