//! Muon: a momentum made orthogonal, for matrices; AdamW for the rest.
//!
//! # Source
//! Jordan et al. 2024, <https://kellerjordan.github.io/posts/muon/>; the adjustment to AdamW's size: Liu et al. 2025,
//! <https://arxiv.org/abs/2502.16982>. With PyTorch's defaults. PyTorch makes the momentum orthogonal in bfloat16, burn in the weights' own
//! type.

use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdjustLrFn, MuonConfig as BurnConfig};
use serde::{Deserialize, Serialize};

use super::AdamWConfig;
use super::muon_on_matrices::MuonOnMatrices;
use super::rule::Rule;
use super::settings::{Settings, penalty};
use crate::problems::Problems;

/// Settings of Muon: `{ name = "muon", learning_rate = 0.02, rest = { learning_rate = 3e-4 } }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MuonConfig {
    /// The base learning rate, which the schedule scales.
    pub learning_rate: f64,
    /// Share of the velocity that a step keeps, 0 to below 1.
    pub momentum: f64,
    /// Nesterov's momentum.
    pub nesterov: bool,
    /// Share of the weights that a step at learning rate 1 takes off.
    pub weight_decay: f64,
    /// How the learning rate follows the shape of a matrix.
    pub adjustment: MuonAdjustment,
    /// Rounds of the Newton-Schulz iteration, 1 to 99.
    pub ns_steps: usize,
    /// Its coefficients.
    pub ns_coefficients: [f64; 3],
    /// Keeps the division away from zero.
    pub epsilon: f64,
    /// The settings of AdamW for all that is no matrix: biases, normalisation, tokens. Its learning rate follows the schedule as well.
    pub rest: AdamWConfig,
}

impl Default for MuonConfig {
    fn default() -> Self {
        Self {
            learning_rate: 1e-3,
            momentum: 0.95,
            nesterov: true,
            weight_decay: 0.1,
            adjustment: MuonAdjustment::default(),
            ns_steps: 5,
            ns_coefficients: [3.4445, -4.775, 2.0315],
            epsilon: 1e-7,
            rest: AdamWConfig::default(),
        }
    }
}

impl Settings for MuonConfig {
    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn learning_rate_mut(&mut self) -> &mut f64 {
        &mut self.learning_rate
    }

    fn check(&self, problems: &mut Problems) {
        problems.below_one("momentum", self.momentum);
        problems.not_negative("weight_decay", self.weight_decay);
        problems.expect((1..100).contains(&self.ns_steps), "ns_steps", "1 to 99", self.ns_steps);
        let finite = self.ns_coefficients.iter().all(|coefficient| coefficient.is_finite());
        problems.expect(finite, "ns_coefficients", "finite numbers", format!("{:?}", self.ns_coefficients));
        problems.positive_in_f32("epsilon", self.epsilon);
        let mut rest = Problems::default();
        rest.positive("learning_rate", self.rest.learning_rate);
        self.rest.check(&mut rest);
        problems.within("rest.", rest.list());
    }

    fn rule(&self) -> Rule {
        let [a, b, c] = self.ns_coefficients.map(|coefficient| coefficient as f32);
        let momentum = MomentumConfig::new().with_momentum(self.momentum).with_nesterov(self.nesterov);
        let config = BurnConfig::new()
            .with_momentum(momentum.with_dampening(0.0))
            .with_weight_decay(penalty(self.weight_decay))
            .with_adjust_lr_fn(match self.adjustment {
                MuonAdjustment::Original => AdjustLrFn::Original,
                MuonAdjustment::MatchRmsAdamw => AdjustLrFn::MatchRmsAdamW,
            })
            .with_ns_steps(self.ns_steps)
            .with_ns_coefficients((a, b, c))
            .with_epsilon(self.epsilon as f32);
        let rest_share = self.rest.learning_rate / self.learning_rate;
        Rule::new(MuonOnMatrices::new(config.build(), self.rest.build(), rest_share))
    }

    fn stop_decay(&mut self) {
        self.weight_decay = 0.0;
        self.rest.weight_decay = 0.0;
    }
}

/// How the learning rate follows the shape of a matrix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MuonAdjustment {
    /// Times `√max(1, out / in)`.
    #[default]
    Original,
    /// Times `0.2 · √max(out, in)`, so that AdamW's learning rate and weight decay fit.
    MatchRmsAdamw,
}
