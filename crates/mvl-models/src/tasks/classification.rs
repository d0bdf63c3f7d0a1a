//! Classification: one class an image; logits `[N, K]`, cross entropy, softmax, accuracy.

use std::marker::PhantomData;

use burn::module::ModuleDisplay;
use burn::tensor::{Int, Tensor, TensorData, activation};
use mvl_core::{
    Annotations, Backbone, Classification, Classifier, Head, ImageBatch, LabelledConfusion, Loss, Metric, Monitor,
    Network, PredictedSample, Task, TopKAccuracy, full_precision,
};
use serde_json::Value;

use super::host::{class_shares, classifications, predicted_samples};
use crate::ClassifierSpec;
use crate::losses::CrossEntropy;

/// The k of the second accuracy, for tasks with more classes than that.
const WIDE_K: usize = 5;
/// Classes up to which all of their confusions are counted.
const MOST_IN_MATRIX: usize = 256;

/// Trains, judges and decodes a classifier: boxed from a registry by default, or any [`Network`] whose head answers with
/// logits `[N, K]`.
///
/// # Example
/// ```
/// use mvl_core::{Channels, ClassifierSpec, Labels, ModelConfig, Preprocess, Task};
/// use mvl_models::ClassificationTask;
///
/// let spec = ClassifierSpec::new(
///     ModelConfig::new("resnet8", 2).with_in_channels(1),
///     Labels::new(["cat", "dog"]),
///     Preprocess::exact(28, 28, Channels::Gray, &[0.5], &[0.25]),
/// );
/// let task = ClassificationTask::new(spec).with_label_smoothing(0.1);
/// assert_eq!((task.name(), task.monitor().metric.as_str()), ("classification", "accuracy"));
/// ```
#[derive(Debug, Clone)]
pub struct ClassificationTask<M = Classifier> {
    spec: ClassifierSpec,
    loss: CrossEntropy,
    model: PhantomData<fn() -> M>,
}

impl ClassificationTask {
    /// The task of a classifier made by a registry.
    #[must_use]
    pub fn new(spec: ClassifierSpec) -> Self {
        Self::for_network(spec)
    }
}

impl<M> ClassificationTask<M> {
    /// The task of a network of your own type: `ClassificationTask::<Network<MyBackbone, MyHead>>::for_network(spec)`.
    #[must_use]
    pub fn for_network(spec: ClassifierSpec) -> Self {
        Self { spec, loss: CrossEntropy::new(), model: PhantomData }
    }

    /// Sets the loss; without, it is plain [`CrossEntropy`]. A class that it ignores does not count in batches without mixtures, which
    /// have soft targets.
    #[must_use]
    pub fn with_loss(mut self, loss: CrossEntropy) -> Self {
        self.loss = loss;
        self
    }

    /// Sets the label smoothing of the loss.
    ///
    /// # Panics
    /// Unless it is from 0 to below 1.
    #[must_use]
    pub fn with_label_smoothing(mut self, label_smoothing: f64) -> Self {
        self.loss = self.loss.with_label_smoothing(label_smoothing);
        self
    }

    /// What is needed beside the weights to predict.
    #[must_use]
    pub fn spec(&self) -> &ClassifierSpec {
        &self.spec
    }
}

