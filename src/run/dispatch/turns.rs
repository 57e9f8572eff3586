//! Who starts what next, as tags, forks, throttles and the operator allow.

use std::{
    future::Future,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    task::{Context, Poll, Waker},
};

use inventory::HostName;
use plan::{Key, Task, TaskId};
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    Dispatcher, Finished, StepDecision, Strategy,
    strategy::{FREE_GOES_ON, FREE_RUNS_ALL},
};
use crate::{
    Event, Gathering,
    cursor::{Position, Step},
    tags::render_tags,
};

impl Dispatcher {
    /// Starts all that may start now. Tasks of the run itself (`meta`) are done here.
    pub(super) async fn start(&mut self, running: &mut JoinSet<Finished>) {
        loop {
            if self.end.is_interrupted {
                return;
            }
            let mut ready = self.ready();
            if self.end.ends_play {
                // What hosts have been sent is told nevertheless.
                ready.retain(|(index, task, ..)| self.is_sent(*index, task));
            }
            if ready.is_empty() {
                return;
            }
            if self.course.strategy == Strategy::Linear {
                if self.hosts.iter().any(|host| host.is_busy) {
                    return;
                }
                let Some(first) = ready.iter().map(|(_, _, position, _)| position).min().cloned()
                else {
                    return;
                };
                ready.retain(|(_, _, position, _)| *position == first);
            }
            // A host on which the role has run is none of those that a task runs once for.
            if self.course.strategy == Strategy::Linear && self.pass_by_roles(&mut ready) {
                continue;
            }
            let mut has_started = false;
            let runs_once =
                ready.first().is_some_and(|(host, task, ..)| self.runs_once(task, *host));
            if runs_once && self.course.strategy == Strategy::Linear {
                let others: Vec<(usize, TaskId)> =
                    ready.iter().skip(1).map(|(host, task, ..)| (*host, task.id)).collect();
                if self.pass_by_tags(&ready) {
                    continue;
                }
                for (host, task) in others {
                    if let Some(host) = self.hosts.get_mut(host) {
                        host.cursor.advance();
                        // What one does for all nobody else waits for.
                        self.handlers.done(task, &host.name);
                    }
                }
                ready.truncate(1);
            }
            for (index, task, _, is_handler) in ready {
                if self.end.ends_play && !self.is_sent(index, &task) {
                    continue;
                }
                has_started |= self.start_on(index, &task, is_handler, running).await;
            }
            if has_started || self.course.strategy != Strategy::Linear && !running.is_empty() {
                return;
            }
        }
    }

    /// The next task of every host that can take one.
    fn ready(&mut self) -> Vec<(usize, Arc<Task>, Position, bool)> {
        let handlers = &self.handlers;
        let mut ready = Vec::new();
        let mut lost = Vec::new();
        let mut is_any_back = false;
        for (index, host) in self.hosts.iter_mut().enumerate() {
            if host.is_busy || host.is_ended || host.is_unreachable {
                continue;
            }
            let name = host.name.clone();
            match host.cursor.peek(&|task| handlers.is_notified(task.id, &name)) {
                Step::Task { task, position, is_handler } => {
                    if host.is_removed && !host.cursor.is_failing() {
                        // A rescue further out has taken it up.
                        host.is_removed = false;
                        is_any_back = true;
                    }
                    ready.push((index, task, position, is_handler));
                }
                Step::Done => {
                    host.is_ended = true;
                    if host.cursor.has_failed() {
                        lost.push(name);
                    }
                }
            }
        }
        if is_any_back {
            self.reactivate();
        }
        // What failed before an `always` fails for good once that is done.
        for name in lost {
            if !self.end.failed.contains(&name) {
                self.deactivate(&name);
                self.end.failed.push(name);
            }
        }
        ready
    }

    /// Goes past tasks of roles that have run on their host. Returns whether no task is left.
    fn pass_by_roles(&mut self, ready: &mut Vec<(usize, Arc<Task>, Position, bool)>) -> bool {
        ready.retain(|(index, task, ..)| {
            let Some(host) = self.hosts.get(*index) else { return false };
            if !self.skips_role(task, &host.name.clone()) {
                return true;
            }
            if let Some(host) = self.hosts.get_mut(*index) {
                host.cursor.advance();
            }
            false
        });
        ready.is_empty()
    }

