//! What can go wrong on the way to a host.

/// Why a host could not be reached or its remote not be started.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not yet sorted.
    #[error("{0}")]
    Other(String),
}

/// Why a request has no response.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The connection or the remote ended before the response came.
    #[error("the connection was lost: {why}")]
    Lost {
        /// What is known about the end.
        why: String,
    },
}
