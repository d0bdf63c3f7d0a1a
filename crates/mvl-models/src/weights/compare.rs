//! A classifier against the answers of its reference implementation: the same weights, the same pictures, logits and every tap.

use std::collections::HashMap;
use std::path::Path;

use burn::store::bridge;
use burn::tensor::{DType, Device, Tensor};
use mvl_core::{Backbone, BoxError, Classifier, Feature, ModelError, TapSet, device_of};

use super::fit::FileTensor;
use super::safetensors;

/// How far one output is from the reference's.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct OutputDifference {
    /// The output's key in the file: `0.logits`, `1.tap.layer3`.
    pub output: String,
    /// The reference's shape.
    pub shape: Vec<usize>,
    /// The largest difference between two numbers at the same place.
    pub largest: f64,
    /// The root mean square of the reference's numbers.
    pub rms: f64,
}

impl OutputDifference {
    /// The largest difference as a part of the output's root mean square, where that is above 1.
    #[must_use]
    pub fn relative(&self) -> f64 {
        self.largest / self.rms.max(1.0)
    }
}

/// Compares a model with what a reference gave, which is a safetensors file: `0.input` are pictures `[N, C, H, W]`, already
/// normalised, `0.logits` the answer, `0.tap.NAME` the features at each tap (maps `[N, C, H, W]`, tokens `[N, L, C]`); further
/// pictures are numbered on.
///
/// # Errors
/// [`ModelError::File`] when the file cannot be read, lacks an output, or has one in another shape.
pub fn compare_with_reference(model: &Classifier, expected: &Path) -> Result<Vec<OutputDifference>, ModelError> {
    let refuse = |what: String, source: Option<BoxError>| ModelError::File {
        what,
        path: expected.display().to_string(),
        source,
    };
    let mut tensors = safetensors::read(expected)
        .map_err(|source| refuse(format!("cannot read the reference's outputs: {source}"), None))?;
    let device = device_of(model).ok_or_else(|| refuse("the model has no parameters".to_owned(), None))?;
    let mut differences = Vec::new();
    for number in 0.. {
        let Some(input) = tensors.remove(&format!("{number}.input")) else { break };
        let images = images(input, &device).map_err(|what| refuse(format!("{number}.input: {what}"), None))?;
        let all = TapSet::first(model.backbone.taps().len());
        let mut compare = |output: String, shape: Vec<usize>, values: Vec<f32>| {
            differences.push(difference(&mut tensors, output, shape, &values)?);
            Ok(())
        };
        let features = model.backbone.forward(images.clone(), all);
        let of_taps = features.iter().try_for_each(|(tap, feature)| {
            let key = format!("{number}.tap.{}", model.backbone.taps()[tap].name);
            match feature {
                Feature::Map(map) => compare(key, map.dims().to_vec(), floats(map.clone())),
                Feature::Tokens(tokens) => compare(key, tokens.dims().to_vec(), floats(tokens.clone())),
                _ => Err(format!("{key}: of a kind that this does not know")),
            }
        });
        let logits = model.forward(images);
        of_taps
            .and_then(|()| compare(format!("{number}.logits"), logits.dims().to_vec(), floats(logits)))
            .map_err(|what| refuse(what, None))?;
    }
    if differences.is_empty() {
        return Err(refuse("expected pictures under the key \"0.input\"".to_owned(), None));
    }
    Ok(differences)
}

fn images(tensor: FileTensor, device: &Device) -> Result<Tensor<4>, String> {
    if tensor.shape.len() != 4 || !tensor.dtype.is_float() {
        return Err(format!("expected floats [N, C, H, W], found {:?} {:?}", tensor.dtype, tensor.shape.as_slice()));
    }
    let data = bridge::into_data(tensor).map_err(|error| error.to_string())?;
    Ok(Tensor::from_data(data, device))
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().expect("just converted to f32")
}

/// The error is what is wrong with the reference's output.
fn difference(
    tensors: &mut HashMap<String, FileTensor>,
    output: String,
    shape: Vec<usize>,
    got: &[f32],
) -> Result<OutputDifference, String> {
    let expected = tensors.remove(&output).ok_or_else(|| format!("expected an output {output:?}"))?;
    if expected.shape.as_slice() != shape {
        return Err(format!("{output}: the reference has {:?}, the model {shape:?}", expected.shape.as_slice()));
    }
    let data = bridge::into_data(expected).map_err(|error| error.to_string())?.convert_dtype(DType::F32);
    let expected: Vec<f32> = data.try_into_vec().map_err(|error| format!("{output}: {error:?}"))?;
    let mut largest = 0.0_f64;
    for (got, expected) in got.iter().zip(&expected) {
        let apart = f64::from((got - expected).abs());
        largest = if apart.is_finite() { largest.max(apart) } else { f64::INFINITY };
    }
    let squares: f64 = expected.iter().map(|&value| f64::from(value).powi(2)).sum();
    Ok(OutputDifference { output, shape, largest, rms: (squares / expected.len().max(1) as f64).sqrt() })
}
