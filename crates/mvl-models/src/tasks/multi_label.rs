//! Multi-label classification: any number of classes an image; logits `[N, K]`, binary cross entropy, sigmoid, average precision.

use std::marker::PhantomData;
use std::sync::Arc;

use burn::module::ModuleDisplay;
use burn::tensor::{Tensor, TensorData, activation};
use mvl_core::{
    Annotations, Backbone, Classification, Classifier, Head, ImageBatch, Loss, Metric, Monitor, MultiLabelAccuracy,
    MultiLabelMeanPrecision, Network, PredictedSample, Task, full_precision,
};
use serde_json::Value;

use super::host::{class_shares, classifications, predicted_samples};
use crate::ClassifierSpec;
use crate::losses::{BinaryCrossEntropy, MultiLabelLoss};

/// Trains, judges and decodes a classifier that says yes or no to every class. An image's classes are those of its annotations;
/// one without any shows none of them.
///
/// # Example
/// ```
/// use mvl_core::{Channels, ClassifierSpec, Labels, ModelConfig, Options, Preprocess, Task};
/// use mvl_models::MultiLabelTask;
///
/// let spec = ClassifierSpec::new(
///     ModelConfig::new("resnet8", 2).with_in_channels(1),
///     Labels::new(["cat", "dog"]),
///     Preprocess::exact(28, 28, Channels::Gray, &[0.5], &[0.25]),
/// )
/// .with_task("multi_label", Options::default());
/// let task = MultiLabelTask::new(spec);
/// assert_eq!((task.name(), task.monitor().metric.as_str()), ("multi_label", "mean_average_precision"));
/// ```
#[derive(Debug, Clone)]
pub struct MultiLabelTask<M = Classifier> {
    spec: ClassifierSpec,
    loss: Arc<dyn MultiLabelLoss>,
    model: PhantomData<fn() -> M>,
}

impl MultiLabelTask {
    /// The task of a classifier made by a registry.
    #[must_use]
    pub fn new(spec: ClassifierSpec) -> Self {
        Self::for_network(spec)
    }
}

impl<M> MultiLabelTask<M> {
    /// The task of a network of your own type.
    #[must_use]
    pub fn for_network(spec: ClassifierSpec) -> Self {
        Self { spec, loss: Arc::new(BinaryCrossEntropy::new()), model: PhantomData }
    }

    /// Sets the loss; without, it is plain [`BinaryCrossEntropy`].
    #[must_use]
    pub fn with_loss(mut self, loss: impl MultiLabelLoss + 'static) -> Self {
        self.loss = Arc::new(loss);
        self
    }

    /// What is needed beside the weights to predict.
    #[must_use]
    pub fn spec(&self) -> &ClassifierSpec {
        &self.spec
    }
}

impl<B, H> Task for MultiLabelTask<Network<B, H>>
where
    B: Backbone + ModuleDisplay,
    H: Head<Output = Tensor<2>> + ModuleDisplay,
{
    type Model = Network<B, H>;
    type Batch = ImageBatch;
    type Output = Tensor<2>;
    type Prediction = Classification;
    type Truth = Option<Vec<usize>>;

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

    /// The mean over all samples. A class of less than full weight, as mixtures of images have, is a target
    /// between no and yes.
    ///
    /// # Panics
    /// If a class is not below the number of classes.
    fn loss(&self, output: &Tensor<2>, batch: &ImageBatch) -> Loss {
        let [count, classes] = output.dims();
        let shares = batch.annotations.iter().flat_map(|known| class_shares(known, classes));
        let targets: Vec<f32> = shares.map(|share| share.min(1.0)).collect();
        let targets = Tensor::from_data(TensorData::new(targets, [count, classes]), &output.device());
        Loss::new(self.loss.loss(output.clone(), targets))
    }

    /// Sigmoid on the device, then one read to the host. The probabilities of one image need not sum to 1.
    fn decode(&self, output: Tensor<2>) -> Vec<Classification> {
        classifications(activation::sigmoid(full_precision(output)))
    }

    /// The classes of each sample, none for one without a class; what has a class of less than full weight has no truth that a
    /// metric could count.
    fn truths(&self, batch: &ImageBatch) -> Vec<Option<Vec<usize>>> {
        let truth = |known: &Annotations| {
            let whole = known.classes().all(|known| known.weight >= 1.0);
            whole.then(|| known.classes().map(|known| known.class).collect())
        };
        batch.annotations.iter().map(truth).collect()
    }

    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, Option<Vec<usize>>>>> {
        vec![Box::new(MultiLabelMeanPrecision::new()), Box::new(MultiLabelAccuracy::new())]
    }

    fn monitor(&self) -> Monitor {
        Monitor::max("mean_average_precision")
    }

    fn predicted_samples(
        &self,
        batch: &ImageBatch,
        predictions: &[Classification],
        most: usize,
    ) -> Vec<PredictedSample> {
        let said = |prediction: &Classification| {
            let probabilities = prediction.probabilities().iter().enumerate();
            probabilities.filter(|(_, probability)| **probability >= 0.5).map(|(class, _)| class).collect::<Vec<_>>()
        };
        let truth = |known: &Annotations| {
            let mut classes: Vec<usize> = known.classes().map(|known| known.class).collect();
            classes.sort_unstable();
            (!classes.is_empty()).then_some(classes)
        };
        let show = |classes: &Vec<usize>| {
            let names: Vec<_> = classes.iter().map(|&class| self.spec.labels.display(class)).collect();
            if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
        };
        predicted_samples(batch, predictions, most, &self.spec.preprocess, said, truth, show)
    }
}
