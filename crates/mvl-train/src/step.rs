//! One update of the weights.

use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use mvl_core::{Task, TrainingEvent, device_of};

use crate::{LossValues, MeanLoss, StepPlan, TrainError, clip_gradients, seed_step};

/// What one update did.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// Mean loss of the batches, before the update; not a number when they are empty.
    pub loss: LossValues,
    /// The norm of all gradients before clipping; only known when they are clipped by it.
    pub gradient_norm: Option<f64>,
    /// Samples in the batches; 0 when all were skipped, and then nothing was updated.
    pub samples: usize,
    /// How the step was made.
    pub plan: StepPlan,
}

impl StepReport {
    /// The event that tells observers of it.
    pub fn event(&self) -> TrainingEvent<'_> {
        TrainingEvent::StepFinished {
            epoch: self.plan.epoch,
            step: self.plan.step,
            global_step: self.plan.global_step,
            loss: self.loss.total,
            parts: &self.loss.parts,
            learning_rate: self.plan.learning_rate,
            samples: self.samples,
            gradient_norm: self.gradient_norm,
            loss_scale: None,
            updated: true,
        }
    }
}

/// Forward and backward for each batch, clip, update: answers the updated model.
///
/// Several batches make one update: their gradients are averaged by samples, which is the gradient of one large batch, where no layer
/// looks across a batch as normalisation does.
///
/// The model must come from [`prepare_model`](crate::prepare_model) or an earlier step, and the batch from a loader on the
/// autodiff device: normalisation and dropout behave as in training only when their input is on one. (From the first weight
/// on it is, wherever the batch was; layers before that would be fooled by a batch on a plain device.) The device is seeded
/// from the plan first, so that the step is repeatable. The loss is read to the host once, at the end.
///
/// # Errors
/// [`TrainError::NoGradients`] when no parameter was reached, [`TrainError::NotFinite`] when loss or gradients are NaN or
/// infinite.
pub fn train_step<T: Task>(
    task: &T,
    model: T::Model,
    batches: &[T::Batch],
    optimizer: &mut ModuleOptimizer,
    plan: StepPlan,
) -> Result<(T::Model, StepReport), TrainError> {
    let sizes: Vec<usize> = batches.iter().map(|batch| task.batch_len(batch)).collect();
    let samples = sizes.iter().sum();
    if samples == 0 {
        let loss = LossValues { total: f64::NAN, parts: Vec::new() };
        return Ok((model, StepReport { loss, gradient_norm: None, samples, plan }));
    }
    let device = device_of(&model);
    let (mut accumulated, mut losses) = (GradientsAccumulator::new(), Vec::with_capacity(batches.len()));
    for ((number, batch), &size) in (plan.first_batch..).zip(batches).zip(&sizes).filter(|(_, size)| **size > 0) {
        if let Some(device) = &device {
            seed_step(device, plan.seed, number);
        }
        let output = task.forward(&model, batch);
        let loss = task.loss(&output, batch);
        if !loss.total.is_tracked() {
            return Err(TrainError::NoGradients);
        }
        let share = size as f64 / samples as f64;
        let total = if size == samples { loss.total.clone() } else { loss.total.clone() * share };
        accumulated.accumulate(&model, GradientsParams::from_grads(total.backward(), &model));
        losses.push((loss, size));
    }
    let mut gradients = accumulated.grads();
    if gradients.is_empty() {
        return Err(TrainError::NoGradients);
    }
    let mut norm = None;
    if let Some(clip) = plan.gradient_clip {
        (gradients, norm) = clip_gradients(&model, gradients, clip);
    }
    let model = optimizer.step(plan.learning_rate, model, gradients);

    let loss = MeanLoss::of(losses.into_iter().map(|(loss, size)| (LossValues::read(loss), size)));
    let gradient_norm = norm.map(|norm| norm.into_scalar::<f64>());
    for (what, value) in [("loss", Some(loss.total)), ("gradient norm", gradient_norm)] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            let StepPlan { epoch, step, learning_rate, .. } = plan;
            return Err(TrainError::NotFinite { what, value, epoch, step, learning_rate });
        }
    }
    Ok((model, StepReport { loss, gradient_norm, samples, plan }))
}
