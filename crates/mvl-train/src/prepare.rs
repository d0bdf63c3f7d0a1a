//! From any model to one that trains on a device.

use burn::module::Module;
use burn::tensor::Device;

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
    model.valid().to_device(&device.clone().without_autodiff()).train()
}
