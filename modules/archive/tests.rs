//! Archives of each kind, made, left alone and refused.

use module::{Output, fake::FakeHost};
use serde_json::json;

use super::*;
use crate::{cases::run, unarchive::zip_directory};

/// `tar`, whose archives are names and the contents that they had; `gzip` as it is; `xz`, which
/// turns bytes around.
fn host() -> FakeHost {
    let mut host = FakeHost::default();
    host.put("/srv/app/a.txt", "alpha alpha alpha");
    host.put("/srv/app/sub/b.bak", "beta");
    host.put("/srv/one.log", "one");
    host.put_dirs("/out");
    host.program("tar", |files, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let after =
            |flag: &str| words.iter().position(|word| *word == flag).map(|at| words[at + 1]);
        let (file, root) = (after("-f").unwrap(), after("-C").unwrap_or_default());
        let now = |name: &str| files.text(&format!("{root}{name}")).unwrap_or_default();
        match words[0] {
            "--create" => {
                let names = String::from_utf8(program.stdin.clone().unwrap()).unwrap();
                let names = names.split('\0').filter(|name| !name.is_empty());
                let all: String = names.map(|name| format!("{name}={}\n", now(name))).collect();
                files.put(file, all);
            }
            "--list" => {
                let text = files.text(file).unwrap();
                let names = text.lines().filter_map(|line| line.split_once('='));
                return Output::success(
                    names.map(|(name, _)| format!("{name}\n")).collect::<String>(),
                );
            }
            "--diff" => {
                let text = files.text(file).unwrap();
                let mut pairs = text.lines().filter_map(|line| line.split_once('='));
                let is_same = pairs.all(|(name, content)| now(name) == content);
                return if is_same { Output::success("") } else { Output::failure(1, "differs") };
            }
            other => return Output::failure(2, other),
        }
        Output::success("")
    });
    host.program("xz", |files, program| {
        let path = program.args.last().unwrap();
        let turned: String = files.text(path).unwrap().chars().rev().collect();
        if program.args[0] == "-dc" {
            return Output::success(turned);
        }
        files.put(&format!("{path}.xz"), turned);
        files.remove(path.as_ref());
        Output::success("")
    });
    host
}

#[test]
fn archives_are_made_once() {
    let mut host = host();
    for (args, changed, state) in [
        (json!({"path": ["/srv/app"], "dest": "/out/a.zip", "format": "zip"}), true, "archive"),
        (json!({"path": ["/srv/app"], "dest": "/out/a.zip", "format": "zip"}), false, "archive"),
        (
            json!({"path": ["/srv/app"], "dest": "/out/a.zip", "format": "zip", "exclusion_patterns": ["*.bak"]}),
            true,
            "archive",
        ),
        (json!({"path": ["/srv/app"], "dest": "/out/a.tgz"}), true, "archive"),
        (json!({"path": ["/srv/app"], "dest": "/out/a.tgz"}), false, "archive"),
        (json!({"path": ["/srv/app"], "dest": "/out/a.tgz", "mode": "0600"}), true, "archive"),
        (json!({"path": ["/srv/app"], "dest": "/out/a.tgz", "mode": "0600"}), false, "archive"),
        (
            json!({"path": ["/srv/*.log"], "dest": "/out/logs.tar", "format": "tar"}),
            true,
            "archive",
        ),
        (
            json!({"path": ["/srv/one.log", "/srv/none"], "dest": "/out/b.tar.gz"}),
            true,
            "incomplete",
        ),
        (json!({"path": ["/srv/one.log"], "format": "xz"}), true, "compress"),
        (json!({"path": ["/srv/one.log"], "format": "xz"}), false, "compress"),
        (
            json!({"path": ["/srv/one.log"], "dest": "/out/one.tar.xz", "format": "xz", "force_archive": true}),
            true,
            "archive",
        ),
        (json!({"path": ["/srv/app"], "dest": "/out/a.tgz", "remove": true}), true, "archive"),
        (json!({"path": ["/srv/app"], "dest": "/out/a.tgz", "remove": true}), false, "archive"),
        (json!({"path": ["/srv/app"], "dest": "/out/c.gz"}), false, "absent"),
    ] {
        let check = Mode { check: true, diff: false };
        let foretold = run("archive", &args, "", "", check, &mut host);
        let done = run("archive", &args, "", "", Mode::default(), &mut host);
        assert_eq!(
            (done.failed, foretold.changed, done.changed),
            (false, changed, changed),
            "{args}: {done:?}"
        );
        assert_eq!(done.returned["dest_state"], state, "{args}");
    }
    assert_eq!(host.files.text("/srv/app/a.txt"), None);
}

#[test]
fn contents_are_those_of_the_files() {
    let mut host = host();
    let args = json!({"path": ["/srv/app"], "dest": "/out/a.zip", "format": "zip"});
    let done = run("archive", &args, "", "", Mode::default(), &mut host);
    assert_eq!(
        done.returned["archived"],
        json!(["/srv/app/a.txt", "/srv/app/sub", "/srv/app/sub/b.bak"])
    );
    assert_eq!(done.returned["arcroot"], "/srv/");
    let bytes = host.read("/out/a.zip".as_ref()).unwrap().unwrap();
    let names: Vec<String> =
        zip_directory(&bytes).unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["app/a.txt", "app/sub/", "app/sub/b.bak"]);
    host.put("/srv/app/a.txt", "other");
    assert!(run("archive", &args, "", "", Mode::default(), &mut host).changed);
}

#[test]
fn what_cannot_be_packed_is_refused() {
    for (args, words) in [
        (json!({"path": ["/none/*"], "dest": "/out/a.tgz"}), "no source paths were found"),
        (json!({"path": ["/srv/app"]}), "must specify \"dest\""),
        (
            json!({"path": ["/srv/app"], "dest": "/srv/app/a.tgz", "remove": true}),
            "can not be contained in source paths",
        ),
        (
            json!({"path": ["/srv/app"], "dest": "/out/a.7z", "format": "7z"}),
            "value of format must be one of",
        ),
        (json!({"dest": "/out/a.tgz"}), "missing required arguments: path"),
        (json!({"path": ["/srv/app"], "dest": "/none/a.tgz"}), "/none"),
    ] {
        let done = run("archive", &args, "", "", Mode::default(), &mut host());
        assert!(
            done.failed && done.msg.as_deref().unwrap_or_default().contains(words),
            "{args}: {done:?}"
        );
    }
}
