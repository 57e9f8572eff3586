//! Connections, opened when they are first needed and kept.

use std::{
    collections::HashMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use protocol::{Request, Response};
use tokio::sync::OnceCell;
use transport::{
    CallError, ConnectError, Connection, Connector, Counters, Files, RawOutput,
    remote::{Sent, Sink},
};

use crate::connect::Way;

/// A future that may be sent between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a host did not answer.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    #[error("{0}")]
    Connect(Arc<ConnectError>),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Connecting(#[from] ConnectError),
}

impl ReachError {
    /// Whether the host counts as unreachable, rather than the task as failed.
    pub fn is_unreachable(&self) -> bool {
        match self {
            ReachError::Connect(error) => error.is_unreachable(),
            ReachError::Connecting(error) => error.is_unreachable(),
            ReachError::Call(CallError::Carried { is_unreachable, .. }) => *is_unreachable,
            ReachError::Call(error) => matches!(error, CallError::Lost { .. }),
        }
    }

    /// Whether it was met on the way to a host over SSH.
    pub fn is_of_ssh(&self) -> bool {
        let is_of_programs = |error: &ConnectError| {
            matches!(
                error,
                ConnectError::Entrance { .. }
                    | ConnectError::Spawn { .. }
                    | ConnectError::Carried(_)
            )
        };
        match self {
            ReachError::Connect(error) => !is_of_programs(error),
            ReachError::Connecting(error) => !is_of_programs(error),
            ReachError::Call(_) => false,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ReachError::Connect(error) => error.hint(),
            ReachError::Connecting(error) => error.hint(),
            ReachError::Call(_) => None,
        }
    }

    /// The error with all that caused it, once each.
    pub fn chain(&self) -> String {
        match self {
            ReachError::Connect(error) => error.chain(),
            ReachError::Connecting(error) => error.chain(),
            ReachError::Call(error) => error.to_string(),
        }
    }
}

/// Brings requests to hosts.
pub trait Reach: Send + Sync {
    /// Has the remote of a way run a request. `sent` is called when it is on its way.
    fn call<'a>(
        &'a self,
        way: &'a Way,
        request: Request,
        files: &'a dyn Files,
        sink: Option<Sink>,
        sent: Option<Sent>,
    ) -> BoxFuture<'a, Result<Response, ReachError>>;

    /// Has the remote run a request over a connection of its own, which is closed afterwards.
    fn afresh<'a>(
        &'a self,
        way: &'a Way,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, ReachError>>;

    /// Runs a command line without the remote.
    fn raw<'a>(
        &'a self,
        way: &'a Way,
        command: &'a str,
        timeout: Option<Duration>,
    ) -> BoxFuture<'a, Result<RawOutput, ReachError>>;

    /// Ends what runs as a user on the host of a way, so that the next task as that user sees the
    /// account as it is now, and the account can be taken away.
    fn leave<'a>(&'a self, way: &'a Way, user: &'a str) -> BoxFuture<'a, ()>;

    /// Closes what is open to a host, so that the next task connects anew.
    fn reset<'a>(&'a self, host: &'a str) -> BoxFuture<'a, ()>;

    /// Closes everything.
    fn close(&self) -> BoxFuture<'_, ()>;

    /// What has crossed the wire so far, over all connections that are open.
    fn counters(&self) -> BoxFuture<'_, Counters>;
}

/// What makes two ways need two connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ConnectionKey {
    host: String,
    /// Where a local remote starts; none for a host that is reached.
    local: Option<PathBuf>,
    entrance: Vec<String>,
    carriage: Option<String>,
    address: String,
    port: Option<u16>,
    user: Option<String>,
}

type Slot = Arc<OnceCell<Result<Arc<Connection>, Arc<ConnectError>>>>;

/// Real connections.
pub struct Connections {
    connector: Connector,
    open: Mutex<HashMap<ConnectionKey, Slot>>,
    remotes: Mutex<Vec<std::sync::Weak<transport::Remote>>>,
}

impl Connections {
    /// Makes a pool; nothing is opened yet.
    pub fn new(connector: Connector) -> Self {
        Self { connector, open: Mutex::default(), remotes: Mutex::default() }
    }

    fn key(way: &Way) -> ConnectionKey {
        ConnectionKey {
            host: way.target.name.clone(),
            local: (way.target.connection == transport::ConnectionKind::Local)
                .then(|| way.target.local_folder.clone().unwrap_or_default()),
            entrance: way.target.entrance.clone(),
            carriage: way.target.carriage.as_ref().map(|carriage| carriage.identity().to_owned()),
            address: way.target.address.clone(),
            port: way.target.port,
            user: way.target.user.clone(),
        }
    }

