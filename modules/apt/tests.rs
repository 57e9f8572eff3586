//! Tasks against a host whose apt is a few lines.

use module::{
    Mode, Output,
    fake::{FakeHost, Files},
};
use protocol::{Json, Response, arguments::check};

use crate::CATALOGUE;

const STATUS: &str = "/var/lib/dpkg/status";

/// What its index knows: names and versions.
const INDEX: [(&str, &[&str]); 5] = [
    ("sl", &["5.02-1"]),
    ("mawk", &["1.4-1", "1.3-1"]),
    ("sed", &["4.9-1"]),
    ("libfoo1", &["1.0"]),
    ("awk", &[]),
];

fn paragraph(name: &str, version: &str, status: &str) -> String {
    let provides = if name == "mawk" { "Provides: awk\n" } else { "" };
    format!(
        "Package: {name}\nStatus: {status}\nArchitecture: amd64\nVersion: {version}\n{provides}\n"
    )
}

/// Puts an apt and a dpkg that has `mawk` and `sed`, and of `old` the configuration.
pub fn put_apt(host: &mut FakeHost) {
    let status = paragraph("dpkg", "1.21", "install ok installed")
        + &paragraph("mawk", "1.3-1", "install ok installed")
        + &paragraph("sed", "4.9-1", "install ok installed")
        + &paragraph("old", "1", "deinstall ok config-files");
    host.put(STATUS, status);
    host.put("/var/lib/apt/lists/lock", "");
    host.program("apt-cache", |_, program| {
        let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
        if words.contains(&"pkgnames") {
            return Output::success(INDEX.map(|(name, _)| name).join("\n"));
        }
        let mut said = String::new();
        for (name, versions) in INDEX.iter().filter(|(name, _)| words.contains(name)) {
            let candidate = versions.first().unwrap_or(&"(none)");
            said +=
                &format!("{name}:\n  Installed: x\n  Candidate: {candidate}\n  Version table:\n");
            for version in *versions {
                said += &format!("     {version} 500\n        500 http://x Packages\n");
            }
        }
        Output::success(said)
    });
    host.program("apt-get", run_apt);
}

fn run_apt(files: &mut Files, program: &module::Program) -> Output {
    let words: Vec<&str> = program.args.iter().map(String::as_str).collect();
    let packages: Vec<&str> =
        words.iter().skip_while(|word| **word != "--").skip(1).copied().collect();
    let verb = ["update", "install", "remove", "dist-upgrade", "upgrade", "autoremove", "clean"]
        .into_iter()
        .find(|verb| words.contains(verb))
        .unwrap_or_default();
    let is_simulated = words.contains(&"--simulate");
    if verb == "update" {
        files.put("/var/lib/apt/periodic/update-success-stamp", "");
        return Output::success("Hit\n");
    }
    let mut status = files.text(STATUS).unwrap_or_default();
    let mut count = 0;
    for package in &packages {
        let (name, version) = package.split_once('=').unwrap_or((package, ""));
        let Some((_, versions)) = INDEX.iter().find(|(known, _)| *known == name) else {
            return Output::failure(100, format!("E: Unable to locate package {name}\n"));
        };
        let version = if version.is_empty() { versions.first().unwrap_or(&"") } else { &version };
        let rest: Vec<&str> = status
            .split_inclusive("\n\n")
            .filter(|one| !one.starts_with(&format!("Package: {name}\n")))
            .collect();
        status = rest.concat();
        if verb == "install" {
            status += &paragraph(name, version, "install ok installed");
        }
        count += 1;
    }
    if !is_simulated {
        files.put(STATUS, status);
    }
    let summary = match verb {
        "remove" => format!("0 upgraded, 0 newly installed, {count} to remove and 0 not upgraded."),
        _ => format!("0 upgraded, {count} newly installed, 0 to remove and 0 not upgraded."),
    };
    Output::success(format!("Reading state information...\n{}\n{summary}\n", packages.join(" ")))
}

fn host() -> FakeHost {
    let mut host = FakeHost::default();
    host.put_dirs("/tmp");
    put_apt(&mut host);
    host
}

