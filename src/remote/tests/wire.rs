//! The real remote behind a pipe.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    io::{Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use protocol::{
    Answer, Chunk, Digest, FromRemote, Json, Order, Request, Response, ToRemote,
    frame::{self, CHUNK_BYTES_MAX, CREDIT_BYTES, READY},
    request::{Chain, InlineFile},
};
use serde_json::json;

struct Remote {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    next: u64,
    folder: PathBuf,
}

impl Remote {
    fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("trueup-wire-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_trueup-remote"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = child.stdout.take().unwrap();
        let mut ready = vec![0; READY.len()];
        stdout.read_exact(&mut ready).unwrap();
        assert_eq!(ready, READY);
        let mut remote = Self { child, stdin, stdout, next: 0, folder };
        let Answer::Hello(hello) = remote.read().answer else { panic!("no hello") };
        assert_eq!(hello.pid, remote.child.id());
        assert!(hello.home.starts_with('/') && !hello.version.is_empty());
        remote
    }

    fn read(&mut self) -> FromRemote {
        frame::read(&mut self.stdout).unwrap().expect("the remote ended")
    }

    fn order(&mut self, id: u64, order: Order) {
        frame::write(self.stdin.as_mut().unwrap(), &ToRemote { id, order }).unwrap();
    }

    fn send(&mut self, module: &str, args: Json) -> u64 {
        self.send_request(Request { module: module.into(), args: map(args), ..Request::default() })
    }

    fn send_request(&mut self, request: Request) -> u64 {
        self.next += 1;
        self.order(self.next, Order::Run(Box::new(request)));
        self.next
    }

    fn done(&mut self, id: u64) -> Response {
        let message = self.read();
        assert_eq!(message.id, id);
        match message.answer {
            Answer::Done(response) => *response,
            other => panic!("{other:?}"),
        }
    }

