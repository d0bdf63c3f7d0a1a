//! [`ClassifierEngine`]: a classifier on one of burn's devices.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, Device, Tensor, TensorData};
use mvl_core::{
    Backbone, Backend, BoxedTask, Classifier, ClassifierSpec, ImageBatch, InputSides, Precision, Task,
    UnsupportedPrecision, fuse, lower_precision,
};

use super::classifier_tensors::ClassifierTensors;
use super::{Engine, EngineError};
use crate::{HostTensor, Signature};

/// A classifier on one of burn's devices: `images` to `logits` and `probabilities`.
///
/// Normalisations are folded into convolutions and blocks re-parameterised when it is made, so answers may differ from the trained
/// model's in the last digits.
pub struct ClassifierEngine<B: Backend> {
    model: Mutex<Classifier>, // burn's modules can be sent between threads, not shared
    tensors: ClassifierTensors,
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
        Self {
            model: Mutex::new(fuse(model)),
            tensors: ClassifierTensors::new(task, spec),
            platform: format!("burn-{}", B::NAME),
            device,
            backend: PhantomData,
        }
    }

    /// The same in another precision, as [`lower_precision`] makes it.
    ///
    /// # Errors
    /// [`UnsupportedPrecision`] when the device does not compute in it.
    pub fn in_precision(self, precision: Precision) -> Result<Self, UnsupportedPrecision> {
        precision.supported_by(&self.device)?;
        let model = self.model.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Self { model: Mutex::new(lower_precision(&model, precision, &[])), ..self })
    }

    /// Another replica that shares the weights, for as many forward passes at a time as there are replicas.
    #[must_use]
    pub fn replica(&self) -> Self {
        Self {
            model: Mutex::new(self.model.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            tensors: self.tensors.clone(),
            platform: self.platform.clone(),
            device: self.device.clone(),
            backend: PhantomData,
        }
    }
}

impl<B: Backend> Engine for ClassifierEngine<B> {
    fn signature(&self) -> &Signature {
        &self.tensors.signature
    }

    fn platform(&self) -> &str {
        &self.platform
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        let [images] = &inputs[..] else { unreachable!("inputs were checked") };
        let shape: [usize; 4] = images.shape().try_into().expect("inputs were checked");
        let values = images.to_f32()?;
        let logits = {
            let model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
            check_sides(model.backbone.sides(), &shape[2..])?;
            let batch = ImageBatch::unlabelled(Tensor::from_data(TensorData::new(values, shape), &self.device));
            self.tensors.task.forward(&model, &batch)
        };
        self.tensors.outputs(logits.cast(DType::F32))
    }
}

/// Refuses pictures on which the backbone would panic, which would be taken for a replica's failure.
fn check_sides(sides: InputSides, got: &[usize]) -> Result<(), EngineError> {
    if got.iter().all(|&side| sides.allow(side)) {
        return Ok(());
    }
    let InputSides { min, multiple_of, .. } = sides;
    let multiples = if multiple_of > 1 { format!(", in multiples of {multiple_of}") } else { String::new() };
    Err(EngineError::Input(format!("expected pictures with sides of at least {min}{multiples}, got {got:?}")))
}
