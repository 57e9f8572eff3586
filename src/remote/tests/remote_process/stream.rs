//! A remote as a child process of a test, past its greeting.

use std::{
    io::Read,
    process::{Child, Command, Stdio},
};

use protocol::{
    Answer, FromRemote, Order, Request, Response, ToRemote,
    frame::{self, READY},
};

/// The remote that is tested.
pub const REMOTE: &str = env!("CARGO_BIN_EXE_trueup-remote");

/// Starts a command that becomes a remote, and reads who it is.
pub fn start(command: &mut Command) -> Child {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let stdout = child.stdout.as_mut().unwrap();
    let mut ready = vec![0; READY.len()];
    stdout.read_exact(&mut ready).unwrap();
    assert_eq!(ready, READY);
    let hello: FromRemote = frame::read(stdout).unwrap().unwrap();
    assert!(matches!(hello.answer, Answer::Hello(_)));
    child
}

/// Has a request run to its end.
#[allow(dead_code, reason = "not all tests wait for each request")]
pub fn call(child: &mut Child, id: u64, request: Request) -> Response {
    let order = ToRemote { id, order: Order::Run(Box::new(request)) };
    frame::write(child.stdin.as_mut().unwrap(), &order).unwrap();
    match frame::read::<FromRemote>(child.stdout.as_mut().unwrap()).unwrap().unwrap().answer {
        Answer::Done(response) => *response,
        other => panic!("{other:?}"),
    }
}