    fn run(&mut self, module: &str, args: Json) -> Response {
        let id = self.send(module, args);
        self.done(id)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
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

fn map(value: Json) -> protocol::JsonMap {
    value.as_object().cloned().unwrap()
}

fn is_alive(pid: &str) -> bool {
    // A zombie is dead.
    fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "it never came");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn nothing_of_a_chain_is_run_behind_a_failure() {
    let mut remote = Remote::start();
    let file = remote.path("ran");
    let requests = [
        ("true", Some(Chain { id: 1, position: 0 })),
        ("false", Some(Chain { id: 1, position: 1 })),
        ("touch", Some(Chain { id: 1, position: 2 })),
        ("true", Some(Chain { id: 2, position: 5 })),
        ("true", None),
        ("touch", Some(Chain { id: 1, position: 3 })),
    ];
    let send = |(program, chain): (&str, Option<Chain>)| {
        let args = map(json!({"argv": [program, file]}));
        remote.send_request(Request { module: "command".into(), args, chain, ..Request::default() })
    };
    let ids: Vec<u64> = requests.into_iter().map(send).collect();
    let failed: Vec<Option<bool>> = ids
        .into_iter()
        .map(|id| {
            let message = remote.read();
            assert_eq!(message.id, id);
            match message.answer {
                Answer::Done(response) => Some(response.failed),
                Answer::NotRun => None,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert_eq!(failed, [Some(false), Some(true), None, Some(false), Some(false), None]);
    assert!(!fs::exists(file).unwrap());
}

#[test]
fn requests_are_answered_in_order() {
    let mut remote = Remote::start();
    let ids: Vec<u64> =
        (0..20).map(|n| remote.send("ping", json!({"data": n.to_string()}))).collect();
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(remote.done(id).returned["ping"], n.to_string());
    }
}

#[test]
fn what_is_no_module_is_refused() {
    let mut remote = Remote::start();
    let response = remote.run("nosuch", json!({}));
    assert!(response.failed);
    assert!(response.msg.unwrap().starts_with("nosuch cannot be run on this host: "));
}

#[test]
fn variables_of_the_request_reach_the_program() {
    let mut remote = Remote::start();
    let request = Request {
        module: "shell".into(),
        args: map(json!({"_raw_params": "echo $GREETING; cat"})),
        environment: [("GREETING".to_owned(), "hello".to_owned())].into(),
        ..Request::default()
    };
    let id = remote.send_request(request);
    assert_eq!(remote.done(id).returned["stdout"], "hello");
}

#[test]
fn a_small_file_travels_inside_the_request() {
    let mut remote = Remote::start();
    let dest = remote.path("small");
    let bytes = b"small file\n".to_vec();
    let args = json!({
        "dest": dest, "mode": "0640",
        "_source": {"digest": Digest::of(&bytes), "size": bytes.len(), "name": "small"},
    });
    let inline = InlineFile { digest: Digest::of(&bytes), bytes: bytes.clone() };
    for changed in [true, false] {
        let request = Request {
            module: "ansible.builtin.copy".into(),
            args: map(args.clone()),
            files: vec![inline.clone()],
            diff: true,
            ..Request::default()
        };
        let id = remote.send_request(request);
        let response = remote.done(id);
        assert_eq!((response.failed, response.changed), (false, changed), "{response:?}");
        assert_eq!(response.returned["mode"], "0640");
    }
    assert_eq!(fs::read(&dest).unwrap(), bytes);
    // What is inside is checked as well.
    let broken = InlineFile { digest: inline.digest, bytes: b"other".to_vec() };
    let mut args = map(args);
    args.insert("dest".into(), remote.path("broken").into());
    let request =
        Request { module: "copy".into(), args, files: vec![broken], ..Request::default() };
    let id = remote.send_request(request);
    let response = remote.done(id);
    assert!(response.failed);
    assert!(response.msg.unwrap().contains("it changed on the way"));
}

#[test]
fn a_large_file_is_asked_for_and_streams_with_back_pressure() {
    let mut remote = Remote::start();
    let dest = remote.path("large");
    let bytes: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let args = json!({
        "dest": dest,
        "_source": {"digest": Digest::of(&bytes), "size": bytes.len(), "name": "large"},
    });
    let id = remote.send("copy", args.clone());
    assert_eq!(remote.read(), FromRemote { id, answer: Answer::Want(Digest::of(&bytes)) });
    let mut credit = CREDIT_BYTES;
    let chunks = bytes.chunks(CHUNK_BYTES_MAX).collect::<Vec<_>>();
    for (n, chunk) in chunks.iter().enumerate() {
        while credit < chunk.len() {
            let Answer::Credit(more) = remote.read().answer else { panic!("no credit") };
            credit += more as usize;
        }
        // Every other one is compressed, as those are that the wire keeps waiting.
        let deflated = n % 2 == 1;
        let bytes = if deflated { deflate(chunk) } else { chunk.to_vec() };
        credit -= bytes.len();
        let last = n + 1 == chunks.len();
        remote.order(id, Order::Chunk(Chunk { bytes, last, deflated }));
    }
    let response = loop {
        match remote.read().answer {
            Answer::Credit(_) => {}
            Answer::Done(response) => break response,
            other => panic!("{other:?}"),
        }
    };
    assert!(response.changed && !response.failed, "{response:?}");
    assert_eq!(fs::read(&dest).unwrap(), bytes);
    // What is there already is not asked for.
    assert!(!remote.run("copy", args).changed);
}

#[test]
fn a_part_of_a_file_that_grows_too_large_fails_the_task_alone() {
    let mut remote = Remote::start();
    let dest = remote.path("bomb");
    let whole = vec![0; CHUNK_BYTES_MAX + 1];
    let args = json!({
        "dest": dest,
        "_source": {"digest": Digest::of(&whole), "size": whole.len(), "name": "bomb"},
    });
    for bytes in [deflate(&whole), b"this is no stream of anything".to_vec()] {
        let id = remote.send("copy", args.clone());
        assert_eq!(remote.read(), FromRemote { id, answer: Answer::Want(Digest::of(&whole)) });
        remote.order(id, Order::Chunk(Chunk { bytes, last: true, deflated: true }));
        let Answer::Done(response) = remote.read().answer else { panic!("it has not ended") };
        assert!(response.failed, "{response:?}");
        assert!(!std::path::Path::new(&dest).exists());
    }
    assert!(!remote.run("ping", json!({})).failed);
}

#[test]
fn a_file_that_the_controller_refuses_fails_the_task_alone() {
    let mut remote = Remote::start();
    let args = json!({
        "dest": remote.path("x"), "_source": {"digest": Digest::of(b"x"), "size": 1, "name": "x"},
    });
    let id = remote.send("copy", args);
    assert!(matches!(remote.read().answer, Answer::Want(_)));
    remote.order(id, Order::Refuse("permission denied".into()));
    let response = remote.done(id);
    assert!(response.msg.unwrap().ends_with("permission denied"));
    assert!(!remote.run("ping", json!({})).failed);
}

#[test]
fn a_cancelled_request_kills_its_children_and_the_next_one_runs() {
    let mut remote = Remote::start();
    let mark = remote.path("pid");
    let id =
        remote.send("shell", json!({"_raw_params": format!("sleep 60 & echo $! > {mark}; wait")}));
    let waiting = remote.send("command", json!({"_raw_params": "sleep 60"}));
    let last = remote.send("ping", json!({}));
    wait_for(|| fs::read_to_string(&mark).is_ok_and(|pid| pid.ends_with('\n')));
    let start = Instant::now();
    remote.order(waiting, Order::Cancel);
    remote.order(id, Order::Cancel);
    assert_eq!(remote.done(id).msg.unwrap(), "the task was cancelled");
    assert_eq!(remote.done(waiting).msg.unwrap(), "the task was cancelled");
    assert!(!remote.done(last).failed);
    assert!(start.elapsed() < Duration::from_secs(5));
    wait_for(|| !is_alive(&fs::read_to_string(&mark).unwrap()));
}

#[test]
fn a_request_that_takes_too_long_is_ended() {
    let mut remote = Remote::start();
    let request = Request {
        module: "command".into(),
        args: map(json!({"_raw_params": "sleep 60"})),
        timeout_secs: Some(1),
        ..Request::default()
    };
    let id = remote.send_request(request);
    let response = remote.done(id);
    assert!(response.msg.unwrap().contains("in the expected time frame (1)"));
}

#[test]
fn the_end_of_the_stream_ends_children_and_remote() {
    let mut remote = Remote::start();
    let mark = remote.path("pid");
    remote.send("shell", json!({"_raw_params": format!("echo $$ > {mark}; exec sleep 60")}));
    wait_for(|| fs::read_to_string(&mark).is_ok_and(|pid| pid.ends_with('\n')));
    let pid = fs::read_to_string(&mark).unwrap();
    assert!(is_alive(&pid));
    let start = Instant::now();
    remote.stdin = None;
    remote.child.wait().unwrap();
    assert!(start.elapsed() < Duration::from_secs(2));
    wait_for(|| !is_alive(&pid));
}

#[test]
fn what_is_no_frame_ends_the_remote_with_a_word() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trueup-remote"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"\xff\xff\xff\xff").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("over the limit"));
}
