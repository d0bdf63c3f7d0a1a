//! What is exported to ONNX, and how.

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, DType, Int, Tensor, activation};
use mvl_core::{Classifier, ClassifierSpec, fuse};

use super::lowering::lower;
use super::onnx_model::{OnnxModel, OnnxSummary};
use super::recording::{Recording, record};
use super::{ExportError, protobuf::StringStringEntryProto};

/// The name of the pictures in an exported model.
const INPUT: &str = "images";
/// Numbers of pictures that are recorded to find out what follows them.
const RECORDED_BATCHES: [usize; 8] = [2, 3, 4, 5, 6, 7, 8, 9];
/// The axis of classes in an answer `[N, K, …]`.
const CLASSES: usize = 1;

/// What an exported model puts out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnnxAnswer {
    /// `logits`, as the model gives them.
    #[default]
    Logits,
    /// `probabilities` that sum to 1: one class an image.
    Softmax,
    /// `probabilities` of their own for each class: any number of classes an image.
    Sigmoid,
}

impl OnnxAnswer {
    /// The name of the output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Logits => "logits",
            Self::Softmax | Self::Sigmoid => "probabilities",
        }
    }

    /// What becomes of a model's logits.
    ///
    /// # Shapes
    /// `[N, K, …]` → the same
    #[must_use]
    pub fn of<const D: usize>(self, logits: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Logits => logits,
            Self::Softmax => activation::softmax(logits, CLASSES),
            Self::Sigmoid => activation::sigmoid(logits),
        }
    }
}

/// Settings of an export; [`build`](Self::build) and [`write`](Self::write) do it.
///
/// The exported model has one input, `images` (`[batch, C, H, W]`, normalised as the model's [`Preprocess`](mvl_core::Preprocess)
/// says), and one output, [named](OnnxAnswer::name) `logits` or `probabilities`. The number of pictures is free unless
/// [fixed](Self::with_fixed_batch); height and width are those given here.
///
/// # Example
/// ```
/// use mvl_core::{Backend, Cpu};
/// use mvl_infer::export::OnnxExport;
///
/// let model = mvl_models::create_model("resnet8", 10, &Cpu::device(0)?)?;
/// let file = tempfile::tempdir()?.path().join("resnet8.onnx");
/// let summary = OnnxExport::of(&model, [3, 32, 32]).write(&file)?;
/// assert_eq!(summary.output.shape, ["batch", "10"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct OnnxExport<'a> {
    recorder: Recorder<'a>,
    settings: Settings,
    name: String,
    metadata: Vec<(String, String)>,
    external_weights: bool,
}

/// Records the model that it holds.
type Recorder<'a> = Box<dyn FnOnce(&Settings) -> Result<Recording, ExportError> + 'a>;

/// What the recorder has to know.
struct Settings {
    batches: Vec<usize>,
    fused: bool,
    answer: OnnxAnswer,
}

impl<'a> OnnxExport<'a> {
    /// An export of a classifier, for pictures of `[channels, height, width]`.
    pub fn of(classifier: &'a Classifier, picture: [usize; 3]) -> Self {
        Self::of_module(classifier, picture, |classifier, images| classifier.forward(images))
    }

