//! A pass over a data set without learning.

use burn::module::Module;
use mvl_core::{DataLoader, Metrics, Task};

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
    let model = model.valid();
    let mut mean = MeanLoss::default();
    let mut metrics = task.metrics();
    for (number, batch) in epoch_batches(loader, PASS, 0, 0)?.enumerate() {
        let batch = batch?;
        let samples = task.batch_len(&batch);
        if samples == 0 {
            continue;
        }
        let output = task.forward(&model, &batch);
        mean.add(&LossValues::read(task.loss(&output, &batch)), samples);
        let (predictions, truths) = (task.decode(output), task.truths(&batch));
        for metric in &mut metrics {
            metric.update(&predictions, &truths);
        }
        each(&predictions, &truths, number);
    }
    let mut figures = mean.metrics();
    figures.0.extend(metrics.iter().flat_map(|metric| metric.compute()));
    Ok(figures)
}
