//! One update of the weights.

use burn::optim::{GradientsParams, ModuleOptimizer};
use mvl_core::{Task, TrainingEvent, device_of};

use crate::{LossValues, StepPlan, TrainError, clip_global_norm, seed_step};

/// What one update did.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// Mean loss of the batch, before the update; not a number for an empty batch.
    pub loss: LossValues,
    /// The norm of all gradients before clipping; only known when they are clipped.
    pub gradient_norm: Option<f64>,
    /// Samples in the batch; 0 when all were skipped, and then nothing was updated.
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
        }
    }
}

/// Forward, backward, clip, update: answers the updated model.
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
    batch: &T::Batch,
    optimizer: &mut ModuleOptimizer,
    plan: StepPlan,
) -> Result<(T::Model, StepReport), TrainError> {
    let samples = task.batch_len(batch);
    if samples == 0 {
        let loss = LossValues { total: f64::NAN, parts: Vec::new() };
        return Ok((model, StepReport { loss, gradient_norm: None, samples, plan }));
    }
    if let Some(device) = device_of(&model) {
        seed_step(&device, plan.seed, plan.global_step);
    }
    let output = task.forward(&model, batch);
    let loss = task.loss(&output, batch);
    if !loss.total.is_tracked() {
        return Err(TrainError::NoGradients);
    }
    let mut gradients = GradientsParams::from_grads(loss.total.backward(), &model);
    if gradients.is_empty() {
        return Err(TrainError::NoGradients);
    }
    let mut norm = None;
    if let Some(max_norm) = plan.gradient_clip_norm {
        (gradients, norm) = clip_global_norm(&model, gradients, max_norm);
    }
    let model = optimizer.step(plan.learning_rate, model, gradients);

    let loss = LossValues::read(loss);
    let gradient_norm = norm.map(|norm| norm.into_scalar::<f64>());
    for (what, value) in [("loss", Some(loss.total)), ("gradient norm", gradient_norm)] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            let StepPlan { epoch, step, learning_rate, .. } = plan;
            return Err(TrainError::NotFinite { what, value, epoch, step, learning_rate });
        }
    }
    Ok((model, StepReport { loss, gradient_norm, samples, plan }))
}
