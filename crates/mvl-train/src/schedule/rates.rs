//! The learning rate as a function of the step.

use mvl_core::Monitor;

use super::{ScheduleConfig, ScheduleShape, ScheduleUnit};
use crate::{EpochSummary, TrainError};

/// The learning rate of each step of a run: a pure function of the step and, with a plateau, of the epochs before it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    base: f64,
    steps_per_epoch: usize,
    warmup_steps: usize,
    warmup_factor: Option<f64>,
    shape: ScheduleShape,
    /// Steps in one unit of the shape.
    unit_steps: usize,
    /// Units from the end of the warm-up to the end of the run.
    span: usize,
    /// What a plateau has come to.
    plateau_rate: f64,
}

impl Schedule {
    pub(super) fn new(config: &ScheduleConfig, base: f64, steps_per_epoch: usize, epochs: usize) -> Self {
        let total_steps = steps_per_epoch * epochs;
        let warmup_steps = if config.warmup_steps > 0 {
            config.warmup_steps
        } else {
            (config.warmup_epochs * steps_per_epoch as f64).round() as usize
        };
        let unit_steps = match config.unit() {
            ScheduleUnit::Step => 1,
            ScheduleUnit::Epoch => steps_per_epoch.max(1),
        };
        Self {
            base,
            steps_per_epoch,
            warmup_steps,
            warmup_factor: config.warmup_factor,
            shape: config.shape.clone(),
            unit_steps,
            span: total_steps.saturating_sub(warmup_steps).div_ceil(unit_steps),
            plateau_rate: base,
        }
    }

    /// The rate of a step of the run, from 0.
    ///
    /// With `W` warm-up steps, step `s` below `W` has `base · (s + 1) / W` or, from a factor `f`,
    /// `base · (f + (1 − f) · s / W)`; a later one has what the shape says `s − W` steps after its beginning.
    pub fn learning_rate(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            let steps = self.warmup_steps as f64;
            return match self.warmup_factor {
                None => self.base * (step + 1) as f64 / steps,
                Some(factor) => self.base * (factor + (1.0 - factor) * step as f64 / steps),
            };
        }
        if let ScheduleShape::Plateau(_) = self.shape {
            return self.plateau_rate;
        }
        self.base * self.shape.factor((step - self.warmup_steps) / self.unit_steps, self.span)
    }

    /// Takes in the finished epochs of the run, all of them each time; `usual` is the figure when a plateau names none.
    ///
    /// # Errors
    /// [`TrainError::Config`] when an epoch has no such figure.
    pub fn after(&mut self, history: &[EpochSummary], usual: &Monitor) -> Result<(), TrainError> {
        let ScheduleShape::Plateau(plateau) = &self.shape else { return Ok(()) };
        let Monitor { metric, mode } = plateau.watches(usual);
        let counted = history.iter().filter(|epoch| (epoch.epoch + 1) * self.steps_per_epoch > self.warmup_steps);
        let figures = counted.map(|epoch| epoch.figure(metric).ok_or_else(|| unknown_figure(epoch, metric)));
        let figures = figures.collect::<Result<Vec<f64>, TrainError>>()?;
        self.plateau_rate = plateau.rate(self.base, *mode, figures);
        Ok(())
    }
}

fn unknown_figure(epoch: &EpochSummary, metric: &str) -> TrainError {
    let known: Vec<&str> = epoch.valid.as_ref().unwrap_or(&epoch.train).iter().map(|(name, _)| name).collect();
    let problem = format!("schedule.monitor.metric: expected one of {}, got {metric:?}", known.join(", "));
    TrainError::Config { problems: vec![problem] }
}

#[cfg(test)]
mod tests {
    use mvl_core::Metrics;

    use super::super::{ConstantSchedule, CosineSchedule, MultiStepSchedule, PlateauSchedule};
    use super::*;

    #[track_caller]
    fn close(schedule: &Schedule, expected: &[(usize, f64)]) {
        for &(step, rate) in expected {
            let got = schedule.learning_rate(step);
            assert!((got - rate).abs() < 1e-15, "step {step}: {got}");
        }
    }

