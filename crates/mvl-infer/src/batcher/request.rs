//! [`Request`], [`Ticket`] and [`Answer`]: what is asked, what one waits with, and what comes of it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::RequestError;
use crate::HostTensor;

/// Who goes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Before all others.
    High,
    /// Before low ones.
    #[default]
    Normal,
    /// When nothing else is to be done, or after a while.
    Low,
}

/// One request: inputs in the order of the engine's [`Signature`](crate::Signature), which has checked them.
#[derive(Debug, Clone)]
pub struct Request {
    /// The inputs.
    pub inputs: Vec<HostTensor>,
    /// Who goes first.
    pub priority: Priority,
    /// When the answer is of no use any more; by default after [`BatchOptions::timeout`](super::BatchOptions::timeout).
    pub deadline: Option<Instant>,
}

impl Request {
    /// A request of normal priority.
    pub fn new(inputs: Vec<HostTensor>) -> Self {
        Self { inputs, priority: Priority::Normal, deadline: None }
    }
}

/// What a request got.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The outputs, in the order of the signature.
    pub outputs: Vec<HostTensor>,
    /// Where the time went.
    pub timing: Timing,
    /// How many rows shared the forward pass.
    pub batch_rows: usize,
}

/// Where a request's time went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Timing {
    /// From its arrival until its forward pass began.
    pub queue: Duration,
    /// Joining the inputs of a batch.
    pub input: Duration,
    /// The forward pass.
    pub infer: Duration,
    /// Parting the outputs.
    pub output: Duration,
}

/// What is handed to whoever waits.
pub(super) type Reply = Result<Answer, RequestError>;

/// What one waits with: a future, or [`wait`](Self::wait). Dropped, it cancels the request, unless its forward pass has begun.
#[must_use = "dropping it cancels the request"]
pub struct Ticket(Waiting);

enum Waiting {
    /// It was answered when it was asked; empty once that was taken.
    Answered(Option<Box<Reply>>),
    For(oneshot::Receiver<Reply>),
    /// It is put together as it is waited for.
    Composing(Pin<Box<dyn Future<Output = Reply> + Send>>),
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Waiting::Answered(_) => "Ticket(answered)",
            Waiting::For(_) => "Ticket(waiting)",
            Waiting::Composing(_) => "Ticket(composing)",
        })
    }
}

impl Ticket {
    pub(super) fn answered(reply: Reply) -> Self {
        Self(Waiting::Answered(Some(Box::new(reply))))
    }

    pub(super) fn waiting(receiver: oneshot::Receiver<Reply>) -> Self {
        Self(Waiting::For(receiver))
    }

    pub(super) fn composing(answer: Pin<Box<dyn Future<Output = Reply> + Send>>) -> Self {
        Self(Waiting::Composing(answer))
    }

    /// Blocks until there is an answer. Not for asynchronous code.
    ///
    /// # Errors
    /// [`RequestError`].
    ///
    /// # Panics
    /// Within a task of an asynchronous runtime.
    pub fn wait(self) -> Result<Answer, RequestError> {
        match self.0 {
            Waiting::Answered(reply) => reply.map_or(Err(RequestError::Closed), |reply| *reply),
            Waiting::For(receiver) => receiver.blocking_recv().unwrap_or(Err(RequestError::Closed)),
            Waiting::Composing(answer) => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
                let failed = |error| Err(RequestError::Failed(format!("cannot wait: {error}")));
                runtime.map_or_else(failed, |runtime| runtime.block_on(answer))
            }
        }
    }
}

impl Future for Ticket {
    type Output = Result<Answer, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Waiting::Answered(reply) => Poll::Ready(reply.take().map_or(Err(RequestError::Closed), |reply| *reply)),
            Waiting::Composing(answer) => answer.as_mut().poll(context),
            Waiting::For(receiver) => {
                Pin::new(receiver).poll(context).map(|reply| reply.unwrap_or(Err(RequestError::Closed)))
            }
        }
    }
}
