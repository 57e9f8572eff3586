//! The frames of one stream.

use std::{
    collections::HashMap,
    ffi::OsStr,
    io::{self, Read, Write},
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread,
    time::Duration,
};

use module::{
    FileMode, accounts,
    machine::{Cancellation, Machine, read_umask},
};
use protocol::{
    Answer, FromRemote, Hello, Order, Response, ToRemote,
    frame::{self, FrameError, READY},
    request::Chain,
};

use crate::{
    Assortment,
    guard::LastRead,
    inbox::{Inbox, Part},
    relay::{Relay, Second},
    work::{self, Job, NoFiles},
};

/// How long requests may take to end after the stream has ended.
const END_WAIT: Duration = Duration::from_millis(800);

/// Requests that may wait for their turn.
const REQUESTS_MAX: usize = 4096;

/// The argument with which frames are read from a file.
pub const FRAMES: &str = "--frames";

/// The argument with which frames are lines of text.
pub const LETTERS: &str = "--letters";

/// When a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// When its input ends: nobody is there any more to be answered.
    WithInput,
    /// When all requests are answered: the input ends before. What they ask for on the way they
    /// must have been sent already.
    WithAnswers,
}

/// Writes what goes out as lines of text.
pub struct Letters<W>(pub W);

impl<W: Write> Write for Letters<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(protocol::letter::line(bytes).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Where frames go out.
#[derive(Clone)]
pub struct Outlet(Arc<Mutex<Box<dyn Write + Send>>>);

impl Outlet {
    /// Sends one frame.
    ///
    /// # Errors
    /// The stream has failed.
    pub fn send(&self, id: u64, answer: Answer) -> io::Result<()> {
        let frame = match frame::encode(&FromRemote { id, answer }) {
            Ok(frame) => frame,
            Err(error) => {
                let why = format!("the module's answer cannot be sent: {error}");
                let answer = Answer::Done(Box::new(Response::failure(why)));
                frame::encode(&FromRemote { id, answer }).map_err(io::Error::other)?
            }
        };
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(&frame)?;
        stream.flush()
    }
}

/// What the reading thread knows of a request that has not ended.
struct Slot {
    cancellation: Arc<Cancellation>,
    inbox: Arc<Inbox>,
    /// Who was handed the request, where it is someone else.
    elsewhere: Arc<OnceLock<Arc<Second>>>,
}

impl Slot {
    fn end(&self) {
        self.cancellation.cancel();
        self.inbox.close();
    }

    /// Passes something about a request on to whoever was handed it.
    fn pass(&self, message: &ToRemote) -> bool {
        let Some(second) = self.elsewhere.get() else { return false };
        // Where it has ended, the request is answered by that.
        let _ = second.pass(message);
        true
    }
}

/// The requests that have not ended.
type Slots = Arc<Mutex<HashMap<u64, Slot>>>;

/// Chains of which a request has failed, and its place.
#[derive(Default)]
struct BrokenChains(HashMap<u64, u64>);

impl BrokenChains {
    fn holds_back(&self, chain: Option<Chain>) -> bool {
        chain.is_some_and(|chain| {
            self.0.get(&chain.id).is_some_and(|broken_at| *broken_at < chain.position)
        })
    }

    fn add(&mut self, chain: Option<Chain>) {
        if let Some(chain) = chain {
            self.0.entry(chain.id).or_insert(chain.position);
        }
    }
}

/// The environment of this process, as far as it is text.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Who has become another user stands in a folder that may be closed to them, and so would every
/// command that they run: then it is their home, or where there is nothing of anybody.
pub fn leave_closed_folder() {
    let is_open = |folder: &OsStr| rustix::fs::access(folder, rustix::fs::Access::READ_OK).is_ok();
    if is_open(".".as_ref()) {
        return;
    }
    let home = std::env::var_os("HOME").unwrap_or_default();
    for folder in [home.as_os_str(), "/".as_ref()] {
        if is_open(folder) && std::env::set_current_dir(folder).is_ok() {
            return;
        }
    }
}

/// Serves one stream until it ends.
///
/// # Errors
/// A stream that fails, or holds what is no frame.
pub fn serve(
    assortment: Assortment,
    relay: Relay,
    mut input: impl Read,
    output: Box<dyn Write + Send>,
    ending: Ending,
) -> Result<(), FrameError> {
    let umask = read_umask();
    let environment = environment();
    work::answer_panics();
    let outlet = Outlet(Arc::new(Mutex::new(output)));
    greet(&outlet, &environment, umask)?;
    let slots = Slots::default();
    let relay = Arc::new(relay);
    let (jobs, waiting) = mpsc::sync_channel::<Job>(REQUESTS_MAX);
    let (ended, end) = mpsc::channel();
    let worker = {
        let (outlet, slots) = (outlet.clone(), Arc::clone(&slots));
        let scene = work::Scene {
            assortment,
            relay: Arc::clone(&relay),
            environment,
            umask,
            last_read: LastRead::default(),
        };
        thread::Builder::new().name("work".into()).spawn(move || {
            let mut broken = BrokenChains::default();
            for job in waiting {
                let (id, chain) = (job.id, job.request.chain);
                let answer = if broken.holds_back(chain) {
                    Answer::NotRun
                } else {
                    let response = work::run(job, &scene, &outlet);
                    // Of what was no text the controller says whether it counts.
                    if response.failed || response.is_lossy {
                        broken.add(chain);
                    }
                    Answer::Done(Box::new(response))
                };
                lock(&slots).remove(&id);
                if outlet.send(id, answer).is_err() {
                    break;
                }
            }
            // The reading thread may have gone already.
            let _ = ended.send(());
        })
    };
    worker.map_err(FrameError::Stream)?;
    let result = loop {
        match frame::read::<ToRemote>(&mut input) {
            Ok(Some(message)) => {
                if let Err(error) = take(message, &slots, &jobs, &outlet) {
                    break Err(error.into());
                }
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    drop(jobs);
    if ending == Ending::WithAnswers {
        for slot in lock(&slots).values() {
            slot.inbox.end();
        }
        let _ = end.recv();
        relay.close();
        return result;
    }
    for slot in lock(&slots).values() {
        slot.end();
    }
    relay.close();
    // Children are killed by now; what else goes on ends with the process.
    let _ = end.recv_timeout(END_WAIT);
    result
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn greet(
    outlet: &Outlet,
    environment: &[(String, String)],
    umask: FileMode,
) -> Result<(), FrameError> {
    {
        let mut stream = lock(&outlet.0);
        stream.write_all(READY)?;
    }
    let cancellation = Arc::new(Cancellation::new()?);
    let host = Machine::new(environment.to_vec(), umask, cancellation, &NoFiles);
    let uid = module::Host::effective_uid(&host);
    let user = accounts::user_by_id(&host, uid).ok().flatten();
    let variable = |name: &str| module::Host::variable(&host, name);
    let hello = Hello {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        uid,
        home: variable("HOME")
            .or_else(|| user.as_ref().map(|user| user.home.clone()))
            .unwrap_or_else(|| "/".into()),
        user: user.map(|user| user.name).or_else(|| variable("USER")).unwrap_or_default(),
    };
    Ok(outlet.send(0, Answer::Hello(hello))?)
}

fn take(
    message: ToRemote,
    slots: &Slots,
    jobs: &mpsc::SyncSender<Job>,
    outlet: &Outlet,
) -> io::Result<()> {
    let id = message.id;
    let refuse = |why: String| outlet.send(id, Answer::Done(Box::new(Response::failure(why))));
    let mut slots = lock(slots);
    if !matches!(message.order, Order::Run(_) | Order::Cancel)
        && slots.get(&id).is_some_and(|slot| slot.pass(&message))
    {
        return Ok(());
    }
    match message.order {
        Order::Run(request) => {
            if slots.contains_key(&id) {
                return refuse(format!("bug in trueup: request {id} is under way already"));
            }
            let cancellation = Arc::new(Cancellation::new()?);
            let inbox = Arc::new(Inbox::default());
            let elsewhere = Arc::default();
            let slot = Slot {
                cancellation: Arc::clone(&cancellation),
                inbox: Arc::clone(&inbox),
                elsewhere: Arc::clone(&elsewhere),
            };
            slots.insert(id, slot);
            let request = *request;
            if jobs.try_send(Job { id, request, cancellation, inbox, elsewhere }).is_err() {
                slots.remove(&id);
                return refuse(format!("more than {REQUESTS_MAX} requests wait for their turn"));
            }
        }
        // A request that has ended may still be sent things; they are nobody's.
        Order::Chunk(chunk) => put(slots.get(&id), Part::Chunk(chunk)),
        Order::Refuse(why) => put(slots.get(&id), Part::Refused(why)),
        Order::Credit(bytes) => {
            if let Some(slot) = slots.get(&id) {
                slot.inbox.put_credit(bytes);
            }
        }
        Order::Cancel => {
            if let Some(slot) = slots.get(&id) {
                slot.end();
                slot.pass(&ToRemote { id, order: Order::Cancel });
            }
        }
    }
    Ok(())
}

fn put(slot: Option<&Slot>, part: Part) {
    if let Some(slot) = slot
        && slot.inbox.put(part).is_err()
    {
        slot.end();
    }
}
