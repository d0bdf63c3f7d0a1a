//! The HTTP client beneath every store: it tells refusals that pass from those that stay.
//!
//! `object_store` folds most statuses into text. Here they are still numbers, so this is where `503` becomes a [`Refusal`] that the
//! retry policy can recognise, with the pause that the store asks for. Statuses that `object_store` has an error of its own for
//! (such as 404) go through.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// The longest pause that a store may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A status that says: later, or never.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// The pause that the store asks for.
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// Whether the same request may be granted later.
    pub(crate) fn passes(self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502..=504 | 506..=599)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store answered with status {}", self.status)
    }
}

impl std::error::Error for Refusal {}

/// Makes clients that watch for refusals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Watched(ReqwestConnector::default().connect(options)?)))
    }
}

#[derive(Debug)]
struct Watched(HttpClient);

type Answer<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'a>>;

impl HttpService for Watched {
    fn call<'life0, 'async_trait>(&'life0 self, request: HttpRequest) -> Answer<'async_trait>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let response = self.0.execute(request).await?;
            let status = response.status();
            let has_place = response.headers().contains_key("location");
            // A redirection without a place is what S3 says of a bucket in another region.
            if status.is_server_error()
                || matches!(status.as_u16(), 408 | 429)
                || (status.is_redirection() && !has_place)
            {
                let asked = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                let retry_after = asked.map(|seconds| Duration::from_secs(seconds).min(LONGEST_PAUSE));
                let refusal = Refusal { status: status.as_u16(), retry_after };
                return Err(HttpError::new(HttpErrorKind::Unknown, refusal));
            }
            Ok(response)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_stores_are_asked_again() {
        let passes = |status| Refusal { status, retry_after: None }.passes();
        assert!([408, 429, 500, 502, 503, 504, 529].into_iter().all(passes));
        assert!(![301, 400, 501, 505].into_iter().any(passes), "not implemented stays so");
    }
}
