//! Steps that need no model to be asked: preparing pictures, naming classes, making probabilities.

use std::sync::Arc;

use bytes::Bytes;
use mvl_core::{Classification, ClassifierSpec};
use mvl_infer::{DataType, HostTensor, Signature, TensorSpec};

use super::StepKind;
use crate::ServiceError;
use crate::predict::Decoders;
use crate::predict::TOP;
use crate::task::Task;

/// How many classes a step names, of those there are.
pub(super) fn top_of(top: Option<usize>, spec: &ClassifierSpec) -> usize {
    top.unwrap_or(TOP).clamp(1, spec.model.num_classes.max(1))
}

/// Which tensors a step takes and gives. `None` for a step that asks a model.
pub(super) fn signature(kind: StepKind, top: Option<usize>, spec: Option<&ClassifierSpec>) -> Option<Signature> {
    let side = |side: usize| i64::try_from(side).unwrap_or(-1);
    let fp32 = |name, shape: &[i64]| TensorSpec::new(name, DataType::Fp32, shape);
    let (inputs, outputs) = match (kind, spec) {
        (StepKind::Prepare, Some(spec)) => {
            let [channels, height, width] = match spec.preprocess.output_shape() {
                Some(shape) => shape.map(side),
                None => [side(spec.model.in_channels), -1, -1],
            };
            let pictures = vec![TensorSpec::new("pictures", DataType::Bytes, &[-1])];
            (pictures, vec![fp32("images", &[-1, channels, height, width])])
        }
        (StepKind::Label, Some(spec)) => {
            let shape = [-1, side(top_of(top, spec))];
            let labels = TensorSpec::new("labels", DataType::Bytes, &shape);
            let indices = TensorSpec::new("indices", DataType::Int64, &shape);
            let probabilities = vec![fp32("probabilities", &[-1, side(spec.model.num_classes)])];
            (probabilities, vec![labels, fp32("scores", &shape), indices])
        }
        (StepKind::Softmax, _) => (vec![fp32("logits", &[-1, -1])], vec![fp32("probabilities", &[-1, -1])]),
        _ => return None,
    };
    Some(Signature { inputs, outputs, batched: true })
}

/// Pictures as a model wants them. Those of one request must come to one size.
pub(super) async fn prepare(
    decoders: &Decoders,
    spec: Arc<ClassifierSpec>,
    pictures: &HostTensor,
) -> Result<Vec<HostTensor>, ServiceError> {
    let pictures = pictures.to_texts()?;
    decoders.count(pictures.len())?;
    let begun: Vec<_> = pictures
        .into_iter()
        .map(|picture| {
            let (decoders, spec) = (*decoders, spec.clone());
            Task::spawn(async move { decoders.prepare(spec, picture).await })
        })
        .collect();
    let mut images = Vec::with_capacity(begun.len());
    for image in begun {
        images.push(image.await?);
    }
    let mut shape = images[0].shape().to_vec();
    if let Some(other) = images.iter().find(|image| image.shape() != shape) {
        let (first, other) = (&shape[1..], &other.shape()[1..]);
        return Err(ServiceError::invalid(format!("expected pictures of one size, got {first:?} and {other:?}")));
    }
    shape[0] = images.len();
    let bytes: Vec<u8> = images.iter().flat_map(|image| image.bytes().iter().copied()).collect();
    Ok(vec![HostTensor::new(DataType::Fp32, shape, bytes.into())?])
}

/// The rows of `[N, K]` numbers.
fn rows(numbers: &HostTensor) -> Result<(Vec<Vec<f32>>, usize), ServiceError> {
    let width = numbers.shape().get(1).copied().unwrap_or(0);
    if width == 0 {
        return Err(ServiceError::invalid(format!("expected classes in each row, got shape {:?}", numbers.shape())));
    }
    let values = numbers.to_f32()?;
    Ok((values.chunks(width).map(<[f32]>::to_vec).collect(), width))
}

/// The likeliest classes, named.
pub(super) fn label(
    spec: &ClassifierSpec,
    top: Option<usize>,
    probabilities: &HostTensor,
) -> Result<Vec<HostTensor>, ServiceError> {
    let top = top_of(top, spec);
    let (rows, width) = rows(probabilities)?;
    let classes = spec.model.num_classes;
    if width != classes {
        return Err(ServiceError::invalid(format!("expected probabilities of {classes} classes, got {width}")));
    }
    let shape = vec![rows.len(), top];
    let (mut labels, mut scores, mut indices) = (Vec::new(), Vec::new(), Vec::new());
    for class in rows.into_iter().flat_map(|row| Classification::new(row).top(top)) {
        labels.push(spec.labels.display(class.index));
        scores.push(class.probability);
        indices.extend((class.index as i64).to_le_bytes());
    }
    Ok(vec![
        HostTensor::from_texts(shape.clone(), &labels),
        HostTensor::from_f32(shape.clone(), &scores),
        HostTensor::new(DataType::Int64, shape, Bytes::from(indices))?,
    ])
}

/// Probabilities of logits.
pub(super) fn softmax(logits: &HostTensor) -> Result<Vec<HostTensor>, ServiceError> {
    let (rows, _) = rows(logits)?;
    let mut values = Vec::with_capacity(logits.elements());
    for row in rows {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f32> = row.iter().map(|logit| (logit - largest).exp()).collect();
        let sum: f32 = powers.iter().sum();
        values.extend(powers.iter().map(|power| power / sum));
    }
    Ok(vec![HostTensor::from_f32(logits.shape().to_vec(), &values)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_of_logits() {
        let logits = HostTensor::from_f32(vec![2, 2], &[0.0, 3.0_f32.ln(), 1000.0, 1000.0]);
        let given = softmax(&logits).expect("numbers").remove(0);
        let expected = [0.25, 0.75, 0.5, 0.5];
        for (got, expected) in given.to_f32().expect("numbers").into_iter().zip(expected) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
        softmax(&HostTensor::from_f32(vec![1, 0], &[])).expect_err("no classes");
    }
}
