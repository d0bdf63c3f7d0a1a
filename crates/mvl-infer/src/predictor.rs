//! One model, answering.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use mvl_core::{Backend, Classification, ClassifierSpec, Labels};
use mvl_data::InputTensor;

use crate::{
    ClassifierEngine, Engine, EngineError, EngineReport, HostTensor, InferError, Input, Loading, Prediction,
    PredictorBuilder, TrainedClassifier,
};

/// Which output of an engine holds the answer.
const PROBABILITIES: &str = "probabilities";

/// Answers what is in an image, with a model prepared as it was trained.
///
/// It is a face over an [`Engine`], burn's unless [another](PredictorBuilder::with_engine) was chosen: normalisations are folded and blocks
/// re-parameterised when it is loaded. It can be shared between threads; burn's forward passes run one at a time.
pub struct Predictor<B: Backend> {
    engine: Arc<dyn Engine>,
    spec: ClassifierSpec,
    labels: Arc<Labels>,
    /// Where probabilities are among the engine's outputs.
    answer: usize,
    loading: Loading,
    backend: PhantomData<B>,
}

impl<B: Backend> Predictor<B> {
    pub(crate) fn new(engine: Arc<dyn Engine>, spec: ClassifierSpec, loading: Loading) -> Self {
        let outputs = &engine.signature().outputs;
        let answer = outputs.iter().position(|output| output.name == PROBABILITIES).expect("engines of classifiers");
        let labels = Arc::new(spec.labels.clone());
        Self { engine, labels, spec, answer, loading, backend: PhantomData }
    }

    /// A run's folder, a saved model's folder, or a weights name of the zoo.
    ///
    /// # Errors
    /// Like [`PredictorBuilder::load`].
    pub fn load(model: impl AsRef<OsStr>) -> Result<Self, InferError> {
        Self::builder(model).load()
    }

    /// The same with more to say: weights file, registry, device, engine.
    pub fn builder(model: impl AsRef<OsStr>) -> PredictorBuilder<B> {
        PredictorBuilder::new(model.as_ref().to_owned())
    }

    /// A model that is loaded already, computed by burn where it lies, in `f32`.
    pub fn of(trained: &TrainedClassifier) -> Self {
        let load = || Ok::<_, Infallible>(ClassifierEngine::<B>::new(trained));
        let (engine, loading) = Loading::watch(load).unwrap_or_else(|never| match never {});
        Self::new(Arc::new(engine), trained.spec.clone(), loading)
    }

    /// Everything known of the model beside its weights.
    pub fn spec(&self) -> &ClassifierSpec {
        &self.spec
    }

    /// What computes, to be asked for tensors, or put into a [`Batcher`](crate::Batcher).
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Runs zeros through the model, so many images at once, so that the first answer takes no longer than the others. Where the model
    /// takes images of any size there is nothing to be done.
    ///
    /// # Errors
    /// [`InferError::Run`] when the engine fails.
    pub fn warm_up(&self, batch: usize) -> Result<(), InferError> {
        if let Some(zeros) = self.engine.signature().zeros(batch) {
            self.engine.run(zeros)?;
        }
        Ok(())
    }

    /// What it takes: parameters, memory, and for each number of images at once the times of forward passes, each asked for so long.
    ///
    /// # Errors
    /// [`InferError::Run`] when the engine fails, or the model takes images of any size.
    ///
    /// # Example
    /// ```no_run
    /// # use std::time::Duration;
    /// # use mvl_core::Cpu;
    /// # use mvl_infer::Predictor;
    /// let report = Predictor::<Cpu>::load("runs/demo")?.report(&[1, 8], Duration::from_secs(2))?;
    /// println!("{:?} bytes at most, {:.1} ms an image", report.peak_bytes, report.timings[0].p50_ms);
    /// # Ok::<(), mvl_infer::InferError>(())
    /// ```
    pub fn report(&self, batches: &[usize], duration: Duration) -> Result<EngineReport, InferError> {
        Ok(EngineReport::measure(&*self.engine, self.loading, batches, duration)?)
    }

