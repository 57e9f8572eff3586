use std::path::Path;

use protocol::{Json, Response};
use serde_json::json;

use crate::real_host::{Scratch, run};

/// A repository with two commits on `main`, a branch `early` and a tag `v1` on the first one.
fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    let done = scratch.shell(
        "export HOME=$PWD GIT_CONFIG_NOSYSTEM=1; mkdir from && cd from && git init -q -b main && \
         git config user.email a@b && git config user.name a && echo 1 >a && git add a && \
         git commit -qm 1 && git tag v1 && git branch early && echo 2 >a && git commit -qam 2 && \
         git tag -m x v2",
    );
    assert!(done, "git is needed here");
    scratch
}

fn git(scratch: &Scratch, more: Json, is_check: bool) -> Response {
    let mut args = json!({"repo": scratch.path("from"), "dest": scratch.path("to")});
    for (name, value) in more.as_object().unwrap() {
        args[name] = value.clone();
    }
    run("git", &args, is_check, Path::new("/dev/null"))
}

#[test]
fn a_working_copy_is_kept_at_its_version() {
    let scratch = scratch("git-versions");
    let foretold = git(&scratch, json!({}), true);
    assert!(foretold.changed && !foretold.failed, "{foretold:?}");
    assert!(!Path::new(&scratch.path("to")).exists());
    let first = git(&scratch, json!({}), false);
    assert!(first.changed && !first.failed, "{first:?}");
    assert_eq!(first.returned["after"], foretold.returned["after"]);
    assert_eq!(first.returned["before"], Json::Null);
    for (args, changed, line) in [
        (json!({}), false, "2"),
        (json!({"version": "v1"}), true, "1"),
        (json!({"version": "v1"}), false, "1"),
        (json!({"version": "early"}), false, "1"),
        (json!({"version": "v2"}), true, "2"),
        (json!({"version": "main"}), false, "2"),
        (json!({"version": "early", "depth": 1}), true, "1"),
        (json!({"version": "main", "update": false}), false, "1"),
    ] {
        let foretold = git(&scratch, args.clone(), true);
        let done = git(&scratch, args.clone(), false);
        assert!(!done.failed, "{args}: {done:?}");
        assert_eq!(
            (foretold.changed, done.changed),
            (changed, changed),
            "{args}: {foretold:?} {done:?}"
        );
        assert_eq!(foretold.returned["after"], done.returned["after"], "{args}");
        let text = std::fs::read_to_string(scratch.path("to/a")).unwrap();
        assert_eq!(text.trim(), line, "{args}");
    }
}

#[test]
fn changes_are_kept_unless_they_are_given_up() {
    let scratch = scratch("git-changes");
    git(&scratch, json!({}), false);
    assert!(scratch.shell("echo mine >to/a; echo x >to/new"));
    for is_check in [true, false] {
        let refused = git(&scratch, json!({}), is_check);
        let msg = refused.msg.unwrap_or_default();
        assert!(msg.starts_with("Local modifications exist in the destination"), "{msg}");
    }
    let forced = git(&scratch, json!({"force": true}), false);
    assert!(forced.changed && !forced.failed, "{forced:?}");
    assert_eq!(std::fs::read_to_string(scratch.path("to/a")).unwrap(), "2\n");
    assert!(Path::new(&scratch.path("to/new")).exists());
}

#[test]
fn repositories_are_bare_apart_and_packed() {
    let scratch = scratch("git-shapes");
    let bare = git(&scratch, json!({"bare": true}), false);
    assert!(!bare.failed && Path::new(&scratch.path("to/HEAD")).exists(), "{bare:?}");
    assert!(!git(&scratch, json!({"bare": true}), false).changed);
    let apart = json!({"dest": scratch.path("apart"), "separate_git_dir": scratch.path("own")});
    let done = git(&scratch, apart.clone(), false);
    assert!(done.changed && !done.failed, "{done:?}");
    assert!(Path::new(&scratch.path("apart/.git")).is_file());
    assert!(!git(&scratch, apart, false).changed);
    let moved = json!({"dest": scratch.path("apart"), "separate_git_dir": scratch.path("other")});
    let done = git(&scratch, moved, false);
    assert!(done.changed && !done.failed, "{done:?}");
    assert_eq!(done.returned["git_dir_now"], json!(scratch.path("other")));
    let packed = json!({"dest": scratch.path("apart"), "archive": scratch.path("x.tar")});
    assert!(git(&scratch, packed.clone(), false).changed);
    let again = git(&scratch, packed, false);
    assert!(!again.changed && !again.failed, "{again:?}");
}

#[test]
fn what_cannot_be_is_refused() {
    let scratch = scratch("git-refusals");
    for (args, words) in [
        (json!({"version": "0123456789012345678901234567890123456789"}), "Failed to checkout"),
        (json!({"repo": scratch.path("nowhere")}), "fatal: "),
        (json!({"verify_commit": true}), "Failed to verify GPG signature of commit/tag \"HEAD\""),
        (json!({"umask": 77}), "umask must be defined as a quoted octal integer"),
        (json!({"umask": "9"}), "umask must be an octal integer"),
        (json!({"dest": null}), "the destination directory must be specified unless clone=no"),
        (json!({"archive": scratch.path("x.rar")}), "Unable to get file extension from archive"),
        (json!({"bare": true, "separate_git_dir": "/x"}), "mutually exclusive"),
    ] {
        let response = git(&scratch, args.clone(), false);
        let msg = response.msg.clone().unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{args}: {response:?}");
    }
}
