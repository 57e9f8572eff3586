//! What a run tells whoever watches: the report, the history, a test.

use std::sync::Arc;

use inventory::HostName;
use plan::{Play, Task};
use protocol::Json;

use crate::{Statistics, TaskResult};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    RunStarted {
        /// Paths as they were given, and how many plays each has.
        playbooks: Vec<(String, usize)>,
        /// All of them, in order.
        plays: Vec<Arc<Play>>,
    },
    PlayStarted {
        play: Arc<Play>,
        name: String,
        hosts: Vec<HostName>,
    },
    /// The operator is about to be asked for a variable.
    Prompted {
        prompt: Box<plan::Prompt>,
        text: Option<String>,
        default: Option<String>,
    },
    /// A play whose pattern matches no host.
    NoHostsMatched {
        play: Arc<Play>,
        name: String,
    },
    /// All hosts of the play have failed, and the run ends.
    NoHostsRemaining,
    /// The first host starts a task.
    TaskStarted {
        task: Arc<Task>,
        name: String,
        check: bool,
    },
    HandlerStarted {
        task: Arc<Task>,
        name: String,
    },
    /// A task is being worked on by a host.
    HostStarted {
        task: Arc<Task>,
        host: HostName,
    },
    /// One item of a loop has ended.
    Item(Box<ItemEvent>),
    /// A task failed and is tried again.
    Retrying {
        host: HostName,
        task: Arc<Task>,
        name: String,
        left: u64,
        result: Box<TaskResult>,
    },
    /// A job that a task waits for has been looked at.
    JobPolled {
        host: HostName,
        task: Arc<Task>,
        job: String,
        started: u64,
        finished: u64,
    },
    /// A job that a task waits for has ended, or its time is up.
    JobEnded {
        host: HostName,
        task: Arc<Task>,
        job: String,
        failed: bool,
    },
    /// A task has ended on a host.
    HostEnded {
        host: HostName,
        task: Arc<Task>,
        result: Box<TaskResult>,
        ignored: bool,
    },
    /// A host is about to include something: its task went well so far.
    Including {
        host: HostName,
        task: Arc<Task>,
    },
    /// Hosts include a file.
    Included {
        task: Arc<Task>,
        file: String,
        hosts: Vec<HostName>,
        label: Option<String>,
    },
    /// A handler will run on a host.
    Notified {
        handler: Arc<Task>,
        host: HostName,
    },
    /// A handler that was notified is not there, a pattern that matches nothing, …
    Warning {
        message: String,
    },
    /// `set_stats`.
    Statistic {
        name: String,
        value: Json,
        host: Option<HostName>,
        aggregate: bool,
    },
    /// Something that the user asked to be shown as it is.
    Said {
        message: String,
    },
    /// A role that is included is not there: told beside the failure of its task.
    Mistake {
        message: String,
    },
    /// What is done on a connection, for those who ask for that much.
    Detail {
        message: String,
    },
    /// Someone waits until all that came before has been shown.
    Flush {
        done: std::sync::mpsc::Sender<()>,
    },
    RunEnded {
        statistics: Box<Statistics>,
    },
}

/// One item of a loop on one host.
#[derive(Clone, Debug)]
pub struct ItemEvent {
    pub host: HostName,
    pub task: Arc<Task>,
    /// The item, or what `label` says.
    pub label: Json,
    pub result: TaskResult,
    pub ignored: bool,
}

/// Takes events, in the order in which they happened.
pub type EventSink = tokio::sync::mpsc::UnboundedSender<Event>;
