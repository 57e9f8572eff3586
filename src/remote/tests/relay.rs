//! Requests that the remote hands to the program with the rare modules.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command},
    time::{Duration, Instant},
};

use protocol::{
    Answer, FromRemote, Json, Order, Request, Response, ToRemote, frame, request::JobOrder,
};
use serde_json::json;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);
#[path = "remote_process/stream.rs"]
mod stream;

struct Remote {
    child: Child,
    stdin: Option<ChildStdin>,
    folder: PathBuf,
    next: u64,
}

impl Remote {
    fn start(name: &str, second: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("trueup-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut child = stream::start(Command::new(stream::REMOTE).args(["--rare", second]));
        let stdin = child.stdin.take();
        Self { child, stdin, folder, next: 0 }
    }

    fn order(&mut self, id: u64, order: Order) {
        frame::write(self.stdin.as_mut().unwrap(), &ToRemote { id, order }).unwrap();
    }

    fn send(&mut self, module: &str, args: Json) -> u64 {
        let args = args.as_object().cloned().unwrap();
        self.request(Request { module: module.into(), args, ..Request::default() })
    }

    fn request(&mut self, request: Request) -> u64 {
        self.next += 1;
        self.order(self.next, Order::Run(Box::new(request)));
        self.next
    }

    fn done(&mut self, id: u64) -> Response {
        let stdout = self.child.stdout.as_mut().unwrap();
        let message: FromRemote = frame::read(stdout).unwrap().expect("the remote ended");
        assert_eq!(message.id, id);
        match message.answer {
            Answer::Done(response) => *response,
            other => panic!("{other:?}"),
        }
    }

    /// The process that the remote has started.
    fn second(&self) -> u32 {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        let mut children = fs::read_to_string(&path).unwrap();
        if children.is_empty() {
            // The thread that works has started it.
            let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
            for thread in threads {
                children += &fs::read_to_string(thread.unwrap().path().join("children")).unwrap();
            }
        }
        children.split_whitespace().next().unwrap().parse().unwrap()
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.stdin = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const RARE: &str = env!("CARGO_BIN_EXE_trueup-rare");

fn say(words: &str) -> Json {
    json!({"command": format!("echo {words}"), "responses": {"never": "said"}})
}

/// A program that says who it is and goes on.
fn sleep(mark: &Path) -> Json {
    let script = format!("sh -c 'echo $$ > {}; exec sleep 60'", mark.display());
    json!({"command": script, "responses": {"never": "said"}, "timeout": 100})
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "{what} never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn pid_in(mark: &Path) -> String {
    wait_for("the program", || fs::read_to_string(mark).is_ok_and(|pid| pid.ends_with('\n')));
    fs::read_to_string(mark).unwrap().trim().to_owned()
}

fn is_alive(pid: &str) -> bool {
    // A zombie is dead.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn answers_come_in_the_order_of_requests() {
    let mut remote = Remote::start("relay-order", RARE);
    let mut sent = Vec::new();
    for n in 0..6 {
        let text = n.to_string();
        sent.push((text.clone(), "ping", remote.send("ping", json!({"data": text}))));
        sent.push((text.clone(), "stdout", remote.send("expect", say(&text))));
    }
    for (text, key, id) in sent {
        assert_eq!(remote.done(id).returned[key], text);
    }
}

#[test]
fn one_process_serves_a_stream_and_a_new_one_where_it_has_ended() {
    let mut remote = Remote::start("relay-process", RARE);
    let run = |remote: &mut Remote| {
        let id = remote.send("expect", say("here"));
        assert_eq!(remote.done(id).returned["stdout"], "here");
        remote.second()
    };
    let first = run(&mut remote);
    assert_eq!(run(&mut remote), first);
    let mark = remote.folder.join("pid");
    let id = remote.send("expect", sleep(&mark));
    pid_in(&mark);
    let killed = rustix::process::Pid::from_raw(i32::try_from(first).unwrap()).unwrap();
    rustix::process::kill_process(killed, rustix::process::Signal::KILL).unwrap();
    let response = remote.done(id);
    assert_eq!(
        response.msg.as_deref(),
        Some("the program that runs expect is lost: it ended without an answer")
    );
    assert_ne!(run(&mut remote), first);
}

#[test]
fn a_cancelled_request_ends_there_too_and_the_next_one_runs() {
    let mut remote = Remote::start("relay-cancel", RARE);
    let mark = remote.folder.join("pid");
    let id = remote.send("expect", sleep(&mark));
    let waiting = remote.send("expect", sleep(&mark));
    let last = remote.send("expect", say("last"));
    let pid = pid_in(&mark);
    remote.order(waiting, Order::Cancel);
    remote.order(id, Order::Cancel);
    assert_eq!(remote.done(id).msg.as_deref(), Some("the task was cancelled"));
    assert_eq!(remote.done(waiting).msg.as_deref(), Some("the task was cancelled"));
    assert_eq!(remote.done(last).returned["stdout"], "last");
    wait_for("its end", || !is_alive(&pid));
}

#[test]
fn the_end_of_the_stream_ends_it_with_its_children() {
    let mut remote = Remote::start("relay-end", RARE);
    let mark = remote.folder.join("pid");
    remote.send("expect", sleep(&mark));
    let pid = pid_in(&mark);
    let second = remote.second().to_string();
    assert!(is_alive(&pid) && is_alive(&second));
    remote.stdin = None;
    remote.child.wait().unwrap();
    wait_for("their end", || !is_alive(&pid) && !is_alive(&second));
}

#[test]
fn a_job_of_a_rare_module_is_a_process_of_its_own() {
    let mut remote = Remote::start("relay-job", RARE);
    let jobs = remote.folder.join("jobs");
    let id = remote.request(Request {
        module: "expect".into(),
        args: say("from a job").as_object().cloned().unwrap(),
        job: Some(JobOrder {
            name: "j3".into(),
            folder: jobs.display().to_string(),
            limit_secs: 30,
        }),
        ..Request::default()
    });
    let response = remote.done(id);
    assert!(!response.failed, "{response:?}");
    let file = response.returned["results_file"].as_str().unwrap().to_owned();
    wait_for("what came of it", || {
        fs::read_to_string(&file).is_ok_and(|text| text.contains("\"stdout\":\"from a job\""))
    });
}

#[test]
fn what_cannot_be_started_fails_the_task_alone() {
    for (program, words) in [("/nowhere/at/all", "No such file"), ("/bin/true", "expect cannot")] {
        let mut remote = Remote::start("relay-none", program);
        let id = remote.send("expect", say("x"));
        let response = remote.done(id);
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains(words), "{program}: {msg}");
        let id = remote.send("ping", json!({}));
        assert!(!remote.done(id).failed);
    }
    let mut remote = Remote::start("relay-unknown", RARE);
    let id = remote.send("nosuch", json!({}));
    assert_eq!(
        remote.done(id).msg.as_deref(),
        Some("bug in trueup: there is no module nosuch on the host")
    );
}
