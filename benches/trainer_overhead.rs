//! What does the trainer cost over a loop written by hand in burn, what do observers cost on top, and how long does a step wait for a
//! checkpoint that is written in the background? The first two hardly depend on what a step computes, so they are measured on a
//! single tiny picture, where the noise of the kernels does not hide them, and told as a share of a step of 10 ms. Rounds of all ways
//! take turns; the median of the differences within a round counts.
//! Run: `RAYON_NUM_THREADS=1 cargo bench --workspace --bench trainer_overhead`, three minutes; one thread scatters less

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig as BurnSgd};
use burn::tensor::{Device, Distribution, Tensor};
use mvl::core::{
    Annotations, Backend, BatchIter, Classifier, DataError, DataLoader, Flow, ImageBatch, Labels, ModelConfig,
    ObserverError, Preprocess, SkippedSample, Task, TrainingEvent, TrainingObserver,
};
use mvl::models::{ClassificationTask, ClassifierSpec, zoo};
use mvl::train::{
    CheckpointConfig, ConfusionMatrixPlot, CsvLog, Curves, History, LearningRateMonitor, Moment, NanGuard,
    OptimizerConfig, ProgressBar, RunIdentity, ScheduleConfig, SgdConfig, Snapshot, TensorBoard, Throughput,
    TrainConfig, Trainer, prepare_model,
};
use mvl_benches::{heading, on_every_backend};

const CLASSES: usize = 10;
const STEPS: usize = 100;
const ROUNDS: usize = 201;
/// What a step should take.
const TARGET: Duration = Duration::from_millis(10);

on_every_backend!(run);

/// One batch, again and again.
struct Same {
    batch: ImageBatch,
    steps: usize,
}

impl DataLoader for Same {
    type Batch = ImageBatch;
    fn batches_per_epoch(&self) -> usize {
        self.steps
    }
    fn samples_per_epoch(&self) -> usize {
        self.steps * self.batch.len()
    }
    fn epoch(&self, _: usize, first: usize) -> Result<BatchIter<ImageBatch>, DataError> {
        let batch = self.batch.clone();
        Ok(Box::new((first..self.steps).map(move |_| Ok(batch.clone()))))
    }
    fn take_skipped(&self) -> Vec<SkippedSample> {
        Vec::new()
    }
}

struct Bench {
    config: ModelConfig,
    task: ClassificationTask,
    device: Device,
}

fn run<B: Backend>() -> Result<()> {
    heading::<B>("trainer against a loop by hand");
    let device = B::device(0)?.autodiff();
    let labels = Labels::new((0..CLASSES).map(|class| class.to_string()));
    let config = ModelConfig::new("resnet8", CLASSES).with_in_channels(1);
    let task = ClassificationTask::new(ClassifierSpec::new(config.clone(), labels, Preprocess::imagenet(32, 32)));
    let bench = Bench { config, task, device };
    let folder = tempfile::tempdir().context("a folder for the observers")?;
    let tiny = bench.batches(1, 8, STEPS);
    bench.by_hand(&tiny)?; // warm-up
    let (mut by_hand, mut trainer, mut observers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let hand = bench.by_hand(&tiny)?;
        let trained = bench.trained::<B>(&tiny, None)?;
        let observed = bench.trained::<B>(&tiny, Some(folder.path()))?;
        let [hand, trained, observed] = [hand, trained, observed].map(|time| time.as_secs_f64() / STEPS as f64);
        by_hand.push(hand * 1e3);
        trainer.push((trained - hand) * 1e6);
        observers.push((observed - trained) * 1e6);
    }
    println!("  resnet8, 1x8x8, batch 1: {:.2} ms a step by hand", median(by_hand));
    for (name, beyond) in [("trainer over the loop by hand", trainer), ("nine observers over the trainer", observers)] {
        let [middle, error] = [median(beyond.clone()), error_of_median(beyond)];
        let share = |micros: f64| micros / TARGET.as_micros() as f64 * 100.0;
        println!("  {name}: {middle:+.0} ± {error:.0} µs a step, {:+.2} % of one of 10 ms", share(middle));
    }

    let mut size = 1;
    while size < 256 && bench.by_hand(&bench.batches(size, 28, 10))? < 10 * TARGET {
        size += 1;
    }
    let batches = bench.batches(size, 28, STEPS);
    println!("  resnet8, 1x28x28, batch {size}");
    bench.checkpoints::<B>(&batches, folder.path())
}

impl Bench {
    fn batches(&self, size: usize, side: usize, steps: usize) -> Same {
        let images = Tensor::random([size, 1, side, side], Distribution::Normal(0.0, 1.0), &self.device);
        let mut batch = ImageBatch::unlabelled(images);
        for (index, annotations) in batch.annotations.iter_mut().enumerate() {
            *annotations = Annotations::labelled(index % CLASSES);
        }
        Same { batch, steps }
    }

    fn model(&self) -> Result<Classifier> {
        Ok(zoo().create_classifier(&self.config, &self.device.clone().without_autodiff())?)
    }

    fn settings(&self) -> TrainConfig {
        let sgd = SgdConfig { learning_rate: 0.01, momentum: 0.0, ..SgdConfig::default() };
        TrainConfig {
            epochs: 1,
            optimizer: OptimizerConfig::Sgd(sgd),
            schedule: ScheduleConfig::constant(),
            ..TrainConfig::default()
        }
    }

