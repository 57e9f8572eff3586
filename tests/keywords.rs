//! Every keyword of playbooks, met by plays that ansible-core has run: Trueup says the same.
//!
//! `keywords/*.yml` are the plays, `keywords/*.out` what ansible-core 2.18 printed for them. Where
//! `TRUEUP_TEST_ORACLE` names the folder of ansible-core's programs, it is run again and compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_yaml::Value;
use trueup_tests::program::{Ran, Scratch, trueup, workspace};

/// The playbooks.
const PLAYBOOKS: &[&str] = &[
    "plays",
    "blocks",
    "tasks",
    "precedence",
    "assertions",
    "inherited",
    "used_roles",
    "told_handlers",
    "included",
    "metas",
    "prompts",
    "around",
    "course",
    "dates",
    "emptied",
    "omitted",
    "reached",
    "wholes",
    "restricted",
    "shapes",
    "delegates",
    "once",
];

/// Runs with more words: what they are recorded as, the playbook, the words.
const CHOSEN: &[(&str, &str, &[&str])] = &[
    ("course.tagged", "course", &["--tags", "web"]),
    ("course.skipped", "course", &["--skip-tags", "db"]),
    ("course.started", "course", &["--start-at-task", "third"]),
    ("course.nowhere", "course", &["--start-at-task", "nowhere"]),
    ("course.limited", "course", &["-l", "one,two", "-l", "three", "-e", "target=three"]),
    ("course.unlimited", "course", &["-l", "", "--tags", "db"]),
];

/// Keywords of ansible-core 2.18 by what they are said of, as its documentation lists them; `args`
/// of an include are what it takes itself.
const KEYWORDS: &[(&str, &str)] = &[
    (
        "Play",
        "any_errors_fatal become become_exe become_flags become_method become_user check_mode
        collections connection debugger diff environment fact_path force_handlers gather_facts
        gather_subset gather_timeout handlers hosts ignore_errors ignore_unreachable
        max_fail_percentage module_defaults name no_log order port post_tasks pre_tasks remote_user
        roles run_once serial strategy tags tasks throttle timeout vars vars_files vars_prompt",
    ),
    (
        "Role",
        "any_errors_fatal become become_exe become_flags become_method become_user check_mode
        collections connection debugger delegate_facts delegate_to diff environment ignore_errors
        ignore_unreachable module_defaults name no_log port remote_user run_once tags throttle
        timeout vars when",
    ),
    (
        "Block",
        "always any_errors_fatal become become_exe become_flags become_method become_user block
        check_mode collections connection debugger delegate_facts delegate_to diff environment
        ignore_errors ignore_unreachable module_defaults name no_log notify port remote_user rescue
        run_once tags throttle timeout vars when",
    ),
    ("Task", TASK),
    ("Handler", TASK),
    ("what only tasks of one kind have", "listen local_action with_items with_dict"),
    (
        "an include",
        "args collections debugger ignore_errors loop loop_control name no_log register run_once
        tags timeout vars when",
    ),
    ("import_playbook", "import_playbook name tags vars when"),
    ("loop_control", "break_when extended extended_allitems index_var label loop_var pause"),
    ("vars_prompt", "confirm default encrypt name private prompt salt salt_size unsafe"),
    ("args of include_tasks", "apply file"),
    ("args of import_tasks", "file"),
    (
        "args of include_role",
        "allow_duplicates apply defaults_from handlers_from name public role rolespec_validate
        tasks_from vars_from",
    ),
    (
        "args of import_role",
        "allow_duplicates defaults_from handlers_from name public role rolespec_validate tasks_from
        vars_from",
    ),
    (
        "meta",
        "clear_facts clear_host_errors end_batch end_host end_play end_role flush_handlers noop
        refresh_inventory reset_connection",
    ),
];

/// Keywords of tasks, and so of handlers.
const TASK: &str = "action any_errors_fatal args async become become_exe become_flags become_method
    become_user changed_when check_mode collections connection debugger delay delegate_facts
    delegate_to diff environment failed_when ignore_errors ignore_unreachable loop loop_control
    module_defaults name no_log notify poll port register remote_user retries run_once tags throttle
    timeout until vars when";

/// Names the folder with ansible-core's programs; `cargo xtask test` sets it.
const VARIABLE: &str = "TRUEUP_TEST_ORACLE";

fn folder() -> PathBuf {
    workspace().join("tests/keywords")
}

