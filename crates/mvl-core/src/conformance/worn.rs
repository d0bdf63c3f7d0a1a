//! A model as after some training, where a fresh one would hide mistakes.

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Distribution, Tensor};

/// Gives normalisations scales, shifts and statistics that change something.
#[derive(Default)]
pub(super) struct UnlikeFresh {
    path: Vec<String>,
}

impl ModuleMapper for UnlikeFresh {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let range = match self.path.last().map_or("", String::as_str) {
            "gamma" | "running_var" => (0.5, 1.5),
            "beta" | "running_mean" => (-0.2, 0.2),
            _ => return param,
        };
        param.map(|value| value.random_like(Distribution::Uniform(range.0, range.1)))
    }
}

/// Changes each weight by about its last bit: what a net makes of it is how much it amplifies roundings.
pub(super) struct LastBits;

impl ModuleMapper for LastBits {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let bits = f64::from(f32::EPSILON);
        param.map(|value| value.clone() * (value.random_like(Distribution::Uniform(-bits, bits)) + 1.0))
    }
}
