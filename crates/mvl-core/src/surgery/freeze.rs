//! Which parts of a model learn, by pattern.

use burn::module::{Flag, Module, ModuleMapper, Param};
use burn::tensor::Tensor;

use super::matches_path;
use crate::is_learnt;

/// Freezes what [`matches_path`] the pattern, and says how many parameter tensors that were.
///
/// They get no gradients, here and after a move to another device. Where the pattern means a whole layer, the layer also stops
/// behaving as in training: a frozen batch normalisation keeps its running statistics and normalises by them, a frozen dropout
/// lets everything pass. Where it means parameters alone (`*.gamma`), their layer goes on otherwise: its running statistics too.
///
/// # Example
/// ```
/// use burn::nn::{Linear, LinearConfig};
/// use mvl_core::{Backend, Cpu, freeze};
///
/// let device = Cpu::device(0)?.autodiff();
/// let layers: Vec<Linear> = (0..3).map(|_| LinearConfig::new(4, 4).init(&device)).collect();
/// let (layers, count) = freeze(layers, "0");
/// assert_eq!(count, 2); // weight and bias
/// assert!(!layers[0].weight.val().is_require_grad() && layers[1].weight.val().is_require_grad());
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[must_use]
pub fn freeze<M: Module>(model: M, pattern: &str) -> (M, usize) {
    set_learning(model, pattern, false)
}

/// Lets what [`matches_path`] the pattern learn again, and says how many parameter tensors that were. Whole layers behave as in
/// training again.
#[must_use]
pub fn unfreeze<M: Module>(model: M, pattern: &str) -> (M, usize) {
    set_learning(model, pattern, true)
}

fn set_learning<M: Module>(model: M, pattern: &str, learns: bool) -> (M, usize) {
    let mut mapper = Learning { pattern, learns, path: Vec::new(), count: 0 };
    let model = model.map(&mut mapper);
    (model, mapper.count)
}

struct Learning<'a> {
    pattern: &'a str,
    learns: bool,
    path: Vec<String>,
    count: usize,
}

impl Learning<'_> {
    fn is_meant(&self) -> bool {
        matches_path(self.pattern, &self.path.join("."))
    }
}

impl ModuleMapper for Learning<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.path.last().is_none_or(|name| is_learnt(name)) || !self.is_meant() {
            return param;
        }
        self.count += 1;
        param.set_require_grad(self.learns)
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        if self.is_meant() { flag.with_value(self.learns) } else { flag }
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNorm, BatchNormConfig};
    use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
    use burn::tensor::Distribution;

    use super::*;
    use crate::{Backend, Cpu};

    /// Scale of the first of two normalisations and its running mean, after a training step.
    fn after_a_step(pattern: &str) -> (usize, f32, f32) {
        let device = Cpu::device(0).expect("a CPU").autodiff();
        let norms: Vec<BatchNorm> = (0..2).map(|_| BatchNormConfig::new(2).init(&device)).collect();
        let (norms, count) = freeze(norms, pattern);
        let images = Tensor::<4>::random([4, 2, 3, 3], Distribution::Uniform(1.0, 2.0), &device);
        let output = norms.iter().fold(images, |map, norm| norm.forward(map));
        let gradients = GradientsParams::from_grads((output.clone() * output.exp()).sum().backward(), &norms);
        let mut optimizer: ModuleOptimizer = SgdConfig::new().init();
        let norms = optimizer.step(0.01, norms, gradients);
        let first = |tensor: Tensor<1>| tensor.narrow(0, 0, 1).into_scalar::<f32>();
        (count, first(norms[0].gamma.val()), first(norms[0].running_mean.value_sync()))
    }

    #[test]
    fn a_frozen_layer_keeps_its_statistics_too() {
        let (count, gamma, mean) = after_a_step("0");
        assert_eq!((count, gamma, mean), (2, 1.0, 0.0));
        let (count, gamma, mean) = after_a_step("0.gamma");
        assert_eq!((count, gamma), (1, 1.0));
        assert!(mean > 0.0, "the layer itself was not frozen");
        let (count, gamma, _) = after_a_step("nothing like this");
        assert!(count == 0 && gamma != 1.0);
    }

    #[test]
    fn what_was_frozen_learns_again() {
        let device = Cpu::device(0).expect("a CPU").autodiff();
        let (norm, frozen) = freeze(BatchNormConfig::new(2).init(&device), "*");
        let (norm, learning) = unfreeze(norm, "*");
        assert_eq!((frozen, learning), (2, 2));
        assert!(norm.training.is_enabled() && norm.gamma.val().is_require_grad());
        assert!(!norm.running_mean.value().is_require_grad());
    }
}
