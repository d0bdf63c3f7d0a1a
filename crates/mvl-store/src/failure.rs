//! Why a request failed, whether it is worth another attempt, and what a person can do about it.

use std::error::Error;
use std::io::ErrorKind;
use std::iter::successors;
use std::time::Duration;

use mvl_core::DataError;
use object_store::Error as StoreError;
use object_store::client::HttpError;

use crate::StoreUrl;
use crate::connector::Refusal;

/// Where clouds hand credentials to their own machines. Elsewhere nobody answers there.
const METADATA_SERVERS: [&str; 3] = ["169.254.169.254", "169.254.170.2", "metadata.google.internal"];

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It may pass: a busy store, a lost connection, a body that ended early.
    Transient,
    /// The bytes are not those that the checksum was made of. Moved once more, they may be.
    Damaged,
    /// There is no such object.
    Missing,
    /// The credentials are missing, or do not suffice.
    Denied,
    /// Anything else that another attempt would not mend.
    Permanent,
}

/// One request's failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    pub(crate) cause: Cause,
    pub(crate) what: String,
    /// The pause that the store asks for before the next attempt.
    pub(crate) retry_after: Option<Duration>,
    /// What the store answered with, where it refused as a whole.
    pub(crate) status: Option<u16>,
}

impl Failure {
    pub(crate) fn new(cause: Cause, what: impl Into<String>) -> Self {
        Self { cause, what: what.into(), retry_after: None, status: None }
    }

    /// Whether the store itself did not answer, so that its other objects would fail alike.
    pub fn is_the_stores(&self) -> bool {
        matches!(self.cause, Cause::Transient | Cause::Denied)
    }

