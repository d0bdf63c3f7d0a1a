//! Down by a factor when a figure no longer improves, as PyTorch's `ReduceLROnPlateau`.

use mvl_core::{Monitor, MonitorMode};
use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// The rate times a factor after epochs without improvement: `{ name = "plateau", patience = 5 }`.
///
/// The figure is that of validation or, without validation, of training. Epochs that end within the warm-up do not count.
/// What happened so far is worked out from the run's history, so that a resumed run has the rate of one that never stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlateauSchedule {
    /// The figure; the one that tells the best checkpoint unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
    /// What each change multiplies the rate by, between 0 and 1.
    pub factor: f64,
    /// Epochs without improvement that are waited for; the one after them lowers the rate.
    pub patience: usize,
    /// What counts as an improvement must exceed this.
    pub threshold: f64,
    /// What the threshold is measured by.
    pub threshold_mode: ThresholdMode,
    /// Epochs after a change in which nothing is counted.
    pub cooldown: usize,
    /// The share of the base rate below which it never goes, 0 to 1.
    pub min_factor: f64,
    /// A change of the rate by no more than this is not made.
    pub eps: f64,
}

/// What an improvement is measured by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThresholdMode {
    /// As a share of the best figure; figures should be positive.
    #[default]
    Relative,
    /// In the figure's own unit.
    Absolute,
}

impl Default for PlateauSchedule {
    fn default() -> Self {
        Self {
            monitor: None,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            threshold_mode: ThresholdMode::default(),
            cooldown: 0,
            min_factor: 0.0,
            eps: 1e-8,
        }
    }
}

impl PlateauSchedule {
    /// The figure that decides: its own, or else `usual`.
    pub(super) fn watches<'a>(&'a self, usual: &'a Monitor) -> &'a Monitor {
        self.monitor.as_ref().unwrap_or(usual)
    }

    /// The rate after epochs with these figures.
    pub(super) fn rate(&self, base: f64, mode: MonitorMode, figures: impl IntoIterator<Item = f64>) -> f64 {
        let mut best = match mode {
            MonitorMode::Min => f64::INFINITY,
            MonitorMode::Max => f64::NEG_INFINITY,
        };
        let (mut rate, mut waited, mut cooldown) = (base, 0, 0);
        for figure in figures {
            if self.improves(figure, best, mode) {
                (best, waited) = (figure, 0);
            } else {
                waited += 1;
            }
            if cooldown > 0 {
                (cooldown, waited) = (cooldown - 1, 0);
            }
            if waited > self.patience {
                let lower = (rate * self.factor).max(base * self.min_factor);
                if rate - lower > self.eps {
                    rate = lower;
                }
                (cooldown, waited) = (self.cooldown, 0);
            }
        }
        rate
    }

    fn improves(&self, figure: f64, best: f64, mode: MonitorMode) -> bool {
        match (mode, self.threshold_mode) {
            (MonitorMode::Min, ThresholdMode::Relative) => figure < best * (1.0 - self.threshold),
            (MonitorMode::Min, ThresholdMode::Absolute) => figure < best - self.threshold,
            (MonitorMode::Max, ThresholdMode::Relative) => figure > best * (1.0 + self.threshold),
            (MonitorMode::Max, ThresholdMode::Absolute) => figure > best + self.threshold,
        }
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.between_zero_and_one("factor", self.factor);
        problems.not_negative("threshold", self.threshold);
        problems.share("min_factor", self.min_factor);
        problems.not_negative("eps", self.eps);
    }
}
