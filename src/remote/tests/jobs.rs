//! Jobs outlive the remote that started them, and nothing else does.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use protocol::{Json, Request, Response, request::JobOrder};
use serde_json::json;

#[path = "remote_process/stream.rs"]
mod stream;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("trueup-jobs-{}-{count}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn start() -> Child {
    stream::start(&mut Command::new(stream::REMOTE))
}

fn call(remote: &mut Child, request: Request) -> Response {
    stream::call(remote, 1, request)
}

/// Orders a job of the shell, and ends the remote. Returns the path of the job's file.
fn order(script: &str, jobs: &Path, limit_secs: u64) -> PathBuf {
    let mut remote = start();
    let response = call(
        &mut remote,
        Request {
            module: "shell".into(),
            args: json!({"_raw_params": script}).as_object().unwrap().clone(),
            job: Some(JobOrder {
                name: "j7".into(),
                folder: jobs.display().to_string(),
                limit_secs,
            }),
            ..Request::default()
        },
    );
    drop(remote.stdin.take());
    assert!(remote.wait().unwrap().success());
    let id = response.returned["ansible_job_id"].as_str().unwrap();
    assert!(id.starts_with("j7.") && !response.failed);
    assert_eq!(
        (&response.returned["started"], &response.returned["finished"]),
        (&json!(1), &json!(0))
    );
    jobs.join(id)
}

/// What a job's file says once it says more than that the job has begun.
fn result(file: &Path) -> Json {
    let begun = Instant::now();
    loop {
        let text = fs::read(file).unwrap();
        let result: Json = serde_json::from_slice(&text).unwrap();
        if result.get("started").is_none() {
            return result;
        }
        assert!(begun.elapsed() < PATIENCE, "{result}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_job_goes_on_when_its_remote_has_ended() {
    let folder = folder();
    let jobs = folder.join("jobs");
    let file = order("sleep 1; echo done; exit 3", &jobs, 30);
    let begun: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(begun["finished"], 0);
    let result = result(&file);
    assert_eq!((&result["rc"], &result["stdout"]), (&json!(3), &json!("done")));
    assert!(result["failed"] == true && result["changed"] == true);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_job_is_killed_with_all_it_started_when_its_time_is_up() {
    let folder = folder();
    let mark = folder.join("mark");
    let script = format!("(sleep 3; touch {}) & wait", mark.display());
    let result = result(&order(&script, &folder.join("jobs"), 1));
    assert!(result["failed"] == true && result["msg"] == "Timeout exceeded");
    // Had it lived on, it would have made the file by now.
    std::thread::sleep(Duration::from_secs(3));
    assert!(!mark.exists());
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_job_without_a_place_for_its_file_is_refused() {
    let folder = folder();
    let occupied = folder.join("file");
    fs::write(&occupied, "").unwrap();
    let mut remote = start();
    let response = call(
        &mut remote,
        Request {
            module: "ping".into(),
            job: Some(JobOrder {
                name: "j7".into(),
                folder: occupied.join("jobs").display().to_string(),
                limit_secs: 5,
            }),
            ..Request::default()
        },
    );
    assert!(response.failed && response.msg.unwrap().starts_with("could not create directory"));
    drop(remote.stdin.take());
    assert!(remote.wait().unwrap().success());
    fs::remove_dir_all(folder).unwrap();
}
