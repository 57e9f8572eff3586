//! Jobs: modules that run on after the stream that ordered them has ended (`async`).
//!
//! A job is a process of its own, the same binary started with [`FLAG`], in a session of its own so
//! that no end of a connection reaches it. It leaves what came of it in a file, in the form that
//! Ansible gives such files. Nothing but a job may outlive the remote that started it.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use module::{
    FileMode, Host, Placement,
    machine::{Cancellation, Machine},
};
use protocol::{
    Diff, Json, JsonMap, Request, Response,
    frame::{self, FrameError},
    request::JobOrder,
};

use crate::{
    Assortment,
    guard::LastRead,
    relay::Relay,
    session,
    work::{self, Scene, UnderWay},
};

/// The argument by which this binary is told to be a job.
pub const FLAG: &str = "--job";

/// How long a job whose time is up may take to end.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// What a job says once it stands on its own: the path of its file, or why there is none.
type Begun = Result<String, String>;

/// Starts a request as a job of the program that has its module, and answers as soon as the job
/// stands on its own.
pub fn launch(program: &Path, request: &Request, order: &JobOrder) -> Response {
    match start(program, request) {
        Ok((pid, Ok(path))) => {
            let mut returned = JsonMap::new();
            returned.insert("started".into(), 1.into());
            returned.insert("finished".into(), 0.into());
            returned.insert("ansible_job_id".into(), job_id(order, pid).into());
            returned.insert("results_file".into(), path.into());
            Response { changed: true, returned, ..Response::default() }
        }
        Ok((_, Err(why))) => Response::failure(why),
        Err(error) => Response::failure(format!("could not start the job: {error}")),
    }
}

fn job_id(order: &JobOrder, pid: u32) -> String {
    format!("{}.{pid}", order.name)
}

fn start(program: &Path, request: &Request) -> Result<(u32, Begun), FrameError> {
    let mut child = Command::new(program)
        .arg(FLAG)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let pid = child.id();
    if let Some(mut stdin) = child.stdin.take() {
        frame::write(&mut stdin, request)?;
    }
    let begun = match &mut child.stdout {
        Some(stdout) => frame::read::<Begun>(stdout)?,
        None => None,
    };
    // Whoever ends first: the job is nobody's child once this process has gone.
    thread::spawn(move || child.wait());
    let begun = begun.unwrap_or_else(|| Err("the job ended before it began".into()));
    Ok((pid, begun))
}

/// Runs the one request on `input`, as a job.
///
/// # Errors
/// There is no request, or nobody who wants to know that the job has begun.
pub fn serve(
    assortment: Assortment,
    input: &mut impl Read,
    mut output: impl Write,
) -> Result<(), FrameError> {
    let umask = module::machine::read_umask();
    let environment = session::environment();
    work::answer_panics();
    let Some(mut request) = frame::read::<Request>(input)? else { return Ok(()) };
    let Some(order) = request.job.take() else { return Ok(()) };
    // A process that leads its group already has a session of its own.
    let _ = rustix::process::setsid();
    let mut variables = environment.clone();
    variables.extend(request.environment.clone());
    let id = job_id(&order, std::process::id());
    let file = match JobFile::begin(&variables, umask, &order, &id) {
        Ok(file) => file,
        Err(why) => return frame::write::<Begun>(&mut output, &Err(why)),
    };
    frame::write::<Begun>(&mut output, &Ok(file.path.display().to_string()))?;
    drop(output);
    let scene = Scene {
        assortment,
        relay: Arc::new(Relay::default()),
        environment,
        umask,
        last_read: LastRead::default(),
    };
    let result = run(request, scene, &file, order.limit_secs)?;
    Ok(file.write(&result)?)
}

