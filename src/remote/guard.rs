//! Changes that could cut the host off, undone unless they are confirmed.
//!
//! Before such a change is made, what was is read ([`snapshot`]) and given to an *undoer*: the same
//! binary started with [`FLAG`], in a session of its own, so that no end of a connection reaches it.
//! It waits until the module has ended, and then for the controller, which connects anew and has
//! whatever remote it finds there confirm the change. Both sides name what they decide by renaming
//! one file, so that a change is kept or undone and never both. Without a confirmation in time, the
//! undoer puts back what was, and says so in the file, for whoever asks later.

pub mod firewall;
pub mod snapshot;

use std::{
    env, fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use module::{
    Host, Program,
    machine::{Cancellation, Machine},
};
use protocol::{
    Json, JsonMap, Request, Response,
    frame::{self, FrameError},
    request::{Aspect, GuardOrder, GuardStep, Guarded},
};
use serde::{Deserialize, Serialize};

use crate::{session, work};
use snapshot::{Snapshot, Tree};

/// The argument by which this binary is told to be an undoer.
pub const FLAG: &str = "--undo";

/// How often an undoer looks whether it was confirmed.
const LOOK: Duration = Duration::from_millis(100);

/// How long a guard's file is waited for that is just being undone.
const UNDOING_WAIT: Duration = Duration::from_secs(60);

/// What files held when a service last read them, where a task of this stream has written them since.
#[derive(Default)]
pub struct LastRead(Mutex<Vec<Tree>>);

impl LastRead {
    /// Remembers what files hold, unless that is known.
    fn remember(&self, trees: Vec<Tree>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for tree in trees {
            if !known.iter().any(|other| other.root() == tree.root()) {
                known.push(tree);
            }
        }
    }

    /// Gives back what is remembered of the same places, and forgets it.
    fn recall(&self, snapshot: &mut Snapshot) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|tree| !snapshot.replace(tree));
    }
}

/// What an undoer is told.
#[derive(Serialize, Deserialize)]
struct Charge {
    id: String,
    secs: u64,
    folder: PathBuf,
    snapshot: Snapshot,
}

/// An undoer that waits for the module to end.
pub struct Undoer {
    child: Child,
    folder: PathBuf,
    id: String,
}

/// Where guards' files are: beside this binary, in a folder of this user alone.
fn folder() -> io::Result<PathBuf> {
    let own = env::current_exe()?;
    Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
}

/// A guard's file, by what became of it.
fn file(folder: &Path, id: &str, what: &str) -> PathBuf {
    folder.join(format!("guard-{id}.{what}"))
}

/// Whether an ID can be a part of a name.
fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
}

impl Undoer {
    /// Keeps what is, and starts an undoer with it, where the step is more than a write.
    ///
    /// # Errors
    /// What cannot be read: then the change must not be made either.
    pub fn start(
        host: &Machine<'_>,
        order: &GuardOrder,
        last_read: &LastRead,
    ) -> Result<Option<Self>, String> {
        if !is_plain(&order.id) {
            return Err(format!("bug in trueup: {:?} is no ID of a guard", order.id));
        }
        let mut snapshot = Snapshot::take(host, &order.aspects)?;
        match order.step {
            GuardStep::Write => {
                last_read.remember(snapshot.into_trees());
                return Ok(None);
            }
            GuardStep::Read => last_read.recall(&mut snapshot),
            GuardStep::Change => {}
        }
        let folder = folder().map_err(|why| why.to_string())?;
        let charge =
            Charge { id: order.id.clone(), secs: order.secs, folder: folder.clone(), snapshot };
        let started = Self::launch(&charge, &folder);
        started.map(Some).map_err(|why| format!("no undoer could be started: {why}"))
    }

    fn launch(charge: &Charge, folder: &Path) -> Result<Self, FrameError> {
        let mut child = Command::new("/proc/self/exe")
            .arg(FLAG)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        if let Some(stdin) = &mut child.stdin {
            frame::write(stdin, charge)?;
        }
        let begun = match &mut child.stdout {
            Some(stdout) => frame::read::<Result<(), String>>(stdout)?,
            None => None,
        };
        match begun {
            Some(Ok(())) => Ok(Self { child, folder: folder.to_owned(), id: charge.id.clone() }),
            Some(Err(why)) => Err(io::Error::other(why).into()),
            None => Err(io::Error::other("it ended before it began").into()),
        }
    }

