//! The threads that wait for stores: two for the whole process, started by the first request.

use std::future::Future;
use std::sync::{OnceLock, mpsc};

use mvl_core::DataError;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;

/// They copy and check bytes; decoding happens elsewhere.
const THREADS: usize = 2;

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// Where requests run.
///
/// # Errors
/// [`DataError::Invalid`] when the system gives no threads.
pub fn handle() -> Result<&'static Handle, DataError> {
    let build = || Builder::new_multi_thread().worker_threads(THREADS).thread_name("mvl-remote").enable_all().build();
    let runtime = RUNTIME.get_or_init(|| build().map_err(|error| error.to_string()));
    let runtime = runtime.as_ref().map(Runtime::handle);
    runtime.map_err(|error| DataError::invalid(format!("cannot start the threads for object stores: {error}")))
}

/// Blocks until the work is done. Another runtime's threads may call this: nothing of theirs is entered.
///
/// # Errors
/// [`DataError::Invalid`] when the system gives no threads, or the work panicked.
pub fn wait_for<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, DataError> {
    let (done, result) = mpsc::sync_channel(1);
    handle()?.spawn(async move {
        let _ = done.send(work.await); // the caller waits
    });
    result.recv().map_err(|_| DataError::invalid("a request to an object store panicked"))
}

/// Does the work on the threads for stores, whatever runtime the caller is on, and ends it when the caller no longer waits.
pub(crate) async fn on_runtime<T: Send + 'static>(
    work: impl Future<Output = Result<T, DataError>> + Send + 'static,
) -> Result<T, DataError> {
    Task::start(work)?.finish().await
}

/// Work on the threads for stores, which is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinSet<Result<T, DataError>>);

impl<T: Send + 'static> Task<T> {
    pub(crate) fn start(work: impl Future<Output = Result<T, DataError>> + Send + 'static) -> Result<Self, DataError> {
        let mut task = JoinSet::new();
        task.spawn_on(work, handle()?);
        Ok(Self(task))
    }

    pub(crate) async fn finish(mut self) -> Result<T, DataError> {
        let panicked = || Err(DataError::invalid("a request to an object store panicked"));
        self.0.join_next().await.and_then(Result::ok).unwrap_or_else(panicked)
    }
}

/// Does what computes or waits for a disk on a thread of its own.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DataError> + Send + 'static,
) -> Result<T, DataError> {
    let panicked = |_| DataError::invalid("work on an object panicked");
    handle()?.spawn_blocking(work).await.map_err(panicked)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_runtime_may_wait_for_ours() {
        let other = Builder::new_current_thread().build().expect("a runtime");
        assert_eq!(other.block_on(async { wait_for(async { 7 }) }).expect("it ran"), 7);
        let panicked = wait_for(async { assert_eq!(1, 2, "on purpose") });
        assert_eq!(panicked.expect_err("it panicked").to_string(), "a request to an object store panicked");
    }
}
