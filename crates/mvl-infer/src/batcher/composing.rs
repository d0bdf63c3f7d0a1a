//! Requests for a [`Composed`] model: they wait in no queue here, but no more of them are under way than could.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Answer, Request, RequestError, Shared, Ticket, Timing};
use crate::Composed;

/// When to try again a model that has too much under way.
const AGAIN: Duration = Duration::from_millis(100);

/// A request that is under way. Dropped without an end, it was cancelled.
struct UnderWay {
    shared: Arc<Shared>,
    rows: usize,
    ended: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.shared.composing_rows.fetch_sub(self.rows, Ordering::AcqRel);
        if !self.ended {
            self.shared.statistics().cancelled += 1;
        }
        self.shared.changed.notify_all();
    }
}

/// Asks, unless too much is under way.
pub(super) fn ask(
    shared: &Arc<Shared>,
    composed: &dyn Composed,
    request: Request,
    rows: usize,
    now: Instant,
) -> Ticket {
    let before = shared.composing_rows.fetch_add(rows, Ordering::AcqRel);
    let mut under_way = UnderWay { shared: shared.clone(), rows, ended: false };
    // Asked after it was counted: whoever closes and looks what is under way misses nobody.
    if shared.state().closing {
        under_way.ended = true;
        shared.statistics().failed(Duration::ZERO);
        return Ticket::answered(Err(RequestError::Closed));
    }
    if before.saturating_add(rows) > shared.options.queue_rows && before > 0 {
        under_way.ended = true;
        shared.statistics().refused += 1;
        return Ticket::answered(Err(RequestError::Overloaded { retry_after: AGAIN }));
    }
    let answer = composed.answer(request);
    Ticket::composing(Box::pin(async move {
        let outcome = answer.await;
        under_way.ended = true;
        let shared = &under_way.shared;
        let outcome = outcome.and_then(|outputs| match shared.signature.check_outputs(&outputs) {
            Ok(()) => Ok(outputs),
            Err(error) => Err(RequestError::Failed(format!("the answer is wrong: {error}"))),
        });
        let took = now.elapsed();
        let mut statistics = shared.statistics();
        match outcome {
            Ok(outputs) => {
                let timing = Timing { infer: took, ..Timing::default() };
                statistics.pass(rows, &timing);
                statistics.succeeded(&timing, took);
                Ok(Answer { outputs, timing, batch_rows: rows })
            }
            Err(error @ RequestError::Overloaded { .. }) => {
                statistics.refused += 1;
                Err(error)
            }
            Err(error) => {
                statistics.failed(took);
                Err(error)
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::sync::oneshot;

    use super::*;
    use crate::{
        BatchOptions, Batcher, Composing, DataType, Engine, EngineError, HostTensor, IdentityEngine, Signature,
    };

    /// Gives back what it gets once it is told to.
    struct Waits(Mutex<Vec<oneshot::Sender<()>>>);

    impl Composed for Waits {
        fn answer(&self, request: Request) -> Composing {
            let (go, told) = oneshot::channel();
            self.0.lock().expect("alone").push(go);
            Box::pin(async move { told.await.map(|()| request.inputs).map_err(|_| RequestError::Closed) })
        }
    }

    struct Front(IdentityEngine, Arc<Waits>);

    impl Engine for Front {
        fn signature(&self) -> &Signature {
            self.0.signature()
        }

        fn platform(&self) -> &str {
            "composed"
        }

        fn run(&self, _: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
            Err(EngineError::Failed("it is composed".to_owned()))
        }

        fn composed(&self) -> Option<Arc<dyn Composed>> {
            Some(self.1.clone())
        }
    }

    #[test]
    fn what_is_composed_is_counted_bounded_and_cancelled() {
        let waits = Arc::new(Waits(Mutex::default()));
        let engine = Arc::new(Front(IdentityEngine::new(&[DataType::Fp32]), waits.clone()));
        let batcher = Batcher::start(vec![engine], BatchOptions { queue_rows: 2, ..BatchOptions::default() });
        let ask = || batcher.submit(Request::new(vec![HostTensor::from_f32(vec![1, 1], &[7.0])]));
        let (first, second) = (ask(), ask());
        assert!(matches!(ask().wait(), Err(RequestError::Overloaded { .. })), "two are under way");
        assert!(!batcher.drain(Duration::from_millis(1)), "they are waited for");
        drop(second);
        waits.0.lock().expect("alone").remove(0).send(()).expect("somebody waits");
        assert_eq!(first.wait().expect("told").outputs[0].to_f32().expect("numbers"), [7.0]);
        assert!(batcher.drain(Duration::from_secs(1)));
        assert!(matches!(ask().wait(), Err(RequestError::Closed)));
        let statistics = batcher.statistics();
        assert_eq!((statistics.success.count, statistics.refused, statistics.cancelled), (1, 1, 1));
    }
}
