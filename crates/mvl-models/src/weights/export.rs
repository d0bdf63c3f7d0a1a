//! A classifier as a safetensors file under the reference implementation's keys, for PyTorch and others to read.

use std::path::Path;

use burn::module::Module;
use burn::store::ModuleSnapshot;
use mvl_core::{Classifier, ModelConfig, ModelError, Registry, write_atomically};

use super::fit::FileTensor;
use super::key_names::KeyNames;
use super::load::transpose;
use super::parameters::{ParameterSlot, parameter_slots};
use super::safetensors;

/// Writes the weights of a classifier that `registry` made from `config`, in PyTorch's layout, batch counters apart: what
/// `torchvision` loads with `load_state_dict(…, strict=False)`, and [`load_weights`](super::load_weights) back. A file that was
/// there before stays until the new one is whole.
///
/// # Errors
/// [`ModelError::UnknownModel`] when the registry does not know the config's model, [`ModelError::File`] when the file cannot
/// be written.
pub fn save_safetensors(
    model: &Classifier,
    config: &ModelConfig,
    registry: &Registry,
    path: &Path,
) -> Result<(), ModelError> {
    let names = KeyNames::new(registry.model(&config.name)?.key_map())?;
    let model = model.valid(); // folds in the running statistics that the last training step left pending
    let slots = parameter_slots(&model);
    let keys = names.keys(&slots)?;
    let tensors = model.collect(None, None, false);
    let tensors: Vec<_> =
        slots.iter().zip(keys).zip(tensors).map(|((slot, key), tensor)| to_reference(tensor, slot, key)).collect();
    write_atomically(path, |out| safetensors::write(&tensors, out)).map_err(|source| ModelError::File {
        what: "cannot write the weights".to_owned(),
        path: path.display().to_string(),
        source: Some(source.into()),
    })
}

fn to_reference(tensor: FileTensor, slot: &ParameterSlot, key: String) -> FileTensor {
    debug_assert_eq!(tensor.name, slot.path, "both come from one order of visits");
    let mut tensor = if slot.transposed { transpose(tensor) } else { tensor };
    tensor.name = key;
    tensor
}
