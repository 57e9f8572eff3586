//! The modules of containers, against an engine in memory.

use std::{cell::RefCell, rc::Rc};

use module::{Mode, fake::FakeHost};
use protocol::{Json, Response};
use serde_json::json;

use super::fake_engine::{FakeEngine, serve};
use crate::cases;

fn host() -> (FakeHost, Rc<RefCell<FakeEngine>>) {
    let mut host = FakeHost::default();
    host.set_variable("HOME", "/root");
    let engine = serve(&mut host);
    let images = [("app:latest", "sha256:1"), ("app:v2", "sha256:2"), ("me/x:v1", "sha256:3")];
    for (name, id) in images {
        engine.borrow_mut().registry.insert(name.into(), id.into());
    }
    (host, engine)
}

fn run(host: &mut FakeHost, name: &str, args: &Json, check: bool) -> Response {
    cases::run(name, args, "", "", Mode { check, diff: true }, host)
}

/// Foretells, does, and does again; says how many orders were given.
fn settle(
    host: &mut FakeHost,
    engine: &Rc<RefCell<FakeEngine>>,
    name: &str,
    args: &Json,
) -> (Response, Vec<String>) {
    let before = engine.borrow().orders.len();
    let foretold = run(host, name, args, true);
    assert_eq!(engine.borrow().orders.len(), before, "{name} {args}: check gave orders");
    let did = run(host, name, args, false);
    assert!(!did.failed, "{name} {args}: {did:?}");
    assert_eq!(foretold.changed, did.changed, "{name} {args}: {foretold:?} {did:?}");
    assert_eq!(did.changed, !did.diff.is_empty() || name == "docker_image", "{name} {args}");
    let orders = engine.borrow().orders.get(before..).unwrap_or_default().to_vec();
    let again = run(host, name, args, false);
    assert_eq!((again.failed, again.changed), (false, false), "{name} {args}: {again:?}");
    (did, orders)
}

#[test]
fn containers_are_made_as_tasks_say() {
    let (mut host, engine) = host();
    for (more, expected) in [
        (json!({}), vec!["create?name=web", "web/start"]),
        (json!({}), vec![]),
        (json!({"env": {"A": "1"}}), vec!["stop", "DELETE", "create?name=web", "web/start"]),
        (json!({"env": {"A": "1"}, "memory": "1g"}), vec!["web/update"]),
        (json!({"memory": "1024M", "restart_policy": "always"}), vec!["web/update"]),
        (json!({"paused": true}), vec!["web/pause"]),
        (
            json!({"published_ports": ["80:80", "127.0.0.1:53:53/udp", "9000-9001:9000-9001"]}),
            vec!["web/unpause", "stop", "DELETE", "create?name=web", "web/start"],
        ),
        (json!({"published_ports": ["80:80"]}), vec![]),
        (
            json!({"published_ports": ["80:80"], "comparisons": {"published_ports": "strict"}}),
            vec!["stop", "DELETE", "create?name=web", "web/start"],
        ),
        (json!({"published_ports": ["81:80"], "comparisons": {"*": "ignore"}}), vec![]),
        (
            json!({"volumes": ["/srv:/data", "db:/db:ro"]}),
            vec!["stop", "DELETE", "create", "start"],
        ),
        (json!({"volumes": ["/srv:/data:rw"]}), vec![]),
        (
            json!({"image": "app:v2", "capabilities": ["net_admin"]}),
            vec!["stop", "DELETE", "create", "start"],
        ),
        (json!({"image": "app:v2", "capabilities": ["CAP_NET_ADMIN"]}), vec![]),
        (
            json!({"image": "app:v2", "state": "stopped", "stop_timeout": 3, "comparisons": {"stop_timeout": "ignore"}}),
            vec!["stop?t=3"],
        ),
        (json!({"image": "app:v2", "state": "present"}), vec![]),
        (
            json!({"image": "app:v2", "command": "run --it 'a b'"}),
            vec!["DELETE", "create", "start"],
        ),
        (json!({"image": "app:v2", "command": ["run", "--it", "a b"]}), vec![]),
        (
            json!({"state": "absent", "force_kill": true, "keep_volumes": false}),
            vec!["kill", "DELETE"],
        ),
        (json!({"state": "absent"}), vec![]),
    ] {
        let image = more["image"].as_str().unwrap_or("app").to_owned();
        let full = if image.contains(':') { image.clone() } else { format!("{image}:latest") };
        let id = engine.borrow().registry[&full].clone();
        engine.borrow_mut().put_image(&full, &id);
        let mut args = json!({"name": "web", "image": image});
        for (name, value) in more.as_object().unwrap() {
            args[name] = value.clone();
        }
        let (_, orders) = settle(&mut host, &engine, "docker_container", &args);
        let fit = orders.len() == expected.len()
            && orders.iter().zip(&expected).all(|(order, part)| order.contains(part));
        assert!(fit, "{args}: {orders:?}");
    }
}

