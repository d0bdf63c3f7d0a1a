//! The average of a run's weights, which often predicts better than the weights themselves.

use burn::module::Module;
use mvl_core::{ModelEmaConfig, average_towards};
use serde::{Deserialize, Serialize};

use crate::TrainConfig;

/// Stochastic weight averaging: `swa = { start_epoch = 75 }`. From that epoch on, the weights at the end of each epoch are averaged
/// evenly. Izmailov et al. 2018, <https://arxiv.org/abs/1803.05407>; as PyTorch's `AveragedModel` updated once an epoch.
///
/// Running statistics of normalisations do not belong to an average of weights: they are gathered anew by a pass over training data
/// without learning, as PyTorch's `update_bn` does, at the end of each averaged epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwaConfig {
    /// The first epoch whose weights are averaged, from 0.
    pub start_epoch: usize,
    /// Batches of training data from which statistics are gathered anew; without, those of a whole epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics_batches: Option<usize>,
}

/// The average of a model's weights, once there is one.
#[derive(Debug, Clone)]
pub struct WeightAverage<M> {
    kind: Kind,
    /// Without autodiff.
    model: Option<M>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Exponential(ModelEmaConfig),
    Stochastic(SwaConfig),
}

impl<M: Module> WeightAverage<M> {
    /// As the settings say; `None` when nothing is averaged.
    pub fn new(config: &TrainConfig) -> Option<Self> {
        let kind = config.ema.map(Kind::Exponential).or(config.swa.map(Kind::Stochastic))?;
        Some(Self { kind, model: None })
    }

    /// Takes in the weights after so many updates of the run, 1 at least.
    pub fn after_update(&mut self, model: &M, updates: usize) {
        if let Kind::Exponential(config) = self.kind {
            self.take_in(model, 1.0 - config.decay_at(updates));
        }
    }

    /// Takes in the weights at the end of an epoch. Answers whether running statistics are to be gathered anew, and from how many batches.
    pub fn after_epoch(&mut self, model: &M, epoch: usize) -> Option<usize> {
        let Kind::Stochastic(config) = self.kind else { return None };
        let before = epoch.checked_sub(config.start_epoch)?;
        self.take_in(model, 1.0 / (before as f64 + 1.0));
        Some(config.statistics_batches.unwrap_or(usize::MAX))
    }

    fn take_in(&mut self, model: &M, share: f64) {
        self.model = Some(match self.model.take() {
            Some(average) => average_towards(average, model, share),
            None => model.valid(),
        });
    }

    /// The averaged model, without autodiff, once there is one.
    pub fn model(&self) -> Option<&M> {
        self.model.as_ref()
    }

    /// Puts another average in its place.
    pub fn set_model(&mut self, model: M) {
        self.model = Some(model);
    }

    /// The averaged model for itself, once there is one.
    pub fn into_model(self) -> Option<M> {
        self.model
    }
}
