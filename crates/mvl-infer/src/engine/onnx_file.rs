//! [`load_onnx`]: a graph in ONNX's format from a file, whoever wrote it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mvl_core::{ClassifierSpec, Labels, ModelConfig, Preprocess};

use super::onnx_graph::{GraphSource, open_graph};
use super::{Engine, EngineOptions};
use crate::export::read_metadata;
use crate::{DataType, InferError, Signature};

/// The tensors that make a graph a classifier of pictures.
const IMAGES: &str = "images";
const PROBABILITIES: &str = "probabilities";

/// What a file holds.
pub struct OnnxFile {
    /// The replicas, as many as were wanted.
    pub replicas: Vec<Arc<dyn Engine>>,
    /// What is known of a classifier that [`OnnxExport`](crate::export::OnnxExport) wrote with its probabilities, so that it can be asked
    /// with pictures; other graphs are asked with tensors.
    pub classifier: Option<ClassifierSpec>,
}

impl std::fmt::Debug for OnnxFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (replicas, classifier) = (self.replicas.len(), self.classifier.is_some());
        f.debug_struct("OnnxFile").field("replicas", &replicas).field("classifier", &classifier).finish()
    }
}

/// Opens a file with the engine `ort` or `rten`.
///
/// # Errors
/// [`InferError::OnnxFile`] when it cannot be read, [`InferError::Engine`] when the engine is another one, not there, or cannot compute it.
pub fn load_onnx(path: impl AsRef<Path>, options: &EngineOptions, replicas: usize) -> Result<OnnxFile, InferError> {
    let path = path.as_ref();
    options.check()?;
    let unreadable = |what: String| InferError::OnnxFile { path: path.to_owned(), what };
    let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let metadata = read_metadata(&bytes).map_err(unreadable)?;
    drop(bytes);
    let replicas = open_graph(&GraphSource::File(path.to_owned()), options, replicas)?;
    let known = |key: &str| metadata.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
    let classifier = replicas.first().and_then(|engine| classifier(engine.signature(), known));
    Ok(OnnxFile { replicas, classifier })
}

/// What an exported classifier's metadata say, where its tensors are as they should be.
fn classifier<'a>(signature: &Signature, known: impl Fn(&str) -> Option<&'a str>) -> Option<ClassifierSpec> {
    let [images] = &signature.inputs[..] else { return None };
    let probabilities = signature.outputs.iter().find(|output| output.name == PROBABILITIES)?;
    let model: ModelConfig = serde_json::from_str(known("model")?).ok()?;
    let labels: Labels = serde_json::from_str(known("labels")?).ok()?;
    let preprocess: Preprocess = serde_json::from_str(known("preprocess")?).ok()?;
    let task = known("task")?.to_owned();
    let picture = preprocess.output_shape()?.map(Some);
    let fits = images.name == IMAGES
        && [images.datatype, probabilities.datatype] == [DataType::Fp32; 2]
        && images.shape.get(1..) == Some(&picture[..])
        && probabilities.shape.get(1..) == Some(&[Some(model.num_classes)][..]);
    let spec = ClassifierSpec { task, ..ClassifierSpec::new(model, labels, preprocess) };
    (fits && spec.problems().is_empty()).then_some(spec)
}
