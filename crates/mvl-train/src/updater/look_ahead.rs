//! Slow weights that follow the optimiser's by steps: k forward, one back.
//!
//! # Source
//! Zhang et al. 2019, <https://arxiv.org/abs/1907.08610>. timm's `Lookahead` differs in that its slow weights begin where the first step
//! back would be.

use std::any::Any;
use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use mvl_core::average_towards;
use serde::{Deserialize, Serialize};

use super::sharpness::like;

/// Settings of look-ahead: `look_ahead = { every = 6, alpha = 0.5 }`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LookAheadConfig {
    /// Updates of the optimiser between those of the slow weights.
    pub every: usize,
    /// The share of the way that the slow weights go.
    pub alpha: f64,
}

impl Default for LookAheadConfig {
    fn default() -> Self {
        Self { every: 6, alpha: 0.5 }
    }
}

impl LookAheadConfig {
    /// Everything that is wrong, each with its field; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.every == 0 {
            problems.push("every: expected at least 1, got 0".to_owned());
        }
        if !(self.alpha > 0.0 && self.alpha <= 1.0) {
            problems.push(format!("alpha: expected above 0 to 1, got {}", self.alpha));
        }
        problems
    }
}

/// The slow weights, and how far the next step of theirs is.
#[derive(Debug, Clone)]
pub struct LookAhead<M> {
    config: LookAheadConfig,
    /// Without autodiff.
    slow: M,
    updates: usize,
}

impl<M: Module> LookAhead<M> {
    /// Begins with the model's weights.
    pub fn new(config: LookAheadConfig, model: &M) -> Self {
        Self { config, slow: model.valid(), updates: 0 }
    }

    /// Takes in a model that was just updated, and answers the one to go on with: it, or the slow weights after a step of theirs.
    /// Running statistics stay the model's.
    pub fn after_update(&mut self, model: M) -> M {
        self.updates += 1;
        if self.updates < self.config.every {
            return model;
        }
        self.updates = 0;
        let slow = average_towards(self.slow.clone(), &model, self.config.alpha);
        self.slow = slow.clone();
        take_weights(model, &slow)
    }

    /// The slow weights.
    pub fn slow(&self) -> &M {
        &self.slow
    }

    pub(super) fn set_slow(&mut self, slow: M) {
        self.slow = slow;
    }

    pub(super) fn updates(&self) -> usize {
        self.updates
    }

    pub(super) fn set_updates(&mut self, updates: usize) {
        self.updates = updates;
    }
}

/// The model with another's weights: parameters keep their ids, and learn or do not as before.
fn take_weights<M: Module>(model: M, other: &M) -> M {
    let mut weights = Weights::default();
    other.visit(&mut weights);
    model.map(&mut weights)
}

/// Tensors by their parameters.
#[derive(Default)]
struct Weights(HashMap<ParamId, Box<dyn Any>>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id, Box::new(param.val()));
    }
}

impl ModuleMapper for Weights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.remove(&param.id).and_then(|tensor| tensor.downcast::<Tensor<D>>().ok()) {
            Some(tensor) => param.map(|own| like(&own, *tensor)),
            None => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn every_so_often_the_weights_go_back() {
        let device = Cpu::device(0).expect("the CPU is always there").autodiff();
        let model: Linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
        let set = |model: Linear, value: f32| Linear {
            weight: model.weight.map(|_| Tensor::<2>::from_floats([[value]], &device).require_grad()),
            ..model
        };
        let mut model = set(model, 0.0);
        let mut look_ahead = LookAhead::new(LookAheadConfig { every: 3, alpha: 0.5 }, &model);
        let mut seen = Vec::new();
        for _ in 0..6 {
            let value = model.weight.val().into_scalar::<f32>();
            model = look_ahead.after_update(set(model, value + 1.0)); // an optimiser that adds 1
            seen.push(model.weight.val().into_scalar::<f32>());
        }
        assert_eq!(seen, [1.0, 2.0, 1.5, 2.5, 3.5, 3.0]);
        assert!(model.weight.val().is_require_grad());
    }
}
