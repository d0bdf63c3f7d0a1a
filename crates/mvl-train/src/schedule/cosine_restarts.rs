//! Half cosines one after the other, as PyTorch's `CosineAnnealingWarmRestarts`.
//!
//! # Source
//! Loshchilov and Hutter 2016, <https://arxiv.org/abs/1608.03983>.

use serde::{Deserialize, Serialize};

use super::cosine::half_cosine;
use crate::problems::Problems;

/// Half cosines from the base rate, each as long as the one before or longer:
/// `{ name = "cosine_restarts", period = 10, multiplier = 2 }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineRestartsSchedule {
    /// Steps or epochs of the first half cosine.
    pub period: usize,
    /// How much longer each is than the one before.
    #[serde(default = "once")]
    pub multiplier: usize,
    /// The share of the base rate that each ends with, 0 to 1.
    #[serde(default)]
    pub min_factor: f64,
}

fn once() -> usize {
    1
}

impl CosineRestartsSchedule {
    /// Half cosines of equal length that go down to 0.
    pub fn new(period: usize) -> Self {
        Self { period, multiplier: once(), min_factor: 0.0 }
    }

    pub(super) fn factor(&self, mut at: usize) -> f64 {
        let mut period = self.period.max(1);
        if self.multiplier <= 1 {
            at %= period;
        }
        while at >= period {
            at -= period;
            period = period.saturating_mul(self.multiplier);
        }
        half_cosine(self.min_factor, at as f64 / period as f64)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.at_least_one("period", self.period);
        problems.at_least_one("multiplier", self.multiplier);
        problems.share("min_factor", self.min_factor);
    }
}
