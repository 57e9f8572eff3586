//! One request.

use std::{
    io::{self, Cursor, Read},
    panic,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
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
use protocol::{
    Answer, Digest, Json, JsonMap, Order, Request, Response, ToRemote,
    request::{GUARD_MODULE, GuardOrder, InlineFile},
};

use crate::{
    Assortment, companion,
    courier::StreamCourier,
    detached,
    guard::{self, LastRead, Undoer},
    inbox::Inbox,
    relay::{Relay, Second},
    session::Outlet,
};

/// A request and its ways to be reached.
pub struct Job {
    pub id: u64,
    pub request: Request,
    pub cancellation: Arc<Cancellation>,
    pub inbox: Arc<Inbox>,
    /// Where it is said who was handed the request.
    pub elsewhere: Arc<OnceLock<Arc<Second>>>,
}

/// What is the same for all requests of a stream.
pub struct Scene {
    pub assortment: Assortment,
    pub relay: Arc<Relay>,
    pub environment: Vec<(String, String)>,
    pub umask: FileMode,
    /// What files held that services have not read anew yet.
    pub last_read: LastRead,
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

    fn companion(&self, name: &str) -> io::Result<PathBuf> {
        companion::put_in_place(name, self)
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

/// A request that is worked on.
pub struct UnderWay {
    pub module: String,
    pub cancellation: Arc<Cancellation>,
    /// Tells whoever waits for the request what came of it.
    pub tell: Box<dyn FnOnce(Response) + Send>,
}

/// The status that a remote ends with after a panic.
const PANICKED: i32 = 101;

/// How long a program that was started may take to be killed where something else panics.
const KILL_WAIT: Duration = Duration::from_millis(300);

/// Answers the request under way where something panics, and ends the process: this binary carries
/// no tables for unwinding, which are a sixth of its size. The controller starts it again for the
/// next request.
pub fn answer_panics() {
    panic::set_hook(Box::new(|info| {
        let under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(UnderWay { module, cancellation, tell }) = under_way {
            cancellation.cancel();
            thread::sleep(KILL_WAIT);
            tell(Response::failure(format!("bug in trueup: {module} panicked: {info}")));
        }
        process::exit(PANICKED);
    }));
}

/// Says what is worked on from here on.
pub fn put_under_way(request: Option<UnderWay>) {
    *UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner) = request;
}

/// Whether arguments name a server that speaks TLS.
fn names_tls(args: &JsonMap) -> bool {
    fn is_in(value: &Json) -> bool {
        match value {
            Json::String(text) => text.contains("https://"),
            Json::Array(items) => items.iter().any(is_in),
            Json::Object(map) => map.values().any(is_in),
            _ => false,
        }
    }
    args.values().any(is_in)
}

/// Runs one request to its end.
pub fn run(job: Job, scene: &Scene, outlet: &Outlet) -> Response {
    if job.request.module == GUARD_MODULE {
        return guard::confirm(&job.request);
    }
    let rest = scene.assortment.rest;
    let rest = rest.filter(|_| scene.assortment.find(&job.request.module).is_none());
    if let Some(companion_of) = rest {
        let companion = companion_of(&job.request.module);
        return run_elsewhere(job, companion, scene, outlet);
    }
    let Job { id, mut request, cancellation, inbox, .. } = job;
    if let Some(order) = &request.job {
        if names_tls(&request.args) {
            // A job has nobody to ask for it. Where it cannot be had, the job says so.
            let courier = StreamCourier::new(id, outlet.clone(), inbox, request.files.clone());
            let _ = courier.companion("tls");
        }
        return detached::launch(Path::new("/proc/self/exe"), &request, order);
    }
    let files = std::mem::take(&mut request.files);
    let courier = StreamCourier::new(id, outlet.clone(), Arc::clone(&inbox), files);
    let listener = outlet.clone();
    put_under_way(Some(UnderWay {
        module: request.module.clone(),
        cancellation: Arc::clone(&cancellation),
        tell: Box::new(move |response| {
            // Where the stream has failed, nobody is left to be told.
            let _ = listener.send(id, Answer::Done(Box::new(response)));
        }),
    }));
    let response = match request.guard.take().filter(|_| !request.check) {
        None => perform(request, scene, &cancellation, &courier, Some(&inbox)),
        Some(order) => perform_guarded(request, &order, scene, &cancellation, &courier, &inbox),
    };
    put_under_way(None);
    response
}

/// Runs a module whose change is undone unless it is confirmed.
fn perform_guarded(
    request: Request,
    order: &GuardOrder,
    scene: &Scene,
    cancellation: &Arc<Cancellation>,
    courier: &dyn Courier,
    inbox: &Arc<Inbox>,
) -> Response {
    let run = |request| perform(request, scene, cancellation, courier, Some(inbox));
    // What surely changes nothing needs no guard.
    let look = run(Request { check: true, diff: false, ..request.clone() });
    if !look.failed && !look.changed && !look.skipped {
        return run(request);
    }
    let host =
        Machine::new(scene.environment.clone(), scene.umask, Arc::clone(cancellation), courier);
    let undoer = match Undoer::start(&host, order, &scene.last_read) {
        Ok(undoer) => undoer,
        Err(why) => {
            return Response::failure(format!(
                "the task could cut the host off, and what is there cannot be kept for that: {why}                  (trueup_guard_secs=0 runs it without a guard)"
            ));
        }
    };
    let mut response = run(request);
    match undoer {
        None => {}
        Some(undoer) if !response.changed && !response.failed => undoer.withdraw(),
        Some(undoer) => {
            response.guarded = Some(Undoer::told(&host, order));
            undoer.release();
        }
    }
    response
}

/// Hands a request to the program that has its module.
fn run_elsewhere(job: Job, companion: &'static str, scene: &Scene, outlet: &Outlet) -> Response {
    let Job { id, request, cancellation, inbox, elsewhere } = job;
    if cancellation.is_cancelled() {
        return cancelled();
    }
    // The program may have travelled with the request.
    let courier = StreamCourier::new(id, outlet.clone(), inbox, request.files.clone());
    let place = || match scene.relay.in_place() {
        Some(program) => Ok(program.to_owned()),
        None => courier.companion(companion),
    };
    let lost = |why: io::Error| {
        Response::failure(format!("{} cannot be run on this host: {why}", request.module))
    };
    if let Some(order) = &request.job {
        if names_tls(&request.args) {
            // As above.
            let _ = courier.companion("tls");
        }
        return match place() {
            Ok(program) => detached::launch(&program, &request, order),
            Err(why) => lost(why),
        };
    }
    let second = match scene.relay.second(companion, outlet, place) {
        Ok(second) => second,
        Err(_) if cancellation.is_cancelled() => return cancelled(),
        Err(why) => return lost(why),
    };
    // From here on all that is said of the request is said to the other program.
    let second = elsewhere.get_or_init(|| second);
    let call = second.hand_over(id, request);
    if cancellation.is_cancelled() {
        // It may have been said before the other program knew of the request, and is said again.
        let _ = second.pass(&ToRemote { id, order: Order::Cancel });
    }
    call.wait()
}

/// Runs a module to its end. What waits at the inbox is let go when the time is up.
pub fn perform(
    request: Request,
    scene: &Scene,
    cancellation: &Arc<Cancellation>,
    courier: &dyn Courier,
    inbox: Option<&Arc<Inbox>>,
) -> Response {
    let name = request.module.clone();
    let Some(entry) = scene.assortment.find(&name) else {
        return Response::failure(format!("bug in trueup: there is no module {name} on the host"));
    };
    if cancellation.is_cancelled() {
        return cancelled();
    }
    let timeout = request.timeout_secs;
    let watch = timeout.map(|secs| Watch::begin(secs, cancellation, inbox));
    let mut variables = scene.environment.clone();
    variables.extend(request.environment);
    let mut host = Machine::new(variables, scene.umask, Arc::clone(cancellation), courier);
    let mode = Mode { check: request.check, diff: request.diff };
    let response = (entry.run)(&request.args, mode, &mut host);
    let has_timed_out = watch.is_some_and(|watch| watch.end());
    match timeout {
        Some(secs) if has_timed_out => Response::failure(format!(
            "The {} action failed to execute in the expected time frame ({secs}) and was \
             terminated",
            name.strip_prefix("ansible.builtin.").unwrap_or(&name)
        )),
        _ if cancellation.is_cancelled() => cancelled(),
        _ => response,
    }
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
