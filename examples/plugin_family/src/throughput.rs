//! An observer: how many images a second were trained on.

use mvl::prelude::*;

/// Says it after every epoch, on standard error.
#[derive(Debug, Clone, Copy, Default)]
pub struct Throughput;

impl TrainingObserver for Throughput {
    fn name(&self) -> &str {
        "throughput"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if let TrainingEvent::EpochFinished { samples, train_time, .. } = event {
            eprintln!("throughput: {:.0} images/s", *samples as f64 / train_time.as_secs_f64());
        }
        Ok(Flow::Continue)
    }
}