impl<B, H> Task for ClassificationTask<Network<B, H>>
where
    B: Backbone + ModuleDisplay,
    H: Head<Output = Tensor<2>> + ModuleDisplay,
{
    type Model = Network<B, H>;
    type Batch = ImageBatch;
    type Output = Tensor<2>;
    type Prediction = Classification;
    type Truth = Option<usize>;

    fn name(&self) -> &str {
        &self.spec.task
    }

    fn describe(&self) -> Value {
        serde_json::to_value(&self.spec).expect("a spec is strings, numbers and lists")
    }

    fn batch_len(&self, batch: &ImageBatch) -> usize {
        batch.len()
    }

    /// Logits in `f32` at least, also of a model in half precision: losses are computed in it.
    fn forward(&self, model: &Self::Model, batch: &ImageBatch) -> Tensor<2> {
        full_precision(model.forward(batch.images.clone()))
    }

    /// The mean over the samples that have a class; zero when none has. Soft targets, when a sample has several classes.
    ///
    /// # Panics
    /// If a class is not below the number of classes, or the head answers with other things than classes.
    fn loss(&self, output: &Tensor<2>, batch: &ImageBatch) -> Loss {
        let [_, classes] = output.dims();
        let expected = self.spec.model.num_classes;
        assert_eq!(classes, expected, "head {:?} does not answer with classes", self.spec.model.head.name);
        let has_class = |annotations: &Annotations| annotations.classes().next().is_some();
        let rows: Vec<i64> = (0i64..)
            .zip(&batch.annotations)
            .filter_map(|(row, annotations)| has_class(annotations).then_some(row))
            .collect();
        if rows.is_empty() {
            return Loss::new(output.clone().sum() * 0.0);
        }
        let device = output.device();
        let known = batch.annotations.iter().filter(|annotations| has_class(annotations));
        let logits = if rows.len() == batch.len() {
            output.clone()
        } else {
            output.clone().select(0, Tensor::<1, Int>::from_ints(rows.as_slice(), &device))
        };
        Loss::new(match targets(known, classes) {
            Targets::Indices(labels) => self.loss.forward(logits, Tensor::from_ints(labels.as_slice(), &device)),
            Targets::Shares(shares) => {
                let targets = Tensor::from_data(TensorData::new(shares, [rows.len(), classes]), &device);
                self.loss.forward_soft(logits, targets)
            }
        })
    }

    /// Softmax on the device, then one read to the host.
    fn decode(&self, output: Tensor<2>) -> Vec<Classification> {
        classifications(activation::softmax(full_precision(output), 1))
    }

    /// The label of samples that have one class; what has several has no truth that accuracy could count.
    fn truths(&self, batch: &ImageBatch) -> Vec<Option<usize>> {
        batch.annotations.iter().map(|known| known.label.filter(|_| known.class_weights.is_empty())).collect()
    }

    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, Option<usize>>>> {
        let classes = self.spec.model.num_classes;
        let names = || (0..classes).map(|class| self.spec.labels.display(class)).collect();
        let mut metrics: Vec<Box<dyn Metric<_, _>>> = match classes {
            0..=MOST_IN_MATRIX => vec![Box::new(LabelledConfusion::new(names()))],
            _ => vec![Box::new(TopKAccuracy::new(1))],
        };
        if self.spec.model.num_classes > WIDE_K {
            metrics.push(Box::new(TopKAccuracy::new(WIDE_K)));
        }
        metrics
    }

    fn monitor(&self) -> Monitor {
        Monitor::max("accuracy")
    }

    fn predicted_samples(
        &self,
        batch: &ImageBatch,
        predictions: &[Classification],
        most: usize,
    ) -> Vec<PredictedSample> {
        let said = |prediction: &Classification| prediction.best();
        let truth = |known: &Annotations| known.label.map(Some);
        let show =
            |class: &Option<usize>| class.map_or_else(|| "nothing".to_owned(), |class| self.spec.labels.display(class));
        predicted_samples(batch, predictions, most, &self.spec.preprocess, said, truth, show)
    }
}

/// What the samples of a batch aim at.
enum Targets {
    /// One class each.
    Indices(Vec<i64>),
    /// `[N, K]`, because a sample has several classes.
    Shares(Vec<f32>),
}

/// The targets of samples that all have a class.
///
/// # Panics
/// If a class is not below `classes`.
fn targets<'a>(samples: impl Iterator<Item = &'a Annotations> + Clone, classes: usize) -> Targets {
    if samples.clone().all(|known| known.class_weights.is_empty()) {
        let labels = samples.filter_map(|known| known.label);
        let check = |label: usize| assert!(label < classes, "label {label} in a task of {classes} classes");
        return Targets::Indices(labels.inspect(|&label| check(label)).map(|label| label as i64).collect());
    }
    Targets::Shares(samples.flat_map(|known| class_shares(known, classes)).collect())
}
