//! One request.

use std::{
    io::{self, Cursor, Read},
    panic, process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use module::{
    FileMode, Mode,
    machine::{Cancellation, Courier, Machine},
};
use modules::{CATALOGUE, INTERNAL};
use protocol::{Answer, Digest, Request, Response, request::InlineFile};

use crate::{courier::StreamCourier, detached, inbox::Inbox, session::Outlet};

/// A request and its ways to be reached.
pub struct Job {
    pub id: u64,
    pub request: Request,
    pub cancellation: Arc<Cancellation>,
    pub inbox: Arc<Inbox>,
}

/// A courier for work outside of any request.
pub struct NoFiles;

/// A courier for work that goes on without its controller: it has what came with the request.
pub struct OnlyInline(pub Vec<InlineFile>);

impl Courier for OnlyInline {
    fn fetch(&self, digest: &Digest) -> io::Result<Box<dyn Read>> {
        match self.0.iter().find(|file| file.digest == *digest) {
            Some(file) => Ok(Box::new(Cursor::new(file.bytes.clone()))),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn send(&self, _: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }
}

impl Courier for NoFiles {
    fn fetch(&self, _: &Digest) -> io::Result<Box<dyn Read>> {
        Err(io::ErrorKind::NotConnected.into())
    }

    fn send(&self, _: &mut dyn Read) -> io::Result<()> {
        Err(io::ErrorKind::NotConnected.into())
    }
}

/// The request that is worked on, for the answer where it panics.
static UNDER_WAY: Mutex<Option<UnderWay>> = Mutex::new(None);

struct UnderWay {
    id: u64,
    name: String,
    cancellation: Arc<Cancellation>,
    outlet: Outlet,
}

/// The status that a remote ends with after a panic.
pub const PANICKED: i32 = 101;

/// How long a program that was started may take to be killed where something else panics.
const KILL_WAIT: Duration = Duration::from_millis(300);

/// Answers the request under way where something panics, and ends the process: this binary carries
/// no tables for unwinding, which are a sixth of its size. The controller starts it again for the
/// next request.
pub fn answer_panics() {
    panic::set_hook(Box::new(|info| {
        let under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(UnderWay { id, name, cancellation, outlet }) = under_way {
            cancellation.cancel();
            thread::sleep(KILL_WAIT);
            let failure = Response::failure(format!("bug in trueup: {name} panicked: {info}"));
            // Where the stream has failed, nobody is left to be told.
            let _ = outlet.send(id, Answer::Done(Box::new(failure)));
        }
        process::exit(PANICKED);
    }));
}

/// Runs one request to its end.
pub fn run(
    job: Job,
    environment: &[(String, String)],
    umask: FileMode,
    outlet: &Outlet,
) -> Response {
    let Job { id, mut request, cancellation, inbox } = job;
    if let Some(order) = &request.job {
        return detached::launch(&request, order);
    }
    let files = std::mem::take(&mut request.files);
    let courier = StreamCourier::new(id, outlet.clone(), Arc::clone(&inbox), files);
    put_under_way(Some(UnderWay {
        id,
        name: request.module.clone(),
        cancellation: Arc::clone(&cancellation),
        outlet: outlet.clone(),
    }));
    let response = perform(request, environment, umask, &cancellation, &courier, Some(&inbox));
    put_under_way(None);
    response
}

/// Runs a module to its end. What waits at the inbox is let go when the time is up.
pub fn perform(
    request: Request,
    environment: &[(String, String)],
    umask: FileMode,
    cancellation: &Arc<Cancellation>,
    courier: &dyn Courier,
    inbox: Option<&Arc<Inbox>>,
) -> Response {
    let name = request.module.clone();
    let Some(entry) = CATALOGUE.find(&name).or_else(|| INTERNAL.find(&name)) else {
        return Response::failure(format!("bug in trueup: there is no module {name} on the host"));
    };
    if cancellation.is_cancelled() {
        return cancelled();
    }
    let timeout = request.timeout_secs;
    let watch = timeout.map(|secs| Watch::begin(secs, cancellation, inbox));
    let mut variables = environment.to_vec();
    variables.extend(request.environment);
    let mut host = Machine::new(variables, umask, Arc::clone(cancellation), courier);
    let mode = Mode { check: request.check, diff: request.diff };
    let response = (entry.run)(&request.args, mode, &mut host);
    let has_timed_out = watch.is_some_and(|watch| watch.end());
    match timeout {
        Some(secs) if has_timed_out => Response::failure(format!(
            "The {name} action failed to execute in the expected time frame ({secs}) and was \
             terminated"
        )),
        _ if cancellation.is_cancelled() => cancelled(),
        _ => response,
    }
}

fn put_under_way(request: Option<UnderWay>) {
    *UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner) = request;
}

fn cancelled() -> Response {
    Response::failure("the task was cancelled")
}

/// Cancels a request that takes too long.
struct Watch {
    /// Dropped when the request has ended.
    running: mpsc::Sender<()>,
    has_timed_out: Arc<AtomicBool>,
}

impl Watch {
    fn begin(secs: u64, cancellation: &Arc<Cancellation>, inbox: Option<&Arc<Inbox>>) -> Self {
        let (running, ended) = mpsc::channel::<()>();
        let has_timed_out = Arc::new(AtomicBool::new(false));
        let (mark, cancellation, inbox) =
            (Arc::clone(&has_timed_out), Arc::clone(cancellation), inbox.map(Arc::clone));
        thread::spawn(move || {
            let wait = ended.recv_timeout(Duration::from_secs(secs));
            if wait == Err(mpsc::RecvTimeoutError::Timeout) {
                mark.store(true, Ordering::SeqCst);
                cancellation.cancel();
                if let Some(inbox) = &inbox {
                    inbox.close();
                }
            }
        });
        Self { running, has_timed_out }
    }

    /// Whether the time was up.
    fn end(self) -> bool {
        drop(self.running);
        self.has_timed_out.load(Ordering::SeqCst)
    }
}
