//! One play over one batch of hosts: who starts what next, and what follows from each result.
//!
//! The linear strategy starts a task on the hosts that are furthest behind and waits for all of
//! them; `free` and `host_pinned` let each host go on as soon as it can.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use inventory::HostName;
use plan::{Block, Item, Key, Task, TaskId};
use template::Scope;
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Event, Includes, Statistics, TaskResult, cursor::Cursor, execute::Executor, handlers::Handlers,
    scope::PlayContext,
};

mod debugging;
mod inclusions;
mod look_ahead;
mod meta;
mod orders;
mod outcomes;
mod strategy;
mod turns;

pub use strategy::{FREE_COUNTS_NOBODY, Named, STRATEGIES, Strategy};

/// How a batch is gone through.
pub struct Course {
    pub strategy: Strategy,
    /// All that the hosts go through.
    pub root: Arc<Block>,
    /// `max_fail_percentage` of the play.
    pub max_fail_percentage: Option<f64>,
    pub force_handlers: bool,
    /// `--start-at-task` is still looking.
    pub waits_for_start: bool,
}

/// How a batch ended.
#[derive(Debug, Default)]
pub struct BatchEnd {
    pub statistics: Statistics,
    /// `--start-at-task` has not found its task.
    pub waits_for_start: bool,
    /// Hosts that have failed, rescued ones not among them.
    pub failed: Vec<HostName>,
    pub unreachable: Vec<HostName>,
    /// `meta: end_play`, or too many failures.
    pub ends_play: bool,
    /// The operator has ended the run.
    pub is_interrupted: bool,
    /// A failure that ends the run: `any_errors_fatal`, `max_fail_percentage`.
    pub is_fatal: bool,
    /// A mistake that ends the run: a handler that is notified and not there.
    pub mistake: Option<String>,
}

/// A host in the play.
struct HostRun {
    name: HostName,
    cursor: Cursor,
    is_unreachable: bool,
    is_ended: bool,
    is_busy: bool,
    /// Whether a failure has taken it out of the play's hosts.
    is_removed: bool,
    /// What it has been sent beyond the task that it works on.
    series: Option<look_ahead::Series>,
}

/// Runs one batch.
pub struct Dispatcher {
    executor: Arc<Executor>,
    context: Arc<PlayContext>,
    includes: Arc<dyn Includes>,
    course: Course,
    hosts: Vec<HostRun>,
    handlers: Handlers,
    throttles: HashMap<TaskId, Arc<Semaphore>>,
    /// Tasks that wait for one of the forks, in the order of their hosts.
    waiting: VecDeque<(usize, Arc<Task>)>,
    /// What ended without having to wait for anything.
    at_once: Vec<Finished>,
    /// The task that was announced last.
    announced: Option<TaskId>,
    /// The task that the operator did not want last (`--step`).
    declined: Option<TaskId>,
    /// What was compiled for an include, so that hosts share it.
    compiled: HashMap<(TaskId, String), Compiled>,
    sequence: u64,
    end: BatchEnd,
    /// Roles that are done, by host.
    completed_roles: HashSet<(HostName, String)>,
    /// Roles of which a task has run, by host.
    entered_roles: HashSet<(HostName, String)>,
    reach: Arc<dyn crate::Reach>,
    step: Option<StepDecision>,
    /// Whether hosts may be sent tasks before their turn has come.
    sends_ahead: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepDecision {
    Ask,
    Continue,
}

type Finished = (usize, Arc<Task>, TaskResult);

/// The scope of a task on a host, made where something asks for it.
type LazyScope<'a> = LazyCell<Scope, Box<dyn FnOnce() -> Scope + 'a>>;

/// What an include has come to: a block and the number that orders it, or what is wrong with it.
type Compiled = Result<(u64, Arc<Block>), crate::IncludeError>;

impl Dispatcher {
    /// Prepares a batch; nothing runs yet.
    pub fn new(executor: Arc<Executor>, includes: Arc<dyn Includes>, course: Course) -> Self {
        let context = Arc::clone(&executor.context);
        let hosts = context
            .batch
            .iter()
            .map(|name| HostRun {
                name: name.clone(),
                cursor: Cursor::new(Arc::clone(&course.root)),
                is_unreachable: false,
                is_ended: false,
                is_busy: false,
                is_removed: false,
                series: None,
            })
            .collect();
        let step = context.settings.step.then_some(StepDecision::Ask);
        let sends_ahead = !look_ahead::may_end_others(&[Item::Block(Arc::clone(&course.root))])
            && !look_ahead::may_end_others(&context.play.handlers);
        let end = BatchEnd { waits_for_start: course.waits_for_start, ..BatchEnd::default() };
        let mut dispatcher = Self {
            reach: Arc::clone(&executor.reach),
            executor,
            includes,
            course,
            hosts,
            handlers: Handlers::default(),
            throttles: HashMap::new(),
            waiting: VecDeque::new(),
            at_once: Vec::new(),
            announced: None,
            declined: None,
            compiled: HashMap::new(),
            sequence: 0,
            end,
            completed_roles: HashSet::new(),
            entered_roles: HashSet::new(),
            context,
            step,
            sends_ahead,
        };
        let handlers = dispatcher.context.play.handlers.clone();
        dispatcher.add_handlers(&handlers);
        dispatcher
    }

