//! A task of classifiers whose type was chosen at run time.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use burn::tensor::Tensor;
use serde_json::Value;

use crate::{Classification, Classifier, ImageBatch, Loss, Metric, MetricDetail, Monitor, PredictedSample, Task};

/// What is known about one sample, of the boxed task's own type.
pub type AnyTruth = Box<dyn Any + Send>;

/// Any task whose models are [`Classifier`]s that answer with logits `[N, K]` and whose predictions are [`Classification`]s. What is
/// true of a sample keeps its type inside.
#[derive(Clone)]
pub struct BoxedTask(Arc<dyn ErasedTask>);

impl BoxedTask {
    /// Boxes a task.
    pub fn new<T>(task: T) -> Self
    where
        T: Task<Model = Classifier, Batch = ImageBatch, Output = Tensor<2>, Prediction = Classification>,
        T::Truth: Clone + 'static,
    {
        Self(Arc::new(task))
    }
}

impl Task for BoxedTask {
    type Model = Classifier;
    type Batch = ImageBatch;
    type Output = Tensor<2>;
    type Prediction = Classification;
    type Truth = AnyTruth;

    fn name(&self) -> &str {
        self.0.name()
    }

    fn describe(&self) -> Value {
        self.0.describe()
    }

    fn batch_len(&self, batch: &ImageBatch) -> usize {
        self.0.batch_len(batch)
    }

    fn forward(&self, model: &Classifier, batch: &ImageBatch) -> Tensor<2> {
        self.0.forward(model, batch)
    }

    fn loss(&self, output: &Tensor<2>, batch: &ImageBatch) -> Loss {
        self.0.loss(output, batch)
    }

    fn decode(&self, output: Tensor<2>) -> Vec<Classification> {
        self.0.decode(output)
    }

    fn truths(&self, batch: &ImageBatch) -> Vec<AnyTruth> {
        self.0.truths(batch)
    }

    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, AnyTruth>>> {
        self.0.metrics()
    }

    fn monitor(&self) -> Monitor {
        self.0.monitor()
    }

    fn predicted_samples(
        &self,
        batch: &ImageBatch,
        predictions: &[Classification],
        most: usize,
    ) -> Vec<PredictedSample> {
        self.0.predicted_samples(batch, predictions, most)
    }
}

impl fmt::Debug for BoxedTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BoxedTask").field(&self.name()).finish()
    }
}

/// [`Task`] without its types.
trait ErasedTask: Send + Sync {
    fn name(&self) -> &str;
    fn describe(&self) -> Value;
    fn batch_len(&self, batch: &ImageBatch) -> usize;
    fn forward(&self, model: &Classifier, batch: &ImageBatch) -> Tensor<2>;
    fn loss(&self, output: &Tensor<2>, batch: &ImageBatch) -> Loss;
    fn decode(&self, output: Tensor<2>) -> Vec<Classification>;
    fn truths(&self, batch: &ImageBatch) -> Vec<AnyTruth>;
    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, AnyTruth>>>;
    fn monitor(&self) -> Monitor;
    fn predicted_samples(
        &self,
        batch: &ImageBatch,
        predictions: &[Classification],
        most: usize,
    ) -> Vec<PredictedSample>;
}

impl<T> ErasedTask for T
where
    T: Task<Model = Classifier, Batch = ImageBatch, Output = Tensor<2>, Prediction = Classification>,
    T::Truth: Clone + 'static,
{
    fn name(&self) -> &str {
        Task::name(self)
    }

    fn describe(&self) -> Value {
        Task::describe(self)
    }

    fn batch_len(&self, batch: &ImageBatch) -> usize {
        Task::batch_len(self, batch)
    }

    fn forward(&self, model: &Classifier, batch: &ImageBatch) -> Tensor<2> {
        Task::forward(self, model, batch)
    }

    fn loss(&self, output: &Tensor<2>, batch: &ImageBatch) -> Loss {
        Task::loss(self, output, batch)
    }

    fn decode(&self, output: Tensor<2>) -> Vec<Classification> {
        Task::decode(self, output)
    }

    fn truths(&self, batch: &ImageBatch) -> Vec<AnyTruth> {
        Task::truths(self, batch).into_iter().map(|truth| Box::new(truth) as AnyTruth).collect()
    }

    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, AnyTruth>>> {
        let boxed = |metric| Box::new(OfAnyTruth(metric)) as Box<dyn Metric<Classification, AnyTruth>>;
        Task::metrics(self).into_iter().map(boxed).collect()
    }

    fn monitor(&self) -> Monitor {
        Task::monitor(self)
    }

    fn predicted_samples(
        &self,
        batch: &ImageBatch,
        predictions: &[Classification],
        most: usize,
    ) -> Vec<PredictedSample> {
        Task::predicted_samples(self, batch, predictions, most)
    }
}

/// A metric of truths of one type, which takes them out of their boxes.
struct OfAnyTruth<T>(Box<dyn Metric<Classification, T>>);

impl<T: Clone + Send + 'static> Metric<Classification, AnyTruth> for OfAnyTruth<T> {
    fn update(&mut self, predictions: &[Classification], truths: &[AnyTruth]) {
        let unboxed = truths.iter().map(|truth| truth.downcast_ref::<T>().expect("a task's truths are of one type"));
        self.0.update(predictions, &unboxed.cloned().collect::<Vec<_>>());
    }

    fn compute(&self) -> Vec<(String, f64)> {
        self.0.compute()
    }

    fn detail(&self) -> Option<MetricDetail> {
        self.0.detail()
    }
}
