//! Modules that only read.

use protocol::Response;

use crate::{Documented, Failure, Host};

/// Something that is read. It cannot write, so a check run and any other are the same.
pub trait Fact: Documented {
    /// Reads it.
    ///
    /// # Errors
    /// What cannot be read.
    fn read(&self, host: &dyn Host) -> Result<Response, Failure>;
}
