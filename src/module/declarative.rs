//! Modules that keep a thing in a state.

use protocol::{Diff, JsonMap, diff::Side};
use serde::Serialize;

use crate::{Documented, Failure, Host};

/// One kind of thing that a task can keep in a desired state. The type itself holds the arguments
/// of one task.
pub trait Module: Documented {
    /// The aspects of the host that the task manages, and no others; it is what a diff shows.
    type State: Serialize + PartialEq;

    /// Whether what differs is returned in any case, since playbooks look at it: Ansible's module
    /// of the name does so.
    const RETURNS_DIFF: bool = false;

    /// What a check run warns of, also where it fails: that a user is not there yet, whom a task
    /// before this one may make in a run.
    ///
    /// # Errors
    /// What cannot be read.
    fn forewarn(&self, _host: &dyn Host) -> Result<Vec<String>, Failure> {
        Ok(Vec::new())
    }

    /// Reads what is, and works out what should be. What the task leaves out is in both as it is.
    ///
    /// # Errors
    /// What cannot be read, and what can never be reached from here.
    fn check(&self, host: &dyn Host) -> Result<Delta<Self::State>, Failure>;

    /// Takes the host from `delta.actual` to `delta.desired`, and takes the steps. Returns what
    /// only the change itself knows, such as the name of a backup.
    ///
    /// # Errors
    /// What could not be written.
    fn apply(&self, delta: &Delta<Self::State>, host: &mut dyn Host) -> Result<JsonMap, Failure>;

    /// Looks again after the change: what is now, beside what should be. By default a fresh check;
    /// a module whose tasks may name a change instead of a state (an edit of a text that fits its
    /// own result again) compares with what the first check desired.
    ///
    /// # Errors
    /// What cannot be read.
    fn look_again(
        &self,
        _done: &Delta<Self::State>,
        host: &dyn Host,
    ) -> Result<Delta<Self::State>, Failure> {
        self.check(host)
    }

    /// The module's own return values. The host is as it was in a check run and as it is now in
    /// another; `msg`, `warnings` and `ansible_facts` among the values take their places in the response.
    ///
    /// # Errors
    /// What cannot be read.
    fn returned(&self, delta: &Delta<Self::State>, host: &dyn Host) -> Result<JsonMap, Failure>;

    /// The return values that a change did not give itself, by default all of them; what
    /// [`apply`](Self::apply) returned is put over them. A module whose values are dear leaves out
    /// here what stands in `applied`, which is empty where nothing was changed.
    ///
    /// # Errors
    /// What cannot be read.
    fn returned_beside(
        &self,
        _applied: &JsonMap,
        delta: &Delta<Self::State>,
        host: &dyn Host,
    ) -> Result<JsonMap, Failure> {
        self.returned(delta, host)
    }

    /// What differs, in a form that people read: by default the state, as data. Called before the
    /// change, and only where someone wants to see it.
    ///
    /// # Errors
    /// What cannot be read.
    fn diff(&self, delta: &Delta<Self::State>, _host: &dyn Host) -> Result<Vec<Diff>, Failure> {
        Ok(vec![delta.state_diff()?])
    }
}

/// What is beside what should be.
#[derive(Clone, Debug)]
pub struct Delta<S> {
    /// What is.
    pub actual: S,
    /// What should be.
    pub desired: S,
    /// What is to be done besides, and passes by nature: a restart, new times on a file. The
    /// second look does not expect to see it.
    pub steps: Vec<String>,
    /// What is to be done in any case, but is no change that anyone would speak of: a service
    /// manager reads its files again.
    pub quiet_steps: Vec<String>,
}

impl<S: Serialize + PartialEq> Delta<S> {
    /// A delta without steps.
    pub fn new(actual: S, desired: S) -> Self {
        Self { actual, desired, steps: Vec::new(), quiet_steps: Vec::new() }
    }

    /// Whether what is, is what should be.
    pub fn is_settled(&self) -> bool {
        self.actual == self.desired
    }

    /// Whether there is anything to do.
    pub fn is_change(&self) -> bool {
        !self.is_settled() || !self.steps.is_empty()
    }

    /// Whether anything is to be done, be it a change or not.
    pub fn is_work(&self) -> bool {
        self.is_change() || !self.quiet_steps.is_empty()
    }

    /// Both sides as data.
    ///
    /// # Errors
    /// A state that JSON cannot hold: a bug of the module.
    pub fn state_diff(&self) -> Result<Diff, Failure> {
        let side = |state: &S| serde_json::to_value(state).map(Side::State);
        let unwritable = |why| Failure::new(format!("the state cannot be written as data: {why}"));
        Ok(Diff {
            before: side(&self.actual).map_err(unwritable)?,
            after: side(&self.desired).map_err(unwritable)?,
            ..Diff::default()
        })
    }
}