#[test]
fn what_a_container_is_told_is_the_engines_own_form() {
    let (mut host, engine) = host();
    let args = json!({
        "name": "x", "image": "app", "env": {"A": "1"}, "cpus": 1.5, "memory_swap": "unlimited",
        "devices": ["/dev/a:/dev/b:r"], "ulimits": ["nofile:10:20"], "tmpfs": ["/run:size=1m"],
        "healthcheck": {"test": "true", "interval": "1m30s"}, "etc_hosts": {"db": "10.0.0.1"},
        "log_driver": "json-file", "log_options": {"max-file": 3}, "labels": {"a": "b"},
        "mounts": [{"type": "tmpfs", "target": "/t", "tmpfs_mode": "1777", "tmpfs_size": "1k"}],
        "networks": [{"name": "net", "aliases": ["y"]}, {"name": "other"}], "state": "present",
    });
    settle(&mut host, &engine, "docker_container", &args);
    let engine = engine.borrow();
    let made = engine.thing("containers", "x").unwrap();
    for (path, expected) in [
        ("/Config/Env", json!(["A=1"])),
        ("/HostConfig/NanoCpus", json!(1_500_000_000)),
        ("/HostConfig/MemorySwap", json!(-1)),
        (
            "/HostConfig/Devices",
            json!([{"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"}]),
        ),
        ("/HostConfig/Ulimits", json!([{"Name": "nofile", "Soft": 10, "Hard": 20}])),
        ("/HostConfig/Tmpfs", json!({"/run": "size=1m"})),
        (
            "/Config/Healthcheck",
            json!({"Test": ["CMD-SHELL", "true"], "Interval": 90_000_000_000_i64}),
        ),
        ("/HostConfig/ExtraHosts", json!(["db:10.0.0.1"])),
        ("/HostConfig/LogConfig", json!({"Type": "json-file", "Config": {"max-file": "3"}})),
        ("/HostConfig/Mounts/0/TmpfsOptions", json!({"SizeBytes": 1024, "Mode": 1023})),
        ("/HostConfig/NetworkMode", json!("net")),
        ("/NetworkSettings/Networks/net/Aliases", json!(["y"])),
        ("/NetworkSettings/Networks/other", json!({})),
    ] {
        assert_eq!(made.pointer(path), Some(&expected), "{path}: {made}");
    }
}

#[test]
fn a_container_that_is_waited_for_says_how_it_ended() {
    let (mut host, _engine) = host();
    let args = json!({"name": "job", "image": "app", "detach": false, "cleanup": true});
    let response = run(&mut host, "docker_container", &args, false);
    assert!(response.failed && response.returned["status"] == 3, "{response:?}");
    let told = run(&mut host, "docker_container_info", &json!({"name": "job"}), false);
    assert_eq!(told.returned["exists"], false);
}

