//! [`ClassifierTensors`]: what a classifier takes and gives as tensors, whatever computes it.

use burn::tensor::Tensor;
use mvl_core::{BoxedTask, ClassifierSpec, Task};

use super::EngineError;
use crate::{DataType, HostTensor, Signature, TensorSpec};

/// The name of the input: images `[N, C, H, W]`, normalised as the model's [`Preprocess`](mvl_core::Preprocess) says.
const IMAGES: &str = "images";
/// The names of the outputs, both `[N, K]`.
const OUTPUTS: [&str; 2] = ["logits", "probabilities"];

/// `images` to `logits` and `probabilities`.
#[derive(Clone)]
pub(super) struct ClassifierTensors {
    pub(super) task: BoxedTask,
    pub(super) signature: Signature,
}

impl ClassifierTensors {
    pub(super) fn new(task: BoxedTask, spec: &ClassifierSpec) -> Self {
        let side = |side: usize| i64::try_from(side).expect("a side of an image");
        let [channels, height, width] = match spec.preprocess.output_shape() {
            Some(shape) => shape.map(side),
            None => [side(spec.model.in_channels), -1, -1],
        };
        let classes = side(spec.model.num_classes);
        let output = |name| TensorSpec::new(name, DataType::Fp32, &[-1, classes]);
        let signature = Signature {
            inputs: vec![TensorSpec::new(IMAGES, DataType::Fp32, &[-1, channels, height, width])],
            outputs: OUTPUTS.map(output).into(),
            batched: true,
        };
        Self { task, signature }
    }

    /// The outputs, from logits `[N, K]` that are there already.
    pub(super) fn outputs(&self, logits: Tensor<2>) -> Result<Vec<HostTensor>, EngineError> {
        let shape = logits.dims().to_vec();
        let failed = |error: &dyn std::fmt::Debug| EngineError::Failed(format!("the logits cannot be read: {error:?}"));
        let values = logits.clone().try_into_data().map_err(|error| failed(&error))?;
        let values = values.convert::<f32>().try_into_vec::<f32>().map_err(|error| failed(&error))?;
        let probabilities: Vec<f32> =
            self.task.decode(logits).iter().flat_map(|answer| answer.probabilities().to_vec()).collect();
        Ok(vec![HostTensor::from_f32(shape.clone(), &values), HostTensor::from_f32(shape, &probabilities)])
    }
}
