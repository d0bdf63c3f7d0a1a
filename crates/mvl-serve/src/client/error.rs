//! [`ClientError`]: why a server gave no answer.

use std::time::Duration;

/// Why a server gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The address is none.
    #[error("expected an address such as http://127.0.0.1:8000, got {address:?}: {what}")]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        what: String,
    },
    /// The API key cannot be sent. It is not shown.
    #[error("expected an API key of visible ASCII, which is what HTTP headers carry")]
    Key,
    /// The request cannot be written.
    #[error("the request cannot be written: {what}")]
    Request {
        /// What is wrong with it.
        what: String,
    },
    /// Nobody answers, or the connection broke.
    #[error("cannot ask {address}")]
    Connection {
        /// Who was asked.
        address: String,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refused.
    #[error("the server refused with {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// The answer is not as it should be.
    #[error("the answer of {address} is not as expected: {what}")]
    Answer {
        /// Who was asked.
        address: String,
        /// What is wrong with it.
        what: String,
    },
    /// The answer was not there in time.
    #[error("no answer within {} ms", within.as_millis())]
    Late {
        /// How long it was waited for.
        within: Duration,
    },
}

impl ClientError {
    /// The HTTP status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}
