//! One model on one device, answering.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, Tensor, TensorData};
use mvl_core::{Backend, BoxedTask, Classifier, ClassifierSpec, ImageBatch, Labels, Task};
use mvl_data::InputTensor;

use crate::{InferError, Input, Prediction, PredictorBuilder};

/// Answers what is in an image, with a model prepared as it was trained.
///
/// It can be shared between threads; forward passes run one at a time.
pub struct Predictor<B: Backend> {
    model: Mutex<Classifier>, // burn modules can be sent between threads, not shared
    task: BoxedTask,
    spec: ClassifierSpec,
    labels: Arc<Labels>,
    device: Device,
    backend: PhantomData<B>,
}

impl<B: Backend> Predictor<B> {
    pub(crate) fn new(model: Classifier, task: BoxedTask, spec: ClassifierSpec, device: Device) -> Self {
        Self {
            model: Mutex::new(model),
            labels: Arc::new(spec.labels.clone()),
            task,
            spec,
            device,
            backend: PhantomData,
        }
    }

    /// A run's folder, a saved model's folder, or a weights name of the zoo.
    ///
    /// # Errors
    /// Like [`PredictorBuilder::load`].
    pub fn load(model: impl AsRef<OsStr>) -> Result<Self, InferError> {
        Self::builder(model).load()
    }

    /// The same with more to say: weights file, registry, device.
    pub fn builder(model: impl AsRef<OsStr>) -> PredictorBuilder<B> {
        PredictorBuilder::new(model.as_ref().to_owned())
    }

    /// Everything known of the model beside its weights.
    pub fn spec(&self) -> &ClassifierSpec {
        &self.spec
    }

    /// What the model is for; it says what its answers mean.
    pub fn task(&self) -> &BoxedTask {
        &self.task
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Answers for one image.
    ///
    /// # Errors
    /// [`InferError::Data`] when it cannot be read or prepared.
    pub fn predict<'a>(&self, input: impl Into<Input<'a>>) -> Result<Prediction, InferError> {
        let input = self.prepare(input.into())?;
        let mut answers = self.predict_tensor(self.stack(vec![input]))?;
        Ok(answers.pop().expect("one answer an image"))
    }

    /// Answers for many images in one forward pass (one per shape, where the preprocessing keeps shapes apart). Each image
    /// has its own answer or error, in order.
    pub fn predict_batch<'a>(&self, inputs: Vec<Input<'a>>) -> Vec<Result<Prediction, InferError>> {
        let mut answers: Vec<Option<Result<Prediction, InferError>>> = Vec::with_capacity(inputs.len());
        let mut by_shape: BTreeMap<[usize; 3], (Vec<usize>, Vec<InputTensor>)> = BTreeMap::new();
        for (place, input) in inputs.into_iter().enumerate() {
            match self.prepare(input) {
                Ok(tensor) => {
                    let (places, tensors) = by_shape.entry(tensor.shape).or_default();
                    places.push(place);
                    tensors.push(tensor);
                    answers.push(None);
                }
                Err(error) => answers.push(Some(Err(error))),
            }
        }
        for (places, tensors) in by_shape.into_values() {
            match self.predict_tensor(self.stack(tensors)) {
                Ok(predictions) => {
                    places.iter().zip(predictions).for_each(|(&place, answer)| answers[place] = Some(Ok(answer)));
                }
                Err(InferError::Shape { expected, got }) => places.iter().for_each(|&place| {
                    answers[place] = Some(Err(InferError::Shape { expected: expected.clone(), got }));
                }),
                Err(error) => unreachable!("a tensor's only fault is its shape: {error}"),
            }
        }
        answers.into_iter().map(|answer| answer.expect("every image was answered")).collect()
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

    /// Answers for images that are already prepared.
    ///
    /// # Shapes
    /// `images`: `[N, C, H, W]`, normalised as [`Preprocess`](mvl_core::Preprocess) says.
    ///
    /// # Errors
    /// [`InferError::Shape`] when C is not the model's, or H and W not those of its fixed preprocessing.
    pub fn predict_tensor(&self, images: Tensor<4>) -> Result<Vec<Prediction>, InferError> {
        self.check_shape(images.dims())?;
        let batch = ImageBatch::unlabelled(images.to_device(&self.device));
        let output = self.with_model(|model| self.task.forward(model, &batch));
        let answers = self.task.decode(output).into_iter();
        Ok(answers.map(|answer| Prediction::new(answer, self.labels.clone())).collect())
    }

    /// Lends the model out, to judge or export it. Predictions wait meanwhile, so the closure must not ask for one itself: it would
    /// wait for ever.
    pub fn with_model<R>(&self, use_model: impl FnOnce(&Classifier) -> R) -> R {
        use_model(&self.model.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads an image and prepares it as in training.
    fn prepare(&self, input: Input<'_>) -> Result<InputTensor, InferError> {
        Ok(input.prepare(&self.spec.preprocess)?)
    }

    /// Inputs of one shape to `[N, C, H, W]`.
    fn stack(&self, inputs: Vec<InputTensor>) -> Tensor<4> {
        let [channels, height, width] = inputs[0].shape;
        let shape = [inputs.len(), channels, height, width];
        let values: Vec<f32> = inputs.into_iter().flat_map(|input| input.values).collect();
        Tensor::from_data(TensorData::new(values, shape), &self.device)
    }

    fn check_shape(&self, got: [usize; 4]) -> Result<(), InferError> {
        let fixed = self.spec.preprocess.output_shape();
        let [channels, height, width] = fixed.unwrap_or([self.spec.model.in_channels, got[2], got[3]]);
        if got[0] > 0 && got[1..] == [channels, height, width] {
            return Ok(());
        }
        let expected = match fixed {
            Some(_) => format!("{channels}, {height}, {width}"),
            None => format!("{channels}, H, W"),
        };
        Err(InferError::Shape { expected, got })
    }
}

impl<B: Backend> fmt::Debug for Predictor<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor").field("backend", &B::NAME).field("spec", &self.spec).finish_non_exhaustive()
    }
}
