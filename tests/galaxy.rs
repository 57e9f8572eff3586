//! Roles and collections from archives, folders and repositories, and what needs a server.

use std::{fs, path::Path, process::Command};

use trueup_tests::program::Scratch;

/// Runs a program of the system in a folder.
fn system(folder: &Path, program: &str, words: &[&str]) {
    let mut command = Command::new(program);
    let identity = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"].map(|name| (name, "tester"));
    let mails = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"].map(|name| (name, "tester@localhost"));
    command.args(words).current_dir(folder).envs(identity).envs(mails);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {output:?}");
}

#[test]
fn roles_come_from_archives_and_repositories() {
    let scratch = Scratch::new("galaxy-roles");
    scratch.trueup(&["galaxy", "role", "init", "web"]).expect_code(0).expect_said(&["created"]);
    // It is there already.
    let again = scratch.trueup(&["galaxy", "init", "web"]);
    again.expect_code(1).expect_said(&["already exists", "--force"]);
    scratch.write("web/meta/main.yml", "dependencies:\n  - src: git+file:///nowhere/base.git\n");
    let here = scratch.path("");
    system(&here, "tar", &["czf", "web-1.2.tar.gz", "web"]);
    system(&here.join("web"), "git", &["init", "--quiet"]);
    system(&here.join("web"), "git", &["add", "."]);
    system(&here.join("web"), "git", &["commit", "--quiet", "--message", "first"]);
    system(&here.join("web"), "git", &["tag", "v1"]);
    scratch.write("web/tasks/main.yml", "[]\n");
    system(&here.join("web"), "git", &["commit", "--quiet", "--all", "--message", "second"]);
    let url = format!("git+file://{}", here.join("web").display());
    scratch.write(
        "requirements.yml",
        format!(
            "- src: ./web-1.2.tar.gz\n  name: packed\n- src: {url}\n  version: v1\n  name: cloned\n"
        ),
    );
    let install = ["galaxy", "install", "-r", "requirements.yml", "-p", "roles", "--no-deps"];
    scratch.trueup(&install).expect_code(0).expect_said(&[
        "- extracting packed to roles/packed",
        "- cloned (v1) was installed successfully",
    ]);
    let tasks =
        |role: &str| fs::read_to_string(scratch.path(&format!("roles/{role}/tasks/main.yml")));
    assert!(tasks("cloned").unwrap().contains("# tasks of web"), "the tag was checked out");
    assert!(tasks("packed").unwrap().contains("# tasks of web"));
    assert!(!scratch.path("roles/cloned/.git").exists());
    scratch.trueup(&install).expect_code(0).expect_said(&["already installed, skipping"]);
    let list = scratch.trueup(&["galaxy", "role", "list", "-p", "roles"]);
    list.expect_code(0).expect_said(&["- cloned, v1", "- packed, (unknown version)"]);
    // Dependencies are taken unless they are left out.
    let with = ["galaxy", "role", "install", "./web-1.2.tar.gz", "-p", "roles"];
    let ran = scratch.trueup(&with);
    ran.expect_code(1).expect_said(&["adding dependency: base", "base was NOT installed"]);
    let ignoring = ["galaxy", "install", "./web-1.2.tar.gz", "-p", "roles", "-i", "--force"];
    scratch.trueup(&ignoring).expect_code(0).expect_said(&["base was NOT installed"]);
    let remove = ["galaxy", "role", "remove", "cloned", "missing", "-p", "roles"];
    let ran = scratch.trueup(&remove);
    ran.expect_code(0).expect_said(&["successfully removed cloned", "missing is not installed"]);
    assert!(!scratch.path("roles/cloned").exists());
}

