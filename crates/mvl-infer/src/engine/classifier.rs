//! [`ClassifierEngine`]: a classifier on one of burn's devices.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use burn::tensor::{DType, Device, Tensor, TensorData};
use mvl_core::{
    Backbone, Backend, Classifier, ImageBatch, InputSides, Task, count_parameters, fuse, lower_precision,
    quantize_weights,
};

use super::classifier_tensors::ClassifierTensors;
use super::{Engine, EngineError, EngineKind, EnginePrecision};
use crate::report::bytes_of;
use crate::{HostTensor, InferError, Signature, TrainedClassifier, WeightsSize};

/// The one backend whose weights can be in 8 bits: ndarray cannot part them into channels, and none on a GPU has been tried.
const QUANTIZES: &str = "cpu";

/// A classifier on one of burn's devices: `images` to `logits` and `probabilities`.
///
/// Normalisations are folded into convolutions and blocks re-parameterised when it is made, so answers may differ from the trained
/// model's in the last digits.
pub struct ClassifierEngine<B: Backend> {
    model: Mutex<Classifier>, // burn's modules can be sent between threads, not shared
    tensors: ClassifierTensors,
    platform: String,
    device: Device,
    weights: WeightsSize,
    backend: PhantomData<B>,
}

impl<B: Backend> std::fmt::Debug for ClassifierEngine<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClassifierEngine").field("platform", &self.platform).finish_non_exhaustive()
    }
}

impl<B: Backend> ClassifierEngine<B> {
    /// Takes a model that lies on a device of the backend. Weights that are not folded are shared with the model.
    pub fn new(trained: &TrainedClassifier) -> Self {
        let model = fuse(&trained.model);
        let parameters = count_parameters(&trained.model) as u64;
        Self {
            weights: WeightsSize { parameters, bytes: bytes_of(&model) },
            model: Mutex::new(model),
            tensors: ClassifierTensors::new(trained.task.clone(), &trained.spec),
            platform: format!("burn-{}", B::NAME),
            device: trained.device.clone(),
            backend: PhantomData,
        }
    }

    /// The same in another precision, as [`lower_precision`] and [`quantize_weights`] make it.
    ///
    /// # Errors
    /// [`InferError::Engine`] when the device does not compute in it.
    pub fn in_precision(self, precision: EnginePrecision) -> Result<Self, InferError> {
        let wrong = |what| InferError::Engine { kind: EngineKind::Burn, what };
        let flow = precision.computed_in();
        flow.supported_by(&self.device).map_err(|error| wrong(error.to_string()))?;
        let model = self.model.into_inner().unwrap_or_else(PoisonError::into_inner);
        let model = match precision {
            EnginePrecision::Int8 if B::NAME != QUANTIZES => {
                return Err(wrong(format!(
                    "int8 is for the backend {QUANTIZES}, got {}; use another precision",
                    B::NAME
                )));
            }
            EnginePrecision::Int8 => quantize_weights(&model),
            _ => lower_precision(&model, flow, &[]),
        };
        let weights = WeightsSize { bytes: bytes_of(&model), ..self.weights };
        Ok(Self { model: Mutex::new(model), weights, ..self })
    }

    /// Another replica that shares the weights, for as many forward passes at a time as there are replicas.
    #[must_use]
    pub fn replica(&self) -> Self {
        Self {
            model: Mutex::new(self.model.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            tensors: self.tensors.clone(),
            platform: self.platform.clone(),
            device: self.device.clone(),
            weights: self.weights,
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

    fn weights(&self) -> Option<WeightsSize> {
        Some(self.weights)
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