    #[test]
    fn warm_up_and_cosine_by_hand() {
        // 2 warm-up steps, then 8 along the cosine: cos(0), cos(π/8) …
        let shape = ScheduleShape::Cosine(CosineSchedule { min_factor: 0.1, length: None });
        let schedule = ScheduleConfig::from(shape).with_warmup_epochs(0.4).init(1.0, 5, 2);
        close(
            &schedule,
            &[
                (0, 0.5),
                (1, 1.0),
                (2, 1.0),
                (4, 0.868_198_051_533_946_4), // 0.1 + 0.9 · (1 + √½) / 2
                (6, 0.55),
                (8, 0.231_801_948_466_053_6), // 0.1 + 0.9 · (1 − √½) / 2
                (10, 0.1),
                (99, 0.1),
            ],
        );
    }

    #[test]
    fn constant_after_warm_up() {
        let schedule = ScheduleConfig::constant().with_warmup_epochs(1.0);
        close(&schedule.init(0.3, 3, 2), &[(0, 0.1), (1, 0.2), (2, 0.3), (3, 0.3), (5, 0.3)]);
        let from_a_factor = schedule.with_warmup_factor(0.1);
        close(&from_a_factor.init(0.3, 3, 2), &[(0, 0.03), (1, 0.12), (2, 0.21), (3, 0.3)]);
    }

    #[test]
    fn warm_up_only_never_divides_by_zero() {
        let schedule = ScheduleConfig::cosine().with_warmup_epochs(1.0).init(1.0, 2, 1);
        assert_eq!([0, 1, 2].map(|step| schedule.learning_rate(step)), [0.5, 1.0, 1.0]);
        assert_eq!(ScheduleConfig::cosine().init(1.0, 0, 0).learning_rate(0), 1.0);
    }

    #[test]
    fn milestones_count_epochs_after_the_warm_up_unless_told_otherwise() {
        let shape = ScheduleShape::MultiStep(MultiStepSchedule::new([1, 3]));
        let config = ScheduleConfig::from(shape).with_warmup_epochs(1.0);
        close(&config.init(1.0, 2, 6), &[(1, 1.0), (2, 1.0), (3, 1.0), (4, 0.1), (7, 0.1), (8, 0.01), (11, 0.01)]);
        let by_step = config.with_unit(ScheduleUnit::Step);
        close(&by_step.init(1.0, 2, 6), &[(1, 1.0), (2, 1.0), (3, 0.1), (5, 0.01)]);
        let constant = ScheduleShape::Constant(ConstantSchedule { factor: 0.5 });
        close(&ScheduleConfig::from(constant).init(1.0, 2, 6), &[(0, 0.5), (11, 0.5)]);
    }

    fn epoch(epoch: usize, loss: f64) -> EpochSummary {
        let train = Metrics(vec![("loss".to_owned(), loss)]);
        EpochSummary { epoch, train, valid: None, learning_rate: 0.1, samples: 1, train_seconds: 1.0, seconds: 1.0 }
    }

    #[test]
    fn a_plateau_is_worked_out_from_the_epochs_after_the_warm_up() {
        let plateau = PlateauSchedule { patience: 0, factor: 0.5, ..PlateauSchedule::default() };
        let config = ScheduleConfig::from(ScheduleShape::Plateau(plateau)).with_warmup_epochs(1.0);
        let mut schedule = config.init(1.0, 2, 9);
        let usual = Monitor::min("loss");
        let losses = [0.1, 0.5, 0.6, f64::NAN, 0.4]; // the first is of the warm-up
        let history: Vec<EpochSummary> = losses.iter().enumerate().map(|(at, loss)| epoch(at, *loss)).collect();
        let mut rates = Vec::new();
        for epochs in 0..=history.len() {
            schedule.after(&history[..epochs], &usual).expect("there is a loss");
            rates.push(schedule.learning_rate(2 * epochs));
        }
        assert_eq!(rates, [0.5, 1.0, 1.0, 0.5, 0.25, 0.25]);
        assert_eq!(config.watches(&usual), Some(&usual));
        let error = schedule.after(&history, &Monitor::max("accuracy")).expect_err("no accuracy").to_string();
        assert!(error.ends_with(r#"schedule.monitor.metric: expected one of loss, got "accuracy""#), "{error}");
    }
}
