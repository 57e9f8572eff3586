//! How connections are opened.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::sync::{Mutex, Semaphore};

use crate::{
    ConnectError, Connection, RemoteBinaries, Target,
    connection::Wire,
    dial,
    hop::{Hop, JumpSpec, Route},
    letters::Post,
    session::Session,
    ssh_config::ConfigFile,
    target::ConnectionKind,
};

/// How often a server that hangs up during the handshake is tried: one that is asked for too many
/// connections at once (OpenSSH's `MaxStartups`) does so at random.
const HANDSHAKES_MAX: u32 = 5;

/// The first wait before another handshake; it doubles each time.
const HANDSHAKE_DELAY_MS: u64 = 100;

/// Is told what is done on a connection: the host's address, and the words. Nothing secret is in
/// them.
#[derive(Clone)]
pub struct Narrator(pub Arc<Tell>);

/// How one is told: the address first, then the words.
pub type Tell = dyn Fn(&str, &str) + Send + Sync;

impl fmt::Debug for Narrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Narrator")
    }
}

/// What all connections of one run share.
#[derive(Clone, Debug)]
pub struct ConnectorSettings {
    /// Home folder of the user who runs this program; `~` in paths of the controller.
    pub home: PathBuf,
    /// Name of that user; logs in where nobody says otherwise.
    pub user: String,
    /// Socket of the SSH agent.
    pub agent_socket: Option<PathBuf>,
    /// SSH configuration that holds for all users of the machine, read after a target's own.
    pub system_ssh_config_file: Option<PathBuf>,
    /// The remote, by architecture.
    pub remotes: Arc<RemoteBinaries>,
    /// How many connections may be opened at once; at least 1.
    pub opening_max: usize,
    /// Is told which command lines are run.
    pub narrator: Option<Narrator>,
}

/// Opens connections. Clones share what is open and what was read.
#[derive(Clone)]
pub struct Connector {
    inner: Arc<Inner>,
}

struct Inner {
    settings: ConnectorSettings,
    opening: Semaphore,
    files: Mutex<HashMap<PathBuf, Arc<ConfigFile>>>,
    jumps: Mutex<HashMap<Vec<JumpSpec>, JumpSlot>>,
}

/// The connection to a jump host, as long as somebody uses it.
type JumpSlot = Arc<Mutex<Weak<Session>>>;

impl Connector {
    /// Makes a connector; nothing is opened or read yet.
    pub fn new(settings: ConnectorSettings) -> Self {
        let opening = Semaphore::new(settings.opening_max.clamp(1, Semaphore::MAX_PERMITS));
        Self {
            inner: Arc::new(Inner {
                settings,
                opening,
                files: Mutex::default(),
                jumps: Mutex::default(),
            }),
        }
    }

    /// Opens a connection; no more than `opening_max` are opened at once, others wait. A jump host
    /// is connected to once for all targets behind it. Dropping the future ends the attempt.
    ///
    /// # Errors
    /// Where the host cannot be reached, is not the host it should be, or lets nobody in.
    pub async fn connect(&self, target: &Target) -> Result<Connection, ConnectError> {
        let settings = &self.inner.settings;
        if target.connection == ConnectionKind::Local {
            self.narrate(
                target,
                &format!("ESTABLISH LOCAL CONNECTION FOR USER: {}", settings.user),
            );
            let wire = Wire::Local(target.local_folder.clone());
            return Ok(Connection::new(wire, target, settings, Vec::new()));
        }
        if target.connection == ConnectionKind::Entrance {
            let words = format!("ESTABLISH CONNECTION BY: {}", target.entrance.join(" "));
            self.narrate(target, &words);
            let wire = Wire::Entrance(target.entrance.clone());
            return Ok(Connection::new(wire, target, settings, Vec::new()));
        }
        if target.connection == ConnectionKind::Plugin {
            return self.carried(target).await;
        }
        let files = self.config_files(target).await?;
        let hop = Hop::of_target(target, &files, settings)?;
        self.narrate(target, &format!("ESTABLISH SSH CONNECTION FOR USER: {}", hop.user));
        let session = self.session(&hop, target, &files).await?;
        let warnings = hop.warnings;
        Ok(Connection::new(Wire::Ssh(Arc::new(session)), target, settings, warnings))
    }

    /// A connection of a plugin.
    async fn carried(&self, target: &Target) -> Result<Connection, ConnectError> {
        let Some(carriage) = target.carriage.clone() else {
            return Err(ConnectError::Lost { why: "there is no connection plugin".to_owned() });
        };
        let name = Arc::from(carriage.name());
        let opened = tokio::task::spawn_blocking(move || carriage.open()).await;
        let carrier = opened.map_err(|error| ConnectError::Lost { why: error.to_string() })??;
        let wire = Wire::Plugin(Post { carrier, name });
        Ok(Connection::new(wire, target, &self.inner.settings, Vec::new()))
    }

    fn narrate(&self, target: &Target, words: &str) {
        if let Some(narrator) = &self.inner.settings.narrator {
            (narrator.0)(&target.address, words);
        }
    }