/// What is compared of an output: without numbers of jobs, Python's frames and where
/// the plays lie, and with the lines of
/// each task in one order, since hosts answer in any.
fn compared(stdout: &str) -> Vec<Vec<String>> {
    let stdout = stdout.replace(&folder().display().to_string(), "FOLDER");
    let stdout = stdout.replace(server(), "SERVER");
    let mut sections: Vec<Vec<String>> = vec![Vec::new()];
    // ansible-core ends its prompts by empty lines, or not, as its terminal is.
    for line in stdout.lines().filter(|line| !line.is_empty() && !line.starts_with("ASYNC ")) {
        if line.ends_with("****") {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            let line = line.split(", \"timedout\"").next().unwrap_or_default();
            section.push(with_hosts_in_order(line.trim_end()));
        }
    }
    sections.iter_mut().for_each(|section| section.sort());
    sections
}

/// The line of an include names its hosts as they came.
fn with_hosts_in_order(line: &str) -> String {
    let Some((file, hosts)) = line.split_once(" for ").filter(|_| line.starts_with("included: "))
    else {
        return line.to_owned();
    };
    let (hosts, item) = hosts.split_once(" => ").unwrap_or((hosts, ""));
    let mut hosts: Vec<&str> = hosts.split(", ").collect();
    hosts.sort_unstable();
    format!("{file} for {} => {item}", hosts.join(", "))
}

/// Two outputs are the same; the first part that differs is shown.
#[track_caller]
fn same(found: &str, expect: &str, playbook: &str) {
    let (found, expect) = (compared(found), compared(expect));
    for (found, expect) in found.iter().zip(&expect) {
        assert_eq!(found, expect, "{playbook}");
    }
    assert_eq!(found.len(), expect.len(), "parts of what {playbook} says");
}

/// The address of a server of lines, which answers as long as the tests run.
fn server() -> &'static str {
    static SERVER: OnceLock<String> = OnceLock::new();
    SERVER.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|error| panic!("{error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("{error}"));
        std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
        format!("http://{address}")
    })
}

/// Answers one request: `/lines` with two lines, `/said` with the header `X-Said`, others with 404.
fn answer(mut stream: TcpStream) {
    let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    let headers: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let said = headers.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("x-said").then(|| value.trim().to_owned())
    });
    let (status, body) = match asked.split(' ').nth(1) {
        Some("/lines") => ("200 OK", "first\nsecond\n".to_owned()),
        Some("/said") => ("200 OK", said.unwrap_or_default()),
        _ => ("404 Not Found", String::new()),
    };
    // A client that does not wait for its answer is no matter of the server's.
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// Runs a playbook by a program that has the name `ansible-playbook`.
fn run(program: &Path, playbook: &str, words: &[&str]) -> Ran {
    run_with(program, playbook, words, &[])
}

fn run_with(program: &Path, playbook: &str, words: &[&str], more: &[(&str, &str)]) -> Ran {
    let scratch = Scratch::new("keywords");
    let hosts = folder().join("hosts").display().to_string();
    let playbook = folder().join(playbook).with_extension("yml").display().to_string();
    let extra = format!("server={}", server());
    let words = [&["-i", &hosts, "-e", &extra, &playbook], words].concat();
    let mut command = scratch.command(program, &words);
    for (name, value) in [
        ("ANSIBLE_NOCOLOR", "1"),
        ("ANSIBLE_LOCALHOST_WARNING", "0"),
        ("ANSIBLE_DEPRECATION_WARNINGS", "0"),
        ("LC_ALL", "C.UTF-8"),
    ] {
        command.env(name, value);
    }
    command
        .envs(more.iter().copied())
        .env("ANSIBLE_ASYNC_DIR", scratch.path("jobs"))
        // A user who is none has no home, and ansible-core would make one beside the plays.
        .env_remove("USER")
        .stdin(std::process::Stdio::null());
    Ran::of(command.output().unwrap_or_else(|error| panic!("{}: {error}", program.display())))
}

#[test]
fn plays_say_what_ansible_core_said() {
    let scratch = Scratch::new("as-ansible");
    let ours = scratch.path("ansible-playbook");
    std::os::unix::fs::symlink(trueup(), &ours).unwrap_or_else(|error| panic!("{error}"));
    let oracle = env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
    if oracle.is_none() {
        println!("SKIPPED: ansible-core is run again where {VARIABLE} names its folder");
    }
    let plain = PLAYBOOKS.iter().map(|playbook| (*playbook, *playbook, &[] as &[&str]));
    for (record, playbook, words) in plain.chain(CHOSEN.iter().copied()) {
        let recorded = folder().join(format!("{record}.out"));
        let recorded = fs::read_to_string(&recorded)
            .unwrap_or_else(|error| panic!("{}: {error}", recorded.display()));
        assert!(compared(&recorded).len() > 5, "{record} was recorded");
        if let Some(oracle) = &oracle {
            let theirs = PathBuf::from(oracle).join("ansible-playbook");
            // Which host answers first is chance otherwise, and what is included first with it.
            let theirs = run_with(&theirs, playbook, words, &[("ANSIBLE_FORKS", "1")]);
            same(&theirs.stdout, &recorded, record);
        }
        let said = run(&ours, playbook, words);
        same(&said.stdout, &recorded, record);
    }
}

