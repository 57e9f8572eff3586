//! One play over one batch of hosts: who starts what next, and what follows from each result.
//!
//! The linear strategy starts a task on the hosts that are furthest behind and waits for all of
//! them; `free` and `host_pinned` let each host go on as soon as it can.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, PoisonError},
};

use indexmap::IndexMap;
use inventory::HostName;
use plan::{Block, Frame, FrameKind, Item, Key, Layer, Task, TaskId};
use protocol::Json;
use template::{Tree, Value};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Event, Includes, Statistics, TaskResult,
    cursor::{Cursor, Step},
    execute::Executor,
    handlers::Handlers,
    outcome::RunOrder,
    scope::PlayContext,
};

/// Which hosts may go on while others still work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    Linear,
    Free,
    HostPinned,
}

impl Strategy {
    /// The strategy of a name, with or without a collection.
    pub fn parse(name: &str) -> Option<Self> {
        match name.rsplit('.').next()? {
            "linear" => Some(Strategy::Linear),
            "free" => Some(Strategy::Free),
            "host_pinned" => Some(Strategy::HostPinned),
            _ => None,
        }
    }
}

/// How a batch ended.
#[derive(Clone, Debug, Default)]
pub struct BatchEnd {
    /// Hosts that have failed, rescued ones not among them.
    pub failed: Vec<HostName>,
    pub unreachable: Vec<HostName>,
    /// `meta: end_play`, or too many failures.
    pub ends_play: bool,
    /// A failure that ends the run: `any_errors_fatal`, `max_fail_percentage`.
    pub is_fatal: bool,
}

/// A host in the play.
struct HostRun {
    name: HostName,
    cursor: Cursor,
    is_unreachable: bool,
    is_ended: bool,
    is_busy: bool,
}

/// Runs one batch.
pub struct Dispatcher {
    executor: Arc<Executor>,
    context: Arc<PlayContext>,
    includes: Arc<dyn Includes>,
    strategy: Strategy,
    hosts: Vec<HostRun>,
    handlers: Handlers,
    throttles: HashMap<TaskId, Arc<Semaphore>>,
    statistics: Statistics,
    /// Tasks that wait for one of the forks, in the order of their hosts.
    waiting: VecDeque<(usize, Arc<Task>)>,
    /// The task that was announced last.
    announced: Option<TaskId>,
    /// What was compiled for an include, so that hosts share it.
    compiled: HashMap<(TaskId, String), Compiled>,
    sequence: u64,
    end: BatchEnd,
    /// `--start-at-task` is still looking.
    is_waiting_for_start: bool,
    max_fail_percentage: Option<f64>,
    /// Roles that are done, by host.
    completed_roles: HashSet<(HostName, String)>,
    /// Roles of which a task has run, by host.
    entered_roles: HashSet<(HostName, String)>,
    reach: Arc<dyn crate::Reach>,
    force_handlers: bool,
    step: Option<StepDecision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepDecision {
    Ask,
    Continue,
}

type Finished = (usize, Arc<Task>, TaskResult);

/// What an include has come to: a block and the number that orders it, or what is wrong with it.
type Compiled = Result<(u64, Arc<Block>), String>;

impl Dispatcher {
    /// Prepares a batch; nothing runs yet. `root` is all that the hosts go through.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        executor: Arc<Executor>,
        includes: Arc<dyn Includes>,
        strategy: Strategy,
        root: Arc<Block>,
        max_fail_percentage: Option<f64>,
        force_handlers: bool,
        completed_roles: HashSet<(HostName, String)>,
        is_waiting_for_start: bool,
    ) -> Self {
        let context = Arc::clone(&executor.context);
        let hosts = context
            .batch
            .iter()
            .map(|name| HostRun {
                name: name.clone(),
                cursor: Cursor::new(Arc::clone(&root)),
                is_unreachable: false,
                is_ended: false,
                is_busy: false,
            })
            .collect();
        let step = context.settings.step.then_some(StepDecision::Ask);
        let mut dispatcher = Self {
            reach: Arc::clone(&executor.reach),
            executor,
            includes,
            strategy,
            hosts,
            handlers: Handlers::default(),
            throttles: HashMap::new(),
            statistics: Statistics::default(),
            waiting: VecDeque::new(),
            announced: None,
            compiled: HashMap::new(),
            sequence: 0,
            end: BatchEnd::default(),
            is_waiting_for_start,
            max_fail_percentage,
            completed_roles,
            entered_roles: HashSet::new(),
            force_handlers,
            context,
            step,
        };
        let handlers = dispatcher.context.play.handlers.clone();
        dispatcher.add_handlers(&handlers);
        dispatcher
    }

