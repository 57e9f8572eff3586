//! What a task inherits: a chain of frames from its block out to its play.

use std::sync::Arc;

use source::Span;

use crate::{Condition, Key, Keywords, Layer, Role, Setting};

/// One link of the chain.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: FrameKind,
    pub keywords: Keywords,
    pub parent: Option<Arc<Frame>>,
    pub span: Span,
}

/// What a frame stands for.
#[derive(Clone, Debug)]
pub enum FrameKind {
    Play,
    /// A role as one play, role or task uses it.
    Role(Arc<Role>),
    Block,
    /// `import_tasks`, `import_role` and `import_playbook`.
    Import,
    /// `include_tasks` and `include_role` as they were run, with the variables that then held:
    /// the loop's item, and the include's own variables.
    Include {
        params: Layer,
    },
}

impl Frame {
    /// The frames from this one out to the play's.
    pub fn chain(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Frame>> {
        std::iter::successors(Some(self), |frame| frame.parent.as_ref())
    }

    /// The nearest setting of a key.
    pub fn inherited(self: &Arc<Self>, key: Key) -> Option<&Setting> {
        self.chain().find_map(|frame| frame.keywords.get(key))
    }

    /// The nearest role, if any.
    pub fn role(self: &Arc<Self>) -> Option<&Arc<Role>> {
        self.roles().next()
    }

    /// The roles around, the nearest first.
    pub fn roles(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Role>> {
        self.chain().filter_map(|frame| match &frame.kind {
            FrameKind::Role(role) => Some(role),
            _ => None,
        })
    }

    /// All conditions, the outermost first.
    pub fn conditions(self: &Arc<Self>) -> Vec<&Condition> {
        self.outermost_first().flat_map(|frame| &frame.keywords.when).collect()
    }

    /// All tags, the outermost first.
    pub fn tags(self: &Arc<Self>) -> Vec<&Setting> {
        self.outermost_first().flat_map(|frame| &frame.keywords.tags).collect()
    }

    /// The frames from the play's in to this one.
    pub fn outermost_first(self: &Arc<Self>) -> impl Iterator<Item = &Arc<Frame>> {
        let mut frames: Vec<_> = self.chain().collect();
        frames.reverse();
        frames.into_iter()
    }
}