    /// Runs the batch to its end.
    pub async fn run(mut self) -> BatchEnd {
        let mut running: JoinSet<Finished> = JoinSet::new();
        loop {
            self.start(&mut running).await;
            self.spawn_waiting(&mut running);
            let mut results = std::mem::take(&mut self.at_once);
            let mut finished = Vec::new();
            if results.is_empty() {
                let Some(first) = running.join_next().await else { break };
                finished.push(first);
                self.spawn_waiting(&mut running);
            }
            if self.course.strategy == Strategy::Linear {
                while let Some(more) = running.join_next().await {
                    finished.push(more);
                    self.spawn_waiting(&mut running);
                }
                results.append(&mut self.at_once);
            }
            for joined in finished {
                match joined {
                    Ok(result) => results.push(result),
                    Err(error) => self.say_bug(&error),
                }
            }
            results.sort_by_key(|(host, ..)| *host);
            self.settle(results).await;
        }
        self.end.failed.sort();
        self.end.failed.dedup();
        self.end
    }

    fn say_bug(&mut self, error: &dyn std::fmt::Display) {
        let message = format!("a task ended by a bug of Trueup: {error}");
        let _ = self.executor.events.send(Event::Warning { message });
        for host in self.hosts.iter_mut().filter(|host| host.is_busy) {
            host.is_busy = false;
            host.cursor.advance();
            host.cursor.fail();
            self.end.failed.push(host.name.clone());
            self.end.statistics.of(&host.name).failed += 1;
        }
    }

    fn runs_once(&self, task: &Arc<Task>, host: usize) -> bool {
        if task.does(&["meta"]) && self.course.strategy == Strategy::Linear {
            return meta::concerns_all(task);
        }
        let plugin = self.executor.specs.action(&task.action.name);
        if plugin.is_some_and(|plugin| plugin.bypasses_host_loop()) {
            return true;
        }
        // They are about the run: one host stands for all, whatever the task says.
        if task.does(&["add_host", "pause"]) && self.course.strategy == Strategy::Linear {
            return true;
        }
        self.says_once(task, host)
    }

    /// Whether `run_once` is said of a task.
    fn says_once(&self, task: &Arc<Task>, host: usize) -> bool {
        self.says(Key::RunOnce, task, host).unwrap_or(false)
    }

    /// What a keyword that is true or false says of a task on a host.
    fn says(&self, key: Key, task: &Arc<Task>, host: usize) -> Option<bool> {
        let setting = task.setting(key)?;
        let host = self.hosts.get(host)?;
        let scope = self.context.scope(&host.name, Some(task));
        setting.tree.evaluate(&scope).ok().and_then(|value| crate::truth(&value))
    }
}
