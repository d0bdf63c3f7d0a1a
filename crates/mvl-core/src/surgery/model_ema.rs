//! An exponential moving average of a model's weights, which often predicts better than the weights themselves. Polyak and Juditsky
//! 1992; as timm's `ModelEmaV3` with its buffers copied.

use std::any::Any;
use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Bool, Int, Tensor};
use serde::{Deserialize, Serialize};

use crate::is_learnt;

/// How weights are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelEmaConfig {
    /// Share of the average that an update keeps.
    pub decay: f64,
    /// The least share that an update keeps while warming up.
    pub min_decay: f64,
    /// Updates up to this one copy the weights.
    pub update_after_step: usize,
    /// Whether the share grows to `decay`: after n updates it is `1 - (1 + n / warmup_gamma)^-warmup_power`.
    pub warmup: bool,
    /// Updates over which it grows: as many more with a larger one.
    pub warmup_gamma: f64,
    /// How fast it grows: 2/3 for a million updates and more, 3/4 for fewer.
    pub warmup_power: f64,
}

impl Default for ModelEmaConfig {
    fn default() -> Self {
        Self {
            decay: 0.9999,
            min_decay: 0.0,
            update_after_step: 0,
            warmup: false,
            warmup_gamma: 1.0,
            warmup_power: 2.0 / 3.0,
        }
    }
}

impl ModelEmaConfig {
    /// The share of the average that update `step` keeps; updates count from 1. The first copies the weights.
    #[must_use]
    pub fn decay_at(&self, step: usize) -> f64 {
        let done = step.saturating_sub(self.update_after_step + 1);
        if done == 0 {
            return 0.0;
        }
        if !self.warmup {
            return self.decay;
        }
        let grown = 1.0 - (1.0 + done as f64 / self.warmup_gamma).powf(-self.warmup_power);
        grown.min(self.decay).max(self.min_decay)
    }

    /// What is wrong with it, each with its field; empty when it can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let checks = [
            (share(self.decay), "decay", "0 to 1", self.decay),
            (share(self.min_decay), "min_decay", "0 to 1", self.min_decay),
            (positive(self.warmup_gamma), "warmup_gamma", "a positive number", self.warmup_gamma),
            (positive(self.warmup_power), "warmup_power", "a positive number", self.warmup_power),
        ];
        let wrong = checks.into_iter().filter(|(right, ..)| !right);
        wrong.map(|(_, field, expected, got)| format!("{field}: expected {expected}, got {got}")).collect()
    }
}

/// A model whose weights follow those of another: parameters by an exponential moving average, running statistics and constants
/// as copies.
///
/// # Example
/// ```
/// use burn::nn::LinearConfig;
/// use mvl_core::{Backend, Cpu, ModelEma, ModelEmaConfig};
///
/// let device = Cpu::device(0)?.autodiff();
/// let model = LinearConfig::new(4, 2).init(&device);
/// let mut average = ModelEma::new(&model, ModelEmaConfig { decay: 0.99, ..ModelEmaConfig::default() });
/// for step in 1..=3 {
///     // … a training step changes the model …
///     average.update(&model, step);
/// }
/// assert!(!average.model().weight.val().is_autodiff()); // ready to predict
/// # Ok::<(), mvl_core::BackendError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ModelEma<M> {
    model: M,
    config: ModelEmaConfig,
}

impl<M: Module> ModelEma<M> {
    /// Begins with the model's weights.
    pub fn new(model: &M, config: ModelEmaConfig) -> Self {
        Self { model: model.valid(), config }
    }

    /// Moves the average towards the model's weights after update `step` of them, counted from 1.
    ///
    /// # Panics
    /// When the model is of another kind.
    pub fn update(&mut self, model: &M, step: usize) {
        self.model = average_towards(self.model.clone(), model, 1.0 - self.config.decay_at(step));
    }

    /// The averaged model, without autodiff: ready for inference.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The averaged model, for itself.
    pub fn into_model(self) -> M {
        self.model
    }

    /// How weights are averaged.
    pub fn config(&self) -> &ModelEmaConfig {
        &self.config
    }
}

/// Moves the parameters of an average, a model without autodiff, towards another model's by a share of what they are away; running
/// statistics and constants become the other's.
///
/// # Panics
/// When the models are of different kinds.
#[must_use]
pub fn average_towards<M: Module>(average: M, model: &M, share: f64) -> M {
    let mut newest = Newest::default();
    model.valid().visit(&mut newest); // with the running statistics of all threads
    average.map(&mut Average { newest, share })
}

