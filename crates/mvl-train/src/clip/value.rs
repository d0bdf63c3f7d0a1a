//! Gradient clipping number by number, as PyTorch's `clip_grad_value_`.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Brings each number of the gradients between `-max_value` and `max_value`.
pub fn clip_value<M: Module>(model: &M, mut gradients: GradientsParams, max_value: f64) -> GradientsParams {
    model.visit(&mut Clamp { gradients: &mut gradients, max_value });
    gradients
}

struct Clamp<'a> {
    gradients: &'a mut GradientsParams,
    max_value: f64,
}

impl ModuleVisitor for Clamp<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient.clamp(-self.max_value, self.max_value));
        }
    }
}
