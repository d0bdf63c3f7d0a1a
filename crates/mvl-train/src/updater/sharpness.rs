//! Sharpness-aware minimisation: the gradient of an update is taken where the loss is highest near by.
//!
//! # Source
//! Foret et al. 2020, <https://arxiv.org/abs/2010.01412>; adaptive: Kwon et al. 2021, <https://arxiv.org/abs/2102.11600>.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::prepare::own_copy;

/// Keeps the division away from zero; the value of the usual implementations.
const EPSILON: f64 = 1e-12;

/// Settings: `sharpness = { rho = 0.05 }`. Each update then costs two passes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SharpnessConfig {
    /// How far away the gradient is taken; about 0.05, adaptively 0.5 to 2.
    pub rho: f64,
    /// Whether the distance is measured relative to each weight.
    pub adaptive: bool,
}

impl Default for SharpnessConfig {
    fn default() -> Self {
        Self { rho: 0.05, adaptive: false }
    }
}

impl SharpnessConfig {
    /// Everything that is wrong, each with its field; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let right = self.rho > 0.0 && self.rho.is_finite();
        if right { Vec::new() } else { vec![format!("rho: expected a positive number, got {}", self.rho)] }
    }
}

/// The model where the loss is about highest within the distance: weights moved along their gradients. Shares nothing with the
/// original, so that running statistics of normalisations are not gathered twice.
pub fn perturb<M: Module>(model: &M, gradients: &GradientsParams, config: SharpnessConfig) -> M {
    let mut norm = Norm { gradients, adaptive: config.adaptive, sum: None };
    model.visit(&mut norm);
    let apart = own_copy(model);
    let Some(sum) = norm.sum else { return apart };
    let factor = sum.sqrt().add_scalar(EPSILON).recip().mul_scalar(config.rho);
    apart.map(&mut Move { gradients, adaptive: config.adaptive, factor })
}

/// A value in place of a parameter's own: with gradients as it, and its way of keeping intermediate results.
pub(super) fn like<const D: usize>(own: &Tensor<D>, value: Tensor<D>) -> Tensor<D> {
    let Some(strategy) = own.gradient_checkpointing_strategy() else { return value };
    let value = Tensor::from_inner(value).with_gradient_checkpointing_strategy(strategy);
    value.set_require_grad(own.is_require_grad())
}

struct Norm<'a> {
    gradients: &'a GradientsParams,
    adaptive: bool,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for Norm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let scaled = if self.adaptive { gradient * param.val().inner().abs() } else { gradient };
            let square = scaled.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Move<'a> {
    gradients: &'a GradientsParams,
    adaptive: bool,
    factor: Tensor<1>,
}

impl ModuleMapper for Move<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return param };
        param.map(|own| {
            let weights = own.clone().inner();
            let along = if self.adaptive { gradient * weights.clone().square() } else { gradient };
            like(&own, weights + along * self.factor.clone().unsqueeze())
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn weights_move_along_their_gradients() {
        let device = Cpu::device(0).expect("the CPU is always there").autodiff();
        let layer: Linear = LinearConfig::new(1, 1).init(&device);
        let layer =
            Linear { weight: layer.weight.map(|_| Tensor::<2>::from_floats([[2.0]], &device).require_grad()), ..layer };
        let mut gradients = GradientsParams::new();
        gradients.register(layer.weight.id, Tensor::<2>::from_floats([[-3.0]], &device.clone().without_autodiff()));
        let moved = |adaptive| perturb(&layer, &gradients, SharpnessConfig { rho: 0.5, adaptive });
        assert_eq!(moved(false).weight.val().into_scalar::<f32>(), 1.5);
        // |w·g| = 6, w²·g / 6 = -2
        assert_eq!(moved(true).weight.val().into_scalar::<f32>(), 1.0);
        assert!(moved(false).weight.val().is_require_grad());
        let bias = |layer: &Linear| layer.bias.as_ref().expect("has a bias").val().into_scalar::<f32>();
        assert_eq!(bias(&moved(false)), bias(&layer), "what has no gradient stays");
    }
}
