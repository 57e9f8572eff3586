//! An open connection to a host.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    Become, BecomeMethod, ConnectError, ConnectorSettings, Narrator, Remote, RemoteBinaries,
    Target,
    become_::quote,
    boot,
    dialogue::{BecomeStep, Dialogue, nonce},
    error::BecomeError,
    letters::Post,
    local,
    pipe::{Output, Pipe},
    session::{Session, Terminal},
};

/// Seconds that a single step of starting the remote may take at least, whatever the timeout of
/// connecting is: hosts hash and unpack.
const START_SECS_MIN: u64 = 30;

/// The most bytes of output that a raw command may have, both streams together.
const RAW_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes of input that are handed over at once.
const RAW_INPUT_BYTES: usize = 64 * 1024;

/// An open connection to a host. Ends when dropped; [`close`](Self::close) ends it in good order.
pub struct Connection {
    wire: Wire,
    remote_folders: Vec<String>,
    limit: Duration,
    binaries: Arc<RemoteBinaries>,
    remotes: Mutex<HashMap<Option<Identity>, Slot>>,
    warnings: Vec<String>,
    address: String,
    narrator: Option<Narrator>,
}

/// The remote of one user, once it was started.
type Slot = Arc<Mutex<Option<Arc<Remote>>>>;

/// By what a remote is told from those of other users.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Identity {
    method: BecomeMethod,
    user: String,
    executable: Option<String>,
    flags: Option<String>,
}

/// How commands get to the host.
pub(crate) enum Wire {
    Ssh(Arc<Session>),
    /// This machine, and the folder where commands start.
    Local(Option<PathBuf>),
    /// A program of this machine and its arguments.
    Entrance(Vec<String>),
    /// A connection plugin.
    Plugin(Post),
}

/// The key that a host proved to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostKey {
    /// Algorithm, such as `ssh-ed25519`.
    pub algorithm: String,
    /// Base64 of the public key, as files of known hosts have it.
    pub base64: String,
    /// `SHA256:…`
    pub fingerprint: String,
}

/// What a command left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawOutput {
    /// Exit status; 128 and the signal's number where a signal ended it, -1 where nobody knows.
    pub rc: i32,
    /// What it printed.
    pub stdout: Vec<u8>,
    /// What it complained of.
    pub stderr: Vec<u8>,
}

impl Wire {
    async fn exec(&self, command: &str, terminal: Terminal) -> Result<Pipe, ConnectError> {
        match self {
            Self::Ssh(session) => session.exec(command, terminal).await,
            Self::Local(folder) => local::exec(command, folder.as_deref()),
            Self::Entrance(entrance) => local::enter(command, entrance),
            Self::Plugin(post) => {
                let why = format!("the connection plugin '{}' has no streams", post.name);
                Err(ConnectError::Lost { why })
            }
        }
    }
}

impl Connection {
    pub(crate) fn new(
        wire: Wire,
        target: &Target,
        settings: &ConnectorSettings,
        warnings: Vec<String>,
    ) -> Self {
        Self {
            wire,
            remote_folders: target.remote_folders.clone(),
            limit: Duration::from_secs(target.connect_timeout_secs.max(START_SECS_MIN)),
            binaries: settings.remotes.clone(),
            remotes: Mutex::default(),
            warnings,
            address: target.address.clone(),
            narrator: settings.narrator.clone(),
        }
    }

    async fn exec(&self, command: &str, terminal: Terminal) -> Result<Pipe, ConnectError> {
        if let Some(narrator) = &self.narrator {
            (narrator.0)(&self.address, &format!("EXEC {command}"));
        }
        self.wire.exec(command, terminal).await
    }

    /// The remote of a user, started at first use and kept for later ones; `None` is the user who
    /// logged in. A remote that has ended is started anew.
    ///
    /// # Errors
    /// Where the other user cannot be become, or the remote cannot be put in place or started.
    pub async fn remote(&self, become_: Option<&Become>) -> Result<Arc<Remote>, ConnectError> {
        let identity = become_.map(|become_| Identity {
            method: become_.method,
            user: become_.user.clone(),
            executable: become_.executable.clone(),
            flags: become_.flags.clone(),
        });
        let slot = self.remotes.lock().await.entry(identity).or_default().clone();
        let mut slot = slot.lock().await;
        if let Some(remote) = slot.as_ref().filter(|remote| !remote.has_ended()) {
            return Ok(remote.clone());
        }
        let remote = Arc::new(self.start(become_).await.map_err(|error| self.explain(error))?);
        *slot = Some(remote.clone());
        Ok(remote)
    }

