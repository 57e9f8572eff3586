//! Roles and collections from archives, folders, repositories and Galaxy servers. Where
//! `TRUEUP_TEST_ORACLE` names the folder of ansible-core's programs, its ansible-galaxy installs
//! from the same server, and the same must be there in the end.

#[path = "galaxy/server.rs"]
mod server;

use std::{collections::BTreeMap, env, fs, path::Path, process::Command};

use server::{Server, Shelf};
use trueup_tests::program::{Ran, Scratch};

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
    scratch.write("ansible.cfg", "[galaxy]\nserver = http://127.0.0.1:1/\n");
    let ran = from("./acme/tools", "fifth");
    ran.expect_code(1).expect_said(&["the Galaxy server default (http://127.0.0.1:1/)"]);
    let offline = ["galaxy", "collection", "install", "./acme/tools", "-p", "sixth", "--offline"];
    let ran = scratch.trueup(&offline);
    ran.expect_code(1).expect_said(&["* other.one:>=1.0 (dependency of acme.tools:1.0.0)"]);
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let scratch = Scratch::new("galaxy-refused");
    scratch.write("list.yml", "collections:\n- name: a.b\n  type: ftp\n");
    scratch.write("empty/galaxy.yml", "namespace: a\n");
    scratch.write("notes.tar.gz", "no archive\n");
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["role", "install", "nginx"], 1, &["Specify role as format: username.rolename"]),
        (
            &["role", "install", "a.nginx", "-s", "http://127.0.0.1:1/"],
            1,
            &["a.nginx was NOT installed", "cmd_arg (http://127.0.0.1:1/)"],
        ),
        (&["collection", "install", "a.b", "--offline"], 1, &["* a.b:* (direct request)"]),
        (&["collection", "install", "a.b", "--keyring", "x"], 5, &["signatures", "--disable-gpg"]),
        (&["collection", "verify", "a.b"], 1, &["a.b is not installed"]),
        (&["collection", "verify", "./a"], 1, &["Only names of collections"]),
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
        (&["collection", "publish", "x"], 5, &["`publish` of Galaxy servers is not done"]),
        (&["collection", "install"], 5, &["must specify a collection name"]),
        (&["search", "nginx"], 5, &["`search` of Galaxy servers is not done"]),
        (&["collection", "build", "."], 1, &["galaxy.yml cannot be read"]),
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

/// Builds a collection of one role, and returns its archive.
fn built(scratch: &Scratch, name: &str, version: &str, needs: &str) -> std::path::PathBuf {
    let (namespace, short) = name.split_once('.').unwrap();
    let source = format!("source/{name}-{version}");
    scratch.write(
        &format!("{source}/galaxy.yml"),
        format!(
            "namespace: {namespace}\nname: {short}\nversion: {version}\nreadme: README.md\n\
             authors: [tester]\ndependencies: {{{needs}}}\n"
        ),
    );
    scratch.write(&format!("{source}/README.md"), format!("{name} {version}\n"));
    scratch.write(&format!("{source}/roles/main/tasks/main.yml"), "[]\n");
    let words = ["galaxy", "collection", "build", &source, "--output-path", "built"];
    scratch.trueup(&words).expect_code(0).expect_said(&["Created collection for"]);
    scratch.path(&format!("built/{namespace}-{short}-{version}.tar.gz"))
}

/// A server with some collections.
fn filled(scratch: &Scratch) -> Server {
    let server = Server::start(Shelf::default());
    for (name, version, needs) in [
        ("acme.web", "1.0.0", "acme.base: '*'"),
        ("acme.web", "1.10.0", "acme.base: '>=2.0.0'"),
        ("acme.web", "1.9.0", "acme.base: '>=1.0.0'"),
        ("acme.web", "2.0.0-rc.1", ""),
        ("acme.base", "1.0.0", ""),
        ("acme.base", "2.1.0", ""),
        ("acme.old", "1.0.0", "acme.base: '<2.0.0'"),
    ] {
        server.put(&built(scratch, name, version, needs));
    }
    server
}

