//! [`HeldBytes`]: how many bytes of bodies are held at a time, over all requests.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::{ServiceError, Trouble};

/// When to come again with a body that there was no room for.
const AGAIN: Duration = Duration::from_secs(1);

/// How many bytes are held, and how many may be.
#[derive(Debug)]
pub(super) struct HeldBytes {
    held: AtomicUsize,
    most: usize,
}

impl HeldBytes {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), most })
    }

    pub(super) fn begin(self: &Arc<Self>) -> Held {
        Held(Arc::new(Share { all: self.clone(), mine: AtomicUsize::new(0) }))
    }
}

#[derive(Debug)]
struct Share {
    all: Arc<HeldBytes>,
    mine: AtomicUsize,
}

/// What one request holds. It is given back when the last clone is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Held(Arc<Share>);

impl Held {
    /// For another message of the same connection.
    pub(crate) fn another(&self) -> Self {
        self.0.all.begin()
    }

    /// Takes more, or says that there is no room.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), ServiceError> {
        if self.take(bytes) { Ok(()) } else { Err(ServiceError::from(&Broken::NoRoom)) }
    }

    /// Takes more. False when there is no room.
    fn take(&self, bytes: usize) -> bool {
        let Share { all, mine } = &*self.0;
        if all.held.fetch_add(bytes, Ordering::Relaxed) + bytes > all.most {
            all.held.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        mine.fetch_add(bytes, Ordering::Relaxed);
        true
    }

    /// Gives back what was held so far: a stream's message has been dealt with.
    pub(crate) fn give_back(&self) {
        let mine = self.0.mine.swap(0, Ordering::Relaxed);
        self.0.all.held.fetch_sub(mine, Ordering::Relaxed);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.all.held.fetch_sub(*self.mine.get_mut(), Ordering::Relaxed);
    }
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("the server holds too many bytes of other requests; try again")]
    NoRoom,
    #[error("expected the body within {0:?}")]
    Slow(Duration),
    #[error(transparent)]
    Body(axum::Error),
}

impl From<&Broken> for ServiceError {
    fn from(broken: &Broken) -> Self {
        let trouble = match broken {
            Broken::NoRoom => Trouble::Unavailable,
            Broken::Slow(_) => Trouble::Late,
            Broken::Body(_) => Trouble::Invalid,
        };
        let retry_after = matches!(broken, Broken::NoRoom).then_some(AGAIN);
        Self { retry_after, ..Self::new(trouble, broken.to_string()) }
    }
}

/// How long a body may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// The whole body within a time.
    Whole(Duration),
    /// Never silent for longer than a time.
    Steady(Duration),
}

/// A body whose bytes are counted, and that must not take too long.
pub(super) struct Counted {
    body: Body,
    held: Held,
    pace: Pace,
    /// Set when there is first something to wait for.
    until: Option<Pin<Box<Sleep>>>,
    /// Errors as gRPC's, which is what its codec makes answers of.
    for_grpc: bool,
}

impl Counted {
    pub(super) fn new(body: Body, held: Held, pace: Pace, for_grpc: bool) -> Self {
        Self { body, held, pace, until: None, for_grpc }
    }

    fn broken(&self, broken: Broken) -> axum::Error {
        match self.for_grpc {
            true => axum::Error::new(tonic::Status::from(ServiceError::from(&broken))),
            false => axum::Error::new(broken),
        }
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Pending => {
                let (Pace::Whole(time) | Pace::Steady(time)) = this.pace;
                let until = this.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
                match until.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(this.broken(Broken::Slow(time))))),
                    Poll::Pending => Poll::Pending,
                }
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let (Pace::Steady(time), Some(until)) = (this.pace, &mut this.until) {
                    until.as_mut().reset(Instant::now() + time);
                }
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match this.held.take(bytes) {
                    true => Poll::Ready(Some(Ok(frame))),
                    false => Poll::Ready(Some(Err(this.broken(Broken::NoRoom)))),
                }
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(this.broken(Broken::Body(error))))),
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let all = HeldBytes::new(10);
        let (one, two) = (all.begin(), all.begin());
        assert!(one.take(6) && !two.take(5) && two.take(4));
        drop(one);
        assert!(two.take(6) && !two.take(1));
        two.give_back();
        assert!(two.take(10));
        drop((two.clone(), two));
        assert_eq!(all.held.load(Ordering::Relaxed), 0);
    }
}