/// Tensors by the paths of their parameters.
#[derive(Default)]
struct Newest {
    path: Vec<String>,
    tensors: HashMap<String, Box<dyn Any>>,
}

impl Newest {
    fn put(&mut self, tensor: impl Any) {
        self.tensors.insert(self.path.join("."), Box::new(tensor));
    }

    fn take<T: Any>(&mut self) -> T {
        let path = self.path.join(".");
        let tensor = self.tensors.remove(&path).and_then(|tensor| tensor.downcast().ok());
        *tensor.unwrap_or_else(|| panic!("the model has no parameter {path} of this kind; it is not the one averaged"))
    }
}

impl ModuleVisitor for Newest {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.put(param.val());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.put(param.val());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.put(param.val());
    }
}

/// Moves each parameter by a share of what it is away from the newest.
struct Average {
    newest: Newest,
    share: f64,
}

impl ModuleMapper for Average {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.newest.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.newest.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let is_weight = self.newest.path.last().is_none_or(|name| is_learnt(name));
        let newest: Tensor<D> = self.newest.take();
        match self.share {
            share if is_weight && share < 1.0 => param.map(|average| average.clone() + (newest - average) * share),
            _ => param.map(|_| newest),
        }
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let newest = self.newest.take();
        param.map(|_| newest)
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        let newest = self.newest.take();
        param.map(|_| newest)
    }
}

#[cfg(test)]
mod tests {
    use burn::module::RunningState;
    use burn::nn::{BatchNorm, BatchNormConfig};
    use burn::tensor::Device;

    use super::*;
    use crate::{Backend, Cpu};

    fn norm(value: f32, device: &Device) -> BatchNorm {
        let tensor = |value| Tensor::<1>::full([3], value, device);
        BatchNorm {
            gamma: Param::from_tensor(tensor(value)),
            running_mean: RunningState::new(tensor(10.0 * value)),
            ..BatchNormConfig::new(3).init(device)
        }
    }

    fn value(tensor: Tensor<1>) -> f64 {
        tensor.mean().into_scalar::<f64>()
    }

    /// Twenty updates against the formula in f64; the statistics are those of the newest model.
    #[test]
    fn twenty_updates_are_those_of_the_formula() {
        let device = Cpu::device(0).expect("a CPU").autodiff();
        for (config, name) in [
            (ModelEmaConfig { decay: 0.9, ..ModelEmaConfig::default() }, "plain"),
            (ModelEmaConfig { decay: 0.9, update_after_step: 5, ..ModelEmaConfig::default() }, "late"),
            (ModelEmaConfig { decay: 0.8, warmup: true, warmup_power: 0.75, ..ModelEmaConfig::default() }, "warm-up"),
        ] {
            let mut average = ModelEma::new(&norm(0.5, &device), config);
            let mut expected = 0.5;
            for step in 1..=20 {
                let weight = (step as f64 * 0.7).sin() + 0.1 * step as f64;
                average.update(&norm(weight as f32, &device), step);
                let done = step as f64 - config.update_after_step as f64 - 1.0;
                let decay = match (done <= 0.0, config.warmup) {
                    (true, _) => 0.0,
                    (false, false) => config.decay,
                    (false, true) => (1.0 - (1.0 + done).powf(-config.warmup_power)).min(config.decay),
                };
                expected = decay * expected + (1.0 - decay) * weight;
                let got = value(average.model().gamma.val());
                assert!((got - expected).abs() < 1e-5, "{name}, update {step}: expected {expected}, got {got}");
                let mean = value(average.model().running_mean.value());
                assert!((mean - 10.0 * weight).abs() < 1e-4, "{name}, update {step}: the statistics are {mean}");
            }
            assert!(!average.into_model().gamma.val().is_autodiff());
        }
    }

    #[test]
    fn the_model_that_is_trained_does_not_change() {
        let device = Cpu::device(0).expect("a CPU").autodiff();
        let first = norm(1.0, &device);
        let mut average = ModelEma::new(&first, ModelEmaConfig::default());
        average.update(&norm(3.0, &device), 1);
        assert_eq!((value(first.gamma.val()), value(first.running_mean.value())), (1.0, 10.0));
        assert_eq!(value(average.model().running_mean.value()), 30.0);
    }
}
