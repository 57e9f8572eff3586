//! A task that is worked out, and sent, while those before it on the same host are under way.
//!
//! Under strategies in which hosts do not wait for each other a host's next tasks are sent behind
//! the one that it works on. Nothing of what a playbook means changes by that:
//!
//! * Requests of one host form a *chain*, which a remote works off in order; once one of them has
//!   failed, it runs none of those behind it ([`protocol::request::Chain`]).
//! * A task that reads a variable which a task before it may still set is not sent: a
//!   [`Tripwire`] over its scope tells. It starts anew when its turn has come.
//! * What a result means (`changed_when`, `register`, notifications, what is told) is worked out
//!   when the turn of the task has come, with the variables of that time.
//! * Tasks of which more than one request comes of, or whose failure only the controller can see,
//!   let nothing past them ([`lets_pass`]).

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use plan::{Condition, Key, Task};
use protocol::{request::Chain, spec::Runs};
use template::{Tree, Variables};
use tokio::sync::watch;

use super::{Specs, line::Place};
use crate::{action, settings::RunSettings};

/// Names through which a template may see what tasks before it set, whatever those are called.
const SEES_ALL: &[&str] = &[
    "ansible_failed_result",
    "ansible_failed_task",
    "ansible_play_batch",
    "ansible_play_hosts",
    "groups",
    "hostvars",
    "play_hosts",
    "vars",
];

/// Modules of the host that set variables although nobody registers them.
const SETS_FACTS: &[&str] = &["getent", "hostname"];

/// Tells whether a template has looked at a variable that is not known yet.
#[derive(Debug)]
pub(crate) struct Tripwire {
    names: HashSet<String>,
    is_touched: AtomicBool,
}

impl Variables for Tripwire {
    fn get(&self, name: &str) -> Option<Tree> {
        if self.names.contains(name) || SEES_ALL.contains(&name) {
            self.is_touched.store(true, Ordering::Relaxed);
        }
        None
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.is_touched.store(true, Ordering::Relaxed);
        Vec::new()
    }
}

/// How a task stands to those before it on its host.
#[derive(Debug)]
pub(crate) struct Ahead {
    pub place: Arc<Place>,
    pub chain: Chain,
    /// `None` for a task that started when its turn had come.
    pub tripwire: Option<Arc<Tripwire>>,
    /// Whether the turn of the task has come.
    turn: watch::Receiver<bool>,
    is_void: AtomicBool,
}

impl Ahead {
    /// A task that may be sent although its turn has not come. `names` are the variables that the
    /// tasks before it set; the sender says that its turn has come.
    pub(crate) fn new(
        place: Place,
        chain: Chain,
        names: HashSet<String>,
    ) -> (Self, watch::Sender<bool>) {
        let (sender, turn) = watch::channel(false);
        let tripwire = Arc::new(Tripwire { names, is_touched: AtomicBool::new(false) });
        let ahead = Self {
            place: Arc::new(place),
            chain,
            tripwire: Some(tripwire),
            turn,
            is_void: AtomicBool::new(false),
        };
        (ahead, sender)
    }

    /// A task whose turn has come, with others to follow it.
    pub(crate) fn leading(place: Place, chain: Chain) -> Self {
        let (_, turn) = watch::channel(true);
        Self {
            place: Arc::new(place),
            chain,
            tripwire: None,
            turn,
            is_void: AtomicBool::new(false),
        }
    }

    /// Whether what was worked out may be wrong, so that it must be worked out anew.
    pub(crate) fn is_void(&self) -> bool {
        let is_touched = |wire: &Arc<Tripwire>| wire.is_touched.load(Ordering::Relaxed);
        self.is_void.load(Ordering::Relaxed) || self.tripwire.as_ref().is_some_and(is_touched)
    }

    /// Nothing has been run, and what was worked out does not count.
    pub(crate) fn give_up(&self) {
        self.is_void.store(true, Ordering::Relaxed);
    }

    /// Waits until the turn of the task has come.
    pub(crate) async fn turn(&self) {
        // Where nobody can say so any more, this future is about to be dropped.
        let _ = self.turn.clone().wait_for(|has_come| *has_come).await;
    }
}

/// Whether a task may be sent before those in front of it have ended.
pub(crate) fn goes_ahead(task: &Task, specs: &dyn Specs, settings: &RunSettings) -> bool {
    let Some(spec) = specs.spec(&task.action.name) else { return false };
    let is_plain = task.loop_.is_none()
        && task.until.is_none()
        && task.retries.is_none()
        && task.async_.is_none()
        && task.action.deferred.is_none()
        && !task.is_handler
        && !task.is_implicit;
    let stands_alone = [
        Key::AnyErrorsFatal,
        Key::Debugger,
        Key::DelegateTo,
        Key::RunOnce,
        Key::Throttle,
        Key::Timeout,
    ]
    .iter()
    .any(|key| task.setting(*key).is_some());
    is_plain
        && !stands_alone
        && !settings.any_errors_fatal
        && !settings.step
        && settings.task_timeout_secs == 0
        && settings.start_at_task.is_none()
        && action::is_one_request(&task.action.name, spec.runs)
        && spec.runs != Runs::Controller
        && specs.custom(&task.action.name).is_none()
        && !sets_facts(&task.action.name)
}

/// Whether tasks behind one that [`goes_ahead`], or could, may be sent before it has ended: where
/// it fails, its remote knows, and not only the controller. `is_handler` knows the handlers.
pub(crate) fn lets_pass(task: &Task, is_handler: &dyn Fn(&str) -> bool) -> bool {
    let is_literal = |conditions: &Option<Vec<Condition>>| {
        conditions.iter().flatten().all(|condition| {
            let text = condition.expression.text().trim().to_lowercase();
            matches!(text.as_str(), "true" | "false" | "yes" | "no")
        })
    };
    let frames = task.parent.outermost_first().flat_map(|frame| &frame.keywords.notify);
    let mut notified = frames.chain(&task.keywords.notify);
    is_literal(&task.changed_when)
        && is_literal(&task.failed_when)
        // A handler that is not there is a failure.
        && notified.all(|setting| is_handler(&plan::written(&setting.tree)))
}

fn sets_facts(name: &str) -> bool {
    let short = name.rsplit('.').next().unwrap_or(name);
    short.ends_with("_facts") || SETS_FACTS.contains(&short)
}