    fn slot(&self, key: ConnectionKey) -> Slot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(open.entry(key).or_default())
    }

    async fn connection(&self, way: &Way) -> Result<Arc<Connection>, ReachError> {
        let key = Self::key(way);
        let slot = self.slot(key.clone());
        let connected = slot
            .get_or_init(|| async {
                self.connector.connect(&way.target).await.map(Arc::new).map_err(Arc::new)
            })
            .await;
        match connected {
            Ok(connection) => Ok(Arc::clone(connection)),
            Err(error) => {
                // The next task tries again.
                self.forget(&key, &slot);
                Err(ReachError::Connect(Arc::clone(error)))
            }
        }
    }

    fn forget(&self, key: &ConnectionKey, slot: &Slot) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(key).is_some_and(|current| Arc::ptr_eq(current, slot)) {
            open.remove(key);
        }
    }

    fn take(&self, host: Option<&str>) -> Vec<Slot> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let keys: Vec<ConnectionKey> =
            open.keys().filter(|key| host.is_none_or(|host| key.host == host)).cloned().collect();
        keys.iter().filter_map(|key| open.remove(key)).collect()
    }
}

async fn close_all(slots: Vec<Slot>) {
    let mut closing = tokio::task::JoinSet::new();
    for slot in slots {
        if let Some(Ok(connection)) = slot.get() {
            let connection = Arc::clone(connection);
            closing.spawn(async move { connection.close().await });
        }
    }
    closing.join_all().await;
}

impl Reach for Connections {
    fn call<'a>(
        &'a self,
        way: &'a Way,
        request: Request,
        files: &'a dyn Files,
        sink: Option<Sink>,
        sent: Option<Sent>,
    ) -> BoxFuture<'a, Result<Response, ReachError>> {
        Box::pin(async move {
            let connection = self.connection(way).await?;
            let remote = connection.remote(way.become_.as_ref()).await?;
            {
                let mut remotes = self.remotes.lock().unwrap_or_else(PoisonError::into_inner);
                if !remotes.iter().any(|known| known.as_ptr() == Arc::as_ptr(&remote)) {
                    remotes.push(Arc::downgrade(&remote));
                }
            }
            let result = remote.call_in_line(request, files, sink, sent).await;
            if matches!(result, Err(CallError::Lost { .. } | CallError::Carried { .. })) {
                let key = Self::key(way);
                let slot = self.slot(key.clone());
                self.forget(&key, &slot);
            }
            Ok(result?)
        })
    }

    fn afresh<'a>(
        &'a self,
        way: &'a Way,
        request: Request,
    ) -> BoxFuture<'a, Result<Response, ReachError>> {
        Box::pin(async move {
            let connection = self.connector.connect(&way.target).await?;
            let response = match connection.remote(way.become_.as_ref()).await {
                Ok(remote) => remote.call(request, &transport::NoFiles, None).await,
                Err(error) => {
                    connection.close().await;
                    return Err(error.into());
                }
            };
            connection.close().await;
            Ok(response?)
        })
    }

    fn raw<'a>(
        &'a self,
        way: &'a Way,
        command: &'a str,
        timeout: Option<Duration>,
    ) -> BoxFuture<'a, Result<RawOutput, ReachError>> {
        Box::pin(async move {
            let connection = self.connection(way).await?;
            Ok(connection.raw(command, way.become_.as_ref(), &[], timeout).await?)
        })
    }

    fn leave<'a>(&'a self, way: &'a Way, user: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let own = Self::key(way);
            let (mut theirs, mut others) = (Vec::new(), Vec::new());
            {
                let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
                let here: Vec<ConnectionKey> = open
                    .keys()
                    .filter(|key| {
                        key.local == own.local && key.address == own.address && key.port == own.port
                    })
                    .cloned()
                    .collect();
                for key in here {
                    if key.local.is_none() && key.user.as_deref() == Some(user) && key != own {
                        theirs.extend(open.remove(&key));
                    } else {
                        others.extend(open.get(&key).cloned());
                    }
                }
            }
            close_all(theirs).await;
            for slot in others {
                if let Some(Ok(connection)) = slot.get() {
                    connection.close_user(user).await;
                }
            }
        })
    }

    fn reset<'a>(&'a self, host: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(close_all(self.take(Some(host))))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(close_all(self.take(None)))
    }

    fn counters(&self) -> BoxFuture<'_, Counters> {
        Box::pin(async move {
            let remotes = self.remotes.lock().unwrap_or_else(PoisonError::into_inner);
            let mut total = Counters::default();
            for remote in remotes.iter().filter_map(std::sync::Weak::upgrade) {
                let counters = remote.counters();
                total.frames_sent += counters.frames_sent;
                total.bytes_sent += counters.bytes_sent;
                total.frames_received += counters.frames_received;
                total.bytes_received += counters.bytes_received;
                // Remotes work side by side.
                total.round_trips = total.round_trips.max(counters.round_trips);
            }
            total
        })
    }
}