    /// Runs a command line by the login shell of the user, without the remote. `timeout` bounds
    /// the command, not the way there. Dropping the future leaves the command to find out by its
    /// closed streams.
    ///
    /// # Errors
    /// Where the other user cannot be become, the command cannot be run or takes too long, the
    /// connection is lost, or there is too much output.
    pub async fn raw(
        &self,
        command: &str,
        become_: Option<&Become>,
        stdin: &[u8],
        timeout_after: Option<Duration>,
    ) -> Result<RawOutput, ConnectError> {
        if let Wire::Plugin(post) = &self.wire {
            return post.raw(command, become_, stdin, timeout_after).await;
        }
        let run = async {
            let dialogue = match become_ {
                None => {
                    let pipe = self.exec(command, Terminal::None).await?;
                    Dialogue::new(pipe, String::new(), self.limit)
                }
                Some(become_) => {
                    let nonce = self.nonce()?;
                    let line = format!(
                        "printf \"\\n%s\\n\" \"{nonce} IN\"; exec /bin/sh -c {}",
                        quote(command)
                    );
                    let line = format!("/bin/sh -c {}", quote(&line));
                    self.enter(become_, &line, &nonce, Bytes::new()).await?
                }
            };
            collect(dialogue, stdin).await
        };
        let result = match timeout_after {
            None => run.await,
            Some(limit) => timeout(limit, run).await.unwrap_or(Err(ConnectError::Timeout {
                step: "the command",
                secs: limit.as_secs(),
            })),
        };
        result.map_err(|error| self.explain(error))
    }

    /// Ends the remotes that run as a user who was become. Calls under way there are lost.
    pub async fn close_user(&self, user: &str) {
        let mut remotes = self.remotes.lock().await;
        let is_theirs = |identity: &Option<Identity>| {
            identity.as_ref().is_some_and(|identity| identity.user == user)
        };
        let keys: Vec<_> = remotes.keys().filter(|key| is_theirs(key)).cloned().collect();
        let slots: Vec<Slot> = keys.iter().filter_map(|key| remotes.remove(key)).collect();
        drop(remotes);
        for slot in slots {
            if let Some(remote) = slot.lock().await.take() {
                remote.close().await;
            }
        }
    }

    /// Ends the remotes and the connection, in good order. Calls under way are lost.
    pub async fn close(&self) {
        let slots: Vec<Slot> = self.remotes.lock().await.drain().map(|(_, slot)| slot).collect();
        for slot in slots {
            if let Some(remote) = slot.lock().await.take() {
                remote.close().await;
            }
        }
        match &self.wire {
            Wire::Ssh(session) => session.close().await,
            Wire::Plugin(post) => post.close().await,
            Wire::Local(_) | Wire::Entrance(_) => {}
        }
    }

    /// The key that the host proved to have; `None` where there is no SSH.
    pub fn host_key(&self) -> Option<&HostKey> {
        match &self.wire {
            Wire::Ssh(session) => session.host_key.as_ref(),
            Wire::Local(_) | Wire::Entrance(_) | Wire::Plugin(_) => None,
        }
    }

    /// What the user should know of the SSH configuration: keywords that are not done or not known.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Whether the connection has ended, so that nothing can succeed on it any more.
    pub fn has_ended(&self) -> bool {
        match &self.wire {
            Wire::Ssh(session) => session.has_ended(),
            Wire::Local(_) | Wire::Entrance(_) | Wire::Plugin(_) => false,
        }
    }

