//! Which learning rate to begin with: a short run whose rate grows with every update.
//!
//! # Source
//! Smith 2015, <https://arxiv.org/abs/1506.01186>. The suggestion is where the smoothed loss falls fastest, as in fastai and Lightning.

use mvl_core::{DataLoader, Task};
use serde::Serialize;

use crate::prepare::own_copy;
use crate::{RunPlan, TrainConfig, TrainError, Updater, epoch_batches, train_step};

/// Share of the smoothed loss that an update keeps; fastai's value.
const SMOOTHING: f64 = 0.98;
/// The run ends when the smoothed loss is so many times the lowest.
const EXPLODED: f64 = 4.0;
/// Updates at either end that are not looked at: the first are noise, the last explode.
const FIRST: usize = 10;
const LAST: usize = 5;

/// Which rates are tried.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRateConfig {
    /// The first rate.
    pub lowest: f64,
    /// The last rate.
    pub highest: f64,
    /// Updates between the two.
    pub steps: usize,
}

impl Default for LearningRateConfig {
    fn default() -> Self {
        Self { lowest: 1e-7, highest: 10.0, steps: 100 }
    }
}

/// What came of each rate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningRateCurve {
    /// Learning rate and smoothed loss, in the order they were tried.
    pub points: Vec<(f64, f64)>,
    /// The rate at which the loss fell fastest; `None` when it did not fall.
    pub suggestion: Option<f64>,
}

/// Tries rates from low to high on a copy of the model, with the optimiser of the settings and without their schedule. Ends early when the
/// loss explodes. The model must come from [`prepare_model`](crate::prepare_model).
///
/// # Errors
/// Those of the data and of a step, but for losses that are not finite, which end the search.
pub fn find_learning_rate<T: Task>(
    task: &T,
    model: &T::Model,
    loader: &dyn DataLoader<Batch = T::Batch>,
    settings: &TrainConfig,
    config: LearningRateConfig,
) -> Result<LearningRateCurve, TrainError> {
    let plan = RunPlan::new(settings, loader.batches_per_epoch());
    if plan.steps_per_epoch() == 0 {
        return Err(TrainError::NoBatches { pass: "training" });
    }
    let steps = config.steps.max(FIRST + LAST + 2);
    let growth = (config.highest / config.lowest).powf(1.0 / (steps - 1) as f64);
    let mut model = own_copy(model);
    let mut updater = Updater::new(settings, &model);
    let (mut points, mut mean, mut lowest) = (Vec::with_capacity(steps), 0.0, f64::INFINITY);
    'search: for epoch in 0.. {
        let mut batches = epoch_batches(loader, "training", epoch, 0)?;
        while let Some(group) = batches.next_group(plan.gradient_accumulation())? {
            let number = points.len();
            let mut step = plan.step(epoch, number % plan.steps_per_epoch());
            step.learning_rate = config.lowest * growth.powi(number as i32);
            let report = match train_step(task, model, &group, &mut updater, step) {
                Ok((updated, report)) => {
                    model = updated;
                    report
                }
                Err(TrainError::NotFinite { .. }) => break 'search,
                Err(error) => return Err(error),
            };
            if !report.updated {
                continue; // an overflow of half precision: the same rate again, with a smaller scale
            }
            mean = SMOOTHING * mean + (1.0 - SMOOTHING) * report.loss.total;
            let smoothed = mean / (1.0 - SMOOTHING.powi(number as i32 + 1));
            points.push((step.learning_rate, smoothed));
            lowest = lowest.min(smoothed);
            if points.len() == steps || smoothed > EXPLODED * lowest {
                break 'search;
            }
        }
    }
    drop(loader.take_skipped());
    Ok(LearningRateCurve { suggestion: steepest(&points), points })
}

/// The rate at which the loss falls fastest along the logarithm of the rate.
fn steepest(points: &[(f64, f64)]) -> Option<f64> {
    let looked_at = points.get(FIRST..points.len().checked_sub(LAST)?)?;
    let slope = |three: &[(f64, f64)]| three[2].1 - three[0].1; // all steps are equally long
    let (rate, slope) =
        looked_at.windows(3).map(|three| (three[1].0, slope(three))).min_by(|a, b| a.1.total_cmp(&b.1))?;
    (slope < 0.0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steepest_fall_is_found() {
        // A loss that falls around 1e-2 and explodes at 1.
        let point = |number: i32| {
            let exponent = -7.0 + 0.08 * f64::from(number);
            let loss = 2.0 - 1.0 / (1.0 + (-(exponent + 2.0) * 4.0).exp()) + (exponent * 3.0).exp();
            (10_f64.powf(exponent), loss)
        };
        let points: Vec<_> = (0..100).map(point).collect();
        let rate = steepest(&points).expect("it falls");
        assert!((3e-3..2e-2).contains(&rate), "{rate}");
        let rising: Vec<_> = (0..100).map(|number| (f64::from(number), f64::from(number))).collect();
        assert_eq!(steepest(&rising), None);
        assert_eq!(steepest(&rising[..9]), None);
    }
}
