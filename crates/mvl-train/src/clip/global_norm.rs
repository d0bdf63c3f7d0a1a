//! Gradient clipping by the norm over all parameters together.
//!
//! # Source
//! Pascanu et al. 2013, <https://arxiv.org/abs/1211.5063>, as in PyTorch's `clip_grad_norm_`.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Keeps the division away from zero; PyTorch's value.
const EPSILON: f64 = 1e-6;

/// Scales all gradients by one factor, such that their common norm is at most `max_norm`. Nothing is read to the host.
///
/// Also answers the norm before clipping, `[1]`, or `None` when there are no gradients.
pub fn clip_global_norm<M: Module>(
    model: &M,
    mut gradients: GradientsParams,
    max_norm: f64,
) -> (GradientsParams, Option<Tensor<1>>) {
    let Some(norm) = global_norm(model, &gradients) else { return (gradients, None) };
    let factor = norm.clone().add_scalar(EPSILON).recip().mul_scalar(max_norm).clamp_max(1.0);
    model.visit(&mut Scale { gradients: &mut gradients, factor });
    (gradients, Some(norm))
}

/// The Euclidean norm of all gradients together, `[1]`, or `None` when there are none.
pub fn global_norm<M: Module>(model: &M, gradients: &GradientsParams) -> Option<Tensor<1>> {
    let mut squares = SumOfSquares { gradients, sum: None };
    model.visit(&mut squares);
    squares.sum.map(Tensor::sqrt)
}

struct SumOfSquares<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SumOfSquares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    factor: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor.clone().unsqueeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{Linear, LinearConfig};
    use mvl_core::{Backend, Cpu};

    use super::*;

    /// A layer, with gradients of 3 for its one weight and 4 for its bias: a norm of 5.
    fn layer_with_gradients() -> (Linear, GradientsParams) {
        let device = Cpu::device(0).expect("the CPU is always there");
        let layer = LinearConfig::new(1, 1).init(&device);
        let mut gradients = GradientsParams::new();
        gradients.register(layer.weight.id, Tensor::<2>::from_floats([[3.0]], &device));
        let bias = layer.bias.as_ref().expect("has a bias");
        gradients.register(bias.id, Tensor::<1>::from_floats([4.0], &device));
        (layer, gradients)
    }

    fn clipped_to(max_norm: f64) -> (f32, f32, f32) {
        let (layer, gradients) = layer_with_gradients();
        let (gradients, norm) = clip_global_norm(&layer, gradients, max_norm);
        let weight = gradients.get::<2>(layer.weight.id).expect("kept").into_scalar::<f32>();
        let bias = gradients.get::<1>(layer.bias.as_ref().expect("has a bias").id).expect("kept").into_scalar::<f32>();
        (norm.expect("has gradients").into_scalar::<f32>(), weight, bias)
    }

    #[test]
    fn all_gradients_shrink_by_one_factor() {
        let (norm, weight, bias) = clipped_to(1.0);
        assert_eq!(norm, 5.0);
        assert!((weight - 0.6).abs() < 1e-6 && (bias - 0.8).abs() < 1e-6, "{weight} {bias}");
    }

    #[test]
    fn small_gradients_are_left_alone() {
        assert_eq!(clipped_to(10.0), (5.0, 3.0, 4.0));
    }

    #[test]
    fn no_gradients_have_no_norm() {
        let (layer, _) = layer_with_gradients();
        assert!(clip_global_norm(&layer, GradientsParams::new(), 1.0).1.is_none());
    }
}
