//! The interpreter: a process, its channel, and whose turn it is.

use std::{
    fmt,
    io::{Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::Duration,
};

use serde_json::{Map, Value as Json};

use crate::wire::Objects;

/// The longest frame that is taken, in bytes.
const FRAME_BYTES_MAX: usize = 256 << 20;

/// How deep plugins and templates may call each other.
const DEPTH_MAX: usize = 64;

/// The text that the interpreter is started with.
const BOOT: &str = include_str!("python/boot.py");

/// The interpreter of plugins: started at its first call, one for the whole run.
///
/// One thread calls at a time; others wait. The thread whose turn it is may call again while it
/// answers what the plugin asks.
pub struct Python {
    /// What `python3` is, as a path or a name that is looked for in `search_path`.
    program: String,
    search_path: String,
    folder: PathBuf,
    timeout: Duration,
    /// What is said first: folders and packages.
    hello: Map<String, Json>,
    /// Finds texts of the library that plugins import.
    library: fn(&str) -> Option<&'static str>,
    turn: Turn,
    link: Mutex<Option<Arc<Link>>>,
    pub(crate) objects: Objects,
}

/// How a call went wrong.
#[derive(Clone, Debug)]
pub enum CallError {
    /// There is no interpreter, or it ended: in words.
    Gone(String),
    /// The plugin raised.
    Raised(Raised),
}

/// An exception of Python.
#[derive(Clone, Debug)]
pub struct Raised {
    /// The names of its class and the classes above.
    pub bases: Vec<String>,
    pub message: String,
    /// File and line where it was raised, if that is not in Trueup's own part.
    pub at: Option<String>,
}

impl Raised {
    /// Whether its class is of that name or below it.
    pub fn is(&self, class: &str) -> bool {
        self.bases.iter().any(|base| base == class)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gone(why) => f.write_str(why),
            Self::Raised(raised) => {
                let class = raised.bases.first().map_or("Exception", String::as_str);
                write!(f, "{class}: {}", raised.message)
            }
        }
    }
}

/// Answers what a plugin asks while its call is under way.
pub trait Answers {
    /// The fields of the answer; `None` where it is no question of this kind of call.
    fn answer(&self, what: &str, said: &Json) -> Option<Json>;
}

impl Python {
    /// An interpreter that is not started yet. `hello` is what it is told first.
    pub fn new(
        program: String,
        search_path: String,
        folder: PathBuf,
        timeout: Duration,
        hello: Map<String, Json>,
        library: fn(&str) -> Option<&'static str>,
    ) -> Self {
        Self {
            program,
            search_path,
            folder,
            timeout,
            hello,
            library,
            turn: Turn::default(),
            link: Mutex::default(),
            objects: Objects::default(),
        }
    }

    /// Another interpreter of the same kind, that is not started yet either.
    pub fn another(&self) -> Self {
        Self::new(
            self.program.clone(),
            self.search_path.clone(),
            self.folder.clone(),
            self.timeout,
            self.hello.clone(),
            self.library,
        )
    }

    /// Performs one call; `of` says in messages whose it is.
    ///
    /// # Errors
    /// There is no interpreter, it ended or took too long, or the plugin raised.
    pub fn call(
        &self,
        request: &str,
        of: &dyn fmt::Display,
        answers: &dyn Answers,
    ) -> Result<Json, CallError> {
        self.call_within(self.timeout, request, of, answers)
    }

    /// The same, where the plugin may be silent for as long as `limit`.
    ///
    /// # Errors
    /// As [`Python::call`].
    pub fn call_within(
        &self,
        limit: Duration,
        request: &str,
        of: &dyn fmt::Display,
        answers: &dyn Answers,
    ) -> Result<Json, CallError> {
        let turn = self.turn.take();
        if turn.depth() > DEPTH_MAX {
            return Err(CallError::Gone(format!(
                "{of}: plugins and templates call each other more than {DEPTH_MAX} deep"
            )));
        }
        let link = self.link()?;
        if turn.depth() == 1 && limit != self.timeout {
            link.wait_for(limit).map_err(CallError::Gone)?;
        }
        let result = self.converse(&link, request, of, answers, limit);
        if turn.depth() == 1 && limit != self.timeout {
            link.wait_for(self.timeout).map_err(CallError::Gone)?;
        }
        if let Err(CallError::Gone(_)) = &result {
            // The next call starts anew.
            *lock(&self.link) = None;
            link.kill();
        }
        if turn.depth() == 1 {
            self.objects.forget();
        }
        result
    }

    fn converse(
        &self,
        link: &Link,
        request: &str,
        of: &dyn fmt::Display,
        answers: &dyn Answers,
        limit: Duration,
    ) -> Result<Json, CallError> {
        let gone = |why: LinkError| {
            CallError::Gone(match why {
                LinkError::Late => format!(
                    "{of} has not ended after {} seconds and was stopped (TRUEUP_PYTHON_TIMEOUT)",
                    limit.as_secs()
                ),
                LinkError::Ended => format!("{of} ended the interpreter ({})", link.ending()),
                LinkError::Broken(why) => format!("{of}: {why}"),
            })
        };
        link.write(request).map_err(gone)?;
        loop {
            let mut frame = link.read().map_err(gone)?;
            if let Some(what) = frame.get("ask").and_then(Json::as_str) {
                let answer = match what {
                    "source" => self.source(&frame),
                    what => answers.answer(what, &frame).unwrap_or_else(|| {
                        let why = format!("{of} asks for what it cannot have here: {what}");
                        serde_json::json!({ "wrong": why })
                    }),
                };
                link.write(&answer.to_string()).map_err(gone)?;
                continue;
            }
            if let Some(value) = frame.get_mut("ok") {
                return Ok(value.take());
            }
            let err = frame.get("err").unwrap_or(&Json::Null);
            let text = |key: &str| err.get(key).and_then(Json::as_str).map(ToOwned::to_owned);
            let bases = err.get("bases").and_then(Json::as_array);
            let bases = bases.into_iter().flatten().filter_map(Json::as_str);
            return Err(CallError::Raised(Raised {
                bases: bases.map(ToOwned::to_owned).collect(),
                message: text("message").unwrap_or_default(),
                at: text("at"),
            }));
        }
    }

