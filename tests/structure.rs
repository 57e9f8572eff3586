//! What holds the rooms apart: who imports whom, which foreign crate lives where, what files are
//! called, how long they are, and who reads the environment.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Each room with the rooms that it may import; a room stands below all that import it.
const IMPORTS: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("source", &[]),
    ("pyregex", &[]),
    ("derive", &[]),
    ("sshd", &[]),
    ("template", &["protocol", "source", "pyregex"]),
    ("vault", &["protocol", "source"]),
    ("module", &["protocol", "derive"]),
    ("inventory", &["template", "vault", "source", "protocol", "pyregex"]),
    ("plugins", &["inventory", "template", "source"]),
    ("plan", &["template", "vault", "source", "protocol"]),
    ("playbook", &["plan", "template", "vault", "source", "protocol"]),
    ("modules", &["module", "derive", "protocol", "pyregex"]),
    ("transport", &["protocol"]),
    ("run", &["transport", "plan", "inventory", "template", "protocol", "source", "pyregex"]),
    ("tls", &["protocol"]),
    ("remote", &["modules", "module", "protocol"]),
    // Events carry plays, tasks and names of hosts.
    ("report", &["run", "plan", "inventory", "template", "protocol", "source"]),
    (
        "cli",
        &[
            "report",
            "run",
            "transport",
            "sshd",
            "modules",
            "module",
            "playbook",
            "plugins",
            "plan",
            "inventory",
            "vault",
            "template",
            "source",
            "protocol",
            "pyregex",
        ],
    ),
];

/// Foreign crates with the rooms that know them.
const FOREIGN_HOMES: &[(&str, &[&str])] = &[
    ("russh", &["transport", "sshd"]),
    ("rustls", &["tls"]),
    ("minijinja", &["template"]),
    ("libyaml-safer", &["source", "template"]),
    ("clap", &["cli"]),
    ("rpassword", &["cli"]),
    ("indicatif", &["report"]),
];

/// Foreign crates with the rooms that must do without them, themselves or through others.
const FOREIGN_BANS: &[(&str, &[&str])] = &[
    ("tokio", &["remote", "modules", "module", "protocol", "template", "playbook", "plan"]),
    ("russh", &["remote", "run", "playbook"]),
    ("minijinja", &["remote", "transport"]),
];

/// Names that say nothing about what is in a file.
const EMPTY_NAMES: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "manager", "misc", "core", "base", "data",
    "info", "imp", "mod",
];

/// Files that have such a name and mean it.
const EMPTY_NAMES_MEANT: &[(&str, &str)] =
    &[("tests/hosts/base.rs", "the base is the file system that hosts are layered on")];

/// Lines that a file of one concept has at most.
const LINES_MAX: usize = 600;

/// Files that are longer still: none. The list only ever shrinks.
const LONG_FILES: &[&str] = &[];

/// Where the environment is read: the controller's edge, the remote's, chores, and what is no part
/// of the program.
const ENVIRONMENT_READERS: &[&str] =
    &["src/cli/", "src/remote/build/", "src/remote/session.rs", "xtask/", "tests/"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The workspace's packages as cargo sees them; with `--no-deps`, without foreign ones.
fn metadata(more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(more)
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The name of a room: that of its folder.
fn room_of(manifest: &str) -> Option<String> {
    let folder = Path::new(manifest).parent()?;
    let below = folder.strip_prefix(workspace()).ok()?.to_str()?;
    let room = below.strip_prefix("src/").unwrap_or(below);
    (below.starts_with("src/") || below == "modules").then(|| room.to_owned())
}

/// Each room with the names of the packages that it depends on outside of its tests, other rooms
/// by their names as rooms.
fn dependencies(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let packages = metadata["packages"].as_array().unwrap();
    let rooms: BTreeMap<&str, String> = packages
        .iter()
        .filter_map(|package| {
            Some((package["name"].as_str()?, room_of(package["manifest_path"].as_str()?)?))
        })
        .collect();
    let needed = |package: &Value| -> BTreeSet<String> {
        let all = package["dependencies"].as_array().unwrap().iter();
        // Building and testing may use what running may not.
        let of_the_program = all.filter(|dependency| dependency["kind"].is_null());
        let names = of_the_program.map(|dependency| dependency["name"].as_str().unwrap());
        names.map(|name| rooms.get(name).map_or(name, String::as_str).to_owned()).collect()
    };
    packages
        .iter()
        .filter_map(|package| {
            Some((rooms.get(package["name"].as_str()?)?.clone(), needed(package)))
        })
        .collect()
}

/// What is against the tables, in words.
fn violations(found: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for room in found.keys().filter(|room| !IMPORTS.iter().any(|(known, _)| known == room)) {
        wrong.push(format!("{room} is in no row of the import table"));
    }
    for (room, may_import) in IMPORTS {
        let Some(dependencies) = found.get(*room) else {
            wrong.push(format!("{room} is in the import table and not in the workspace"));
            continue;
        };
        for other in dependencies.iter().filter(|name| found.contains_key(*name)) {
            if !may_import.contains(&other.as_str()) {
                wrong.push(format!("{room} imports {other}"));
            }
        }
        for (foreign, homes) in FOREIGN_HOMES {
            if dependencies.contains(*foreign) && !homes.contains(room) {
                wrong.push(format!("{room} uses {foreign}, which lives in {}", homes.join(", ")));
            }
        }
    }
    wrong
}

#[test]
fn rooms_import_only_what_lies_below_them() {
    let found = dependencies(&metadata(&["--no-deps"]));
    assert_eq!(violations(&found), Vec::<String>::new());
}

#[test]
fn the_import_table_has_no_circles() {
    for (at, (room, imports)) in IMPORTS.iter().enumerate() {
        for import in *imports {
            let below = IMPORTS.iter().position(|(other, _)| other == import);
            assert!(below.is_some_and(|below| below < at), "{room} stands below {import}");
        }
    }
}

#[test]
fn a_forbidden_import_is_seen() {
    let sound = dependencies(&metadata(&["--no-deps"]));
    for (room, import, expect) in [
        ("run", "playbook", "run imports playbook"),
        ("run", "report", "run imports report"),
        ("playbook", "modules", "playbook imports modules"),
        ("protocol", "source", "protocol imports source"),
        ("run", "russh", "run uses russh, which lives in transport, sshd"),
        ("report", "clap", "report uses clap, which lives in cli"),
    ] {
        let mut found = sound.clone();
        found.get_mut(room).unwrap().insert(import.to_owned());
        assert_eq!(violations(&found), [expect]);
    }
    let mut found = sound;
    found.insert("lounge".to_owned(), BTreeSet::new());
    assert_eq!(violations(&found), ["lounge is in no row of the import table"]);
}

/// What is linked in through others counts as well: the remote is small because of it.
#[test]
fn what_a_room_must_do_without_does_not_come_in_by_a_side_door() {
    let metadata = metadata(&[]);
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| (node["id"].as_str().unwrap(), node))
        .collect();
    let packages: BTreeMap<&str, &Value> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package))
        .collect();
    let linked = |room: &str| -> BTreeSet<&str> {
        let start = packages
            .iter()
            .find(|(_, package)| {
                room_of(package["manifest_path"].as_str().unwrap()).as_deref() == Some(room)
            })
            .map(|(id, _)| *id);
        let mut waiting = vec![start.unwrap_or_else(|| panic!("there is no room {room}"))];
        let mut seen = BTreeSet::new();
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            for dependency in nodes[id]["deps"].as_array().unwrap() {
                let kinds = dependency["dep_kinds"].as_array().unwrap();
                if kinds.iter().any(|kind| kind["kind"].is_null()) {
                    waiting.push(dependency["pkg"].as_str().unwrap());
                }
            }
        }
        seen.iter().map(|id| packages[id]["name"].as_str().unwrap()).collect()
    };
    // The walk finds what is there.
    assert!(linked("cli").contains("tokio"));
    assert!(linked("remote").contains("rustix"));
    for (foreign, rooms) in FOREIGN_BANS {
        for room in *rooms {
            let is_edge_kept = *foreign == "russh" && *room == "run";
            // `run` may use russh through transport, and only so: the import table sees to that.
            assert!(is_edge_kept || !linked(room).contains(foreign), "{room} links {foreign}");
        }
    }
}

