//! The pass over validation data within a run.

use mvl_core::{Backend, DataLoader, Metrics, PredictedSample, Task, TrainingEvent};

use crate::{Evaluation, TrainError, Trainer, epoch_batches};

const PASS: &str = "validation";

impl<B: Backend, T: Task> Trainer<B, T> {
    /// Measures a model and tells observers on the way; `None` when the run is told to stop before the end.
    pub(crate) fn validate(
        &mut self,
        model: &T::Model,
        epoch: usize,
        loader: &dyn DataLoader<Batch = T::Batch>,
    ) -> Result<Option<Metrics>, TrainError> {
        if loader.batches_per_epoch() == 0 {
            return Err(TrainError::NoBatches { pass: PASS });
        }
        self.observers.notify(&TrainingEvent::ValidationStarted { epoch, batches: loader.batches_per_epoch() })?;
        let mut evaluation = Evaluation::new(&self.task, model, (self.metrics)());
        let mut samples: Vec<PredictedSample> = Vec::new();
        for (batch, content) in epoch_batches(loader, PASS, 0, 0)?.enumerate() {
            let content = content?;
            if let Some((predictions, _)) = evaluation.add(&content) {
                let missing = self.config.watch.predicted_samples.saturating_sub(samples.len());
                if missing > 0 {
                    samples.extend(self.task.predicted_samples(&content, &predictions, missing));
                }
            }
            self.observers.notify(&TrainingEvent::ValidationStep { batch })?;
            if self.stop.is_stopped() {
                return Ok(None);
            }
        }
        let (metrics, details) = (evaluation.metrics(), evaluation.details());
        self.tell_skipped(epoch, loader)?;
        let wanted = &self.monitor.metric;
        if metrics.get(wanted).is_none() {
            let known: Vec<&str> = metrics.iter().map(|(name, _)| name).collect();
            let problem = format!("monitor.metric: expected one of {}, got {wanted:?}", known.join(", "));
            return Err(TrainError::Config { problems: vec![problem] });
        }
        if !samples.is_empty() {
            self.observers.notify(&TrainingEvent::SamplesPredicted { epoch, samples: &samples })?;
        }
        self.observers.notify(&TrainingEvent::ValidationFinished { epoch, metrics: &metrics, details: &details })?;
        Ok(Some(metrics))
    }

    /// Tells observers of samples that a loader left out.
    pub(crate) fn tell_skipped(
        &mut self,
        epoch: usize,
        loader: &dyn DataLoader<Batch = T::Batch>,
    ) -> Result<(), TrainError> {
        let skipped = loader.take_skipped();
        if skipped.is_empty() {
            return Ok(());
        }
        self.observers.notify(&TrainingEvent::SamplesSkipped { epoch, skipped: &skipped })
    }
}