    async fn start(&self, become_: Option<&Become>) -> Result<Remote, ConnectError> {
        if let Wire::Plugin(post) = &self.wire {
            return post.remote(become_, &self.binaries, &self.remote_folders).await;
        }
        let nonce = self.nonce()?;
        let script = Bytes::from(boot::script(&nonce, &self.binaries, &self.remote_folders, None));
        let listener = boot::listener(&nonce, script.len());
        let mut dialogue = match become_ {
            Some(become_) => self.enter(become_, &listener, &nonce, script).await?,
            None => {
                let command = format!("exec {listener}");
                let pipe = self.exec(&command, Terminal::None).await?;
                let mut dialogue = Dialogue::new(pipe, nonce, self.limit);
                dialogue.send(script).await?;
                dialogue
            }
        };
        dialogue.boot(&self.binaries).await?;
        let Dialogue { pipe, buffer, .. } = dialogue;
        Remote::start(pipe.reader, pipe.writer, buffer, self.binaries.clone()).await
    }

    /// Starts a command as another user, waits until it says that it runs, and hands it `input`.
    /// Where the method wants a terminal, it gets one.
    async fn enter(
        &self,
        become_: &Become,
        command: &str,
        nonce: &str,
        input: Bytes,
    ) -> Result<Dialogue, ConnectError> {
        let call = become_.call(command, nonce);
        let mut terminal = if call.needs_terminal { Terminal::Raw } else { Terminal::None };
        let mut heard = String::new();
        loop {
            let method = become_.method.name();
            if terminal == Terminal::Raw && !matches!(self.wire, Wire::Ssh(_)) {
                return Err(BecomeError::Terminal { method, heard }.into());
            }
            let pipe = self.exec(&call.command, terminal).await?;
            let mut dialogue = Dialogue::new(pipe, nonce.to_owned(), self.limit);
            if !call.reads_first {
                dialogue.send(input.clone()).await?;
            }
            match dialogue.become_(become_).await? {
                BecomeStep::In => {
                    if call.reads_first {
                        dialogue.send(input).await?;
                    }
                    return Ok(dialogue);
                }
                BecomeStep::WantsTerminal { heard: said } if terminal == Terminal::None => {
                    terminal = Terminal::Raw;
                    heard = said;
                }
                BecomeStep::WantsTerminal { heard } => {
                    let user = become_.user.clone();
                    return Err(BecomeError::Other { method, user, heard }.into());
                }
            }
        }
    }

    fn nonce(&self) -> Result<String, ConnectError> {
        nonce().map_err(|source| ConnectError::Spawn { source })
    }

    /// Says of what ended for no visible reason that the connection did, where it has.
    fn explain(&self, error: ConnectError) -> ConnectError {
        let Wire::Ssh(session) = &self.wire else { return error };
        match session.end() {
            Some(why) if session.has_ended() => ConnectError::Lost { why },
            _ => error,
        }
    }
}

/// Feeds a raw command and takes what it prints.
async fn collect(dialogue: Dialogue, stdin: &[u8]) -> Result<RawOutput, ConnectError> {
    let mut output = RawOutput { rc: -1, stdout: dialogue.buffer.to_vec(), stderr: Vec::new() };
    let Pipe { mut reader, mut writer } = dialogue.pipe;
    let feed = async {
        for part in stdin.chunks(RAW_INPUT_BYTES) {
            // A command need not read its input.
            if writer.write(Bytes::copy_from_slice(part)).await.is_err() {
                break;
            }
        }
        writer.end().await;
        // The writer stays until the command has ended.
        std::future::pending::<()>().await;
    };
    let read = async {
        let mut exit = None;
        while let Some(event) = reader.next().await {
            match event {
                Output::Stdout(bytes) => output.stdout.extend_from_slice(&bytes),
                Output::Stderr(bytes) => output.stderr.extend_from_slice(&bytes),
                Output::Exit(rc) => exit = Some(rc),
                Output::Broken(error) => {
                    return Err(ConnectError::Lost { why: error.to_string() });
                }
            }
            if output.stdout.len() + output.stderr.len() > RAW_BYTES_MAX {
                let why = format!("a command printed over {RAW_BYTES_MAX} bytes");
                return Err(ConnectError::Lost { why });
            }
        }
        exit.ok_or_else(|| ConnectError::Lost { why: "no exit status came".to_owned() })
    };
    let rc = tokio::select! {
        () = feed => Ok(-1),
        rc = read => rc,
    }?;
    output.rc = rc;
    Ok(output)
}
