//! Requests that another program answers: one with modules that few hosts need.
//!
//! It is fetched and started when a request first needs it, one process a stream, and is spoken to
//! in the same frames. The work goes on in the order of requests: this program waits for the answer
//! as if it had the module itself, while everything else about the request (files, credit, a
//! cancellation) passes through. When this program's stream ends, the other's does.

use std::{
    collections::HashMap,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use protocol::{
    Answer, FromRemote, Order, Request, Response, ToRemote,
    frame::{self, READY},
};

use crate::session::{FRAMES, Outlet};

/// The other programs, as far as they were needed.
#[derive(Default)]
pub struct Relay {
    /// By the companion's name.
    seconds: Mutex<Vec<(&'static str, Arc<Second>)>>,
    /// A program to start instead of a companion, for tests.
    instead: Option<PathBuf>,
    /// Whether the controller sends nothing but requests.
    has_no_stream: bool,
}

impl Relay {
    /// A relay to a program that is in its place already.
    pub fn to(program: PathBuf) -> Self {
        Self { instead: Some(program), ..Self::default() }
    }

    /// A relay of a program whose input ends before its requests do: so does that of the others.
    pub fn without_stream() -> Self {
        Self { has_no_stream: true, ..Self::default() }
    }

    /// Where the program is, where it need not be fetched.
    pub fn in_place(&self) -> Option<&Path> {
        self.instead.as_deref()
    }

    /// A companion; started where it is not running. `place` says where it is.
    ///
    /// # Errors
    /// A program that cannot be had or started.
    pub fn second(
        &self,
        companion: &'static str,
        outlet: &Outlet,
        place: impl FnOnce() -> io::Result<PathBuf>,
    ) -> io::Result<Arc<Second>> {
        let mut seconds = lock(&self.seconds);
        seconds.retain(|(_, second)| !second.has_ended());
        if let Some((_, running)) = seconds.iter().find(|(name, _)| *name == companion) {
            return Ok(Arc::clone(running));
        }
        let started = Arc::new(Second::start(&place()?, outlet, self.has_no_stream)?);
        seconds.push((companion, Arc::clone(&started)));
        Ok(started)
    }

    /// Ends the programs' streams, upon which they end their children and themselves.
    pub fn close(&self) {
        for (_, second) in lock(&self.seconds).drain(..) {
            lock(&second.orders).take();
        }
    }
}

/// Whoever waits for answers, until the program has ended.
type Waiting = Arc<Mutex<Option<HashMap<u64, mpsc::Sender<Response>>>>>;

/// The other program, running.
pub struct Second {
    orders: Mutex<Option<ChildStdin>>,
    waiting: Waiting,
    /// Whether a request that it is handed is all that it is told.
    has_no_stream: bool,
}

impl Second {
    fn start(program: &Path, outlet: &Outlet, has_no_stream: bool) -> io::Result<Self> {
        let args: &[&str] = if has_no_stream { &[FRAMES, "-"] } else { &[] };
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|why| io::Error::new(why.kind(), format!("{}: {why}", program.display())))?;
        let (orders, stdout) = (child.stdin.take(), child.stdout.take());
        let mut answers = stdout.ok_or(io::ErrorKind::BrokenPipe)?;
        let mut ready = vec![0; READY.len()];
        answers.read_exact(&mut ready)?;
        if ready != READY {
            return Err(io::Error::other(format!("{} does not greet", program.display())));
        }
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let (outlet, own) = (outlet.clone(), Arc::clone(&waiting));
        thread::Builder::new()
            .name("relay".into())
            .spawn(move || pass_answers(child, answers, &outlet, &own))?;
        Ok(Self { orders: Mutex::new(orders), waiting, has_no_stream })
    }

    fn has_ended(&self) -> bool {
        lock(&self.waiting).is_none()
    }

    /// Passes something about a request that it was handed.
    ///
    /// # Errors
    /// The program has ended.
    pub fn pass(&self, message: &ToRemote) -> io::Result<()> {
        let frame = frame::encode(message).map_err(io::Error::other)?;
        match lock(&self.orders).as_mut() {
            Some(orders) => io::Write::write_all(orders, &frame),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Hands a request over.
    pub fn hand_over(&self, id: u64, request: Request) -> Call {
        let (tell, told) = mpsc::channel();
        let module = request.module.clone();
        if let Some(waiting) = lock(&self.waiting).as_mut() {
            waiting.insert(id, tell);
        }
        let sent = self.pass(&ToRemote { id, order: Order::Run(Box::new(request)) });
        if self.has_no_stream {
            lock(&self.orders).take();
        }
        Call { module, sent, told }
    }
}

/// A request that was handed over.
pub struct Call {
    module: String,
    sent: io::Result<()>,
    told: mpsc::Receiver<Response>,
}

impl Call {
    /// Waits for what comes of it.
    pub fn wait(self) -> Response {
        let response = match self.sent {
            Ok(()) => self.told.recv().map_err(|_| "it ended without an answer".to_owned()),
            Err(why) => Err(why.to_string()),
        };
        response.unwrap_or_else(|why| {
            Response::failure(format!("the program that runs {} is lost: {why}", self.module))
        })
    }
}

/// Passes what the program answers, until it ends.
fn pass_answers(mut child: Child, mut answers: ChildStdout, outlet: &Outlet, waiting: &Waiting) {
    while let Ok(Some(FromRemote { id, answer })) = frame::read(&mut answers) {
        match answer {
            Answer::Done(response) => {
                let told = lock(waiting).as_mut().and_then(|waiting| waiting.remove(&id));
                if let Some(told) = told {
                    // Whoever asked may have given up.
                    let _ = told.send(*response);
                }
            }
            // The controller knows this host already.
            Answer::Hello(_) => {}
            answer => {
                if outlet.send(id, answer).is_err() {
                    break;
                }
            }
        }
    }
    // Those who still wait are told by this.
    lock(waiting).take();
    let _ = child.kill();
    let _ = child.wait();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
