//! [`Task`]: work of its own that ends when nobody waits for it any more.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;
use tracing::Instrument;

use crate::ServiceError;

/// Work that goes on by itself, until whoever holds this lets it go.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<Result<T, ServiceError>>);

impl<T: Send + 'static> Task<T> {
    /// Begins it.
    pub(crate) fn spawn(work: impl Future<Output = Result<T, ServiceError>> + Send + 'static) -> Self {
        Self(tokio::spawn(work.in_current_span()))
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, ServiceError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(ended.unwrap_or_else(|_| Err(ServiceError::internal("the work ended with a panic"))))
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
