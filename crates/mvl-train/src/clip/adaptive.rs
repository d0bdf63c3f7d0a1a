//! Adaptive gradient clipping: each unit's gradient against its weights.
//!
//! # Source
//! Brock et al. 2021, <https://arxiv.org/abs/2102.06171>, as timm's `adaptive_clip_grad`. A unit is what makes one output: a
//! filter of a convolution, or a column of burn's [`Linear`](burn::nn::Linear), whose weight is `[in, out]` where PyTorch's is
//! `[out, in]`. A vector, such as a bias, is one unit.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

/// Keeps the division away from zero; timm's value.
const MIN_GRADIENT_NORM: f64 = 1e-6;

/// Settings of adaptive clipping.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdaptiveClipConfig {
    /// The share of its weights' norm that a unit's gradient may have.
    pub factor: f64,
    /// Weights count as if their norm were at least this, so that units at zero can learn.
    pub eps: f64,
}

impl Default for AdaptiveClipConfig {
    fn default() -> Self {
        Self { factor: 0.01, eps: 1e-3 }
    }
}

/// Scales the gradient of each unit down to `factor` times the norm of its weights.
pub fn clip_adaptively<M: Module>(
    model: &M,
    mut gradients: GradientsParams,
    config: AdaptiveClipConfig,
) -> GradientsParams {
    model.visit(&mut Units { gradients: &mut gradients, config, containers: Vec::new() });
    gradients
}

struct Units<'a> {
    gradients: &'a mut GradientsParams,
    config: AdaptiveClipConfig,
    /// What the parameter is in: `Struct:Linear`.
    containers: Vec<String>,
}

impl ModuleVisitor for Units<'_> {
    fn enter_module(&mut self, _name: &str, container: &str) {
        self.containers.push(container.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.containers.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        // A parameter's own name is entered as well, so that its layer is the last but one.
        let linear = D == 2 && self.containers.iter().rev().take(2).any(|container| container == "Struct:Linear");
        let unit_dim = usize::from(linear);
        let AdaptiveClipConfig { factor, eps } = self.config;
        let weights = unit_norms(param.val().inner(), unit_dim);
        let max_norm = weights.clamp_min(eps).mul_scalar(factor);
        let norm = unit_norms(gradient.clone(), unit_dim);
        let clipped = gradient.clone() * (max_norm.clone() / norm.clone().clamp_min(MIN_GRADIENT_NORM));
        let small = norm.lower(max_norm).expand(gradient.shape());
        self.gradients.register(param.id, clipped.mask_where(small, gradient));
    }
}

/// The norm over all axes but that of the units; over all axes of a vector.
fn unit_norms<const D: usize>(tensor: Tensor<D>, unit_dim: usize) -> Tensor<D> {
    let squares = tensor.square();
    let summed = (0..D).filter(|dim| D == 1 || *dim != unit_dim).fold(squares, |sum, dim| sum.sum_dim(dim));
    summed.sqrt()
}