#[test]
fn networks_volumes_and_images_are_kept() {
    let (mut host, engine) = host();
    run(&mut host, "docker_container", &json!({"name": "c", "image": "app"}), false);
    for (name, args, changed) in [
        ("docker_network", json!({"name": "n", "connected": ["c", "gone"]}), true),
        ("docker_network", json!({"name": "n"}), false),
        (
            "docker_network",
            json!({"name": "n", "ipam_config": [{"subnet": "172.23.27.0/24", "gateway": "172.23.27.1"}]}),
            true,
        ),
        (
            "docker_network",
            json!({"name": "n", "ipam_config": [{"subnet": "172.23.27.9/24"}]}),
            false,
        ),
        ("docker_network", json!({"name": "n", "driver_options": {"com.x": true}}), true),
        ("docker_network", json!({"name": "n", "driver": "overlay"}), true),
        ("docker_network", json!({"name": "n", "state": "absent"}), true),
        ("docker_volume", json!({"name": "v", "labels": {"a": "1"}}), true),
        ("docker_volume", json!({"name": "v", "labels": {"a": "2"}}), false),
        (
            "docker_volume",
            json!({"name": "v", "labels": {"a": "2"}, "recreate": "options-changed"}),
            true,
        ),
        ("docker_volume", json!({"name": "v", "state": "absent"}), true),
        ("docker_image_pull", json!({"name": "me/x:v1", "pull": "not_present"}), true),
        ("docker_image", json!({"name": "app", "tag": "v2", "source": "pull"}), true),
        (
            "docker_image",
            json!({"name": "app:v2", "source": "local", "repository": "mine:v3"}),
            true,
        ),
        ("docker_image", json!({"name": "mine:v3", "state": "absent"}), true),
    ] {
        let (did, _) = settle(&mut host, &engine, name, &args);
        assert_eq!(did.changed, changed, "{name} {args}");
    }
    let again = json!({"name": "me/x:v1"});
    assert!(!run(&mut host, "docker_image_pull", &again, false).changed);
    engine.borrow_mut().registry.insert("me/x:v1".into(), "sha256:9".into());
    assert!(run(&mut host, "docker_image_pull", &again, false).changed);
    let pruned =
        run(&mut host, "docker_prune", &json!({"containers": true, "volumes": true}), false);
    assert_eq!(pruned.returned["containers_space_reclaimed"], 5);
    let info = run(&mut host, "docker_host_info", &json!({"containers": true}), false);
    assert_eq!(info.returned["containers"], json!([{"Id": "c", "Names": ["/c"]}]));
}

#[test]
fn what_cannot_be_is_refused() {
    for (name, args, words) in [
        ("docker_container", json!({"name": "x"}), "Cannot create container when image is not"),
        (
            "docker_container",
            json!({"name": "x", "image": "nosuch"}),
            "manifest for nosuch:latest not found",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "nosuch", "pull": "never"}),
            "and pull=never",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "env": {"A": 1}}),
            "Non-string value found for env",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "memory": "much"}),
            "Failed to convert memory",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "published_ports": ["a:b"]}),
            "no port",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "ulimits": ["x"]}),
            "Invalid ulimits",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "comparisons": {"*": "allow_more_present"}}),
            "The wildcard",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "networks_cli_compatible": false}),
            "not supported",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "healthcheck": {"interval": "1"}}),
            "test of healthcheck",
        ),
        (
            "docker_container",
            json!({"name": "x", "image": "app", "tls": true}),
            "TLS are not supported",
        ),
        (
            "docker_network",
            json!({"name": "n", "ipam_config": [{"subnet": "x"}]}),
            "is not a valid CIDR",
        ),
        (
            "docker_network",
            json!({"name": "n", "labels": {"a": true}}),
            "Non-string value found for labels",
        ),
        ("docker_image", json!({"name": "app", "source": "build"}), "build"),
        ("docker_image", json!({"name": "app", "source": "load"}), "load_path"),
        (
            "docker_image",
            json!({"name": "app", "source": "build", "build": {"path": "/nowhere"}}),
            "Requested build path /nowhere could not be found",
        ),
        (
            "docker_image",
            json!({"name": "app", "source": "load", "load_path": "/nowhere"}),
            "/nowhere could not be found",
        ),
        (
            "docker_image",
            json!({"name": "app", "source": "local"}),
            "Cannot find the image app:latest locally",
        ),
        ("docker_image", json!({"name": "app"}), "source"),
        ("docker_image_pull", json!({"name": "nosuch"}), "not found"),
        (
            "docker_volume",
            json!({"name": "v", "docker_host": "ssh://x"}),
            "over SSH are not supported",
        ),
    ] {
        let (mut host, _engine) = host();
        let response = run(&mut host, name, &args, false);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{name} {args}: {msg}");
    }
    let response = run(&mut FakeHost::default(), "docker_volume", &json!({"name": "v"}), false);
    assert!(response.msg.unwrap().starts_with("Error connecting: "));
}

