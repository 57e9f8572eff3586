//! Modules that do something each time: they have guards instead of a state.

use protocol::Response;

use crate::{Documented, Failure, Host, Mode};

/// Something that is done, such as a command. It does not pretend to know whether that changes
/// anything: by default it does.
pub trait Action: Documented {
    /// Reads whether there is anything to do. The mode is for the wording of the answer.
    ///
    /// # Errors
    /// What cannot be read.
    fn guard(&self, _host: &dyn Host, _mode: Mode) -> Result<Guard, Failure> {
        Ok(Guard::Go)
    }

    /// What a check run answers where the guard says to go on.
    ///
    /// # Errors
    /// What would surely fail.
    fn foretell(&self, host: &dyn Host) -> Result<Response, Failure>;

    /// Does it.
    ///
    /// # Errors
    /// What went wrong.
    fn act(&self, host: &mut dyn Host) -> Result<Response, Failure>;
}

/// Whether an action has anything to do.
#[derive(Debug)]
pub enum Guard {
    /// It has.
    Go,
    /// It has not, and answers this.
    Stay(Box<Response>),
}