    /// A text of the library: a module, or a package of that name.
    fn source(&self, said: &Json) -> Json {
        let name = said.get("name").and_then(Json::as_str).unwrap_or_default();
        for (path, package) in
            [(format!("{name}/__init__.py"), true), (format!("{name}.py"), false)]
        {
            if let Some(text) = (self.library)(&path) {
                return serde_json::json!({ "text": text, "path": path, "package": package });
            }
        }
        serde_json::json!({})
    }

    fn link(&self) -> Result<Arc<Link>, CallError> {
        if let Some(link) = &*lock(&self.link) {
            return Ok(Arc::clone(link));
        }
        let link = Arc::new(self.start().map_err(CallError::Gone)?);
        *lock(&self.link) = Some(Arc::clone(&link));
        let hello = Json::Object(self.hello.clone()).to_string();
        self.converse(&link, &hello, &"the start of plugins in Python", &Nothing, self.timeout)?;
        Ok(link)
    }

    fn start(&self) -> Result<Link, String> {
        let Some(path) = self.path() else {
            return Err(format!(
                "there is no {} to run plugins in Python with (TRUEUP_PYTHON names another)",
                self.program
            ));
        };
        let failed = |error: std::io::Error| format!("{} cannot be run: {error}", path.display());
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_read_timeout(Some(self.timeout)).map_err(failed)?;
        let child = Command::new(&path)
            .args(["-B", "-c", BOOT])
            .current_dir(&self.folder)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(failed)?;
        Ok(Link { socket: ours, child: Mutex::new(child) })
    }

    /// The interpreter's path.
    fn path(&self) -> Option<PathBuf> {
        if self.program.contains('/') {
            return Some(PathBuf::from(&self.program)).filter(|path| path.is_file());
        }
        self.search_path
            .split(':')
            .map(|folder| Path::new(folder).join(&self.program))
            .find(|path| path.is_file())
    }
}

impl fmt::Debug for Python {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Python").field("program", &self.program).finish_non_exhaustive()
    }
}

/// A call that answers nothing.
struct Nothing;

impl Answers for Nothing {
    fn answer(&self, _: &str, _: &Json) -> Option<Json> {
        None
    }
}

/// A running interpreter. It ends when its channel is closed.
struct Link {
    socket: UnixStream,
    child: Mutex<Child>,
}

enum LinkError {
    Late,
    Ended,
    Broken(String),
}

impl From<std::io::Error> for LinkError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::WouldBlock | Kind::TimedOut => Self::Late,
            Kind::UnexpectedEof | Kind::BrokenPipe | Kind::ConnectionReset => Self::Ended,
            _ => Self::Broken(error.to_string()),
        }
    }
}

impl Link {
    /// Sets for how long the plugin may be silent.
    fn wait_for(&self, limit: Duration) -> Result<(), String> {
        self.socket.set_read_timeout(Some(limit)).map_err(|error| error.to_string())
    }

    fn write(&self, body: &str) -> Result<(), LinkError> {
        let count = u32::try_from(body.len())
            .map_err(|_| LinkError::Broken("a frame is longer than 4 GiB".into()))?;
        let mut frame = Vec::with_capacity(body.len() + 4);
        frame.extend_from_slice(&count.to_be_bytes());
        frame.extend_from_slice(body.as_bytes());
        Ok((&self.socket).write_all(&frame)?)
    }

    fn read(&self) -> Result<Json, LinkError> {
        let mut count = [0; 4];
        (&self.socket).read_exact(&mut count)?;
        let count = u32::from_be_bytes(count) as usize;
        if count > FRAME_BYTES_MAX {
            return Err(LinkError::Broken(format!(
                "a frame of {count} bytes is longer than {FRAME_BYTES_MAX}"
            )));
        }
        let mut body = vec![0; count];
        (&self.socket).read_exact(&mut body)?;
        serde_json::from_slice(&body).map_err(|error| LinkError::Broken(error.to_string()))
    }

    fn kill(&self) {
        let mut child = lock(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }

    /// How the process ended, in words.
    fn ending(&self) -> String {
        match lock(&self.child).wait() {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whose turn it is: one thread's, which may take it several times.
#[derive(Default)]
struct Turn {
    held: Mutex<Held>,
    freed: Condvar,
}

#[derive(Default)]
struct Held {
    by: Option<ThreadId>,
    depth: usize,
}

/// A turn that was taken, until it is dropped.
struct Taken<'a> {
    turn: &'a Turn,
    depth: usize,
}

impl Turn {
    fn take(&self) -> Taken<'_> {
        let me = thread::current().id();
        let mut held = lock(&self.held);
        while held.by.is_some_and(|by| by != me) {
            held = self.freed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        held.by = Some(me);
        held.depth += 1;
        Taken { turn: self, depth: held.depth }
    }
}

impl Taken<'_> {
    /// How many calls are under way, this one included.
    fn depth(&self) -> usize {
        self.depth
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut held = lock(&self.turn.held);
        held.depth -= 1;
        if held.depth == 0 {
            held.by = None;
            self.turn.freed.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
