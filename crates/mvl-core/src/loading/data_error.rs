//! What can be wrong with data, always with the place it was found in.

use std::path::PathBuf;
use std::sync::Arc;

use crate::BoxError;

/// Why data could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system or an object store said no.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said, or what happened on the way to the store.
        #[source]
        source: std::io::Error,
    },
    /// An image whose bytes cannot be decoded: truncated, corrupt, of an unknown format, or too large.
    #[error("cannot decode image: {what}; {image}")]
    Image {
        /// The path or name of the image.
        image: Arc<str>,
        /// What is wrong.
        what: String,
    },
    /// A file or folder that is not laid out as its format says.
    #[error("{what}; {}", path.display())]
    Format {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what was expected.
        what: String,
    },
    /// A request that the data cannot fulfil, such as an index past the end or a batch of differing shapes.
    #[error("{what}")]
    Invalid {
        /// What is wrong.
        what: String,
    },
    /// A data set or transform panicked while it made this item; the rest of the epoch is unaffected.
    #[error("the data set panicked at item {index}: {message}")]
    Panicked {
        /// The item's index.
        index: usize,
        /// The panic's message.
        message: String,
    },
    /// Anything else, from an extension.
    #[error("{what}")]
    Other {
        /// What happened.
        what: String,
        /// The cause.
        #[source]
        source: BoxError,
    },
}

impl DataError {
    /// An [`DataError::Invalid`] from a message.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid { what: what.into() }
    }

    /// An [`DataError::Other`] from a message and its cause.
    pub fn other(what: impl Into<String>, source: impl Into<BoxError>) -> Self {
        Self::Other { what: what.into(), source: source.into() }
    }

    /// The message with its causes, in one line.
    pub fn full_message(&self) -> String {
        crate::with_causes(self)
    }
}

/// A sample that was left out by policy, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SkippedSample {
    /// Its index in the data set.
    pub index: usize,
    /// What was wrong, with the path.
    pub reason: String,
}
