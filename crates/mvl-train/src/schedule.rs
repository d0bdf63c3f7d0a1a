//! The learning rate of each step: linear warm-up, then constant or along a half cosine.
//!
//! # Source
//! Warm-up: Goyal et al. 2017, <https://arxiv.org/abs/1706.02677>. Cosine: Loshchilov and Hutter 2016,
//! <https://arxiv.org/abs/1608.03983>, without restarts.
//!
//! A pure function of the step, so that a resumed run needs no state.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// How the learning rate changes over the run, as a person writes it.
///
/// # Example
/// ```
/// use mvl_train::ScheduleConfig;
/// let config: ScheduleConfig = serde_json::from_str(r#"{"name": "cosine", "warmup_epochs": 0.5}"#).expect("valid");
/// let schedule = config.init(0.1, 4, 2); // base rate, steps per epoch, epochs
/// assert_eq!(schedule.learning_rate(0), 0.05); // first of two warm-up steps
/// assert_eq!(schedule.learning_rate(1), 0.1);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleConfig {
    /// What comes after the warm-up.
    pub name: ScheduleShape,
    /// Epochs, or parts of one, over which the rate rises linearly to its full value.
    pub warmup_epochs: f64,
    /// The share of the base rate that the cosine ends with, 0 to 1.
    pub min_factor: f64,
}

/// What comes after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ScheduleShape {
    /// The base rate to the end.
    Constant,
    /// Half a cosine from the base rate down to `min_factor` of it.
    #[default]
    Cosine,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { name: ScheduleShape::Cosine, warmup_epochs: 0.0, min_factor: 0.0 }
    }
}

impl ScheduleConfig {
    /// The base rate to the end.
    pub fn constant() -> Self {
        Self { name: ScheduleShape::Constant, ..Self::default() }
    }

    /// Half a cosine down to 0.
    pub fn cosine() -> Self {
        Self::default()
    }

    /// Sets the warm-up.
    pub fn with_warmup_epochs(mut self, epochs: f64) -> Self {
        self.warmup_epochs = epochs;
        self
    }

    /// What is wrong with it, each with its field; empty when it can be used.
    pub fn problems(&self, epochs: usize) -> Vec<String> {
        let mut problems = Vec::new();
        if !(self.warmup_epochs >= 0.0 && self.warmup_epochs <= epochs as f64) {
            let warmup = self.warmup_epochs;
            problems.push(format!("warmup_epochs: expected 0 to the run's {epochs} epochs, got {warmup}"));
        }
        if !(0.0..=1.0).contains(&self.min_factor) {
            problems.push(format!("min_factor: expected 0 to 1, got {}", self.min_factor));
        }
        if self.name == ScheduleShape::Constant && self.min_factor != 0.0 {
            problems.push(format!("min_factor: only the cosine schedule has one, got {}", self.min_factor));
        }
        problems
    }

    /// The schedule of a run of `epochs` of `steps_per_epoch` steps with this base rate.
    pub fn init(&self, base: f64, steps_per_epoch: usize, epochs: usize) -> Schedule {
        let warmup_steps = (self.warmup_epochs * steps_per_epoch as f64).round() as usize;
        let total_steps = steps_per_epoch * epochs;
        Schedule { base, shape: self.name, warmup_steps, total_steps, min_factor: self.min_factor }
    }
}

/// The learning rate as a function of the step.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    base: f64,
    shape: ScheduleShape,
    warmup_steps: usize,
    total_steps: usize,
    min_factor: f64,
}

impl Schedule {
    /// The rate of a step of the run, from 0; past the end, that of the end.
    ///
    /// With `W` warm-up steps of `T` in all: step `s` below `W` has `base · (s + 1) / W`, a later one
    /// `base · (m + (1 − m) · (1 + cos(π · (s − W) / (T − W))) / 2)` with `m` = `min_factor`.
    pub fn learning_rate(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            return self.base * (step + 1) as f64 / self.warmup_steps as f64;
        }
        match self.shape {
            ScheduleShape::Constant => self.base,
            ScheduleShape::Cosine => {
                let cooling = self.total_steps.saturating_sub(self.warmup_steps).max(1);
                let progress = ((step - self.warmup_steps) as f64 / cooling as f64).min(1.0);
                let falling = (1.0 + (PI * progress).cos()) / 2.0;
                self.base * (self.min_factor + (1.0 - self.min_factor) * falling)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warm_up_and_cosine_by_hand() {
        // 2 warm-up steps, then 8 along the cosine: cos(0), cos(π/8) …
        let config = ScheduleConfig { name: ScheduleShape::Cosine, warmup_epochs: 0.4, min_factor: 0.1 };
        let schedule = config.init(1.0, 5, 2);
        let expected = [
            (0, 0.5),
            (1, 1.0),
            (2, 1.0),
            (4, 0.868_198_051_533_946_4), // 0.1 + 0.9 · (1 + √½) / 2
            (6, 0.55),
            (8, 0.231_801_948_466_053_6), // 0.1 + 0.9 · (1 − √½) / 2
            (10, 0.1),
            (99, 0.1),
        ];
        for (step, rate) in expected {
            assert!(
                (schedule.learning_rate(step) - rate).abs() < 1e-15,
                "step {step}: {}",
                schedule.learning_rate(step)
            );
        }
    }

    #[test]
    fn constant_after_warm_up() {
        let schedule = ScheduleConfig::constant().with_warmup_epochs(1.0).init(0.3, 3, 2);
        let rates: Vec<f64> = (0..6).map(|step| schedule.learning_rate(step)).collect();
        assert!(
            rates.iter().zip([0.1, 0.2, 0.3, 0.3, 0.3, 0.3]).all(|(got, want)| (got - want).abs() < 1e-15),
            "{rates:?}"
        );
    }

    #[test]
    fn warm_up_only_never_divides_by_zero() {
        let schedule = ScheduleConfig::cosine().with_warmup_epochs(1.0).init(1.0, 2, 1);
        assert_eq!([0, 1, 2].map(|step| schedule.learning_rate(step)), [0.5, 1.0, 1.0]);
    }

    #[test]
    fn problems_are_named() {
        let config = ScheduleConfig { name: ScheduleShape::Constant, warmup_epochs: f64::NAN, min_factor: 2.0 };
        assert_eq!(config.problems(3).len(), 3);
        assert_eq!(ScheduleConfig::cosine().with_warmup_epochs(3.0).problems(3), [""; 0]);
    }
}