    /// The error for people: where it happened, while doing what, why, and what to look at.
    pub fn at(&self, url: &StoreUrl, action: &str) -> DataError {
        let kind = match self.cause {
            Cause::Transient => ErrorKind::TimedOut,
            Cause::Damaged => ErrorKind::InvalidData,
            Cause::Missing => ErrorKind::NotFound,
            Cause::Denied => ErrorKind::PermissionDenied,
            Cause::Permanent => ErrorKind::Other,
        };
        let hint = hint(url.scheme(), self.cause).map(|hint| format!("; {hint}")).unwrap_or_default();
        let source = std::io::Error::new(kind, format!("{action}: {}{hint}", self.what));
        DataError::Io { path: url.as_path(), source }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => return Self::new(Cause::Missing, "no such object"),
            StoreError::PermissionDenied { .. } => return Self::new(Cause::Denied, "access is denied"),
            StoreError::Unauthenticated { .. } => return Self::new(Cause::Denied, "the store wants credentials"),
            _ => {}
        }
        let chain = || successors(Some(&error as &(dyn Error + 'static)), |error| (*error).source());
        if chain().any(|error| METADATA_SERVERS.iter().any(|server| error.to_string().contains(server))) {
            return Self::new(Cause::Denied, "found no credentials");
        }
        if let Some(refusal) = chain().find_map(|error| error.downcast_ref::<Refusal>()) {
            let cause = if refusal.passes() { Cause::Transient } else { Cause::Permanent };
            let status = Some(refusal.status);
            return Self { retry_after: refusal.retry_after, status, ..Self::new(cause, refusal.to_string()) };
        }
        let root = chain().last().map(ToString::to_string).unwrap_or_default();
        if let Some(status) = refused_with(&root) {
            return match status {
                404 => Self::new(Cause::Missing, "no such bucket or container"),
                401 | 403 => Self::new(Cause::Denied, "access is denied"),
                status => Self::new(Cause::Permanent, format!("the store answered with status {status}")),
            };
        }
        let never_sent =
            chain().filter_map(|error| error.downcast_ref::<reqwest::Error>()).any(reqwest::Error::is_builder);
        let transport = chain().any(|error| error.is::<HttpError>());
        Self::new(if transport && !never_sent { Cause::Transient } else { Cause::Permanent }, root)
    }
}

/// The status of an answer that `object_store` has folded into text, as it does with lists; its error for it is private.
fn refused_with(text: &str) -> Option<u16> {
    text.strip_prefix("Server returned non-2xx status code: ")?.get(..3)?.parse().ok()
}

/// What to look at, by store and failure.
fn hint(scheme: &str, cause: Cause) -> Option<&'static str> {
    Some(match (scheme, cause) {
        (_, Cause::Damaged) => "write the shard or its index again",
        ("s3" | "s3a", Cause::Denied) => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SKIP_SIGNATURE=true for a public bucket"
        }
        ("s3" | "s3a", Cause::Transient) => "is the store up, and AWS_ENDPOINT_URL right?",
        ("s3" | "s3a", Cause::Missing) => "check bucket and key; stores other than Amazon's need AWS_ENDPOINT_URL",
        ("s3" | "s3a", Cause::Permanent) => {
            "check AWS_REGION and AWS_ENDPOINT_URL; an http:// endpoint needs AWS_ALLOW_HTTP=true"
        }
        ("gs", Cause::Denied) => {
            "set GOOGLE_SERVICE_ACCOUNT to a key file, or GOOGLE_SKIP_SIGNATURE=true for a public bucket"
        }
        ("gs", Cause::Transient) => "is the store up, and the network?",
        ("gs", _) => "check bucket and key",
        ("file", _) => return None,
        ("http" | "https", Cause::Denied) => "the server wants credentials, which http(s):// does not carry",
        ("http" | "https", Cause::Transient) => "is the server up, and the address right?",
        ("http" | "https", Cause::Missing) => "check the address",
        ("http" | "https", _) => "the server must answer requests for ranges, and list by WebDAV",
        (_, Cause::Denied) => "set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY",
        (_, Cause::Transient) => "is the store up, and AZURE_STORAGE_ENDPOINT right?",
        (_, Cause::Missing) => "check container and key, and AZURE_STORAGE_ACCOUNT_NAME",
        (_, Cause::Permanent) => {
            "set AZURE_STORAGE_ACCOUNT_NAME; an http:// AZURE_STORAGE_ENDPOINT needs AZURE_ALLOW_HTTP=true"
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::client::HttpErrorKind;

    fn generic(source: impl Error + Send + Sync + 'static) -> Failure {
        StoreError::Generic { store: "S3", source: Box::new(source) }.into()
    }

    #[test]
    fn what_may_pass_is_told_from_what_stays() {
        let busy = HttpError::new(HttpErrorKind::Unknown, Refusal { status: 503, retry_after: None });
        let refused = Failure::new(Cause::Transient, "the store answered with status 503");
        assert_eq!(generic(busy), Failure { status: Some(503), ..refused });
        let moved = HttpError::new(HttpErrorKind::Unknown, Refusal { status: 301, retry_after: None });
        assert_eq!(generic(moved).cause, Cause::Permanent);
        let reset = HttpError::new(HttpErrorKind::Interrupted, std::io::Error::other("connection reset by peer"));
        assert_eq!(generic(reset), Failure::new(Cause::Transient, "connection reset by peer"));
        assert_eq!(generic(std::io::Error::other("bad config")), Failure::new(Cause::Permanent, "bad config"));
        let listing = std::io::Error::other("Server returned non-2xx status code: 403 Forbidden: <xml/>");
        assert_eq!(generic(listing), Failure::new(Cause::Denied, "access is denied"));
        let nobody = std::io::Error::other("error performing PUT http://169.254.169.254/latest/api/token");
        assert_eq!(generic(nobody).cause, Cause::Denied);
        let source = Box::new(std::io::Error::other("404"));
        let missing = Failure::from(StoreError::NotFound { path: "a".to_owned(), source });
        assert_eq!(missing.cause, Cause::Missing);
    }

    #[test]
    fn the_message_names_place_and_remedy() {
        let url = StoreUrl::parse("s3://bucket/a.jpg").expect("a good address");
        let denied = Failure::new(Cause::Denied, "access is denied").at(&url, "bytes 5..9");
        assert_eq!(
            denied.full_message(),
            "cannot read s3://bucket/a.jpg: bytes 5..9: access is denied; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
             AWS_SKIP_SIGNATURE=true for a public bucket"
        );
    }
}