    /// Answers for one image.
    ///
    /// # Errors
    /// [`InferError::Data`] when it cannot be read or prepared, [`InferError::Run`] when the engine fails.
    pub fn predict<'a>(&self, input: impl Into<Input<'a>>) -> Result<Prediction, InferError> {
        let prepared = self.prepare(input)?;
        self.answer_alone(&prepared)
    }

    /// Answers for many images in one forward pass (one per shape, where the preprocessing keeps shapes apart). Each image
    /// has its own answer or error, in order.
    pub fn predict_batch<'a>(&self, inputs: Vec<Input<'a>>) -> Vec<Result<Prediction, InferError>> {
        let prepared: Vec<Result<InputTensor, InferError>> =
            inputs.into_iter().map(|input| self.prepare(input)).collect();
        let images: Vec<&InputTensor> = prepared.iter().filter_map(|image| image.as_ref().ok()).collect();
        let mut answers = self.predict_prepared(&images).into_iter();
        let mut answer = || answers.next().expect("an answer for each image");
        prepared.into_iter().map(|image| image.and_then(|_| answer())).collect()
    }

    /// Answers for any number of images, one after the other as they are asked for, in forward passes of `batch` images. No more is read
    /// than a batch ahead.
    ///
    /// # Panics
    /// When `batch` is 0.
    pub fn predict_stream<'a, I>(
        &'a self,
        inputs: I,
        batch: usize,
    ) -> impl Iterator<Item = Result<Prediction, InferError>> + 'a
    where
        I: IntoIterator<Item = Input<'a>>,
        I::IntoIter: 'a,
    {
        assert!(batch > 0, "expected batches of at least one image");
        let mut inputs = inputs.into_iter();
        let batches = std::iter::from_fn(move || {
            let inputs: Vec<_> = inputs.by_ref().take(batch).collect();
            (!inputs.is_empty()).then_some(inputs)
        });
        batches.flat_map(|inputs| self.predict_batch(inputs))
    }

    /// Answers for one image without blocking the task that waits: reading, preparing and the forward pass run on one of tokio's threads
    /// for blocking work. To put many callers' images into one forward pass use a [`Batcher`](crate::Batcher).
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    ///
    /// # Panics
    /// Outside of a tokio runtime, and when the forward pass does.
    pub async fn predict_async(self: &Arc<Self>, input: impl Into<Input<'static>>) -> Result<Prediction, InferError> {
        let (this, input) = (self.clone(), input.into());
        match tokio::task::spawn_blocking(move || this.predict(input)).await {
            Ok(answer) => answer,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Reads an image and prepares it as in training.
    ///
    /// # Errors
    /// [`InferError::Data`] when it cannot be read or prepared.
    pub fn prepare<'a>(&self, input: impl Into<Input<'a>>) -> Result<InputTensor, InferError> {
        Ok(input.into().prepare(&self.spec.preprocess)?)
    }

    /// Answers for images that are [prepared](Self::prepare) already, in one forward pass a shape. Each has its own answer or error, in
    /// order.
    pub fn predict_prepared(&self, images: &[&InputTensor]) -> Vec<Result<Prediction, InferError>> {
        let mut by_shape: BTreeMap<[usize; 3], Vec<usize>> = BTreeMap::new();
        images.iter().enumerate().for_each(|(place, image)| by_shape.entry(image.shape).or_default().push(place));
        let mut answers: Vec<Option<Result<Prediction, InferError>>> = images.iter().map(|_| None).collect();
        for places in by_shape.into_values() {
            let alike: Vec<&InputTensor> = places.iter().map(|&place| images[place]).collect();
            match self.answer(&alike) {
                Ok(predictions) => {
                    places.iter().zip(predictions).for_each(|(&place, answer)| answers[place] = Some(Ok(answer)));
                }
                // Whose fault it is shows when each is tried alone.
                Err(_) => places.iter().for_each(|&place| answers[place] = Some(self.answer_alone(images[place]))),
            }
        }
        answers.into_iter().map(|answer| answer.expect("every image was answered")).collect()
    }

    fn answer_alone(&self, image: &InputTensor) -> Result<Prediction, InferError> {
        let mut answers = self.answer(&[image])?;
        answers.pop().ok_or_else(|| no_answers(1, 0))
    }

    /// One forward pass for images of one shape.
    fn answer(&self, images: &[&InputTensor]) -> Result<Vec<Prediction>, InferError> {
        let shape @ [channels, height, width] = images[0].shape;
        self.check_shape(shape)?;
        let values: Vec<f32> = images.iter().flat_map(|image| image.values.iter().copied()).collect();
        let tensor = HostTensor::from_f32(vec![images.len(), channels, height, width], &values);
        let outputs = self.engine.run(vec![tensor])?;
        self.engine.signature().check_outputs(&outputs).map_err(|error| EngineError::Failed(error.to_string()))?;
        let (rows, probabilities) = (outputs[self.answer].shape()[0], outputs[self.answer].to_f32());
        if rows != images.len() {
            return Err(no_answers(images.len(), rows));
        }
        let probabilities = probabilities.map_err(EngineError::from)?;
        let answers = probabilities.chunks_exact(probabilities.len() / rows);
        let named = |row: &[f32]| Prediction::new(Classification::new(row.to_vec()), self.labels.clone());
        Ok(answers.map(named).collect())
    }

    fn check_shape(&self, got: [usize; 3]) -> Result<(), InferError> {
        let fixed = self.spec.preprocess.output_shape();
        let [channels, height, width] = fixed.unwrap_or([self.spec.model.in_channels, got[1], got[2]]);
        if got == [channels, height, width] {
            return Ok(());
        }
        let expected = match fixed {
            Some(_) => format!("{channels}, {height}, {width}"),
            None => format!("{channels}, H, W"),
        };
        Err(InferError::Shape { expected, got })
    }
}

fn no_answers(expected: usize, got: usize) -> InferError {
    EngineError::Failed(format!("expected answers for {expected} images, got {got}")).into()
}

impl<B: Backend> fmt::Debug for Predictor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platform = self.engine.platform();
        f.debug_struct("Predictor").field("platform", &platform).field("spec", &self.spec).finish_non_exhaustive()
    }
}
