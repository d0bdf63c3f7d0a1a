//! A pass over a data set without learning.

use burn::module::Module;
use mvl_core::{DataLoader, Metric, MetricDetail, Metrics, Task};

use crate::{LossValues, MeanLoss, TrainError, epoch_batches};

/// Measures a model: the mean loss over all samples (`loss`, then its parts) and the task's own figures.
///
/// The model is used as in inference: no gradients, no dropout, running statistics in normalisation layers. The loader
/// should be on a plain device, without autodiff; its epoch 0 is used. `each` sees every batch's predictions and truths,
/// and the number of the batch, for confusion matrices, contact sheets and the like.
///
/// # Errors
/// [`TrainError::Data`], [`TrainError::NoBatches`] or [`TrainError::BatchCount`].
pub fn evaluate<T: Task>(
    task: &T,
    model: &T::Model,
    loader: &dyn DataLoader<Batch = T::Batch>,
    mut each: impl FnMut(&[T::Prediction], &[T::Truth], usize),
) -> Result<Metrics, TrainError> {
    const PASS: &str = "validation";
    if loader.batches_per_epoch() == 0 {
        return Err(TrainError::NoBatches { pass: PASS });
    }
    let mut evaluation = Evaluation::new(task, model, Vec::new());
    for (number, batch) in epoch_batches(loader, PASS, 0, 0)?.enumerate() {
        if let Some((predictions, truths)) = evaluation.add(&batch?) {
            each(&predictions, &truths, number);
        }
    }
    Ok(evaluation.metrics())
}

/// One prediction and one truth for each sample of a batch.
type Answers<T> = (Vec<<T as Task>::Prediction>, Vec<<T as Task>::Truth>);
type AnyMetric<T> = Box<dyn Metric<<T as Task>::Prediction, <T as Task>::Truth>>;

/// What [`evaluate`] is made of: a pass that is fed batch by batch, and may be given up half way.
pub struct Evaluation<'a, T: Task> {
    task: &'a T,
    model: T::Model,
    mean: MeanLoss,
    metrics: Vec<AnyMetric<T>>,
}

impl<'a, T: Task> Evaluation<'a, T> {
    /// The beginning of a pass, with metrics beside the task's own.
    pub fn new(task: &'a T, model: &T::Model, more: Vec<AnyMetric<T>>) -> Self {
        let metrics = task.metrics().into_iter().chain(more).collect();
        Self { task, model: model.valid(), mean: MeanLoss::default(), metrics }
    }

    /// Takes in a batch and answers one prediction and one truth for each sample; `None` for an empty batch.
    pub fn add(&mut self, batch: &T::Batch) -> Option<Answers<T>> {
        let samples = self.task.batch_len(batch);
        if samples == 0 {
            return None;
        }
        let output = self.task.forward(&self.model, batch);
        self.mean.add(&LossValues::read(self.task.loss(&output, batch)), samples);
        let (predictions, truths) = (self.task.decode(output), self.task.truths(batch));
        for metric in &mut self.metrics {
            metric.update(&predictions, &truths);
        }
        Some((predictions, truths))
    }

    /// The figures so far: `loss`, its parts, the metrics' own.
    pub fn metrics(&self) -> Metrics {
        let mut figures = self.mean.metrics();
        figures.0.extend(self.metrics.iter().flat_map(|metric| metric.compute()));
        figures
    }

    /// What metrics know beyond figures.
    pub fn details(&self) -> Vec<MetricDetail> {
        self.metrics.iter().filter_map(|metric| metric.detail()).collect()
    }
}

impl<T: Task> std::fmt::Debug for Evaluation<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Evaluation").field("mean", &self.mean).finish_non_exhaustive()
    }
}
