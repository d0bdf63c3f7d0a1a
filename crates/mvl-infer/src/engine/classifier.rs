//! [`ClassifierEngine`]: a classifier on one of burn's devices.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{Backend, BoxedTask, Classifier, ClassifierSpec, ImageBatch, Task, fuse};

use super::{Engine, EngineError};
use crate::{DataType, HostTensor, Signature, TensorSpec};

/// The name of the input: images `[N, C, H, W]`, normalised as the model's [`Preprocess`](mvl_core::Preprocess) says.
const IMAGES: &str = "images";
/// The names of the outputs, both `[N, K]`.
const OUTPUTS: [&str; 2] = ["logits", "probabilities"];

/// A classifier on one of burn's devices: `images` to `logits` and `probabilities`.
///
/// Normalisations are folded into convolutions and blocks re-parameterised when it is made, so answers may differ from the trained
/// model's in the last digits.
pub struct ClassifierEngine<B: Backend> {
    model: Mutex<Classifier>, // burn's modules can be sent between threads, not shared
    task: BoxedTask,
    signature: Signature,
    platform: String,
    device: Device,
    backend: PhantomData<B>,
}

impl<B: Backend> std::fmt::Debug for ClassifierEngine<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClassifierEngine").field("platform", &self.platform).finish_non_exhaustive()
    }
}

impl<B: Backend> ClassifierEngine<B> {
    /// Takes a model that lies on the device. Its weights are shared with the copy it was given.
    pub fn new(model: &Classifier, task: BoxedTask, spec: &ClassifierSpec, device: Device) -> Self {
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
        let (model, platform) = (Mutex::new(fuse(model)), format!("burn-{}", B::NAME));
        Self { model, task, signature, platform, device, backend: PhantomData }
    }

    /// Another replica that shares the weights, for as many forward passes at a time as there are replicas.
    #[must_use]
    pub fn replica(&self) -> Self {
        Self {
            model: Mutex::new(self.model.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            task: self.task.clone(),
            signature: self.signature.clone(),
            platform: self.platform.clone(),
            device: self.device.clone(),
            backend: PhantomData,
        }
    }
}

impl<B: Backend> Engine for ClassifierEngine<B> {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &str {
        &self.platform
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        let [images] = &inputs[..] else { unreachable!("inputs were checked") };
        let shape: [usize; 4] = images.shape().try_into().expect("inputs were checked");
        let images = Tensor::<4>::from_data(TensorData::new(images.to_f32()?, shape), &self.device);
        let batch = ImageBatch::unlabelled(images);
        let logits = {
            let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
            self.task.forward(&model, &batch)
        };
        let shape = logits.dims().to_vec();
        let failed = |error: &dyn std::fmt::Debug| EngineError::Failed(format!("the logits cannot be read: {error:?}"));
        let values = logits.clone().try_into_data().map_err(|error| failed(&error))?;
        let values = values.convert::<f32>().try_into_vec::<f32>().map_err(|error| failed(&error))?;
        let probabilities: Vec<f32> =
            self.task.decode(logits).iter().flat_map(|answer| answer.probabilities().to_vec()).collect();
        Ok(vec![HostTensor::from_f32(shape.clone(), &values), HostTensor::from_f32(shape, &probabilities)])
    }
}