    /// Runs the batch to its end.
    pub async fn run(mut self) -> (BatchEnd, Statistics, HashSet<(HostName, String)>, bool) {
        let mut running: JoinSet<Finished> = JoinSet::new();
        loop {
            self.start(&mut running).await;
            let Some(finished) = running.join_next().await else { break };
            let mut finished = vec![finished];
            self.spawn_waiting(&mut running);
            if self.strategy == Strategy::Linear {
                while let Some(more) = running.join_next().await {
                    finished.push(more);
                    self.spawn_waiting(&mut running);
                }
            }
            let mut results: Vec<Finished> = Vec::new();
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
        (self.end, self.statistics, self.completed_roles, self.is_waiting_for_start)
    }

    fn say_bug(&mut self, error: &tokio::task::JoinError) {
        let message = format!("a task ended by a bug of Trueup: {error}");
        let _ = self.executor.events.send(Event::Warning { message });
        for host in self.hosts.iter_mut().filter(|host| host.is_busy) {
            host.is_busy = false;
            host.cursor.advance();
            host.cursor.fail();
            self.end.failed.push(host.name.clone());
            self.statistics.of(&host.name).failed += 1;
        }
    }

    /// Starts all that may start now. Tasks of the run itself (`meta`) are done here.
    async fn start(&mut self, running: &mut JoinSet<Finished>) {
        loop {
            if self.end.ends_play {
                return;
            }
            let mut ready = self.ready();
            if ready.is_empty() {
                return;
            }
            if self.strategy == Strategy::Linear {
                if self.hosts.iter().any(|host| host.is_busy) {
                    return;
                }
                let Some(first) = ready.iter().map(|(_, _, position, _)| position).min().cloned()
                else {
                    return;
                };
                ready.retain(|(_, _, position, _)| *position == first);
            }
            let mut has_started = false;
            let runs_once =
                ready.first().is_some_and(|(host, task, ..)| self.runs_once(task, *host));
            if runs_once && self.strategy == Strategy::Linear {
                let others: Vec<usize> = ready.iter().skip(1).map(|(host, ..)| *host).collect();
                if self.pass_by_tags(&ready) {
                    continue;
                }
                for host in others {
                    if let Some(host) = self.hosts.get_mut(host) {
                        host.cursor.advance();
                    }
                }
                ready.truncate(1);
            }
            for (index, task, _, is_handler) in ready {
                if self.end.ends_play {
                    return;
                }
                has_started |= self.start_on(index, &task, is_handler, running).await;
            }
            if has_started || self.strategy != Strategy::Linear && !running.is_empty() {
                return;
            }
        }
    }

    /// The next task of every host that can take one.
    fn ready(&mut self) -> Vec<(usize, Arc<Task>, crate::cursor::Position, bool)> {
        let handlers = &self.handlers;
        let mut ready = Vec::new();
        for (index, host) in self.hosts.iter_mut().enumerate() {
            if host.is_busy || host.is_ended || host.is_unreachable {
                continue;
            }
            let name = host.name.clone();
            match host.cursor.peek(&|task| handlers.is_notified(task.id, &name)) {
                Step::Task { task, position, is_handler } => {
                    ready.push((index, task, position, is_handler));
                }
                Step::Done => host.is_ended = true,
            }
        }
        ready
    }

    fn runs_once(&self, task: &Arc<Task>, host: usize) -> bool {
        let Some(setting) = task.setting(Key::RunOnce) else { return false };
        let Some(host) = self.hosts.get(host) else { return false };
        let scope = self.context.scope(&host.name, Some(task));
        setting.tree.evaluate(&scope).ok().and_then(|value| crate::truth(&value)).unwrap_or(false)
    }

    /// Goes past a task that the run's tags do not choose, on all hosts at once.
    fn pass_by_tags(
        &mut self,
        ready: &[(usize, Arc<Task>, crate::cursor::Position, bool)],
    ) -> bool {
        let Some((host, task, ..)) = ready.first() else { return false };
        if self.is_chosen(task, *host) {
            return false;
        }
        for (host, ..) in ready {
            if let Some(host) = self.hosts.get_mut(*host) {
                host.cursor.advance();
            }
        }
        true
    }

    /// Whether tags and `--start-at-task` let a task run on a host.
    fn is_chosen(&self, task: &Arc<Task>, host: usize) -> bool {
        if task.is_handler {
            return true;
        }
        if task.is_implicit && task.does(&["meta"]) {
            return true;
        }
        let settings = &self.context.settings;
        let Some(host) = self.hosts.get(host) else { return false };
        let tags = render_tags(task, || self.context.scope(&host.name, Some(task)));
        let implicit_always = task.is_implicit && tags.is_empty();
        implicit_always || crate::tags::is_chosen(&tags, &settings.tags, &settings.skip_tags)
    }

    /// Starts a task on a host, or goes past it. Returns whether something was started.
    async fn start_on(
        &mut self,
        index: usize,
        task: &Arc<Task>,
        is_handler: bool,
        running: &mut JoinSet<Finished>,
    ) -> bool {
        let Some(host) = self.hosts.get_mut(index) else { return false };
        host.cursor.advance();
        let name = host.name.clone();
        if !self.is_chosen(task, index) || self.skips_role(task, &name) {
            return false;
        }
        if self.is_waiting_for_start && !task.is_implicit {
            if !self.is_start(task, &name) {
                return false;
            }
            self.is_waiting_for_start = false;
        } else if self.is_waiting_for_start && task.does(&["meta"]) {
            return false;
        }
        if task.does(&["meta"]) {
            self.meta(index, task).await;
            return false;
        }
        if let Some(role) = task.role() {
            self.entered_roles.insert((name.clone(), role.identity.clone()));
        }
        if is_handler && task.is_handler {
            self.handlers.done(task.id, &name);
        }
        if !self.announce(task, &name, is_handler) {
            return false;
        }
        if let Some(host) = self.hosts.get_mut(index) {
            host.is_busy = true;
        }
        self.waiting.push_back((index, Arc::clone(task)));
        self.spawn_waiting(running);
        true
    }

    /// Starts what waits, as far as there are forks.
    fn spawn_waiting(&mut self, running: &mut JoinSet<Finished>) {
        while running.len() < self.context.settings.forks.max(1) {
            let Some((index, task)) = self.waiting.pop_front() else { return };
            let Some(name) = self.hosts.get(index).map(|host| host.name.clone()) else { continue };
            let executor = Arc::clone(&self.executor);
            let throttle = self.throttle(&task, &name);
            let _ = self
                .executor
                .events
                .send(Event::HostStarted { task: Arc::clone(&task), host: name.clone() });
            running.spawn(async move {
                let _throttled = match &throttle {
                    Some(throttle) => throttle.acquire().await.ok(),
                    None => None,
                };
                let result = executor.execute(&task, &name).await;
                (index, task, result)
            });
        }
    }

    /// A role that has run on a host runs again only if it allows that.
    fn skips_role(&self, task: &Arc<Task>, host: &HostName) -> bool {
        task.parent.roles().any(|role| {
            !role.allow_duplicates
                && self.completed_roles.contains(&(host.clone(), role.identity.clone()))
                && !task.is_handler
        })
    }

    fn is_start(&self, task: &Arc<Task>, host: &HostName) -> bool {
        let Some(wanted) = &self.context.settings.start_at_task else { return true };
        let scope = self.context.scope(host, Some(task));
        let name = self.executor.name_of(task, &scope);
        let full = task.role().map(|role| format!("{} : {name}", role.full_name()));
        let fits = |name: &str| name == wanted || inventory::pattern::fnmatch(wanted, name);
        fits(&name) || full.is_some_and(|full| fits(&full))
    }

    fn throttle(&mut self, task: &Arc<Task>, host: &HostName) -> Option<Arc<Semaphore>> {
        let setting = task.setting(Key::Throttle)?;
        let scope = self.context.scope(host, Some(task));
        let value = setting.tree.evaluate(&scope).ok()?;
        let count = value.as_int().or_else(|| value.to_string().trim().parse().ok())?;
        let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
        Some(Arc::clone(
            self.throttles.entry(task.id).or_insert_with(|| Arc::new(Semaphore::new(count))),
        ))
    }

    /// Tells that a task starts, once for all hosts. `false` where the operator does not want it.
    fn announce(&mut self, task: &Arc<Task>, host: &HostName, is_handler: bool) -> bool {
        if self.announced == Some(task.id) {
            return true;
        }
        self.announced = Some(task.id);
        let scope = self.context.scope(host, Some(task));
        let name = self.executor.name_of(task, &scope);
        if self.step == Some(StepDecision::Ask) {
            match ask_step(&name) {
                StepAnswer::Yes => {}
                StepAnswer::No => return false,
                StepAnswer::Continue => self.step = Some(StepDecision::Continue),
            }
        }
        let event = if is_handler && task.is_handler {
            Event::HandlerStarted { task: Arc::clone(task), name }
        } else {
            Event::TaskStarted { task: Arc::clone(task), name, check: self.context.settings.check }
        };
        let _ = self.executor.events.send(event);
        true
    }

    /// Works through results: what they mean for hosts, variables, handlers and the play.
    async fn settle(&mut self, results: Vec<Finished>) {
        let mut includes: Vec<(usize, Arc<Task>, TaskResult)> = Vec::new();
        let mut failed_now = Vec::new();
        for (index, task, result) in results {
            let Some(host) = self.hosts.get_mut(index) else { continue };
            host.is_busy = false;
            let name = host.name.clone();
            let scope = self.context.scope(&name, Some(&task));
            let ignored_unreachable =
                result.unreachable && self.executor.ignores_unreachable(&task, &scope);
            let ignored =
                result.failed && self.executor.ignores_errors(&task, &scope) || ignored_unreachable;
            self.keep(&task, &name, &result, &scope);
            let is_include = task.does(&["include_tasks", "include_role"]);
            let speaks = !(is_include && !result.failed && !result.skipped);
            if speaks {
                let _ = self.executor.events.send(Event::HostEnded {
                    host: name.clone(),
                    task: Arc::clone(&task),
                    result: Box::new(result.clone()),
                    ignored,
                });
            }
            self.count(&name, &result, ignored);
            if result.unreachable && !ignored_unreachable {
                self.end.unreachable.push(name.clone());
                if let Some(host) = self.hosts.get_mut(index) {
                    host.is_unreachable = true;
                }
                self.deactivate(&name);
                failed_now.push((index, Arc::clone(&task)));
            } else if result.failed && !ignored {
                failed_now.push((index, Arc::clone(&task)));
                self.fail_host(index, &task, &result);
                if self.runs_once(&task, index) && self.strategy == Strategy::Linear {
                    self.fail_others(index, &task, &result);
                }
            } else {
                self.notify(&name, &task, &result);
            }
            if is_include && !result.failed {
                includes.push((index, task, result));
            }
        }
        self.include_all(includes);
        self.judge_failures(&failed_now);
    }

    /// A task that runs once fails for all hosts that would have taken it.
    fn fail_others(&mut self, index: usize, task: &Arc<Task>, result: &TaskResult) {
        let others: Vec<usize> = (0..self.hosts.len())
            .filter(|other| *other != index)
            .filter(|other| {
                self.hosts.get(*other).is_some_and(|host| !host.is_ended && !host.is_unreachable)
            })
            .collect();
        for other in others {
            self.fail_host(other, task, result);
        }
    }

    fn fail_host(&mut self, index: usize, task: &Arc<Task>, result: &TaskResult) {
        let Some(host) = self.hosts.get_mut(index) else { return };
        let name = host.name.clone();
        let is_rescued = host.cursor.fail();
        if is_rescued {
            let failed_task = failed_task(task);
            self.context.store.set(&name, "ansible_failed_task", failed_task);
            self.context.store.set(&name, "ansible_failed_result", result.registered());
            let counts = self.statistics.of(&name);
            counts.failed = counts.failed.saturating_sub(1);
            counts.rescued += 1;
        } else if host.cursor.has_failed() {
            self.end.failed.push(name.clone());
            self.deactivate(&name);
            if self.force_handlers && self.handlers.has_pending(&name) {
                self.flush(index);
                if let Some(host) = self.hosts.get_mut(index) {
                    host.is_ended = false;
                }
            }
        }
    }

    fn deactivate(&self, host: &HostName) {
        let mut active = self.context.active.write().unwrap_or_else(PoisonError::into_inner);
        active.retain(|other| other != host);
    }

    /// Whether failures end the play for everyone.
    fn judge_failures(&mut self, failed_now: &[(usize, Arc<Task>)]) {
        if failed_now.is_empty() {
            return;
        }
        let is_fatal = failed_now.iter().any(|(index, task)| {
            let Some(host) = self.hosts.get(*index) else { return false };
            let scope = self.context.scope(&host.name, Some(task));
            let said = task
                .setting(Key::AnyErrorsFatal)
                .and_then(|setting| setting.tree.evaluate(&scope).ok())
                .and_then(|value| crate::truth(&value));
            said.unwrap_or(self.context.settings.any_errors_fatal)
        });
        if is_fatal {
            // Hosts in a block with a rescue go there; all others are out.
            let working: Vec<usize> = (0..self.hosts.len())
                .filter(|index| !failed_now.iter().any(|(failed, _)| failed == index))
                .filter(|index| {
                    self.hosts.get(*index).is_some_and(|host| {
                        !host.is_ended && !host.is_unreachable && !host.cursor.is_handling_failure()
                    })
                })
                .collect();
            for index in working {
                if let Some(host) = self.hosts.get_mut(index) {
                    let is_rescued = host.cursor.fail();
                    let name = host.name.clone();
                    if !is_rescued && host.cursor.has_failed() {
                        self.end.failed.push(name.clone());
                        self.deactivate(&name);
                    }
                }
            }
            let lost = self.hosts.iter().any(|h| h.cursor.has_failed() || h.is_unreachable);
            self.end.is_fatal |= lost;
        }
        if let Some(percentage) = self.max_fail_percentage {
            let lost = self
                .hosts
                .iter()
                .filter(|host| host.cursor.has_failed() || host.is_unreachable)
                .count();
            if lost > 0 && lost as f64 / self.hosts.len().max(1) as f64 > percentage / 100.0 {
                self.end.is_fatal = true;
                self.end.ends_play = true;
                let _ = self.executor.events.send(Event::NoHostsRemaining);
            }
        }
    }

    fn count(&mut self, host: &HostName, result: &TaskResult, ignored: bool) {
        let counts = self.statistics.of(host);
        if result.unreachable {
            counts.unreachable += 1;
            if ignored {
                counts.skipped += 1;
                counts.ignored += 1;
                counts.unreachable -= 1;
            }
        } else if result.failed {
            if ignored {
                counts.ok += 1;
                counts.ignored += 1;
                counts.changed += u64::from(result.changed);
            } else {
                counts.failed += 1;
            }
        } else if result.skipped {
            counts.skipped += 1;
        } else {
            // Each item of an include that runs counts for itself.
            let includes =
                result.items.iter().filter(|item| !item.orders.is_empty() && !item.skipped);
            let is_include = result
                .orders
                .iter()
                .any(|order| matches!(order, RunOrder::IncludeTasks(_) | RunOrder::IncludeRole(_)));
            counts.ok += if is_include { (includes.count() as u64).max(1) } else { 1 };
            counts.changed += u64::from(result.changed);
        }
    }

    /// Keeps what a result brings: registered, facts, variables, hosts and groups.
    fn keep(
        &mut self,
        task: &Arc<Task>,
        host: &HostName,
        result: &TaskResult,
        scope: &template::Scope,
    ) {
        let runs_once = task.setting(Key::RunOnce).is_some_and(|setting| {
            setting.tree.evaluate(scope).ok().and_then(|v| crate::truth(&v)).unwrap_or(false)
        });
        let hosts: Vec<HostName> = if runs_once && self.strategy == Strategy::Linear {
            self.hosts.iter().filter(|h| !h.is_unreachable).map(|h| h.name.clone()).collect()
        } else {
            vec![host.clone()]
        };
        let store = Arc::clone(&self.context.store);
        let delegates_facts = task
            .setting(Key::DelegateFacts)
            .and_then(|setting| setting.tree.evaluate(scope).ok())
            .and_then(|value| crate::truth(&value))
            .unwrap_or(false);
        let fact_hosts: Vec<HostName> = match (&result.delegated_to, delegates_facts) {
            (Some(delegate), true) => vec![HostName::from(delegate.as_str())],
            _ => hosts.clone(),
        };
        for host in &fact_hosts {
            store.add_facts(host, &result.facts);
            for (name, value) in &result.variables {
                store.set(host, name, value.clone());
            }
        }
        for order in &result.orders {
            self.obey(order, host, &fact_hosts);
        }
        if let Some(name) = self.executor.register_name(task, scope) {
            let is_include = task.does(&["include_tasks", "include_role"]);
            if !is_include || result.skipped || result.failed {
                let value = result.registered();
                for host in &hosts {
                    store.set(host, &name, value.clone());
                }
            }
        }
    }

    fn obey(&mut self, order: &RunOrder, host: &HostName, fact_hosts: &[HostName]) {
        let store = &self.context.store;
        match order {
            RunOrder::AddHost { name, groups, vars } => {
                store.change_inventory(|inventory| {
                    let host = inventory.add_host(name);
                    for (variable, value) in vars {
                        let tree = Tree::Value(Value::from_json(value));
                        host.vars.insert(variable.as_str().into(), tree);
                    }
                    for group in groups {
                        inventory.add_host_to_group(name, group);
                    }
                    inventory.reconcile();
                });
            }
            RunOrder::GroupBy { group, parents } => {
                let failed = store.change_inventory(|inventory| {
                    inventory.add_group(group);
                    let failed =
                        parents.iter().find_map(|parent| inventory.add_child(parent, group).err());
                    inventory.add_host_to_group(host.as_str(), group);
                    inventory.reconcile();
                    failed
                });
                if let Some(error) = failed {
                    let _ =
                        self.executor.events.send(Event::Warning { message: error.to_string() });
                }
            }
            RunOrder::IncludeVars { name, vars } => {
                let vars = vars.iter().map(|(name, var)| (name.clone(), var.0.clone()));
                for host in fact_hosts {
                    match name {
                        None => store.include(host, vars.clone()),
                        Some(name) => {
                            let entries = vars
                                .clone()
                                .map(|(key, tree)| (Tree::Value(Value::from(key.as_str())), tree))
                                .collect();
                            store.include(host, [(name.clone(), Tree::dict(entries))]);
                        }
                    }
                }
            }
            RunOrder::CacheFacts { facts } => {
                for host in fact_hosts {
                    store.add_facts(host, facts);
                }
            }
            RunOrder::Statistic { name, value, per_host, aggregate } => {
                let _ = self.executor.events.send(Event::Statistic {
                    name: name.clone(),
                    value: value.clone(),
                    host: per_host.then(|| host.clone()),
                    aggregate: *aggregate,
                });
            }
            RunOrder::IncludeTasks(_) | RunOrder::IncludeRole(_) => {}
        }
    }

    fn notify(&mut self, host: &HostName, task: &Arc<Task>, result: &TaskResult) {
        let hosts: Vec<HostName> = if task.setting(Key::RunOnce).is_some()
            && self
                .hosts
                .iter()
                .position(|h| h.name == *host)
                .is_some_and(|index| self.runs_once(task, index))
        {
            self.hosts.iter().filter(|h| !h.is_unreachable).map(|h| h.name.clone()).collect()
        } else {
            vec![host.clone()]
        };
        for name in &result.notify {
            let mut is_known = false;
            for host in &hosts {
                is_known |= self.handlers.notify(name, host);
            }
            if !is_known {
                let message = format!(
                    "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
                );
                if self.context.settings.error_on_missing_handler {
                    let result = TaskResult {
                        hint: nearest_handler(name, &self.handlers.names()),
                        ..TaskResult::failure(message)
                    };
                    let index = self.hosts.iter().position(|h| h.name == *host);
                    let _ = self.executor.events.send(Event::HostEnded {
                        host: host.clone(),
                        task: Arc::clone(task),
                        result: Box::new(result.clone()),
                        ignored: false,
                    });
                    self.statistics.of(host).failed += 1;
                    if let Some(index) = index {
                        self.fail_host(index, task, &result);
                    }
                    return;
                }
                let _ = self.executor.events.send(Event::Warning { message });
            }
        }
    }

    fn add_handlers(&mut self, items: &[Item]) {
        let context = Arc::clone(&self.context);
        let Some(host) = context.batch.first().cloned() else { return };
        let executor = Arc::clone(&self.executor);
        let name_of = |task: &Arc<Task>| executor.name_of(task, &context.scope(&host, Some(task)));
        let listen_of = |task: &Arc<Task>| {
            let scope = context.scope(&host, Some(task));
            task.listen
                .iter()
                .filter_map(|topic| topic.tree.evaluate(&scope).ok())
                .flat_map(|value| match value.as_list() {
                    Some(list) => list.iter().map(|topic| topic.to_string()).collect::<Vec<_>>(),
                    None => vec![value.to_string()],
                })
                .collect()
        };
        self.handlers.add(items, &name_of, &listen_of);
    }

    /// Compiles what hosts include, once for all of them, and puts it into their way.
    fn include_all(&mut self, includes: Vec<(usize, Arc<Task>, TaskResult)>) {
        let mut announced: IndexMap<(String, Option<String>), Vec<HostName>> = IndexMap::new();
        let mut wanted: VecDeque<(usize, Arc<Task>, RunOrder)> = VecDeque::new();
        for (index, task, result) in includes {
            let targets: Vec<usize> =
                if self.runs_once(&task, index) && self.strategy == Strategy::Linear {
                    (0..self.hosts.len())
                        .filter(|other| {
                            self.hosts
                                .get(*other)
                                .is_some_and(|h| !h.is_unreachable && !h.cursor.has_failed())
                        })
                        .collect()
                } else {
                    vec![index]
                };
            for target in targets {
                wanted.extend(result.orders.iter().map(|o| (target, Arc::clone(&task), o.clone())));
            }
        }
        while let Some((index, task, order)) = wanted.pop_front() {
            let Some(host) = self.hosts.get(index).map(|host| host.name.clone()) else { continue };
            let key = (task.id, format!("{order:?}"));
            let compiled = match self.compiled.get(&key) {
                Some(compiled) => compiled.clone(),
                None => {
                    let compiled = self.compile(&task, &order, &host);
                    self.compiled.insert(key, compiled.clone());
                    compiled
                }
            };
            match compiled {
                Ok((sequence, block)) => {
                    let (file, label) = match &order {
                        RunOrder::IncludeTasks(include) => (
                            block.frame.span.file.path.display().to_string(),
                            include.label.clone(),
                        ),
                        RunOrder::IncludeRole(include) => {
                            (include.name.clone(), include.label.clone())
                        }
                        _ => continue,
                    };
                    announced.entry((file, label)).or_default().push(host);
                    if let Some(host) = self.hosts.get_mut(index) {
                        host.cursor.include(block, sequence);
                    }
                }
                Err(why) => {
                    let result = settled_failure(why);
                    let _ = self.executor.events.send(Event::HostEnded {
                        host: host.clone(),
                        task: Arc::clone(&task),
                        result: Box::new(result.clone()),
                        ignored: false,
                    });
                    let counts = self.statistics.of(&host);
                    counts.ok = counts.ok.saturating_sub(1);
                    counts.failed += 1;
                    self.fail_host(index, &task, &result);
                }
            }
        }
        for ((file, label), hosts) in announced {
            let _ = self.executor.events.send(Event::Included { file, hosts, label });
        }
    }

    fn compile(
        &mut self,
        task: &Arc<Task>,
        order: &RunOrder,
        host: &HostName,
    ) -> Result<(u64, Arc<Block>), String> {
        let item_vars = match order {
            RunOrder::IncludeTasks(include) => &include.item_vars,
            RunOrder::IncludeRole(include) => &include.item_vars,
            _ => return Err("this is no include".into()),
        };
        let params: IndexMap<Arc<str>, Tree> = item_vars
            .iter()
            .map(|(name, json)| (Arc::from(name.as_str()), Tree::Value(Value::from_json(json))))
            .collect();
        let params: Layer = Arc::new(params);
        // Tags of the include itself choose it; only those of `apply` reach what is inside.
        let mut keywords = plan::Keywords::default();
        keywords.vars = task.keywords.vars.clone();
        self.apply(task, host, &mut keywords)?;
        let frame = Arc::new(Frame {
            kind: FrameKind::Include { params: Arc::clone(&params) },
            keywords,
            parent: Some(Arc::clone(&task.parent)),
            span: task.span.clone(),
        });
        let (items, frame) = match order {
            RunOrder::IncludeTasks(include) => {
                let items = self.includes.tasks(
                    include,
                    &frame,
                    task.is_handler,
                    &self.context.playbook_dir,
                )?;
                (items, frame)
            }
            RunOrder::IncludeRole(include) => {
                let role = self.includes.role(
                    include,
                    &frame,
                    Layer::default(),
                    &self.context.playbook_dir,
                )?;
                self.add_handlers(&role.handlers);
                if include.public {
                    let mut roles =
                        self.context.roles.write().unwrap_or_else(PoisonError::into_inner);
                    roles.push(Arc::clone(&role.role));
                }
                (role.items, frame)
            }
            _ => return Err("this is no include".into()),
        };
        self.sequence += 1;
        let frame = match items.first() {
            Some(Item::Task(first)) if matches!(order, RunOrder::IncludeTasks(_)) => {
                // The block says where its tasks stand.
                let mut shown = (*frame).clone();
                shown.span = first.span.clone();
                Arc::new(shown)
            }
            _ => frame,
        };
        let block = Block { frame, body: items, rescue: Vec::new(), always: Vec::new() };
        Ok((self.sequence, Arc::new(block)))
    }

    /// What `apply` says of the tasks inside an include.
    fn apply(
        &self,
        task: &Arc<Task>,
        host: &HostName,
        keywords: &mut plan::Keywords,
    ) -> Result<(), String> {
        let Some(apply) = task.action.args.get("apply") else { return Ok(()) };
        let scope = self.context.scope(host, Some(task));
        let value = apply.evaluate(&scope).map_err(|error| error.to_string())?;
        let Some(entries) = value.entries() else {
            return Err("apply takes a dictionary of keywords".into());
        };
        let engine = &self.context.store.engine;
        for (key, value) in entries {
            let name = key.to_string();
            let setting = |value: Value| plan::Setting {
                tree: Tree::Value(value),
                span: task.action.span.clone(),
            };
            if let Some(key) = Key::parse(&name) {
                keywords.set(key, setting(value));
                continue;
            }
            let list = |value: Value| match value.as_list() {
                Some(list) => list.to_vec(),
                None => vec![value],
            };
            match name.as_str() {
                "tags" => keywords.tags.extend(list(value).into_iter().map(setting)),
                "environment" => keywords.environment.push(setting(value)),
                "notify" => keywords.notify.extend(list(value).into_iter().map(setting)),
                "vars" => {
                    let mut vars = (*keywords.vars).clone();
                    for (name, value) in value.entries().unwrap_or_default() {
                        vars.insert(name.to_string().into(), Tree::Value(value));
                    }
                    keywords.vars = Arc::new(vars);
                }
                "when" => {
                    for condition in list(value) {
                        let expression = template::Expression::compile(
                            engine,
                            &condition.to_string(),
                            Some(&task.action.span),
                        )
                        .map_err(|error| error.to_string())?;
                        keywords.when.push(plan::Condition {
                            expression: Arc::new(expression),
                            span: task.action.span.clone(),
                        });
                    }
                }
                "name" => {}
                other => return Err(format!("'{other}' is not a valid attribute for apply")),
            }
        }
        Ok(())
    }

    fn flush(&mut self, index: usize) {
        let block = Arc::new(Block {
            frame: Arc::clone(&self.context.play.frame),
            body: self.handlers.tasks(),
            rescue: Vec::new(),
            always: Vec::new(),
        });
        if let Some(host) = self.hosts.get_mut(index) {
            host.cursor.flush(block);
        }
    }

    /// `meta`: what concerns the run itself.
    async fn meta(&mut self, index: usize, task: &Arc<Task>) {
        let Some(host) = self.hosts.get(index) else { return };
        let name = host.name.clone();
        let scope = self.context.scope(&name, Some(task));
        let what = match &task.action.free_form {
            Some(tree) => tree.evaluate(&scope).map(|value| value.to_string()),
            None => Ok(String::new()),
        };
        let what = match what {
            Ok(what) => what,
            Err(error) => {
                self.fail_meta(index, task, &error.to_string());
                return;
            }
        };
        let what = what.trim().to_owned();
        if !task.is_implicit {
            let _ = self.executor.events.send(Event::TaskStarted {
                task: Arc::clone(task),
                name: self.executor.name_of(task, &scope),
                check: self.context.settings.check,
            });
        }
        for condition in task.conditions() {
            match condition.expression.is_true(&scope) {
                Ok(true) => {}
                Ok(false) => {
                    let reason = skipped_meta(&what, &name, task);
                    self.say_meta(&reason);
                    let mut result = TaskResult { skipped: true, ..TaskResult::default() };
                    result.fields.insert("msg".into(), Json::String(what.clone()));
                    result.fields.insert("skip_reason".into(), Json::String(reason));
                    let _ = self.executor.events.send(Event::HostEnded {
                        host: name.clone(),
                        task: Arc::clone(task),
                        result: Box::new(result),
                        ignored: false,
                    });
                    return;
                }
                Err(error) => {
                    self.fail_meta(index, task, &error.to_string());
                    return;
                }
            }
        }
        if let Some(done) = done_meta(&what, &name, task).filter(|_| !task.is_implicit) {
            self.say_meta(&done);
        }
        match what.as_str() {
            "noop" => {}
            "flush_handlers" => self.flush(index),
            "role_complete" => {
                if let Some(role) = task.role() {
                    let key = (name, role.identity.clone());
                    if self.entered_roles.contains(&key) {
                        self.completed_roles.insert(key);
                    }
                }
            }
            "clear_facts" => {
                self.context.store.clear_facts(&name);
            }
            "clear_host_errors" => {
                for host in &mut self.hosts {
                    host.is_unreachable = false;
                    host.cursor.clear_failures();
                }
                self.end.failed.clear();
                self.end.unreachable.clear();
                let mut active =
                    self.context.active.write().unwrap_or_else(PoisonError::into_inner);
                *active = self.context.batch.clone();
            }
            "end_play" => {
                for host in &mut self.hosts {
                    host.cursor.end();
                }
                self.end.ends_play = true;
            }
            "end_batch" => {
                for host in &mut self.hosts {
                    host.cursor.end();
                }
            }
            "end_host" => {
                if let Some(host) = self.hosts.get_mut(index) {
                    host.cursor.end();
                }
            }
            "end_role" => match task.role() {
                Some(role) => {
                    let role = Arc::clone(role);
                    if let Some(host) = self.hosts.get_mut(index) {
                        host.cursor.end_role(&role);
                    }
                }
                None => {
                    self.fail_meta(index, task, "Cannot execute 'end_role' from outside of a role")
                }
            },
            "reset_connection" => self.reach.reset(name.as_str()).await,
            "refresh_inventory" => {
                self.fail_meta(index, task, "meta: refresh_inventory is not there yet");
            }
            other => {
                self.fail_meta(index, task, &format!("invalid meta action requested: {other}"));
            }
        }
    }

    /// Says what a `meta` task did, to those who want to hear more.
    fn say_meta(&self, message: &str) {
        if self.context.settings.verbosity >= 2 {
            let _ = self.executor.events.send(Event::Said { message: format!("META: {message}") });
        }
    }

    fn fail_meta(&mut self, index: usize, task: &Arc<Task>, why: &str) {
        let Some(host) = self.hosts.get(index).map(|host| host.name.clone()) else { return };
        let result = settled_failure(why.to_owned());
        let _ = self.executor.events.send(Event::HostEnded {
            host: host.clone(),
            task: Arc::clone(task),
            result: Box::new(result.clone()),
            ignored: false,
        });
        self.statistics.of(&host).failed += 1;
        self.fail_host(index, task, &result);
    }
}

/// What is said of a `meta` task that was done.
fn done_meta(what: &str, host: &HostName, task: &Arc<Task>) -> Option<String> {
    Some(match what {
        "flush_handlers" => format!("triggered running handlers for {host}"),
        "clear_facts" => "facts cleared".into(),
        "clear_host_errors" => "cleared host errors".into(),
        "end_batch" => "ending batch".into(),
        "end_play" => "ending play".into(),
        "end_host" => format!("ending play for {host}"),
        "end_role" => {
            let role = task.role().map(|role| role.full_name()).unwrap_or_default();
            format!("ending role {role} for {host}")
        }
        "reset_connection" => "reset connection".into(),
        _ => return None,
    })
}

/// What is said of a `meta` task that a condition keeps from being done.
fn skipped_meta(what: &str, host: &HostName, task: &Arc<Task>) -> String {
    let rest = match what {
        "flush_handlers" => format!(", not running handlers for {host}"),
        "refresh_inventory" => ", not refreshing the inventory".into(),
        "clear_facts" => format!(", not clearing facts and fact cache for {host}"),
        "clear_host_errors" => format!(", not clearing host error state for {host}"),
        "end_batch" => ", continuing current batch".into(),
        "end_play" => ", continuing play".into(),
        "end_host" => format!(", continuing execution for {host}"),
        "end_role" => {
            let role = task.role().map(|role| role.full_name()).unwrap_or_default();
            format!(", continuing role {role} for {host}")
        }
        _ => String::new(),
    };
    format!("{what} conditional evaluated to False{rest}")
}

fn settled_failure(why: String) -> TaskResult {
    let mut result = TaskResult::failure(why);
    result.settle();
    result
}

fn nearest_handler(name: &str, known: &[&str]) -> Option<String> {
    let near = source::nearest::nearest(name, known.iter().copied());
    (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")))
}

/// The task as `ansible_failed_task` has it.
fn failed_task(task: &Arc<Task>) -> Value {
    let name = task.keywords.name.as_ref().map(plan::written).unwrap_or_default();
    Value::from_json(&serde_json::json!({
        "name": name,
        "action": task.action.written,
        "args": task.action.args.iter().map(|(k, v)| (k.to_string(), Json::String(plan::written(v)))).collect::<protocol::JsonMap>(),
    }))
}

/// The tags of a task, rendered; commas split them.
pub fn render_tags(task: &Arc<Task>, scope: impl FnOnce() -> template::Scope) -> Vec<String> {
    let settings = task.tags();
    if settings.is_empty() {
        return Vec::new();
    }
    let mut scope_made: Option<template::Scope> = None;
    let mut make = Some(scope);
    let mut tags = Vec::new();
    for setting in settings {
        let value = match setting.tree.literal() {
            Some(value) => value,
            None => {
                if let Some(make) = make.take() {
                    scope_made = Some(make());
                }
                match scope_made.as_ref().map(|scope| setting.tree.evaluate(scope)) {
                    Some(Ok(value)) => value,
                    _ => continue,
                }
            }
        };
        let values = value.as_list().map_or_else(|| vec![value.clone()], |list| list.to_vec());
        for value in values {
            tags.extend(
                value
                    .to_string()
                    .split(',')
                    .map(str::trim)
                    .filter(|t| !t.is_empty())
                    .map(str::to_owned),
            );
        }
    }
    tags
}

enum StepAnswer {
    Yes,
    No,
    Continue,
}

/// Asks the operator whether a task is to be run (`--step`).
fn ask_step(name: &str) -> StepAnswer {
    use std::io::{BufRead, Write};
    let mut terminal = std::io::stderr();
    let _ = write!(terminal, "Perform task: TASK: {name} (N)o/(y)es/(c)ontinue: ");
    let _ = terminal.flush();
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" => StepAnswer::Yes,
        "c" | "continue" => StepAnswer::Continue,
        _ => StepAnswer::No,
    }
}
