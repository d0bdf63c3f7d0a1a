//! What a model is trained, judged and used for: the one object that training, evaluation and serving share.

use burn::module::Module;
use burn::tensor::Tensor;
use serde_json::Value;

use crate::{Annotations, Metric, Monitor, PredictedSample};

/// Forward pass, loss, decoding to predictions, and metrics of one kind of problem.
///
/// A task holds settings, never weights; the model is passed in.
pub trait Task: Send + Sync + 'static {
    /// What is trained.
    type Model: Module + 'static;
    /// What the loader yields, on the device.
    type Batch: Send;
    /// The forward pass's raw result.
    type Output;
    /// What a user wants to know of one sample, on the host.
    type Prediction: Send;
    /// What is known about one sample, on the host.
    type Truth: Send;

    /// The kind of problem: `classification`.
    fn name(&self) -> &str;

    /// Everything beside the weights that is needed to rebuild the model and predict with it: config, labels, preprocessing.
    /// It is saved beside every checkpoint as [`MODEL_FILE`].
    fn describe(&self) -> Value;

    /// How many samples a batch holds.
    fn batch_len(&self, batch: &Self::Batch) -> usize;

    /// Batch to raw output.
    fn forward(&self, model: &Self::Model, batch: &Self::Batch) -> Self::Output;

    /// Raw output to loss; the total is the mean over the batch.
    fn loss(&self, output: &Self::Output, batch: &Self::Batch) -> Loss;

    /// Raw output to one prediction a sample.
    fn decode(&self, output: Self::Output) -> Vec<Self::Prediction>;

    /// One truth a sample.
    fn truths(&self, batch: &Self::Batch) -> Vec<Self::Truth>;

    /// Fresh metrics for one pass over a data set.
    fn metrics(&self) -> Vec<Box<dyn Metric<Self::Prediction, Self::Truth>>>;

    /// The figure by which the best checkpoint is told, unless the user says otherwise.
    fn monitor(&self) -> Monitor;

    /// The first samples of a batch with their predictions, at most so many, for people to look at. None by default.
    fn predicted_samples(
        &self,
        _batch: &Self::Batch,
        _predictions: &[Self::Prediction],
        _most: usize,
    ) -> Vec<PredictedSample> {
        Vec::new()
    }
}

/// File beside the weights that holds [`Task::describe`].
pub const MODEL_FILE: &str = "model.json";
/// File that holds the weights of a saved model, as a burn record.
pub const WEIGHTS_FILE: &str = "weights.bpk";

/// A differentiable loss, with its named parts for the log.
#[derive(Debug, Clone)]
pub struct Loss {
    /// What is minimised, `[1]`.
    pub total: Tensor<1>,
    /// What it is made of; empty when it has one part.
    pub parts: Vec<(&'static str, Tensor<1>)>,
}

impl Loss {
    /// A loss of one part.
    pub fn new(total: Tensor<1>) -> Self {
        Self { total, parts: Vec::new() }
    }
}

/// A batch of images with what is known about each.
#[derive(Debug, Clone)]
pub struct ImageBatch {
    /// `[N, C, H, W]`, normalised, on the device.
    pub images: Tensor<4>,
    /// One entry an image.
    pub annotations: Vec<Annotations>,
}

impl ImageBatch {
    /// Images about which nothing is known, as in serving.
    pub fn unlabelled(images: Tensor<4>) -> Self {
        let count = images.dims()[0];
        Self { images, annotations: vec![Annotations::default(); count] }
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.annotations.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.annotations.is_empty()
    }
}