    /// What burn's book writes; the loss is read at each step, as whoever watches a run does.
    fn by_hand(&self, batches: &Same) -> Result<Duration> {
        let mut model = prepare_model(self.model()?, &self.device, 0);
        let mut optimizer = BurnSgd::new().init();
        let began = Instant::now();
        let mut sum = 0.0;
        for batch in batches.epoch(0, 0)? {
            let batch = batch?;
            let output = self.task.forward(&model, &batch);
            let loss = self.task.loss(&output, &batch).total;
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(0.01, model, gradients);
            sum += loss.into_scalar::<f64>();
        }
        self.device.sync().context("a device that works")?;
        anyhow::ensure!(sum.is_finite(), "the loss is {sum}");
        Ok(began.elapsed())
    }

    fn trained<B: Backend>(&self, batches: &Same, observed: Option<&Path>) -> Result<Duration> {
        let mut trainer = Trainer::<B, _>::new(self.task.clone(), self.settings())?;
        if let Some(folder) = observed {
            let file = |name: &str| folder.join(name);
            trainer = trainer
                .with_observer(ProgressBar::new())
                .with_observer(History::new(file("history.jsonl")))
                .with_observer(Curves::new(file("curves.svg")))
                .with_observer(CsvLog::new(file("metrics.csv")))
                .with_observer(TensorBoard::new(file("tensorboard")))
                .with_observer(LearningRateMonitor::new(file("rates.csv")))
                .with_observer(Throughput::new(file("throughput.jsonl")))
                .with_observer(ConfusionMatrixPlot::new(file("confusion")))
                .with_observer(NanGuard::new());
        }
        let times = Arc::new(Mutex::new(Vec::new()));
        let mut trainer = trainer.with_observer(Clock(times.clone()));
        trainer.fit(self.model()?, batches, None)?;
        self.device.sync().context("a device that works")?;
        // From the first step's beginning to the last one's end: what is done once a run is no overhead of a step.
        let times = times.lock().expect("nobody panics");
        Ok(times[times.len() - 1] - times[0])
    }

    /// How much longer steps take around a checkpoint than the others, and how long taking it off the device does.
    fn checkpoints<B: Backend>(&self, batches: &Same, folder: &Path) -> Result<()> {
        const EVERY: usize = 20;
        let checkpoints = CheckpointConfig { every_steps: Some(EVERY), ..CheckpointConfig::default() };
        let config = TrainConfig { checkpoints, ..self.settings() };
        let times = Arc::new(Mutex::new(Vec::new()));
        let mut trainer = Trainer::<B, _>::new(self.task.clone(), config)?
            .with_run_dir(folder.join("run"))
            .with_observer(Clock(times.clone()));
        let batches = Same { batch: batches.batch.clone(), steps: 10 * STEPS };
        trainer.fit(self.model()?, &batches, None)?;
        let times = times.lock().expect("nobody panics");
        let steps: Vec<f64> = times.windows(2).map(|two| (two[1] - two[0]).as_secs_f64() * 1e3).collect();
        // A step's number is that of its end; the copy is taken after every so many, and the next ones see the writer at work.
        let around =
            |after: usize| (EVERY..steps.len()).filter(move |step| step % EVERY == after).map(|step| steps[step]);
        let usual = median(around(EVERY / 2).collect());

        let identity = RunIdentity::new(&self.settings(), &self.task, &batches);
        let moment = Moment::new(&self.settings(), prepare_model(self.model()?, &self.device, 0), identity);
        let copies = (0..20).map(|_| {
            let began = Instant::now();
            drop(Snapshot::take(&self.task, &moment, Default::default()));
            began.elapsed().as_secs_f64() * 1e3
        });
        let copy = median(copies.collect());
        println!(
            "  checkpoints every {EVERY} steps: {usual:.2} ms a step between, {copy:.2} ms to take one off the device"
        );
        // As many steps from halfway between two checkpoints show what the machine itself does to the longest of them.
        for (place, first, copy) in [("after one", 0, copy), ("halfway to the next", EVERY / 2, 0.0)] {
            for step in 0..3 {
                let copy = if step == 0 { copy } else { 0.0 };
                let mut beyond: Vec<f64> = around(first + step).map(|time| time - usual - copy).collect();
                beyond.sort_by(f64::total_cmp);
                let [middle, late, worst] =
                    [0.5, 0.9, 1.0].map(|share| beyond[(share * (beyond.len() - 1) as f64) as usize]);
                println!(
                    "  step {} {place}: median {middle:+.2} ms, 90 % {late:+.2} ms, longest {worst:+.2} ms",
                    step + 1
                );
            }
        }
        let parameters = self.model()?.num_params();
        println!("  ({parameters} parameters)");
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The standard error of the median of values that scatter as these do about it.
fn error_of_median(values: Vec<f64>) -> f64 {
    let (middle, count) = (median(values.clone()), values.len() as f64);
    let spread = median(values.into_iter().map(|value| (value - middle).abs()).collect());
    // Of a normal distribution: 1.4826 to its standard deviation, and 1.2533 from the mean's error to the median's.
    1.4826 * 1.2533 * spread / count.sqrt()
}

/// Notes when the run began and each step ended.
struct Clock(Arc<Mutex<Vec<Instant>>>);

impl TrainingObserver for Clock {
    fn name(&self) -> &str {
        "clock"
    }

    fn update(&mut self, event: &TrainingEvent<'_>) -> Result<Flow, ObserverError> {
        if matches!(event, TrainingEvent::EpochStarted { .. } | TrainingEvent::StepFinished { .. }) {
            self.0.lock().expect("nobody panics").push(Instant::now());
        }
        Ok(Flow::Continue)
    }
}
