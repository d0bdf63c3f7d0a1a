//! [`TrackError`]: what went wrong, with MLflow's error code, so that a server passes it on as it is.

use std::fmt;

use mvl_core::DataError;

/// What a call of the tracker or the registry answers.
pub type Result<T, E = TrackError> = std::result::Result<T, E>;

/// MLflow's error codes, as far as a store uses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The database or the program failed, not the caller.
    InternalError,
    /// Try again later: the database is busy or unreachable.
    TemporarilyUnavailable,
    /// The request makes no sense.
    BadRequest,
    /// A field of the request does not hold what it may.
    InvalidParameterValue,
    /// The thing is in a state in which this cannot be done.
    InvalidState,
    /// The caller may not do this.
    PermissionDenied,
    /// No such experiment, run, model, version, tag, artifact.
    ResourceDoesNotExist,
    /// The name is taken.
    ResourceAlreadyExists,
    /// Somebody else was faster: what the caller expected is no longer there.
    ResourceConflict,
    /// More than the limits allow.
    ResourceExhausted,
    /// What was stored is damaged.
    DataLoss,
}

impl ErrorCode {
    /// As MLflow writes it: `RESOURCE_DOES_NOT_EXIST`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InternalError => "INTERNAL_ERROR",
            Self::TemporarilyUnavailable => "TEMPORARILY_UNAVAILABLE",
            Self::BadRequest => "BAD_REQUEST",
            Self::InvalidParameterValue => "INVALID_PARAMETER_VALUE",
            Self::InvalidState => "INVALID_STATE",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceDoesNotExist => "RESOURCE_DOES_NOT_EXIST",
            Self::ResourceAlreadyExists => "RESOURCE_ALREADY_EXISTS",
            Self::ResourceConflict => "RESOURCE_CONFLICT",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::DataLoss => "DATA_LOSS",
        }
    }

    /// The HTTP status that MLflow's server answers with.
    pub fn http_status(self) -> u16 {
        match self {
            Self::InternalError | Self::InvalidState | Self::DataLoss => 500,
            Self::TemporarilyUnavailable => 503,
            Self::BadRequest | Self::InvalidParameterValue | Self::ResourceAlreadyExists => 400,
            Self::PermissionDenied => 403,
            Self::ResourceDoesNotExist => 404,
            Self::ResourceConflict => 409,
            Self::ResourceExhausted => 429,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a call failed: a code for programs, a message and often a hint for people.
#[derive(Debug, thiserror::Error)]
#[error("{message}{}", hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
pub struct TrackError {
    /// MLflow's code.
    pub code: ErrorCode,
    /// What went wrong, with the offending value. Where clients compare messages, it is MLflow's.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The cause below, when there is one.
    #[source]
    pub source: Option<mvl_core::BoxError>,
}

impl TrackError {
    /// An error with a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, source: None }
    }

    /// [`ErrorCode::InvalidParameterValue`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterValue, message)
    }

    /// [`ErrorCode::ResourceDoesNotExist`].
    pub fn missing(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceDoesNotExist, message)
    }

    /// [`ErrorCode::InternalError`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InternalError, message)
    }

    /// Says what to do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the cause.
    pub fn with_source(mut self, source: impl Into<mvl_core::BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }
}

impl From<sqlx::Error> for TrackError {
    fn from(error: sqlx::Error) -> Self {
        if is_busy(&error) {
            return Self::new(ErrorCode::TemporarilyUnavailable, format!("the database is busy: {error}"))
                .with_hint("try again; another program is writing")
                .with_source(error);
        }
        match &error {
            lost if is_lost(lost) || matches!(lost, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {
                Self::new(ErrorCode::TemporarilyUnavailable, format!("the database does not answer: {error}"))
                    .with_hint("is it running, and is its address right?")
                    .with_source(error)
            }
            sqlx::Error::Database(inner) if inner.code().as_deref() == Some("22021") => {
                Self::invalid(format!("the database does not take this text: {error}")).with_source(error)
            }
            _ => Self::internal(format!("the database failed: {error}")).with_source(error),
        }
    }
}

/// Whether a name was taken by somebody who was faster.
pub(crate) fn is_taken(error: &TrackError) -> bool {
    let source = error.source.as_deref().and_then(|source| source.downcast_ref::<sqlx::Error>());
    source.and_then(sqlx::Error::as_database_error).is_some_and(|error| error.is_unique_violation())
}

impl From<DataError> for TrackError {
    fn from(error: DataError) -> Self {
        let code = match &error {
            DataError::Format { .. } => ErrorCode::DataLoss,
            _ => ErrorCode::InternalError,
        };
        Self::new(code, error.full_message())
    }
}

/// Whether the database asks to come back later: SQLite's `BUSY` and `LOCKED`, Postgres' deadlock and serialisation failures.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(inner) = error else { return false };
    match inner.code().as_deref() {
        Some("40001" | "40P01" | "55P03") => true,
        Some(code) => code.parse::<i64>().is_ok_and(|code| code < 10_000 && matches!(code & 0xff, 5 | 6)),
        None => false,
    }
}

/// Whether the connection to the server was lost, or the server is going down or coming up. What was not committed is undone then.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(inner) => {
            // Class 08 are failures of connections; 57P01 to 57P03 are a server that shuts down, crashed, or starts.
            inner.code().is_some_and(|code| code.starts_with("08") || matches!(&*code, "57P01" | "57P02" | "57P03"))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_with_its_hint() {
        let error = TrackError::missing("no run \"a\"").with_hint("list them");
        assert_eq!(error.to_string(), "no run \"a\"; list them");
        assert_eq!((error.code.as_str(), error.code.http_status()), ("RESOURCE_DOES_NOT_EXIST", 404));
    }
}