/// The collections of a folder with what their files hold.
fn installed(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let root = folder.join("ansible_collections");
    for entry in walkdir::WalkDir::new(&root).into_iter().filter_map(Result::ok) {
        let name = entry.path().strip_prefix(&root).unwrap().display().to_string();
        // What ansible-galaxy notes of where it has a collection from.
        if entry.file_type().is_file() && !name.contains(".info/") {
            all.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    all
}

/// The versions that are installed, by name.
fn versions(folder: &Path) -> Vec<String> {
    let manifest = |(name, content): (&String, &Vec<u8>)| {
        let collection = name.strip_suffix("/MANIFEST.json")?.replace('/', ".");
        let manifest: serde_json::Value = serde_json::from_slice(content).unwrap();
        Some(format!("{collection} {}", manifest["collection_info"]["version"].as_str().unwrap()))
    };
    installed(folder).iter().filter_map(manifest).collect()
}

#[test]
fn collections_come_from_servers_with_what_they_depend_on() {
    let scratch = Scratch::new("galaxy-server");
    let server = filled(&scratch);
    let cases: &[(&[&str], &[&str])] = &[
        (&["acme.web"], &["acme.base 2.1.0", "acme.web 1.10.0"]),
        (&["acme.web:1.9.0"], &["acme.base 2.1.0", "acme.web 1.9.0"]),
        (&["acme.web:>=1.0.0,<1.9.0"], &["acme.base 2.1.0", "acme.web 1.0.0"]),
        (&["acme.web", "acme.old"], &["acme.base 1.0.0", "acme.old 1.0.0", "acme.web 1.9.0"]),
        (&["acme.web", "--pre"], &["acme.web 2.0.0-rc.1"]),
        (&["acme.web:==2.0.0-rc.1"], &["acme.web 2.0.0-rc.1"]),
        (&["acme.web", "--no-deps"], &["acme.web 1.10.0"]),
        (&["acme.web:>=1.0.0,!=1.10.0"], &["acme.base 2.1.0", "acme.web 1.9.0"]),
    ];
    let oracle = env::var_os("TRUEUP_TEST_ORACLE");
    for (number, (asked, expected)) in cases.iter().enumerate() {
        let folder = format!("installed/{number}");
        let words = ["collection", "install", "-s", &server.url, "-p", &folder];
        let words: Vec<&str> = words.into_iter().chain(asked.iter().copied()).collect();
        let ours = [&["galaxy"][..], &words].concat();
        scratch.trueup(&ours).expect_code(0).expect_said(&["was installed successfully"]);
        assert_eq!(versions(&scratch.path(&folder)), *expected, "{asked:?}");
        // They are there now.
        scratch.trueup(&ours).expect_code(0).expect_said(&["Nothing to do"]);
        if let Some(oracle) = &oracle {
            let theirs: Vec<&str> =
                words.iter().map(|word| if *word == folder { "theirs" } else { *word }).collect();
            let program = Path::new(oracle).join("ansible-galaxy");
            let ran = Ran::of(scratch.command(&program, &theirs).output().unwrap());
            ran.expect_code(0);
            let (mine, other) = (scratch.path(&folder), scratch.path("theirs"));
            assert_eq!(installed(&mine), installed(&other), "{asked:?}");
            fs::remove_dir_all(other).unwrap();
        }
    }
    assert!(server.asked().iter().any(|(path, _)| path.contains("offset=2")), "page by page");
    // What does not fit together is named.
    let words = |more: &[&'static str]| {
        let words = ["galaxy", "collection", "install", "-s", &server.url, "-p", "wrong"];
        let words: Vec<&str> = words.into_iter().chain(more.iter().copied()).collect();
        scratch.trueup(&words)
    };
    words(&["acme.web:>=3.0.0"]).expect_code(1).expect_said(&["* acme.web:>=3.0.0", "--pre"]);
    words(&["acme.none"]).expect_code(1).expect_said(&["* acme.none:* (direct request)"]);
    words(&["acme.old", "acme.base:2.1.0"]).expect_code(1).expect_said(&[
        "* acme.base:<2.0.0 (dependency of acme.old:1.0.0)",
        "* acme.base:2.1.0 (direct request)",
    ]);
    assert!(!scratch.path("wrong").exists(), "nothing is installed where something is missing");
}

#[test]
fn what_is_there_stays_until_something_newer_is_asked_for() {
    let scratch = Scratch::new("galaxy-upgrade");
    let server = filled(&scratch);
    let install = |more: &[&'static str]| {
        let words = ["galaxy", "collection", "install", "-s", &server.url, "-p", "there"];
        let words: Vec<&str> = words.into_iter().chain(more.iter().copied()).collect();
        let ran = scratch.trueup(&words);
        ran.expect_code(0);
        versions(&scratch.path("there"))
    };
    assert_eq!(
        install(&["acme.web:1.0.0", "acme.base:1.0.0"]),
        ["acme.base 1.0.0", "acme.web 1.0.0"]
    );
    server.asked();
    assert_eq!(install(&["acme.web"]), ["acme.base 1.0.0", "acme.web 1.0.0"]);
    assert_eq!(server.asked(), [], "nobody is asked for what is there");
    assert_eq!(install(&["acme.web:>=1.9.0,<1.10.0"]), ["acme.base 1.0.0", "acme.web 1.9.0"]);
    assert_eq!(install(&["acme.web", "--force"]), ["acme.base 2.1.0", "acme.web 1.10.0"]);
    assert_eq!(install(&["acme.base:1.0.0", "--force", "--no-deps"])[0], "acme.base 1.0.0");
    assert_eq!(install(&["acme.base", "--upgrade"])[0], "acme.base 2.1.0");
    let verify = ["galaxy", "collection", "verify", "acme.web", "-s", &server.url, "-p", "there"];
    scratch
        .trueup(&verify)
        .expect_code(0)
        .expect_said(&["Successfully verified", "acme.web:1.10.0"]);
    scratch.write("there/ansible_collections/acme/web/README.md", "changed\n");
    let ran = scratch.trueup(&verify);
    ran.expect_code(1).expect_said(&["modified content in the following files", "    README.md"]);
    let offline = [&verify[..], &["--offline"]].concat();
    scratch.trueup(&offline).expect_code(1).expect_said(&["README.md is not what"]);
    // What is fetched can be installed where no server can be asked.
    let download =
        ["galaxy", "collection", "download", "acme.web", "-s", &server.url, "-p", "taken"];
    scratch.trueup(&download).expect_code(0).expect_said(&["acme.base:2.1.0", "acme.web:1.10.0"]);
    let mut command = scratch.command(
        trueup_tests::program::trueup(),
        &[
            "galaxy",
            "collection",
            "install",
            "-r",
            "requirements.yml",
            "-p",
            "../offline",
            "--offline",
        ],
    );
    Ran::of(command.current_dir(scratch.path("taken")).output().unwrap()).expect_code(0);
    assert_eq!(versions(&scratch.path("offline")), ["acme.base 2.1.0", "acme.web 1.10.0"]);
}

#[test]
fn servers_of_the_settings_are_asked_in_their_order() {
    let scratch = Scratch::new("galaxy-servers");
    let (first, second) = (Server::start(Shelf::default()), Server::start(Shelf::default()));
    first.put(&built(&scratch, "acme.web", "1.0.0", ""));
    second.put(&built(&scratch, "acme.web", "1.1.0", "acme.base: '*'"));
    second.put(&built(&scratch, "acme.base", "1.0.0", ""));
    second.change(|shelf| shelf.token = Some("made-up".into()));
    scratch.write(
        "ansible.cfg",
        format!(
            "[galaxy]\nserver_list = one, two\n[galaxy_server.one]\nurl = {}\n\
             [galaxy_server.two]\nurl = {}api/\n",
            first.url, second.url
        ),
    );
    let install = |words: &[&str], token: &str| {
        let all: Vec<&str> = ["galaxy", "collection", "install", "-p", "there", "--force"]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        let mut command = scratch.command(trueup_tests::program::trueup(), &all);
        command.env("ANSIBLE_GALAXY_SERVER_TWO_TOKEN", token);
        Ran::of(command.output().unwrap())
    };
    install(&["acme.web"], "made-up").expect_code(0);
    assert_eq!(versions(&scratch.path("there")), ["acme.base 1.0.0", "acme.web 1.1.0"]);
    assert!(second.asked().iter().all(|(_, told)| *told), "it is told the token");
    assert!(first.asked().iter().all(|(_, told)| !told), "and nobody else is");
    install(&["acme.web", "-s", "one"], "made-up").expect_code(0);
    assert!(versions(&scratch.path("there")).contains(&"acme.web 1.0.0".to_owned()));
    // One that refuses is told of, and the others count.
    let ran = install(&["acme.web"], "wrong");
    ran.expect_code(0).expect_said(&["[WARNING]: Skipping Galaxy server two", "401", "--token"]);
    // What is bound to a server comes from there alone.
    let list = |server: &str| {
        scratch.write("list.yml", format!("collections:\n- name: acme.web\n  source: {server}\n"));
        install(&["-r", "list.yml"], "made-up")
    };
    list("two").expect_code(0);
    assert!(versions(&scratch.path("there")).contains(&"acme.web 1.1.0".to_owned()));
    list(&first.url).expect_code(0);
    assert!(versions(&scratch.path("there")).contains(&"acme.web 1.0.0".to_owned()));
    // A busy server is asked again; a broken archive is not installed.
    first.change(|shelf| shelf.refusals = 1);
    install(&["acme.web", "-s", "one"], "made-up").expect_code(0);
    first.change(|shelf| {
        let other = shelf.collections.values().next().unwrap().clone();
        shelf.collections.insert(("acme.fake".into(), "1.0.0".into()), other);
    });
    let ran = install(&["acme.fake", "-s", "one"], "made-up");
    ran.expect_code(1).expect_said(&["holds acme.web:1.0.0, and not acme.fake:1.0.0"]);
    for (settings, says) in [
        ("[galaxy]\nserver_list = one\n", "url of galaxy_server.one"),
        ("[galaxy]\nserver_list=one\n[galaxy_server.one]\nurl=x\napi_version=2\n", "version 3"),
        ("[galaxy]\nserver_list=one\n[galaxy_server.one]\nurl=x\ntimeout=soon\n", "'soon'"),
    ] {
        scratch.write("ansible.cfg", settings);
        install(&["acme.web"], "made-up").expect_code(5).expect_said(&[says]);
    }
}

#[test]
fn roles_come_from_servers() {
    let scratch = Scratch::new("galaxy-role-server");
    let server = Server::start(Shelf::default());
    for tag in ["1.9.0", "1.10.0"] {
        scratch.write(&format!("web-{tag}/meta/main.yml"), "dependencies: [acme.base]\n");
        scratch.write(&format!("web-{tag}/tasks/main.yml"), format!("# {tag}\n[]\n"));
        let archive = format!("web-{tag}.tar.gz");
        system(&scratch.path(""), "tar", &["czf", &archive, &format!("web-{tag}")]);
        server.put_role("acme.web", tag, &scratch.path(&archive));
    }
    scratch.write("base/meta/main.yml", "dependencies: []\n");
    system(&scratch.path(""), "tar", &["czf", "base.tar.gz", "base"]);
    server.put_role("acme.base", "v1", &scratch.path("base.tar.gz"));
    let install = |words: &[&str]| {
        let all = ["galaxy", "role", "install", "-s", &server.url, "-p", "roles"];
        let all: Vec<&str> = all.into_iter().chain(words.iter().copied()).collect();
        scratch.trueup(&all)
    };
    install(&["acme.web"]).expect_code(0).expect_said(&[
        "- downloading role 'web', owned by acme",
        "- acme.web (1.10.0) was installed successfully",
        "- adding dependency: acme.base",
        "- acme.base (v1) was installed successfully",
    ]);
    let tasks = |role: &str| fs::read_to_string(scratch.path(role).join("tasks/main.yml")).unwrap();
    assert_eq!(tasks("roles/acme.web"), "# 1.10.0\n[]\n");
    scratch.write("list.yml", "- {src: acme.web, version: 1.9.0, name: web}\n");
    install(&["-r", "list.yml"]).expect_code(0);
    assert_eq!(tasks("roles/web"), "# 1.9.0\n[]\n");
    let list = scratch.trueup(&["galaxy", "role", "list", "-p", "roles"]);
    list.expect_code(0).expect_said(&["- acme.web, 1.10.0", "- web, 1.9.0"]);
    install(&["acme.web,3.0"])
        .expect_code(0)
        .expect_said(&["use --force to change version to 3.0"]);
    let ran = install(&["acme.web,3.0", "--force"]);
    ran.expect_code(1).expect_said(&["(3.0) of acme.web was not found", "1.10.0, 1.9.0"]);
    let ran = install(&["acme.none"]);
    ran.expect_code(1).expect_said(&["acme.none was not found on cmd_arg"]);
    if let Some(oracle) = env::var_os("TRUEUP_TEST_ORACLE") {
        let program = Path::new(&oracle).join("ansible-galaxy");
        let words = ["role", "install", "-s", &server.url, "-p", "theirs", "acme.web"];
        Ran::of(scratch.command(&program, &words).output().unwrap()).expect_code(0);
        for role in ["acme.web/tasks/main.yml", "acme.base/meta/main.yml"] {
            let read = |folder: &str| fs::read(scratch.path(folder).join(role)).unwrap();
            assert_eq!(read("roles"), read("theirs"), "{role}");
        }
    }
}
