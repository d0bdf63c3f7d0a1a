//! A classifier cut to some of its classes.

use std::path::Path;

use burn::store::bridge;
use burn::tensor::{DType, Shape, TensorData};
use mvl_core::{ModelConfig, ModelError};

use super::checkpoint_file::Tensors;
use super::fit::FileTensor;
use super::load::{cast, is_head};
use super::parameters::ParameterSlot;

/// Replaces the tensors of the head that have one row a class by those with the rows of `classes`. Returns how many classes the
/// file has; `None` when it has no such head.
pub(super) fn pick_classes(
    slots: &[ParameterSlot],
    keys: &[String],
    tensors: &mut Tensors,
    mapped: &mut Tensors,
    classes: &[usize],
    config: &ModelConfig,
    path: &Path,
) -> Result<Option<usize>, ModelError> {
    if classes.len() != config.num_classes {
        let what = format!("expected {} classes to pick, got {}", config.num_classes, classes.len());
        return Err(ModelError::InvalidOptions { owner: config.name.clone(), what });
    }
    let heads: Vec<_> = slots.iter().zip(keys).filter(|(slot, _)| is_head(slot)).collect();
    // The classifier is the head's last layer.
    let last = heads.iter().rev().find_map(|(_, key)| tensors.get(*key));
    let Some(&count) = last.and_then(|tensor| tensor.shape.as_slice().first()) else { return Ok(None) };
    if let Some(class) = classes.iter().find(|&&class| class >= count) {
        let what = format!("expected classes below {count}, the file's number of them, got {class}");
        return Err(ModelError::File { what, path: path.display().to_string(), source: None });
    }
    for (slot, key) in heads {
        let expected = slot.torch_shape();
        let fits = |tensor: &FileTensor| {
            let found = tensor.shape.as_slice();
            found.first() == Some(&count) && found[1..] == expected[1..] && slot.accepts(tensor)
        };
        if expected.first() == Some(&classes.len())
            && tensors.get(key).is_some_and(fits)
            && let Some(tensor) = tensors.remove(key)
        {
            mapped.remove(&tensor.name); // which holds all rows
            tensors.insert(key.clone(), pick_rows(tensor, classes));
        }
    }
    Ok(Some(count))
}

fn pick_rows(tensor: FileTensor, rows: &[usize]) -> FileTensor {
    let tensor = cast(tensor, DType::F32);
    let mut shape = tensor.shape.to_vec();
    shape[0] = rows.len();
    let width: usize = shape[1..].iter().product();
    let (name, shape, rows) = (tensor.name.clone(), Shape::from(shape), rows.to_vec());
    bridge::map_data(tensor, name, DType::F32, shape.clone(), move |data| {
        let values = data.try_into_vec::<f32>().expect("cast to 32-bit floats before");
        let picked: Vec<f32> = rows.iter().flat_map(|row| values[row * width..][..width].iter().copied()).collect();
        TensorData::new(picked, shape.clone())
    })
}