#[test]
fn images_are_built_loaded_and_archived() {
    let (mut host, engine) = host();
    host.put_dirs("/srv");
    host.put("/srv/archive", "\"app:v9\"");
    host.put("/srv/broken", "{}");
    let own = Rc::clone(&engine);
    host.program("docker", move |_, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        let ["--host", _, "build", "--tag", name, rest @ .., "--", "/srv"] = words.as_slice()
        else {
            return module::Output::failure(1, format!("{words:?}"));
        };
        if rest.contains(&"FAIL=1") {
            return module::Output::failure(1, "RUN failed");
        }
        own.borrow_mut().put_image(name, "sha256:7");
        module::Output::success(rest.join(" "))
    });
    host.program("tar", |files, program| match files.text(&program.args[1]) {
        Some(text) if text.starts_with('[') => module::Output::success(text),
        _ => module::Output::failure(2, "tar: This does not look like a tar archive"),
    });
    let build = json!({
        "name": "built:v1", "source": "build",
        "build": {"path": "/srv", "args": {"A": 1}, "nocache": true, "rm": false, "shm_size": "1M",
            "container_limits": {"memory": "1g"}},
    });
    let (did, _) = settle(&mut host, &engine, "docker_image", &build);
    assert_eq!(did.returned["actions"], json!(["Built image built:v1 from /srv"]));
    for words in
        ["--build-arg A=1", "--no-cache", "--rm=false", "--shm-size 1048576", "--memory 1g"]
    {
        assert!(did.returned["stdout"].as_str().unwrap().contains(words), "{words}");
    }
    let mut forced = build.clone();
    forced["force_source"] = true.into();
    let same = run(&mut host, "docker_image", &forced, false);
    assert_eq!((same.failed, same.changed), (false, false), "{same:?}");
    forced["build"]["args"] = json!({"FAIL": 1});
    let failed = run(&mut host, "docker_image", &forced, false);
    assert!(failed.msg.unwrap().starts_with("Error building built:v1 - RUN failed"));
    let load = json!({"name": "app:v9", "source": "load", "load_path": "/srv/archive"});
    let (did, orders) = settle(&mut host, &engine, "docker_image", &load);
    assert_eq!(orders, ["POST /images/load"]);
    assert_eq!(did.returned["stdout"], "Loaded image: app:v9\n");
    for (more, words) in [
        (json!({"name": "other"}), "did not contain image 'other:latest'. Instead, found 'app:v9'"),
        (json!({"name": "x", "load_path": "/srv/broken"}), "unrecognized image format"),
    ] {
        let mut args = load.clone();
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let done = run(&mut host, "docker_image", &args, false);
        assert!(done.failed && done.msg.unwrap().contains(words), "{args}");
    }
    let mut archive = json!({"name": "app:v9", "source": "local", "archive_path": "/srv/out.tar"});
    let (did, _) = settle(&mut host, &engine, "docker_image", &archive);
    assert!(did.changed && host.files.text("/srv/out.tar").unwrap().contains("app:v9"));
    archive["name"] = "built:v1".into();
    let (did, _) = settle(&mut host, &engine, "docker_image", &archive);
    let words = "overwriting archive with image 9 named app:v9";
    assert!(did.returned["actions"][0].as_str().unwrap().ends_with(words), "{did:?}");
    host.put("/srv/out.tar", "junk");
    assert!(settle(&mut host, &engine, "docker_image", &archive).0.changed);
    archive["archive_path"] = "/srv".into();
    assert!(run(&mut host, "docker_image", &archive, false).failed);
}

