//! Why a module could not do its work.

use std::error::Error;

use protocol::{Json, JsonMap, Response};

use crate::HostError;

/// A failure of a module: what there is to say, and return values that go with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What was attempted, on what, and what the far side said.
    pub msg: String,
    /// Return values that users look at after a failure, such as `rc` and `stderr`.
    pub returned: JsonMap,
}

impl Failure {
    /// A failure that has nothing but a message.
    pub fn new(msg: impl Into<String>) -> Self {
        Self { msg: msg.into(), returned: JsonMap::new() }
    }

    /// Adds a return value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.returned.insert(name.into(), value.into());
        self
    }

    /// What is told to the controller.
    pub fn into_response(self) -> Response {
        Response { returned: self.returned, ..Response::failure(self.msg) }
    }
}

/// The chain of an error, joined once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        let failure = Self::new(chain(&error));
        let HostError::Status { line, status, stdout, stderr } = error else { return failure };
        // What the program complained of is the message, as in Ansible; which program it was stands
        // beside it.
        let complaint = [&stderr, &stdout].map(|text| text.trim()).into_iter();
        let msg = complaint.filter(|text| !text.is_empty()).map(str::to_owned).next();
        let failure = Self { msg: msg.unwrap_or(failure.msg), ..failure };
        failure.with("cmd", line).with("rc", status).with("stdout", stdout).with("stderr", stderr)
    }
}
