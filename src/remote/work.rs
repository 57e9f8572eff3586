//! One request.

use std::{
    any::Any,
    cell::RefCell,
    io::{self, Cursor, Read},
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
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
use protocol::{Digest, Request, Response, request::InlineFile};

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

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what a panic says for the answer, instead of printing it.
pub fn keep_panics() {
    panic::set_hook(Box::new(|info| {
        PANIC.with_borrow_mut(|kept| *kept = Some(info.to_string()));
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
    perform(request, environment, umask, &cancellation, &courier, Some(&inbox))
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
    let result =
        panic::catch_unwind(AssertUnwindSafe(|| (entry.run)(&request.args, mode, &mut host)));
    let has_timed_out = watch.is_some_and(|watch| watch.end());
    match (result, timeout) {
        (_, Some(secs)) if has_timed_out => Response::failure(format!(
            "The {name} action failed to execute in the expected time frame ({secs}) and was \
             terminated"
        )),
        _ if cancellation.is_cancelled() => cancelled(),
        (Ok(response), _) => response,
        (Err(panic), _) => {
            Response::failure(format!("bug in trueup: {name} panicked: {}", said(&*panic)))
        }
    }
}

fn cancelled() -> Response {
    Response::failure("the task was cancelled")
}

fn said(panic: &(dyn Any + Send)) -> String {
    PANIC.with_borrow_mut(Option::take).unwrap_or_else(|| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
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