fn run(host: &mut FakeHost, args: &str, is_check: bool) -> Response {
    let entry = CATALOGUE.find("apt").unwrap();
    let Json::Object(given) = serde_json::from_str(args).unwrap() else { panic!() };
    match check(&(entry.spec)().arguments, "apt", &given) {
        Ok(args) => (entry.run)(&args, Mode { check: is_check, diff: true }, host),
        Err(errors) => Response::failure(format!("{errors:?}")),
    }
}

fn has(host: &FakeHost, line: &str) -> bool {
    host.files.text(STATUS).unwrap().contains(line)
}

#[test]
fn packages_are_brought_to_their_state() {
    for (args, is_changed, lines) in [
        (r#"{"name": "sl"}"#, true, &["Package: sl"][..]),
        (r#"{"name": "sl,sed", "state": "present"}"#, true, &["Package: sl"]),
        (r#"{"name": "mawk"}"#, false, &["Version: 1.3-1"]),
        (r#"{"name": "mawk:amd64"}"#, false, &[]),
        (r#"{"name": "mawk", "state": "latest"}"#, true, &["Version: 1.4-1"]),
        (r#"{"name": "sed", "state": "latest"}"#, false, &[]),
        (r#"{"name": "mawk=1.3*"}"#, false, &["Version: 1.3-1"]),
        (r#"{"name": "mawk=1.4*"}"#, true, &["Version: 1.4-1"]),
        (r#"{"name": "mawk>=1.2"}"#, false, &["Version: 1.3-1"]),
        (r#"{"name": "mawk>=1.4"}"#, true, &["Version: 1.4-1"]),
        (r#"{"name": "lib*1"}"#, true, &["Package: libfoo1"]),
        (r#"{"name": "awk"}"#, false, &[]),
        (r#"{"name": "sl", "only_upgrade": true}"#, false, &[]),
        (r#"{"pkg": ["mawk", "nosuch"], "state": "absent"}"#, true, &["Package: sed"]),
        (r#"{"name": "nosuch", "state": "absent"}"#, false, &[]),
        (r#"{"name": "old", "state": "absent"}"#, false, &["Package: old"]),
    ] {
        let mut host = host();
        let before = host.files.clone();
        let foretold = run(&mut host, args, true);
        assert!(!foretold.failed, "{args}: {foretold:?}");
        assert_eq!(host.files, before, "{args}: check wrote");
        let response = run(&mut host, args, false);
        assert!(!response.failed, "{args}: {response:?}");
        assert_eq!((foretold.changed, response.changed), (is_changed, is_changed), "{args}");
        for line in lines {
            assert!(has(&host, line), "{args}: {line}");
        }
        assert!(!run(&mut host, args, false).changed, "{args}: again");
    }
}

#[test]
fn what_cannot_be_is_refused() {
    for (args, words) in [
        (r#"{"name": "nosuch"}"#, "No package matching 'nosuch' is available"),
        (
            r#"{"name": "nosuch", "only_upgrade": true}"#,
            "No package matching 'nosuch' is available",
        ),
        (r#"{"name": "zz*"}"#, "No package(s) matching 'zz*' available"),
        (r#"{"name": "mawk=9"}"#, "no available installation candidate for mawk=9"),
        (r#"{"name": "mawk>=9"}"#, "no available installation candidate for mawk>=9"),
        (r#"{"name": "mawk=1=2"}"#, "invalid package spec: mawk=1=2"),
        (r#"{"name": ["*", "sl"], "state": "latest"}"#, "unable to install additional packages"),
        (r#"{"deb": "/nosuch.deb"}"#, "Could not open file /nosuch.deb"),
        (r#"{"name": "sl", "upgrade": "dist"}"#, "mutually exclusive"),
        (r#"{"name": "sl", "state": "gone"}"#, "state"),
        (r#"{"name": "sl", "policy_rc_d": 300}"#, "policy_rc_d"),
    ] {
        let response = run(&mut host(), args, false);
        assert!(response.failed, "{args}: {response:?}");
        let msg = response.msg.unwrap();
        assert!(msg.contains(words), "{args}: {msg}");
    }
    let mut other = FakeHost::default();
    let response = run(&mut other, r#"{"name": "sl"}"#, false);
    assert!(response.msg.unwrap().contains("does not install packages with dpkg"));
}

#[test]
fn the_index_is_updated_where_it_is_old() {
    let mut host = host();
    let args = r#"{"update_cache": true, "cache_valid_time": 3600}"#;
    let response = run(&mut host, args, true);
    assert!(
        response.changed && host.files.text("/var/lib/apt/periodic/update-success-stamp").is_none()
    );
    let response = run(&mut host, args, false);
    assert!(!response.failed, "{response:?}");
    assert!(host.files.text("/var/lib/apt/periodic/update-success-stamp").is_some());
    assert!(response.returned.contains_key("cache_update_time"));
    // The fake's files are from 1970, and the clock is not.
    let response = run(&mut host, r#"{"name": "sl", "cache_valid_time": 1700000000}"#, false);
    assert!(response.changed);
    assert_eq!(response.returned["cache_updated"], false);
}

#[test]
fn everything_is_upgraded_and_cleaned() {
    for (args, is_changed) in [
        (r#"{"upgrade": "dist"}"#, false),
        (r#"{"upgrade": true}"#, false),
        (r#"{"name": "*", "state": "latest"}"#, false),
        (r#"{"autoremove": true}"#, false),
        (r#"{"clean": true}"#, true),
    ] {
        let response = run(&mut host(), args, false);
        assert!(!response.failed, "{args}: {response:?}");
        assert_eq!(response.changed, is_changed, "{args}");
    }
}

#[test]
fn files_are_installed_unless_a_newer_version_is_there() {
    let mut host = host();
    host.put("/srv/sed.deb", "");
    for (version, is_changed, words) in
        [("4.9-1", false, ""), ("4.8-1", false, "a later version"), ("5-1", true, "")]
    {
        host.program("dpkg-deb", move |_, _| {
            Output::success(format!("Package: sed\nVersion: {version}\nArchitecture: amd64\n"))
        });
        host.program("apt-get", |_, program| {
            assert_eq!(program.args.last().map(String::as_str), Some("/srv/sed.deb"));
            Output::success("1 upgraded, 0 newly installed, 0 to remove\n")
        });
        let response = run(&mut host, r#"{"deb": "/srv/sed.deb"}"#, false);
        assert_eq!(
            (response.changed, response.failed),
            (is_changed, !words.is_empty()),
            "{response:?}"
        );
        assert!(response.msg.unwrap_or_default().contains(words));
    }
}

#[test]
fn files_on_servers_are_fetched_where_they_are_wanted() {
    let address = r#"{"deb": "http://192.0.2.1/sed.deb"}"#;
    for (version, check, is_changed, words) in [
        ("4.9-1", true, false, ""),
        ("4.9-1", false, false, ""),
        ("5-1", true, true, ""),
        ("5-1", false, true, ""),
        ("4.8-1", true, false, "a later version"),
    ] {
        let mut host = host();
        host.put_dirs("/tmp");
        host.serve("192.0.2.1:80", |_| b"HTTP/1.1 200 OK\r\n\r\n!<arch>".to_vec());
        host.program("dpkg-deb", move |_, program| {
            let is_head = program.args.get(1).is_some_and(|path| path == "-");
            assert_eq!(is_head, program.stdin.as_deref() == Some(b"!<arch>"));
            Output::success(format!("Package: sed\nVersion: {version}\nArchitecture: amd64\n"))
        });
        host.program("/usr/lib/apt/apt-helper", |files, program| {
            files.put(&program.args[2], "fetched");
            Output::success("")
        });
        host.program("apt-get", |files, program| {
            let path = program.args.last().unwrap();
            assert_eq!(files.text(path).as_deref(), Some("fetched"));
            Output::success("1 upgraded, 0 newly installed, 0 to remove\n")
        });
        let response = run(&mut host, address, check);
        let expected = (is_changed, !words.is_empty());
        assert_eq!((response.changed, response.failed), expected, "{version}: {response:?}");
        assert!(response.msg.unwrap_or_default().contains(words));
        let left = module::Host::list(&host, "/tmp".as_ref()).unwrap();
        assert!(left.is_empty(), "{version}: {left:?}");
    }
    let response = run(&mut host(), address, true);
    assert!(response.failed && response.msg.unwrap_or_default().contains("192.0.2.1"));
}
