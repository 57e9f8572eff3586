//! What a host is sent beyond the task that it works on, under strategies in which hosts do not
//! wait for each other. What may be sent, and why it changes nothing, says [`crate::execute::ahead`].

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use inventory::HostName;
use plan::{Item, Key, Task};
use protocol::request::Chain;
use tokio::{sync::watch, task::JoinHandle};

use super::{Dispatcher, Strategy};
use crate::{
    TaskResult,
    cursor::{Cursor, Step},
    execute::{
        Executor,
        ahead::{Ahead, goes_ahead, lets_pass},
        line::Line,
    },
};

/// Tasks that are sent to a host beyond the one that it works on.
const TASKS_AHEAD_MAX: usize = 32;

/// Tasks of one host that are sent one behind the other.
pub(super) struct Series {
    line: Arc<Line>,
    chain: u64,
    /// Places in the chain that are taken.
    length: u64,
    /// Behind the last task that was sent.
    cursor: Cursor,
    last: Arc<Task>,
    /// The variables that the task whose turn it is sets.
    names: Vec<String>,
    sent: VecDeque<SentAhead>,
    /// Whether one of them was not run, and so none behind it.
    is_broken: Arc<AtomicBool>,
}

/// A task whose turn has not come.
pub(super) struct SentAhead {
    task: Arc<Task>,
    names: Vec<String>,
    turn: watch::Sender<bool>,
    result: Running,
    is_broken: Arc<AtomicBool>,
}

/// A task of the runtime that ends when nobody wants its result any more.
struct Running(JoinHandle<Option<TaskResult>>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SentAhead {
    /// Says that the turn of the task has come, and waits for what came of it. `None` where it was
    /// not run.
    pub(super) async fn result(mut self) -> Option<TaskResult> {
        self.turn.send_replace(true);
        let result = match (&mut self.result.0).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => None,
        };
        if result.is_none() {
            self.is_broken.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl Dispatcher {
    /// The task that a host begins with now, if it was sent before. What was sent behind another
    /// one than the host comes to is let go: it was not run.
    pub(super) fn take_sent(&mut self, index: usize, task: &Arc<Task>) -> Option<SentAhead> {
        let host = self.hosts.get_mut(index)?;
        let series = host.series.as_mut()?;
        let is_broken = series.is_broken.load(Ordering::Relaxed);
        match series.sent.pop_front().filter(|sent| sent.task.id == task.id && !is_broken) {
            Some(sent) => {
                series.names.clone_from(&sent.names);
                Some(sent)
            }
            None => {
                host.series = None;
                None
            }
        }
    }

    /// Whether the next task of a host has been sent, so that it runs whatever else ends the play.
    pub(super) fn is_sent(&self, index: usize, task: &Arc<Task>) -> bool {
        let series = self.hosts.get(index).and_then(|host| host.series.as_ref());
        let sent = series.and_then(|series| series.sent.front());
        sent.is_some_and(|sent| sent.task.id == task.id)
    }

    /// Begins a series with a task whose turn has come. `None` where nothing may follow it.
    pub(super) fn begin_series(&mut self, index: usize, task: &Arc<Task>) -> Option<Ahead> {
        static CHAINS: AtomicU64 = AtomicU64::new(1);
        if self.course.strategy == Strategy::Linear || !self.goes_ahead(task) {
            return None;
        }
        let names = self.names_set(index, task);
        let host = self.hosts.get_mut(index)?;
        let (line, chain) = (Line::new(), CHAINS.fetch_add(1, Ordering::Relaxed));
        let leading = Ahead::leading(line.join(), Chain { id: chain, position: 0 });
        host.series = Some(Series {
            line,
            chain,
            length: 1,
            cursor: host.cursor.clone(),
            last: Arc::clone(task),
            names,
            sent: VecDeque::new(),
            is_broken: Arc::default(),
        });
        Some(leading)
    }

    /// Sends a host what may be sent behind the task that it works on.
    pub(super) fn look_ahead(&mut self, index: usize) {
        let Some(host) = self.hosts.get_mut(index) else { return };
        let (Some(mut series), name) = (host.series.take(), host.name.clone()) else { return };
        while series.sent.len() < TASKS_AHEAD_MAX && !series.is_broken.load(Ordering::Relaxed) {
            let Some(task) = self.next_ahead(index, &mut series, &name) else { break };
            let executor = Arc::clone(&self.executor);
            series.push(task, self.names_set(index, &series.last), executor, name.clone());
        }
        if let Some(host) = self.hosts.get_mut(index) {
            host.series = Some(series);
        }
    }

    /// The task behind the last one of a series, if it may be sent.
    fn next_ahead(&self, index: usize, series: &mut Series, host: &HostName) -> Option<Arc<Task>> {
        let is_handler = |name: &str| self.handlers.names().contains(&name);
        if !lets_pass(&series.last, &is_handler) {
            return None;
        }
        let mut cursor = series.cursor.clone();
        loop {
            let Step::Task { task, is_handler: false, .. } = cursor.peek(&|_| false) else {
                return None;
            };
            cursor.advance();
            if task.does(&["meta"]) || !self.goes_ahead(&task) {
                return None;
            }
            if self.is_chosen(&task, index) && !self.skips_role(&task, host) {
                series.cursor = cursor;
                series.last = Arc::clone(&task);
                return Some(task);
            }
        }
    }

    fn goes_ahead(&self, task: &Task) -> bool {
        self.sends_ahead && goes_ahead(task, &*self.executor.specs, &self.context.settings)
    }

    /// The variables that a task sets.
    fn names_set(&self, index: usize, task: &Arc<Task>) -> Vec<String> {
        let Some(host) = self.hosts.get(index).filter(|_| task.register.is_some()) else {
            return Vec::new();
        };
        let scope = self.context.scope(&host.name, Some(task));
        self.executor.register_name(task, &scope).into_iter().collect()
    }
}

/// Whether a failure in a block, or what it includes so far, may end other hosts. What those had
/// been sent would have run, and nobody would be told.
pub(super) fn may_end_others(items: &[Item]) -> bool {
    items.iter().any(|item| match item {
        Item::Task(task) => task.setting(Key::AnyErrorsFatal).is_some(),
        Item::Block(block) => {
            [&block.body, &block.rescue, &block.always].into_iter().any(|part| may_end_others(part))
        }
    })
}

impl Series {
    fn push(
        &mut self,
        task: Arc<Task>,
        names: Vec<String>,
        executor: Arc<Executor>,
        host: HostName,
    ) {
        let before = self.sent.iter().flat_map(|sent| &sent.names).chain(&self.names);
        let before: HashSet<String> = before.cloned().collect();
        let chain = Chain { id: self.chain, position: self.length };
        self.length += 1;
        let (ahead, turn) = Ahead::new(self.line.join(), chain, before);
        let own = Arc::clone(&task);
        let result = tokio::spawn(async move { executor.execute_ahead(ahead, &own, &host).await });
        let is_broken = Arc::clone(&self.is_broken);
        self.sent.push_back(SentAhead { task, names, turn, result: Running(result), is_broken });
    }
}
