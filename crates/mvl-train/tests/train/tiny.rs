//! The task, its data, and tools to compare models.

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear, LinearConfig};
use burn::tensor::activation::{relu, softmax};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use mvl_core::{
    Annotations, BatchIter, Classification, DataError, DataLoader, EpochPlan, Flow, ImageBatch, Loss, Metric,
    MixedForward, Monitor, ObserverError, Order, SampleRng, SkippedSample, Task, TopKAccuracy, TrainingEvent,
    TrainingObserver,
};
use mvl_train::{GradientClipConfig, OptimizerConfig, ScheduleConfig, StopToken, TrainConfig};
use serde_json::{Value, json};

pub(crate) const SIDE: usize = 4;
pub(crate) const SAMPLES: usize = 22;
pub(crate) const BATCH: usize = 4; // the last batch has 2
pub(crate) const STEPS: usize = SAMPLES.div_ceil(BATCH);

/// The CPU backends have one random generator a process, so runs whose weights are compared must not overlap.
pub(crate) fn one_run_at_a_time() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Module, Debug)]
pub(crate) struct TinyNet {
    conv: Conv2d,
    norm: Option<BatchNorm>,
    dropout: Dropout,
    linear: Linear,
}

impl TinyNet {
    pub(crate) fn new(device: &Device) -> Self {
        Self::with_channels(3, device)
    }

    pub(crate) fn with_channels(channels: usize, device: &Device) -> Self {
        Self {
            conv: Conv2dConfig::new([1, channels], [3, 3]).init(device),
            norm: Some(BatchNormConfig::new(channels).init(device)),
            dropout: DropoutConfig::new(0.2).init(),
            linear: LinearConfig::new(channels * 4, 2).init(device),
        }
    }

    /// Without anything that looks across a batch or draws numbers.
    pub(crate) fn plain(device: &Device) -> Self {
        Self { norm: None, dropout: DropoutConfig::new(0.0).init(), ..Self::new(device) }
    }

    fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let images = images.cast(self.conv.weight.val().dtype());
        let maps = self.conv.forward(images); // [N, C, 2, 2]
        let maps = relu(match &self.norm {
            Some(norm) => norm.forward_mixed(maps),
            None => maps,
        });
        self.linear.forward_mixed(self.dropout.forward(maps.flatten(1, 3))).cast(DType::F32)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct TinyTask {
    pub(crate) monitor: Monitor,
    pub(crate) describes: Value,
}

impl Default for TinyTask {
    fn default() -> Self {
        Self { monitor: Monitor::max("accuracy"), describes: json!({"kind": "tiny", "labels": ["left", "right"]}) }
    }
}

impl Task for TinyTask {
    type Model = TinyNet;
    type Batch = ImageBatch;
    type Output = Tensor<2>;
    type Prediction = Classification;
    type Truth = Option<usize>;

    fn name(&self) -> &str {
        "tiny"
    }
    fn describe(&self) -> Value {
        self.describes.clone()
    }
    fn batch_len(&self, batch: &ImageBatch) -> usize {
        batch.len()
    }
    fn forward(&self, model: &TinyNet, batch: &ImageBatch) -> Tensor<2> {
        model.forward(batch.images.clone())
    }
    fn loss(&self, logits: &Tensor<2>, batch: &ImageBatch) -> Loss {
        let labels: Vec<i64> = self.truths(batch).iter().map(|label| label.expect("labelled") as i64).collect();
        let count = labels.len();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(labels, [count]), &logits.device());
        Loss::new(CrossEntropyLossConfig::new().init(&logits.device()).forward(logits.clone(), targets))
    }
    fn decode(&self, logits: Tensor<2>) -> Vec<Classification> {
        let probabilities = softmax(logits, 1).into_data().convert::<f32>();
        probabilities
            .try_to_vec::<f32>()
            .expect("floats")
            .chunks(2)
            .map(|row| Classification::new(row.to_vec()))
            .collect()
    }
    fn truths(&self, batch: &ImageBatch) -> Vec<Option<usize>> {
        batch.annotations.iter().map(|annotations| annotations.label).collect()
    }
    fn metrics(&self) -> Vec<Box<dyn Metric<Classification, Option<usize>>>> {
        vec![Box::new(TopKAccuracy::new(1))]
    }
    fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }
}

/// Images in memory, shuffled by `(seed, epoch)`.
pub(crate) struct TinyLoader {
    pub(crate) device: Device,
    pub(crate) order: Order,
    pub(crate) samples: usize,
    /// The epoch and batch whose pixels are NaN.
    pub(crate) poison: Option<(usize, usize)>,
    /// Batches that are missing from each epoch.
    pub(crate) missing: usize,
    /// Samples to leave out, with the reason `unreadable`.
    pub(crate) unreadable: Vec<usize>,
    pub(crate) skipped: Mutex<Vec<SkippedSample>>,
}