/// Keywords that were found, by what they were said of.
#[derive(Default)]
struct Met(BTreeMap<String, BTreeSet<String>>);

impl Met {
    fn note(&mut self, of: &str, said: &Value) {
        let names = self.0.entry(of.to_owned()).or_default();
        match said {
            Value::Mapping(said) => {
                names.extend(said.keys().filter_map(|key| key.as_str().map(str::to_owned)));
            }
            Value::String(name) => {
                names.insert(name.clone());
            }
            _ => {}
        }
    }

    fn plays(&mut self, plays: &Value) {
        for play in plays.as_sequence().into_iter().flatten() {
            if play.get("import_playbook").is_some() {
                self.note("import_playbook", play);
                continue;
            }
            self.note("Play", play);
            for section in ["pre_tasks", "tasks", "post_tasks"] {
                self.tasks("Task", &play[section]);
            }
            self.tasks("Handler", &play["handlers"]);
            let listed = |name: &str| play[name].as_sequence().cloned().unwrap_or_default();
            listed("roles").iter().for_each(|role| self.note("Role", role));
            listed("vars_prompt").iter().for_each(|prompt| self.note("vars_prompt", prompt));
        }
    }

    fn tasks(&mut self, of: &str, tasks: &Value) {
        for task in tasks.as_sequence().into_iter().flatten() {
            if task.get("block").is_some() {
                self.note("Block", task);
                for section in ["block", "rescue", "always"] {
                    self.tasks(of, &task[section]);
                }
                continue;
            }
            self.note(of, task);
            self.note("what only tasks of one kind have", task);
            self.note("loop_control", &task["loop_control"]);
            self.note("meta", &task["meta"]);
            let action = task["action"].as_str();
            for include in ["include_tasks", "import_tasks", "include_role", "import_role"] {
                if action == Some(include) {
                    self.note(&format!("args of {include}"), &task["args"]);
                } else if let Some(said) = task.get(include) {
                    self.note(&format!("args of {include}"), said);
                } else {
                    continue;
                }
                self.note("an include", task);
            }
        }
    }
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

#[test]
fn every_keyword_is_met() {
    let mut met = Met::default();
    for playbook in PLAYBOOKS {
        met.plays(&read(&folder().join(playbook).with_extension("yml")));
    }
    let roles = fs::read_dir(folder().join("roles")).unwrap_or_else(|error| panic!("{error}"));
    for role in roles.flatten() {
        met.tasks("Task", &read(&role.path().join("tasks/main.yml")));
    }
    for (of, keywords) in KEYWORDS {
        let found = met.0.get(*of).cloned().unwrap_or_default();
        let missing: Vec<&str> =
            keywords.split_whitespace().filter(|keyword| !found.contains(*keyword)).collect();
        assert!(missing.is_empty(), "no play says of {of}: {}", missing.join(" "));
    }
}

#[test]
fn keywords_are_those_of_ansible_core() {
    let Some(oracle) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        println!(
            "SKIPPED: ansible-core's own lists are compared where {VARIABLE} names its folder"
        );
        return;
    };
    let program = PathBuf::from(oracle).join("ansible-doc");
    let all: BTreeSet<&str> =
        KEYWORDS.iter().take(5).flat_map(|(_, keywords)| keywords.split_whitespace()).collect();
    let ask = |words: &[&str]| -> Value {
        let scratch = Scratch::new("documented");
        let words = [&["-t", "keyword", "-j"], words].concat();
        let asked = scratch.command(&program, &words).output();
        let ran = Ran::of(asked.unwrap_or_else(|error| panic!("{}: {error}", program.display())));
        serde_yaml::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.said()))
    };
    let listed = ask(&["-l"]);
    let names: Vec<&str> =
        listed.as_mapping().into_iter().flatten().filter_map(|(name, _)| name.as_str()).collect();
    assert!(all.iter().all(|name| names.contains(name)), "{names:?}");
    let documented = ask(&names);
    for (of, keywords) in KEYWORDS.iter().take(5) {
        let theirs: BTreeSet<&str> = names
            .iter()
            .copied()
            .filter(|name| {
                let objects = documented[*name]["applies_to"].as_sequence();
                objects.into_iter().flatten().any(|object| object.as_str() == Some(*of))
            })
            .collect();
        assert_eq!(keywords.split_whitespace().collect::<BTreeSet<_>>(), theirs, "{of}");
    }
}
