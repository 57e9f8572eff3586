//! Changes that are undone unless they are confirmed: who decides, and when. That rules and files
//! are put back is tried on booted hosts.

// Helpers of tests are tests, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    process::{Child, Command},
    time::{Duration, Instant},
};

use protocol::{
    Json, Request, Response,
    request::{GUARD_MODULE, GuardOrder, GuardStep},
};
use serde_json::json;

#[path = "remote_process/stream.rs"]
mod stream;

struct Remote(Child);

impl Remote {
    fn start() -> Self {
        Self(stream::start(&mut Command::new(stream::REMOTE)))
    }

    fn call(&mut self, request: Request) -> Response {
        stream::call(&mut self.0, 1, request)
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Runs a module under a guard, in a remote that has ended afterwards.
fn guarded(id: &str, secs: u64, step: GuardStep, module: &str, args: &Json) -> Response {
    Remote::start().call(Request {
        module: module.into(),
        args: args.as_object().cloned().unwrap(),
        guard: Some(Box::new(GuardOrder { id: id.into(), secs, aspects: Vec::new(), step })),
        ..Request::default()
    })
}

/// Asks a fresh remote.
fn fate(id: &str) -> String {
    let args = json!({"id": id}).as_object().cloned().unwrap();
    let request = Request { module: GUARD_MODULE.into(), args, ..Request::default() };
    let response = Remote::start().call(request);
    response.returned.get("state").map_or_else(
        || response.msg.unwrap_or_default(),
        |state| state.as_str().unwrap_or_default().to_owned(),
    )
}

fn id(name: &str) -> String {
    format!("{name}-{}", std::process::id())
}

#[test]
fn a_change_that_is_confirmed_is_kept_for_good() {
    let id = id("kept");
    let response = guarded(&id, 60, GuardStep::Change, "command", &json!({"_raw_params": "true"}));
    assert!(response.guarded.is_some(), "{response:?}");
    assert_eq!(fate(&id), "kept");
    // It is told once, and then nobody waits any more.
    assert_eq!(fate(&id), "unknown");
}

#[test]
fn a_change_that_nobody_confirms_is_undone() {
    let id = id("undone");
    let response = guarded(&id, 1, GuardStep::Change, "command", &json!({"_raw_params": "false"}));
    // What has failed may have changed things half.
    assert!(response.failed && response.guarded.is_some(), "{response:?}");
    std::thread::sleep(Duration::from_millis(1500));
    let begun = Instant::now();
    loop {
        match fate(&id).as_str() {
            "undone" => break,
            state => assert!(begun.elapsed() < Duration::from_secs(10), "{state}"),
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn what_changes_nothing_needs_no_guard() {
    for (step, module, args) in [
        (GuardStep::Change, "ping", json!({"data": "pong"})),
        (GuardStep::Read, "file", json!({"path": "/tmp", "state": "directory"})),
        // Files that are written are undone later, with the service that reads them.
        (GuardStep::Write, "command", json!({"_raw_params": "true"})),
    ] {
        let id = id("none");
        let response = guarded(&id, 60, step, module, &args);
        assert!(!response.failed && response.guarded.is_none(), "{module}: {response:?}");
        assert_eq!(fate(&id), "unknown", "{module}");
    }
}

#[test]
fn ids_that_could_lead_elsewhere_are_refused() {
    for id in ["", "../x", "a/b", "a b"] {
        let response =
            guarded(id, 1, GuardStep::Change, "command", &json!({"_raw_params": "true"}));
        let msg = response.msg.unwrap_or_default();
        assert!(response.failed && msg.contains("no ID of a guard"), "{id}: {msg}");
        assert!(fate(id).contains("no ID of a guard"), "{id}");
    }
}