    /// Ends an undoer that has nothing to undo.
    pub fn withdraw(self) {
        // Where the undoer has gone, so has its file.
        let _ = fs::remove_file(file(&self.folder, &self.id, "waiting"));
        self.release();
    }

    /// What the controller must know to reach the host again.
    pub fn told(host: &Machine<'_>, order: &GuardOrder) -> Guarded {
        let mut ssh_ports = Vec::new();
        let program = Program::new("sshd").arg("-T");
        if order.aspects.contains(&Aspect::Sshd)
            && let Ok(output) = host.query(&program)
        {
            let text = output.stdout_text();
            let lines = text.lines().filter_map(|line| line.strip_prefix("port "));
            ssh_ports.extend(lines.filter_map(|port| port.trim().parse::<u16>().ok()));
        }
        Guarded { ssh_ports }
    }

    /// Says that the module has ended: the time begins to run.
    pub fn release(mut self) {
        drop(self.child.stdin.take());
        // Whoever ends first: the undoer is nobody's child once this process has gone.
        thread::spawn(move || self.child.wait());
    }
}

/// Serves as an undoer: the charge is on `input`, whose end says that the module has ended.
///
/// # Errors
/// There is no charge, or nobody who wants to know that the undoer stands.
pub fn serve(input: &mut impl Read, mut output: impl Write) -> Result<(), FrameError> {
    let umask = module::machine::read_umask();
    let environment = session::environment();
    let Some(charge) = frame::read::<Charge>(input)? else { return Ok(()) };
    // A process that leads its group already has a session of its own.
    let _ = rustix::process::setsid();
    let waiting = file(&charge.folder, &charge.id, "waiting");
    let begun = fs::write(&waiting, b"").map_err(|why| format!("{}: {why}", waiting.display()));
    frame::write(&mut output, &begun)?;
    drop(output);
    if begun.is_err() {
        return Ok(());
    }
    // The end of the module, or of the remote that ran it.
    io::copy(input, &mut io::sink())?;
    let deadline = Instant::now() + Duration::from_secs(charge.secs);
    while Instant::now() < deadline {
        if !waiting.exists() {
            return Ok(());
        }
        thread::sleep(LOOK);
    }
    let undoing = file(&charge.folder, &charge.id, "undoing");
    if fs::rename(&waiting, &undoing).is_err() {
        // It was confirmed in the last moment.
        return Ok(());
    }
    let cancellation = Arc::new(Cancellation::new()?);
    let mut host = Machine::new(environment, umask, cancellation, &work::NoFiles);
    let trouble = charge.snapshot.put_back(&mut host);
    fs::write(&undoing, trouble.join("\n"))?;
    Ok(fs::rename(&undoing, file(&charge.folder, &charge.id, "undone"))?)
}

/// Answers a request to confirm a guarded change.
pub fn confirm(request: &Request) -> Response {
    let id = request.args.get("id").and_then(Json::as_str).unwrap_or_default();
    if !is_plain(id) {
        return Response::failure(format!("bug in trueup: {id:?} is no ID of a guard"));
    }
    let folder = match folder() {
        Ok(folder) => folder,
        Err(why) => return Response::failure(why.to_string()),
    };
    let mut returned = JsonMap::new();
    // Only one of both can take the file away.
    let kept = file(&folder, id, "kept");
    if fs::rename(file(&folder, id, "waiting"), &kept).is_ok() {
        let _ = fs::remove_file(&kept);
        returned.insert("state".into(), "kept".into());
        return Response { returned, ..Response::default() };
    }
    let deadline = Instant::now() + UNDOING_WAIT;
    while file(&folder, id, "undoing").exists() && Instant::now() < deadline {
        thread::sleep(LOOK);
    }
    let undone = file(&folder, id, "undone");
    let state = match fs::read_to_string(&undone) {
        Ok(trouble) => {
            let _ = fs::remove_file(&undone);
            if !trouble.is_empty() {
                returned.insert("trouble".into(), trouble.into());
            }
            "undone"
        }
        Err(_) => "unknown",
    };
    returned.insert("state".into(), state.into());
    Response { returned, ..Response::default() }
}