#[test]
fn images_are_named_pushed_exported_loaded_and_removed() {
    let (mut host, engine) = host();
    host.put_dirs("/srv");
    host.put("/srv/archive", "\"app:v9\"");
    host.put("/srv/broken", "{}");
    host.program("tar", |files, program| match files.text(&program.args[1]) {
        Some(text) if text.starts_with('[') => module::Output::success(text),
        _ => module::Output::failure(2, "tar: This does not look like a tar archive"),
    });
    engine.borrow_mut().put_image("app:v1", "sha256:1");
    engine.borrow_mut().put_image("app:old", "sha256:2");
    let tag = json!({"name": "app:v1", "repository": ["app:new", "me/app"], "tag": "v5"});
    let did = run(&mut host, "docker_image_tag", &tag, false);
    assert!(did.changed, "{did:?}");
    assert_eq!(did.returned["tagged_images"], json!(["app:new", "me/app:v5"]));
    assert_eq!(engine.borrow().thing("images", "me/app:v5").unwrap()["Id"], "sha256:1");
    assert!(!run(&mut host, "docker_image_tag", &tag, false).changed);
    for (existing, changed) in [("keep", false), ("overwrite", true)] {
        let args = json!({"name": "app:v1", "repository": "app:old", "existing_images": existing});
        let foretold = run(&mut host, "docker_image_tag", &args, true);
        let did = run(&mut host, "docker_image_tag", &args, false);
        assert_eq!((foretold.changed, did.changed), (changed, changed), "{existing}: {did:?}");
        assert_eq!(did.diff.len(), 1);
    }
    let export = json!({"name": "app:new", "path": "/srv/out.tar"});
    assert!(run(&mut host, "docker_image_export", &export, true).changed);
    assert!(host.files.text("/srv/out.tar").is_none());
    assert!(run(&mut host, "docker_image_export", &export, false).changed);
    assert!(!run(&mut host, "docker_image_export", &export, false).changed);
    for (more, why) in [
        (json!({"force": true}), "Exporting since force=true"),
        (json!({"names": ["app:old"]}), "unexpected image 1 named app:new"),
        (json!({"names": ["app:new", "app:old"]}), "missing image(s) app:old"),
        (json!({"path": "/srv/broken"}), "an unreadable archive file"),
        (json!({"path": "/srv/none.tar"}), "no image is present"),
    ] {
        let mut args = export.clone();
        args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if more.get("names").is_some() {
            args.as_object_mut().unwrap().remove("name");
        }
        let told = run(&mut host, "docker_image_export", &args, true);
        assert!(told.msg.as_deref().unwrap_or_default().contains(why), "{args}: {told:?}");
    }
    let loaded = run(&mut host, "docker_image_load", &json!({"path": "/srv/archive"}), false);
    assert_eq!(loaded.returned["image_names"], json!(["app:v9"]));
    assert_eq!(loaded.returned["images"][0]["Id"], "sha256:9");
    assert!(run(&mut host, "docker_image_load", &json!({"path": "/srv/archive"}), true).skipped);
    let pushed = run(&mut host, "docker_image_push", &json!({"name": "app:v9"}), false);
    assert!(pushed.changed && !pushed.failed, "{pushed:?}");
    let gone = json!({"name": "app", "tag": "v9"});
    let foretold = run(&mut host, "docker_image_remove", &gone, true);
    let did = run(&mut host, "docker_image_remove", &gone, false);
    assert_eq!((foretold.changed, did.changed), (true, true), "{did:?}");
    for name in ["untagged", "deleted"] {
        assert_eq!(foretold.returned[name], did.returned[name], "{name}");
    }
    let again = run(&mut host, "docker_image_remove", &gone, false);
    assert_eq!((again.changed, &again.returned["image"]), (false, &json!({})));
    let id = format!("sha256:{}", "0a".repeat(32));
    for (name, args, words) in [
        (
            "docker_image_tag",
            json!({"name": "none", "repository": "a"}),
            "Cannot find image none:latest",
        ),
        (
            "docker_image_tag",
            json!({"name": "app:v1", "repository": [id]}),
            "repository[1] must not be an image ID",
        ),
        (
            "docker_image_tag",
            json!({"name": "app:v1", "repository": [format!("a@{id}")]}),
            "must not have a digest",
        ),
        (
            "docker_image_tag",
            json!({"name": "app", "repository": "a", "tag": "-"}),
            "not a valid docker tag",
        ),
        ("docker_image_push", json!({"name": id}), "Cannot push an image by ID"),
        ("docker_image_push", json!({"name": format!("a@{id}")}), "Cannot push an image by digest"),
        ("docker_image_push", json!({"name": "none"}), "Cannot find image none:latest"),
        ("docker_image_load", json!({"path": "/none"}), "/none could not be found"),
        ("docker_image_load", json!({"path": "/srv/broken"}), "unrecognized image format"),
        (
            "docker_image_export",
            json!({"name": "none", "path": "/x"}),
            "Image none:latest not found",
        ),
        ("docker_image_export", json!({"names": [], "path": "/x"}), "At least one image name"),
        ("docker_image_export", json!({"name": "app:v1", "path": "/srv"}), "is a directory"),
    ] {
        let msg = run(&mut host, name, &args, false).msg.unwrap_or_default();
        assert!(msg.contains(words), "{name} {args}: {msg}");
    }
}
