//! Programs that are talked to: they have a terminal, and are answered as they ask.

/// What is answered to what a program has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing yet.
    Wait,
    /// These bytes. What was said up to `heard` has been answered by them.
    Say {
        /// Bytes of what was said.
        heard: usize,
        bytes: Vec<u8>,
    },
    /// The program is ended.
    HangUp,
}

/// How a talk with a program ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// All that stood on its terminal, as far as it was kept.
    pub output: Vec<u8>,
    /// Its exit status; `None` where it was ended from here, or by a signal.
    pub status: Option<i32>,
}

/// Who answers: is given what the program said since the last answer.
pub type Answerer<'a> = &'a mut dyn FnMut(&[u8]) -> Reply;