    async fn session(
        &self,
        hop: &Hop,
        target: &Target,
        files: &[ConfigFile],
    ) -> Result<Session, ConnectError> {
        let through = match &hop.route {
            Route::Jumps(jumps) => Some(self.jump(jumps, target, files).await?),
            Route::Direct | Route::Command(_) => None,
        };
        // What closes the semaphore is never called.
        let _permit = self.inner.opening.acquire().await.ok();
        let attempts = hop.connection_attempts.max(HANDSHAKES_MAX);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let opened = match (&through, &hop.route) {
                (Some(jump), _) => match jump.forward(&hop.address, hop.port).await {
                    Ok(stream) => Session::open(hop, stream, Some(jump.clone())).await,
                    Err(error) => Err(error),
                },
                (None, Route::Command(command)) => {
                    Session::open(hop, dial::command(command)?, None).await
                }
                (None, _) => match dial::tcp(hop).await {
                    Ok(stream) => Session::open(hop, stream, None).await,
                    Err(error) => Err(error),
                },
            };
            let is_worth_another = match &opened {
                Err(ConnectError::ClosedEarly { .. }) => attempt < attempts,
                // Somebody asked for more attempts.
                Err(ConnectError::Unreachable { .. }) => attempt < hop.connection_attempts,
                _ => false,
            };
            if !is_worth_another {
                return opened;
            }
            let delay_ms = HANDSHAKE_DELAY_MS << (attempt - 1).min(5);
            tracing::debug!(host = hop.address, attempt, delay_ms, "the handshake is tried again");
            // Hosts that were hung up on together do not come back together.
            let spread = u64::from(hop.address.bytes().map(u32::from).sum::<u32>()) % delay_ms;
            tokio::time::sleep(Duration::from_millis(delay_ms + spread)).await;
        }
    }

    /// The connection to the last of some jump hosts, each reached through the one before it.
    async fn jump(
        &self,
        jumps: &[JumpSpec],
        target: &Target,
        files: &[ConfigFile],
    ) -> Result<Arc<Session>, ConnectError> {
        let mut through: Option<Arc<Session>> = None;
        for (at, spec) in jumps.iter().enumerate() {
            let path = jumps[..=at].to_vec();
            let slot = self.inner.jumps.lock().await.entry(path).or_default().clone();
            let mut slot = slot.lock().await;
            let open = slot.upgrade().filter(|session| !session.has_ended());
            let session = match open {
                Some(session) => session,
                None => {
                    let session = self.open_jump(spec, through, target, files).await;
                    let named = |source| ConnectError::Jump {
                        hop: spec.host.clone(),
                        source: Box::new(source),
                    };
                    Arc::new(session.map_err(named)?)
                }
            };
            *slot = Arc::downgrade(&session);
            through = Some(session);
        }
        through.ok_or_else(|| ConnectError::Lost { why: "there is no jump host".to_owned() })
    }

    async fn open_jump(
        &self,
        spec: &JumpSpec,
        through: Option<Arc<Session>>,
        target: &Target,
        files: &[ConfigFile],
    ) -> Result<Session, ConnectError> {
        let hop = Hop::of_jump(spec, target, files, &self.inner.settings)?;
        match (through, &hop.route) {
            (Some(before), _) => {
                let stream = before.forward(&hop.address, hop.port).await?;
                Session::open(&hop, stream, Some(before)).await
            }
            (None, Route::Command(command)) => {
                Session::open(&hop, dial::command(command)?, None).await
            }
            // A jump host that has a jump host of its own in the configuration.
            (None, Route::Jumps(jumps)) => {
                let jumps = jumps.iter().filter(|jump| *jump != spec).cloned().collect::<Vec<_>>();
                if jumps.is_empty() {
                    return Session::open(&hop, dial::tcp(&hop).await?, None).await;
                }
                let before = Box::pin(self.jump(&jumps, target, files)).await?;
                let stream = before.forward(&hop.address, hop.port).await?;
                Session::open(&hop, stream, Some(before)).await
            }
            (None, Route::Direct) => Session::open(&hop, dial::tcp(&hop).await?, None).await,
        }
    }

    /// The SSH configuration of a target, each file read once.
    async fn config_files(&self, target: &Target) -> Result<Vec<ConfigFile>, ConnectError> {
        let mut files = Vec::new();
        let system = self.inner.settings.system_ssh_config_file.as_ref();
        let system = system.filter(|_| target.reads_system_ssh_config);
        for path in target.ssh_config_file.iter().chain(system) {
            files.push(ConfigFile::clone(&*self.config_file(path).await?));
        }
        Ok(files)
    }

    async fn config_file(&self, path: &Path) -> Result<Arc<ConfigFile>, ConnectError> {
        let mut files = self.inner.files.lock().await;
        if let Some(file) = files.get(path) {
            return Ok(file.clone());
        }
        let file = Arc::new(ConfigFile::read(path, &self.inner.settings.home)?);
        files.insert(path.to_owned(), file.clone());
        Ok(file)
    }
}