    /// Goes past a task that the run's tags do not choose, on all hosts at once.
    fn pass_by_tags(&mut self, ready: &[(usize, Arc<Task>, Position, bool)]) -> bool {
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
    pub(super) fn is_chosen(&self, task: &Arc<Task>, host: usize) -> bool {
        if task.is_handler {
            return true;
        }
        if task.is_implicit && task.does(&["meta"]) {
            return true;
        }
        let settings = &self.context.settings;
        let Some(host) = self.hosts.get(host) else { return false };
        // Facts that are known need not be gathered again.
        if task.is_implicit
            && settings.gathering == Gathering::Smart
            && task.does(&["gather_facts"])
            && self.context.store.has_gathered(&host.name)
        {
            return false;
        }
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
        if self.end.waits_for_start && !task.is_implicit {
            if !self.is_start(task, &name) {
                return false;
            }
            self.end.waits_for_start = false;
        } else if self.end.waits_for_start && task.does(&["meta"]) {
            return false;
        }
        if is_handler && task.is_handler {
            self.handlers.done(task.id, &name);
        }
        if task.does(&["meta"]) {
            self.meta(index, task).await;
            return false;
        }
        if !self.announce(task, &name, is_handler) {
            return false;
        }
        self.warn_of_pace(task, index);
        if let Some(host) = self.hosts.get_mut(index) {
            host.is_busy = true;
        }
        self.waiting.push_back((index, Arc::clone(task)));
        self.spawn_waiting(running);
        true
    }

    /// Says of a task what has no meaning where each host goes at its own pace.
    fn warn_of_pace(&self, task: &Arc<Task>, index: usize) {
        if self.course.strategy == Strategy::Linear {
            return;
        }
        for (key, why) in [(Key::RunOnce, FREE_RUNS_ALL), (Key::AnyErrorsFatal, FREE_GOES_ON)] {
            if self.says(key, task, index) == Some(true) {
                let _ = self.executor.events.send(Event::Warning { message: why.into() });
            }
        }
    }

    /// Starts what waits, as far as there are forks.
    pub(super) fn spawn_waiting(&mut self, running: &mut JoinSet<Finished>) {
        while running.len() < self.context.settings.forks.max(1) {
            let Some((index, task)) = self.waiting.pop_front() else { return };
            let Some(name) = self.hosts.get(index).map(|host| host.name.clone()) else { continue };
            let executor = Arc::clone(&self.executor);
            let throttle = self.throttle(&task, &name);
            let _ = self
                .executor
                .events
                .send(Event::HostStarted { task: Arc::clone(&task), host: name.clone() });
            let sent = self.take_sent(index, &task);
            let leading = match &sent {
                Some(_) => None,
                None => self.begin_series(index, &task),
            };
            let mut work = Box::pin(async move {
                let _throttled = match &throttle {
                    Some(throttle) => throttle.acquire().await.ok(),
                    None => None,
                };
                let sent = match sent {
                    Some(sent) => sent.result().await,
                    None => None,
                };
                let result = match (sent, leading) {
                    (Some(result), _) => result,
                    (None, Some(leading)) => executor.execute_leading(leading, &task, &name).await,
                    (None, None) => executor.execute(&task, &name).await,
                };
                (index, task, result)
            });
            // Where there is no other host to work for, another thread would bring nothing.
            let is_alone = running.is_empty() && self.waiting.is_empty();
            let mut context = Context::from_waker(Waker::noop());
            let mut poll = || work.as_mut().poll(&mut context);
            match is_alone.then(|| panic::catch_unwind(AssertUnwindSafe(&mut poll))) {
                Some(Ok(Poll::Ready(finished))) => self.at_once.push(finished),
                // It is woken by whoever polled it last.
                Some(Ok(Poll::Pending)) | None => drop(running.spawn(work)),
                Some(Err(_)) => self.say_bug(&"it panicked"),
            }
            self.look_ahead(index);
        }
    }

    /// A role that has run on a host runs again only if it allows that.
    pub(super) fn skips_role(&self, task: &Arc<Task>, host: &HostName) -> bool {
        task.parent.roles().any(|role| {
            !role.allow_duplicates
                && self.completed_roles.contains(&(host.clone(), role.identity.clone()))
                && !task.is_handler
        })
    }

    fn is_start(&self, task: &Arc<Task>, host: &HostName) -> bool {
        let scope = self.context.scope(host, Some(task));
        self.context.settings.starts_at(task, &self.executor.name_of(task, &scope))
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
            return self.declined != Some(task.id);
        }
        self.announced = Some(task.id);
        let scope = self.context.scope(host, Some(task));
        let name = self.executor.name_of(task, &scope);
        if self.step == Some(StepDecision::Ask) {
            match ask_step(&name) {
                StepAnswer::Yes => {}
                StepAnswer::No => {
                    self.declined = Some(task.id);
                    return false;
                }
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
