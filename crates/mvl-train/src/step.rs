//! One update of the weights.

use burn::optim::{GradientsAccumulator, GradientsParams};
use mvl_core::{Loss, Task, TrainingEvent, device_of, lower_precision};

use crate::{
    LossValues, MeanLoss, StepPlan, TrainError, Updater, clip_gradients, perturb, seed_step, unscale_gradients,
};

/// The scale of a loss below which half precision is given up: even the largest gradient would vanish.
const SMALLEST_SCALE: f64 = 1.0 / 16_777_216.0;

/// What one update did.
#[derive(Debug, Clone, PartialEq)]
pub struct StepReport {
    /// Mean loss of the batches, before the update; not a number when they are empty.
    pub loss: LossValues,
    /// The norm of all gradients before clipping; only known when they are clipped by it.
    pub gradient_norm: Option<f64>,
    /// Samples in the batches; 0 when all were skipped, and then nothing was updated.
    pub samples: usize,
    /// The factor on the loss, where the precision needs one.
    pub loss_scale: Option<f64>,
    /// Whether the weights were changed: not without samples, nor when the gradients of a scaled loss overflowed.
    pub updated: bool,
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
            loss_scale: self.loss_scale,
            updated: self.updated,
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
/// infinite; with a scaled loss only when the scale cannot be made smaller any more.
pub fn train_step<T: Task>(
    task: &T,
    model: T::Model,
    batches: &[T::Batch],
    updater: &mut Updater<T::Model>,
    plan: StepPlan,
) -> Result<(T::Model, StepReport), TrainError> {
    let loss_scale = updater.loss_scale();
    let samples: usize = batches.iter().map(|batch| task.batch_len(batch)).sum();
    if samples == 0 {
        let loss = LossValues { total: f64::NAN, parts: Vec::new() };
        return Ok((model, StepReport { loss, gradient_norm: None, samples, loss_scale, updated: false, plan }));
    }
    let (mut gradients, losses, mut fits) = gradients(task, &model, batches, updater, plan)?;
    if let (Some(config), true) = (updater.sharpness, fits) {
        let apart = perturb(&model, &gradients, config);
        (gradients, _, fits) = self::gradients(task, &apart, batches, updater, plan)?;
    }
    let mut norm = None;
    if let (Some(clip), true) = (plan.gradient_clip, fits) {
        (gradients, norm) = clip_gradients(&model, gradients, clip);
    }
    let model = if fits { updater.step(plan.learning_rate, model, gradients) } else { model };

    let loss = MeanLoss::of(losses.into_iter().map(|(loss, size)| (LossValues::read(loss), size)));
    let gradient_norm = norm.map(|norm| norm.into_scalar::<f64>());
    let scale_left = match &mut updater.scaler {
        Some(scaler) => {
            scaler.after(!fits);
            scaler.scale()
        }
        None => 1.0,
    };
    let StepPlan { epoch, step, learning_rate, .. } = plan;
    let not_finite = |what, value| TrainError::NotFinite { what, value, epoch, step, learning_rate };
    if scale_left < SMALLEST_SCALE {
        return Err(not_finite("gradient of a loss scaled down as far as can be", f64::NAN));
    }
    for (what, value) in [("loss", Some(loss.total)), ("gradient norm", gradient_norm)] {
        if let Some(value) = value.filter(|value| fits && !value.is_finite()) {
            return Err(not_finite(what, value));
        }
    }
    Ok((model, StepReport { loss, gradient_norm, samples, loss_scale, updated: fits, plan }))
}

type Losses = Vec<(Loss, usize)>;

/// The mean gradients over all samples, the losses with their samples, and whether the gradients are finite, which is asked only where the
/// loss is scaled.
fn gradients<T: Task>(
    task: &T,
    model: &T::Model,
    batches: &[T::Batch],
    updater: &Updater<T::Model>,
    plan: StepPlan,
) -> Result<(GradientsParams, Losses, bool), TrainError> {
    let device = device_of(model);
    let sizes: Vec<usize> = batches.iter().map(|batch| task.batch_len(batch)).collect();
    let samples: usize = sizes.iter().sum();
    let scale = updater.loss_scale();
    let (mut accumulated, mut losses) = (GradientsAccumulator::new(), Vec::with_capacity(batches.len()));
    for ((number, batch), &size) in (plan.first_batch..).zip(batches).zip(&sizes).filter(|(_, size)| **size > 0) {
        if let Some(device) = &device {
            seed_step(device, plan.seed, number);
        }
        let lowered = lower_precision(model, updater.precision, &updater.keep_f32);
        let output = task.forward(&lowered, batch);
        let loss = task.loss(&output, batch);
        if !loss.total.is_tracked() {
            return Err(TrainError::NoGradients);
        }
        let share = size as f64 / samples as f64 * scale.unwrap_or(1.0);
        let total = if share == 1.0 { loss.total.clone() } else { loss.total.clone() * share };
        accumulated.accumulate(model, GradientsParams::from_grads(total.backward(), model));
        losses.push((loss, size));
    }
    let gradients = accumulated.grads();
    if gradients.is_empty() {
        return Err(TrainError::NoGradients);
    }
    let Some(scale) = scale else { return Ok((gradients, losses, true)) };
    let (gradients, finite) = unscale_gradients(model, gradients, scale);
    let fits = finite.is_some_and(|finite| finite.into_scalar::<f64>() == 1.0);
    Ok((gradients, losses, fits))
}