/// Files of the repository with their paths in it.
fn files() -> Vec<(String, PathBuf)> {
    let root = workspace();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_symlink() || name == "target" || name == ".git" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.push((below, path));
            }
        }
    }
    assert!(files.len() > 100, "the walk sees the repository");
    files
}

fn rust_files() -> impl Iterator<Item = (String, PathBuf)> {
    files().into_iter().filter(|(below, _)| below.ends_with(".rs"))
}

#[test]
fn files_are_named_after_what_is_in_them() {
    let mut empty: Vec<String> = Vec::new();
    for (below, path) in rust_files() {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let is_meant = EMPTY_NAMES_MEANT.iter().any(|(meant, _)| *meant == below);
        if EMPTY_NAMES.contains(&stem) && !is_meant {
            empty.push(below);
        }
    }
    assert_eq!(empty, Vec::<String>::new(), "such names say nothing");
    for (meant, _) in EMPTY_NAMES_MEANT {
        assert!(workspace().join(meant).is_file(), "{meant} is gone: take it off the list");
    }
}

#[test]
fn files_hold_one_concept() {
    for (below, path) in rust_files() {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        let is_listed = LONG_FILES.contains(&below.as_str());
        assert!(lines <= LINES_MAX || is_listed, "{below} has {lines} lines, over {LINES_MAX}");
        assert!(lines > LINES_MAX || !is_listed, "{below} is short now: take it off the list");
    }
    for long in LONG_FILES {
        assert!(workspace().join(long).is_file(), "{long} is gone: take it off the list");
    }
}

/// Whether a line of code reads the environment (temporary folders and `env!` are no reading).
fn reads_environment(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["env::var(", "env::var_os(", "env::vars(", "env::vars_os(", "home_dir("]
        .iter()
        .any(|call| code.contains(call))
}

#[test]
fn only_the_edge_reads_the_environment() {
    for (line, expect) in [
        ("let home = std::env::var(\"HOME\");", true),
        ("env::vars_os().collect()", true),
        ("std::env::home_dir()", true),
        ("// env::var( is not called here", false),
        ("std::env::temp_dir()", false),
        ("env!(\"CARGO\")", false),
    ] {
        assert_eq!(reads_environment(line), expect, "{line}");
    }
    let mut readers = BTreeSet::new();
    for (below, path) in rust_files() {
        let is_test = ["/tests/", "/examples/", "/tests.rs", "modules/real_host.rs"]
            .iter()
            .any(|part| below.contains(part));
        let is_edge = ENVIRONMENT_READERS.iter().any(|reader| below.starts_with(reader));
        let is_build = below.ends_with("/build.rs");
        if !is_test && !is_edge && !is_build {
            let text = fs::read_to_string(&path).unwrap();
            readers.extend(text.lines().any(reads_environment).then_some(below));
        }
    }
    assert_eq!(readers, BTreeSet::new(), "the environment is handed in from the edge");
}
