//! What a converged task costs a host, in system calls and processes: counts that do not depend on
//! the machine. `strace` counts them.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command},
};

use protocol::{Json, Request, Response};
use serde_json::json;

#[path = "remote_process/stream.rs"]
mod stream;

/// How often a task is repeated, for its share.
const TIMES: u64 = 10;

/// A remote whose system calls are written down, and a folder of its own.
struct Traced {
    folder: PathBuf,
    child: Child,
    last: u64,
}

impl Traced {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("trueup-calls-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qq", "-o"]).arg(folder.join("trace")).arg(stream::REMOTE);
        let child = stream::start(&mut strace);
        Self { folder, child, last: 0 }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn call(&mut self, module: &str, args: &Json) -> Response {
        self.last += 1;
        let request = Request {
            module: module.into(),
            args: args.as_object().unwrap().clone(),
            ..Request::default()
        };
        stream::call(&mut self.child, self.last, request)
    }

    fn mark(&mut self, name: &str) {
        let path = self.path(&format!("mark-{name}."));
        self.call("stat", &json!({"path": path}));
    }

    /// Brings the task about, and then repeats it where it finds nothing to do.
    fn measure(&mut self, name: &str, module: &str, args: &Json) {
        for _ in 0..2 {
            let response = self.call(module, args);
            assert!(!response.failed, "{module} {args}: {response:?}");
        }
        self.mark(name);
        for _ in 0..TIMES {
            let response = self.call(module, args);
            assert!(!response.failed && !response.changed, "{module} {args}: {response:?}");
        }
        self.mark(name);
    }

    /// Ends the remote; gives what was traced.
    fn end(mut self) -> String {
        drop(self.child.stdin.take());
        assert!(self.child.wait().unwrap().success());
        let trace = fs::read(self.folder.join("trace")).unwrap();
        fs::remove_dir_all(&self.folder).unwrap();
        String::from_utf8_lossy(&trace).into_owned()
    }
}

/// System calls, and processes made, for one task.
fn counted(trace: &str, name: &str) -> (u64, u64) {
    let mark = format!("/mark-{name}.");
    let lines: Vec<&str> = trace.lines().collect();
    let marks: Vec<usize> = (0..lines.len()).filter(|at| lines[*at].contains(&mark)).collect();
    // Each mark is looked at by several calls: what lies between is the widest gap.
    let (begin, end) = marks
        .windows(2)
        .map(|pair| (pair[0] + 1, pair[1]))
        .max_by_key(|(begin, end)| end - begin)
        .unwrap();
    let between = &lines[begin..end];
    let calls = between.iter().filter(|line| line.contains('(') && !line.contains("resumed>"));
    let makes_process = |line: &&&str| {
        let threads = line.contains("CLONE_THREAD");
        ["fork(", "clone(", "clone3("].iter().any(|call| line.contains(call)) && !threads
    };
    let begun = between.iter().filter(|line| !line.contains("resumed>"));
    (calls.count() as u64 / TIMES, begun.filter(makes_process).count() as u64 / TIMES)
}

#[test]
fn a_converged_task_costs_few_system_calls_and_no_process() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("SKIPPED: a_converged_task_costs_few_system_calls: this needs strace");
        return;
    }
    let mut remote = Traced::start();
    let (folder, file, line) = (remote.path("folder"), remote.path("file"), remote.path("line"));
    let link = remote.path("link");
    fs::write(&line, "one\ntwo\n").unwrap();
    // Name, module, arguments, the most system calls, the most processes.
    let cases = [
        ("ping", "ping", json!({"data": "pong"}), 12, 0),
        // `file` and `lsattr` are asked, as they are by Ansible.
        ("stat", "stat", json!({"path": line}), 1_200, 2),
        ("short", "stat", json!({"path": line, "get_mime": false, "get_attributes": false}), 50, 0),
        ("folder", "file", json!({"path": folder, "state": "directory", "mode": "0755"}), 45, 0),
        ("link", "file", json!({"path": link, "src": file, "state": "link", "force": true}), 45, 0),
        ("copy", "copy", json!({"content": "text\n", "dest": file, "mode": "0644"}), 55, 0),
        ("lineinfile", "lineinfile", json!({"path": line, "line": "two"}), 35, 0),
        ("blockinfile", "blockinfile", json!({"path": line, "block": "a\nb"}), 35, 0),
        ("replace", "replace", json!({"path": line, "regexp": "no", "replace": "x"}), 35, 0),
        ("user", "user", json!({"name": "root"}), 65, 0),
        ("group", "group", json!({"name": "root"}), 35, 0),
        ("slurp", "slurp", json!({"src": line}), 25, 0),
        ("command", "command", json!({"_raw_params": "true", "creates": line}), 20, 0),
    ];
    for (name, module, args, ..) in &cases {
        remote.measure(name, module, args);
    }
    let on_debian = fs::metadata("/var/lib/dpkg/status").is_ok();
    if on_debian {
        remote.measure("apt", "apt", &json!({"name": ["bash", "coreutils"], "state": "present"}));
    }
    let trace = remote.end();
    let mut wrong = Vec::new();
    let mut hold = |name: &str, calls_max: u64, processes_max: u64| {
        let (calls, processes) = counted(&trace, name);
        eprintln!("{name}: {calls} system calls, {processes} processes");
        if calls > calls_max || processes > processes_max {
            wrong.push(format!("{name}: {calls} system calls, {processes} processes"));
        }
    };
    for (name, _, _, calls, processes) in &cases {
        hold(name, *calls, *processes);
    }
    if on_debian {
        hold("apt", 40, 0);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
