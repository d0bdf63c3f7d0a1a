//! A factor on the loss that keeps gradients of half precision in its range.
//!
//! # Source
//! Micikevicius et al. 2017, <https://arxiv.org/abs/1710.03740>, as PyTorch's `GradScaler`, with its defaults.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::exact;

/// How the factor changes: `[train.loss_scale]` in a config file, for `precision = "f16"`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LossScaleConfig {
    /// The factor to begin with.
    pub initial: f64,
    /// What it is multiplied by after `growth_interval` updates without overflow.
    pub growth: f64,
    /// What it is multiplied by after an overflow.
    pub backoff: f64,
    /// Updates without overflow before it grows.
    pub growth_interval: usize,
}

impl Default for LossScaleConfig {
    fn default() -> Self {
        Self { initial: 65_536.0, growth: 2.0, backoff: 0.5, growth_interval: 2_000 }
    }
}

impl LossScaleConfig {
    /// Everything that is wrong, each with its field; empty when it can be used.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |right: bool, field: &str, expected: &str, got: f64| {
            if !right {
                problems.push(format!("{field}: expected {expected}, got {got}"));
            }
        };
        check(self.initial > 0.0 && self.initial.is_finite(), "initial", "a positive number", self.initial);
        check(self.growth > 1.0 && self.growth.is_finite(), "growth", "a number above 1", self.growth);
        check(self.backoff > 0.0 && self.backoff < 1.0, "backoff", "a number between 0 and 1", self.backoff);
        check(self.growth_interval > 0, "growth_interval", "at least 1", 0.0);
        problems
    }
}

/// The factor as it changes. An update whose gradients overflow is left out, and the factor made smaller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossScaler {
    config: LossScaleConfig,
    #[serde(with = "exact::float")]
    scale: f64,
    /// Updates without overflow since it last changed.
    calm: usize,
}

impl LossScaler {
    /// With its first factor.
    pub fn new(config: LossScaleConfig) -> Self {
        Self { config, scale: config.initial, calm: 0 }
    }

    /// The factor for the next loss.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Takes note of an update: whether its gradients overflowed.
    pub fn after(&mut self, overflowed: bool) {
        if overflowed {
            self.scale *= self.config.backoff;
            self.calm = 0;
            return;
        }
        self.calm += 1;
        if self.calm >= self.config.growth_interval {
            self.scale *= self.config.growth;
            self.calm = 0;
        }
    }
}

/// Takes a factor out of all gradients again. Also answers whether all are finite, as 1 or 0, `[1]`, on the device; `None` without gradients.
pub fn unscale_gradients<M: Module>(
    model: &M,
    mut gradients: GradientsParams,
    scale: f64,
) -> (GradientsParams, Option<Tensor<1>>) {
    let mut unscale = Unscale { gradients: &mut gradients, factor: scale.recip(), finite: None };
    model.visit(&mut unscale);
    let finite = unscale.finite;
    (gradients, finite)
}

struct Unscale<'a> {
    gradients: &'a mut GradientsParams,
    factor: f64,
    finite: Option<Tensor<1>>,
}

impl ModuleVisitor for Unscale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
        let finite = gradient.clone().is_finite().all().float();
        self.finite = Some(match self.finite.take() {
            Some(all) => all * finite,
            None => finite,
        });
        self.gradients.register(param.id, gradient * self.factor);
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::LinearConfig;
    use mvl_core::{Backend, Cpu};

    use super::*;

    #[test]
    fn the_factor_follows_overflows() {
        let config = LossScaleConfig { initial: 8.0, growth_interval: 2, ..LossScaleConfig::default() };
        let mut scaler = LossScaler::new(config);
        let mut after = |overflowed| {
            scaler.after(overflowed);
            scaler.scale()
        };
        let scales = [false, false, false, true, false, false, true, true].map(&mut after);
        assert_eq!(scales, [8.0, 16.0, 16.0, 8.0, 8.0, 16.0, 8.0, 4.0]);
        let json = serde_json::to_string(&scaler).expect("plain data");
        assert_eq!(serde_json::from_str::<LossScaler>(&json).expect("what was written"), scaler);
    }

    #[test]
    fn an_overflow_in_any_gradient_is_seen() {
        let device = Cpu::device(0).expect("the CPU is always there");
        let layer = LinearConfig::new(1, 1).init(&device);
        let bias = layer.bias.as_ref().expect("has a bias").id;
        let told = |value: f32| {
            let mut gradients = GradientsParams::new();
            gradients.register(layer.weight.id, Tensor::<2>::from_floats([[8.0]], &device));
            gradients.register(bias, Tensor::<1>::from_floats([value], &device));
            let (gradients, finite) = unscale_gradients(&layer, gradients, 4.0);
            let weight = gradients.get::<2>(layer.weight.id).expect("kept").into_scalar::<f32>();
            (weight, finite.expect("has gradients").into_scalar::<f32>())
        };
        assert_eq!([told(1.0), told(f32::INFINITY), told(f32::NAN)], [(2.0, 1.0), (2.0, 0.0), (2.0, 0.0)]);
        assert!(unscale_gradients(&layer, GradientsParams::new(), 4.0).1.is_none());
    }

    #[test]
    fn problems_name_field_and_value() {
        let config = LossScaleConfig { initial: 0.0, growth: 1.0, backoff: 1.0, growth_interval: 0 };
        assert_eq!(
            config.problems(),
            [
                "initial: expected a positive number, got 0",
                "growth: expected a number above 1, got 1",
                "backoff: expected a number between 0 and 1, got 1",
                "growth_interval: expected at least 1, got 0",
            ]
        );
    }
}
