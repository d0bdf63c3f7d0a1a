//! Up to the base rate and far down again, as PyTorch's `OneCycleLR`.
//!
//! # Source
//! Smith and Topin 2017, <https://arxiv.org/abs/1708.07120>, in PyTorch's form. Momentum stays what the optimiser says, as
//! with `cycle_momentum=False`.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::problems::Problems;

/// One rise to the base rate and one fall: `{ name = "one_cycle", pct_start = 0.3 }`. It is its own warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OneCycleSchedule {
    /// The share of the cycle in which the rate rises, 0 to 1.
    pub pct_start: f64,
    /// The way between two rates.
    pub anneal: Anneal,
    /// The cycle begins with the base rate divided by this.
    pub div_factor: f64,
    /// It ends with the rate of its beginning divided by this.
    pub final_div_factor: f64,
    /// Whether it falls to the rate of its beginning first, as fast as it rose, and from there to the end.
    pub three_phase: bool,
    /// Steps or epochs of the cycle; those that are left of the run unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
}

/// The way between two rates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anneal {
    /// Along half a cosine.
    #[default]
    Cosine,
    /// Along a straight line.
    Linear,
}

impl Default for OneCycleSchedule {
    fn default() -> Self {
        Self {
            pct_start: 0.3,
            anneal: Anneal::default(),
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
            length: None,
        }
    }
}

impl OneCycleSchedule {
    pub(super) fn factor(&self, at: usize, span: usize) -> f64 {
        let length = self.length.unwrap_or(span).max(1) as f64;
        let start = 1.0 / self.div_factor;
        let end = start / self.final_div_factor;
        let (peak, last) = (self.pct_start * length - 1.0, length - 1.0); // the steps with the highest and the lowest rate
        let at = (at as f64).min(last);
        if at <= peak {
            return self.anneal.between(start, 1.0, at / peak);
        }
        if !self.three_phase {
            return self.anneal.between(1.0, end, (at - peak.max(0.0)) / (last - peak.max(0.0)));
        }
        let back = 2.0 * self.pct_start * length - 2.0;
        if at <= back {
            return self.anneal.between(1.0, start, (at - peak) / (back - peak));
        }
        self.anneal.between(start, end, (at - back) / (last - back))
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        problems.share("pct_start", self.pct_start);
        problems.positive("div_factor", self.div_factor);
        problems.positive("final_div_factor", self.final_div_factor);
        problems.at_least_one("length", self.length.unwrap_or(1));
        if self.three_phase {
            problems.expect(self.pct_start <= 0.5, "pct_start", "at most 0.5 with three phases", self.pct_start);
        }
    }
}

impl Anneal {
    /// A way of no length is at its end.
    fn between(self, from: f64, to: f64, progress: f64) -> f64 {
        let progress = if progress.is_finite() { progress } else { 1.0 };
        match self {
            Self::Cosine => to + (from - to) / 2.0 * ((PI * progress).cos() + 1.0),
            Self::Linear => (to - from) * progress + from,
        }
    }
}
