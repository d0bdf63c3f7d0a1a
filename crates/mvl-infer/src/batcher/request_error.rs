//! Why a request has no answer.

use std::time::Duration;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The inputs have none.
    #[error("{0}")]
    Input(String),
    /// More is asked than can be answered in time. Nothing was computed.
    #[error("the model is overloaded; try again in {} ms", retry_after.as_millis())]
    Overloaded {
        /// When it may be better.
        retry_after: Duration,
    },
    /// The answer was not there in time.
    #[error("the deadline passed before the answer was there")]
    Deadline,
    /// Every attempt failed.
    #[error("{0}")]
    Failed(String),
    /// The model is being unloaded and takes no requests any more.
    #[error("the model is being unloaded")]
    Closed,
}
