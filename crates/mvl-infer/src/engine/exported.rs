//! [`ExportedClassifier`]: a classifier as a graph that another runtime computes.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{ImageBatch, Task, count_parameters};

use super::classifier_tensors::ClassifierTensors;
use super::onnx_graph::{GraphSource, open_graph};
use super::{Engine, EngineError, EngineOptions};
use crate::export::OnnxExport;
use crate::{HostTensor, InferError, Signature, TrainedClassifier, WeightsSize};

/// A classifier whose logits come from another runtime; what they mean is said by the same task as with burn.
pub(crate) struct ExportedClassifier {
    graph: Arc<dyn Engine>,
    tensors: ClassifierTensors,
    /// Where logits become probabilities.
    device: Device,
    weights: WeightsSize,
}

impl ExportedClassifier {
    /// Exports a model and opens it so many times.
    ///
    /// # Errors
    /// When the engine is not there, the model takes pictures of any size, or it cannot be exported or read.
    pub(crate) fn replicas(
        trained: &TrainedClassifier,
        options: &EngineOptions,
        replicas: usize,
    ) -> Result<Vec<Arc<dyn Engine>>, InferError> {
        let TrainedClassifier { model, task, spec, device } = trained;
        let wrong = |what: &str| InferError::Engine { kind: options.kind, what: what.to_owned() };
        let picture = spec.preprocess.output_shape().ok_or_else(|| {
            wrong("an exported graph is for pictures of one size, this model takes any; use the engine burn, or train with a resize")
        })?;
        let onnx =
            OnnxExport::of_module(model, picture, |model, images| task.forward(model, &ImageBatch::unlabelled(images)));
        let bytes = onnx.with_name(spec.model.name.clone()).build()?.to_bytes()?;
        let weights = WeightsSize { parameters: count_parameters(model) as u64, bytes: bytes.len() as u64 };
        let tensors = ClassifierTensors::new(task.clone(), spec);
        let graphs = open_graph(&GraphSource::Bytes(bytes), options, replicas)?;
        let replica = |graph| {
            let (tensors, device) = (tensors.clone(), device.clone());
            Arc::new(Self { graph, tensors, device, weights }) as Arc<dyn Engine>
        };
        Ok(graphs.into_iter().map(replica).collect())
    }
}

impl Engine for ExportedClassifier {
    fn signature(&self) -> &Signature {
        &self.tensors.signature
    }

    fn platform(&self) -> &str {
        self.graph.platform()
    }

    fn weights(&self) -> Option<WeightsSize> {
        Some(self.weights)
    }

    fn run(&self, inputs: Vec<HostTensor>) -> Result<Vec<HostTensor>, EngineError> {
        let outputs = self.graph.run(inputs)?;
        let logits = outputs.first().ok_or_else(|| EngineError::Failed("the graph gave no logits".to_owned()))?;
        let shape: [usize; 2] = logits.shape().try_into().map_err(|_| {
            EngineError::Failed(format!("expected logits of shape [N, classes], got {:?}", logits.shape()))
        })?;
        let logits = Tensor::<2>::from_data(TensorData::new(logits.to_f32()?, shape), &self.device);
        self.tensors.outputs(logits)
    }
}
