//! Why something could not be delivered, and what that means for the rest.

use std::time::Duration;

/// A delivery that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// For people, without secrets.
    pub(crate) what: String,
    /// The pause that the server asks for.
    pub(crate) retry_after: Option<Duration>,
    /// The status of the answer, if there was one.
    pub(crate) status: Option<u16>,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// It may be granted later: the server is away or busy.
    Passing,
    /// It will never be granted; what comes after it may be.
    Refused,
    /// Nothing will ever be granted.
    Hopeless,
}

impl Failure {
    pub(crate) fn passing(what: impl Into<String>) -> Self {
        Self { kind: FailureKind::Passing, what: what.into(), retry_after: None, status: None }
    }

    pub(crate) fn refused(what: impl Into<String>) -> Self {
        Self { kind: FailureKind::Refused, ..Self::passing(what) }
    }

    /// The same, where a refusal means that nothing else can be delivered either.
    pub(crate) fn or_hopeless(self) -> Self {
        let kind = if self.kind == FailureKind::Refused { FailureKind::Hopeless } else { self.kind };
        Self { kind, ..self }
    }
}
