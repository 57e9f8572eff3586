use std::path::Path;

use serde_json::json;

use crate::real_host::{Scratch, run};

fn scratch(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    let made = scratch.shell(
        "umask 022; mkdir -p src/top/d && echo a >src/top/a && echo b >src/top/d/b && ln -s a src/top/l && chmod 750 src/top/a && \
         tar -C src -cf plain top && gzip -k plain && mv plain.gz gz && bzip2 -k plain && mv plain.bz2 bz && \
         xz -k plain && mv plain.xz xz && zstd -q plain -o zst && echo no archive >no",
    );
    assert!(made, "tar and its companions are needed");
    scratch
}

#[test]
fn archives_are_unpacked_once() {
    let scratch = scratch("unarchive");
    for (archive, handler) in [
        ("plain", "TarArchive"),
        ("gz", "TgzArchive"),
        ("bz", "TarBzipArchive"),
        ("xz", "TarXzArchive"),
        ("zst", "TarZstdArchive"),
    ] {
        for is_held in [false, true] {
            let dest = format!("out-{archive}-{is_held}");
            std::fs::create_dir(scratch.path(&dest)).unwrap();
            let mut args = json!({"src": scratch.path(archive), "dest": scratch.path(&dest), "list_files": true});
            if is_held {
                args["_source"] = json!({"digest": "any", "size": 10});
            } else {
                args["remote_src"] = json!(true);
            }
            let held = scratch.0.join(archive);
            let said = run("unarchive", &args, true, &held);
            assert!(said.changed && !said.failed, "{args}: {said:?}");
            let done = run("unarchive", &args, false, &held);
            assert!(done.changed && !done.failed, "{args}: {done:?}");
            assert_eq!((&done.returned["handler"], &done.diff), (&json!(handler), &said.diff));
            assert_eq!(done.returned["files"].as_array().unwrap().len(), 5);
            for is_check in [true, false] {
                let again = run("unarchive", &args, is_check, &held);
                assert!(!again.changed && !again.failed, "{args}: {again:?}");
            }
            std::fs::write(scratch.path(&format!("{dest}/top/d/b")), "other").unwrap();
            let healed = run("unarchive", &args, false, &held);
            assert!(healed.changed && !healed.failed, "{healed:?}");
            assert_eq!(
                std::fs::read_to_string(scratch.path(&format!("{dest}/top/d/b"))).unwrap(),
                "b\n"
            );
        }
    }
}

#[test]
fn parts_and_attributes_are_as_the_task_says() {
    let scratch = scratch("unarchive-parts");
    for (dest, more, there, missing) in [
        ("strip", json!({"extra_opts": ["--strip-components=1"]}), "d/b", "top"),
        ("exclude", json!({"exclude": ["top/d"]}), "top/a", "top/d"),
        ("include", json!({"include": ["top/d/b"]}), "top/d/b", "top/a"),
        ("mode", json!({"mode": "u=rwX,go="}), "top/a", "nosuch"),
    ] {
        std::fs::create_dir(scratch.path(dest)).unwrap();
        let mut args = more.clone();
        args["src"] = json!(scratch.path("gz"));
        args["dest"] = json!(scratch.path(dest));
        args["remote_src"] = json!(true);
        let done = run("unarchive", &args, false, Path::new("/"));
        assert!(done.changed && !done.failed, "{args}: {done:?}");
        assert!(scratch.0.join(dest).join(there).exists(), "{args}");
        assert!(!scratch.0.join(dest).join(missing).exists(), "{args}");
        let again = run("unarchive", &args, false, Path::new("/"));
        assert!(!again.changed && !again.failed, "{args}: {again:?}");
    }
    use std::os::unix::fs::PermissionsExt;
    let mode =
        |name: &str| std::fs::metadata(scratch.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("mode/top"), mode("mode/top/a"), mode("mode/top/d/b")), (0o700, 0o700, 0o600));
}

#[test]
fn archives_of_zip_are_unpacked_once() {
    let scratch = scratch("unarchive-zip");
    if !scratch.shell("cd src && python3 -c 'import shutil; shutil.make_archive(\"../z\", \"zip\", \".\", \"top\")' && unzip -v >/dev/null") {
        eprintln!("SKIPPED: archives of zip: this needs python3 and unzip");
        return;
    }
    std::fs::create_dir(scratch.path("out")).unwrap();
    let args = json!({"src": scratch.path("z.zip"), "dest": scratch.path("out"), "remote_src": true, "exclude": ["top/d/*"]});
    let said = run("unarchive", &args, true, Path::new("/"));
    let done = run("unarchive", &args, false, Path::new("/"));
    assert!(done.changed && !done.failed && said.changed, "{done:?}");
    assert_eq!((&done.returned["handler"], &done.diff), (&json!("ZipArchive"), &said.diff));
    let again = run("unarchive", &args, false, Path::new("/"));
    assert!(!again.changed && !again.failed, "{again:?}");
    assert!(!scratch.0.join("out/top/d/b").exists());
    std::fs::write(scratch.path("out/top/a"), "z\n").unwrap();
    assert!(run("unarchive", &args, true, Path::new("/")).changed);
}

#[test]
fn what_cannot_be_unpacked_is_refused() {
    let scratch = scratch("unarchive-refusals");
    std::fs::create_dir(scratch.path("out")).unwrap();
    for (args, expected) in [
        (
            json!({"src": scratch.path("gz"), "dest": scratch.path("nosuch"), "remote_src": true}),
            "must be an existing dir",
        ),
        (
            json!({"src": scratch.path("nosuch"), "dest": scratch.path("out"), "remote_src": true}),
            "does not exist",
        ),
        (
            json!({"src": scratch.path("no"), "dest": scratch.path("out"), "remote_src": true}),
            "Failed to find handler for",
        ),
        (json!({"src": "x.tgz", "dest": scratch.path("out")}), "the controller did not send x.tgz"),
        (
            json!({"src": "x", "dest": "/", "include": ["a"], "exclude": ["b"]}),
            "mutually exclusive: include|exclude",
        ),
        (
            json!({"src": "x", "dest": "/", "copy": true, "remote_src": true}),
            "mutually exclusive: copy|remote_src",
        ),
        (json!({"src": "http://127.0.0.1:1/x", "dest": scratch.path("out")}), "could not connect"),
    ] {
        for is_check in [true, false] {
            let response = run("unarchive", &args, is_check, Path::new("/nosuch"));
            let msg = response.msg.unwrap_or_default();
            assert!(response.failed && msg.contains(expected), "{args}: {msg}");
        }
    }
    let stays = json!({"src": "x", "dest": "/nosuch", "creates": scratch.path("gz")});
    assert!(run("unarchive", &stays, false, Path::new("/")).skipped);
}
