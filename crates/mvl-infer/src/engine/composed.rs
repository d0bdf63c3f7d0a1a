//! [`Composed`]: a model that is made of other models.

use std::future::Future;
use std::pin::Pin;

use crate::{HostTensor, Request, RequestError};

/// Puts an answer together from other models' answers. Those are batched by their own batchers, so nothing waits here; priority and
/// deadline are passed on, and a future that is dropped cancels what it has asked.
pub trait Composed: Send + Sync {
    /// The outputs in the signature's order. The request has a deadline.
    fn answer(&self, request: Request) -> Composing;
}

/// An answer that is being put together.
pub type Composing = Pin<Box<dyn Future<Output = Result<Vec<HostTensor>, RequestError>> + Send>>;
