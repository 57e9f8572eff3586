//! Where a host is in a play.
//!
//! A cursor is a stack of levels, a block each. Going on, failing and including are moves on that
//! stack and touch nothing else, so that they can be tested without hosts. Positions of hosts in
//! one play can be compared: the linear strategy has the host that is furthest behind go first.

use std::{collections::VecDeque, sync::Arc};

use plan::{Block, Item, Task};

/// A host's place in a play.
#[derive(Clone, Debug)]
pub struct Cursor {
    levels: Vec<Level>,
    /// How many tasks failed and were rescued.
    pub rescued: u64,
    has_failed: bool,
}

/// Where a task stands: comparable between hosts of one play. Of what one task includes, all of
/// the first comes before the second.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(Vec<(u64, u8, usize)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Section {
    Body,
    Rescue,
    Always,
}

#[derive(Clone, Debug)]
struct Level {
    block: Arc<Block>,
    section: Section,
    index: usize,
    /// Whether the block has failed and goes on failing once its `always` is done.
    is_failing: bool,
    /// What the task before `index` included: a number that orders it, and the block.
    included: VecDeque<(u64, Arc<Block>)>,
    /// Orders this level among others that the same task has included.
    sequence: u64,
    /// Whether only tasks run that `runs` says; a flush of handlers.
    is_flush: bool,
}

/// What a cursor points at.
#[derive(Clone, Debug)]
pub enum Step {
    Task { task: Arc<Task>, position: Position, is_handler: bool },
    Done,
}

impl Cursor {
    /// A cursor at the start of a block.
    pub fn new(root: Arc<Block>) -> Self {
        Self { levels: vec![Level::new(root, 0, false)], rescued: 0, has_failed: false }
    }

    /// Whether the host has failed for good.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Whether any block around would take a failure up, now or once an `always` is done.
    pub fn is_any_rescuing(&self) -> bool {
        let has_rescue = |level: &Level| !level.block.rescue.is_empty();
        self.levels.iter().any(|level| level.section == Section::Body && has_rescue(level))
    }

    /// Whether a block around goes on failing once its `always` is done.
    pub fn is_failing(&self) -> bool {
        self.levels.iter().any(|level| level.is_failing)
    }

    /// Whether the host is inside a rescue or always section after a failure.
    pub fn is_handling_failure(&self) -> bool {
        self.levels.iter().any(|level| level.is_failing || level.section == Section::Rescue)
    }

    /// The next task, without going past it. `is_wanted` says which handlers of a flush run.
    pub fn peek(&mut self, is_wanted: &dyn Fn(&Arc<Task>) -> bool) -> Step {
        loop {
            let Some(level) = self.levels.last_mut() else { return Step::Done };
            if let Some((sequence, block)) = level.included.pop_front() {
                self.levels.push(Level::new(block, sequence, false));
                continue;
            }
            // What a handler includes runs because the handler does.
            let is_chosen = level.is_flush;
            match level.current().cloned() {
                Some(Item::Task(task)) => {
                    let is_handler = self.levels.iter().any(|level| level.is_flush);
                    if is_chosen && task.is_handler && !is_wanted(&task) {
                        self.advance();
                        continue;
                    }
                    return Step::Task { task, position: self.position(), is_handler };
                }
                Some(Item::Block(block)) => {
                    level.index += 1;
                    self.levels.push(Level::new(block, 0, false));
                }
                None => self.leave_section(),
            }
        }
    }

    /// Goes past the task that [`Cursor::peek`] gave.
    pub fn advance(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.index += 1;
        }
    }

    /// Puts a block behind the task that was just gone past.
    pub fn include(&mut self, block: Arc<Block>, sequence: u64) {
        if let Some(level) = self.levels.last_mut() {
            level.included.push_back((sequence, block));
        }
    }

    /// Goes through handlers before going on; of them only those run that are wanted.
    pub fn flush(&mut self, handlers: Arc<Block>) {
        self.levels.push(Level::new(handlers, 0, true));
    }

    /// Whether the host is among its handlers.
    pub fn is_flushing(&self) -> bool {
        self.levels.iter().any(|level| level.is_flush)
    }

    /// The task that was just gone past has failed. Returns whether a rescue takes it up.
    pub fn fail(&mut self) -> bool {
        while let Some(level) = self.levels.last_mut() {
            level.included.clear();
            match level.section {
                Section::Body if !level.block.rescue.is_empty() => {
                    level.enter(Section::Rescue);
                    self.rescued += 1;
                    return true;
                }
                Section::Body | Section::Rescue => {
                    level.is_failing = true;
                    if !level.block.always.is_empty() {
                        level.enter(Section::Always);
                        return false;
                    }
                }
                Section::Always => {}
            }
            self.levels.pop();
        }
        self.has_failed = true;
        false
    }

    /// Leaves everything: the host takes no further part.
    pub fn end(&mut self) {
        self.levels.clear();
    }

    /// Leaves the role that the current task belongs to.
    pub fn end_role(&mut self, role: &Arc<plan::Role>) {
        let is_inside =
            |level: &Level| level.block.frame.roles().any(|around| Arc::ptr_eq(around, role));
        while self.levels.last().is_some_and(is_inside) {
            self.levels.pop();
        }
    }

    /// Takes back all failures.
    pub fn clear_failures(&mut self) {
        self.has_failed = false;
        for level in &mut self.levels {
            level.is_failing = false;
        }
    }

    fn leave_section(&mut self) {
        let Some(level) = self.levels.last_mut() else { return };
        let has_always = !level.block.always.is_empty();
        match level.section {
            Section::Body | Section::Rescue if has_always => level.enter(Section::Always),
            Section::Body | Section::Rescue => {
                self.levels.pop();
            }
            Section::Always => {
                let is_failing = level.is_failing;
                self.levels.pop();
                if is_failing {
                    self.fail();
                }
            }
        }
    }

    fn position(&self) -> Position {
        // A level with another one on it has gone past the item that it stands for.
        let last = self.levels.len().saturating_sub(1);
        let index = |depth: usize, level: &Level| match depth < last {
            true => level.index.saturating_sub(1),
            false => level.index,
        };
        Position(
            self.levels
                .iter()
                .enumerate()
                .map(|(depth, level)| (level.sequence, level.section as u8, index(depth, level)))
                .collect(),
        )
    }
}

impl Level {
    fn new(block: Arc<Block>, sequence: u64, is_flush: bool) -> Self {
        Self {
            block,
            section: Section::Body,
            index: 0,
            is_failing: false,
            included: VecDeque::new(),
            sequence,
            is_flush,
        }
    }

    fn current(&self) -> Option<&Item> {
        let items = match self.section {
            Section::Body => &self.block.body,
            Section::Rescue => &self.block.rescue,
            Section::Always => &self.block.always,
        };
        items.get(self.index)
    }

    fn enter(&mut self, section: Section) {
        self.section = section;
        self.index = 0;
        self.included.clear();
    }
}
