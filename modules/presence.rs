//! Whether a thing should be there: the `state` of most modules.

use module::Choices;

/// Whether something should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choices)]
pub enum Presence {
    Absent,
    Present,
}

impl Presence {
    /// Whether it should be there.
    pub fn is_present(self) -> bool {
        self == Self::Present
    }
}