impl TinyLoader {
    pub(crate) fn train(device: &Device) -> Self {
        let unreadable = Vec::new();
        let (device, order, skipped) = (device.clone(), Order::Shuffled, Mutex::default());
        Self { device, order, samples: SAMPLES, poison: None, missing: 0, unreadable, skipped }
    }

    pub(crate) fn valid(device: &Device) -> Self {
        Self { order: Order::Sequential, ..Self::train(device) }
    }

    fn batch(&self, indices: &[usize], poisoned: bool) -> ImageBatch {
        let (mut pixels, mut annotations) = (Vec::new(), Vec::new());
        for &index in indices {
            let mut rng = SampleRng::new([7, index as u64, 0, 0]);
            let label = index % 2;
            let bright = |column: usize| f64::from(u8::from(column / (SIDE / 2) == label));
            let pixel = |place: usize, rng: &mut SampleRng| (bright(place % SIDE) + rng.between(-0.8, 0.8)) as f32;
            pixels.extend((0..SIDE * SIDE).map(|place| if poisoned { f32::NAN } else { pixel(place, &mut rng) }));
            let mut known = Annotations::default();
            known.label = Some(label);
            annotations.push(known);
        }
        let data = TensorData::new(pixels, [indices.len(), 1, SIDE, SIDE]);
        ImageBatch { images: Tensor::from_data(data, &self.device), annotations }
    }
}

impl DataLoader for TinyLoader {
    type Batch = ImageBatch;

    fn batches_per_epoch(&self) -> usize {
        self.samples.div_ceil(BATCH)
    }

    fn samples_per_epoch(&self) -> usize {
        self.samples
    }

    fn epoch(&self, epoch: usize, first_batch: usize) -> Result<BatchIter<ImageBatch>, DataError> {
        let keys = EpochPlan::new(self.samples, self.order).with_seed(3).with_epoch(epoch).keys();
        let mut batches = Vec::new();
        for (number, keys) in keys.chunks(BATCH).enumerate().skip(first_batch) {
            let (left_out, indices): (Vec<usize>, Vec<usize>) =
                keys.iter().map(|key| key.index).partition(|index| self.unreadable.contains(index));
            let skipped = left_out.into_iter().map(|index| SkippedSample { index, reason: "unreadable".to_owned() });
            self.skipped.lock().expect("not poisoned").extend(skipped);
            batches.push(Ok(self.batch(&indices, self.poison == Some((epoch, number)))));
        }
        batches.truncate(batches.len().saturating_sub(self.missing));
        Ok(Box::new(batches.into_iter()))
    }

    fn take_skipped(&self) -> Vec<SkippedSample> {
        std::mem::take(&mut self.skipped.lock().expect("not poisoned"))
    }
}

/// AdamW with clipping, warm-up and cosine: everything that has state or depends on the step.
pub(crate) fn config(epochs: usize) -> TrainConfig {
    TrainConfig {
        epochs,
        seed: 5,
        optimizer: OptimizerConfig::adamw(0.02),
        schedule: ScheduleConfig::cosine().with_warmup_epochs(0.5),
        gradient_clip: Some(GradientClipConfig::Norm(1.0)),
        ..TrainConfig::default()
    }
}

/// Every float of a model, running statistics included, as bits.
pub(crate) fn bits(model: &TinyNet) -> Vec<u32> {
    struct Bits(Vec<u32>);
    impl ModuleVisitor for Bits {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.extend(param.val().into_data().iter::<f32>().map(f32::to_bits));
        }
    }
    let mut bits = Bits(Vec::new());
    model.valid().visit(&mut bits);
    bits.0
}

/// Asks to stop after a step.
pub(crate) struct StopAfter {
    pub(crate) global_step: usize,
    pub(crate) token: StopToken,
}

impl TrainingObserver for StopAfter {
    fn name(&self) -> &str {
        "stop after"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if matches!(event, TrainingEvent::StepFinished { global_step, .. } if *global_step == self.global_step) {
            self.token.stop();
        }
        Ok(Flow::Continue)
    }
}

/// Calls a function with each event.
pub(crate) struct Listen<F>(pub F);

impl<F: FnMut(&TrainingEvent<'_>) -> Result<Flow, ObserverError> + Send> TrainingObserver for Listen<F> {
    fn name(&self) -> &str {
        "listener"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        (self.0)(event)
    }
}