#[test]
fn collections_come_from_folders_archives_and_repositories() {
    let scratch = Scratch::new("galaxy-collections");
    scratch.trueup(&["galaxy", "collection", "init", "acme.tools"]).expect_code(0);
    scratch.write("acme/tools/roles/hello/tasks/main.yml", "- debug: {msg: from the collection}\n");
    scratch.write("acme/tools/secret.pyc", "x");
    let install = ["galaxy", "collection", "install", "./acme/tools", "-p", "collections"];
    let ran = scratch.trueup(&install);
    ran.expect_code(0).expect_said(&["acme.tools:1.0.0 was installed successfully"]);
    let there = scratch.path("collections/ansible_collections/acme/tools");
    assert!(there.join("MANIFEST.json").is_file() && !there.join("galaxy.yml").exists());
    assert!(!there.join("secret.pyc").exists(), "what is never part of a collection");
    scratch.trueup(&install).expect_code(0).expect_said(&["Nothing to do"]);
    let list = scratch.trueup(&["galaxy", "collection", "list", "-p", "collections"]);
    list.expect_code(0).expect_said(&["Collection Version", "acme.tools 1.0.0"]);
    let list =
        scratch.trueup(&["galaxy", "collection", "list", "-p", "collections", "--format", "json"]);
    list.expect_code(0).expect_said(&["\"acme.tools\":{\"version\":\"1.0.0\"}"]);
    // What was installed is used.
    scratch.write(
        "play.yml",
        "- hosts: localhost\n  gather_facts: false\n  roles: [acme.tools.hello]\n",
    );
    scratch.trueup(&["run", "play.yml"]).expect_code(0).expect_said(&["from the collection"]);
    // The archive that the installed files make is held to its own sums.
    system(&there, "tar", &["czf", "../../../../good.tar.gz", "."]);
    fs::write(there.join("README.md"), "changed").unwrap();
    system(&there, "tar", &["czf", "../../../../bad.tar.gz", "."]);
    let from = |archive: &str, folder: &str| {
        scratch.trueup(&["galaxy", "collection", "install", archive, "-p", folder])
    };
    from("./good.tar.gz", "second").expect_code(0);
    from("./bad.tar.gz", "third").expect_code(1).expect_said(&["README.md is not what"]);
    // A folder of a repository.
    system(&scratch.path("acme"), "git", &["init", "--quiet"]);
    system(&scratch.path("acme"), "git", &["add", "."]);
    system(&scratch.path("acme"), "git", &["commit", "--quiet", "--message", "first"]);
    let url = format!("git+file://{}#/tools,HEAD", scratch.path("acme").display());
    from(&url, "fourth").expect_code(0).expect_said(&["acme.tools:1.0.0"]);
    // One that needs another.
    let galaxy = fs::read_to_string(scratch.path("acme/tools/galaxy.yml")).unwrap();
    let needs = galaxy.replace("dependencies: {}", "dependencies: {other.one: '>=1.0'}");
    scratch.write("acme/tools/galaxy.yml", needs);
    let ran = from("./acme/tools", "fifth");
    ran.expect_code(1).expect_said(&["needs other.one (>=1.0)", "Galaxy server"]);
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let scratch = Scratch::new("galaxy-refused");
    scratch.write("list.yml", "collections:\n- name: a.b\n  type: ftp\n");
    scratch.write("empty/galaxy.yml", "namespace: a\n");
    scratch.write("notes.tar.gz", "no archive\n");
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["role", "install", "geerlingguy.nginx"], 1, &["geerlingguy.nginx", "Galaxy server"]),
        (
            &["collection", "install", "community.general"],
            1,
            &["community.general", "Galaxy server"],
        ),
        (
            &["collection", "install", "-r", "list.yml"],
            1,
            &["list.yml:2:", "'type' must be one of"],
        ),
        (&["collection", "install", "-r", "nowhere.yml"], 1, &["nowhere.yml", "cannot be read"]),
        (&["collection", "install", "./empty"], 1, &["missing the following mandatory keys: name"]),
        (&["collection", "install", "./notes.tar.gz"], 1, &["notes.tar.gz"]),
        (&["collection", "install", "./nowhere"], 1, &["./nowhere"]),
        (&["collection", "init", "tools"], 1, &["<namespace>.<collection>"]),
        (&["collection", "list", "no.such"], 1, &["Unable to find collection no.such"]),
        (&["collection", "publish", "x"], 5, &["`publish` needs a Galaxy server"]),
        (&["collection", "install"], 5, &["must specify a collection name"]),
        (&["search", "nginx"], 5, &["`search` needs a Galaxy server"]),
        (&["collection", "build", "."], 5, &["builds no archives"]),
        (&["frobnicate"], 2, &["frobnicate"]),
        (&["install"], 5, &["must specify"]),
        (&["role", "install", "hg+https://nowhere/x"], 1, &["'hg'"]),
        (&["role", "init", "a b"], 1, &["cannot be the name of a role"]),
        (&["role", "list", "-p", "nowhere"], 1, &["None of the provided paths"]),
    ];
    for (words, code, says) in cases {
        println!("{words:?}");
        let words: Vec<&str> = ["galaxy"].iter().chain(words.iter()).copied().collect();
        scratch.trueup(&words).expect_code(*code).expect_said(says);
    }
}

#[test]
fn an_archive_that_reaches_outside_is_refused() {
    let scratch = Scratch::new("galaxy-outside");
    scratch.write("inner/role/meta/main.yml", "dependencies: []\n");
    scratch.write("outside.txt", "x");
    let inner = scratch.path("inner");
    system(&inner, "tar", &["czf", "../up.tar.gz", "--absolute-names", "role", "../outside.txt"]);
    std::os::unix::fs::symlink("../../../etc", scratch.path("inner/role/link")).unwrap();
    system(&inner, "tar", &["czf", "../link.tar.gz", "role"]);
    for (archive, says) in [("./up.tar.gz", "lies outside"), ("./link.tar.gz", "leads out")] {
        let ran = scratch.trueup(&["galaxy", "role", "install", archive, "-p", "roles"]);
        ran.expect_code(1).expect_said(&[says]);
    }
}
