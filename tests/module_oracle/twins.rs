//! Two hosts that are the same, each driven by a program of its own.

use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use hosts::{DRIVEN, Fleet, Host, HostSpec, MODULES, PACKAGERS, RPM, available};
use serde_json::{Map, Value, json};
use trueup_tests::program::{Ran, Scratch, trueup};

use crate::{
    case::{Case, Family, Hosts},
    recorded::{CASES_FOLDER, Recorded, read_tree, with_long_numbers_as_texts},
};

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

/// Names the folder with the programs of an ansible-core that has the community's collections.
const COLLECTIONS_VARIABLE: &str = "TRUEUP_TEST_ORACLE_COLLECTIONS";

/// Names a folder in which what ansible-core returned is remembered, by what it was asked: for those
/// who work on modules, since it takes most of the time.
const MEMORY_VARIABLE: &str = "TRUEUP_MODULE_MEMORY";

/// Disks of each of the hosts without servers, and of each machine.
const DISKS: u8 = 4;

/// Seconds that a task may take: one that hangs is named, and the family goes on.
const TASK_SECS: u32 = 300;

/// What a play is run for, in order.
pub const PHASES: [(&str, &[&str]); 3] =
    [("check", &["--check", "--diff"]), ("first", &["--diff"]), ("second", &["--diff"])];

/// Two booted hosts, and the fleet that they are of.
pub struct Twins {
    fleet: Fleet,
    theirs: Host,
    ours: Host,
}

/// The folder of ansible-core's programs, where it is named and hosts may be booted; else says that
/// a test is skipped.
pub fn oracle(test: &str) -> Option<PathBuf> {
    if !available(test) {
        return None;
    }
    named(test, VARIABLE, "ansible-core")
}

/// As [`oracle`], of one with collections.
pub fn oracle_with_collections(test: &str) -> Option<PathBuf> {
    named(test, COLLECTIONS_VARIABLE, "an ansible-core with collections")
}

fn named(test: &str, variable: &str, what: &str) -> Option<PathBuf> {
    let folder = env::var_os(variable).filter(|folder| !folder.is_empty());
    if folder.is_none() {
        println!("SKIPPED: {test}: {what} is compared with where {variable} names its folder");
    }
    folder.map(PathBuf::from)
}

/// The twins of this process that have what a family needs, for one family at a time.
pub fn twins(kind: Hosts) -> MutexGuard<'static, Twins> {
    static ALL: [OnceLock<Mutex<Twins>>; 5] = [const { OnceLock::new() }; 5];
    let (twins, layer, disks) = match kind {
        Hosts::Bare => (&ALL[0], Some(MODULES), DISKS),
        Hosts::Servers => (&ALL[1], Some(DRIVEN), 0),
        Hosts::Dnf => (&ALL[2], Some(RPM), 0),
        Hosts::Packagers => (&ALL[3], Some(PACKAGERS), 0),
        Hosts::Machines => (&ALL[4], None, DISKS),
    };
    let make = || {
        let mut fleet = Fleet::start().unwrap();
        // Facts and keys name the host; the names of the machines are no part of what is compared.
        let name = "printf 'twin\\n' > /etc/hostname; printf '127.0.0.1 localhost\\n127.0.1.1 twin\\n' > /etc/hosts";
        let spec = |name_of_machine: &str| HostSpec {
            layer,
            prepare: Some(name.to_owned()),
            disks,
            ..HostSpec::new(name_of_machine)
        };
        let specs = [spec("theirs"), spec("ours")];
        let hosts = match kind {
            Hosts::Machines => fleet.boot_machines(&specs),
            _ => fleet.boot_all(&specs),
        };
        let mut hosts = hosts.unwrap();
        let (Some(ours), Some(theirs)) = (hosts.pop(), hosts.pop()) else { panic!("two hosts") };
        for host in [&theirs, &ours] {
            host.run("hostname twin").unwrap();
        }
        Mutex::new(Twins { fleet, theirs, ours })
    };
    twins.get_or_init(make).lock().unwrap_or_else(PoisonError::into_inner)
}

impl Twins {
    /// Runs cases by both programs, each on its own host, in all phases.
    pub fn run(&self, family: &Family, cases: &[&Case], oracle: &Path) -> (Recorded, Recorded) {
        let play = play(cases);
        let memory = memory(family, cases, &play, oracle);
        let play = with_time_limit(play);
        let scratch = Scratch::new(&family.name);
        symlink(trueup(), scratch.path("ansible-playbook")).unwrap();
        let own = scratch.path("ansible-playbook");
        let run = |host: &Host, program: &Path| {
            self.prepare(host, family, cases);
            self.record(host, family, cases, program, &play)
        };
        let remembered = memory.as_ref().and_then(|path| fs::read_to_string(path).ok());
        if let Some(theirs) = remembered.and_then(|text| serde_json::from_str(&text).ok()) {
            return (theirs, run(&self.ours, &own));
        }
        let (theirs, ours) = std::thread::scope(|scope| {
            let theirs = scope.spawn(|| {
                let theirs = run(&self.theirs, &oracle.join("ansible-playbook"));
                // It is remembered even where the other program gets nowhere.
                if let Some(path) = &memory {
                    fs::write(path, serde_json::to_string(&theirs).unwrap()).unwrap();
                }
                theirs
            });
            let ours = run(&self.ours, &own);
            (theirs.join().unwrap(), ours)
        });
        (theirs, ours)
    }

