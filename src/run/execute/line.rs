//! The line before a host in which requests wait that are worked out ahead of their turn.
//!
//! What does not depend on an answer that is still under way is rendered and sent without waiting
//! for it: the items of a loop, and under some strategies a host's next tasks. A remote works requests off in the order of their arrival, so that
//! this changes nothing as long as they arrive in order; the line sees to that. Requests to
//! different remotes (another host, another user) have no order between them, so such a one goes
//! only when all before it have been answered.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::watch;

use crate::connect::RemoteName;

/// Who stands in line, the first of those that have not ended in front.
#[derive(Debug)]
pub(crate) struct Line {
    standing: watch::Sender<Standing>,
}

#[derive(Debug, Default)]
struct Standing {
    /// The number of the place in front.
    first: u64,
    places: VecDeque<Progress>,
    /// The first place behind which nothing is sent any more.
    broken_at: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Sent(RemoteName),
    Done,
}

/// A place in line. It is given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    line: Arc<Line>,
    number: u64,
}

impl Line {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { standing: watch::Sender::new(Standing::default()) })
    }

    /// Takes the last place.
    pub(crate) fn join(self: &Arc<Self>) -> Place {
        let mut number = 0;
        self.standing.send_if_modified(|standing| {
            number = standing.first + standing.places.len() as u64;
            standing.places.push_back(Progress::Waiting);
            // Nobody waits for those behind.
            false
        });
        Place { line: Arc::clone(self), number }
    }
}

impl Place {
    /// Has nothing be sent from the places behind this one.
    pub(crate) fn break_line(&self) {
        self.line.standing.send_modify(|standing| {
            let first = standing.broken_at.map_or(self.number, |at| at.min(self.number));
            standing.broken_at = Some(first);
        });
    }

    /// Waits until a request to a remote may be sent. `false` where it may not, for good.
    pub(crate) async fn turn(&self, remote: &RemoteName) -> bool {
        let is_broken = |standing: &Standing| standing.broken_at.is_some_and(|at| at < self.number);
        let may_send = |standing: &Standing| {
            if is_broken(standing) {
                return true;
            }
            let before = usize::try_from(self.number.saturating_sub(standing.first));
            standing.places.iter().take(before.unwrap_or(usize::MAX)).all(|other| match other {
                Progress::Waiting => false,
                Progress::Sent(other) => other == remote,
                Progress::Done => true,
            })
        };
        // It fails only where the line is gone, and this place holds it.
        let mut standing = self.line.standing.subscribe();
        standing.wait_for(may_send).await.is_ok_and(|standing| !is_broken(&standing))
    }

    /// The request is on its way, and nothing else comes from this place but its answer.
    pub(crate) fn sent(&self, remote: RemoteName) {
        self.set(Progress::Sent(remote));
    }

    fn set(&self, progress: Progress) {
        self.line.standing.send_modify(|standing| {
            let index = usize::try_from(self.number.saturating_sub(standing.first));
            if let Some(place) = index.ok().and_then(|index| standing.places.get_mut(index)) {
                *place = progress;
            }
            while standing.places.front() == Some(&Progress::Done) {
                standing.places.pop_front();
                standing.first += 1;
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.set(Progress::Done);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn remote(host: &str) -> RemoteName {
        RemoteName { host: host.into(), ..RemoteName::default() }
    }

    fn may_go(place: &Place, host: &str) -> bool {
        let remote = remote(host);
        let turn = pin!(place.turn(&remote));
        turn.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn one_goes_when_those_before_it_are_sent() {
        let line = Line::new();
        let [first, second, third] = [line.join(), line.join(), line.join()];
        assert!(may_go(&first, "a") && !may_go(&second, "a"));
        second.sent(remote("a"));
        assert!(!may_go(&third, "a"), "the first has not gone");
        first.sent(remote("a"));
        assert!(may_go(&third, "a"));
    }

    #[test]
    fn another_remote_waits_for_the_end() {
        let line = Line::new();
        let [first, second] = [line.join(), line.join()];
        first.sent(remote("a"));
        assert!(!may_go(&second, "b"));
        drop(first);
        assert!(may_go(&second, "b"));
    }

    #[test]
    fn nothing_is_sent_behind_a_failure() {
        let line = Line::new();
        let [first, second, third] = [line.join(), line.join(), line.join()];
        first.sent(remote("a"));
        second.break_line();
        let goes = |place: &Place| {
            let remote = remote("a");
            let turn = pin!(place.turn(&remote));
            turn.poll(&mut Context::from_waker(Waker::noop()))
        };
        assert_eq!(goes(&second), Poll::Ready(true));
        assert_eq!(goes(&third), Poll::Ready(false));
    }

    #[test]
    fn one_that_leaves_early_lets_nobody_past_those_before_it() {
        let line = Line::new();
        let [first, second, third] = [line.join(), line.join(), line.join()];
        drop(second);
        assert!(!may_go(&third, "a"));
        drop(first);
        assert!(may_go(&third, "a"));
    }
}
