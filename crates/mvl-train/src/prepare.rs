//! From any model to one that trains on a device.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Bool, Device, GradientCheckpointingStrategy, Int, Tensor};

use mvl_core::device_of;

use crate::seed_initialization;

/// Initialises what is not yet, moves the model to `device` and turns gradients on where they were not frozen.
///
/// Weights that are still lazy, as burn's layers make them, are drawn from `seed` in the model's own order; weights that
/// are there already stay. The result shares nothing with the model it came from: burn's clones share the running
/// statistics of normalisation layers, so that training a clone would change the original.
pub fn prepare_model<M: Module>(model: M, device: &Device, seed: u64) -> M {
    for place in model.devices() {
        seed_initialization(&place, seed);
    }
    learning_copy(&model, device)
}

/// A copy on an autodiff device that shares nothing with the model and learns what the model would, with the device's way of keeping
/// intermediate results.
pub(crate) fn learning_copy<M: Module>(model: &M, device: &Device) -> M {
    let model = model.valid().to_device(&device.clone().without_autodiff()).train();
    match device.gradient_checkpointing_strategy() {
        Some(strategy) if strategy != GradientCheckpointingStrategy::Disabled => model.map(&mut Keep(strategy)),
        _ => model,
    }
}

/// A copy of a model that learns, on its own device, that shares nothing with it.
pub(crate) fn own_copy<M: Module>(model: &M) -> M {
    device_of(model).map_or_else(|| model.clone(), |device| learning_copy(model, &device))
}

/// Tensors of different strategies cannot meet, so all get the same.
struct Keep(GradientCheckpointingStrategy);

impl ModuleMapper for Keep {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|tensor| tensor.with_gradient_checkpointing_strategy(self.0))
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        param.map(|tensor| tensor.with_gradient_checkpointing_strategy(self.0))
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        param.map(|tensor| tensor.with_gradient_checkpointing_strategy(self.0))
    }
}