    /// An export of any module that turns pictures into a tensor, such as a backbone of your own.
    ///
    /// # Shapes
    /// `forward` is given `[N, C, H, W]` with `[C, H, W]` as in `picture`; its answer's first axis is N.
    ///
    /// # Example
    /// ```
    /// use burn::nn::{Linear, LinearConfig};
    /// use mvl_core::{Backend, Cpu};
    /// use mvl_infer::export::OnnxExport;
    ///
    /// let linear: Linear = LinearConfig::new(3, 5).init(&Cpu::device(0)?);
    /// let export = OnnxExport::of_module(&linear, [3, 8, 8], |linear, images| {
    ///     linear.forward(images.mean_dim(3).mean_dim(2).flatten::<2>(1, 3)) // [N, 5]
    /// });
    /// assert_eq!(export.build()?.summary().output.shape, ["batch", "5"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_module<M: Module, const D: usize>(
        module: &'a M,
        picture: [usize; 3],
        forward: impl Fn(&M, Tensor<4>) -> Tensor<D> + 'a,
    ) -> Self {
        let recorder = move |settings: &Settings| {
            module.visit(&mut Drawn); // weights that are still lazy become those of this model
            let module = if settings.fused { fuse(module) } else { module.valid() };
            let answer = settings.answer;
            let forward = |module: &M, images: Tensor<4>| answer.of(forward(module, images)).cast(DType::F32);
            record(module, picture, &settings.batches, &forward)
        };
        Self {
            recorder: Box::new(recorder),
            settings: Settings { batches: RECORDED_BATCHES.to_vec(), fused: true, answer: OnnxAnswer::Logits },
            name: "model".to_owned(),
            metadata: Vec::new(),
            external_weights: false,
        }
    }

    /// Names the graph.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// Exports for exactly so many pictures at a time.
    #[must_use]
    pub fn with_fixed_batch(mut self, pictures: usize) -> Self {
        self.settings.batches = vec![pictures; 2];
        self
    }

    /// Keeps normalisations and parallel branches as they are, instead of [fusing](mvl_core::fuse) them first.
    #[must_use]
    pub fn without_fusing(mut self) -> Self {
        self.settings.fused = false;
        self
    }

    /// Sets what the exported model puts out; logits unless said otherwise.
    #[must_use]
    pub fn with_answer(mut self, answer: OnnxAnswer) -> Self {
        self.settings.answer = answer;
        self
    }

    /// Writes down what is known of a classifier, as metadata: `model`, `task`, `labels` and `preprocess`, the last two and the model
    /// as JSON as in `model.json`. The graph is named after the model.
    #[must_use]
    pub fn with_spec(self, spec: &ClassifierSpec) -> Self {
        let json =
            |value: Result<String, serde_json::Error>| value.expect("a spec is written as JSON wherever it is saved");
        let named = self.with_name(spec.model.name.clone()).with_metadata("task", spec.task.clone());
        let named = named.with_metadata("model", json(serde_json::to_string(&spec.model)));
        let named = named.with_metadata("labels", json(serde_json::to_string(&spec.labels)));
        named.with_metadata("preprocess", json(serde_json::to_string(&spec.preprocess)))
    }

    /// Adds an entry to the model's metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// Puts weights into a file of their own beside the model, which is done anyway where they do not fit into one (2 GiB).
    #[must_use]
    pub fn with_external_weights(self) -> Self {
        Self { external_weights: true, ..self }
    }

    /// Records the model and turns it into ONNX.
    ///
    /// # Errors
    /// [`ExportError::Unsupported`] for an operation that is not written, [`ExportError::DependsOnBatch`] when the model treats
    /// batches of another size otherwise, [`ExportError::NotRecorded`] when burn cannot record it.
    ///
    /// # Panics
    /// When the forward pass does: it does not take pictures of this shape, or reads values back to the host.
    pub fn build(self) -> Result<OnnxModel, ExportError> {
        let recording = (self.recorder)(&self.settings)?;
        let graph = lower(recording, &self.name, INPUT, self.settings.answer.name())?;
        let metadata =
            self.metadata.into_iter().map(|(key, value)| StringStringEntryProto { key: Some(key), value: Some(value) });
        Ok(OnnxModel::new(graph, metadata.collect(), self.external_weights))
    }

    /// Exports to a file: [`build`](Self::build), then [`OnnxModel::write`].
    ///
    /// # Errors
    /// Like those two.
    ///
    /// # Panics
    /// Like [`build`](Self::build).
    pub fn write(self, path: impl AsRef<Path>) -> Result<OnnxSummary, ExportError> {
        self.build()?.write(path)
    }
}

impl std::fmt::Debug for OnnxExport<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxExport").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Draws every weight that has not been asked for yet.
struct Drawn;

impl ModuleVisitor for Drawn {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        param.val();
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        param.val();
    }
}