    /// Lays what a family and its cases start from.
    fn prepare(&self, host: &Host, family: &Family, cases: &[&Case]) {
        host.run(&format!("rm -rf {CASES_FOLDER} && mkdir -p {CASES_FOLDER}")).unwrap();
        let set_up = |folder: &str, script: &str| {
            host.put("/root/setup.sh", script.as_bytes()).unwrap();
            let call = format!(
                "umask 022; export HOME=/root LC_ALL=C.UTF-8; mkdir -p '{folder}' && cd '{folder}' && sh -eu /root/setup.sh 2>&1"
            );
            if let Err(error) = host.run(&call) {
                panic!("setup in {folder}: {error}\n{script}");
            }
        };
        set_up(CASES_FOLDER, &family.setup);
        for case in cases {
            set_up(&format!("{CASES_FOLDER}/{}", case.folder_name()), &case.setup);
        }
    }

    /// Runs the play in all phases and reads what came of each.
    fn record(
        &self,
        host: &Host,
        family: &Family,
        cases: &[&Case],
        program: &Path,
        play: &Value,
    ) -> Recorded {
        let scratch = Scratch::new(host.name());
        let inventory = format!(
            "twin ansible_host={} ansible_user=root ansible_ssh_private_key_file={} \
             ansible_ssh_common_args='-o UserKnownHostsFile={}' \
             ansible_python_interpreter=/usr/bin/python3 ansible_pipelining=true\n",
            host.address(),
            self.fleet.key_file().display(),
            self.fleet.known_hosts_file().display(),
        );
        scratch.write("hosts", inventory);
        scratch.write("play.yml", serde_json::to_string_pretty(play).unwrap());
        let files = crate::case::folder().join("files");
        if files.is_dir() {
            symlink(files, scratch.path("files")).unwrap();
        }
        let mut recorded = Recorded::of(&family.unordered);
        for (phase, words) in PHASES {
            let results = scratch.path(&format!("{phase}.json"));
            let variable = format!("results_file={}", results.display());
            let words = [&["-i", "hosts", "play.yml", "-e", &variable], words].concat();
            let mut command = scratch.command(program, &words);
            command
                .env("ANSIBLE_NOCOLOR", "1")
                .env("ANSIBLE_LOCALHOST_WARNING", "0")
                .env("ANSIBLE_DEVEL_WARNING", "0")
                .env("ANSIBLE_DEPRECATION_WARNINGS", "0");
            let ran = Ran::of(command.output().unwrap());
            let text = fs::read_to_string(&results).unwrap_or_else(|_| {
                panic!("{} by {}: {}", family.name, program.display(), ran.said())
            });
            let results: Map<String, Value> =
                serde_json::from_str(&with_long_numbers_as_texts(&text)).unwrap();
            let tree = read_tree(host, cases);
            let watch = format!("cd {CASES_FOLDER}; export LC_ALL=C.UTF-8\n{}", family.watch);
            let watched = host.run(&watch).unwrap();
            recorded.add(phase, cases, &results, tree, &watched, host);
        }
        recorded
    }
}

/// Where what ansible-core returned for these cases is remembered, where that is wanted.
fn memory(family: &Family, cases: &[&Case], play: &Value, oracle: &Path) -> Option<PathBuf> {
    let folder = PathBuf::from(env::var_os(MEMORY_VARIABLE)?);
    fs::create_dir_all(&folder).unwrap();
    let mut hasher = DefaultHasher::new();
    (play.to_string(), &family.setup, &family.watch, oracle).hash(&mut hasher);
    for case in cases {
        (&case.setup, case.times).hash(&mut hasher);
    }
    Some(folder.join(format!("{}-{:016x}.json", family.name, hasher.finish())))
}

/// A play each of whose tasks has so long and no longer.
fn with_time_limit(mut play: Value) -> Value {
    if let Some(play) = play.pointer_mut("/0").and_then(Value::as_object_mut) {
        play.insert("timeout".into(), json!(TASK_SECS));
    }
    play
}

/// The play that runs cases and writes what their tasks return.
fn play(cases: &[&Case]) -> Value {
    let mut tasks = Vec::new();
    let mut all = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        for (step, task) in case.steps.iter().enumerate() {
            let name = format!("r_{number}_{step}");
            let mut task = task.clone();
            task.insert("register".into(), json!(name));
            task.insert("ignore_errors".into(), json!(true));
            let vars = task.entry("vars").or_insert_with(|| json!({}));
            if let Some(vars) = vars.as_object_mut() {
                vars.insert("here".into(), json!(format!("{CASES_FOLDER}/{}", case.folder_name())));
            }
            tasks.push(Value::Object(task));
            all.push(format!("'{name}': {name}"));
        }
    }
    let content = format!("{{{{ {{ {} }} | to_json }}}}", all.join(", "));
    tasks.push(json!({
        "copy": {"dest": "{{ results_file }}", "content": content},
        "delegate_to": "localhost",
        "check_mode": false,
        "diff": false,
    }));
    json!([{"hosts": "twin", "gather_facts": false, "tasks": tasks}])
}