/// Runs a request, at most for its time.
fn run(mut request: Request, scene: Scene, file: &JobFile, limit_secs: u64) -> io::Result<JsonMap> {
    request.timeout_secs = None;
    let cancellation = Arc::new(Cancellation::new()?);
    let (tell, told) = mpsc::channel();
    let (module, own) = (request.module.clone(), Arc::clone(&cancellation));
    let (panicked, end) = (module.clone(), file.clone());
    work::put_under_way(Some(UnderWay {
        module: module.clone(),
        cancellation: Arc::clone(&cancellation),
        tell: Box::new(move |response| {
            // Nobody else could be told that its file cannot be written.
            let _ = end.write(&result_of(&panicked, response));
        }),
    }));
    thread::Builder::new().name("work".into()).spawn(move || {
        let files = work::OnlyInline(std::mem::take(&mut request.files));
        let response = work::perform(request, &scene, &own, &files, None);
        // The time may be up.
        let _ = tell.send(response);
    })?;
    match told.recv_timeout(Duration::from_secs(limit_secs)) {
        Ok(response) => Ok(result_of(&module, response)),
        Err(_) => {
            cancellation.cancel();
            let _ = told.recv_timeout(KILL_WAIT);
            let mut result = JsonMap::new();
            result.insert("msg".into(), "Timeout exceeded".into());
            result.insert("failed".into(), Json::Bool(true));
            result.insert("child_pid".into(), std::process::id().into());
            Ok(result)
        }
    }
}

/// A response as modules of Ansible print it.
fn result_of(module: &str, mut response: Response) -> JsonMap {
    if module == "ansible.builtin.setup" {
        response.prefix_facts();
    }
    let mut result = response.returned;
    result.insert("changed".into(), Json::Bool(response.changed));
    if response.failed {
        result.insert("failed".into(), Json::Bool(true));
    }
    if response.skipped {
        result.insert("skipped".into(), Json::Bool(true));
    }
    if let Some(msg) = response.msg {
        result.insert("msg".into(), Json::String(msg));
    }
    if !response.facts.is_empty() {
        result.insert("ansible_facts".into(), Json::Object(response.facts));
    }
    if !response.warnings.is_empty() {
        let warnings = response.warnings.into_iter().map(Json::String).collect();
        result.insert("warnings".into(), Json::Array(warnings));
    }
    let mut diff: Vec<Json> = response.diff.iter().map(Diff::to_json).collect();
    match diff.len() {
        0 => {}
        1 => {
            result.insert("diff".into(), diff.swap_remove(0));
        }
        _ => {
            result.insert("diff".into(), Json::Array(diff));
        }
    }
    result
}

/// The file that says what came of a job.
#[derive(Clone)]
struct JobFile {
    path: PathBuf,
    umask: FileMode,
}

impl JobFile {
    /// Says that a job has begun.
    fn begin(
        variables: &[(String, String)],
        umask: FileMode,
        order: &JobOrder,
        id: &str,
    ) -> Result<Self, String> {
        let cancellation = Arc::new(Cancellation::new().map_err(|error| error.to_string())?);
        let host = Machine::new(variables.to_vec(), umask, cancellation, &work::NoFiles);
        let folder = PathBuf::from(module::path::expand(&host, &order.folder));
        let fault = |error: &dyn std::fmt::Display| {
            format!("could not create directory: {} - {error}", folder.display())
        };
        if !folder.is_dir() {
            const OWNER_ONLY: u32 = 0o700;
            let made = fs::DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(&folder);
            made.map_err(|error| fault(&error))?;
        }
        let file = Self { path: folder.join(id), umask };
        let mut begun = JsonMap::new();
        begun.insert("started".into(), 1.into());
        begun.insert("finished".into(), 0.into());
        begun.insert("ansible_job_id".into(), id.into());
        file.write(&begun).map_err(|error| {
            format!("could not write the job's file {}: {error}", file.path.display())
        })?;
        Ok(file)
    }

    /// Writes what there is to say, at once: readers see the old text or the new one, whole.
    fn write(&self, result: &JsonMap) -> io::Result<()> {
        let text = serde_json::to_vec(result)?;
        let cancellation = Arc::new(Cancellation::new()?);
        let mut host = Machine::new(Vec::new(), self.umask, cancellation, &work::NoFiles);
        let placement = Placement { mode: Some(FileMode::new(0o600)), ..Placement::default() };
        let path: &Path = &self.path;
        host.write(path, &mut text.as_slice(), &placement)
            .map_err(|error| io::Error::other(module::failure::chain(&error)))
    }
}
